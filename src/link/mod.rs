//! Every shared thing, made in pairs by [`connect`]: where the audio thread, the learning thread and the rest meet.
//!
//! ```text
//! audio  ── frames and commands, wait-free rings ▶ learner
//! audio  ◀─ templates, triple buffer ───────────── models ◀─ learner, state load, activation
//! audio  ── meters, atomics; columns of the picture, wait-free ring, while it is open ─▶ editor
//! editor ── requests, channel ───────────────────▶ learner ── status, atomics ─▶ editor
//! ```
//!
//! The audio thread only ever touches the ring, the triple buffer's output and atomics: it waits for nobody, and whatever
//! is dropped is dropped on the other side.

mod columns;
mod controls;
mod messages;
mod models;
mod request;
mod rings;
mod stage;
mod stamped;
mod status;
mod unread;

use std::sync::Arc;

use crossbeam::channel;

pub use columns::{ColumnSender, Columns};
pub use controls::{ControlSource, SuspendedControls};
pub use messages::{CaptureMessage, CaptureState, HistorySwitch, Listening};
pub use models::{Models, Slot, Slots};
pub use request::{Command, LearnRequest, RequestSender};
pub use rings::{AudioLink, CaptureReader};
pub use stage::Stage;
pub use stamped::Stamped;
pub use status::{Meters, Phase, Status};
pub use unread::UnreadModel;

/// Events that the audio thread may be ahead of the learner.
const RING_EVENTS: usize = 256;

/// All ends of one instance's connections.
pub fn connect() -> (AudioLink, LearnLink, EditorLink) {
    let (frames_in, frames_out) = rtrb::RingBuffer::new(rings::RING_FRAMES);
    let (events_in, events_out) = rtrb::RingBuffer::new(RING_EVENTS);
    let (playing, templates) = triple_buffer::triple_buffer(&None);
    let (requests_in, requests_out) = channel::unbounded();
    let models = Arc::new(Models::new(playing));
    let (status, meters) = (Arc::new(Status::default()), Arc::new(Meters::default()));
    let (column_sender, columns) = columns::watch();
    let controls = Arc::new(controls::Controls::default());
    let shared = (status.clone(), meters.clone(), controls.clone());
    let rings = rings::Rings { frames: frames_in, events: events_in, loads: models.load_counter() };
    let audio = AudioLink::new(rings, templates, column_sender, shared);
    let learn = LearnLink {
        capture: CaptureReader::new(frames_out, events_out),
        requests: requests_out,
        controls: SuspendedControls::new(controls),
        models: models.clone(),
        status: status.clone(),
    };
    let requests = RequestSender::new(requests_in, models.load_counter());
    (audio, learn, EditorLink { requests, models, status, meters, columns })
}

/// The learning thread's ends.
pub struct LearnLink {
    /// What plays, and what the audio thread asks for.
    pub capture: CaptureReader,
    /// What others ask for.
    pub requests: channel::Receiver<Stamped<LearnRequest>>,
    /// What changed parameters ask for while the audio thread does not run.
    pub controls: SuspendedControls,
    /// Where learned models go.
    pub models: Arc<Models>,
    /// Where the learner says what it does.
    pub status: Arc<Status>,
}

/// The ends of the editor, the host's state calls, and tests.
#[derive(Clone)]
pub struct EditorLink {
    /// Requests to the learner.
    pub requests: RequestSender,
    /// The model at hand.
    pub models: Arc<Models>,
    /// What the learner does.
    pub status: Arc<Status>,
    /// What the audio thread measures.
    pub meters: Arc<Meters>,
    /// The picture of the sound, column after column, while an editor is open.
    pub columns: Columns,
}
