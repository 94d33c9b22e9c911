//! A recording to learn from, and its spectrogram.

use std::sync::Arc;

use ndarray::Array2;
use thiserror::Error;

use super::progress::Poll;
use crate::dsp::{Complex32, Format, MAX_CHANNELS, Stft, StftLayout, Window};

/// Recorded samples: mono or stereo, all finite, not silent. Clones share them.
#[derive(Clone, Debug)]
pub struct Capture {
    sample_rate: f32,
    channels: Arc<[Vec<f32>]>,
}

/// Why a recording cannot be learned from.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CaptureError {
    /// Neither mono nor stereo, or channels of different lengths.
    #[error("{0} channels: a capture is mono or stereo, both channels equally long")]
    Channels(usize),
    /// No samples at all.
    #[error("the capture is empty: nothing was recorded; capture while something plays")]
    Empty,
    /// No sample is above the threshold of silence.
    #[error("the capture is silent: its loudest sample is below −120 dB; capture a passage with sound")]
    Silent,
    /// NaN or infinity.
    #[error("sample {sample} of channel {channel} is {value}: every sample must be a finite number")]
    NotFinite {
        /// Sample index, from 0.
        sample: usize,
        /// Channel, from 0.
        channel: usize,
        /// NaN or infinite.
        value: f32,
    },
    /// Shorter than one window.
    #[error("the capture is too short: {samples} samples; capture at least one window of {window_len}")]
    TooShort {
        /// Samples recorded.
        samples: usize,
        /// Samples of a window.
        window_len: usize,
    },
    /// A capture of another format cannot be appended.
    #[error("{found} cannot be appended to a capture of {expected}: switch Accumulate off, or clear the captures")]
    Unlike {
        /// The new capture's format.
        found: String,
        /// The format of the capture that is kept.
        expected: String,
    },
    /// Both captures together are too long.
    #[error(
        "both captures together last {found_s:.0} s, and the limit is {max_s:.0} s: switch Accumulate off, or clear the captures"
    )]
    TooLong {
        /// Seconds of both.
        found_s: f32,
        /// The longest capture, in seconds.
        max_s: f32,
    },
    /// The poll asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Frames between polls: a millisecond or two.
const FRAMES_PER_POLL: usize = 64;
/// Samples below this level are silence: −120 dB.
const SILENCE: f32 = 1e-6;
/// Fade of each capture where one is appended to another: a jump would be learned as a click.
const JOINT_MS: f32 = 10.0;

impl Capture {
    /// The longest recording, in seconds.
    pub const MAX_S: f32 = 120.0;

    /// Checks and takes the samples of each channel.
    ///
    /// # Errors
    /// See [`CaptureError`].
    pub fn new(sample_rate: f32, channels: Vec<Vec<f32>>) -> Result<Self, CaptureError> {
        let len = channels.first().map_or(0, Vec::len);
        if !(1..=MAX_CHANNELS).contains(&channels.len()) || channels.iter().any(|channel| channel.len() != len) {
            return Err(CaptureError::Channels(channels.len()));
        }
        if len == 0 {
            return Err(CaptureError::Empty);
        }
        for (channel, samples) in channels.iter().enumerate() {
            if let Some((sample, &value)) = samples.iter().enumerate().find(|(_, value)| !value.is_finite()) {
                return Err(CaptureError::NotFinite { sample, channel, value });
            }
        }
        if channels.iter().flatten().all(|sample| sample.abs() < SILENCE) {
            return Err(CaptureError::Silent);
        }
        Ok(Self { sample_rate, channels: channels.into() })
    }

