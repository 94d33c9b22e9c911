//! The editor without a window: every control is found by its label, and does what the label says.

use crate::editor_scene::{Editor, empty, live, open, open_at, with_song};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, TouchPhase, Vec2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use unweave::editor::{Action, FilePurpose, SongAction};
use unweave::link::{Command, LearnRequest, Slot, Stage};
use unweave::params::Control;

/// Clicks on a label, and returns the actions.
fn click(editor: &mut Editor, label: &str) -> Vec<Action> {
    editor.get_by_label(label).click();
    editor.run_steps(2);
    editor.state_mut().done()
}

/// The actions of a whole gesture.
fn set(control: Control, value: f32) -> Vec<Action> {
    vec![Action::Grab(control), Action::Set(control, value), Action::Release(control)]
}

fn center(editor: &Editor, label: &str) -> Pos2 {
    editor.get_by_label(label).rect().center()
}

/// Presses at a point, moves in steps, and releases.
fn drag(editor: &mut Editor, from: Pos2, by: Vec2, modifiers: Modifiers) -> Vec<Action> {
    let event = |editor: &Editor, event: Event| editor.event_modifiers(event, modifiers);
    event(editor, Event::PointerMoved(from));
    editor.step();
    for is_down in [true, false] {
        event(
            editor,
            Event::PointerButton {
                pos: from + by * f32::from(u8::from(!is_down)),
                button: PointerButton::Primary,
                pressed: is_down,
                modifiers,
            },
        );
        editor.step();
        for step in 1..=4 {
            if is_down {
                event(editor, Event::PointerMoved(from + by * (step as f32 / 4.0)));
                editor.step();
            }
        }
    }
    editor.run_steps(2);
    editor.state_mut().done()
}

/// The control and the last value of a single gesture: grab, sets, release, and nothing else.
fn gesture(actions: &[Action]) -> (Control, f32) {
    let [Action::Grab(control), sets @ .., Action::Release(last)] = actions else { panic!("no gesture: {actions:?}") };
    assert_eq!(control, last);
    assert!(
        !sets.is_empty() && sets.iter().all(|action| matches!(action, Action::Set(c, _) if c == control)),
        "{actions:?}"
    );
    let Some(Action::Set(_, value)) = sets.last() else { panic!("{actions:?}") };
    (*control, *value)
}

#[test]
fn the_capture_button_starts_and_stops_in_every_stage() {
    for stage in
        [Stage::Empty, Stage::Review, Stage::Live, Stage::Failed("why".into()), Stage::Learning { progress: 0.3 }]
    {
        let mut editor = open(if stage == Stage::Empty { empty() } else { live() });
        editor.state_mut().screen.stage = stage;
        assert_eq!(click(&mut editor, "Capture"), set(Control::Capture, 1.0));
    }
    for stage in [Stage::Capturing { seconds: 3.2 }, Stage::Waiting] {
        let mut editor = open(live());
        editor.state_mut().screen.stage = stage;
        editor.state_mut().set(Control::Capture, 1.0, "On");
        editor.run_steps(2);
        assert_eq!(click(&mut editor, "Stop"), set(Control::Capture, 0.0));
    }
}

#[test]
fn the_current_step_is_always_shown() {
    for (stage, text) in [
        (Stage::Empty, "nothing learned yet"),
        (Stage::Waiting, "capture waits for the transport"),
        (Stage::Capturing { seconds: 3.2 }, "capturing 3.2 s"),
        (Stage::Learning { progress: 0.63 }, "learning 63 %"),
        (Stage::Review, "review: keep or revert"),
        (Stage::Live, "live · learned from 8.3 s"),
    ] {
        let mut editor = open(live());
        editor.state_mut().screen.stage = stage;
        editor.run_steps(2);
        editor.get_by_label(text);
    }
    let mut editor = open(live());
    editor.state_mut().screen.stage = Stage::Failed("the capture is silent: play something".into());
    editor.state_mut().screen.notice = Some("no such file".into());
    editor.run_steps(2);
    for text in ["failed", "The capture is silent: play something", "No such file"] {
        editor.get_by_label(text);
    }
}

