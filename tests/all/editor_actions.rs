//! The effects of the user's actions: the whole editor except its window, with a host that records its events and a learner
//! whose requests are read.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::editor_host::{FakeHost, HostEvent};
use crate::editor_scene::{column, instance, learned};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, TouchPhase, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::KeyCapture;
use unweave::editor::app::App;
use unweave::editor::{Screen, theme};
use unweave::files::model as model_file;
use unweave::link::{AudioLink, Command, EditorLink, LearnLink, LearnRequest, Phase, Slot, Stage, connect};
use unweave::model::settings::Target;
use unweave::params::Control;
use unweave::params::fader_position;
use unweave::params::window_size::EditorSize;

/// The editor as its window runs it.
struct Shown {
    app: App,
    /// `None` once it is open.
    gui: Option<GuiContext>,
    keys: KeyCapture,
}

/// An open editor, its host, and the other ends of its links.
struct OpenEditor {
    editor: Harness<'static, Shown>,
    host: FakeHost,
    audio: AudioLink,
    learn: LearnLink,
    link: EditorLink,
}

/// Opens the editor of an instance with so many components.
fn open(components: usize) -> OpenEditor {
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
    OpenEditor { editor, host, audio, learn, link }
}

impl OpenEditor {
    fn screen(&mut self) -> Screen {
        self.editor.state_mut().app.screen()
    }

    fn center(&self, label: &str) -> Pos2 {
        self.editor.get_by_label(label).rect().center()
    }

    fn click(&mut self, label: &str) {
        self.editor.get_by_label(label).click();
        self.editor.run_steps(2);
    }

