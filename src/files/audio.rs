//! Audio files: WAV, FLAC, MP3, Ogg Vorbis and AIFF in, 32-bit float WAV out.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use thiserror::Error;

use super::whole::write_whole;
use crate::dsp::MAX_CHANNELS;

/// Samples of the longest MP3 frame.
const MAX_PACKET_LEN: usize = 1152;

/// The samples of a file: mono or stereo, all finite, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioFile {
    /// Samples per second.
    pub sample_rate: u32,
    /// The samples of each channel, all equally long.
    pub channels: Vec<Vec<f32>>,
}

/// A range of a file, in seconds from its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRange {
    /// Where it starts.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from_s, self.to_s)
    }
}

/// A file or a range of it, written `FILE` or `FILE@FROM-TO`. Text after the last `@` that is not a range belongs to
/// the file's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The range; `None` is the whole file.
    pub range: Option<TimeRange>,
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let ranged = text.rsplit_once('@').and_then(|(path, range)| {
            let (from, to) = range.split_once('-')?;
            let range = TimeRange { from_s: from.parse().ok()?, to_s: to.parse().ok()? };
            Some(Self { path: path.into(), range: Some(range) })
        });
        Ok(ranged.unwrap_or_else(|| Self { path: text.into(), range: None }))
    }
}

/// Why a file cannot be read or written.
#[derive(Debug, Error)]
pub enum AudioFileError {
    /// There is no such file.
    #[error("{}: no such file", .0.display())]
    Missing(PathBuf),
    /// The file system reported an error.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Unsupported contents.
    #[error("{}: unsupported audio file ({why}); use WAV, FLAC, MP3, Ogg Vorbis or AIFF", path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        why: String,
    },
    /// Decoding failed in the middle of the file.
    #[error("{}: damaged after {seconds:.3} s: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was read until then.
        seconds: f64,
        /// What the decoder says.
        why: String,
    },
    /// Neither mono nor stereo.
    #[error("{}: {channels} channels; it must be mono or stereo", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: usize,
    },
    /// No samples.
    #[error("{}: contains no samples", .0.display())]
    Empty(PathBuf),
    /// NaN or infinity.
    #[error("{}: sample {sample} of channel {channel} is {value}; every sample must be a finite number", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Sample index in the file, from 0.
        sample: usize,
        /// Channel, from 0.
        channel: usize,
        /// NaN or infinite.
        value: f32,
    },
    /// A range beyond the file.
    #[error("{}: the range {range} is outside the file, which lasts {seconds:.3} s; it must be FROM-TO in seconds, 0 ≤ FROM < TO ≤ {seconds:.3}", path.display())]
    Range {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        range: TimeRange,
        /// The file's length.
        seconds: f64,
    },
    /// It could not be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl AudioFile {
    /// Reads a whole file. Of an incomplete file it returns the samples that are there. A damaged MP3 frame becomes
    /// silence of its length, or is skipped if its header is damaged; in other formats damage is an error.
    ///
    /// # Errors
    /// See [`AudioFileError`].
    pub fn read(path: &Path) -> Result<Self, AudioFileError> {
        decode(path)?.checked(path, 0)
    }

    /// Like [`AudioFile::read`], but stops soon after `is_wanted` returns false.
    ///
    /// # Errors
    /// See [`AudioFileError`]; any of them if it was stopped.
    pub fn read_while(path: &Path, is_wanted: Arc<AtomicBool>) -> Result<Self, AudioFileError> {
        let source = WantedFile { file: open(path)?, is_wanted };
        decode_stream(path, Box::new(source))?.checked(path, 0)
    }

    /// Reads a file from memory; errors call it `name`, whose extension tells the format.
    ///
    /// # Errors
    /// See [`AudioFileError`].
    pub fn read_memory(name: &str, bytes: &'static [u8]) -> Result<Self, AudioFileError> {
        let path = Path::new(name);
        decode_stream(path, Box::new(io::Cursor::new(bytes)))?.checked(path, 0)
    }

    /// Reads a file or a range of it.
    ///
    /// # Errors
    /// See [`AudioFileError`].
    pub fn read_source(source: &Source) -> Result<Self, AudioFileError> {
        let Source { path, range } = source;
        let mut audio = decode(path)?;
        let mut first = 0;
        if let Some(range) = *range {
            let (start, end) = audio.sample_range(range).ok_or_else(|| AudioFileError::Range {
                path: path.clone(),
                range,
                seconds: audio.seconds(),
            })?;
            first = start;
            for channel in &mut audio.channels {
                channel.truncate(end);
                channel.drain(..start);
            }
        }
        audio.checked(path, first)
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

    /// Writes a 32-bit float WAV file. If writing fails, an existing file stays as it was.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), AudioFileError> {
        let spec = hound::WavSpec {
            channels: self.channels.len() as u16,
            sample_rate: self.sample_rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let write = |file: &mut io::BufWriter<File>| -> Result<(), io::Error> {
            let mut writer = hound::WavWriter::new(file, spec).map_err(into_io)?;
            for index in 0..self.len() {
                self.channels.iter().try_for_each(|channel| writer.write_sample(channel[index])).map_err(into_io)?;
            }
            writer.finalize().map_err(into_io)
        };
        write_whole(path, write).map_err(|error| AudioFileError::Unwritable { path: path.into(), error })
    }

    /// The samples of a range, if it is inside the file.
    pub fn sample_range(&self, range: TimeRange) -> Option<(usize, usize)> {
        let is_forward = range.from_s >= 0.0 && range.from_s < range.to_s && range.to_s.is_finite();
        let (start, end) = (sample_index(range.from_s, self.sample_rate), sample_index(range.to_s, self.sample_rate));
        (is_forward && start < end && end <= self.len()).then_some((start, end))
    }

    /// `first` is the index in the file of the first sample here.
    fn checked(self, path: &Path, first: usize) -> Result<Self, AudioFileError> {
        if self.is_empty() {
            return Err(AudioFileError::Empty(path.into()));
        }
        for (channel, samples) in self.channels.iter().enumerate() {
            if let Some((index, &value)) = samples.iter().enumerate().find(|(_, value)| !value.is_finite()) {
                return Err(AudioFileError::NotFinite { path: path.into(), sample: first + index, channel, value });
            }
        }
        Ok(self)
    }
}

