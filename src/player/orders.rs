//! What the audio thread is told to play, and what it tells back.

use std::sync::atomic::AtomicU64;

/// What to play: one message, so that its parts agree. Whatever has a number is new if the number is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// The number of the song; 0 is none.
    pub(super) song: u64,
    /// Whether it plays.
    pub(super) is_playing: bool,
    /// The number of the last “play”: a new one plays a song that has ended from its start.
    pub(super) play: u64,
    /// The number of the last seek.
    pub(super) seek: u64,
    /// The sample to seek to.
    pub(super) seek_to: usize,
    /// The samples to loop, from the first to before the last; at least two fades.
    pub(super) stretch: Option<(usize, usize)>,
}

/// What the audio thread tells: every field is written by it alone.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The sample that plays next.
    pub(super) at: AtomicU64,
    /// The last seek that was followed; written after `at`.
    pub(super) seek: AtomicU64,
    /// The last “play” whose song has ended.
    pub(super) ended_play: AtomicU64,
}
