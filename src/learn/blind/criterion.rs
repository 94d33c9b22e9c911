//! Judges how well a capture was separated blindly, without knowing the true sounds.
//!
//! M_g are the magnitudes of component g's output, frames × bands. Two measures, summed over the components:
//!
//! ```text
//! A = mean over g of (√T − Σ e / √Σ e²) / (√T − 1)        e(t) = Σ_f M_g(f, t)      sparseness (Hoyer 2004)
//! R = Σ_g KL(M_g, w h) / Σ_g KL(M_g, N_g)                 N_g(f, t) = Σ_l w_l(f) h(t − l)      repetition
//! J = R − 0.7 A − 0.03 if grouped by hits
//! ```
//!
//! A wrong grouping slices sounds in time, which leaves sparse pieces. A right one holds whole sounds, which one template that
//! moves (N, convolutive: Smaragdis 2004) explains much better than one that stands still (w h). Neither measure works alone:
//! 28 mixes and 72 mixtures of their stems, chosen with each set left out in turn.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use crate::learn::progress::Cancelled;
use crate::learn::threads::Workers;

/// Frames of a moving template: 163 ms with a hop of 512 at 44.1 kHz.
const LAGS: usize = 14;
/// Updates of the moving template.
const ROUNDS: usize = 10;
/// Weight of A.
const SPARSENESS_WEIGHT: f64 = 0.7;
/// What a grouping by hits loses.
const HITS_HANDICAP: f64 = 0.03;
/// Keeps quotients finite; magnitudes are scaled to a mean of 1.
const FLOOR: f32 = 1e-9;

/// How the templates of a candidate were grouped, as far as the criterion treats it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handicap {
    /// Grouped by hits.
    Hits,
    /// Grouped otherwise.
    None,
}

/// J of the outputs of all components, each frames × bands. Larger is better.
///
/// # Errors
/// The poll asked to stop.
pub fn criterion(outputs: &[Array2<f32>], handicap: Handicap, workers: &mut Workers<'_>) -> Result<f64, Cancelled> {
    let mut fits: Vec<MovingTemplate> = outputs.iter().map(|output| MovingTemplate::new(output.view())).collect();
    let still: f64 = fits.iter().map(|fit| still_divergence(fit.output.view()) * fit.scale).sum();
    let cost = fits.first().map_or(0, |fit| 4 * LAGS * fit.output.len());
    for _ in 0..ROUNDS {
        workers.run(&mut fits, cost, |fits| fits.into_iter().for_each(MovingTemplate::update))?;
    }
    let moving: f64 = fits.iter().map(|fit| fit.divergence() * fit.scale).sum();
    let sparseness: f64 = outputs.iter().map(sparseness).sum::<f64>() / outputs.len().max(1) as f64;
    let handicap = if handicap == Handicap::Hits { HITS_HANDICAP } else { 0.0 };
    Ok(still / moving.max(f64::MIN_POSITIVE) - SPARSENESS_WEIGHT * sparseness - handicap)
}

/// How sparse the envelope of an output is: 0 for a constant one, 1 for a single frame (Hoyer 2004).
fn sparseness(output: &Array2<f32>) -> f64 {
    let envelope: Vec<f64> = output.rows().into_iter().map(|frame| f64::from(frame.sum())).collect();
    let root = (envelope.len() as f64).sqrt();
    let norm = envelope.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm == 0.0 || root <= 1.0 {
        return 0.0;
    }
    (root - envelope.iter().sum::<f64>() / norm) / (root - 1.0)
}

/// KL of the closest product of one template and its activations: w_f h_t = Σ_t M Σ_f M / ΣM.
fn still_divergence(output: ArrayView2<f32>) -> f64 {
    let (frames, bands) = (output.sum_axis(Axis(1)), output.sum_axis(Axis(0)));
    let total = output.sum().max(f32::MIN_POSITIVE);
    let estimate = |frame: usize, band: usize| frames[frame] * (bands[band] / total);
    output.indexed_iter().map(|((frame, band), &x)| divergence(x, estimate(frame, band))).sum()
}

