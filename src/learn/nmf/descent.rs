//! An iterative method that minimises a divergence.

use ndarray::Array2;

use crate::learn::progress::{Cancelled, Poll};

/// An iterative method that minimises a divergence.
pub trait Descent {
    /// One iteration: H, then W.
    ///
    /// # Errors
    /// The poll asked to stop.
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled>;

    /// The loss. It never rises from one check to the next.
    ///
    /// # Errors
    /// The poll asked to stop.
    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled>;

    /// W (templates × rows) and H (frames × templates).
    fn matrices(&self) -> (Array2<f32>, Array2<f32>);
}
