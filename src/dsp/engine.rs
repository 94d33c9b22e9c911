//! Host blocks of any length to hops and back: latency, bypass, mix, reset. Lives on the audio thread.
//!
//! Everything happens per hop at a place that only the number of samples since `reset` decides, so any split of the
//! input into host blocks gives the same bits.

use realfft::num_complex::Complex32;

use super::column::{Column, Rows};
use super::istft::Istft;
use super::mixer::{Settings, bounded};
use super::separator::Separator;
use super::stft::{Stft, StftLayout, Window};
use super::templates::Templates;
use super::{MAX_CHANNELS, MAX_COMPONENTS};

/// Loudest sample that is taken as it is: +120 dB. Beyond it f32 spectra would overflow.
const MAX_SAMPLE: f32 = 1e6;
/// Softest sample that is no silence: −600 dB. What is computed of softer ones would be denormal numbers, a hundred times
/// slower than others.
const MIN_SAMPLE: f32 = 1e-30;
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
    /// Per component and channel as above, whether somebody listens.
    is_connected: Vec<bool>,
    /// Hops of digital silence that came in one after another.
    silent_hops: usize,
    /// Frames that were synthesised for the mix one after another: a hop is whole when all that overlap in it were.
    synthesised_frames: usize,
    /// What the last hop was, for those who watch.
    last: Hop,
    /// Whether somebody watches: then every hop is analysed.
    is_watched: bool,
    rows: Rows,
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

/// What became of a hop.
#[derive(Clone, Copy, PartialEq)]
enum Hop {
    /// Digital silence, or nobody looked at it.
    Unseen,
    /// Its spectrum is known.
    Analysed,
    /// Its components are known.
    Separated,
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
            last: Hop::Unseen,
            is_watched: false,
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

    /// Replaces `audio` (a slice per channel, all of one length) by the mixed components, late by the latency.
    /// Without templates, or with templates for another layout, it is the delayed input, to the bit.
    pub fn process(&mut self, audio: &mut [&mut [f32]], templates: Option<&Templates>, settings: &Settings) {
        self.process_components(audio, &mut [], templates, settings);
    }

    /// Like [`Engine::process`], and fills `components`: component after component and channel after channel, as long as
    /// `audio`, or empty where nobody listens. They are what the masks give, before gain, mute, solo, gate and mix, and add
    /// up to the delayed input.
    pub fn process_components(
        &mut self,
        audio: &mut [&mut [f32]],
        components: &mut [&mut [f32]],
        templates: Option<&Templates>,
        settings: &Settings,
    ) {
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
        for ((hop, component), &is_connected) in self.component_hops.iter().zip(components).zip(&self.is_connected) {
            if is_connected {
                component[start..start + count].copy_from_slice(&hop[position..position + count]);
            }
        }
    }

    /// One hop has come in: the next one goes out.
    fn hop(&mut self, templates: Option<&Templates>, settings: &Settings) {
        let is_wet = templates.is_some() && !settings.bypass;
        let share = if is_wet { bounded(settings.mix).min(1.0) } else { 0.0 };
        let is_heard = share > 0.0 || !self.wet.is_zero();
        let overlap = self.layout.synthesis_len() / self.layout.hop_len();
        self.synthesised_frames = match is_heard {
            // Nothing sounded before the first hop: nothing is missing in it.
            true if self.is_fresh => overlap,
            true => self.synthesised_frames.saturating_add(1),
            false => 0,
        };
        self.take_hop();
        let is_silent = self.silent_hops * self.layout.hop_len() >= self.layout.window_len();
        self.last = match templates {
            Some(templates) if is_silent => {
                self.separator.separate_silence(templates, settings);
                self.synthesize_silence();
                Hop::Unseen
            }
            Some(templates) => {
                self.separate(templates, settings, is_heard);
                Hop::Separated
            }
            None if is_heard => {
                self.pass_through();
                Hop::Analysed
            }
            None => {
                self.synthesize_silence();
                if self.is_watched && !is_silent { self.analyze() } else { Hop::Unseen }
            }
        };
        let hop_len = self.layout.hop_len();
        self.channels.iter_mut().for_each(|channel| channel.input.copy_within(hop_len.., 0));
        let wet = if self.synthesised_frames >= overlap { share } else { 0.0 };
        let output = if settings.bypass { 1.0 } else { bounded(settings.output) };
        if self.is_fresh {
            // Nothing was heard before the first hop, so there is nothing to fade from.
            (self.wet, self.output) = (Ramp::still(wet), Ramp::still(output));
        }
        self.wet.advance(wet, self.fade_step);
        self.output.advance(output, self.fade_step);
        self.is_fresh = false;
    }

    /// Looks at the hop that came in. What is due of the input now is as old as the latency: the first hop of the synthesis
    /// window.
    fn take_hop(&mut self) {
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

    /// A frame that nothing separates, while the wet signal fades.
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

    fn analyze(&mut self) -> Hop {
        for (channel, spectrum) in self.channels.iter().zip(self.spectrum.chunks_exact_mut(self.layout.bins())) {
            self.stft.analyze(&channel.input, spectrum);
        }
        Hop::Analysed
    }

    /// From now on every hop is analysed, so that [`Engine::look`] has something to show.
    pub fn watch(&mut self) {
        self.is_watched = true;
    }

    /// Nobody looks any more.
    pub fn unwatch(&mut self) {
        self.is_watched = false;
    }

    /// Samples from one hop to the next.
    pub fn hop_len(&self) -> usize {
        self.layout.hop_len()
    }

    /// Samples until the next hop is complete, 1 or more.
    pub fn samples_to_hop(&self) -> usize {
        self.layout.hop_len() - self.position
    }

    /// Draws the last hop that was complete. `templates` are those that it was processed with.
    pub fn look(&self, templates: Option<&Templates>, column: &mut Column) {
        column.components = 0;
        match (self.last, templates.filter(|templates| self.fits(templates))) {
            (Hop::Unseen, _) => column.levels.fill(0),
            (Hop::Separated, Some(templates)) => {
                self.rows.draw(&self.spectrum, self.separator.shares(templates), column);
            }
            _ => self.rows.draw(&self.spectrum, std::iter::empty(), column),
        }
        for (component, activation_db) in column.activations_db.iter_mut().enumerate() {
            *activation_db = self.separator.activation_db(component);
        }
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
        (self.silent_hops, self.synthesised_frames, self.last) = (0, 0, Hop::Unseen);
        self.is_fresh = true;
        self.wet = Ramp::still(0.0);
        self.output = Ramp::still(1.0);
    }
}

/// What a host may send by accident is silence or is limited.
fn sanitized(sample: f32) -> f32 {
    if sample.is_finite() && sample.abs() >= MIN_SAMPLE { sample.clamp(-MAX_SAMPLE, MAX_SAMPLE) } else { 0.0 }
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
    fn what_is_no_number_or_denormal_is_silence_and_what_is_too_loud_is_limited() {
        let accidents = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-31, -f32::MIN_POSITIVE / 2.0];
        assert!(accidents.into_iter().all(|sample| sanitized(sample) == 0.0));
        assert_eq!([1e-30, -0.5, 1e7, -1e38].map(sanitized), [1e-30, -0.5, 1e6, -1e6]);
    }

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