/// x ln(x / y) − x + y.
fn divergence(x: f32, y: f32) -> f64 {
    let ratio = (x + FLOOR) / (y + FLOOR);
    f64::from(x * ratio.ln() - x + y)
}

/// One template of several frames that explains an output: M(f, t) ≈ Σ_l w_l(f) h(t − l).
struct MovingTemplate {
    /// M, scaled to a mean of 1: frames × bands.
    output: Array2<f32>,
    /// What a divergence of the scaled output is multiplied by.
    scale: f64,
    /// w: lags × bands.
    template: Array2<f32>,
    /// h, one per frame.
    activations: Array1<f32>,
}

impl MovingTemplate {
    /// The start: the mean spectrum that decays, and the rises of the envelope.
    fn new(output: ArrayView2<f32>) -> Self {
        let mean = (output.sum() / output.len().max(1) as f32).max(f32::MIN_POSITIVE);
        let output = &output / mean;
        let spectrum = output.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(0));
        let template =
            Array2::from_shape_fn((LAGS, output.ncols()), |(lag, band)| spectrum[band] * (-(lag as f32) / 4.0).exp());
        let envelope = output.sum_axis(Axis(1));
        let before = |frame: usize| if frame == 0 { 0.0 } else { envelope[frame - 1] };
        let activations =
            Array1::from_shape_fn(envelope.len(), |t| (envelope[t] - before(t)).max(0.0) + 0.02 * envelope[t]);
        let mut start = Self { scale: f64::from(mean), template, activations, output };
        let total = start.estimate().sum().max(f32::MIN_POSITIVE);
        start.activations *= start.output.sum() / total;
        start
    }

    /// h(t − l): frames × lags.
    fn delayed(&self) -> Array2<f32> {
        let delayed = |(frame, lag): (usize, usize)| if lag > frame { 0.0 } else { self.activations[frame - lag] };
        Array2::from_shape_fn((self.activations.len(), LAGS), delayed)
    }

    /// N.
    fn estimate(&self) -> Array2<f32> {
        self.delayed().dot(&self.template)
    }

    /// M / N.
    fn quotient(&self) -> Array2<f32> {
        let mut quotient = self.estimate();
        quotient.zip_mut_with(&self.output, |estimate, x| *estimate = x / (*estimate + FLOOR));
        quotient
    }

    /// One multiplicative update of h, and one of w.
    fn update(&mut self) {
        let products = self.quotient().dot(&self.template.t());
        let total = self.template.sum().max(FLOOR);
        let frames = self.activations.len();
        for (frame, activation) in self.activations.iter_mut().enumerate() {
            let lags = 0..LAGS.min(frames - frame);
            *activation *= lags.map(|lag| products[[frame + lag, lag]]).sum::<f32>() / total;
        }
        let delayed = self.delayed();
        let products = delayed.t().dot(&self.quotient());
        for (lag, mut template) in self.template.rows_mut().into_iter().enumerate() {
            let total = self.activations.slice(s![..frames.saturating_sub(lag)]).sum().max(FLOOR);
            template.zip_mut_with(&products.row(lag), |w, product| *w *= product / total);
        }
    }

    fn divergence(&self) -> f64 {
        self.output.iter().zip(&self.estimate()).map(|(&x, &y)| divergence(x, y)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::threads::{Priority, Threads};

    fn judged(outputs: &[Array2<f32>], handicap: Handicap) -> f64 {
        let (threads, poll) = (&Threads::new(2, Priority::Normal), &mut || Ok(()));
        criterion(outputs, handicap, &mut Workers { threads, poll }).unwrap()
    }

    /// 600 frames of 40 bands: a drum, hit every 37 frames, that begins with a click in the high bands and rings in the
    /// low ones, and a note in the middle bands, every 53 frames. The click, the ring and the note.
    fn sounds() -> [Array2<f32>; 3] {
        let sound = |period: usize, bands: std::ops::Range<usize>, from: usize, decay: f32| {
            Array2::from_shape_fn((600, 40), |(frame, band)| {
                let age = frame % period;
                let is_sounding = bands.contains(&band) && age >= from;
                if is_sounding { decay.powi((age - from) as i32) * (1.0 + band as f32) } else { 0.0 }
            })
        };
        [sound(37, 25..40, 0, 0.3), sound(37, 0..10, 2, 0.8), sound(53, 12..22, 0, 0.85)]
    }

    #[test]
    fn whole_hits_are_better_than_their_attacks_apart_from_their_decays() {
        let [click, ring, note] = sounds();
        let whole = judged(&[&click + &ring, note.clone()], Handicap::None);
        let sliced = judged(&[click, ring + note], Handicap::None);
        assert!(whole > sliced + 0.5, "{whole} {sliced}");
    }

    #[test]
    fn a_grouping_by_hits_has_to_be_better_by_its_handicap() {
        let [click, ring, note] = sounds();
        let outputs = [click + ring, note];
        let lead = judged(&outputs, Handicap::None) - judged(&outputs, Handicap::Hits);
        // 1e-12: f64.
        assert!((lead - HITS_HANDICAP).abs() < 1e-12, "{lead}");
    }

    #[test]
    fn a_constant_envelope_is_not_sparse_and_a_single_frame_is_as_sparse_as_can_be() {
        let frame = |n: usize| Array2::from_shape_fn((100, 3), |(frame, _)| if frame == n { 1.0 } else { 0.0 });
        // 1e-9: f64 sums of 100 values.
        assert!(sparseness(&Array2::ones((100, 3))).abs() < 1e-9 && (sparseness(&frame(40)) - 1.0).abs() < 1e-9);
        let half = sparseness(&(frame(40) + frame(50)));
        assert!((half - (10.0 - 2f64.sqrt()) / 9.0).abs() < 1e-9, "{half}");
        assert_eq!(sparseness(&Array2::zeros((100, 3))), 0.0);
    }

    #[test]
    fn the_closest_template_that_stands_still_is_exact_for_a_product_and_its_divergence_is_the_least() {
        let product = Array2::from_shape_fn((50, 8), |(t, f)| (1 + t % 7) as f32 * (1 + f) as f32);
        // 1e-3 of a sum of 10 000: f32 sums.
        assert!(still_divergence(product.view()) < 1e-3, "{}", still_divergence(product.view()));
        let other = Array2::from_shape_fn((50, 8), |(t, f)| ((t * t + 3 * f) % 11) as f32);
        let (frames, bands) = (other.sum_axis(Axis(1)), other.sum_axis(Axis(0)));
        let best = still_divergence(other.view());
        for change in [0.9f32, 1.1] {
            let estimate = |t: usize, f: usize| frames[t] * bands[f] / other.sum() * if f == 3 { change } else { 1.0 };
            let worse: f64 = other.indexed_iter().map(|((t, f), &x)| divergence(x, estimate(t, f))).sum();
            assert!(worse > best, "{worse} {best}");
        }
    }

    #[test]
    fn updates_of_a_moving_template_never_raise_its_divergence_and_find_a_repeated_sound() {
        let [click, ring, _] = sounds();
        let mut fit = MovingTemplate::new((click + ring).view());
        let mut before = fit.divergence();
        let still = still_divergence(fit.output.view());
        for _ in 0..ROUNDS {
            fit.update();
            let after = fit.divergence();
            // 1e-4: f32 sums of 24 000 values. The last frames see fewer lags than the update of h assumes.
            assert!(after <= before * (1.0 + 1e-4), "{after} {before}");
            before = after;
        }
        assert!(before < 0.2 * still, "{before} of {still}");
    }

    #[test]
    fn silence_is_judged_by_a_finite_number() {
        let silent = [Array2::zeros((30, 8)), Array2::zeros((30, 8))];
        assert!(judged(&silent, Handicap::None).is_finite());
        let one = [Array2::ones((1, 8)), Array2::zeros((1, 8))];
        assert!(judged(&one, Handicap::Hits).is_finite());
    }
}
