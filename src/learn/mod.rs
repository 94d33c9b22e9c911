//! Learning: recorded samples to a model. May allocate, may take seconds; never on the audio thread.

pub mod capture;
pub mod components;
pub mod draft;
pub mod grouping;
pub mod kmeans;
pub mod likeness;
pub mod nmf;
pub mod places;
pub mod rehearsal;
pub mod report;
pub mod steadiness;
pub mod worker;

pub use capture::{Capture, CaptureError, Spectrogram};
pub use components::{LearnError, LearnOptions, Lesson, Part, learn_blind, learn_component, learn_guided};
pub use nmf::{Factorization, FactorizeError, FactorizeOptions, Iteration, Start, factorize};
pub use report::{Report, Warning, Worth};
pub use worker::{Learner, REST};
