//! Host blocks of any length to hops and back: latency, bypass, mix, reset. Lives on the audio thread.
//!
//! Everything happens per hop at a place that only the number of samples since `reset` decides, so any split of the
//! input into host blocks gives the same bits.

use realfft::num_complex::Complex32;

use super::istft::Istft;
use super::mixer::{Settings, bounded};
use super::separator::Separator;
use super::stft::{Stft, StftLayout, Window};
use super::templates::Templates;
use super::{MAX_CHANNELS, MAX_COMPONENTS};

/// Loudest sample that is taken as it is: +120 dB. Beyond it f32 spectra would overflow.
const MAX_SAMPLE: f32 = 1e6;
/// Dry to wet, and bypass, fade within this time.
const FADE_MS: f32 = 20.0;

/// The separation of one mono or stereo stream.
pub struct Engine {
    layout: StftLayout,
    channels: Vec<Channel>,
    stft: Stft,
    separator: Separator,
    /// Lanes: the channels of the mix, then those of each component that is put out.
    istft: Istft,
    /// Spectra of all channels, one after another.
    spectrum: Vec<Complex32>,
    /// One output's spectra on their way back, all channels.
    separated: Vec<Complex32>,
    /// Components that have outputs of their own.
    component_outputs: usize,
    /// Component after component and channel after channel: the hop that is being put out.
    component_hops: Vec<Vec<f32>>,
    /// Samples of the current hop that came in, and went out.
    position: usize,
    /// Share of the wet signal, faded.
    wet: Ramp,
    /// Output gain, faded; one in bypass.
    output: Ramp,
    /// The most a ramp moves per hop.
    fade_step: f32,
    /// Whether the next hop is the first: ramps go to their targets at once.
    is_fresh: bool,
}

struct Channel {
    /// The last window of input; the hop being filled is at its end.
    input: Vec<f32>,
    /// The input hop that is due now, as old as the latency.
    dry: Vec<f32>,
    /// The mixed components' hop that is due now.
    wet: Vec<f32>,
}

impl Engine {
    /// An engine for 1 or 2 `channels` (other numbers are taken as the nearest), and outputs for the first
    /// `component_outputs` components, which [`Engine::process_components`] fills.
    pub fn new(layout: StftLayout, sample_rate: f32, channels: usize, component_outputs: usize) -> Self {
        let channels = channels.clamp(1, MAX_CHANNELS);
        let component_outputs = component_outputs.min(MAX_COMPONENTS);
        let (window_len, hop_len) = (layout.window_len(), layout.hop_len());
        let channel = || Channel { input: vec![0.0; window_len], dry: vec![0.0; hop_len], wet: vec![0.0; hop_len] };
        let hop_ms = hop_len as f32 / sample_rate * 1000.0;
        Self {
            layout,
            channels: (0..channels).map(|_| channel()).collect(),
            stft: Stft::new(layout, Window::SqrtHann),
            separator: Separator::new(layout, sample_rate),
            istft: Istft::new(layout, Window::SqrtHann, channels * (1 + component_outputs)),
            spectrum: vec![Complex32::default(); channels * layout.bins()],
            separated: vec![Complex32::default(); channels * layout.bins()],
            component_outputs,
            component_hops: vec![vec![0.0; hop_len]; channels * component_outputs],
            position: 0,
            wet: Ramp::still(0.0),
            output: Ramp::still(1.0),
            fade_step: (hop_ms / FADE_MS).min(1.0),
            is_fresh: true,
        }
    }

    /// Samples by which the output is late.
    pub fn latency_samples(&self) -> usize {
        self.layout.latency_samples()
    }

    /// Whether these templates describe the spectra of this engine.
    pub fn fits(&self, templates: &Templates) -> bool {
        let format = templates.format();
        format.window_len == self.layout.window_len() && format.channels == self.channels.len()
    }

    /// Replaces `audio` (a slice per channel, all of one length) by the mixed components, late by the latency.
    /// Without templates, or with templates for another layout, it is the delayed input, to the bit.
    pub fn process(&mut self, audio: &mut [&mut [f32]], templates: Option<&Templates>, settings: &Settings) {
        self.process_components(audio, &mut [], templates, settings);
    }

    /// Like [`Engine::process`], and fills `components`: component after component and channel after channel, as long as
    /// `audio`. They are what the masks give, before gain, mute, solo, gate and mix, and add up to the delayed input.
    pub fn process_components(
        &mut self,
        audio: &mut [&mut [f32]],
        components: &mut [&mut [f32]],
        templates: Option<&Templates>,
        settings: &Settings,
    ) {
        let hop_len = self.layout.hop_len();
        let block_len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut done = 0;
        while done < block_len {
            let count = (hop_len - self.position).min(block_len - done);
            self.exchange(audio, components, done, count);
            self.position += count;
            done += count;
            if self.position == hop_len {
                self.position = 0;
                self.hop(templates.filter(|templates| self.fits(templates)), settings);
            }
        }
    }

