//! A running capture: the samples recorded so far. Learning thread only.

use crate::learn::capture::{Capture, CaptureError};

/// A recording that runs, or is paused while the transport is stopped.
pub struct Recording {
    sample_rate: f32,
    channels: Vec<Vec<f32>>,
    is_paused: bool,
}

impl Recording {
    /// An empty recording of 1 or 2 `channels`.
    pub fn new(sample_rate: f32, channels: usize) -> Self {
        Self { sample_rate, channels: vec![Vec::new(); channels], is_paused: false }
    }

    /// Adds frames up to a length of [`Capture::MAX_S`], unless the recording is paused.
    pub fn push(&mut self, frames: &[[f32; 2]]) {
        let max_len = (Capture::MAX_S * self.sample_rate) as usize;
        let room = if self.is_paused { 0 } else { max_len.saturating_sub(self.len()) };
        let frames = &frames[..frames.len().min(room)];
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.extend(frames.iter().map(|frame| frame[index]));
        }
    }

    fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f32 {
        self.len() as f32 / self.sample_rate
    }

    /// Ignores frames from now on.
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Records frames again.
    pub fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// An empty recording in this format, paused if this one is.
    pub fn restarted(&self, sample_rate: f32, channels: usize) -> Self {
        Self { is_paused: self.is_paused, ..Self::new(sample_rate, channels) }
    }

    /// The recorded samples as a capture.
    ///
    /// # Errors
    /// The samples cannot be learned from.
    pub fn capture(self) -> Result<Capture, CaptureError> {
        Capture::new(self.sample_rate, self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_first_two_minutes_of_what_came_while_it_did_not_wait() {
        let mut recording = Recording::new(1000.0, 1);
        recording.push(&[[1.0, 2.0]; 1500]);
        recording.pause();
        recording.push(&[[3.0, 4.0]; 1000]);
        assert!(recording.is_paused() && recording.seconds() == 1.5);
        recording.resume();
        recording.push(&[[5.0, 6.0]; 200_000]);
        assert_eq!(recording.seconds(), Capture::MAX_S);
        let capture = recording.capture().unwrap();
        assert_eq!((capture.channels()[0][1499], capture.channels()[0][1500], capture.channels().len()), (1.0, 5.0, 1));
    }

    #[test]
    fn restarted_it_is_empty_and_still_waits() {
        let mut recording = Recording::new(1000.0, 2);
        recording.push(&[[1.0, 2.0]; 10]);
        recording.pause();
        let again = recording.restarted(2000.0, 1);
        assert!(again.is_paused() && again.seconds() == 0.0 && again.channels.len() == 1);
    }
}
