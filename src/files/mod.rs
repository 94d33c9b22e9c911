//! Reading and writing files: audio, models, and the separation of whole files.

#[cfg(feature = "audio-files")]
pub mod audio;
pub mod model;
#[cfg(feature = "audio-files")]
pub mod render;
pub mod whole;
