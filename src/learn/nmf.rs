//! Non-negative matrix factorization: V ≈ H W by multiplicative updates.
//!
//! The lecture's V (bins × frames) ≈ W H stands here transposed, frames × rows, so that frames and templates are
//! contiguous. One iteration updates H, then W from a fresh estimate (Lee and Seung 2001; Févotte and Idier 2011):
//!
//! ```text
//! H ← H · ((V · E^(β−2)) Wᵀ / (E^(β−1) Wᵀ))^γ      E = H W
//! W ← W · (Hᵀ (V · E^(β−2)) / (Hᵀ E^(β−1)))^γ      β = 2, 1, 0 and γ = 1, 1, ½ as in `dsp::activations`
//! ```

use std::ops::ControlFlow;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Zip, concatenate, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use super::kmeans;
use crate::dsp::Divergence;

/// Keeps estimates and factors away from zero.
const FLOOR: f32 = 1e-12;

/// How W starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Uniform random W and H: the lecture's start.
    Random,
    /// W from spherical k-means of the frames, H flat at the frame's level.
    KMeans,
}

/// What to learn and how.
#[derive(Clone, Debug)]
pub struct FactorizeOptions {
    /// Templates to learn, besides the fixed ones.
    pub templates: usize,
    /// What to make small.
    pub divergence: Divergence,
    /// Iterations of H, then W.
    pub iterations: usize,
    /// Seed of the start.
    pub seed: u64,
    /// How W starts.
    pub start: Start,
    /// Templates that stay as they are, for learning what they do not explain.
    pub fixed: Option<Fixed>,
    /// The loss is computed every so many iterations, and after the last.
    pub loss_every: usize,
}

impl Default for FactorizeOptions {
    fn default() -> Self {
        Self {
            templates: 16,
            divergence: Divergence::KullbackLeibler,
            iterations: 100,
            seed: 1,
            start: Start::KMeans,
            fixed: None,
            loss_every: 10,
        }
    }
}

/// Templates that are known already.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Templates × rows.
    pub w: Array2<f32>,
    /// Per template: the level at which it sounds in every frame, if that is known too. (None at all: of no template.)
    pub levels: Vec<Option<f32>>,
}

/// Where a factorization is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Iterations done.
    pub done: usize,
    /// Iterations to do.
    pub total: usize,
    /// The loss, when it was computed.
    pub loss: Option<f64>,
}

/// What a factorization gives.
#[derive(Clone, Debug)]
pub struct Factorization {
    /// Templates × rows, each template sums to one; the fixed ones first.
    pub w: Array2<f32>,
    /// Frames × templates.
    pub h: Array2<f32>,
    /// (iterations done, loss), from the start on.
    pub losses: Vec<(usize, f64)>,
}

/// Why there is no factorization.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FactorizeError {
    /// No templates asked for.
    #[error("0 templates: there must be at least 1")]
    NoTemplates,
    /// More templates than frames: each frame could have its own.
    #[error("{templates} templates from {frames} frames: capture more, or learn fewer")]
    TooFewFrames {
        /// Templates asked for.
        templates: usize,
        /// Frames at hand.
        frames: usize,
    },
    /// The fixed templates have another number of rows.
    #[error("fixed templates of {fixed} rows for frames of {rows}")]
    Rows {
        /// Rows of the fixed templates.
        fixed: usize,
        /// Rows of the frames.
        rows: usize,
    },
    /// The callback said stop.
    #[error("cancelled")]
    Cancelled,
}

/// Factorizes `v` (frames × rows, finite, ≥ 0). `on_iteration` hears of every iteration and can stop it.
/// The same input and seed give the same result.
///
/// # Errors
/// See [`FactorizeError`].
pub fn factorize(
    v: ArrayView2<f32>,
    options: &FactorizeOptions,
    on_iteration: &mut dyn FnMut(Iteration) -> ControlFlow<()>,
) -> Result<Factorization, FactorizeError> {
    let (frames, rows) = v.dim();
    if options.templates == 0 {
        return Err(FactorizeError::NoTemplates);
    }
    if options.templates > frames {
        return Err(FactorizeError::TooFewFrames { templates: options.templates, frames });
    }
    let (mut w, mut h) = start(v, options);
    let mut levels = Vec::new();
    if let Some(fixed) = &options.fixed {
        if fixed.w.ncols() != rows {
            return Err(FactorizeError::Rows { fixed: fixed.w.ncols(), rows });
        }
        levels = fixed.levels.clone();
        levels.resize(fixed.w.nrows(), None);
        (w, _) = start(remainder(v, fixed).view(), options);
        w = concatenate![Axis(0), fixed.w.view(), w];
        let level: Array1<f32> = v.sum_axis(Axis(1)) / w.nrows() as f32;
        h = level.insert_axis(Axis(1)).broadcast((frames, w.nrows())).map_or(h, |h| h.to_owned());
    }
    let mut updates = Updates::new(v, options.divergence, levels.len()).holding(levels);
    let mut losses = vec![(0, updates.loss(&w, &h))];
    for done in 1..=options.iterations {
        updates.iterate(&mut w, &mut h);
        let is_due = done % options.loss_every.max(1) == 0 || done == options.iterations;
        let loss = is_due.then(|| updates.loss(&w, &h));
        losses.extend(loss.map(|loss| (done, loss)));
        if on_iteration(Iteration { done, total: options.iterations, loss }).is_break() {
            return Err(FactorizeError::Cancelled);
        }
    }
    normalise(&mut w, &mut h);
    Ok(Factorization { w, h, losses })
}

fn start(v: ArrayView2<f32>, options: &FactorizeOptions) -> (Array2<f32>, Array2<f32>) {
    let (frames, rows) = v.dim();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    match options.start {
        Start::Random => {
            let w = Array2::from_shape_simple_fn((options.templates, rows), || rng.random_range(FLOOR..1.0));
            let h = Array2::from_shape_simple_fn((frames, options.templates), || rng.random_range(FLOOR..1.0));
            (w, h)
        }
        Start::KMeans => {
            let w = kmeans::templates(v, options.templates, &mut rng);
            let level: Array1<f32> = v.sum_axis(Axis(1)) / options.templates as f32;
            let h = Array2::from_shape_fn((frames, options.templates), |(frame, _)| level[frame].max(FLOOR));
            (w, h)
        }
    }
}

/// What templates of known level leave of V.
fn remainder(v: ArrayView2<f32>, fixed: &Fixed) -> Array2<f32> {
    let mut remainder = v.to_owned();
    for (template, level) in fixed.w.rows().into_iter().zip(&fixed.levels) {
        for mut frame in remainder.rows_mut().into_iter().filter(|_| level.is_some()) {
            frame.zip_mut_with(&template, |v, w| *v = (*v - level.unwrap_or(0.0) * w).max(0.0));
        }
    }
    remainder
}

/// Templates sum to one; activations take their level.
fn normalise(w: &mut Array2<f32>, h: &mut Array2<f32>) {
    for (mut template, mut activations) in w.rows_mut().into_iter().zip(h.columns_mut()) {
        let sum = template.sum().max(f32::MIN_POSITIVE);
        template /= sum;
        activations *= sum;
    }
}

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
    fn holding(self, levels: Vec<Option<f32>>) -> Self {
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
