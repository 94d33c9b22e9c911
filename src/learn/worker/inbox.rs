//! What comes to the learning thread: frames go to the history and the recording at once, even while it learns. Keep, Revert
//! and Compare act at once too: they only choose among models. All else becomes tasks, in order.
//!
//! What was asked for before the host loaded a project belongs to a project that is no longer open: such tasks are dropped, and
//! so is a capture that was running then, as the parameter that started it is restored as “off”. The history stays: it only
//! says what played, and nothing is learned from it until somebody asks.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::history::History;
use super::recording::Recording;
use super::refusal::Refusal;
use crate::learn::capture::Capture;
use crate::learn::error::LearnError;
use crate::link::{CaptureMessage, Command, HistorySwitch, LearnLink, LearnRequest, Phase, Stamped};
use crate::model::PlaybackSettings;
use crate::model::settings::LearnSettings;

/// How often the thread looks for what the audio thread sends while that runs. The audio thread cannot wake it: that would be a
/// call into the system.
const POLL: Duration = Duration::from_millis(50);
/// The same while the host processes no blocks: an instance that is not in use costs next to nothing.
const IDLE_POLL: Duration = Duration::from_millis(250);

/// What the learning thread has to do.
pub enum Task {
    /// Learn from a capture, if there is one.
    Learn(Result<Capture, Refusal>, LearnSettings),
    /// A request that takes a while, or that has to wait for one that does.
    Request(LearnRequest),
    /// See [`CaptureMessage::Play`].
    Play(PlaybackSettings, u32),
    /// Another model plays: learn it once more if it was learned for another window.
    FollowWindow,
}

impl Task {
    /// Whether it means the model or the captures of the project that was open when it was asked for.
    fn is_of_a_project(&self) -> bool {
        match self {
            Self::Learn(..) => true,
            Self::Request(request) => !matches!(request, LearnRequest::Do(Command::Clear, _)),
            Self::Play(..) | Self::FollowWindow => false,
        }
    }
}

/// What the thread has to react to at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Nothing.
    Continue,
    /// Stop learning.
    Cancel,
    /// End the thread.
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
    /// The running capture, and what [`crate::link::Models::loads`] counted when it began.
    recording: Option<(Recording, u32)>,
    /// Each with the same count of when it was asked for.
    tasks: VecDeque<(Task, u32)>,
    /// The count of the task that was taken last.
    task_loads: u32,
}

impl Inbox {
    /// Nothing came yet.
    pub fn new(link: LearnLink) -> Self {
        Self { link, format: (48_000.0, 2), history: None, recording: None, tasks: VecDeque::new(), task_loads: 0 }
    }

    /// Waits for a request, or until it is time to look for what the audio thread sent, and reads everything.
    pub fn wait(&mut self) -> Interrupt {
        let is_suspended = self.link.controls.is_suspended(Instant::now());
        match self.link.requests.recv_timeout(if is_suspended { IDLE_POLL } else { POLL }) {
            Ok(request) => {
                // What played before the request comes first.
                let interrupt = strongest(self.read_audio(), self.take_request(request));
                strongest(interrupt, self.read())
            }
            Err(error) if error.is_timeout() => self.read(),
            Err(_) => Interrupt::Quit,
        }
    }

    /// Reads everything that came.
    pub fn read(&mut self) -> Interrupt {
        let mut interrupt = self.read_audio();
        while let Some(message) = self.link.controls.next(Instant::now()) {
            let loads = self.link.models.loads();
            interrupt = strongest(interrupt, self.take_message(Stamped { message, loads }));
        }
        loop {
            match self.link.requests.try_recv() {
                Ok(request) => interrupt = strongest(interrupt, self.take_request(request)),
                Err(error) if error.is_empty() => break,
                Err(_) => return Interrupt::Quit,
            }
        }
        self.drop_recording_of_another_project();
        let (status, recording) = (&self.link.status, self.recording.as_ref().map(|(recording, _)| recording));
        status.captured_s.store(recording.map_or(0.0, Recording::seconds), Relaxed);
        status.history_s.store(self.history.as_ref().map_or(0.0, History::seconds), Relaxed);
        status.is_waiting.store(recording.is_some_and(Recording::is_paused), Relaxed);
        interrupt
    }

