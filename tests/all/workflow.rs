//! Capture, learn, keep, revert, compare: the plug-in in a real CLAP host, driven by parameters alone.

use crate::click;
use std::time::{Duration, Instant};

use crate::clap_host::Host;
use clack_host::prelude::PluginEntry;
use unweave::model::Model;
use unweave::params::state::SavedModel;

const RATE: f64 = 48_000.0;
const BLOCKS: [usize; 4] = [480, 64, 999, 4096];
/// Longer than any learning here takes, and than the learning thread sleeps: what has not changed by then stays.
const QUIET: Duration = Duration::from_millis(1500);

// The values of “Command”.
const LEARN_LAST: f64 = 1.0;
const LEARN_AGAIN: f64 = 2.0;
const CANCEL: f64 = 3.0;
const KEEP: f64 = 4.0;
const REVERT: f64 = 5.0;
const COMPARE: f64 = 6.0;
const CLEAR: f64 = 7.0;

/// Two components of two templates each.
fn host() -> Host {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    let mut host = Host::new(&entry, RATE, 1).unwrap();
    host.set("Components", 1.0).unwrap();
    host.set("Templates", 2.0).unwrap();
    host
}

/// Notes that hop between three pitches, and some noise; `seed` makes other music of it.
fn music(seconds: f64, seed: u32) -> Vec<f32> {
    let mut noise = seed;
    let sample = |n: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (noise >> 9) as f32 / (1 << 22) as f32 - 1.0;
        let pitch = [0.02, 0.05, 0.11][(n / 6000 + seed as usize) % 3] * (1.0 + seed as f32 / 10.0);
        (n as f32 * pitch).sin() * 0.4 + hiss * 0.02
    };
    (0..(seconds * RATE) as usize).map(sample).collect()
}

/// Plays twenty times as fast as real time: the learning thread has a fifth of a second to come before history is lost.
fn play(host: &mut Host, audio: &[f32]) {
    for second in audio.chunks(RATE as usize) {
        host.play(&[second.to_vec()], &BLOCKS).unwrap();
        std::thread::sleep(Duration::from_millis(second.len() as u64 / 960));
    }
}

/// Asks for something, and lets go of the parameter.
fn command(host: &mut Host, command: f64) {
    for value in [command, 0.0] {
        host.set("Command", value).unwrap();
        play(host, &[0.0; 16]);
    }
}

