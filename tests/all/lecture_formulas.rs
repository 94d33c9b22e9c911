//! The lecture's own formulas (Tralie, week 10; Lee and Seung 2001), written out slowly in float64 with W bins × K and
//! H K × frames, against the fast code.

use std::ops::ControlFlow;

use ndarray::Array2;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::bands::Bands;
use unweave::dsp::masks::SoftMasks;
use unweave::dsp::{Divergence, Format, Templates};
use unweave::learn::nmf::Updates;
use unweave::learn::{FactorizeOptions, Method, Start, factorize};

type Matrix = Vec<Vec<f64>>;
/// One update of H, from V, W and H.
type Rule = fn(&Matrix, &Matrix, &Matrix) -> Matrix;

fn random(rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Matrix {
    // Values that f32 holds exactly.
    (0..rows).map(|_| (0..columns).map(|_| f64::from(rng.random_range(0.01f32..1.0))).collect()).collect()
}

fn product(w: &Matrix, h: &Matrix) -> Matrix {
    let cell = |i: usize, j: usize| (0..h.len()).map(|k| w[i][k] * h[k][j]).sum();
    (0..w.len()).map(|i| (0..h[0].len()).map(|j| cell(i, j)).collect()).collect()
}

fn transposed(x: &Matrix) -> Matrix {
    (0..x[0].len()).map(|j| x.iter().map(|row| row[j]).collect()).collect()
}

/// H ← H · (Wᵀ V) / (Wᵀ W H).
fn euclidean(v: &Matrix, w: &Matrix, h: &Matrix) -> Matrix {
    let (up, down) = (product(&transposed(w), v), product(&product(&transposed(w), w), h));
    (0..h.len()).map(|k| (0..h[0].len()).map(|j| h[k][j] * up[k][j] / down[k][j]).collect()).collect()
}

/// H_kj ← H_kj · Σ_i W_ik V_ij / (WH)_ij / Σ_i W_ik.
fn kullback_leibler(v: &Matrix, w: &Matrix, h: &Matrix) -> Matrix {
    let estimate = product(w, h);
    let cell = |k: usize, j: usize| {
        let up: f64 = (0..v.len()).map(|i| w[i][k] * v[i][j] / estimate[i][j]).sum();
        h[k][j] * up / w.iter().map(|row| row[k]).sum::<f64>()
    };
    (0..h.len()).map(|k| (0..h[0].len()).map(|j| cell(k, j)).collect()).collect()
}

/// H_kj ← H_kj · √(Σ_i W_ik V_ij / (WH)_ij² / Σ_i W_ik / (WH)_ij), Févotte and Idier's (2011), not the lecture's.
fn itakura_saito(v: &Matrix, w: &Matrix, h: &Matrix) -> Matrix {
    let estimate = product(w, h);
    let cell = |k: usize, j: usize| {
        let up: f64 = (0..v.len()).map(|i| w[i][k] * v[i][j] / estimate[i][j].powi(2)).sum();
        let down: f64 = (0..v.len()).map(|i| w[i][k] / estimate[i][j]).sum();
        h[k][j] * (up / down).sqrt()
    };
    (0..h.len()).map(|k| (0..h[0].len()).map(|j| cell(k, j)).collect()).collect()
}

/// Ours is the lecture's, transposed.
fn ours(x: &Matrix) -> Array2<f32> {
    Array2::from_shape_fn((x[0].len(), x.len()), |(row, column)| x[column][row] as f32)
}

fn error_of_max(found: &Array2<f32>, expected: &Matrix) -> f64 {
    let largest = expected.iter().flatten().copied().fold(0.0, f64::max);
    let error = found.indexed_iter().map(|((row, column), &x)| (f64::from(x) - expected[column][row]).abs());
    error.fold(0.0, f64::max) / largest
}

#[test]
fn twenty_iterations_agree_with_the_lectures_formulas() {
    let rules: [(_, Rule); 3] = [
        (Divergence::Euclidean, euclidean),
        (Divergence::KullbackLeibler, kullback_leibler),
        (Divergence::ItakuraSaito, itakura_saito),
    ];
    for (divergence, rule) in rules {
        for seed in 0..5 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (v, mut w, mut h) = (random(33, 21, &mut rng), random(33, 4, &mut rng), random(4, 21, &mut rng));
            let (fast_v, mut fast_w, mut fast_h) = (ours(&v), ours(&w), ours(&h));
            let mut updates = Updates::new(fast_v.view(), divergence, 0);
            for _ in 0..20 {
                h = rule(&v, &w, &h);
                // W's update is H's with everything transposed.
                w = transposed(&rule(&transposed(&v), &transposed(&h), &transposed(&w)));
                updates.iterate(&mut fast_w, &mut fast_h, &mut || Ok(())).unwrap();
            }
            let (w_error, h_error) = (error_of_max(&fast_w, &w), error_of_max(&fast_h, &h));
            // 2e-5: f32 rounding of sums of 33 products, carried through twenty iterations.
            assert!(w_error < 2e-5 && h_error < 2e-5, "{divergence:?} {seed}: {w_error} {h_error}");
        }
    }
}

