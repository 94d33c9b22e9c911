//! Learns a model from captures: guided (one capture per component), the rest of a mix, or one more component of a model.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView1, Axis, concatenate, s};

use super::capture::{Capture, CaptureError, Spectrogram};
use super::draft::{Draft, DraftComponent};
use super::error::LearnError;
use super::nmf::{FactorizeError, FactorizeOptions, Fixed, Start, factorize};
use super::options::LearnOptions;
use super::progress::{Cancelled, OnProgress, Progress};
use super::report::{Explained, Report, explained_share};
use super::steadiness::is_steady;
use crate::dsp::{Format, MAX_COMPONENTS, MAX_TEMPLATES, Window};
use crate::model::Model;
use crate::model::settings::Steadiness;

/// A component to learn from its own capture.
#[derive(Clone, Debug)]
pub struct ComponentCapture {
    /// The component's name.
    pub name: String,
    /// A passage where it plays alone; for the rest, the mix.
    pub capture: Capture,
    /// Its number of templates, if not the default of the options and its steadiness.
    pub templates: Option<usize>,
    /// Whether it is steady hum or noise.
    pub steadiness: Steadiness,
}

/// Learns each component from its own capture. If `rest` is given, it then learns a last component from what the others do
/// not explain of the mix.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_guided(
    parts: &[ComponentCapture],
    rest: Option<&ComponentCapture>,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<(Model, Report), LearnError> {
    let all: Vec<&ComponentCapture> = parts.iter().chain(rest).collect();
    check_parts(&all, options)?;
    let capture = &all[0].capture;
    let layout = options.layout_at(capture.sample_rate());
    let format = Format::new(capture.sample_rate(), layout, capture.channels().len());
    let mut draft = Draft { format, layout, components: Vec::new(), mix: rest.map(|rest| &rest.capture) };
    let mut report = Report::default();
    let mut progress = new_progress(all.len(), options, on_progress);
    for part in parts {
        let component = learn_alone(part, options, &mut progress, &mut report)?;
        draft.components.push(component);
    }
    if let Some(rest) = rest {
        let component = learn_rest(rest, &draft.components, options, &mut progress, &mut report)?;
        draft.components.push(component);
    }
    draft.finish(options, report, &mut progress)
}

/// How one component is learned.
#[derive(Clone, Copy, Debug)]
pub enum LearnFrom<'a> {
    /// From a capture where it plays alone.
    Alone(&'a ComponentCapture),
    /// From what the other components do not explain of the mix.
    Mix(&'a ComponentCapture),
}

/// Learns the component at `index` (0 to 15) and keeps the other components of `known`. Components before it that were never
/// learned stay empty. `captures` are the components' stored captures, by index: if every component has one, all are
/// calibrated again.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_component(
    known: Option<&Model>,
    index: usize,
    lesson: LearnFrom<'_>,
    captures: &[Option<Capture>],
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<(Model, Report), LearnError> {
    let (LearnFrom::Alone(part) | LearnFrom::Mix(part)) = lesson;
    if index >= MAX_COMPONENTS {
        return Err(LearnError::Components(index + 1));
    }
    let layout = options.layout_at(part.capture.sample_rate());
    let format = Format::new(part.capture.sample_rate(), layout, part.capture.channels().len());
    let mut draft = match known {
        Some(model) => Draft::of(model, format, layout)?,
        None => Draft { format, layout, components: Vec::new(), mix: None },
    };
    let free = || DraftComponent::new(String::new(), Array2::zeros((0, format.rows())));
    while draft.components.len() <= index {
        let names: Vec<&str> = draft.components.iter().map(|component| component.name.as_str()).collect();
        let name = fresh_name(draft.components.len(), &names);
        draft.components.push(DraftComponent { name, ..free() });
    }
    for (component, capture) in draft.components.iter_mut().zip(captures) {
        component.capture = capture.as_ref().filter(|capture| has_format(capture, &part.capture));
    }
    let mut report = Report::default();
    let mut progress = new_progress(1, options, on_progress);
    draft.components[index] = match lesson {
        LearnFrom::Alone(part) => learn_alone(part, options, &mut progress, &mut report)?,
        LearnFrom::Mix(part) => {
            draft.mix = Some(&part.capture);
            draft.components[index] = free();
            learn_rest(part, &draft.components, options, &mut progress, &mut report)?
        }
    };
    check_templates(draft.components.iter().map(|component| component.w.nrows()).sum())?;
    draft.finish(options, report, &mut progress)
}

/// Learns a component from a capture where it plays alone.
pub(super) fn learn_alone<'a>(
    part: &'a ComponentCapture,
    options: &LearnOptions,
    progress: &mut Progress<'_>,
    report: &mut Report,
) -> Result<DraftComponent<'a>, LearnError> {
    let spectrogram = spectrogram(&part.name, &part.capture, options, progress)?;
    let frames = spectrogram.sounding_frames();
    progress.poll()?;
    let is_steady = match part.steadiness {
        Steadiness::Detect => is_steady(&spectrogram),
        Steadiness::Steady => true,
        Steadiness::Varying => false,
    };
    let wanted = part.templates.unwrap_or(if is_steady { LearnOptions::STEADY_TEMPLATES } else { options.templates });
    report.check_level(&part.name, part.capture.channels());
    report.check_length(&part.name, frames.nrows(), wanted, hop_s(&spectrogram));
    // A short capture may have fewer frames than templates were asked for.
    let (w, h) = progress.factorize(&part.name, &frames, wanted.min(frames.nrows()), None, options)?;
    let explained =
        Some(Explained::OfCapture(explained_share(frames.view(), w.view(), h.view(), &mut || progress.poll())?));
    let levels = if is_steady { h.columns().into_iter().map(median).collect() } else { Vec::new() };
    let component = DraftComponent::new(part.name.clone(), w);
    Ok(DraftComponent { capture: Some(&part.capture), is_steady, levels, explained, ..component })
}

