//! Cost of one frame. At 48 kHz a hop of 512 samples lasts 10 667 µs. Run with `cargo bench --package benches --bench frame`.

use divan::{Bencher, black_box};
use unweave::dsp::{ActivationSolver, Complex32, Divergence, Separator, StftLayout};

fn main() {
    divan::main();
}

/// H of one frame: 8 templates, 20 Kullback-Leibler updates, every bin or in bands.
#[divan::bench(args = ["full", "bands"])]
fn activations(bencher: Bencher, resolution: &str) {
    let templates = scenes::flat_templates(1, 4, 2);
    let dictionary = if resolution == "full" { templates.full() } else { templates.banded() };
    let (mut solver, magnitudes, mut h) = (ActivationSolver::new(1025), scenes::noise(dictionary.rows()), [0.0; 8]);
    bencher.bench_local(|| {
        solver.solve(black_box(&magnitudes), dictionary, Divergence::KullbackLeibler, 20, &mut h);
        h
    });
}

/// A stereo spectrum through the separator: 4 components of 16 tonal templates with copies and places, one muted.
#[divan::bench]
fn separator_stereo(bencher: Bencher) {
    let layout = StftLayout::default();
    let (templates, settings) = (scenes::tones(layout, 4, 16), scenes::one_muted());
    let mut separator = Separator::new(layout, scenes::RATE);
    let magnitudes = scenes::noise(2 * layout.bins());
    let spectrum: Vec<Complex32> = magnitudes.iter().map(|&x| Complex32::new(x, 0.5 - x)).collect();
    let mut out = spectrum.clone();
    bencher.bench_local(|| {
        separator.separate_frame(black_box(&spectrum), &templates, &settings).mix(&mut out);
        out[0]
    });
}
