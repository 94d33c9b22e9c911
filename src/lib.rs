//! Unweave separates sounds while they play. Spectral templates W are learned offline from a captured passage. From then on
//! the audio thread estimates only the activations H of each short-time spectrum, V ≈ WH, and mixes the components.
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
//! | learning, one per instance, started by its activation or by its editor | [`learn::Learner`] | take seconds, at low priority; is cancelled when its instance is dropped, which does not wait for it |
//! | helpers of the learning thread, as many as the user allows | parts of its work: [`learn::Threads`] | live for milliseconds; are joined within the step that started them |
//! | songs, one in the standalone program | `player::Song` | take seconds; is cancelled and joined when the player is dropped |
//! | main | the plug-in's state calls and activation | lock [`link::Models`], briefly |
//! | GUI, often the main thread | `editor`, thirty times a second while it is open | the same, and read and write model files |
//! | a file dialog | the system's dialog | wait for the user |
//!
//! An instance that was only created, as hosts do in a scan, has no thread and no engine. While a host processes no blocks,
//! the learning thread does what the parameters Capture and Command ask for; otherwise the audio thread does.
//!
//! Reading order: [`dsp::separator`], one frame through the algorithm; [`dsp::engine`], host blocks; [`learn::nmf`] and
//! [`learn::components`]; [`model`], what was learned, and [`model::pitch`], transposed copies for notes that were not captured;
//! [`link`], where threads meet; [`learn::worker`], the workflow of captures, models and commands; `params`; `editor`, a view
//! of plain values that returns actions; `plugin::core`, an instance, with a thin shell for each format; [`files`] and
//! [`pictures`].
//!
//! Modules name only modules before them: `dsp < model < link < learn < files < pictures < command`, and
//! `link < params < editor < plugin`; the standalone program's `player` stands above `files`. `tests/all/layers.rs` checks it.
//! [`model`] is below [`link`] because threads exchange whole models, and a project saves one.
//!
//! Cargo features: `plugin` (VST3, CLAP and the editor), `standalone` (the same with a song player) and `command` (the program
//! `unweave`, with its pictures); without any, the DSP, learning and model files.

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
