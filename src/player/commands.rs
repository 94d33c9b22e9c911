//! What the audio thread shall play, and what it reports.

use std::sync::atomic::AtomicU64;

/// What to play. One message, so that its parts agree. A changed number means a new song, “play” or seek.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlayCommands {
    /// The number of the song; 0 is none.
    pub(super) song: u64,
    /// Whether it plays.
    pub(super) is_playing: bool,
    /// The number of the last “play”: after a new one, a song that has ended plays from its start.
    pub(super) play: u64,
    /// The number of the last seek.
    pub(super) seek: u64,
    /// The sample to seek to.
    pub(super) seek_to: usize,
    /// The samples to loop, from the first to before the last; at least two fades.
    pub(super) loop_range: Option<(usize, usize)>,
}

/// What the audio thread reports. It alone writes every field.
#[derive(Debug, Default)]
pub(super) struct PlayStatus {
    /// The next sample to play.
    pub(super) position: AtomicU64,
    /// The number of the last seek that was carried out; written after `position`.
    pub(super) seek: AtomicU64,
    /// The number of the last “play” whose song has ended.
    pub(super) ended_play: AtomicU64,
}
