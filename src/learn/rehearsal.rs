//! The online solver, rehearsed on the captures: what it makes of them calibrates it, and says where components sound from.

use super::capture::{Capture, Frames};
use super::progress::Cancelled;
use super::threads::Sharing;
use crate::dsp::masks::SoftMasks;
use crate::dsp::spatial::SpatialFilter;
use crate::dsp::{
    ActivationSolver, Complex32, Covariance, Divergence, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, Settings, StftLayout,
    Templates, Window,
};
use crate::learn::directions::PlaceSums;

/// Calibration gains stay within a factor of two.
const MAX_GAIN: f64 = 2.0;
/// At most so many frames are rehearsed, evenly spread: enough for averages.
const MAX_FRAMES: usize = 300;

/// Times that places are estimated anew with those estimated before.
const REFINEMENTS: usize = 2;

/// The separator's estimates, frame by frame, outside any engine.
pub struct Rehearsal<'a> {
    /// What will play, copies included.
    templates: &'a Templates,
    layout: StftLayout,
    divergence: Divergence,
}

impl<'a> Rehearsal<'a> {
    /// A rehearsal of `templates`, learned with `layout`.
    pub fn new(templates: &'a Templates, layout: StftLayout, divergence: Divergence) -> Self {
        Self { templates, layout, divergence }
    }

    /// Per component and row, ‖V_j‖ / ‖L̂_j‖ over all frames, between ½ and 2: V_j is what `captures` (one per component)
    /// hold, L̂_j what the solver makes of their sum.
    ///
    /// # Errors
    /// The poll said stop.
    pub fn calibration(&self, captures: &[&Capture], sharing: &mut Sharing<'_>) -> Result<Vec<f32>, Cancelled> {
        let frames = captures.iter().map(|capture| capture.frames(self.layout, Window::SqrtHann).len()).max();
        let mut chunks: Chunks<Energies> = chunks(frames.unwrap_or(0), Energies::default);
        sharing.share(&mut chunks, CHUNK * self.cost(captures.len()), |chunks| {
            let mut player = Player::new(self);
            let mut readers: Vec<Frames> = captures.iter().map(|c| c.frames(self.layout, Window::SqrtHann)).collect();
            for (frames, energies) in chunks {
                *energies = self.energies(frames, &mut readers, &mut player);
            }
        })?;
        let len = self.templates.format().rows() * captures.len();
        let (mut wanted, mut found) = (vec![0.0; len], vec![0.0; len]);
        for (_, energies) in &chunks {
            wanted.iter_mut().zip(&energies.wanted).for_each(|(sum, x)| *sum += x);
            found.iter_mut().zip(&energies.found).for_each(|(sum, x)| *sum += x);
        }
        let gain = |(wanted, found): (&f64, &f64)| match *found > 0.0 {
            true => (wanted / found).sqrt().clamp(1.0 / MAX_GAIN, MAX_GAIN) as f32,
            false => 1.0,
        };
        Ok(wanted.iter().zip(&found).map(gain).collect())
    }

