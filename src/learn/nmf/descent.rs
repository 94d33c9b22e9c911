//! What every method of factorization can do.

use ndarray::Array2;

use crate::learn::progress::{Cancelled, Poll};

/// Updates that make a divergence small.
pub trait Descent {
    /// One iteration: H, then W.
    ///
    /// # Errors
    /// The poll said stop.
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled>;

    /// The loss. It never rises from one check to the next.
    ///
    /// # Errors
    /// The poll said stop.
    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled>;

    /// W (templates × rows) and H (frames × templates).
    fn matrices(&self) -> (Array2<f32>, Array2<f32>);
}
