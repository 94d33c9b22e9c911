//! What becomes of a person's actions: the whole editor but its window, with a host that writes down what it is told, and a
//! learner whose requests are read.

mod editor_host;
mod editor_scene;
mod rasterizer;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use editor_host::{FakeHost, Told};
use editor_scene::{column, instance, learned};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, TouchPhase, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::KeyCapture;
use unweave::editor::app::App;
use unweave::editor::{Model, theme};
use unweave::files::model as model_file;
use unweave::link::{AudioLink, Command, EditorLink, LearnLink, LearnRequest, Slot, Stage, connect};
use unweave::model::settings::Target;
use unweave::params::Control;
use unweave::params::fader_position;
use unweave::params::window_size::EditorSize;

/// The editor as its window shows it.
struct Shown {
    app: App,
    /// Until it is open.
    gui: Option<GuiContext>,
    keys: KeyCapture,
}

/// An open editor, and both sides of it.
struct Desk {
    editor: Harness<'static, Shown>,
    host: FakeHost,
    audio: AudioLink,
    learn: LearnLink,
    link: EditorLink,
}

/// Opens the editor of an instance with so many components.
fn open(components: usize) -> Desk {
    let (audio, learn, link) = connect();
    link.models.replace((components > 0).then(|| Arc::new(learned(components))));
    let instance = instance(link.clone());
    let host = FakeHost::new(instance.params.clone());
    let app = App::new(instance, EditorSize::default());
    let shown = Shown { app, gui: Some(host.gui()), keys: KeyCapture::CaptureAll };
    let show = |ui: &mut egui::Ui, shown: &mut Shown| {
        if let Some(gui) = shown.gui.take() {
            shown.app.open(ui.ctx(), gui);
        }
        let whole = egui::UiBuilder::new().max_rect(ui.ctx().content_rect());
        shown.keys = ui.scope_builder(whole, |ui| shown.app.frame(ui)).inner;
    };
    let builder = Harness::builder().with_size([1200.0, 780.0]).with_step_dt(1.0 / 30.0);
    let mut editor = builder.with_context_setup(theme::apply).build_ui_state(show, shown);
    editor.run_steps(3);
    Desk { editor, host, audio, learn, link }
}

impl Desk {
    fn model(&mut self) -> Model {
        self.editor.state_mut().app.model()
    }

    fn center(&self, label: &str) -> Pos2 {
        self.editor.get_by_label(label).rect().center()
    }

    fn click(&mut self, label: &str) {
        self.editor.get_by_label(label).click();
        self.editor.run_steps(2);
    }

    fn double_click(&mut self, label: &str) {
        // A click a moment before would be one of the two.
        self.editor.run_steps(15);
        (0..2).for_each(|_| self.editor.get_by_label(label).click());
        self.editor.run_steps(3);
    }

    fn event(&mut self, event: Event) {
        self.editor.event(event);
        self.editor.step();
    }

    fn button(&mut self, pos: Pos2, pressed: bool) {
        self.event(Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE });
    }

    /// Presses on a control and moves by this, in two steps; the button stays down.
    fn grab(&mut self, label: &str, by: Vec2) -> Pos2 {
        let from = self.center(label);
        self.event(Event::PointerMoved(from));
        self.button(from, true);
        self.event(Event::PointerMoved(from + by * 0.5));
        self.event(Event::PointerMoved(from + by));
        from + by
    }

    /// Types a path behind a button, instead of the last one, and presses the button that takes it.
    fn name_file(&mut self, label: &str, path: &Path) {
        self.click(label);
        self.editor.get_by_role(Role::TextInput).focus();
        self.editor.run_steps(2);
        self.editor.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.event(Event::Text(path.to_str().unwrap().into()));
        self.click(if label == "Import…" { "Open" } else { "Save" });
    }

    /// What is said beside the model, if anything.
    fn notice(&mut self) -> String {
        self.model().notice.unwrap_or_default()
    }

    fn requests(&self) -> Vec<LearnRequest> {
        self.learn.requests.try_iter().collect()
    }
}

/// The last value of a gesture that began once, first, and ended once, last; all of it one parameter's.
fn gesture(told: &[Told], id: &str) -> f32 {
    let [Told::Begin(begun), sets @ .., Told::End(ended)] = told else { panic!("no gesture: {told:?}") };
    assert!(begun == id && ended == id, "{told:?}");
    let value = |told: &Told| match told {
        Told::Set(set, value) if set == id => *value,
        other => panic!("{other:?} within {told:?}"),
    };
    let values: Vec<f32> = sets.iter().map(value).collect();
    *values.last().expect("a value")
}