    fn double_click(&mut self, label: &str) {
        // Otherwise an earlier click would count as the first of the two.
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

    /// Presses on a control and moves by a distance in two steps; the button stays down.
    fn grab(&mut self, label: &str, by: Vec2) -> Pos2 {
        let from = self.center(label);
        self.event(Event::PointerMoved(from));
        self.button(from, true);
        self.event(Event::PointerMoved(from + by * 0.5));
        self.event(Event::PointerMoved(from + by));
        from + by
    }

    /// Types a path in the menu of a button, and confirms it.
    fn name_file(&mut self, label: &str, path: &Path) {
        self.click(label);
        self.editor.get_by_role(Role::TextInput).focus();
        self.editor.run_steps(2);
        self.editor.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.event(Event::Text(path.to_str().unwrap().into()));
        self.click(if label == "Import…" { "Open" } else { "Save" });
    }

    /// The current notice, or an empty text.
    fn notice(&mut self) -> String {
        self.screen().notice.unwrap_or_default()
    }

    fn requests(&self) -> Vec<LearnRequest> {
        self.learn.requests.try_iter().map(|stamped| stamped.message).collect()
    }
}

/// The last value of a gesture: one begin, sets, one end, all of one parameter.
fn gesture(events: &[HostEvent], id: &str) -> f32 {
    let [HostEvent::Begin(begun), sets @ .., HostEvent::End(ended)] = events else { panic!("no gesture: {events:?}") };
    assert!(begun == id && ended == id, "{events:?}");
    let value = |event: &HostEvent| match event {
        HostEvent::Set(set, value) if set == id => *value,
        other => panic!("{other:?} within {events:?}"),
    };
    let values: Vec<f32> = sets.iter().map(value).collect();
    *values.last().expect("a value")
}

#[test]
fn a_drag_is_one_gesture_even_if_it_ends_outside_the_window_or_with_escape() {
    for end in ["inside", "outside", "gone", "escape"] {
        let mut open_editor = open(4);
        let at = open_editor.grab("Gain 2", vec2(0.0, 28.0));
        match end {
            "outside" => {
                open_editor.event(Event::PointerMoved(pos2(-500.0, 9000.0)));
                open_editor.button(pos2(-500.0, 9000.0), false);
            }
            "gone" => {
                open_editor.event(Event::PointerGone);
                open_editor.button(at, false);
            }
            "escape" => {
                open_editor.editor.key_press(Key::Escape);
                open_editor.editor.step();
                open_editor.button(at, false);
            }
            _ => open_editor.button(at, false),
        }
        open_editor.editor.run_steps(3);
        let value = gesture(&open_editor.host.events(), "gain_2");
        // A quarter of the track's 112 points down, or all of it.
        let expected = if end == "outside" { 0.0 } else { 0.25 };
        assert!((value - expected).abs() < 0.02, "{end}: {value}");
    }
}

#[test]
fn a_gesture_ends_when_its_control_disappears_during_a_drag() {
    let mut open_editor = open(4);
    let at = open_editor.grab("Gain 4", vec2(0.0, 28.0));
    // The new model has no fourth fader.
    open_editor.link.models.replace(Some(Arc::new(learned(2))));
    open_editor.event(Event::PointerMoved(at + vec2(0.0, 5.0)));
    open_editor.editor.run_steps(2);
    assert!(open_editor.editor.query_by_label("Gain 4").is_none());
    open_editor.button(at, false);
    open_editor.editor.run_steps(2);
    gesture(&open_editor.host.events(), "gain_4");
    // The gesture also ends if the control reappears while the button is still down.
    open_editor.link.models.replace(Some(Arc::new(learned(4))));
    open_editor.editor.run_steps(2);
    let at = open_editor.grab("Gain 4", vec2(0.0, -9.0));
    for components in [2, 4] {
        open_editor.link.models.replace(Some(Arc::new(learned(components))));
        open_editor.event(Event::PointerMoved(at - vec2(0.0, 5.0)));
        open_editor.editor.run_steps(2);
    }
    open_editor.button(at, false);
    open_editor.editor.run_steps(2);
    gesture(&open_editor.host.events(), "gain_4");
}

#[test]
fn a_gesture_ends_when_the_editor_closes_during_a_drag() {
    let mut open_editor = open(4);
    open_editor.grab("Gate 1", vec2(0.0, -20.0));
    drop(open_editor.editor);
    gesture(&open_editor.host.events(), "gate_1");
}

#[test]
fn the_audio_thread_analyses_the_sound_as_long_as_the_editor_is_open() {
    let open_editor = open(4);
    assert!(open_editor.audio.is_editor_open());
    drop(open_editor.editor);
    assert!(!open_editor.audio.is_editor_open());
}

#[test]
fn turning_the_wheel_during_a_drag_starts_no_second_gesture() {
    let mut open_editor = open(4);
    let at = open_editor.grab("Gain 1", vec2(0.0, 14.0));
    open_editor.event(Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 1.0),
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
        source: egui::MouseWheelSource::Unknown,
    });
    open_editor.event(Event::PointerMoved(at + vec2(0.0, 14.0)));
    open_editor.button(at, false);
    open_editor.editor.run_steps(2);
    // A quarter of the track down, and half a decibel up.
    let value = gesture(&open_editor.host.events(), "gain_1");
    assert!((value - 0.2645).abs() < 0.02, "{value}");
}

#[test]
fn switches_wheel_keys_and_typed_values_are_whole_gestures() {
    let mut open_editor = open(4);
    for (label, id) in [("Solo 2", "solo_2"), ("Capture", "capture"), ("Bypass", "bypass")] {
        open_editor.click(label);
        assert_eq!(gesture(&open_editor.host.events(), id), 1.0, "{label}");
    }
    open_editor.editor.get_by_label("Gain 3").focus();
    open_editor.editor.run_steps(2);
    open_editor.editor.key_press(Key::ArrowDown);
    open_editor.editor.run_steps(2);
    assert!((gesture(&open_editor.host.events(), "gain_3") - 0.4855).abs() < 1e-4);
    for (typed, expected) in [("−4,5", Some(fader_position(-4.5))), ("6 dB", Some(fader_position(6.0))), ("loud", None)]
    {
        open_editor.editor.get_by_label("Gain 2").click_secondary();
        open_editor.editor.run_steps(3);
        open_editor.editor.get_by_role(Role::TextInput).type_text(typed);
        open_editor.editor.run_steps(2);
        open_editor.editor.key_press(Key::Enter);
        open_editor.editor.run_steps(3);
        let events = open_editor.host.events();
        match expected {
            Some(expected) => {
                assert_eq!(events.len(), 3, "{events:?}");
                assert!((gesture(&events, "gain_2") - expected).abs() < 1e-4, "{typed}");
            }
            None => assert_eq!((events, open_editor.notice().contains("“loud”")), (vec![], true)),
        }
    }
    assert_eq!(open_editor.screen().value(Control::Gain(1)).text, "6.0 dB");
}

