//! An editor without a window, and a made-up scene for it: what its tests and its benchmark look at. Nothing in it is
//! learned or separated, so that its pictures are the same on every machine.

#![allow(dead_code, unreachable_pub, reason = "several programs share this file, each its part of it")]

use std::sync::Arc;

use egui_kittest::Harness;
use unweave::dsp::{Column, Divergence, Format, StftLayout, Templates};
use unweave::editor::app::{App, Instance};
use unweave::editor::picture::Canvas;
use unweave::editor::screen::{SongView, Value};
use unweave::editor::{Action, Model, theme, view};
use unweave::link::{EditorLink, Stage, connect};
use unweave::model::Learned;
use unweave::params::Control;
use unweave::params::UnweaveParams;
use unweave::params::window_size::EditorSize;

/// Components of the scene: what they are called, and how loud they are.
const PARTS: [(&str, f32); 4] = [("Kick", -3.0), ("Hats", -38.0), ("Bass", -9.0), ("Lead", -21.0)];
/// Columns of a bar.
const BAR: usize = 180;

/// An editor without a window.
pub struct Scene {
    /// What it shows.
    pub model: Model,
    /// What was done in it.
    pub actions: Vec<Action>,
    /// Columns that are not in the picture yet.
    pub columns: Vec<Column>,
    canvas: Option<Canvas>,
}

impl Scene {
    /// Draws it into the whole window.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        let canvas = self.canvas.get_or_insert_with(|| Canvas::new(ui.ctx()));
        self.columns.drain(..).for_each(|column| canvas.push(&column));
        self.model.picture = Some(canvas.picture());
        let whole = ui.ctx().content_rect();
        let shown = ui.scope_builder(egui::UiBuilder::new().max_rect(whole), |ui| view(ui, &self.model));
        self.actions.extend(shown.inner);
    }

    /// What was done since this was asked last.
    pub fn done(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// A parameter's value, to be changed.
    pub fn value(&mut self, control: Control) -> &mut Value {
        &mut self.model.values[control.index()]
    }

    /// Sets a parameter, and what is written for it.
    pub fn set(&mut self, control: Control, normalized: f32, text: &str) {
        let value = self.value(control);
        (value.normalized, value.text) = (normalized, text.into());
    }
}

/// An open editor.
pub type Editor = Harness<'static, Scene>;

/// Opens an editor in its plain size.
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

/// An instance that has learned nothing, and hears music.
pub fn empty() -> Scene {
    let (_audio, _learn, link) = connect();
    scene(instance(link), 0)
}

/// An instance that has learned four parts, and plays them.
pub fn live() -> Scene {
    live_of(PARTS.len())
}

/// An instance that has learned so many parts, and plays them: the same four over and over.
pub fn live_of(parts: usize) -> Scene {
    let (_audio, _learn, link) = connect();
    let mut scene = scene(instance(link), parts);
    scene.model.stage = Stage::Live;
    scene.model.learned_s = 8.3;
    scene.model.load = 0.009;
    for (strip, (_, activation_db)) in scene.model.strips.iter_mut().zip(PARTS.into_iter().cycle()) {
        strip.activation_db = activation_db;
    }
    scene
}

/// The same in a program that plays songs.
pub fn with_song(mut scene: Scene) -> Scene {
    let peak = |n: usize| ((n as f32 * 0.05).sin().abs() * 0.6 + (n as f32 * 0.4).sin().abs() * 0.4).min(1.0);
    scene.model.song = Some(SongView {
        title: "groove.flac".into(),
        overview: (0..2000).map(|n| [-peak(n), peak(n + 9)]).collect(),
        seconds: 14.0,
        position_s: 4.5,
        looped: Some((3.0, 7.0)),
        is_playing: true,
    });
    scene
}

/// An instance with its parameters as they are at first.
pub fn instance(link: EditorLink) -> Instance {
    Instance {
        params: Arc::new(UnweaveParams::new(link.models.clone(), link.status.clone())),
        link,
        #[cfg(feature = "standalone")]
        player: None,
    }
}

