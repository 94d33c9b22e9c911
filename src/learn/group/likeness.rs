//! Similarities of learned templates: timbre, panning and activations over time.

use std::f64::consts::PI;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::dsp::Format;
use crate::learn::progress::{Cancelled, Poll};

/// Mel bands of the template spectra whose cosine transform describes a timbre.
const MEL_BANDS: usize = 40;
/// Cepstral coefficients compared: 1 to 13. The 0th is the level.
const COEFFICIENTS: usize = 13;
/// Frames by which one activation may trail another and still sound together with it.
const LAG_FRAMES: usize = 4;
/// Standard deviation of the panning similarity in radians; hard left to hard right is a quarter circle.
const PAN_WIDTH: f64 = 0.1;
/// The quantile of an activation that counts as its full scale, so that rare peaks do not set it.
const FULL_SCALE_QUANTILE: f64 = 0.995;
/// Number of strongest bins; their share of the spectrum distinguishes tones from noise.
const STRONGEST_BINS: usize = 12;
/// Frames at which an activation is compared with itself: how long it rings, and how long it is held.
const SELF_LAGS_FRAMES: [usize; 2] = [3, 12];
/// The lowest frequency of the spectra that are compared transposed.
const LOWEST_HZ: f64 = 60.0;
/// Steps per octave of these spectra: quarter tones.
const STEPS_PER_OCTAVE: usize = 24;
/// Octaves of these spectra, from [`LOWEST_HZ`] to 15 kHz.
const OCTAVES: usize = 8;
/// Rows that are multiplied between polls.
const ROWS_PER_POLL: usize = 1024;
/// Divisors are at least this.
const FLOOR: f64 = 1e-12;

/// Seven similarities of each pair of templates: templates × templates, symmetric, 0 (not at all) to 1.
pub struct Likenesses {
    /// Mel cepstra: exp(−d² / median d²).
    pub mfcc: Array2<f64>,
    /// Cosines of the roots of the spectra.
    pub spectrum: Array2<f64>,
    /// The same on a logarithmic frequency axis, when one is transposed by the best interval up to an octave.
    pub transposed: Array2<f64>,
    /// Panning: exp(−d² / (2 · 0.1²)) of atan2(‖right‖, ‖left‖) in radians; 1 in mono.
    pub pan: Array2<f64>,
    /// The largest correlation of the roots of the activations when one trails the other by up to 4 frames.
    pub activation: Array2<f64>,
    /// The same of the rises of the logarithms of the activations: common onsets.
    pub onset: Array2<f64>,
    /// Shape: exp(−d² / median d²) of seven features of the spectrum and the activation.
    pub shape: Array2<f64>,
}

impl Likenesses {
    /// Of the templates in the rows of `w` (each of `format.rows()`) and in the columns of `h` (frames × templates).
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn new(format: Format, w: ArrayView2<f32>, h: ArrayView2<f32>, poll: Poll<'_>) -> Result<Self, Cancelled> {
        let spectra = spectra(format, w);
        let roots = spectra.mapv(f64::sqrt);
        let h = h.mapv(f64::from);
        let mut full_scales = Array1::zeros(h.ncols());
        for (full_scale, column) in full_scales.iter_mut().zip(h.columns()) {
            *full_scale = quantile(column, FULL_SCALE_QUANTILE) + FLOOR;
            poll()?;
        }
        let levels = &h / &full_scales;
        poll()?;
        let mfcc = nearness(&cepstra(&spectra, format));
        let spectrum = roots.dot(&roots.t());
        poll()?;
        let transposed = largest_products(&log_frequency_spectra(&roots, format), STEPS_PER_OCTAVE, poll)?;
        let activation = correlations(levels.mapv(|level| level.min(1.0).sqrt()), poll)?;
        let logarithms = levels.mapv(|level| (100.0 * level).ln_1p());
        poll()?;
        Ok(Self {
            mfcc,
            spectrum,
            transposed,
            pan: pan_likeness(format, w),
            activation,
            onset: correlations(rises(&logarithms), poll)?,
            shape: nearness(&standardised(shapes(&spectra, &h, format, poll)?)),
        })
    }
}

/// Templates × bins: both channels together, each of sum 1; an empty template stays empty.
fn spectra(format: Format, w: ArrayView2<f32>) -> Array2<f64> {
    let mut spectra = Array2::<f64>::zeros((w.nrows(), format.bins()));
    for channel in w.axis_chunks_iter(Axis(1), format.bins()) {
        spectra.zip_mut_with(&channel, |sum, &x| *sum += f64::from(x));
    }
    for mut spectrum in spectra.rows_mut() {
        spectrum /= spectrum.sum().max(f64::MIN_POSITIVE);
    }
    spectra
}

