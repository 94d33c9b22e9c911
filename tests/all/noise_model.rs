//! Noise, and a model to separate it with.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::{Divergence, Format, StftLayout, Templates};
use unweave::model::{LearnInfo, Model};

/// Uniform noise from −½ to ½.
pub(crate) fn noise(channels: usize, len: usize) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..channels).map(|_| (0..len).map(|_| rng.random_range(-0.5..0.5)).collect()).collect()
}

/// Three components of two random templates each.
pub(crate) fn learned(channels: usize) -> Model {
    let layout = StftLayout::default();
    let format = Format::new(48_000.0, layout, channels);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let matrix = (0..6 * format.rows()).map(|_| rng.random_range(0.0f32..1.0).powi(4)).collect();
    let names = ["one", "two", "three"].map(String::from).to_vec();
    let templates = Templates::new(format, names, vec![0, 0, 1, 1, 2, 2], matrix).unwrap();
    let divergence = Divergence::default();
    let learned = LearnInfo { divergence, seed: 1, iterations: 60, layout, extend_pitch: false, steady: Vec::new() };
    Model::new(&templates, learned).unwrap()
}
