//! `cargo xtask demo`: the shipped clip through the built `.clap` in a real host.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use unweave::files::audio::AudioFile;
use unweave::model::Model;
use unweave::params::state::SavedModel;
use unweave::pictures::demo::{COMPONENTS, Clip, Story};

use crate::clap_host::Host;

/// Blocks of varying size, as hosts send them.
const BLOCK_LENS: [usize; 9] = [512, 64, 1, 480, 4096, 37, 1024, 256, 2048];

pub(crate) fn run() -> Result<()> {
    let mut steps = Vec::new();
    let started = Instant::now();
    crate::bundle(&[])?;
    steps.push(("build and bundle", started.elapsed()));
    let target = crate::test::target();
    let folder = target.join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let story = play(&target.join("bundled/Unweave.clap"), steps)?;
    println!("{}", story.write(&Clip::load()?, &folder)?);
    println!("Sounds, pictures and report.md are in {}", folder.display());
    Ok(())
}

fn play(plugin: &Path, mut steps: Vec<(&'static str, Duration)>) -> Result<Story> {
    let clip = Clip::load()?;
    let (mix, sample_rate) = (&clip.mix.channels, clip.mix.sample_rate);
    let mut timed = |step, time: Instant| steps.push((step, time.elapsed()));

    let started = Instant::now();
    let mut host = Host::from_file(plugin, f64::from(sample_rate), mix.len())?;
    host.set("Components", COMPONENTS as f64 - 1.0)?;
    timed("load in the host", started);

    let started = Instant::now();
    let captured: Vec<Vec<f32>> = mix.iter().map(|channel| channel[..clip.capture_len()].to_vec()).collect();
    let learning_s = host.learn(&captured, &BLOCK_LENS)?;
    timed("capture and learn", started);
    println!("learned in {learning_s:.2} s");

    let started = Instant::now();
    let latency_samples = host.latency_samples();
    let aligned = |host: &mut Host| -> Result<AudioFile> {
        // From a start, as after a click on Play; the tail brings out what is late.
        host.activate(f64::from(sample_rate), mix.len())?;
        let padded: Vec<Vec<f32>> =
            mix.iter().map(|channel| [channel.as_slice(), &vec![0.0; latency_samples]].concat()).collect();
        let mut channels = host.play(&padded, &BLOCK_LENS)?;
        channels.iter_mut().for_each(|channel| drop(channel.drain(..latency_samples)));
        Ok(AudioFile { sample_rate, channels })
    };
    let remix = aligned(&mut host)?;
    let mut components = Vec::new();
    for component in 1..=COMPONENTS {
        host.set(&format!("Solo {component}"), 1.0)?;
        components.push(aligned(&mut host)?);
        host.set(&format!("Solo {component}"), 0.0)?;
    }
    timed("play the re-mix and each solo", started);
    let model = model(&host.saved_model()?)?;
    let how = "Made by `cargo xtask demo`: the built `.clap` in a CLAP host, blocks of 1 to 4096 samples.";
    Ok(Story { how, model, components, remix, latency_samples, steps })
}

fn model(saved: &str) -> Result<Model> {
    let saved: Option<SavedModel> = serde_json::from_str(saved)?;
    match saved.context("the plug-in saved no model")?.model() {
        Ok(model) => Ok(model),
        Err(why) => bail!("the saved model does not load: {why}"),
    }
}
