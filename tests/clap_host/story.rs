//! The demo's clip separated by the hosted plug-in, with its parameters as a user would turn them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use unweave::dsp::Mode;
use unweave::files::audio::AudioFile;
use unweave::model::Model;
use unweave::params::state::SavedModel;
use unweave::pictures::demo::{Approach, CAPTURE_S, COMPONENTS, Clip, Story};

use super::Host;

/// Blocks of varying size, as hosts send them.
const BLOCK_LENS: [usize; 9] = [512, 64, 1, 480, 4096, 37, 1024, 256, 2048];
/// The value of “Command” that ends the review of a new model.
const KEEP: f64 = 4.0;

/// Learns the clip in one way and plays it. The host has just been loaded, at the clip's sample rate.
///
/// # Errors
/// The plug-in fails to learn or to play.
pub fn tell(host: &mut Host, clip: &Clip, approach: Approach) -> Result<Story> {
    let [capturing, playing] = match approach {
        Approach::Taught => ["taught: capture and learn", "taught: play the mix and each solo"],
        Approach::Blind => ["blind: capture and learn", "blind: play the mix and each solo"],
    };
    let started = Instant::now();
    set_mode(host, clip, approach.mode())?;
    match approach {
        Approach::Taught => teach(host, clip)?,
        Approach::Blind => {
            host.set("Components", COMPONENTS as f64 - 1.0)?;
            host.set("Templates", approach.templates() as f64)?;
            host.learn(&clip.captured(&clip.mix), &BLOCK_LENS)?;
        }
    }
    host.set("Command", KEEP)?;
    host.play(&silence(clip, 64), &BLOCK_LENS)?;
    let mut steps: Vec<(&'static str, Duration)> = vec![(capturing, started.elapsed())];

    let started = Instant::now();
    let remix = aligned(host, clip)?;
    let mut components = Vec::new();
    for component in 1..=COMPONENTS {
        host.set(&format!("Solo {component}"), 1.0)?;
        components.push(aligned(host, clip)?);
        host.set(&format!("Solo {component}"), 0.0)?;
    }
    steps.push((playing, started.elapsed()));
    let (model, latency_samples) = (model(&host.saved_model()?)?, host.latency_samples());
    Ok(Story { approach, how: how(approach), model, components, remix, latency_samples, steps })
}

/// A new mode has another latency: the plug-in asks to be activated again, and a host does so.
fn set_mode(host: &mut Host, clip: &Clip, mode: Mode) -> Result<()> {
    let position = Mode::ALL.iter().position(|&other| other == mode).context("a mode without a parameter value")?;
    host.set("Mode", position as f64)?;
    host.play(&silence(clip, 64), &BLOCK_LENS)?;
    host.activate(f64::from(clip.mix.sample_rate), clip.mix.channels.len())
}

/// Target = Component n, Capture on, the part alone, Capture off; for each part.
fn teach(host: &mut Host, clip: &Clip) -> Result<()> {
    for (index, (_, stem)) in clip.stems.iter().enumerate() {
        host.set("Target", index as f64 + 1.0)?;
        host.learn(&clip.captured(stem), &BLOCK_LENS)?;
    }
    Ok(())
}

/// What the plug-in makes of the mix, without its latency.
fn aligned(host: &mut Host, clip: &Clip) -> Result<AudioFile> {
    let (mix, latency_samples) = (&clip.mix, host.latency_samples());
    // From a start, as after a click on Play; the silence after the mix brings out what is late.
    host.activate(f64::from(mix.sample_rate), mix.channels.len())?;
    let silence = silence(clip, latency_samples);
    let padded: Vec<Vec<f32>> = mix.channels.iter().zip(&silence).map(|(x, end)| [&x[..], end].concat()).collect();
    let mut channels = host.play(&padded, &BLOCK_LENS)?;
    channels.iter_mut().for_each(|channel| drop(channel.drain(..latency_samples)));
    Ok(AudioFile { sample_rate: mix.sample_rate, channels })
}

fn silence(clip: &Clip, len: usize) -> Vec<Vec<f32>> {
    vec![vec![0.0; len]; clip.mix.channels.len()]
}

fn model(saved: &str) -> Result<Model> {
    let saved: Option<SavedModel> = serde_json::from_str(saved)?;
    match saved.context("the plug-in saved no model")?.model() {
        Ok(model) => Ok(model),
        Err(why) => bail!("the saved model does not load: {why}"),
    }
}

/// What a user does to hear the same.
fn how(approach: Approach) -> String {
    match approach {
        Approach::Taught => format!(
            "In the plug-in: Mode Fine. For each part: Target Component 1, 2 or 3, Capture on, play its stem for {CAPTURE_S} s, \
             Capture off. Then Keep, and play the mix. Everything else stays at its default."
        ),
        Approach::Blind => format!(
            "In the plug-in, fresh: Components {COMPONENTS}, Templates {}. Capture on, play the mix for {CAPTURE_S} s, Capture \
             off. Then Keep, and play the mix. Everything else stays at its default.",
            approach.templates()
        ),
    }
}
