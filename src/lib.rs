//! Unweave takes sounds apart while they play.

pub mod dsp;
pub mod learn;
pub mod link;
pub mod model;
#[cfg(feature = "plugin")]
pub mod plugin;

/// The symbols that hosts look for in the built library.
#[cfg(feature = "plugin")]
pub mod exports {
    use nice_plug::prelude::*;

    use crate::plugin::Unweave;

    nice_export_clap!(Unweave);
    nice_export_vst3!(Unweave);
}
