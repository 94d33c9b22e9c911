//! Plain multiplicative updates by matrix products: the reference for the faster ones, and the only ones for Itakura-Saito.
//! They work on blocks of frames, so that they can be cancelled in between.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};

use super::descent::Descent;
use super::tiles::FLOOR;
use crate::dsp::Divergence;
use crate::learn::progress::{Cancelled, Poll};

/// Frames that are worked on between two polls.
const BLOCK: usize = 64;

/// The updates of one V and their scratch memory.
pub struct Updates<'v> {
    v: ArrayView2<'v, f32>,
    divergence: Divergence,
    /// Number of the first templates that are not updated.
    fixed_len: usize,
    /// Constant activations of the first templates, where known.
    levels: Vec<Option<f32>>,
    /// E of a block of frames, then for Itakura-Saito its inverse.
    estimate: Array2<f32>,
    /// V · E^(β−2) of the block.
    ratio: Array2<f32>,
}

impl<'v> Updates<'v> {
    /// Updates that minimise the divergence of `v` from H W and do not change the first `fixed_len` templates.
    pub fn new(v: ArrayView2<'v, f32>, divergence: Divergence, fixed_len: usize) -> Self {
        let block = (BLOCK.min(v.nrows()), v.ncols());
        let (estimate, ratio) = (Array2::zeros(block), Array2::zeros(block));
        Self { v, divergence, fixed_len, levels: Vec::new(), estimate, ratio }
    }

    /// These updates with constant activations for the first templates, where given.
    pub fn with_levels(self, levels: Vec<Option<f32>>) -> Self {
        Self { levels, ..self }
    }

    /// One iteration: H (frames × templates), then W (templates × rows).
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn iterate(&mut self, w: &mut Array2<f32>, h: &mut Array2<f32>, poll: Poll<'_>) -> Result<(), Cancelled> {
        self.update_h(w, h, poll)?;
        for (mut activations, level) in h.columns_mut().into_iter().zip(&self.levels) {
            if let Some(level) = level {
                activations.fill(*level);
            }
        }
        if self.fixed_len < w.nrows() { self.update_w(w, h, poll) } else { Ok(()) }
    }

    fn update_h(&mut self, w: &Array2<f32>, h: &mut Array2<f32>, poll: Poll<'_>) -> Result<(), Cancelled> {
        let sums = w.sum_axis(Axis(1)).insert_axis(Axis(0));
        let gram = (self.divergence == Divergence::Euclidean).then(|| w.dot(&w.t()));
        for (block, mut h) in h.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate() {
            let numerators = match self.divergence {
                Divergence::Euclidean => self.block(block).dot(&w.t()),
                _ => self.compare(block, w, h.view()).dot(&w.t()),
            };
            let denominators = match (self.divergence, &gram) {
                (Divergence::ItakuraSaito, _) => self.estimate.slice(s![..h.nrows(), ..]).dot(&w.t()),
                (_, Some(gram)) => h.dot(gram),
                _ => sums.clone(),
            };
            multiply(h.view_mut(), &numerators, &denominators, self.divergence);
            poll()?;
        }
        Ok(())
    }

    /// The free templates alone.
    fn update_w(&mut self, w: &mut Array2<f32>, h: &Array2<f32>, poll: Poll<'_>) -> Result<(), Cancelled> {
        let free = s![.., self.fixed_len..];
        let mut numerators = Array2::zeros((w.nrows() - self.fixed_len, w.ncols()));
        let mut denominators = match self.divergence {
            Divergence::KullbackLeibler => h.slice(free).sum_axis(Axis(0)).insert_axis(Axis(1)),
            Divergence::Euclidean => h.slice(free).t().dot(h).dot(w),
            Divergence::ItakuraSaito => numerators.clone(),
        };
        for (block, h) in h.axis_chunks_iter(Axis(0), BLOCK).enumerate() {
            let free = h.slice(free);
            match self.divergence {
                Divergence::Euclidean => general_mat_mul(1.0, &free.t(), &self.block(block), 1.0, &mut numerators),
                _ => general_mat_mul(1.0, &free.t(), &self.compare(block, w, h), 1.0, &mut numerators),
            }
            if self.divergence == Divergence::ItakuraSaito {
                general_mat_mul(1.0, &free.t(), &self.estimate.slice(s![..h.nrows(), ..]), 1.0, &mut denominators);
            }
            poll()?;
        }
        multiply(w.slice_mut(s![self.fixed_len.., ..]), &numerators, &denominators, self.divergence);
        Ok(())
    }

