//! How to learn.

use super::threads::Threads;
use crate::dsp::{Divergence, Mode, StftLayout};
use crate::model::settings::GroupBy;

/// How to learn.
#[derive(Clone, Debug)]
pub struct LearnOptions {
    /// Templates of each component.
    pub templates: usize,
    /// The divergence to minimise.
    pub divergence: Divergence,
    /// Iterations of the updates; `None` for the default, see [`LearnOptions::iterations`].
    pub custom_iterations: Option<usize>,
    /// Seed of the random start.
    pub seed: u64,
    /// The mode that the model will play in. It sets the analysis window at the capture's sample rate,
    pub mode: Mode,
    /// unless a window and hop are given here.
    pub layout: Option<StftLayout>,
    /// Whether transposed copies of tonal templates will play too.
    pub extend_pitch: bool,
    /// How blindly learned templates are grouped into components.
    pub group_by: GroupBy,
    /// The threads that share the work. The model does not depend on their number.
    pub threads: Threads,
}

impl LearnOptions {
    /// Templates of a component that is learned from the mix alone.
    pub const BLIND_TEMPLATES: usize = 8;
    /// Templates of a component with a capture of its own, and of the rest.
    pub const GUIDED_TEMPLATES: usize = 16;
    /// Templates of a steady component: with more, those of hum also explain the voice over it.
    pub const STEADY_TEMPLATES: usize = 1;

    /// Iterations of the updates. The default is 60 fast ones, which reach the loss of 100 textbook updates (on seven public
    /// mixes with 8 to 32 templates it took 25 to 63); for Itakura-Saito, which only has textbook updates, it is 100.
    pub fn iterations(&self) -> usize {
        let usual = if self.divergence == Divergence::ItakuraSaito { 100 } else { 60 };
        self.custom_iterations.unwrap_or(usual)
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
            custom_iterations: None,
            seed: 1,
            mode: Mode::Normal,
            layout: None,
            extend_pitch: true,
            group_by: GroupBy::Auto,
            threads: Threads::default(),
        }
    }
}
