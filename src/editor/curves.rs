//! Templates as curves, computed once per model.

use std::sync::Arc;

use crate::dsp::column::{HIGHEST_HZ, LOWEST_HZ};
use crate::editor::screen::TemplateCurve;
use crate::model::Model;

/// Points of a curve: about one for each point of a strip's width.
const POINTS: usize = 118;
/// Decibels from the top of the plot to its bottom.
const RANGE_DB: f32 = 54.0;

/// The curves of the model that was shown last.
#[derive(Default)]
pub(super) struct Curves {
    model: Option<Arc<Model>>,
    /// Per component.
    curves: Vec<Vec<TemplateCurve>>,
}

impl Curves {
    /// The curves of a component's templates.
    pub(super) fn of(&mut self, model: &Arc<Model>, component: usize) -> Vec<TemplateCurve> {
        if !self.model.as_ref().is_some_and(|known| Arc::ptr_eq(known, model)) {
            self.curves = curves(model);
            self.model = Some(model.clone());
        }
        self.curves.get(component).cloned().unwrap_or_default()
    }
}

fn curves(model: &Model) -> Vec<Vec<TemplateCurve>> {
    let templates = model.templates();
    let (bins, window_len) = (templates.format().bins(), templates.format().window_len);
    let bin_hz = templates.format().sample_rate / window_len as f32;
    let mut curves = vec![Vec::new(); templates.components().len()];
    for (index, (template, &owner)) in templates.full().templates().zip(templates.owners()).enumerate() {
        // The louder channel of each bin.
        let louder: Vec<f32> =
            (0..bins).map(|bin| template.chunks_exact(bins).map(|channel| channel[bin]).fold(0.0, f32::max)).collect();
        curves[owner].push(TemplateCurve { index, heights: heights(&louder, bin_hz) });
    }
    curves
}

fn heights(magnitudes: &[f32], bin_hz: f32) -> Arc<[f32]> {
    let loudest = magnitudes.iter().copied().fold(1e-12, f32::max);
    let last = magnitudes.len() - 1;
    let bin = |point: f32| LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(point / (POINTS - 1) as f32) / bin_hz;
    let height = |point: usize| {
        // Above half the sample rate of the capture there is nothing.
        if bin(point as f32) > last as f32 {
            return 0.0;
        }
        let (from, to) = (bin(point as f32 - 0.5), bin(point as f32 + 0.5));
        let (first, end) = ((from.ceil() as usize).min(last), (to.floor() as usize).min(last));
        let at = bin(point as f32);
        let below = (at as usize).min(last.saturating_sub(1));
        let between = magnitudes[below] + (magnitudes[(below + 1).min(last)] - magnitudes[below]) * (at - below as f32);
        let inside = magnitudes[first..].iter().take((end + 1).saturating_sub(first)).copied().fold(between, f32::max);
        (1.0 + 20.0 * (inside / loudest).max(1e-9).log10() / RANGE_DB).clamp(0.0, 1.0)
    };
    (0..POINTS).map(height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_at_its_frequency_on_the_logarithmic_axis() {
        let mut magnitudes = vec![0.0; 1025];
        magnitudes[43] = 0.5;
        let heights = heights(&magnitudes, 23.44);
        let highest = heights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(highest.0 as f32 / 117.0);
        assert!((hz / 1008.0).log2().abs() < 0.05 && *highest.1 > 0.9, "{hz} {}", highest.1);
        assert!(heights.iter().all(|height| (0.0..=1.0).contains(height)));
        assert!(heights.iter().filter(|height| **height > 0.0).count() < 6);
    }

    #[test]
    fn a_curve_ends_at_half_the_sample_rate_of_the_capture() {
        // At 8 kHz the last of 1025 bins is at 4 kHz: 117 of 118 points up to 16 kHz, 40 Hz at the first.
        let heights = heights(&[1.0; 1025], 8000.0 / 2048.0);
        let highest = 117.0 * (4000.0f32 / LOWEST_HZ).ln() / (HIGHEST_HZ / LOWEST_HZ).ln();
        for (point, height) in heights.iter().enumerate() {
            assert_eq!(*height, if point as f32 <= highest { 1.0 } else { 0.0 }, "point {point}");
        }
    }
}
