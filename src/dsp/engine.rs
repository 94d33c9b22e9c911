//! Host blocks of any length to hops and back: latency, bypass, mix, reset. Lives on the audio thread.
//!
//! Everything is computed per hop, and only the number of samples since `reset` decides where a hop ends. Any split of the
//! input into host blocks therefore gives the same bits. Who wants to know more of a hop than its sound is a
//! [`HopObserver`].

use realfft::num_complex::Complex32;

use super::column::Rows;
use super::hop::{Analysis, Hop, HopObserver, Unobserved};
use super::istft::Istft;
use super::mixer::{Settings, bounded};
use super::sanitize::sanitized;
use super::separator::Separator;
use super::stft::{Stft, StftLayout, Window};
use super::templates::Templates;
use super::{MAX_CHANNELS, MAX_COMPONENTS};

/// Dry to wet, and bypass, fade within this time.
const FADE_MS: f32 = 20.0;

/// The separation of one mono or stereo stream.
pub struct Engine {
    layout: StftLayout,
    channels: Vec<Channel>,
    stft: Stft,
    separator: Separator,
    /// Lanes: the channels of the mix, then those of each component output.
    istft: Istft,
    /// Spectra of all channels, one after another.
    spectrum: Vec<Complex32>,
    /// One output's spectra on their way back, all channels.
    separated: Vec<Complex32>,
    /// Components that have outputs of their own.
    component_outputs: usize,
    /// The hop that is being written to the outputs: component after component, and channel after channel.
    component_hops: Vec<Vec<f32>>,
    /// Per component and channel as above, whether the host connected the output.
    is_connected: Vec<bool>,
    /// Consecutive input hops of digital silence.
    silent_hops: usize,
    /// Consecutive frames that were synthesised for the mix: a hop is complete when all frames that overlap in it were.
    synthesised_frames: usize,
    /// How observers draw a spectrum.
    rows: Rows,
    /// Samples of the current hop that were read and written.
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

/// One host block: what the engine reads and writes.
pub struct Block<'a, 'b> {
    /// A slice per channel, all of one length; input before the call, output after it.
    pub audio: &'a mut [&'b mut [f32]],
    /// Component after component and channel after channel: slices as long as `audio`, or empty where the host connected
    /// nothing. They receive what the masks give, before gain, mute, solo, gate and mix, and add up to the delayed input.
    pub components: &'a mut [&'b mut [f32]],
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
            is_connected: vec![false; channels * component_outputs],
            silent_hops: 0,
            synthesised_frames: 0,
            rows: Rows::new(layout, sample_rate),
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

    /// Replaces `audio` (a slice per channel, all of one length) by the mixed components, delayed by the latency.
    /// Without templates, or with templates for another layout, it is the delayed input, to the bit.
    pub fn process(&mut self, audio: &mut [&mut [f32]], templates: Option<&Templates>, settings: &Settings) {
        self.process_observed(Block { audio, components: &mut [] }, templates, settings, &mut Unobserved);
    }

    /// Like [`Engine::process`], and fills the component outputs (see [`Block::components`]).
    pub fn process_components<'a>(
        &mut self,
        audio: &mut [&'a mut [f32]],
        components: &mut [&'a mut [f32]],
        templates: Option<&Templates>,
        settings: &Settings,
    ) {
        self.process_observed(Block { audio, components }, templates, settings, &mut Unobserved);
    }

    /// Like [`Engine::process_components`], and calls `observer` once for each hop that the block completes. The sound does
    /// not depend on the observer.
    pub fn process_observed(
        &mut self,
        block: Block<'_, '_>,
        templates: Option<&Templates>,
        settings: &Settings,
        observer: &mut impl HopObserver,
    ) {
        let Block { audio, components } = block;
        let hop_len = self.layout.hop_len();
        let block_len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        for (lane, is_connected) in self.is_connected.iter_mut().enumerate() {
            *is_connected = components.get(lane).is_some_and(|component| component.len() >= block_len);
        }
        let mut done = 0;
        while done < block_len {
            let count = (hop_len - self.position).min(block_len - done);
            self.exchange(audio, components, done, count);
            self.position += count;
            done += count;
            if self.position == hop_len {
                self.position = 0;
                let templates = templates.filter(|templates| self.fits(templates));
                let analysis = self.process_hop(templates, settings);
                let windows = std::array::from_fn(|n| self.channels.get(n).map_or(&[][..], |channel| &channel.input));
                observer.observe(&mut Hop {
                    separator: &self.separator,
                    rows: &self.rows,
                    stft: &mut self.stft,
                    windows,
                    spectrum: &mut self.spectrum,
                    layout: self.layout,
                    templates,
                    analysis,
                    offset: done - 1,
                });
                self.discard_oldest_hop();
            }
        }
    }

    /// Reads `count` samples of the block, and writes as many.
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
        for ((hop, component), &is_connected) in self.component_hops.iter().zip(components).zip(&self.is_connected) {
            if is_connected {
                component[start..start + count].copy_from_slice(&hop[position..position + count]);
            }
        }
    }

    /// Computes the next output hop once an input hop is complete. Returns what is known about the input hop.
    fn process_hop(&mut self, templates: Option<&Templates>, settings: &Settings) -> Analysis {
        let is_wet = templates.is_some() && !settings.bypass;
        let share = if is_wet { bounded(settings.mix).min(1.0) } else { 0.0 };
        let is_heard = share > 0.0 || !self.wet.is_zero();
        let overlap = self.layout.synthesis_len() / self.layout.hop_len();
        self.synthesised_frames = match is_heard {
            // There was no sound before the first hop, so it is complete.
            true if self.is_fresh => overlap,
            true => self.synthesised_frames.saturating_add(1),
            false => 0,
        };
        self.read_hop();
        let is_silent = self.silent_hops * self.layout.hop_len() >= self.layout.window_len();
        let analysis = match templates {
            Some(templates) if is_silent => {
                self.separator.separate_silence(templates, settings);
                self.synthesize_silence();
                Analysis::Silent
            }
            Some(templates) => {
                self.separate(templates, settings, is_heard);
                Analysis::Separated
            }
            None if is_heard => {
                self.pass_through();
                Analysis::Pending
            }
            None => {
                self.synthesize_silence();
                if is_silent { Analysis::Silent } else { Analysis::Pending }
            }
        };
        let wet = if self.synthesised_frames >= overlap { share } else { 0.0 };
        let output = if settings.bypass { 1.0 } else { bounded(settings.output) };
        if self.is_fresh {
            // There was no sound before the first hop to fade from.
            (self.wet, self.output) = (Ramp::still(wet), Ramp::still(output));
        }
        self.wet.advance(wet, self.fade_step);
        self.output.advance(output, self.fade_step);
        self.is_fresh = false;
        analysis
    }

    /// Makes room for the next input hop.
    fn discard_oldest_hop(&mut self) {
        let hop_len = self.layout.hop_len();
        self.channels.iter_mut().for_each(|channel| channel.input.copy_within(hop_len.., 0));
    }

    /// Detects silence in the new input hop, and copies the dry hop that is due: it is as old as the latency, the first hop
    /// of the synthesis window.
    fn read_hop(&mut self) {
        let (window_len, hop_len) = (self.layout.window_len(), self.layout.hop_len());
        let due = window_len - self.layout.latency_samples();
        let mut is_silent = true;
        for channel in &mut self.channels {
            is_silent &= channel.input[window_len - hop_len..].iter().all(|&sample| sample == 0.0);
            channel.dry.copy_from_slice(&channel.input[due..due + hop_len]);
        }
        self.silent_hops = if is_silent { self.silent_hops.saturating_add(1) } else { 0 };
    }

    /// One frame: one forward transform per channel, and an inverse one for each output that is heard and not silent.
    fn separate(&mut self, templates: &Templates, settings: &Settings, is_heard: bool) {
        self.analyze();
        let frame = self.separator.separate_frame(&self.spectrum, templates, settings);
        let (bins, channels) = (self.layout.bins(), self.channels.len());
        if is_heard && !frame.is_mix_silent() {
            frame.mix(&mut self.separated);
            let spectra = self.separated.chunks_exact_mut(bins).enumerate();
            for ((lane, spectrum), channel) in spectra.zip(&mut self.channels) {
                self.istft.synthesize(lane, spectrum, &mut channel.wet);
            }
        } else {
            let channels = self.channels.iter_mut().enumerate();
            channels.for_each(|(lane, channel)| self.istft.skip(lane, &mut channel.wet));
        }
        let connected = self.is_connected.chunks_exact(channels);
        for (component, (hops, connected)) in self.component_hops.chunks_exact_mut(channels).zip(connected).enumerate()
        {
            let is_heard = frame.has(component) && connected.contains(&true);
            if is_heard {
                frame.component(component, &mut self.separated);
            }
            let spectra = self.separated.chunks_exact_mut(bins);
            for (channel, ((hop, &is_connected), spectrum)) in hops.iter_mut().zip(connected).zip(spectra).enumerate() {
                let lane = channels * (1 + component) + channel;
                match is_heard && is_connected {
                    true => self.istft.synthesize(lane, spectrum, hop),
                    false => self.istft.skip(lane, hop),
                }
            }
        }
    }

    /// An unchanged frame, while the wet signal of a removed model fades out. The inverse transform overwrites the spectrum.
    fn pass_through(&mut self) {
        self.analyze();
        self.synthesize_silence_of_components();
        let spectra = self.spectrum.chunks_exact_mut(self.layout.bins()).enumerate();
        for ((lane, spectrum), channel) in spectra.zip(&mut self.channels) {
            self.istft.synthesize(lane, spectrum, &mut channel.wet);
        }
    }

    /// A frame of digital silence.
    fn synthesize_silence(&mut self) {
        for (lane, channel) in self.channels.iter_mut().enumerate() {
            self.istft.skip(lane, &mut channel.wet);
        }
        self.synthesize_silence_of_components();
    }

    fn synthesize_silence_of_components(&mut self) {
        for (index, hop) in self.component_hops.iter_mut().enumerate() {
            self.istft.skip(self.channels.len() + index, hop);
        }
    }

    /// Computes the spectrum of the last window of input.
    fn analyze(&mut self) {
        for (channel, spectrum) in self.channels.iter().zip(self.spectrum.chunks_exact_mut(self.layout.bins())) {
            self.stft.analyze(&channel.input, spectrum);
        }
    }

    /// Samples from one hop to the next.
    pub fn hop_len(&self) -> usize {
        self.layout.hop_len()
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
        (self.silent_hops, self.synthesised_frames) = (0, 0);
        self.is_fresh = true;
        self.wet = Ramp::still(0.0);
        self.output = Ramp::still(1.0);
    }
}

