//! What comes to the learning thread: frames go to the history and the recording at once, even while it learns; all else
//! becomes tasks, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::history::History;
use super::refusal::Refusal;
use super::take::Take;
use crate::learn::capture::Capture;
use crate::link::{CaptureMessage, Command, HistorySwitch, LearnLink, LearnRequest, Phase};
use crate::model::settings::LearnSettings;
use crate::model::{Model, Playing};

/// What the learning thread has to do.
pub enum Task {
    /// Learn from a capture, if there is one.
    Learn(Result<Capture, Refusal>, LearnSettings),
    /// See [`Command::LearnAgain`].
    LearnAgain(LearnSettings),
    /// See [`Command::Keep`].
    Keep,
    /// See [`Command::Revert`].
    Revert,
    /// See [`Command::Compare`].
    Compare,
    /// Forget every kept capture.
    Forget,
    /// See [`LearnRequest::Rename`]: the component, and its name.
    Rename(usize, String),
    /// See [`LearnRequest::Move`]: the template, and its component.
    Move(usize, usize),
    /// See [`LearnRequest::Replace`].
    Replace(Arc<Model>),
    /// See [`CaptureMessage::Play`].
    Play(Playing, u32),
}

/// What the thread must mind at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    GoOn,
    /// Stop learning.
    Cancel,
    /// End.
    Quit,
}

/// What comes to the learning thread, sorted.
pub struct Inbox {
    /// The thread's ends.
    pub link: LearnLink,
    /// Sample rate and channels of the frames.
    format: (f32, usize),
    /// `None` where it is off.
    history: Option<History>,
    take: Option<Take>,
    tasks: VecDeque<Task>,
}

impl Inbox {
    /// Nothing came yet.
    pub fn new(link: LearnLink) -> Self {
        Self { link, format: (48_000.0, 2), history: None, take: None, tasks: VecDeque::new() }
    }

    /// Waits so long for a request, and reads everything.
    pub fn wait(&mut self, timeout: Duration) -> Word {
        match self.link.requests.recv_timeout(timeout) {
            Ok(request) => {
                // What played before it was asked for comes first.
                let word = strongest(self.read_audio(), self.take_request(request));
                strongest(word, self.read())
            }
            Err(error) if error.is_timeout() => self.read(),
            Err(_) => Word::Quit,
        }
    }

    /// Reads everything that came.
    pub fn read(&mut self) -> Word {
        let mut word = self.read_audio();
        while let Some(message) = self.link.controls.next(Instant::now()) {
            word = strongest(word, self.take_message(message));
        }
        loop {
            match self.link.requests.try_recv() {
                Ok(request) => word = strongest(word, self.take_request(request)),
                Err(error) if error.is_empty() => break,
                Err(_) => return Word::Quit,
            }
        }
        let status = &self.link.status;
        status.captured_s.store(self.take.as_ref().map_or(0.0, Take::seconds), Relaxed);
        status.history_s.store(self.history.as_ref().map_or(0.0, History::seconds), Relaxed);
        status.is_waiting.store(self.take.as_ref().is_some_and(Take::is_paused), Relaxed);
        word
    }

    /// The next task.
    pub fn next_task(&mut self) -> Option<Task> {
        self.tasks.pop_front()
    }

    /// Whether a capture runs.
    pub fn is_capturing(&self) -> bool {
        self.take.is_some()
    }

    fn read_audio(&mut self) -> Word {
        let mut word = Word::GoOn;
        while let Some(message) = self.read_frames() {
            word = strongest(word, self.take_message(message));
        }
        word
    }

    /// Takes the frames up to the next message, and gives that.
    fn read_frames(&mut self) -> Option<CaptureMessage> {
        let (history, take) = (&mut self.history, &mut self.take);
        self.link.capture.read(&mut |frames| {
            history.iter_mut().for_each(|history| history.push(frames));
            take.iter_mut().for_each(|take| take.push(frames));
        })
    }

