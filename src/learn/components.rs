//! Captures to a model: blind (one mix, grouped), guided (a capture per component), and the rest.

use std::ops::ControlFlow;

use ndarray::{Array2, Axis, concatenate};
use thiserror::Error;

use super::capture::{Capture, CaptureError, Spectrogram};
use super::grouping::group_templates;
use super::nmf::{FactorizeError, FactorizeOptions, Iteration, Start, factorize};
use crate::dsp::{Divergence, MAX_COMPONENTS, MAX_TEMPLATES, StftLayout, TemplatesError, Window};
use crate::model::{Learned, Model};

/// How to learn.
#[derive(Clone, Debug)]
pub struct LearnOptions {
    /// Templates of each component.
    pub templates: usize,
    /// What to make small.
    pub divergence: Divergence,
    /// Iterations of the updates.
    pub iterations: usize,
    /// Seed of the start.
    pub seed: u64,
    /// Window and hop.
    pub layout: StftLayout,
}

impl LearnOptions {
    /// Templates of a component that is learned from the mix alone.
    pub const BLIND_TEMPLATES: usize = 8;
    /// Templates of a component with a capture of its own, and of the rest.
    pub const GUIDED_TEMPLATES: usize = 16;
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self {
            templates: Self::GUIDED_TEMPLATES,
            divergence: Divergence::KullbackLeibler,
            iterations: 100,
            seed: 1,
            layout: StftLayout::default(),
        }
    }
}

/// A component to learn from its own capture.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// Where it plays alone; for the rest, the mix.
    pub capture: Capture,
    /// Its number of templates, where it differs from [`LearnOptions::templates`].
    pub templates: Option<usize>,
}

/// Why nothing was learned.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LearnError {
    /// A number of components that cannot be.
    #[error("{0} components: there must be 1 to {MAX_COMPONENTS}")]
    Components(usize),
    /// A number of templates that cannot be.
    #[error("{0} templates in all: there must be 1 to {MAX_TEMPLATES}; use fewer components, or fewer templates each")]
    Templates(usize),
    /// Two components of one name.
    #[error("two components are called “{0}”: give each its own name")]
    SameName(String),
    /// Captures of different sample rates or channels.
    #[error("“{name}” is {found}, and the first capture is {expected}: convert one of them")]
    Mixed {
        /// The component whose capture differs.
        name: String,
        /// Its format.
        found: String,
        /// The first capture's format.
        expected: String,
    },
    /// A capture that cannot be learned from.
    #[error("{name}: {error}")]
    Capture {
        /// The component, or the mix.
        name: String,
        /// What is wrong with it.
        error: CaptureError,
    },
    /// The factorization failed.
    #[error("{name}: {error}")]
    Factorize {
        /// The component, or the mix.
        name: String,
        /// What is wrong.
        error: FactorizeError,
    },
    /// Learned templates that do not hold together.
    #[error(transparent)]
    Invalid(#[from] TemplatesError),
    /// The callback said stop.
    #[error("cancelled")]
    Cancelled,
}

/// Hears of every iteration, counted over all factorizations, and can stop the learning.
pub type OnProgress<'a> = &'a mut dyn FnMut(Iteration) -> ControlFlow<()>;

/// Learns `components` components from one capture of the mix: many templates, grouped by what they sound like, where and when. They are called
/// “1”, “2” and so on, the loudest first.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_blind(
    capture: &Capture,
    components: usize,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<Model, LearnError> {
    if !(1..=MAX_COMPONENTS).contains(&components) {
        return Err(LearnError::Components(components));
    }
    check_templates(components * options.templates)?;
    let spectrogram = spectrogram("the mix", capture, options)?;
    let frames = spectrogram.sounding_frames();
    if components > frames.nrows() {
        let error = FactorizeError::TooFewFrames { templates: components, frames: frames.nrows() };
        return Err(LearnError::Factorize { name: "the mix".into(), error });
    }
    let templates = (components * options.templates).min(frames.nrows());
    let mut progress = Progress { parts: 1, part: 0, on_progress };
    let (w, h) = progress.factorize("the mix", &frames, templates, None, options)?;
    let owners = group_templates(spectrogram.format, w.view(), h.view(), components);
    let names = (1..=components).map(|n| n.to_string()).collect();
    model(&spectrogram, names, owners, &w, options)
}

