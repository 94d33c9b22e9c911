//! The last two models, which of them plays, and its way to the audio thread. Never touched by the audio thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dsp::Templates;
use crate::model::{Model, Playing};

/// The last two models, and the way of the one that plays to the audio thread. Never touched by the audio thread.
pub struct Models(Mutex<Stored>);

/// One of the two places for models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// Where the first model goes.
    #[default]
    A,
    /// Where the second goes.
    B,
}

impl Slot {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// The last two models, as they stand now.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// The model that plays; `None`: the sound passes through.
    pub current: Option<Arc<Model>>,
    /// The other one.
    pub other: Option<Arc<Model>>,
    /// Where the model that plays is.
    pub playing: Slot,
    /// Whether a new model waits to be kept or reverted.
    pub is_review: bool,
}

struct Stored {
    /// In the order of [`Slot`].
    models: [Option<Arc<Model>>; 2],
    playing: Slot,
    review: Option<Review>,
    stream: Option<Stream>,
    audio: triple_buffer::Input<Option<Arc<Templates>>>,
}

/// What a review goes back to.
#[derive(Clone, Copy, PartialEq)]
enum Review {
    /// The model that played before, in the slot it played in.
    Model(Slot),
    /// Nothing: the new model took the slot that played nothing.
    Nothing(Slot),
}

impl Models {
    pub(super) fn new(audio: triple_buffer::Input<Option<Arc<Templates>>>) -> Self {
        let (models, playing) = (Default::default(), Slot::default());
        Self(Mutex::new(Stored { models, playing, review: None, stream: None, audio }))
    }

    /// The model that plays.
    pub fn current(&self) -> Option<Arc<Model>> {
        self.slots().current
    }

    /// Both models.
    pub fn slots(&self) -> Slots {
        let Stored { models, playing, review, .. } = &*self.stored();
        Slots {
            current: models[*playing as usize].clone(),
            other: models[playing.other() as usize].clone(),
            playing: *playing,
            is_review: review.is_some(),
        }
    }

    /// Puts a model (or none) where one plays, and plays it, without a review: what a project saved.
    pub fn replace(&self, model: Option<Arc<Model>>) {
        let mut stored = self.stored();
        let playing = stored.playing;
        stored.models[playing as usize] = model;
        stored.review = None;
        stored.play();
    }

    /// Plays a new model, in review: from the slot that did not play, or from the one that played nothing. A review that
    /// was going on is kept.
    pub fn review(&self, model: Arc<Model>) {
        let mut stored = self.stored();
        let before = stored.playing;
        if stored.models[before as usize].is_none() {
            stored.review = Some(Review::Nothing(before));
        } else {
            stored.review = Some(Review::Model(before));
            stored.playing = before.other();
        }
        let playing = stored.playing;
        stored.models[playing as usize] = Some(model);
        stored.play();
    }

    /// Puts `new` where `old` is, if it still is: the same model with a change. Reviews go on.
    pub fn exchange(&self, old: &Arc<Model>, new: Arc<Model>) {
        let mut stored = self.stored();
        if let Some(slot) = stored.models.iter_mut().flatten().find(|model| Arc::ptr_eq(model, old)) {
            *slot = new;
            stored.play();
        }
    }

    /// Ends the review: what plays goes on playing.
    pub fn keep(&self) {
        self.stored().review = None;
    }

    /// Ends the review: what played before plays again, and the refused model stays in the other slot. Whether there was
    /// a review.
    pub fn revert(&self) -> bool {
        let mut stored = self.stored();
        match stored.review.take() {
            None => return false,
            Some(Review::Model(before)) => stored.playing = before,
            Some(Review::Nothing(before)) => {
                stored.models[before.other() as usize] = stored.models[before as usize].take();
                stored.playing = before;
            }
        }
        stored.play();
        true
    }

    /// Plays the other slot, even if it is empty; a review goes on. Whether there was any model.
    pub fn compare(&self) -> bool {
        let mut stored = self.stored();
        let is_any = stored.models.iter().any(Option::is_some);
        if is_any {
            stored.playing = stored.playing.other();
            stored.play();
        }
        is_any
    }

    /// The audio thread now runs at this rate, in mono or stereo: it gets the templates fitted to it. Gives the number of
    /// this stream.
    pub fn play_in(&self, sample_rate: f32, channels: usize, playing: Playing) -> u32 {
        let mut stored = self.stored();
        let number = stored.stream.map_or(0, |stream| stream.number.wrapping_add(1));
        stored.stream = Some(Stream { number, sample_rate, channels, playing });
        stored.play();
        number
    }

    /// The audio thread now plays like this, at the rate and with the channels it had. Gives the rate, or nothing if that is
    /// no longer so: what was told in an earlier stream is late.
    pub fn play_like(&self, playing: Playing, stream: u32) -> Option<f32> {
        let mut stored = self.stored();
        let known = stored.stream.filter(|known| known.number == stream)?;
        if known.playing != playing {
            stored.stream = Some(Stream { playing, ..known });
            stored.play();
        }
        Some(known.sample_rate)
    }