/// A value that moves from hop to hop without a corner: the mean of the last hop of a line that has some. (A corner of a
/// fade is a click, 60 dB below what fades.)
#[derive(Clone, Copy)]
struct Ramp {
    /// The line before the hop that is being put out, …
    before: f32,
    /// … where it begins …
    from: f32,
    /// … and where it ends.
    to: f32,
}

impl Ramp {
    fn still(value: f32) -> Self {
        Self { before: value, from: value, to: value }
    }

    /// The next hop's line: on towards `target`, by `step` at most.
    fn advance(&mut self, target: f32, step: f32) {
        (self.before, self.from) = (self.from, self.to);
        self.to += (target - self.to).clamp(-step, step);
    }

    /// Whether it is zero, and stays so for the hop.
    fn is_zero(self) -> bool {
        self.before == 0.0 && self.from == 0.0 && self.to == 0.0
    }

    /// v(t) = v₀ + s₀ t + (s₁ − s₀) t² / 2, t from 0 to 1: the slope moves from the last hop's to this hop's.
    fn over(self, hop_len: usize) -> Curve {
        let (last_slope, slope) = (self.from - self.before, self.to - self.from);
        let start = self.before + last_slope / 2.0;
        Curve { start, slope: last_slope, bend: (slope - last_slope) / 2.0, step: (hop_len as f32).recip() }
    }
}

