//! The hand that carries out what a person did: gestures to the host, requests to the learner, models from and to files.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::context::gui::GuiContext;

use super::app::Instance;
#[cfg(feature = "standalone")]
use super::deck::Deck;
use super::dialog::Dialog;
use super::model::SongView;
use super::parameters::{Step, parse, tell};
use super::{Action, Control, FilePurpose};
use crate::link::LearnRequest;
use crate::model_file;

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(8);

/// Carries actions out.
pub(super) struct Hand {
    instance: Instance,
    gui: Option<GuiContext>,
    /// Gestures that have begun and not ended.
    held: Vec<Control>,
    dialog: Option<Dialog>,
    notice: Option<(String, Instant)>,
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
        self.notice.as_ref().filter(|(_, since)| since.elapsed() < NOTICE).map(|(notice, _)| notice.clone())
    }

    /// Carries out what was done in one frame. Gives the zoom, if that changes.
    pub(super) fn carry_out(&mut self, actions: Vec<Action>, is_button_down: bool) -> Option<f32> {
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
        if !is_button_down {
            self.let_go();
        }
        zoom
    }

    /// A gesture whose control went away under the hand ends too.
    fn let_go(&mut self) {
        for control in std::mem::take(&mut self.held) {
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
            Action::Rename { component, name } => self.request(LearnRequest::Rename { component, name }),
            Action::Move { template, component } => self.request(LearnRequest::Move { template, component }),
            Action::Browse(purpose) => {
                self.dialog = Dialog::open(purpose);
                if self.dialog.is_none() {
                    self.say("the system's file dialog cannot be opened: type the path instead".into());
                }
            }
            Action::File(purpose, path) => self.file(purpose, &path),
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
        match step {
            Step::Grab => self.held.push(control),
            Step::Release => self.held.retain(|held| *held != control),
            Step::Set(_) => {}
        }
        if let Some(gui) = &self.gui {
            tell(&gui.param_setter(), &self.instance.params, control, step);
        }
    }

    fn type_in(&mut self, control: Control, text: &str) {
        match parse(&self.instance.params, control, text) {
            Some(value) => {
                [Step::Grab, Step::Set(value), Step::Release].map(|step| self.step(control, step)).into_iter().collect()
            }
            None => self.say(format!("“{text}” is no value of this control: type a number, with or without its unit")),
        }
    }

    fn request(&mut self, request: LearnRequest) {
        if self.instance.link.requests.send(request).is_err() {
            self.say("the learning thread has ended: close this project and open it again".into());
        }
    }

    fn file(&mut self, purpose: FilePurpose, path: &Path) {
        match purpose {
            FilePurpose::Import => match model_file::load(path) {
                Ok(model) => {
                    self.request(LearnRequest::Replace(Arc::new(model)));
                    self.say(format!("{} plays now; Revert gets back what played before", path.display()));
                }
                Err(error) => self.say(error.to_string()),
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
            None => "there is no model yet: capture something first".into(),
            Some(model) => match model_file::save(&model, path) {
                Ok(()) => format!("the model is in {}", path.display()),
                Err(error) => error.to_string(),
            },
        };
        self.say(notice);
    }

    fn say(&mut self, notice: String) {
        self.notice = Some((notice, Instant::now()));
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.let_go();
    }
}
