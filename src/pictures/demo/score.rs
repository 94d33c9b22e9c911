//! How well parts are separated, in decibels.

use std::ops::Range;

use super::clip::{COMPONENTS, Clip, FILL_S};
use crate::files::audio::AudioFile;

/// The separation of one part, in the stretch that was learned from (heard) and after it (unheard).
pub struct Score {
    /// The part's stem.
    pub name: &'static str,
    /// SI-SDR of the component.
    pub heard_db: f64,
    /// The same after the stretch.
    pub unheard_db: f64,
    /// The same until the tom fill: every kind of sound that plays was learned.
    pub unheard_before_fill_db: f64,
    /// SI-SDR of the mix, as if it were the part.
    pub mix_heard_db: f64,
    /// The same after the stretch.
    pub mix_unheard_db: f64,
}

impl Score {
    /// The score of `component` as an estimate of the stem `truth`.
    pub(super) fn new(clip: &Clip, (name, truth): (&'static str, &AudioFile), component: &AudioFile) -> Self {
        let (learned, len, mix) = (clip.capture_len(), clip.mix.len(), &clip.mix);
        Self {
            name,
            heard_db: si_sdr_db(truth, component, 0..learned),
            unheard_db: si_sdr_db(truth, component, learned..len),
            unheard_before_fill_db: si_sdr_db(truth, component, learned..clip.samples(FILL_S)),
            mix_heard_db: si_sdr_db(truth, mix, 0..learned),
            mix_unheard_db: si_sdr_db(truth, mix, learned..len),
        }
    }
}

/// The mean of one figure over all parts.
pub fn mean_db(scores: &[Score], figure: impl Fn(&Score) -> f64) -> f64 {
    scores.iter().map(figure).sum::<f64>() / scores.len().max(1) as f64
}

/// Scale-invariant signal-to-distortion ratio in dB over all channels, means removed (Le Roux et al. 2019).
pub fn si_sdr_db(truth: &AudioFile, estimate: &AudioFile, range: Range<usize>) -> f64 {
    let centred = |audio: &AudioFile| -> Vec<f64> {
        let samples: Vec<f64> =
            audio.channels.iter().flat_map(|channel| channel[range.clone()].iter().map(|&x| f64::from(x))).collect();
        let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
        samples.iter().map(|x| x - mean).collect()
    };
    let (truth, estimate) = (centred(truth), centred(estimate));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = dot(&estimate, &truth) / dot(&truth, &truth).max(1e-20);
    let target: f64 = truth.iter().map(|x| (scale * x).powi(2)).sum();
    let noise: f64 = truth.iter().zip(&estimate).map(|(x, e)| (e - scale * x).powi(2)).sum();
    10.0 * ((target + 1e-20) / (noise + 1e-20)).log10()
}

/// For each stem, the component that it is compared with, so that the mean SI-SDR is highest. As many components as stems.
pub(super) fn best_match(clip: &Clip, components: &[AudioFile]) -> [usize; COMPONENTS] {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let score = |stem: &AudioFile, component: &AudioFile| si_sdr_db(stem, component, 0..clip.mix.len());
    let row = |(_, stem): &(&str, AudioFile)| components.iter().map(|component| score(stem, component)).collect();
    let table: Vec<Vec<f64>> = clip.stems.iter().map(row).collect();
    let total = |order: &[usize; 3]| order.iter().zip(&table).map(|(&component, row)| row[component]).sum::<f64>();
    ORDERS.into_iter().max_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(ORDERS[0])
}

/// The largest difference between a sound and a sum of sounds, in dB of full scale.
pub(super) fn difference_db(sound: &AudioFile, parts: &[AudioFile]) -> f64 {
    let sample = |channel: usize, n: usize| parts.iter().map(|part| f64::from(part.channels[channel][n])).sum::<f64>();
    let difference = |(channel, samples): (usize, &Vec<f32>)| {
        samples.iter().enumerate().map(|(n, &x)| (f64::from(x) - sample(channel, n)).abs()).fold(0.0, f64::max)
    };
    let peak = sound.channels.iter().enumerate().map(difference).fold(0.0, f64::max);
    20.0 * peak.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn si_sdr_knows_a_tenth_of_noise_as_20_db_whatever_the_level() {
        let sound =
            |f: &dyn Fn(usize) -> f32| AudioFile { sample_rate: 48_000, channels: vec![(0..48_000).map(f).collect()] };
        let tone = |n: usize| (n as f32 * 0.1).sin();
        let truth = sound(&tone);
        // A tone of another frequency is orthogonal to the first, to about 1e-4 over this length.
        let estimate = sound(&|n| 3.0 * (tone(n) + 0.1 * (n as f32 * 0.37).sin()));
        assert!((si_sdr_db(&truth, &estimate, 0..48_000) - 20.0).abs() < 0.05);
    }

    #[test]
    fn components_in_any_order_find_their_stems() {
        let clip = Clip::load().unwrap();
        let stem = |index: usize| clip.stems[index].1.clone();
        assert_eq!(best_match(&clip, &[stem(0), stem(1), stem(2)]), [0, 1, 2]);
        assert_eq!(best_match(&clip, &[stem(2), stem(0), stem(1)]), [1, 2, 0]);
    }
}