/// Learns a component from what the others do not explain of the mix.
fn learn_rest<'a>(
    part: &ComponentCapture,
    others: &[DraftComponent<'_>],
    options: &LearnOptions,
    progress: &mut Progress<'_>,
    report: &mut Report,
) -> Result<DraftComponent<'a>, LearnError> {
    let spectrogram = spectrogram(&part.name, &part.capture, options, progress)?;
    let frames = spectrogram.sounding_frames();
    progress.poll()?;
    let wanted = part.templates.unwrap_or(options.templates);
    report.check_level(&part.name, part.capture.channels());
    report.check_length(&part.name, frames.nrows(), wanted, hop_s(&spectrogram));
    // Steady components keep their captured level: otherwise the new templates would learn them again.
    let level = |component: &DraftComponent, template: usize| component.levels.get(template).copied();
    let levels = others.iter().flat_map(|other| (0..other.w.nrows()).map(move |template| level(other, template)));
    let fixed: Vec<_> = others.iter().map(|component| component.w.view()).collect();
    let fixed = concatenate(Axis(0), &fixed).ok().filter(|fixed| fixed.nrows() > 0);
    let fixed = fixed.map(|w| Fixed { w, levels: levels.collect() });
    let fixed_len = fixed.as_ref().map_or(0, |fixed| fixed.w.nrows());
    let (w, h) = progress.factorize(&part.name, &frames, wanted.min(frames.nrows()), fixed, options)?;
    let explained = Some(Explained::OfMix(h.slice(s![.., fixed_len..]).sum() / h.sum()));
    Ok(DraftComponent { explained, ..DraftComponent::new(part.name.clone(), w.slice(s![fixed_len.., ..]).to_owned()) })
}

/// The default name of the component at `index`: its number, with a letter if another component already has that name.
pub fn fresh_name(index: usize, others: &[&str]) -> String {
    let mut name = (index + 1).to_string();
    while others.contains(&name.as_str()) {
        name.push('b');
    }
    name
}

fn has_format(capture: &Capture, other: &Capture) -> bool {
    capture.sample_rate() == other.sample_rate() && capture.channels().len() == other.channels().len()
}

fn median(values: ArrayView1<f32>) -> f32 {
    let mut values = values.to_vec();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Seconds between frames.
pub(super) fn hop_s(spectrogram: &Spectrogram) -> f32 {
    spectrogram.layout.hop_len() as f32 / spectrogram.format.sample_rate
}

fn check_parts(parts: &[&ComponentCapture], options: &LearnOptions) -> Result<(), LearnError> {
    if !(1..=MAX_COMPONENTS).contains(&parts.len()) {
        return Err(LearnError::Components(parts.len()));
    }
    for (index, part) in parts.iter().enumerate() {
        if parts[..index].iter().any(|earlier| earlier.name == part.name) {
            return Err(LearnError::SameName(part.name.clone()));
        }
        let format = |part: &ComponentCapture| part.capture.format_text();
        if format(part) != format(parts[0]) {
            let (found, expected) = (format(part), format(parts[0]));
            return Err(LearnError::Mixed { name: part.name.clone(), found, expected });
        }
        if part.templates == Some(0) {
            return Err(LearnError::Templates(0));
        }
    }
    check_templates(parts.iter().map(|part| part.templates.unwrap_or(options.templates)).sum())
}

pub(super) fn check_templates(templates: usize) -> Result<(), LearnError> {
    if (1..=MAX_TEMPLATES).contains(&templates) { Ok(()) } else { Err(LearnError::Templates(templates)) }
}

pub(super) fn spectrogram(
    name: &str,
    capture: &Capture,
    options: &LearnOptions,
    progress: &mut Progress<'_>,
) -> Result<Spectrogram, LearnError> {
    let layout = options.layout_at(capture.sample_rate());
    capture.spectrogram_while(layout, Window::SqrtHann, &mut || progress.poll()).map_err(|error| match error {
        CaptureError::Cancelled => LearnError::Cancelled,
        error => LearnError::Capture { name: name.into(), error },
    })
}

/// The progress of all factorizations and of the rehearsal, which counts as one more.
pub(super) fn new_progress<'a>(
    factorizations: usize,
    options: &LearnOptions,
    on_progress: OnProgress<'a>,
) -> Progress<'a> {
    Progress::new((factorizations + 1) * options.iterations(), on_progress)
}

impl Progress<'_> {
    /// Factorizes one capture's frames: (W with the fixed templates first, H).
    pub(super) fn factorize(
        &mut self,
        name: &str,
        frames: &Array2<f32>,
        templates: usize,
        fixed: Option<Fixed>,
        options: &LearnOptions,
    ) -> Result<(Array2<f32>, Array2<f32>), LearnError> {
        let LearnOptions { divergence, seed, ref threads, .. } = *options;
        let iterations = options.iterations();
        let (start, threads) = (Start::KMeans, threads.clone());
        let wanted =
            FactorizeOptions { templates, divergence, iterations, seed, start, fixed, threads, ..Default::default() };
        let factorized =
            factorize(frames.view(), &wanted, &mut |iteration| match self.notify(iteration.done, iteration.loss) {
                Ok(()) => ControlFlow::Continue(()),
                Err(Cancelled) => ControlFlow::Break(()),
            });
        self.end(iterations);
        match factorized {
            Ok(factorization) => Ok((factorization.w, factorization.h)),
            Err(FactorizeError::Cancelled) => Err(LearnError::Cancelled),
            Err(error) => Err(LearnError::Factorize { name: name.into(), error }),
        }
    }
}