#[test]
fn a_stepped_parameter_moves_from_step_to_step() {
    let mut open_editor = open(4);
    open_editor.click("Capture options");
    let at = open_editor.grab("Last seconds", vec2(37.0, 0.0));
    open_editor.button(at, false);
    open_editor.editor.run_steps(2);
    let events = open_editor.host.events();
    gesture(&events, "last");
    let values =
        events.iter().filter_map(|event| if let HostEvent::Set(_, value) = event { Some(*value) } else { None });
    // 1 to 30 seconds.
    let mut steps = values.map(|value| value * 29.0);
    assert!(steps.all(|step| (step - step.round()).abs() < 1e-4), "{events:?}");
    // 8 seconds, and 37 of 200 points of 29 further: 13.4.
    assert_eq!(open_editor.screen().value(Control::LastSeconds).text, "13 s");
}

#[test]
fn commands_names_and_templates_reach_the_learner_with_the_current_settings() {
    let mut open_editor = open(4);
    open_editor.link.status.history_s.store(20.0, Relaxed);
    open_editor.host.automate("components", 6.0 / 15.0);
    open_editor.host.automate("last", 11.0 / 29.0);
    open_editor.editor.run_steps(2);
    open_editor.click("Learn last 12 s");
    let requests = open_editor.requests();
    let [LearnRequest::Do(Command::LearnLast, settings)] = requests[..] else { panic!("{requests:?}") };
    assert_eq!((settings.components, settings.last_s, settings.target), (7, 12, Target::All));

    open_editor.double_click("Name 3: Bass");
    open_editor.editor.get_by_role(Role::TextInput).type_text("Sub");
    open_editor.editor.run_steps(2);
    open_editor.editor.key_press(Key::Enter);
    open_editor.editor.run_steps(3);
    let requests = open_editor.requests();
    assert!(matches!(&requests[..], [LearnRequest::Rename { component: 2, name }] if name == "Sub"), "{requests:?}");

    open_editor.editor.get_by_label("Templates 2").click_secondary();
    open_editor.editor.run_steps(3);
    open_editor.click("Lead");
    let requests = open_editor.requests();
    assert!(matches!(requests[..], [LearnRequest::Move { template: 4..8, component: 3 }]), "{requests:?}");
    assert_eq!(open_editor.host.events(), []);
}

