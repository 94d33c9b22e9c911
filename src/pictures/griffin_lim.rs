//! Sound from magnitudes alone, after Griffin and Lim (1984), *Signal Estimation from Modified Short-Time Fourier
//! Transform*: makes a template audible.

use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::dsp::{Complex32, Istft, Stft, StftLayout, Window};

/// Iterations after which a template sounds no better.
pub const ITERATIONS: usize = 60;
/// How long a template is heard.
const TEMPLATE_S: f32 = 2.0;
/// Fades at both ends of it.
const FADE_MS: f32 = 20.0;
/// Its loudest sample: −6 dB.
const PEAK: f32 = 0.5;

/// Samples whose spectrogram is close to `magnitudes` (frames × bins, finite, ≥ 0), from a phase that `seed` decides:
///
/// ```text
/// x ← ISTFT(|X| · e^{i arg STFT(x)})
/// ```
///
/// One hop of samples per frame, and a window less a hop more; the layout's window is `window`.
pub fn griffin_lim(
    magnitudes: ArrayView2<f32>,
    layout: StftLayout,
    window: Window,
    iterations: usize,
    seed: u64,
) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut spectra =
        magnitudes.mapv(|magnitude| Complex32::from_polar(magnitude, rng.random_range(0.0..std::f32::consts::TAU)));
    let mut stft = Stft::new(layout, window);
    let mut samples = resynthesize(&spectra, layout, window);
    for _ in 0..iterations {
        for (frame, mut spectrum) in spectra.rows_mut().into_iter().enumerate() {
            if let Some(spectrum) = spectrum.as_slice_mut() {
                stft.analyze(&samples[frame * layout.hop_len()..][..layout.window_len()], spectrum);
            }
        }
        spectra.zip_mut_with(&magnitudes, |x, &magnitude| {
            let norm = x.norm();
            *x = if norm > f32::MIN_POSITIVE { *x * (magnitude / norm) } else { magnitude.into() };
        });
        samples = resynthesize(&spectra, layout, window);
    }
    samples
}

/// The samples of overlapping spectra (frames × bins), from the first frame's first sample to the last one's last.
/// Spectra of real sound, unchanged, give the sound back wherever windows overlap fully.
pub fn resynthesize(spectra: &Array2<Complex32>, layout: StftLayout, window: Window) -> Vec<f32> {
    let (hop_len, bins) = (layout.hop_len(), layout.bins());
    let mut istft = Istft::new(layout, window, 1);
    let tail = layout.window_len() / hop_len - 1;
    let mut samples = vec![0.0; (spectra.nrows() + tail) * hop_len];
    let mut spectrum = vec![Complex32::default(); bins];
    for (frame, hop) in samples.chunks_exact_mut(hop_len).enumerate() {
        spectrum.fill(Complex32::default());
        if frame < spectra.nrows() {
            spectrum.iter_mut().zip(spectra.row(frame)).for_each(|(slot, &x)| *slot = x);
        }
        istft.synthesize(0, &mut spectrum, hop);
    }
    samples
}

/// Two seconds of one channel of a template (`bins` values) held at constant strength, its loudest sample −6 dB.
pub fn template_sound(template: &[f32], sample_rate: f32, layout: StftLayout, window: Window, seed: u64) -> Vec<f32> {
    let frames = (TEMPLATE_S * sample_rate / layout.hop_len() as f32).ceil() as usize;
    let lead = layout.window_len() / layout.hop_len();
    let magnitudes = Array2::from_shape_fn((frames + 2 * lead, template.len()), |(_, bin)| template[bin]);
    let samples = griffin_lim(magnitudes.view(), layout, window, ITERATIONS, seed);
    // Ends where windows do not overlap fully are cut off.
    let len = (TEMPLATE_S * sample_rate) as usize;
    let mut sound: Vec<f32> = samples.into_iter().skip(layout.window_len()).take(len).collect();
    let loudest = sound.iter().fold(f32::MIN_POSITIVE, |loudest: f32, sample| loudest.max(sample.abs()));
    let fade_len = FADE_MS / 1000.0 * sample_rate;
    for (n, sample) in sound.iter_mut().enumerate() {
        let from_end = n.min(len - 1 - n) as f32;
        *sample *= PEAK / loudest * (from_end / fade_len).min(1.0);
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterations_bring_the_spectrogram_closer_to_the_magnitudes() {
        let layout = StftLayout::new(512, 128).unwrap();
        let window = Window::SqrtHann;
        let magnitudes = Array2::from_shape_fn((40, 257), |(frame, bin)| {
            (-((bin as f32 - 40.0 - frame as f32) / 3.0).powi(2)).exp() + 0.01
        });
        let error = |iterations| {
            let samples = griffin_lim(magnitudes.view(), layout, window, iterations, 1);
            let mut stft = Stft::new(layout, window);
            let mut spectrum = vec![Complex32::default(); 257];
            let mut sum = 0.0;
            for (frame, row) in magnitudes.rows().into_iter().enumerate() {
                stft.analyze(&samples[frame * 128..][..512], &mut spectrum);
                sum += spectrum.iter().zip(row).map(|(x, magnitude)| (x.norm() - magnitude).powi(2)).sum::<f32>();
            }
            sum
        };
        let (start, middle, end) = (error(0), error(10), error(ITERATIONS));
        assert!(end < middle && middle < start / 2.0, "{start} {middle} {end}");
    }

    #[test]
    fn a_template_sounds_at_its_frequency_and_at_minus_six_db() {
        let layout = StftLayout::default();
        let mut template = vec![0.0; layout.bins()];
        template[99..=101].copy_from_slice(&[0.25, 0.5, 0.25]);
        let sound = template_sound(&template, 44_100.0, layout, Window::SqrtHann, 1);
        assert_eq!(sound.len(), 88_200);
        let loudest = sound.iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
        assert!((0.35..=0.5001).contains(&loudest), "{loudest}");
        let mut spectrum = vec![Complex32::default(); layout.bins()];
        Stft::new(layout, Window::SqrtHann).analyze(&sound[40_000..42_048], &mut spectrum);
        let peak = (0..1025).max_by(|&a, &b| spectrum[a].norm().total_cmp(&spectrum[b].norm()));
        assert!(matches!(peak, Some(99..=101)), "{peak:?}");
    }
}
