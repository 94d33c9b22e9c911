//! Runs the real-time solver on the captures, offline. Its estimates give each component's calibration gains, and from a
//! stereo mix each component's spatial covariances.

use super::capture::{Capture, Frames};
use super::directions::CovarianceSums;
use super::progress::Cancelled;
use super::threads::Workers;
use crate::dsp::masks::SoftMasks;
use crate::dsp::spatial::SpatialFilter;
use crate::dsp::{
    ActivationSolver, Complex32, Covariance, Divergence, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, Settings, StftLayout,
    Templates, Window,
};

/// Calibration gains stay within a factor of two.
const MAX_GAIN: f64 = 2.0;
/// At most this many frames are used, evenly spread: enough for averages.
const MAX_FRAMES: usize = 300;
/// How many times covariances are estimated again from the previous estimates.
const REFINEMENTS: usize = 2;
/// Frames of a chunk. Each chunk is summed by itself, and then the chunks in order: the result does not depend on the number
/// of threads.
const CHUNK: usize = 10;
/// Cost of the transform per row, in multiply-adds.
const READ_COST: usize = 100;
/// Cost per row and component of a mask or of a covariance sum, in multiply-adds.
const MASK_COST: usize = 100;

/// The separator's estimates of captured frames, outside any engine.
pub struct Rehearsal<'a> {
    /// The templates that will play, transposed copies included.
    templates: &'a Templates,
    layout: StftLayout,
    divergence: Divergence,
}

impl<'a> Rehearsal<'a> {
    /// A rehearsal of `templates`, which were learned with `layout`.
    pub fn new(templates: &'a Templates, layout: StftLayout, divergence: Divergence) -> Self {
        Self { templates, layout, divergence }
    }

