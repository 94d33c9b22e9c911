//! Learning: recorded samples to a model. May allocate, may take seconds; never on the audio thread.

pub mod capture;
pub mod components;
pub mod draft;
pub mod edit;
pub mod factors;
pub mod grouping;
pub mod hals;
pub mod history;
pub mod inbox;
pub mod kept;
pub mod kl;
pub mod kmeans;
pub mod likeness;
pub mod nmf;
pub mod places;
pub mod progress;
pub mod refusal;
pub mod rehearsal;
pub mod report;
pub mod safeguard;
pub mod steadiness;
pub mod take;
pub mod threads;
pub mod updates;
pub mod worker;

pub use capture::{Capture, CaptureError, Spectrogram};
pub use components::{LearnError, LearnOptions, Lesson, Part, learn_blind, learn_component, learn_guided};
pub use nmf::{Factorization, FactorizeError, FactorizeOptions, Iteration, Method, Start, factorize};
pub use refusal::Refusal;
pub use report::{Report, Warning, Worth};
pub use threads::{Priority, Threads};
pub use worker::{Learner, REST};
