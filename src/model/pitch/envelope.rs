//! The spectral envelope of an instrument, which stays in place while its pitch changes: its formants.
//!
//! One least-squares fit over the partials n of all its notes k:
//!
//! ```text
//! ln a(k,n) = E(n f0_k) + d_n + c_k
//! ```
//!
//! a is the magnitude of a partial; E, the envelope, is a sum of raised cosines that are evenly spaced in log frequency;
//! d_n is what the lowest partials have in common at every pitch; c_k is the level of the note.

use super::stretch::Stretch;
use crate::dsp::Format;

/// Raised cosines of the envelope, the first centred at [`LOWEST_HZ`], the last at [`HIGHEST_HZ`].
const COSINES: usize = 14;
const LOWEST_HZ: f64 = 80.0;
const HIGHEST_HZ: f64 = 14_000.0;
/// Partials that have a level of their own.
const OWN_PARTIALS: usize = 8;
/// Partials above this are not used.
const HIGHEST_PARTIAL_HZ: f64 = 16_000.0;
/// A partial is the largest value within this part of the fundamental frequency …
const PARTIAL_WIDTH: f64 = 0.3;
/// … but at least 1 and at most so many bins.
const MAX_PARTIAL_BINS: f64 = 3.0;
/// Partials weaker than this against the strongest, as a natural logarithm, are noise.
const RANGE_NEPERS: f64 = 8.0;
/// Weights of the penalties: on the curvature of E, on d_n, and on every unknown.
const CURVATURE: f64 = 0.3;
const PARTIAL_LEVELS: f64 = 0.3;
const RIDGE: f64 = 0.001;
/// A copy's values change by at most this factor, as a natural logarithm: 22 dB.
const MAX_CHANGE_NEPERS: f32 = 2.5;

/// A template with a pitch.
pub(super) struct Tone {
    /// The spectrum of all channels together.
    pub spectrum: Vec<f32>,
    /// Its fundamental frequency.
    pub hz: f64,
    /// Its weight: its share of the energy.
    pub share: f32,
}

/// E in natural logarithms, at each bin.
pub(super) struct Envelope {
    bins: Vec<f32>,
}

impl Envelope {
    /// The envelope that the tones of one instrument have in common.
    pub(super) fn fit(tones: &[&Tone], format: Format) -> Self {
        let mut fit = LeastSquares::new(COSINES + OWN_PARTIALS + tones.len());
        let total: f64 = tones.iter().map(|tone| f64::from(tone.share)).sum();
        for (index, tone) in tones.iter().enumerate() {
            let partials = partials(tone, format);
            let strongest = partials.iter().map(|partial| partial.1).fold(f64::NEG_INFINITY, f64::max);
            for &(n, log) in partials.iter().filter(|partial| partial.1 >= strongest - RANGE_NEPERS) {
                let weight = (f64::from(tone.share) / total).sqrt() * (((log - strongest) / 4.0).exp() + 0.02);
                let level = (COSINES + OWN_PARTIALS + index, 1.0);
                let own = (n <= OWN_PARTIALS).then_some((COSINES + n - 1, 1.0));
                let terms: Vec<(usize, f64)> =
                    cosines(n as f64 * tone.hz).into_iter().chain([level]).chain(own).collect();
                fit.add(weight, &terms, log);
            }
        }
        for middle in 1..COSINES - 1 {
            fit.add(CURVATURE, &[(middle - 1, 1.0), (middle, -2.0), (middle + 1, 1.0)], 0.0);
        }
        (0..OWN_PARTIALS).for_each(|n| fit.add(PARTIAL_LEVELS, &[(COSINES + n, 1.0)], 0.0));
        let unknowns = fit.solved();
        let at = |bin: usize| {
            cosines(bin as f64 * format.bin_hz()).iter().map(|&(index, value)| unknowns[index] * value).sum::<f64>()
        };
        Self { bins: (0..format.bins()).map(|bin| at(bin) as f32).collect() }
    }