#[test]
fn a_drag_is_one_gesture_also_when_it_ends_outside_or_by_escape() {
    for end in ["inside", "outside", "gone", "escape"] {
        let mut desk = open(4);
        let at = desk.grab("Gain 2", vec2(0.0, 28.0));
        match end {
            "outside" => {
                desk.event(Event::PointerMoved(pos2(-500.0, 9000.0)));
                desk.button(pos2(-500.0, 9000.0), false);
            }
            "gone" => {
                desk.event(Event::PointerGone);
                desk.button(at, false);
            }
            "escape" => {
                desk.editor.key_press(Key::Escape);
                desk.editor.step();
                desk.button(at, false);
            }
            _ => desk.button(at, false),
        }
        desk.editor.run_steps(3);
        let value = gesture(&desk.host.told(), "gain_2");
        // A quarter of the track's 112 points down, or all of it.
        let expected = if end == "outside" { 0.0 } else { 0.25 };
        assert!((value - expected).abs() < 0.02, "{end}: {value}");
    }
}

#[test]
fn a_gesture_ends_when_its_control_vanishes_under_the_hand() {
    let mut desk = open(4);
    let at = desk.grab("Gain 4", vec2(0.0, 28.0));
    // Something else was learned meanwhile: there is no fourth fader any more.
    desk.link.models.replace(Some(Arc::new(learned(2))));
    desk.event(Event::PointerMoved(at + vec2(0.0, 5.0)));
    desk.editor.run_steps(2);
    assert!(desk.editor.query_by_label("Gain 4").is_none());
    desk.button(at, false);
    desk.editor.run_steps(2);
    gesture(&desk.host.told(), "gain_4");
    // Nor does one remain when the control comes back while the button is still down.
    desk.link.models.replace(Some(Arc::new(learned(4))));
    desk.editor.run_steps(2);
    let at = desk.grab("Gain 4", vec2(0.0, -9.0));
    for components in [2, 4] {
        desk.link.models.replace(Some(Arc::new(learned(components))));
        desk.event(Event::PointerMoved(at - vec2(0.0, 5.0)));
        desk.editor.run_steps(2);
    }
    desk.button(at, false);
    desk.editor.run_steps(2);
    gesture(&desk.host.told(), "gain_4");
}

#[test]
fn a_gesture_ends_when_the_editor_closes_under_the_hand() {
    let mut desk = open(4);
    desk.grab("Gate 1", vec2(0.0, -20.0));
    drop(desk.editor);
    gesture(&desk.host.told(), "gate_1");
}

#[test]
fn the_sound_is_watched_as_long_as_the_editor_is_open() {
    let desk = open(4);
    assert!(desk.audio.is_watched());
    drop(desk.editor);
    assert!(!desk.audio.is_watched());
}

#[test]
fn a_wheel_that_turns_during_a_drag_makes_no_second_gesture() {
    let mut desk = open(4);
    let at = desk.grab("Gain 1", vec2(0.0, 14.0));
    desk.event(Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 1.0),
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
        source: egui::MouseWheelSource::Unknown,
    });
    desk.event(Event::PointerMoved(at + vec2(0.0, 14.0)));
    desk.button(at, false);
    desk.editor.run_steps(2);
    // A quarter of the track down, and half a decibel up.
    let value = gesture(&desk.host.told(), "gain_1");
    assert!((value - 0.2645).abs() < 0.02, "{value}");
}

#[test]
fn switches_wheel_keys_and_typed_values_are_whole_gestures() {
    let mut desk = open(4);
    for (label, id) in [("Solo 2", "solo_2"), ("Capture", "capture"), ("Bypass", "bypass")] {
        desk.click(label);
        assert_eq!(gesture(&desk.host.told(), id), 1.0, "{label}");
    }
    desk.editor.get_by_label("Gain 3").focus();
    desk.editor.run_steps(2);
    desk.editor.key_press(Key::ArrowDown);
    desk.editor.run_steps(2);
    assert!((gesture(&desk.host.told(), "gain_3") - 0.4855).abs() < 1e-4);
    for (typed, expected) in [("−4,5", Some(fader_position(-4.5))), ("6 dB", Some(fader_position(6.0))), ("loud", None)]
    {
        desk.editor.get_by_label("Gain 2").click_secondary();
        desk.editor.run_steps(3);
        desk.editor.get_by_role(Role::TextInput).type_text(typed);
        desk.editor.run_steps(2);
        desk.editor.key_press(Key::Enter);
        desk.editor.run_steps(3);
        let told = desk.host.told();
        match expected {
            Some(expected) => {
                assert_eq!(told.len(), 3, "{told:?}");
                assert!((gesture(&told, "gain_2") - expected).abs() < 1e-4, "{typed}");
            }
            None => assert_eq!((told, desk.notice().contains("“loud”")), (vec![], true)),
        }
    }
    assert_eq!(desk.model().value(Control::Gain(1)).text, "6.0 dB");
}

