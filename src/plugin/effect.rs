//! The shell: a host's calls to the engine's, and nothing else.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nice_plug::prelude::*;

use super::watcher::Watcher;
use crate::dsp::{Engine, Mode};
use crate::editor::instance::Instance;
use crate::editor::window::Window;
use crate::learn::{LearnOptions, Learner};
use crate::link::{self, AudioLink, EditorLink};
use crate::model::Playing;
use crate::params::UnweaveParams;
use crate::params::choices::CommandChoice;
#[cfg(feature = "standalone")]
use crate::player::PlayerControl;

/// The effect: mono or stereo, one instance.
pub struct Unweave {
    params: Arc<UnweaveParams>,
    link: AudioLink,
    editor: EditorLink,
    /// One per mode, in the order of [`Mode::ALL`]: where a mode can change while playing, nothing is made then.
    engines: [Engine; Mode::ALL.len()],
    /// The mode that plays.
    mode: Mode,
    /// The number of what plays between two activations.
    stream: u32,
    /// What the others know of how this plays.
    told: Option<Playing>,
    /// The command that was done last.
    done: CommandChoice,
    /// Whether the host was asked to activate anew for another mode.
    is_restart_asked: bool,
    sample_rate: f32,
    /// The song player of the program that this is the effect of, for the editor; `None` in a host.
    #[cfg(feature = "standalone")]
    pub player: Option<PlayerControl>,
    /// What an open editor looks through.
    watcher: Watcher,
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
            engines: engines(sample_rate, 2),
            mode: Mode::Normal,
            stream: 0,
            told: None,
            done: CommandChoice::Nothing,
            is_restart_asked: false,
            sample_rate,
            #[cfg(feature = "standalone")]
            player: None,
            watcher: Watcher::new(sample_rate),
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

    type Editor = Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Window> {
        let instance = Instance {
            params: self.params.clone(),
            link: self.editor.clone(),
            #[cfg(feature = "standalone")]
            player: self.player.clone(),
        };
        Some(Window::new(instance, self.params.editor.clone()))
    }

    fn activate(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let channels = audio_io_layout.main_output_channels.map_or(2, |channels| channels.get() as usize);
        self.sample_rate = buffer_config.sample_rate;
        self.mode = self.params.mode.value().into();
        self.engines = engines(self.sample_rate, channels);
        self.watcher = Watcher::new(self.sample_rate);
        let playing = self.params.playing(self.mode, self.sample_rate);
        self.stream = self.editor.models.play_in(self.sample_rate, channels, playing);
        // The learner is told too: it may want to learn once more, for another window.
        (self.told, self.is_restart_asked) = (None, false);
        self.tell_latency();
        context.set_latency_samples(self.engine().latency_samples() as u32);
        true
    }

    fn reset(&mut self) {
        self.engines.iter_mut().for_each(Engine::reset);
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.follow_mode(context);
        let audio = buffer.as_slice();
        // A command is for what played before it.
        self.follow_command();
        self.listen(context.transport().playing, audio);
        let settings = self.params.settings();
        let engine = &mut self.engines[self.mode as usize];
        self.watcher.process(engine, &mut self.link, audio, &settings);
        for (component, meter) in self.link.meters().activations_db.iter().enumerate() {
            meter.store(engine.activation_db(component), Relaxed);
        }
        ProcessStatus::Tail(engine.latency_samples() as u32)
    }
}

impl Unweave {
    fn engine(&self) -> &Engine {
        &self.engines[self.mode as usize]
    }

    fn tell_latency(&self) {
        let latency_ms = self.engine().latency_samples() as f32 / self.sample_rate * 1000.0;
        self.link.meters().latency_ms.store(latency_ms, Relaxed);
    }

    /// Sends what plays to the learner.
    fn listen(&mut self, is_playing: bool, audio: &[&mut [f32]]) {
        self.link.play(is_playing);
        let listening = match is_playing {
            true => self.params.listening_while_playing(),
            false => self.params.listening_while_standing(),
        };
        self.link.listen(listening, self.sample_rate, audio);
    }

    /// Does the command that the parameter changed to.
    fn follow_command(&mut self) {
        let wanted = self.params.command.value();
        if wanted == self.done {
            return;
        }
        let is_done = match wanted {
            CommandChoice::Nothing => true,
            CommandChoice::Do(command) => self.link.command(command, self.params.learn_settings()),
        };
        if is_done {
            self.done = wanted;
        }
    }

    /// Takes up another mode: CLAP allows a new latency in `activate` only, so there the host is asked for that; VST3 hosts
    /// take it while playing, and not all of them activate anew.
    fn follow_mode(&mut self, context: &mut impl ProcessContext<Self>) {
        let wanted = Mode::from(self.params.mode.value());
        if wanted != self.mode && context.plugin_api() == PluginApi::Clap {
            if !self.is_restart_asked {
                self.is_restart_asked = true;
                context.request_restart();
            }
        } else if wanted != self.mode {
            self.mode = wanted;
            self.engines[wanted as usize].reset();
            self.tell_latency();
            context.set_latency_samples(self.engine().latency_samples() as u32);
        }
        let playing = Some(self.params.playing(self.mode, self.sample_rate));
        if self.told != playing && playing.is_some_and(|playing| self.link.play_in(playing, self.stream)) {
            self.told = playing;
        }
    }
}

fn engines(sample_rate: f32, channels: usize) -> [Engine; Mode::ALL.len()] {
    Mode::ALL.map(|mode| Engine::new(mode.layout(sample_rate), sample_rate, channels, 0))
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
