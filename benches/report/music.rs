//! The shipped clip as what is measured on. Its samples are played at 48 kHz, a little faster than they were recorded.

use std::ops::ControlFlow;

use anyhow::Result;
use unweave::dsp::Mode;
use unweave::learn::{Capture, ComponentCapture, LearnOptions, learn_blind, learn_guided};
use unweave::model::settings::{GroupBy, Steadiness};
use unweave::model::{Model, PlaybackSettings};
use unweave::pictures::demo::Clip;

use scenes::{LoopedEngine, RATE};

/// The clip, and how long a stretch of it is learned from.
pub(crate) struct Music {
    clip: Clip,
}

impl Music {
    pub(crate) fn load() -> Result<Self> {
        Ok(Self { clip: Clip::load()? })
    }

    /// The mix in stereo, over and over.
    pub(crate) fn stereo(&self, seconds: f64) -> [Vec<f32>; 2] {
        let len = (seconds * f64::from(RATE)) as usize;
        let channel = |n: usize| self.clip.mix.channels[n].iter().copied().cycle().take(len).collect();
        [channel(0), channel(1)]
    }

    /// The mix in mono at the clip's own rate, and the rate.
    pub(crate) fn mono(&self, seconds: f64) -> (Vec<f32>, f32) {
        let mix = &self.clip.mix;
        let len = (seconds * f64::from(mix.sample_rate)) as usize;
        let sums = mix.channels[0].iter().zip(&mix.channels[1]).map(|(left, right)| (left + right) / 2.0);
        (sums.cycle().take(len).collect(), mix.sample_rate as f32)
    }

    /// Drums, bass, keys and the rest, 16 templates each: all defaults but the number of templates, so that it is known.
    pub(crate) fn guided(&self) -> Result<Model> {
        let part = |name: &str, channels: &[Vec<f32>]| -> Result<ComponentCapture> {
            let (templates, steadiness) = (Some(LearnOptions::GUIDED_TEMPLATES), Steadiness::Varying);
            Ok(ComponentCapture { name: name.into(), capture: self.capture(channels)?, templates, steadiness })
        };
        let parts: Vec<ComponentCapture> =
            self.clip.stems.iter().map(|(name, stem)| part(name, &stem.channels)).collect::<Result<_>>()?;
        let rest = part("rest", &self.clip.mix.channels)?;
        Ok(learn_guided(&parts, Some(&rest), &LearnOptions::default(), &mut |_| ControlFlow::Continue(()))?.0)
    }

    /// The mix taken apart into 16 components of 8 templates, which have transposed copies.
    pub(crate) fn blind(&self) -> Result<Model> {
        let group_by = GroupBy::Timbre;
        let options = LearnOptions { templates: 8, custom_iterations: Some(40), group_by, ..LearnOptions::default() };
        let capture = self.capture(&self.clip.mix.channels)?;
        Ok(learn_blind(&capture, 16, &options, &mut |_| ControlFlow::Continue(()))?.0)
    }

    fn capture(&self, channels: &[Vec<f32>]) -> Result<Capture> {
        let stretch = |channel: &Vec<f32>| channel[..self.clip.capture_len()].to_vec();
        Ok(Capture::new(RATE, channels.iter().map(stretch).collect())?)
    }
}

/// A model that plays `audio` in a mode.
pub(crate) fn player(model: &Model, mode: Mode, audio: [Vec<f32>; 2]) -> Result<LoopedEngine> {
    let layout = mode.layout(RATE);
    Ok(LoopedEngine::new(layout, model.for_playback(RATE, 2, PlaybackSettings::new(layout))?, audio))
}
