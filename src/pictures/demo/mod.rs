//! The demo: the shipped clip separated twice, first with each part taught alone, then blind. Sounds, pictures and a
//! report, for the command and for the hosted plug-in.

mod clip;
mod report;
mod score;

use std::fs;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

pub use clip::{CAPTURE_S, COMPONENTS, Clip, FILL_S};
pub use score::{Score, mean_db, si_sdr_db};

use super::owners::Panel;
use super::{Mark, Picture, PictureError, owners};
use crate::dsp::{Mode, Settings, StftLayout, TemplatesError, Window};
use crate::files::audio::{AudioFile, AudioFileError};
use crate::files::render::{Outputs, render};
use crate::learn::{Capture, CaptureError, LearnOptions, Spectrogram};
use crate::model::{Model, ModelError, PlaybackSettings};

/// Why the demo ended.
#[derive(Debug, Error)]
pub enum DemoError {
    /// Audio could not be read or written.
    #[error(transparent)]
    Audio(#[from] AudioFileError),
    /// A picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A sound has no spectrogram.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The model does not fit the clip.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// The components of the model cannot be put in the order of the stems.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The report, or a folder, could not be written.
    #[error("{path}: cannot be written: {error}")]
    Unwritable {
        /// The file or folder.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
}

/// How a model is learned from the clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approach {
    /// From each part alone.
    Taught,
    /// From the mix alone.
    Blind,
}

impl Approach {
    /// The mode to learn and play in. Taught parts are separated 1.1 dB better in Fine than in Normal; found blind, they are
    /// separated worse.
    pub fn mode(self) -> Mode {
        match self {
            Self::Taught => Mode::Fine,
            Self::Blind => Mode::Normal,
        }
    }

    /// Templates of each component. Blind, 12 separate the heard bars of this clip better than 8 or 16.
    pub fn templates(self) -> usize {
        match self {
            Self::Taught => LearnOptions::GUIDED_TEMPLATES,
            Self::Blind => 12,
        }
    }

    /// The folder of its sounds and pictures, within the demo's.
    fn folder(self) -> &'static str {
        match self {
            Self::Taught => "taught",
            Self::Blind => "blind",
        }
    }
}

/// One separation of the clip.
pub struct Story {
    /// How the model was learned.
    pub approach: Approach,
    /// What to do to hear the same, for the report.
    pub how: String,
    /// The learned model.
    pub model: Model,
    /// Each component alone, aligned with the clip.
    pub components: Vec<AudioFile>,
    /// All components at unity gain, aligned with the clip.
    pub remix: AudioFile,
    /// The latency that was reported, in samples.
    pub latency_samples: usize,
    /// What was done and how long it took.
    pub steps: Vec<(&'static str, Duration)>,
}

/// Both separations.
pub struct Demo {
    /// What made it, for the report's first line.
    pub how: &'static str,
    /// In the order of the report.
    pub stories: [Story; 2],
    /// What was done before, and how long it took.
    pub steps: Vec<(&'static str, Duration)>,
}

impl Demo {
    /// Writes the mix, the stems, the picture of who owns the sound and `report.md` into a folder, and a folder for each
    /// story: its components under the names of their stems, their sum, and pictures. The report's text.
    ///
    /// # Errors
    /// See [`DemoError`].
    pub fn write(&self, clip: &Clip, folder: &Path) -> Result<String, DemoError> {
        let write = |folder: &Path, name: &str, sound: &AudioFile| -> Result<(), DemoError> {
            fs::create_dir_all(folder).map_err(unwritable(folder))?;
            Ok(sound.write(&folder.join(format!("{name}.wav")))?)
        };
        write(folder, "mix", &clip.mix)?;
        for (name, stem) in &clip.stems {
            write(&folder.join("stems"), name, stem)?;
        }
        let matched = self.stories.each_ref().map(|story| story.matched(clip));
        let scores = matched.each_ref().map(|components| score::scores(clip, components));
        for (story, components) in self.stories.iter().zip(&matched) {
            let folder = folder.join(story.approach.folder());
            write(&folder, "remix", &story.remix)?;
            for ((name, _), component) in clip.stems.iter().zip(components) {
                write(&folder, name, component)?;
            }
            story.draw(clip, &folder)?;
        }
        self.draw_owners(clip, &matched, &scores)?.save(&folder.join("owners.png"))?;
        let (report, path) = (self.report(clip, &scores), folder.join("report.md"));
        fs::write(&path, &report).map_err(unwritable(&path))?;
        Ok(report)
    }

