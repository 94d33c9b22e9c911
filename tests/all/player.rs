//! The song player: the output is the file for any division into blocks, and nothing clicks.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_no_alloc::{assert_no_alloc, violation_count};
use tempfile::TempDir;
use unweave::files::audio::AudioFile;
use unweave::player::{PlayerAudio, PlayerControl, SongState, StreamFormat, connect};

const RATE: u32 = 48_000;
/// 5 ms.
const FADE: usize = 240;
const STEREO: StreamFormat = StreamFormat { sample_rate: RATE, channels: 2 };

/// A slow stereo wave: neighbouring samples differ by at most [`STEP`].
fn wave(len: usize) -> Vec<Vec<f32>> {
    let channel = |phase: f64| (0..len).map(|n| (0.8 * (TAU * 110.0 * n as f64 / 48e3 + phase).sin()) as f32).collect();
    vec![channel(0.3), channel(1.1)]
}

const STEP: f32 = 0.8 * std::f32::consts::TAU * 110.0 / 48e3;

fn opened(channels: Vec<Vec<f32>>, sample_rate: u32, stream: StreamFormat) -> (PlayerAudio, PlayerControl) {
    let (audio, control) = connect();
    control.stream(stream);
    control.open_read(Path::new("song.wav"), AudioFile { sample_rate, channels });
    assert_eq!(settled(&control), SongState::Ready);
    (audio, control)
}

fn settled(control: &PlayerControl) -> SongState {
    let start = Instant::now();
    while matches!(control.state(), SongState::Loading(_)) {
        assert!(start.elapsed() < Duration::from_secs(60), "still loading");
        std::thread::sleep(Duration::from_millis(1));
    }
    control.state()
}

/// The output over an input of `live`, in blocks of the lengths of `blocks` in turn.
fn heard(audio: &mut PlayerAudio, live: f32, len: usize, blocks: &[usize]) -> Vec<Vec<f32>> {
    let mut out = vec![vec![live; len]; 2];
    let (mut start, mut blocks) = (0, blocks.iter().cycle());
    while start < len {
        let end = len.min(start + blocks.next().unwrap());
        let [left, right] = out.as_mut_slice() else { unreachable!() };
        assert_no_alloc(|| audio.fill(&mut [&mut left[start..end], &mut right[start..end]]));
        start = end;
    }
    assert_eq!(violation_count(), 0, "fill allocated or freed");
    out
}

fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn a_song_at_the_streams_rate_plays_to_the_bit_with_the_live_input_before_and_after() {
    let file = wave(10_000);
    let (mut audio, control) = opened(file.clone(), RATE, STEREO);
    assert_eq!(heard(&mut audio, 0.25, 100, &[64])[0], [0.25; 100]);
    assert_eq!((audio.is_playing(), control.is_playing()), (Some(false), false));
    control.play();
    let out = heard(&mut audio, 0.25, 12_000, &[512]);
    for (out, file) in out.iter().zip(&file) {
        assert_eq!(out[0], 0.25);
        assert_eq!(out[FADE..10_000], file[FADE..]);
        assert!(out[10_000 + FADE..].iter().all(|&sample| sample == 0.25));
    }
    assert_eq!((audio.is_playing(), control.is_playing()), (Some(false), false));
    assert_eq!(control.position_s(), 10_000.0 / 48e3);
    control.play();
    assert!(control.is_playing());
    assert_eq!(heard(&mut audio, 0.0, 1000, &[512])[1][FADE..], file[1][FADE..1000]);
}

#[test]
fn a_loop_repeats_to_the_sample_and_its_seam_does_not_click() {
    let file = wave(20_000);
    let (mut audio, control) = opened(file.clone(), RATE, STEREO);
    let (from, to) = (4_000, 9_111);
    control.set_loop(from as f64 / 48e3, to as f64 / 48e3);
    control.seek(from as f64 / 48e3);
    control.play();
    let out = heard(&mut audio, 0.0, 30_000, &[333]);
    // The crossfade adds the difference of the two positions, spread over its length.
    let allowed = STEP + 1.6 / FADE as f32;
    for (out, file) in out.iter().zip(&file) {
        assert!((file[to] - file[from]).abs() > 0.1, "this seam would not click anyway");
        assert!(largest_step(out) <= allowed, "{} > {allowed}", largest_step(out));
        for (n, &sample) in out.iter().enumerate() {
            let (round, place) = (n / (to - from), n % (to - from));
            if place >= FADE {
                assert_eq!(sample, file[from + place], "round {round}, sample {place}");
            }
        }
    }
    let place = from + 30_000 % (to - from);
    assert_eq!(control.position_s(), place as f64 / 48e3);
    let looped = control.loop_range().unwrap();
    assert_eq!(((looped.from_s * 48e3).round(), (looped.to_s * 48e3).round()), (from as f64, to as f64));
}

