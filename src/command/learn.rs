//! `unweave learn`: captures to a model file.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use unweave::audio_file::{AudioFile, Source};
use unweave::dsp::{Divergence, StftLayout};
use unweave::learn::{Capture, Iteration, LearnError, LearnOptions, Part, learn_blind, learn_guided};
use unweave::model::Model;
use unweave::model_file;

use super::{Existing, Usage, check_name, check_output, inspect, progress_bar};

/// What the last component is called when it learns what the named ones leave.
const REST: &str = "rest";

/// Learns a model: blind from a mix, or guided from captures of each component.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Learn blind: the mix to take apart
    #[arg(long, value_name = "FILE[@FROM-TO]", requires = "components", conflicts_with_all = ["component", "rest"])]
    mix: Option<Source>,
    /// Learn blind: how many components
    #[arg(long, value_name = "N", requires = "mix")]
    components: Option<usize>,
    /// Learn guided: a component, and where it plays alone; once for each
    #[arg(long, value_name = "NAME=FILE[@FROM-TO]", value_parser = named_source)]
    component: Vec<(String, Source)>,
    /// Learn guided: a mix, of which a last component “rest” learns what the others leave
    #[arg(long, value_name = "FILE[@FROM-TO]", requires = "component")]
    rest: Option<Source>,
    /// Templates of each component, or of one [default: 8 blind, 16 guided]
    #[arg(long, value_name = "R|NAME=R", value_parser = TemplateCount::parse)]
    templates: Vec<TemplateCount>,
    /// What to make small
    #[arg(long, value_enum, default_value = "kl")]
    divergence: DivergenceName,
    /// Learning updates
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    iterations: usize,
    /// Seed of the random start
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Window in samples: a power of two from 256 to 8192
    #[arg(long, value_name = "N", default_value_t = 2048)]
    window: usize,
    /// Hop in samples: a quarter or half of the window [default: a quarter]
    #[arg(long, value_name = "N")]
    hop: Option<usize>,
    /// The model file
    #[arg(long, value_name = "MODEL.npz")]
    output: PathBuf,
    /// Overwrite the output if it exists
    #[arg(long)]
    force: bool,
    /// Print what was learned as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum DivergenceName {
    /// Kullback-Leibler
    Kl,
    /// Squared error
    Euclidean,
    /// Itakura-Saito
    Is,
}

impl From<DivergenceName> for Divergence {
    fn from(name: DivergenceName) -> Self {
        match name {
            DivergenceName::Kl => Self::KullbackLeibler,
            DivergenceName::Euclidean => Self::Euclidean,
            DivergenceName::Is => Self::ItakuraSaito,
        }
    }
}

/// `R` for all components, or `NAME=R` for one.
#[derive(Clone, Debug)]
struct TemplateCount {
    component: Option<String>,
    count: usize,
}

impl TemplateCount {
    fn parse(text: &str) -> Result<Self, String> {
        let (component, count) = match text.rsplit_once('=') {
            Some((name, count)) => (Some(name.to_owned()), count),
            None => (None, text),
        };
        Ok(Self { component, count: at_least_one(count)? })
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| format!("“{text}” is no whole number of 1 or more"))
}

fn named_source(text: &str) -> Result<(String, Source), String> {
    let (name, source) = text.split_once('=').ok_or_else(|| format!("“{text}” is not NAME=FILE[@FROM-TO]"))?;
    check_name(name).map_err(|error| error.to_string())?;
    let source = source.parse().unwrap_or_else(|error| match error {});
    Ok((name.to_owned(), source))
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    check(arguments)?;
    check_output(&arguments.output, Existing::forced(arguments.force))?;
    let options = options(arguments)?;
    let bar = progress_bar("learning", 1);
    let mut on_progress = |iteration: Iteration| {
        bar.set_length(iteration.total as u64);
        bar.set_position(iteration.done as u64);
        ControlFlow::Continue(())
    };
    let model = match (&arguments.mix, arguments.components) {
        (Some(mix), Some(components)) => {
            let capture = capture(mix)?;
            learn_blind(&capture, components, &options, &mut on_progress)
                .map_err(|error| from_file(error, &[("the mix", mix)]))?
        }
        _ => guided(arguments, &options, &mut on_progress)?,
    };
    bar.finish_and_clear();
    model_file::save(&model, &arguments.output)?;
    match arguments.json {
        true => println!("{}", inspect::json(&model)),
        false => println!("{}: {}", arguments.output.display(), inspect::summary(&model)),
    }
    Ok(())
}

