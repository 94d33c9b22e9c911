//! Every parameter. Ids, ranges, defaults and descriptions are in [`registry`]; here are the values.
//!
//! 54 can be automated: gain, mute and solo of 16 components, mix, output and bypass, and capture, command and target for
//! footswitches and controllers. (Live shows a plug-in's first 64.)

pub mod choices;
pub mod control;
pub mod migrate;
pub mod registry;
pub mod state;
pub mod visit;
pub mod window_size;

pub use control::Control;
pub use registry::{GATE_MAX_DB, GATE_OFF_DB};

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::dsp::{Divergence, MAX_COMPONENTS, MAX_TEMPLATES, Mode, Settings};
use crate::link::{CaptureState, HistorySwitch, Listening, Models, Status};
use crate::model::PlaybackSettings;
use crate::model::settings::{GroupBy, LearnSettings, Steadiness, Target};
use choices::{CaptureSwitch, Choice, CommandChoice};
use registry::{Automation, Entry, Kind, MAX_GAIN, MAX_THREADS, NumberText};
use state::SavedModelField;
use window_size::EditorSize;

/// The plug-in's parameters and saved model.
#[derive(Params)]
pub struct UnweaveParams {
    /// The learned model, saved with the project.
    #[persist = "model"]
    pub model: SavedModelField,
    /// The editor's size, saved with the project.
    #[persist = "editor"]
    pub editor: EditorSize,
    /// Dry to wet. First for hosts: controllers map knobs to the first parameters, and a validator compares the first value
    /// before it is rounded to a step.
    #[id = "mix"]
    pub mix: FloatParam,
    /// Gain of the output.
    #[id = "output"]
    pub output: FloatParam,
    /// On records the input, off learns from what was recorded.
    #[id = "capture"]
    pub capture: EnumParam<Choice<CaptureSwitch>>,
    /// Acts once whenever it changes to a command.
    #[id = "command"]
    pub command: EnumParam<CommandChoice>,
    /// Seconds of the history that “Learn last” learns from.
    #[id = "last"]
    pub last: IntParam,
    /// Whether a capture records only while the host's transport plays.
    #[id = "follow"]
    pub follow: BoolParam,
    /// Whether a capture is appended to the previous one of the same target.
    #[id = "accumulate"]
    pub accumulate: BoolParam,
    /// Whether the last 30 seconds are kept in memory.
    #[id = "history"]
    pub history: BoolParam,
    /// What the next capture holds: everything, one component alone, or the rest.
    #[id = "target"]
    pub target: EnumParam<Choice<Target>>,
    /// The number of components to find.
    #[id = "components"]
    pub components: IntParam,
    /// The number of templates per component.
    #[id = "templates"]
    pub templates: IntParam,
    /// The error measure that learning and playback minimise.
    #[id = "divergence"]
    pub divergence: EnumParam<Choice<Divergence>>,
    /// How templates are grouped into components.
    #[id = "group_by"]
    pub group_by: EnumParam<Choice<GroupBy>>,
    /// Whether the captured component is steady hum or noise.
    #[id = "steady"]
    pub steadiness: EnumParam<Choice<Steadiness>>,
    /// Whether transposed copies of tonal templates are added.
    #[id = "extend_pitch"]
    pub extend_pitch: BoolParam,
    /// The most threads that learning may use; 0 lets the program choose.
    #[id = "threads"]
    pub threads: IntParam,
    /// The trade of separation quality for latency.
    #[id = "mode"]
    pub mode: EnumParam<Choice<Mode>>,
    /// Whether stereo components are also separated by direction.
    #[id = "spatial"]
    pub spatial: BoolParam,
    /// Frequency bands in which activations are estimated.
    #[id = "bands"]
    pub bands: IntParam,
    /// Multiplicative updates per frame.
    #[id = "updates"]
    pub updates: IntParam,
    /// The delayed input in place of the mix.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// The mixer strips of the components.
    #[nested(array, group = "Component")]
    pub components_mixed: [ComponentParams; MAX_COMPONENTS],
}

/// The mixer strip of one component.
#[derive(Params)]
pub struct ComponentParams {
    /// Linear gain.
    #[id = "gain"]
    pub gain: FloatParam,
    /// Silent.
    #[id = "mute"]
    pub mute: BoolParam,
    /// Heard alone.
    #[id = "solo"]
    pub solo: BoolParam,
    /// Activation in dB below which the component is closed.
    #[id = "gate"]
    pub gate: FloatParam,
}

