//! Whether a capture is steady: hum or noise that does not change, which one template describes best.

use ndarray::{ArrayView2, Axis};

use super::capture::Spectrogram;
use crate::dsp::bands::Bands;

/// Bands in which loudness is compared: noise is steady in bands, not in bins.
const BANDS: usize = 24;
/// How long a stretch evens out what noise is by chance.
const STRETCH_S: f32 = 0.1;
/// Fewer stretches than these say nothing.
const MIN_STRETCHES: usize = 10;
/// The share of the sum that may be elsewhere than in the average stretch.
const STEADY: f32 = 0.2;

/// Whether every stretch of a tenth of a second has the same spectrum and the same level: Σ |B − mean B| / Σ B, over bands and
/// stretches, is small. Hits and notes are neither.
pub fn is_steady(spectrogram: &Spectrogram) -> bool {
    unsteadiness(spectrogram) < STEADY
}

fn unsteadiness(spectrogram: &Spectrogram) -> f32 {
    let format = spectrogram.format;
    let bands = Bands::erb(BANDS, format.bins(), format.sample_rate);
    let stretch_frames = (STRETCH_S * format.sample_rate / spectrogram.layout.hop_len() as f32).ceil() as usize;
    let banded = |stretch: ArrayView2<f32>| {
        let mut banded = vec![0.0; format.channels * bands.len()];
        bands.sum_rows(&stretch.sum_axis(Axis(0)).to_vec(), &mut banded);
        banded
    };
    let whole = spectrogram.magnitudes.exact_chunks((stretch_frames, format.rows()));
    let stretches: Vec<Vec<f32>> = whole.into_iter().map(banded).collect();
    let mean = |band: usize| stretches.iter().map(|stretch| stretch[band]).sum::<f32>() / stretches.len() as f32;
    let means: Vec<f32> = (0..format.channels * bands.len()).map(mean).collect();
    let distance = |stretch: &Vec<f32>| stretch.iter().zip(&means).map(|(x, mean)| (x - mean).abs()).sum::<f32>();
    let total: f32 = stretches.iter().flatten().sum();
    // Too short to tell is not steady: any sound is, for a moment.
    if total > 0.0 && stretches.len() >= MIN_STRETCHES {
        stretches.iter().map(distance).sum::<f32>() / total
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
