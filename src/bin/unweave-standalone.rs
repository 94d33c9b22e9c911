//! The plug-in without a host: its input is a song or the live input, its output goes to nice-plug's ALSA, JACK or dummy back end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use unweave::files::audio::{AudioFile, AudioFileError, TimeRange};
use unweave::player;
use unweave::plugin::standalone;

const NAME: &str = "unweave-standalone";
const HELP: &str = "\
Separates the components of a sound while it plays, without a host: opens, plays and loops a song.

Usage: unweave-standalone [SONG] [--loop FROM-TO] [OPTIONS]

  SONG                The song to play: WAV, FLAC, MP3, Ogg Vorbis or AIFF. Without a song, the live input is heard
      --loop FROM-TO  Loop a range of the song, in seconds from its start
  -V, --version       Print the version

The options of the audio device and the window:
";
/// The long names of short options.
const SHORT_OPTIONS: [(&str, &str); 6] = [
    ("b", "backend"),
    ("h", "help"),
    ("l", "audio-layout"),
    ("p", "period-size"),
    ("r", "sample-rate"),
    ("V", "version"),
];

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{NAME}: {error:#}; see {NAME} --help");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the audio device played until the program was ended.
fn run(mut arguments: Arguments) -> Result<bool> {
    if arguments.option("version").is_some() {
        println!("{NAME} {}", env!("CARGO_PKG_VERSION"));
        return Ok(true);
    }
    let is_help = arguments.option("help").is_some();
    let player = player::connect();
    if is_help {
        print!("{HELP}");
    } else if let Some(path) = &arguments.song {
        let song = read(path, arguments.loop_range)?;
        let control = &player.1;
        control.open_read(path, song);
        if let Some(loop_range) = arguments.loop_range {
            control.set_loop(loop_range.from_s, loop_range.to_s);
        }
        control.play();
    }
    let backend = arguments.option("backend").and_then(|option| option.value.clone());
    if !is_help && ["auto", "jack"].contains(&backend.as_deref().unwrap_or("auto")) {
        // nice-plug activates the plug-in at the rate of its option, even if JACK runs at another.
        if let Some(sample_rate) = jack_sample_rate() {
            arguments.options.retain(|option| option.name != "sample-rate");
            arguments.options.push(HostOption { name: "sample-rate".into(), value: Some(sample_rate.to_string()) });
        }
    }
    let options = arguments.options.iter().map(HostOption::to_string);
    Ok(standalone::run(player, std::iter::once(NAME.into()).chain(options).collect()))
}

/// Reads a song, and checks that the loop lies within it.
fn read(path: &Path, loop_range: Option<TimeRange>) -> Result<AudioFile> {
    let song = AudioFile::read(path)?;
    match loop_range {
        Some(range) if song.sample_range(range).is_none() => {
            Err(AudioFileError::Range { path: path.into(), range, seconds: song.seconds() })
                .context("--loop is outside the song")
        }
        _ => Ok(song),
    }
}

/// The sample rate of the JACK server, if one is running.
fn jack_sample_rate() -> Option<u32> {
    let (client, _) = jack::Client::new(NAME, jack::ClientOptions::NO_START_SERVER).ok()?;
    Some(client.sample_rate())
}

/// This program's own arguments, and the options for nice-plug.
#[derive(Debug, Default, PartialEq)]
struct Arguments {
    song: Option<PathBuf>,
    loop_range: Option<TimeRange>,
    options: Vec<HostOption>,
}

/// An option of nice-plug, by its long name if it has one.
#[derive(Debug, PartialEq)]
struct HostOption {
    name: String,
    value: Option<String>,
}

impl std::fmt::Display for HostOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dashes = if self.name.chars().count() == 1 { "-" } else { "--" };
        write!(f, "{dashes}{}", self.name)?;
        self.value.as_ref().map_or(Ok(()), |value| write!(f, "={value}"))
    }
}

