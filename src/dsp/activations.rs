//! H of one frame: how strongly each template sounds in one spectrum. Lives on the audio thread.
//!
//! Non-negative matrix factorization with W fixed, by multiplicative updates (Lee and Seung 2001; Févotte and
//! Idier 2011 for the β-divergence family):
//!
//! ```text
//! h ← h · ((Wᵀ(v · (Wh)^(β−2))) / (Wᵀ(Wh)^(β−1)))^γ     β = 2 Euclidean, 1 Kullback-Leibler, 0 Itakura-Saito
//! ```
//!
//! γ is 1 (½ for Itakura-Saito) where the divergence provably never rises. All updates but the last are over-relaxed, to
//! 1.8 γ: twice as far in as many updates. Badeau, Bertin and Vincent (2010) show that this converges below 2 γ for β from 1 to 2.
//!
//! The start comes from this frame alone, so a frame sounds the same whatever came before it.

use super::dictionary::Dictionary;
use super::{MAX_PLAYED_TEMPLATES, kernels};

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

/// The exponent of all updates but the last, as a multiple of the one that provably descends.
const OVER_RELAXATION: f32 = 1.8;
/// The most that one over-relaxed update multiplies or divides an activation by: it cannot leap beyond what the plain
/// updates after it bring back.
const MAX_STEP: f32 = 100.0;

/// Templates that are left out of later updates: after so many, those below this share of the frame's strongest one. It
/// costs 0.01 dB and saves half of the work, most of which is for copies that do not sound. Not for Itakura-Saito, to which
/// soft sounds are as dear as loud ones.
const PRUNING: [(usize, f32); 2] = [(4, 1e-3), (8, 3e-3)];

/// The real-time H solver. Owns the scratch memory of one frame.
pub struct ActivationSolver {
    estimate: Vec<f32>,
    ratio: Vec<f32>,
    /// Indices of the templates that may still sound.
    active: Vec<usize>,
}

impl ActivationSolver {
    /// Scratch for magnitudes of up to `max_rows` values.
    pub fn new(max_rows: usize) -> Self {
        let active = Vec::with_capacity(MAX_PLAYED_TEMPLATES);
        Self { estimate: vec![0.0; max_rows], ratio: vec![0.0; max_rows], active }
    }

    /// Estimates `activations` (one per template, ≥ 0) so that Σ template · activation ≈ `magnitudes`, in exactly
    /// `updates` multiplicative updates. A silent frame has activations of zero.
    /// `magnitudes` has the dictionary's rows, finite and ≥ 0; `activations` has its templates, at most
    /// [`MAX_PLAYED_TEMPLATES`].
    pub fn solve(
        &mut self,
        magnitudes: &[f32],
        dictionary: &Dictionary,
        divergence: Divergence,
        updates: usize,
        activations: &mut [f32],
    ) {
        start(magnitudes, dictionary, activations);
        let frame = Frame { magnitudes, dictionary, divergence };
        self.activate(activations);
        for update in 1..updates {
            self.run(frame, OVER_RELAXATION, activations);
            let due = PRUNING.iter().find(|(after, _)| *after == update);
            if let Some((_, share)) = due.filter(|_| divergence != Divergence::ItakuraSaito) {
                self.prune(*share, activations);
            }
        }
        if updates > 0 {
            self.run(frame, 1.0, activations);
        }
    }

    /// Plain updates alone, from the `activations` that are there: the divergence never rises.
    pub fn update(
        &mut self,
        magnitudes: &[f32],
        dictionary: &Dictionary,
        divergence: Divergence,
        updates: usize,
        activations: &mut [f32],
    ) {
        self.activate(activations);
        for _ in 0..updates {
            self.run(Frame { magnitudes, dictionary, divergence }, 1.0, activations);
        }
    }

    /// All templates may sound; in a silent frame none does.
    fn activate(&mut self, activations: &[f32]) {
        self.active.clear();
        if activations.iter().any(|&h| h > 0.0) {
            self.active.extend(0..activations.len().min(self.active.capacity()));
        }
    }

    /// Silences the templates below a share of the strongest.
    fn prune(&mut self, share: f32, activations: &mut [f32]) {
        let floor = activations.iter().copied().fold(0.0, f32::max) * share;
        self.active.retain(|&template| activations[template] >= floor);
        activations.iter_mut().filter(|h| **h < floor).for_each(|h| *h = 0.0);
    }

