//! The plug-in as a program of its own: the same effect, with a song for its input.

use std::cell::Cell;
use std::sync::Arc;

use nice_plug::context::process::SendEventError;
use nice_plug::prelude::*;

use super::Unweave;
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

/// The effect behind the player.
pub struct Standalone {
    effect: Unweave,
    player: PlayerAudio,
    control: PlayerControl,
    sample_rate: f32,
}

impl Default for Standalone {
    fn default() -> Self {
        let (player, control) = NEXT_PLAYER.take().unwrap_or_else(player::connect);
        let mut effect = Unweave::default();
        effect.player = Some(control.clone());
        Self { effect, player, control, sample_rate: 0.0 }
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

    type Editor = <Unweave as Plugin>::Editor;
    type SysExMessage = <Unweave as Plugin>::SysExMessage;
    type BackgroundTask = <Unweave as Plugin>::BackgroundTask;

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        self.effect.task_executor()
    }

    fn params(&self) -> Arc<dyn Params> {
        self.effect.params()
    }

    fn editor(&mut self, executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        let gui = executor.clone();
        self.effect.editor(AsyncExecutor::new(
            Arc::new(move |task| executor.execute_background(task)),
            Arc::new(move |task| gui.execute_gui(task)),
        ))
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
        self.effect.activate(audio_io_layout, buffer_config, &mut Activation(context))
    }

    fn reset(&mut self) {
        self.effect.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        // nice-plug activates at the rate of its option, and JACK then plays at its own.
        if (context.transport().sample_rate - self.sample_rate).abs() > 0.5 {
            return ProcessStatus::Error("the audio device plays at another rate: name it with --sample-rate");
        }
        self.player.fill(buffer.as_slice());
        let host = context.transport();
        let transport = Transport { playing: self.player.is_playing().unwrap_or(host.playing), ..*host };
        self.effect.process(buffer, aux, &mut Processing { context, transport })
    }

    fn stop_processing(&mut self) {
        self.effect.stop_processing();
    }

    fn deactivate(&mut self) {
        self.effect.deactivate();
    }
}

/// The context of [`Standalone`], as the effect in it wants it.
struct Activation<'a, C>(&'a mut C);

impl<C: ActivateContext<Standalone>> ActivateContext<Unweave> for Activation<'_, C> {
    fn plugin_api(&self) -> PluginApi {
        self.0.plugin_api()
    }

    fn execute(&self, task: <Unweave as Plugin>::BackgroundTask) {
        self.0.execute(task);
    }

    fn set_latency_samples(&self, samples: u32) {
        self.0.set_latency_samples(samples);
    }

    fn set_current_voice_capacity(&self, capacity: u32) {
        self.0.set_current_voice_capacity(capacity);
    }
}

/// The context of [`Standalone`], as the effect in it wants it: the host plays while the song does.
struct Processing<'a, C> {
    context: &'a mut C,
    transport: Transport,
}

impl<C: ProcessContext<Standalone>> ProcessContext<Unweave> for Processing<'_, C> {
    fn plugin_api(&self) -> PluginApi {
        self.context.plugin_api()
    }

    fn execute_background(&self, task: <Unweave as Plugin>::BackgroundTask) {
        self.context.execute_background(task);
    }

    fn execute_gui(&self, task: <Unweave as Plugin>::BackgroundTask) {
        self.context.execute_gui(task);
    }

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn next_event(&mut self) -> Option<PluginNoteEvent<Unweave>> {
        self.context.next_event()
    }

    fn try_send_event(
        &mut self,
        event: PluginNoteEvent<Unweave>,
    ) -> Result<(), (PluginNoteEvent<Unweave>, SendEventError)> {
        self.context.try_send_event(event)
    }

    fn set_latency_samples(&self, samples: u32) {
        self.context.set_latency_samples(samples);
    }

    fn request_restart(&self) {
        self.context.request_restart();
    }

    fn set_current_voice_capacity(&self, capacity: u32) {
        self.context.set_current_voice_capacity(capacity);
    }
}
