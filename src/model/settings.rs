//! What a musician chooses before learning: the vocabulary of learning that parameters, the editor, the command and the
//! learner share.

use crate::dsp::{Divergence, Mode};

/// What a musician chooses before learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnSettings {
    /// What the capture holds.
    pub target: Target,
    /// Components to find in a capture of everything, 1 to 16.
    pub components: u8,
    /// Templates of each component; `None`: as many as suit the target.
    pub templates: Option<u8>,
    /// The error measure that learning minimises.
    pub divergence: Divergence,
    /// The mode that plays: it decides the window.
    pub mode: Mode,
    /// How the templates of a capture of everything are grouped into components.
    pub group_by: GroupBy,
    /// Whether a captured component is hum or noise that does not change.
    pub steadiness: Steadiness,
    /// Whether transposed copies of tonal templates play too.
    pub extend_pitch: bool,
    /// The most threads that may learn; 0: as many as there are cores while the host does not play, and one while it does.
    pub threads: u8,
    /// Seconds of the history to learn from, 1 to [`LearnSettings::MAX_LAST_S`].
    pub last_s: u8,
    /// Whether a capture is appended to the one of the same target that the model was learned from.
    pub accumulate: bool,
}

impl LearnSettings {
    /// The length of the history in seconds.
    pub const MAX_LAST_S: u8 = 30;
}

impl Default for LearnSettings {
    /// The defaults of the plug-in's parameters.
    fn default() -> Self {
        Self {
            target: Target::default(),
            components: 4,
            templates: None,
            divergence: Divergence::KullbackLeibler,
            mode: Mode::default(),
            group_by: GroupBy::default(),
            steadiness: Steadiness::default(),
            extend_pitch: true,
            threads: 0,
            last_s: 8,
            accumulate: false,
        }
    }
}

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Everything: components are found in it, and replace all there are.
    #[default]
    All,
    /// One component (by index, from 0) alone; the others stay as they are.
    Component(u8),
    /// Everything: one component learns what the others do not explain.
    Rest,
}

/// How templates are grouped into components when everything is learned at once.
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

    /// The choice with this name.
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
    /// It is steady.
    Steady,
    /// It is not steady.
    Varying,
}
