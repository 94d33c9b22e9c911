//! The plug-in's parameters, as the editor speaks of them.

use nice_plug::prelude::Param;

use super::UnweaveParams;
use crate::dsp::MAX_COMPONENTS;

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// The capture switch.
    Capture,
    /// What the next capture holds.
    Target,
    /// Components to find.
    Components,
    /// Templates of each.
    Templates,
    /// What is made small.
    Divergence,
    /// What templates are grouped by.
    GroupBy,
    /// Whether the captured component is hum or noise.
    Steadiness,
    /// Transposed copies.
    ExtendPitch,
    /// Learning threads.
    Threads,
    /// Seconds that “learn the last” takes.
    LastSeconds,
    /// Record only while the host plays.
    FollowTransport,
    /// Add to the kept capture.
    Accumulate,
    /// Keep the last half minute.
    KeepHistory,
    /// What is traded for latency.
    Mode,
    /// Components are taken apart by place too.
    Spatial,
    /// Bands of the activations.
    Bands,
    /// Updates per frame.
    Updates,
    /// Dry to wet.
    Mix,
    /// Gain of the output.
    Output,
    /// The delayed input instead.
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

/// Controls that there is one of.
const SINGLE: [Control; 20] = [
    Control::Capture,
    Control::Target,
    Control::Components,
    Control::Templates,
    Control::Divergence,
    Control::GroupBy,
    Control::Steadiness,
    Control::ExtendPitch,
    Control::Threads,
    Control::LastSeconds,
    Control::FollowTransport,
    Control::Accumulate,
    Control::KeepHistory,
    Control::Mode,
    Control::Spatial,
    Control::Bands,
    Control::Updates,
    Control::Mix,
    Control::Output,
    Control::Bypass,
];

impl Control {
    /// How many there are.
    pub const COUNT: usize = SINGLE.len() + 4 * MAX_COMPONENTS;

    /// Every control, in the order of [`Control::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        let strips = (0..MAX_COMPONENTS).flat_map(|n| [Self::Gain(n), Self::Mute(n), Self::Solo(n), Self::Gate(n)]);
        SINGLE.into_iter().chain(strips)
    }

    /// Its place among all.
    pub fn index(self) -> usize {
        let strip = |component: usize, part: usize| SINGLE.len() + 4 * component + part;
        match self {
            Self::Gain(component) => strip(component, 0),
            Self::Mute(component) => strip(component, 1),
            Self::Solo(component) => strip(component, 2),
            Self::Gate(component) => strip(component, 3),
            single => SINGLE.iter().position(|&known| known == single).unwrap_or(0),
        }
    }
}

/// What is done with a parameter, whatever its type.
pub trait Visit {
    /// What comes out.
    type Output;
    /// Does it.
    fn visit<P: Param>(self, param: &P) -> Self::Output;
}

/// Does something with the parameter of a control.
pub fn visit<V: Visit>(params: &UnweaveParams, control: Control, visitor: V) -> V::Output {
    let strip = |component: usize| &params.components_mixed[component.min(MAX_COMPONENTS - 1)];
    match control {
        Control::Capture => visitor.visit(&params.capture),
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
    fn every_control_has_its_own_place() {
        assert_eq!(Control::all().count(), Control::COUNT);
        assert!(Control::all().enumerate().all(|(place, control)| control.index() == place));
    }
}
