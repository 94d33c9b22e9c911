//! The pitch of a template: harmonic summation with half-way bins subtracted, on the logarithm of the spectrum.
//!
//! ```text
//! x(f) = ln(1 + 100 M(f)),   M(f): the spectrum with maximum 1
//! s(f0) = Σ g_n (x(n f0) − 0.9 x((n − ½) f0)) / √Σ g_n²,   g_n = 0.88^(n−1),   n = 1 … 20 while n f0 < 6 kHz
//! ```
//!
//! The subtracted bins keep s small at a half or a third of the pitch. x is computed once on a logarithmic frequency
//! axis, on which the n-th partial of every candidate lies at the same distance.

use crate::dsp::{Format, simd};

/// Candidates are a tenth of a semitone apart, from here up …
const LOWEST_HZ: f64 = 35.0;
/// … to here.
const HIGHEST_HZ: f64 = 2100.0;
const CANDIDATES_PER_OCTAVE: usize = 120;
/// Points of the logarithmic axis between neighbouring candidates: an error of a fifth of a bin at 6 kHz.
const POINTS_PER_CANDIDATE: usize = 4;
/// Partials that are summed.
const PARTIALS: usize = 20;
/// Partials above this are left out.
const HIGHEST_PARTIAL_HZ: f64 = 6000.0;
/// Weight of each partial relative to the one below.
const PARTIAL_DECAY: f32 = 0.88;
/// Weight of what lies half-way between partials.
const BETWEEN: f32 = 0.9;
/// Multiplies the spectrum inside the logarithm: partials more than 40 dB below the strongest count little.
const COMPRESSION: f32 = 100.0;

/// A template's pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pitch {
    /// The fundamental frequency.
    pub hz: f64,
    /// How clearly the template has this pitch: above 5 for most instruments, below 3 for most drums.
    pub score: f32,
}

impl Pitch {
    /// The pitch in semitones: 69 at 440 Hz.
    pub(super) fn semitones(self) -> f64 {
        69.0 + 12.0 * (self.hz / 440.0).log2()
    }
}

/// Finds pitches in spectra of one format.
pub(super) struct Detector {
    /// For each point of the logarithmic axis: the bin below, and how far above it the point lies.
    points: Vec<(usize, f32)>,
    /// The values at the points: those of every fourth point together, so that neighbouring candidates lie side by side.
    axis: [Vec<f32>; POINTS_PER_CANDIDATE],
    /// 1 / √Σ g_n² of each candidate.
    inverse_norms: Vec<f32>,
}

impl Detector {
    /// A detector for the bins of `format`.
    pub(super) fn new(format: Format) -> Self {
        let candidates = (0..).take_while(|&index| candidate_hz(index) <= HIGHEST_HZ).count();
        // The axis begins half the lowest candidate: the first point between partials.
        let points_per_octave = (CANDIDATES_PER_OCTAVE * POINTS_PER_CANDIDATE) as f64;
        let highest = points_per_octave * (HIGHEST_PARTIAL_HZ / LOWEST_HZ * 2.0).log2();
        let point = |index: usize| {
            let position = LOWEST_HZ / 2.0 * (index as f64 / points_per_octave).exp2() / format.bin_hz();
            (position as usize, position.fract() as f32)
        };
        let len = (highest as usize + 1).next_multiple_of(POINTS_PER_CANDIDATE) + POINTS_PER_CANDIDATE;
        let norm = |index: usize| partials_of(index).map(|n| weight(n).powi(2)).sum::<f32>().sqrt();
        Self {
            points: (0..len).map(point).collect(),
            axis: std::array::from_fn(|_| vec![0.0; len / POINTS_PER_CANDIDATE]),
            inverse_norms: (0..candidates).map(|index| 1.0 / norm(index)).collect(),
        }
    }

    /// The pitch of a spectrum with maximum 1.
    pub(super) fn pitch(&mut self, spectrum: &[f32]) -> Pitch {
        let value = |bin: usize| spectrum.get(bin).copied().unwrap_or(0.0);
        for (index, &(bin, fraction)) in self.points.iter().enumerate() {
            let magnitude = value(bin) + (value(bin + 1) - value(bin)) * fraction;
            let compressed = (1.0 + COMPRESSION * magnitude).ln();
            self.axis[index % POINTS_PER_CANDIDATE][index / POINTS_PER_CANDIDATE] = compressed;
        }
        let mut scores = vec![0.0; self.inverse_norms.len()];
        for n in 1..=PARTIALS {
            let candidates = scores.len().min(candidates_below(HIGHEST_PARTIAL_HZ / n as f64));
            let (on, between) = (self.multiples(2 * n), self.multiples(2 * n - 1));
            let values = (&on[..candidates], &between[..candidates]);
            add_partial(weight(n), values, &mut scores[..candidates]);
        }
        let scores = scores.iter().zip(&self.inverse_norms).map(|(sum, inverse)| sum * inverse);
        let (index, score) = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
        Pitch { hz: candidate_hz(index), score }
    }

    /// The values at `halves`/2 times the frequency of each candidate.
    fn multiples(&self, halves: usize) -> &[f32] {
        let octaves = (halves as f64).log2();
        let point = (octaves * (CANDIDATES_PER_OCTAVE * POINTS_PER_CANDIDATE) as f64).round() as usize;
        &self.axis[point % POINTS_PER_CANDIDATE][point / POINTS_PER_CANDIDATE..]
    }
}

fn add_partial(weight: f32, (on, between): (&[f32], &[f32]), scores: &mut [f32]) {
    simd::wide(|| {
        for ((score, on), between) in scores.iter_mut().zip(on).zip(between) {
            *score += weight * (on - BETWEEN * between);
        }
    });
}

fn candidate_hz(index: usize) -> f64 {
    LOWEST_HZ * (index as f64 / CANDIDATES_PER_OCTAVE as f64).exp2()
}

/// How many candidates are below a frequency.
fn candidates_below(hz: f64) -> usize {
    (CANDIDATES_PER_OCTAVE as f64 * (hz / LOWEST_HZ).log2()).ceil().max(0.0) as usize
}

/// The partials of a candidate that are summed, from 1.
fn partials_of(candidate: usize) -> impl Iterator<Item = usize> {
    (1..=PARTIALS).take_while(move |&n| candidate < candidates_below(HIGHEST_PARTIAL_HZ / n as f64))
}

fn weight(partial: usize) -> f32 {
    PARTIAL_DECAY.powi(partial as i32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pitch_of_a_tone_is_found_within_a_fifth_of_a_semitone_and_noise_has_no_clear_one() {
        let format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 1 };
        let mut detector = Detector::new(format);
        for hz in [110.0f64, 196.0, 261.6, 440.0, 987.8] {
            let partial = |bin: usize, n: f64| (2.0 - (bin as f64 - hz * n / format.bin_hz()).abs()).max(0.0) / n;
            let mut tone: Vec<f32> =
                (0..1025).map(|bin| (1..=12).map(|n| partial(bin, f64::from(n))).sum::<f64>() as f32).collect();
            let largest = tone.iter().copied().fold(0.0, f32::max);
            tone.iter_mut().for_each(|value| *value /= largest);
            let pitch = detector.pitch(&tone);
            let expected = 69.0 + 12.0 * (hz / 440.0).log2();
            assert!((pitch.semitones() - expected).abs() < 0.2, "{} for {expected}", pitch.semitones());
            assert!(pitch.score > 2.5, "{} at {hz}", pitch.score);
        }
        assert!(detector.pitch(&[1.0; 1025]).score < 2.5);
    }
}
