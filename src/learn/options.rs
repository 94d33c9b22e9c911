//! How to learn.

use super::threads::Threads;
use crate::dsp::{Divergence, Mode, StftLayout};
use crate::model::settings::GroupBy;

/// How to learn.
#[derive(Clone, Debug)]
pub struct LearnOptions {
    /// Templates of each component.
    pub templates: usize,
    /// What to make small.
    pub divergence: Divergence,
    /// Iterations of the updates; `None`: [`LearnOptions::iterations`].
    pub wanted_iterations: Option<usize>,
    /// Seed of the start.
    pub seed: u64,
    /// The mode that shall play: its window at the capture's sample rate is learned with …
    pub mode: Mode,
    /// … unless a window and hop are given.
    pub layout: Option<StftLayout>,
    /// Whether transposed copies of tonal templates shall play along.
    pub extend_pitch: bool,
    /// What templates are grouped by into blind components.
    pub group_by: GroupBy,
    /// Which threads share the work. The model does not depend on how many they are.
    pub threads: Threads,
}

impl LearnOptions {
    /// Templates of a component that is learned from the mix alone.
    pub const BLIND_TEMPLATES: usize = 8;
    /// Templates of a component with a capture of its own, and of the rest.
    pub const GUIDED_TEMPLATES: usize = 16;
    /// Templates of a steady component: with more, hum explains the voice over it too.
    pub const STEADY_TEMPLATES: usize = 1;

    /// Iterations of the updates: those that are wanted, or 60 fast ones, which reach the loss of 100 of the textbook's (on seven
    /// public mixes with 8 to 32 templates, 25 to 63 did); 100 for Itakura-Saito, which has the textbook's alone.
    pub fn iterations(&self) -> usize {
        let usual = if self.divergence == Divergence::ItakuraSaito { 100 } else { 60 };
        self.wanted_iterations.unwrap_or(usual)
    }

    pub(super) fn layout_at(&self, sample_rate: f32) -> StftLayout {
        self.layout.unwrap_or_else(|| self.mode.learning_layout(sample_rate))
    }
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self {
            templates: Self::GUIDED_TEMPLATES,
            divergence: Divergence::KullbackLeibler,
            wanted_iterations: None,
            seed: 1,
            mode: Mode::Normal,
            layout: None,
            extend_pitch: true,
            group_by: GroupBy::Auto,
            threads: Threads::default(),
        }
    }
}
