//! `unweave separate`: separates a file into components and a mix, by a model.

use std::io;
use std::path::PathBuf;

use clap::Args;
use unweave::dsp::{Format, Mode, Settings, StftLayout, Templates};
use unweave::files::audio::AudioFile;
use unweave::files::model as model_file;
use unweave::files::render::{Outputs, layout_for, render};
use unweave::model::{Model, PlaybackSettings};

use super::{Existing, Usage, check_output, check_stem, create_folder, print, progress_bar, tell};

/// The most updates per frame: more take longer and change nothing audible.
const MAX_UPDATES: i64 = 1000;

/// The most bands: one per bin of the longest window.
const MAX_BANDS: i64 = (StftLayout::MAX_WINDOW_LEN / 2 + 1) as i64;

/// Separates a file with a learned model, exactly as the plug-in does.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The file to separate
    file: PathBuf,
    /// The model
    #[arg(long, value_name = "MODEL.npz")]
    model: PathBuf,
    /// Folder for DIR/NAME.wav of every component, before its gain, mute and solo
    #[arg(long, value_name = "DIR")]
    stems: Option<PathBuf>,
    /// The mixed components
    #[arg(long, value_name = "MIX.wav")]
    output: Option<PathBuf>,
    /// Solo this component in the mix; several can be soloed
    #[arg(long, value_name = "NAME", requires = "output")]
    solo: Vec<String>,
    /// Silence this component in the mix
    #[arg(long, value_name = "NAME", requires = "output")]
    mute: Vec<String>,
    /// Gain of this component in the mix, in dB
    #[arg(long, value_name = "NAME=DB", requires = "output", value_parser = gain, allow_hyphen_values = true)]
    gain: Vec<(String, f32)>,
    /// Updates of the activations per frame
    #[arg(long, value_name = "N", default_value_t = Settings::default().updates as u16,
          value_parser = clap::value_parser!(u16).range(1..=MAX_UPDATES))]
    updates: u16,
    /// Approximate number of frequency bands in which activations are estimated: fewer are faster
    #[arg(long, value_name = "N", default_value_t = Templates::BANDS as u16,
          value_parser = clap::value_parser!(u16).range(1..=MAX_BANDS))]
    bands: u16,
    /// Exponent of the soft masks: higher values separate harder, with more artefacts
    #[arg(long, value_name = "P", default_value_t = Settings::default().mask_exponent, value_parser = mask_exponent)]
    mask_exponent: f32,
    /// Trades separation quality for latency, as in the plug-in [default: the model's own window]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<Mode>,
    /// Disable the spatial filter: separate by timbre only
    #[arg(long)]
    no_spatial: bool,
    /// Overwrite outputs that exist
    #[arg(long)]
    force: bool,
    /// Print the outputs as JSON
    #[arg(long)]
    json: bool,
}

fn gain(text: &str) -> Result<(String, f32), String> {
    let parsed = text.rsplit_once('=').and_then(|(name, db)| Some((name.to_owned(), db.parse::<f32>().ok()?)));
    let is_good = |&(_, db): &(String, f32)| db <= 60.0;
    parsed.filter(is_good).ok_or_else(|| format!("“{text}” is not NAME=DB with at most 60 dB"))
}

fn mode(text: &str) -> Result<Mode, String> {
    let names = Mode::ALL.map(Mode::name).join(", ");
    Mode::named(text).ok_or_else(|| format!("“{text}” is not a mode: the modes are {names}"))
}

fn mask_exponent(text: &str) -> Result<f32, String> {
    let parsed = text.parse().ok().filter(|exponent| (0.1..=8.0).contains(exponent));
    parsed.ok_or_else(|| format!("“{text}” is not a number from 0.1 to 8"))
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.stems.is_none() && arguments.output.is_none() {
        return Err(Usage("nothing to write: give --stems DIR, --output MIX.wav, or both".into()).into());
    }
    let existing = Existing::forced(arguments.force);
    if let Some(output) = &arguments.output {
        check_output(output, existing)?;
    }
    let model = model_file::load(&arguments.model)?;
    let settings = settings(arguments, &model)?;
    let stems = stem_paths(arguments, &model, existing)?;
    let audio = AudioFile::read(&arguments.file)?;
    let layout = layout_for(&model, &audio, arguments.mode);
    let playing = PlaybackSettings { layout, bands: usize::from(arguments.bands), divergence: settings.divergence };
    note_conversion(arguments, &model, &audio, layout);
    let outputs = if stems.is_empty() { Outputs::Mix } else { Outputs::Components };
    let bar = progress_bar("separating", 1000);
    let mut on_progress = |share: f32| bar.set_position((share * 1000.0) as u64);
    let rendered = render(&model, &audio, playing, &settings, outputs, &mut on_progress)?;
    bar.finish_and_clear();
    for (stem, path) in rendered.components.iter().zip(&stems) {
        stem.write(path)?;
    }
    if let Some(output) = &arguments.output {
        rendered.mix.write(output)?;
    }
    Ok(report(arguments, &model, &stems)?)
}

fn settings(arguments: &Arguments, model: &Model) -> Result<Settings, Usage> {
    let names = model.templates().components();
    let index = |given: &String| {
        names.iter().position(|name| name == given).ok_or_else(|| {
            Usage(format!(
                "there is no component “{given}” in {}: its components are {}",
                arguments.model.display(),
                names.join(", ")
            ))
        })
    };
    let mut settings = Settings {
        divergence: model.info().divergence,
        updates: usize::from(arguments.updates),
        mask_exponent: arguments.mask_exponent,
        spatial_filter: !arguments.no_spatial,
        ..Settings::default()
    };
    for name in &arguments.solo {
        settings.solos[index(name)?] = true;
    }
    for name in &arguments.mute {
        settings.mutes[index(name)?] = true;
    }
    for (name, db) in &arguments.gain {
        settings.gains[index(name)?] = 10f32.powf(db / 20.0);
    }
    Ok(settings)
}

/// The output file of each component, in the model's order.
fn stem_paths(arguments: &Arguments, model: &Model, existing: Existing) -> anyhow::Result<Vec<PathBuf>> {
    let Some(folder) = &arguments.stems else { return Ok(Vec::new()) };
    create_folder(Some(folder))?;
    model.templates().components().iter().map(|name| check_stem(folder, name, existing)).collect()
}

fn note_conversion(arguments: &Arguments, model: &Model, audio: &AudioFile, layout: StftLayout) {
    let (from, to) = (model.templates().format(), Format::new(audio.sample_rate as f32, layout, audio.channels.len()));
    if from != to {
        tell(&format_args!("note: {}: its templates ({from}) are converted to {to}", arguments.model.display()));
    }
}

fn report(arguments: &Arguments, model: &Model, stems: &[PathBuf]) -> io::Result<()> {
    if arguments.json {
        let named = |(name, path): (&String, &PathBuf)| serde_json::json!({ "component": name, "file": path });
        let stems: Vec<_> = model.templates().components().iter().zip(stems).map(named).collect();
        print(&serde_json::json!({ "stems": stems, "mix": arguments.output }))
    } else {
        stems.iter().chain(&arguments.output).try_for_each(|path| print(&path.display()))
    }
}
