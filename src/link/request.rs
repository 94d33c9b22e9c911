//! What the learner can be asked for, and what a musician chooses before.

use std::sync::Arc;

use crate::dsp::{Divergence, Mode};
use crate::model::Model;

/// What a musician chooses before learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnSettings {
    /// What the capture holds.
    pub target: Target,
    /// Components to find in a capture of everything, 1 to 16.
    pub components: u8,
    /// Templates of each; `None`: as many as suit the target.
    pub templates: Option<u8>,
    /// What to make small.
    pub divergence: Divergence,
    /// The mode that plays: it decides the window.
    pub mode: Mode,
    /// What the templates of a capture of everything are grouped by.
    pub group_by: GroupBy,
    /// Whether a captured component is hum or noise that does not change.
    pub steadiness: Steadiness,
    /// Whether transposed copies of tonal templates shall play along.
    pub extend_pitch: bool,
    /// The most threads that may learn; 0: as many as there are cores while the host does not play, and one while it does.
    pub threads: u8,
    /// Seconds of the history to learn from, 1 to [`LearnSettings::MAX_LAST_S`].
    pub last_s: u8,
    /// Whether a capture is appended to the one of the same target that the model was learned from.
    pub accumulate: bool,
}

impl LearnSettings {
    /// The most seconds of history: so many are always kept.
    pub const MAX_LAST_S: u8 = 30;
}

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Everything: components are found in it, and replace all there are.
    #[default]
    All,
    /// One component (by index, from 0) alone; the others stay as they are.
    Component(u8),
    /// Everything, of which a component learns what the others leave.
    Rest,
}

/// What templates are grouped by into blind components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Whichever of the others suits the capture.
    #[default]
    Auto,
    /// What sounds alike: instruments that play notes.
    Timbre,
    /// What starts together: drums.
    Hits,
}

impl GroupBy {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Timbre, Self::Hits];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Timbre => "timbre",
            Self::Hits => "hits",
        }
    }

    /// The choice of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// Whether a component is steady: hum or noise that does not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steadiness {
    /// The capture decides.
    #[default]
    Detect,
    /// It is.
    Steady,
    /// It is not.
    Varying,
}

/// What can be asked for beside a capture: by the parameter “Command”, or in the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Learn from the last seconds that played.
    LearnLast,
    /// Learn once more from the captures of the model that plays.
    LearnAgain,
    /// Stop the learning that runs; the model stays as it was.
    Cancel,
    /// End the review: what plays goes on playing.
    Keep,
    /// End the review: what played before plays again.
    Revert,
    /// Play the other of the last two models.
    Compare,
    /// Forget every capture and the history; models stay.
    Clear,
}

/// What the learning thread can be asked for.
#[derive(Clone, Debug)]
pub enum LearnRequest {
    /// A command, with the settings of this moment.
    Do(Command, LearnSettings),
    /// A component of the model that plays gets another name.
    Rename {
        /// The component, from 0.
        component: usize,
        /// Its new name, unlike the others'.
        name: String,
    },
    /// A template changes its component, without a review; where the captures are kept, places and calibrations are found anew.
    Move {
        /// The template, from 0, in the order of the model's owners.
        template: usize,
        /// The component that owns it from now on, from 0.
        component: usize,
    },
    /// A model from elsewhere, a file say; it plays from now on, in review, and the one that played can be gone back to.
    Replace(Arc<Model>),
    /// End the thread.
    Quit,
}
