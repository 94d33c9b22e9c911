//! `unweave learn`: learns a model file from captures.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use unweave::dsp::{Divergence, Mode, StftLayout};
use unweave::files::audio::{AudioFile, Source};
use unweave::files::model as model_file;
use unweave::learn::report::{ComponentReport, Explained, Report};
use unweave::learn::{
    Alternatives, Capture, ComponentCapture, Iteration, LearnError, LearnOptions, Priority, REST, Threads,
    learn_alternatives, learn_guided,
};
use unweave::model::Model;
use unweave::model::settings::{GroupBy, Steadiness};

use super::{Existing, Usage, check_name, check_output, inspect, print, progress_bar, tell};

/// Learns a model: blind from a mix, or guided from captures of each component.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Learn blind: the mix to separate
    #[arg(long, value_name = "FILE[@FROM-TO]", requires = "components", conflicts_with_all = ["component", "rest"])]
    mix: Option<Source>,
    /// Learn blind: how many components
    #[arg(long, value_name = "N", requires = "mix")]
    components: Option<usize>,
    /// Learn guided: a component and a capture of it alone; once for each component
    #[arg(long, value_name = "NAME=FILE[@FROM-TO]", value_parser = named_source)]
    component: Vec<(String, Source)>,
    /// Learn guided: a mix; a last component “rest” learns what the others do not explain in it
    #[arg(long, value_name = "FILE[@FROM-TO]", requires = "component")]
    rest: Option<Source>,
    /// Templates of each component, or of one [default: 8 blind, 16 guided, 1 for steady hum and noise]
    #[arg(long, value_name = "R|NAME=R", value_parser = TemplateCount::parse)]
    templates: Vec<TemplateCount>,
    /// The error measure that learning minimises
    #[arg(long, value_enum, default_value = "kl")]
    divergence: DivergenceName,
    /// Learning updates (default: 60, and 100 for is)
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    iterations: Option<usize>,
    /// Seed of the random start; the last one counts
    #[arg(long, value_name = "N", default_value_t = 1, overrides_with = "seed")]
    seed: u64,
    /// Learn guided: this component is unchanging hum or noise [default: detected in its capture]
    #[arg(long, value_name = "NAME")]
    steady: Vec<String>,
    /// Learn guided: this component changes over time, even if its capture seems not to
    #[arg(long, value_name = "NAME")]
    varying: Vec<String>,
    /// Learn blind: group templates into components by timbre (similar sound), hits (simultaneous onsets), or auto
    #[arg(long, value_name = "CHOICE", default_value = "auto", value_parser = group_by)]
    group_by: GroupBy,
    /// Learning threads [default: the number of cores]; the model does not depend on it
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    threads: Option<usize>,
    /// Do not add transposed copies of tonal templates for notes that were not captured
    #[arg(long)]
    no_extend_pitch: bool,
    /// Window in samples: a power of two from 256 to 16384 [default: about 46 ms, 2048 at 44.1 and 48 kHz]
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// Hop in samples: a quarter or half of the window [default: a quarter]
    #[arg(long, value_name = "N")]
    hop: Option<usize>,
    /// The model file
    #[arg(long, value_name = "MODEL.npz")]
    output: PathBuf,
    /// Learn blind: also write the alternatives to the model into this folder, as 2.npz and 3.npz
    #[arg(long, value_name = "DIR", requires = "mix")]
    alternatives: Option<PathBuf>,
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
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| format!("“{text}” is not a whole number of 1 or more"))
}

fn group_by(text: &str) -> Result<GroupBy, String> {
    GroupBy::named(text).ok_or_else(|| {
        format!("“{text}” is not a valid choice: choose one of {}", GroupBy::ALL.map(GroupBy::name).join(", "))
    })
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
    for path in alternative_paths(arguments) {
        check_output(&path, Existing::forced(arguments.force))?;
    }
    let options = options(arguments)?;
    let bar = progress_bar("learning", 1);
    let mut on_progress = |iteration: Iteration| {
        bar.set_length(iteration.total as u64);
        bar.set_position(iteration.done as u64);
        ControlFlow::Continue(())
    };
    let Alternatives { chosen: (model, report), others } = match (&arguments.mix, arguments.components) {
        (Some(mix), Some(components)) => {
            let capture = capture(mix)?;
            learn_alternatives(&capture, components, &options, &mut on_progress)
                .map_err(|error| from_file(error, &[("the mix", mix)]))?
        }
        _ => Alternatives { chosen: guided(arguments, &options, &mut on_progress)?, others: Vec::new() },
    };
    bar.finish_and_clear();
    model_file::save(&model, &arguments.output)?;
    save_alternatives(&others, arguments)?;
    for warning in &report.warnings {
        tell(&format_args!("warning: {warning}"));
    }
    match arguments.json {
        true => print(&json(&model, &report))?,
        false => {
            print(&format_args!("{}: {}{}", arguments.output.display(), inspect::summary(&model), scores(&report)))?
        }
    }
    Ok(())
}