/// The saved model, once it is another than `before`.
fn changed_from(host: &mut Host, before: &str) -> String {
    let start = Instant::now();
    loop {
        let model = host.saved_model().unwrap();
        if model != before {
            return model;
        }
        // A minute: far more than a busy machine needs.
        assert!(start.elapsed() < Duration::from_secs(60), "the model did not change");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn changed_by(host: &mut Host, asked: f64) -> String {
    let before = host.saved_model().unwrap();
    command(host, asked);
    changed_from(host, &before)
}

fn assert_unchanged_by(host: &mut Host, asked: f64) {
    let before = host.saved_model().unwrap();
    command(host, asked);
    std::thread::sleep(QUIET);
    assert_eq!(host.saved_model().unwrap(), before, "command {asked}");
}

/// The model after a capture of this.
fn captured(host: &mut Host, audio: &[f32]) -> String {
    let before = host.saved_model().unwrap();
    host.set("Capture", 1.0).unwrap();
    play(host, audio);
    host.finish_learning(&before).unwrap();
    host.saved_model().unwrap()
}

fn model(saved: &str) -> Model {
    serde_json::from_str::<SavedModel>(saved).unwrap().model().unwrap()
}

/// One component's templates.
fn templates_of(model: &Model, component: usize) -> Vec<Vec<f32>> {
    let t = model.templates();
    t.full().templates().zip(t.owners()).filter(|(_, owner)| **owner == component).map(|(w, _)| w.to_vec()).collect()
}

#[test]
fn the_last_seconds_are_learned_without_a_capture_exactly_as_from_one() {
    let audio = music(5.0, 1);
    let mut host = host();
    // Steps count from 0, and the seconds from 1: two seconds.
    host.set("Last seconds", 1.0).unwrap();
    play(&mut host, &audio);
    assert_eq!(host.saved_model().unwrap(), "null");
    let last = changed_by(&mut host, LEARN_LAST);
    assert_eq!(last, captured(&mut self::host(), &audio[audio.len() - 96_000..]));
    // What there is, if that is less.
    let mut short = self::host();
    play(&mut short, &audio[..48_000]);
    assert_eq!(changed_by(&mut short, LEARN_LAST), captured(&mut self::host(), &audio[..48_000]));
}

#[test]
fn capture_and_command_act_once_while_the_host_processes_no_blocks() {
    let mut host = host();
    host.set("Capture", 1.0).unwrap();
    play(&mut host, &music(1.0, 1));
    host.set_while_suspended("Capture", 0.0).unwrap();
    let first = changed_from(&mut host, "null");
    play(&mut host, &[0.0; 480]);
    let second = captured(&mut host, &music(1.0, 2));
    // The audio thread, which finds the changed parameters later, does not act again.
    for (asked, expected) in [(COMPARE, &first), (0.0, &first), (COMPARE, &second)] {
        let before = host.saved_model().unwrap();
        host.set_while_suspended("Command", asked).unwrap();
        if before != *expected {
            assert!(changed_from(&mut host, &before) == *expected);
        }
        std::thread::sleep(QUIET);
        play(&mut host, &[0.0; 480]);
        std::thread::sleep(QUIET);
        assert!(host.saved_model().unwrap() == *expected, "after command {asked}");
    }
}

#[test]
fn a_command_acts_once_and_only_when_it_changes() {
    let mut host = host();
    play(&mut host, &music(2.0, 1));
    let first = changed_by(&mut host, LEARN_LAST);
    let second = captured(&mut host, &music(2.0, 2));
    host.set("Command", COMPARE).unwrap();
    play(&mut host, &music(0.2, 1));
    assert_eq!(changed_from(&mut host, &second), first);
    // Again the same value: no change, no command.
    host.set("Command", COMPARE).unwrap();
    play(&mut host, &music(0.5, 1));
    std::thread::sleep(QUIET);
    assert_eq!(host.saved_model().unwrap(), first);
}

#[test]
fn a_capture_that_follows_the_transport_holds_what_played_while_it_ran() {
    let audio = music(6.0, 1);
    let (first, middle, last) = (&audio[..96_000], &audio[96_000..192_000], &audio[192_000..]);
    let expected = captured(&mut host(), &[first, last].concat());
    let mut host = host();
    host.set("Follow transport", 1.0).unwrap();
    host.set("Capture", 1.0).unwrap();
    host.stop_transport();
    play(&mut host, middle);
    host.start_transport();
    play(&mut host, first);
    host.stop_transport();
    play(&mut host, middle);
    host.start_transport();
    play(&mut host, last);
    host.finish_learning("null").unwrap();
    assert_eq!(host.saved_model().unwrap(), expected);
    // Without it, what plays while the transport stands counts too.
    host.set("Follow transport", 0.0).unwrap();
    host.stop_transport();
    assert_eq!(captured(&mut host, middle), captured(&mut self::host(), middle));
    // A transport that never ran leaves nothing to learn from.
    host.set("Follow transport", 1.0).unwrap();
    host.set("Capture", 1.0).unwrap();
    play(&mut host, first);
    host.set("Capture", 0.0).unwrap();
    assert_unchanged_by(&mut host, KEEP);
}

#[test]
fn accumulated_captures_are_learned_as_one_with_a_faded_joint() {
    let (first, second) = (music(2.0, 1), music(1.5, 2));
    let mut whole = [first.clone(), second.clone()].concat();
    for n in 0..480 {
        whole[first.len() - 1 - n] *= n as f32 / 480.0;
        whole[first.len() + n] *= n as f32 / 480.0;
    }
    let expected = captured(&mut host(), &whole);
    let mut host = host();
    host.set("Accumulate", 1.0).unwrap();
    let alone = captured(&mut host, &first);
    assert_eq!(captured(&mut host, &second), expected);
    assert_ne!(alone, expected);
    // Reverted, the first model has its own capture again.
    assert_eq!(changed_by(&mut host, REVERT), alone);
    host.set("Accumulate", 0.0).unwrap();
    host.set("Divergence", 1.0).unwrap();
    let again = changed_by(&mut host, LEARN_AGAIN);
    let mut fresh = self::host();
    fresh.set("Divergence", 1.0).unwrap();
    assert_eq!(again, captured(&mut fresh, &first));
    // Another number of channels cannot be appended: nothing is lost, and said.
    host.set("Accumulate", 1.0).unwrap();
    host.activate(RATE, 2).unwrap();
    host.set("Capture", 1.0).unwrap();
    host.play(&[second.clone(), second.clone()], &BLOCKS).unwrap();
    host.set("Capture", 0.0).unwrap();
    host.play(&[vec![0.0; 16], vec![0.0; 16]], &BLOCKS).unwrap();
    std::thread::sleep(QUIET);
    assert_eq!(host.saved_model().unwrap(), again);
}

#[test]
fn clear_forgets_captures_and_history_and_begins_a_running_capture_anew_and_models_stay() {
    let (first, second) = (music(2.0, 1), music(2.0, 2));
    let mut host = host();
    let before = captured(&mut host, &first);
    host.set("Capture", 1.0).unwrap();
    play(&mut host, &first);
    host.set("Command", CLEAR).unwrap();
    play(&mut host, &second);
    assert_eq!(host.saved_model().unwrap(), before);
    assert_unchanged_by(&mut host, LEARN_AGAIN);
    host.set("Command", CLEAR).unwrap();
    play(&mut host, &second);
    host.finish_learning(&before).unwrap();
    assert_eq!(host.saved_model().unwrap(), captured(&mut self::host(), &second));
    command(&mut host, CLEAR);
    assert_unchanged_by(&mut host, LEARN_AGAIN);
    // Nothing but the silence of the commands played since: too little to learn from.
    assert_unchanged_by(&mut host, LEARN_LAST);
}

#[test]
fn guided_components_and_the_rest_leave_the_others_as_they_are_to_the_bit() {
    let mut host = host();
    let mut models: Vec<Model> = Vec::new();
    for (target, seed) in [(1.0, 1), (2.0, 2), (17.0, 3)] {
        host.set("Target", target).unwrap();
        models.push(model(&captured(&mut host, &music(2.0, seed))));
    }
    let [one, two, rest] = models.as_slice() else { unreachable!("three were learned") };
    assert_eq!(rest.templates().components(), ["1", "2", "rest"]);
    assert_eq!(templates_of(two, 0), templates_of(one, 0));
    assert_eq!((templates_of(rest, 0), templates_of(rest, 1)), (templates_of(one, 0), templates_of(two, 1)));
    assert_eq!(templates_of(rest, 2).len(), 2);
    // All three captures are learned from again.
    host.set("Templates", 3.0).unwrap();
    let again = model(&changed_by(&mut host, LEARN_AGAIN));
    assert_eq!(again.templates().components(), ["1", "2", "rest"]);
    assert_eq!(again.templates().owners(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn keep_revert_and_compare_play_what_they_say() {
    let mut host = host();
    let first = captured(&mut host, &music(2.0, 1));
    // The first model, refused: nothing plays, and comparing brings it back.
    assert_eq!(changed_by(&mut host, REVERT), "null");
    assert_eq!(changed_by(&mut host, COMPARE), first);
    let second = captured(&mut host, &music(2.0, 2));
    assert_eq!(changed_by(&mut host, COMPARE), first);
    assert_eq!(changed_by(&mut host, COMPARE), second);
    assert_eq!(changed_by(&mut host, REVERT), first);
    assert_unchanged_by(&mut host, REVERT);
    assert_eq!(changed_by(&mut host, COMPARE), second);
    let third = captured(&mut host, &music(2.0, 3));
    assert_unchanged_by(&mut host, KEEP);
    assert_unchanged_by(&mut host, REVERT);
    assert_eq!(changed_by(&mut host, COMPARE), second);
    // A learning while one is in review keeps that one.
    let fourth = captured(&mut host, &music(2.0, 4));
    let fifth = captured(&mut host, &music(2.0, 5));
    assert_eq!(changed_by(&mut host, REVERT), fourth);
    assert!(third != fourth && fourth != fifth);
}

#[test]
fn a_cancelled_learning_leaves_the_model_as_it_was() {
    let mut host = host();
    let before = captured(&mut host, &music(2.0, 1));
    // Slow: the textbook's updates, of many templates.
    for (name, value) in [("Divergence", 2.0), ("Components", 15.0), ("Templates", 16.0), ("Learning threads", 1.0)] {
        host.set(name, value).unwrap();
    }
    let audio = music(20.0, 2);
    host.set("Capture", 1.0).unwrap();
    play(&mut host, &audio);
    host.set("Capture", 0.0).unwrap();
    play(&mut host, &[0.0; 64]);
    std::thread::sleep(Duration::from_millis(200));
    command(&mut host, CANCEL);
    assert_eq!(host.saved_model().unwrap(), before);
    for (name, value) in [("Divergence", 1.0), ("Components", 1.0), ("Templates", 2.0)] {
        host.set(name, value).unwrap();
    }
    // It is learned again from the capture that was kept, not from the one that was cancelled.
    let after = changed_by(&mut host, LEARN_AGAIN);
    let mut fresh = self::host();
    fresh.set("Divergence", 1.0).unwrap();
    assert_eq!(after, captured(&mut fresh, &music(2.0, 1)));
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut host = host();
    for command in [LEARN_AGAIN, COMPARE, REVERT, KEEP, CANCEL, CLEAR] {
        self::command(&mut host, command);
    }
    host.set("Keep history", 0.0).unwrap();
    play(&mut host, &music(2.0, 1));
    assert_unchanged_by(&mut host, LEARN_LAST);
    assert_eq!(host.saved_model().unwrap(), "null");
    let before = captured(&mut host, &music(2.0, 1));
    for audio in [vec![0.0; 96_000], music(0.01, 1)] {
        host.set("Capture", 1.0).unwrap();
        play(&mut host, &audio);
        host.set("Capture", 0.0).unwrap();
        assert_unchanged_by(&mut host, CANCEL);
    }
    assert_eq!(host.saved_model().unwrap(), before);
}

#[test]
fn a_project_never_holds_a_command_and_opens_without_doing_any() {
    let mut host = host();
    let first = captured(&mut host, &music(2.0, 1));
    captured(&mut host, &music(2.0, 2));
    for command in [LEARN_LAST, LEARN_AGAIN, CANCEL, KEEP, COMPARE, CLEAR] {
        host.set("Command", command).unwrap();
        play(&mut host, &[0.0; 64]);
        let state = host.save().unwrap();
        let text = String::from_utf8_lossy(&state).to_string();
        assert!(text.contains(r#""command":{"string":"none"}"#), "{command}");
        let mut reopened = self::host();
        captured(&mut reopened, &music(2.0, 3));
        reopened.load(&state).unwrap();
        let opened = reopened.saved_model().unwrap();
        play(&mut reopened, &[0.0; 4800]);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(reopened.saved_model().unwrap(), opened, "{command}");
    }
    assert_ne!(first, "null");
}

/// A model whose first component is one note, in a host that plays in a mode, and in the other slot one whose first
/// component is another.
fn two_models(mode: f64) -> Host {
    let mut host = host();
    host.set("Mode", mode).unwrap();
    play(&mut host, &[0.0; 64]);
    host.activate(RATE, 1).unwrap();
    let len = 96_000;
    let others = click::note(1, len).iter().zip(click::note(2, len)).map(|(x, y)| x + y).collect::<Vec<f32>>();
    for (target, audio) in [(2.0, others), (1.0, click::note(0, len)), (1.0, click::note(2, len))] {
        host.set("Target", target).unwrap();
        captured(&mut host, &audio);
    }
    host
}

#[test]
fn models_change_while_a_chord_sounds_without_a_click_in_every_mode() {
    for mode in [0.0, 1.0, 2.0, 3.0] {
        let mut host = two_models(mode);
        host.set("Solo 1", 1.0).unwrap();
        // To the other, back, to the model before it is kept, and to none.
        for command in [COMPARE, COMPARE, REVERT] {
            let before = host.saved_model().unwrap();
            let chord = click::chord(96_000);
            let mut heard = host.play(&[chord[..48_000].to_vec()], &BLOCKS).unwrap().remove(0);
            host.set("Command", command).unwrap();
            heard.extend(host.play(&[chord[48_000..48_064].to_vec()], &BLOCKS).unwrap().remove(0));
            changed_from(&mut host, &before);
            host.set("Command", 0.0).unwrap();
            heard.extend(host.play(&[chord[48_064..].to_vec()], &BLOCKS).unwrap().remove(0));
            let click_db = click::click_db(&heard, 48_064);
            assert!(click_db < 3.0, "mode {mode}, command {command}: {click_db} dB");
        }
    }
}
