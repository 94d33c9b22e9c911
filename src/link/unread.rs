//! A saved model that this program cannot read: its text is kept, so that saving the project does not destroy it.
//! Host and GUI threads only.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Model;

/// The text of a saved model that could not be read, kept until another model plays.
#[derive(Debug, Default)]
pub struct UnreadModel(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    text: Box<str>,
    why: String,
    /// The model that played when the text was loaded, and goes on playing.
    playing: Option<Arc<Model>>,
}

impl UnreadModel {
    /// Keeps `text` as long as `playing` plays; it could not be read because of `why`.
    pub fn keep(&self, text: Box<str>, why: String, playing: Option<Arc<Model>>) {
        *self.kept() = Some(Kept { text, why, playing });
    }

    /// Forgets the text: another project was loaded.
    pub fn forget(&self) {
        *self.kept() = None;
    }

    /// The text to save in place of `playing`. `None` if nothing is kept, or if another model plays than when it was loaded:
    /// the user has replaced it. Reverting to what played before brings it back.
    pub fn text(&self, playing: Option<&Arc<Model>>) -> Option<Box<str>> {
        self.kept().as_ref().filter(|kept| kept.is_beside(playing)).map(|kept| kept.text.clone())
    }

    /// Why the text could not be read, as long as it is kept.
    pub fn why(&self, playing: Option<&Arc<Model>>) -> Option<String> {
        self.kept().as_ref().filter(|kept| kept.is_beside(playing)).map(|kept| kept.why.clone())
    }

    /// A panic elsewhere left a whole value: each change is one assignment.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_beside(&self, playing: Option<&Arc<Model>>) -> bool {
        match (&self.playing, playing) {
            (None, None) => true,
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            _ => false,
        }
    }
}
