//! The lecture's experiment, the whole example, on a sound made here.

#[path = "../../examples/lecture.rs"]
#[allow(dead_code, reason = "its `main` reads the command line, which a test has not")]
mod lecture;

use std::f32::consts::TAU;
use std::fs;
use std::path::Path;

use unweave::dsp::Divergence;
use unweave::files::audio::AudioFile;

const RATE: u32 = 22_050;
const WINDOW_LEN: usize = 2048;

/// Two seconds of three tones with a partial each, that pulse at different speeds.
fn sound() -> AudioFile {
    let tone = |hz: f32, pulses: f32, t: f32| {
        ((TAU * hz * t).sin() + 0.5 * (TAU * 2.0 * hz * t).sin()) * (1.1 + (TAU * pulses * t).cos()) * 0.1
    };
    let sample = |n: u32| {
        let t = n as f32 / RATE as f32;
        tone(220.0, 2.0, t) + tone(930.0, 3.0, t) + tone(3170.0, 5.0, t)
    };
    AudioFile { sample_rate: RATE, channels: vec![(0..2 * RATE).map(sample).collect()] }
}

fn losses(folder: &Path) -> Vec<f64> {
    let table = fs::read_to_string(folder.join("loss.csv")).unwrap();
    table.lines().skip(1).map(|row| row.split_once(',').unwrap().1.parse().unwrap()).collect()
}

#[test]
fn the_lectures_experiment_draws_its_pictures_lowers_its_loss_and_adds_up_to_the_input() {
    let audio = sound();
    for divergence in [Divergence::Euclidean, Divergence::KullbackLeibler] {
        let folder = tempfile::tempdir().unwrap();
        lecture::run(&audio, divergence, folder.path()).unwrap();
        for picture in ["loss.png", "spectrogram.png"] {
            assert_eq!(fs::read(folder.path().join(picture)).unwrap()[1..4], *b"PNG");
        }

        let losses = losses(folder.path());
        assert_eq!(losses.len(), 101, "the start, and each of 100 updates");
        // 1e-6 of the loss: the f32 rounding of an update that changes nothing any more.
        assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)), "{divergence:?}: {losses:?}");
        assert!(losses[100] < 0.1 * losses[0], "{divergence:?}: from {} to {}", losses[0], losses[100]);

        let read = |name: String| AudioFile::read(&folder.path().join(name)).unwrap();
        let parts: Vec<AudioFile> = (1..=3).map(|k| read(format!("{k}.wav"))).collect();
        assert!((1..=3).all(|k| !read(format!("template-{k}.wav")).is_empty()));
        let input = &audio.channels[0];
        // A window at each end has not all of its frames.
        let inner = WINDOW_LEN..parts[0].len().min(input.len()) - WINDOW_LEN;
        assert!(inner.len() > RATE as usize, "{inner:?}");
        let energy = |value: &dyn Fn(usize) -> f32| inner.clone().map(|n| f64::from(value(n)).powi(2)).sum::<f64>();
        let error = energy(&|n| parts.iter().map(|part| part.channels[0][n]).sum::<f32>() - input[n]);
        let error_db = 10.0 * (error / energy(&|n| input[n])).log10();
        // Masks sum to one, so only the transforms' f32 rounding is left.
        assert!(error_db < -100.0, "{divergence:?}: the components add up to {error_db} dB");
        assert!(parts.iter().all(|part| energy(&|n| part.channels[0][n]) > 1e-3 * energy(&|n| input[n])));
    }
}
