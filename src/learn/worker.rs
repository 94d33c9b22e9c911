//! The learning thread: one per instance, owned, cancellable, joined by `Drop`.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{RecvTimeoutError, TryRecvError};

use super::capture::Capture;
use super::components::{LearnError, LearnOptions, learn_blind};
use super::nmf::Iteration;
use crate::link::{CaptureMessage, EditorLink, LearnLink, LearnRequest, LearnSettings, Phase};

/// How often the thread looks for captured frames.
const POLL: Duration = Duration::from_millis(20);
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
        let worker = Worker { link, options, recording: None, is_quitting: false };
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
    /// A learning was broken off because the owner is going.
    is_quitting: bool,
}

struct Recording {
    sample_rate: f32,
    channels: Vec<Vec<f32>>,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.link.requests.recv_timeout(POLL) {
                Ok(LearnRequest::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                // Between learnings there is nothing to cancel.
                Ok(LearnRequest::Cancel) | Err(RecvTimeoutError::Timeout) => {}
            }
            while let Ok(message) = self.link.capture.pop() {
                self.hear(message);
                if self.is_quitting {
                    return;
                }
            }
        }
    }

    fn hear(&mut self, message: CaptureMessage) {
        match message {
            CaptureMessage::Start { sample_rate, channels } => {
                self.recording = Some(Recording { sample_rate, channels: vec![Vec::new(); usize::from(channels)] });
                self.link.status.enter(Phase::Capturing);
            }
            CaptureMessage::Frame(frame) => {
                if let Some(recording) = &mut self.recording {
                    let is_full = recording.channels[0].len() as f32 >= MAX_CAPTURE_S * recording.sample_rate;
                    for (channel, sample) in recording.channels.iter_mut().zip(frame).filter(|_| !is_full) {
                        channel.push(sample);
                    }
                }
            }
            CaptureMessage::Stop(settings) => {
                if let Some(recording) = self.recording.take() {
                    self.learn(recording, settings);
                }
            }
        }
    }

    fn learn(&mut self, recording: Recording, settings: LearnSettings) {
        let (LearnLink { status, requests, .. }, is_quitting) = (&self.link, &mut self.is_quitting);
        status.progress.store(0.0, Relaxed);
        status.enter(Phase::Learning);
        let options = LearnOptions {
            templates: usize::from(settings.templates),
            divergence: settings.divergence,
            ..self.options.clone()
        };
        let mut on_progress = |iteration: Iteration| {
            status.progress.store(iteration.done as f32 / iteration.total as f32, Relaxed);
            match requests.try_recv() {
                Err(TryRecvError::Empty) => ControlFlow::Continue(()),
                Ok(LearnRequest::Cancel) => ControlFlow::Break(()),
                Ok(LearnRequest::Quit) | Err(TryRecvError::Disconnected) => {
                    *is_quitting = true;
                    ControlFlow::Break(())
                }
            }
        };
        let learned = Capture::new(recording.sample_rate, recording.channels)
            .map_err(|error| LearnError::Capture { name: "the capture".into(), error })
            .and_then(|capture| learn_blind(&capture, usize::from(settings.components), &options, &mut on_progress));
        match learned {
            Ok(model) => {
                self.link.models.replace(Some(Arc::new(model)));
                status.enter(Phase::Idle);
            }
            Err(LearnError::Cancelled) => status.enter(Phase::Idle),
            Err(error) => status.fail(error.to_string()),
        }
        status.learns_ended.fetch_add(1, Relaxed);
    }
}
