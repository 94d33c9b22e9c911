//! Why nothing was learned.

use thiserror::Error;

use super::capture::CaptureError;
use super::nmf::FactorizeError;
use super::progress::Cancelled;
use crate::dsp::{MAX_COMPONENTS, MAX_TEMPLATES, TemplatesError};
use crate::model::ModelError;

/// Why nothing was learned.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LearnError {
    /// Too few or too many components.
    #[error("{0} components: there must be 1 to {MAX_COMPONENTS}")]
    Components(usize),
    /// Too few or too many templates.
    #[error("{0} templates in all: there must be 1 to {MAX_TEMPLATES}; use fewer components, or fewer templates each")]
    Templates(usize),
    /// Two components with the same name.
    #[error("two components are called “{0}”: give each its own name")]
    SameName(String),
    /// Captures of different sample rates or channels.
    #[error("“{name}” is {found}, and the first capture is {expected}: convert one of them")]
    Mixed {
        /// The component whose capture differs.
        name: String,
        /// Its format.
        found: String,
        /// The first capture's format.
        expected: String,
    },
    /// A capture that nothing can be learned from.
    #[error("{name}: {error}")]
    Capture {
        /// The component, or the mix.
        name: String,
        /// What is wrong with it.
        error: CaptureError,
    },
    /// The factorization failed.
    #[error("{name}: {error}")]
    Factorize {
        /// The component, or the mix.
        name: String,
        /// What is wrong.
        error: FactorizeError,
    },
    /// Invalid templates.
    #[error(transparent)]
    InvalidTemplates(#[from] TemplatesError),
    /// An invalid model.
    #[error(transparent)]
    InvalidModel(#[from] ModelError),
    /// The callback asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for LearnError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
