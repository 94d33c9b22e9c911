//! Learning: recorded samples to a model. May allocate, may take seconds; never on the audio thread.

pub mod capture;
pub mod components;
pub mod grouping;
pub mod kmeans;
pub mod nmf;
pub mod worker;

pub use capture::{Capture, CaptureError, Spectrogram};
pub use components::{LearnError, LearnOptions, Part, learn_blind, learn_guided};
pub use nmf::{Factorization, FactorizeError, FactorizeOptions, Iteration, Start, factorize};
pub use worker::Learner;
