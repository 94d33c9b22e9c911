//! Everything that is read from or written to disk: audio, models, and whole-file separation.

pub mod audio;
pub mod model;
pub mod render;
pub mod whole;
