//! The threads' meetings, with the real learning thread.

#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use unweave::dsp::{Divergence, Format, Mode, StftLayout, Templates};
use unweave::learn::{Capture, LearnOptions, Learner, learn_blind};
use unweave::link::{
    AudioLink, CaptureMessage, CaptureState, Command, EditorLink, HistorySwitch, LearnRequest, Listening, Phase, Stage,
    connect,
};
use unweave::model::settings::{GroupBy, LearnSettings, Steadiness, Target};
use unweave::model::{LearnInfo, Model, PlaybackSettings};

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
    let listening = |capture| Listening { history: HistorySwitch::Off, capture, settings };
    audio.listen(listening(CaptureState::On), 48_000.0, channels);
    audio.listen(listening(CaptureState::Off), 48_000.0, &[]);
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

/// Whether nobody takes requests any more.
fn has_ended(editor: &EditorLink) -> bool {
    editor.requests.send(LearnRequest::Do(Command::Cancel, SETTINGS)).is_err()
}

/// Iterations of a learning that takes hours.
const ENDLESS: usize = 10_000_000;

fn learned() -> Model {
    let capture = Capture::new(48_000.0, vec![tones(16_000)]).unwrap();
    learn_blind(&capture, 2, &options(10), &mut |_| std::ops::ControlFlow::Continue(())).unwrap().0
}

#[test]
fn a_capture_becomes_templates_in_the_format_that_the_audio_thread_runs_in() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(10)).unwrap();
    let layout = StftLayout::new(512, 128).unwrap();
    editor.models.play_in(44_100.0, 2, PlaybackSettings::new(layout));
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
        last = Some(message.message);
    }
    assert_eq!(last, Some(CaptureMessage::Stop(SETTINGS)));
}

