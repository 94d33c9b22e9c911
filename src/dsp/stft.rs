//! Samples to spectra: [`StftLayout`], the checked window and hop, and [`Stft`], one windowed transform per hop.
//! Lives on the audio thread; learning uses the same code offline.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use thiserror::Error;

/// Window and hop of a short-time Fourier transform, checked once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StftLayout {
    window_len: usize,
    hop_len: usize,
}

/// Why a window and hop are refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LayoutError {
    /// The window is no power of two, or too short or too long.
    #[error("window of {0} samples: it must be a power of two from {min} to {max}", min = StftLayout::MIN_WINDOW_LEN, max = StftLayout::MAX_WINDOW_LEN)]
    Window(usize),
    /// The hop does not overlap the windows two or four times.
    #[error("hop of {hop_len} samples: with a window of {window_len} it must be {quarter} or {half}", quarter = window_len / 4, half = window_len / 2)]
    Hop {
        /// The hop asked for, in samples.
        hop_len: usize,
        /// The window asked for, in samples.
        window_len: usize,
    },
}

impl StftLayout {
    /// The shortest window, in samples.
    pub const MIN_WINDOW_LEN: usize = 256;
    /// The longest window, in samples.
    pub const MAX_WINDOW_LEN: usize = 8192;

    /// A window of a power of two from 256 to 8192 samples, and a hop of a quarter or half of it.
    ///
    /// # Errors
    /// Any other window or hop.
    pub fn new(window_len: usize, hop_len: usize) -> Result<Self, LayoutError> {
        if !window_len.is_power_of_two() || !(Self::MIN_WINDOW_LEN..=Self::MAX_WINDOW_LEN).contains(&window_len) {
            return Err(LayoutError::Window(window_len));
        }
        if hop_len != window_len / 4 && hop_len != window_len / 2 {
            return Err(LayoutError::Hop { hop_len, window_len });
        }
        Ok(Self { window_len, hop_len })
    }

    /// Window length in samples.
    pub fn window_len(self) -> usize {
        self.window_len
    }

    /// Samples between analysis frames.
    pub fn hop_len(self) -> usize {
        self.hop_len
    }

    /// Bins of one spectrum: half the window, plus one.
    pub fn bins(self) -> usize {
        self.window_len / 2 + 1
    }

    /// Samples from an input sample to the same sample in the output: one window. A sample is complete only when
    /// the last window that covers it is; that window ends up to a window later, and is computed as it ends.
    pub fn latency_samples(self) -> usize {
        self.window_len
    }
}

impl Default for StftLayout {
    /// 2048 samples, hop 512: what separates best for most music.
    fn default() -> Self {
        Self { window_len: 2048, hop_len: 512 }
    }
}

/// Analysis windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// √Hann, periodic: the product's window, for analysis and synthesis.
    SqrtHann,
    /// Four-term Blackman-Harris, periodic: the window of the lecture.
    BlackmanHarris,
}

impl Window {
    /// The window's `len` samples.
    pub fn samples(self, len: usize) -> Vec<f32> {
        let phase = |n: usize| std::f64::consts::TAU * n as f64 / len as f64;
        let value = |n: usize| match self {
            // The root of (1 − cos 2πn/N)/2.
            Self::SqrtHann => (phase(n) / 2.0).sin(),
            // Harris 1978, the minimum four-term window.
            Self::BlackmanHarris => {
                let p = phase(n);
                0.35875 - 0.48829 * p.cos() + 0.14128 * (2.0 * p).cos() - 0.01168 * (3.0 * p).cos()
            }
        };
        (0..len).map(|n| value(n) as f32).collect()
    }
}

/// The forward transform of one channel: a window of samples to one spectrum.
pub struct Stft {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    windowed: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl Stft {
    /// Plans the transform of `layout` with an analysis window.
    pub fn new(layout: StftLayout, window: Window) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(layout.window_len());
        Self {
            window: window.samples(layout.window_len()),
            windowed: transform.make_input_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// Writes the spectrum (`bins` values) of the windowed `samples` (one window long).
    pub fn analyze(&mut self, samples: &[f32], spectrum: &mut [Complex32]) {
        for ((out, &sample), &weight) in self.windowed.iter_mut().zip(samples).zip(&self.window) {
            *out = sample * weight;
        }
        // Fails only on wrong lengths, and then before the transform: a spectrum of zeros is the safe answer.
        if self.transform.process_with_scratch(&mut self.windowed, spectrum, &mut self.scratch).is_err() {
            spectrum.fill(Complex32::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_powers_of_two_with_two_or_four_overlaps() {
        for exponent in 8..=13 {
            let window_len = 1 << exponent;
            for overlap in [2, 4] {
                let layout = StftLayout::new(window_len, window_len / overlap).unwrap();
                assert_eq!(layout.bins(), window_len / 2 + 1);
            }
            assert!(StftLayout::new(window_len, window_len).is_err());
            assert!(StftLayout::new(window_len, 0).is_err());
        }
        for window_len in [0, 1, 128, 1000, 16384] {
            assert_eq!(StftLayout::new(window_len, window_len / 4), Err(LayoutError::Window(window_len)));
        }
    }

    #[test]
    fn a_sine_peaks_in_its_own_bin_at_half_the_window_sum() {
        let layout = StftLayout::default();
        let sine: Vec<f32> =
            (0..2048).map(|n| (std::f64::consts::TAU * 100.0 * n as f64 / 2048.0).sin() as f32).collect();
        let mut spectrum = vec![Complex32::default(); layout.bins()];
        Stft::new(layout, Window::SqrtHann).analyze(&sine, &mut spectrum);
        let peak = spectrum.iter().map(|x| x.norm()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let half_sum = Window::SqrtHann.samples(2048).iter().sum::<f32>() / 2.0;
        assert_eq!(peak.0, 100);
        // 1e-5: f32 sums of 2048 products.
        assert!((peak.1 / half_sum - 1.0).abs() < 1e-5, "{} {half_sum}", peak.1);
    }
}