#[test]
fn a_learner_that_has_ended_is_reported() {
    let mut open_editor = open(4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kit.npz");
    model_file::save(&learned(3), &path).unwrap();
    let (_audio, gone, _link) = connect();
    drop(std::mem::replace(&mut open_editor.learn, gone));
    open_editor.name_file("Import…", &path);
    assert!(open_editor.notice().starts_with("the learning thread has ended"), "{}", open_editor.notice());
}

#[test]
fn models_are_imported_and_exported_and_no_file_is_overwritten() {
    let mut open_editor = open(4);
    let folder = tempfile::tempdir().unwrap();
    let [kit, other, missing] = ["kit.npz", "other.npz", "missing.npz"].map(|name| folder.path().join(name));
    open_editor.name_file("Export…", &kit);
    assert_eq!(model_file::load(&kit).unwrap().templates().components(), ["Kick", "Hats", "Bass", "Lead"]);
    assert!(open_editor.notice().contains("kit.npz"), "{}", open_editor.notice());

    fs::write(&other, "not a model").unwrap();
    open_editor.name_file("Export…", &other);
    assert_eq!(fs::read_to_string(&other).unwrap(), "not a model");
    let notice = open_editor.notice();
    assert!(notice.contains("other.npz already exists") && notice.contains("choose another name"), "{notice}");

    open_editor.name_file("Import…", &kit);
    let requests = open_editor.requests();
    assert!(
        matches!(&requests[..], [LearnRequest::Replace(model)] if model.templates().components().len() == 4),
        "{requests:?}"
    );
    for path in [&other, &missing] {
        open_editor.name_file("Import…", path);
        let (notice, name) = (open_editor.notice(), path.file_name().unwrap().to_str().unwrap());
        assert!(notice.contains(name) && notice.ends_with("nothing has changed: import another file"), "{notice}");
        assert!(open_editor.requests().is_empty());
    }

    let nowhere = folder.path().join("no folder").join("kit.npz");
    open_editor.name_file("Export…", &nowhere);
    assert!(open_editor.notice().contains("no folder") && open_editor.notice().ends_with("choose another folder"));
    open_editor.link.models.replace(None);
    open_editor.name_file("Export…", &missing);
    assert!(open_editor.notice().contains("missing.npz") && open_editor.notice().ends_with("capture something first"));
    assert!(!missing.exists());
}

#[test]
fn a_notice_disappears_after_eight_seconds() {
    let mut open_editor = open(0);
    open_editor.name_file("Export…", Path::new("/nowhere/kit.npz"));
    // 30 frames a second; the notice appeared in one of the last two.
    open_editor.editor.run_steps(237);
    assert!(open_editor.notice().contains("/nowhere/kit.npz"));
    open_editor.editor.run_steps(3);
    assert_eq!(open_editor.notice(), "");
}

#[test]
fn the_host_receives_the_space_bar_unless_the_user_types_a_text() {
    let spare = |open_editor: &OpenEditor| {
        let KeyCapture::IgnoreKeys(keys) = &open_editor.editor.state().keys else { return false };
        // The key as baseview names it on every system.
        keys[..] == [nice_plug_egui::Key::Character(" ".into())]
    };
    let mut open_editor = open(4);
    assert!(spare(&open_editor));
    open_editor.editor.get_by_label("Solo 1").focus();
    open_editor.editor.run_steps(2);
    assert!(spare(&open_editor));
    for modifiers in [Modifiers::NONE, Modifiers::CTRL, Modifiers::SHIFT, Modifiers::ALT, Modifiers::COMMAND] {
        open_editor.editor.key_press_modifiers(modifiers, Key::Space);
        open_editor.editor.run_steps(2);
        assert_eq!(open_editor.host.events(), [], "{modifiers:?}");
    }
    open_editor.double_click("Name 1: Kick");
    assert_eq!(open_editor.editor.state().keys, KeyCapture::CaptureAll);
    for (key, text) in [(Key::B, "b"), (Key::Space, " "), (Key::D, "d")] {
        let modifiers = Modifiers::NONE;
        open_editor.editor.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
        open_editor.event(Event::Text(text.into()));
    }
    open_editor.editor.key_press(Key::Enter);
    open_editor.editor.run_steps(2);
    let requests = open_editor.requests();
    assert!(matches!(&requests[..], [LearnRequest::Rename { component: 0, name }] if name == "b d"), "{requests:?}");
    assert!(spare(&open_editor));
}

#[test]
fn the_screen_shows_the_current_state_of_the_instance() {
    let mut open_editor = open(0);
    let screen = open_editor.screen();
    assert_eq!(
        (&screen.stage, screen.strips.len(), screen.has_other, screen.input_db),
        (&Stage::Empty, 0, false, -120.0)
    );
    let texts = [("mode", 1.0, Control::Mode, "Live"), ("gain_16", 0.5, Control::Gain(15), "0.0 dB")];
    let more = [("gate_2", 0.5, Control::Gate(1), "-30.0 dB"), ("target", 1.0, Control::Target, "Rest")];
    for (id, normalized, control, text) in texts.into_iter().chain(more) {
        open_editor.host.automate(id, normalized);
        assert_eq!(
            (open_editor.screen().value(control).normalized, open_editor.screen().value(control).text.as_str()),
            (normalized, text)
        );
    }
    open_editor.link.meters.latency_ms.store(2.7, Relaxed);
    open_editor.link.meters.activations_db[1].store(-12.0, Relaxed);
    open_editor.link.models.replace(Some(Arc::new(learned(2))));
    let screen = open_editor.screen();
    assert_eq!((&screen.stage, screen.target(), screen.latency_ms), (&Stage::Live, Target::Rest, 2.7));
    let strips: Vec<_> = screen.strips.iter().map(|s| (s.name.as_str(), s.templates.len(), s.activation_db)).collect();
    assert_eq!(strips, [("Kick", 4, -120.0), ("Hats", 4, -12.0)]);
    assert_eq!((screen.slot, screen.has_other, screen.is_review), (Slot::A, false, false));
    open_editor.link.models.review(Arc::new(learned(3)));
    let screen = open_editor.screen();
    assert_eq!((screen.stage, screen.strips.len(), screen.slot, screen.is_review), (Stage::Review, 3, Slot::B, true));
    open_editor.link.models.revert();
    let screen = open_editor.screen();
    assert_eq!((screen.strips.len(), screen.slot, screen.has_other), (2, Slot::A, true));
    open_editor.link.models.compare();
    assert_eq!((open_editor.screen().strips.len(), open_editor.screen().slot), (3, Slot::B));
    open_editor.link.status.fail("the capture is silent".into());
    assert_eq!(open_editor.screen().stage, Stage::Failed("the capture is silent".into()));
}

#[test]
fn a_new_column_is_on_the_canvas_in_the_next_frame() {
    let mut open_editor = open(4);
    assert_eq!(open_editor.screen().canvas.unwrap().filled, 0);
    (0..3).for_each(|index| open_editor.audio.for_editor().2.send(&column(index, 4)));
    open_editor.editor.step();
    let canvas = open_editor.screen().canvas.unwrap();
    assert_eq!((canvas.filled, canvas.activations.len()), (3, 3));
}

#[test]
fn a_frame_shows_one_moment_while_the_learner_changes_models() {
    let mut open_editor = open(2);
    let (models, three) = (open_editor.link.models.clone(), Arc::new(learned(3)));
    let is_over = Arc::new(AtomicBool::new(false));
    let until = is_over.clone();
    let learner = thread::spawn(move || {
        while !until.load(Relaxed) {
            models.review(three.clone());
            models.revert();
        }
    });
    // A frame takes some 20 µs and a change far less: if the models were read twice, some frames would mix two moments.
    let shown: Vec<_> = (0..20_000)
        .map(|_| open_editor.screen())
        .map(|screen| (screen.stage, screen.is_review, screen.slot, screen.has_other, screen.strips.len()))
        .collect();
    is_over.store(true, Relaxed);
    learner.join().unwrap();
    for (frame, moment) in shown.into_iter().enumerate() {
        let is_one = matches!(moment, (Stage::Review, true, Slot::B, true, 3) | (Stage::Live, false, Slot::A, _, 2));
        assert!(is_one, "frame {frame}: {moment:?}");
    }
}

#[test]
fn a_project_that_cannot_be_read_is_reported_until_another_model_replaces_it() {
    let mut open_editor = open(4);
    open_editor.host.load_model(r#"{"version": 99}"#);
    open_editor.editor.run_steps(2);
    let error = open_editor.screen().project_error.expect("the model is of an unknown version");
    assert!(error.contains("version 99") && error.contains("learn"), "{error}");
    let shown = |open_editor: &OpenEditor| open_editor.editor.query_all_by_label_contains("version 99").count();
    assert_eq!(shown(&open_editor), 1, "shown once, though loading the project failed for the same reason");
    // Other failures, notices and successes come and go.
    open_editor.link.status.fail("the capture is silent".into());
    open_editor.name_file("Export…", Path::new("/nowhere/kit.npz"));
    open_editor.editor.get_by_label("The capture is silent");
    assert_eq!(shown(&open_editor), 1);
    open_editor.link.status.enter(Phase::Idle);
    open_editor.click("Solo 2");
    // Far longer than a notice stays.
    open_editor.editor.run_steps(600);
    assert_eq!((open_editor.notice().as_str(), shown(&open_editor)), ("", 1));
    open_editor.link.models.review(Arc::new(learned(3)));
    open_editor.editor.run_steps(2);
    assert_eq!(shown(&open_editor), 0, "the user has learned another model");
    open_editor.link.models.revert();
    open_editor.editor.run_steps(2);
    assert_eq!(shown(&open_editor), 1, "the project holds the unread model again");
}