#[test]
fn learning_from_the_last_seconds_is_disabled_without_history() {
    let mut editor = open(empty());
    assert_eq!(click(&mut editor, "Learn last 8 s"), [Action::Do(Command::LearnLast)]);
    editor.state_mut().screen.history_s = 0.0;
    editor.run_steps(2);
    assert!(editor.get_by_label("Learn last 8 s").accesskit_node().is_disabled());
    assert_eq!(click(&mut editor, "Learn last 8 s"), []);
}

#[test]
fn the_options_of_captures_are_in_a_menu() {
    for (label, expected) in [
        ("Follow transport", set(Control::FollowTransport, 1.0)),
        ("Accumulate", set(Control::Accumulate, 1.0)),
        ("Keep history", set(Control::KeepHistory, 0.0)),
        ("Learn again", vec![Action::Do(Command::LearnAgain)]),
        ("Clear captures", vec![Action::Do(Command::Clear)]),
    ] {
        let mut editor = open(live());
        click(&mut editor, "Capture options");
        assert_eq!(click(&mut editor, label), expected, "{label}");
    }
    let mut editor = open(live());
    click(&mut editor, "Capture options");
    let from = center(&editor, "Last seconds");
    let (control, value) = gesture(&drag(&mut editor, from, vec2(40.0, 0.0), Modifiers::NONE));
    assert!(control == Control::LastSeconds && value > 0.3, "{value}");
}

#[test]
fn a_target_is_everything_one_component_or_the_rest() {
    let mut editor = open(live());
    assert_eq!(click(&mut editor, "Rest"), set(Control::Target, 1.0));
    editor.state_mut().set(Control::Target, 1.0, "Rest");
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "All · 4"), set(Control::Target, 0.0));
    click(&mut editor, "Rest");
    for (label, component) in [("Hats", 1.0), ("Component 5 (new)", 4.0)] {
        let mut editor = open(live());
        click(&mut editor, "Component");
        assert_eq!(click(&mut editor, label), set(Control::Target, (component + 1.0) / 17.0));
    }
    let mut editor = open(live());
    assert_eq!(click(&mut editor, "Teach it"), set(Control::Target, 5.0 / 17.0));
    let mut editor = open(live());
    click(&mut editor, "All · 4");
    assert_eq!(click(&mut editor, "Hits"), set(Control::GroupBy, 1.0));
}

#[test]
fn keep_and_revert_need_a_review_and_a_b_needs_two_models() {
    let mut editor = open(live());
    for label in ["Keep", "Revert"] {
        assert!(editor.get_by_label(label).accesskit_node().is_disabled());
        assert_eq!(click(&mut editor, label), []);
    }
    let screen = &mut editor.state_mut().screen;
    (screen.is_review, screen.stage, screen.has_other) = (true, Stage::Review, true);
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "Keep"), [Action::Do(Command::Keep)]);
    assert_eq!(click(&mut editor, "Revert"), [Action::Do(Command::Revert)]);
    assert_eq!(click(&mut editor, "A"), []);
    assert_eq!(click(&mut editor, "B"), [Action::Do(Command::Compare)]);
    editor.state_mut().screen.slot = Slot::B;
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "A"), [Action::Do(Command::Compare)]);
    let mut editor = open(empty());
    assert_eq!(click(&mut editor, "B"), []);
}

#[test]
fn learning_can_be_cancelled() {
    let mut editor = open(live());
    assert!(editor.query_by_label("Cancel").is_none());
    editor.state_mut().screen.stage = Stage::Learning { progress: 0.5 };
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "Cancel"), [Action::Do(Command::Cancel)]);
}

