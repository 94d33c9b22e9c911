//! A model in the making: the templates of its components, then their calibration and spatial covariances from the captures.

use ndarray::Array2;

use super::capture::Capture;
use super::error::LearnError;
use super::options::LearnOptions;
use super::progress::{Cancelled, Progress};
use super::rehearsal::{Rehearsal, captured_covariances};
use super::report::{ComponentReport, Explained, Report};
use super::threads::Workers;
use crate::dsp::{Covariance, Divergence, Format, StftLayout, Templates};
use crate::model::pitch;
use crate::model::{LearnInfo, Model};

/// One component of a draft.
#[derive(Clone, Debug)]
pub struct DraftComponent<'a> {
    /// Its name.
    pub name: String,
    /// Templates × rows; no templates for an empty component.
    pub w: Array2<f32>,
    /// A capture where it plays alone.
    pub capture: Option<&'a Capture>,
    /// Its spatial covariances, if already known.
    pub covariances: Vec<Covariance>,
    /// Its calibration gains, if already known.
    pub calibration: Vec<f32>,
    /// Each template's share of the energy of its capture, if already known.
    pub energy_shares: Vec<f32>,
    /// Whether it is steady hum or noise.
    pub is_steady: bool,
    /// For a steady component with a capture: the constant level of each template.
    pub levels: Vec<f32>,
    /// How much its templates explain, if they are new.
    pub explained: Option<Explained>,
}

impl DraftComponent<'_> {
    /// A component of which only the templates are known.
    pub fn new(name: String, w: Array2<f32>) -> Self {
        Self {
            name,
            w,
            capture: None,
            covariances: Vec::new(),
            calibration: Vec::new(),
            energy_shares: Vec::new(),
            is_steady: false,
            levels: Vec::new(),
            explained: None,
        }
    }
}

/// All components of a model in the making.
pub struct Draft<'a> {
    /// The spectra that the templates describe.
    pub format: Format,
    /// Window and hop of learning.
    pub layout: StftLayout,
    /// In the model's order.
    pub components: Vec<DraftComponent<'a>>,
    /// A capture of the mix, if some components have no capture of their own.
    pub mix: Option<&'a Capture>,
}

impl<'a> Draft<'a> {
    /// The components of a model, converted to another format.
    ///
    /// # Errors
    /// An unsupported format.
    pub fn of(model: &Model, format: Format, layout: StftLayout) -> Result<Self, LearnError> {
        let templates = model.templates().fitted(format)?;
        let shares_of = |index: usize| {
            let shares = model.energy_shares().iter().zip(templates.owners());
            let own: Vec<f32> = shares.filter(|(_, owner)| **owner == index).map(|(&share, _)| share).collect();
            if own.iter().sum::<f32>() > 0.0 { own } else { Vec::new() }
        };
        let components = templates.components().iter().enumerate().map(|(index, name)| {
            let columns: Vec<Vec<f32>> = templates
                .full()
                .templates()
                .zip(templates.owners())
                .filter(|(_, o)| **o == index)
                .map(|(w, _)| w)
                .collect();
            let w = Array2::from_shape_fn((columns.len(), format.rows()), |(template, row)| columns[template][row]);
            DraftComponent {
                covariances: of_component(templates.covariances(), format.bins(), index),
                calibration: of_component(templates.calibrations(), format.rows(), index),
                energy_shares: shares_of(index),
                is_steady: model.info().steady.contains(&index),
                ..DraftComponent::new(name.clone(), w)
            }
        });
        Ok(Self { format, layout, components: components.collect(), mix: None })
    }

    /// The model and its report; `report` has the warnings so far.
    ///
    /// # Errors
    /// Too many components or templates, or the callback asked to stop.
    pub fn finish(
        self,
        options: &LearnOptions,
        mut report: Report,
        progress: &mut Progress<'_>,
    ) -> Result<(Model, Report), LearnError> {
        progress.poll()?;
        let base = self.templates()?;
        progress.poll()?;
        report.check_likeness(&base);
        progress.poll()?;
        report.components = self.components.iter().map(component_report).collect();
        let steady: Vec<usize> = (0..self.components.len()).filter(|&n| self.components[n].is_steady).collect();
        let mut poll = || progress.poll();
        let mut workers = Workers { threads: &options.threads, poll: &mut poll };
        let energy_shares = self.energy_shares(options.divergence, &mut workers)?;
        let playing = match options.extend_pitch {
            true => pitch::extend_while(&base, &steady, &energy_shares, workers.poll)?,
            false => base.clone(),
        };
        (workers.poll)()?;
        let rehearsal = Rehearsal::new(&playing, self.layout, options.divergence);
        let calibration = self.calibration(&rehearsal, &mut workers)?;
        let covariances = self.covariances(&rehearsal, &mut workers)?;
        progress.end(options.iterations());
        progress.poll()?;
        let learned = LearnInfo {
            divergence: options.divergence,
            seed: options.seed,
            iterations: options.iterations(),
            layout: self.layout,
            extend_pitch: options.extend_pitch,
            steady,
        };
        let model = Model::new(&base.with_calibration(calibration)?.with_covariances(covariances)?, learned)?;
        Ok((model.with_energy_shares(&energy_shares)?, report))
    }

