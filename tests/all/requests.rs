//! What an editor asks the real learning thread for, and what it reads meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use unweave::dsp::{Divergence, Mode, StftLayout};
use unweave::learn::{LearnOptions, Learner};
use unweave::link::{
    AudioLink, CaptureState, Command, EditorLink, HistorySwitch, LearnRequest, Listening, Stage, connect,
};
use unweave::model::settings::{GroupBy, LearnSettings, Steadiness, Target};
use unweave::model::{Model, PlaybackSettings};

const RATE: f32 = 48_000.0;
const SETTINGS: LearnSettings = LearnSettings {
    target: Target::All,
    components: 2,
    templates: Some(2),
    divergence: Divergence::KullbackLeibler,
    mode: Mode::Normal,
    group_by: GroupBy::Auto,
    steadiness: Steadiness::Varying,
    extend_pitch: true,
    threads: 1,
    last_s: 2,
    accumulate: false,
};

/// An instance without host: what its audio thread would do, the test does.
struct Instance {
    audio: AudioLink,
    editor: EditorLink,
    history: HistorySwitch,
    _learner: Learner,
}

impl Instance {
    fn new(iterations: usize) -> Self {
        let (audio, learn, editor) = connect();
        let options = LearnOptions {
            custom_iterations: Some(iterations),
            layout: StftLayout::new(256, 64).ok(),
            ..LearnOptions::default()
        };
        editor.models.play_in(RATE, 1, PlaybackSettings::new(StftLayout::new(256, 64).unwrap()));
        let learner = Learner::start(learn, editor.clone(), options).unwrap();
        Self { audio, editor, history: HistorySwitch::On, _learner: learner }
    }

    fn play(&mut self, capture: CaptureState, audio: &[f32]) {
        let listening = Listening { history: self.history, capture, settings: SETTINGS };
        for block in audio.chunks(480) {
            self.audio.listen(listening, RATE, &[&mut block.to_vec()]);
        }
    }

    fn capture(&mut self, audio: &[f32]) {
        self.play(CaptureState::On, audio);
        self.play(CaptureState::Off, &[0.0]);
    }

    fn ask(&self, request: LearnRequest) {
        self.editor.requests.send(request).unwrap();
    }

    fn command(&self, command: Command) {
        self.ask(LearnRequest::Do(command, SETTINGS));
    }

