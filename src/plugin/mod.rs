//! The plug-in: [`core`] is an instance without its format; [`effect`] (VST3 and CLAP) and `standalone` are thin shells
//! over it. The only folder beside `params` and `editor`, and the exports in `lib.rs`, that knows nice-plug.

pub mod core;
pub mod editor_feed;
pub mod effect;
#[cfg(feature = "standalone")]
pub mod standalone;

pub use effect::Unweave;
