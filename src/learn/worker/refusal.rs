//! Why what was asked for was not done, and what would help.

use thiserror::Error;

use crate::learn::capture::CaptureError;
use crate::learn::error::LearnError;

/// Why what was asked for was not done, and what would help.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// Nothing is kept of what played.
    #[error("the history is off: switch “Keep history” on and play, or use Capture")]
    HistoryOff,
    /// Nothing played since the history began.
    #[error("the history is empty: play something first, then learn from the last seconds of it")]
    HistoryEmpty,
    /// The transport stood during the whole capture.
    #[error(
        "nothing was captured, for the transport stood still: start it while Capture is on, or switch “Follow transport” off"
    )]
    TransportStood,
    /// A capture that cannot be learned from.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// No learning.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// No captures to learn again from.
    #[error("there is no capture to learn from again: of the model that plays none is kept; capture first")]
    NothingKept,
    /// Nothing to go back to.
    #[error("no model is in review: there is nothing to revert; “Compare A/B” plays the other model")]
    NoReview,
    /// No models.
    #[error("there is no model yet to compare: learn one first")]
    NothingToCompare,
    /// No model to change.
    #[error("no model plays: learn one first")]
    NoModel,
    /// A component that there is not.
    #[error("there is no component {number}: the model has {components}")]
    NoComponent {
        /// The component asked for, from 1.
        number: usize,
        /// How many there are.
        components: usize,
    },
    /// A template that there is not.
    #[error("there is no template {number}: the model has {templates}")]
    NoTemplate {
        /// The template asked for, from 1.
        number: usize,
        /// How many there are.
        templates: usize,
    },
    /// A name of nothing.
    #[error("a component's name is empty: give it at least one character")]
    EmptyName,
    /// Two components of one name.
    #[error("another component is called “{0}” already: give each its own name")]
    SameName(String),
    /// A component that would own nothing.
    #[error(
        "template {template} is the only one of “{component}”: a component keeps at least one; move another one to it first"
    )]
    LastTemplate {
        /// The template asked for, from 1.
        template: usize,
        /// The component that owns it.
        component: String,
    },
}
