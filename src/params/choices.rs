//! The choices of enumerated parameters, as hosts show them. Ids are forever.

use nice_plug::params::enums::Enum;

use crate::dsp::{Divergence, Mode};
use crate::link::Command;
use crate::model::settings::{GroupBy, Steadiness};

/// The capture switch. Both positions are saved as “off”: a project never opens recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureSwitch {
    /// Not recording.
    Off,
    /// Recording.
    On,
}

impl Enum for CaptureSwitch {
    fn variants() -> &'static [&'static str] {
        &["Off", "On"]
    }

    fn ids() -> Option<&'static [&'static str]> {
        Some(&["off", "off"])
    }

    fn to_index(self) -> usize {
        self as usize
    }

    fn from_index(index: usize) -> Self {
        if index == 1 { Self::On } else { Self::Off }
    }
}

/// A command, done once whenever the parameter changes to it. Each is saved as nothing: a project never opens with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandChoice {
    /// Nothing is asked for.
    Nothing,
    /// See [`Command`].
    Do(Command),
}

impl CommandChoice {
    /// In the order of the parameter's values.
    const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Do(Command::LearnLast),
        Self::Do(Command::LearnAgain),
        Self::Do(Command::Cancel),
        Self::Do(Command::Keep),
        Self::Do(Command::Revert),
        Self::Do(Command::Compare),
        Self::Do(Command::Clear),
    ];
}

impl Enum for CommandChoice {
    fn variants() -> &'static [&'static str] {
        &["–", "Learn last", "Learn again", "Cancel", "Keep", "Revert", "Compare A/B", "Clear captures"]
    }

    fn ids() -> Option<&'static [&'static str]> {
        Some(&["none"; Self::ALL.len()])
    }

    fn to_index(self) -> usize {
        Self::ALL.iter().position(|&choice| choice == self).unwrap_or_default()
    }

    fn from_index(index: usize) -> Self {
        Self::ALL.get(index).copied().unwrap_or(Self::Nothing)
    }
}

/// The divergence, as hosts show it.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum DivergenceChoice {
    /// See [`Divergence::KullbackLeibler`].
    #[id = "kl"]
    #[name = "Kullback-Leibler"]
    KullbackLeibler,
    /// See [`Divergence::Euclidean`].
    #[id = "euclidean"]
    #[name = "Euclidean"]
    Euclidean,
    /// See [`Divergence::ItakuraSaito`].
    #[id = "is"]
    #[name = "Itakura-Saito"]
    ItakuraSaito,
}

impl From<DivergenceChoice> for Divergence {
    fn from(choice: DivergenceChoice) -> Self {
        match choice {
            DivergenceChoice::KullbackLeibler => Self::KullbackLeibler,
            DivergenceChoice::Euclidean => Self::Euclidean,
            DivergenceChoice::ItakuraSaito => Self::ItakuraSaito,
        }
    }
}

/// The mode, as hosts show it.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum ModeChoice {
    /// See [`Mode::Fine`].
    #[id = "fine"]
    #[name = "Fine"]
    Fine,
    /// See [`Mode::Normal`].
    #[id = "normal"]
    #[name = "Normal"]
    Normal,
    /// See [`Mode::Tight`].
    #[id = "tight"]
    #[name = "Tight"]
    Tight,
    /// See [`Mode::Live`].
    #[id = "live"]
    #[name = "Live"]
    Live,
}

impl From<ModeChoice> for Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Fine => Self::Fine,
            ModeChoice::Normal => Self::Normal,
            ModeChoice::Tight => Self::Tight,
            ModeChoice::Live => Self::Live,
        }
    }
}

/// What templates are grouped by, as hosts show it.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum GroupByChoice {
    /// See [`GroupBy::Auto`].
    #[id = "auto"]
    #[name = "Auto"]
    Auto,
    /// See [`GroupBy::Timbre`].
    #[id = "timbre"]
    #[name = "Timbre"]
    Timbre,
    /// See [`GroupBy::Hits`].
    #[id = "hits"]
    #[name = "Hits"]
    Hits,
}

impl From<GroupByChoice> for GroupBy {
    fn from(choice: GroupByChoice) -> Self {
        match choice {
            GroupByChoice::Auto => Self::Auto,
            GroupByChoice::Timbre => Self::Timbre,
            GroupByChoice::Hits => Self::Hits,
        }
    }
}

/// Steadiness, as hosts show it.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum SteadinessChoice {
    /// See [`Steadiness::Detect`].
    #[id = "detect"]
    #[name = "Detect"]
    Detect,
    /// See [`Steadiness::Steady`].
    #[id = "steady"]
    #[name = "Hum or noise"]
    Steady,
    /// See [`Steadiness::Varying`].
    #[id = "varying"]
    #[name = "Varying"]
    Varying,
}

impl From<SteadinessChoice> for Steadiness {
    fn from(choice: SteadinessChoice) -> Self {
        match choice {
            SteadinessChoice::Detect => Self::Detect,
            SteadinessChoice::Steady => Self::Steady,
            SteadinessChoice::Varying => Self::Varying,
        }
    }
}