#[test]
fn the_switches_of_a_strip_set_their_parameters() {
    let mut editor = open(live());
    assert_eq!(click(&mut editor, "Solo 2"), set(Control::Solo(1), 1.0));
    assert_eq!(click(&mut editor, "Mute 4"), set(Control::Mute(3), 1.0));
    assert_eq!(click(&mut editor, "Gate 1 on or off"), set(Control::Gate(0), 0.44));
    editor.state_mut().set(Control::Gate(0), 0.5, "-30.0 dB");
    editor.state_mut().set(Control::Solo(1), 1.0, "On");
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "Gate 1 on or off"), set(Control::Gate(0), 0.0));
    assert_eq!(click(&mut editor, "Solo 2"), set(Control::Solo(1), 0.0));
    assert!(editor.query_by_label("Solo 5").is_none(), "there are four components");
}

#[test]
fn a_fader_follows_the_pointer_in_fine_steps_with_shift_and_ends_its_gesture() {
    let mut editor = open(live());
    let from = center(&editor, "Gain 2");
    let (control, value) = gesture(&drag(&mut editor, from, vec2(0.0, 28.0), Modifiers::NONE));
    // A quarter of the 112 points of its track.
    assert!(control == Control::Gain(1) && (value - 0.25).abs() < 0.02, "{value}");
    let (_, value) = gesture(&drag(&mut editor, from, vec2(0.0, 28.0), Modifiers::SHIFT));
    assert!((value - 0.475).abs() < 0.002, "{value}");
    let (_, value) = gesture(&drag(&mut editor, from, vec2(0.0, -900.0), Modifiers::NONE));
    assert_eq!(value, 1.0);
}

#[test]
fn the_gate_line_follows_the_pointer() {
    let mut editor = open(live());
    let meter = editor.get_by_label("Gate 3").rect();
    let from = pos2(meter.center().x, meter.bottom() - 2.0);
    let (control, value) = gesture(&drag(&mut editor, from, vec2(0.0, -meter.height() / 2.0), Modifiers::NONE));
    assert!(control == Control::Gate(2) && (value - 0.5).abs() < 0.03, "{value}");
}

#[test]
fn wheel_and_keys_move_a_fader_and_a_double_click_resets_it() {
    let mut editor = open(live());
    let at = center(&editor, "Gain 1");
    let wheel = |editor: &mut Editor, y: f32, modifiers: Modifiers| {
        editor.hover_at(at);
        editor.step();
        let event = Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: vec2(0.0, y),
            phase: TouchPhase::Move,
            modifiers,
            source: egui::MouseWheelSource::Unknown,
        };
        editor.event_modifiers(event, modifiers);
        editor.run_steps(2);
        gesture(&editor.state_mut().done()).1
    };
    let up = wheel(&mut editor, 1.0, Modifiers::NONE);
    // The host has not applied the first step yet, and still the second adds to it.
    let further = wheel(&mut editor, 1.0, Modifiers::NONE);
    assert!((up - 0.5145).abs() < 1e-4 && (further - 0.529).abs() < 1e-4, "{up} {further}");
    let mut editor = open(live());
    let fine = wheel(&mut editor, -1.0, Modifiers::SHIFT);
    assert!((fine - 0.49855).abs() < 1e-4, "{fine}");

    editor.get_by_label("Gain 3").focus();
    editor.run_steps(2);
    editor.key_press(Key::ArrowDown);
    editor.run_steps(2);
    let (control, value) = gesture(&editor.state_mut().done());
    assert!(control == Control::Gain(2) && (value - 0.4855).abs() < 1e-4, "{value}");

    editor.state_mut().set(Control::Gain(0), 0.9, "10.2 dB");
    editor.run_steps(40);
    editor.get_by_label("Gain 1").click();
    editor.get_by_label("Gain 1").click();
    editor.run_steps(2);
    let done = editor.state_mut().done();
    assert!(done.windows(3).any(|three| three == set(Control::Gain(0), 0.5)), "{done:?}");
}

#[test]
fn a_right_click_opens_a_field_for_a_value() {
    let mut editor = open(live());
    editor.get_by_label("Gain 2").click_secondary();
    editor.run_steps(3);
    let field = editor.get_by_role(Role::TextInput);
    assert_eq!(field.value().as_deref(), Some("0.0 dB"));
    field.type_text("-4.5");
    editor.run_steps(2);
    editor.key_press(Key::Enter);
    editor.run_steps(3);
    assert_eq!(editor.state_mut().done(), [Action::Type(Control::Gain(1), "-4.5".into())]);
    assert!(editor.query_by_role(Role::TextInput).is_none());
}

