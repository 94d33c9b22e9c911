//! `unweave inspect`: a model's contents as text, picture and sound.

use std::path::{Path, PathBuf};

use clap::Args;
use unweave::dsp::Window;
use unweave::files::audio::AudioFile;
use unweave::files::model as model_file;
use unweave::model::Model;
use unweave::pictures;
use unweave::pictures::griffin_lim::template_sound;

use super::{Existing, check_output, check_stem, create_folder, print, progress_bar};

/// Shows a model's contents.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The model
    model: PathBuf,
    /// Draw the templates as a PNG picture
    #[arg(long, value_name = "FILE.png")]
    plot: Option<PathBuf>,
    /// Make each template audible: DIR/NAME-N.wav
    #[arg(long, value_name = "DIR")]
    listen: Option<PathBuf>,
    /// Overwrite outputs that exist
    #[arg(long)]
    force: bool,
    /// Print the contents as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let existing = Existing::forced(arguments.force);
    if let Some(plot) = &arguments.plot {
        check_output(plot, existing)?;
    }
    let model = model_file::load(&arguments.model)?;
    let sounds = sound_paths(arguments.listen.as_deref(), &model, existing)?;
    if let Some(plot) = &arguments.plot {
        pictures::templates(model.templates().components(), model.templates())?.save(plot)?;
    }
    listen(&model, &sounds)?;
    match arguments.json {
        true => print(&json(&model))?,
        false => print(&summary(&model))?,
    }
    Ok(())
}

/// The sound file of each template, numbered from 1 within its component.
fn sound_paths(folder: Option<&Path>, model: &Model, existing: Existing) -> anyhow::Result<Vec<PathBuf>> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    create_folder(Some(folder))?;
    let (owners, names) = (model.templates().owners(), model.templates().components());
    let path = |(template, &owner): (usize, &usize)| {
        let number = 1 + owners[..template].iter().filter(|&&earlier| earlier == owner).count();
        check_stem(folder, &format!("{}-{number}", names[owner]), existing)
    };
    owners.iter().enumerate().map(path).collect()
}

fn listen(model: &Model, paths: &[PathBuf]) -> anyhow::Result<()> {
    let (templates, layout) = (model.templates(), model.info().layout);
    let format = templates.format();
    let bar = progress_bar("rendering", paths.len() as u64);
    for (path, template) in paths.iter().zip(templates.full().templates()) {
        // Both channels of a template become one sound.
        let mut mono = vec![0.0; format.bins()];
        template.chunks_exact(format.bins()).for_each(|bins| mono.iter_mut().zip(bins).for_each(|(sum, x)| *sum += x));
        let sound = template_sound(&mono, format.sample_rate, layout, Window::SqrtHann, model.info().seed);
        AudioFile { sample_rate: format.sample_rate as u32, channels: vec![sound] }.write(path)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Templates of each component.
fn counts(model: &Model) -> impl Iterator<Item = (&str, usize)> {
    let count = |component| model.templates().owners().iter().filter(|&&owner| owner == component).count();
    model.templates().components().iter().enumerate().map(move |(index, name)| (name.as_str(), count(index)))
}

/// The model as text, a line per component.
pub(crate) fn summary(model: &Model) -> String {
    let (learned, templates) = (model.info(), model.templates());
    let mut text = format!(
        "{} components, {} templates; {}, hop {}; {}, {} iterations, seed {}",
        templates.components().len(),
        templates.owners().len(),
        templates.format(),
        learned.layout.hop_len(),
        learned.divergence.name(),
        learned.iterations,
        learned.seed
    );
    if learned.extend_pitch {
        text.push_str(", pitch extended");
    }
    for (index, (name, count)) in counts(model).enumerate() {
        let steady = if learned.steady.contains(&index) { ", steady" } else { "" };
        text.push_str(&format!("\n  {name}: {count} template{}{steady}", if count == 1 { "" } else { "s" }));
    }
    text
}

/// The model as JSON.
pub(crate) fn json(model: &Model) -> serde_json::Value {
    let (learned, format) = (model.info(), model.templates().format());
    let component = |(index, (name, templates))| {
        let is_steady = learned.steady.contains(&index);
        serde_json::json!({ "name": name, "templates": templates, "steady": is_steady })
    };
    let components: Vec<_> = counts(model).enumerate().map(component).collect();
    serde_json::json!({
        "components": components,
        "sample_rate": format.sample_rate,
        "channels": format.channels,
        "window": learned.layout.window_len(),
        "hop": learned.layout.hop_len(),
        "divergence": learned.divergence.name(),
        "iterations": learned.iterations,
        "seed": learned.seed,
        "extend_pitch": learned.extend_pitch,
    })
}