    /// Per component and row, ‖V_j‖ / ‖L̂_j‖ over all frames, between ½ and 2. V_j are the magnitudes of component j's
    /// capture (`captures` has one per component); L̂_j is the solver's estimate of them from the sum of all captures.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn calibration(&self, captures: &[&Capture], workers: &mut Workers<'_>) -> Result<Vec<f32>, Cancelled> {
        let frames = captures.iter().map(|capture| capture.frames(self.layout, Window::SqrtHann).len()).max();
        let mut chunks: Chunks<Energies> = chunks(frames.unwrap_or(0), Energies::default);
        workers.run(&mut chunks, CHUNK * self.cost(captures.len()), |chunks| {
            let mut estimator = FrameEstimator::new(self);
            let mut readers: Vec<Frames> = captures.iter().map(|c| c.frames(self.layout, Window::SqrtHann)).collect();
            for (frames, energies) in chunks {
                *energies = self.energies(frames, &mut readers, &mut estimator);
            }
        })?;
        let len = self.templates.format().rows() * captures.len();
        let (mut captured, mut estimated) = (vec![0.0; len], vec![0.0; len]);
        for (_, energies) in &chunks {
            captured.iter_mut().zip(&energies.captured).for_each(|(sum, x)| *sum += x);
            estimated.iter_mut().zip(&energies.estimated).for_each(|(sum, x)| *sum += x);
        }
        let gain = |(captured, estimated): (&f64, &f64)| match *estimated > 0.0 {
            true => (captured / estimated).sqrt().clamp(1.0 / MAX_GAIN, MAX_GAIN) as f32,
            false => 1.0,
        };
        Ok(captured.iter().zip(&estimated).map(gain).collect())
    }

    fn energies(&self, frames: &[usize], readers: &mut [Frames<'_>], estimator: &mut FrameEstimator<'_>) -> Energies {
        let rows = self.templates.format().rows();
        let silent = || vec![0.0; rows * readers.len()];
        let mut energies = Energies { captured: silent(), estimated: silent() };
        let (mut component, mut sum) = (vec![Complex32::default(); rows], vec![Complex32::default(); rows]);
        for &frame in frames {
            sum.fill(Complex32::default());
            for (reader, captured) in readers.iter_mut().zip(energies.captured.chunks_exact_mut(rows)) {
                reader.read(frame, &mut component);
                sum.iter_mut().zip(&component).for_each(|(sum, x)| *sum += x);
                captured.iter_mut().zip(&component).for_each(|(energy, x)| *energy += f64::from(x.norm_sqr()));
            }
            estimator.solve(&sum);
            estimator.masks.estimate(self.templates, &estimator.activations);
            for (component, estimated) in energies.estimated.chunks_exact_mut(rows).enumerate() {
                let estimate = estimator.masks.component(component, rows);
                estimated.iter_mut().zip(estimate).for_each(|(energy, x)| *energy += f64::from(x * x));
            }
        }
        energies
    }

    /// Each template's share of the energy of `capture`: its activations, summed over all frames, and divided by the sum
    /// of all templates.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn energy_shares(&self, capture: &Capture, workers: &mut Workers<'_>) -> Result<Vec<f32>, Cancelled> {
        let (rows, templates) = (self.templates.format().rows(), self.templates.owners().len());
        let mut chunks: Chunks<Vec<f64>> = chunks(capture.frames(self.layout, Window::SqrtHann).len(), Vec::new);
        workers.run(&mut chunks, CHUNK * self.cost(1), |chunks| {
            let mut estimator = FrameEstimator::new(self);
            let mut reader = capture.frames(self.layout, Window::SqrtHann);
            let mut spectrum = vec![Complex32::default(); rows];
            for (frames, sums) in chunks {
                *sums = vec![0.0; templates];
                for &frame in &*frames {
                    reader.read(frame, &mut spectrum);
                    estimator.solve(&spectrum);
                    sums.iter_mut().zip(&estimator.activations).for_each(|(sum, &h)| *sum += f64::from(h));
                }
            }
        })?;
        let sum = |template: usize| chunks.iter().map(|(_, sums)| sums[template]).sum::<f64>();
        let sums: Vec<f64> = (0..templates).map(sum).collect();
        let total = sums.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        Ok(sums.iter().map(|sum| (sum / total) as f32).collect())
    }

    /// Spatial covariances per component and bin: those in `known`, and for components that have none there, estimates from
    /// a stereo `mix`. The first estimate is the covariance of the masked mix; two more come from the output of the spatial
    /// filter. This is the expectation-maximisation of Duong, Vincent and Gribonval (2010) with the activations fixed.
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn covariances(
        &self,
        mix: &Capture,
        known: &[Vec<Covariance>],
        workers: &mut Workers<'_>,
    ) -> Result<Vec<Covariance>, Cancelled> {
        let chunks = self.masked_frames(mix, workers)?;
        let bins = self.templates.format().bins();
        let covariances = |sums: &[CovarianceSums]| -> Vec<Covariance> {
            let of_component = |(sums, known): (&CovarianceSums, &Vec<Covariance>)| match known.is_empty() {
                true => sums.covariances(),
                false => known.clone(),
            };
            sums.iter().zip(known).flat_map(of_component).collect()
        };
        let mut sums = self.covariance_sums(&chunks, workers, |MaskedFrame { spectrum, masks }, sums| {
            sums.iter_mut().zip(masks.chunks_exact(bins)).for_each(|(sums, mask)| sums.add(spectrum, Some(mask)));
        })?;
        for _ in 0..REFINEMENTS {
            let estimates = covariances(&sums);
            sums = self.covariance_sums(&chunks, workers, |MaskedFrame { spectrum, masks }, sums| {
                let (mut filter, mut filtered) = (SpatialFilter::new(bins), vec![Complex32::default(); 2 * bins]);
                filter.update(spectrum, &estimates, masks, bins);
                let components = estimates.chunks_exact(bins).zip(masks.chunks_exact(bins));
                for (sums, (covariances, mask)) in sums.iter_mut().zip(components) {
                    filtered.fill(Complex32::default());
                    filter.add_component(1.0, covariances, mask, &mut filtered);
                    sums.add(&filtered, None);
                }
            })?;
        }
        Ok(covariances(&sums))
    }

    /// Per component, the sums of what `add` adds for each frame.
    fn covariance_sums(
        &self,
        chunks: &Chunks<Vec<MaskedFrame>>,
        workers: &mut Workers<'_>,
        add: impl Fn(&MaskedFrame, &mut [CovarianceSums]) + Sync,
    ) -> Result<Vec<CovarianceSums>, Cancelled> {
        let (bins, components) = (self.templates.format().bins(), self.templates.components().len());
        let zero = || -> Vec<CovarianceSums> { (0..components).map(|_| CovarianceSums::new(bins)).collect() };
        let mut partial: Vec<Vec<CovarianceSums>> = chunks.iter().map(|_| Vec::new()).collect();
        workers.run(chunks.iter().zip(&mut partial), CHUNK * MASK_COST * bins * components, |chunks| {
            for ((_, frames), sums) in chunks {
                *sums = zero();
                frames.iter().for_each(|frame| add(frame, sums));
            }
        })?;
        let mut sums = zero();
        for partial in &partial {
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| sum.merge(partial));
        }
        Ok(sums)
    }

    /// The chosen frames of a stereo mix, each with every component's mask.
    fn masked_frames(&self, mix: &Capture, workers: &mut Workers<'_>) -> Result<Chunks<Vec<MaskedFrame>>, Cancelled> {
        let (bins, components) = (self.templates.format().bins(), self.templates.components().len());
        let mut chunks = chunks(mix.frames(self.layout, Window::SqrtHann).len(), Vec::new);
        workers.run(&mut chunks, CHUNK * self.cost(1), |chunks| {
            let mut estimator = FrameEstimator::new(self);
            let mut reader = mix.frames(self.layout, Window::SqrtHann);
            let mut masked = |&frame: &usize| {
                let mut spectrum = vec![Complex32::default(); 2 * bins];
                reader.read(frame, &mut spectrum);
                estimator.solve(&spectrum);
                let exponent = Settings::default().mask_exponent;
                estimator.masks.update_joint(self.templates, &estimator.activations, exponent);
                let mask = |component| estimator.masks.component(component, bins).iter().copied();
                MaskedFrame { masks: (0..components).flat_map(mask).collect(), spectrum }
            };
            for (frames, results) in chunks {
                *results = frames.iter().map(&mut masked).collect();
            }
        })?;
        Ok(chunks)
    }

    /// The cost in multiply-adds of one frame that is read from this many captures.
    fn cost(&self, captures: usize) -> usize {
        let (rows, templates) = (self.templates.format().rows(), self.templates.owners().len());
        let updates = 2 * Settings::default().updates * self.templates.banded().rows() * templates;
        updates + rows * (templates + READ_COST * captures + MASK_COST * self.templates.components().len())
    }
}

