//! The real-time path: slices in, slices out. No host, no thread, no allocation after `new`.
//!
//! Reading order: [`separator`] processes one frame through all steps; [`engine`] feeds it from host blocks.
//!
//! Rules: `new` allocates; `reset` only clears; `process` (and `analyze`, `solve`, `separate_frame`, `synthesize`)
//! does neither, and never waits, fails or prints.

pub mod activations;
pub mod bands;
pub mod column;
pub mod dictionary;
pub mod engine;
pub mod format;
pub mod hop;
pub mod istft;
pub mod limits;
pub mod masks;
pub mod mixer;
pub mod mode;
pub mod sanitize;
pub mod separator;
pub mod simd;
pub mod spatial;
pub mod stft;
pub mod templates;

/// A complex number of one spectrum bin.
pub use realfft::num_complex::Complex32;

pub use activations::{ActivationSolver, Divergence};
pub use column::Column;
pub use engine::{Block, Engine};
pub use format::Format;
pub use hop::{Hop, HopObserver, Unobserved};
pub use istft::Istft;
pub use limits::{MAX_CHANNELS, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, MAX_TEMPLATES};
pub use mixer::Settings;
pub use mode::Mode;
pub use separator::Separator;
pub use spatial::Covariance;
pub use stft::{LayoutError, Stft, StftLayout, Window};
pub use templates::{Templates, TemplatesError, TransposedCopy};
