//! The online solver, rehearsed on the captures: what it makes of them calibrates it, and says where components sound from.

use super::capture::{Capture, Frames};
use super::places::PlaceSums;
use crate::dsp::masks::SoftMasks;
use crate::dsp::spatial::SpatialFilter;
use crate::dsp::{
    ActivationSolver, Complex32, Covariance, Divergence, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, Settings, StftLayout,
    Templates, Window,
};

/// Calibration gains stay within a factor of two.
const MAX_GAIN: f64 = 2.0;
/// At most so many frames are rehearsed, evenly spread: enough for averages.
const MAX_FRAMES: usize = 600;

/// Times that places are estimated anew with those estimated before.
const REFINEMENTS: usize = 2;

/// The separator's estimates, frame by frame, outside any engine.
pub struct Rehearsal<'a> {
    /// What will play, copies included.
    templates: &'a Templates,
    layout: StftLayout,
    divergence: Divergence,
    solver: ActivationSolver,
    masks: SoftMasks,
    magnitudes: Vec<f32>,
    banded: Vec<f32>,
    activations: Vec<f32>,
}

impl<'a> Rehearsal<'a> {
    /// A rehearsal of `templates`, learned with `layout`.
    pub fn new(templates: &'a Templates, layout: StftLayout, divergence: Divergence) -> Self {
        let rows = templates.format().rows();
        Self {
            templates,
            layout,
            divergence,
            solver: ActivationSolver::new(rows),
            masks: SoftMasks::new(rows, MAX_COMPONENTS),
            magnitudes: vec![0.0; rows],
            banded: vec![0.0; templates.banded().rows()],
            activations: vec![0.0; MAX_PLAYED_TEMPLATES],
        }
    }

    /// Per component and row, ‖V_j‖ / ‖L̂_j‖ over all frames, between ½ and 2: V_j is what `captures` (one per component)
    /// hold, L̂_j what the solver makes of their sum.
    pub fn calibration(&mut self, captures: &[&Capture]) -> Vec<f32> {
        let rows = self.templates.format().rows();
        let mut readers: Vec<Frames> = captures.iter().map(|c| c.frames(self.layout, Window::SqrtHann)).collect();
        let (mut wanted, mut found) = (vec![0.0f64; rows * captures.len()], vec![0.0f64; rows * captures.len()]);
        let (mut part, mut sum) = (vec![Complex32::default(); rows], vec![Complex32::default(); rows]);
        let frames = readers.iter().map(Frames::len).max().unwrap_or(0);
        for frame in rehearsed(frames) {
            sum.fill(Complex32::default());
            for (reader, wanted) in readers.iter_mut().zip(wanted.chunks_exact_mut(rows)) {
                reader.read(frame, &mut part);
                sum.iter_mut().zip(&part).for_each(|(sum, x)| *sum += x);
                wanted.iter_mut().zip(&part).for_each(|(energy, x)| *energy += f64::from(x.norm_sqr()));
            }
            self.solve(&sum);
            self.masks.estimate(self.templates, &self.activations);
            for (component, found) in found.chunks_exact_mut(rows).enumerate() {
                let estimate = self.masks.component(component, rows);
                found.iter_mut().zip(estimate).for_each(|(energy, x)| *energy += f64::from(x * x));
            }
        }
        let gain = |(wanted, found): (&f64, &f64)| match *found > 0.0 {
            true => (wanted / found).sqrt().clamp(1.0 / MAX_GAIN, MAX_GAIN) as f32,
            false => 1.0,
        };
        wanted.iter().zip(&found).map(gain).collect()
    }

    /// Per component and bin, where it sounds from in a stereo `mix`: `known` where that has values, else the covariance of
    /// what the masks take from it, then of what the spatial filter takes with those, [`REFINEMENTS`] times: the
    /// expectation-maximisation of Duong, Vincent and Gribonval (2010), with the activations fixed.
    pub fn covariances(&mut self, mix: &Capture, known: &[Vec<Covariance>]) -> Vec<Covariance> {
        let (bins, components) = (self.templates.format().bins(), self.templates.components().len());
        let mut filter = SpatialFilter::new(bins);
        let mut reader = mix.frames(self.layout, Window::SqrtHann);
        let mut found: Vec<Covariance> = Vec::new();
        let (mut spectrum, mut taken) = (vec![Complex32::default(); 2 * bins], vec![Complex32::default(); 2 * bins]);
        for _ in 0..=REFINEMENTS {
            let mut sums: Vec<PlaceSums> = (0..components).map(|_| PlaceSums::new(bins)).collect();
            for frame in rehearsed(reader.len()) {
                reader.read(frame, &mut spectrum);
                self.solve(&spectrum);
                self.masks.update_joint(self.templates, &self.activations, Settings::default().mask_exponent);
                let (shares, stride) = self.masks.all();
                if found.is_empty() {
                    let masks = (0..components).map(|component| self.masks.component(component, bins));
                    sums.iter_mut().zip(masks).for_each(|(sums, mask)| sums.add(&spectrum, Some(mask)));
                    continue;
                }
                filter.update(&spectrum, &found, shares, stride);
                for ((component, sums), places) in sums.iter_mut().enumerate().zip(found.chunks_exact(bins)) {
                    taken.fill(Complex32::default());
                    filter.add_component(1.0, places, self.masks.component(component, bins), &mut taken);
                    sums.add(&taken, None);
                }
            }
            let places = |(sums, known): (&PlaceSums, &Vec<Covariance>)| match known.is_empty() {
                true => sums.covariances(),
                false => known.clone(),
            };
            found = sums.iter().zip(known).flat_map(places).collect();
        }
        found
    }

    fn solve(&mut self, spectrum: &[Complex32]) {
        self.magnitudes.iter_mut().zip(spectrum).for_each(|(magnitude, x)| *magnitude = x.norm());
        self.templates.bands().sum_rows(&self.magnitudes, &mut self.banded);
        let activations = &mut self.activations[..self.templates.owners().len()];
        let updates = Settings::default().updates;
        self.solver.solve(&self.banded, self.templates.banded(), self.divergence, updates, activations);
    }
}

/// The covariances of a stereo capture that holds one component alone.
pub fn captured_covariances(capture: &Capture, layout: StftLayout) -> Vec<Covariance> {
    let mut reader = capture.frames(layout, Window::SqrtHann);
    let mut spectrum = vec![Complex32::default(); 2 * layout.bins()];
    let mut sums = PlaceSums::new(layout.bins());
    for frame in 0..reader.len() {
        reader.read(frame, &mut spectrum);
        sums.add(&spectrum, None);
    }
    sums.covariances()
}

/// Up to [`MAX_FRAMES`] of `frames` frames, evenly spread.
fn rehearsed(frames: usize) -> impl Iterator<Item = usize> {
    let count = frames.min(MAX_FRAMES);
    (0..count).map(move |index| index * frames / count)
}
