//! Comparison with reference values that NumPy computed in float64 and scikit-learn confirmed: `tests/fixtures`.

use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::{Array, Array2, ArrayView2, Axis, Ix2, ShapeBuilder};
use unweave::dsp::activations::ActivationSolver;
use unweave::dsp::bands::Bands;
use unweave::dsp::masks::SoftMasks;
use unweave::dsp::{Divergence, Format, Templates};
use unweave::learn::nmf::Updates;

const RULES: [(&str, Divergence); 3] =
    [("euc", Divergence::Euclidean), ("kl", Divergence::KullbackLeibler), ("is_mm", Divergence::ItakuraSaito)];
const SETS: [&str; 2] = ["nmf_synth.npz", "nmf_tones.npz"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The arrays of one .npz file, all float64.
struct Npz(zip::ZipArchive<File>);

impl Npz {
    fn open(name: &str) -> Self {
        Self(zip::ZipArchive::new(File::open(fixture(name)).unwrap()).unwrap())
    }

    fn vector(&mut self, key: &str) -> Vec<f64> {
        npyz::NpyFile::new(self.0.by_name(&format!("{key}.npy")).unwrap()).unwrap().into_vec().unwrap()
    }

    /// A matrix in our orientation: theirs is bins × frames, ours frames × bins.
    fn transposed(&mut self, key: &str) -> Array2<f64> {
        let array = npyz::NpyFile::new(self.0.by_name(&format!("{key}.npy")).unwrap()).unwrap();
        let shape = (array.shape()[0] as usize, array.shape()[1] as usize);
        let is_fortran = array.order() == npyz::Order::Fortran;
        let values: Vec<f64> = array.into_vec().unwrap();
        let matrix: Array<f64, Ix2> = Array::from_shape_vec(shape.set_f(is_fortran), values).unwrap();
        matrix.reversed_axes().as_standard_layout().into_owned()
    }

    fn transposed_f32(&mut self, key: &str) -> Array2<f32> {
        self.transposed(key).mapv(|x| x as f32)
    }
}

/// The largest error of `found`, as a share of the largest expected value.
fn error_of_max(found: ArrayView2<f32>, expected: &Array2<f64>) -> f64 {
    assert_eq!(found.dim(), expected.dim());
    let largest = expected.iter().copied().fold(0.0, f64::max);
    found.iter().zip(expected).map(|(&x, &y)| (f64::from(x) - y).abs()).fold(0.0, f64::max) / largest
}

/// Like [`error_of_max`], frame by frame (rows of H): the worst.
fn error_of_frame_max(found: &Array2<f32>, expected: &Array2<f64>) -> f64 {
    let frames = found.axis_iter(Axis(0)).zip(expected.axis_iter(Axis(0)));
    let error = |(x, y): (ndarray::ArrayView1<f32>, ndarray::ArrayView1<f64>)| {
        error_of_max(x.insert_axis(Axis(0)), &y.insert_axis(Axis(0)).to_owned())
    };
    frames.map(error).fold(0.0, f64::max)
}

#[test]
fn one_update_of_the_tiny_example_agrees_with_the_hand_calculation() {
    let file = File::open(fixture("tiny.json")).unwrap();
    let json: serde_json::Value = serde_json::from_reader(file).unwrap();
    let matrix = |key: &str| -> Array2<f64> {
        let rows: Vec<Vec<f64>> = serde_json::from_value(json[key].clone()).unwrap();
        Array2::from_shape_fn((rows[0].len(), rows.len()), |(column, row)| rows[row][column])
    };
    let v = matrix("V").mapv(|x| x as f32);
    for (rule, divergence) in &RULES[..2] {
        let (mut w, mut h) = (matrix("W0").mapv(|x| x as f32), matrix("H0").mapv(|x| x as f32));
        Updates::new(v.view(), *divergence, 0).iterate(&mut w, &mut h, &mut || Ok(())).unwrap();
        // 1e-6: a dozen f32 operations, each rounded to 6e-8.
        assert!(error_of_max(w.view(), &matrix(&format!("{rule}_W1"))) < 1e-6, "{rule} W {w}");
        assert!(error_of_max(h.view(), &matrix(&format!("{rule}_H1"))) < 1e-6, "{rule} H {h}");
    }
}

#[test]
fn learning_follows_the_reference_for_a_hundred_iterations_of_every_divergence() {
    for set in SETS {
        let mut npz = Npz::open(set);
        let v = npz.transposed_f32("V");
        for (rule, divergence) in RULES {
            let (mut w, mut h) = (npz.transposed_f32("W0"), npz.transposed_f32("H0"));
            let losses = npz.vector(&format!("{rule}_loss"));
            let mut updates = Updates::new(v.view(), divergence, 0);
            let mut done = 0;
            for (iterations, &loss) in [0, 1, 10, 100].into_iter().zip(&losses) {
                for _ in done..iterations {
                    updates.iterate(&mut w, &mut h, &mut || Ok(())).unwrap();
                }
                done = iterations;
                let found = updates.loss(&w, &h, &mut || Ok(())).unwrap();
                // 1e-5: what the fixtures' README asks of float32.
                assert!((found / loss - 1.0).abs() < 1e-5, "{set} {rule} {iterations}: loss {found}, expected {loss}");
                if iterations == 0 {
                    continue;
                }
                let w_error = error_of_max(w.view(), &npz.transposed(&format!("{rule}_W_{iterations}")));
                let h_error = error_of_max(h.view(), &npz.transposed(&format!("{rule}_H_{iterations}")));
                println!("{set} {rule} {iterations}: W {w_error:.1e}, H {h_error:.1e}");
                // f32 rounding, carried along: 1e-5 in the first ten iterations and ten times that after a hundred.
                let tolerance = if iterations <= 10 { 1e-5 } else { 1e-4 };
                assert!(w_error < tolerance, "{set} {rule} {iterations}: W {w_error}");
                assert!(h_error < tolerance, "{set} {rule} {iterations}: H {h_error}");
            }
        }
    }
}

/// `w` (templates × rows) as templates of a window of 256, each its own component, at full resolution. Rows that `w` does not
/// have are zero, in templates and magnitudes alike, and so take no part in any sum.
fn templates(w: &Array2<f32>) -> Templates {
    let format = Format { sample_rate: 16_000.0, window_len: 256, channels: 1 };
    let matrix = w.rows().into_iter().flat_map(|template| padded(template.to_slice().unwrap())).collect();
    let owners: Vec<usize> = (0..w.nrows()).collect();
    let names = owners.iter().map(usize::to_string).collect();
    Templates::with_bands(format, names, owners, matrix, Bands::full(format.bins())).unwrap()
}

fn padded(rows: &[f32]) -> Vec<f32> {
    rows.iter().copied().chain(std::iter::repeat(0.0)).take(129).collect()
}

/// H after so many updates from `start`, through the real-time solver, frame by frame.
fn solved(
    v: &Array2<f32>,
    templates: &Templates,
    divergence: Divergence,
    updates: usize,
    start: &Array2<f32>,
) -> Array2<f32> {
    let mut solver = ActivationSolver::new(129);
    let mut h = start.clone();
    for (frame, mut activations) in v.rows().into_iter().zip(h.rows_mut()) {
        let magnitudes = padded(frame.to_slice().unwrap());
        let activations = activations.as_slice_mut().unwrap();
        solver.update(&magnitudes, templates.banded(), divergence, updates, activations);
    }
    h
}

#[test]
fn activations_of_fixed_templates_follow_the_reference() {
    for set in SETS {
        let mut npz = Npz::open(set);
        let (v, w) = (npz.transposed_f32("V"), npz.transposed_f32("fixW_W"));
        let (templates, start) = (templates(&w), npz.transposed_f32("fixW_H0"));
        for (rule, divergence) in RULES {
            for updates in [1, 10, 20, 100] {
                let h = solved(&v, &templates, divergence, updates, &start);
                let error = error_of_frame_max(&h, &npz.transposed(&format!("fixW_{rule}_H_{updates}")));
                println!("{set} {rule} {updates}: {error:.1e}");
                // 1e-5 of the frame's largest: what the fixtures' README asks of float32 up to 20 updates; rounding adds up
                // beyond.
                let tolerance = if updates <= 20 { 1e-5 } else { 1e-4 };
                assert!(error < tolerance, "{set} {rule} {updates}: {error}");
            }
        }
    }
}

#[test]
fn a_hundred_kullback_leibler_updates_come_close_to_the_optimum() {
    for set in SETS {
        let mut npz = Npz::open(set);
        let (v, w, best) = (npz.transposed_f32("V"), npz.transposed_f32("fixW_W"), npz.transposed("fixW_kl_Hopt"));
        let (templates, start) = (templates(&w), npz.transposed_f32("fixW_H0"));
        let h = solved(&v, &templates, Divergence::KullbackLeibler, 100, &start);
        let mut updates = Updates::new(v.view(), Divergence::KullbackLeibler, w.nrows());
        let mut loss = |h: &Array2<f32>| updates.loss(&w, h, &mut || Ok(())).unwrap();
        let (found, best_loss) = (loss(&h), loss(&best.mapv(|x| x as f32)));
        let error = error_of_frame_max(&h, &best);
        println!("{set}: loss {found} of {best_loss}, H {error:.1e}");
        // The reference itself, in float64, is no nearer after a hundred updates: its distance, plus f32 rounding.
        let reference = npz.transposed("fixW_kl_H_100").mapv(|x| x as f32);
        assert!(error < error_of_frame_max(&reference, &best) + 1e-4, "{set}: {error}");
        // A thousandth: the loss is flat around its minimum, so it is nearer than H.
        assert!(found >= best_loss * (1.0 - 1e-6) && found < best_loss * 1.001, "{set}: {found}, {best_loss}");
    }
}

#[test]
fn gains_over_soft_masks_are_the_reference_remix() {
    for set in SETS {
        let mut npz = Npz::open(set);
        let (w, h) = (npz.transposed_f32("fixW_W"), npz.transposed_f32("fixW_kl_H_20"));
        let (gains, expected) = (npz.vector("mix_gains"), npz.transposed("mix_gain_mask"));
        let templates = templates(&w);
        let mut masks = SoftMasks::new(129, w.nrows());
        for (activations, expected) in h.rows().into_iter().zip(expected.rows()) {
            masks.update(&templates, activations.to_slice().unwrap(), 1.0);
            for (row, &expected) in expected.iter().enumerate() {
                let remix: f64 = gains
                    .iter()
                    .enumerate()
                    .map(|(component, gain)| gain * f64::from(masks.component(component, 129)[row]))
                    .sum();
                // 1e-6: one f32 quotient of sums of few products.
                assert!((remix - expected).abs() < 1e-6 * (1.0 + expected), "{set} row {row}: {remix}, {expected}");
            }
        }
    }
}