/// Seconds to the nearest sample.
fn sample_index(seconds: f64, sample_rate: u32) -> usize {
    (seconds * f64::from(sample_rate)).round() as usize
}

fn into_io(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// A file whose reads fail once it is no longer wanted: this stops a decoder.
struct WantedFile {
    file: File,
    is_wanted: Arc<AtomicBool>,
}

impl Read for WantedFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.is_wanted.load(Relaxed) { self.file.read(bytes) } else { Err(io::Error::other("not wanted any more")) }
    }
}

impl Seek for WantedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl MediaSource for WantedFile {
    fn is_seekable(&self) -> bool {
        self.file.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.file.byte_len()
    }
}

fn decode(path: &Path) -> Result<AudioFile, AudioFileError> {
    decode_stream(path, Box::new(open(path)?))
}

fn open(path: &Path) -> Result<File, AudioFileError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => AudioFileError::Missing(path.into()),
        _ => AudioFileError::Unreadable { path: path.into(), error },
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(AudioFileError::NotAudio { path: path.into(), why: "it is a folder".into() });
    }
    Ok(file)
}

fn decode_stream(path: &Path, source: Box<dyn MediaSource>) -> Result<AudioFile, AudioFileError> {
    let not_audio = |why: String| AudioFileError::NotAudio { path: path.into(), why };
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(source, Default::default());
    let format = symphonia::default::get_probe()
        .probe(&hint, stream, Default::default(), Default::default())
        .map_err(|error| not_audio(error.to_string()))?;
    decode_track(path, format)
}

