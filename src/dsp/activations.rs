//! H of one frame: how strongly each template sounds in one spectrum. Lives on the audio thread.
//!
//! Non-negative matrix factorization with W fixed, by multiplicative updates (Lee and Seung 2001; Févotte and
//! Idier 2011 for the β-divergence family):
//!
//! ```text
//! h ← h · ((Wᵀ(v · (Wh)^(β−2))) / (Wᵀ(Wh)^(β−1)))^γ     β = 2 Euclidean, 1 Kullback-Leibler, 0 Itakura-Saito
//! ```
//!
//! With γ = 1 (½ for Itakura-Saito) the divergence provably never rises. All updates except the last are over-relaxed with
//! 1.75 γ, which halves the number of updates. Badeau, Bertin and Vincent (2010) show that this converges below 2 γ for β from 1 to 2.
//!
//! The initial h depends on this frame alone, so a frame sounds the same whatever came before it.

use aligned_vec::{AVec, avec};

use super::MAX_PLAYED_TEMPLATES;
use super::dictionary::{Dictionary, padded};
use crate::dsp::simd::{self, ALIGNED_LEN, FLOOR};

/// The error measure that learning and playback minimise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divergence {
    /// Generalised Kullback-Leibler, Σ v ln(v/v̂) − v + v̂: best for most music.
    #[default]
    KullbackLeibler,
    /// ½ Σ (v − v̂)²: loud partials count most.
    Euclidean,
    /// Itakura-Saito, Σ v/v̂ − ln(v/v̂) − 1: soft and loud bins count alike. Its updates have the exponent ½, for which
    /// descent is proven.
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

/// Weak templates are pruned after some updates; most of them are silent copies. This saves half of the work and costs 0.01 dB.
/// Itakura-Saito does without, because it weights soft sounds as much as loud ones.
const PRUNING: [Pruning; 4] = [
    Pruning { after_updates: 1, threshold: 2e-3, growth: 1.0 },
    Pruning { after_updates: 2, threshold: 2e-3, growth: 1.0 },
    Pruning { after_updates: 4, threshold: 2e-3, growth: f32::INFINITY },
    Pruning { after_updates: 8, threshold: 4e-3, growth: f32::INFINITY },
];

/// One round of pruning: after a number of updates, templates below `threshold` times the strongest one are left out, unless
/// the last update multiplied them by more than `growth`.
struct Pruning {
    after_updates: usize,
    threshold: f32,
    growth: f32,
}

/// The real-time H solver. Owns the scratch memory of one frame.
pub struct ActivationSolver {
    /// The frame, padded to whole vectors.
    magnitudes: AVec<f32>,
    estimate: AVec<f32>,
    ratio: AVec<f32>,
    /// Partial sums of the kernels.
    partial: AVec<f32>,
    /// Indices of the templates that are not pruned. The next four are in their order.
    active: Vec<u32>,
    /// Their activations.
    h: Vec<f32>,
    /// The factors of an update.
    steps: Vec<f32>,
    /// Wᵀv, the numerators of Euclidean updates.
    numerators: Vec<f32>,
    /// Their penalties, see [`Dictionary::penalties`].
    penalties: Vec<f32>,
    /// WᵀW h, for Euclidean updates.
    products: AVec<f32>,
}

impl ActivationSolver {
    /// Scratch for magnitudes of up to `max_rows` values.
    pub fn new(max_rows: usize) -> Self {
        let (rows, templates) = (padded(max_rows), MAX_PLAYED_TEMPLATES);
        Self {
            magnitudes: avec![0.0; rows],
            estimate: avec![0.0; rows],
            ratio: avec![0.0; rows],
            partial: avec![0.0; templates * ALIGNED_LEN],
            active: Vec::with_capacity(templates),
            h: Vec::with_capacity(templates),
            steps: vec![0.0; templates],
            numerators: vec![0.0; templates],
            penalties: Vec::with_capacity(templates),
            products: avec![0.0; padded(templates)],
        }
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
        self.load(magnitudes, dictionary);
        self.start(dictionary);
        self.prepare(dictionary, divergence);
        for update in 1..updates {
            self.step(dictionary, divergence);
            simd::multiply_relaxed(&mut self.h, &self.steps, &self.penalties);
            let due = PRUNING.iter().find(|pruning| pruning.after_updates == update);
            if let Some(pruning) = due.filter(|_| divergence != Divergence::ItakuraSaito) {
                self.prune(pruning);
            }
        }
        if updates > 0 {
            self.step(dictionary, divergence);
            simd::multiply(&mut self.h, &self.steps, &self.penalties);
        }
        self.store(activations);
    }

