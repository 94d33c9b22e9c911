//! Draws an egui interface without a GPU, a window or a display, for the snapshots of the editor.
//!
//! [`renderer`] goes into `egui_kittest`; then `harness.snapshot("name")` compares with `tests/snapshots/name.png`:
//!
//! ```text
//! let mut harness = Harness::builder().with_size([1200.0, 780.0]).renderer(rasterizer::renderer()).build_ui(view);
//! harness.run();
//! harness.snapshot("name");
//! ```
//!
//! `egui_kittest` leaves a margin of 8 points around `build_ui`, which stays black unless something is painted there.
//!
//! A missing or different picture fails the test and leaves `name.new.png`, and `name.diff.png` if the sizes agree. To
//! take the new pictures, look at them and run `UPDATE_SNAPSHOTS=1 cargo test`; `force` instead of `1`
//! also rewrites those within the tolerance. Only `name.png` is committed, not `.new.png`, `.diff.png` or `.old.png`.
//!
//! The pictures are the same on every machine: corners lie on a grid of 1/256 pixel and coverage is computed in integers, so
//! that no pixel is missed or drawn twice where triangles meet; colours are f32 sums in a fixed order, rounded to bytes after
//! every triangle, as in a window's frame buffer. Only egui's own results may differ in the last bit: glyphs, which it draws
//! with the vector units that it finds, and the sines of arcs. For these the comparison's threshold of 0.6 accepts a grey
//! that differs by one in 255, but not by two; it also ignores pixels that look like antialiased edges.
//!
//! Like egui's own renderers it blends premultiplied colours in gamma space, without dithering. Absent on purpose:
//! mipmaps, textures of the application's own GPU code, and paint callbacks, which are errors here.

mod texture;
mod triangle;

use std::collections::HashMap;
use std::path::Path;

use egui::epaint::{ImageDelta, Primitive};
use egui::{Context, FullOutput, Mesh, Rect, TextureId, TexturesDelta};
use egui_kittest::{Harness, TestRenderer};
use image::{Rgba, RgbaImage};

use texture::Texture;
use triangle::{Bounds, Triangle};

/// A renderer for [`egui_kittest::HarnessBuilder::renderer`].
pub(crate) fn renderer() -> impl TestRenderer {
    Rasterizer::default()
}

/// Saves what the harness shows now as a PNG file, to be looked at.
///
/// # Panics
/// If it cannot be drawn or written.
pub(crate) fn save<State>(harness: &mut Harness<'_, State>, path: &Path) {
    harness.render().unwrap().save(path).unwrap();
}

/// The textures of one interface.
#[derive(Default)]
struct Rasterizer {
    textures: HashMap<TextureId, Texture>,
    /// Freed by egui; the frame that reports this may still show them.
    last_seen: Vec<TextureId>,
}

impl Rasterizer {
    fn update(&mut self, id: TextureId, delta: &ImageDelta) {
        if let Some(corner) = delta.pos {
            let texture = self.textures.get_mut(&id).expect("egui sends a texture whole before parts of it");
            texture.update(corner, delta);
        } else {
            self.textures.insert(id, Texture::new(delta));
        }
    }

    fn draw(&self, target: &mut RgbaImage, mesh: &Mesh, bounds: &Bounds, pixels_per_point: f32) -> Result<(), String> {
        let texture = self.textures.get(&mesh.texture_id).ok_or_else(|| format!("no texture {:?}", mesh.texture_id))?;
        for corners in mesh.triangles() {
            let vertices = corners.map(|index| mesh.vertices[index as usize]);
            if let Some(triangle) = Triangle::new(vertices, pixels_per_point) {
                triangle.draw(target, texture, bounds);
            }
        }
        Ok(())
    }
}

impl TestRenderer for Rasterizer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for id in self.last_seen.drain(..) {
            self.textures.remove(&id);
        }
        // Updates of one texture keep their order; the order between textures does not matter.
        for (id, deltas) in delta.set.drain() {
            deltas.iter().for_each(|delta| self.update(id, delta));
        }
        self.last_seen.extend(delta.free.drain());
    }

    fn render(&mut self, ctx: &Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let pixels_per_point = ctx.pixels_per_point();
        let size = (ctx.content_rect().size() * pixels_per_point).round();
        // Opaque, as a window is: viewers disagree about premultiplied colours over a transparent background.
        let mut target = RgbaImage::from_pixel(size.x as u32, size.y as u32, Rgba([0, 0, 0, 255]));
        for clipped in ctx.tessellate(output.shapes.clone(), pixels_per_point) {
            let bounds = clip(clipped.clip_rect, pixels_per_point, &target);
            match &clipped.primitive {
                Primitive::Mesh(mesh) => self.draw(&mut target, mesh, &bounds, pixels_per_point)?,
                Primitive::Callback(_) => return Err("paint callbacks are for GPUs".to_owned()),
            }
        }
        Ok(target)
    }
}

/// The pixels of a clip rectangle, its edges rounded to whole pixels as egui's renderers do.
fn clip(rect: Rect, pixels_per_point: f32, target: &RgbaImage) -> Bounds {
    // `as` saturates, so an infinite rectangle becomes the whole picture.
    let pixel = |points: f32, len: u32| i64::from((points * pixels_per_point).round() as i32).clamp(0, i64::from(len));
    Bounds {
        columns: pixel(rect.min.x, target.width())..pixel(rect.max.x, target.width()),
        rows: pixel(rect.min.y, target.height())..pixel(rect.max.y, target.height()),
    }
}
