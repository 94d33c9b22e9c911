//! `unweave demo`: both separations of the shipped clip, by files.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use unweave::dsp::Settings;
use unweave::files::audio::AudioFile;
use unweave::files::render::{Outputs, render};
use unweave::learn::{
    Capture, ComponentCapture, Iteration, LearnError, LearnOptions, Report, learn_blind, learn_guided,
};
use unweave::model::settings::Steadiness;
use unweave::model::{Model, PlaybackSettings};
use unweave::pictures::demo::{Approach, CAPTURE_S, COMPONENTS, Clip, Demo, Story};

use super::{Existing, check_output, print, progress_bar};

/// Separates the shipped clip twice, taught part by part and blind, and writes sounds, pictures and a report.
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
    let stories = [story(&clip, Approach::Taught)?, story(&clip, Approach::Blind)?];
    let demo = Demo { how: "Made by `unweave demo`.", stories, steps: Vec::new() };
    print(&demo.write(&clip, &arguments.folder)?)?;
    print(&format_args!("In {}", arguments.folder.display()))?;
    Ok(())
}

fn story(clip: &Clip, approach: Approach) -> anyhow::Result<Story> {
    let bar = progress_bar("learning", 1);
    let started = Instant::now();
    let (model, _) = learn(clip, approach, &mut |iteration| {
        bar.set_length(iteration.total as u64);
        bar.set_position(iteration.done as u64);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let learning = started.elapsed();
    let (started, layout) = (Instant::now(), approach.mode().layout(clip.mix.sample_rate as f32));
    let (playing, settings) = (PlaybackSettings::new(layout), Settings::default());
    let rendered = render(&model, &clip.mix, playing, &settings, Outputs::Components, &mut |_| ())?;
    let steps = match approach {
        Approach::Taught => [("taught: learn", learning), ("taught: separate", started.elapsed())],
        Approach::Blind => [("blind: learn", learning), ("blind: separate", started.elapsed())],
    };
    Ok(Story {
        approach,
        how: how(approach),
        latency_samples: layout.latency_samples(),
        model,
        components: rendered.components,
        remix: rendered.mix,
        steps: steps.into(),
    })
}

fn learn(
    clip: &Clip,
    approach: Approach,
    on_progress: &mut dyn FnMut(Iteration) -> ControlFlow<()>,
) -> Result<(Model, Report), LearnError> {
    let capture = |name: &str, sound: &AudioFile| {
        let captured = Capture::new(sound.sample_rate as f32, clip.captured(sound));
        captured.map_err(|error| LearnError::Capture { name: name.into(), error })
    };
    let options = LearnOptions { mode: approach.mode(), templates: approach.templates(), ..LearnOptions::default() };
    match approach {
        Approach::Taught => {
            let part = |(name, stem): &(&str, AudioFile)| {
                let capture = capture(name, stem)?;
                Ok(ComponentCapture { name: (*name).into(), capture, templates: None, steadiness: Steadiness::Detect })
            };
            let parts = clip.stems.iter().map(part).collect::<Result<Vec<_>, LearnError>>()?;
            learn_guided(&parts, None, &options, on_progress)
        }
        Approach::Blind => learn_blind(&capture("the mix", &clip.mix)?, COMPONENTS, &options, on_progress),
    }
}

/// The command lines that do the same with the files in `assets/groove/`.
fn how(approach: Approach) -> String {
    let learn = match approach {
        Approach::Taught => format!(
            "--component drums=drums.flac@0-{CAPTURE_S} --component bass=bass.flac@0-{CAPTURE_S} \
             --component keys=keys.flac@0-{CAPTURE_S} --window 4096"
        ),
        Approach::Blind => {
            format!("--mix groove.flac@0-{CAPTURE_S} --components {COMPONENTS} --templates {}", approach.templates())
        }
    };
    let name = match approach {
        Approach::Taught => "taught",
        Approach::Blind => "blind",
    };
    format!(
        "The same by hand, with the files in `assets/groove/`:\n\n```console\n$ unweave learn {learn} --output {name}.npz\n\
         $ unweave separate groove.flac --model {name}.npz --stems {name}\n```"
    )
}
