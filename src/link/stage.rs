//! The current step of the workflow, as a short text.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::EditorLink;
use super::models::Slots;
use super::status::Phase;

/// The current step of the workflow.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Nothing was learned yet, or nothing plays.
    Empty,
    /// A capture waits for the transport to start.
    Waiting,
    /// Recording.
    Capturing {
        /// Seconds recorded so far.
        seconds: f32,
    },
    /// Learning.
    Learning {
        /// The completed share, 0 to 1.
        progress: f32,
    },
    /// A new model plays, to be kept or reverted.
    Review,
    /// A model plays.
    Live,
    /// The last request failed for this reason; the model that plays has not changed.
    Failed(String),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing learned yet, sound passes through"),
            Self::Waiting => f.write_str("capture waits for the transport"),
            Self::Capturing { seconds } => write!(f, "capturing {seconds:.1} s"),
            Self::Learning { progress } => write!(f, "learning {:.0} %", 100.0 * progress),
            Self::Review => f.write_str("review: keep or revert"),
            Self::Live => f.write_str("live"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl EditorLink {
    /// The current step of the workflow.
    pub fn stage(&self) -> Stage {
        self.stage_with(&self.models.slots())
    }

    /// The current step of the workflow, given the models: for a caller that shows both.
    pub fn stage_with(&self, slots: &Slots) -> Stage {
        let status = &self.status;
        match status.phase() {
            Phase::Failed => Stage::Failed(status.failure()),
            Phase::Learning => Stage::Learning { progress: status.progress.load(Relaxed) },
            Phase::Capturing if status.is_waiting.load(Relaxed) => Stage::Waiting,
            Phase::Capturing => Stage::Capturing { seconds: status.captured_s.load(Relaxed) },
            Phase::Idle => match (slots.is_review, &slots.current) {
                (true, _) => Stage::Review,
                (false, Some(_)) => Stage::Live,
                (false, None) => Stage::Empty,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::connect;

    #[test]
    fn a_stage_reads_as_it_should() {
        let texts = [
            (Stage::Empty, "nothing learned yet, sound passes through"),
            (Stage::Waiting, "capture waits for the transport"),
            (Stage::Capturing { seconds: 3.21 }, "capturing 3.2 s"),
            (Stage::Learning { progress: 0.634 }, "learning 63 %"),
            (Stage::Review, "review: keep or revert"),
            (Stage::Live, "live"),
            (Stage::Failed("why".into()), "why"),
        ];
        for (stage, text) in texts {
            assert_eq!(stage.to_string(), text);
        }
    }

    #[test]
    fn the_stage_follows_the_status() {
        let (_audio, _learn, editor) = connect();
        let status = &editor.status;
        assert_eq!(editor.stage(), Stage::Empty);
        status.enter(Phase::Capturing);
        status.captured_s.store(2.5, Relaxed);
        assert_eq!(editor.stage(), Stage::Capturing { seconds: 2.5 });
        status.is_waiting.store(true, Relaxed);
        assert_eq!(editor.stage(), Stage::Waiting);
        status.begin();
        status.progress.store(0.5, Relaxed);
        assert_eq!(editor.stage(), Stage::Learning { progress: 0.5 });
        status.fail("silent".into());
        assert_eq!(editor.stage(), Stage::Failed("silent".into()));
    }
}
