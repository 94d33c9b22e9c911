//! A song as the input of the standalone program: opened, played, looped. Both ends are made together by [`connect`].
//!
//! ```text
//! control ── orders, triple buffer ───────────────────▶ audio ── where it is, atomics ─▶ control
//! control ── paths, channel ──▶ loader ── song, triple buffer ─▶ audio
//! ```
//!
//! The audio thread only ever touches the triple buffers' outputs and atomics: it waits for nobody, and songs are dropped
//! by whoever writes the next one. A song is told first, and then the orders that name it; until the audio thread has
//! faded the old song out, the buffer keeps it alive.

mod audio;
mod control;
mod deck;
mod loader;
mod orders;
mod song;

use std::sync::Arc;

pub use audio::PlayerAudio;
pub use control::{PlayerControl, SongState};
pub use song::{Peak, Song, SongError, StreamFormat};

use orders::{Orders, Told};

/// A song with the number that orders name it by.
type NumberedSong = Option<(u64, Arc<Song>)>;

/// The audio thread's end, and the end of everybody else.
pub fn connect() -> (PlayerAudio, PlayerControl) {
    let (songs_in, songs_out) = triple_buffer::triple_buffer::<NumberedSong>(&None);
    let (orders_in, orders_out) = triple_buffer::triple_buffer(&Orders::default());
    let told = Arc::new(Told::default());
    (PlayerAudio::new(songs_out, orders_out, told.clone()), PlayerControl::new(songs_in, orders_in, told))
}