impl UnweaveParams {
    /// Parameters at their defaults; the saved model is the one in `models`.
    pub fn new(models: Arc<Models>, status: Arc<Status>) -> Self {
        Self {
            model: SavedModelField::new(models, status),
            editor: EditorSize::default(),
            capture: choice(Control::Capture),
            command: choice(Control::Command),
            last: number(Control::LastSeconds),
            follow: switch(Control::FollowTransport),
            accumulate: switch(Control::Accumulate),
            history: switch(Control::KeepHistory),
            target: choice(Control::Target),
            components: number(Control::Components),
            templates: number(Control::Templates),
            divergence: choice(Control::Divergence),
            group_by: choice(Control::GroupBy),
            steadiness: choice(Control::Steadiness),
            extend_pitch: switch(Control::ExtendPitch),
            threads: number(Control::Threads),
            mode: choice(Control::Mode),
            spatial: switch(Control::Spatial),
            bands: number(Control::Bands),
            updates: number(Control::Updates),
            mix: level(Control::Mix),
            output: level(Control::Output),
            bypass: switch(Control::Bypass).make_bypass(),
            components_mixed: std::array::from_fn(ComponentParams::new),
        }
    }

    /// The engine's settings, as the parameters stand now.
    pub fn settings(&self) -> Settings {
        let strips = &self.components_mixed;
        let gate_db = |strip: &ComponentParams| Some(strip.gate.value()).filter(|&db| db > GATE_OFF_DB);
        Settings {
            gains: std::array::from_fn(|component| strips[component].gain.value()),
            mutes: std::array::from_fn(|component| strips[component].mute.value()),
            solos: std::array::from_fn(|component| strips[component].solo.value()),
            gates_db: std::array::from_fn(|component| gate_db(&strips[component])),
            mix: self.mix.value(),
            output: self.output.value(),
            bypass: self.bypass.value(),
            divergence: self.divergence.value().0,
            updates: self.updates.value().max(1) as usize,
            spatial_filter: self.spatial.value(),
            ..Settings::default()
        }
    }

    /// How a mode plays at a sample rate, as the parameters stand now.
    pub fn playback(&self, mode: Mode, sample_rate: f32) -> PlaybackSettings {
        PlaybackSettings {
            layout: mode.layout(sample_rate),
            bands: self.bands.value().max(1) as usize,
            divergence: self.divergence.value().0,
        }
    }

    /// How to learn, as the parameters stand now.
    pub fn learn_settings(&self) -> LearnSettings {
        let templates = self.templates.value().clamp(0, (MAX_TEMPLATES / MAX_COMPONENTS) as i32) as u8;
        LearnSettings {
            target: self.target.value().0,
            components: self.components.value().clamp(1, MAX_COMPONENTS as i32) as u8,
            templates: Some(templates).filter(|&templates| templates > 0),
            divergence: self.divergence.value().0,
            mode: self.mode.value().0,
            group_by: self.group_by.value().0,
            steadiness: self.steadiness.value().0,
            extend_pitch: self.extend_pitch.value(),
            threads: self.threads.value().clamp(0, MAX_THREADS) as u8,
            last_s: self.last.value().clamp(1, LearnSettings::MAX_LAST_S.into()) as u8,
            accumulate: self.accumulate.value(),
        }
    }

    /// What to listen to while the host's transport plays, as the parameters stand now.
    pub fn listening_while_playing(&self) -> Listening {
        let capture = match self.capture.value().0 {
            CaptureSwitch::Off => CaptureState::Off,
            CaptureSwitch::On => CaptureState::On,
        };
        let history = if self.history.value() { HistorySwitch::On } else { HistorySwitch::Off };
        Listening { history, capture, settings: self.learn_settings() }
    }

    /// The same while it stands.
    pub fn listening_while_standing(&self) -> Listening {
        let listening = self.listening_while_playing();
        match listening.capture {
            CaptureState::On if self.follow.value() => Listening { capture: CaptureState::Waiting, ..listening },
            _ => listening,
        }
    }
}

impl ComponentParams {
    fn new(component: usize) -> Self {
        Self {
            gain: level(Control::Gain(component)),
            mute: switch(Control::Mute(component)),
            solo: switch(Control::Solo(component)),
            gate: level(Control::Gate(component)),
        }
    }
}

