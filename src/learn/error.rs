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
    /// A number of components that cannot be.
    #[error("{0} components: there must be 1 to {MAX_COMPONENTS}")]
    Components(usize),
    /// A number of templates that cannot be.
    #[error("{0} templates in all: there must be 1 to {MAX_TEMPLATES}; use fewer components, or fewer templates each")]
    Templates(usize),
    /// Two components of one name.
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
    /// A capture that cannot be learned from.
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
    /// Learned templates that do not hold together.
    #[error(transparent)]
    InvalidTemplates(#[from] TemplatesError),
    /// A learned model that does not hold together.
    #[error(transparent)]
    InvalidModel(#[from] ModelError),
    /// The callback said stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for LearnError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