    fn energies(&self, frames: &[usize], readers: &mut [Frames<'_>], player: &mut Player<'_>) -> Energies {
        let rows = self.templates.format().rows();
        let mut energies = Energies { wanted: vec![0.0; rows * readers.len()], found: vec![0.0; rows * readers.len()] };
        let (mut part, mut sum) = (vec![Complex32::default(); rows], vec![Complex32::default(); rows]);
        for &frame in frames {
            sum.fill(Complex32::default());
            for (reader, wanted) in readers.iter_mut().zip(energies.wanted.chunks_exact_mut(rows)) {
                reader.read(frame, &mut part);
                sum.iter_mut().zip(&part).for_each(|(sum, x)| *sum += x);
                wanted.iter_mut().zip(&part).for_each(|(energy, x)| *energy += f64::from(x.norm_sqr()));
            }
            player.solve(&sum);
            player.masks.estimate(self.templates, &player.activations);
            for (component, found) in energies.found.chunks_exact_mut(rows).enumerate() {
                let estimate = player.masks.component(component, rows);
                found.iter_mut().zip(estimate).for_each(|(energy, x)| *energy += f64::from(x * x));
            }
        }
        energies
    }

    /// Per component and bin, where it sounds from in a stereo `mix`: `known` where that has values, else the covariance of
    /// what the masks take from it, then of what the spatial filter takes with those, twice: the
    /// expectation-maximisation of Duong, Vincent and Gribonval (2010), with the activations fixed.
    ///
    /// # Errors
    /// The poll said stop.
    pub fn covariances(
        &self,
        mix: &Capture,
        known: &[Vec<Covariance>],
        sharing: &mut Sharing<'_>,
    ) -> Result<Vec<Covariance>, Cancelled> {
        let chunks = self.shares(mix, sharing)?;
        let bins = self.templates.format().bins();
        let places = |sums: &[PlaceSums]| -> Vec<Covariance> {
            let place = |(sums, known): (&PlaceSums, &Vec<Covariance>)| match known.is_empty() {
                true => sums.covariances(),
                false => known.clone(),
            };
            sums.iter().zip(known).flat_map(place).collect()
        };
        let mut sums = self.place_sums(&chunks, sharing, |Shares { spectrum, shares }, sums| {
            sums.iter_mut().zip(shares.chunks_exact(bins)).for_each(|(sums, mask)| sums.add(spectrum, Some(mask)));
        })?;
        for _ in 0..REFINEMENTS {
            let found = places(&sums);
            sums = self.place_sums(&chunks, sharing, |Shares { spectrum, shares }, sums| {
                let (mut filter, mut taken) = (SpatialFilter::new(bins), vec![Complex32::default(); 2 * bins]);
                filter.update(spectrum, &found, shares, bins);
                let components = found.chunks_exact(bins).zip(shares.chunks_exact(bins));
                for (sums, (places, shares)) in sums.iter_mut().zip(components) {
                    taken.fill(Complex32::default());
                    filter.add_component(1.0, places, shares, &mut taken);
                    sums.add(&taken, None);
                }
            })?;
        }
        Ok(places(&sums))
    }

    /// What `add` adds up of every frame, per component: chunk by chunk, and the chunks in order.
    fn place_sums(
        &self,
        chunks: &Chunks<Vec<Shares>>,
        sharing: &mut Sharing<'_>,
        add: impl Fn(&Shares, &mut [PlaceSums]) + Sync,
    ) -> Result<Vec<PlaceSums>, Cancelled> {
        let (bins, components) = (self.templates.format().bins(), self.templates.components().len());
        let silence = || -> Vec<PlaceSums> { (0..components).map(|_| PlaceSums::new(bins)).collect() };
        let mut partial: Vec<Vec<PlaceSums>> = chunks.iter().map(|_| Vec::new()).collect();
        sharing.share(chunks.iter().zip(&mut partial), CHUNK * PLACE_COST * bins * components, |chunks| {
            for ((_, shares), sums) in chunks {
                *sums = silence();
                shares.iter().for_each(|shares| add(shares, sums));
            }
        })?;
        let mut sums = silence();
        for partial in &partial {
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| sum.merge(partial));
        }
        Ok(sums)
    }

    /// The rehearsed frames of a stereo mix, and every component's share of each bin.
    fn shares(&self, mix: &Capture, sharing: &mut Sharing<'_>) -> Result<Chunks<Vec<Shares>>, Cancelled> {
        let (bins, components) = (self.templates.format().bins(), self.templates.components().len());
        let mut chunks = chunks(mix.frames(self.layout, Window::SqrtHann).len(), Vec::new);
        sharing.share(&mut chunks, CHUNK * self.cost(1), |chunks| {
            let mut player = Player::new(self);
            let mut reader = mix.frames(self.layout, Window::SqrtHann);
            let mut share = |&frame: &usize| {
                let mut spectrum = vec![Complex32::default(); 2 * bins];
                reader.read(frame, &mut spectrum);
                player.solve(&spectrum);
                let exponent = Settings::default().mask_exponent;
                player.masks.update_joint(self.templates, &player.activations, exponent);
                let share = |component| player.masks.component(component, bins).iter().copied();
                Shares { shares: (0..components).flat_map(share).collect(), spectrum }
            };
            for (frames, shares) in chunks {
                *shares = frames.iter().map(&mut share).collect();
            }
        })?;
        Ok(chunks)
    }

    /// Multiply-adds, or what takes as long, of one frame that so many captures are read for.
    fn cost(&self, captures: usize) -> usize {
        let (rows, templates) = (self.templates.format().rows(), self.templates.owners().len());
        let updates = 2 * Settings::default().updates * self.templates.banded().rows() * templates;
        updates + rows * (templates + READ_COST * captures + PLACE_COST * self.templates.components().len())
    }
}

