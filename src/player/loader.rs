//! The thread that reads files and converts them to songs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::song::{Song, SongError, StreamFormat};
use super::store::SongStore;
use crate::files::audio::AudioFile;

/// A file to make a song of.
pub(super) struct Job {
    /// The number by which [`SongStore::finish`] recognises it.
    pub(super) number: u64,
    /// The file.
    pub(super) path: PathBuf,
    /// Its samples, if they were read already.
    pub(super) audio: Option<AudioFile>,
    /// The stream that will play it.
    pub(super) stream: StreamFormat,
    /// Reading stops when this becomes false.
    pub(super) is_needed: Arc<AtomicBool>,
}

impl Job {
    fn song(self) -> Result<Song, SongError> {
        let audio = match self.audio {
            Some(audio) => audio,
            None => AudioFile::read_while(&self.path, self.is_needed)?,
        };
        Song::new(&self.path, audio, self.stream)
    }
}

/// Owns the thread.
pub(super) struct Loader {
    store: Arc<SongStore>,
    jobs: Option<Sender<Job>>,
    /// The thread, or why the system could not start it.
    thread: Result<JoinHandle<()>, String>,
}

impl Loader {
    /// Starts the thread, which puts its songs into the store.
    pub(super) fn start(store: Arc<SongStore>) -> Self {
        let (jobs, todo) = channel();
        let songs = store.clone();
        let thread = Builder::new().name("unweave-song".into()).spawn(move || work(&todo, &songs));
        Self { store, jobs: Some(jobs), thread: thread.map_err(|error| error.to_string()) }
    }

    /// Asks for a song.
    ///
    /// # Errors
    /// There is no thread; the text says why.
    pub(super) fn load(&self, job: Job) -> Result<(), String> {
        let failure = |why: &str| format!("{}: no thread could be started to read it: {why}", job.path.display());
        if let Err(why) = &self.thread {
            return Err(failure(why));
        }
        let ended = failure("it has ended");
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(ended)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.store.cancel();
        self.jobs = None;
        if let Ok(thread) = std::mem::replace(&mut self.thread, Err("it has ended".into())) {
            let _ = thread.join();
        }
    }
}

fn work(todo: &Receiver<Job>, store: &SongStore) {
    for job in todo {
        if job.is_needed.load(Relaxed) {
            store.finish(job.number, job.song().map_err(|error| error.to_string()));
        }
    }
}
