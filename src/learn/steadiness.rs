//! Detects steady captures: hum or noise that does not change, which one template describes best.

use ndarray::{ArrayView2, Axis};

use super::capture::Spectrogram;
use crate::dsp::bands::Bands;

/// Bands whose levels are compared: the level of noise is steady in bands, not in bins.
const BANDS: usize = 24;
/// Length of a segment: long enough to average the random fluctuations of noise.
const SEGMENT_S: f32 = 0.1;
/// Fewer segments are too few to decide.
const MIN_SEGMENTS: usize = 10;
/// A capture is steady below this relative deviation from the mean segment.
const STEADY: f32 = 0.2;

/// Whether every tenth of a second has nearly the same spectrum and level: Σ |B − mean B| / Σ B over bands and segments is
/// small. Hits and melodies are not steady.
pub fn is_steady(spectrogram: &Spectrogram) -> bool {
    unsteadiness(spectrogram) < STEADY
}

fn unsteadiness(spectrogram: &Spectrogram) -> f32 {
    let format = spectrogram.format;
    let bands = Bands::erb(BANDS, format.bins(), format.sample_rate);
    let segment_frames = (SEGMENT_S * format.sample_rate / spectrogram.layout.hop_len() as f32).ceil() as usize;
    let banded = |segment: ArrayView2<f32>| {
        let mut banded = vec![0.0; format.channels * bands.len()];
        bands.sum_rows(&segment.sum_axis(Axis(0)).to_vec(), &mut banded);
        banded
    };
    let whole = spectrogram.magnitudes.exact_chunks((segment_frames, format.rows()));
    let segments: Vec<Vec<f32>> = whole.into_iter().map(banded).collect();
    let mean = |band: usize| segments.iter().map(|segment| segment[band]).sum::<f32>() / segments.len() as f32;
    let means: Vec<f32> = (0..format.channels * bands.len()).map(mean).collect();
    let distance = |segment: &Vec<f32>| segment.iter().zip(&means).map(|(x, mean)| (x - mean).abs()).sum::<f32>();
    let total: f32 = segments.iter().flatten().sum();
    // A capture that is too short counts as not steady: every sound is steady for a moment.
    if total > 0.0 && segments.len() >= MIN_SEGMENTS {
        segments.iter().map(distance).sum::<f32>() / total
    } else {
        f32::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{StftLayout, Window};
    use crate::learn::Capture;
    use rand::{RngExt, SeedableRng};

    fn unsteadiness_of(sample: impl FnMut(usize) -> f32) -> f32 {
        unsteadiness_in(66_150, sample)
    }

    fn unsteadiness_in(samples: usize, sample: impl FnMut(usize) -> f32) -> f32 {
        let capture = Capture::new(44_100.0, vec![(0..samples).map(sample).collect()]).unwrap();
        unsteadiness(&capture.spectrogram(StftLayout::default(), Window::SqrtHann).unwrap())
    }

    #[test]
    fn hum_and_noise_are_steady_and_hits_and_melodies_are_not() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut noise = || rng.random_range(-1.0f32..1.0);
        let second = |n: usize| n as f32 / 44_100.0;
        let sine = |n: usize, hz: f32| (std::f32::consts::TAU * hz * second(n)).sin();
        let hum = unsteadiness_of(|n| {
            let wobble = 1.0 + 0.05 * sine(n, 3.0);
            wobble * (1..10).map(|k| sine(n, 50.0 * k as f32) / k as f32).sum::<f32>()
        });
        let hiss = unsteadiness_of(|_| noise());
        let hits = unsteadiness_of(|n| noise() * (-20.0 * (second(n) % 0.25)).exp());
        let melody = unsteadiness_of(|n| sine(n, [220.0, 330.0, 440.0][n / 8000 % 3]));
        assert_eq!(unsteadiness_in(20_000, |n| sine(n, 50.0)), f32::INFINITY, "half a second is too short to tell");
        println!("hum {hum}, hiss {hiss}, hits {hits}, melody {melody}");
        assert!(hum < STEADY / 2.0 && hiss < STEADY / 2.0 && hits > 2.0 * STEADY && melody > 2.0 * STEADY);
    }
}
