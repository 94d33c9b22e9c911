//! The plug-in as a program of its own: an effect whose input is a song.

use std::cell::Cell;
use std::sync::Arc;

use nice_plug::prelude::*;

use super::Unweave;
use super::core::Core;
use crate::dsp::Block;
use crate::editor::window::Window;
use crate::player::{self, PlayerAudio, PlayerControl, StreamFormat};

thread_local! {
    /// The player of the next [`Standalone`]: nice-plug makes plug-ins by `default`, on the thread that called [`run`].
    static NEXT_PLAYER: Cell<Option<(PlayerAudio, PlayerControl)>> = const { Cell::new(None) };
}

/// Opens the audio device, and the editor if there is one, with `player` for the input; returns once the editor is closed
/// or the program is interrupted. `arguments` are nice-plug's, after the program's name. Whether all went well.
pub fn run(player: (PlayerAudio, PlayerControl), arguments: Vec<String>) -> bool {
    NEXT_PLAYER.set(Some(player));
    nice_export_standalone_with_args::<Standalone, _>(arguments)
}

/// An instance whose input is the player.
pub struct Standalone {
    core: Core,
    player: PlayerAudio,
    control: PlayerControl,
    sample_rate: f32,
}

impl Default for Standalone {
    fn default() -> Self {
        let (player, control) = NEXT_PLAYER.take().unwrap_or_else(player::connect);
        Self { core: Core::new(0), player, control, sample_rate: 0.0 }
    }
}

impl Plugin for Standalone {
    const NAME: &'static str = Unweave::NAME;
    const VENDOR: &'static str = Unweave::VENDOR;
    const URL: &'static str = Unweave::URL;
    const EMAIL: &'static str = Unweave::EMAIL;
    const VERSION: &'static str = Unweave::VERSION;
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = Unweave::AUDIO_IO_LAYOUTS;
    const SAMPLE_ACCURATE_AUTOMATION: bool = Unweave::SAMPLE_ACCURATE_AUTOMATION;

    type Editor = Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.core.params()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Window> {
        Some(self.core.window(|instance| instance.player = Some(self.control.clone())))
    }

    fn activate(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.sample_rate = buffer_config.sample_rate;
        let channels = audio_io_layout.main_output_channels.map_or(2, |channels| channels.get() as usize);
        self.control.stream(StreamFormat { sample_rate: self.sample_rate.round() as u32, channels });
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
        // nice-plug activates at the rate of its option, and JACK then plays at its own.
        if (context.transport().sample_rate - self.sample_rate).abs() > 0.5 {
            return ProcessStatus::Error("the audio device plays at another rate: name it with --sample-rate");
        }
        self.player.fill(buffer.as_slice());
        // A playing song counts as a running transport.
        let is_playing = self.player.is_playing().unwrap_or(context.transport().playing);
        self.core.process(Block { audio: buffer.as_slice(), components: &mut [] }, is_playing, context)
    }
}
