//! Learns components from one capture of the mix, without being told which sounds they are.
//!
//! Templates are learned from the mix and then grouped into components, and no single way to group them suits all music. So
//! several candidates separate the capture, a [`mod@criterion`] chooses one of them, and its components are learned again, each
//! from its own output. The others that sound different are offered as alternatives.

pub mod candidate;
pub mod criterion;
pub mod outputs;
pub mod played;

use ndarray::Array2;

use super::capture::{Capture, Spectrogram};
use super::components::{ComponentCapture, check_templates, hop_s, learn_alone, new_progress, spectrogram};
use super::draft::{Draft, DraftComponent};
use super::error::LearnError;
use super::nmf::FactorizeError;
use super::options::LearnOptions;
use super::progress::{OnProgress, Progress};
use super::report::{Explained, GroupedBy, Report};
use super::threads::Workers;
use crate::dsp::MAX_COMPONENTS;
use crate::learn::group::{group_templates, groupings};
use crate::model::Model;
use crate::model::settings::{GroupBy, Steadiness};
use candidate::{Candidate, Factors};
use criterion::criterion;
use outputs::{comparable, likeness, outputs};
use played::played;

/// Factorizations with many templates, each from another seed.
const SEEDS: u64 = 3;
/// Between the seeds of these: any large odd number.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Models that are offered at most, the chosen one included.
const OFFERED: usize = 3;
/// Candidates that are more alike than this are not offered both.
const SAME: f32 = 0.95;
/// Steps of progress for the judgement of one candidate.
const JUDGE_STEPS: usize = 10;
/// The criterion's lead over the best different candidate at which the confidence is 63 %.
const CLEAR_LEAD: f64 = 0.1;

/// Models of one capture, and what to tell of each.
#[derive(Clone, Debug)]
pub struct Alternatives {
    /// The one that the criterion prefers.
    pub chosen: (Model, Report),
    /// Up to two that sound different, the better first. They are not learned again from their outputs.
    pub others: Vec<(Model, Report)>,
}

/// What is learned from.
struct Mix<'a> {
    capture: &'a Capture,
    spectrogram: Spectrogram,
    /// Its frames that are not silent.
    frames: Array2<f32>,
    components: usize,
    /// Warnings about the capture.
    report: Report,
}

/// A candidate that was judged.
struct Judged<'a> {
    candidate: Candidate<'a>,
    /// The criterion: larger is better.
    score: f64,
    /// Its outputs, see [`comparable`].
    outputs: Vec<Vec<f32>>,
}

/// Learns `components` components from one capture of the mix. With [`GroupBy::Auto`] this is the first of
/// [`learn_alternatives`], otherwise [`learn_blind_quickly`]. The components are named “1”, “2” and so on, the loudest
/// first.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_blind(
    capture: &Capture,
    components: usize,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<(Model, Report), LearnError> {
    Ok(learn_alternatives(capture, components, options, on_progress)?.chosen)
}

