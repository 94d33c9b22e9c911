//! Carries out the user's actions: reports gestures to the host, sends requests to the learner, reads and writes model files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;

use super::action::{Action, FilePurpose};
use super::dialog::Dialog;
use super::instance::Instance;
use super::parameters::{Step, parse, tell};
#[cfg(feature = "standalone")]
use super::playback::Playback;
use super::screen::SongView;
use crate::files::model as model_file;
use crate::link::LearnRequest;
use crate::params::Control;

/// How long a notice is shown.
const NOTICE_S: f64 = 8.0;

/// What actions of one frame need to know of its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameInput {
    /// Seconds since the editor opened.
    pub(super) now_s: f64,
    /// Whether a button of the pointer is down.
    pub(super) is_button_down: bool,
}

/// Carries out actions.
pub(super) struct Performer {
    instance: Instance,
    gui: Option<GuiContext>,
    /// Grabs without their release. A control is here twice while the wheel turns during a drag. The host is told of the
    /// first grab and of the last release.
    held: Vec<Control>,
    dialog: Option<Dialog>,
    now_s: f64,
    /// The current notice, and the time when it disappears.
    notice: Option<(String, f64)>,
    #[cfg(feature = "standalone")]
    playback: Option<Playback>,
}

impl Performer {
    /// Not yet connected to a host.
    pub(super) fn new(instance: Instance) -> Self {
        Self {
            #[cfg(feature = "standalone")]
            playback: instance.player.clone().map(Playback::new),
            instance,
            gui: None,
            held: Vec::new(),
            dialog: None,
            now_s: 0.0,
            notice: None,
        }
    }

    /// The song that plays as input; `None` without a player.
    pub(super) fn song(&mut self) -> Option<SongView> {
        #[cfg(feature = "standalone")]
        return self.playback.as_mut().map(Playback::view);
        #[cfg(not(feature = "standalone"))]
        None
    }

    /// Reports gestures to this host from now on.
    pub(super) fn connect(&mut self, gui: GuiContext) {
        self.gui = Some(gui);
    }

    /// The current notice.
    pub(super) fn notice(&self) -> Option<String> {
        self.notice.as_ref().map(|(notice, _)| notice.clone())
    }

    /// Carries out the actions of one frame. Returns the new zoom, if it changes.
    pub(super) fn perform(&mut self, actions: Vec<Action>, input: FrameInput) -> Option<f32> {
        self.now_s = input.now_s;
        self.notice.take_if(|(_, until_s)| *until_s <= input.now_s);
        let mut zoom = None;
        for action in actions {
            match action {
                Action::Zoom(factor) => zoom = Some(factor),
                action => self.perform_one(action),
            }
        }
        if let Some(Ok(answer)) = self.dialog.as_ref().map(Dialog::answer) {
            self.dialog = None;
            if let Some((purpose, path)) = answer {
                self.file(purpose, &path);
            }
        }
        if !input.is_button_down {
            self.release_all();
        }
        zoom
    }

    /// Ends every gesture, also one whose control disappeared during a drag.
    fn release_all(&mut self) {
        while let Some(&control) = self.held.last() {
            self.step(control, Step::Release);
        }
    }

    fn perform_one(&mut self, action: Action) {
        match action {
            Action::Grab(control) => self.step(control, Step::Grab),
            Action::Set(control, value) => self.step(control, Step::Set(value)),
            Action::Release(control) => self.step(control, Step::Release),
            Action::Type(control, text) => self.type_in(control, &text),
            Action::Do(command) => {
                let settings = self.instance.params.learn_settings();
                self.request(LearnRequest::Do(command, settings));
            }
            Action::Learn(request) => {
                self.request(request);
            }
            Action::Browse(purpose) => {
                self.dialog = Dialog::open(purpose);
                if self.dialog.is_none() {
                    self.notify("the system's file dialog cannot be opened: type the path instead".into());
                }
            }
            Action::File(purpose, path) => self.file(purpose, &from_home(path)),
            #[cfg(feature = "standalone")]
            Action::Song(action) => {
                if let Some(playback) = &self.playback {
                    playback.perform(action);
                }
            }
            // There is no player in a host.
            #[cfg(not(feature = "standalone"))]
            Action::Song(_) => {}
            // `perform` returns it to the window.
            Action::Zoom(_) => {}
        }
    }

