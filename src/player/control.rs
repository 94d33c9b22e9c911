//! The end of everybody but the audio thread: what a person can do with a song, and see of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::NumberedSong;
use super::loader::{Job, Loader};
use super::orders::{Orders, Told};
use super::song::{Song, StreamFormat};
use crate::files::audio::{AudioFile, TimeRange};

/// How far a song is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SongState {
    /// None was opened.
    Empty,
    /// It is read, or waits for a stream to be played in.
    Loading(PathBuf),
    /// It can be played.
    Ready,
    /// It cannot: why, with the file's name.
    Failed(String),
}

/// Opens, plays and loops songs. All clones are the same player. No call waits for a file.
#[derive(Clone)]
pub struct PlayerControl {
    shelf: Arc<Shelf>,
    /// Owned for its thread, which ends with the last clone.
    loader: Arc<Loader>,
}

impl PlayerControl {
    pub(super) fn new(
        songs: triple_buffer::Input<NumberedSong>,
        orders: triple_buffer::Input<Orders>,
        told: Arc<Told>,
    ) -> Self {
        let held = Held {
            songs,
            orders,
            number: 0,
            song: None,
            state: SongState::Empty,
            wish: Wish::default(),
            stream: None,
            path: None,
            read: None,
            is_wanted: Arc::default(),
        };
        let shelf = Arc::new(Shelf { told, held: Mutex::new(held) });
        Self { loader: Arc::new(Loader::start(shelf.clone())), shelf }
    }

    /// Says what the stream is. A song that was opened is made ready for it, once more if it has changed.
    pub fn stream(&self, stream: StreamFormat) {
        let mut held = self.shelf.lock();
        if held.stream != Some(stream) {
            held.stream = Some(stream);
            self.load(&mut held);
        }
    }

    /// Opens a file: on a thread of its own, see [`PlayerControl::state`]. The song before it goes at once; the new one waits
    /// at its start, without a loop, or as the calls after this one say.
    pub fn open(&self, path: &Path) {
        self.take(path, None);
    }

    /// Opens a file that was read already.
    pub fn open_read(&self, path: &Path, audio: AudioFile) {
        self.take(path, Some(audio));
    }

    /// How far the song is.
    pub fn state(&self) -> SongState {
        let mut held = self.shelf.lock();
        held.tidy();
        held.state.clone()
    }

    /// The song, once it is ready.
    pub fn song(&self) -> Option<Arc<Song>> {
        self.shelf.lock().song.clone()
    }

    /// Plays on, or, after the end, from the start.
    pub fn play(&self) {
        self.wish(|wish| (wish.is_playing, wish.play) = (true, wish.play + 1));
    }

    /// Pauses: the live input is heard.
    pub fn pause(&self) {
        self.wish(|wish| wish.is_playing = false);
    }

    /// Goes to a time, or to the start or end that lies before it. Beyond the end of a loop, that is the loop's start.
    pub fn seek(&self, seconds: f64) {
        self.wish(|wish| (wish.seek_s, wish.seek) = (seconds, wish.seek + 1));
    }

    /// Loops a stretch, of 10 ms at least: what lies outside the song is cut off. It plays on until the stretch's end, and is
    /// at its start once it is beyond.
    pub fn set_loop(&self, from_s: f64, to_s: f64) {
        self.wish(|wish| wish.stretch = Some(TimeRange { from_s, to_s }));
    }

    /// Plays on to the song's end.
    pub fn clear_loop(&self) {
        self.wish(|wish| wish.stretch = None);
    }

    /// The stretch that is looped, as it was cut, once the song is ready.
    pub fn looped(&self) -> Option<TimeRange> {
        let held = self.shelf.lock();
        let song = held.song.as_ref()?;
        let seconds = |sample: usize| sample as f64 / f64::from(song.sample_rate());
        let (from, to) = held.wish.stretch(song)?;
        Some(TimeRange { from_s: seconds(from), to_s: seconds(to) })
    }

    /// Whether the song plays: not before it is ready, and not after its end.
    pub fn is_playing(&self) -> bool {
        let held = self.shelf.lock();
        let is_ended = self.shelf.told.ended_play.load(Relaxed) == held.wish.play;
        held.song.is_some() && held.wish.is_playing && !is_ended
    }