/// What can be said before any file is opened.
fn check(arguments: &Arguments) -> Result<(), Usage> {
    let usage = |message: String| Err(Usage(message));
    let mut names: Vec<&str> = arguments.component.iter().map(|(name, _)| name.as_str()).collect();
    if arguments.rest.is_some() {
        names.push(REST);
    }
    if arguments.mix.is_none() && names.is_empty() {
        return usage("nothing to learn from: give --mix FILE --components N, or --component NAME=FILE".into());
    }
    if arguments.components == Some(0) {
        return usage("--components 0: there must be at least 1".into());
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return usage(format!("two components are called “{name}”: give each its own name"));
        }
    }
    for TemplateCount { component, .. } in &arguments.templates {
        if let Some(component) = component.as_ref().filter(|component| !names.contains(&component.as_str())) {
            return usage(format!("--templates {component}=…: there is no component “{component}”"));
        }
    }
    Ok(())
}

fn options(arguments: &Arguments) -> Result<LearnOptions, Usage> {
    let hop = arguments.hop.unwrap_or(arguments.window / 4);
    let layout = StftLayout::new(arguments.window, hop).map_err(|error| Usage(error.to_string()))?;
    let default = if arguments.mix.is_some() { LearnOptions::BLIND_TEMPLATES } else { LearnOptions::GUIDED_TEMPLATES };
    let for_all = arguments.templates.iter().rfind(|wanted| wanted.component.is_none());
    Ok(LearnOptions {
        templates: for_all.map_or(default, |wanted| wanted.count),
        divergence: arguments.divergence.into(),
        iterations: arguments.iterations,
        seed: arguments.seed,
        layout,
    })
}

fn guided(
    arguments: &Arguments,
    options: &LearnOptions,
    on_progress: &mut dyn FnMut(Iteration) -> ControlFlow<()>,
) -> anyhow::Result<Model> {
    let part = |name: &str, source: &Source| -> anyhow::Result<Part> {
        let wanted = arguments.templates.iter().rfind(|wanted| wanted.component.as_deref() == Some(name));
        Ok(Part { name: name.into(), capture: capture(source)?, templates: wanted.map(|wanted| wanted.count) })
    };
    let parts =
        arguments.component.iter().map(|(name, source)| part(name, source)).collect::<anyhow::Result<Vec<Part>>>()?;
    let rest = arguments.rest.as_ref().map(|source| part(REST, source)).transpose()?;
    let mut sources: Vec<(&str, &Source)> =
        arguments.component.iter().map(|(name, source)| (name.as_str(), source)).collect();
    sources.extend(arguments.rest.as_ref().map(|source| (REST, source)));
    learn_guided(&parts, rest.as_ref(), options, on_progress).map_err(|error| from_file(error, &sources))
}

fn capture(source: &Source) -> anyhow::Result<Capture> {
    let audio = AudioFile::read_source(source)?;
    Capture::new(audio.sample_rate as f32, audio.channels).with_context(|| source.path.display().to_string())
}

/// A learning error, with the file it is about; one of usage where the counts are wrong.
fn from_file(error: LearnError, sources: &[(&str, &Source)]) -> anyhow::Error {
    let about = match &error {
        LearnError::Capture { name, .. } | LearnError::Factorize { name, .. } | LearnError::Mixed { name, .. } => name,
        LearnError::Components(_) | LearnError::Templates(_) | LearnError::SameName(_) => {
            return Usage(error.to_string()).into();
        }
        _ => return error.into(),
    };
    match sources.iter().find(|(name, _)| name == about) {
        Some((_, source)) => anyhow!("{}: {error}", source.path.display()),
        None => error.into(),
    }
}
