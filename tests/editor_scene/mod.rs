//! An editor without a window, and an invented scene for its tests and its benchmark. Nothing is learned or separated, so
//! that the pictures are the same on every machine.

#![allow(dead_code, unreachable_pub, reason = "several programs share this file, each its part of it")]

use std::sync::Arc;

use egui_kittest::Harness;
use unweave::dsp::{Column, Divergence, Format, StftLayout, Templates};
use unweave::editor::app::App;
use unweave::editor::canvas::Canvas;
use unweave::editor::instance::Instance;
use unweave::editor::screen::{SongView, Value};
use unweave::editor::{Action, Screen, theme, view};
use unweave::link::{EditorLink, Stage, connect};
use unweave::model::LearnInfo;
use unweave::params::Control;
use unweave::params::UnweaveParams;
use unweave::params::window_size::EditorSize;

/// The components of the scene: their names and activations in dB.
const COMPONENTS: [(&str, f32); 4] = [("Kick", -3.0), ("Hats", -38.0), ("Bass", -9.0), ("Lead", -21.0)];
/// Columns per bar of the music.
const BAR: usize = 180;

/// An editor without a window.
pub struct Scene {
    /// What it shows.
    pub screen: Screen,
    /// What the user did.
    pub actions: Vec<Action>,
    /// Columns that are not on the canvas yet.
    pub columns: Vec<Column>,
    canvas: Option<Canvas>,
}

impl Scene {
    /// Draws it into the whole window.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        let canvas = self.canvas.get_or_insert_with(|| Canvas::new(ui.ctx()));
        self.columns.drain(..).for_each(|column| canvas.push(&column));
        self.screen.canvas = Some(canvas.view());
        let whole = ui.ctx().content_rect();
        let shown = ui.scope_builder(egui::UiBuilder::new().max_rect(whole), |ui| view(ui, &self.screen));
        self.actions.extend(shown.inner);
    }

    /// What the user did since the last call.
    pub fn done(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// A parameter's value, to change it.
    pub fn value(&mut self, control: Control) -> &mut Value {
        &mut self.screen.values[control.index()]
    }

    /// Sets a parameter's value and text.
    pub fn set(&mut self, control: Control, normalized: f32, text: &str) {
        let value = self.value(control);
        (value.normalized, value.text) = (normalized, text.into());
    }
}

/// An open editor.
pub type Editor = Harness<'static, Scene>;

/// Opens an editor in its normal size.
pub fn open(scene: Scene) -> Editor {
    open_at(scene, [1200.0, 780.0], 1.0)
}

/// Opens an editor in a size, at a scale.
pub fn open_at(scene: Scene, size: [f32; 2], pixels_per_point: f32) -> Editor {
    let mut editor = Harness::builder()
        .with_size(size)
        .with_pixels_per_point(pixels_per_point)
        .with_step_dt(1.0 / 60.0)
        .renderer(crate::rasterizer::renderer())
        .with_context_setup(theme::apply)
        .build_ui_state(|ui, scene: &mut Scene| scene.show(ui), scene);
    editor.run_steps(3);
    editor
}

/// An instance that has learned nothing, while music plays.
pub fn empty() -> Scene {
    let (_audio, _learn, link) = connect();
    scene(instance(link), 0)
}

/// An instance that has learned four components, and plays them.
pub fn live() -> Scene {
    live_of(COMPONENTS.len())
}

/// An instance that has learned this many components, and plays them: the same four over and over.
pub fn live_of(components: usize) -> Scene {
    let (_audio, _learn, link) = connect();
    let mut scene = scene(instance(link), components);
    scene.screen.stage = Stage::Live;
    scene.screen.learned_s = 8.3;
    scene.screen.load = 0.009;
    for (strip, (_, activation_db)) in scene.screen.strips.iter_mut().zip(COMPONENTS.into_iter().cycle()) {
        strip.activation_db = activation_db;
    }
    scene
}

/// The same scene in the standalone program.
pub fn with_song(mut scene: Scene) -> Scene {
    let peak = |n: usize| ((n as f32 * 0.05).sin().abs() * 0.6 + (n as f32 * 0.4).sin().abs() * 0.4).min(1.0);
    scene.screen.song = Some(SongView {
        title: "groove.flac".into(),
        overview: (0..2000).map(|n| [-peak(n), peak(n + 9)]).collect(),
        seconds: 14.0,
        position_s: 4.5,
        loop_range: Some((3.0, 7.0)),
        is_playing: true,
    });
    scene
}

