//! What an instance of the plug-in consists of, whatever its format: parameters, the ends of its links, the learner and the
//! engines. The shells beside this file only translate between their host and it.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

use nice_plug::prelude::*;

use super::editor_feed::EditorFeed;
use crate::dsp::{Block, Engine, Format, Mode};
use crate::editor::instance::Instance;
use crate::editor::window::Window;
use crate::learn::{LearnOptions, Learner};
use crate::link::{self, AudioLink, Command, ControlSource, EditorLink, Listening};
use crate::model::PlaybackSettings;
use crate::params::UnweaveParams;
use crate::params::choices::CommandChoice;

/// The learner, started when it is first needed; `None` if the system could not start a thread.
type LazyLearner = LazyLock<Option<Learner>, Box<dyn FnOnce() -> Option<Learner> + Send>>;

/// One instance. Until it is activated it has no engine, and until it is activated or its editor opens, no thread: hosts
/// create instances only to scan them.
pub struct Core {
    params: Arc<UnweaveParams>,
    link: AudioLink,
    editor: EditorLink,
    learner: Arc<LazyLearner>,
    /// Components with outputs of their own.
    component_outputs: usize,
    /// `None` before the first activation.
    active: Option<ActiveStream>,
}

/// What activation constructs.
struct ActiveStream {
    sample_rate: f32,
    channels: usize,
    /// One per mode, in the order of [`Mode::ALL`]: VST3 hosts change the mode without activating again.
    engines: [Engine; Mode::ALL.len()],
    mode: Mode,
    feed: EditorFeed,
    /// The number that [`link::Models::play_in`] gave.
    stream: u32,
    /// How this plays, as the learner was told last.
    announced: Option<PlaybackSettings>,
    /// Whether the host was asked to activate again for another mode.
    is_restart_requested: bool,
}

impl Core {
    /// An instance whose first `component_outputs` components have outputs of their own.
    pub fn new(component_outputs: usize) -> Self {
        let (audio, mut learn, editor) = link::connect();
        let params = Arc::new(UnweaveParams::new(editor.models.clone(), editor.status.clone()));
        learn.controls.attach(params.clone());
        let learner_link = editor.clone();
        let start: Box<dyn FnOnce() -> Option<Learner> + Send> = Box::new(move || {
            let status = learner_link.status.clone();
            let started = Learner::start(learn, learner_link, LearnOptions::default());
            started.map_err(|error| status.fail(format!("the learning thread could not be started: {error}"))).ok()
        });
        let learner = Arc::new(LazyLock::new(start));
        Self { params, link: audio, editor, learner, component_outputs, active: None }
    }

    /// The parameters and the saved state.
    pub fn params(&self) -> Arc<UnweaveParams> {
        self.params.clone()
    }

    /// The editor, which starts the learner when it opens. The shell adds what only its format has.
    pub fn window(&self, adapt: impl FnOnce(&mut Instance)) -> Window {
        let mut instance = Instance::new(self.params.clone(), self.editor.clone());
        adapt(&mut instance);
        let learner = self.learner.clone();
        let on_open = Arc::new(move || {
            LazyLock::force(&learner);
        });
        Window::new(instance, self.params.editor.clone(), on_open)
    }

    /// Builds the engines for this format, starts the learner, and reports the latency.
    pub fn activate<P: Plugin>(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<P>,
    ) -> bool {
        if !Format::SAMPLE_RATES.contains(&buffer_config.sample_rate) {
            return false;
        }
        let channels = audio_io_layout.main_output_channels.map_or(2, |channels| channels.get() as usize);
        let sample_rate = buffer_config.sample_rate;
        let mode: Mode = self.params.mode.value().into();
        LazyLock::force(&self.learner);
        let active = ActiveStream {
            sample_rate,
            channels,
            engines: self.engines(sample_rate, channels),
            mode,
            feed: EditorFeed::new(sample_rate),
            stream: self.editor.models.play_in(sample_rate, channels, self.params.playback(mode, sample_rate)),
            // Announced with the next block: the learner may have to learn again for another window.
            announced: None,
            is_restart_requested: false,
        };
        context.set_latency_samples(report_latency(&self.link, &active));
        self.active = Some(active);
        true
    }

    /// The engines of the last activation if the format is the same: many hosts activate again whenever playback starts.
    fn engines(&mut self, sample_rate: f32, channels: usize) -> [Engine; Mode::ALL.len()] {
        match self.active.take() {
            Some(mut last) if (last.sample_rate, last.channels) == (sample_rate, channels) => {
                last.engines.iter_mut().for_each(Engine::reset);
                last.engines
            }
            _ => Mode::ALL
                .map(|mode| Engine::new(mode.layout(sample_rate), sample_rate, channels, self.component_outputs)),
        }
    }

    /// Silence in every buffer.
    pub fn reset(&mut self) {
        self.active.iter_mut().flat_map(|active| &mut active.engines).for_each(Engine::reset);
    }

    /// Processes one host block; `is_playing` is the transport.
    pub fn process<P: Plugin>(
        &mut self,
        block: Block<'_, '_>,
        is_playing: bool,
        context: &mut impl ProcessContext<P>,
    ) -> ProcessStatus {
        let (params, link) = (&*self.params, &mut self.link);
        let Some(active) = &mut self.active else { return ProcessStatus::Error("not activated") };
        active.follow_mode(params, link, context);
        // A command refers to the sound before it.
        link.follow_command(params.command(), || params.learn_settings());
        link.play(is_playing);
        let listening = match is_playing {
            true => params.listening_while_playing(),
            false => params.listening_while_standing(),
        };
        link.listen(listening, active.sample_rate, block.audio);
        let engine = &mut active.engines[active.mode as usize];
        active.feed.process(engine, link, block, &params.settings());
        for (component, meter) in link.meters().activations_db.iter().enumerate() {
            meter.store(engine.activation_db(component), Relaxed);
        }
        ProcessStatus::Tail(engine.latency_samples() as u32)
    }
}

impl ActiveStream {
    fn engine(&self) -> &Engine {
        &self.engines[self.mode as usize]
    }

    /// Applies a changed mode. CLAP allows a new latency only in `activate`, so the host is asked to activate again; VST3
    /// hosts accept it while playing, and not all of them activate again.
    fn follow_mode<P: Plugin>(
        &mut self,
        params: &UnweaveParams,
        link: &mut AudioLink,
        context: &mut impl ProcessContext<P>,
    ) {
        let mode = Mode::from(params.mode.value());
        if mode != self.mode && context.plugin_api() == PluginApi::Clap {
            if !self.is_restart_requested {
                self.is_restart_requested = true;
                context.request_restart();
            }
        } else if mode != self.mode {
            self.mode = mode;
            self.engines[mode as usize].reset();
            context.set_latency_samples(report_latency(link, self));
        }
        let playback = Some(params.playback(self.mode, self.sample_rate));
        if self.announced != playback && playback.is_some_and(|playback| link.play_in(playback, self.stream)) {
            self.announced = playback;
        }
    }
}

/// The latency in samples, which the meters also get in milliseconds.
fn report_latency(link: &AudioLink, active: &ActiveStream) -> u32 {
    let latency = active.engine().latency_samples();
    link.meters().latency_ms.store(latency as f32 / active.sample_rate * 1000.0, Relaxed);
    latency as u32
}

impl ControlSource for UnweaveParams {
    fn command(&self) -> Option<Command> {
        match self.command.value() {
            CommandChoice::Nothing => None,
            CommandChoice::Do(command) => Some(command),
        }
    }

    fn listening_while_stopped(&self) -> Listening {
        self.listening_while_standing()
    }
}
