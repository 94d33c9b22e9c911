//! The VST3 and CLAP effect: mono or stereo.

use std::num::NonZeroU32;
use std::sync::Arc;

use nice_plug::prelude::*;

use super::core::Core;
use crate::dsp::Block;
use crate::editor::window::Window;
use crate::params::migrate::migrate;

/// The effect: one instance.
pub struct Unweave {
    core: Core,
}

impl Default for Unweave {
    fn default() -> Self {
        Self { core: Core::new(0) }
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

    type Editor = Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn filter_state(state: &mut PluginState) {
        migrate(state);
    }

    fn params(&self) -> Arc<dyn Params> {
        self.core.params()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Window> {
        Some(self.core.window(|_| ()))
    }

    fn activate(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.core.activate(audio_io_layout, buffer_config, context)
    }

    fn reset(&mut self) {
        self.core.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let is_playing = context.transport().playing;
        self.core.process(Block { audio: buffer.as_slice(), components: &mut [] }, is_playing, context)
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
