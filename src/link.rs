//! Every shared thing, made in pairs by [`connect`]: where the audio thread, the learning thread and the rest meet.
//!
//! ```text
//! audio  ── captured frames, wait-free ring ─────▶ learner
//! audio  ◀─ templates, triple buffer ───────────── models ◀─ learner, state load, activation
//! audio  ── meters, atomics ─────────────────────▶ editor
//! editor ── requests, channel ───────────────────▶ learner ── status, atomics ─▶ editor
//! ```
//!
//! The audio thread only ever touches the ring, the triple buffer's output and atomics: it waits for nobody, and whatever
//! is dropped is dropped on the other side.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atomic_float::AtomicF32;
use crossbeam::channel;

use crate::dsp::{Divergence, MAX_COMPONENTS, Mode, Templates};
use crate::model::{Model, Playing};

/// Frames that the audio thread may be ahead of the learner, which looks every 20 ms, and while it learns every 100 ms: 8 s
/// at 48 kHz, so that a host that renders 80 times faster than real time loses nothing. Memory that was never written is
/// never resident.
const RING_FRAMES: usize = 8 * 48_000;
/// Events that the audio thread may be ahead of the learner.
const RING_EVENTS: usize = 256;

/// All ends of one instance's connections.
pub fn connect() -> (AudioLink, LearnLink, EditorLink) {
    let (frames_in, frames_out) = rtrb::RingBuffer::new(RING_FRAMES);
    let (events_in, events_out) = rtrb::RingBuffer::new(RING_EVENTS);
    let (playing, templates) = triple_buffer::triple_buffer(&None);
    let (requests_in, requests_out) = channel::unbounded();
    let models = Arc::new(Models(Mutex::new(Stored { model: None, stream: None, playing })));
    let (status, meters) = (Arc::new(Status::default()), Arc::new(Meters::default()));
    let audio = AudioLink {
        frames: frames_in,
        events: events_in,
        written_frames: 0,
        templates,
        status: status.clone(),
        meters: meters.clone(),
        capturing: None,
    };
    let learn = LearnLink {
        capture: CaptureReader { frames: frames_out, events: events_out, read_frames: 0 },
        requests: requests_out,
        models: models.clone(),
        status: status.clone(),
    };
    (audio, learn, EditorLink { requests: requests_in, models, status, meters })
}

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

/// What a musician chooses before learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnSettings {
    /// What the capture holds.
    pub target: Target,
    /// Components to find in a capture of everything, 1 to 16.
    pub components: u8,
    /// Templates of each; `None`: as many as suit the target.
    pub templates: Option<u8>,
    /// What to make small.
    pub divergence: Divergence,
    /// The mode that plays: it decides the window.
    pub mode: Mode,
    /// What the templates of a capture of everything are grouped by.
    pub group_by: GroupBy,
    /// Whether a captured component is hum or noise that does not change.
    pub steadiness: Steadiness,
    /// Whether transposed copies of tonal templates shall play along.
    pub extend_pitch: bool,
    /// The most threads that may learn; 0: as many as there are cores while the host does not play, and one while it does.
    pub threads: u8,
}

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Everything: components are found in it, and replace all there are.
    #[default]
    All,
    /// One component (by index, from 0) alone; the others stay as they are.
    Component(u8),
    /// Everything, of which a component learns what the others leave.
    Rest,
}

/// What templates are grouped by into blind components.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Whichever of the others suits the capture.
    #[default]
    Auto,
    /// What sounds alike: instruments that play notes.
    Timbre,
    /// What starts together: drums.
    Hits,
}

impl GroupBy {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Timbre, Self::Hits];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Timbre => "timbre",
            Self::Hits => "hits",
        }
    }

    /// The choice of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// Whether a component is steady: hum or noise that does not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steadiness {
    /// The capture decides.
    #[default]
    Detect,
    /// It is.
    Steady,
    /// It is not.
    Varying,
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

/// The learning thread's ends.
pub struct LearnLink {
    /// What was recorded.
    pub capture: CaptureReader,
    /// What others ask for.
    pub requests: channel::Receiver<LearnRequest>,
    /// Where learned models go.
    pub models: Arc<Models>,
    /// Where the learner says what it does.
    pub status: Arc<Status>,
}

/// What the audio thread tells the learner, in the order it was told.
pub struct CaptureReader {
    frames: rtrb::Consumer<[f32; 2]>,
    events: rtrb::Consumer<(u64, CaptureMessage)>,
    read_frames: u64,
}