    /// The mix before, and after in the colours of the parts that it is given to, above the truth.
    fn draw_owners(
        &self,
        clip: &Clip,
        matched: &[Vec<&AudioFile>; 2],
        scores: &[Vec<Score>; 2],
    ) -> Result<Picture, DemoError> {
        let mix = spectrogram(&clip.mix)?;
        let spectrograms = |sounds: &mut dyn Iterator<Item = &AudioFile>| sounds.map(spectrogram).collect();
        let mut panels = vec![Panel { title: "Before: the mix".into(), parts: Vec::new() }];
        for ((story, components), scores) in self.stories.iter().zip(matched).zip(scores) {
            let learned = match story.approach {
                Approach::Taught => "taught: each part was learned alone",
                Approach::Blind => "blind: learned from the mix",
            };
            let unheard_db = mean_db(scores, |score| score.unheard_db);
            let title = format!("After, {learned} ({unheard_db:.1} dB where not heard)");
            let parts: Result<_, CaptureError> = spectrograms(&mut components.iter().copied());
            panels.push(Panel { title, parts: parts? });
        }
        let stems: Result<_, CaptureError> = spectrograms(&mut clip.stems.iter().map(|(_, stem)| stem));
        panels.push(Panel { title: "The truth: what each stem plays".into(), parts: stems? });
        Ok(owners::owners("Whose sound is it? The mix, before and after", &stem_names(clip), (&mix, &panels), HEARD)?)
    }
}

impl Story {
    /// One score for each stem of the clip.
    pub fn scores(&self, clip: &Clip) -> Vec<Score> {
        score::scores(clip, &self.matched(clip))
    }

    /// For each stem, the component that is compared with it.
    fn matched(&self, clip: &Clip) -> Vec<&AudioFile> {
        self.component_of_stem(clip).map(|component| &self.components[component]).into()
    }

    /// The same by index: the component that was taught from the stem, or the most similar one.
    fn component_of_stem(&self, clip: &Clip) -> [usize; COMPONENTS] {
        match self.approach {
            Approach::Taught => std::array::from_fn(|stem| stem),
            Approach::Blind => score::best_match(clip, &self.components),
        }
    }

    /// W, H and shares, the components in the order of the stems: a part has one colour in all pictures.
    fn draw(&self, clip: &Clip, folder: &Path) -> Result<(), DemoError> {
        let (names, components) = (stem_names(clip), self.component_of_stem(clip));
        let stem_of = |owner: &usize| components.iter().position(|component| component == owner).unwrap_or(*owner);
        let owners = self.model.templates().owners().iter().map(stem_of).collect();
        let sorted = self.model.with_owners(owners)?;
        super::templates(&names, sorted.templates())?.save(&folder.join("W.png"))?;
        let playing = PlaybackSettings::new(self.model.info().layout);
        let levels = render(&self.model, &clip.mix, playing, &Settings::default(), Outputs::Mix, &mut |_| ())?.levels;
        let sorted = |frame: &Vec<f32>| components.iter().map(|&component| frame[component]).collect();
        let levels: Vec<Vec<f32>> = levels.iter().map(sorted).collect();
        let seconds = clip.mix.seconds() as f32;
        super::activations(&names, &levels, seconds, Some(HEARD))?.save(&folder.join("H.png"))?;
        Ok(super::shares(&names, &levels, seconds, Some(HEARD))?.save(&folder.join("shares.png"))?)
    }
}

/// In pictures: where the stretch ends that was learned from.
const HEARD: Mark<'_> = Mark { seconds: CAPTURE_S as f32, before: "heard", after: "not heard" };

fn stem_names(clip: &Clip) -> Vec<String> {
    clip.stems.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// For pictures: the usual window, whatever a model was learned with.
fn spectrogram(sound: &AudioFile) -> Result<Spectrogram, CaptureError> {
    let capture = Capture::new(sound.sample_rate as f32, sound.channels.clone())?;
    capture.spectrogram(StftLayout::default(), Window::SqrtHann)
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> DemoError {
    let path = path.display().to_string();
    |error| DemoError::Unwritable { path, error }
}