/// Rehearsed frames whose results are added up first: those sums, in order, do not depend on who adds them.
const CHUNK: usize = 10;
/// What one row takes to be transformed, and each component's of each row to be masked or placed, in multiply-adds.
const READ_COST: usize = 100;
const PLACE_COST: usize = 100;

/// The memory of a frame's estimates.
struct Player<'a> {
    templates: &'a Templates,
    divergence: Divergence,
    solver: ActivationSolver,
    masks: SoftMasks,
    magnitudes: Vec<f32>,
    banded: Vec<f32>,
    activations: Vec<f32>,
}

impl<'a> Player<'a> {
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

/// Component after component, the energy of each row over some frames.
#[derive(Default)]
struct Energies {
    /// Of the captures.
    wanted: Vec<f64>,
    /// Of the estimates.
    found: Vec<f64>,
}

/// One frame of a stereo mix.
struct Shares {
    /// Left, then right.
    spectrum: Vec<Complex32>,
    /// Component after component, its share of the variance of each bin.
    shares: Vec<f32>,
}

/// The covariances of a stereo capture that holds one component alone.
///
/// # Errors
/// The poll said stop.
pub fn captured_covariances(
    capture: &Capture,
    layout: StftLayout,
    sharing: &mut Sharing<'_>,
) -> Result<Vec<Covariance>, Cancelled> {
    let mut reader = capture.frames(layout, Window::SqrtHann);
    let mut spectrum = vec![Complex32::default(); 2 * layout.bins()];
    let mut sums = PlaceSums::new(layout.bins());
    for frame in 0..reader.len() {
        if frame % CHUNK == 0 {
            (sharing.poll)()?;
        }
        reader.read(frame, &mut spectrum);
        sums.add(&spectrum, None);
    }
    Ok(sums.covariances())
}

/// Frames that are worked on together, and what that gives.
type Chunks<T> = Vec<(Vec<usize>, T)>;

/// Up to [`MAX_FRAMES`] of `frames` frames, evenly spread, by [`CHUNK`]s; with a place for what each chunk gives.
fn chunks<T>(frames: usize, nothing: fn() -> T) -> Chunks<T> {
    let rehearsed: Vec<usize> = rehearsed(frames).collect();
    rehearsed.chunks(CHUNK).map(|frames| (frames.to_vec(), nothing())).collect()
}

/// Up to [`MAX_FRAMES`] of `frames` frames, evenly spread.
fn rehearsed(frames: usize) -> impl Iterator<Item = usize> {
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
    fn calibration_makes_up_for_what_templates_lack_by_a_factor_of_two_at_most() {
        let (a, b) = (tone(20, 0.3), tone(90, 0.3));
        let (mut short, whole) = (spectrum(&a), spectrum(&b));
        (short[19], short[21]) = (short[19] * 0.7, short[21] * 0.1);
        let templates = templates([short, whole]);
        let gains = Rehearsal::new(&templates, layout(), Divergence::KullbackLeibler)
            .calibration(&[&a, &b], &mut Sharing { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) })
            .unwrap();
        // The level of the others makes up for a part: hence only about.
        assert!((gains[19] / gains[20] - 1.0 / 0.7).abs() < 0.1, "{} {}", gains[19], gains[20]);
        assert_eq!(gains[21], 2.0);
        assert!((gains[258 + 90] - 1.0).abs() < 0.05, "{}", gains[258 + 90]);
    }

    #[test]
    fn places_are_found_in_the_mix_and_known_ones_stay() {
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
                &mut Sharing { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) },
            )
            .unwrap();
        let left = |pan: f32| (pan * std::f32::consts::FRAC_PI_2).cos().powi(2);
        assert!((found[20].left - left(0.1)).abs() < 0.01 && (found[129 + 90].left - left(0.8)).abs() < 0.01);
        let known = vec![Covariance::new(0.25, Complex32::default()); 129];
        let kept = rehearsal
            .covariances(
                &mix,
                &[vec![], known.clone()],
                &mut Sharing { threads: &Threads::new(2, Priority::Normal), poll: &mut || Ok(()) },
            )
            .unwrap();
        assert_eq!(kept[129..], known);
    }
}