    fn take_message(&mut self, message: CaptureMessage) -> Word {
        let (sample_rate, channels) = self.format;
        match message {
            CaptureMessage::Stream { sample_rate, channels } => {
                let channels = usize::from(channels);
                self.format = (sample_rate, channels);
                self.begin_anew();
            }
            CaptureMessage::History(HistorySwitch::On) => self.history = Some(History::new(sample_rate, channels)),
            CaptureMessage::History(HistorySwitch::Off) => {
                self.history = None;
                give_memory_back();
            }
            CaptureMessage::Start => {
                self.take = Some(Take::new(sample_rate, channels));
                self.link.status.forgive();
                if self.link.status.phase() != Phase::Learning {
                    self.link.status.enter(Phase::Capturing);
                }
            }
            CaptureMessage::Pause => self.take.iter_mut().for_each(Take::pause),
            CaptureMessage::Resume => self.take.iter_mut().for_each(Take::resume),
            CaptureMessage::Stop(settings) => {
                if let Some(take) = self.take.take() {
                    let has_waited = take.is_paused() && take.seconds() == 0.0;
                    let capture =
                        if has_waited { Err(Refusal::TransportStood) } else { take.capture().map_err(Into::into) };
                    self.tasks.push_back(Task::Learn(capture, settings));
                }
            }
            CaptureMessage::Do(command, settings) => return self.take_command(command, settings),
            CaptureMessage::Play { playing, stream } => self.tasks.push_back(Task::Play(playing, stream)),
        }
        Word::GoOn
    }

    fn take_request(&mut self, request: LearnRequest) -> Word {
        let task = match request {
            LearnRequest::Do(command, settings) => return self.take_command(command, settings),
            LearnRequest::Rename { component, name } => Task::Rename(component, name),
            LearnRequest::Move { template, component } => Task::Move(template, component),
            LearnRequest::Replace(model) => Task::Replace(model),
            LearnRequest::Quit => return Word::Quit,
        };
        self.tasks.push_back(task);
        Word::GoOn
    }

    fn take_command(&mut self, command: Command, settings: LearnSettings) -> Word {
        let task = match command {
            Command::LearnLast => Task::Learn(self.last(settings), settings),
            Command::LearnAgain => Task::LearnAgain(settings),
            Command::Keep => Task::Keep,
            Command::Revert => Task::Revert,
            Command::Compare => Task::Compare,
            Command::Clear => {
                self.begin_anew();
                Task::Forget
            }
            Command::Cancel => {
                // What waits to be learned was asked for before: the word is for all of it.
                self.tasks.retain(|task| !matches!(task, Task::Learn(..) | Task::LearnAgain(_)));
                return Word::Cancel;
            }
        };
        self.tasks.push_back(task);
        Word::GoOn
    }

    /// The last seconds of the history, as they are at this moment.
    fn last(&self, settings: LearnSettings) -> Result<Capture, Refusal> {
        let history = self.history.as_ref().ok_or(Refusal::HistoryOff)?;
        if history.is_empty() {
            return Err(Refusal::HistoryEmpty);
        }
        let seconds = settings.last_s.clamp(1, LearnSettings::MAX_LAST_S);
        Ok(Capture::new(history.sample_rate(), history.last(f32::from(seconds)))?)
    }

    /// History and recording are empty, in the stream's format.
    fn begin_anew(&mut self) {
        let (sample_rate, channels) = self.format;
        self.history = self.history.take().map(|_| History::new(sample_rate, channels));
        self.take = self.take.take().map(|take| take.restarted(sample_rate, channels));
    }
}

fn strongest(first: Word, second: Word) -> Word {
    match (first, second) {
        (Word::Quit, _) | (_, Word::Quit) => Word::Quit,
        (Word::Cancel, _) | (_, Word::Cancel) => Word::Cancel,
        _ => Word::GoOn,
    }
}

/// Learning takes tens of megabytes for a second, and the history some for as long as it is on. glibc would keep them for
/// this thread, and with a hundred instances that is what they hold most of.
pub fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "a call into the C library, which has no safe form")]
    // SAFETY: takes no pointer and may be called from any thread at any time (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}