/// A ramp over one hop, by sample.
#[derive(Clone, Copy)]
struct Curve {
    start: f32,
    slope: f32,
    bend: f32,
    step: f32,
}

impl Curve {
    fn at(self, index: usize) -> f32 {
        let t = (index + 1) as f32 * self.step;
        self.start + t * (self.slope + t * self.bend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_arrives_exactly_and_has_neither_jump_nor_corner() {
        let (hop_len, step) = (100, 0.3);
        let mut ramp = Ramp::still(0.0);
        let mut values = vec![0.0; 2];
        for target in [1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0] {
            ramp.advance(target, step);
            let curve = ramp.over(hop_len);
            values.extend((0..hop_len).map(|n| curve.at(n)));
        }
        assert!(values[602..702].iter().all(|&value| value == 0.9) && values.last() == Some(&0.0));
        for three in values.windows(3) {
            let (first, second) = (three[1] - three[0], three[2] - three[1]);
            // The steepest is 0.3 a hop; from flat to that the slope takes a hop, and up to twice that to turn. 1e-6: rounding.
            assert!(first.abs() <= 0.3 / 100.0 + 1e-6, "{three:?}");
            assert!((second - first).abs() <= 0.6 / 100.0 / 100.0 + 1e-6, "{three:?}");
        }
    }
}
