//! The rings that carry audio and requests from the audio thread to the learner, and the audio thread's ends of the
//! other channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::columns::ColumnSender;
use super::controls::Controls;
use super::messages::{CaptureMessage, CaptureState, HistorySwitch, Listening};
use super::request::Command;
use super::stamped::Stamped;
use super::status::{Meters, Status};
use crate::dsp::Templates;
use crate::dsp::sanitize::sanitized;
use crate::model::PlaybackSettings;
use crate::model::settings::LearnSettings;

/// Frames by which the audio thread may be ahead of the learner: 8 s at 48 kHz, of which the history alone may use
/// half. The learner reads every 50 ms, every 250 ms after a pause, and every 100 ms while it learns, so that no frames
/// are lost if a host renders 32 times faster than real time.
pub(super) const RING_FRAMES: usize = 8 * 48_000;
/// Frames of the ring reserved for captures: if a host renders faster than the learner reads, a ring full of history
/// would drop the beginning of a capture.
const FREE_FOR_CAPTURES: usize = RING_FRAMES / 2;

/// The audio thread's ends.
pub struct AudioLink {
    rings: Rings,
    written_frames: u64,
    templates: triple_buffer::Output<Option<Arc<Templates>>>,
    status: Arc<Status>,
    meters: Arc<Meters>,
    columns: ColumnSender,
    controls: Arc<Controls>,
    sent: Sent,
}

/// The audio thread's ends of the rings.
pub(super) struct Rings {
    pub(super) frames: rtrb::Producer<[f32; 2]>,
    /// All other messages, each with the number of frames sent before it.
    pub(super) events: rtrb::Producer<(u64, Stamped<CaptureMessage>)>,
    /// See [`Models::loads`](super::Models::loads).
    pub(super) loads: Arc<AtomicU32>,
}

/// The values last sent to the learner.
#[derive(Default)]
struct Sent {
    /// Sample rate and channels.
    format: Option<(f32, u8)>,
    history: HistorySwitch,
}

impl AudioLink {
    pub(super) fn new(
        rings: Rings,
        templates: triple_buffer::Output<Option<Arc<Templates>>>,
        columns: ColumnSender,
        (status, meters, controls): (Arc<Status>, Arc<Meters>, Arc<Controls>),
    ) -> Self {
        Self { rings, written_frames: 0, templates, status, meters, columns, controls, sent: Sent::default() }
    }

    /// The newest templates. They stay valid until the next call, and are never dropped on this thread.
    pub fn templates(&mut self) -> Option<&Templates> {
        self.templates.read().as_deref()
    }

    /// The newest templates as above, the meters, and the sender for columns of the picture.
    pub fn for_editor(&mut self) -> (Option<&Templates>, &Meters, &mut ColumnSender) {
        (self.templates.read().as_deref(), &self.meters, &mut self.columns)
    }

    /// Whether an editor is open.
    pub fn is_editor_open(&self) -> bool {
        self.columns.is_editor_open()
    }

    /// Sends `audio` (one slice per channel), [`sanitized`] like the engine's input, while the history or a capture is
    /// on. When a capture is switched off, the learner learns from it. A capture restarts if its format changes.
    pub fn listen(&mut self, listening: Listening, sample_rate: f32, audio: &[&mut [f32]]) {
        self.controls.count_block();
        let is_sent = self.send_controls(listening, sample_rate, audio.len().min(2) as u8);
        if listening.history == HistorySwitch::Off && listening.capture != CaptureState::On {
            return;
        }
        let Some(first) = audio.first() else { return };
        let second = audio.get(1).unwrap_or(first);
        let wanted = first.len().min(second.len());
        let kept_free = if listening.capture == CaptureState::On { 0 } else { FREE_FOR_CAPTURES };
        let room = if is_sent { wanted.min(self.rings.frames.slots().saturating_sub(kept_free)) } else { 0 };
        if let Ok(chunk) = self.rings.frames.write_chunk_uninit(room) {
            let frames = first.iter().zip(second.iter()).map(|(&left, &right)| [left, right].map(sanitized));
            self.written_frames += chunk.fill_from_iter(frames) as u64;
        }
        // Without a capture, a host that renders many times faster than real time only causes gaps in the history.
        if room < wanted && listening.capture == CaptureState::On {
            self.status.dropped_frames.fetch_add((wanted - room) as u64, Relaxed);
        }
    }