    /// Plain updates alone, from the given `activations`: the divergence never rises.
    pub fn update(
        &mut self,
        magnitudes: &[f32],
        dictionary: &Dictionary,
        divergence: Divergence,
        updates: usize,
        activations: &mut [f32],
    ) {
        self.load(magnitudes, dictionary);
        self.h.copy_from_slice(activations);
        if self.h.iter().all(|&h| h == 0.0) {
            self.silence();
        }
        self.prepare(dictionary, divergence);
        for _ in 0..updates {
            self.step(dictionary, divergence);
            simd::multiply(&mut self.h, &self.steps, &self.penalties);
        }
        self.store(activations);
    }

    /// Loads a frame and activates all templates.
    fn load(&mut self, magnitudes: &[f32], dictionary: &Dictionary) {
        let stride = padded(dictionary.rows());
        self.magnitudes[..magnitudes.len()].copy_from_slice(magnitudes);
        self.magnitudes[magnitudes.len()..stride].fill(0.0);
        let templates = dictionary.len().min(MAX_PLAYED_TEMPLATES);
        self.active.clear();
        self.active.extend(0..templates as u32);
        self.h.clear();
        self.h.resize(templates, 0.0);
        self.penalties.clear();
        self.penalties.extend_from_slice(&dictionary.penalties()[..templates]);
    }

    /// Writes the activations of all templates; pruned ones are zero.
    fn store(&self, activations: &mut [f32]) {
        activations.fill(0.0);
        for (&template, &h) in self.active.iter().zip(&self.h) {
            activations[template as usize] = h;
        }
    }

    /// Prunes all templates.
    fn silence(&mut self) {
        self.active.clear();
        self.h.clear();
        self.penalties.clear();
    }

    /// The initial h = cos⁴(w, v), scaled to the frame's level; cos is Ŵᵀv̂ at unit lengths. A silent frame has none. The fourth
    /// power starts nearer to the solution, where few templates are active: 20 updates from there separate as well as 40 from
    /// cos.
    fn start(&mut self, dictionary: &Dictionary) {
        let magnitudes = &self.magnitudes[..padded(dictionary.rows())];
        let level = simd::sum(magnitudes);
        if level < FLOOR * dictionary.rows() as f32 {
            self.silence();
            return;
        }
        simd::correlate(dictionary.chosen(&self.active), magnitudes, &mut self.partial, &mut self.h);
        let inverse_norm = 1.0 / simd::dot(magnitudes, magnitudes).sqrt().max(f32::MIN_POSITIVE);
        for (h, &inverse) in self.h.iter_mut().zip(dictionary.inverse_norms()) {
            *h = (*h * inverse * inverse_norm).powi(4);
        }
        let sum = simd::sum(&self.h);
        // The frame is not silent but matches no template: all start alike.
        if sum < FLOOR.powi(2) {
            self.h.fill(level / dictionary.len() as f32);
        } else {
            self.h.iter_mut().for_each(|h| *h = (*h * (level / sum)).max(FLOOR));
        }
    }

    /// Computes what all updates of one frame share.
    fn prepare(&mut self, dictionary: &Dictionary, divergence: Divergence) {
        if divergence == Divergence::Euclidean {
            let magnitudes = &self.magnitudes[..padded(dictionary.rows())];
            let numerators = &mut self.numerators[..self.active.len()];
            simd::correlate(dictionary.chosen(&self.active), magnitudes, &mut self.partial, numerators);
        }
    }

