//! Euclidean: hierarchical alternating least squares (HALS; Cichocki and Phan 2009), with two sweeps over the templates per
//! product with V (Gillis and Glineur 2012), and extrapolated as long as the loss falls (Ang and Gillis 2019).

use ndarray::Array2;

use super::descent::Descent;
use super::factors::{Factors, Multiplied};
use super::safeguard::Safeguard;
use super::tiles::{BLOCK, Shape, Sweep};
use crate::dsp::simd::{dispatch, wide};
use crate::learn::progress::{Cancelled, Poll};

/// Sweeps per product with V. One sweep needs up to four times as many products; four sweeps save no more.
const SWEEPS: usize = 2;

/// Extrapolation, as a fraction of a factor's last change.
const EXTRAPOLATION: f32 = 0.6;
/// Iterations before the first extrapolation: the first steps from a random start have no useful direction.
const PLAIN_STARTS: usize = 2;

/// The updates of one V.
pub struct Hals {
    factors: Factors,
    done: usize,
    /// The current extrapolation: 0 after the loss rose once.
    extrapolation: f32,
    /// W and H before extrapolation.
    w: Vec<f32>,
    h: Vec<f32>,
    safeguard: Safeguard,
}

impl Hals {
    /// Starts from the W and H of `factors`.
    pub fn new(factors: Factors) -> Self {
        let (w, h) = (factors.w.clone(), factors.h.clone());
        Self { factors, done: 0, extrapolation: EXTRAPOLATION, w, h, safeguard: Safeguard::default() }
    }
}

/// Extrapolates `factor`, which was updated from `last`; `last` becomes the factor before extrapolation.
fn extrapolate(factor: &mut [f32], last: &mut [f32], share: f32) {
    wide(|| {
        for (x, last) in factor.iter_mut().zip(last) {
            let moved = *x;
            *x = (moved + share * (moved - *last)).max(0.0);
            *last = moved;
        }
    });
}

impl Descent for Hals {
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled> {
        let factors = &mut self.factors;
        let Shape { frames, templates, .. } = factors.shape;
        let gram = factors.w_gram();
        poll()?;
        let is_held = |template: usize| factors.levels.get(template).is_some_and(Option::is_some);
        let is_free: Vec<bool> = (0..templates).map(|template| !is_held(template)).collect();
        factors.each_block(poll, |block| {
            let mut products = vec![0.0; BLOCK * templates];
            block.products(&mut products);
            let (products, mut factor) = (transposed(&products, templates), transposed(block.h, templates));
            dispatch(Sweep {
                factor: &mut factor,
                products: &products,
                gram: &gram,
                is_free: &is_free,
                sweeps: SWEEPS,
            });
            block.h.copy_from_slice(&transposed(&factor, BLOCK));
        })?;
        // Padding frames stay zero.
        factors.h[frames * templates..].fill(0.0);
        let share = if self.done < PLAIN_STARTS { 0.0 } else { self.extrapolation };
        extrapolate(&mut factors.h, &mut self.h, share);
        let gram = factors.h_gram();
        poll()?;
        let is_free: Vec<bool> = (0..templates).map(|template| template >= factors.levels.len()).collect();
        factors.each_strip(Multiplied::V, poll, |w, products| {
            dispatch(Sweep { factor: w, products, gram: &gram, is_free: &is_free, sweeps: SWEEPS });
        })?;
        extrapolate(&mut factors.w, &mut self.w, share);
        self.done += 1;
        Ok(())
    }

    /// If the loss rose since the last check, restores the W and H of that check and continues without extrapolation.
    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled> {
        let loss = self.factors.sum(poll, |block| block.squared_error())? / 2.0;
        if self.extrapolation == 0.0 {
            return Ok(loss);
        }
        let checked = self.safeguard.check(loss, &mut self.factors);
        if checked.is_none() {
            self.extrapolation = 0.0;
        }
        Ok(checked.unwrap_or(self.safeguard.loss()))
    }

    fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        self.factors.matrices()
    }
}

/// Columns × rows of a matrix with `columns`.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix[column..].iter().step_by(columns).copied()).collect()
}
