//! A small CLAP host: what the tests and `cargo xtask demo` play the plug-in with.

#![allow(dead_code, unreachable_pub, reason = "several programs share this file, each its part of it")]

pub mod story;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader, Pckn};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};

/// The longest block this host ever sends.
pub const MAX_BLOCK_LEN: usize = 4096;

/// The host's side of an instance: it answers nothing, as a minimal host does.
pub struct Handlers;
/// The part of the host that every thread may call.
#[derive(Default)]
pub struct SharedHandlers {
    /// Times that the plug-in asked to be activated anew.
    restarts: AtomicUsize,
}

impl SharedHandler<'_> for SharedHandlers {
    fn request_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostHandlers for Handlers {
    type Shared<'a> = SharedHandlers;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder.register::<HostGui>();
    }
}

/// The plug-in's window stays as it was opened.
impl HostGuiImpl for SharedHandlers {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _size: GuiSize) -> std::result::Result<(), HostError> {
        Ok(())
    }
    fn request_show(&self) -> std::result::Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> std::result::Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

/// One parameter as the plug-in describes it.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its identifier.
    pub id: ClapId,
    /// The highest plain value; the lowest is 0.
    pub max: f64,
    /// Whether a host may automate it.
    pub is_automatable: bool,
}

/// A hosted instance, processing.
pub struct Host {
    instance: PluginInstance<Handlers>,
    processor: Option<StartedPluginAudioProcessor<Handlers>>,
    /// By name.
    params: HashMap<String, Param>,
    /// Sent with the next block.
    events: EventBuffer,
    channels: usize,
    /// What the host says of its transport, if anything.
    transport: Option<TransportEvent>,
    /// Called around the plug-in's `process`, and around nothing else.
    guard: fn(&mut dyn FnMut()),
}

impl Host {
    /// Loads a built `.clap` file.
    ///
    /// # Errors
    /// The file is no CLAP plug-in, or it does not activate.
    pub fn from_file(path: &Path, sample_rate: f64, channels: usize) -> Result<Self> {
        // SAFETY: the file is a plug-in that this project built.
        #[allow(unsafe_code, reason = "loading a library runs its code")]
        let entry = unsafe { PluginEntry::load(path) };
        Self::new(&entry.with_context(|| format!("could not load {}", path.display()))?, sample_rate, channels)
    }

    /// Hosts the first plug-in of `entry`.
    ///
    /// # Errors
    /// The plug-in does not instantiate or activate.
    pub fn new(entry: &PluginEntry, sample_rate: f64, channels: usize) -> Result<Self> {
        let mut host = Self::inactive(entry)?;
        host.activate(sample_rate, channels)?;
        Ok(host)
    }

    /// Creates an instance without activating it, as a host's scanner does.
    ///
    /// # Errors
    /// The plug-in does not instantiate.
    pub fn inactive(entry: &PluginEntry) -> Result<Self> {
        let factory = entry.get_plugin_factory().context("no plug-in factory")?;
        let descriptor = factory.plugin_descriptor(0).context("no plug-in in the factory")?;
        let id = descriptor.id().context("the plug-in has no id")?;
        let info = HostInfo::new("unweave test host", "Unweave", "", "1")?;
        let mut instance = PluginInstance::new(|_| SharedHandlers::default(), |_| (), entry, id, &info)?;
        let params = described(&mut instance)?;
        let (events, guard) = (EventBuffer::with_capacity(256), (|call| call()) as fn(&mut dyn FnMut()));
        Ok(Self { instance, processor: None, params, events, channels: 2, transport: None, guard })
    }

    /// Deactivates, and activates with another sample rate and number of channels.
    ///
    /// # Errors
    /// The plug-in refuses.
    pub fn activate(&mut self, sample_rate: f64, channels: usize) -> Result<()> {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
        self.channels = channels;
        self.select_ports(channels)?;
        let (min_frames_count, max_frames_count) = (1, MAX_BLOCK_LEN as u32);
        let configuration = PluginAudioConfiguration { sample_rate, min_frames_count, max_frames_count };
        let processor = self.instance.activate(|_, _| (), configuration)?;
        self.processor = Some(processor.start_processing().ok().context("the plug-in does not start")?);
        Ok(())
    }

