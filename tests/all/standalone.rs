//! The standalone program, started as a user starts it, on the dummy back end.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unweave-standalone"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, stdout and stderr.
fn outcome(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_song_that_cannot_be_read_ends_the_program_with_its_name() {
    for (arguments, code, named) in [
        (&["-b", "dummy", "no such song.wav"][..], 1, "no such song.wav: no such file"),
        (&["-b", "dummy", "Cargo.toml"], 1, "Cargo.toml: unsupported audio file"),
        (&["-b", "dummy", "tests/audio/tone.wav", "--loop", "0-1000"], 1, "the range 0-1000"),
        (&["-b", "dummy", "tests/audio/tone.wav", "--loop", "all"], 2, "--loop all"),
    ] {
        let (found, _, message) = outcome(program(arguments).output().unwrap());
        assert!(found == Some(code) && message.contains(named), "{found:?}: {message}");
    }
}

#[test]
fn help_lists_the_programs_own_arguments_and_those_of_the_audio_device() {
    let (code, help, _) = outcome(program(&["--help"]).output().unwrap());
    assert_eq!(code, Some(0));
    for part in ["--loop FROM-TO", "--backend", "--sample-rate", "--input-device"] {
        assert!(help.contains(part), "{part} is missing in {help}");
    }
    assert!(outcome(program(&["-V"]).output().unwrap()).1.contains(env!("CARGO_PKG_VERSION")));
}

// With a screen: `standalone_walk.py`.
#[cfg(target_os = "linux")]
#[test]
fn without_a_screen_it_plays_until_it_is_interrupted_and_then_reports_that() {
    for song in [&["tests/audio/tone.flac", "--loop", "0-0.1"][..], &[]] {
        let running = program(&[&["-b", "dummy"], song].concat()).env_remove("DISPLAY").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let id = running.id().to_string();
        let start = Instant::now();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let (code, _, message) = outcome(running.wait_with_output().unwrap());
        assert_eq!(code, Some(1), "{message}");
        assert!(message.contains("Failed to open editor"), "{message}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(!message.contains("panicked"), "{message}");
    }
}