#[test]
fn what_has_steps_goes_from_step_to_step() {
    let mut desk = open(4);
    desk.click("Capture options");
    let at = desk.grab("Last seconds", vec2(37.0, 0.0));
    desk.button(at, false);
    desk.editor.run_steps(2);
    let told = desk.host.told();
    gesture(&told, "last");
    let values = told.iter().filter_map(|told| if let Told::Set(_, value) = told { Some(*value) } else { None });
    // 1 to 30 seconds.
    let mut steps = values.map(|value| value * 29.0);
    assert!(steps.all(|step| (step - step.round()).abs() < 1e-4), "{told:?}");
    // 8 seconds, and 37 of 200 points of 29 further: 13.4.
    assert_eq!(desk.model().value(Control::LastSeconds).text, "13 s");
}

#[test]
fn commands_names_and_templates_reach_the_learner_with_the_settings_of_that_moment() {
    let mut desk = open(4);
    desk.link.status.history_s.store(20.0, Relaxed);
    desk.host.automate("components", 6.0 / 15.0);
    desk.host.automate("last", 11.0 / 29.0);
    desk.editor.run_steps(2);
    desk.click("Learn the last 12 s");
    let requests = desk.requests();
    let [LearnRequest::Do(Command::LearnLast, settings)] = requests[..] else { panic!("{requests:?}") };
    assert_eq!((settings.components, settings.last_s, settings.target), (7, 12, Target::All));

    desk.double_click("Name 3: Bass");
    desk.editor.get_by_role(Role::TextInput).type_text("Sub");
    desk.editor.run_steps(2);
    desk.editor.key_press(Key::Enter);
    desk.editor.run_steps(3);
    let requests = desk.requests();
    assert!(matches!(&requests[..], [LearnRequest::Rename { component: 2, name }] if name == "Sub"), "{requests:?}");

    desk.editor.get_by_label("Templates 2").click_secondary();
    desk.editor.run_steps(3);
    desk.click("Lead");
    let requests = desk.requests();
    assert!(matches!(requests[..], [LearnRequest::Move { template: 4..8, component: 3 }]), "{requests:?}");
    assert_eq!(desk.host.told(), []);
}

