//! The plug-in's parameters, as the editor refers to them.

use nice_plug::prelude::Param;

use super::UnweaveParams;
use super::registry::{Entry, PER_COMPONENT, TABLE};
use crate::dsp::MAX_COMPONENTS;

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// The capture switch.
    Capture,
    /// The command.
    Command,
    /// The target of the next capture.
    Target,
    /// The number of components to find.
    Components,
    /// The number of templates per component.
    Templates,
    /// The error measure that learning and playback minimise.
    Divergence,
    /// How templates are grouped into components.
    GroupBy,
    /// Whether the captured component is hum or noise.
    Steadiness,
    /// Transposed copies.
    ExtendPitch,
    /// Learning threads.
    Threads,
    /// How many seconds “Learn last” learns from.
    LastSeconds,
    /// Records only while the transport plays.
    FollowTransport,
    /// Appends to the previous capture.
    Accumulate,
    /// Keeps the last 30 seconds.
    KeepHistory,
    /// The trade of separation quality for latency.
    Mode,
    /// The spatial filter.
    Spatial,
    /// Frequency bands in which activations are estimated.
    Bands,
    /// Updates per frame.
    Updates,
    /// Dry to wet.
    Mix,
    /// Gain of the output.
    Output,
    /// The delayed input in place of the mix.
    Bypass,
    /// A component's gain.
    Gain(usize),
    /// A component is silent.
    Mute(usize),
    /// A component is heard alone.
    Solo(usize),
    /// A component's gate threshold.
    Gate(usize),
}

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

    /// The component that it belongs to, from 0.
    pub fn component(self) -> Option<usize> {
        match self {
            Self::Gain(component) | Self::Mute(component) | Self::Solo(component) | Self::Gate(component) => {
                Some(component)
            }
            _ => None,
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

/// An operation on a parameter of any type.
pub trait Visit {
    /// The result.
    type Output;
    /// Runs the operation.
    fn visit<P: Param>(self, param: &P) -> Self::Output;
}

/// Runs an operation on the parameter of a control.
pub fn visit<V: Visit>(params: &UnweaveParams, control: Control, visitor: V) -> V::Output {
    let strip = |component: usize| &params.components_mixed[component.min(MAX_COMPONENTS - 1)];
    match control {
        Control::Capture => visitor.visit(&params.capture),
        Control::Command => visitor.visit(&params.command),
        Control::Target => visitor.visit(&params.target),
        Control::Components => visitor.visit(&params.components),
        Control::Templates => visitor.visit(&params.templates),
        Control::Divergence => visitor.visit(&params.divergence),
        Control::GroupBy => visitor.visit(&params.group_by),
        Control::Steadiness => visitor.visit(&params.steadiness),
        Control::ExtendPitch => visitor.visit(&params.extend_pitch),
        Control::Threads => visitor.visit(&params.threads),
        Control::LastSeconds => visitor.visit(&params.last),
        Control::FollowTransport => visitor.visit(&params.follow),
        Control::Accumulate => visitor.visit(&params.accumulate),
        Control::KeepHistory => visitor.visit(&params.history),
        Control::Mode => visitor.visit(&params.mode),
        Control::Spatial => visitor.visit(&params.spatial),
        Control::Bands => visitor.visit(&params.bands),
        Control::Updates => visitor.visit(&params.updates),
        Control::Mix => visitor.visit(&params.mix),
        Control::Output => visitor.visit(&params.output),
        Control::Bypass => visitor.visit(&params.bypass),
        Control::Gain(component) => visitor.visit(&strip(component).gain),
        Control::Mute(component) => visitor.visit(&strip(component).mute),
        Control::Solo(component) => visitor.visit(&strip(component).solo),
        Control::Gate(component) => visitor.visit(&strip(component).gate),
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
