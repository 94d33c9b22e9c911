//! The audio thread's end of the player.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::deck::Deck;
use super::orders::{Orders, PlayStatus};
use super::song::NumberedSong;

/// Replaces the input by the song. Never waits, allocates or drops.
pub struct PlayerAudio {
    songs: triple_buffer::Output<NumberedSong>,
    orders: triple_buffer::Output<Orders>,
    status: Arc<PlayStatus>,
    deck: Deck,
}

impl PlayerAudio {
    pub(super) fn new(
        songs: triple_buffer::Output<NumberedSong>,
        orders: triple_buffer::Output<Orders>,
        status: Arc<PlayStatus>,
    ) -> Self {
        Self { songs, orders, status, deck: Deck::default() }
    }

    /// Writes the song over `audio`, a slice per channel. While no song plays, `audio` is left as it is. Play, pause, seek and
    /// the seam of a loop fade for 5 ms; all other samples are those of the song to the bit, for any division into blocks.
    pub fn fill(&mut self, audio: &mut [&mut [f32]]) {
        let orders = *self.orders.read();
        let len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut filled = 0;
        while filled < len {
            if self.deck.is_silent() && self.deck.song != orders.song {
                self.songs.update();
                self.deck.start(&orders);
            }
            let song = self.songs.output_buffer().as_ref();
            let Some((_, song)) = song.filter(|(number, _)| *number == self.deck.song) else { break };
            filled += self.deck.fill(song, &orders, audio, filled..len);
        }
        self.status.ended_play.store(self.deck.ended_play, Relaxed);
        self.status.position.store(self.deck.position as u64, Relaxed);
        self.status.seek.store(self.deck.seek, Release);
    }

    /// Whether the song was playing at the end of the last `fill`; `None` while there is no song.
    pub fn is_playing(&self) -> Option<bool> {
        let song = self.songs.output_buffer().as_ref().filter(|(number, _)| *number == self.deck.song);
        song.map(|_| self.deck.is_playing(self.orders.output_buffer()))
    }
}
