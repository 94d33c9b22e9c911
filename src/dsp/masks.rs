//! Soft masks: one value per component and bin. They lie in [0, 1] and sum to one over the components. Computed on the
//! audio thread.

use aligned_vec::{AVec, avec};

use super::dictionary::padded;
use super::templates::Templates;
use super::{MAX_PLAYED_TEMPLATES, simd};

/// Added to every mask before normalisation: silence is divided equally, and nothing divides by zero.
const MASK_FLOOR: f32 = 1e-30;

/// The masks of one frame.
pub struct SoftMasks {
    /// Distance from one component's mask to the next.
    stride: usize,
    /// Component after component, each with as many values as the templates have rows.
    masks: AVec<f32>,
    sums: Vec<f32>,
    /// The active templates of one component, and their activations.
    active: Vec<u32>,
    activations: Vec<f32>,
}

impl SoftMasks {
    /// Memory for `max_components` masks of up to `max_rows` values.
    pub fn new(max_rows: usize, max_components: usize) -> Self {
        let stride = padded(max_rows);
        Self {
            stride,
            masks: avec![0.0; stride * max_components],
            sums: vec![0.0; max_rows],
            active: Vec::with_capacity(MAX_PLAYED_TEMPLATES),
            activations: Vec::with_capacity(MAX_PLAYED_TEMPLATES),
        }
    }

    /// Computes every component's mask: L^p / Σ L^p with L = c W h, the sum of its templates times its calibration.
    /// This is the generalised Wiener filter (p = 1 for magnitudes, p = 2 for power; `exponent` > 0). One value per
    /// row.
    pub fn update(&mut self, templates: &Templates, activations: &[f32], exponent: f32) {
        self.estimate(templates, activations);
        let (components, rows) = (templates.components().len(), templates.format().rows());
        for estimate in self.masks.chunks_exact_mut(self.stride).take(components) {
            raise(&mut estimate[..rows], exponent);
        }
        self.normalise(components, rows);
    }

    /// Like [`SoftMasks::update`], one value per bin of a stereo frame: L is the norm of (left, right).
    pub fn update_joint(&mut self, templates: &Templates, activations: &[f32], exponent: f32) {
        self.estimate(templates, activations);
        let (components, bins) = (templates.components().len(), templates.format().bins());
        for estimate in self.masks.chunks_exact_mut(self.stride).take(components) {
            let (left, right) = estimate.split_at_mut(bins);
            simd::wide(|| {
                left.iter_mut().zip(right).for_each(|(left, right)| *left = (*left * *left + *right * *right).sqrt());
            });
            raise(left, exponent);
        }
        self.normalise(components, bins);
    }

    /// Computes L = c W h of every component and stores it instead of its mask.
    pub fn estimate(&mut self, templates: &Templates, activations: &[f32]) {
        let (rows, full) = (templates.format().rows(), templates.full());
        let components = templates.components().len();
        for (component, estimate) in self.masks.chunks_exact_mut(self.stride).take(components).enumerate() {
            self.active.clear();
            // Most copies are inactive.
            let is_active = |template: &u32| activations[*template as usize] != 0.0;
            self.active.extend(templates.owned(component).iter().copied().filter(is_active));
            self.activations.clear();
            self.activations.extend(self.active.iter().map(|&template| activations[template as usize]));
            simd::weighted_sum(full.chosen(&self.active), &self.activations, &mut estimate[..padded(rows)]);
            if let Some(calibration) = templates.calibration(component) {
                let estimate = &mut estimate[..rows];
                simd::wide(|| estimate.iter_mut().zip(calibration).for_each(|(value, gain)| *value *= gain));
            }
        }
    }

    fn normalise(&mut self, components: usize, len: usize) {
        let masks = &mut self.masks[..components * self.stride];
        let sums = &mut self.sums[..len];
        simd::wide(|| {
            sums.fill(MASK_FLOOR * components as f32);
            for mask in masks.chunks_exact(self.stride) {
                sums.iter_mut().zip(mask).for_each(|(sum, mask)| *sum += mask);
            }
            sums.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
            for mask in masks.chunks_exact_mut(self.stride) {
                mask.iter_mut().zip(sums.iter()).for_each(|(mask, inverse)| *mask = (*mask + MASK_FLOOR) * inverse);
            }
        });
    }

    /// The first `len` values of one component's mask, after an update.
    pub fn component(&self, component: usize, len: usize) -> &[f32] {
        &self.masks[component * self.stride..][..len]
    }

    /// Every component's mask, and the distance from one to the next.
    pub fn all(&self) -> (&[f32], usize) {
        (&self.masks, self.stride)
    }
}

/// x ← x^exponent. Common exponents need no logarithm.
fn raise(x: &mut [f32], exponent: f32) {
    if exponent == 1.5 {
        simd::wide(|| x.iter_mut().for_each(|x| *x *= x.sqrt()));
    } else if exponent == 2.0 {
        simd::wide(|| x.iter_mut().for_each(|x| *x *= *x));
    } else if exponent != 1.0 {
        x.iter_mut().for_each(|x| *x = x.powf(exponent));
    }
}
