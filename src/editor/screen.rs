//! What the editor shows: plain values, read anew for every frame. No locks, no state of the instance.

use std::sync::Arc;

use super::canvas::CanvasView;
use crate::link::{Slot, Stage};
use crate::model::settings::Target;
use crate::params::control::Control;

/// Everything that is shown in one frame.
#[derive(Clone, Debug)]
pub struct Screen {
    /// The current step of the workflow.
    pub stage: Stage,
    /// Why the project's model could not be read, and what to do.
    pub project_error: Option<String>,
    /// Warnings of the last learning.
    pub warnings: Vec<String>,
    /// A message about the last action outside learning: a file that was written, for example.
    pub notice: Option<String>,
    /// The losses of the current or the last learning, oldest first.
    pub losses: Vec<f32>,
    /// The loudest sample of the last block, in dB full scale.
    pub input_db: f32,
    /// Seconds of past input that can be learned from without a capture.
    pub history_s: f32,
    /// Seconds that the model was learned from; 0 if unknown.
    pub learned_s: f32,
    /// The slot of the current model.
    pub slot: Slot,
    /// Whether the other slot holds a model to compare with.
    pub has_other: bool,
    /// Whether the current model waits for Keep or Revert.
    pub is_review: bool,
    /// Every parameter, by [`Control::index`].
    pub values: Vec<Value>,
    /// The components of the current model.
    pub strips: Vec<Strip>,
    /// The scrolling spectrogram and traces; `None` before the window is open.
    pub canvas: Option<CanvasView>,
    /// The plug-in's latency in milliseconds.
    pub latency_ms: f32,
    /// CPU load of the audio thread: 1 is one whole core.
    pub load: f32,
    /// Captured frames that were lost.
    pub dropped_frames: u64,
    /// The editor's size, as a factor of its normal one.
    pub zoom: f32,
    /// The song that plays as input; `None` in a host.
    pub song: Option<SongView>,
}

/// The current value of a parameter.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// The parameter's name.
    pub name: String,
    /// From 0 to 1.
    pub normalized: f32,
    /// The default, from 0 to 1.
    pub default: f32,
    /// The value as hosts show it, with its unit.
    pub text: String,
    /// The texts of all values; empty if there are many.
    pub options: Arc<[String]>,
}

/// One component.
#[derive(Clone, Debug)]
pub struct Strip {
    /// The component's name.
    pub name: String,
    /// Its activation in dB.
    pub activation_db: f32,
    /// Its templates.
    pub templates: Vec<TemplateCurve>,
}

/// A template as a curve.
#[derive(Clone, Debug)]
pub struct TemplateCurve {
    /// Its index among all templates of the model.
    pub index: usize,
    /// Heights from 0 to 1, at frequencies evenly spaced on a logarithmic axis.
    pub heights: Arc<[f32]>,
}

/// The song that plays as input.
#[derive(Clone, Debug)]
pub struct SongView {
    /// The song's name; or that there is none, that it is being read, or why it cannot be read.
    pub title: String,
    /// The lowest and highest sample of each of many equal parts of the song.
    pub overview: Arc<[[f32; 2]]>,
    /// The song's length; 0 if there is none.
    pub seconds: f32,
    /// The current position.
    pub position_s: f32,
    /// The start and end of the loop in seconds.
    pub loop_range: Option<(f32, f32)>,
    /// Whether it plays.
    pub is_playing: bool,
}

impl Screen {
    /// The current value of a parameter.
    pub fn value(&self, control: Control) -> &Value {
        &self.values[control.index()]
    }

    /// Whether a switch is on.
    pub fn is_on(&self, control: Control) -> bool {
        self.value(control).normalized > 0.5
    }

    /// What the next capture contains.
    pub fn target(&self) -> Target {
        let value = self.value(Control::Target);
        match value.option() {
            0 => Target::All,
            option if option + 1 == value.options.len() => Target::Rest,
            option => Target::Component((option - 1) as u8),
        }
    }

    /// Whether the solo of another component silences this one.
    pub fn is_soloed_out(&self, component: usize) -> bool {
        let any = (0..self.strips.len()).any(|other| self.is_on(Control::Solo(other)));
        any && !self.is_on(Control::Solo(component))
    }
}

impl Value {
    /// The index of the current option.
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
