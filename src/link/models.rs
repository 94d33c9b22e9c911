//! The last two models, which of them plays, and how its templates reach the audio thread. Never used by the audio
//! thread.
//!
//! One lock guards the slots. It is held only while pointers move: the host's main thread and the editor take it, and
//! so do learning threads, whose low priority would otherwise delay the others on a busy machine. The thread that
//! changes the model or the stream fits the templates to the stream, outside the lock. No memory is freed under the
//! lock. A fit is sent to the audio thread only if its model and its stream are still current when it is done, so a
//! slow fit never replaces a newer one. Each slot keeps its fit, so that switching between A and B takes no time.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dsp::Templates;
use crate::model::{Model, PlaybackSettings};

/// The last two models. Sends the templates of the one that plays to the audio thread. Never used by the audio thread.
pub struct Models {
    stored: Mutex<Stored>,
    loads: Arc<AtomicU32>,
}

/// One of the two slots for models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// The first model is stored here.
    #[default]
    A,
    /// The second model is stored here.
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

/// A snapshot of the last two models.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// The model that plays. If `None`, the sound passes through.
    pub current: Option<Arc<Model>>,
    /// The other one.
    pub other: Option<Arc<Model>>,
    /// The slot of the model that plays.
    pub playing: Slot,
    /// Whether a new model waits to be kept or reverted.
    pub is_review: bool,
}

struct Stored {
    /// In the order of [`Slot`].
    slots: [Option<FittedModel>; 2],
    playing: Slot,
    review: Option<Review>,
    stream: Option<Stream>,
    audio: triple_buffer::Input<Option<Arc<Templates>>>,
}

/// A model, and its templates for one stream.
struct FittedModel {
    model: Arc<Model>,
    fit: Option<Fit>,
}

/// A model's templates for one stream.
#[derive(Clone)]
struct Fit {
    stream: Stream,
    /// `None` for a format that templates cannot be fitted to. The engine does not run in such a format.
    templates: Option<Arc<Templates>>,
}

/// What plays after a review is reverted.
#[derive(Clone, Copy, PartialEq)]
enum Review {
    /// The model that played before, in the slot it played in.
    Model(Slot),
    /// Nothing: the new model took the empty slot that was playing.
    Nothing(Slot),
}

/// The audio thread's sample rate and channels, and how it plays.
#[derive(Clone, Copy)]
struct Stream {
    /// The number of this stream.
    number: u32,
    sample_rate: f32,
    channels: usize,
    playback: PlaybackSettings,
}

impl Stream {
    /// Whether the same templates fit both.
    fn sounds_like(&self, other: &Self) -> bool {
        let format = |stream: &Self| (stream.sample_rate, stream.channels, stream.playback);
        format(self) == format(other)
    }
}

impl Fit {
    /// May take tens of milliseconds: never under the lock.
    fn new(model: &Model, stream: Stream) -> Self {
        let templates = model.for_playback(stream.sample_rate, stream.channels, stream.playback);
        Self { stream, templates: templates.ok().map(Arc::new) }
    }
}

/// Work that remains after a change, to be done outside the lock.
struct Aftermath {
    /// The model that plays, and the stream that it is not fitted to yet.
    unfitted: Option<(Arc<Model>, Stream)>,
    /// Templates that no longer play: freeing megabytes takes a while.
    _replaced: Option<Arc<Templates>>,
}

impl Models {
    pub(super) fn new(audio: triple_buffer::Input<Option<Arc<Templates>>>) -> Self {
        let (slots, playing) = (Default::default(), Slot::default());
        let stored = Stored { slots, playing, review: None, stream: None, audio };
        Self { stored: Mutex::new(stored), loads: Arc::default() }
    }

    /// The model that plays.
    pub fn current(&self) -> Option<Arc<Model>> {
        self.slots().current
    }

    /// Both models.
    pub fn slots(&self) -> Slots {
        let stored = &*self.stored();
        let model = |slot: Slot| stored.slots[slot as usize].as_ref().map(|fitted| fitted.model.clone());
        let Stored { playing, review, .. } = *stored;
        Slots { current: model(playing), other: model(playing.other()), playing, is_review: review.is_some() }
    }

    /// Counts the projects that were opened. A request or task from an earlier count belongs to a project that is no
    /// longer open.
    pub fn loads(&self) -> u32 {
        self.loads.load(Relaxed)
    }

    /// The same count for the audio thread, which stamps its messages with it.
    pub(super) fn load_counter(&self) -> Arc<AtomicU32> {
        self.loads.clone()
    }

