//! Captured frames from the audio thread to the learner, and the audio thread's other ends.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::request::LearnSettings;
use super::status::{Meters, Status};
use crate::dsp::Templates;
use crate::model::Playing;

/// What the audio thread tells the learner, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CaptureMessage {
    /// A recording begins.
    Start {
        /// Samples per second.
        sample_rate: f32,
        /// 1 or 2.
        channels: u8,
    },
    /// One sample of each channel, in mono twice the same.
    Frame([f32; 2]),
    /// The recording ends: learn from it.
    Stop(LearnSettings),
    /// The audio thread plays like this from now on …
    Play {
        /// … in this way …
        playing: Playing,
        /// … in the stream of this number, see [`Models::play_in`].
        stream: u32,
    },
}

/// The audio thread's ends.
pub struct AudioLink {
    frames: rtrb::Producer<[f32; 2]>,
    /// Everything but frames, each after so many frames.
    events: rtrb::Producer<(u64, CaptureMessage)>,
    written_frames: u64,
    templates: triple_buffer::Output<Option<Arc<Templates>>>,
    status: Arc<Status>,
    meters: Arc<Meters>,
    /// Format of the running capture.
    capturing: Option<(f32, u8)>,
}

impl AudioLink {
    pub(super) fn new(
        frames: rtrb::Producer<[f32; 2]>,
        events: rtrb::Producer<(u64, CaptureMessage)>,
        templates: triple_buffer::Output<Option<Arc<Templates>>>,
        status: Arc<Status>,
        meters: Arc<Meters>,
    ) -> Self {
        Self { frames, events, written_frames: 0, templates, status, meters, capturing: None }
    }

    /// The newest templates. They stay alive, and are never dropped here, until the next call.
    pub fn templates(&mut self) -> Option<&Templates> {
        self.templates.read().as_deref()
    }

    /// Records `audio` (a slice per channel) while `is_on`; learns with `settings` from what was recorded when it is off
    /// again. A recording whose format changes begins anew.
    pub fn capture(&mut self, is_on: bool, sample_rate: f32, audio: &[&mut [f32]], settings: LearnSettings) {
        if !is_on {
            if self.capturing.is_some() && self.tell(CaptureMessage::Stop(settings)) {
                self.capturing = None;
            }
            return;
        }
        let channels = audio.len().min(2) as u8;
        if self.capturing != Some((sample_rate, channels)) {
            if !self.tell(CaptureMessage::Start { sample_rate, channels }) {
                let lost = audio.first().map_or(0, |channel| channel.len() as u64);
                self.status.dropped_frames.fetch_add(lost, Relaxed);
                return;
            }
            self.capturing = Some((sample_rate, channels));
        }
        let Some(first) = audio.first() else { return };
        let second = audio.get(1).unwrap_or(first);
        let mut dropped = 0;
        for (&left, &right) in first.iter().zip(second.iter()) {
            match self.frames.push([left, right]) {
                Ok(()) => self.written_frames += 1,
                Err(_) => dropped += 1,
            }
        }
        if dropped > 0 {
            self.status.dropped_frames.fetch_add(dropped, Relaxed);
        }
    }

    /// Tells the others how the audio thread plays from now on, in the stream of a number that [`Models::play_in`] gave.
    /// Whether there was room for it: if not, say it again.
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

    /// The next message, if there is one.
    pub fn pop(&mut self) -> Option<CaptureMessage> {
        if let Some(frame) = self.pop_frame() {
            return Some(frame);
        }
        if self.is_event_due() { self.events.pop().ok().map(|(_, event)| event) } else { None }
    }

    fn is_event_due(&self) -> bool {
        self.events.peek().is_ok_and(|(after, _)| *after == self.read_frames)
    }

    /// The next message, if it belongs to a recording that goes on: its start, or a frame of it.
    pub fn pop_recorded(&mut self) -> Option<CaptureMessage> {
        match self.events.peek() {
            Ok((_, CaptureMessage::Start { .. })) => self.pop(),
            _ => self.pop_frame(),
        }
    }

    fn pop_frame(&mut self) -> Option<CaptureMessage> {
        // First the frames: an event that was told before one of them is then seen below.
        let frames = self.frames.slots();
        if self.is_event_due() || frames == 0 {
            return None;
        }
        let frame = self.frames.pop().ok()?;
        self.read_frames += 1;
        Some(CaptureMessage::Frame(frame))
    }
}
