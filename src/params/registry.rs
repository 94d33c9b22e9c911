//! The table of parameters: ids, names, ranges, defaults and descriptions, each written once. The parameters themselves,
//! the editor's controls, what old states are checked against and README's table follow from it.

use super::choices::{CaptureSwitch, Choices, CommandChoice};
use super::control::Control;
use crate::dsp::{Divergence, MAX_COMPONENTS, MAX_TEMPLATES, Mode, Templates};
use crate::model::settings::{GroupBy, LearnSettings, Steadiness, Target};

/// The most threads that can be chosen for learning.
pub(super) const MAX_THREADS: i32 = 16;
/// The gain of a fader at its upper end: +12 dB.
pub(super) const MAX_GAIN: f32 = 4.0;
/// The lowest gate threshold means off.
pub const GATE_OFF_DB: f32 = -80.0;
/// The highest gate threshold: broadband sound adds up to more than a full-scale sine.
pub const GATE_MAX_DB: f32 = 20.0;

/// One parameter, or one that every component has.
#[derive(Debug)]
pub struct Entry {
    /// How the editor refers to it; of a component's parameters, that of the first component.
    pub control: Control,
    /// What states save it by. Forever. A component's parameters add its number, as in `gain_1`.
    pub id: &'static str,
    /// What hosts call it. A component's parameters add its number, as in “Gain 1”.
    pub name: &'static str,
    /// Its values.
    pub kind: Kind,
    /// Whether hosts may automate it.
    pub automation: Automation,
    /// What it does, in a sentence without a full stop.
    pub help: &'static str,
}

/// Whether hosts may automate a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automation {
    /// They may. Live shows a plug-in's first 64 such parameters.
    Automatable,
    /// They may only set it by hand.
    Manual,
}

/// The values of a parameter.
#[derive(Debug)]
pub enum Kind {
    /// On or off.
    Switch {
        /// Whether it is on at first.
        default: bool,
    },
    /// One of a list.
    Choice {
        /// What hosts show.
        names: &'static [&'static str],
        /// What states save.
        ids: &'static [&'static str],
        /// The first value, by index.
        default: usize,
    },
    /// A whole number.
    Number {
        /// The lowest value.
        min: i32,
        /// The highest value.
        max: i32,
        /// The first value.
        default: i32,
        /// What a step of the wheel adds.
        step: i32,
        /// How it is written.
        text: NumberText,
    },
    /// A gain from −∞ to +12 dB, 0 dB at first.
    Gain,
    /// A threshold in dB, off at first.
    Gate,
    /// 0 to 100 %, 100 % at first.
    Share,
}

/// How a whole number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberText {
    /// As it is.
    Plain,
    /// With the unit of seconds.
    Seconds,
    /// 0 means that the program chooses.
    ZeroIsAuto,
}

const fn switch(default: bool) -> Kind {
    Kind::Switch { default }
}

const fn number(min: i32, max: i32, default: i32, text: NumberText) -> Kind {
    Kind::Number { min, max, default, step: 1, text }
}

const fn choice<T: Choices>(default: usize) -> Kind {
    Kind::Choice { names: T::NAMES, ids: T::IDS, default }
}

/// The number of parameters that each component has, at the end of the table.
const PER_COMPONENT: usize = 4;