#[test]
fn the_space_bar_presses_no_button_and_enter_does() {
    let mut editor = open(live());
    editor.get_by_label("Solo 1").focus();
    editor.run_steps(2);
    editor.key_press(Key::Space);
    editor.run_steps(2);
    assert_eq!(editor.state_mut().done(), []);
    editor.key_press(Key::Enter);
    editor.run_steps(2);
    assert_eq!(editor.state_mut().done(), set(Control::Solo(0), 1.0));
}

#[test]
fn the_tab_key_reaches_every_control() {
    let mut editor = open(live());
    let mut reached = Vec::new();
    for _ in 0..80 {
        editor.key_press(Key::Tab);
        editor.run_steps(2);
        let focused = editor.root().children_recursive().find(|node| node.is_focused());
        reached.extend(focused.and_then(|node| node.accesskit_node().label()));
    }
    for label in [
        "Capture",
        "Capture options",
        "Rest",
        "A",
        "Name 1: Kick",
        "Templates 2",
        "Gate 3",
        "Gain 4",
        "Solo 1",
        "Mute 2",
        "Mode",
        "Settings",
        "Mix",
        "Export…",
    ] {
        assert!(reached.iter().any(|reached| reached == label), "{label} is not among {reached:?}");
    }
}

#[test]
fn a_name_is_edited_in_place_and_escape_cancels() {
    for (last, expected) in [
        (Key::Enter, vec![Action::Learn(LearnRequest::Rename { component: 2, name: "Sub bass".into() })]),
        (Key::Escape, vec![]),
    ] {
        let mut editor = open(live());
        editor.get_by_label("Name 3: Bass").click();
        editor.get_by_label("Name 3: Bass").click();
        editor.run_steps(3);
        editor.get_by_role(Role::TextInput).type_text("Sub");
        editor.run_steps(2);
        editor.event(Event::Key {
            key: Key::Space,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        });
        editor.event(Event::Text(" ".into()));
        editor.event(Event::Text("bass".into()));
        editor.run_steps(2);
        editor.key_press(last);
        editor.run_steps(3);
        assert_eq!(editor.state_mut().done(), expected);
        assert!(editor.query_by_role(Role::TextInput).is_none());
    }
}

#[test]
fn a_template_moves_to_another_strip_by_dragging_or_from_a_menu() {
    let mut editor = open(live());
    let from = center(&editor, "Templates 1");
    let by = center(&editor, "Gain 3") - from;
    let moved = drag(&mut editor, from, by, Modifiers::NONE);
    let [Action::Learn(LearnRequest::Move { template, component: 2 })] = moved[..] else { panic!("{moved:?}") };
    assert!(template < 4, "a template of the first component");
    let by = vec2(10.0, 60.0);
    assert_eq!(drag(&mut editor, from, by, Modifiers::NONE), [], "released over its own strip");

    editor.get_by_label("Templates 2").click_secondary();
    editor.run_steps(3);
    let moved = click(&mut editor, "Lead");
    assert!(matches!(moved[..], [Action::Learn(LearnRequest::Move { template: 4..8, component: 3 })]), "{moved:?}");
}

