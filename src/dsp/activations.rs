//! H of one frame: how strongly each template sounds in one spectrum. Lives on the audio thread.
//!
//! Non-negative matrix factorization with W fixed, by multiplicative updates (Lee and Seung 2001; Févotte and
//! Idier 2011 for the β-divergence family):
//!
//! ```text
//! h ← h · ((Wᵀ(v · (Wh)^(β−2))) / (Wᵀ(Wh)^(β−1)))^γ     β = 2 Euclidean, 1 Kullback-Leibler, 0 Itakura-Saito
//! ```
//!
//! The start Ŵᵀv comes from this frame alone, so a frame sounds the same whatever came before it.

use super::templates::Dictionary;
use super::{MAX_TEMPLATES, kernels};

/// What the factorization makes small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divergence {
    /// Generalised Kullback-Leibler, Σ v ln(v/v̂) − v + v̂: best for most music.
    #[default]
    KullbackLeibler,
    /// ½ Σ (v − v̂)²: loud partials count most.
    Euclidean,
    /// Itakura-Saito, Σ v/v̂ − ln(v/v̂) − 1: soft and loud bins count alike. Its updates have the exponent ½ that is
    /// proven to descend.
    ItakuraSaito,
}

impl Divergence {
    /// Every divergence.
    pub const ALL: [Self; 3] = [Self::KullbackLeibler, Self::Euclidean, Self::ItakuraSaito];

    /// Its name in files, saved projects and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::KullbackLeibler => "kl",
            Self::Euclidean => "euclidean",
            Self::ItakuraSaito => "is",
        }
    }

    /// The divergence of a name: `kl`, `euclidean` or `is`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|divergence| divergence.name() == name)
    }
}

/// Keeps estimates away from zero: −240 dB below one, so inaudible, and far from f32's smallest numbers.
const FLOOR: f32 = 1e-12;

/// The real-time H solver. Owns the scratch memory of one frame.
pub struct ActivationSolver {
    estimate: Vec<f32>,
    ratio: Vec<f32>,
}

impl ActivationSolver {
    /// Scratch for magnitudes of up to `max_rows` values.
    pub fn new(max_rows: usize) -> Self {
        Self { estimate: vec![0.0; max_rows], ratio: vec![0.0; max_rows] }
    }

    /// Estimates `activations` (one per template, ≥ 0) so that Σ template · activation ≈ `magnitudes`, in exactly
    /// `updates` multiplicative updates from the start Ŵᵀv. A silent frame has activations of zero.
    /// `magnitudes` has the dictionary's rows, finite and ≥ 0; `activations` has its templates, at most 256.
    pub fn solve(
        &mut self,
        magnitudes: &[f32],
        dictionary: &Dictionary,
        divergence: Divergence,
        updates: usize,
        activations: &mut [f32],
    ) {
        start(magnitudes, dictionary, activations);
        self.update(magnitudes, dictionary, divergence, updates, activations);
    }

    /// The updates alone, from the `activations` that are there.
    pub fn update(
        &mut self,
        magnitudes: &[f32],
        dictionary: &Dictionary,
        divergence: Divergence,
        updates: usize,
        activations: &mut [f32],
    ) {
        if activations.iter().all(|&h| h == 0.0) {
            return;
        }
        let estimate = &mut self.estimate[..magnitudes.len()];
        let ratio = &mut self.ratio[..magnitudes.len()];
        let mut target = [0.0; MAX_TEMPLATES];
        if divergence == Divergence::Euclidean {
            correlate(dictionary, magnitudes, &mut target);
        }
        for _ in 0..updates {
            reconstruct(dictionary, activations, estimate);
            match divergence {
                Divergence::KullbackLeibler => {
                    kernels::divide(ratio, magnitudes, estimate);
                    // Templates sum to one: the denominator Wᵀ1 is 1.
                    for (h, w) in activations.iter_mut().zip(dictionary.templates()) {
                        *h = (*h * kernels::dot(w, ratio)).max(FLOOR);
                    }
                }
                Divergence::Euclidean => {
                    for ((h, w), &target) in activations.iter_mut().zip(dictionary.templates()).zip(&target) {
                        *h = (*h * target / kernels::dot(w, estimate)).max(FLOOR);
                    }
                }
                Divergence::ItakuraSaito => {
                    for ((ratio, estimate), &v) in ratio.iter_mut().zip(estimate.iter_mut()).zip(magnitudes) {
                        let inverse = 1.0 / *estimate;
                        *estimate = inverse;
                        *ratio = v * inverse * inverse;
                    }
                    for (h, w) in activations.iter_mut().zip(dictionary.templates()) {
                        *h = (*h * (kernels::dot(w, ratio) / kernels::dot(w, estimate)).sqrt()).max(FLOOR);
                    }
                }
            }
        }
    }
}

/// h = Ŵᵀv, scaled to the frame's level; Ŵ are the templates at unit length. Zero for a silent frame.
fn start(magnitudes: &[f32], dictionary: &Dictionary, activations: &mut [f32]) {
    correlate(dictionary, magnitudes, activations);
    let mut sum = 0.0;
    for (h, &inverse_norm) in activations.iter_mut().zip(dictionary.inverse_norms()) {
        *h *= inverse_norm;
        sum += *h;
    }
    let level = kernels::sum(magnitudes);
    let is_silent = level < FLOOR * magnitudes.len() as f32;
    // Something sounds, but nothing that any template knows: every template may try.
    let is_unknown = sum < FLOOR;
    let even = level / dictionary.len() as f32;
    for h in activations {
        *h = if is_silent {
            0.0
        } else if is_unknown {
            even
        } else {
            (*h * (level / sum)).max(FLOOR)
        };
    }
}

/// correlations = Wᵀv.
fn correlate(dictionary: &Dictionary, magnitudes: &[f32], correlations: &mut [f32]) {
    for (out, w) in correlations.iter_mut().zip(dictionary.templates()) {
        *out = kernels::dot(w, magnitudes);
    }
}

/// estimate = Wh + floor.
fn reconstruct(dictionary: &Dictionary, activations: &[f32], estimate: &mut [f32]) {
    estimate.fill(FLOOR);
    for (&h, w) in activations.iter().zip(dictionary.templates()) {
        kernels::add_scaled(estimate, h, w);
    }
}