    /// Leaves out weak templates.
    fn prune(&mut self, &Pruning { threshold, growth, .. }: &Pruning) {
        let floor = self.h.iter().copied().fold(0.0, f32::max) * threshold;
        let mut kept = 0;
        for index in 0..self.h.len() {
            if self.h[index] >= floor || self.steps[index] > growth {
                self.active[kept] = self.active[index];
                self.h[kept] = self.h[index];
                self.penalties[kept] = self.penalties[index];
                self.numerators[kept] = self.numerators[index];
                kept += 1;
            }
        }
        self.active.truncate(kept);
        self.h.truncate(kept);
        self.penalties.truncate(kept);
    }

    /// The factors of the next update without penalties: `steps` of the active templates.
    fn step(&mut self, dictionary: &Dictionary, divergence: Divergence) {
        if self.active.is_empty() {
            return;
        }
        let chosen = dictionary.chosen(&self.active);
        let steps = &mut self.steps[..self.active.len()];
        let rows = padded(dictionary.rows());
        let (magnitudes, estimate, partial) = (&self.magnitudes[..rows], &mut self.estimate[..rows], &mut self.partial);
        match (divergence, dictionary.gram(&self.active)) {
            // Templates sum to one: the denominator Wᵀ1 is 1.
            (Divergence::KullbackLeibler, _) => {
                simd::ratio_steps(chosen, &self.h, magnitudes, partial, steps);
            }
            // Wᵀv / WᵀW h
            (Divergence::Euclidean, Some(gram)) => {
                simd::weighted_sum(gram, &self.h, &mut self.products[..padded(dictionary.len())]);
                for ((step, &numerator), &template) in steps.iter_mut().zip(&self.numerators).zip(&self.active) {
                    *step = numerator / self.products[template as usize];
                }
            }
            (Divergence::Euclidean, None) => {
                simd::weighted_sum(chosen, &self.h, estimate);
                simd::correlate(chosen, estimate, partial, steps);
                steps.iter_mut().zip(&self.numerators).for_each(|(step, &numerator)| *step = numerator / *step);
            }
            (Divergence::ItakuraSaito, _) => {
                let (ratio, products) = (&mut self.ratio[..rows], &mut self.products[..steps.len()]);
                simd::weighted_sum(chosen, &self.h, estimate);
                invert(estimate, magnitudes, ratio);
                simd::correlate(chosen, estimate, partial, products);
                simd::correlate(chosen, ratio, partial, steps);
                steps.iter_mut().zip(products.iter()).for_each(|(step, &product)| *step = (*step / product).sqrt());
            }
        }
    }
}

/// estimate ← 1/estimate, and ratio ← v/estimate² of the old one.
fn invert(estimate: &mut [f32], magnitudes: &[f32], ratio: &mut [f32]) {
    simd::wide(|| {
        for ((estimate, &v), ratio) in estimate.iter_mut().zip(magnitudes).zip(ratio) {
            let inverse = 1.0 / *estimate;
            *estimate = inverse;
            *ratio = v * inverse * inverse;
        }
    });
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
            simd::add_scaled(&mut estimate, h, &w);
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
    fn over_relaxed_updates_reach_a_lower_divergence_than_as_many_plain_ones() {
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
                solver.solve(&magnitudes, w.full(), divergence, 0, &mut plain);
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

    #[test]
    fn euclidean_updates_with_and_without_the_gram_matrix_agree() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        let format = Format { sample_rate: 48_000.0, window_len: 512, channels: 2 };
        for count in [1, 5, 40] {
            let matrix = (0..count * format.rows()).map(|_| rng.random_range(0.0f32..1.0).powi(6)).collect();
            let plain = Templates::new(format, vec!["all".into()], vec![0; count], matrix).unwrap();
            let with_gram = plain.clone().with_gram();
            let magnitudes: Vec<f32> = (0..plain.banded().rows()).map(|_| rng.random_range(0.0..1.0)).collect();
            let mut solver = ActivationSolver::new(format.rows());
            let [expected, found] = [plain, with_gram].map(|templates| {
                let mut activations = vec![0.0; count];
                solver.solve(&magnitudes, templates.banded(), Divergence::Euclidean, 20, &mut activations);
                activations
            });
            let level = expected.iter().copied().fold(0.0, f32::max);
            // 1e-3 of the strongest: rounding, carried through 20 updates.
            assert!(expected.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-3 * level), "{expected:?} {found:?}");
        }
    }
}
