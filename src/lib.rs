//! Unweave takes sounds apart while they play.

pub mod audio_file;
pub mod demo;
pub mod dsp;
pub mod griffin_lim;
pub mod learn;
pub mod link;
pub mod model;
pub mod model_file;
pub mod pictures;
#[cfg(feature = "plugin")]
pub mod plugin;
pub mod render;
pub mod whole_file;

/// The symbols that hosts look for in the built library.
#[cfg(feature = "plugin")]
pub mod exports {
    use nice_plug::prelude::*;

    use crate::plugin::Unweave;

    nice_export_clap!(Unweave);
    nice_export_vst3!(Unweave);
}