/// Learns from one factorization: many templates, grouped as the options say. With [`GroupBy::Auto`] the activations decide
/// between timbre and hits. Several times faster than [`learn_blind`].
///
/// # Errors
/// See [`LearnError`].
pub fn learn_blind_quickly(
    capture: &Capture,
    components: usize,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<(Model, Report), LearnError> {
    check(components, options)?;
    let mut progress = new_progress(1, options, on_progress);
    let mix = Mix::new(capture, components, options, &mut progress)?;
    let factors = mix.factorize(mix.templates(options), options, &mut progress)?;
    let (wanted, poll) = ((components, options.group_by), &mut || progress.poll());
    let grouping = group_templates(mix.spectrogram.format, (factors.w.view(), factors.h.view()), wanted, poll)?;
    mix.model(&Candidate::new(&factors, grouping), options, &mut progress)
}

/// The model that the [`mod@criterion`] prefers, and up to two others that sound different, the better first. The candidates are
/// groupings by timbre and by hits of three factorizations, and one template per component. With a grouping other than
/// [`GroupBy::Auto`], there is one model, and the same goes for a single component.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_alternatives(
    capture: &Capture,
    components: usize,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<Alternatives, LearnError> {
    check(components, options)?;
    if options.group_by != GroupBy::Auto || components == 1 {
        let chosen = learn_blind_quickly(capture, components, options, on_progress)?;
        return Ok(Alternatives { chosen, others: Vec::new() });
    }
    let iterations = options.iterations();
    // Half the updates are enough to choose, and the chosen one is learned again.
    let sketchy = LearnOptions { custom_iterations: Some(iterations.div_ceil(2)), ..options.clone() };
    let candidates = 2 * SEEDS as usize + 1;
    let total = (SEEDS as usize + 1 + OFFERED) * sketchy.iterations()
        + candidates * JUDGE_STEPS
        + (components + 1) * iterations;
    let mut progress = Progress::new(total, on_progress);
    let mix = Mix::new(capture, components, options, &mut progress)?;
    let factors = mix.factorizations(&sketchy, &mut progress)?;
    let mut judged = mix.judge(&factors, options, &mut progress)?;
    // A stable order: equal scores keep the order of the candidates.
    judged.sort_by(|a, b| b.score.total_cmp(&a.score));
    let offered = offered(&judged);
    let (best, others) = (&offered[0].candidate, &offered[1..]);
    let sketch = mix.model(best, &sketchy, &mut progress)?;
    let (model, mut report) = mix.relearn(sketch, best.by, options, &mut progress)?;
    report.confidence = Some(confidence(&offered));
    let alternative = |judged: &&Judged<'_>| mix.model(&judged.candidate, &sketchy, &mut progress);
    let others = others.iter().map(alternative).collect::<Result<Vec<_>, _>>()?;
    progress.end((OFFERED - offered.len()) * sketchy.iterations());
    progress.poll()?;
    Ok(Alternatives { chosen: (model, report), others })
}

fn check(components: usize, options: &LearnOptions) -> Result<(), LearnError> {
    if !(1..=MAX_COMPONENTS).contains(&components) {
        return Err(LearnError::Components(components));
    }
    check_templates(components * options.templates)
}

/// The best candidates that sound different, at least one. `judged` is sorted, the best first.
fn offered<'a, 'b>(judged: &'a [Judged<'b>]) -> Vec<&'a Judged<'b>> {
    let mut offered: Vec<&Judged<'_>> = Vec::new();
    for candidate in judged {
        let is_new = offered.iter().all(|other| likeness(&other.outputs, &candidate.outputs) < SAME);
        if is_new && offered.len() < OFFERED {
            offered.push(candidate);
        }
    }
    offered
}