/// Every parameter; those of a component last.
pub static TABLE: [Entry; 25] = [
    Entry {
        control: Control::Capture,
        id: "capture",
        name: "Capture",
        kind: choice::<CaptureSwitch>(0),
        automation: Automation::Automatable,
        help: "On records the input, up to two minutes; off learns from the recording. Projects never save it as on",
    },
    Entry {
        control: Control::Command,
        id: "command",
        name: "Command",
        kind: choice::<CommandChoice>(0),
        automation: Automation::Automatable,
        help: "Acts once whenever it changes to a command. Projects always save it as –. Clear captures deletes the recordings, never a model",
    },
    Entry {
        control: Control::LastSeconds,
        id: "last",
        name: "Last seconds",
        kind: number(1, LearnSettings::MAX_LAST_S as i32, 8, NumberText::Seconds),
        automation: Automation::Manual,
        help: "How many of the last seconds Learn last learns from",
    },
    Entry {
        control: Control::FollowTransport,
        id: "follow",
        name: "Follow transport",
        kind: switch(false),
        automation: Automation::Manual,
        help: "Records a capture only while the host's transport plays",
    },
    Entry {
        control: Control::Accumulate,
        id: "accumulate",
        name: "Accumulate",
        kind: switch(false),
        automation: Automation::Manual,
        help: "Appends a capture to the previous one of the same target, joined by a 10 ms fade",
    },
    Entry {
        control: Control::KeepHistory,
        id: "history",
        name: "Keep history",
        kind: switch(true),
        automation: Automation::Manual,
        help: "Keeps the last 30 s in memory for Learn last (up to 12 MB in stereo at 48 kHz). Off frees the memory",
    },
    Entry {
        control: Control::Target,
        id: "target",
        name: "Target",
        kind: choice::<Target>(0),
        automation: Automation::Automatable,
        help: "What the next capture holds: everything, one component alone, or everything including the rest that no component explains yet",
    },
    Entry {
        control: Control::Components,
        id: "components",
        name: "Components",
        kind: number(1, MAX_COMPONENTS as i32, 4, NumberText::Plain),
        automation: Automation::Manual,
        help: "How many components to find in a capture of everything",
    },
    Entry {
        control: Control::Templates,
        id: "templates",
        name: "Templates",
        kind: number(0, (MAX_TEMPLATES / MAX_COMPONENTS) as i32, 0, NumberText::ZeroIsAuto),
        automation: Automation::Manual,
        help: "Spectral templates per component. Auto: 8 for a capture of everything, 16 for one component, 1 for steady hum or noise",
    },
    Entry {
        control: Control::Divergence,
        id: "divergence",
        name: "Divergence",
        kind: choice::<Divergence>(0),
        automation: Automation::Manual,
        help: "The error measure that learning and playback minimise",
    },
    Entry {
        control: Control::GroupBy,
        id: "group_by",
        name: "Group by",
        kind: choice::<GroupBy>(0),
        automation: Automation::Manual,
        help: "How templates are grouped into components: by similar timbre, or by common onsets (drums, single notes)",
    },
    Entry {
        control: Control::Steadiness,
        id: "steady",
        name: "Steady",
        kind: choice::<Steadiness>(0),
        automation: Automation::Manual,
        help: "Whether the captured component is hum or noise that never changes: one template then works best",
    },
    Entry {
        control: Control::ExtendPitch,
        id: "extend_pitch",
        name: "Extend pitch",
        kind: switch(true),
        automation: Automation::Manual,
        help: "Adds transposed copies of tonal templates, for notes that were not captured: every note near those of an instrument that was captured alone, otherwise up to two semitones away",
    },
    Entry {
        control: Control::Threads,
        id: "threads",
        name: "Learning threads",
        kind: number(0, MAX_THREADS, 0, NumberText::ZeroIsAuto),
        automation: Automation::Manual,
        help: "How many processor cores learning may use, at low priority. Auto: all while the transport is stopped, one while it plays",
    },
    Entry {
        control: Control::Mode,
        id: "mode",
        name: "Mode",
        kind: choice::<Mode>(1),
        automation: Automation::Manual,
        help: "Trades separation quality for latency: 4096, 2048, 512 or 128 samples at 44.1 and 48 kHz, in proportion at other rates. Some hosts apply a new latency only when playback restarts",
    },
    Entry {
        control: Control::Spatial,
        id: "spatial",
        name: "Spatial filter",
        kind: switch(true),
        automation: Automation::Manual,
        help: "Separates stereo components by their direction, too. Off: by timbre only",
    },
    Entry {
        control: Control::Bands,
        id: "bands",
        name: "Bands",
        kind: Kind::Number { min: 20, max: 400, default: Templates::BANDS as i32, step: 10, text: NumberText::Plain },
        automation: Automation::Manual,
        help: "Frequency bands in which activations are estimated: fewer cost less",
    },
    Entry {
        control: Control::Updates,
        id: "updates",
        name: "Updates",
        kind: number(1, 100, 20, NumberText::Plain),
        automation: Automation::Manual,
        help: "Multiplicative updates of the activations per frame: fewer cost less",
    },
    Entry {
        control: Control::Mix,
        id: "mix",
        name: "Mix",
        kind: Kind::Share,
        automation: Automation::Automatable,
        help: "Dry to wet; the dry signal is delayed like the wet one",
    },
    Entry {
        control: Control::Output,
        id: "output",
        name: "Output",
        kind: Kind::Gain,
        automation: Automation::Automatable,
        help: "The gain of the output",
    },
    Entry {
        control: Control::Bypass,
        id: "bypass",
        name: "Bypass",
        kind: switch(false),
        automation: Automation::Automatable,
        help: "Plays the delayed input in place of the mix",
    },
    Entry {
        control: Control::Gain(0),
        id: "gain",
        name: "Gain",
        kind: Kind::Gain,
        automation: Automation::Automatable,
        help: "The gain of the component",
    },
    Entry {
        control: Control::Mute(0),
        id: "mute",
        name: "Mute",
        kind: switch(false),
        automation: Automation::Automatable,
        help: "Silences the component, soloed or not",
    },
    Entry {
        control: Control::Solo(0),
        id: "solo",
        name: "Solo",
        kind: switch(false),
        automation: Automation::Automatable,
        help: "Silences every component without solo",
    },
    Entry {
        control: Control::Gate(0),
        id: "gate",
        name: "Gate",
        kind: Kind::Gate,
        automation: Automation::Manual,
        help: "Silences the component while its activation is below this threshold",
    },
];

/// Controls that there is one of; they come first.
const SINGLE: usize = TABLE.len() - PER_COMPONENT;

