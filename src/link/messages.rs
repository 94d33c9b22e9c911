//! What the audio thread says to the learner.

use super::request::Command;
use crate::model::PlaybackSettings;
use crate::model::settings::LearnSettings;

/// A message from the audio thread to the learner. Messages and frames arrive in the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CaptureMessage {
    /// The frames that follow are of this format.
    Stream {
        /// Samples per second.
        sample_rate: f32,
        /// 1 or 2.
        channels: u8,
    },
    /// From now on frames are kept as history, or no longer.
    History(HistorySwitch),
    /// A capture begins.
    Start,
    /// The frames that follow are not captured: the transport is stopped.
    Pause,
    /// The frames that follow are captured again.
    Resume,
    /// The capture ends: learn from it.
    Stop(LearnSettings),
    /// A command.
    Do(Command, LearnSettings),
    /// The audio thread plays like this from now on …
    Play {
        /// … in this way …
        playback: PlaybackSettings,
        /// … in the stream of this number, see [`Models::play_in`](super::Models::play_in).
        stream: u32,
    },
}

/// Whether the last seconds that played are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistorySwitch {
    /// They are not.
    #[default]
    Off,
    /// They are.
    On,
}

/// Whether a capture runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureState {
    /// No capture runs.
    #[default]
    Off,
    /// A capture waits for the transport to start.
    Waiting,
    /// A capture runs.
    On,
}

/// The parameters that decide what is captured, with their values for one block.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Whether the last seconds are kept.
    pub history: HistorySwitch,
    /// Whether a capture runs.
    pub capture: CaptureState,
    /// What a capture that ends now is learned with.
    pub settings: LearnSettings,
}