    /// Takes `count` samples of the block in, and puts as many out.
    fn exchange(&mut self, audio: &mut [&mut [f32]], components: &mut [&mut [f32]], start: usize, count: usize) {
        let (position, hop_len) = (self.position, self.layout.hop_len());
        for (channel, audio) in self.channels.iter_mut().zip(audio) {
            let tail = channel.input.len() - hop_len + position;
            let (wet, output) = (self.wet.over(hop_len), self.output.over(hop_len));
            for (offset, sample) in audio[start..start + count].iter_mut().enumerate() {
                channel.input[tail + offset] = sanitized(*sample);
                let at = position + offset;
                let (dry, share) = (channel.dry[at], wet.at(at));
                let mixed = if share == 0.0 { dry } else { dry + (channel.wet[at] - dry) * share };
                *sample = mixed * output.at(at);
            }
        }
        for (hop, component) in self.component_hops.iter().zip(components) {
            component[start..start + count].copy_from_slice(&hop[position..position + count]);
        }
    }

    /// One hop has come in: the next one goes out.
    fn hop(&mut self, templates: Option<&Templates>, settings: &Settings) {
        let (bins, hop_len, channels) = (self.layout.bins(), self.layout.hop_len(), self.channels.len());
        // What is due now is as old as the latency: the first hop of the synthesis window.
        let due = self.layout.window_len() - self.layout.latency_samples();
        for (channel, spectrum) in self.channels.iter_mut().zip(self.spectrum.chunks_exact_mut(bins)) {
            self.stft.analyze(&channel.input, spectrum);
            channel.dry.copy_from_slice(&channel.input[due..due + hop_len]);
            channel.input.copy_within(hop_len.., 0);
        }
        let frame = templates.map(|templates| self.separator.separate_frame(&self.spectrum, templates, settings));
        match &frame {
            Some(frame) => frame.mix(&mut self.separated),
            None => self.separated.copy_from_slice(&self.spectrum),
        }
        let lanes = self.channels.iter_mut().zip(self.separated.chunks_exact_mut(bins)).enumerate();
        for (lane, (channel, spectrum)) in lanes {
            self.istft.synthesize(lane, spectrum, &mut channel.wet);
        }
        for (component, hops) in self.component_hops.chunks_exact_mut(channels).enumerate() {
            match &frame {
                Some(frame) => frame.component(component, &mut self.separated),
                None => self.separated.fill(Complex32::default()),
            }
            for (channel, (hop, spectrum)) in hops.iter_mut().zip(self.separated.chunks_exact_mut(bins)).enumerate() {
                self.istft.synthesize(channels * (1 + component) + channel, spectrum, hop);
            }
        }
        let is_wet = templates.is_some() && !settings.bypass;
        // Nothing was heard before the first hop, so there is nothing to fade from.
        let step = if self.is_fresh { f32::INFINITY } else { self.fade_step };
        self.wet.advance(if is_wet { bounded(settings.mix).min(1.0) } else { 0.0 }, step);
        self.output.advance(if settings.bypass { 1.0 } else { bounded(settings.output) }, step);
        self.is_fresh = false;
    }

    /// Components that have outputs of their own.
    pub fn component_outputs(&self) -> usize {
        self.component_outputs
    }

    /// A component's activation in the last frame, in dB (see [`super::mixer::Mixer::activation_db`]).
    pub fn activation_db(&self, component: usize) -> f32 {
        self.separator.activation_db(component)
    }

    /// As after `new`: silence in every buffer.
    pub fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.input.fill(0.0);
            channel.dry.fill(0.0);
            channel.wet.fill(0.0);
        }
        self.component_hops.iter_mut().for_each(|hop| hop.fill(0.0));
        self.istft.reset();
        self.separator.reset();
        self.position = 0;
        self.is_fresh = true;
        self.wet = Ramp::still(0.0);
        self.output = Ramp::still(1.0);
    }
}

/// What a host may send by accident is silence or is limited.
fn sanitized(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-MAX_SAMPLE, MAX_SAMPLE) } else { 0.0 }
}

/// A value that moves in a straight line over each hop.
#[derive(Clone, Copy)]
struct Ramp {
    from: f32,
    to: f32,
}

impl Ramp {
    fn still(value: f32) -> Self {
        Self { from: value, to: value }
    }

    /// The next hop's line: on towards `target`, by `step` at most.
    fn advance(&mut self, target: f32, step: f32) {
        self.from = self.to;
        self.to += (target - self.to).clamp(-step, step);
    }

    fn over(self, hop_len: usize) -> Line {
        Line { from: self.from, slope: (self.to - self.from) / hop_len as f32 }
    }
}

/// A ramp over one hop, by sample.
#[derive(Clone, Copy)]
struct Line {
    from: f32,
    slope: f32,
}

impl Line {
    fn at(self, index: usize) -> f32 {
        self.from + self.slope * (index + 1) as f32
    }
}
