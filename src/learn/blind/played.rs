//! A capture as the engine plays its components: what a chosen separation is learned from again.

use crate::dsp::{Engine, Settings, StftLayout};
use crate::learn::capture::Capture;
use crate::learn::error::LearnError;
use crate::learn::progress::Poll;
use crate::model::{Model, PlaybackSettings};

/// Hops between polls: a few milliseconds.
const HOPS_PER_POLL: usize = 8;

/// Each component's output before its fader, aligned with the capture and as long; they add up to it. `None` if an output is
/// silent: nothing can be learned from it.
///
/// # Errors
/// The poll asked to stop, or an unsupported format.
pub fn played(
    model: &Model,
    capture: &Capture,
    layout: StftLayout,
    poll: Poll<'_>,
) -> Result<Option<Vec<Capture>>, LearnError> {
    let (sample_rate, channels) = (capture.sample_rate(), capture.channels().len());
    let divergence = model.info().divergence;
    let playback = PlaybackSettings { divergence, ..PlaybackSettings::new(layout) };
    let templates = model.for_playback(sample_rate, channels, playback)?;
    let components = templates.components().len();
    let mut engine = Engine::new(layout, sample_rate, channels, components);
    let (hop_len, latency, len) = (layout.hop_len(), engine.latency_samples(), capture.channels()[0].len());
    let settings = Settings { divergence, ..Settings::default() };
    let mut block = vec![vec![0.0; hop_len]; channels * (1 + components)];
    let mut lanes = vec![Vec::with_capacity(len + hop_len); channels * components];
    for (hop, start) in (0..latency + len).step_by(hop_len).enumerate() {
        if hop % HOPS_PER_POLL == 0 {
            poll()?;
        }
        for (channel, block) in capture.channels().iter().zip(&mut block) {
            let sample = |n: usize| channel.get(start + n).copied().unwrap_or(0.0);
            block.iter_mut().enumerate().for_each(|(n, slot)| *slot = sample(n));
        }
        let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
        let (mix, outs) = slices.split_at_mut(channels);
        engine.process_components(mix, outs, Some(&templates), &settings);
        // The latency is whole hops, so a block is kept or not.
        if start >= latency {
            lanes.iter_mut().zip(&block[channels..]).for_each(|(lane, block)| lane.extend_from_slice(block));
        }
    }
    lanes.iter_mut().for_each(|lane| lane.truncate(len));
    Ok(lanes.chunks_exact(channels).map(|lanes| Capture::new(sample_rate, lanes.to_vec()).ok()).collect())
}
