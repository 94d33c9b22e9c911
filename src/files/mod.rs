//! Everything that is read from or written to disk: audio, models, and whole-file separation.

#[cfg(feature = "audio-files")]
pub mod audio;
pub mod model;
#[cfg(feature = "audio-files")]
pub mod render;
pub mod whole;
