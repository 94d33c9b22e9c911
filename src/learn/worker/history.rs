//! The last seconds of the input: they can be learned from without a capture. Learning thread only.

use crate::model::settings::LearnSettings;

/// The last seconds of a stream: one ring buffer per channel, whose memory grows as it fills.
pub struct History {
    sample_rate: f32,
    channels: Vec<Vec<f32>>,
    /// Samples of a full ring.
    max_len: usize,
    /// Index of the oldest sample of a full ring: the next sample replaces it.
    oldest: usize,
}

impl History {
    /// An empty history of 1 or 2 `channels`.
    pub fn new(sample_rate: f32, channels: usize) -> Self {
        let max_len = samples(f32::from(LearnSettings::MAX_LAST_S), sample_rate).max(1);
        Self { sample_rate, channels: vec![Vec::new(); channels], max_len, oldest: 0 }
    }

    /// Adds frames. Once the history is full, they replace the oldest ones.
    pub fn push(&mut self, frames: &[[f32; 2]]) {
        let len = self.len();
        let (growth, rest) = frames.split_at(frames.len().min(self.max_len - len));
        for (index, channel) in self.channels.iter_mut().enumerate() {
            if channel.capacity() < len + growth.len() {
                // Grow by one second at a time: doubling would take up to twice the memory.
                let step = growth.len().max(samples(1.0, self.sample_rate)).min(self.max_len - len);
                channel.reserve_exact(step);
            }
            channel.extend(growth.iter().map(|frame| frame[index]));
            let mut place = self.oldest;
            for frame in rest {
                channel[place] = frame[index];
                place = if place + 1 == self.max_len { 0 } else { place + 1 };
            }
        }
        self.oldest = (self.oldest + rest.len()) % self.max_len;
    }

    /// Number of samples per channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Whether there are no samples yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f32 {
        self.len() as f32 / self.sample_rate
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> f32 {
        self.sample_rate
    }

    /// The last `seconds` of each channel, or all samples if there are fewer.
    pub fn last(&self, seconds: f32) -> Vec<Vec<f32>> {
        let skipped = self.len().saturating_sub(samples(seconds, self.sample_rate));
        let in_order = |channel: &Vec<f32>| {
            let (newer, older) = channel.split_at(self.oldest);
            older.iter().chain(newer).skip(skipped).copied().collect()
        };
        self.channels.iter().map(in_order).collect()
    }
}

fn samples(seconds: f32, sample_rate: f32) -> usize {
    (seconds * sample_rate) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history at 1 kHz, after `frames` frames that count upwards, in blocks of `block_len`.
    fn counted(channels: usize, frames: usize, block_len: usize) -> History {
        let mut history = History::new(1000.0, channels);
        let all: Vec<[f32; 2]> = (0..frames).map(|n| [n as f32, -(n as f32)]).collect();
        all.chunks(block_len).for_each(|block| history.push(block));
        history
    }

    #[test]
    fn the_last_seconds_come_back_in_order_however_often_the_ring_went_round() {
        for frames in [1, 999, 29_999, 30_000, 30_001, 75_123, 90_000] {
            for block_len in [1, 7, 480, 29_999, 70_000] {
                let history = counted(2, frames, block_len);
                assert_eq!(history.len(), frames.min(30_000));
                for seconds in [1u8, 8, 30] {
                    let last = history.last(f32::from(seconds));
                    let first = frames.saturating_sub(1000 * usize::from(seconds)).max(frames.saturating_sub(30_000));
                    let expected: Vec<f32> = (first..frames).map(|n| n as f32).collect();
                    assert!(last[0] == expected, "{frames} frames by {block_len}, {seconds} s");
                    assert!(last[1].iter().zip(&expected).all(|(right, left)| *right == -left));
                }
            }
        }
    }

    #[test]
    fn memory_is_taken_as_it_fills_and_mono_takes_one_channel() {
        assert_eq!(samples(0.5, 48_000.0), 24_000);
        let history = counted(1, 2500, 100);
        assert_eq!(history.channels.len(), 1);
        assert!(history.channels[0].capacity() <= 3100, "{}", history.channels[0].capacity());
        assert!(counted(1, 90_000, 480).channels[0].capacity() <= 30_000);
        assert_eq!(history.seconds(), 2.5);
        assert!(History::new(48_000.0, 2).is_empty());
    }
}
