//! What a person did in the editor. Whoever shows the editor carries it out.

use std::path::PathBuf;

use crate::link::{Command, LearnRequest};
use crate::params::control::Control;

/// One thing that a person did.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A gesture begins: the host records automation from here on.
    Grab(Control),
    /// The control goes to a value, 0 to 1. Only between a grab and a release.
    Set(Control, f32),
    /// The gesture ends.
    Release(Control),
    /// A text was typed for a control, whatever it means.
    Type(Control, String),
    /// A command, which becomes a request with the settings of that moment.
    Do(Command),
    /// A request that needs no settings: a component gets a name, or a template changes its component.
    Learn(LearnRequest),
    /// The system's dialog for a file shall open.
    Browse(FilePurpose),
    /// A file was named.
    File(FilePurpose, PathBuf),
    /// The editor shall be larger or smaller, by this factor of its plain size.
    Zoom(f32),
    /// Something to do with the song that plays as input.
    Song(SongAction),
}

/// What a file is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilePurpose {
    /// A model to play.
    Import,
    /// Where the model shall be written; a file that is there is overwritten only after the dialog asked.
    Export,
    /// The same, and it was asked.
    Overwrite,
    /// A song to play as input.
    Song,
}

/// What a person does with the song that plays as input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SongAction {
    /// It plays.
    Play,
    /// It pauses.
    Pause,
    /// It goes on from this second.
    Seek(f32),
    /// This stretch plays over and over.
    Loop {
        /// Where it begins, in seconds.
        from_s: f32,
        /// Where it ends.
        to_s: f32,
    },
    /// The whole song plays.
    Unloop,
}

/// A gesture of one value: grab, set, release.
pub fn gesture(control: Control, value: f32) -> [Action; 3] {
    [Action::Grab(control), Action::Set(control, value.clamp(0.0, 1.0)), Action::Release(control)]
}
