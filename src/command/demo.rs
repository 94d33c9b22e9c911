//! `unweave demo`: the whole story on the shipped clip, with the true stems to compare with.

use std::fmt::Write;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use unweave::audio_file::{AudioFile, AudioFileError};
use unweave::dsp::{Settings, Window};
use unweave::learn::{Capture, Iteration, LearnOptions, learn_blind};
use unweave::model_file;
use unweave::pictures;
use unweave::render::{Outputs, Rendered, render};

use super::{Existing, check_output, inspect, progress_bar};

/// The stems of the clip; the mix is their sum.
const STEMS: [(&str, &[u8]); 3] = [
    ("drums", include_bytes!("../../assets/groove/drums.flac")),
    ("bass", include_bytes!("../../assets/groove/bass.flac")),
    ("keys", include_bytes!("../../assets/groove/keys.flac")),
];
/// All orders of three components.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
/// Everything that the demo writes.
const OUTPUTS: [&str; 10] = [
    "mix.wav",
    "model.npz",
    "drums.wav",
    "bass.wav",
    "keys.wav",
    "spectrogram.png",
    "templates.png",
    "activations.png",
    "shares.png",
    "report.md",
];

/// Takes the shipped clip apart blind: sounds, pictures and a report.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where it all goes
    #[arg(default_value = "unweave-demo")]
    folder: PathBuf,
    /// Overwrite outputs that exist
    #[arg(long)]
    force: bool,
    /// Print the scores as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    for output in OUTPUTS {
        check_output(&folder.join(output), Existing::forced(arguments.force))?;
    }
    let stems = STEMS
        .iter()
        .map(|(name, bytes)| AudioFile::from_bytes(Path::new(&format!("{name}.flac")), bytes))
        .collect::<Result<Vec<AudioFile>, AudioFileError>>()?;
    let mix = sum(&stems);
    mix.write(&folder.join("mix.wav"))?;

    let options = LearnOptions { templates: LearnOptions::BLIND_TEMPLATES, ..LearnOptions::default() };
    let capture = Capture::new(mix.sample_rate as f32, mix.channels.clone())?;
    let bar = progress_bar("learning", options.iterations as u64);
    let mut on_progress = |iteration: Iteration| {
        bar.set_position(iteration.done as u64);
        ControlFlow::Continue(())
    };
    let model = learn_blind(&capture, STEMS.len(), &options, &mut on_progress)?;
    bar.finish_and_clear();
    model_file::save(&model, &folder.join("model.npz"))?;

    let rendered = render(&model, &mix, &Settings::default(), Outputs::Components, &mut |_| ())?;
    let order = best_order(&stems, &rendered.components);
    for ((name, _), &component) in STEMS.iter().zip(&order) {
        rendered.components[component].write(&folder.join(format!("{name}.wav")))?;
    }
    let v = capture.spectrogram(options.layout, Window::SqrtHann)?;
    pictures::spectrogram("V: the mix", &v)?.save(&folder.join("spectrogram.png"))?;
    pictures::templates(model.templates())?.save(&folder.join("templates.png"))?;
    draw_levels(&rendered, &order, &mix, folder)?;

    let scores = scores(&stems, &mix, &rendered, &order);
    let report = report(&scores, &inspect::summary(&model));
    let path = folder.join("report.md");
    fs::write(&path, &report).with_context(|| format!("{}: cannot be written", path.display()))?;
    match arguments.json {
        true => println!("{}", json(&scores)),
        false => print!("{report}"),
    }
    Ok(())
}

fn sum(stems: &[AudioFile]) -> AudioFile {
    let mut mix = stems[0].clone();
    for stem in &stems[1..] {
        for (channel, other) in mix.channels.iter_mut().zip(&stem.channels) {
            channel.iter_mut().zip(other).for_each(|(sum, sample)| *sum += sample);
        }
    }
    mix
}

