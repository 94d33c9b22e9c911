//! The plug-in: parameters, saved state, and the shell that translates between a host and the engine.
//! The only place, with the exports in `lib.rs`, that knows nice-plug.

pub mod choices;
pub mod params;
pub mod shell;
#[cfg(feature = "standalone")]
pub mod standalone;
pub mod state;
pub mod watcher;

pub use shell::Unweave;
