//! Learning: computes a model from recorded samples. It may allocate and may take seconds; it never runs on the audio
//! thread.

pub mod blind;
pub mod capture;
pub mod components;
pub mod directions;
pub mod draft;
pub mod error;
pub mod group;
pub mod nmf;
pub mod options;
pub mod progress;
pub mod rehearsal;
pub mod report;
pub mod steadiness;
pub mod threads;
pub mod worker;

pub use blind::{Alternatives, learn_alternatives, learn_blind, learn_blind_quickly};
pub use capture::{Capture, CaptureError, Spectrogram};
pub use components::{ComponentCapture, LearnFrom, learn_component, learn_guided};
pub use error::LearnError;
pub use nmf::{Factorization, FactorizeError, FactorizeOptions, Method, Start, factorize};
pub use options::LearnOptions;
pub use progress::{Iteration, OnProgress};
pub use report::{Explained, Report, Warning};
pub use threads::{Priority, Threads};
pub use worker::{Learner, REST, Refusal};
