//! The parameters “Capture” and “Command”, which cause an action when they change. The audio thread carries it out while
//! blocks are processed. Hosts that suspend effects process none: then the learning thread does it instead.
//!
//! Both threads claim a change by a compare-and-swap before they act on it, so that it is carried out once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::messages::{CaptureMessage, CaptureState, Listening};
use super::request::Command;

/// Without a block for this long, the host has suspended processing.
const SUSPENDED: Duration = Duration::from_millis(300);

/// The current values of the parameters, which both threads can read.
pub trait ControlSource: Send + Sync {
    /// The command that is selected.
    fn command(&self) -> Option<Command>;
    /// What to listen to while the transport is stopped, and how to learn.
    fn listening_while_stopped(&self) -> Listening;
}

/// What has been carried out, shared by both threads.
#[derive(Default)]
pub(super) struct Controls {
    /// Blocks that the audio thread processed.
    blocks: AtomicU32,
    command: Claimed,
    capture: Claimed,
}

impl Controls {
    /// The audio thread processes a block.
    pub(super) fn count_block(&self) {
        self.blocks.store(self.blocks.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Whether the selected command changed, and the caller is the one to carry it out.
    pub(super) fn claim_command(&self, command: impl FnOnce() -> Option<Command>) -> Option<Command> {
        let seen = self.command.read();
        let command = command();
        let code = command.map_or(0, |command| command as u8 + 1);
        (seen.code() != code && self.command.change(seen, code)).then_some(command).flatten()
    }

    /// The capture state that the learner was last told.
    pub(super) fn capture_state(&self) -> CaptureState {
        CaptureState::of(self.capture.read().code())
    }

    /// One step from the capture state that the learner knows to the one that is asked for, if they differ and the caller
    /// is the one to take it.
    pub(super) fn claim_capture_state(&self, listening: impl FnOnce() -> Listening) -> Option<CaptureMessage> {
        let seen = self.capture.read();
        let Listening { capture, settings, .. } = listening();
        let (message, next) = match (CaptureState::of(seen.code()), capture) {
            (known, asked) if known == asked => return None,
            (_, CaptureState::Off) => (CaptureMessage::Stop(settings), CaptureState::Off),
            (CaptureState::Off, _) => (CaptureMessage::Start, CaptureState::On),
            (_, CaptureState::On) => (CaptureMessage::Resume, CaptureState::On),
            (_, CaptureState::Waiting) => (CaptureMessage::Pause, CaptureState::Waiting),
        };
        self.capture.change(seen, next as u8).then_some(message)
    }
}

/// The learning thread's end: what it has to carry out because the audio thread does not run.
pub struct SuspendedControls {
    shared: Arc<Controls>,
    source: Option<Arc<dyn ControlSource>>,
    /// The number of blocks, and when it last changed.
    blocks: (u32, Instant),
}

impl SuspendedControls {
    pub(super) fn new(shared: Arc<Controls>) -> Self {
        Self { shared, source: None, blocks: (0, Instant::now()) }
    }

    /// Follows these parameters from now on.
    pub fn attach(&mut self, source: Arc<dyn ControlSource>) {
        self.source = Some(source);
    }

    /// Whether the host processed no blocks for a while, as far as [`SuspendedControls::next`] has seen.
    pub fn is_suspended(&self, now: Instant) -> bool {
        now.duration_since(self.blocks.1) >= SUSPENDED
    }

    /// The next action to carry out at the time `now`, as the audio thread would have sent it.
    pub fn next(&mut self, now: Instant) -> Option<CaptureMessage> {
        let blocks = self.shared.blocks.load(Relaxed);
        if self.blocks.0 != blocks {
            self.blocks = (blocks, now);
        }
        let source = self.source.as_ref().filter(|_| self.is_suspended(now))?;
        if let Some(command) = self.shared.claim_command(|| source.command()) {
            return Some(CaptureMessage::Do(command, source.listening_while_stopped().settings));
        }
        self.shared.claim_capture_state(|| source.listening_while_stopped())
    }
}

/// A small value that either thread may change. A counter in the upper bits tells a value that has changed and changed back
/// from one that has not.
#[derive(Default)]
struct Claimed(AtomicU32);

/// What was read, with the counter.
#[derive(Clone, Copy)]
struct Seen(u32);

impl Seen {
    fn code(self) -> u8 {
        self.0 as u8
    }
}

impl Claimed {
    /// To be read before the parameter is.
    fn read(&self) -> Seen {
        Seen(self.0.load(Acquire))
    }

    /// Whether nobody else changed it since.
    fn change(&self, seen: Seen, code: u8) -> bool {
        let next = ((seen.0 >> 8).wrapping_add(1) << 8) | u32::from(code);
        self.0.compare_exchange(seen.0, next, AcqRel, Relaxed).is_ok()
    }
}

impl CaptureState {
    fn of(code: u8) -> Self {
        [Self::Off, Self::Waiting, Self::On].into_iter().find(|&state| state as u8 == code).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::HistorySwitch;
    use crate::model::settings::LearnSettings;

    /// Parameters that stand still.
    struct Fixed(Option<Command>, Listening);

    impl ControlSource for Fixed {
        fn command(&self) -> Option<Command> {
            self.0
        }

        fn listening_while_stopped(&self) -> Listening {
            self.1
        }
    }

    fn listening(capture: CaptureState) -> Listening {
        Listening { history: HistorySwitch::Off, capture, settings: LearnSettings::default() }
    }

    #[test]
    fn a_change_is_carried_out_once_and_by_the_learner_only_while_no_blocks_are_processed() {
        let shared = Arc::new(Controls::default());
        let mut suspended = SuspendedControls::new(shared.clone());
        let source = Arc::new(Fixed(Some(Command::Compare), listening(CaptureState::On)));
        suspended.attach(source.clone());
        let start = Instant::now();
        let later = |ms: u64| start + Duration::from_millis(ms);
        shared.count_block();
        assert!(suspended.next(later(100)).is_none() && suspended.next(later(390)).is_none());
        assert!(matches!(suspended.next(later(410)), Some(CaptureMessage::Do(Command::Compare, _))));
        assert_eq!(suspended.next(later(410)), Some(CaptureMessage::Start));
        assert_eq!(suspended.next(later(900)), None);
        // The audio thread runs again, and finds nothing left to do.
        assert_eq!(shared.claim_command(|| source.command()), None);
        assert_eq!(shared.claim_capture_state(|| source.listening_while_stopped()), None);
        assert_eq!(shared.capture_state(), CaptureState::On);
    }

    #[test]
    fn whoever_is_overtaken_between_reading_and_claiming_does_not_act() {
        let shared = Controls::default();
        let overtaken = shared.claim_command(|| {
            assert_eq!(shared.claim_command(|| Some(Command::Keep)), Some(Command::Keep));
            assert_eq!(shared.claim_command(|| None), None);
            Some(Command::Keep)
        });
        assert_eq!(overtaken, None);
    }
}
