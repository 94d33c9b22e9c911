//! The model at hand, and its way to the audio thread. Never touched by the audio thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dsp::Templates;
use crate::model::{Model, Playing};

/// The model at hand, and its way to the audio thread. Never touched by the audio thread.
pub struct Models(Mutex<Stored>);

struct Stored {
    model: Option<Arc<Model>>,
    stream: Option<Stream>,
    playing: triple_buffer::Input<Option<Arc<Templates>>>,
}

impl Models {
    pub(super) fn new(playing: triple_buffer::Input<Option<Arc<Templates>>>) -> Self {
        Self(Mutex::new(Stored { model: None, stream: None, playing }))
    }

    /// The model at hand.
    pub fn current(&self) -> Option<Arc<Model>> {
        self.stored().model.clone()
    }

    /// Takes a model (or none) and sends its templates to the audio thread.
    pub fn replace(&self, model: Option<Arc<Model>>) {
        let mut stored = self.stored();
        stored.model = model;
        stored.play();
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

    /// A panic elsewhere left whole values: each change is one assignment.
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
        // A format that templates cannot be fitted to is one that the engine does not run in.
        let fitted = self.model.as_ref().zip(self.stream).and_then(|(model, stream)| {
            model.playing(stream.sample_rate, stream.channels, stream.playing).ok().map(Arc::new)
        });
        self.playing.write(fitted);
    }
}
