//! V, W and H in the tiles of [`super::tiles`], and the updates of H and W, shared among threads.

use ndarray::{Array2, ArrayView2};

use super::tiles::{BLOCK, Compare, Comparison, HProducts, ROW_ALIGN, STRIP, Shape, WProducts, strips, tiles};
use crate::dsp::simd::{add_scaled, dispatch, dot, sum};
use crate::learn::progress::{Cancelled, Poll};
use crate::learn::threads::Threads;

/// One factorization's matrices.
pub struct Factors {
    /// Without padding.
    pub shape: Shape,
    /// For each of the first templates, which are not updated, its constant activation, if known.
    pub levels: Vec<Option<f32>>,
    /// The threads that share the work.
    pub threads: Threads,
    v: Vec<f32>,
    /// W in strips.
    pub w: Vec<f32>,
    /// Frames (padded) × templates.
    pub h: Vec<f32>,
}

/// A block of frames of V with their H.
pub struct Block<'a> {
    v: &'a [f32],
    w: &'a [f32],
    shape: Shape,
    /// Frames × templates.
    pub h: &'a mut [f32],
    /// Scratch for V compared with H W.
    scratch: Vec<f32>,
}

impl Block<'_> {
    /// (V / (H W + floor)) Wᵀ: frames × templates.
    pub fn quotient_products(&mut self, out: &mut [f32]) {
        self.compare(Comparison::Quotient);
        dispatch(HProducts { shape: self.shape, x: &self.scratch, w: self.w, out });
    }

    /// V Wᵀ: frames × templates.
    pub fn products(&self, out: &mut [f32]) {
        dispatch(HProducts { shape: self.shape, x: self.v, w: self.w, out });
    }

    /// Σ V ln(V / E) − V + E, E = H W + floor.
    pub fn divergence(&mut self) -> f64 {
        self.compared_sum(Comparison::KullbackLeibler)
    }

    /// Σ (V − H W)².
    pub fn squared_error(&mut self) -> f64 {
        self.compared_sum(Comparison::SquaredError)
    }

    fn compared_sum(&mut self, by: Comparison) -> f64 {
        self.compare(by);
        self.scratch.chunks(STRIP).map(|part| f64::from(sum(part))).sum()
    }

    fn compare(&mut self, by: Comparison) {
        let Self { v, w, shape, h, scratch } = self;
        scratch.resize(v.len(), 0.0);
        dispatch(Compare { shape: *shape, by, v, w, h, out: scratch });
    }
}

impl Factors {
    /// V (frames × rows) with the initial W (templates × rows) and H (frames × templates). The first templates, one for each of
    /// `levels`, are not updated.
    pub fn new(
        v: ArrayView2<f32>,
        (w, h): (&Array2<f32>, &Array2<f32>),
        levels: Vec<Option<f32>>,
        threads: Threads,
    ) -> Self {
        let shape = Shape { frames: v.nrows(), rows: v.ncols(), templates: w.nrows() };
        let (v, w) = (v.as_standard_layout(), w.as_standard_layout());
        let v = tiles(shape, v.rows().into_iter().filter_map(|frame| frame.to_slice()));
        let w = strips(shape, w.rows().into_iter().filter_map(|template| template.to_slice()));
        let mut h: Vec<f32> = h.iter().copied().collect();
        h.resize(shape.blocks() * BLOCK * shape.templates, 0.0);
        Self { shape, levels, threads, v, w, h }
    }