#[test]
fn any_split_into_blocks_gives_the_same_bits() {
    let act = |blocks: &[usize]| {
        let (mut audio, control) = opened(wave(30_000), RATE, STEREO);
        control.set_loop(0.1, 0.15);
        control.play();
        let mut out = heard(&mut audio, 0.1, 9_000, blocks);
        let mut then = |len| {
            let more = heard(&mut audio, 0.1, len, blocks);
            out.iter_mut().zip(more).for_each(|(out, more)| out.extend(more));
        };
        control.seek(0.13);
        then(101);
        control.seek(0.02);
        then(7_000);
        control.pause();
        then(130);
        control.play();
        control.clear_loop();
        then(30_000);
        (out, control.position_s())
    };
    let whole = act(&[100_000]);
    for blocks in [&[1][..], &[64], &[239, 1, 3, 1000], &[480, 7]] {
        assert!(act(blocks) == whole, "blocks of {blocks:?}");
    }
}

#[test]
fn play_pause_seek_and_another_song_fade_instead_of_clicking() {
    let allowed = STEP + 1.6 / FADE as f32;
    let (mut audio, control) = opened(wave(30_000), RATE, STEREO);
    let mut out = heard(&mut audio, 0.0, 100, &[64]);
    let mut then = |audio: &mut PlayerAudio, len| {
        let more = heard(audio, 0.0, len, &[64]);
        out.iter_mut().zip(more).for_each(|(out, more)| out.extend(more));
    };
    control.play();
    then(&mut audio, 1000);
    control.pause();
    then(&mut audio, 100);
    control.play();
    then(&mut audio, 1000);
    control.seek(0.4);
    assert_eq!(control.position_s(), 0.4);
    then(&mut audio, 1000);
    control.set_loop(0.1, 0.2);
    then(&mut audio, 1000);
    control.open_read(Path::new("other.wav"), AudioFile { sample_rate: RATE, channels: wave(5_000) });
    control.play();
    assert_eq!(settled(&control), SongState::Ready);
    then(&mut audio, 1000);
    assert!(out.iter().all(|out| largest_step(out) <= allowed), "{}", largest_step(&out[0]));
    assert_eq!(control.song().unwrap().path(), Path::new("other.wav"));
    // Faded out with the old song, and in with the new one.
    assert_eq!(control.position_s(), (1000 - FADE) as f64 / 48e3);
}

#[test]
fn requests_before_the_song_and_the_stream_are_ready_are_carried_out_later() {
    let (mut audio, control) = connect();
    control.open_read(Path::new("song.wav"), AudioFile { sample_rate: RATE, channels: wave(9_000) });
    control.seek(0.1);
    control.set_loop(f64::NAN, f64::INFINITY);
    control.play();
    assert!(matches!(control.state(), SongState::Loading(_)) && !control.is_playing());
    assert_eq!(heard(&mut audio, 0.5, 64, &[64])[0], [0.5; 64]);
    assert_eq!(audio.is_playing(), None);
    control.stream(STEREO);
    assert_eq!(settled(&control), SongState::Ready);
    assert!(control.is_playing());
    assert_eq!(heard(&mut audio, 0.5, 4_200, &[64])[0][FADE..], wave(9_000)[0][4_800 + FADE..9_000]);
    heard(&mut audio, 0.5, 1_000, &[64]);
    assert_eq!(control.position_s(), 1_000.0 / 48e3, "the loop is the whole song");
    control.set_loop(0.05, 0.05);
    assert!((control.loop_range().unwrap().to_s - 0.06).abs() < 1e-9, "a loop is two fades long at least");
}

#[test]
fn channels_are_mapped_to_the_streams_channels() {
    let (mut audio, control) = opened(wave(9_000)[..1].to_vec(), RATE, STEREO);
    control.play();
    let out = heard(&mut audio, 0.0, 5_000, &[256]);
    assert!(out[0] == out[1] && out[1][FADE..] == wave(9_000)[0][FADE..5_000]);
    let (_, control) = opened(wave(9_000), RATE, StreamFormat { channels: 1, ..STEREO });
    let (song, file) = (control.song().unwrap(), wave(9_000));
    assert_eq!(song.channels(), [(0..9_000).map(|n| 0.5 * file[0][n] + 0.5 * file[1][n]).collect::<Vec<_>>()]);
}

