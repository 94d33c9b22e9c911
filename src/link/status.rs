//! What the learner does and what the audio thread measures, for everyone to read.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use atomic_float::AtomicF32;

use crate::dsp::MAX_COMPONENTS;

/// What the learner does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing: what is learned plays, or nothing was learned yet and the sound passes through.
    #[default]
    Idle,
    /// Recording.
    Capturing,
    /// Learning.
    Learning,
    /// The last learning failed; the status says why.
    Failed,
}

/// The learner's state, for everyone to read.
#[derive(Debug, Default)]
pub struct Status {
    phase: AtomicU8,
    /// Share of the learning that is done, 0 to 1.
    pub progress: AtomicF32,
    /// Learnings that ended, well or not.
    pub learns_ended: AtomicU32,
    /// Whether the host plays: then learning leaves it all cores but one.
    pub is_playing: AtomicBool,
    /// Captured frames that found the ring full.
    pub dropped_frames: AtomicU64,
    failure: Mutex<String>,
    warnings: Mutex<Vec<String>>,
}

impl Status {
    /// What the learner does now.
    pub fn phase(&self) -> Phase {
        const PHASES: [Phase; 4] = [Phase::Idle, Phase::Capturing, Phase::Learning, Phase::Failed];
        PHASES[usize::from(self.phase.load(Relaxed)).min(3)]
    }

    /// Says what the learner does.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Says why the last learning failed.
    pub fn fail(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = why;
        self.enter(Phase::Failed);
    }

    /// Says what the last learning warns of.
    pub fn warn(&self, warnings: Vec<String>) {
        *self.warnings.lock().unwrap_or_else(PoisonError::into_inner) = warnings;
    }

    /// What the last learning warns of.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the last learning failed.
    pub fn failure(&self) -> String {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the audio thread measures, hop by hop.
#[derive(Debug, Default)]
pub struct Meters {
    /// Per component, its activation in dB as [`crate::dsp::mixer::Mixer::activation_db`] counts.
    pub activations_db: [AtomicF32; MAX_COMPONENTS],
}