fn decode_track(path: &Path, mut format: Box<dyn FormatReader + '_>) -> Result<AudioFile, AudioFileError> {
    let not_audio = |why: &str| AudioFileError::NotAudio { path: path.into(), why: why.into() };
    let track = format.default_track(TrackType::Audio).ok_or_else(|| not_audio("no audio track"))?;
    let track_id = track.id;
    let codec = track.codec_params.as_ref().and_then(|codec| codec.audio());
    let codec = codec.ok_or_else(|| not_audio("no audio codec"))?;
    let is_mp3 = codec.codec == CODEC_ID_MP3;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(codec, &AudioDecoderOptions::default())
        .map_err(|error| not_audio(&error.to_string()))?;
    let mut audio = AudioFile { sample_rate: codec.sample_rate.unwrap_or(0), channels: Vec::new() };
    let mut block: Vec<Vec<f32>> = Vec::new();
    loop {
        let damaged = |audio: &AudioFile, error: DecodeError| AudioFileError::Damaged {
            path: path.into(),
            seconds: if audio.is_empty() { 0.0 } else { audio.seconds() },
            why: error.to_string(),
        };
        let Some(packet) = format.next_packet().map_err(|error| damaged(&audio, error))? else { break };
        if packet.track_id != track_id {
            continue;
        }
        let decoded = match decoder.decode(&packet) {
            Err(DecodeError::DecodeError(_)) if is_mp3 => {
                let len = usize::try_from(packet.dur.get()).unwrap_or(0).min(MAX_PACKET_LEN);
                audio.channels.iter_mut().for_each(|channel| channel.resize(channel.len() + len, 0.0));
                continue;
            }
            decoded => decoded.map_err(|error| damaged(&audio, error))?,
        };
        audio.sample_rate = decoded.spec().rate();
        decoded.copy_to_vecs_planar(&mut block);
        if !(1..=MAX_CHANNELS).contains(&block.len()) {
            return Err(AudioFileError::Channels { path: path.into(), channels: block.len() });
        }
        audio.channels.resize_with(block.len().max(audio.channels.len()), Vec::new);
        audio.channels.iter_mut().zip(&block).for_each(|(channel, block)| channel.extend_from_slice(block));
    }
    if audio.is_empty() { Err(AudioFileError::Empty(path.into())) } else { Ok(audio) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(channels: usize) -> AudioFile {
        let channel = |c: usize| (0..1000).map(|n| n as f32 / 1000.0 - c as f32).collect();
        AudioFile { sample_rate: 1000, channels: (0..channels).map(channel).collect() }
    }

    #[test]
    fn float_wav_files_come_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        for channels in 1..=2 {
            let path = folder.path().join("a.wav");
            ramp(channels).write(&path).unwrap();
            assert_eq!(AudioFile::read(&path).unwrap(), ramp(channels));
        }
    }

    #[test]
    fn a_range_is_cut_at_the_nearest_samples_and_a_bad_one_is_refused_with_the_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a@b.wav");
        ramp(1).write(&path).unwrap();
        let read = |range: &str| {
            AudioFile::read_source(&format!("{}{range}", path.display()).parse().unwrap_or_else(|error| match error {}))
        };
        assert_eq!(read("").unwrap().len(), 1000);
        let cut = read("@0.0096-0.0204").unwrap();
        assert_eq!(cut.channels[0], ramp(1).channels[0][10..20]);
        assert_eq!(read("@0-1").unwrap().len(), 1000);
        for bad in ["@0.5-0.2", "@0.5-0.5", "@0-1.1", "@2-3", "@0-inf", "@NaN-1"] {
            let message = read(bad).unwrap_err().to_string();
            assert!(message.contains("a@b.wav") && message.contains("1.000 s"), "{message}");
        }
    }

    #[test]
    fn a_file_that_is_not_wanted_any_more_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        ramp(2).write(&path).unwrap();
        let read = |is_wanted: bool| AudioFile::read_while(&path, Arc::new(AtomicBool::new(is_wanted)));
        assert_eq!(read(true).unwrap(), ramp(2));
        assert!(read(false).is_err());
    }

    #[test]
    fn files_that_hold_no_sound_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let message = || AudioFile::read(&path).unwrap_err().to_string();
        assert!(message().contains("a.wav: no such file"));
        std::fs::write(&path, "this is text, however long it may be; there is no sound in it at all").unwrap();
        assert!(message().contains("a.wav: unsupported audio file"), "{}", message());
        let mut broken = ramp(2);
        broken.channels[1][7] = f32::NAN;
        broken.write(&path).unwrap();
        assert!(message().contains("sample 7 of channel 1 is NaN"), "{}", message());
        AudioFile { sample_rate: 1000, channels: vec![vec![]] }.write(&path).unwrap();
        assert!(message().contains("a.wav"), "{}", message());
        AudioFile { sample_rate: 1000, channels: vec![vec![0.5; 9]; 3] }.write(&path).unwrap();
        assert!(message().contains("3 channels"), "{}", message());
    }
}