/// Learns each of `parts` from its own capture and then, where `rest` is given, a last component that explains what the
/// others leave of the mix.
///
/// # Errors
/// See [`LearnError`].
pub fn learn_guided(
    parts: &[Part],
    rest: Option<&Part>,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<Model, LearnError> {
    let all: Vec<&Part> = parts.iter().chain(rest).collect();
    check_parts(&all, options)?;
    let mut progress = Progress { parts: all.len(), part: 0, on_progress };
    let mut learned: Option<(Spectrogram, Array2<f32>)> = None;
    let mut owners = Vec::new();
    for (component, part) in all.iter().enumerate() {
        let spectrogram = spectrogram(&part.name, &part.capture, options)?;
        let frames = spectrogram.sounding_frames();
        // Fewer templates where a short capture has fewer frames.
        let templates = part.templates.unwrap_or(options.templates).min(frames.nrows());
        let fixed = learned.as_ref().filter(|_| component == parts.len()).map(|(_, w)| w.clone());
        let fixed_len = fixed.as_ref().map_or(0, Array2::nrows);
        let (w, _) = progress.factorize(&part.name, &frames, templates, fixed, options)?;
        let fresh = w.slice(ndarray::s![fixed_len.., ..]);
        owners.extend(std::iter::repeat_n(component, fresh.nrows()));
        learned = Some(match learned {
            None => (spectrogram, fresh.to_owned()),
            Some((first, w)) => (first, concatenate![Axis(0), w, fresh]),
        });
    }
    let (spectrogram, w) = learned.ok_or(LearnError::Components(0))?;
    model(&spectrogram, all.iter().map(|part| part.name.clone()).collect(), owners, &w, options)
}

fn check_parts(parts: &[&Part], options: &LearnOptions) -> Result<(), LearnError> {
    if !(1..=MAX_COMPONENTS).contains(&parts.len()) {
        return Err(LearnError::Components(parts.len()));
    }
    for (index, part) in parts.iter().enumerate() {
        if parts[..index].iter().any(|earlier| earlier.name == part.name) {
            return Err(LearnError::SameName(part.name.clone()));
        }
        let format = |part: &Part| {
            let channels = if part.capture.channels().len() == 1 { "mono" } else { "stereo" };
            format!("{} Hz {channels}", part.capture.sample_rate())
        };
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

fn check_templates(templates: usize) -> Result<(), LearnError> {
    if (1..=MAX_TEMPLATES).contains(&templates) { Ok(()) } else { Err(LearnError::Templates(templates)) }
}

fn spectrogram(name: &str, capture: &Capture, options: &LearnOptions) -> Result<Spectrogram, LearnError> {
    capture
        .spectrogram(options.layout, Window::SqrtHann)
        .map_err(|error| LearnError::Capture { name: name.into(), error })
}

fn model(
    spectrogram: &Spectrogram,
    names: Vec<String>,
    owners: Vec<usize>,
    w: &Array2<f32>,
    options: &LearnOptions,
) -> Result<Model, LearnError> {
    let LearnOptions { divergence, seed, iterations, layout, .. } = *options;
    let format = spectrogram.format;
    let matrix: Vec<f32> = w.iter().copied().collect();
    let learned = Learned { divergence, seed, iterations, layout };
    Ok(Model::new(format.sample_rate, format.channels, names, owners, &matrix, learned)?)
}

/// Counts the iterations of several factorizations as one.
struct Progress<'a> {
    parts: usize,
    part: usize,
    on_progress: OnProgress<'a>,
}

impl Progress<'_> {
    /// Factorizes one capture's frames: (W with the fixed templates first, H).
    fn factorize(
        &mut self,
        name: &str,
        frames: &Array2<f32>,
        templates: usize,
        fixed: Option<Array2<f32>>,
        options: &LearnOptions,
    ) -> Result<(Array2<f32>, Array2<f32>), LearnError> {
        let LearnOptions { divergence, iterations, seed, .. } = *options;
        let (before, total) = (self.part * iterations, self.parts * iterations);
        self.part += 1;
        let wanted =
            FactorizeOptions { templates, divergence, iterations, seed, start: Start::KMeans, fixed, loss_every: 10 };
        let mut on_iteration = |iteration: Iteration| {
            (self.on_progress)(Iteration { done: before + iteration.done, total, loss: iteration.loss })
        };
        match factorize(frames.view(), &wanted, &mut on_iteration) {
            Ok(factorization) => Ok((factorization.w, factorization.h)),
            Err(FactorizeError::Cancelled) => Err(LearnError::Cancelled),
            Err(error) => Err(LearnError::Factorize { name: name.into(), error }),
        }
    }
}