    fn wait_for(&self, what: &str, is_there: impl Fn(&EditorLink) -> bool) {
        let start = Instant::now();
        while !is_there(&self.editor) {
            // A minute: far more than a busy machine needs.
            assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come: {:?}", self.editor.stage());
            // The learner has a low priority: a loop without rest would starve it.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn ended(&self, learns: u32) {
        self.wait_for("the end of the learning", |editor| editor.status.learns_ended.load(Relaxed) == learns);
    }

    /// The reason, once what was asked for has failed.
    fn failure(&self) -> String {
        self.wait_for("a failure", |editor| matches!(editor.stage(), Stage::Failed(_)));
        self.editor.stage().to_string()
    }

    fn model(&self) -> Arc<Model> {
        self.editor.models.current().unwrap()
    }
}

/// Two tones that take turns.
fn tones(len: usize) -> Vec<f32> {
    (0..len).map(|n| (n as f32 * if n / 4000 % 2 == 0 { 0.05 } else { 0.7 }).sin() * 0.5).collect()
}

fn learned() -> Instance {
    let mut instance = Instance::new(20);
    instance.capture(&tones(24_000));
    instance.ended(1);
    instance
}

#[test]
fn the_stage_tells_the_way_from_nothing_to_live() {
    let mut instance = Instance::new(200_000);
    assert_eq!(instance.editor.stage(), Stage::Empty);
    instance.play(CaptureState::Waiting, &tones(480));
    instance.wait_for("the wait", |editor| editor.stage() == Stage::Waiting);
    instance.play(CaptureState::On, &tones(24_000));
    instance.wait_for("the capture", |editor| editor.stage() == Stage::Capturing { seconds: 0.5 });
    instance.play(CaptureState::Off, &tones(480));
    instance.wait_for("the learning", |editor| matches!(editor.stage(), Stage::Learning { .. }));
    instance.command(Command::Cancel);
    instance.wait_for("the end", |editor| editor.stage() == Stage::Empty);
    let mut instance = learned();
    assert_eq!(instance.editor.stage(), Stage::Review);
    instance.command(Command::Keep);
    instance.wait_for("the end of the review", |editor| editor.stage() == Stage::Live);
    let status = instance.editor.status.clone();
    assert!((status.learned_s.load(Relaxed) - 0.5).abs() < 1e-6, "{:?}", status.learned_s);
    instance.play(CaptureState::Off, &tones(48_000));
    instance.wait_for("the history", |_| status.history_s.load(Relaxed) > 1.0);
    instance.history = HistorySwitch::Off;
    instance.play(CaptureState::Off, &[0.0]);
    instance.wait_for("no history", |_| status.history_s.load(Relaxed) == 0.0);
}

#[test]
fn losses_of_a_learning_fall_from_its_start_on() {
    let instance = learned();
    let losses = instance.editor.status.losses();
    assert_eq!(losses.len(), 3, "at the start, and after 10 and 20 iterations: {losses:?}");
    assert!(losses.is_sorted_by(|first, second| first > second), "{losses:?}");
}

#[test]
fn a_failure_says_what_to_do_and_stays_until_something_else_is_asked_for() {
    let mut instance = Instance::new(20);
    for (command, expected) in [
        (Command::LearnLast, "switch “Keep history” on"),
        (Command::LearnAgain, "capture first"),
        (Command::Compare, "learn one first"),
        (Command::Revert, "nothing to revert"),
    ] {
        instance.command(command);
        assert!(instance.failure().contains(expected), "{}", instance.failure());
        std::thread::sleep(Duration::from_millis(60));
        assert!(instance.failure().contains(expected), "{}", instance.failure());
        instance.command(Command::Keep);
        instance.wait_for("no failure", |editor| editor.stage() == Stage::Empty && editor.status.failure().is_empty());
    }
    instance.play(CaptureState::Waiting, &tones(480));
    instance.history = HistorySwitch::Off;
    instance.play(CaptureState::Off, &[0.0]);
    assert!(instance.failure().contains("start it while Capture is on"), "{}", instance.failure());
    instance.history = HistorySwitch::On;
    instance.play(CaptureState::Off, &[0.0; 10]);
    instance.command(Command::Clear);
    instance.command(Command::LearnLast);
    instance.wait_for("the empty history", |editor| editor.status.failure().contains("play something first"));
    for (audio, expected) in [(vec![0.0; 9000], "−120 dB"), (tones(100), "one window of 256")] {
        instance.play(CaptureState::On, &audio);
        instance.wait_for("the capture", |editor| matches!(editor.stage(), Stage::Capturing { .. }));
        instance.play(CaptureState::Off, &[0.0]);
        assert!(instance.failure().contains(expected), "{}", instance.failure());
    }
    instance.capture(&tones(24_000));
    instance.wait_for("a model", |editor| editor.stage() == Stage::Review);
}

#[test]
fn a_name_a_template_s_component_and_a_model_from_elsewhere_are_taken_without_a_capture_lost() {
    let instance = learned();
    let first = instance.model();
    let rename = |component: usize, name: &str| LearnRequest::Rename { component, name: name.into() };
    instance.ask(rename(0, "kick"));
    instance.wait_for("the name", |editor| editor.models.current().unwrap().templates().components()[0] == "kick");
    // All of the second component's templates but the last go to the first.
    let second: Vec<usize> = (0..4).filter(|&template| first.templates().owners()[template] == 1).collect();
    let [moved @ .., last] = second.as_slice() else { panic!("the second component owns none") };
    for &template in moved {
        instance.ask(LearnRequest::Move { template, component: 0 });
    }
    let owned = |editor: &EditorLink| editor.models.current().unwrap().templates().owned(1).to_vec();
    instance.wait_for("the move", |editor| owned(editor) == [*last as u32]);
    let slots = instance.editor.models.slots();
    assert!(slots.other.is_none() && slots.is_review);
    assert_eq!(instance.model().codes(), first.codes());
    for (request, expected) in [
        (rename(1, "kick"), "already"),
        (rename(0, " "), "at least one character"),
        (rename(5, "x"), "the model has 2"),
        (LearnRequest::Move { template: 9, component: 0 }, "the model has 4"),
        (LearnRequest::Move { template: *last, component: 0 }, "keeps at least one"),
    ] {
        instance.ask(request);
        assert!(instance.failure().contains(expected), "{}", instance.failure());
        instance.command(Command::Keep);
        instance.wait_for("no failure", |editor| editor.stage() == Stage::Live);
    }
    // What it was learned from is still known, and the name stays.
    instance.ask(LearnRequest::Do(Command::LearnAgain, LearnSettings { templates: Some(3), ..SETTINGS }));
    instance.ended(2);
    assert_eq!(instance.model().templates().components(), ["kick", "2"]);
    let elsewhere = learned().model();
    instance.ask(LearnRequest::Replace(elsewhere.clone()));
    instance.wait_for("the model", |editor| Arc::ptr_eq(&editor.models.current().unwrap(), &elsewhere));
    instance.command(Command::Revert);
    instance.wait_for("the one before", |editor| editor.models.current().unwrap().templates().owners().len() == 6);
}

#[test]
fn while_it_learns_it_goes_on_listening_and_a_cancel_is_obeyed_within_a_tenth_of_a_second() {
    for by_ring in [true, false] {
        let mut instance = Instance::new(10_000_000);
        instance.capture(&tones(48_000));
        instance.wait_for("the learning", |editor| matches!(editor.stage(), Stage::Learning { .. }));
        // More than the ring holds.
        for _ in 0..20 {
            instance.play(CaptureState::Off, &tones(48_000));
            // Ten times as fast as real time.
            std::thread::sleep(Duration::from_millis(100));
        }
        instance.wait_for("the history", |editor| editor.status.history_s.load(Relaxed) > 20.9);
        // Compare acts at once: there is no model yet to compare, and the progress stays in view.
        instance.command(Command::Compare);
        instance.wait_for("the comparison", |editor| editor.status.tasks_done.load(Relaxed) == 1);
        assert!(matches!(instance.editor.stage(), Stage::Learning { .. }));
        let start = Instant::now();
        match by_ring {
            true => assert!(instance.audio.command(Command::Cancel, SETTINGS)),
            false => instance.command(Command::Cancel),
        }
        instance.ended(1);
        // A busy machine with two cores may take twice as long to let the thread run.
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
        assert!(instance.editor.models.current().is_none());
        assert_eq!(instance.editor.stage(), Stage::Empty);
    }
}

#[test]
fn commands_of_the_audio_thread_and_captures_come_in_order() {
    let mut instance = Instance::new(20);
    instance.capture(&tones(24_000));
    instance.ended(1);
    assert!(instance.audio.command(Command::Keep, SETTINGS));
    instance.capture(&tones(30_000));
    instance.ended(2);
    assert!(instance.audio.command(Command::Revert, SETTINGS));
    instance.wait_for("the first model", |editor| (editor.status.learned_s.load(Relaxed) - 0.5).abs() < 1e-6);
    let slots = instance.editor.models.slots();
    assert!(slots.current.is_some() && slots.other.is_some() && !slots.is_review);
}