    /// The same while a task runs: it ends too when a project was loaded since it was asked for.
    pub fn read_during_task(&mut self) -> Interrupt {
        let interrupt = self.read();
        let is_late = self.link.models.loads() != self.task_loads;
        if is_late { strongest(interrupt, Interrupt::Cancel) } else { interrupt }
    }

    /// The next task.
    pub fn next_task(&mut self) -> Option<Task> {
        while let Some((task, loads)) = self.tasks.pop_front() {
            let now = self.link.models.loads();
            if !task.is_of_a_project() || loads == now {
                self.task_loads = now;
                return Some(task);
            }
            self.count_task();
        }
        None
    }

    /// What [`crate::link::Models::loads`] counted when the last task was asked for.
    pub fn task_loads(&self) -> u32 {
        self.task_loads
    }

    /// Chooses among the models: Keep, Revert or Compare.
    ///
    /// # Errors
    /// There is no review, or no model.
    pub fn switch(&mut self, command: Command) -> Result<(), Refusal> {
        let models = &self.link.models;
        match command {
            Command::Revert => {
                if !models.revert() {
                    return Err(Refusal::NoReview);
                }
            }
            Command::Compare => {
                if !models.compare() {
                    return Err(Refusal::NothingToCompare);
                }
            }
            _ => {
                models.keep();
                return Ok(());
            }
        }
        // The model that plays now may have been learned for another window.
        self.push(Task::FollowWindow);
        Ok(())
    }

    /// Shows how something that was asked for ended. While a learning runs, its progress stays in view instead.
    pub fn report(&self, done: Result<(), Refusal>) {
        let status = &self.link.status;
        if status.phase() == Phase::Learning {
            return;
        }
        status.clear_error();
        status.enter(if self.recording.is_some() { Phase::Capturing } else { Phase::Idle });
        match done {
            Ok(()) | Err(Refusal::Learn(LearnError::Cancelled)) => {}
            Err(refusal) => status.fail(refusal.to_string()),
        }
    }

    /// Something that was asked for is done, or dropped.
    pub fn count_task(&self) {
        self.link.status.tasks_done.fetch_add(1, Relaxed);
    }

    fn push(&mut self, task: Task) {
        self.tasks.push_back((task, self.link.models.loads()));
    }

    fn drop_recording_of_another_project(&mut self) {
        let loads = self.link.models.loads();
        if self.recording.take_if(|(_, begun)| *begun != loads).is_some() {
            self.report(Ok(()));
        }
    }

    fn read_audio(&mut self) -> Interrupt {
        let mut interrupt = Interrupt::Continue;
        while let Some(message) = self.read_frames() {
            interrupt = strongest(interrupt, self.take_message(message));
        }
        interrupt
    }

    /// Takes the frames up to the next message, and gives that.
    fn read_frames(&mut self) -> Option<Stamped<CaptureMessage>> {
        let (history, recording) = (&mut self.history, &mut self.recording);
        self.link.capture.read(&mut |frames| {
            history.iter_mut().for_each(|history| history.push(frames));
            recording.iter_mut().for_each(|(recording, _)| recording.push(frames));
        })
    }

    fn take_message(&mut self, Stamped { message, loads }: Stamped<CaptureMessage>) -> Interrupt {
        let (sample_rate, channels) = self.format;
        let recording = self.recording.as_mut().map(|(recording, _)| recording);
        match message {
            CaptureMessage::Stream { sample_rate, channels } => {
                self.format = (sample_rate, usize::from(channels));
                self.begin_anew();
            }
            CaptureMessage::History(HistorySwitch::On) => self.history = Some(History::new(sample_rate, channels)),
            CaptureMessage::History(HistorySwitch::Off) => self.history = None,
            CaptureMessage::Start => {
                self.recording = Some((Recording::new(sample_rate, channels), loads));
                self.report(Ok(()));
            }
            CaptureMessage::Pause => recording.into_iter().for_each(Recording::pause),
            CaptureMessage::Resume => recording.into_iter().for_each(Recording::resume),
            CaptureMessage::Stop(settings) => self.stop(settings),
            CaptureMessage::Do(command, settings) => return self.take_command(command, settings, loads),
            CaptureMessage::Play { playback, stream } => self.push(Task::Play(playback, stream)),
        }
        Interrupt::Continue
    }

