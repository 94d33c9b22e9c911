//! Made-up templates and sounds, the same in every run: what the benchmarks and `cargo xtask bench` measure on.

pub mod plain;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::{
    Block, Column, Complex32, Covariance, Engine, Format, Hop, HopObserver, Settings, StftLayout, Templates,
};

/// Samples per second of every scene.
pub const RATE: f32 = 48_000.0;
/// An editor's columns stand for this long or longer.
const SHORTEST_COLUMN_S: f32 = 0.01;
/// Tones lie within so many semitones: one apart, or nearer where there are more of them.
const SEMITONES: f32 = 64.0;

/// Random numbers from 0.01 to 1.
pub fn noise(len: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..len).map(|_| rng.random_range(0.01..1.0)).collect()
}

/// Templates that sound alike everywhere, so that none is ever left out of a frame's work.
pub fn flat_templates(channels: usize, components: usize, each: usize) -> Templates {
    let format = Format::new(RATE, StftLayout::default(), channels);
    let matrix = noise(components * each * format.rows());
    Templates::new(format, names(components), owners(components, each), matrix).unwrap()
}

/// Harmonic tones a semitone apart or nearer, in stereo with places and transposed copies: what music learns.
pub fn tones(layout: StftLayout, components: usize, each: usize) -> Templates {
    let format = Format::new(RATE, layout, 2);
    let partial = |bin: usize, bin_0: f32| -> f32 {
        (1..=20).map(|k| (-(bin as f32 - bin_0 * k as f32).powi(2)).exp() / k as f32).sum()
    };
    let step = (SEMITONES / (components * each) as f32).min(1.0);
    let tone = |n: usize| {
        let bin_0 = layout.window_len() as f32 / 512.0 * (n as f32 * step / 12.0).exp2();
        let channel = move || (0..format.bins()).map(move |bin| partial(bin, bin_0) + 1e-5f32);
        channel().chain(channel())
    };
    let matrix = (0..components * each).flat_map(tone).collect();
    let templates = Templates::new(format, names(components), owners(components, each), matrix).unwrap();
    let places =
        (0..components * format.bins()).map(|n| Covariance::new((n % 100) as f32 / 100.0, Complex32::default()));
    unweave::model::pitch::extend(&templates.with_covariances(places.collect()).unwrap(), &[], &[])
}

/// Three notes.
pub fn chord(len: usize) -> Vec<f32> {
    let sample = |n: usize| [187.0f32, 236.0, 594.0].map(|hz| (n as f32 * hz * 1.309e-4).sin() * 0.2).iter().sum();
    (0..len).map(sample).collect()
}

/// Every setting as it is at first, but for one component that is muted: with all faders at 0 dB there is nothing to mix.
pub fn one_muted() -> Settings {
    let mut settings = Settings::default();
    settings.mutes[0] = true;
    settings
}

fn owners(components: usize, each: usize) -> Vec<usize> {
    (0..components * each).map(|n| n / each).collect()
}

fn names(components: usize) -> Vec<String> {
    (0..components).map(|n| n.to_string()).collect()
}

/// Draws a column as often as an open editor's does.
struct ColumnObserver<'a>(&'a mut Column);

impl HopObserver for ColumnObserver<'_> {
    fn observe(&mut self, hop: &mut Hop<'_>) {
        self.0.seconds += hop.hop_len() as f32 / RATE;
        if self.0.seconds >= SHORTEST_COLUMN_S {
            hop.draw(self.0);
            self.0.seconds = 0.0;
        }
    }
}

/// A stereo engine and what it plays, over and over.
pub struct LoopedEngine {
    engine: Engine,
    templates: Templates,
    settings: Settings,
    audio: [Vec<f32>; 2],
    /// Samples played.
    position: usize,
    /// What the engine is handed; it writes there.
    block: [Vec<f32>; 2],
    /// What an open editor sees, if one is.
    column: Option<Box<Column>>,
}

impl LoopedEngine {
    /// Plays `audio`, at least a block of it, with one component muted.
    pub fn new(layout: StftLayout, templates: Templates, audio: [Vec<f32>; 2]) -> Self {
        let engine = Engine::new(layout, RATE, 2, 0);
        Self { engine, templates, settings: one_muted(), audio, position: 0, block: Default::default(), column: None }
    }

    /// Plays a block's worth of the audio. What comes out of the left.
    pub fn play(&mut self, block_len: usize) -> &[f32] {
        self.load(block_len);
        self.process()
    }

    /// Takes the next block's audio, which is no part of what the engine costs …
    pub fn load(&mut self, block_len: usize) {
        if self.position + block_len > self.audio[0].len() {
            self.position = 0;
        }
        for (block, audio) in self.block.iter_mut().zip(&self.audio) {
            block.clear();
            block.extend_from_slice(&audio[self.position..self.position + block_len]);
        }
        self.position += block_len;
    }

    /// … and processes it.
    pub fn process(&mut self) -> &[f32] {
        let [left, right] = &mut self.block;
        let (audio, templates) = (&mut [&mut left[..], right], Some(&self.templates));
        match &mut self.column {
            None => self.engine.process(audio, templates, &self.settings),
            Some(column) => {
                let block = Block { audio, components: &mut [] };
                self.engine.process_observed(block, templates, &self.settings, &mut ColumnObserver(column));
            }
        }
        &self.block[0]
    }

    /// From the start again, as if nothing had been played.
    pub fn rewind(&mut self) {
        self.engine.reset();
        self.position = 0;
    }

    /// Samples of the audio.
    pub fn audio_len(&self) -> usize {
        self.audio[0].len()
    }

    /// This player with an editor open.
    pub fn watched(mut self) -> Self {
        self.column = Some(Box::default());
        self
    }

    /// This player with updates per frame.
    pub fn with_updates(mut self, updates: usize) -> Self {
        self.settings.updates = updates;
        self
    }
}
