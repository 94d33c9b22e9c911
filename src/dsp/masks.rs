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

    /// Computes every component's mask: L^p / Σ L^p with L = W h summed over the component's templates, the generalised
    /// Wiener filter (p = 1 shares magnitudes, p = 2 power; `exponent` > 0).
    pub fn update(&mut self, templates: &Templates, activations: &[f32], exponent: f32) {
        let (rows, components) = (templates.format().rows(), templates.components().len());
        let masks = &mut self.masks[..components * self.max_rows];
        for mask in masks.chunks_exact_mut(self.max_rows) {
            mask[..rows].fill(0.0);
        }
        for ((template, &owner), &activation) in templates.full().templates().zip(templates.owners()).zip(activations) {
            kernels::add_scaled(&mut masks[owner * self.max_rows..][..rows], activation, template);
        }
        let sums = &mut self.sums[..rows];
        sums.fill(0.0);
        for mask in masks.chunks_exact_mut(self.max_rows) {
            raise(&mut mask[..rows], exponent);
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

    /// The mask of one component, after an update.
    pub fn component(&self, component: usize, rows: usize) -> &[f32] {
        &self.masks[component * self.max_rows..][..rows]
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