    /// Puts a project's saved model (or none) into the slot that plays, and plays it without a review.
    pub fn replace(&self, model: Option<Arc<Model>>) {
        let model = model.map(|model| self.fitted(model));
        let _replaced = self.change(|stored| {
            // Counted under the lock, so that no model learned before can enter a slot afterwards.
            self.loads.fetch_add(1, Relaxed);
            stored.review = None;
            mem::replace(&mut stored.slots[stored.playing as usize], model)
        });
    }

    /// Counts an opened project whose model cannot be read: the models stay, and earlier requests are dropped.
    pub fn keep_for_unread_project(&self) {
        let _stored = self.stored();
        self.loads.fetch_add(1, Relaxed);
    }

    /// Plays a new model in review. The model takes the slot that does not play, or the playing slot if that is empty.
    /// A review in progress ends as with [`Models::keep`].
    pub fn review(&self, model: Arc<Model>) {
        self.review_unless(model, |_| false);
    }

    /// Like [`Models::review`], unless a project was opened since [`Models::loads`] returned `loads`. Returns whether
    /// the model was accepted.
    pub fn review_since(&self, model: Arc<Model>, loads: u32) -> bool {
        self.review_unless(model, |now| now != loads)
    }

    fn review_unless(&self, model: Arc<Model>, is_late: impl FnOnce(u32) -> bool) -> bool {
        let fitted = self.fitted(model);
        let replaced = self.change(|stored| {
            if is_late(self.loads()) {
                return Err(fitted);
            }
            let before = stored.playing;
            if stored.slots[before as usize].is_none() {
                stored.review = Some(Review::Nothing(before));
            } else {
                stored.review = Some(Review::Model(before));
                stored.playing = before.other();
            }
            Ok(stored.slots[stored.playing as usize].replace(fitted))
        });
        replaced.is_ok()
    }

    /// Replaces `old` by `new`, the same model with a change. A review continues. Does nothing if `old` is no longer
    /// stored. Returns whether it was still stored.
    pub fn exchange(&self, old: &Arc<Model>, new: Arc<Model>) -> bool {
        let fitted = self.fitted(new);
        let replaced =
            self.change(|stored| match stored.slots.iter_mut().flatten().find(|slot| Arc::ptr_eq(&slot.model, old)) {
                Some(slot) => Ok(mem::replace(slot, fitted)),
                None => Err(fitted),
            });
        replaced.is_ok()
    }

    /// Ends the review: the current model continues to play.
    pub fn keep(&self) {
        self.stored().review = None;
    }

    /// Ends the review: the previous model plays again, and the rejected model stays in the other slot. Returns whether
    /// there was a review.
    pub fn revert(&self) -> bool {
        let (is_done, _replaced) = self.change(|stored| match stored.review.take() {
            None => (false, None),
            Some(Review::Model(before)) => {
                stored.playing = before;
                (true, None)
            }
            Some(Review::Nothing(before)) => {
                stored.playing = before;
                let rejected = stored.slots[before as usize].take();
                (true, mem::replace(&mut stored.slots[before.other() as usize], rejected))
            }
        });
        is_done
    }

    /// Plays the other slot, even if it is empty; a review continues. Returns whether there was any model.
    pub fn compare(&self) -> bool {
        self.change(|stored| {
            let is_any = stored.slots.iter().any(Option::is_some);
            if is_any {
                stored.playing = stored.playing.other();
            }
            is_any
        })
    }

    /// The audio thread now runs at this rate, in mono or stereo. When this returns, the templates fitted to this
    /// stream have been sent. Returns the number of this stream.
    pub fn play_in(&self, sample_rate: f32, channels: usize, playback: PlaybackSettings) -> u32 {
        self.change(|stored| {
            let number = stored.stream.map_or(0, |stream| stream.number.wrapping_add(1));
            stored.stream = Some(Stream { number, sample_rate, channels, playback });
            number
        })
    }

    /// Sets how the audio thread plays; the rate and the channels do not change. Returns the rate, or `None` if the
    /// message comes from an earlier stream.
    pub fn play_like(&self, playback: PlaybackSettings, stream: u32) -> Option<f32> {
        self.change(|stored| {
            let known = stored.stream.filter(|known| known.number == stream)?;
            stored.stream = Some(Stream { playback, ..known });
            Some(known.sample_rate)
        })
    }

    /// How the audio thread plays, and its sample rate; `None` before it first runs.
    pub fn playback(&self) -> Option<(PlaybackSettings, f32)> {
        self.stored().stream.map(|stream| (stream.playback, stream.sample_rate))
    }