impl Control {
    /// How many there are.
    pub const COUNT: usize = SINGLE + PER_COMPONENT * MAX_COMPONENTS;

    /// Every control, in the order of [`Control::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        let strips = (0..MAX_COMPONENTS).flat_map(|n| [Self::Gain(n), Self::Mute(n), Self::Solo(n), Self::Gate(n)]);
        TABLE[..SINGLE].iter().map(|entry| entry.control).chain(strips)
    }

    /// Its index among all.
    pub fn index(self) -> usize {
        self.row() + PER_COMPONENT * self.component().unwrap_or(0)
    }

    /// Its entry in the table of parameters.
    pub fn entry(self) -> &'static Entry {
        &TABLE[self.row()]
    }

    /// What hosts call it.
    pub fn name(self) -> String {
        match self.component() {
            Some(component) => format!("{} {}", self.entry().name, component + 1),
            None => self.entry().name.into(),
        }
    }

    fn row(self) -> usize {
        let first = match self {
            Self::Gain(_) => Self::Gain(0),
            Self::Mute(_) => Self::Mute(0),
            Self::Solo(_) => Self::Solo(0),
            Self::Gate(_) => Self::Gate(0),
            single => single,
        };
        TABLE.iter().position(|entry| entry.control == first).unwrap_or(0)
    }
}

/// The parameter of a saved id.
pub fn entry_of_id(id: &str) -> Option<&'static Entry> {
    let (single, of_component) = TABLE.split_at(TABLE.len() - PER_COMPONENT);
    let numbered = |entry: &&Entry| {
        let number = id.strip_prefix(entry.id).and_then(|rest| rest.strip_prefix('_')).and_then(|n| n.parse().ok());
        number.is_some_and(|number: usize| (1..=MAX_COMPONENTS).contains(&number))
    };
    single.iter().find(|entry| entry.id == id).or_else(|| of_component.iter().find(numbered))
}

/// README's table of parameters, in Markdown.
pub fn markdown() -> String {
    let rows = TABLE.iter().map(|entry| {
        let is_of_component =
            matches!(entry.control, Control::Gain(_) | Control::Mute(_) | Control::Solo(_) | Control::Gate(_));
        let name = if is_of_component { format!("{} 1–{MAX_COMPONENTS}", entry.name) } else { entry.name.into() };
        let automation = match entry.automation {
            Automation::Automatable => "yes",
            Automation::Manual => "",
        };
        format!("| {name} | {} | {} | {automation} | {} |\n", entry.range(), entry.default(), entry.help)
    });
    let header = "| parameter | range | default | automatable | what it does |\n|---|---|---|---|---|\n";
    std::iter::once(header.to_string()).chain(rows).collect()
}

impl Entry {
    /// What a step of the wheel or an arrow key adds to the value, as a share of the whole range.
    pub fn step(&self) -> f32 {
        match self.kind {
            Kind::Switch { .. } => 1.0,
            Kind::Choice { names, .. } => 1.0 / (names.len().max(2) - 1) as f32,
            Kind::Number { min, max, step, .. } => step as f32 / (max - min) as f32,
            // Half a decibel around 0 dB.
            Kind::Gain => 0.0145,
            Kind::Gate => 1.0 / (GATE_MAX_DB - GATE_OFF_DB),
            Kind::Share => 0.05,
        }
    }

    fn range(&self) -> String {
        match &self.kind {
            Kind::Choice { .. } if self.control == Control::Target => {
                format!("All, Component 1–{MAX_COMPONENTS}, Rest")
            }
            Kind::Choice { names, .. } => names.join(", "),
            Kind::Switch { .. } => "Off, On".into(),
            Kind::Number { min, max, text: NumberText::Plain, .. } => format!("{min}–{max}"),
            Kind::Number { min, max, text: NumberText::Seconds, .. } => format!("{min}–{max} s"),
            Kind::Number { max, text: NumberText::ZeroIsAuto, .. } => format!("Auto, 1–{max}"),
            Kind::Gain => "−∞ to +12 dB".into(),
            Kind::Gate => format!("Off, −{} to +{GATE_MAX_DB} dB", -GATE_OFF_DB),
            Kind::Share => "0–100 %".into(),
        }
    }

    fn default(&self) -> String {
        match &self.kind {
            Kind::Choice { names, default, .. } => names[*default].into(),
            Kind::Switch { default } => if *default { "On" } else { "Off" }.into(),
            Kind::Number { default: 0, text: NumberText::ZeroIsAuto, .. } => "Auto".into(),
            Kind::Number { default, text: NumberText::Seconds, .. } => format!("{default} s"),
            Kind::Number { default, .. } => default.to_string(),
            Kind::Gain => "0 dB".into(),
            Kind::Gate => "Off".into(),
            Kind::Share => "100 %".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_has_its_own_index() {
        assert_eq!(Control::all().count(), Control::COUNT);
        assert!(Control::all().enumerate().all(|(index, control)| control.index() == index));
    }
}
