//! The updates of the textbook, on whole matrices: what faster ones are held against, and what Itakura-Saito is learned by.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};

use super::nmf::Descent;
use super::progress::{Cancelled, Poll};
use crate::dsp::Divergence;
use crate::dsp::kernels::matrix::FLOOR;

/// The updates of one V, with their memory.
pub struct Updates<'v> {
    v: ArrayView2<'v, f32>,
    divergence: Divergence,
    /// The first templates, which stay.
    fixed_len: usize,
    /// Of those, the level that stays too.
    levels: Vec<Option<f32>>,
    /// E, then what V is compared by.
    estimate: Array2<f32>,
    ratio: Array2<f32>,
}

impl<'v> Updates<'v> {
    /// Updates that make the divergence of `v` from H W small and leave the first `fixed_len` templates alone.
    pub fn new(v: ArrayView2<'v, f32>, divergence: Divergence, fixed_len: usize) -> Self {
        let (estimate, ratio) = (Array2::zeros(v.dim()), Array2::zeros(v.dim()));
        Self { v, divergence, fixed_len, levels: Vec::new(), estimate, ratio }
    }

    /// These updates, with the activations of the first templates held at a level where one is given.
    pub fn holding(self, levels: Vec<Option<f32>>) -> Self {
        Self { levels, ..self }
    }

    /// One iteration: H (frames × templates), then W (templates × rows).
    pub fn iterate(&mut self, w: &mut Array2<f32>, h: &mut Array2<f32>) {
        let (up, down) = self.h_terms(w, h);
        multiply(h.view_mut(), &up, &down, self.divergence);
        for (mut activations, level) in h.columns_mut().into_iter().zip(&self.levels) {
            if let Some(level) = level {
                activations.fill(*level);
            }
        }
        if self.fixed_len < w.nrows() {
            let (up, down) = self.w_terms(w, h);
            multiply(w.slice_mut(s![self.fixed_len.., ..]), &up, &down, self.divergence);
        }
    }

    /// Numerator and denominator of H's update.
    fn h_terms(&mut self, w: &Array2<f32>, h: &Array2<f32>) -> (Array2<f32>, Array2<f32>) {
        match self.divergence {
            Divergence::KullbackLeibler => {
                self.compare(w, h);
                let sums = w.sum_axis(Axis(1)).insert_axis(Axis(0));
                (self.ratio.dot(&w.t()), sums)
            }
            Divergence::Euclidean => (self.v.dot(&w.t()), h.dot(&w.dot(&w.t()))),
            Divergence::ItakuraSaito => {
                self.compare(w, h);
                (self.ratio.dot(&w.t()), self.estimate.dot(&w.t()))
            }
        }
    }

    /// Numerator and denominator of the update of W's free templates.
    fn w_terms(&mut self, w: &Array2<f32>, h: &Array2<f32>) -> (Array2<f32>, Array2<f32>) {
        let free = h.slice(s![.., self.fixed_len..]);
        match self.divergence {
            Divergence::KullbackLeibler => {
                self.compare(w, h);
                let sums = free.sum_axis(Axis(0)).insert_axis(Axis(1));
                (free.t().dot(&self.ratio), sums)
            }
            Divergence::Euclidean => (free.t().dot(&self.v), free.t().dot(h).dot(w)),
            Divergence::ItakuraSaito => {
                self.compare(w, h);
                (free.t().dot(&self.ratio), free.t().dot(&self.estimate))
            }
        }
    }

    /// ratio = V · E^(β−2), and for Itakura-Saito estimate = E^(β−1).
    fn compare(&mut self, w: &Array2<f32>, h: &Array2<f32>) {
        general_mat_mul(1.0, h, w, 0.0, &mut self.estimate);
        if self.divergence == Divergence::ItakuraSaito {
            Zip::from(&mut self.ratio).and(&mut self.estimate).and(self.v).for_each(|ratio, estimate, &v| {
                let inverse = 1.0 / (*estimate + FLOOR);
                *estimate = inverse;
                *ratio = v * inverse * inverse;
            });
        } else {
            Zip::from(&mut self.ratio)
                .and(&self.estimate)
                .and(self.v)
                .for_each(|ratio, &estimate, &v| *ratio = v / (estimate + FLOOR));
        }
    }

    /// The divergence of V from H W, summed in float64.
    pub fn loss(&mut self, w: &Array2<f32>, h: &Array2<f32>) -> f64 {
        general_mat_mul(1.0, h, w, 0.0, &mut self.estimate);
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
        Zip::from(self.v).and(&self.estimate).fold(0.0, |sum, &v, &estimate| sum + term(v, estimate))
    }
}

/// factor ← factor · (up / down)^γ, `down` broadcast along its axis of length one.
fn multiply(factor: ArrayViewMut2<f32>, up: &Array2<f32>, down: &Array2<f32>, divergence: Divergence) {
    let is_root = divergence == Divergence::ItakuraSaito;
    Zip::from(factor).and(up).and_broadcast(down).for_each(|factor, &up, &down| {
        let ratio = up / (down + FLOOR);
        *factor = (*factor * if is_root { ratio.sqrt() } else { ratio }).max(FLOOR);
    });
}

/// The textbook's updates with the factors that they work on.
pub struct Textbook<'v> {
    updates: Updates<'v>,
    w: Array2<f32>,
    h: Array2<f32>,
}

impl<'v> Textbook<'v> {
    /// From where W (templates × rows) and H (frames × templates) are.
    pub fn new(updates: Updates<'v>, w: Array2<f32>, h: Array2<f32>) -> Self {
        Self { updates, w, h }
    }
}

impl Descent for Textbook<'_> {
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled> {
        self.updates.iterate(&mut self.w, &mut self.h);
        poll()
    }

    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled> {
        poll()?;
        Ok(self.updates.loss(&self.w, &self.h))
    }

    fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        (self.w.clone(), self.h.clone())
    }
}
