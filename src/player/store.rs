//! The current song and what the user asked for, shared by the controls and the loader. Never touched by the audio thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::commands::PlayCommands;
use super::song::{NumberedSong, Song, StreamFormat};
use crate::files::audio::{AudioFile, TimeRange};

/// Whether there is a song to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SongState {
    /// No song was opened.
    Empty,
    /// The file is being read, or waits until the audio stream is known.
    Loading(PathBuf),
    /// The song can be played.
    Ready,
    /// The file cannot be played: the reason, with its name.
    Failed(String),
}

/// Shared by the controls and the loader.
pub(super) struct SongStore(Mutex<Stored>);

impl SongStore {
    /// No song yet, and both ways to the audio thread.
    pub(super) fn new(songs: triple_buffer::Input<NumberedSong>, commands: triple_buffer::Input<PlayCommands>) -> Self {
        Self(Mutex::new(Stored {
            songs,
            commands,
            number: 0,
            song: None,
            state: SongState::Empty,
            request: PlayRequest::default(),
            stream: None,
            path: None,
            audio: None,
            is_needed: Arc::default(),
        }))
    }

    /// A panic elsewhere left whole values: each change is complete before the next call.
    pub(super) fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the result of a job, unless another file was opened since.
    pub(super) fn finish(&self, number: u64, song: Result<Song, String>) {
        let mut stored = self.lock();
        if stored.number != number {
            return;
        }
        match song {
            Ok(song) => {
                stored.state = SongState::Ready;
                stored.send(Some(Arc::new(song)));
            }
            Err(why) => stored.state = SongState::Failed(why),
        }
    }

    /// Cancels the job that is running.
    pub(super) fn cancel(&self) {
        self.lock().is_needed.store(false, Relaxed);
    }
}

/// The current song, its state, and the user's request.
pub(super) struct Stored {
    songs: triple_buffer::Input<NumberedSong>,
    commands: triple_buffer::Input<PlayCommands>,
    /// The number of the song that was opened last.
    pub(super) number: u64,
    pub(super) song: Option<Arc<Song>>,
    pub(super) state: SongState,
    pub(super) request: PlayRequest,
    pub(super) stream: Option<StreamFormat>,
    /// The file that was opened last, and its samples if they were read already.
    pub(super) path: Option<PathBuf>,
    pub(super) audio: Option<AudioFile>,
    /// Whether the result of the loader's current job is still needed.
    pub(super) is_needed: Arc<AtomicBool>,
}

impl Stored {
    /// Sends the song to the audio thread first, and then the commands that name it.
    pub(super) fn send(&mut self, song: Option<Arc<Song>>) {
        self.song = song;
        self.write_song();
        self.send_orders();
    }

    fn write_song(&mut self) {
        self.songs.write(self.song.clone().map(|song| (self.number, song)));
        // The buffer returned an older song, or none: the audio thread no longer reads it.
        *self.songs.input_buffer_mut() = None;
    }

    /// Frees the song that the audio thread no longer uses: writing the current one again returns it.
    pub(super) fn free_unused(&mut self) {
        if self.songs.consumed() {
            self.write_song();
        }
    }

    /// Sends the user's request to the audio thread.
    pub(super) fn send_orders(&mut self) {
        let request = &self.request;
        let numbers = PlayCommands { play: request.play, seek: request.seek, ..PlayCommands::default() };
        self.commands.write(self.song.as_ref().map_or(numbers, |song| PlayCommands {
            song: self.number,
            is_playing: request.is_playing,
            seek_to: song.sample_at(request.seek_s),
            loop_range: request.loop_range(song),
            ..numbers
        }));
    }
}

/// What the user asked for, in seconds: the song may not be ready yet.
#[derive(Default)]
pub(super) struct PlayRequest {
    pub(super) is_playing: bool,
    /// Counts the calls of “play”.
    pub(super) play: u64,
    /// Counts the seeks.
    pub(super) seek: u64,
    pub(super) seek_s: f64,
    pub(super) loop_s: Option<TimeRange>,
}

impl PlayRequest {
    /// The samples to loop. A song that is shorter than two fades has no loop.
    pub(super) fn loop_range(&self, song: &Song) -> Option<(usize, usize)> {
        let shortest = 2 * song.fade_len();
        let TimeRange { from_s, to_s } = self.loop_s?;
        let from = song.sample_at(from_s).min(song.len().checked_sub(shortest)?);
        Some((from, song.sample_at(to_s).max(from + shortest)))
    }
}