    fn step(&mut self, control: Control, step: Step) {
        let is_held = self.held.contains(&control);
        match step {
            Step::Grab => self.held.push(control),
            Step::Release => {
                let newest = self.held.iter().rposition(|held| *held == control);
                newest.map(|newest| self.held.remove(newest));
            }
            Step::Set(_) => {}
        }
        let is_told = match step {
            Step::Grab => !is_held,
            Step::Release => is_held && !self.held.contains(&control),
            Step::Set(_) => is_held,
        };
        if let Some(gui) = self.gui.as_ref().filter(|_| is_told) {
            tell(&gui.param_setter(), &self.instance.params, control, step);
        }
    }

    fn type_in(&mut self, control: Control, text: &str) {
        match parse(&self.instance.params, control, text) {
            Some(value) => {
                for step in [Step::Grab, Step::Set(value), Step::Release] {
                    self.step(control, step);
                }
            }
            None => self.notify(format!("“{text}” is not a valid value here: type a number, with or without its unit")),
        }
    }

    /// Sends a request to the learner. Whether its thread is still running.
    fn request(&mut self, request: LearnRequest) -> bool {
        let is_sent = self.instance.link.requests.send(request).is_ok();
        if !is_sent {
            self.notify("the learning thread has ended: close this project and open it again".into());
        }
        is_sent
    }

    fn file(&mut self, purpose: FilePurpose, path: &Path) {
        match purpose {
            FilePurpose::Import => match model_file::load(path) {
                Ok(model) => {
                    if self.request(LearnRequest::Replace(Arc::new(model))) {
                        self.notify(format!("Now playing {}; Revert returns to the previous model", path.display()));
                    }
                }
                Err(error) => self.notify(format!("{error}; nothing has changed: import another file")),
            },
            FilePurpose::Export if path.exists() => {
                self.notify(format!(
                    "{} already exists: choose another name, or overwrite it with Browse…",
                    path.display()
                ));
            }
            FilePurpose::Export | FilePurpose::Overwrite => self.export(path),
            FilePurpose::Song => self.open_song(path),
        }
    }

    #[cfg_attr(
        not(feature = "standalone"),
        expect(unused_variables, clippy::unused_self, reason = "there is no player in a host")
    )]
    fn open_song(&self, path: &Path) {
        #[cfg(feature = "standalone")]
        if let Some(playback) = &self.playback {
            playback.open(path);
        }
    }

    fn export(&mut self, path: &Path) {
        let notice = match self.instance.link.models.current() {
            None => format!("there is no model yet to write to {}: capture something first", path.display()),
            Some(model) => match model_file::save(&model, path) {
                Ok(()) => format!("the model was written to {}", path.display()),
                Err(error) => format!("{error}; choose another folder"),
            },
        };
        self.notify(notice);
    }

    fn notify(&mut self, notice: String) {
        self.notice = Some((notice, self.now_s + NOTICE_S));
    }
}

impl Drop for Performer {
    fn drop(&mut self) {
        self.release_all();
    }
}

/// Replaces a leading “~” of a typed path by the user's home folder, if that is known.
fn from_home(path: PathBuf) -> PathBuf {
    let at_home = path.strip_prefix("~").ok().and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    at_home.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_becomes_the_home_folder_and_other_paths_stay() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(from_home("~/kits/a.npz".into()), home.join("kits/a.npz"));
        for path in ["/kits/~", "kits/a.npz", "~kits/a.npz"] {
            assert_eq!(from_home(path.into()), PathBuf::from(path));
        }
    }
}
