//! Files in every format that is promised, made by SoX 14.4.2: half a second of a 440 Hz sine of amplitude ½; in stereo
//! the right channel has half of that.
//!
//! ```text
//! sox -D -R -n -r RATE -c 1 FILE synth 0.5 sine 440 vol 0.5
//! sox -D -R -n -r RATE -c 2 FILE synth 0.5 sine 440 sine 440 vol 0.5 remix 1 2v0.5
//! ```
//!
//! with `-b 16` or `-b 24` where a format has a choice, and `-C 64` for MP3.

use std::f64::consts::SQRT_2;
use std::fs;
use std::path::{Path, PathBuf};

use unweave::files::audio::{AudioFile, AudioFileError};

const SECONDS: f64 = 0.5;
/// An MP3's frame, and what encoder and decoder may add at both ends.
const MP3_PADDING: usize = 3 * 1152;

struct Expected {
    file: &'static str,
    sample_rate: u32,
    channels: usize,
    /// Samples that may be added.
    padding: usize,
    /// Share by which a level may be off.
    level_error: f64,
}

const fn lossless(file: &'static str, sample_rate: u32, channels: usize) -> Expected {
    // 1e-3: 16 bits, and 0.5 s of sine.
    Expected { file, sample_rate, channels, padding: 0, level_error: 1e-3 }
}

const FILES: [Expected; 7] = [
    lossless("tone.wav", 22_050, 1),
    lossless("tone-24.wav", 8_000, 2),
    lossless("tone.aiff", 22_050, 1),
    lossless("tone.flac", 22_050, 2),
    // 2 %: a fifth of a decibel of Vorbis quantisation. 6 %: the MP3 encoder scales its input by 0.95 on purpose.
    Expected { file: "tone.ogg", sample_rate: 48_000, channels: 2, padding: 0, level_error: 0.02 },
    Expected { file: "tone.mp3", sample_rate: 44_100, channels: 1, padding: MP3_PADDING, level_error: 0.06 },
    Expected { file: "tone-stereo.mp3", sample_rate: 44_100, channels: 2, padding: MP3_PADDING, level_error: 0.06 },
];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio").join(file)
}

fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

/// From the first upward zero crossing to the last, each placed between its samples.
fn frequency_hz(samples: &[f32], sample_rate: u32) -> f64 {
    let crossing = |(n, pair): (usize, &[f32])| {
        (pair[0] < 0.0 && pair[1] >= 0.0).then(|| n as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
    };
    let crossings: Vec<f64> = samples.windows(2).enumerate().filter_map(crossing).collect();
    (crossings.len() - 1) as f64 / (crossings[crossings.len() - 1] - crossings[0]) * f64::from(sample_rate)
}

/// Without a tenth of a second at both ends: there encoders fade, and MP3 files have their padding.
fn middle(audio: &AudioFile, channel: usize) -> &[f32] {
    let edge = audio.sample_rate as usize / 10;
    &audio.channels[channel][edge..audio.len() - edge]
}

#[test]
fn every_promised_format_gives_the_tone_that_was_written() {
    for expected in &FILES {
        let file = expected.file;
        let audio = AudioFile::read(&path(file)).unwrap();
        assert_eq!((audio.sample_rate, audio.channels.len()), (expected.sample_rate, expected.channels), "{file}");
        let len = (SECONDS * f64::from(expected.sample_rate)) as usize;
        assert!((len..=len + expected.padding).contains(&audio.len()), "{file}: {} samples for {len}", audio.len());
        for (channel, amplitude) in (0..expected.channels).zip([0.5, 0.25]) {
            let samples = middle(&audio, channel);
            let level = rms(samples) / (amplitude / SQRT_2);
            // A stretch of 0.3 s is 132 periods, so its ends do not count.
            assert!((level - 1.0).abs() < expected.level_error, "{file} {channel}: {level} of its level");
            let hz = frequency_hz(samples, audio.sample_rate);
            // A quarter of a hertz: two crossings that noise moves by a tenth of a period.
            assert!((hz - 440.0).abs() < 0.25, "{file} {channel}: {hz} Hz");
        }
    }
}

/// A copy of a file that `change` was done to, read.
fn read_changed(file: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<AudioFile, AudioFileError> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(file);
    let mut bytes = fs::read(path(file)).unwrap();
    change(&mut bytes);
    fs::write(&copy, bytes).unwrap();
    AudioFile::read(&copy)
}

#[test]
fn a_file_that_is_cut_short_gives_what_is_there_of_it_or_says_where_it_ends() {
    for Expected { file, .. } in &FILES {
        let whole = AudioFile::read(&path(file)).unwrap();
        for share in [2, 10, 100, 300, 500, 700, 900, 997] {
            let cut = read_changed(file, |bytes| bytes.truncate(bytes.len() * share / 1000));
            match cut {
                Ok(part) => {
                    assert_eq!(part.channels.len(), whole.channels.len(), "{file} {share}");
                    assert!(part.len() <= whole.len() + MP3_PADDING, "{file} {share}: {}", part.len());
                }
                Err(error) => {
                    let is_told = matches!(
                        error,
                        AudioFileError::NotAudio { .. } | AudioFileError::Damaged { .. } | AudioFileError::Empty(_)
                    );
                    assert!(is_told && error.to_string().contains(file), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_damaged_mp3_frame_is_a_gap_and_the_rest_is_read() {
    for file in ["tone.mp3", "tone-stereo.mp3"] {
        let whole = AudioFile::read(&path(file)).unwrap();
        for seed in 0..40 {
            let broken = read_changed(file, |bytes| {
                // Sixteen bytes somewhere in the second half: a piece of one frame.
                let start = bytes.len() / 2 + (bytes.len() / 2 - 16) * seed / 40;
                bytes[start..start + 16].fill(0xff);
            });
            let broken = broken.unwrap_or_else(|error| panic!("{file} {seed}: {error}"));
            assert!(broken.channels.iter().flatten().all(|sample| sample.is_finite()));
            // A frame whose header is gone is left out, with what the next ones borrow from it.
            assert!(broken.len() <= whole.len() && broken.len() + MP3_PADDING >= whole.len(), "{file} {seed}");
        }
    }
}