    /// What each bin of a transposed spectrum is multiplied by, so that the envelope stays in place.
    pub(super) fn gains(&self, stretch: &Stretch) -> Vec<f32> {
        let change = |(stays, moves): (&f32, f32)| (stays - moves).clamp(-MAX_CHANGE_NEPERS, MAX_CHANGE_NEPERS).exp();
        self.bins.iter().zip(stretch.values(&self.bins)).map(change).collect()
    }
}

/// The partials of a tone: number, from 1, and natural logarithm of the magnitude.
fn partials(tone: &Tone, format: Format) -> Vec<(usize, f64)> {
    let radius = (PARTIAL_WIDTH * tone.hz / format.bin_hz()).round().clamp(1.0, MAX_PARTIAL_BINS) as usize;
    let magnitude = |n: usize| {
        let hz = n as f64 * tone.hz;
        let centre = (hz / format.bin_hz()).round() as usize;
        let is_inside = hz <= HIGHEST_PARTIAL_HZ && centre < format.bins();
        let around = is_inside.then(|| centre.saturating_sub(radius)..(centre + radius + 1).min(format.bins()))?;
        Some((n, tone.spectrum[around].iter().copied().fold(0.0, f32::max)))
    };
    let found = (1..).map_while(magnitude).filter(|partial| partial.1 > 0.0);
    found.map(|(n, magnitude)| (n, f64::from(magnitude).ln())).collect()
}

/// The raised cosines that are not zero at a frequency, by index, and their values, which sum to one.
fn cosines(hz: f64) -> [(usize, f64); 2] {
    let octaves = (HIGHEST_HZ / LOWEST_HZ).log2();
    let position = (hz.clamp(LOWEST_HZ, HIGHEST_HZ) / LOWEST_HZ).log2() / octaves * (COSINES - 1) as f64;
    let below = (position as usize).min(COSINES - 2);
    let value = 0.5 + 0.5 * (std::f64::consts::PI * (position - below as f64)).cos();
    [(below, value), (below + 1, 1.0 - value)]
}

/// The normal equations AᵀA x = Aᵀy of weighted rows.
struct LeastSquares {
    /// AᵀA, row after row; only the lower triangle is used.
    matrix: Vec<f64>,
    /// Aᵀy.
    right: Vec<f64>,
}

impl LeastSquares {
    fn new(unknowns: usize) -> Self {
        let mut matrix = vec![0.0; unknowns * unknowns];
        matrix.iter_mut().step_by(unknowns + 1).for_each(|diagonal| *diagonal = RIDGE * RIDGE);
        Self { matrix, right: vec![0.0; unknowns] }
    }

    /// Adds the row weight · (Σ factor · unknown) = weight · `value`, with the terms (unknown, factor).
    fn add(&mut self, weight: f64, terms: &[(usize, f64)], value: f64) {
        let len = self.right.len();
        for &(row, factor) in terms {
            let scaled = weight * weight * factor;
            self.right[row] += scaled * value;
            terms.iter().for_each(|&(column, other)| self.matrix[row * len + column] += scaled * other);
        }
    }

    /// The unknowns, by Cholesky's decomposition: the penalties make the matrix positive definite.
    fn solved(mut self) -> Vec<f64> {
        let len = self.right.len();
        let matrix = &mut self.matrix;
        for row in 0..len {
            for column in 0..=row {
                let (above, current) = (column * len, row * len);
                let known: f64 = (0..column).map(|k| matrix[current + k] * matrix[above + k]).sum();
                let rest = matrix[current + column] - known;
                matrix[current + column] =
                    if row == column { rest.max(RIDGE.powi(4)).sqrt() } else { rest / matrix[above + column] };
            }
        }
        let mut solution = self.right;
        for row in 0..len {
            let known: f64 = (0..row).map(|k| matrix[row * len + k] * solution[k]).sum();
            solution[row] = (solution[row] - known) / matrix[row * len + row];
        }
        for row in (0..len).rev() {
            let known: f64 = (row + 1..len).map(|k| matrix[k * len + row] * solution[k]).sum();
            solution[row] = (solution[row] - known) / matrix[row * len + row];
        }
        solution
    }
}
