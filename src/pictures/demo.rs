//! The shipped clip, and the story told with it: files, pictures and a report. For the command and the hosted demo.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use super::PictureError;
use crate::dsp::{Settings, TemplatesError, Window};
use crate::files::audio::{AudioFile, AudioFileError};
use crate::files::render::{Outputs, render};
use crate::learn::{Capture, CaptureError};
use crate::model::{Model, Playing};

/// The stretch that is captured: four of six bars. The voicings and the lick after it are new to the model.
pub const CAPTURE_S: f64 = 8.28;
/// Components to find.
pub const COMPONENTS: usize = 3;

/// Why the demo ended.
#[derive(Debug, Error)]
pub enum DemoError {
    /// Audio could not be read or written.
    #[error(transparent)]
    Audio(#[from] AudioFileError),
    /// A picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The clip cannot be looked at.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The model does not fit the clip.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// The report could not be written.
    #[error("{path}: cannot be written: {error}")]
    Report {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
}

/// The shipped groove: its stems, and their exact sum.
pub struct Clip {
    /// (name, sound) of each stem.
    pub stems: Vec<(&'static str, AudioFile)>,
    /// The sum.
    pub mix: AudioFile,
}

impl Clip {
    /// Decodes the stems that are part of this program.
    ///
    /// # Errors
    /// None, unless the program is damaged.
    pub fn load() -> Result<Self, AudioFileError> {
        const STEMS: [(&str, &[u8]); 3] = [
            ("drums", include_bytes!("../../assets/groove/drums.flac")),
            ("bass", include_bytes!("../../assets/groove/bass.flac")),
            ("keys", include_bytes!("../../assets/groove/keys.flac")),
        ];
        let decoded =
            STEMS.map(|(name, bytes)| AudioFile::read_memory(&format!("{name}.flac"), bytes).map(|a| (name, a)));
        let stems = decoded.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut mix = stems[0].1.clone();
        for (_, stem) in &stems[1..] {
            for (mix, stem) in mix.channels.iter_mut().zip(&stem.channels) {
                mix.iter_mut().zip(stem).for_each(|(mix, x)| *mix += x);
            }
        }
        Ok(Self { stems, mix })
    }

    /// Samples of the captured stretch.
    pub fn capture_len(&self) -> usize {
        (CAPTURE_S * f64::from(self.mix.sample_rate)).round() as usize
    }
}

/// What a run of the demo gave.
pub struct Story {
    /// How it was run, for the report's first line.
    pub how: &'static str,
    /// The learned model.
    pub model: Model,
    /// Each component alone, aligned with the clip.
    pub components: Vec<AudioFile>,
    /// All components at unity, aligned with the clip.
    pub remix: AudioFile,
    /// Samples of latency, as reported.
    pub latency_samples: usize,
    /// What was done and how long it took.
    pub steps: Vec<(&'static str, Duration)>,
}

impl Story {
    /// Writes the mix, the components under the names of the stems they match best, the re-mix, four pictures and
    /// `report.md` into a folder. The report's text.
    ///
    /// # Errors
    /// See [`DemoError`].
    pub fn write(&self, clip: &Clip, folder: &Path) -> Result<String, DemoError> {
        let order = best_order(clip, &self.components);
        clip.mix.write(&folder.join("mix.wav"))?;
        self.remix.write(&folder.join("remix.wav"))?;
        for (component, &stem) in self.components.iter().zip(&order) {
            component.write(&folder.join(format!("{}.wav", clip.stems[stem].0)))?;
        }
        self.draw(clip, &order, folder)?;
        let report = self.report(clip, &order);
        let path = folder.join("report.md");
        fs::write(&path, &report).map_err(|error| DemoError::Report { path: path.display().to_string(), error })?;
        Ok(report)
    }

    fn draw(&self, clip: &Clip, order: &[usize], folder: &Path) -> Result<(), DemoError> {
        let capture = Capture::new(clip.mix.sample_rate as f32, clip.mix.channels.clone())?;
        let spectrogram = capture.spectrogram(self.model.learned().layout, Window::SqrtHann)?;
        super::spectrogram("The mix", &spectrogram)?.save(&folder.join("mix.png"))?;
        let names: Vec<String> = order.iter().map(|&stem| clip.stems[stem].0.to_owned()).collect();
        super::templates(&names, self.model.templates())?.save(&folder.join("W.png"))?;
        let levels = render(
            &self.model,
            &clip.mix,
            Playing::new(self.model.learned().layout),
            &Settings::default(),
            Outputs::Mix,
            &mut |_| (),
        )?
        .levels;
        let seconds = clip.mix.seconds() as f32;
        super::activations(&names, &levels, seconds)?.save(&folder.join("H.png"))?;
        Ok(super::shares(&names, &levels, seconds)?.save(&folder.join("shares.png"))?)
    }

    fn report(&self, clip: &Clip, order: &[usize]) -> String {
        let (len, learned) = (clip.mix.len(), clip.capture_len());
        let rate = f64::from(clip.mix.sample_rate);
        let mut text = format!(
            "# Unweave demo\n\n{}\n\nLearned blind from the first {CAPTURE_S} s of {:.1} s: {} components, {} templates, seed {}.\n\n\
             | stem | SI-SDR, s the model has heard | SI-SDR, s it has not | the mix itself, not heard |\n|---|---|---|---|\n",
            self.how,
            clip.mix.seconds(),
            self.components.len(),
            self.model.templates().owners().len(),
            self.model.learned().seed,
        );
        let mut means = [0.0; 3];
        for (component, &stem) in self.components.iter().zip(order) {
            let (name, truth) = &clip.stems[stem];
            let figures = [
                si_sdr_db(truth, component, 0..learned),
                si_sdr_db(truth, component, learned..len),
                si_sdr_db(truth, &clip.mix, learned..len),
            ];
            means.iter_mut().zip(figures).for_each(|(mean, figure)| *mean += figure / order.len() as f64);
            let [heard, unheard, mix] = figures;
            let _ = writeln!(text, "| {name} | {heard:.1} dB | {unheard:.1} dB | {mix:.1} dB |");
        }
        let [heard, unheard, mix] = means;
        let _ = writeln!(text, "| mean | {heard:.1} dB | {unheard:.1} dB | {mix:.1} dB |\n");
        let _ = writeln!(
            text,
            "The re-mix at unity differs from the mix by {:.0} dB, the sum of the components by {:.0} dB.\n\n\
             Latency: {} samples, {:.1} ms.\n\n| step | time |\n|---|---|",
            difference_db(&clip.mix, std::slice::from_ref(&self.remix)),
            difference_db(&clip.mix, &self.components),
            self.latency_samples,
            self.latency_samples as f64 / rate * 1000.0,
        );
        for (step, time) in &self.steps {
            let _ = writeln!(text, "| {step} | {:.2} s |", time.as_secs_f64());
        }
        text + "\n![The mix](mix.png)\n![W](W.png)\n![H](H.png)\n![Shares](shares.png)\n"
    }
}

/// Scale-invariant signal-to-distortion ratio in dB over all channels, means removed (Le Roux et al. 2019).
pub fn si_sdr_db(truth: &AudioFile, estimate: &AudioFile, range: std::ops::Range<usize>) -> f64 {
    let centred = |audio: &AudioFile| -> Vec<f64> {
        let samples: Vec<f64> =
            audio.channels.iter().flat_map(|channel| channel[range.clone()].iter().map(|&x| f64::from(x))).collect();
        let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
        samples.iter().map(|x| x - mean).collect()
    };
    let (truth, estimate) = (centred(truth), centred(estimate));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = dot(&estimate, &truth) / dot(&truth, &truth).max(1e-20);
    let target: f64 = truth.iter().map(|x| (scale * x).powi(2)).sum();
    let noise: f64 = truth.iter().zip(&estimate).map(|(x, e)| (e - scale * x).powi(2)).sum();
    10.0 * ((target + 1e-20) / (noise + 1e-20)).log10()
}

/// The stem of each component, so that the mean SI-SDR is highest. As many components as stems.
fn best_order(clip: &Clip, components: &[AudioFile]) -> Vec<usize> {
    let score = |stem: usize, component: &AudioFile| si_sdr_db(&clip.stems[stem].1, component, 0..clip.mix.len());
    let table: Vec<Vec<f64>> =
        components.iter().map(|component| (0..clip.stems.len()).map(|stem| score(stem, component)).collect()).collect();
    let total = |order: &[usize]| order.iter().zip(&table).map(|(&stem, scores)| scores[stem]).sum::<f64>();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let best = orders.iter().max_by(|a, b| total(&a[..]).total_cmp(&total(&b[..])));
    best.map_or_else(Vec::new, |order| order[..components.len().min(3)].to_vec())
}

/// The loudest difference of a sum of sounds from a sound, in dB of full scale.
fn difference_db(sound: &AudioFile, parts: &[AudioFile]) -> f64 {
    let sample = |channel: usize, n: usize| parts.iter().map(|part| f64::from(part.channels[channel][n])).sum::<f64>();
    let difference = |(channel, samples): (usize, &Vec<f32>)| {
        samples.iter().enumerate().map(|(n, &x)| (f64::from(x) - sample(channel, n)).abs()).fold(0.0, f64::max)
    };
    let peak = sound.channels.iter().enumerate().map(difference).fold(0.0, f64::max);
    20.0 * peak.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clip_is_ten_to_twenty_seconds_of_three_stems_and_never_clips() {
        let clip = Clip::load().unwrap();
        assert_eq!(clip.stems.len(), 3);
        assert!((10.0..20.0).contains(&clip.mix.seconds()));
        let peak = clip.mix.channels.iter().flatten().map(|x| x.abs()).fold(0.0, f32::max);
        assert!(peak > 0.3 && peak < 1.0, "{peak}");
    }

    #[test]
    fn si_sdr_knows_a_tenth_of_noise_as_20_db_whatever_the_level() {
        let sound =
            |f: &dyn Fn(usize) -> f32| AudioFile { sample_rate: 48_000, channels: vec![(0..48_000).map(f).collect()] };
        let tone = |n: usize| (n as f32 * 0.1).sin();
        let truth = sound(&tone);
        // A tone of another frequency is orthogonal to the first, to about 1e-4 over this length.
        let estimate = sound(&|n| 3.0 * (tone(n) + 0.1 * (n as f32 * 0.37).sin()));
        assert!((si_sdr_db(&truth, &estimate, 0..48_000) - 20.0).abs() < 0.05);
    }
}
