//! The shell: a host's calls to the engine's, and nothing else.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nice_plug::prelude::*;

use super::params::{CaptureSwitch, UnweaveParams};
use crate::dsp::{Engine, StftLayout};
use crate::learn::{LearnOptions, Learner};
use crate::link::{self, AudioLink, EditorLink};

/// The effect: mono or stereo, one instance.
pub struct Unweave {
    params: Arc<UnweaveParams>,
    link: AudioLink,
    editor: EditorLink,
    engine: Engine,
    sample_rate: f32,
    /// Owned for its thread, which ends when the instance does. `None` if the system gave no thread: then a capture learns nothing.
    _learner: Option<Learner>,
}

impl Default for Unweave {
    fn default() -> Self {
        let (audio, learn, editor) = link::connect();
        let learner = Learner::start(learn, editor.clone(), LearnOptions::default());
        if let Err(error) = &learner {
            editor.status.fail(format!("no learning thread could be started: {error}"));
        }
        let sample_rate = 48_000.0;
        Self {
            params: Arc::new(UnweaveParams::new(editor.models.clone(), editor.status.clone())),
            link: audio,
            editor,
            engine: Engine::new(StftLayout::default(), sample_rate, 2, 0),
            sample_rate,
            _learner: learner.ok(),
        }
    }
}

impl Plugin for Unweave {
    const NAME: &'static str = "Unweave";
    const VENDOR: &'static str = "Unweave";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[layout(2, "Stereo"), layout(1, "Mono")];
    // Settings apply at the hop after their place in the block, whatever the block's length.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn activate(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let layout = StftLayout::default();
        let channels = audio_io_layout.main_output_channels.map_or(2, |channels| channels.get() as usize);
        self.sample_rate = buffer_config.sample_rate;
        self.engine = Engine::new(layout, self.sample_rate, channels, 0);
        self.editor.models.play_in(self.sample_rate, layout, channels);
        context.set_latency_samples(self.engine.latency_samples() as u32);
        true
    }

    fn reset(&mut self) {
        self.engine.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        _context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let is_capturing = self.params.capture.value() == CaptureSwitch::On;
        let audio = buffer.as_slice();
        self.link.capture(is_capturing, self.sample_rate, audio, self.params.learn_settings());
        self.engine.process(audio, self.link.templates(), &self.params.settings());
        for (component, meter) in self.link.meters().activations_db.iter().enumerate() {
            meter.store(self.engine.activation_db(component), Relaxed);
        }
        ProcessStatus::Tail(self.engine.latency_samples() as u32)
    }
}

const fn layout(channels: u32, name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        names: PortNames { layout: Some(name), ..PortNames::const_default() },
        ..AudioIOLayout::const_default()
    }
}

impl ClapPlugin for Unweave {
    const CLAP_ID: &'static str = "audio.unweave.unweave";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Takes sounds apart while they play");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Stereo, ClapFeature::Mono, ClapFeature::Restoration];
}

impl Vst3Plugin for Unweave {
    const VST3_CLASS_ID: [u8; 16] = *b"UnweaveNmfEffect";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Restoration];
}
