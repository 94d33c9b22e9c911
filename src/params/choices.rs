//! The values of parameters that are one of a list: what hosts show, and the ids that states save. Ids are forever.

use nice_plug::params::enums::Enum;

use crate::dsp::{Divergence, MAX_COMPONENTS, Mode};
use crate::link::Command;
use crate::model::settings::{GroupBy, Steadiness, Target};

/// A type whose values are a list to choose from.
pub trait Choices: Copy + PartialEq + 'static {
    /// Every value, in the order that hosts show.
    const ALL: &'static [Self];
    /// What hosts show, one for each value.
    const NAMES: &'static [&'static str];
    /// What states save, one for each value.
    const IDS: &'static [&'static str];
}

/// A value of a list, as parameters hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<T>(pub T);

impl<T: Choices> Enum for Choice<T> {
    fn variants() -> &'static [&'static str] {
        T::NAMES
    }

    fn ids() -> Option<&'static [&'static str]> {
        Some(T::IDS)
    }

    fn to_index(self) -> usize {
        T::ALL.iter().position(|&value| value == self.0).unwrap_or_default()
    }

    fn from_index(index: usize) -> Self {
        Self(T::ALL.get(index).copied().unwrap_or(T::ALL[0]))
    }
}

impl From<Choice<Self>> for Mode {
    fn from(Choice(mode): Choice<Self>) -> Self {
        mode
    }
}

/// The capture switch. Both positions are saved as “off”: a project never opens recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureSwitch {
    /// Not recording.
    Off,
    /// Recording.
    On,
}

impl Choices for CaptureSwitch {
    const ALL: &'static [Self] = &[Self::Off, Self::On];
    const NAMES: &'static [&'static str] = &["Off", "On"];
    const IDS: &'static [&'static str] = &["off", "off"];
}

/// A command, done once whenever the parameter changes to it. Each is saved as “none”: a project never opens with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandChoice {
    /// No command.
    Nothing,
    /// See [`Command`].
    Do(Command),
}

impl Choices for CommandChoice {
    const ALL: &'static [Self] = &[
        Self::Nothing,
        Self::Do(Command::LearnLast),
        Self::Do(Command::LearnAgain),
        Self::Do(Command::Cancel),
        Self::Do(Command::Keep),
        Self::Do(Command::Revert),
        Self::Do(Command::Compare),
        Self::Do(Command::Clear),
    ];
    const NAMES: &'static [&'static str] =
        &["–", "Learn last", "Learn again", "Cancel", "Keep", "Revert", "Compare A/B", "Clear captures"];
    const IDS: &'static [&'static str] = &["none"; Self::ALL.len()];
}

impl Enum for CommandChoice {
    fn variants() -> &'static [&'static str] {
        Choice::<Self>::variants()
    }

    fn ids() -> Option<&'static [&'static str]> {
        Choice::<Self>::ids()
    }

    fn to_index(self) -> usize {
        Choice(self).to_index()
    }

    fn from_index(index: usize) -> Self {
        Choice::from_index(index).0
    }
}

/// Values of the target: everything, each component, the rest.
const TARGETS: usize = MAX_COMPONENTS + 2;

impl Choices for Target {
    const ALL: &'static [Self] = &const {
        let mut all = [Self::All; TARGETS];
        let mut component = 0;
        while component < MAX_COMPONENTS {
            all[component + 1] = Self::Component(component as u8);
            component += 1;
        }
        all[TARGETS - 1] = Self::Rest;
        all
    };
    const NAMES: &'static [&'static str] = &const {
        let names: [&str; TARGETS] = [
            "All",
            "Component 1",
            "Component 2",
            "Component 3",
            "Component 4",
            "Component 5",
            "Component 6",
            "Component 7",
            "Component 8",
            "Component 9",
            "Component 10",
            "Component 11",
            "Component 12",
            "Component 13",
            "Component 14",
            "Component 15",
            "Component 16",
            "Rest",
        ];
        names
    };
    const IDS: &'static [&'static str] = &const {
        let ids: [&str; TARGETS] = [
            "all",
            "component_1",
            "component_2",
            "component_3",
            "component_4",
            "component_5",
            "component_6",
            "component_7",
            "component_8",
            "component_9",
            "component_10",
            "component_11",
            "component_12",
            "component_13",
            "component_14",
            "component_15",
            "component_16",
            "rest",
        ];
        ids
    };
}

impl Choices for Divergence {
    const ALL: &'static [Self] = &[Self::KullbackLeibler, Self::Euclidean, Self::ItakuraSaito];
    const NAMES: &'static [&'static str] = &["Kullback-Leibler", "Euclidean", "Itakura-Saito"];
    const IDS: &'static [&'static str] = &["kl", "euclidean", "is"];
}

impl Choices for Mode {
    const ALL: &'static [Self] = &[Self::Fine, Self::Normal, Self::Tight, Self::Live];
    const NAMES: &'static [&'static str] = &["Fine", "Normal", "Tight", "Live"];
    const IDS: &'static [&'static str] = &["fine", "normal", "tight", "live"];
}

impl Choices for GroupBy {
    const ALL: &'static [Self] = &[Self::Auto, Self::Timbre, Self::Hits];
    const NAMES: &'static [&'static str] = &["Auto", "Timbre", "Hits"];
    const IDS: &'static [&'static str] = &["auto", "timbre", "hits"];
}

impl Choices for Steadiness {
    const ALL: &'static [Self] = &[Self::Detect, Self::Steady, Self::Varying];
    const NAMES: &'static [&'static str] = &["Detect", "Hum or noise", "Varying"];
    const IDS: &'static [&'static str] = &["detect", "steady", "varying"];
}