/// A fader from −∞ to +12 dB: the square of its position, so that 0 dB is exactly halfway.
const GAIN_RANGE: FloatRange = FloatRange::Skewed { min: 0.0, max: MAX_GAIN, factor: 0.5 };
/// A gate's threshold.
const GATE_RANGE: FloatRange = FloatRange::Linear { min: GATE_OFF_DB, max: GATE_MAX_DB };

/// Where a fader stands, 0 to 1, at a gain in dB.
pub fn fader_position(db: f32) -> f32 {
    GAIN_RANGE.normalize(10f32.powf(db / 20.0))
}

/// Where a gate's line stands, 0 to 1, at a threshold in dB.
pub fn gate_position(db: f32) -> f32 {
    GATE_RANGE.normalize(db)
}

/// A switch of the registry.
fn switch(control: Control) -> BoolParam {
    let entry = control.entry();
    let Kind::Switch { default } = entry.kind else { return not_of_this_kind(entry) };
    let param = BoolParam::new(control.name(), default);
    match entry.automation {
        Automation::Automatable => param,
        Automation::Manual => param.non_automatable(),
    }
}

/// A whole number of the registry.
fn number(control: Control) -> IntParam {
    let entry = control.entry();
    let Kind::Number { min, max, default, text, .. } = entry.kind else { return not_of_this_kind(entry) };
    let param = IntParam::new(control.name(), default, IntRange::Linear { min, max });
    let param = match text {
        NumberText::Plain => param,
        NumberText::Seconds => param.with_unit(" s"),
        NumberText::ZeroIsAuto => {
            param.with_value_to_string(Arc::new(count_text)).with_string_to_value(Arc::new(count_value))
        }
    };
    match entry.automation {
        Automation::Automatable => param,
        Automation::Manual => param.non_automatable(),
    }
}

/// A list of the registry.
fn choice<T: Enum + PartialEq + 'static>(control: Control) -> EnumParam<T> {
    let entry = control.entry();
    let Kind::Choice { default, .. } = entry.kind else { return not_of_this_kind(entry) };
    let param = EnumParam::new(control.name(), T::from_index(default));
    match entry.automation {
        Automation::Automatable => param,
        Automation::Manual => param.non_automatable(),
    }
}

/// A gain, a gate or a share of the registry.
fn level(control: Control) -> FloatParam {
    let entry = control.entry();
    let param = match entry.kind {
        Kind::Gain => FloatParam::new(control.name(), 1.0, GAIN_RANGE)
            .with_unit(" dB")
            .with_value_to_string(formatters::v2s_f32_gain_to_db(1))
            .with_string_to_value(formatters::s2v_f32_gain_to_db()),
        Kind::Gate => FloatParam::new(control.name(), GATE_OFF_DB, GATE_RANGE)
            .with_unit(" dB")
            .with_value_to_string(Arc::new(gate_text))
            .with_string_to_value(Arc::new(gate_value)),
        Kind::Share => FloatParam::new(control.name(), 1.0, FloatRange::Linear { min: 0.0, max: 1.0 })
            .with_unit(" %")
            .with_value_to_string(formatters::v2s_f32_percentage(0))
            .with_string_to_value(formatters::s2v_f32_percentage()),
        _ => return not_of_this_kind(entry),
    };
    match entry.automation {
        Automation::Automatable => param,
        Automation::Manual => param.non_automatable(),
    }
}

/// A mistake in this program: the first test that makes an instance finds it.
fn not_of_this_kind<T>(entry: &Entry) -> T {
    panic!("“{}” is another kind of parameter: {:?}", entry.id, entry.kind)
}

fn count_text(count: i32) -> String {
    if count == 0 { "Auto".into() } else { count.to_string() }
}

fn count_value(text: &str) -> Option<i32> {
    if text.trim().eq_ignore_ascii_case("auto") { Some(0) } else { text.trim().parse().ok() }
}

fn gate_text(db: f32) -> String {
    if db > GATE_OFF_DB { format!("{db:.1}") } else { "Off".into() }
}

fn gate_value(text: &str) -> Option<f32> {
    let text = text.trim().trim_end_matches("dB").trim();
    if text.eq_ignore_ascii_case("off") { Some(GATE_OFF_DB) } else { text.parse().ok() }
}