    /// Each template's share of its component's energy, as the model will hold it: the known ones; otherwise from the
    /// component's capture; otherwise zeros. Empty if all are zero. Where some components are learned from a mix, captures
    /// are not measured: a rest holds what it was not taught alone, and notes copied from the others would take that.
    fn energy_shares(&self, divergence: Divergence, workers: &mut Workers<'_>) -> Result<Vec<f32>, LearnError> {
        let mut shares = Vec::new();
        for component in &self.components {
            let templates = component.w.nrows();
            match component.capture.filter(|_| self.mix.is_none()) {
                _ if component.energy_shares.len() == templates => shares.extend_from_slice(&component.energy_shares),
                None => shares.resize(shares.len() + templates, 0.0),
                Some(capture) => {
                    let own = component.w.iter().copied().collect();
                    let own = Templates::new(self.format, vec![component.name.clone()], vec![0; templates], own)?;
                    let rehearsal = Rehearsal::new(&own, self.layout, divergence);
                    shares.extend(rehearsal.energy_shares(capture, workers)?);
                }
            }
        }
        let is_any = shares.iter().any(|&share| share > 0.0);
        Ok(if is_any { Model::quantised_shares(&shares) } else { Vec::new() })
    }

    fn templates(&self) -> Result<Templates, LearnError> {
        let names = self.components.iter().map(|component| component.name.clone()).collect();
        let matrix = self.components.iter().flat_map(|component| component.w.iter().copied()).collect();
        let counts = self.components.iter().map(|component| component.w.nrows()).enumerate();
        let owners = counts.flat_map(|(index, count)| std::iter::repeat_n(index, count)).collect();
        Ok(Templates::new(self.format, names, owners, matrix)?)
    }

    /// From the captures, if every component has one; otherwise the known gains, or none.
    fn calibration(&self, rehearsal: &Rehearsal<'_>, workers: &mut Workers<'_>) -> Result<Vec<f32>, Cancelled> {
        let captures: Option<Vec<&Capture>> = self.components.iter().map(|component| component.capture).collect();
        if let Some(captures) = captures {
            return rehearsal.calibration(&captures, workers);
        }
        if self.components.iter().all(|component| component.calibration.is_empty()) {
            return Ok(Vec::new());
        }
        let gains = |component: &DraftComponent| match component.calibration.is_empty() {
            true => vec![1.0; self.format.rows()],
            false => component.calibration.clone(),
        };
        Ok(self.components.iter().flat_map(gains).collect())
    }

    /// From each component's capture; otherwise the known ones; otherwise estimated from the mix.
    fn covariances(&self, rehearsal: &Rehearsal<'_>, workers: &mut Workers<'_>) -> Result<Vec<Covariance>, Cancelled> {
        if self.format.channels != 2 {
            return Ok(Vec::new());
        }
        let mut known = |component: &DraftComponent| match component.capture {
            Some(capture) => captured_covariances(capture, self.layout, workers),
            None => Ok(component.covariances.clone()),
        };
        let known: Vec<Vec<Covariance>> = self.components.iter().map(&mut known).collect::<Result<_, _>>()?;
        let diffuse = || vec![Covariance::DIFFUSE; self.format.bins()];
        match self.mix {
            Some(mix) if known.iter().any(Vec::is_empty) => rehearsal.covariances(mix, &known, workers),
            _ => Ok(known
                .into_iter()
                .flat_map(|covariances| if covariances.is_empty() { diffuse() } else { covariances })
                .collect()),
        }
    }
}

/// The `len` values of one component; empty if there are none.
fn of_component<T: Copy>(values: &[T], len: usize, index: usize) -> Vec<T> {
    values.chunks_exact(len).nth(index).map(<[T]>::to_vec).unwrap_or_default()
}

fn component_report(component: &DraftComponent<'_>) -> ComponentReport {
    ComponentReport {
        name: component.name.clone(),
        templates: component.w.nrows(),
        is_steady: component.is_steady,
        explained: component.explained,
    }
}
