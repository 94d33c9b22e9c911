//! Cost of one frame. At 48 kHz a hop of 512 samples lasts 10 667 µs. Run with `cargo bench --no-default-features`.

use divan::Bencher;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::{ActivationSolver, Divergence, Engine, Format, Settings, StftLayout, Templates};

fn main() {
    divan::main();
}

fn random(len: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..len).map(|_| rng.random_range(0.01..1.0)).collect()
}

fn templates(channels: usize, components: usize, each: usize) -> Templates {
    let format = Format::new(48_000.0, StftLayout::default(), channels);
    let owners: Vec<usize> = (0..components * each).map(|n| n / each).collect();
    let names = (0..components).map(|n| n.to_string()).collect();
    Templates::new(format, names, owners, random(components * each * format.rows())).unwrap()
}

/// H of one frame: 8 templates, 20 Kullback-Leibler updates, every bin or in bands.
#[divan::bench(args = ["full", "bands"])]
fn activations(bencher: Bencher, resolution: &str) {
    let templates = templates(1, 4, 2);
    let dictionary = if resolution == "full" { templates.full() } else { templates.banded() };
    let (mut solver, magnitudes, mut h) = (ActivationSolver::new(1025), random(dictionary.rows()), [0.0; 8]);
    bencher.bench_local(|| {
        solver.solve(divan::black_box(&magnitudes), dictionary, Divergence::KullbackLeibler, 20, &mut h);
        h
    });
}

/// A whole hop through the engine: stereo, 4 components of 16 templates, one of them muted.
#[divan::bench]
fn hop_stereo(bencher: Bencher) {
    let (templates, mut settings) = (templates(2, 4, 16), Settings::default());
    settings.mutes[0] = true;
    let mut engine = Engine::new(StftLayout::default(), 48_000.0, 2, 0);
    let (mut left, mut right) = (random(512), random(512));
    bencher.bench_local(|| engine.process(&mut [&mut left, &mut right], Some(&templates), &settings));
}
