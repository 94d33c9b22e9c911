//! Why a request was refused, and what to do about it.

use thiserror::Error;

use crate::learn::capture::CaptureError;
use crate::learn::error::LearnError;

/// Why a request was refused, and what to do about it.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// The history is off.
    #[error("the history is off: switch “Keep history” on and play, or use Capture")]
    HistoryOff,
    /// Nothing played since the history began.
    #[error("the history is empty: play something first, then learn from the last seconds of it")]
    HistoryEmpty,
    /// The transport was stopped during the whole capture.
    #[error(
        "nothing was captured because the transport was stopped: start it while Capture is on, or switch “Follow transport” off"
    )]
    TransportStopped,
    /// The capture cannot be learned from.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Learning failed.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// There are no captures to learn again from.
    #[error("nothing to learn again from: no captures are stored for the current model; capture first")]
    NoCaptures,
    /// No model is in review, so there is nothing to revert.
    #[error("no model is in review: there is nothing to revert; “Compare A/B” plays the other model")]
    NoReview,
    /// There are no models to compare.
    #[error("there is no model yet to compare: learn one first")]
    NothingToCompare,
    /// There is no model to change.
    #[error("no model plays: learn one first")]
    NoModel,
    /// There is no such component.
    #[error("there is no component {number}: the model has {components}")]
    NoComponent {
        /// The requested component, counted from 1.
        number: usize,
        /// How many there are.
        components: usize,
    },
    /// There is no such template.
    #[error("there is no template {number}: the model has {templates}")]
    NoTemplate {
        /// The requested template, counted from 1.
        number: usize,
        /// How many there are.
        templates: usize,
    },
    /// The name is empty.
    #[error("a component's name is empty: give it at least one character")]
    EmptyName,
    /// Another component already has this name.
    #[error("another component is called “{0}” already: give each its own name")]
    SameName(String),
    /// A component would be left without templates.
    #[error(
        "template {template} is the only one of “{component}”: a component keeps at least one; move another one to it first"
    )]
    LastTemplate {
        /// The requested template, counted from 1.
        template: usize,
        /// The component that owns it.
        component: String,
    },
}