    /// This capture and then `next`, each faded at the joint.
    ///
    /// # Errors
    /// Another sample rate or number of channels, or more than [`Capture::MAX_S`] in all.
    pub fn followed_by(&self, next: &Self) -> Result<Self, CaptureError> {
        if (self.sample_rate, self.channels.len()) != (next.sample_rate, next.channels.len()) {
            return Err(CaptureError::Unlike { found: next.format_text(), expected: self.format_text() });
        }
        let found_s = self.seconds() + next.seconds();
        if found_s > Self::MAX_S {
            return Err(CaptureError::TooLong { found_s, max_s: Self::MAX_S });
        }
        let fade_len = joint_len(self.sample_rate);
        let gain = |to_joint: usize| (to_joint as f32 / fade_len as f32).min(1.0);
        let joined = |(first, second): (&Vec<f32>, &Vec<f32>)| {
            let len = first.len();
            let first = first.iter().enumerate().map(|(n, &sample)| sample * gain(len - 1 - n));
            first.chain(second.iter().enumerate().map(|(n, &sample)| sample * gain(n))).collect()
        };
        let channels = self.channels.iter().zip(next.channels.iter()).map(joined).collect();
        Ok(Self { sample_rate: self.sample_rate, channels })
    }

    /// Its format as text.
    pub fn format_text(&self) -> String {
        format!("{} Hz {}", self.sample_rate, if self.channels.len() == 1 { "mono" } else { "stereo" })
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> f32 {
        self.sample_rate
    }

    /// The samples of each channel.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f32 {
        self.channels[0].len() as f32 / self.sample_rate
    }

    /// Reads the spectra of every whole window.
    pub fn frames(&self, layout: StftLayout, window: Window) -> Frames<'_> {
        Frames { capture: self, layout, stft: Stft::new(layout, window) }
    }

    /// The magnitudes of every whole window.
    ///
    /// # Errors
    /// A capture shorter than one window.
    pub fn spectrogram(&self, layout: StftLayout, window: Window) -> Result<Spectrogram, CaptureError> {
        self.spectrogram_while(layout, window, &mut || Ok(()))
    }

    /// The same; `poll` can cancel it.
    ///
    /// # Errors
    /// A capture shorter than one window, or the poll asked to stop.
    pub fn spectrogram_while(
        &self,
        layout: StftLayout,
        window: Window,
        poll: Poll<'_>,
    ) -> Result<Spectrogram, CaptureError> {
        let (samples, window_len) = (self.channels[0].len(), layout.window_len());
        if samples < window_len {
            return Err(CaptureError::TooShort { samples, window_len });
        }
        let format = Format::new(self.sample_rate, layout, self.channels.len());
        let mut frames = self.frames(layout, window);
        let mut spectrum = vec![Complex32::default(); format.rows()];
        let mut magnitudes = Array2::zeros((frames.len(), format.rows()));
        for (frame, mut row) in magnitudes.rows_mut().into_iter().enumerate() {
            if frame % FRAMES_PER_POLL == 0 {
                poll().map_err(|_| CaptureError::Cancelled)?;
            }
            frames.read(frame, &mut spectrum);
            row.iter_mut().zip(&spectrum).for_each(|(magnitude, x)| *magnitude = x.norm());
        }
        Ok(Spectrogram { magnitudes, format, layout })
    }
}

/// Reads the spectra of a capture one by one.
pub struct Frames<'a> {
    capture: &'a Capture,
    layout: StftLayout,
    stft: Stft,
}

impl Frames<'_> {
    /// Whole windows in the capture.
    pub fn len(&self) -> usize {
        let samples = self.capture.channels[0].len() + self.layout.hop_len();
        samples.saturating_sub(self.layout.window_len()) / self.layout.hop_len()
    }

    /// Whether the capture is shorter than one window.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the spectrum of one frame: channels × bins, channel after channel. Zeros beyond the last frame.
    pub fn read(&mut self, frame: usize, spectrum: &mut [Complex32]) {
        if frame >= self.len() {
            spectrum.fill(Complex32::default());
            return;
        }
        let start = frame * self.layout.hop_len();
        for (samples, spectrum) in self.capture.channels.iter().zip(spectrum.chunks_exact_mut(self.layout.bins())) {
            self.stft.analyze(&samples[start..start + self.layout.window_len()], spectrum);
        }
    }
}

/// V, the magnitudes of a capture.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// Frames × rows: each row of the matrix is one frame, its channels one after another.
    pub magnitudes: Array2<f32>,
    /// The meaning of the rows.
    pub format: Format,
    /// Window and hop.
    pub layout: StftLayout,
}

