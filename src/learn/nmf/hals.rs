//! Euclidean descent: hierarchical alternating least squares (Cichocki and Phan 2009), whose large products are used for two
//! sweeps over the templates each (Gillis and Glineur 2012), extrapolated (Ang and Gillis 2019): each factor goes on a little
//! in the direction of its last move, while that makes the loss fall.

use ndarray::Array2;

use super::descent::Descent;
use super::factors::{Factors, Multiplied};
use super::safeguard::Safeguard;
use super::tiles::{BLOCK, Shape, Sweep};
use crate::dsp::simd::{dispatch, wide};
use crate::learn::progress::{Cancelled, Poll};

/// Sweeps for each product with V. With one, up to four times as many products are needed; with four, no fewer.
const SWEEPS: usize = 2;

/// How far a factor goes on, as a share of its last move.
const EXTRAPOLATION: f32 = 0.6;
/// Moves before the first that goes on: those from a random start lead nowhere.
const PLAIN_STARTS: usize = 2;

/// The descent of one V.
pub struct Hals {
    factors: Factors,
    done: usize,
    /// Share of its last move that each factor goes on.
    extrapolation: f32,
    /// W and H before they went on.
    w: Vec<f32>,
    h: Vec<f32>,
    safeguard: Safeguard,
}

impl Hals {
    /// From where `factors` are.
    pub fn new(factors: Factors) -> Self {
        let (w, h) = (factors.w.clone(), factors.h.clone());
        Self { factors, done: 0, extrapolation: EXTRAPOLATION, w, h, safeguard: Safeguard::default() }
    }
}

/// Moves `factor` on from where it moved to from `last`, which becomes that place.
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
        // The padding is no frame: it stays silent.
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

    /// Where the loss rose since the last check, goes back there, and on without extrapolation.
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
