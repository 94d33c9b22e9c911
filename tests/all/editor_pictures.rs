//! Pictures of the editor in its main states. After an intended change, run with `UPDATE_SNAPSHOTS=1` and look at the pictures.

use crate::editor_scene::{Editor, empty, live, open, open_at, with_song};
use egui_kittest::kittest::Queryable;
use unweave::link::{Slot, Stage};
use unweave::params::Control;
use unweave::params::state::UnreadReason;

#[test]
fn pictures_of_the_main_states() {
    let mut results = egui_kittest::SnapshotResults::new();
    let mut compare = |name: &str, mut editor: Editor| {
        editor.run_steps(3);
        results.add(editor.try_snapshot(name));
    };
    compare("empty", open(empty()));
    let mut editor = open(empty());
    editor.state_mut().set(Control::Capture, 1.0, "On");
    editor.state_mut().screen.stage = Stage::Capturing { seconds: 3.2 };
    compare("capturing", editor);
    let mut editor = open(empty());
    editor.state_mut().screen.stage = Stage::Learning { progress: 0.63 };
    editor.state_mut().screen.losses = (0..38).map(|n| 100.0 * (1.0 + 20.0 * (-(n as f32) / 6.0).exp())).collect();
    compare("learning", editor);
    let mut editor = open(live());
    let screen = &mut editor.state_mut().screen;
    (screen.stage, screen.is_review, screen.has_other, screen.slot) = (Stage::Review, true, true, Slot::B);
    screen.warnings = vec!["“Kick” and “Bass” have nearly the same templates: one of them may be enough".into()];
    compare("review", editor);
    let mut editor = open(live());
    let scene = editor.state_mut();
    scene.set(Control::Gate(0), 0.35, "-45.0 dB");
    scene.set(Control::Gain(1), 0.385, "-4.5 dB");
    scene.set(Control::Mute(3), 1.0, "On");
    compare("live", editor);
    let mut editor = open(empty());
    editor.state_mut().screen.stage = Stage::Failed(
        "the capture is silent: its loudest sample is below −120 dB; capture where something sounds".into(),
    );
    compare("failed", editor);
    let mut editor = open(live());
    editor.state_mut().screen.project_error = Some(UnreadReason::Newer(3).to_string());
    compare("unreadable", editor);
    compare("song", open(with_song(live())));
    compare("small", open_at(live(), [1080.0, 640.0], 1.0));
    // Four times the pixels: a short spectrogram keeps the file small.
    let mut scene = live();
    scene.columns.truncate(300);
    compare("twice", open_at(scene, [1200.0, 780.0], 2.0));
    let mut editor = open(live());
    editor.get_by_label("Settings").click();
    editor.run_steps(2);
    compare("settings", editor);
}