impl Spectrogram {
    /// The frames that are not silent: those below 1e-4 of the loudest are left out.
    pub fn sounding_frames(&self) -> Array2<f32> {
        let levels: Vec<f32> = self.magnitudes.rows().into_iter().map(|frame| frame.sum()).collect();
        let floor = levels.iter().copied().fold(0.0, f32::max) * 1e-4;
        let sounding: Vec<usize> = (0..levels.len()).filter(|&frame| levels[frame] > floor).collect();
        self.magnitudes.select(ndarray::Axis(0), &sounding)
    }
}

/// Samples of each fade at a joint.
fn joint_len(sample_rate: f32) -> usize {
    ((JOINT_MS / 1000.0 * sample_rate) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appended_capture_fades_at_the_joint_and_nowhere_else() {
        assert_eq!(joint_len(48_000.0), 480);
        let capture = |sample_rate: f32, channels: usize, len: usize, value: f32| {
            Capture::new(sample_rate, vec![vec![value; len]; channels]).unwrap()
        };
        let (first, second) = (capture(48_000.0, 2, 5000, 0.5), capture(48_000.0, 2, 3000, -0.25));
        let both = first.followed_by(&second).unwrap();
        assert_eq!(both.channels().len(), 2);
        for channel in both.channels() {
            assert_eq!((channel.len(), channel[4999], channel[5000]), (8000, 0.0, 0.0));
            assert!(channel[..4520].iter().all(|&x| x == 0.5) && channel[5480..].iter().all(|&x| x == -0.25));
            // No step is larger than that of a fade from full scale in 480 samples.
            assert!(channel.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1.0 / 480.0));
        }
        for other in [capture(44_100.0, 2, 100, 1.0), capture(48_000.0, 1, 100, 1.0)] {
            let error = first.followed_by(&other).unwrap_err();
            assert!(matches!(error, CaptureError::Unlike { .. }) && error.to_string().contains("48000 Hz stereo"));
        }
        let long = capture(1000.0, 1, 70_000, 1.0);
        assert!(matches!(long.followed_by(&long), Err(CaptureError::TooLong { .. })));
    }

    #[test]
    fn each_kind_of_unusable_capture_is_refused_with_its_own_error() {
        let new = |channels: Vec<Vec<f32>>| Capture::new(48_000.0, channels).map(|_| ()).unwrap_err();
        assert_eq!(new(vec![]), CaptureError::Channels(0));
        assert_eq!(new(vec![vec![1.0]; 3]), CaptureError::Channels(3));
        assert_eq!(new(vec![vec![1.0], vec![1.0; 2]]), CaptureError::Channels(2));
        assert_eq!(new(vec![vec![]]), CaptureError::Empty);
        assert_eq!(new(vec![vec![1e-7; 9]]), CaptureError::Silent);
        assert!(matches!(
            new(vec![vec![1.0; 9], vec![1.0, f32::NAN, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]),
            CaptureError::NotFinite { sample: 1, channel: 1, .. }
        ));
        let short = Capture::new(48_000.0, vec![vec![1.0; 2047]]).unwrap();
        let error = short.spectrogram(StftLayout::default(), Window::SqrtHann).unwrap_err();
        assert_eq!(error, CaptureError::TooShort { samples: 2047, window_len: 2048 });
    }

    #[test]
    fn a_spectrogram_has_every_whole_window_and_silent_frames_are_left_out() {
        let layout = StftLayout::new(256, 64).unwrap();
        let mut samples = vec![0.5; 256 + 64 * 9 + 63];
        samples[320..].fill(0.0);
        let capture = Capture::new(48_000.0, vec![samples.clone(), samples]).unwrap();
        let spectrogram = capture.spectrogram(layout, Window::SqrtHann).unwrap();
        assert_eq!(spectrogram.magnitudes.dim(), (10, 2 * 129));
        assert_eq!(spectrogram.sounding_frames().nrows(), 5);
    }
}
