//! The plug-in: parameters, saved state, and the shell that translates between a host and the engine.
//! The only place, with the exports in `lib.rs`, that knows nice-plug.

pub mod effect;
#[cfg(feature = "standalone")]
pub mod standalone;
pub mod watcher;

pub use effect::Unweave;
