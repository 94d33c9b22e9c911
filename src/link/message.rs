//! The messages of the audio thread to the learner.

use super::request::Command;
use crate::model::Playing;
use crate::model::settings::LearnSettings;

/// What the audio thread tells the learner, in order, between the frames.
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
    /// A recording begins.
    Start,
    /// The frames that follow are not recorded: the transport stands.
    Pause,
    /// The frames that follow are recorded again.
    Resume,
    /// The recording ends: learn from it.
    Stop(LearnSettings),
    /// A command.
    Do(Command, LearnSettings),
    /// The audio thread plays like this from now on …
    Play {
        /// … in this way …
        playing: Playing,
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

/// What becomes of the sound that plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// No capture runs.
    #[default]
    Off,
    /// A capture runs, and waits for the transport.
    Waiting,
    /// A capture runs.
    On,
}

/// The controls of recording, as they stand while a block plays.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Whether the last seconds are kept.
    pub history: HistorySwitch,
    /// Whether a capture runs.
    pub recording: Recording,
    /// What a capture that ends now is learned with.
    pub settings: LearnSettings,
}
