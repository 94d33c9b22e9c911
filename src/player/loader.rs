//! The thread that makes songs of files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::control::Shelf;
use super::song::{Song, SongError, StreamFormat};
use crate::files::audio::AudioFile;

/// A song to be made.
pub(super) struct Job {
    /// What [`Shelf::finish`] knows it by.
    pub(super) number: u64,
    /// The file.
    pub(super) path: PathBuf,
    /// Its samples, if they were read already.
    pub(super) read: Option<AudioFile>,
    /// What it is to be played in.
    pub(super) stream: StreamFormat,
    /// The file is not read on once this is false.
    pub(super) is_wanted: Arc<AtomicBool>,
}

impl Job {
    fn song(self) -> Result<Song, SongError> {
        let audio = match self.read {
            Some(audio) => audio,
            None => AudioFile::read_while(&self.path, self.is_wanted)?,
        };
        Song::new(&self.path, audio, self.stream)
    }
}

/// The owner of the thread.
pub(super) struct Loader {
    shelf: Arc<Shelf>,
    jobs: Option<Sender<Job>>,
    /// Why there is none, if the system gave none.
    thread: Result<JoinHandle<()>, String>,
}

impl Loader {
    /// Starts the thread, which puts songs on the shelf.
    pub(super) fn start(shelf: Arc<Shelf>) -> Self {
        let (jobs, todo) = channel();
        let songs = shelf.clone();
        let thread = Builder::new().name("unweave-song".into()).spawn(move || work(&todo, &songs));
        Self { shelf, jobs: Some(jobs), thread: thread.map_err(|error| error.to_string()) }
    }

    /// Asks for a song.
    ///
    /// # Errors
    /// There is no thread to make it: says why.
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
        self.shelf.give_up();
        self.jobs = None;
        if let Ok(thread) = std::mem::replace(&mut self.thread, Err("it has ended".into())) {
            let _ = thread.join();
        }
    }
}

fn work(todo: &Receiver<Job>, shelf: &Shelf) {
    for job in todo {
        if job.is_wanted.load(Relaxed) {
            shelf.finish(job.number, job.song().map_err(|error| error.to_string()));
        }
    }
}