    /// A block of V.
    fn block(&self, block: usize) -> ArrayView2<'v, f32> {
        let end = self.v.nrows().min((block + 1) * BLOCK);
        self.v.slice_move(s![block * BLOCK..end, ..])
    }

    /// ratio = V · E^(β−2) of a block, and for Itakura-Saito estimate = E^(β−1).
    fn compare(&mut self, block: usize, w: &Array2<f32>, h: ArrayView2<f32>) -> ArrayView2<'_, f32> {
        let v = self.block(block);
        let mut estimate = self.estimate.slice_mut(s![..v.nrows(), ..]);
        let mut ratio = self.ratio.slice_mut(s![..v.nrows(), ..]);
        general_mat_mul(1.0, &h, w, 0.0, &mut estimate);
        if self.divergence == Divergence::ItakuraSaito {
            Zip::from(&mut ratio).and(&mut estimate).and(v).for_each(|ratio, estimate, &v| {
                let inverse = 1.0 / (*estimate + FLOOR);
                *estimate = inverse;
                *ratio = v * inverse * inverse;
            });
        } else {
            Zip::from(&mut ratio).and(&estimate).and(v).for_each(|ratio, &e, &v| *ratio = v / (e + FLOOR));
        }
        self.ratio.slice(s![..v.nrows(), ..])
    }

    /// The divergence of V from H W, summed in float64.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn loss(&mut self, w: &Array2<f32>, h: &Array2<f32>, poll: Poll<'_>) -> Result<f64, Cancelled> {
        let divergence = self.divergence;
        let term = |v: f32, estimate: f32| {
            let (v, e) = (f64::from(v), f64::from(estimate + FLOOR));
            match divergence {
                Divergence::KullbackLeibler if v == 0.0 => e,
                Divergence::KullbackLeibler => v * (v / e).ln() - v + e,
                Divergence::Euclidean => (v - e) * (v - e) / 2.0,
                Divergence::ItakuraSaito => {
                    let ratio = v.max(f64::from(FLOOR)) / e;
                    ratio - ratio.ln() - 1.0
                }
            }
        };
        let mut loss = 0.0;
        for (block, h) in h.axis_chunks_iter(Axis(0), BLOCK).enumerate() {
            let v = self.block(block);
            let mut estimate = self.estimate.slice_mut(s![..v.nrows(), ..]);
            general_mat_mul(1.0, &h, w, 0.0, &mut estimate);
            loss = Zip::from(v).and(&estimate).fold(loss, |sum, &v, &estimate| sum + term(v, estimate));
            poll()?;
        }
        Ok(loss)
    }
}

/// factor ← factor · (numerators / denominators)^γ, `denominators` broadcast along its axis of length one.
fn multiply(factor: ArrayViewMut2<f32>, numerators: &Array2<f32>, denominators: &Array2<f32>, divergence: Divergence) {
    let is_root = divergence == Divergence::ItakuraSaito;
    Zip::from(factor).and(numerators).and_broadcast(denominators).for_each(|factor, &numerator, &denominator| {
        let ratio = numerator / (denominator + FLOOR);
        *factor = (*factor * if is_root { ratio.sqrt() } else { ratio }).max(FLOOR);
    });
}

/// The updates with their W and H.
pub struct Textbook<'v> {
    updates: Updates<'v>,
    w: Array2<f32>,
    h: Array2<f32>,
}

impl<'v> Textbook<'v> {
    /// Starts from W (templates × rows) and H (frames × templates).
    pub fn new(updates: Updates<'v>, w: Array2<f32>, h: Array2<f32>) -> Self {
        Self { updates, w, h }
    }
}

impl Descent for Textbook<'_> {
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled> {
        self.updates.iterate(&mut self.w, &mut self.h, poll)
    }

    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled> {
        self.updates.loss(&self.w, &self.h, poll)
    }

    fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        (self.w.clone(), self.h.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_step_of_a_long_capture_polls_and_can_be_cancelled() {
        let v = Array2::from_shape_fn((5 * BLOCK + 1, 9), |(frame, row)| ((frame * 5 + row * row) % 7) as f32 + 0.1);
        for divergence in Divergence::ALL {
            let (mut w, mut h) = (Array2::ones((2, 9)), Array2::ones((v.nrows(), 2)));
            let mut updates = Updates::new(v.view(), divergence, 0);
            let mut polls = 0;
            let mut poll = || {
                polls += 1;
                Ok(())
            };
            updates.iterate(&mut w, &mut h, &mut poll).unwrap();
            updates.loss(&w, &h, &mut poll).unwrap();
            assert_eq!(polls, 3 * 6, "{divergence:?}");
            let mut polls = 0;
            let mut stop = || {
                polls += 1;
                if polls == 8 { Err(Cancelled) } else { Ok(()) }
            };
            assert_eq!(updates.iterate(&mut w, &mut h, &mut stop), Err(Cancelled));
            assert_eq!(polls, 8);
        }
    }
}
