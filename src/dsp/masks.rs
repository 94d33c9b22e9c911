//! Soft masks: each component's share of every bin. They lie in [0, 1] and sum to one. Lives on the audio thread.

use super::kernels;
use super::templates::Templates;

/// Added to every component's share: silence is shared alike, and nothing divides by zero.
const SHARE_FLOOR: f32 = 1e-30;

/// The masks of one frame.
pub struct SoftMasks {
    max_rows: usize,
    /// Component after component, each `rows` values of the templates at hand.
    masks: Vec<f32>,
    sums: Vec<f32>,
}

impl SoftMasks {
    /// Memory for `max_components` masks of up to `max_rows` values.
    pub fn new(max_rows: usize, max_components: usize) -> Self {
        Self { max_rows, masks: vec![0.0; max_rows * max_components], sums: vec![0.0; max_rows] }
    }

    /// Computes every component's mask: L^p / Σ L^p with L = c W h, its templates' sum times its calibration; the generalised
    /// Wiener filter (p = 1 shares magnitudes, p = 2 power; `exponent` > 0). One value per row.
    pub fn update(&mut self, templates: &Templates, activations: &[f32], exponent: f32) {
        self.estimate(templates, activations);
        let (components, rows) = (templates.components().len(), templates.format().rows());
        for estimate in self.masks.chunks_exact_mut(self.max_rows).take(components) {
            raise(&mut estimate[..rows], exponent);
        }
        self.normalise(components, rows);
    }

    /// Like [`SoftMasks::update`], one value per bin of a stereo frame: L is the length of (left, right).
    pub fn update_joint(&mut self, templates: &Templates, activations: &[f32], exponent: f32) {
        self.estimate(templates, activations);
        let (components, bins) = (templates.components().len(), templates.format().bins());
        for estimate in self.masks.chunks_exact_mut(self.max_rows).take(components) {
            let (left, right) = estimate.split_at_mut(bins);
            for (left, right) in left.iter_mut().zip(right) {
                *left = (*left * *left + *right * *right).sqrt();
            }
            raise(left, exponent);
        }
        self.normalise(components, bins);
    }

    /// L = c W h of every component, in the place of its mask: what the masks are made of.
    pub fn estimate(&mut self, templates: &Templates, activations: &[f32]) {
        let (rows, components) = (templates.format().rows(), templates.components().len());
        for estimate in self.masks.chunks_exact_mut(self.max_rows).take(components) {
            estimate[..rows].fill(0.0);
        }
        let owned = templates.full().templates().zip(templates.owners()).zip(activations);
        // Most copies are silent.
        for ((template, &owner), &activation) in owned.filter(|(_, activation)| **activation != 0.0) {
            kernels::add_scaled(&mut self.masks[owner * self.max_rows..][..rows], activation, template);
        }
        for (component, estimate) in self.masks.chunks_exact_mut(self.max_rows).take(components).enumerate() {
            if let Some(calibration) = templates.calibration(component) {
                estimate.iter_mut().zip(calibration).for_each(|(value, gain)| *value *= gain);
            }
        }
    }

    fn normalise(&mut self, components: usize, len: usize) {
        let masks = &mut self.masks[..components * self.max_rows];
        let sums = &mut self.sums[..len];
        sums.fill(0.0);
        for mask in masks.chunks_exact_mut(self.max_rows) {
            for (sum, share) in sums.iter_mut().zip(mask) {
                *share += SHARE_FLOOR;
                *sum += *share;
            }
        }
        for mask in masks.chunks_exact_mut(self.max_rows) {
            for (share, &sum) in mask.iter_mut().zip(sums.iter()) {
                *share /= sum;
            }
        }
    }

    /// The first `len` values of one component's mask, after an update.
    pub fn component(&self, component: usize, len: usize) -> &[f32] {
        &self.masks[component * self.max_rows..][..len]
    }

    /// Every component's mask, and the distance from one to the next.
    pub fn all(&self) -> (&[f32], usize) {
        (&self.masks, self.max_rows)
    }
}

/// x ← x^exponent; the usual exponents without a logarithm.
fn raise(x: &mut [f32], exponent: f32) {
    if exponent == 1.5 {
        x.iter_mut().for_each(|x| *x *= x.sqrt());
    } else if exponent == 2.0 {
        x.iter_mut().for_each(|x| *x *= *x);
    } else if exponent != 1.0 {
        x.iter_mut().for_each(|x| *x = x.powf(exponent));
    }
}