    /// One update of the active templates.
    fn run(&mut self, frame: Frame<'_>, relaxation: f32, activations: &mut [f32]) {
        let Frame { magnitudes, dictionary, divergence } = frame;
        if self.active.is_empty() {
            return;
        }
        let estimate = &mut self.estimate[..magnitudes.len()];
        let ratio = &mut self.ratio[..magnitudes.len()];
        estimate.fill(FLOOR);
        for &template in &self.active {
            kernels::add_scaled(estimate, activations[template], dictionary.template(template));
        }
        match divergence {
            Divergence::KullbackLeibler => kernels::divide(ratio, magnitudes, estimate),
            Divergence::Euclidean => {}
            Divergence::ItakuraSaito => {
                for ((ratio, estimate), &v) in ratio.iter_mut().zip(estimate.iter_mut()).zip(magnitudes) {
                    let inverse = 1.0 / *estimate;
                    *estimate = inverse;
                    *ratio = v * inverse * inverse;
                }
            }
        }
        for &template in &self.active {
            let w = dictionary.template(template);
            let step = match divergence {
                // Templates sum to one: the denominator Wᵀ1 is 1.
                Divergence::KullbackLeibler => kernels::dot(w, ratio),
                Divergence::Euclidean => kernels::dot(w, magnitudes) / kernels::dot(w, estimate),
                Divergence::ItakuraSaito => (kernels::dot(w, ratio) / kernels::dot(w, estimate)).sqrt(),
            };
            let h = &mut activations[template];
            *h = (*h * relaxed(step / dictionary.price(template), relaxation)).max(FLOOR);
        }
    }
}

/// What is solved.
#[derive(Clone, Copy)]
struct Frame<'a> {
    magnitudes: &'a [f32],
    dictionary: &'a Dictionary,
    divergence: Divergence,
}

/// The factor of an update, over-relaxed.
fn relaxed(ratio: f32, relaxation: f32) -> f32 {
    if relaxation == 1.0 { ratio } else { ratio.powf(relaxation).clamp(MAX_STEP.recip(), MAX_STEP) }
}

/// h = cos⁴(w, v), scaled to the frame's level; cos is Ŵᵀv̂ at unit lengths. Zero for a silent frame. The fourth power starts
/// nearer to where the updates end: few templates sound at once. 20 updates from there separate as well as 40 from cos.
fn start(magnitudes: &[f32], dictionary: &Dictionary, activations: &mut [f32]) {
    correlate(dictionary, magnitudes, activations);
    let inverse_norm = 1.0 / kernels::dot(magnitudes, magnitudes).sqrt().max(f32::MIN_POSITIVE);
    let mut sum = 0.0;
    for (h, &inverse) in activations.iter_mut().zip(dictionary.inverse_norms()) {
        *h = (*h * inverse * inverse_norm).powi(4);
        sum += *h;
    }
    let level = kernels::sum(magnitudes);
    let is_silent = level < FLOOR * magnitudes.len() as f32;
    // Something sounds, but nothing that any template knows: every template may try.
    let is_unknown = sum < FLOOR.powi(2);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::bands::Bands;
    use crate::dsp::{Format, Templates};
    use rand::{RngExt, SeedableRng};

    fn loss(divergence: Divergence, magnitudes: &[f32], dictionary: &Dictionary, activations: &[f32]) -> f64 {
        let mut estimate = vec![FLOOR; magnitudes.len()];
        for (&h, w) in activations.iter().zip(dictionary.templates()) {
            kernels::add_scaled(&mut estimate, h, w);
        }
        let pairs = magnitudes.iter().zip(&estimate).map(|(&v, &e)| (f64::from(v.max(FLOOR)), f64::from(e)));
        pairs
            .map(|(v, e)| match divergence {
                Divergence::KullbackLeibler => v * (v / e).ln() - v + e,
                Divergence::Euclidean => (v - e).powi(2) / 2.0,
                Divergence::ItakuraSaito => v / e - (v / e).ln() - 1.0,
            })
            .sum()
    }

    #[test]
    fn over_relaxed_updates_come_nearer_to_the_frame_than_as_many_plain_ones() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let format = Format { sample_rate: 48_000.0, window_len: 256, channels: 1 };
        for divergence in Divergence::ALL {
            let (mut worst, mut sum) = (f64::NEG_INFINITY, 0.0);
            for case in 0..400 {
                let (templates, power) = (1 + case % 40, 1 + case % 7);
                let mut value = || rng.random_range(1e-3f32..1.0).powi(power as i32 * 2);
                let mut matrix: Vec<f32> = (0..templates * 129).map(|_| value()).collect();
                if templates > 1 && case % 3 == 0 {
                    // Two templates nearly alike: where large steps could swing.
                    matrix.copy_within(..129, 129);
                    matrix[130] *= 1.01;
                }
                let magnitudes: Vec<f32> = (0..129).map(|_| value()).collect();
                let w = Templates::with_bands(format, vec!["all".into()], vec![0; templates], matrix, Bands::full(129));
                let w = w.unwrap();
                let (mut relaxed, mut plain) = (vec![0.0; templates], vec![0.0; templates]);
                let mut solver = ActivationSolver::new(129);
                solver.solve(&magnitudes, w.full(), divergence, 20, &mut relaxed);
                start(&magnitudes, w.full(), &mut plain);
                solver.update(&magnitudes, w.full(), divergence, 20, &mut plain);
                let [relaxed, plain] = [relaxed, plain].map(|h| loss(divergence, &magnitudes, w.full(), &h));
                worst = worst.max(relaxed / plain - 1.0);
                sum += (relaxed / plain).ln();
            }
            println!("{divergence:?}: worst {worst}, mean {}", sum / 400.0);
            // A hundredth: what was pruned is missing.
            assert!(worst < 0.01 && sum < 0.0, "{divergence:?}: {worst} {sum}");
        }
    }
}
