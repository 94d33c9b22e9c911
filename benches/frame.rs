//! Cost of one frame. At 48 kHz a hop of 512 samples lasts 10 667 µs. Run with `cargo bench --no-default-features`.

use divan::Bencher;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::{
    ActivationSolver, Complex32, Covariance, Divergence, Engine, Format, Mode, Settings, StftLayout, Templates,
};

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

/// Harmonic tones a semitone apart, in stereo with places and transposed copies: what music learns.
fn tones(components: usize, each: usize) -> Templates {
    let format = Format::new(48_000.0, StftLayout::default(), 2);
    let partial = |bin: usize, bin_0: f32| -> f32 {
        (1..=20).map(|k| (-(bin as f32 - bin_0 * k as f32).powi(2)).exp() / k as f32).sum()
    };
    let tone = |n: usize| {
        let bin_0 = 4.0 * (n as f32 / 12.0).exp2();
        let channel = move || (0..format.bins()).map(move |bin| partial(bin, bin_0) + 1e-5f32);
        channel().chain(channel())
    };
    let owners: Vec<usize> = (0..components * each).map(|n| n / each).collect();
    let names = (0..components).map(|n| n.to_string()).collect();
    let templates = Templates::new(format, names, owners, (0..components * each).flat_map(tone).collect()).unwrap();
    let places =
        (0..components * format.bins()).map(|n| Covariance::new((n % 100) as f32 / 100.0, Complex32::default()));
    unweave::pitch::extend(&templates.placed(places.collect()).unwrap(), &[])
}

/// A whole hop through the engine: stereo, 4 components of 16 templates with their transposed copies and places, one of
/// them muted, while three notes sound. By mode; a hop of `live` is an eighth of one of `normal`.
#[divan::bench(args = ["normal", "tight", "live"])]
fn hop_stereo(bencher: Bencher, mode: &str) {
    let (templates, mut settings) = (tones(4, 16), Settings::default());
    settings.mutes[0] = true;
    let layout = Mode::named(mode).unwrap().layout(48_000.0);
    let mut engine = Engine::new(layout, 48_000.0, 2, 0);
    let mut position = 0;
    bencher.bench_local(|| {
        let sample = |n: usize| [187.0f32, 236.0, 594.0].map(|hz| (n as f32 * hz * 1.309e-4).sin() * 0.2).iter().sum();
        let mut left: Vec<f32> = (position..position + layout.hop_len()).map(sample).collect();
        let mut right = left.clone();
        position = (position + layout.hop_len()) % 1_000_000;
        engine.process(&mut [&mut left, &mut right], Some(&templates), &settings);
        (left, right)
    });
}