#[test]
fn history_that_nobody_hears_leaves_a_capture_half_of_the_ring() {
    let (mut audio, mut learn, editor) = connect();
    let listening = |capture| Listening { history: HistorySwitch::On, capture, settings: SETTINGS };
    let mut second = vec![0.1; 48_000];
    (0..20).for_each(|_| audio.listen(listening(CaptureState::Off), 48_000.0, &[&mut second]));
    assert_eq!(editor.status.dropped_frames.load(Relaxed), 0, "only captures count");
    (0..4).for_each(|_| audio.listen(listening(CaptureState::On), 48_000.0, &[&mut second]));
    assert_eq!(editor.status.dropped_frames.load(Relaxed), 0, "only captures count");
    let (mut frames, mut before_start) = (0, None);
    while let Some(message) = learn.capture.read(&mut |read| frames += read.len()) {
        if message.message == CaptureMessage::Start {
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
    drop(learner);
    // One iteration takes milliseconds; the learning would take hours.
    wait("the end of the thread", || has_ended(&editor));
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
        editor.models.play_in(rate, channels, PlaybackSettings::new(layout));
        assert_eq!(audio.templates().unwrap().format(), Format::new(rate, layout, channels));
    }
    let playing = audio.templates().unwrap();
    assert!(
        playing.format() == home
            && playing.full().templates().eq(model
                .for_playback(home.sample_rate, home.channels, PlaybackSettings::new(model.info().layout))
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
    let stream = editor.models.play_in(48_000.0, 2, PlaybackSettings::new(Mode::Normal.layout(48_000.0)));
    record_stereo(&mut audio, Target::Component(0), true);
    record_stereo(&mut audio, Target::Component(1), false);
    let normal = learned_after(2);
    assert!(audio.play_in(PlaybackSettings::new(Mode::Fine.layout(48_000.0)), stream));
    let fine = learned_after(3);
    assert_eq!((normal.info().layout.window_len(), fine.info().layout.window_len()), (2048, 4096));
    assert_eq!(audio.templates().unwrap().format().window_len, 4096);
    // The same window, and the same captures: the same templates as before.
    let live = PlaybackSettings::new(Mode::Live.layout(48_000.0));
    assert!(audio.play_in(PlaybackSettings { bands: 30, ..live }, stream));
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
    let playing = |sample_rate: f32| PlaybackSettings::new(Mode::Normal.layout(sample_rate));
    let early = editor.models.play_in(48_000.0, 2, playing(48_000.0));
    record_stereo(&mut audio, Target::Component(0), true);
    wait("the end of the learning", || ended(&editor));
    let model = editor.models.current().unwrap();
    for sample_rate in [96_000.0, 44_100.0, 192_000.0] {
        let stream = editor.models.play_in(sample_rate, 2, playing(sample_rate));
        let live = PlaybackSettings::new(Mode::Live.layout(sample_rate));
        assert!(audio.play_in(playing(sample_rate), stream) && audio.play_in(playing(48_000.0), early));
        // The bands tell when both have been heard.
        assert!(audio.play_in(PlaybackSettings { bands: 30, ..live }, stream));
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
    drop(learner);
    wait("the end of the thread", || has_ended(&editor));
}

#[test]
fn a_learner_that_is_dropped_does_not_keep_its_owner_waiting() {
    let (mut still_running, mut editors) = (0, Vec::new());
    for _ in 0..8 {
        let (mut audio, learn, editor) = connect();
        let learner = Learner::start(learn, editor.clone(), options(ENDLESS)).unwrap();
        record(&mut audio, &mut tones(16_000));
        wait("the learning", || editor.status.phase() == Phase::Learning);
        drop(learner);
        // A thread may end in the moment between the drop and this look, but not eight times.
        still_running += usize::from(!has_ended(&editor));
        editors.push(editor);
    }
    assert!(still_running > 0, "each drop waited for its thread");
    wait("the end of all threads", || editors.iter().all(has_ended));
}

/// Eight tonal components of eight templates: every template has four copies.
fn large_model() -> Model {
    let layout = StftLayout::default();
    let format = Format::new(48_000.0, layout, 2);
    let partial = |template: usize, bin: usize| {
        let first = 5.0 * 1.09f32.powi(template as i32);
        let nearest = (bin as f32 / first).round().max(1.0);
        (1.5 - (bin as f32 - first * nearest).abs()).max(0.0) / nearest + 1e-5
    };
    let value = |n: usize| partial(n / format.rows(), n % format.bins());
    let matrix = (0..64 * format.rows()).map(value).collect();
    let (names, owners) = ((0..8).map(|n| n.to_string()).collect(), (0..64).map(|n| n / 8).collect());
    let templates = Templates::new(format, names, owners, matrix).unwrap();
    let divergence = Divergence::Euclidean;
    Model::new(
        &templates,
        LearnInfo { divergence, seed: 1, iterations: 1, layout, extend_pitch: true, steady: Vec::new() },
    )
    .unwrap()
}

#[test]
fn others_see_the_models_while_one_is_fitted() {
    let (_audio, _learn, editor) = connect();
    editor.models.replace(Some(Arc::new(large_model())));
    // Odd while a fit runs.
    let (epoch, is_ended) = (AtomicU32::new(0), AtomicBool::new(false));
    let (fits, looks) = std::thread::scope(|scope| {
        let fits = scope.spawn(|| {
            let fit = |n: u32| {
                let started = Instant::now();
                epoch.fetch_add(1, Relaxed);
                editor.models.play_in(44_100.0 + n as f32, 2, PlaybackSettings::new(StftLayout::default()));
                epoch.fetch_add(1, Relaxed);
                started.elapsed()
            };
            let fits: Vec<Duration> = (0..30).map(fit).collect();
            is_ended.store(true, Relaxed);
            fits
        });
        let mut longest = vec![Duration::ZERO; 30];
        while !is_ended.load(Relaxed) {
            let (epoch, started) = (epoch.load(Relaxed) as usize, Instant::now());
            editor.models.slots();
            if epoch % 2 == 1 {
                longest[epoch / 2] = longest[epoch / 2].max(started.elapsed());
            }
        }
        (fits.join().unwrap(), longest)
    });
    // Whoever waits for a fit waits for nearly all of it. A busy machine may hold up a look too, but not thirty times.
    assert!(fits.iter().zip(&looks).any(|(fit, look)| *look < *fit / 4), "fits {fits:?}, looks {looks:?}");
}

#[test]
fn whoever_fits_last_the_current_model_plays_in_the_current_stream() {
    let (mut audio, _learn, editor) = connect();
    let models = &editor.models;
    let [loaded, new] =
        ["a", "b"].map(|name| Arc::new(learned().with_names(vec![name.into(), "rest".into()]).unwrap()));
    for round in 0..40 {
        let channels = 1 + round % 2;
        std::thread::scope(|scope| {
            scope.spawn(|| models.replace(Some(loaded.clone())));
            scope.spawn(|| models.review(new.clone()));
            scope.spawn(|| models.play_in(48_000.0, channels, PlaybackSettings::new(StftLayout::default())));
            scope.spawn(|| models.compare());
        });
        let name = |templates: &Templates| templates.components()[0].clone();
        let (current, playing) = (models.current(), audio.templates());
        assert_eq!(playing.map(name), current.map(|model| name(model.templates())), "round {round}");
        assert!(playing.is_none_or(|templates| templates.format().channels == channels), "round {round}");
    }
}

#[test]
fn a_project_that_is_loaded_while_its_predecessor_is_learned_for_another_window_stays() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), LearnOptions { layout: None, ..options(5000) }).unwrap();
    let stream = editor.models.play_in(48_000.0, 1, PlaybackSettings::new(Mode::Normal.layout(48_000.0)));
    record(&mut audio, &mut tones(16_000));
    wait("the end of the learning", || ended(&editor));
    assert!(audio.play_in(PlaybackSettings::new(Mode::Fine.layout(48_000.0)), stream));
    wait("the second learning", || editor.status.phase() == Phase::Learning);
    let project = Arc::new(learned());
    editor.models.replace(Some(project.clone()));
    wait("the end of the second learning", || editor.status.learns_ended.load(Relaxed) == 2);
    assert!(Arc::ptr_eq(&editor.models.current().unwrap(), &project));
    assert!(!editor.models.slots().is_review && editor.models.slots().other.is_none());
}

#[test]
fn a_project_that_is_loaded_cancels_the_running_learning_and_those_that_wait() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(ENDLESS)).unwrap();
    record(&mut audio, &mut tones(16_000));
    wait("the learning", || editor.status.phase() == Phase::Learning);
    record(&mut audio, &mut tones(16_000));
    let project = Arc::new(learned());
    editor.models.replace(Some(project.clone()));
    // Asked for after the load: it is done when all before it are.
    editor.requests.send(LearnRequest::Rename { component: 0, name: "mine".into() }).unwrap();
    wait("the name", || editor.models.current().is_some_and(|model| model.templates().components()[0] == "mine"));
    wait("the end of all tasks", || editor.status.tasks_done.load(Relaxed) == 3);
    assert_eq!((editor.stage(), editor.status.learns_ended.load(Relaxed)), (Stage::Live, 1));
    assert_eq!(editor.models.current().unwrap().codes(), project.codes());
}