impl CaptureReader {
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

/// What the learning thread can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnRequest {
    /// Stop the learning that runs; the model stays as it was.
    Cancel,
    /// Learn once more from the captures that are kept.
    Relearn(LearnSettings),
    /// End the thread.
    Quit,
}

/// The ends of the editor, the host's state calls, and tests.
#[derive(Clone)]
pub struct EditorLink {
    /// Requests to the learner.
    pub requests: channel::Sender<LearnRequest>,
    /// The model at hand.
    pub models: Arc<Models>,
    /// What the learner does.
    pub status: Arc<Status>,
    /// What the audio thread measures.
    pub meters: Arc<Meters>,
}

/// The model at hand, and its way to the audio thread. Never touched by the audio thread.
pub struct Models(Mutex<Stored>);

struct Stored {
    model: Option<Arc<Model>>,
    stream: Option<Stream>,
    playing: triple_buffer::Input<Option<Arc<Templates>>>,
}

impl Models {
    /// The model at hand.
    pub fn current(&self) -> Option<Arc<Model>> {
        self.stored().model.clone()
    }

    /// Takes a model (or none) and sends its templates to the audio thread.
    pub fn replace(&self, model: Option<Arc<Model>>) {
        let mut stored = self.stored();
        stored.model = model;
        stored.play();
    }

    /// The audio thread now runs at this rate, in mono or stereo: it gets the templates fitted to it. Gives the number of
    /// this stream.
    pub fn play_in(&self, sample_rate: f32, channels: usize, playing: Playing) -> u32 {
        let mut stored = self.stored();
        let number = stored.stream.map_or(0, |stream| stream.number.wrapping_add(1));
        stored.stream = Some(Stream { number, sample_rate, channels, playing });
        stored.play();
        number
    }

    /// The audio thread now plays like this, at the rate and with the channels it had. Gives the rate, or nothing if that is
    /// no longer so: what was told in an earlier stream is late.
    pub fn play_like(&self, playing: Playing, stream: u32) -> Option<f32> {
        let mut stored = self.stored();
        let known = stored.stream.filter(|known| known.number == stream)?;
        if known.playing != playing {
            stored.stream = Some(Stream { playing, ..known });
            stored.play();
        }
        Some(known.sample_rate)
    }

    /// A panic elsewhere left whole values: each change is one assignment.
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the audio thread runs in.
#[derive(Clone, Copy, PartialEq)]
struct Stream {
    /// Counts the streams.
    number: u32,
    sample_rate: f32,
    channels: usize,
    playing: Playing,
}

impl Stored {
    fn play(&mut self) {
        // A format that templates cannot be fitted to is one that the engine does not run in.
        let fitted = self.model.as_ref().zip(self.stream).and_then(|(model, stream)| {
            model.playing(stream.sample_rate, stream.channels, stream.playing).ok().map(Arc::new)
        });
        self.playing.write(fitted);
    }
}

/// What the learner does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing: what is learned plays, or nothing was learned yet and the sound passes through.
    #[default]
    Idle,
    /// Recording.
    Capturing,
    /// Learning.
    Learning,
    /// The last learning failed; the status says why.
    Failed,
}

/// The learner's state, for everyone to read.
#[derive(Debug, Default)]
pub struct Status {
    phase: AtomicU8,
    /// Share of the learning that is done, 0 to 1.
    pub progress: AtomicF32,
    /// Learnings that ended, well or not.
    pub learns_ended: AtomicU32,
    /// Whether the host plays: then learning leaves it all cores but one.
    pub is_playing: AtomicBool,
    /// Captured frames that found the ring full.
    pub dropped_frames: AtomicU64,
    failure: Mutex<String>,
    warnings: Mutex<Vec<String>>,
}

impl Status {
    /// What the learner does now.
    pub fn phase(&self) -> Phase {
        const PHASES: [Phase; 4] = [Phase::Idle, Phase::Capturing, Phase::Learning, Phase::Failed];
        PHASES[usize::from(self.phase.load(Relaxed)).min(3)]
    }

    /// Says what the learner does.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Says why the last learning failed.
    pub fn fail(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = why;
        self.enter(Phase::Failed);
    }

    /// Says what the last learning warns of.
    pub fn warn(&self, warnings: Vec<String>) {
        *self.warnings.lock().unwrap_or_else(PoisonError::into_inner) = warnings;
    }

    /// What the last learning warns of.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the last learning failed.
    pub fn failure(&self) -> String {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the audio thread measures, hop by hop.
#[derive(Debug, Default)]
pub struct Meters {
    /// Per component, its activation in dB as [`crate::dsp::mixer::Mixer::activation_db`] counts.
    pub activations_db: [AtomicF32; MAX_COMPONENTS],
}
