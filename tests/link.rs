//! The threads' meetings, with the real learning thread.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use unweave::dsp::{Divergence, Format, Mode, StftLayout};
use unweave::learn::{Capture, LearnOptions, Learner, learn_blind};
use unweave::link::{
    AudioLink, CaptureMessage, Command, EditorLink, HistorySwitch, LearnRequest, Listening, Phase, Recording, connect,
};
use unweave::model::settings::{GroupBy, LearnSettings, Steadiness, Target};
use unweave::model::{Model, Playing};

const SETTINGS: LearnSettings = LearnSettings {
    target: Target::All,
    components: 2,
    templates: Some(2),
    divergence: Divergence::KullbackLeibler,
    mode: Mode::Normal,
    group_by: GroupBy::Auto,
    steadiness: Steadiness::Varying,
    extend_pitch: true,
    threads: 0,
    last_s: 8,
    accumulate: false,
};

fn options(iterations: usize) -> LearnOptions {
    LearnOptions {
        custom_iterations: Some(iterations),
        layout: StftLayout::new(256, 64).ok(),
        templates: 2,
        ..LearnOptions::default()
    }
}

/// A low and a high tone that take turns.
fn tones(len: usize) -> Vec<f32> {
    (0..len).map(|n| (n as f32 * if n / 4000 % 2 == 0 { 0.05 } else { 0.7 }).sin() * 0.5).collect()
}

/// A capture of this stretch.
fn capture(audio: &mut AudioLink, channels: &[&mut [f32]], settings: LearnSettings) {
    let listening = |recording| Listening { history: HistorySwitch::Off, recording, settings };
    audio.listen(listening(Recording::On), 48_000.0, channels);
    audio.listen(listening(Recording::Off), 48_000.0, &[]);
}

fn record(audio: &mut AudioLink, samples: &mut [f32]) {
    capture(audio, &[samples], SETTINGS);
}

fn wait(what: &str, mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        // A minute: far more than a busy machine needs.
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        // The learner has a low priority: a loop without rest would starve it.
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn ended(editor: &EditorLink) -> bool {
    editor.status.learns_ended.load(Relaxed) > 0
}

fn learned() -> Model {
    let capture = Capture::new(48_000.0, vec![tones(16_000)]).unwrap();
    learn_blind(&capture, 2, &options(10), &mut |_| std::ops::ControlFlow::Continue(())).unwrap().0
}

#[test]
fn a_capture_becomes_templates_in_the_format_that_the_audio_thread_runs_in() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(10)).unwrap();
    let layout = StftLayout::new(512, 128).unwrap();
    editor.models.play_in(44_100.0, 2, Playing::new(layout));
    record(&mut audio, &mut tones(16_000));
    wait("the end of the learning", || ended(&editor));
    assert_eq!((editor.status.phase(), editor.status.failure()), (Phase::Idle, String::new()));
    let playing = audio.templates().unwrap();
    assert_eq!((playing.format(), playing.components().len()), (Format::new(44_100.0, layout, 2), 2));
}

#[test]
fn the_same_audio_gives_the_same_templates() {
    let (first, second) = (learned(), learned());
    assert_eq!((first.codes(), first.templates().owners()), (second.codes(), second.templates().owners()));
}

#[test]
fn frames_that_find_the_ring_full_are_counted_and_the_end_still_gets_through() {
    let (mut audio, mut learn, editor) = connect();
    record(&mut audio, &mut vec![0.1; 8 * 48_000 + 1000]);
    assert_eq!(editor.status.dropped_frames.load(Relaxed), 1000);
    let mut last = None;
    while let Some(message) = learn.capture.read(&mut |_| {}) {
        last = Some(message);
    }
    assert_eq!(last, Some(CaptureMessage::Stop(SETTINGS)));
}

#[test]
fn history_that_nobody_hears_leaves_a_capture_half_of_the_ring() {
    let (mut audio, mut learn, editor) = connect();
    let listening = |recording| Listening { history: HistorySwitch::On, recording, settings: SETTINGS };
    let mut second = vec![0.1; 48_000];
    (0..20).for_each(|_| audio.listen(listening(Recording::Off), 48_000.0, &[&mut second]));
    assert_eq!(editor.status.dropped_frames.load(Relaxed), 0, "only captures count");
    (0..4).for_each(|_| audio.listen(listening(Recording::On), 48_000.0, &[&mut second]));
    assert_eq!(editor.status.dropped_frames.load(Relaxed), 0, "only captures count");
    let (mut frames, mut before_start) = (0, None);
    while let Some(message) = learn.capture.read(&mut |read| frames += read.len()) {
        if message == CaptureMessage::Start {
            before_start = Some(frames);
        }
    }
    assert_eq!((frames, before_start), (8 * 48_000, Some(4 * 48_000)));
}

