//! Non-negative matrix factorization: V ≈ H W by multiplicative updates.
//!
//! The lecture's V (bins × frames) ≈ W H stands here transposed, frames × rows, so that frames and templates are
//! contiguous. One iteration updates H, then W from a fresh estimate (Lee and Seung 2001; Févotte and Idier 2011):
//!
//! ```text
//! H ← H · ((V · E^(β−2)) Wᵀ / (E^(β−1) Wᵀ))^γ      E = H W
//! W ← W · (Hᵀ (V · E^(β−2)) / (Hᵀ E^(β−1)))^γ      β = 2, 1, 0 and γ = 1, 1, ½ as in `dsp::activations`
//! ```
//!
//! These plain updates are in [`textbook`]. For Kullback-Leibler and Euclidean, [`kl`] and [`hals`] reach the same loss sooner.

pub mod descent;
pub mod factors;
pub mod hals;
pub mod kl;
pub mod kmeans;
pub mod safeguard;
pub mod textbook;
pub mod tiles;

use std::ops::ControlFlow;

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::dsp::Divergence;
use crate::learn::progress::{Cancelled, Iteration, Poll, unless_break};
use crate::learn::threads::{Threads, Workers};
use descent::Descent;
use factors::Factors;
use hals::Hals;
use kl::KullbackLeibler;
use textbook::Textbook;
pub use textbook::Updates;
use tiles::FLOOR;

/// The kind of updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Plain multiplicative updates (Lee and Seung 2001; Févotte and Idier 2011).
    Textbook,
    /// Faster ones that reach the same loss sooner; plain ones for Itakura-Saito.
    Fast,
}

/// The initial W.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Uniform random W and H: the lecture's start.
    Random,
    /// W from spherical k-means of the frames, H flat at the frame's level.
    KMeans,
}

/// What to learn, and how.
#[derive(Clone, Debug)]
pub struct FactorizeOptions {
    /// Templates to learn, besides the fixed ones.
    pub templates: usize,
    /// The divergence to minimise.
    pub divergence: Divergence,
    /// Iterations; each updates H, then W. 60 fast ones reach the loss of 100 plain ones, or less.
    pub iterations: usize,
    /// The kind of updates.
    pub method: Method,
    /// Seed of the random start.
    pub seed: u64,
    /// The initial W.
    pub start: Start,
    /// Templates that are not updated: the others learn what these do not explain.
    pub fixed: Option<Fixed>,
    /// Iterations between computations of the loss; it is also computed after the last.
    pub loss_every: usize,
    /// The threads that share the work. The result does not depend on their number.
    pub threads: Threads,
}

impl Default for FactorizeOptions {
    fn default() -> Self {
        Self {
            templates: 16,
            divergence: Divergence::KullbackLeibler,
            iterations: 60,
            method: Method::Fast,
            seed: 1,
            start: Start::KMeans,
            fixed: None,
            loss_every: 10,
            threads: Threads::default(),
        }
    }
}

/// Templates that are already known.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Templates × rows.
    pub w: Array2<f32>,
    /// Per template its constant activation, if known. May be empty: then none is known.
    pub levels: Vec<Option<f32>>,
}

/// The result of a factorization.
#[derive(Clone, Debug)]
pub struct Factorization {
    /// Templates × rows, each template sums to one; the fixed ones first.
    pub w: Array2<f32>,
    /// Frames × templates.
    pub h: Array2<f32>,
    /// (iterations done, loss), from the start on.
    pub losses: Vec<(usize, f64)>,
}

