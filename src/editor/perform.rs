//! The hand that carries out what a person did: gestures to the host, requests to the learner, models from and to files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;

use super::app::Instance;
#[cfg(feature = "standalone")]
use super::deck::Deck;
use super::dialog::Dialog;
use super::parameters::{Step, parse, tell};
use super::screen::SongView;
use super::{Action, FilePurpose};
use crate::files::model as model_file;
use crate::link::LearnRequest;
use crate::params::Control;

/// How long a notice stays.
const NOTICE_S: f64 = 8.0;

/// The frame whose actions are carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Seconds since the editor opened.
    pub(super) now_s: f64,
    /// Whether a button of the pointer is down.
    pub(super) is_button_down: bool,
}

/// Carries actions out.
pub(super) struct Hand {
    instance: Instance,
    gui: Option<GuiContext>,
    /// Grabs without their release: twice the same where a wheel turns while the pointer drags. The host is told of the first
    /// grab and of the last release.
    held: Vec<Control>,
    dialog: Option<Dialog>,
    now_s: f64,
    /// What is to be said, and until when.
    notice: Option<(String, f64)>,
    #[cfg(feature = "standalone")]
    deck: Option<Deck>,
}

impl Hand {
    /// A hand that cannot reach the host yet.
    pub(super) fn new(instance: Instance) -> Self {
        Self {
            #[cfg(feature = "standalone")]
            deck: instance.player.clone().map(Deck::new),
            instance,
            gui: None,
            held: Vec::new(),
            dialog: None,
            now_s: 0.0,
            notice: None,
        }
    }

    /// The song that plays as input, where there is a player.
    pub(super) fn song(&mut self) -> Option<SongView> {
        #[cfg(feature = "standalone")]
        return self.deck.as_mut().map(Deck::view);
        #[cfg(not(feature = "standalone"))]
        None
    }

    /// The host that is told of gestures.
    pub(super) fn hold(&mut self, gui: GuiContext) {
        self.gui = Some(gui);
    }

    /// What is to be said just now.
    pub(super) fn notice(&self) -> Option<String> {
        self.notice.as_ref().map(|(notice, _)| notice.clone())
    }

    /// Carries out what was done in one frame. Gives the zoom, if that changes.
    pub(super) fn carry_out(&mut self, actions: Vec<Action>, moment: Moment) -> Option<f32> {
        self.now_s = moment.now_s;
        self.notice.take_if(|(_, until_s)| *until_s <= moment.now_s);
        let mut zoom = None;
        for action in actions {
            match action {
                Action::Zoom(factor) => zoom = Some(factor),
                action => self.act(action),
            }
        }
        if let Some(Ok(answer)) = self.dialog.as_ref().map(Dialog::answer) {
            self.dialog = None;
            if let Some((purpose, path)) = answer {
                self.file(purpose, &path);
            }
        }
        if !moment.is_button_down {
            self.let_go();
        }
        zoom
    }

    /// A gesture whose control went away under the hand ends too.
    fn let_go(&mut self) {
        while let Some(&control) = self.held.last() {
            self.step(control, Step::Release);
        }
    }

    fn act(&mut self, action: Action) {
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
                    self.say("the system's file dialog cannot be opened: type the path instead".into());
                }
            }
            Action::File(purpose, path) => self.file(purpose, &from_home(path)),
            #[cfg(feature = "standalone")]
            Action::Song(action) => {
                if let Some(deck) = &self.deck {
                    deck.act(action);
                }
            }
            // Only where there is a player.
            #[cfg(not(feature = "standalone"))]
            Action::Song(_) => {}
            // The window's own.
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
            None => self.say(format!("“{text}” is no value of this control: type a number, with or without its unit")),
        }
    }

    /// Whether the learner is there to do it.
    fn request(&mut self, request: LearnRequest) -> bool {
        let is_sent = self.instance.link.requests.send(request).is_ok();
        if !is_sent {
            self.say("the learning thread has ended: close this project and open it again".into());
        }
        is_sent
    }

    fn file(&mut self, purpose: FilePurpose, path: &Path) {
        match purpose {
            FilePurpose::Import => match model_file::load(path) {
                Ok(model) => {
                    if self.request(LearnRequest::Replace(Arc::new(model))) {
                        self.say(format!("{} plays now; Revert gets back what played before", path.display()));
                    }
                }
                Err(error) => self.say(format!("{error}; nothing has changed: import another file")),
            },
            FilePurpose::Export if path.exists() => {
                self.say(format!(
                    "{} exists: give another name, or overwrite it in the system's dialog",
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
        if let Some(deck) = &self.deck {
            deck.open(path);
        }
    }

    fn export(&mut self, path: &Path) {
        let notice = match self.instance.link.models.current() {
            None => format!("there is no model to write to {} yet: capture something first", path.display()),
            Some(model) => match model_file::save(&model, path) {
                Ok(()) => format!("the model is in {}", path.display()),
                Err(error) => format!("{error}; export to another folder"),
            },
        };
        self.say(notice);
    }

    fn say(&mut self, notice: String) {
        self.notice = Some((notice, self.now_s + NOTICE_S));
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// A typed path that begins with “~” begins in the person's home folder, where that is known.
fn from_home(path: PathBuf) -> PathBuf {
    let at_home = path.strip_prefix("~").ok().and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    at_home.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_and_other_paths_stay() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(from_home("~/kits/a.npz".into()), home.join("kits/a.npz"));
        for path in ["/kits/~", "kits/a.npz", "~kits/a.npz"] {
            assert_eq!(from_home(path.into()), PathBuf::from(path));
        }
    }
}
