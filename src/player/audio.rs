//! The audio thread's end of the player.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::commands::{PlayCommands, PlayStatus};
use super::song::NumberedSong;
use super::song_player::SongPlayer;

/// Replaces the input by the song. Never waits, allocates or drops.
pub struct PlayerAudio {
    songs: triple_buffer::Output<NumberedSong>,
    commands: triple_buffer::Output<PlayCommands>,
    status: Arc<PlayStatus>,
    song_player: SongPlayer,
}

impl PlayerAudio {
    pub(super) fn new(
        songs: triple_buffer::Output<NumberedSong>,
        commands: triple_buffer::Output<PlayCommands>,
        status: Arc<PlayStatus>,
    ) -> Self {
        Self { songs, commands, status, song_player: SongPlayer::default() }
    }

    /// Writes the song over `audio`, a slice per channel. While no song plays, `audio` is left as it is. Play, pause, seek and
    /// the seam of a loop fade for 5 ms; all other samples are those of the song to the bit, for any division into blocks.
    pub fn fill(&mut self, audio: &mut [&mut [f32]]) {
        let commands = *self.commands.read();
        let len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut filled = 0;
        while filled < len {
            if self.song_player.is_silent() && self.song_player.song != commands.song {
                self.songs.update();
                self.song_player.start(&commands);
            }
            let song = self.songs.output_buffer().as_ref();
            let Some((_, song)) = song.filter(|(number, _)| *number == self.song_player.song) else { break };
            filled += self.song_player.fill(song, &commands, audio, filled..len);
        }
        self.status.ended_play.store(self.song_player.ended_play, Relaxed);
        self.status.position.store(self.song_player.position as u64, Relaxed);
        self.status.seek.store(self.song_player.seek, Release);
    }

    /// Whether the song was playing at the end of the last `fill`; `None` while there is no song.
    pub fn is_playing(&self) -> Option<bool> {
        let song = self.songs.output_buffer().as_ref().filter(|(number, _)| *number == self.song_player.song);
        song.map(|_| self.song_player.is_playing(self.commands.output_buffer()))
    }
}
