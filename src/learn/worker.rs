//! The learning thread: one per instance, owned, cancellable, joined by `Drop`.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{RecvTimeoutError, TryRecvError};

use super::capture::{Capture, CaptureError};
use super::components::{LearnError, LearnOptions, Lesson, Part, learn_blind, learn_component};
use super::nmf::Iteration;
use super::report::Report;
use super::threads::{Priority, Threads, lower_priority};
use crate::dsp::{Mode, StftLayout};
use crate::link::{
    CaptureMessage, EditorLink, LearnLink, LearnRequest, LearnSettings, Phase, Status, Steadiness, Target,
};
use crate::model::Model;

/// How often the thread looks for captured frames.
const POLL: Duration = Duration::from_millis(20);
/// The name of the component that learns what the others leave.
pub const REST: &str = "rest";
/// A recording keeps its first minutes.
const MAX_CAPTURE_S: f32 = 120.0;

/// The owner of the learning thread.
pub struct Learner {
    link: EditorLink,
    thread: Option<JoinHandle<()>>,
}

impl Learner {
    /// Starts the thread. `options` say how to learn; what a capture's settings name goes before them.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(link: LearnLink, editor: EditorLink, options: LearnOptions) -> io::Result<Self> {
        let worker = Worker { link, options, recording: None, kept: Kept::default(), is_quitting: false };
        let thread = Builder::new().name("unweave-learn".into()).spawn(move || worker.run())?;
        Ok(Self { link: editor, thread: Some(thread) })
    }
}