impl Arguments {
    /// # Errors
    /// Two songs, a loop without a song, or an invalid loop. nice-plug checks its own options.
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut parsed = Self::default();
        let mut is_options = true;
        while let Some(word) = words.next() {
            if is_options && word == "--" {
                is_options = false;
            } else if is_options && word.starts_with('-') && word != "-" {
                parsed.take(HostOption::parse(&word, &mut words))?;
            } else if let Some(first) = &parsed.song {
                bail!("only one song can be played: {} or {word}", first.display());
            } else {
                parsed.song = Some(word.into());
            }
        }
        ensure!(parsed.song.is_some() || parsed.loop_range.is_none(), "--loop needs a song");
        Ok(parsed)
    }

    fn take(&mut self, option: HostOption) -> Result<()> {
        if option.name != "loop" {
            self.options.push(option);
            return Ok(());
        }
        let text = option.value.unwrap_or_default();
        let range = text.split_once('-').and_then(|(from, to)| {
            Some(TimeRange { from_s: from.trim().parse().ok()?, to_s: to.trim().parse().ok()? })
        });
        self.loop_range =
            Some(range.with_context(|| format!("--loop {text}: must be FROM-TO in seconds, such as 12.5-20"))?);
        Ok(())
    }

    fn option(&self, name: &str) -> Option<&HostOption> {
        self.options.iter().find(|option| option.name == name)
    }
}

impl HostOption {
    /// `--name=value`, `--name value`, `-nvalue` or `-n value`; all options but two have a value.
    fn parse(word: &str, rest: &mut impl Iterator<Item = String>) -> Self {
        let (name, value) = match word.strip_prefix("--") {
            Some(long) => long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value))),
            None => {
                let first = word.chars().nth(1).map_or(0, char::len_utf8);
                let (name, value) = word[1..].split_at(first);
                (name, Some(value.trim_start_matches('=')).filter(|value| !value.is_empty()))
            }
        };
        let name = SHORT_OPTIONS.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
        let value = match (value, name) {
            (None, "help" | "version") => None,
            (None, _) => rest.next(),
            (value, _) => value.map(Into::into),
        };
        Self { name: name.into(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn song_and_loop_are_parsed_and_all_other_options_are_passed_on() {
        let parsed = parse("-b alsa song.mp3 --loop 1.5-3 -r44100 --period-size=64 --input-device hw").unwrap();
        assert_eq!(parsed.song, Some("song.mp3".into()));
        assert_eq!(parsed.loop_range, Some(TimeRange { from_s: 1.5, to_s: 3.0 }));
        let words: Vec<String> = parsed.options.iter().map(HostOption::to_string).collect();
        assert_eq!(words, ["--backend=alsa", "--sample-rate=44100", "--period-size=64", "--input-device=hw"]);
        assert_eq!(parse("--help song.wav").unwrap().song, Some("song.wav".into()));
        assert_eq!(parse("-- --loop").unwrap().song, Some("--loop".into()));
    }

    #[test]
    fn an_invalid_loop_and_a_second_song_are_rejected_by_name() {
        for (line, named) in [
            ("a.wav --loop 3", "--loop 3"),
            ("a.wav b.wav", "b.wav"),
            ("--loop 1-2", "song"),
            ("a.wav --loop", "FROM-TO"),
        ] {
            let message = format!("{:#}", parse(line).unwrap_err());
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn a_loop_beyond_the_song_is_rejected_with_the_songs_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        AudioFile { sample_rate: 1000, channels: vec![vec![0.5; 2000]] }.write(&path).unwrap();
        assert!(read(&path, Some(TimeRange { from_s: 0.5, to_s: 2.0 })).is_ok());
        let message = format!("{:#}", read(&path, Some(TimeRange { from_s: 0.5, to_s: 2.5 })).unwrap_err());
        assert!(message.contains("a.wav") && message.contains("2.000"), "{message}");
    }
}
