//! The editor's own cost of a frame on the processor: at 30 frames a second 1.67 ms of it are 5 % of a core. Run with
//! `cargo bench --package benches --bench editor`. What the graphics driver does is not in it.

#[path = "../tests/editor_scene/mod.rs"]
mod editor_scene;

use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use editor_scene::{Scene, column, instance, learned, live_of};
use egui::{Context, Pos2, RawInput, Rect, vec2};
use unweave::dsp::Column;
use unweave::editor::app::App;
use unweave::editor::theme;
use unweave::link::connect;
use unweave::params::window_size::EditorSize;

/// Components, and pixels of a point.
const SCENES: [(usize, f32); 4] = [(4, 1.0), (4, 2.0), (16, 1.0), (16, 2.0)];
/// Columns that come in the time of a frame: 94 a second.
const COLUMNS: usize = 3;

/// What `editor_scene` draws pictures with: not here.
mod rasterizer {
    pub(crate) fn renderer() -> impl egui_kittest::TestRenderer {
        egui_kittest::LazyRenderer::default()
    }
}

fn main() {
    divan::main();
}

/// An editor that draws into nothing.
struct Desk {
    context: Context,
    scene: Scene,
    /// What is heard, over and over.
    music: Vec<Column>,
    scale: f32,
    frames: usize,
}

impl Desk {
    fn new((parts, scale): (usize, f32)) -> Self {
        let context = Context::default();
        theme::apply(&context);
        let music = (0..60 * COLUMNS).map(|index| column(index, parts)).collect();
        let mut desk = Self { context, scene: live_of(parts), music, scale, frames: 0 };
        // Fonts, and a full picture.
        (0..5).for_each(|_| {
            desk.frame();
        });
        desk
    }

    /// Shapes of the next frame become triangles. The bytes of texture that are new.
    fn frame(&mut self) -> usize {
        self.frames += 1;
        let heard = (self.frames * COLUMNS) % self.music.len();
        self.scene.columns.extend_from_slice(&self.music[heard..heard + COLUMNS]);
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1200.0, 780.0))),
            time: Some(self.frames as f64 / 30.0),
            ..RawInput::default()
        };
        if let Some(viewport) = input.viewports.get_mut(&input.viewport_id) {
            viewport.native_pixels_per_point = Some(self.scale);
        }
        let mut output = self.context.run_ui(input, |ui| self.scene.show(ui));
        let textures = std::mem::take(&mut output.textures_delta.set);
        divan::black_box(self.context.tessellate(output.shapes, output.pixels_per_point));
        textures.values().flatten().map(|new| new.image.width() * new.image.height() * 4).sum()
    }
}

/// Layout, triangles, and the texture columns of one frame; the bytes are those that go to the graphics card.
#[divan::bench(args = SCENES)]
fn frame(bencher: Bencher, scene: (usize, f32)) {
    let mut desk = Desk::new(scene);
    let bytes = desk.frame();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| desk.frame());
}

/// What the instance is asked for in every frame.
#[divan::bench(args = [4, 16])]
fn screen(bencher: Bencher, components: usize) {
    let (_audio, _learn, link) = connect();
    link.models.replace(Some(Arc::new(learned(components))));
    let mut app = App::new(instance(link), EditorSize::default());
    bencher.bench_local(|| app.screen());
}
