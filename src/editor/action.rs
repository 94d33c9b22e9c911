//! What the user did in the editor. `perform` carries it out.

use std::path::PathBuf;

use crate::link::{Command, LearnRequest};
use crate::params::control::Control;

/// One thing that the user did.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A gesture begins: the host records automation from here on.
    Grab(Control),
    /// Sets a control to a value from 0 to 1. Only between a grab and a release.
    Set(Control, f32),
    /// The gesture ends.
    Release(Control),
    /// The user typed a value for a control; it has not been parsed yet.
    Type(Control, String),
    /// A command about captures and models, to be sent with the current settings.
    Do(Command),
    /// A request without settings: to rename a component or to move a template.
    Learn(LearnRequest),
    /// Opens the system's file dialog.
    Browse(FilePurpose),
    /// The user chose a file.
    File(FilePurpose, PathBuf),
    /// Scales the editor by this factor of its normal size.
    Zoom(f32),
    /// Controls the song that plays as input.
    Song(SongAction),
}

/// What a file is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilePurpose {
    /// A model to play.
    Import,
    /// Where to write the model. An existing file is left alone.
    Export,
    /// The same, after the system's dialog asked whether to overwrite an existing file.
    Overwrite,
    /// A song to play as input.
    Song,
}

/// A command to the player of the song.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SongAction {
    /// Plays.
    Play,
    /// Pauses.
    Pause,
    /// Continues from this second.
    Seek(f32),
    /// Repeats a range of the song.
    Loop {
        /// Where it begins, in seconds.
        from_s: f32,
        /// Where it ends, in seconds.
        to_s: f32,
    },
    /// Stops repeating.
    Unloop,
}

/// A whole gesture for one value: grab, set, release.
pub fn gesture(control: Control, value: f32) -> [Action; 3] {
    [Action::Grab(control), Action::Set(control, value.clamp(0.0, 1.0)), Action::Release(control)]
}
