//! The controls of the player: open, play, pause, seek, loop, and their state. For every thread but the audio thread.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::commands::{PlayCommands, PlayStatus};
use super::loader::{Job, Loader};
use super::song::{NumberedSong, Song, StreamFormat};
use super::store::{PlayRequest, SongState, SongStore, Stored};
use crate::files::audio::{AudioFile, TimeRange};

/// Opens, plays and loops songs. Clones control the same player. No call waits for a file.
#[derive(Clone)]
pub struct PlayerControl {
    store: Arc<SongStore>,
    status: Arc<PlayStatus>,
    /// Its thread ends with the last clone.
    loader: Arc<Loader>,
}

impl PlayerControl {
    pub(super) fn new(
        songs: triple_buffer::Input<NumberedSong>,
        commands: triple_buffer::Input<PlayCommands>,
        status: Arc<PlayStatus>,
    ) -> Self {
        let store = Arc::new(SongStore::new(songs, commands));
        Self { loader: Arc::new(Loader::start(store.clone())), store, status }
    }

    /// Sets the format of the audio stream. An open song is converted to it, again if the format changes.
    pub fn stream(&self, stream: StreamFormat) {
        let mut stored = self.store.lock();
        if stored.stream != Some(stream) {
            stored.stream = Some(stream);
            self.load(&mut stored);
        }
    }

    /// Opens a file on a separate thread; see [`PlayerControl::state`]. The previous song stops at once. The new one waits at
    /// its start, without a loop, unless later calls change that.
    pub fn open(&self, path: &Path) {
        self.open_song(path, None);
    }

    /// Opens a file whose samples were read already.
    pub fn open_read(&self, path: &Path, audio: AudioFile) {
        self.open_song(path, Some(audio));
    }

    /// Whether there is a song to play.
    pub fn state(&self) -> SongState {
        let mut stored = self.store.lock();
        stored.free_unused();
        stored.state.clone()
    }

    /// The song, when it is ready.
    pub fn song(&self) -> Option<Arc<Song>> {
        self.store.lock().song.clone()
    }

    /// Continues playing; after the end of the song, from its start.
    pub fn play(&self) {
        self.request(|request| (request.is_playing, request.play) = (true, request.play + 1));
    }

    /// Pauses: the live input is heard instead.
    pub fn pause(&self) {
        self.request(|request| request.is_playing = false);
    }

    /// Jumps to a time, limited to the song. A time after the end of the loop becomes the loop's start.
    pub fn seek(&self, seconds: f64) {
        self.request(|request| (request.seek_s, request.seek) = (seconds, request.seek + 1));
    }

    /// Loops a range of at least 10 ms, limited to the song. Playback continues to the end of the range and then jumps to its
    /// start; after the end of the range it jumps at once.
    pub fn set_loop(&self, from_s: f64, to_s: f64) {
        self.request(|request| request.loop_s = Some(TimeRange { from_s, to_s }));
    }

    /// Ends the loop.
    pub fn clear_loop(&self) {
        self.request(|request| request.loop_s = None);
    }

    /// The loop, limited to the song, when the song is ready.
    pub fn loop_range(&self) -> Option<TimeRange> {
        let stored = self.store.lock();
        let song = stored.song.as_ref()?;
        let seconds = |sample: usize| sample as f64 / f64::from(song.sample_rate());
        let (from, to) = stored.request.loop_range(song)?;
        Some(TimeRange { from_s: seconds(from), to_s: seconds(to) })
    }

    /// Whether the song is playing: not before it is ready, and not after its end.
    pub fn is_playing(&self) -> bool {
        let stored = self.store.lock();
        let is_ended = self.status.ended_play.load(Relaxed) == stored.request.play;
        stored.song.is_some() && stored.request.is_playing && !is_ended
    }

    /// The current position, or the requested one if the audio thread has not followed yet.
    pub fn position_s(&self) -> f64 {
        let stored = self.store.lock();
        let Some(song) = &stored.song else { return 0.0 };
        let has_followed = self.status.seek.load(Acquire) == stored.request.seek;
        let at = if has_followed { load_len(&self.status.position) } else { song.sample_at(stored.request.seek_s) };
        at.min(song.len()) as f64 / f64::from(song.sample_rate())
    }

    fn request(&self, change: impl FnOnce(&mut PlayRequest)) {
        let mut stored = self.store.lock();
        change(&mut stored.request);
        stored.send_orders();
    }

    fn open_song(&self, path: &Path, audio: Option<AudioFile>) {
        let mut stored = self.store.lock();
        (stored.path, stored.audio) = (Some(path.into()), audio);
        let PlayRequest { play, seek, .. } = stored.request;
        stored.request = PlayRequest { play, seek: seek + 1, ..PlayRequest::default() };
        self.load(&mut stored);
    }

    /// Lets the loader make a song of the file, once there are a file and a stream.
    fn load(&self, stored: &mut Stored) {
        let Some(path) = stored.path.clone() else { return };
        stored.is_needed.store(false, Relaxed);
        stored.is_needed = Arc::new(AtomicBool::new(true));
        stored.number += 1;
        stored.state = SongState::Loading(path.clone());
        stored.send(None);
        let Some(stream) = stored.stream else { return };
        let (number, is_needed) = (stored.number, stored.is_needed.clone());
        let job = Job { number, path, audio: stored.audio.take(), stream, is_needed };
        if let Err(why) = self.loader.load(job) {
            stored.state = SongState::Failed(why);
        }
    }
}

fn load_len(value: &AtomicU64) -> usize {
    usize::try_from(value.load(Relaxed)).unwrap_or(usize::MAX)
}
