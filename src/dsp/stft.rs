//! Samples to spectra: [`StftLayout`], the checked window and hop, and [`Stft`], one windowed transform per hop.
//! Lives on the audio thread; learning uses the same code offline.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use thiserror::Error;

use crate::dsp::simd;

/// Window, hop and latency of a short-time Fourier transform, checked once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StftLayout {
    window_len: usize,
    hop_len: usize,
    synthesis_len: usize,
}

/// Why a layout is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LayoutError {
    /// The window is not a power of two, or it is too short or too long.
    #[error("window of {0} samples: it must be a power of two from {min} to {max}", min = StftLayout::MIN_WINDOW_LEN, max = StftLayout::MAX_WINDOW_LEN)]
    Window(usize),
    /// The synthesis window is not a power of two, or it is too short, or longer than the analysis window.
    #[error("synthesis window of {synthesis_len} samples: it must be a power of two from {min} to the window's {window_len}", min = StftLayout::MIN_SYNTHESIS_LEN)]
    Synthesis {
        /// The requested synthesis window, in samples.
        synthesis_len: usize,
        /// The requested window, in samples.
        window_len: usize,
    },
    /// The hop is neither a half nor a quarter of the synthesis window.
    #[error("hop of {hop_len} samples: with a synthesis window of {synthesis_len} it must be {quarter} or {half}", quarter = synthesis_len / 4, half = synthesis_len / 2)]
    Hop {
        /// The requested hop, in samples.
        hop_len: usize,
        /// The requested synthesis window, in samples.
        synthesis_len: usize,
    },
}

impl StftLayout {
    /// The shortest window, in samples.
    pub const MIN_WINDOW_LEN: usize = 256;
    /// The longest window, in samples.
    pub const MAX_WINDOW_LEN: usize = 16_384;
    /// The shortest synthesis window, in samples.
    pub const MIN_SYNTHESIS_LEN: usize = 16;

    /// The window is a power of two from 256 to 16384 samples; the hop is a quarter or half of it.
    ///
    /// # Errors
    /// The window or the hop has any other length.
    pub fn new(window_len: usize, hop_len: usize) -> Result<Self, LayoutError> {
        Self::asymmetric(window_len, window_len, hop_len)
    }

    /// A long window for analysis, and a short one for synthesis, which covers the last `synthesis_len` samples of the
    /// long one. The long window determines the spectra, the short one the latency. The synthesis window is a power of
    /// two from 16 samples up to the analysis window; the hop is a quarter or half of the synthesis window.
    ///
    /// # Errors
    /// The window or the hop has any other length.
    pub fn asymmetric(window_len: usize, synthesis_len: usize, hop_len: usize) -> Result<Self, LayoutError> {
        if !window_len.is_power_of_two() || !(Self::MIN_WINDOW_LEN..=Self::MAX_WINDOW_LEN).contains(&window_len) {
            return Err(LayoutError::Window(window_len));
        }
        if !synthesis_len.is_power_of_two() || !(Self::MIN_SYNTHESIS_LEN..=window_len).contains(&synthesis_len) {
            return Err(LayoutError::Synthesis { synthesis_len, window_len });
        }
        if hop_len != synthesis_len / 4 && hop_len != synthesis_len / 2 {
            return Err(LayoutError::Hop { hop_len, synthesis_len });
        }
        Ok(Self { window_len, hop_len, synthesis_len })
    }

    /// Window length in samples.
    pub fn window_len(self) -> usize {
        self.window_len
    }

    /// Samples between analysis frames.
    pub fn hop_len(self) -> usize {
        self.hop_len
    }

    /// Length in samples of the synthesis window, which covers the end of the analysis window.
    pub fn synthesis_len(self) -> usize {
        self.synthesis_len
    }

    /// Bins of one spectrum: half the window, plus one.
    pub fn bins(self) -> usize {
        self.window_len / 2 + 1
    }

    /// Delay in samples from an input sample to the same output sample: one synthesis window. An output sample is
    /// complete only after the last synthesis window that covers it. That window ends up to its own length later, and
    /// is computed when it ends.
    pub fn latency_samples(self) -> usize {
        self.synthesis_len
    }
}

impl Default for StftLayout {
    /// 2048 samples, hop 512: the best separation for most music.
    fn default() -> Self {
        Self { window_len: 2048, hop_len: 512, synthesis_len: 2048 }
    }
}

/// Analysis windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// √Hann, periodic: the window that this program uses, for analysis and synthesis. If the synthesis window is
    /// shorter than the analysis window, the analysis window rises slowly and falls as fast as the synthesis window.
    SqrtHann,
    /// Four-term Blackman-Harris, periodic: the window of the lecture. The synthesis window must have the same length.
    BlackmanHarris,
}

impl Window {
    /// The analysis window, `window_len` samples.
    pub fn analysis(self, layout: StftLayout) -> Vec<f32> {
        (0..layout.window_len).map(|n| self.value(n, layout) as f32).collect()
    }

