//! Euclidean descent: hierarchical alternating least squares (Cichocki and Phan 2009), whose large products are used for two
//! sweeps over the templates each (Gillis and Glineur 2012). The loss never rises.

use ndarray::Array2;

use super::factors::{Factors, Multiplied};
use super::nmf::Descent;
use super::progress::{Cancelled, Poll};
use crate::dsp::kernels::matrix::{BLOCK, Shape, Sweep, run};

/// Sweeps for each product with V. With one, up to four times as many products are needed; with four, no fewer.
const SWEEPS: usize = 2;

/// The descent of one V.
pub struct Hals {
    factors: Factors,
}

impl Hals {
    /// From where `factors` are.
    pub fn new(factors: Factors) -> Self {
        Self { factors }
    }
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
            run(Sweep { factor: &mut factor, products: &products, gram: &gram, is_free: &is_free, sweeps: SWEEPS });
            block.h.copy_from_slice(&transposed(&factor, BLOCK));
        })?;
        // The padding is no frame: it stays silent.
        factors.h[frames * templates..].fill(0.0);
        let gram = factors.h_gram();
        poll()?;
        let is_free: Vec<bool> = (0..templates).map(|template| template >= factors.levels.len()).collect();
        factors.each_strip(Multiplied::V, poll, |w, products| {
            run(Sweep { factor: w, products, gram: &gram, is_free: &is_free, sweeps: SWEEPS });
        })
    }

    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled> {
        Ok(self.factors.sum(poll, |block| block.squared_error())? / 2.0)
    }

    fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        self.factors.matrices()
    }
}

/// Columns × rows of a matrix with `columns`.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix[column..].iter().step_by(columns).copied()).collect()
}