#[test]
fn a_resampled_sine_is_the_sine_at_the_new_rate_within_minus_80_db() {
    for (file_rate, stream_rate) in
        [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (22_050, 48_000), (44_101, 48_000)]
    {
        for hz in [100.0, 997.0, 8_000.0] {
            let sine = |n: usize, rate: u32| (0.5 * (TAU * hz * n as f64 / f64::from(rate)).sin()) as f32;
            let file = (0..2 * file_rate as usize).map(|n| sine(n, file_rate)).collect();
            let (_, control) = opened(vec![file], file_rate, StreamFormat { sample_rate: stream_rate, channels: 2 });
            let song = control.song().unwrap();
            assert_eq!(song.len(), 2 * stream_rate as usize);
            let middle = stream_rate as usize / 10..song.len() - stream_rate as usize / 10;
            let error = middle.map(|n| (song.channels()[0][n] - sine(n, stream_rate)).abs()).fold(0.0, f32::max);
            let error_db = 20.0 * (error / 0.5).log10();
            assert!(error_db < -80.0, "{hz} Hz, {file_rate} to {stream_rate}: {error_db} dB");
        }
    }
}

#[test]
fn frequencies_above_half_the_streams_rate_do_not_alias() {
    let sine = |n: usize| (0.5 * (TAU * 30_000.0 * n as f64 / 96e3).sin()) as f32;
    let (_, control) = opened(vec![(0..96_000).map(sine).collect()], 96_000, STEREO);
    let song = control.song().unwrap();
    let rest = song.channels()[0][4_800..43_200].iter().fold(0.0f32, |rest, sample| rest.max(sample.abs()));
    assert!(rest < 5e-5, "{rest}: -80 dB below the sine");
}

#[test]
fn the_overview_holds_the_extremes_of_every_column() {
    let mut file = vec![vec![0.0; 100_000]; 2];
    (file[0][777], file[1][99_999]) = (0.9, -0.7);
    let (_, control) = opened(file, RATE, STEREO);
    let song = control.song().unwrap();
    let overview = song.overview();
    assert_eq!(overview.len(), 2000);
    assert_eq!((overview[777 / 50].max, overview[1999].min), (0.9, -0.7));
    assert_eq!(overview.iter().filter(|peak| peak.max != 0.0 || peak.min != 0.0).count(), 2);
    assert_eq!(opened(wave(30), RATE, STEREO).1.song().unwrap().overview().len(), 30);
}

#[test]
fn a_file_that_cannot_be_played_fails_with_its_name_and_the_reason() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    std::fs::write(path("text.mp3"), "no sound at all, only words, and these are not many").unwrap();
    AudioFile { sample_rate: 48_000, channels: vec![vec![]] }.write(&path("empty.wav")).unwrap();
    AudioFile { sample_rate: 48_000, channels: vec![vec![0.0; 9]; 3] }.write(&path("three.wav")).unwrap();
    AudioFile { sample_rate: 1, channels: vec![vec![0.0; 9]] }.write(&path("slow.wav")).unwrap();
    let (mut audio, control) = connect();
    control.stream(STEREO);
    for (name, why) in [
        ("none.wav", "no such file"),
        ("text.mp3", "WAV, FLAC, MP3, Ogg Vorbis or AIFF"),
        ("empty.wav", ""),
        ("three.wav", "mono or stereo"),
        ("slow.wav", "from 1000 to"),
    ] {
        control.open(&path(name));
        control.play();
        let SongState::Failed(message) = settled(&control) else { panic!("{name} was taken") };
        assert!(message.contains(name) && message.contains(why), "{message}");
        assert!(control.song().is_none() && !control.is_playing());
        assert_eq!(heard(&mut audio, 0.5, 64, &[64])[0], [0.5; 64]);
    }
    control.open(Path::new("tests/audio/tone.mp3"));
    assert_eq!(settled(&control), SongState::Ready);
    assert!(control.song().unwrap().seconds() > 0.1);
}

#[test]
fn songs_are_freed_with_the_player_and_when_they_are_replaced() {
    let (mut audio, control) = opened(wave(30_000), RATE, STEREO);
    let first = std::sync::Arc::downgrade(&control.song().unwrap());
    control.play();
    heard(&mut audio, 0.0, 1_000, &[64]);
    control.open_read(Path::new("next.wav"), AudioFile { sample_rate: RATE, channels: wave(5_000) });
    settled(&control);
    heard(&mut audio, 0.0, 1_000, &[64]);
    control.state();
    assert!(first.upgrade().is_none());
    // Ends the loader's thread during a job.
    control.open(Path::new("tests/audio/tone.mp3"));
    drop(control);
}
