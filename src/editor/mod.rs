//! The editor: [`view()`] draws a [`Model`] and returns the [`Action`]s of the person who looks at it. It owns no truth and takes
//! no lock; what it remembers from frame to frame is only where the hand is. GUI thread only.
//!
//! Reading order: [`model`], [`action`], [`view()`], then the parts from top to bottom: `header`, `scene`, `strip`, `footer`.
//! [`app`] makes a model of the plug-in thirty times a second and carries the actions out; [`window`] is what hosts open.

pub mod action;
pub mod app;
pub mod control;
mod curves;
#[cfg(feature = "standalone")]
mod deck;
mod dialog;
mod footer;
mod hand;
mod header;
pub mod model;
pub mod parameters;
pub mod picture;
mod scene;
pub mod size;
mod song;
mod strip;
pub mod theme;
mod view;
pub mod widgets;
pub mod window;

pub use action::{Action, FilePurpose, SongAction};
pub use control::Control;
pub use model::Model;
pub use view::view;
