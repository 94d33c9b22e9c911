//! Cost of learning. Run with `cargo bench --no-default-features`.

use std::ops::ControlFlow;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::learn::{Capture, LearnOptions, learn_blind};

fn main() {
    divan::main();
}

/// Two seconds in mono, 8 templates, 100 iterations.
#[divan::bench(sample_count = 5)]
fn two_seconds(bencher: divan::Bencher) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let samples = (0..96_000).map(|_| rng.random_range(-0.5..0.5)).collect();
    let capture = Capture::new(48_000.0, vec![samples]).unwrap();
    let options = LearnOptions { templates: 4, ..LearnOptions::default() };
    bencher.bench_local(|| learn_blind(&capture, 2, &options, &mut |_| ControlFlow::Continue(())).unwrap());
}
