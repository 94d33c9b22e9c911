//! Spectra to samples: windowed overlap-add. Lives on the audio thread; learning uses the same code offline.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};

use super::stft::{StftLayout, Window};
use crate::dsp::simd;

/// The inverse transform and the overlapping sums of several streams ("lanes": channels, components).
pub struct Istft {
    layout: StftLayout,
    transform: Arc<dyn ComplexToReal<f32>>,
    /// The synthesis window, multiplied by the transform's factor 1/N.
    window: Vec<f32>,
    frame: Vec<f32>,
    scratch: Vec<Complex32>,
    /// Per lane, the samples to which later frames still add: one synthesis window.
    sums: Vec<Vec<f32>>,
}

impl Istft {
    /// Plans the transform for `lanes` streams analysed with `window`. With the matching synthesis window, unchanged
    /// spectra reproduce the samples.
    pub fn new(layout: StftLayout, window: Window, lanes: usize) -> Self {
        let transform = RealFftPlanner::new().plan_fft_inverse(layout.window_len());
        let scale = (layout.window_len() as f32).recip();
        Self {
            layout,
            window: window.synthesis(layout).iter().map(|value| value * scale).collect(),
            frame: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
            sums: vec![vec![0.0; layout.synthesis_len()]; lanes],
        }
    }

    /// Adds one frame to a lane and writes the hop of samples that is now complete: the first samples of the frame's
    /// synthesis window. `spectrum` (`bins` values) is overwritten; `hop` is one hop long.
    pub fn synthesize(&mut self, lane: usize, spectrum: &mut [Complex32], hop: &mut [f32]) {
        // For a real signal, these imaginary parts are 0; the transform would report an error if rounding left any.
        if let [first, .., last] = spectrum {
            first.im = 0.0;
            last.im = 0.0;
        }
        if self.transform.process_with_scratch(spectrum, &mut self.frame, &mut self.scratch).is_err() {
            self.frame.fill(0.0);
        }
        let sum = &mut self.sums[lane];
        let synthesised = &self.frame[self.layout.window_len() - self.layout.synthesis_len()..];
        simd::wide(|| {
            for ((sum, &sample), &weight) in sum.iter_mut().zip(synthesised).zip(&self.window) {
                *sum += sample * weight;
            }
        });
        self.skip(lane, hop);
    }

    /// Like [`Istft::synthesize`] with a spectrum of zeros, but without computing the transform.
    pub fn skip(&mut self, lane: usize, hop: &mut [f32]) {
        let sum = &mut self.sums[lane];
        let hop_len = self.layout.hop_len();
        hop.copy_from_slice(&sum[..hop_len]);
        sum.copy_within(hop_len.., 0);
        let kept = sum.len() - hop_len;
        sum[kept..].fill(0.0);
    }

    /// Clears the overlapping sums of every lane.
    pub fn reset(&mut self) {
        self.sums.iter_mut().for_each(|sum| sum.fill(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Stft;

    #[test]
    fn unchanged_spectra_give_the_samples_back_for_every_layout_and_window() {
        for (window_len, synthesis_len) in
            [(256, 256), (2048, 2048), (16_384, 16_384), (256, 16), (2048, 128), (2048, 512), (8192, 512)]
        {
            for (overlap, window) in [(4, Window::SqrtHann), (2, Window::SqrtHann), (4, Window::BlackmanHarris)] {
                if window == Window::BlackmanHarris && synthesis_len < window_len {
                    continue;
                }
                let layout = StftLayout::asymmetric(window_len, synthesis_len, synthesis_len / overlap).unwrap();
                let hop_len = layout.hop_len();
                let input: Vec<f32> = (0..window_len * 4).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
                let mut stft = Stft::new(layout, window);
                let mut istft = Istft::new(layout, window, 1);
                let mut spectrum = vec![Complex32::default(); layout.bins()];
                let mut output = vec![0.0; window_len * 3];
                for (start, out) in (0..).step_by(hop_len).zip(output.chunks_exact_mut(hop_len)) {
                    stft.analyze(&input[start..start + window_len], &mut spectrum);
                    istft.synthesize(0, &mut spectrum, out);
                }
                let first = window_len - synthesis_len;
                let complete = synthesis_len..window_len * 3;
                let error = complete.map(|n| (output[n] - input[first + n]).abs()).fold(0.0, f32::max);
                // 3e-6 (−110 dB of the peak): rounding of two f32 transforms of up to 16384 points.
                assert!(error < 3e-6, "{layout:?} {window:?}: {error}");
            }
        }
    }
}