#[test]
fn a_learner_that_has_ended_is_said_to_have() {
    let mut desk = open(4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kit.npz");
    model_file::save(&learned(3), &path).unwrap();
    let (_audio, gone, _link) = connect();
    drop(std::mem::replace(&mut desk.learn, gone));
    desk.name_file("Import…", &path);
    assert!(desk.notice().starts_with("the learning thread has ended"), "{}", desk.notice());
}

#[test]
fn a_model_comes_from_a_file_and_goes_to_one_and_no_other_is_overwritten() {
    let mut desk = open(4);
    let folder = tempfile::tempdir().unwrap();
    let [kit, other, missing] = ["kit.npz", "other.npz", "missing.npz"].map(|name| folder.path().join(name));
    desk.name_file("Export…", &kit);
    assert_eq!(model_file::load(&kit).unwrap().templates().components(), ["Kick", "Hats", "Bass", "Lead"]);
    assert!(desk.notice().contains("kit.npz"), "{}", desk.notice());

    fs::write(&other, "a letter to somebody").unwrap();
    desk.name_file("Export…", &other);
    assert_eq!(fs::read_to_string(&other).unwrap(), "a letter to somebody");
    let notice = desk.notice();
    assert!(notice.contains("other.npz exists") && notice.contains("give another name"), "{notice}");

    desk.name_file("Import…", &kit);
    let requests = desk.requests();
    assert!(
        matches!(&requests[..], [LearnRequest::Replace(model)] if model.templates().components().len() == 4),
        "{requests:?}"
    );
    for path in [&other, &missing] {
        desk.name_file("Import…", path);
        let (notice, name) = (desk.notice(), path.file_name().unwrap().to_str().unwrap());
        assert!(notice.contains(name) && notice.ends_with("nothing has changed: import another file"), "{notice}");
        assert!(desk.requests().is_empty());
    }

    let nowhere = folder.path().join("no folder").join("kit.npz");
    desk.name_file("Export…", &nowhere);
    assert!(desk.notice().contains("no folder") && desk.notice().ends_with("export to another folder"));
    desk.link.models.replace(None);
    desk.name_file("Export…", &missing);
    assert!(desk.notice().contains("missing.npz") && desk.notice().ends_with("capture something first"));
    assert!(!missing.exists());
}

#[test]
fn a_notice_stays_eight_seconds() {
    let mut desk = open(0);
    desk.name_file("Export…", Path::new("/nowhere/kit.npz"));
    // 30 frames a second; it was said in one of the last two.
    desk.editor.run_steps(237);
    assert!(desk.notice().contains("/nowhere/kit.npz"));
    desk.editor.run_steps(3);
    assert_eq!(desk.notice(), "");
}

#[test]
fn the_host_has_the_space_bar_unless_a_text_is_typed() {
    let spare = |desk: &Desk| {
        let KeyCapture::IgnoreKeys(keys) = &desk.editor.state().keys else { return false };
        // What baseview makes of it on every system.
        keys[..] == [nice_plug_egui::Key::Character(" ".into())]
    };
    let mut desk = open(4);
    assert!(spare(&desk));
    desk.editor.get_by_label("Solo 1").focus();
    desk.editor.run_steps(2);
    assert!(spare(&desk));
    for modifiers in [Modifiers::NONE, Modifiers::CTRL, Modifiers::SHIFT, Modifiers::ALT, Modifiers::COMMAND] {
        desk.editor.key_press_modifiers(modifiers, Key::Space);
        desk.editor.run_steps(2);
        assert_eq!(desk.host.told(), [], "{modifiers:?}");
    }
    desk.double_click("Name 1: Kick");
    assert_eq!(desk.editor.state().keys, KeyCapture::CaptureAll);
    for (key, text) in [(Key::B, "b"), (Key::Space, " "), (Key::D, "d")] {
        let modifiers = Modifiers::NONE;
        desk.editor.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
        desk.event(Event::Text(text.into()));
    }
    desk.editor.key_press(Key::Enter);
    desk.editor.run_steps(2);
    let requests = desk.requests();
    assert!(matches!(&requests[..], [LearnRequest::Rename { component: 0, name }] if name == "b d"), "{requests:?}");
    assert!(spare(&desk));
}

#[test]
fn the_model_of_the_editor_is_the_instance_as_it_stands() {
    let mut desk = open(0);
    let model = desk.model();
    assert_eq!((&model.stage, model.strips.len(), model.has_other, model.input_db), (&Stage::Empty, 0, false, -120.0));
    let texts = [("mode", 1.0, Control::Mode, "Live"), ("gain_16", 0.5, Control::Gain(15), "0.0 dB")];
    let more = [("gate_2", 0.5, Control::Gate(1), "-30.0 dB"), ("target", 1.0, Control::Target, "Rest")];
    for (id, normalized, control, text) in texts.into_iter().chain(more) {
        desk.host.automate(id, normalized);
        assert_eq!(
            (desk.model().value(control).normalized, desk.model().value(control).text.as_str()),
            (normalized, text)
        );
    }
    desk.link.meters.latency_ms.store(2.7, Relaxed);
    desk.link.meters.activations_db[1].store(-12.0, Relaxed);
    desk.link.models.replace(Some(Arc::new(learned(2))));
    let model = desk.model();
    assert_eq!((&model.stage, model.target, model.latency_ms), (&Stage::Live, Target::Rest, 2.7));
    let strips: Vec<_> = model.strips.iter().map(|s| (s.name.as_str(), s.templates.len(), s.activation_db)).collect();
    assert_eq!(strips, [("Kick", 4, -120.0), ("Hats", 4, -12.0)]);
    assert_eq!((model.slot, model.has_other, model.is_review), (Slot::A, false, false));
    desk.link.models.review(Arc::new(learned(3)));
    let model = desk.model();
    assert_eq!((model.stage, model.strips.len(), model.slot, model.is_review), (Stage::Review, 3, Slot::B, true));
    desk.link.models.revert();
    let model = desk.model();
    assert_eq!((model.strips.len(), model.slot, model.has_other), (2, Slot::A, true));
    desk.link.models.compare();
    assert_eq!((desk.model().strips.len(), desk.model().slot), (3, Slot::B));
    desk.link.status.fail("the capture is silent".into());
    assert_eq!(desk.model().stage, Stage::Failed("the capture is silent".into()));
}

#[test]
fn what_plays_while_the_editor_is_open_is_in_the_picture_with_the_next_frame() {
    let mut desk = open(4);
    assert_eq!(desk.model().picture.unwrap().filled, 0);
    (0..3).for_each(|index| desk.audio.watched().2.show(&column(index, 4)));
    desk.editor.step();
    let picture = desk.model().picture.unwrap();
    assert_eq!((picture.filled, picture.activations.len()), (3, 3));
}