/// For each stem, the component that is closest to it: the order with the best mean.
fn best_order(stems: &[AudioFile], components: &[AudioFile]) -> [usize; 3] {
    let table: Vec<Vec<f64>> =
        stems.iter().map(|stem| components.iter().map(|component| si_sdr_db(stem, component)).collect()).collect();
    let total = |order: &[usize; 3]| order.iter().zip(&table).map(|(&component, row)| row[component]).sum::<f64>();
    ORDERS.into_iter().max_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(ORDERS[0])
}

/// Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019): how much of `estimate` is `truth` at some gain.
fn si_sdr_db(truth: &AudioFile, estimate: &AudioFile) -> f64 {
    let samples = |audio: &AudioFile| -> Vec<f64> { audio.channels.iter().flatten().map(|&x| f64::from(x)).collect() };
    let (truth, estimate) = (samples(truth), samples(estimate));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let gain = dot(&truth, &estimate) / dot(&truth, &truth).max(f64::MIN_POSITIVE);
    let wanted: Vec<f64> = truth.iter().map(|x| x * gain).collect();
    let error: Vec<f64> = estimate.iter().zip(&wanted).map(|(x, wanted)| x - wanted).collect();
    10.0 * (dot(&wanted, &wanted).max(1e-30) / dot(&error, &error).max(1e-30)).log10()
}

/// One stem's SI-SDR in dB, before and after.
struct Score {
    stem: &'static str,
    component: usize,
    mix_db: f64,
    separated_db: f64,
}

fn scores(stems: &[AudioFile], mix: &AudioFile, rendered: &Rendered, order: &[usize; 3]) -> Vec<Score> {
    let score = |((&(stem, _), truth), &component): ((&(&'static str, &[u8]), &AudioFile), &usize)| Score {
        stem,
        component,
        mix_db: si_sdr_db(truth, mix),
        separated_db: si_sdr_db(truth, &rendered.components[component]),
    };
    STEMS.iter().zip(stems).zip(order).map(score).collect()
}

/// H and shares, with the components in the order and under the names of the stems.
fn draw_levels(rendered: &Rendered, order: &[usize; 3], mix: &AudioFile, folder: &Path) -> anyhow::Result<()> {
    let names: Vec<String> = STEMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let levels: Vec<Vec<f32>> =
        rendered.levels.iter().map(|frame| order.iter().map(|&component| frame[component]).collect()).collect();
    let seconds = mix.seconds() as f32;
    pictures::activations(&names, &levels, seconds)?.save(&folder.join("activations.png"))?;
    pictures::shares(&names, &levels, seconds)?.save(&folder.join("shares.png"))?;
    Ok(())
}

fn report(scores: &[Score], summary: &str) -> String {
    let mut text = String::from(
        "# Unweave: the demo\n\nThree components, learned blind from the mix alone, named after the stems that they are \
         closest to.\nSI-SDR in dB against the true stems: higher is better.\n\n\
         | stem | component | in the mix | separated | gained |\n|---|---|---|---|---|\n",
    );
    for Score { stem, component, mix_db, separated_db } in scores {
        let gained = separated_db - mix_db;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {stem} | {} | {mix_db:.1} | {separated_db:.1} | {gained:+.1} |", component + 1);
    }
    let mean = scores.iter().map(|score| score.separated_db).sum::<f64>() / scores.len() as f64;
    let _ = writeln!(
        text,
        "\nMean: {mean:.1} dB. Listen: `mix.wav`, `drums.wav`, `bass.wav`, `keys.wav`; the three add up to the mix.\n\n\
         Model: {summary}\n\n![the mix](spectrogram.png)\n![W](templates.png)\n![H](activations.png)\n![shares](shares.png)"
    );
    text
}

fn json(scores: &[Score]) -> serde_json::Value {
    let score = |score: &Score| {
        serde_json::json!({
            "stem": score.stem,
            "component": (score.component + 1).to_string(),
            "si_sdr_mix_db": score.mix_db,
            "si_sdr_db": score.separated_db,
        })
    };
    scores.iter().map(score).collect()
}