    /// Where in the song it plays, or will.
    pub fn position_s(&self) -> f64 {
        let held = self.shelf.lock();
        let Some(song) = &held.song else { return 0.0 };
        let is_there = self.shelf.told.seek.load(Acquire) == held.wish.seek;
        let at = if is_there { load_len(&self.shelf.told.at) } else { song.sample_at(held.wish.seek_s) };
        at.min(song.len()) as f64 / f64::from(song.sample_rate())
    }

    fn wish(&self, change: impl FnOnce(&mut Wish)) {
        let mut held = self.shelf.lock();
        change(&mut held.wish);
        held.order();
    }

    fn take(&self, path: &Path, audio: Option<AudioFile>) {
        let mut held = self.shelf.lock();
        (held.path, held.read) = (Some(path.into()), audio);
        let Wish { play, seek, .. } = held.wish;
        held.wish = Wish { play, seek: seek + 1, ..Wish::default() };
        self.load(&mut held);
    }

    /// Has the loader make a song of the file that was opened, if there are a file and a stream.
    fn load(&self, held: &mut Held) {
        let Some(path) = held.path.clone() else { return };
        held.is_wanted.store(false, Relaxed);
        held.is_wanted = Arc::new(AtomicBool::new(true));
        held.number += 1;
        held.state = SongState::Loading(path.clone());
        held.hand_over(None);
        let Some(stream) = held.stream else { return };
        let (number, is_wanted) = (held.number, held.is_wanted.clone());
        let job = Job { number, path, read: held.read.take(), stream, is_wanted };
        if let Err(why) = self.loader.load(job) {
            held.state = SongState::Failed(why);
        }
    }
}

fn load_len(value: &AtomicU64) -> usize {
    usize::try_from(value.load(Relaxed)).unwrap_or(usize::MAX)
}

/// What the controls and the loader share.
pub(super) struct Shelf {
    told: Arc<Told>,
    held: Mutex<Held>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what became of a job, unless something else was asked for since.
    pub(super) fn finish(&self, number: u64, song: Result<Song, String>) {
        let mut held = self.lock();
        if held.number != number {
            return;
        }
        match song {
            Ok(song) => {
                held.state = SongState::Ready;
                held.hand_over(Some(Arc::new(song)));
            }
            Err(why) => held.state = SongState::Failed(why),
        }
    }

    /// Nothing more is wanted.
    pub(super) fn give_up(&self) {
        self.lock().is_wanted.store(false, Relaxed);
    }
}

struct Held {
    songs: triple_buffer::Input<NumberedSong>,
    orders: triple_buffer::Input<Orders>,
    /// The number of the song that was asked for last.
    number: u64,
    song: Option<Arc<Song>>,
    state: SongState,
    wish: Wish,
    stream: Option<StreamFormat>,
    /// The file that was asked for last, and its samples until they become a song.
    path: Option<PathBuf>,
    read: Option<AudioFile>,
    /// Whether what the loader does is still wanted.
    is_wanted: Arc<AtomicBool>,
}

impl Held {
    /// First the song, then the orders that name it.
    fn hand_over(&mut self, song: Option<Arc<Song>>) {
        self.song = song;
        self.write_song();
        self.order();
    }

    fn write_song(&mut self) {
        self.songs.write(self.song.clone().map(|song| (self.number, song)));
        // What came back is an older song, or none: nobody reads it any more.
        *self.songs.input_buffer_mut() = None;
    }

    /// Drops the song that the audio thread has let go of, which comes back for the same one once more.
    fn tidy(&mut self) {
        if self.songs.consumed() {
            self.write_song();
        }
    }

    fn order(&mut self) {
        let wish = &self.wish;
        let numbers = Orders { play: wish.play, seek: wish.seek, ..Orders::default() };
        self.orders.write(self.song.as_ref().map_or(numbers, |song| Orders {
            song: self.number,
            is_playing: wish.is_playing,
            seek_to: song.sample_at(wish.seek_s),
            stretch: wish.stretch(song),
            ..numbers
        }));
    }
}

/// What the person wants, in seconds: it may be said before the song is ready.
#[derive(Default)]
struct Wish {
    is_playing: bool,
    play: u64,
    seek: u64,
    seek_s: f64,
    stretch: Option<TimeRange>,
}

impl Wish {
    /// The samples to loop. A song that is shorter than two fades has none.
    fn stretch(&self, song: &Song) -> Option<(usize, usize)> {
        let shortest = 2 * song.fade_len();
        let TimeRange { from_s, to_s } = self.stretch?;
        let from = song.sample_at(from_s).min(song.len().checked_sub(shortest)?);
        Some((from, song.sample_at(to_s).max(from + shortest)))
    }
}
