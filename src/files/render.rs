//! Whole files through the engine: the plug-in's sound, without its latency.

use super::audio::AudioFile;
use crate::dsp::{Engine, Mode, Settings, StftLayout, TemplatesError};
use crate::model::{Model, PlaybackSettings};

/// Which outputs of the engine are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// The mix alone.
    Mix,
    /// The mix, and each component before its fader.
    Components,
}

/// A separated file: everything as long as the input and aligned with it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The mixed components.
    pub mix: AudioFile,
    /// Each component before gain, mute, solo and gate, in the model's order; they add up to the input. Empty unless
    /// asked for.
    pub components: Vec<AudioFile>,
    /// Per frame and component, how strongly it sounds (linear; 1 is about a full-scale sine). Frame n hears the
    /// window that ends with hop n.
    pub levels: Vec<Vec<f32>>,
}

/// The layout that a file is separated in: the model's own, or that of a mode at the file's sample rate.
pub fn layout_for(model: &Model, audio: &AudioFile, mode: Option<Mode>) -> StftLayout {
    mode.map_or(model.info().layout, |mode| mode.layout(audio.sample_rate as f32))
}

/// Runs the engine over a file, hop after hop. `on_progress` is called with the completed share, 0 to 1.
///
/// # Errors
/// Unsupported sample rate.
pub fn render(
    model: &Model,
    audio: &AudioFile,
    playback: PlaybackSettings,
    settings: &Settings,
    outputs: Outputs,
    on_progress: &mut dyn FnMut(f32),
) -> Result<Rendered, TemplatesError> {
    let (layout, channels) = (playback.layout, audio.channels.len());
    let templates = model.for_playback(audio.sample_rate as f32, channels, playback)?;
    let components = templates.components().len();
    let kept = if outputs == Outputs::Components { components } else { 0 };
    let mut engine = Engine::new(layout, audio.sample_rate as f32, channels, kept);
    let hop_len = layout.hop_len();
    let latency = engine.latency_samples();
    let mut lanes = vec![Vec::with_capacity(audio.len() + hop_len); channels * (1 + kept)];
    let mut levels = Vec::new();
    let mut block = vec![vec![0.0; hop_len]; lanes.len()];
    for start in (0..latency + audio.len()).step_by(hop_len) {
        for (channel, block) in audio.channels.iter().zip(&mut block) {
            let sample = |n: usize| channel.get(start + n).copied().unwrap_or(0.0);
            block.iter_mut().enumerate().for_each(|(n, slot)| *slot = sample(n));
        }
        let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
        let (mix, outs) = slices.split_at_mut(channels);
        engine.process_components(mix, outs, Some(&templates), settings);
        // The latency is whole hops, so a block is kept or not.
        if start >= latency {
            lanes.iter_mut().zip(&block).for_each(|(lane, block)| lane.extend_from_slice(block));
        }
        if start < audio.len() {
            levels.push((0..components).map(|component| level(&engine, component)).collect());
        }
        on_progress(start as f32 / (latency + audio.len()) as f32);
    }
    lanes.iter_mut().for_each(|lane| lane.truncate(audio.len()));
    let mut files = lanes
        .chunks_exact(channels)
        .map(|lanes| AudioFile { sample_rate: audio.sample_rate, channels: lanes.to_vec() });
    let mix = files.next().unwrap_or_else(|| audio.clone());
    Ok(Rendered { mix, components: files.collect(), levels })
}

fn level(engine: &Engine, component: usize) -> f32 {
    10f32.powf(engine.activation_db(component) / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Divergence, Format, Templates};
    use crate::model::LearnInfo;

    fn model(window_len: usize) -> Model {
        let layout = StftLayout::new(window_len, window_len / 4).unwrap();
        let divergence = Divergence::KullbackLeibler;
        let learned = LearnInfo { divergence, seed: 1, iterations: 1, layout, extend_pitch: true, steady: vec![] };
        let matrix: Vec<f32> = (0..2 * layout.bins()).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        let format = Format::new(44_100.0, layout, 1);
        let templates = Templates::new(format, vec!["a".into(), "b".into()], vec![0, 1], matrix).unwrap();
        Model::new(&templates, learned).unwrap()
    }

    fn noise(len: usize, channels: usize) -> AudioFile {
        let channel = |c: usize| (0..len).map(|n| ((n * n + c) as f32 * 0.37).sin()).collect();
        AudioFile { sample_rate: 44_100, channels: (0..channels).map(channel).collect() }
    }

    #[test]
    fn mix_and_sum_of_components_are_the_input_aligned_and_as_long() {
        let cases = [(2048, 5001, 1, None), (256, 3000, 2, None), (2048, 1, 1, None), (4096, 4096, 2, None)];
        let modes = Mode::ALL.map(|mode| (2048, 7001, 2, Some(mode)));
        for (window_len, len, channels, mode) in cases.into_iter().chain(modes) {
            let audio = noise(len, channels);
            let settings = Settings::default();
            let model = model(window_len);
            let layout = layout_for(&model, &audio, mode);
            let rendered =
                render(&model, &audio, PlaybackSettings::new(layout), &settings, Outputs::Components, &mut |_| ())
                    .unwrap();
            assert_eq!(rendered.levels.len(), len.div_ceil(layout.hop_len()));
            for (channel, input) in audio.channels.iter().enumerate() {
                let (a, b) = (&rendered.components[0].channels[channel], &rendered.components[1].channels[channel]);
                assert_eq!((a.len(), rendered.mix.channels[channel].len()), (len, len));
                for (n, &x) in input.iter().enumerate() {
                    // −110 dB: rounding of two f32 transforms.
                    assert!((a[n] + b[n] - x).abs() < 3e-6 && (rendered.mix.channels[channel][n] - x).abs() < 3e-6);
                }
            }
        }
    }
}
