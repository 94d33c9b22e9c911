//! Every parameter, with its range and text. Ids are forever.
//!
//! 51 can be automated: gain, mute and solo of 16 components, mix, output and bypass. (Live shows a plug-in's first 64.)

pub mod choices;
pub mod control;
pub mod state;
pub mod window_size;

pub use control::Control;

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::dsp::{MAX_COMPONENTS, MAX_TEMPLATES, Mode, Settings, Templates};
use crate::link::{HistorySwitch, Listening, Models, Recording, Status};
use crate::model::Playing;
use crate::model::settings::{LearnSettings, Target};
use choices::{CaptureSwitch, CommandChoice, DivergenceChoice, GroupByChoice, ModeChoice, SteadinessChoice};
use state::SavedModelField;
use window_size::EditorSize;

/// At +12 dB a fader ends; halfway up it is at 0 dB.
const MAX_GAIN: f32 = 4.0;
/// The value of `target` after all components.
const TARGET_REST: i32 = MAX_COMPONENTS as i32 + 1;
/// The most threads that can be asked for to learn.
const MAX_THREADS: i32 = 16;
/// The lowest gate threshold means off.
pub const GATE_OFF_DB: f32 = -80.0;
/// The highest gate threshold: broadband sound adds up to more than a full-scale sine.
pub const GATE_MAX_DB: f32 = 20.0;

/// The plug-in's parameters and saved model.
#[derive(Params)]
pub struct UnweaveParams {
    /// The learned model, saved with the project.
    #[persist = "model"]
    pub model: SavedModelField,
    /// The editor's size, saved with the project.
    #[persist = "editor"]
    pub editor: EditorSize,
    /// On records the input, off learns from what was recorded.
    #[id = "capture"]
    pub capture: EnumParam<CaptureSwitch>,
    /// Does something once, whenever it changes.
    #[id = "command"]
    pub command: EnumParam<CommandChoice>,
    /// Seconds of the history that “Learn last” learns from.
    #[id = "last"]
    pub last: IntParam,
    /// A capture records only while the host's transport plays.
    #[id = "follow"]
    pub follow: BoolParam,
    /// A capture is appended to the one of the same target before it.
    #[id = "accumulate"]
    pub accumulate: BoolParam,
    /// The last seconds that played are kept.
    #[id = "history"]
    pub history: BoolParam,
    /// What the next capture holds: everything, one component alone, or the rest.
    #[id = "target"]
    pub target: IntParam,
    /// Components to find.
    #[id = "components"]
    pub components: IntParam,
    /// Templates of each component.
    #[id = "templates"]
    pub templates: IntParam,
    /// What learning and playing make small.
    #[id = "divergence"]
    pub divergence: EnumParam<DivergenceChoice>,
    /// What templates are grouped by into components.
    #[id = "group_by"]
    pub group_by: EnumParam<GroupByChoice>,
    /// Whether the captured component is hum or noise.
    #[id = "steady"]
    pub steadiness: EnumParam<SteadinessChoice>,
    /// Transposed copies of tonal templates.
    #[id = "extend_pitch"]
    pub extend_pitch: BoolParam,
    /// The most threads that may learn.
    #[id = "threads"]
    pub threads: IntParam,
    /// What is traded for latency.
    #[id = "mode"]
    pub mode: EnumParam<ModeChoice>,
    /// Components are taken apart by place too.
    #[id = "spatial"]
    pub spatial: BoolParam,
    /// Bands that the activations are estimated in.
    #[id = "bands"]
    pub bands: IntParam,
    /// Multiplicative updates per frame.
    #[id = "updates"]
    pub updates: IntParam,
    /// Dry to wet.
    #[id = "mix"]
    pub mix: FloatParam,
    /// Gain of the output.
    #[id = "output"]
    pub output: FloatParam,
    /// The delayed input instead.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// What each component has.
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
        let templates_max = (MAX_TEMPLATES / MAX_COMPONENTS) as i32;
        let count = |name: &str, default: usize, max: i32| {
            IntParam::new(name, default as i32, IntRange::Linear { min: 1, max }).non_automatable()
        };
        Self {
            model: SavedModelField::new(models, status),
            editor: EditorSize::default(),
            capture: EnumParam::new("Capture", CaptureSwitch::Off).non_automatable(),
            command: EnumParam::new("Command", CommandChoice::Nothing).non_automatable(),
            last: count("Last seconds", 8, i32::from(LearnSettings::MAX_LAST_S)).with_unit(" s"),
            follow: BoolParam::new("Follow transport", false).non_automatable(),
            accumulate: BoolParam::new("Accumulate", false).non_automatable(),
            history: BoolParam::new("Keep history", true).non_automatable(),
            components: count("Components", 4, MAX_COMPONENTS as i32),
            target: IntParam::new("Target", 0, IntRange::Linear { min: 0, max: TARGET_REST })
                .with_value_to_string(Arc::new(target_text))
                .with_string_to_value(Arc::new(target_value))
                .non_automatable(),
            templates: IntParam::new("Templates", 0, IntRange::Linear { min: 0, max: templates_max })
                .with_value_to_string(Arc::new(count_text))
                .with_string_to_value(Arc::new(count_value))
                .non_automatable(),
            group_by: EnumParam::new("Group by", GroupByChoice::Auto).non_automatable(),
            steadiness: EnumParam::new("Steady", SteadinessChoice::Detect).non_automatable(),
            extend_pitch: BoolParam::new("Extend pitch", true).non_automatable(),
            threads: IntParam::new("Learning threads", 0, IntRange::Linear { min: 0, max: MAX_THREADS })
                .with_value_to_string(Arc::new(count_text))
                .with_string_to_value(Arc::new(count_value))
                .non_automatable(),
            mode: EnumParam::new("Mode", ModeChoice::Normal).non_automatable(),
            spatial: BoolParam::new("Spatial filter", true).non_automatable(),
            divergence: EnumParam::new("Divergence", DivergenceChoice::KullbackLeibler).non_automatable(),
            bands: IntParam::new("Bands", Templates::BANDS as i32, IntRange::Linear { min: 20, max: 400 })
                .non_automatable(),
            updates: count("Updates", Settings::default().updates, 100),
            mix: FloatParam::new("Mix", 1.0, FloatRange::Linear { min: 0.0, max: 1.0 })
                .with_unit(" %")
                .with_value_to_string(formatters::v2s_f32_percentage(0))
                .with_string_to_value(formatters::s2v_f32_percentage()),
            output: gain("Output"),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            components_mixed: std::array::from_fn(|index| ComponentParams::new(index + 1)),
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
            divergence: self.divergence.value().into(),
            updates: self.updates.value().max(1) as usize,
            spatial: self.spatial.value(),
            ..Settings::default()
        }
    }

    /// How a mode plays at a sample rate, as the parameters stand now.
    pub fn playing(&self, mode: Mode, sample_rate: f32) -> Playing {
        Playing {
            layout: mode.layout(sample_rate),
            bands: self.bands.value().max(1) as usize,
            divergence: self.divergence.value().into(),
        }
    }

    /// How to learn, as the parameters stand now.
    pub fn learn_settings(&self) -> LearnSettings {
        let templates = self.templates.value().clamp(0, (MAX_TEMPLATES / MAX_COMPONENTS) as i32) as u8;
        LearnSettings {
            target: match self.target.value() {
                number @ 1..TARGET_REST => Target::Component(number as u8 - 1),
                TARGET_REST => Target::Rest,
                _ => Target::All,
            },
            components: self.components.value().clamp(1, MAX_COMPONENTS as i32) as u8,
            templates: Some(templates).filter(|&templates| templates > 0),
            divergence: self.divergence.value().into(),
            mode: self.mode.value().into(),
            group_by: self.group_by.value().into(),
            steadiness: self.steadiness.value().into(),
            extend_pitch: self.extend_pitch.value(),
            threads: self.threads.value().clamp(0, MAX_THREADS) as u8,
            last_s: self.last.value().clamp(1, LearnSettings::MAX_LAST_S.into()) as u8,
            accumulate: self.accumulate.value(),
        }
    }

    /// What to listen to while the host's transport plays, as the parameters stand now.
    pub fn listening_while_playing(&self) -> Listening {
        let recording = match self.capture.value() {
            CaptureSwitch::Off => Recording::Off,
            CaptureSwitch::On => Recording::On,
        };
        let history = if self.history.value() { HistorySwitch::On } else { HistorySwitch::Off };
        Listening { history, recording, settings: self.learn_settings() }
    }

    /// The same while it stands.
    pub fn listening_while_standing(&self) -> Listening {
        let listening = self.listening_while_playing();
        match listening.recording {
            Recording::On if self.follow.value() => Listening { recording: Recording::Waiting, ..listening },
            _ => listening,
        }
    }
}