impl Drop for Learner {
    fn drop(&mut self) {
        // The thread is gone already if it does not listen.
        let _ = self.link.requests.send(LearnRequest::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    link: LearnLink,
    options: LearnOptions,
    recording: Option<Recording>,
    kept: Kept,
    /// A learning was broken off because the owner is going.
    is_quitting: bool,
}

/// The captures of the present model: it can be learned again without playing again.
#[derive(Clone, Default)]
struct Kept {
    /// Of each component alone, by index.
    alone: Vec<Option<Capture>>,
    /// Of everything: what was taken apart blind, or what the rest was learned from.
    mix: Option<Capture>,
    /// What the last capture was learned with.
    settings: Option<LearnSettings>,
}

struct Recording {
    sample_rate: f32,
    channels: Vec<Vec<f32>>,
}

impl Worker {
    fn run(mut self) {
        lower_priority();
        while !self.is_quitting {
            match self.link.requests.recv_timeout(POLL) {
                Ok(LearnRequest::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(LearnRequest::Relearn(settings)) => self.relearn(settings),
                // Between learnings there is nothing to cancel.
                Ok(LearnRequest::Cancel) | Err(RecvTimeoutError::Timeout) => {}
            }
            while let (false, Some(message)) = (self.is_quitting, self.link.capture.pop()) {
                self.hear(message);
            }
        }
    }

    fn hear(&mut self, message: CaptureMessage) {
        match message {
            CaptureMessage::Start { .. } | CaptureMessage::Frame(_) => {
                if let CaptureMessage::Start { .. } = message {
                    self.link.status.enter(Phase::Capturing);
                }
                record(&mut self.recording, message);
            }
            CaptureMessage::Stop(settings) => {
                if let Some(recording) = self.recording.take() {
                    match Capture::new(recording.sample_rate, recording.channels) {
                        Ok(capture) => self.learn(capture, settings),
                        Err(error) => self.end(Err(LearnError::Capture { name: "the capture".into(), error })),
                    }
                }
            }
            CaptureMessage::Play { playing, stream } => {
                if let Some(sample_rate) = self.link.models.play_like(playing, stream) {
                    self.relearn_in(playing.layout, sample_rate);
                }
            }
        }
    }

    /// Learns from a new capture, and keeps it if there is a model of it.
    fn learn(&mut self, capture: Capture, settings: LearnSettings) {
        let known = self.link.models.current();
        let mut kept = self.kept.clone();
        kept.settings = Some(settings);
        match settings.target {
            Target::All => kept = Kept { mix: Some(capture), ..kept_of_nothing(settings) },
            Target::Component(index) => {
                let index = usize::from(index);
                kept.alone.resize(kept.alone.len().max(index + 1), None);
                kept.alone[index] = Some(capture);
            }
            Target::Rest => kept.mix = Some(capture),
        }
        let learned = self.learn_from(&kept, known.as_deref(), settings);
        if learned.is_ok() {
            self.kept = kept;
        }
        self.end(learned);
    }

    /// Learns once more from all captures that are kept, component by component.
    fn relearn(&mut self, settings: LearnSettings) {
        let kept = std::mem::take(&mut self.kept);
        let mut model = self.link.models.current();
        let alone = (0..kept.alone.len()).filter(|&index| kept.alone[index].is_some());
        let mut targets: Vec<Target> = alone.map(|index| Target::Component(index as u8)).collect();
        if kept.mix.is_some() {
            targets.push(if targets.is_empty() { Target::All } else { Target::Rest });
        }
        let mut learned = None;
        for target in targets {
            let was_steady =
                |index: u8| model.as_ref().is_some_and(|m| m.learned().steady.contains(&usize::from(index)));
            let steadiness = match target {
                Target::Component(index) if was_steady(index) => Steadiness::Steady,
                _ => Steadiness::Varying,
            };
            let next = self.learn_from(&kept, model.as_deref(), LearnSettings { target, steadiness, ..settings });
            if let Ok((next, _)) = &next {
                model = Some(Arc::new(next.clone()));
            }
            let is_over = next.is_err();
            learned = Some(next);
            if is_over {
                break;
            }
        }
        self.kept = kept;
        if let Some(learned) = learned {
            self.end(learned);
        }
    }

    /// Learns once more where the window that plays lasts longer or shorter than the one that was learned with.
    fn relearn_in(&mut self, layout: StftLayout, sample_rate: f32) {
        let (Some(model), Some(settings)) = (self.link.models.current(), self.kept.settings) else { return };
        let octaves = |window_len: usize, sample_rate: f32| (window_len as f32 / sample_rate).log2();
        let learned = octaves(model.learned().layout.window_len(), model.templates().format().sample_rate);
        // Windows are powers of two, and rates lie between them.
        if (octaves(layout.window_len(), sample_rate) - learned).round() != 0.0 {
            let mode = Mode::ALL.into_iter().find(|mode| mode.layout(sample_rate) == layout);
            self.relearn(LearnSettings { mode: mode.unwrap_or(settings.mode), ..settings });
        }
    }

    /// Learns the target from the captures in `kept`.
    fn learn_from(
        &mut self,
        kept: &Kept,
        known: Option<&Model>,
        settings: LearnSettings,
    ) -> Result<(Model, Report), LearnError> {
        let LearnLink { status, requests, capture: reader, .. } = &mut self.link;
        let (recording, is_quitting) = (&mut self.recording, &mut self.is_quitting);
        status.progress.store(0.0, Relaxed);
        status.enter(Phase::Learning);
        let options = options(&self.options, settings);
        options.threads.allow(allowed_threads(settings, status));
        let mut on_progress = |iteration: Iteration| {
            options.threads.allow(allowed_threads(settings, status));
            status.progress.store(iteration.done as f32 / iteration.total as f32, Relaxed);
            // What is recorded meanwhile must not fill the ring.
            while let Some(message) = reader.pop_recorded() {
                record(recording, message);
            }
            match requests.try_recv() {
                Err(TryRecvError::Empty) | Ok(LearnRequest::Relearn(_)) => ControlFlow::Continue(()),
                Ok(LearnRequest::Cancel) => ControlFlow::Break(()),
                Ok(LearnRequest::Quit) | Err(TryRecvError::Disconnected) => {
                    *is_quitting = true;
                    ControlFlow::Break(())
                }
            }
        };
        let silent = || LearnError::Capture { name: "the capture".into(), error: CaptureError::Empty };
        let part = |name: String, capture: &Capture| {
            let templates = settings.templates.map(usize::from);
            Part { name, capture: capture.clone(), templates, steadiness: settings.steadiness }
        };
        match settings.target {
            Target::All => {
                let mix = kept.mix.as_ref().ok_or_else(silent)?;
                learn_blind(mix, usize::from(settings.components), &options, &mut on_progress)
            }
            Target::Component(index) => {
                let index = usize::from(index);
                let capture = kept.alone.get(index).and_then(Option::as_ref).ok_or_else(silent)?;
                let name = known.and_then(|model| model.templates().components().get(index).cloned());
                let part = part(name.unwrap_or_else(|| (index + 1).to_string()), capture);
                learn_component(known, index, Lesson::Alone(&part), &kept.alone, &options, &mut on_progress)
            }
            Target::Rest => {
                let names = known.map(|model| model.templates().components()).unwrap_or_default();
                let index = names.iter().position(|name| name == REST).unwrap_or(names.len());
                let part = part(REST.into(), kept.mix.as_ref().ok_or_else(silent)?);
                learn_component(known, index, Lesson::Rest(&part), &kept.alone, &options, &mut on_progress)
            }
        }
    }

    /// Plays what was learned, or says why nothing was.
    fn end(&mut self, learned: Result<(Model, Report), LearnError>) {
        let status = &self.link.status;
        match learned {
            Ok((model, report)) => {
                self.link.models.replace(Some(Arc::new(model)));
                status.warn(report.warnings.iter().map(ToString::to_string).collect());
                status.enter(Phase::Idle);
            }
            Err(LearnError::Cancelled) => status.enter(Phase::Idle),
            Err(error) => status.fail(error.to_string()),
        }
        if self.recording.is_some() {
            status.enter(Phase::Capturing);
        }
        give_memory_back();
        status.learns_ended.fetch_add(1, Relaxed);
    }
}

/// Learning takes tens of megabytes for a second. glibc would keep them for this thread, and with a hundred instances that
/// is what they hold most of.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "a call into the C library, which has no safe form")]
    // SAFETY: takes no pointer and may be called from any thread at any time (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Takes the start of a recording, or a frame of it.
fn record(recording: &mut Option<Recording>, message: CaptureMessage) {
    match (message, recording) {
        (CaptureMessage::Start { sample_rate, channels }, recording) => {
            *recording = Some(Recording { sample_rate, channels: vec![Vec::new(); usize::from(channels)] });
        }
        (CaptureMessage::Frame(frame), Some(recording)) => {
            let is_full = recording.channels[0].len() as f32 >= MAX_CAPTURE_S * recording.sample_rate;
            for (channel, sample) in recording.channels.iter_mut().zip(frame).filter(|_| !is_full) {
                channel.push(sample);
            }
        }
        _ => {}
    }
}

fn kept_of_nothing(settings: LearnSettings) -> Kept {
    Kept { settings: Some(settings), ..Kept::default() }
}

/// How to learn: what the settings name goes before `base`.
fn options(base: &LearnOptions, settings: LearnSettings) -> LearnOptions {
    let usual = match settings.target {
        Target::All => LearnOptions::BLIND_TEMPLATES,
        Target::Component(_) | Target::Rest => LearnOptions::GUIDED_TEMPLATES,
    };
    LearnOptions {
        templates: settings.templates.map_or(usual, usize::from),
        divergence: settings.divergence,
        mode: settings.mode,
        group_by: settings.group_by,
        extend_pitch: settings.extend_pitch,
        threads: Threads::new(1, Priority::Low),
        ..base.clone()
    }
}

/// How many threads may learn just now.
fn allowed_threads(settings: LearnSettings, status: &Status) -> usize {
    match settings.threads {
        0 if status.is_playing.load(Relaxed) => 1,
        0 => Threads::cores(),
        most => most.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Divergence;
    use crate::link::GroupBy;

    #[test]
    fn all_cores_learn_until_the_host_plays_and_never_more_than_the_user_allows() {
        let settings = |threads: u8| LearnSettings {
            target: Target::All,
            components: 2,
            templates: None,
            divergence: Divergence::KullbackLeibler,
            mode: Mode::Normal,
            group_by: GroupBy::Auto,
            steadiness: Steadiness::Detect,
            extend_pitch: true,
            threads,
        };
        let status = Status::default();
        let allowed = |threads: u8| allowed_threads(settings(threads), &status);
        assert_eq!([0, 1, 3].map(allowed), [Threads::cores(), 1, 3]);
        status.is_playing.store(true, Relaxed);
        assert_eq!([0, 1, 3].map(allowed), [1, 1, 3]);
    }
}