/// The solver and the memory of one frame's estimates.
struct FrameEstimator<'a> {
    templates: &'a Templates,
    divergence: Divergence,
    solver: ActivationSolver,
    masks: SoftMasks,
    magnitudes: Vec<f32>,
    banded: Vec<f32>,
    activations: Vec<f32>,
}

impl<'a> FrameEstimator<'a> {
    fn new(rehearsal: &Rehearsal<'a>) -> Self {
        let Rehearsal { templates, divergence, .. } = *rehearsal;
        let rows = templates.format().rows();
        Self {
            templates,
            divergence,
            solver: ActivationSolver::new(rows),
            masks: SoftMasks::new(rows, MAX_COMPONENTS),
            magnitudes: vec![0.0; rows],
            banded: vec![0.0; templates.banded().rows()],
            activations: vec![0.0; MAX_PLAYED_TEMPLATES],
        }
    }

    fn solve(&mut self, spectrum: &[Complex32]) {
        self.magnitudes.iter_mut().zip(spectrum).for_each(|(magnitude, x)| *magnitude = x.norm());
        self.templates.bands().sum_rows(&self.magnitudes, &mut self.banded);
        let activations = &mut self.activations[..self.templates.owners().len()];
        let updates = Settings::default().updates;
        self.solver.solve(&self.banded, self.templates.banded(), self.divergence, updates, activations);
    }
}

/// The energy of each row over some frames, component after component.
#[derive(Default)]
struct Energies {
    captured: Vec<f64>,
    estimated: Vec<f64>,
}

/// One frame of a stereo mix.
struct MaskedFrame {
    /// The left channel's bins, then the right's.
    spectrum: Vec<Complex32>,
    /// Component after component, one mask value per bin.
    masks: Vec<f32>,
}

/// The spatial covariances of a stereo capture of one component alone, one per bin.
///
/// # Errors
/// The poll asked to stop.
pub fn captured_covariances(
    capture: &Capture,
    layout: StftLayout,
    workers: &mut Workers<'_>,
) -> Result<Vec<Covariance>, Cancelled> {
    let mut reader = capture.frames(layout, Window::SqrtHann);
    let mut spectrum = vec![Complex32::default(); 2 * layout.bins()];
    let mut sums = CovarianceSums::new(layout.bins());
    for frame in 0..reader.len() {
        if frame % CHUNK == 0 {
            (workers.poll)()?;
        }
        reader.read(frame, &mut spectrum);
        sums.add(&spectrum, None);
    }
    Ok(sums.covariances())
}