fn bin_hz(format: Format) -> f64 {
    f64::from(format.sample_rate) / format.window_len as f64
}

/// Templates × coefficients.
fn cepstra(spectra: &Array2<f64>, format: Format) -> Array2<f64> {
    let mut bands = spectra.dot(&mel_filters(format).t());
    for mut band in bands.rows_mut() {
        let loudest = band.fold(f64::MIN_POSITIVE, |loudest, &x| loudest.max(x));
        band.mapv_inplace(|x| (x / loudest).ln().max(-9.0));
    }
    let cosines = Array2::from_shape_fn((MEL_BANDS, COEFFICIENTS), |(band, index)| {
        (2.0 / MEL_BANDS as f64).sqrt() * (PI * (index + 1) as f64 * (band as f64 + 0.5) / MEL_BANDS as f64).cos()
    });
    bands.dot(&cosines)
}

/// Bands × bins: triangles, equally wide on the mel scale 2595 log10(1 + f/700), from 30 Hz to half the sample rate.
fn mel_filters(format: Format) -> Array2<f64> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let (low, high) = (mel(30.0), mel(f64::from(format.sample_rate) / 2.0));
    let edges: Vec<f64> =
        (0..MEL_BANDS + 2).map(|n| hz(low + (high - low) * n as f64 / (MEL_BANDS + 1) as f64)).collect();
    Array2::from_shape_fn((MEL_BANDS, format.bins()), |(band, bin)| {
        let (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2]);
        let f = bin as f64 * bin_hz(format);
        let weight = ((f - left) / (centre - left)).min((right - f) / (right - centre)).max(0.0);
        // A band narrower than a bin takes its nearest bin.
        let nearest = (centre / bin_hz(format)).round() as usize;
        if bin == nearest { weight.max(0.5) } else { weight }
    })
}

/// exp(−d² / median d²) of each pair of rows, d their distance.
fn nearness(rows: &Array2<f64>) -> Array2<f64> {
    let count = rows.nrows();
    let squared = Array2::from_shape_fn((count, count), |(i, j)| {
        rows.row(i).iter().zip(rows.row(j)).map(|(x, y)| (x - y).powi(2)).sum::<f64>()
    });
    let pairs: Array1<f64> = squared.indexed_iter().filter(|((i, j), _)| j < i).map(|(_, &d)| d).collect();
    let median = quantile(pairs.view(), 0.5).max(1e-20);
    squared.mapv(|d| (-d / median).exp())
}