#[test]
fn a_capture_that_ran_while_a_project_was_loaded_is_dropped_and_the_history_stays() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(10)).unwrap();
    let listening = |capture| Listening { history: HistorySwitch::On, capture, settings: SETTINGS };
    audio.listen(listening(CaptureState::On), 48_000.0, &[&mut tones(16_000)]);
    wait("the capture", || editor.status.captured_s.load(Relaxed) > 0.0);
    editor.models.replace(Some(Arc::new(learned())));
    wait("the end of the capture", || editor.stage() == Stage::Live);
    audio.listen(listening(CaptureState::Off), 48_000.0, &[&mut tones(100)]);
    assert!(audio.command(Command::LearnLast, SETTINGS));
    wait("the end of the learning", || ended(&editor));
    assert_eq!((editor.stage(), editor.status.tasks_done.load(Relaxed)), (Stage::Review, 1));
    assert!(editor.status.history_s.load(Relaxed) > 0.3);
}

#[test]
fn keep_revert_and_compare_act_while_a_learning_runs() {
    let (mut audio, learn, editor) = connect();
    let _learner = Learner::start(learn, editor.clone(), options(ENDLESS)).unwrap();
    let [first, second] = [(); 2].map(|()| Arc::new(learned()));
    editor.models.replace(Some(first.clone()));
    editor.models.review(second.clone());
    record(&mut audio, &mut tones(16_000));
    wait("the learning", || editor.status.phase() == Phase::Learning);
    let plays = |model: &Arc<Model>| Arc::ptr_eq(&editor.models.current().unwrap(), model);
    let ask = |command: Command| editor.requests.send(LearnRequest::Do(command, SETTINGS)).unwrap();
    ask(Command::Compare);
    wait("the first model", || plays(&first));
    ask(Command::Compare);
    wait("the second model", || plays(&second));
    ask(Command::Revert);
    wait("the end of the review", || plays(&first) && !editor.models.slots().is_review);
    assert_eq!(editor.status.phase(), Phase::Learning);
}

#[test]
fn broken_samples_are_captured_as_the_engine_hears_them() {
    let (mut audio, mut learn, _editor) = connect();
    record(&mut audio, &mut [0.5, f32::NAN, f32::INFINITY, 1e6, -1e38, 1e-40]);
    let mut heard = Vec::new();
    while learn.capture.read(&mut |frames| heard.extend(frames.iter().map(|frame| frame[0]))).is_some() {}
    assert_eq!(heard, [0.5, 0.0, 0.0, 256.0, -256.0, 0.0]);
}

/// Times that each learning thread of this process waited for something.
#[cfg(target_os = "linux")]
fn waits() -> HashMap<String, u32> {
    let learner = |task: std::io::Result<std::fs::DirEntry>| {
        let task = task.ok()?.path();
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_string());
        let is_learner = field("Name:")?.starts_with("unweave-learn");
        is_learner.then_some((field("Pid:")?, field("voluntary_ctxt_switches:")?.parse().ok()?))
    };
    std::fs::read_dir("/proc/self/task").unwrap().filter_map(learner).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_learner_wakes_twenty_times_a_second_while_audio_runs_and_four_times_while_none_does() {
    let (others, (mut audio, learn, editor)) = (waits(), connect());
    let _learner = Learner::start(learn, editor, options(10)).unwrap();
    // Processing counts as suspended by then.
    std::thread::sleep(Duration::from_millis(500));
    let listening = Listening { history: HistorySwitch::On, capture: CaptureState::Off, settings: SETTINGS };
    let mut second = |is_playing: bool| {
        let before = waits();
        for _ in 0..100 {
            if is_playing {
                audio.listen(listening, 48_000.0, &[&mut [0.1; 480]]);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let now = waits();
        let new = before.iter().filter(|(thread, _)| !others.contains_key(*thread));
        // The least busy: other tests start learners too.
        new.filter_map(|(thread, before)| Some(now.get(thread)? - before)).min().expect("a learning thread")
    };
    let (idle, playing) = (second(false), second(true));
    assert!(idle <= 8 && playing <= 30, "{idle} idle, {playing} with audio");
}