#[test]
fn soft_masks_with_exponent_one_are_the_lectures_wiener_filter() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (w, h) = (random(129, 4, &mut rng), random(4, 10, &mut rng));
    let format = Format { sample_rate: 48_000.0, window_len: 256, channels: 1 };
    let names = (0..4).map(|n| n.to_string()).collect();
    let matrix = ours(&w).into_raw_vec_and_offset().0;
    let templates = Templates::with_bands(format, names, (0..4).collect(), matrix, Bands::full(129)).unwrap();
    let estimate = product(&w, &h);
    let mut masks = SoftMasks::new(129, 4);
    for frame in 0..10 {
        // Templates sum to one here, so activations take what the templates gave.
        let scaled = |k: usize| (h[k][frame] * w.iter().map(|row| row[k]).sum::<f64>()) as f32;
        masks.update(&templates, &[scaled(0), scaled(1), scaled(2), scaled(3)], 1.0);
        for bin in 0..129 {
            for k in 0..4 {
                let expected = w[bin][k] * h[k][frame] / estimate[bin][frame];
                // 1e-6: one f32 quotient of sums of four products.
                assert!((f64::from(masks.component(k, 129)[bin]) - expected).abs() < 1e-6, "bin {bin}, component {k}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_templates_to_the_bit_and_another_seed_others() {
    let v = ours(&random(60, 50, &mut ChaCha8Rng::seed_from_u64(1)));
    for start in [Start::Random, Start::KMeans] {
        let learn = |seed| {
            let options = FactorizeOptions { templates: 4, iterations: 10, seed, start, ..Default::default() };
            factorize(v.view(), &options, &mut |_| ControlFlow::Continue(())).unwrap().w
        };
        assert_eq!(learn(5), learn(5), "{start:?}");
        assert_ne!(learn(5), learn(6), "{start:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn the_loss_never_rises(seed in any::<u64>(), bins in 2usize..70, frames in 8usize..40, templates in 1usize..8) {
        let v = ours(&random(bins, frames, &mut ChaCha8Rng::seed_from_u64(seed)));
        let each = |method| Divergence::ALL.map(|divergence| (method, divergence));
        for (method, divergence) in [Method::Textbook, Method::Fast].into_iter().flat_map(each) {
            let options = FactorizeOptions {
                templates, divergence, iterations: 30, method, seed, start: Start::Random, loss_every: 1, ..Default::default()
            };
            let found = factorize(v.view(), &options, &mut |_| ControlFlow::Continue(())).unwrap();
            for pair in found.losses.windows(2) {
                // Each f32 estimate is rounded by about 1e-7 of itself; so is the loss, however small it has become.
                let rounding = 1e-6 * pair[0].1 + 1e-6 * v.len() as f64 * 1e-2;
                prop_assert!(pair[1].1 <= pair[0].1 + rounding, "{:?} {:?} {:?}", method, divergence, pair);
            }
        }
    }
}