/// Why a factorization failed.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FactorizeError {
    /// No templates asked for.
    #[error("0 templates: there must be at least 1")]
    NoTemplates,
    /// More templates than frames.
    #[error("{templates} templates from {frames} frames: capture more, or learn fewer")]
    TooFewFrames {
        /// Templates asked for.
        templates: usize,
        /// Frames available.
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
    /// The callback asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for FactorizeError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Factorizes `v` (frames × rows, finite, ≥ 0). `on_iteration` is called after every iteration, and more often while iterations
/// take long; it can stop the factorization. The same input and seed give the same result.
///
/// # Errors
/// See [`FactorizeError`].
pub fn factorize(
    v: ArrayView2<f32>,
    options: &FactorizeOptions,
    on_iteration: &mut dyn FnMut(Iteration) -> ControlFlow<()>,
) -> Result<Factorization, FactorizeError> {
    let total = options.iterations;
    let mut notify = |done: usize, loss| unless_break(on_iteration(Iteration { done, total, loss }));
    let mut descent = descent(v, options, &mut || notify(0, None))?;
    let start = descent.check(&mut || notify(0, None))?;
    notify(0, Some(start))?;
    let mut losses = vec![(0, start)];
    for done in 1..=total {
        descent.iterate(&mut || notify(done - 1, None))?;
        let is_due = done % options.loss_every.max(1) == 0 || done == total;
        let loss = if is_due { Some(descent.check(&mut || notify(done - 1, None))?) } else { None };
        losses.extend(loss.map(|loss| (done, loss)));
        notify(done, loss)?;
    }
    let (mut w, mut h) = descent.matrices();
    notify(total, None)?;
    normalise(&mut w, &mut h);
    Ok(Factorization { w, h, losses })
}

/// The descent that `options` ask for, at its initial W and H.
fn descent<'v>(
    v: ArrayView2<'v, f32>,
    options: &FactorizeOptions,
    poll: Poll<'_>,
) -> Result<Box<dyn Descent + 'v>, FactorizeError> {
    let (frames, rows) = v.dim();
    if options.templates == 0 {
        return Err(FactorizeError::NoTemplates);
    }
    if options.templates > frames {
        return Err(FactorizeError::TooFewFrames { templates: options.templates, frames });
    }
    let mut levels = Vec::new();
    let (w, h) = match &options.fixed {
        None => start(v, options, poll)?,
        Some(fixed) if fixed.w.ncols() != rows => {
            return Err(FactorizeError::Rows { fixed: fixed.w.ncols(), rows });
        }
        Some(fixed) => {
            levels = fixed.levels.clone();
            levels.resize(fixed.w.nrows(), None);
            let (w, _) = start(remainder(v, fixed).view(), options, poll)?;
            let w = concatenate![Axis(0), fixed.w.view(), w];
            let level: Array1<f32> = v.sum_axis(Axis(1)) / w.nrows() as f32;
            let h = Array2::from_shape_fn((frames, w.nrows()), |(frame, _)| level[frame]);
            (w, h)
        }
    };
    if options.method == Method::Textbook || options.divergence == Divergence::ItakuraSaito {
        let updates = Updates::new(v, options.divergence, levels.len()).with_levels(levels);
        return Ok(Box::new(Textbook::new(updates, w, h)));
    }
    poll()?;
    let factors = Factors::new(v, (&w, &h), levels, options.threads.clone());
    poll()?;
    match options.divergence {
        Divergence::Euclidean => Ok(Box::new(Hals::new(factors))),
        _ => Ok(Box::new(KullbackLeibler::new(factors))),
    }
}

fn start(
    v: ArrayView2<f32>,
    options: &FactorizeOptions,
    poll: Poll<'_>,
) -> Result<(Array2<f32>, Array2<f32>), Cancelled> {
    let (frames, rows) = v.dim();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    match options.start {
        Start::Random => {
            let w = Array2::from_shape_simple_fn((options.templates, rows), || rng.random_range(FLOOR..1.0));
            let h = Array2::from_shape_simple_fn((frames, options.templates), || rng.random_range(FLOOR..1.0));
            Ok((w, h))
        }
        Start::KMeans => {
            let w =
                kmeans::templates(v, options.templates, &mut rng, &mut Workers { threads: &options.threads, poll })?;
            let level: Array1<f32> = v.sum_axis(Axis(1)) / options.templates as f32;
            let h = Array2::from_shape_fn((frames, options.templates), |(frame, _)| level[frame].max(FLOOR));
            Ok((w, h))
        }
    }
}

/// V minus the templates with a known activation.
fn remainder(v: ArrayView2<f32>, fixed: &Fixed) -> Array2<f32> {
    let mut remainder = v.to_owned();
    for (template, level) in fixed.w.rows().into_iter().zip(&fixed.levels) {
        for mut frame in remainder.rows_mut().into_iter().filter(|_| level.is_some()) {
            frame.zip_mut_with(&template, |v, w| *v = (*v - level.unwrap_or(0.0) * w).max(0.0));
        }
    }
    remainder
}

/// Scales templates to sum to one, and activations to compensate.
fn normalise(w: &mut Array2<f32>, h: &mut Array2<f32>) {
    for (mut template, mut activations) in w.rows_mut().into_iter().zip(h.columns_mut()) {
        let sum = template.sum().max(f32::MIN_POSITIVE);
        template /= sum;
        activations *= sum;
    }
}