/// An instance with default parameters.
pub fn instance(link: EditorLink) -> Instance {
    Instance::new(Arc::new(UnweaveParams::new(link.models.clone(), link.status.clone())), link)
}

fn scene(instance: Instance, components: usize) -> Scene {
    instance.link.models.replace((components > 0).then(|| Arc::new(learned(components))));
    let mut app = App::new(instance, EditorSize::default());
    let screen = Screen { latency_ms: 42.7, input_db: -9.0, history_s: 30.0, ..app.screen() };
    // Without a model, the editor was opened a moment ago.
    let bars = if components == 0 { 2 } else { 7 };
    let columns = (0..bars * BAR).map(|index| column(index, components)).collect();
    Scene { screen, actions: Vec::new(), columns, canvas: None }
}

/// A model of this many components, with four templates each.
pub fn learned(components: usize) -> unweave::model::Model {
    let layout = StftLayout::default();
    let format = Format::new(48_000.0, layout, 1);
    let (mut owners, mut matrix) = (Vec::new(), Vec::new());
    for component in 0..components {
        for template in 0..4 {
            owners.push(component);
            let hz = (0..format.bins()).map(|bin| bin as f32 * 48_000.0 / 2048.0 + 1.0);
            matrix.extend(hz.map(|hz| magnitude(component, template, hz)));
        }
    }
    let names = COMPONENTS.iter().cycle().take(components).map(|(name, _)| (*name).into()).collect();
    let templates = Templates::new(format, names, owners, matrix).unwrap();
    let divergence = Divergence::default();
    let learned = LearnInfo { divergence, seed: 1, iterations: 60, layout, extend_pitch: false, steady: Vec::new() };
    unweave::model::Model::new(&templates, learned).unwrap()
}

/// The magnitude of a template at a frequency.
fn magnitude(component: usize, template: usize, hz: f32) -> f32 {
    let step = template as f32;
    let bump = |middle_hz: f32, octaves: f32| (-((hz / middle_hz).log2() / octaves).powi(2)).exp();
    let harmonics = |base_hz: f32, rolloff: f32| {
        let harmonic = hz / base_hz;
        let distance = (harmonic - harmonic.round().max(1.0)) * base_hz;
        (-(distance / 22.0).powi(2)).exp() * harmonic.max(1.0).powf(-rolloff)
    };
    match component % COMPONENTS.len() {
        0 => bump(55.0 + 30.0 * step, 0.5 + 0.3 * step) + 1e-4,
        1 => bump(6000.0 + 1800.0 * step, 0.9) + 1e-4,
        2 => harmonics(82.0 * 1.12f32.powf(step), 1.1) + 1e-4,
        _ => harmonics(440.0 * 1.19f32.powf(step), 0.7) + 1e-4,
    }
}

/// How loud a component is in a column.
fn strength(component: usize, index: usize) -> f32 {
    let within = |period: usize, start: usize| ((index + period - start) % period) as f32;
    match component % COMPONENTS.len() {
        0 => (-within(45, 0) / 9.0).exp(),
        1 => (-within(45, 22) / 5.0).exp() * 0.5,
        2 => 0.5 * (-within(90, 6) / 70.0).exp(),
        _ => 0.35 * (-within(60, 12) / 30.0).exp(),
    }
}

/// A column of the music, with this many components.
pub fn column(index: usize, components: usize) -> Column {
    let mut column = Column { seconds: 512.0 / 48_000.0, components, ..Column::default() };
    for (row, level) in column.levels.iter_mut().enumerate() {
        let hz = 40.0 * 400f32.powf(row as f32 / 255.0);
        let magnitude_of = |component: usize| {
            let template = index / 60 % 4;
            strength(component, index) * magnitude(component, template, hz) + 1e-6
        };
        let all: f32 = (0..components.max(COMPONENTS.len())).map(magnitude_of).sum();
        *level = ((120.0 + 20.0 * all.log10()) / 0.5) as u8;
        for component in 0..components {
            column.shares[component][row] = (255.0 * magnitude_of(component) / all) as u8;
        }
    }
    for (component, activation_db) in column.activations_db.iter_mut().enumerate().take(components) {
        *activation_db = 8.0 + 20.0 * (strength(component, index) + 1e-4).log10();
    }
    column
}