/// How clearly the first of the offered is better than the second by the criterion: 1 − exp(−lead / 0.1), from 0 for a tie
/// to 1, which is also the value if all candidates sound alike. It is not a probability.
fn confidence(offered: &[&Judged<'_>]) -> f32 {
    match offered {
        [first, second, ..] => (1.0 - (-(first.score - second.score) / CLEAR_LEAD).exp()) as f32,
        _ => 1.0,
    }
}

impl<'a> Mix<'a> {
    const NAME: &'static str = "the mix";

    fn new(
        capture: &'a Capture,
        components: usize,
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<Self, LearnError> {
        let spectrogram = spectrogram(Self::NAME, capture, options, progress)?;
        let frames = spectrogram.sounding_frames();
        progress.poll()?;
        if components > frames.nrows() {
            let error = FactorizeError::TooFewFrames { templates: components, frames: frames.nrows() };
            return Err(LearnError::Factorize { name: Self::NAME.into(), error });
        }
        let mut report = Report::default();
        report.check_level(Self::NAME, capture.channels());
        report.check_length(Self::NAME, frames.nrows(), components * options.templates, hop_s(&spectrogram));
        Ok(Self { capture, spectrogram, frames, components, report })
    }

    /// Templates of all components: a short capture may have fewer frames than were asked for.
    fn templates(&self, options: &LearnOptions) -> usize {
        (self.components * options.templates).min(self.frames.nrows())
    }

    fn factorize(
        &self,
        templates: usize,
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<Factors, LearnError> {
        let (w, h) = progress.factorize(Self::NAME, &self.frames, templates, None, options)?;
        Ok(Factors { w, h })
    }

    /// Factors with many templates from each seed, and at last with one template per component.
    fn factorizations(&self, options: &LearnOptions, progress: &mut Progress<'_>) -> Result<Vec<Factors>, LearnError> {
        let mut factors = Vec::new();
        for step in 0..SEEDS {
            let seed = options.seed.wrapping_add(step.wrapping_mul(SEED_STEP));
            let options = LearnOptions { seed, ..options.clone() };
            factors.push(self.factorize(self.templates(&options), &options, progress)?);
        }
        factors.push(self.factorize(self.components, options, progress)?);
        Ok(factors)
    }

    /// Groups the factors by timbre and by hits, and the last ones not at all. Judges what each candidate makes of the mix.
    fn judge<'b>(
        &self,
        factors: &'b [Factors],
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Judged<'b>>, LearnError> {
        let mut judged = Vec::new();
        let format = self.spectrogram.format;
        for (index, factors) in factors.iter().enumerate() {
            let matrices = (factors.w.view(), factors.h.view());
            let mut candidates: Vec<Candidate<'_>> =
                groupings(format, matrices, self.components, &mut || progress.poll())?
                    .map(|grouping| Candidate::new(factors, grouping))
                    .into();
            if index == SEEDS as usize {
                candidates.truncate(1);
                candidates[0].by = GroupedBy::OneTemplate;
            }
            for candidate in candidates {
                let mut poll = || progress.poll();
                let mut workers = Workers { threads: &options.threads, poll: &mut poll };
                let outputs = outputs(self.frames.view(), &candidate, format, &mut workers)?;
                let score = criterion(&outputs, candidate.handicap(), &mut workers)?;
                judged.push(Judged { score, outputs: comparable(&outputs), candidate });
                progress.end(JUDGE_STEPS);
            }
        }
        Ok(judged)
    }

    /// The model of a candidate.
    fn model(
        &self,
        candidate: &Candidate<'_>,
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<(Model, Report), LearnError> {
        self.finish(candidate.draft(), candidate.by, options, progress)
    }

    /// The model of components that were grouped in this way.
    fn finish(
        &self,
        components: Vec<DraftComponent<'_>>,
        by: GroupedBy,
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<(Model, Report), LearnError> {
        let mut report = Report { grouped_by: Some(by), ..self.report.clone() };
        for component in &components {
            if let Some(Explained::OfMix(share)) = component.explained {
                report.check_share(&component.name, share);
            }
        }
        // Transposed copies of templates that were grouped by their hits do not improve drums and cost single notes 2.9 dB.
        let extend_pitch = options.extend_pitch && by != GroupedBy::Hits;
        let options = LearnOptions { extend_pitch, ..options.clone() };
        let Spectrogram { format, layout, .. } = self.spectrogram;
        Draft { format, layout, components, mix: Some(self.capture) }.finish(&options, report, progress)
    }

    /// Learns each component again from its own output on the capture: +0.35 dB on 72 mixes. The sketch stays if one of its
    /// components is silent.
    fn relearn(
        &self,
        (sketch, report): (Model, Report),
        by: GroupedBy,
        options: &LearnOptions,
        progress: &mut Progress<'_>,
    ) -> Result<(Model, Report), LearnError> {
        let layout = self.spectrogram.layout;
        let Some(outputs) = played(&sketch, self.capture, layout, &mut || progress.poll())? else {
            progress.end((self.components + 1) * options.iterations());
            progress.poll()?;
            return Ok((sketch, report));
        };
        let part = |(capture, name): (Capture, &String)| {
            let (name, templates) = (name.clone(), Some(options.templates));
            ComponentCapture { name, capture, templates, steadiness: Steadiness::Detect }
        };
        let parts: Vec<_> = outputs.into_iter().zip(sketch.templates().components()).map(part).collect();
        let mut components = Vec::new();
        for (part, sketched) in parts.iter().zip(&report.components) {
            // What it says about the length and the level of a capture is not true of an output.
            let component = learn_alone(part, options, progress, &mut Report::default())?;
            components.push(DraftComponent { explained: sketched.explained, ..component });
        }
        self.finish(components, by, options, progress)
    }
}
