//! A song as the input of the standalone program: opened, played, looped. Both ends are made together by [`connect`].
//!
//! ```text
//! transport ── orders, triple buffer ──────────────────▶ audio ── status, atomics ─▶ transport
//! transport ── jobs, channel ──▶ loader ─▶ store ── song, triple buffer ─▶ audio
//! ```
//!
//! The audio thread touches only the outputs of the triple buffers and atomics: it never waits, and the thread that writes the
//! next song drops the old one. A song is written before the orders that name it. Until the audio thread has faded the old
//! song out, the buffer keeps that one alive.

mod audio;
mod deck;
mod loader;
mod orders;
mod song;
mod store;
mod transport;

use std::sync::Arc;

pub use audio::PlayerAudio;
pub use song::{Peak, Song, SongError, StreamFormat};
pub use store::SongState;
pub use transport::PlayerControl;

use orders::{Orders, PlayStatus};
use song::NumberedSong;

/// The end of the audio thread, and the end of all others.
pub fn connect() -> (PlayerAudio, PlayerControl) {
    let (songs_in, songs_out) = triple_buffer::triple_buffer::<NumberedSong>(&None);
    let (orders_in, orders_out) = triple_buffer::triple_buffer(&Orders::default());
    let status = Arc::new(PlayStatus::default());
    (PlayerAudio::new(songs_out, orders_out, status.clone()), PlayerControl::new(songs_in, orders_in, status))
}
