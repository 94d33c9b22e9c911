//! The plug-in's parameters, as the editor refers to them.

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

impl Control {
    /// The component that it belongs to, from 0.
    pub fn component(self) -> Option<usize> {
        match self {
            Self::Gain(component) | Self::Mute(component) | Self::Solo(component) | Self::Gate(component) => {
                Some(component)
            }
            _ => None,
        }
    }
}