    /// W (templates × rows) and H (frames × templates).
    pub fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        let Shape { frames, rows, templates } = self.shape;
        let w = Array2::from_shape_fn((templates, rows), |(k, row)| self.w[self.shape.strip_index(k, row)]);
        let h = Array2::from_shape_fn((frames, templates), |(frame, k)| self.h[frame * templates + k]);
        (w, h)
    }

    /// Calls `work` for every block of frames, then resets constant activations to their level.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn each_block(&mut self, poll: Poll<'_>, work: impl Fn(&mut Block<'_>) + Sync) -> Result<(), Cancelled> {
        let Self { shape, levels, threads, v, w, h } = self;
        let (shape, levels, w) = (*shape, &levels[..], &w[..]);
        let frames = v.chunks_exact(BLOCK * shape.padded_rows()).zip(h.chunks_exact_mut(BLOCK * shape.templates));
        threads.run(frames, 2 * cost(shape, BLOCK * shape.padded_rows()), poll, |frames| {
            let mut scratch = Vec::new();
            for (v, h) in frames {
                let mut block = Block { v, w, shape, h, scratch };
                work(&mut block);
                scratch = block.scratch;
                for frame in block.h.chunks_exact_mut(shape.templates) {
                    frame.iter_mut().zip(levels).for_each(|(h, level)| *h = level.unwrap_or(*h));
                }
            }
        })
    }

    /// A sum over all blocks, always added in the same order.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn sum(&mut self, poll: Poll<'_>, of: impl Fn(&mut Block<'_>) -> f64 + Sync) -> Result<f64, Cancelled> {
        let Self { shape, threads, v, w, h, .. } = self;
        let (shape, w) = (*shape, &w[..]);
        let mut sums = vec![0.0; shape.blocks()];
        let frames = v.chunks_exact(BLOCK * shape.padded_rows()).zip(h.chunks_exact_mut(BLOCK * shape.templates));
        threads.run(frames.zip(&mut sums), cost(shape, BLOCK * shape.padded_rows()), poll, |frames| {
            let mut scratch = Vec::new();
            for ((v, h), sum) in frames {
                let mut block = Block { v, w, shape, h, scratch };
                *sum = of(&mut block);
                scratch = block.scratch;
            }
        })?;
        Ok(sums.iter().sum())
    }

    /// Calls `work` for every strip of W with its values (templates × rows) and the products of H with the quotient or with V,
    /// of the same shape; products of fixed templates are zero. Does nothing if all templates are fixed.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn each_strip(
        &mut self,
        by: Multiplied,
        poll: Poll<'_>,
        work: impl Fn(&mut [f32], &[f32]) + Sync,
    ) -> Result<(), Cancelled> {
        let Self { shape, levels, threads, v, w, h } = self;
        let (shape, fixed_len, v, h) = (*shape, levels.len(), &v[..], &h[..]);
        if fixed_len >= shape.templates {
            return Ok(());
        }
        let strips = w.chunks_mut(STRIP * shape.templates).enumerate();
        threads.run(strips, 2 * cost(shape, STRIP * v.len() / shape.padded_rows()), poll, |strips| {
            let mut out = vec![0.0; STRIP * shape.templates];
            for (strip, w) in strips {
                let out = &mut out[..w.len()];
                let products = &mut out[fixed_len * shape.strip_len(strip)..];
                let own = (by == Multiplied::Quotient).then_some(&*w);
                dispatch(WProducts { shape, strip, v, w: own, h, first: fixed_len, out: products });
                work(w, out);
            }
        })
    }

    /// Per template, Σ over W's rows.
    pub fn w_sums(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.shape.templates];
        for (strip, w) in self.w.chunks(STRIP * self.shape.templates).enumerate() {
            for (total, w) in totals.iter_mut().zip(w.chunks_exact(self.shape.strip_len(strip))) {
                let mut lanes = [0.0f64; ROW_ALIGN];
                for w in w.as_chunks::<ROW_ALIGN>().0 {
                    lanes.iter_mut().zip(w).for_each(|(lane, &w)| *lane += f64::from(w));
                }
                *total += lanes.iter().sum::<f64>();
            }
        }
        totals
    }

    /// Per template, Σ over H's frames.
    pub fn h_sums(&self) -> Vec<f64> {
        let mut totals = vec![0.0f64; self.shape.templates];
        for frame in self.h.chunks_exact(self.shape.templates).take(self.shape.frames) {
            totals.iter_mut().zip(frame).for_each(|(total, &h)| *total += f64::from(h));
        }
        totals
    }

    /// W Wᵀ: templates × templates.
    pub fn w_gram(&self) -> Vec<f32> {
        let templates = self.shape.templates;
        let mut gram = vec![0.0; templates * templates];
        for (strip, w) in self.w.chunks(STRIP * templates).enumerate() {
            let len = self.shape.strip_len(strip);
            for (gram, own) in gram.chunks_exact_mut(templates).zip(w.chunks_exact(len)) {
                gram.iter_mut().zip(w.chunks_exact(len)).for_each(|(sum, other)| *sum += dot(own, other));
            }
        }
        gram
    }

    /// Hᵀ H: templates × templates.
    pub fn h_gram(&self) -> Vec<f32> {
        let templates = self.shape.templates;
        let mut gram = vec![0.0; templates * templates];
        for frame in self.h.chunks_exact(templates) {
            for (gram, &own) in gram.chunks_exact_mut(templates).zip(frame) {
                add_scaled(gram, own, frame);
            }
        }
        gram
    }
}

/// The factor of H in the products for W.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplied {
    /// V / (H W + floor).
    Quotient,
    /// V itself.
    V,
}

/// Multiply-adds of the product of all templates with this many values of V.
fn cost(shape: Shape, values: usize) -> usize {
    shape.templates * values
}
