//! The audio thread's end of the player.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::NumberedSong;
use super::deck::Deck;
use super::orders::{Orders, Told};

/// Puts the song in place of the input. Waits for nobody, and neither allocates nor drops.
pub struct PlayerAudio {
    songs: triple_buffer::Output<NumberedSong>,
    orders: triple_buffer::Output<Orders>,
    told: Arc<Told>,
    deck: Deck,
}

impl PlayerAudio {
    pub(super) fn new(
        songs: triple_buffer::Output<NumberedSong>,
        orders: triple_buffer::Output<Orders>,
        told: Arc<Told>,
    ) -> Self {
        Self { songs, orders, told, deck: Deck::default() }
    }

    /// Plays over `audio`, a slice per channel. Where no song plays, what is there stays. Play, pause, seek and the seam of
    /// a loop fade for 5 ms; otherwise the samples are the song's to the bit, however the stream is cut into blocks.
    pub fn fill(&mut self, audio: &mut [&mut [f32]]) {
        let orders = *self.orders.read();
        let len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut filled = 0;
        while filled < len {
            if self.deck.is_silent() && self.deck.song != orders.song {
                self.songs.update();
                self.deck.take_up(&orders);
            }
            let song = self.songs.output_buffer().as_ref();
            let Some((_, song)) = song.filter(|(number, _)| *number == self.deck.song) else { break };
            filled += self.deck.fill(song, &orders, audio, filled..len);
        }
        self.told.ended_play.store(self.deck.ended_play, Relaxed);
        self.told.at.store(self.deck.at as u64, Relaxed);
        self.told.seek.store(self.deck.seek, Release);
    }

    /// Whether the song plays, as the last `fill` left it; `None` while there is no song.
    pub fn is_playing(&self) -> Option<bool> {
        let song = self.songs.output_buffer().as_ref().filter(|(number, _)| *number == self.deck.song);
        song.map(|_| self.deck.is_playing(self.orders.output_buffer()))
    }
}
