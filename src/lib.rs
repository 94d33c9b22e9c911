//! Unweave takes sounds apart while they play.

pub mod dsp;
pub mod learn;
pub mod link;
pub mod model;
