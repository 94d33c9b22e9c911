//! Operations on the parameter of a control, whatever its type.

use nice_plug::prelude::Param;

use super::UnweaveParams;
use super::control::Control;
use crate::dsp::MAX_COMPONENTS;

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