fn scene(instance: Instance, parts: usize) -> Scene {
    instance.link.models.replace((parts > 0).then(|| Arc::new(learned(parts))));
    let mut app = App::new(instance, EditorSize::default());
    let model = Model { latency_ms: 42.7, input_db: -9.0, history_s: 30.0, ..app.model() };
    // Nothing learned: it was opened a moment ago.
    let bars = if parts == 0 { 2 } else { 7 };
    let columns = (0..bars * BAR).map(|index| column(index, parts)).collect();
    Scene { model, actions: Vec::new(), columns, canvas: None }
}

/// So many components, with a few templates each.
pub fn learned(parts: usize) -> unweave::model::Model {
    let layout = StftLayout::default();
    let format = Format::new(48_000.0, layout, 1);
    let (mut owners, mut matrix) = (Vec::new(), Vec::new());
    for component in 0..parts {
        for template in 0..4 {
            owners.push(component);
            let hz = (0..format.bins()).map(|bin| bin as f32 * 48_000.0 / 2048.0 + 1.0);
            matrix.extend(hz.map(|hz| magnitude(component, template, hz)));
        }
    }
    let names = PARTS.iter().cycle().take(parts).map(|(name, _)| (*name).into()).collect();
    let templates = Templates::new(format, names, owners, matrix).unwrap();
    let divergence = Divergence::default();
    let learned = Learned { divergence, seed: 1, iterations: 60, layout, extend_pitch: false, steady: Vec::new() };
    unweave::model::Model::new(&templates, learned).unwrap()
}

/// How strongly a frequency sounds in a template.
fn magnitude(component: usize, template: usize, hz: f32) -> f32 {
    let step = template as f32;
    let bump = |middle_hz: f32, octaves: f32| (-((hz / middle_hz).log2() / octaves).powi(2)).exp();
    let harmonics = |base_hz: f32, rolloff: f32| {
        let place = hz / base_hz;
        let distance = (place - place.round().max(1.0)) * base_hz;
        (-(distance / 22.0).powi(2)).exp() * place.max(1.0).powf(-rolloff)
    };
    match component % PARTS.len() {
        0 => bump(55.0 + 30.0 * step, 0.5 + 0.3 * step) + 1e-4,
        1 => bump(6000.0 + 1800.0 * step, 0.9) + 1e-4,
        2 => harmonics(82.0 * 1.12f32.powf(step), 1.1) + 1e-4,
        _ => harmonics(440.0 * 1.19f32.powf(step), 0.7) + 1e-4,
    }
}

/// How loud a part is in a column.
fn strength(component: usize, index: usize) -> f32 {
    let within = |period: usize, start: usize| ((index + period - start) % period) as f32;
    match component % PARTS.len() {
        0 => (-within(45, 0) / 9.0).exp(),
        1 => (-within(45, 22) / 5.0).exp() * 0.5,
        2 => 0.5 * (-within(90, 6) / 70.0).exp(),
        _ => 0.35 * (-within(60, 12) / 30.0).exp(),
    }
}

/// What is heard of so many parts at a place of the music.
pub fn column(index: usize, parts: usize) -> Column {
    let mut column = Column { seconds: 512.0 / 48_000.0, components: parts, ..Column::default() };
    for (row, level) in column.levels.iter_mut().enumerate() {
        let hz = 40.0 * 400f32.powf(row as f32 / 255.0);
        let part = |component: usize| {
            let template = index / 60 % 4;
            strength(component, index) * magnitude(component, template, hz) + 1e-6
        };
        let all: f32 = (0..parts.max(PARTS.len())).map(part).sum();
        *level = ((120.0 + 20.0 * all.log10()) / 0.5) as u8;
        for component in 0..parts {
            column.shares[component][row] = (255.0 * part(component) / all) as u8;
        }
    }
    for (component, activation_db) in column.activations_db.iter_mut().enumerate().take(parts) {
        *activation_db = 8.0 + 20.0 * (strength(component, index) + 1e-4).log10();
    }
    column
}
