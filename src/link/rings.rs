//! What plays and what is asked for, from the audio thread to the learner; and the audio thread's other ends.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::columns::ColumnSender;
use super::controls::Controls;
use super::message::{CaptureMessage, HistorySwitch, Listening, Recording};
use super::request::Command;
use super::status::{Meters, Status};
use crate::dsp::Templates;
use crate::model::Playing;
use crate::model::settings::LearnSettings;

/// Frames that the audio thread may be ahead of the learner, which looks every 20 ms, and while it learns every 100 ms: 8 s
/// at 48 kHz, so that a host that renders 80 times faster than real time loses nothing; half of it for the history alone.
pub(super) const RING_FRAMES: usize = 8 * 48_000;
/// Frames of the ring that history alone never takes: it must not cost a capture its beginning where a host renders faster
/// than the learner listens.
const FREE_FOR_CAPTURES: usize = RING_FRAMES / 2;

/// The audio thread's ends.
pub struct AudioLink {
    frames: rtrb::Producer<[f32; 2]>,
    /// Everything but frames, each after so many frames.
    events: rtrb::Producer<(u64, CaptureMessage)>,
    written_frames: u64,
    templates: triple_buffer::Output<Option<Arc<Templates>>>,
    status: Arc<Status>,
    meters: Arc<Meters>,
    columns: ColumnSender,
    controls: Arc<Controls>,
    told: Told,
}

/// What the learner was told last.
#[derive(Default)]
struct Told {
    /// Sample rate and channels.
    format: Option<(f32, u8)>,
    history: HistorySwitch,
}

impl AudioLink {
    pub(super) fn new(
        frames: rtrb::Producer<[f32; 2]>,
        events: rtrb::Producer<(u64, CaptureMessage)>,
        templates: triple_buffer::Output<Option<Arc<Templates>>>,
        columns: ColumnSender,
        (status, meters, controls): (Arc<Status>, Arc<Meters>, Arc<Controls>),
    ) -> Self {
        Self { frames, events, written_frames: 0, templates, status, meters, columns, controls, told: Told::default() }
    }

    /// The newest templates. They stay alive, and are never dropped here, until the next call.
    pub fn templates(&mut self) -> Option<&Templates> {
        self.templates.read().as_deref()
    }

    /// The newest templates as above, the meters, and where columns of the picture go.
    pub fn watched(&mut self) -> (Option<&Templates>, &Meters, &mut ColumnSender) {
        (self.templates.read().as_deref(), &self.meters, &mut self.columns)
    }

    /// Whether an editor looks.
    pub fn is_watched(&self) -> bool {
        self.columns.is_watched()
    }

    /// Sends `audio` (a slice per channel) where history or a capture wants it. When a capture is off again, it is learned
    /// from. A recording whose format changes begins anew.
    pub fn listen(&mut self, listening: Listening, sample_rate: f32, audio: &[&mut [f32]]) {
        self.controls.count_block();
        let is_told = self.tell_controls(listening, sample_rate, audio.len().min(2) as u8);
        if listening.history == HistorySwitch::Off && listening.recording != Recording::On {
            return;
        }
        let Some(first) = audio.first() else { return };
        let second = audio.get(1).unwrap_or(first);
        let wanted = first.len().min(second.len());
        let kept_free = if listening.recording == Recording::On { 0 } else { FREE_FOR_CAPTURES };
        let room = if is_told { wanted.min(self.frames.slots().saturating_sub(kept_free)) } else { 0 };
        if let Ok(chunk) = self.frames.write_chunk_uninit(room) {
            let frames = first.iter().zip(second.iter()).map(|(&left, &right)| [left, right]);
            self.written_frames += chunk.fill_from_iter(frames) as u64;
        }
        // Where nobody captures, a host that renders many times faster than real time only leaves gaps in the history.
        if room < wanted && listening.recording == Recording::On {
            self.status.dropped_frames.fetch_add((wanted - room) as u64, Relaxed);
        }
    }

    /// Tells what changed since it was told last. Whether there was room for all of it.
    fn tell_controls(&mut self, listening: Listening, sample_rate: f32, channels: u8) -> bool {
        let Listening { history, recording, .. } = listening;
        let is_wanted = history == HistorySwitch::On || recording != Recording::Off;
        let format = Some((sample_rate, channels));
        if is_wanted && channels > 0 && self.told.format != format {
            if !self.tell(CaptureMessage::Stream { sample_rate, channels }) {
                return false;
            }
            self.told.format = format;
        }
        if self.told.history != history {
            if !self.tell(CaptureMessage::History(history)) {
                return false;
            }
            self.told.history = history;
        }
        loop {
            // What is claimed must be sent.
            if self.events.slots() == 0 {
                return self.controls.recording() == recording;
            }
            match self.controls.claim_recording(|| listening) {
                Some(message) => self.tell(message),
                None => break,
            };
        }
        true
    }

    /// Sends the command that the parameter changed to, unless the learner has carried it out while no blocks were processed.
    pub fn follow_command(&mut self, command: Option<Command>, settings: impl FnOnce() -> LearnSettings) {
        // What is claimed must be sent; the ring has room again by a later block.
        if self.events.slots() > 0
            && let Some(command) = self.controls.claim_command(|| command)
        {
            self.command(command, settings());
        }
    }

    /// Sends a command. Whether there was room for it: if not, say it again.
    pub fn command(&mut self, command: Command, settings: LearnSettings) -> bool {
        self.tell(CaptureMessage::Do(command, settings))
    }

    /// Tells the others how the audio thread plays from now on, in the stream of a number that
    /// [`Models::play_in`](super::Models::play_in) gave. Whether there was room for it: if not, say it again.
    pub fn play_in(&mut self, playing: Playing, stream: u32) -> bool {
        self.tell(CaptureMessage::Play { playing, stream })
    }

    /// Whether there was room for an event.
    fn tell(&mut self, event: CaptureMessage) -> bool {
        self.events.push((self.written_frames, event)).is_ok()
    }

    /// Says whether the host plays.
    pub fn play(&self, is_playing: bool) {
        self.status.is_playing.store(is_playing, Relaxed);
    }

    /// The meters to write.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }
}

/// What the audio thread tells the learner, in the order it was told.
pub struct CaptureReader {
    frames: rtrb::Consumer<[f32; 2]>,
    events: rtrb::Consumer<(u64, CaptureMessage)>,
    read_frames: u64,
}

impl CaptureReader {
    pub(super) fn new(frames: rtrb::Consumer<[f32; 2]>, events: rtrb::Consumer<(u64, CaptureMessage)>) -> Self {
        Self { frames, events, read_frames: 0 }
    }

    /// Hands over the frames that came before the next message, and gives that message; `None` when all that came was read.
    pub fn read(&mut self, on_frames: &mut dyn FnMut(&[[f32; 2]])) -> Option<CaptureMessage> {
        loop {
            // First the frames: a message that was told before one of them is then seen below.
            let waiting = self.frames.slots();
            let due = self.events.peek().ok().map(|(after, _)| after.saturating_sub(self.read_frames) as usize);
            let count = due.unwrap_or(waiting).min(waiting);
            if let Ok(chunk) = self.frames.read_chunk(count) {
                let (first, second) = chunk.as_slices();
                [first, second].into_iter().filter(|frames| !frames.is_empty()).for_each(&mut *on_frames);
                chunk.commit_all();
                self.read_frames += count as u64;
            }
            match due {
                None => return None,
                Some(due) if due == count => return self.events.pop().ok().map(|(_, message)| message),
                // Those before the message came while it was looked for.
                Some(_) => {}
            }
        }
    }
}
