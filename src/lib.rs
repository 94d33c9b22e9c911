//! Unweave takes sounds apart while they play.

pub mod audio_file;
pub mod dsp;
pub mod griffin_lim;
pub mod learn;
pub mod link;
pub mod model;
pub mod model_file;
pub mod pictures;
pub mod render;
pub mod whole_file;