/// Frame numbers that are processed together, and the result for them.
type Chunks<T> = Vec<(Vec<usize>, T)>;

/// Up to [`MAX_FRAMES`] of `frames` frames, evenly spread, in chunks of [`CHUNK`] whose results are still empty.
fn chunks<T>(frames: usize, empty: fn() -> T) -> Chunks<T> {
    let chosen: Vec<usize> = evenly_spread(frames).collect();
    chosen.chunks(CHUNK).map(|frames| (frames.to_vec(), empty())).collect()
}

/// Up to [`MAX_FRAMES`] of `frames` frames, evenly spread.
fn evenly_spread(frames: usize) -> impl Iterator<Item = usize> {
    let count = frames.min(MAX_FRAMES);
    (0..count).map(move |index| index * frames / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Format;
    use crate::learn::{Priority, Threads};

    const LEN: usize = 16_384;

    fn layout() -> StftLayout {
        StftLayout::new(256, 64).unwrap()
    }

    /// A tone in bin 20, and one in bin 90; left by `pan` of a quarter turn.
    fn tone(bin: usize, pan: f32) -> Capture {
        let sample = |n: usize| (std::f32::consts::TAU * bin as f32 * n as f32 / 256.0).sin() * 0.5;
        let angle = pan * std::f32::consts::FRAC_PI_2;
        let channel = |gain: f32| (0..LEN).map(|n| sample(n) * gain).collect();
        Capture::new(48_000.0, vec![channel(angle.cos()), channel(angle.sin())]).unwrap()
    }

    fn spectrum(capture: &Capture) -> Vec<f32> {
        capture.spectrogram(layout(), Window::SqrtHann).unwrap().magnitudes.row(9).to_vec()
    }

    fn templates(matrix: [Vec<f32>; 2]) -> Templates {
        let format = Format::new(48_000.0, layout(), 2);
        Templates::new(format, vec!["a".into(), "b".into()], vec![0, 1], matrix.concat()).unwrap()
    }

    #[test]
    fn calibration_corrects_weak_template_values_by_a_factor_of_two_at_most() {
        let (a, b) = (tone(20, 0.3), tone(90, 0.3));
        let (mut short, whole) = (spectrum(&a), spectrum(&b));
        (short[19], short[21]) = (short[19] * 0.7, short[21] * 0.1);
        let templates = templates([short, whole]);
        let gains = Rehearsal::new(&templates, layout(), Divergence::KullbackLeibler)
            .calibration(&[&a, &b], &mut Workers { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) })
            .unwrap();
        // The activations compensate for some of it, so the gain is only approximate.
        assert!((gains[19] / gains[20] - 1.0 / 0.7).abs() < 0.1, "{} {}", gains[19], gains[20]);
        assert_eq!(gains[21], 2.0);
        assert!((gains[258 + 90] - 1.0).abs() < 0.05, "{}", gains[258 + 90]);
    }

    #[test]
    fn covariances_are_estimated_from_the_mix_and_known_ones_stay() {
        let (a, b) = (tone(20, 0.1), tone(90, 0.8));
        let sum =
            |channel: usize| a.channels()[channel].iter().zip(&b.channels()[channel]).map(|(x, y)| x + y).collect();
        let mix = Capture::new(48_000.0, vec![sum(0), sum(1)]).unwrap();
        let templates = templates([spectrum(&a), spectrum(&b)]);
        let rehearsal = Rehearsal::new(&templates, layout(), Divergence::KullbackLeibler);
        let found = rehearsal
            .covariances(
                &mix,
                &[vec![], vec![]],
                &mut Workers { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) },
            )
            .unwrap();
        let left = |pan: f32| (pan * std::f32::consts::FRAC_PI_2).cos().powi(2);
        assert!((found[20].left - left(0.1)).abs() < 0.01 && (found[129 + 90].left - left(0.8)).abs() < 0.01);
        let known = vec![Covariance::new(0.25, Complex32::default()); 129];
        let kept = rehearsal
            .covariances(
                &mix,
                &[vec![], known.clone()],
                &mut Workers { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) },
            )
            .unwrap();
        assert_eq!(kept[129..], known);
    }
}