/// Where alternatives are written to, if they are asked for.
fn alternative_paths(arguments: &Arguments) -> Vec<PathBuf> {
    let folder = arguments.alternatives.iter();
    folder.flat_map(|folder| ["2.npz", "3.npz"].map(|name| folder.join(name))).collect()
}

/// Writes the alternatives. A file of an earlier learning that there is no alternative for now would be taken for one.
fn save_alternatives(alternatives: &[(Model, Report)], arguments: &Arguments) -> anyhow::Result<()> {
    for (index, path) in alternative_paths(arguments).iter().enumerate() {
        match alternatives.get(index) {
            Some((model, _)) => model_file::save(model, path)?,
            None if path.exists() => fs::remove_file(path).with_context(|| path.display().to_string())?,
            None => {}
        }
    }
    Ok(())
}

/// How well each component's templates explain its capture or the mix, a line each.
fn scores(report: &Report) -> String {
    let line = |component: &ComponentReport| {
        let explained = match component.explained? {
            Explained::OfCapture(share) => format!("explains {:.1} % of its capture", share * 100.0),
            Explained::OfMix(share) => format!("takes {:.1} % of the mix", share * 100.0),
        };
        let steady = if component.is_steady { "; steady: hum or noise" } else { "" };
        Some(format!("\n  {} {explained}{steady}", component.name))
    };
    let confidence = report.confidence.map(|share| format!("; confidence {:.0} %", share * 100.0)).unwrap_or_default();
    let grouped = report.grouped_by.map(|by| format!("\n  grouped by {}{confidence}", by.name()));
    grouped.into_iter().chain(report.components.iter().filter_map(line)).collect()
}

fn json(model: &Model, report: &Report) -> serde_json::Value {
    let mut json = inspect::json(model);
    for (index, component) in report.components.iter().enumerate() {
        match component.explained {
            Some(Explained::OfCapture(share)) => json["components"][index]["explains"] = share.into(),
            Some(Explained::OfMix(share)) => json["components"][index]["share_of_mix"] = share.into(),
            None => {}
        }
    }
    if let Some(by) = report.grouped_by {
        json["grouped_by"] = by.name().into();
    }
    if let Some(confidence) = report.confidence {
        json["confidence"] = confidence.into();
    }
    json["warnings"] = report.warnings.iter().map(ToString::to_string).collect();
    json
}

/// Finds the usage errors that can be found before any file is opened.
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
    for (option, given) in [("steady", &arguments.steady), ("varying", &arguments.varying)] {
        if let Some(name) = given.iter().find(|name| !names.contains(&name.as_str())) {
            return usage(format!("--{option} {name}: there is no component “{name}”"));
        }
    }
    if let Some(name) = arguments.steady.iter().find(|name| arguments.varying.contains(name)) {
        return usage(format!("“{name}” cannot be both --steady and --varying"));
    }
    Ok(())
}

fn options(arguments: &Arguments) -> Result<LearnOptions, Usage> {
    let layout = match (arguments.window, arguments.hop) {
        (None, None) => None,
        (window, hop) => {
            let window = window.unwrap_or(StftLayout::default().window_len());
            let layout = StftLayout::new(window, hop.unwrap_or(window / 4));
            Some(layout.map_err(|error| Usage(error.to_string()))?)
        }
    };
    let default = if arguments.mix.is_some() { LearnOptions::BLIND_TEMPLATES } else { LearnOptions::GUIDED_TEMPLATES };
    let for_all = arguments.templates.iter().rfind(|option| option.component.is_none());
    Ok(LearnOptions {
        templates: for_all.map_or(default, |option| option.count),
        divergence: arguments.divergence.into(),
        custom_iterations: arguments.iterations,
        seed: arguments.seed,
        mode: Mode::Normal,
        layout,
        extend_pitch: !arguments.no_extend_pitch,
        group_by: arguments.group_by,
        threads: Threads::new(arguments.threads.unwrap_or_else(Threads::cores), Priority::Normal),
    })
}

fn guided(
    arguments: &Arguments,
    options: &LearnOptions,
    on_progress: &mut dyn FnMut(Iteration) -> ControlFlow<()>,
) -> anyhow::Result<(Model, Report)> {
    let part = |name: &str, source: &Source| -> anyhow::Result<ComponentCapture> {
        let option = arguments.templates.iter().rfind(|option| option.component.as_deref() == Some(name));
        let names_it = |names: &[String]| names.iter().any(|named| named == name);
        let steadiness = match (names_it(&arguments.steady), names_it(&arguments.varying)) {
            (true, _) => Steadiness::Steady,
            (_, true) => Steadiness::Varying,
            _ => Steadiness::Detect,
        };
        let templates = option.map(|option| option.count);
        Ok(ComponentCapture { name: name.into(), capture: capture(source)?, templates, steadiness })
    };
    let parts = arguments
        .component
        .iter()
        .map(|(name, source)| part(name, source))
        .collect::<anyhow::Result<Vec<ComponentCapture>>>()?;
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

/// A learning error with the name of its file, or a usage error where the counts are wrong.
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