    /// The capture ends: it is to be learned from.
    fn stop(&mut self, settings: LearnSettings) {
        let Some((recording, loads)) = self.recording.take() else { return };
        let has_waited = recording.is_paused() && recording.seconds() == 0.0;
        let capture = if has_waited { Err(Refusal::TransportStopped) } else { recording.capture().map_err(Into::into) };
        self.tasks.push_back((Task::Learn(capture, settings), loads));
    }

    fn take_request(&mut self, Stamped { message, loads }: Stamped<LearnRequest>) -> Interrupt {
        match message {
            LearnRequest::Do(command, settings) => return self.take_command(command, settings, loads),
            LearnRequest::Quit => return Interrupt::Quit,
            request => self.tasks.push_back((Task::Request(request), loads)),
        }
        Interrupt::Continue
    }

    fn take_command(&mut self, command: Command, settings: LearnSettings, loads: u32) -> Interrupt {
        let request = Task::Request(LearnRequest::Do(command, settings));
        match command {
            Command::LearnLast => self.tasks.push_back((Task::Learn(self.last(settings), settings), loads)),
            Command::LearnAgain => self.tasks.push_back((request, loads)),
            Command::Clear => {
                self.begin_anew();
                self.push(request);
            }
            Command::Keep | Command::Revert | Command::Compare if self.has_edits() => {
                self.tasks.push_back((request, loads));
            }
            Command::Keep | Command::Revert | Command::Compare if loads == self.link.models.loads() => {
                let done = self.switch(command);
                self.report(done);
                self.count_task();
            }
            // Of a project that is no longer open.
            Command::Keep | Command::Revert | Command::Compare => self.count_task(),
            Command::Cancel => {
                // What waits to be learned was asked for before.
                let is_learning = |task: &Task| {
                    matches!(task, Task::Learn(..) | Task::Request(LearnRequest::Do(Command::LearnAgain, _)))
                };
                self.tasks.retain(|(task, _)| !is_learning(task));
                return Interrupt::Cancel;
            }
        }
        Interrupt::Continue
    }

    /// Whether changes of the model were asked for and are not done yet: what is asked for next means their result.
    fn has_edits(&self) -> bool {
        let is_edit = |task: &Task| match task {
            Task::Request(request) => !matches!(request, LearnRequest::Do(..)),
            _ => false,
        };
        self.tasks.iter().any(|(task, _)| is_edit(task))
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
        let restarted = |(recording, loads): (Recording, u32)| (recording.restarted(sample_rate, channels), loads);
        self.recording = self.recording.take().map(restarted);
    }
}

fn strongest(first: Interrupt, second: Interrupt) -> Interrupt {
    match (first, second) {
        (Interrupt::Quit, _) | (_, Interrupt::Quit) => Interrupt::Quit,
        (Interrupt::Cancel, _) | (_, Interrupt::Cancel) => Interrupt::Cancel,
        _ => Interrupt::Continue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::connect;

    #[test]
    fn requests_sent_before_another_project_was_loaded_are_dropped() {
        let (_audio, learn, editor) = connect();
        let mut inbox = Inbox::new(learn);
        let rename = || LearnRequest::Rename { component: 0, name: "kick".into() };
        editor.requests.send(rename()).unwrap();
        editor.requests.send(LearnRequest::Do(Command::LearnAgain, LearnSettings::default())).unwrap();
        editor.models.replace(None);
        editor.requests.send(rename()).unwrap();
        inbox.read();
        assert!(matches!(inbox.next_task(), Some(Task::Request(LearnRequest::Rename { .. }))));
        assert!(inbox.next_task().is_none());
    }
}