    /// How the audio thread plays, and its sample rate; nothing before it ever ran.
    pub fn playing(&self) -> Option<(Playing, f32)> {
        self.stored().stream.map(|stream| (stream.playing, stream.sample_rate))
    }

    /// A panic elsewhere left whole values: no change stops halfway.
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the audio thread runs in.
#[derive(Clone, Copy, PartialEq)]
struct Stream {
    /// Counts the streams.
    number: u32,
    sample_rate: f32,
    channels: usize,
    playing: Playing,
}

impl Stored {
    fn play(&mut self) {
        let model = self.models[self.playing as usize].as_ref();
        // A format that templates cannot be fitted to is one that the engine does not run in.
        let fitted = model.zip(self.stream).and_then(|(model, stream)| {
            model.playing(stream.sample_rate, stream.channels, stream.playing).ok().map(Arc::new)
        });
        self.audio.write(fitted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Divergence, Format, StftLayout};
    use crate::model::Learned;

    fn models() -> (Models, triple_buffer::Output<Option<Arc<Templates>>>) {
        let (input, output) = triple_buffer::triple_buffer(&None);
        let models = Models::new(input);
        models.play_in(48_000.0, 1, Playing::new(StftLayout::default()));
        (models, output)
    }

    /// A model whose one component is called `name`.
    fn model(name: &str) -> Arc<Model> {
        let layout = StftLayout::default();
        let format = Format::new(48_000.0, layout, 1);
        let templates = Templates::new(format, vec![name.into()], vec![0], vec![1.0; format.rows()]).unwrap();
        let divergence = Divergence::default();
        let learned = Learned { divergence, seed: 1, iterations: 1, layout, extend_pitch: false, steady: Vec::new() };
        Arc::new(Model::new(&templates, learned).unwrap())
    }

    /// What plays and what does not, by name (“–” is nothing), the slot that plays, and whether there is a review.
    fn state(models: &Models) -> (String, String, Slot, bool) {
        let name = |model: Option<Arc<Model>>| model.map_or("–".into(), |m| m.templates().components()[0].clone());
        let Slots { current, other, playing, is_review } = models.slots();
        (name(current), name(other), playing, is_review)
    }

    fn expect(models: &Models, current: &str, other: &str, playing: Slot, is_review: bool) {
        assert_eq!(state(models), (current.into(), other.into(), playing, is_review));
    }

    #[test]
    fn the_first_model_is_a_and_reverting_it_plays_nothing_until_it_is_compared() {
        let (models, mut audio) = models();
        assert!(!models.compare() && !models.revert());
        models.review(model("x"));
        expect(&models, "x", "–", Slot::A, true);
        assert!(audio.read().is_some() && models.revert() && audio.read().is_none());
        expect(&models, "–", "x", Slot::A, false);
        assert!(models.compare() && audio.read().is_some());
        expect(&models, "x", "–", Slot::B, false);
        assert!(models.compare() && audio.read().is_none());
        models.review(model("y"));
        expect(&models, "y", "x", Slot::A, true);
    }

    #[test]
    fn new_models_take_turns_and_a_refused_one_stays_until_the_next() {
        let (models, _audio) = models();
        models.review(model("x"));
        models.review(model("y"));
        expect(&models, "y", "x", Slot::B, true);
        assert!(models.revert());
        expect(&models, "x", "y", Slot::A, false);
        models.review(model("z"));
        expect(&models, "z", "x", Slot::B, true);
        models.keep();
        expect(&models, "z", "x", Slot::B, false);
        assert!(!models.revert());
        models.review(model("w"));
        expect(&models, "w", "z", Slot::A, true);
    }

    #[test]
    fn comparing_goes_on_with_the_review_and_keep_keeps_what_is_heard() {
        let (models, _audio) = models();
        models.review(model("x"));
        models.keep();
        models.review(model("y"));
        assert!(models.compare());
        expect(&models, "x", "y", Slot::A, true);
        assert!(models.revert());
        expect(&models, "x", "y", Slot::A, false);
        models.review(model("z"));
        assert!(models.compare());
        models.keep();
        expect(&models, "x", "z", Slot::A, false);
    }

    #[test]
    fn a_project_s_model_ends_a_review_and_a_change_of_a_model_finds_it_in_either_slot() {
        let (models, _audio) = models();
        models.review(model("x"));
        models.keep();
        let y = model("y");
        models.review(y.clone());
        models.compare();
        models.exchange(&y, model("Y"));
        expect(&models, "x", "Y", Slot::A, true);
        models.exchange(&y, model("lost"));
        models.replace(Some(model("saved")));
        expect(&models, "saved", "Y", Slot::A, false);
        models.replace(None);
        expect(&models, "–", "Y", Slot::A, false);
    }
}