#[test]
fn a_silent_capture_fails_and_says_why_and_the_model_stays() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(10)).unwrap();
    let model = Arc::new(learned());
    editor.models.replace(Some(model.clone()));
    record(&mut audio, &mut vec![0.0; 4000]);
    wait("the end of the learning", || ended(&editor));
    assert_eq!(editor.status.phase(), Phase::Failed);
    assert!(editor.status.failure().contains("silent"), "{}", editor.status.failure());
    assert!(Arc::ptr_eq(&editor.models.current().unwrap(), &model));
}

#[test]
fn a_learner_that_is_dropped_while_it_learns_ends_at_once() {
    let (mut audio, learn, editor) = connect();
    let learner = Learner::start(learn, editor.clone(), options(10_000_000)).unwrap();
    record(&mut audio, &mut tones(16_000));
    wait("the learning", || editor.status.phase() == Phase::Learning);
    let (ended, end) = channel();
    std::thread::spawn(move || {
        drop(learner);
        ended.send(()).unwrap();
    });
    // One iteration takes milliseconds; the learning would take hours.
    assert!(end.recv_timeout(Duration::from_secs(10)).is_ok(), "the thread still runs");
}

#[test]
fn a_model_survives_changes_of_format() {
    let (mut audio, _learn, editor) = connect();
    let model = Arc::new(learned());
    let home = model.templates().format();
    editor.models.replace(Some(model.clone()));
    assert!(audio.templates().is_none());
    for (rate, window_len, channels) in [(96_000.0, 4096, 2), (22_050.0, 256, 1), (48_000.0, 256, 1)] {
        let layout = StftLayout::new(window_len, window_len / 4).unwrap();
        editor.models.play_in(rate, channels, Playing::new(layout));
        assert_eq!(audio.templates().unwrap().format(), Format::new(rate, layout, channels));
    }
    let playing = audio.templates().unwrap();
    assert!(
        playing.format() == home
            && playing.full().templates().eq(model
                .playing(home.sample_rate, home.channels, Playing::new(model.learned().layout))
                .unwrap()
                .full()
                .templates())
    );
    editor.models.replace(None);
    assert!(audio.templates().is_none());
}

/// Noise in the left channel only, or tones in both.
fn stereo(len: usize, is_noise: bool) -> [Vec<f32>; 2] {
    let tones = tones(len);
    let noise: Vec<f32> = (0..len).map(|n| ((n * n) as f32 * 0.37).sin() * 0.3).collect();
    if is_noise { [noise, vec![0.0; len]] } else { [tones.clone(), tones] }
}

fn record_stereo(audio: &mut AudioLink, target: Target, is_noise: bool) {
    let [mut left, mut right] = stereo(16_000, is_noise);
    let settings = LearnSettings { target, ..SETTINGS };
    capture(audio, &[&mut left, &mut right], settings);
}

#[test]
fn a_target_learns_one_component_and_leaves_the_others_as_they_are() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(10)).unwrap();
    let learned_after = |count: u32| {
        wait("the end of the learning", || editor.status.learns_ended.load(Relaxed) == count);
        assert_eq!((editor.status.phase(), editor.status.failure()), (Phase::Idle, String::new()));
        editor.models.current().unwrap()
    };
    let own = |model: &Model, index: usize| -> Vec<Vec<f32>> {
        let t = model.templates();
        t.full().templates().zip(t.owners()).filter(|(_, owner)| **owner == index).map(|(w, _)| w.to_vec()).collect()
    };
    // The third before the others: two places stay free.
    record_stereo(&mut audio, Target::Component(2), false);
    let third = learned_after(1);
    assert_eq!(third.templates().components(), ["1", "2", "3"]);
    assert_eq!((own(&third, 0).len(), own(&third, 1).len(), own(&third, 2).len()), (0, 0, 2));
    record_stereo(&mut audio, Target::Component(0), true);
    let both = learned_after(2);
    assert_eq!(own(&both, 2), own(&third, 2));
    assert_eq!(own(&both, 0).len(), 2);
    // Noise on the left, tones in the middle.
    let bins = both.templates().format().bins();
    let left_share = |index: usize| both.templates().covariances()[index * bins + 20].left;
    assert!(left_share(0) > 0.99 && (left_share(2) - 0.5).abs() < 0.01, "{} {}", left_share(0), left_share(2));
    record_stereo(&mut audio, Target::Rest, false);
    let rest = learned_after(3);
    assert_eq!(rest.templates().components(), ["1", "2", "3", "rest"]);
    assert_eq!((own(&rest, 0), own(&rest, 2), own(&rest, 3).len()), (own(&both, 0), own(&both, 2), 2));
    record_stereo(&mut audio, Target::All, false);
    assert_eq!(learned_after(4).templates().components(), ["1", "2"]);
}

