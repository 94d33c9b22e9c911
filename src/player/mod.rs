//! A song as the input of the standalone program: opened, played, looped. Both ends are made together by [`connect`].
//!
//! ```text
//! transport ── commands, triple buffer ──────────────────▶ audio ── status, atomics ─▶ transport
//! transport ── jobs, channel ──▶ loader ─▶ store ── song, triple buffer ─▶ audio
//! ```
//!
//! The audio thread touches only the outputs of the triple buffers and atomics: it never waits, and the thread that writes the
//! next song drops the old one. A song is written before the commands that name it. Until the audio thread has faded the old
//! song out, the buffer keeps that one alive.

mod audio;
mod commands;
mod loader;
mod song;
mod song_player;
mod store;
mod transport;

use std::sync::Arc;

pub use audio::PlayerAudio;
pub use song::{Peak, Song, SongError, StreamFormat};
pub use store::SongState;
pub use transport::PlayerControl;

use commands::{PlayCommands, PlayStatus};
use song::NumberedSong;

/// The end of the audio thread, and the end of all others.
pub fn connect() -> (PlayerAudio, PlayerControl) {
    let (songs_in, songs_out) = triple_buffer::triple_buffer::<NumberedSong>(&None);
    let (commands_in, commands_out) = triple_buffer::triple_buffer(&PlayCommands::default());
    let status = Arc::new(PlayStatus::default());
    (PlayerAudio::new(songs_out, commands_out, status.clone()), PlayerControl::new(songs_in, commands_in, status))
}
