//! What the editor shows: plain values, made anew for every frame by whoever shows it. No locks, no truth.

use std::sync::Arc;

use super::picture::Picture;
use crate::link::{Slot, Stage};
use crate::model::settings::Target;
use crate::params::control::Control;

/// Everything that is shown.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where the workflow stands.
    pub stage: Stage,
    /// What the last learning warns of.
    pub warnings: Vec<String>,
    /// What just went wrong or well elsewhere: with a file, say.
    pub notice: Option<String>,
    /// Loss after loss of the learning that runs or was last.
    pub losses: Vec<f32>,
    /// Loudest sample of the last moment, in dB of full scale.
    pub input_db: f32,
    /// Seconds that could be learned from without a capture.
    pub history_s: f32,
    /// Seconds that the model was learned from; 0: not known.
    pub learned_s: f32,
    /// What the next capture holds.
    pub target: Target,
    /// Which of the last two models plays.
    pub slot: Slot,
    /// Whether there is another model to compare with.
    pub has_other: bool,
    /// Whether the model at hand waits for “keep” or “revert”.
    pub is_review: bool,
    /// Every parameter, by [`Control::index`].
    pub values: Vec<Value>,
    /// The components of the model.
    pub strips: Vec<Strip>,
    /// The scrolling picture.
    pub picture: Option<Picture>,
    /// How late the sound is, in milliseconds.
    pub latency_ms: f32,
    /// Share of one core that the sound takes, 0 to 1.
    pub load: f32,
    /// Captured frames that were lost.
    pub dropped_frames: u64,
    /// The editor's size, by its plain one.
    pub zoom: f32,
    /// The song that plays as input, where there is a player.
    pub song: Option<SongView>,
}

/// A parameter as it stands.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// What it is called.
    pub name: String,
    /// 0 to 1.
    pub normalized: f32,
    /// What it is reset to.
    pub default: f32,
    /// The value as hosts show it, with its unit.
    pub text: String,
    /// The texts of all values, where there are few.
    pub options: Arc<[String]>,
}

/// One component.
#[derive(Clone, Debug)]
pub struct Strip {
    /// What it is called.
    pub name: String,
    /// Its activation in dB.
    pub activation_db: f32,
    /// Its templates.
    pub templates: Vec<TemplateCurve>,
}

/// A template as a curve.
#[derive(Clone, Debug)]
pub struct TemplateCurve {
    /// Its index among all of the model.
    pub index: usize,
    /// Heights at places evenly spread over the logarithm of the frequency, 0 to 1.
    pub heights: Arc<[f32]>,
}

/// The song that plays as input.
#[derive(Clone, Debug)]
pub struct SongView {
    /// What is shown instead of a name: that there is none, that it is being read, why it cannot be.
    pub title: String,
    /// Lowest and highest sample of one stretch after another.
    pub overview: Arc<[[f32; 2]]>,
    /// Its length; 0: there is none.
    pub seconds: f32,
    /// Where it is.
    pub position_s: f32,
    /// What plays over and over.
    pub looped: Option<(f32, f32)>,
    /// Whether it plays.
    pub is_playing: bool,
}

impl Model {
    /// A parameter as it stands.
    pub fn value(&self, control: Control) -> &Value {
        &self.values[control.index()]
    }

    /// Whether a switch is on.
    pub fn is_on(&self, control: Control) -> bool {
        self.value(control).normalized > 0.5
    }

    /// Whether a solo anywhere keeps this component silent.
    pub fn is_soloed_out(&self, component: usize) -> bool {
        let any = (0..self.strips.len()).any(|other| self.is_on(Control::Solo(other)));
        any && !self.is_on(Control::Solo(component))
    }
}

impl Value {
    /// Which of the options it is.
    pub fn option(&self) -> usize {
        let last = self.options.len().saturating_sub(1);
        (self.normalized * last as f32).round() as usize
    }

    /// The normalised value of an option.
    pub fn of_option(&self, option: usize) -> f32 {
        let last = self.options.len().saturating_sub(1).max(1);
        option as f32 / last as f32
    }
}
