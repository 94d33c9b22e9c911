//! Unweave takes sounds apart while they play: spectral templates W are learned from a captured stretch, offline; from
//! then on the audio thread estimates only the activations H of each short-time spectrum, V ≈ WH, and mixes the components.
//!
//! ```text
//! host block ─ engine ─ stft ─ separator{ magnitudes ─ activations ─ masks ─ mixer } ─ istft ─ host block    audio thread
//!                  ├─ link.capture ──▶ inbox ─▶ nmf ─▶ components ─▶ model ─ link.models ─▶ engine           learning thread
//!                  ├─ link.meters, link.columns ─▶ editor ─ parameters, link.requests ─▶ engine, inbox       GUI thread
//!                  │                              host's state calls ─ link.models ─▶ engine                 main thread
//! ```
//!
//! | thread | runs | may |
//! |---|---|---|
//! | audio | [`dsp::Engine`], [`link::AudioLink`] | neither allocate, lock, wait, print nor fail |
//! | learning, one per instance | [`learn::Learner`] | take seconds, at low priority; is cancelled and joined when its instance goes |
//! | helpers of a learning, as many as the user allows | parts of its work: [`learn::Threads`] | live for milliseconds; are joined within the step that started them |
//! | songs, one in the standalone program | `player::Song` | take seconds; is cancelled and joined when the player goes |
//! | main | the plug-in's state calls and activation | lock [`link::Models`], briefly |
//! | GUI, often the main one | `editor`, thirty times a second while it is open | the same, and read and write model files |
//! | a file dialog | the system's dialog | wait for a person |
//!
//! Reading order: [`dsp::separator`], one frame through the algorithm; [`dsp::engine`], host blocks; [`learn::nmf`] and
//! [`learn::components`]; [`model`] and [`model::pitch`], what was learned and copies for notes that were not; [`link`], where
//! threads meet; [`learn::worker`], the workflow of captures, models and commands; `params`; `editor`, a view of plain values
//! that returns actions; `plugin`. At the rim: [`files`] and [`pictures`].
//!
//! Modules name only modules before them: `dsp < model < link < learn < files < pictures < command`, and
//! `link < params < editor < plugin`; the standalone program's `player` stands above `files`. `tests/all/layers.rs` checks it.
//! [`model`] stands below [`link`] because threads exchange whole models: that is what a project saves.

pub mod dsp;
#[cfg(feature = "plugin")]
pub mod editor;
pub mod files;
pub mod learn;
pub mod link;
pub mod model;
#[cfg(feature = "plugin")]
pub mod params;
#[cfg(feature = "command")]
pub mod pictures;
/// The colours of components, which the editor shares with the pictures of the command.
#[cfg(not(feature = "command"))]
pub mod pictures {
    pub mod palette;
}
#[cfg(feature = "standalone")]
pub mod player;
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
