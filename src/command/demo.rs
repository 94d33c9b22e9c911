//! `unweave demo`: the whole story on the shipped clip.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use unweave::dsp::Settings;
use unweave::files::render::{Outputs, render};
use unweave::learn::{Capture, LearnOptions, learn_blind};
use unweave::model::Playing;
use unweave::pictures::demo::{CAPTURE_S, COMPONENTS, Clip, Story};

use super::{Existing, check_output, progress_bar};

/// Learns from the shipped clip, separates it, and writes sounds, pictures and a report.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to
    #[arg(default_value = "unweave-demo")]
    folder: PathBuf,
    /// Overwrite an earlier demo
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    check_output(&arguments.folder.join("report.md"), Existing::forced(arguments.force))?;
    let clip = Clip::load()?;
    let capture_len = (CAPTURE_S * f64::from(clip.mix.sample_rate)) as usize;
    let captured = clip.mix.channels.iter().map(|channel| channel[..capture_len].to_vec()).collect();
    let capture = Capture::new(clip.mix.sample_rate as f32, captured)?;
    let options = LearnOptions { templates: LearnOptions::BLIND_TEMPLATES, ..LearnOptions::default() };
    let bar = progress_bar("learning", options.iterations() as u64);
    let started = Instant::now();
    let (model, _) = learn_blind(&capture, COMPONENTS, &options, &mut |iteration| {
        bar.set_position(iteration.done as u64);
        std::ops::ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let learning = ("learn", started.elapsed());
    let (started, layout) = (Instant::now(), model.learned().layout);
    let rendered =
        render(&model, &clip.mix, Playing::new(layout), &Settings::default(), Outputs::Components, &mut |_| ())?;
    let story = Story {
        how: "Made by `unweave demo`.",
        latency_samples: layout.latency_samples(),
        model,
        components: rendered.components,
        remix: rendered.mix,
        steps: vec![learning, ("separate", started.elapsed())],
    };
    println!("{}", story.write(&clip, &arguments.folder)?);
    println!("In {}", arguments.folder.display());
    Ok(())
}