/// The `quantile` (0 to 1) of the values, linearly interpolated; 0 if there are none.
fn quantile(values: ArrayView1<f64>, quantile: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = quantile * last as f64;
    let below = position as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

fn pan_likeness(format: Format, w: ArrayView2<f32>) -> Array2<f64> {
    let norm = |channel: ArrayView1<f32>| channel.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let angle = |template: ArrayView1<f32>| match format.channels {
        2 => norm(template.slice(s![format.bins()..])).atan2(norm(template.slice(s![..format.bins()]))),
        _ => 0.0,
    };
    let angles: Vec<f64> = w.rows().into_iter().map(angle).collect();
    Array2::from_shape_fn((angles.len(), angles.len()), |(i, j)| {
        (-((angles[i] - angles[j]) / PAN_WIDTH).powi(2) / 2.0).exp()
    })
}

/// The largest correlation of each pair of columns when one trails the other by up to [`LAG_FRAMES`]; 0 where all are
/// negative.
fn correlations(mut columns: Array2<f64>, poll: Poll<'_>) -> Result<Array2<f64>, Cancelled> {
    for mut column in columns.columns_mut() {
        column -= column.mean().unwrap_or(0.0);
        column /= column.dot(&column).sqrt().max(FLOOR);
        poll()?;
    }
    largest_products(&columns, LAG_FRAMES, poll)
}

/// The largest product of each pair of columns when one is moved against the other by up to `lag` rows either way; 0 where
/// all are negative.
fn largest_products(columns: &Array2<f64>, lag: usize, poll: Poll<'_>) -> Result<Array2<f64>, Cancelled> {
    let rows = columns.nrows();
    let mut largest = Array2::zeros((columns.ncols(), columns.ncols()));
    for lag in 0..=lag.min(rows) {
        let (later, earlier) = (columns.slice(s![lag.., ..]), columns.slice(s![..rows - lag, ..]));
        let mut product = Array2::zeros(largest.dim());
        let parts = later.axis_chunks_iter(Axis(0), ROWS_PER_POLL);
        for (later, earlier) in parts.zip(earlier.axis_chunks_iter(Axis(0), ROWS_PER_POLL)) {
            general_mat_mul(1.0, &later.t(), &earlier, 1.0, &mut product);
            poll()?;
        }
        largest.zip_mut_with(&product, |best: &mut f64, &x| *best = best.max(x));
        largest.zip_mut_with(&product.t(), |best, &x| *best = best.max(x));
    }
    Ok(largest)
}

/// Row by row, by how much each column rises; 0 in the first row.
fn rises(columns: &Array2<f64>) -> Array2<f64> {
    let mut rises = Array2::zeros(columns.dim());
    for row in 1..columns.nrows() {
        let rise = &columns.row(row) - &columns.row(row - 1);
        rises.row_mut(row).assign(&rise.mapv(|x| x.max(0.0)));
    }
    rises
}

/// Steps × templates: the roots of the spectra at frequencies a quarter tone apart, each of length 1.
fn log_frequency_spectra(roots: &Array2<f64>, format: Format) -> Array2<f64> {
    let bins = (0..STEPS_PER_OCTAVE * OCTAVES)
        .map(|step| LOWEST_HZ * 2f64.powf(step as f64 / STEPS_PER_OCTAVE as f64) / bin_hz(format));
    let positions: Vec<f64> = bins.take_while(|&bin| bin < (format.bins() - 1) as f64).collect();
    let mut spectra = Array2::from_shape_fn((positions.len(), roots.nrows()), |(step, template)| {
        let (root, below) = (roots.row(template), positions[step] as usize);
        root[below] + (root[below + 1] - root[below]) * positions[step].fract()
    });
    for mut spectrum in spectra.columns_mut() {
        spectrum /= spectrum.dot(&spectrum).sqrt().max(FLOOR);
    }
    spectra
}

/// Templates × 7 features of the kind of sound; `h` is frames × templates.
fn shapes(spectra: &Array2<f64>, h: &Array2<f64>, format: Format, poll: Poll<'_>) -> Result<Array2<f64>, Cancelled> {
    let bins = format.bins();
    let mut shapes = Array2::zeros((spectra.nrows(), 7));
    for (index, mut shape) in shapes.rows_mut().into_iter().enumerate() {
        let (spectrum, activation) = (spectra.row(index), h.column(index));
        let centroid: f64 = spectrum.iter().enumerate().map(|(bin, x)| bin as f64 * bin_hz(format) * x).sum();
        // The mean of a spectrum of sum 1 is 1 / bins.
        let flatness = spectrum.mapv(|x| (x + 1e-9).ln()).mean().map_or(0.0, f64::exp) * bins as f64;
        let mean = activation.mean().unwrap_or(0.0);
        let largest = activation.fold(0.0f64, |largest, &x| largest.max(x));
        let rise: f64 = activation.windows(2).into_iter().map(|pair| (pair[1] - pair[0]).max(0.0)).sum();
        shape.assign(&ndarray::arr1(&[
            (flatness + 1e-6).ln(),
            centroid.max(20.0).log2(),
            strongest(spectrum),
            self_correlation(activation, SELF_LAGS_FRAMES[0]),
            self_correlation(activation, SELF_LAGS_FRAMES[1]),
            (largest / (mean + FLOOR) + FLOOR).ln(),
            rise / (activation.sum() + FLOOR),
        ]));
        poll()?;
    }
    Ok(shapes)
}

/// The share of the strongest bins in the spectrum.
fn strongest(spectrum: ArrayView1<f64>) -> f64 {
    let mut sorted = spectrum.to_vec();
    sorted.sort_unstable_by(|x, y| y.total_cmp(x));
    sorted.iter().take(STRONGEST_BINS).sum()
}

/// The correlation with itself `lag` frames later, −1 to 1; 0 for a constant.
fn self_correlation(activation: ArrayView1<f64>, lag: usize) -> f64 {
    let centred = &activation - activation.mean().unwrap_or(0.0);
    let product: f64 = centred.iter().skip(lag).zip(&centred).map(|(later, x)| later * x).sum();
    product / (centred.dot(&centred) + 1e-20)
}

/// Each column with mean 0 and standard deviation 1; 0 where all are the same.
fn standardised(mut columns: Array2<f64>) -> Array2<f64> {
    for mut column in columns.columns_mut() {
        column -= column.mean().unwrap_or(0.0);
        let deviation = (column.dot(&column) / column.len() as f64).sqrt();
        column /= deviation + 1e-9;
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 1 };

    fn all(likenesses: &Likenesses) -> [&Array2<f64>; 7] {
        let Likenesses { mfcc, spectrum, transposed, pan, activation, onset, shape } = likenesses;
        [mfcc, spectrum, transposed, pan, activation, onset, shape]
    }

    /// Six harmonics, each 3 % wide.
    fn tone(hz: f64) -> impl Fn(usize) -> f32 {
        let peak = move |bin: usize, harmonic: usize| {
            let distance = ((bin.max(1) as f64 * bin_hz(FORMAT)) / (hz * harmonic as f64)).ln();
            (-(distance / 0.03).powi(2) / 2.0).exp() / harmonic as f64
        };
        move |bin| (1..=6).map(|harmonic| peak(bin, harmonic)).sum::<f64>() as f32
    }

    #[test]
    fn a_transposed_copy_is_alike_though_its_spectrum_is_not() {
        // Six semitones, and seventeen: more than an octave.
        let tones = [800.0, 800.0 * 2f64.powf(0.5), 800.0 * 2f64.powf(17.0 / 12.0)].map(tone);
        let w = Array2::from_shape_fn((3, FORMAT.rows()), |(template, bin)| tones[template](bin));
        let likenesses = Likenesses::new(FORMAT, w.view(), Array2::ones((9, 3)).view(), &mut || Ok(())).unwrap();
        let Likenesses { transposed, spectrum, .. } = likenesses;
        assert!(transposed[[0, 1]] > 0.9 && transposed[[1, 0]] > 0.9, "{transposed}");
        assert!(spectrum[[0, 1]] < 0.4, "{spectrum}");
        assert!(transposed[[0, 2]] < 0.8, "{transposed}");
    }

    #[test]
    fn activations_a_few_frames_apart_are_alike_and_those_that_take_turns_are_not() {
        let struck = |frame: usize, at: usize| 0.8f64.powi(((frame + 40 - at) % 40) as i32);
        let h = Array2::from_shape_fn((400, 3), |(frame, template)| struck(frame, [0, 3, 20][template]));
        let correlations = correlations(h, &mut || Ok(())).unwrap();
        assert!(correlations[[0, 1]] > 0.95, "{correlations}");
        assert!(correlations[[0, 2]] < 0.1, "{correlations}");
    }

    #[test]
    fn what_starts_together_has_alike_onsets_however_long_it_rings() {
        let held =
            |frame: usize, from: usize, len: usize| if (from..from + len).contains(&(frame % 50)) { 1.0 } else { 0.0 };
        let h = Array2::from_shape_fn((400, 3), |(frame, template)| {
            let (from, len) = [(5, 3), (5, 40), (30, 3)][template];
            held(frame, from, len)
        });
        let Likenesses { onset, activation, .. } =
            Likenesses::new(FORMAT, Array2::ones((3, 1025)).view(), h.view(), &mut || Ok(())).unwrap();
        assert!(onset[[0, 1]] > 0.99 && activation[[0, 1]] < 0.5, "{onset} {activation}");
        assert!(onset[[0, 2]] < 0.1, "{onset}");
    }

    #[test]
    fn a_quantile_is_between_the_nearest_values_by_proportion() {
        let values = ndarray::arr1(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!([0.0, 0.5, 0.9, 1.0].map(|part| quantile(values.view(), part)), [1.0, 2.5, 3.7, 4.0]);
        assert_eq!(quantile(ndarray::arr1(&[]).view(), 0.5), 0.0);
    }

    #[test]
    fn likenesses_lie_within_0_and_1_even_of_templates_that_are_empty_or_never_sound() {
        for (channels, templates, frames) in [(1, 4, 40), (2, 4, 40), (2, 4, 2), (2, 4, 1), (1, 1, 3), (2, 2, 0)] {
            let format = Format { channels, ..FORMAT };
            // The first template is empty, and the last never sounds.
            let w = Array2::from_shape_fn((templates, format.rows()), |(template, row)| (template * row % 7) as f32);
            let h = Array2::from_shape_fn((frames, templates), |(frame, template)| {
                (frame * (templates - 1 - template) % 5) as f32 * 1e6
            });
            for likeness in all(&Likenesses::new(format, w.view(), h.view(), &mut || Ok(())).unwrap()) {
                // 1e-9: the length of a unit vector after a thousand roundings of 1e-16.
                assert!(likeness.iter().all(|x| (0.0..=1.0 + 1e-9).contains(x)), "{templates} {frames} {likeness}");
                assert_eq!(likeness.dim(), (templates, templates));
                assert!(likeness.indexed_iter().all(|((i, j), x)| (x - likeness[[j, i]]).abs() < 1e-9), "{likeness}");
            }
        }
    }
}