    /// Also fits the model that does not play, if it is not fitted yet: [`Models::compare`] then takes no time.
    pub fn prepare(&self) {
        let unfitted = {
            let stored = self.stored();
            stored.unfitted(stored.playing.other())
        };
        if let Some((model, stream)) = unfitted {
            self.fit(&model, stream);
        }
    }

    /// The model with its templates for the current stream.
    fn fitted(&self, model: Arc<Model>) -> FittedModel {
        let stream = self.stored().stream;
        let fit = stream.map(|stream| Fit::new(&model, stream));
        FittedModel { model, fit }
    }

    /// Makes a change, and sends the templates that play after it to the audio thread.
    fn change<T>(&self, change: impl FnOnce(&mut Stored) -> T) -> T {
        let (result, aftermath) = {
            let mut stored = self.stored();
            let result = change(&mut stored);
            (result, stored.send())
        };
        if let Some((model, stream)) = &aftermath.unfitted {
            self.fit(model, *stream);
        }
        result
    }

    /// Fits a model, and sends its templates to the audio thread if it still plays. If another model plays by then, the
    /// thread that made this change fits that model.
    fn fit(&self, model: &Arc<Model>, stream: Stream) {
        let fit = Fit::new(model, stream);
        let _dropped_outside_the_lock = {
            let mut stored = self.stored();
            (stored.take_fit(model, fit), stored.send())
        };
    }

    /// A poisoned lock still holds valid values: no change stops halfway.
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    /// Sends the templates of the current model to the audio thread, if they are fitted.
    fn send(&mut self) -> Aftermath {
        let unfitted = self.unfitted(self.playing);
        if unfitted.is_some() {
            return Aftermath { unfitted, _replaced: None };
        }
        let fit = self.slots[self.playing as usize].as_ref().and_then(|fitted| fitted.fit.as_ref());
        let templates = fit.and_then(|fit| fit.templates.clone());
        let _replaced = mem::replace(self.audio.input_buffer_mut(), templates);
        self.audio.publish();
        Aftermath { unfitted: None, _replaced }
    }

    /// The model of a slot and the current stream, if the model is not fitted to this stream.
    fn unfitted(&self, slot: Slot) -> Option<(Arc<Model>, Stream)> {
        let (fitted, stream) = self.slots[slot as usize].as_ref().zip(self.stream)?;
        let is_fitted = fitted.fit.as_ref().is_some_and(|fit| fit.stream.sounds_like(&stream));
        (!is_fitted).then(|| (fitted.model.clone(), stream))
    }

    /// Stores a fit with its model, if the model is still stored and the stream is still current. Returns the replaced
    /// fits, to be dropped outside the lock.
    fn take_fit(&mut self, model: &Arc<Model>, fit: Fit) -> [Option<Fit>; 2] {
        let is_current = self.stream.is_some_and(|stream| stream.sounds_like(&fit.stream));
        self.slots.each_mut().map(|slot| {
            let slot = slot.as_mut().filter(|slot| is_current && Arc::ptr_eq(&slot.model, model))?;
            slot.fit.replace(fit.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Divergence, Format, StftLayout};
    use crate::model::LearnInfo;

    fn models() -> (Models, triple_buffer::Output<Option<Arc<Templates>>>) {
        let (input, output) = triple_buffer::triple_buffer(&None);
        let models = Models::new(input);
        models.play_in(48_000.0, 1, PlaybackSettings::new(StftLayout::default()));
        (models, output)
    }

    /// A model whose one component is called `name`.
    fn model(name: &str) -> Arc<Model> {
        let layout = StftLayout::default();
        let format = Format::new(48_000.0, layout, 1);
        let templates = Templates::new(format, vec![name.into()], vec![0], vec![1.0; format.rows()]).unwrap();
        let divergence = Divergence::default();
        let learned = LearnInfo { divergence, seed: 1, iterations: 1, layout, extend_pitch: false, steady: Vec::new() };
        Arc::new(Model::new(&templates, learned).unwrap())
    }

    /// The names of the current and the other model (“–” if there is none), the slot that plays, and whether there is a
    /// review.
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

    #[test]
    fn comparing_fits_nothing_anew_and_a_prepared_model_is_fitted_to_a_new_stream() {
        let (models, mut audio) = models();
        models.review(model("x"));
        let x = audio.read().clone().unwrap();
        models.review(model("y"));
        assert!(models.compare() && Arc::ptr_eq(audio.read().as_ref().unwrap(), &x));
        models.play_in(96_000.0, 2, PlaybackSettings::new(StftLayout::default()));
        let is_unfitted = || models.stored().unfitted(Slot::B).is_some();
        assert!(is_unfitted());
        models.prepare();
        assert!(!is_unfitted());
    }
}
