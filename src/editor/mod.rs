//! The editor: [`view()`] draws a [`Screen`] and returns the user's [`Action`]s. It holds no state of the instance and takes no lock;
//! from frame to frame it remembers only what an unfinished gesture needs. GUI thread only.
//!
//! Reading order: [`screen`], [`action`], [`view()`], then the parts from top to bottom: `header`, `song_bar`, `scene`, `strip`,
//! `footer`. [`app`] reads a screen from the instance thirty times a second, and `perform` carries the actions out; [`window`]
//! is what hosts open.

pub mod action;
pub mod app;
pub mod canvas;
mod curves;
mod dialog;
mod footer;
mod header;
pub mod instance;
pub mod parameters;
mod perform;
#[cfg(feature = "standalone")]
mod playback;
mod scene;
pub mod screen;
mod song_bar;
mod strip;
pub mod theme;
mod view;
pub mod widgets;
pub mod window;

pub use action::{Action, FilePurpose, SongAction};
pub use screen::Screen;
pub use view::view;