    /// The synthesis window, `synthesis_len` samples: s = p / (a Σp). Here a is the end of the analysis window, p is a
    /// Hann window (for √Hann) or a² (for Blackman-Harris), and Σp is the sum of the overlapping p. Unchanged spectra
    /// reproduce the samples. If both windows are equally long, s is the least-squares window of Griffin and Lim
    /// (1984), equation 6.
    pub fn synthesis(self, layout: StftLayout) -> Vec<f32> {
        let (len, start) = (layout.synthesis_len, layout.window_len - layout.synthesis_len);
        let product = |n: usize| match self {
            Self::SqrtHann => (std::f64::consts::PI * n as f64 / len as f64).sin().powi(2),
            Self::BlackmanHarris => self.value(start + n, layout).powi(2),
        };
        let overlapped = |n: usize| (n % layout.hop_len..len).step_by(layout.hop_len).map(product).sum::<f64>();
        let value = |n: usize| match product(n) {
            0.0 => 0.0,
            product => product / (self.value(start + n, layout) * overlapped(n)),
        };
        (0..len).map(|n| value(n) as f32).collect()
    }

    fn value(self, n: usize, layout: StftLayout) -> f64 {
        let StftLayout { window_len, synthesis_len, .. } = layout;
        match self {
            Self::SqrtHann => {
                let fall = synthesis_len / 2;
                let rise = window_len - fall;
                let (n, half) = if n < rise { (n, rise) } else { (n - rise + fall, fall) };
                (std::f64::consts::FRAC_PI_2 * n as f64 / half as f64).sin()
            }
            // Harris 1978, the minimum four-term window.
            Self::BlackmanHarris => {
                let p = std::f64::consts::TAU * n as f64 / window_len as f64;
                0.35875 - 0.48829 * p.cos() + 0.14128 * (2.0 * p).cos() - 0.01168 * (3.0 * p).cos()
            }
        }
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
            window: window.analysis(layout),
            windowed: transform.make_input_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// Writes the spectrum (`bins` values) of the windowed `samples` (one window long).
    pub fn analyze(&mut self, samples: &[f32], spectrum: &mut [Complex32]) {
        simd::wide(|| {
            for ((out, &sample), &weight) in self.windowed.iter_mut().zip(samples).zip(&self.window) {
                *out = sample * weight;
            }
        });
        // This fails only if a length is wrong, before the transform starts; a spectrum of zeros is the safe result.
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
        for exponent in 8..=14 {
            let window_len = 1 << exponent;
            for overlap in [2, 4] {
                let layout = StftLayout::new(window_len, window_len / overlap).unwrap();
                assert_eq!(layout.bins(), window_len / 2 + 1);
            }
            assert!(StftLayout::new(window_len, window_len).is_err());
            assert!(StftLayout::new(window_len, 0).is_err());
        }
        for window_len in [0, 1, 128, 1000, 32_768] {
            assert_eq!(StftLayout::new(window_len, window_len / 4), Err(LayoutError::Window(window_len)));
        }
    }

    #[test]
    fn synthesis_windows_are_powers_of_two_up_to_the_window() {
        for synthesis_len in [16, 128, 512, 2048] {
            let layout = StftLayout::asymmetric(2048, synthesis_len, synthesis_len / 2).unwrap();
            assert_eq!(layout.latency_samples(), synthesis_len);
            assert!(StftLayout::asymmetric(2048, synthesis_len, 2 * synthesis_len).is_err());
        }
        for synthesis_len in [0, 8, 100, 4096] {
            let error = LayoutError::Synthesis { synthesis_len, window_len: 2048 };
            assert_eq!(StftLayout::asymmetric(2048, synthesis_len, synthesis_len / 2), Err(error));
        }
    }

    #[test]
    fn an_asymmetric_window_peaks_where_its_short_half_begins_and_ends_near_zero() {
        let layout = StftLayout::asymmetric(2048, 512, 128).unwrap();
        let window = Window::SqrtHann.analysis(layout);
        assert_eq!((window.len(), window[0], window[2048 - 256]), (2048, 0.0, 1.0));
        assert!(window[..1792].is_sorted() && window[1792..].iter().rev().is_sorted());
        assert!(window[2047] < 0.01);
    }

    #[test]
    fn a_sine_peaks_in_its_own_bin_at_half_the_window_sum() {
        let layout = StftLayout::default();
        let sine: Vec<f32> =
            (0..2048).map(|n| (std::f64::consts::TAU * 100.0 * n as f64 / 2048.0).sin() as f32).collect();
        let mut spectrum = vec![Complex32::default(); layout.bins()];
        Stft::new(layout, Window::SqrtHann).analyze(&sine, &mut spectrum);
        let peak = spectrum.iter().map(|x| x.norm()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let half_sum = Window::SqrtHann.analysis(layout).iter().sum::<f32>() / 2.0;
        assert_eq!(peak.0, 100);
        // 1e-5: f32 sums of 2048 products.
        assert!((peak.1 / half_sum - 1.0).abs() < 1e-5, "{} {half_sum}", peak.1);
    }
}