    /// Sends all changes since the last block. Returns whether there was room for all of them.
    fn send_controls(&mut self, listening: Listening, sample_rate: f32, channels: u8) -> bool {
        let Listening { history, capture, .. } = listening;
        let is_wanted = history == HistorySwitch::On || capture != CaptureState::Off;
        let format = Some((sample_rate, channels));
        if is_wanted && channels > 0 && self.sent.format != format {
            if !self.send(CaptureMessage::Stream { sample_rate, channels }) {
                return false;
            }
            self.sent.format = format;
        }
        if self.sent.history != history {
            if !self.send(CaptureMessage::History(history)) {
                return false;
            }
            self.sent.history = history;
        }
        loop {
            // Claim a message only if there is room: a claimed message must be sent.
            if self.rings.events.slots() == 0 {
                return self.controls.capture_state() == capture;
            }
            match self.controls.claim_capture_state(|| listening) {
                Some(message) => self.send(message),
                None => break,
            };
        }
        true
    }

    /// Sends the command that the parameter changed to, unless the learner has carried it out while no blocks were
    /// processed.
    pub fn follow_command(&mut self, command: Option<Command>, settings: impl FnOnce() -> LearnSettings) {
        // Claim a command only if there is room: a claimed command must be sent. A later block tries again.
        if self.rings.events.slots() > 0
            && let Some(command) = self.controls.claim_command(|| command)
        {
            self.command(command, settings());
        }
    }

    /// Sends a command. Returns whether there was room for it; if not, send it again.
    pub fn command(&mut self, command: Command, settings: LearnSettings) -> bool {
        self.send(CaptureMessage::Do(command, settings))
    }

    /// Reports how the audio thread plays from now on, in the stream whose number
    /// [`Models::play_in`](super::Models::play_in) returned. Returns whether there was room for it; if not, send it
    /// again.
    pub fn play_in(&mut self, playback: PlaybackSettings, stream: u32) -> bool {
        self.send(CaptureMessage::Play { playback, stream })
    }

    /// Sends a message. Returns whether there was room for it.
    fn send(&mut self, message: CaptureMessage) -> bool {
        let stamped = Stamped { message, loads: self.rings.loads.load(Relaxed) };
        self.rings.events.push((self.written_frames, stamped)).is_ok()
    }

    /// Publishes whether the host's transport runs.
    pub fn play(&self, is_playing: bool) {
        self.status.is_playing.store(is_playing, Relaxed);
    }

    /// The meters to write.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }
}

/// The learner's ends of the rings: frames and messages in the order in which they were sent.
pub struct CaptureReader {
    frames: rtrb::Consumer<[f32; 2]>,
    events: rtrb::Consumer<(u64, Stamped<CaptureMessage>)>,
    read_frames: u64,
}

impl CaptureReader {
    pub(super) fn new(
        frames: rtrb::Consumer<[f32; 2]>,
        events: rtrb::Consumer<(u64, Stamped<CaptureMessage>)>,
    ) -> Self {
        Self { frames, events, read_frames: 0 }
    }

    /// Passes the frames before the next message to `on_frames`, and returns that message, or `None` when everything
    /// was read.
    pub fn read(&mut self, on_frames: &mut dyn FnMut(&[[f32; 2]])) -> Option<Stamped<CaptureMessage>> {
        loop {
            // Count the frames first: a message that was sent before one of them is then visible below.
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
                // Frames before the message arrived after they were counted: read them first.
                Some(_) => {}
            }
        }
    }
}
