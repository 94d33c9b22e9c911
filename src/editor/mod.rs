//! The editor: [`view()`] draws a [`Model`] and returns the [`Action`]s of the person who looks at it. It owns no truth and takes
//! no lock; what it remembers from frame to frame is only where the hand is. GUI thread only.
//!
//! Reading order: [`screen`], [`action`], [`view()`], then the parts from top to bottom: `header`, `scene`, `strip`, `footer`.
//! [`app`] makes a model of the plug-in thirty times a second and carries the actions out; [`window`] is what hosts open.

pub mod action;
pub mod app;
mod curves;
#[cfg(feature = "standalone")]
mod deck;
mod dialog;
mod footer;
mod header;
pub mod parameters;
mod perform;
pub mod picture;
mod scene;
pub mod screen;
mod song_bar;
mod strip;
pub mod theme;
mod view;
pub mod widgets;
pub mod window;

pub use action::{Action, FilePurpose, SongAction};
pub use screen::Model;
pub use view::view;