impl ComponentParams {
    fn new(number: usize) -> Self {
        Self {
            gain: gain(&format!("Gain {number}")),
            mute: BoolParam::new(format!("Mute {number}"), false),
            solo: BoolParam::new(format!("Solo {number}"), false),
            gate: FloatParam::new(format!("Gate {number}"), GATE_OFF_DB, GATE_RANGE)
                .with_unit(" dB")
                .with_value_to_string(Arc::new(gate_text))
                .with_string_to_value(Arc::new(gate_value))
                .non_automatable(),
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

fn gain(name: &str) -> FloatParam {
    FloatParam::new(name, 1.0, GAIN_RANGE)
        .with_unit(" dB")
        .with_value_to_string(formatters::v2s_f32_gain_to_db(1))
        .with_string_to_value(formatters::s2v_f32_gain_to_db())
}

fn count_text(count: i32) -> String {
    if count == 0 { "Auto".into() } else { count.to_string() }
}

fn count_value(text: &str) -> Option<i32> {
    if text.trim().eq_ignore_ascii_case("auto") { Some(0) } else { text.trim().parse().ok() }
}

fn target_text(target: i32) -> String {
    match target {
        0 => "All".into(),
        TARGET_REST => "Rest".into(),
        number => format!("Component {number}"),
    }
}

fn target_value(text: &str) -> Option<i32> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "all" => Some(0),
        "rest" => Some(TARGET_REST),
        text => text.trim_start_matches("component").trim().parse().ok(),
    }
}

fn gate_text(db: f32) -> String {
    if db > GATE_OFF_DB { format!("{db:.1}") } else { "Off".into() }
}

fn gate_value(text: &str) -> Option<f32> {
    let text = text.trim().trim_end_matches("dB").trim();
    if text.eq_ignore_ascii_case("off") { Some(GATE_OFF_DB) } else { text.parse().ok() }
}
