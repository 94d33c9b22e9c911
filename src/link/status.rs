//! The state of the learner and the measurements of the audio thread, readable by every thread.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use atomic_float::AtomicF32;

use crate::dsp::MAX_COMPONENTS;

/// The phase of the learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Idle: the learned model plays, or nothing was learned yet and the sound passes through.
    #[default]
    Idle,
    /// Recording.
    Capturing,
    /// Learning.
    Learning,
    /// The last request failed; [`Status::failure`] says why.
    Failed,
}

/// The state of the learner, readable by every thread.
#[derive(Debug, Default)]
pub struct Status {
    phase: AtomicU8,
    /// The completed share of the learning run, 0 to 1.
    pub progress: AtomicF32,
    /// Number of learning runs that ended, successfully or not.
    pub learns_ended: AtomicU32,
    /// Number of tasks and requests that the learner finished, successfully or not, including learning runs.
    pub tasks_done: AtomicU32,
    /// Whether the host's transport runs: learning then uses only one core. Written by the audio thread.
    pub is_playing: AtomicBool,
    /// Captured frames that were dropped because the ring was full. Written by the audio thread.
    pub dropped_frames: AtomicU64,
    /// Length of the running capture in seconds.
    pub captured_s: AtomicF32,
    /// Seconds of history, which can be learned from without a capture.
    pub history_s: AtomicF32,
    /// Seconds of sound that the current model was learned from; 0 if that is not known.
    pub learned_s: AtomicF32,
    /// Whether a capture waits for the transport to start.
    pub is_waiting: AtomicBool,
    failure: Mutex<String>,
    warnings: Mutex<Vec<String>>,
    losses: Mutex<Vec<f32>>,
}

impl Status {
    /// The current phase of the learner.
    pub fn phase(&self) -> Phase {
        const PHASES: [Phase; 4] = [Phase::Idle, Phase::Capturing, Phase::Learning, Phase::Failed];
        PHASES[usize::from(self.phase.load(Relaxed)).min(3)]
    }

    /// Sets the phase of the learner.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Reports why a request failed.
    pub fn fail(&self, why: String) {
        *whole(&self.failure) = why;
        self.enter(Phase::Failed);
    }

    /// Clears the last failure when a new request begins.
    pub fn clear_error(&self) {
        whole(&self.failure).clear();
    }

    /// Why the last request failed; empty if it did not.
    pub fn failure(&self) -> String {
        whole(&self.failure).clone()
    }

    /// Sets the warnings of the last learning run.
    pub fn warn(&self, warnings: Vec<String>) {
        *whole(&self.warnings) = warnings;
    }

    /// The warnings of the last learning run.
    pub fn warnings(&self) -> Vec<String> {
        whole(&self.warnings).clone()
    }

    /// Starts a learning run: clears the progress and the losses.
    pub fn begin(&self) {
        self.progress.store(0.0, Relaxed);
        whole(&self.losses).clear();
        self.enter(Phase::Learning);
    }

    /// Ends the learning run.
    pub fn end(&self) {
        let _ = self.phase.compare_exchange(Phase::Learning as u8, Phase::Idle as u8, Relaxed, Relaxed);
    }

    /// Appends a loss of the current learning run.
    pub fn record_loss(&self, loss: f32) {
        whole(&self.losses).push(loss);
    }

    /// The losses of the current or last learning run, evenly spaced: at the start and every tenth iteration.
    pub fn losses(&self) -> Vec<f32> {
        whole(&self.losses).clone()
    }
}

/// A poisoned lock still holds a valid value: each change is one assignment.
fn whole<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the audio thread measures, hop by hop.
#[derive(Debug)]
pub struct Meters {
    /// The loudest sample of the last block, in dB of full scale.
    pub input_db: AtomicF32,
    /// The latency in milliseconds.
    pub latency_ms: AtomicF32,
    /// CPU load of the audio thread, 0 to 1 of one core, measured while an editor is open.
    pub load: AtomicF32,
    /// Per component, its activation in dB; see [`crate::dsp::mixer::Mixer::activation_db`].
    pub activations_db: [AtomicF32; MAX_COMPONENTS],
}

/// The reading of a meter in silence.
const SILENCE_DB: f32 = -120.0;

impl Default for Meters {
    /// The readings in silence.
    fn default() -> Self {
        Self {
            input_db: AtomicF32::new(SILENCE_DB),
            latency_ms: AtomicF32::new(0.0),
            load: AtomicF32::new(0.0),
            activations_db: std::array::from_fn(|_| AtomicF32::new(SILENCE_DB)),
        }
    }
}