#[test]
fn the_bar_at_the_bottom_sets_mode_settings_and_zoom() {
    let mut editor = open(live());
    click(&mut editor, "Mode");
    assert_eq!(click(&mut editor, "Live"), set(Control::Mode, 1.0));
    assert_eq!(click(&mut editor, "Bypass"), set(Control::Bypass, 1.0));
    click(&mut editor, "Zoom");
    assert_eq!(click(&mut editor, "150 %"), [Action::Zoom(1.5)]);
    for (label, expected) in
        [("Extend pitch", set(Control::ExtendPitch, 0.0)), ("Spatial filter", set(Control::Spatial, 0.0))]
    {
        let mut editor = open(live());
        click(&mut editor, "Settings");
        assert_eq!(click(&mut editor, label), expected);
    }
    for (choice, expected) in
        [("Itakura-Saito", set(Control::Divergence, 1.0)), ("Hum or noise", set(Control::Steadiness, 0.5))]
    {
        let mut editor = open(live());
        click(&mut editor, "Settings");
        assert_eq!(click(&mut editor, choice), expected);
    }
    for (label, control) in [("Mix", Control::Mix), ("Output", Control::Output)] {
        let mut editor = open(live());
        let from = center(&editor, label);
        assert_eq!(gesture(&drag(&mut editor, from, vec2(-50.0, 0.0), Modifiers::NONE)).0, control);
    }
}

#[test]
fn models_are_imported_from_and_exported_to_files() {
    for (label, purpose) in [("Import…", FilePurpose::Import), ("Export…", FilePurpose::Export)] {
        let mut editor = open(live());
        click(&mut editor, label);
        editor.get_by_role(Role::TextInput).focus();
        editor.run_steps(2);
        editor.event(Event::Text("/music/kit.npz".into()));
        editor.run_steps(2);
        let button = if purpose == FilePurpose::Import { "Open" } else { "Save" };
        assert_eq!(click(&mut editor, button), [Action::File(purpose, "/music/kit.npz".into())]);
        click(&mut editor, label);
        assert_eq!(click(&mut editor, "Browse…"), [Action::Browse(purpose)]);
    }
}

#[test]
fn the_song_bar_plays_pauses_seeks_and_loops() {
    let mut editor = open(with_song(live()));
    assert_eq!(click(&mut editor, "Pause"), [Action::Song(SongAction::Pause)]);
    assert_eq!(click(&mut editor, "Unloop"), [Action::Song(SongAction::Unloop)]);
    let wave = editor.get_by_label("Song").rect();
    let middle = wave.center();
    let done = drag(&mut editor, middle, vec2(wave.width() / 4.0, 0.0), Modifiers::NONE);
    let [Action::Song(SongAction::Loop { from_s, to_s })] = done[..] else { panic!("{done:?}") };
    assert!((from_s - 7.0).abs() < 0.1 && (to_s - 10.5).abs() < 0.1, "{from_s} {to_s}");
    let sought = click(&mut editor, "Song");
    assert!(matches!(sought[..], [Action::Song(SongAction::Seek(s))] if (s - 7.0).abs() < 0.1), "{sought:?}");
    editor.state_mut().screen.song.as_mut().unwrap().is_playing = false;
    editor.run_steps(2);
    assert_eq!(click(&mut editor, "Play"), [Action::Song(SongAction::Play)]);
}

#[test]
fn sixteen_components_scroll_and_keep_all_controls() {
    let mut scene = live();
    let strip = scene.screen.strips[0].clone();
    scene.screen.strips = vec![strip; 16];
    let mut editor = open(scene);
    editor.get_by_label("Solo 16").scroll_to_me();
    editor.run_steps(4);
    assert_eq!(click(&mut editor, "Solo 16"), set(Control::Solo(15), 1.0));
}

#[test]
fn a_tooltip_shows_the_value_with_its_unit() {
    for (label, text) in [
        ("Gain 2", "Gain 2: 0.0 dB"),
        ("Gate 2", "Gate 2: Off"),
        ("Latency 42.7 ms", "hosts compensate for it"),
        ("Mix", "Mix: 100 %"),
    ] {
        let mut editor = open(live());
        editor.get_by_label(label).hover();
        editor.run_steps(60);
        assert!(editor.query_by_label_contains(text).is_some(), "{label}");
    }
}

#[test]
fn a_window_that_is_too_small_is_drawn() {
    // A frame at the new zoom comes before the window's new size, and hosts may set smaller sizes than the editor allows.
    for size in [[600.0, 390.0], [800.0, 520.0], [40.0, 20.0]] {
        open_at(with_song(live()), size, 1.0);
    }
}
