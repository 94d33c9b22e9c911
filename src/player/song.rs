//! A song: the samples of a file at the stream's rate, and an overview to draw.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};
use thiserror::Error;

use crate::files::audio::{AudioFile, AudioFileError};

/// The maximum number of columns of a song's overview.
const OVERVIEW_COLUMNS: usize = 2000;
/// The length of the fades of play, pause, seek and the seam of a loop.
const FADE_MS: u64 = 5;
/// The minimum length of the resampler's FFT: the transition band is then some hundred hertz wide, and it rings for some 20 ms at
/// inaudible frequencies.
const RESAMPLER_LEN: usize = 1024;
/// The sample rates that are converted. Others come from a damaged header, and a conversion would need gigabytes.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 1000..=1_000_000;

/// A song with its number in the commands.
pub(super) type NumberedSong = Option<(u64, Arc<Song>)>;

/// The format of the audio device's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: usize,
}

/// Why a file cannot be played.
#[derive(Debug, Error)]
pub enum SongError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] AudioFileError),
    /// The sample rate of the file or of the stream is out of range.
    #[error("{}: {file} Hz cannot be played at {stream} Hz; both must be from 1000 to 1000000", path.display())]
    SampleRate {
        /// The file.
        path: PathBuf,
        /// The file's rate.
        file: u32,
        /// The stream's rate.
        stream: u32,
    },
}

/// The lowest and the highest sample in a column of the overview, over all channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The lowest sample.
    pub min: f32,
    /// The highest sample.
    pub max: f32,
}

/// The samples of a file, ready to play: at least one, all finite, at the stream's rate, with no more channels than the stream.
#[derive(Debug)]
pub struct Song {
    path: PathBuf,
    sample_rate: u32,
    channels: Vec<Vec<f32>>,
    overview: Vec<Peak>,
}

impl Song {
    /// Converts the samples of a file to a stream. A mono file stays mono and plays in every channel of the stream; for a mono
    /// stream, the channels of a stereo file are averaged.
    ///
    /// # Errors
    /// One of the sample rates is out of range.
    pub fn new(path: &Path, audio: AudioFile, stream: StreamFormat) -> Result<Self, SongError> {
        let AudioFile { sample_rate, mut channels } = audio;
        if !SAMPLE_RATES.contains(&sample_rate) || !SAMPLE_RATES.contains(&stream.sample_rate) {
            return Err(SongError::SampleRate { path: path.into(), file: sample_rate, stream: stream.sample_rate });
        }
        if let (1, [left, right]) = (stream.channels, channels.as_mut_slice()) {
            left.iter_mut().zip(right.iter()).for_each(|(left, right)| *left = 0.5 * *left + 0.5 * right);
            channels.truncate(1);
        }
        if sample_rate != stream.sample_rate {
            channels.iter_mut().for_each(|channel| *channel = resampled(channel, sample_rate, stream.sample_rate));
        }
        let overview = overview(&channels);
        Ok(Self { path: path.into(), sample_rate: stream.sample_rate, channels, overview })
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Samples per second: the stream's.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The samples of each channel.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// The overview: 2000 columns from start to end, or one per sample if there are fewer samples.
    pub fn overview(&self) -> &[Peak] {
        &self.overview
    }

    /// Samples of each channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.len() as f64 / f64::from(self.sample_rate)
    }

    /// The sample at a time, limited to the song; NaN is the start.
    pub fn sample_at(&self, seconds: f64) -> usize {
        // Casts saturate: NaN becomes 0.
        ((seconds * f64::from(self.sample_rate)).round() as usize).min(self.len())
    }

    /// The length of a fade in samples.
    pub fn fade_len(&self) -> usize {
        (u64::from(self.sample_rate) * FADE_MS / 1000) as usize
    }
}

/// Resamples with a band limit, without delay, to the same duration.
fn resampled(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    let input = InterleavedSlice::new(samples, 1, samples.len()).expect("one channel of its own length");
    let (window, fixed) = (WindowFunction::BlackmanHarris2, FixedSync::Both);
    // An even number of common periods of the two rates: with an odd one the filter's centre lies between two samples, which
    // shifts the result by up to half a sample.
    let clocks_len = 2 * (from / common_divisor(from, to)) as usize;
    let len = RESAMPLER_LEN.next_multiple_of(clocks_len);
    let mut resampler = Fft::<f32>::new_custom(from as usize, to as usize, len, 1, 1, window, fixed)
        .expect("rates and lengths are above zero");
    let output = resampler.process_all(&input, samples.len(), None).expect("the buffers have the required length");
    let len = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from));
    let mut output = output.take_data();
    // The resampler computes its length from a rounded ratio.
    output.resize(len as usize, 0.0);
    output
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn overview(channels: &[Vec<f32>]) -> Vec<Peak> {
    let len = channels.first().map_or(0, Vec::len);
    let columns = len.min(OVERVIEW_COLUMNS);
    let peak = |column: usize| {
        let (start, end) = (column * len / columns, (column + 1) * len / columns);
        let samples = channels.iter().flat_map(|channel| &channel[start..end]);
        samples.fold(Peak { min: f32::INFINITY, max: f32::NEG_INFINITY }, |peak, &sample| Peak {
            min: peak.min.min(sample),
            max: peak.max.max(sample),
        })
    };
    (0..columns).map(peak).collect()
}
