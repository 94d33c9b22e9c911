//! How the editor looks in its main states. After a change that is meant: `UPDATE_SNAPSHOTS=1`, and look at the pictures.

mod editor_scene;
mod rasterizer;

use editor_scene::{Editor, empty, live, open, open_at, with_song};
use egui_kittest::kittest::Queryable;
use unweave::link::{Slot, Stage};
use unweave::params::Control;

#[test]
fn pictures_of_the_main_states() {
    let mut results = egui_kittest::SnapshotResults::new();
    let mut look = |name: &str, mut editor: Editor| {
        editor.run_steps(3);
        results.add(editor.try_snapshot(name));
    };
    look("empty", open(empty()));
    let mut editor = open(empty());
    editor.state_mut().set(Control::Capture, 1.0, "On");
    editor.state_mut().model.stage = Stage::Capturing { seconds: 3.2 };
    look("capturing", editor);
    let mut editor = open(empty());
    editor.state_mut().model.stage = Stage::Learning { progress: 0.63 };
    editor.state_mut().model.losses = (0..38).map(|n| 100.0 * (1.0 + 20.0 * (-(n as f32) / 6.0).exp())).collect();
    look("learning", editor);
    let mut editor = open(live());
    let model = &mut editor.state_mut().model;
    (model.stage, model.is_review, model.has_other, model.slot) = (Stage::Review, true, true, Slot::B);
    model.warnings = vec!["“Kick” and “Bass” have nearly the same templates: one of them may be enough".into()];
    look("review", editor);
    let mut editor = open(live());
    let scene = editor.state_mut();
    scene.set(Control::Gate(0), 0.35, "-45.0 dB");
    scene.set(Control::Gain(1), 0.385, "-4.5 dB");
    scene.set(Control::Mute(3), 1.0, "On");
    look("live", editor);
    let mut editor = open(empty());
    editor.state_mut().model.stage = Stage::Failed(
        "the capture is silent: its loudest sample is below −120 dB; capture where something sounds".into(),
    );
    look("failed", editor);
    look("song", open(with_song(live())));
    look("small", open_at(live(), [1080.0, 640.0], 1.0));
    // Four times the pixels: a picture that has just begun keeps the file small.
    let mut scene = live();
    scene.columns.truncate(300);
    look("twice", open_at(scene, [1200.0, 780.0], 2.0));
    let mut editor = open(live());
    editor.get_by_label("Settings").click();
    editor.run_steps(2);
    look("settings", editor);
}