#[test]
fn kept_captures_are_learned_once_more_for_another_window_and_on_request() {
    let (mut audio, learn, editor) = connect();
    let options = LearnOptions { layout: None, ..options(10) };
    let _learner = Learner::start(learn, editor.clone(), options).unwrap();
    let learned_after = |count: u32| {
        wait("the end of the learning", || editor.status.learns_ended.load(Relaxed) == count);
        editor.models.current().unwrap()
    };
    let stream = editor.models.play_in(48_000.0, 2, Playing::new(Mode::Normal.layout(48_000.0)));
    record_stereo(&mut audio, Target::Component(0), true);
    record_stereo(&mut audio, Target::Component(1), false);
    let normal = learned_after(2);
    assert!(audio.play_in(Playing::new(Mode::Fine.layout(48_000.0)), stream));
    let fine = learned_after(3);
    assert_eq!((normal.learned().layout.window_len(), fine.learned().layout.window_len()), (2048, 4096));
    assert_eq!(audio.templates().unwrap().format().window_len, 4096);
    // The same window, and the same captures: the same templates as before.
    assert!(audio.play_in(Playing { bands: 30, ..Playing::new(Mode::Live.layout(48_000.0)) }, stream));
    let again = learned_after(4);
    assert!(audio.templates().unwrap().bands().len() <= 30);
    assert_eq!(again.codes(), normal.codes());
    editor
        .requests
        .send(LearnRequest::Do(Command::LearnAgain, LearnSettings { templates: Some(3), ..SETTINGS }))
        .unwrap();
    assert_eq!(learned_after(5).templates().owners(), [0, 0, 0, 1, 1, 1]);
}

#[test]
fn another_rate_changes_nothing_that_was_learned_and_what_an_earlier_stream_told_comes_too_late() {
    let (mut audio, learn, editor) = connect();
    let options = LearnOptions { layout: None, ..options(10) };
    let _learner = Learner::start(learn, editor.clone(), options).unwrap();
    let playing = |sample_rate: f32| Playing::new(Mode::Normal.layout(sample_rate));
    let early = editor.models.play_in(48_000.0, 2, playing(48_000.0));
    record_stereo(&mut audio, Target::Component(0), true);
    wait("the end of the learning", || ended(&editor));
    let model = editor.models.current().unwrap();
    for sample_rate in [96_000.0, 44_100.0, 192_000.0] {
        let stream = editor.models.play_in(sample_rate, 2, playing(sample_rate));
        let live = Playing::new(Mode::Live.layout(sample_rate));
        assert!(audio.play_in(playing(sample_rate), stream) && audio.play_in(playing(48_000.0), early));
        // The bands tell when both have been heard.
        assert!(audio.play_in(Playing { bands: 30, ..live }, stream));
        wait("fewer bands", || audio.templates().is_some_and(|templates| templates.bands().len() <= 30));
        let format = audio.templates().unwrap().format();
        assert_eq!((format.sample_rate, format.window_len), (sample_rate, live.layout.window_len()));
    }
    assert!(Arc::ptr_eq(&editor.models.current().unwrap(), &model) && editor.status.learns_ended.load(Relaxed) == 1);
}

#[test]
fn a_learner_that_is_dropped_while_it_learns_once_more_ends_at_once() {
    let (mut audio, learn, editor) = connect();
    let learner = Learner::start(learn, editor.clone(), options(5000)).unwrap();
    record(&mut audio, &mut tones(16_000));
    wait("the end of the learning", || ended(&editor));
    editor.requests.send(LearnRequest::Do(Command::LearnAgain, SETTINGS)).unwrap();
    wait("the learning", || editor.status.phase() == Phase::Learning);
    let (ended, end) = channel();
    std::thread::spawn(move || {
        drop(learner);
        ended.send(()).unwrap();
    });
    assert!(end.recv_timeout(Duration::from_secs(10)).is_ok(), "the thread still runs");
}