    fn select_ports(&mut self, channels: usize) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let ports: PluginAudioPortsConfig = handle.get_extension().context("no audio port configurations")?;
        for index in 0..ports.count(&handle) {
            let mut buffer = AudioPortsConfigBuffer::new();
            let Some(found) = ports.get(&handle, index, &mut buffer) else { continue };
            if found.main_input.is_some_and(|port| port.channel_count as usize == channels) {
                return ports.select(&handle, found.id).ok().context("the plug-in refuses its own ports");
            }
        }
        bail!("no configuration of {channels} channels")
    }

    /// From now on `guard` is called around every call of the plug-in's `process`.
    pub fn guard_with(&mut self, guard: fn(&mut dyn FnMut())) {
        self.guard = guard;
    }

    /// The transport plays from now on.
    pub fn start_transport(&mut self) {
        self.transport = Some(transport(TransportFlags::IS_PLAYING));
    }

    /// The transport stands from now on.
    pub fn stop_transport(&mut self) {
        self.transport = Some(transport(TransportFlags::empty()));
    }

    /// The parameters by name.
    pub fn params(&self) -> &HashMap<String, Param> {
        &self.params
    }

    /// The instance, for extensions that only one test needs.
    pub fn instance(&mut self) -> &mut PluginInstance<Handlers> {
        &mut self.instance
    }

    /// A parameter's plain value, as the plug-in tells it.
    ///
    /// # Errors
    /// No parameter has this name.
    pub fn value(&mut self, name: &str) -> Result<f64> {
        let param = self.params.get(name).with_context(|| format!("no parameter “{name}”"))?;
        let handle = self.instance.plugin_handle();
        let extension: PluginParams = handle.get_extension().context("no parameters")?;
        extension.get_value(&handle, param.id).with_context(|| format!("“{name}” has no value"))
    }

    /// The latency that the plug-in reports.
    pub fn latency_samples(&mut self) -> usize {
        let handle = self.instance.plugin_handle();
        handle.get_extension::<PluginLatency>().map_or(0, |latency| latency.get(&handle) as usize)
    }

    /// Times that the plug-in asked to be activated anew.
    pub fn restarts(&self) -> usize {
        self.instance.access_shared_handler(|shared| shared.restarts.load(Ordering::Relaxed))
    }

    /// Sets a parameter with the next block: stepped ones to a step, others from 0 to 1.
    ///
    /// # Errors
    /// No parameter has this name.
    pub fn set(&mut self, name: &str, value: f64) -> Result<()> {
        self.set_at(0, name, value)
    }

    /// Sets a parameter at once, without processing a block, as hosts do that have suspended the effect.
    ///
    /// # Errors
    /// No parameter has this name, or the plug-in is not active.
    pub fn set_while_suspended(&mut self, name: &str, value: f64) -> Result<()> {
        let param = self.params.get(name).with_context(|| format!("no parameter “{name}”"))?;
        let mut events = EventBuffer::with_capacity(1);
        events.push(&ParamValueEvent::new(0, param.id, Pckn::match_all(), value));
        let extension: PluginParams = self.instance.plugin_handle().get_extension().context("no parameters")?;
        let processor = self.processor.as_mut().context("the plug-in is not active")?;
        let (events, mut ignored) = (InputEvents::from_buffer(&events), OutputEvents::void());
        extension.flush_active(&mut processor.plugin_handle(), &events, &mut ignored);
        Ok(())
    }

    /// Like [`Host::set`], at a sample of the next block.
    ///
    /// # Errors
    /// No parameter has this name.
    pub fn set_at(&mut self, sample: u32, name: &str, value: f64) -> Result<()> {
        let param = self.params.get(name).with_context(|| format!("no parameter “{name}”"))?;
        self.events.push(&ParamValueEvent::new(sample, param.id, Pckn::match_all(), value));
        Ok(())
    }

    /// Plays `input` (samples of each channel) in blocks of the lengths given, over and over.
    ///
    /// # Errors
    /// The plug-in fails to process.
    pub fn play(&mut self, input: &[Vec<f32>], block_lens: &[usize]) -> Result<Vec<Vec<f32>>> {
        ensure!(input.len() == self.channels, "{} channels for {}", input.len(), self.channels);
        let len = input[0].len();
        let mut output = vec![vec![0.0; len]; self.channels];
        let mut lens = block_lens.iter().cycle();
        let mut start = 0;
        while start < len {
            let block_len = lens.next().map_or(MAX_BLOCK_LEN, |&block_len| block_len).min(len - start);
            let mut block: Vec<Vec<f32>> = input.iter().map(|channel| channel[start..][..block_len].to_vec()).collect();
            let mut out: Vec<&mut [f32]> =
                output.iter_mut().map(|channel| &mut channel[start..][..block_len]).collect();
            self.process(&mut block, &mut out)?;
            start += block_len;
        }
        Ok(output)
    }

    fn process(&mut self, input: &mut [Vec<f32>], output: &mut [&mut [f32]]) -> Result<()> {
        let (mut in_ports, mut out_ports) =
            (AudioPorts::with_capacity(self.channels, 1), AudioPorts::with_capacity(self.channels, 1));
        let channels = AudioPortBufferType::f32_input_only(input.iter_mut().map(InputChannel::variable));
        let inputs = in_ports.with_input_buffers([AudioPortBuffer { latency: 0, channels }]);
        let channels = AudioPortBufferType::f32_output_only(output.iter_mut().map(|channel| &mut **channel));
        let mut outputs = out_ports.with_output_buffers([AudioPortBuffer { latency: 0, channels }]);
        let processor = self.processor.as_mut().context("the plug-in is not active")?;
        let events = InputEvents::from_buffer(&self.events);
        let mut ignored = OutputEvents::void();
        let mut result = Ok(ProcessStatus::Continue);
        let transport = self.transport.as_ref();
        (self.guard)(&mut || result = processor.process(&inputs, &mut outputs, &events, &mut ignored, None, transport));
        self.events.clear();
        result.map(|_| ()).map_err(Into::into)
    }

    /// The plug-in's saved state.
    ///
    /// # Errors
    /// The plug-in does not save.
    pub fn save(&mut self) -> Result<Vec<u8>> {
        let mut state = Vec::new();
        let handle = self.instance.plugin_handle();
        let extension: PluginState = handle.get_extension().context("no state")?;
        extension.save(&handle, &mut state)?;
        Ok(state)
    }

    /// Restores a saved state.
    ///
    /// # Errors
    /// The plug-in refuses it.
    pub fn load(&mut self, state: &[u8]) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let extension: PluginState = handle.get_extension().context("no state")?;
        Ok(extension.load(&handle, &mut &*state)?)
    }

    /// The saved model, as text; “null” when nothing is learned.
    ///
    /// # Errors
    /// The plug-in does not save, or saves what is no JSON.
    pub fn saved_model(&mut self) -> Result<String> {
        let state = self.save()?;
        // The wrapper writes the length before the JSON; one of its bytes may be a brace.
        let start = state.windows(2).position(|pair| pair == b"{\"").context("no JSON in the state")?;
        let state: serde_json::Value = serde_json::from_slice(&state[start..])?;
        Ok(state["fields"]["model"].as_str().context("no model in the state")?.to_string())
    }

    /// Captures while `input` plays, and waits until a model is learned from it. The seconds that the learning took.
    /// Blocks start anew each second.
    ///
    /// # Errors
    /// Nothing new is learned within two minutes.
    pub fn learn(&mut self, input: &[Vec<f32>], block_lens: &[usize]) -> Result<f64> {
        let before = self.saved_model()?;
        self.set("Capture", 1.0)?;
        self.play_slowly(input, block_lens)?;
        self.finish_learning(&before)
    }

    /// Like [`Host::play`], at most 30 times faster than real time at 48 kHz: a capture has no gaps then.
    ///
    /// # Errors
    /// The plug-in fails to process.
    pub fn play_slowly(&mut self, input: &[Vec<f32>], block_lens: &[usize]) -> Result<()> {
        const SECOND: usize = 48_000;
        for start in (0..input[0].len()).step_by(SECOND) {
            let second = |channel: &Vec<f32>| channel[start..channel.len().min(start + SECOND)].to_vec();
            self.play(&input.iter().map(second).collect::<Vec<_>>(), block_lens)?;
            std::thread::sleep(Duration::from_millis(33));
        }
        Ok(())
    }

    /// Ends a capture, and waits until a model other than `before` is learned from it. The seconds that it took.
    ///
    /// # Errors
    /// Nothing new is learned within two minutes.
    pub fn finish_learning(&mut self, before: &str) -> Result<f64> {
        self.set("Capture", 0.0)?;
        self.play(&vec![vec![0.0; 64]; self.channels], &[64])?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(20));
            if self.saved_model()? != before {
                return Ok(started.elapsed().as_secs_f64());
            }
        }
        bail!("nothing new was learned within two minutes")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
    }
}

fn transport(flags: TransportFlags) -> TransportEvent {
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags,
        song_pos_beats: BeatTime::from_int(0),
        song_pos_seconds: SecondsTime::from_int(0),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_int(0),
        loop_end_beats: BeatTime::from_int(0),
        loop_start_seconds: SecondsTime::from_int(0),
        loop_end_seconds: SecondsTime::from_int(0),
        bar_start: BeatTime::from_int(0),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

fn described(instance: &mut PluginInstance<Handlers>) -> Result<HashMap<String, Param>> {
    let handle = instance.plugin_handle();
    let extension: PluginParams = handle.get_extension().context("no parameters")?;
    let mut params = HashMap::new();
    for index in 0..extension.count(&handle) {
        let mut buffer = ParamInfoBuffer::new();
        let info = extension.get_info(&handle, index, &mut buffer).context("a parameter without description")?;
        let is_automatable = info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE);
        let name = String::from_utf8_lossy(info.name).trim_end_matches('\0').to_string();
        params.insert(name, Param { id: info.id, max: info.max_value, is_automatable });
    }
    Ok(params)
}
