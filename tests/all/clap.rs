//! The plug-in in a real CLAP host, driven by parameters alone.

use std::path::Path;

use crate::clap_host::Host;
use clack_host::prelude::PluginEntry;
use unweave::files::audio::AudioFile;

/// Splits that no two blocks of one hop have in common.
const SPLITS: [usize; 8] = [1, 7, 32, 64, 480, 1024, 4096, 333];
const RATE: f64 = 48_000.0;

fn host(channels: usize) -> Host {
    host_at(RATE, channels)
}

fn host_at(sample_rate: f64, channels: usize) -> Host {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    Host::new(&entry, sample_rate, channels).unwrap()
}

/// Two instruments that take turns: low tones and bursts of noise.
fn music(seconds: f64, channels: usize) -> Vec<Vec<f32>> {
    let mut noise = 1u32;
    let mut sample = |n: usize, channel: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let beat = (n % 12_000) as f32 / 12_000.0;
        let tone = (std::f32::consts::TAU * 220.0 * n as f32 / 48_000.0).sin() * (1.0 - beat);
        let hit = ((noise >> 9) as f32 / (1 << 22) as f32 - 1.0) * (-beat * 40.0).exp();
        let is_hit_beat = (n / 12_000) % 2 == 1;
        if is_hit_beat { hit * (0.3 + 0.2 * channel as f32) } else { tone * (0.4 - 0.1 * channel as f32) }
    };
    (0..channels).map(|channel| (0..(seconds * RATE) as usize).map(|n| sample(n, channel)).collect()).collect()
}

fn peak_db(samples: impl Iterator<Item = f32>) -> f32 {
    20.0 * samples.map(f32::abs).fold(1e-12, f32::max).log10()
}

/// The loudest difference of `output` from `input` late by `latency`, in dB of full scale.
fn difference_db(output: &[Vec<f32>], input: &[Vec<f32>], latency: usize) -> f32 {
    let delayed = |channel: &[f32]| vec![0.0; latency].into_iter().chain(channel.to_vec());
    let pairs = output.iter().zip(input).flat_map(|(out, x)| out.iter().zip(delayed(x)).map(|(&out, x)| out - x));
    peak_db(pairs)
}

fn learned(channels: usize, components: usize) -> Host {
    let mut host = host(channels);
    host.set("Components", components as f64 - 1.0).unwrap();
    host.set("Templates", 3.0).unwrap();
    host.learn(&music(3.0, channels), &SPLITS).unwrap();
    host
}

#[test]
fn an_impulse_arrives_at_exactly_the_reported_latency_and_unlearned_sound_passes_to_the_bit() {
    for channels in [1, 2] {
        for sample_rate in [44_100.0, 48_000.0, 96_000.0] {
            let mut host = host_at(sample_rate, channels);
            let latency = host.latency_samples();
            let mut input = music(0.3, channels);
            input.iter_mut().for_each(|channel| channel[..100].fill(0.0));
            input[channels - 1][7] = 1.0;
            let output = host.play(&input, &SPLITS).unwrap();
            assert!(output[channels - 1][..latency + 7].iter().all(|&sample| sample == 0.0));
            assert_eq!(output[channels - 1][latency + 7], 1.0);
            for (out, x) in output.iter().zip(&input) {
                assert_eq!(out[latency..], x[..x.len() - latency]);
            }
        }
    }
}

#[test]
fn unity_is_the_delayed_input_and_solos_add_up_to_it() {
    for channels in [1, 2] {
        let mut host = learned(channels, 2);
        let (latency, input) = (host.latency_samples(), music(2.0, channels));
        host.play(&input, &SPLITS).unwrap();
        let unity = host.play(&input, &SPLITS).unwrap();
        let steady = latency + 4096;
        let after = |audio: &[Vec<f32>], skip: usize| audio.iter().map(|c| c[skip..].to_vec()).collect::<Vec<_>>();
        let error = difference_db(&after(&unity, steady), &after(&input, steady - latency), 0);
        assert!(error < -120.0, "unity is off by {error} dB");
        let mut sum = vec![vec![0.0; input[0].len()]; channels];
        for solo in ["Solo 1", "Solo 2"] {
            host.set(solo, 1.0).unwrap();
            // The faders settle, then the same input again.
            host.play(&input, &SPLITS).unwrap();
            let component = host.play(&input, &SPLITS).unwrap();
            let level = peak_db(component.iter().flatten().copied());
            assert!(level > -30.0, "{solo} is silent: {level} dB");
            for (sum, component) in sum.iter_mut().zip(&component) {
                sum.iter_mut().zip(component).for_each(|(sum, x)| *sum += x);
            }
            host.set(solo, 0.0).unwrap();
        }
        let error = difference_db(&after(&sum, steady), &after(&input, steady - latency), 0);
        assert!(error < -110.0, "the components add up to {error} dB");
    }
}

#[test]
fn any_split_into_blocks_sounds_the_same_to_the_bit_automation_included() {
    let mut host = learned(2, 3);
    let state = host.save().unwrap();
    let input = music(1.0, 2);
    let mut reference = None;
    for split in [vec![4096], vec![1], vec![7], vec![32], vec![64], vec![480], vec![1024], SPLITS.to_vec()] {
        let mut fresh = self::host(2);
        fresh.load(&state).unwrap();
        fresh.set("Gain 1", 0.3).unwrap();
        fresh.set("Solo 2", 1.0).unwrap();
        fresh.set("Mix", 0.9).unwrap();
        let (first, second) = (part(&input, 0, 20_000), part(&input, 20_000, 28_000));
        let mut output = fresh.play(&first, &split).unwrap();
        fresh.set("Solo 2", 0.0).unwrap();
        fresh.set("Mute 3", 1.0).unwrap();
        let rest = fresh.play(&second, &split).unwrap();
        output.iter_mut().zip(rest).for_each(|(output, rest)| output.extend(rest));
        assert_eq!(reference.get_or_insert_with(|| output.clone()), &output, "blocks of {split:?}");
    }
}

fn part(audio: &[Vec<f32>], start: usize, len: usize) -> Vec<Vec<f32>> {
    audio.iter().map(|channel| channel[start..start + len].to_vec()).collect()
}

#[test]
fn a_parameter_changes_at_its_sample_whatever_the_block() {
    let mut host = learned(1, 2);
    let state = host.save().unwrap();
    let input = music(0.5, 1);
    let mut in_one = self::host(1);
    in_one.load(&state).unwrap();
    in_one.set_at(3000, "Mute 1", 1.0).unwrap();
    let expected = in_one.play(&input, &[4096]).unwrap();
    let mut in_two = self::host(1);
    in_two.load(&state).unwrap();
    let mut output = in_two.play(&part(&input, 0, 3000), &[500]).unwrap();
    in_two.set("Mute 1", 1.0).unwrap();
    output[0].extend(in_two.play(&part(&input, 3000, input[0].len() - 3000), &[500]).unwrap().remove(0));
    assert_eq!(expected, output);
}

#[test]
fn a_saved_project_reopens_sounding_the_same_to_the_bit() {
    let mut host = learned(2, 3);
    host.set("Solo 2", 1.0).unwrap();
    host.set("Gate 2", 0.6).unwrap();
    host.play(&music(0.1, 2), &[64]).unwrap();
    let state = host.save().unwrap();
    let input = music(1.0, 2);
    let sounds: Vec<_> = (0..2)
        .map(|_| {
            let mut reopened = self::host(2);
            reopened.load(&state).unwrap();
            assert_eq!(reopened.save().unwrap(), state);
            reopened.play(&input, &SPLITS).unwrap()
        })
        .collect();
    assert_eq!(sounds[0], sounds[1]);
    host.activate(RATE, 2).unwrap();
    assert_eq!(host.play(&input, &SPLITS).unwrap(), sounds[0]);
    assert!(state.len() < 256 * 1024, "{} bytes", state.len());
}

#[test]
fn drums_are_captured_learned_soloed_and_reopened_to_the_bit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/groove/drums.flac");
    let mix = AudioFile::read(&path).unwrap();
    let (rate, half) = (f64::from(mix.sample_rate), mix.len() / 2);
    let mut host = host_at(rate, 2);
    host.set("Components", 2.0).unwrap();
    host.learn(&part(&mix.channels, 0, half), &SPLITS).unwrap();
    let test = part(&mix.channels, half, 4 * mix.sample_rate as usize);
    let mut energies = Vec::new();
    for solo in ["Solo 1", "Solo 2", "Solo 3"] {
        host.set(solo, 1.0).unwrap();
        host.activate(rate, 2).unwrap();
        let component = host.play(&test, &SPLITS).unwrap();
        let mut reopened = host_at(rate, 2);
        reopened.load(&host.save().unwrap()).unwrap();
        assert_eq!(reopened.play(&test, &SPLITS).unwrap(), component, "{solo}");
        energies.push(component[0].iter().map(|x| x * x).sum::<f32>());
        host.set(solo, 0.0).unwrap();
    }
    let mix_energy: f32 = test[0].iter().map(|x| x * x).sum();
    assert!(energies.iter().all(|energy| *energy > 0.001 * mix_energy && *energy < 0.99 * mix_energy), "{energies:?}");
}

#[test]
fn capture_is_never_saved_as_on() {
    let mut host = host(1);
    host.set("Capture", 1.0).unwrap();
    host.play(&music(0.1, 1), &[64]).unwrap();
    let state = String::from_utf8_lossy(&host.save().unwrap()).to_string();
    assert!(state.contains(r#""capture":{"string":"off"}"#), "{state}");
}

#[test]
fn a_capture_and_a_model_survive_deactivation() {
    let mut host = host(2);
    host.set("Components", 1.0).unwrap();
    let input = music(2.0, 2);
    host.set("Capture", 1.0).unwrap();
    host.play(&input, &SPLITS).unwrap();
    host.activate(RATE, 2).unwrap();
    // Nothing more is played: what is learned comes from before.
    host.finish_learning("null").unwrap();
    let model = host.saved_model().unwrap();
    for (sample_rate, channels) in [(96_000.0, 2), (44_100.0, 1), (RATE, 2)] {
        host.activate(sample_rate, channels).unwrap();
        assert_eq!(host.saved_model().unwrap(), model);
        let latency = host.latency_samples();
        let input = music(1.0, channels);
        host.set("Solo 1", 1.0).unwrap();
        let output = host.play(&input, &SPLITS).unwrap();
        let error = difference_db(&output, &input, latency);
        assert!(error > -40.0, "a solo changes nothing at {sample_rate} Hz, {channels} channels: {error} dB");
    }
}

#[test]
fn a_capture_with_nothing_in_it_changes_nothing() {
    let mut host = learned(1, 2);
    let model = host.saved_model().unwrap();
    for len in [0, 100, 48_000] {
        host.set("Capture", 1.0).unwrap();
        host.play(&[vec![0.0; len.max(1)]], &[64]).unwrap();
        host.set("Capture", 0.0).unwrap();
        host.play(&[vec![0.0; 64]], &[64]).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(host.saved_model().unwrap(), model);
}

#[test]
fn a_state_saved_after_states_were_loaded_during_learning_equals_the_loaded_one() {
    let state = learned(2, 2).save().unwrap();
    let mut host = host(2);
    host.load(&state).unwrap();
    let loaded = host.saved_model().unwrap();
    for _ in 0..3 {
        host.set("Capture", 1.0).unwrap();
        host.play(&music(2.0, 2), &[4096]).unwrap();
        host.set("Capture", 0.0).unwrap();
        host.play(&music(0.01, 2), &[64]).unwrap();
        // The learning begins.
        std::thread::sleep(std::time::Duration::from_millis(100));
        host.load(&state).unwrap();
        host.play(&music(0.01, 2), &[64]).unwrap();
    }
    // Longer than a learning takes.
    for _ in 0..30 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(host.saved_model().unwrap(), loaded);
    }
    assert_eq!(host.save().unwrap(), state);
}

#[test]
fn learning_the_same_twice_gives_the_same_model() {
    let models: Vec<String> = (0..2).map(|_| learned(2, 3).saved_model().unwrap()).collect();
    assert_eq!(models[0], models[1]);
    assert_ne!(models[0], "null");
}

#[test]
fn at_most_64_parameters_can_be_automated_and_a_footswitch_can_capture_and_learn() {
    let host = host(2);
    let automatable = host.params().values().filter(|param| param.is_automatable).count();
    assert_eq!(automatable, 54);
    for name in ["Components", "Templates", "Divergence", "Updates", "Gate 1", "Gate 16", "Mode"] {
        assert!(!host.params()[name].is_automatable, "{name}");
    }
    for name in ["Capture", "Command", "Target", "Mix", "Output", "Bypass", "Gain 1", "Mute 16", "Solo 16"] {
        assert!(host.params()[name].is_automatable, "{name}");
    }
}

#[test]
fn automation_in_the_middle_of_blocks_captures_each_target() {
    let mut host = host(2);
    let input = music(1.0, 2);
    for (target, names) in [(1.0, r#""components":["1"]"#), (2.0, r#""components":["1","2"]"#)] {
        let before = host.saved_model().unwrap();
        host.set_at(100, "Target", target).unwrap();
        host.set_at(700, "Capture", 1.0).unwrap();
        host.play(&part(&input, 0, 2048), &[2048]).unwrap();
        host.play(&part(&input, 2048, 44_000), &SPLITS).unwrap();
        host.set_at(900, "Capture", 0.0).unwrap();
        // The target of a capture is the one at its end: another comes later in the same block.
        host.set_at(1000, "Target", 0.0).unwrap();
        host.play(&part(&input, 46_048, 1500), &[1500]).unwrap();
        wait_for(|| host.saved_model().unwrap() != before);
        let model = host.saved_model().unwrap();
        assert!(model.contains(names), "{model:.300}");
    }
}

#[test]
fn an_automated_command_acts_once_for_each_change() {
    let mut host = host(2);
    let input = music(2.0, 2);
    host.play(&input, &SPLITS).unwrap();
    // A lane that holds its value sends it again and again.
    host.set_at(30, "Command", 1.0).unwrap();
    host.set_at(40, "Command", 1.0).unwrap();
    host.play(&part(&input, 0, 64), &[64]).unwrap();
    wait_for(|| host.saved_model().unwrap() != "null");
    let first = host.saved_model().unwrap();
    host.set_at(10, "Command", 1.0).unwrap();
    host.play(&part(&input, 0, 24_000), &[480]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(host.saved_model().unwrap(), first, "the same value again learned again");
    // Back to nothing and to the command within one block is a change.
    host.set_at(10, "Command", 0.0).unwrap();
    host.set_at(20, "Command", 5.0).unwrap();
    host.play(&part(&input, 0, 64), &[64]).unwrap();
    wait_for(|| host.saved_model().unwrap() == "null");
}

fn wait_for(mut is_true: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_true() {
        assert!(started.elapsed().as_secs() < 60, "it did not happen within a minute");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_mode_is_taken_up_when_the_host_activates_anew_with_its_exact_latency() {
    for (sample_rate, scale) in [(48_000.0, 1), (96_000.0, 2)] {
        let mut host = host_at(sample_rate, 2);
        for (mode, latency) in [(0.0, 4096), (2.0, 512), (3.0, 128), (1.0, 2048)] {
            let (before, restarts) = (host.latency_samples(), host.restarts());
            host.set("Mode", mode).unwrap();
            host.play(&music(0.2, 2), &SPLITS).unwrap();
            // Asked for once, and nothing changes while it plays: so CLAP wants it.
            assert_eq!((host.restarts(), host.latency_samples()), (restarts + 1, before));
            host.activate(sample_rate, 2).unwrap();
            assert_eq!(host.latency_samples(), latency * scale);
            let mut impulse = vec![vec![0.0; 20_000]; 2];
            impulse[1][77] = 1.0;
            let output = host.play(&impulse, &SPLITS).unwrap();
            assert_eq!(output[1].iter().position(|&x| x != 0.0), Some(77 + latency * scale));
        }
    }
}

#[test]
fn components_captured_one_by_one_come_apart_and_a_rest_can_follow() {
    let mut host = host(2);
    let (tone, noise) = (music(3.0, 2), music(3.25, 2));
    // The beats of music() take turns: the even ones are tones, the odd ones hits.
    let beat = |audio: &[Vec<f32>], is_odd: bool| -> Vec<Vec<f32>> {
        let is_kept = |n: usize| (n / 12_000 % 2 == 1) == is_odd;
        audio.iter().map(|c| c.iter().enumerate().map(|(n, &x)| if is_kept(n) { x } else { 0.0 }).collect()).collect()
    };
    for (target, audio) in [(1.0, beat(&tone, false)), (2.0, beat(&noise, true))] {
        host.set("Target", target).unwrap();
        host.learn(&audio, &SPLITS).unwrap();
    }
    let input = music(2.0, 2);
    for (solo, is_odd) in [("Solo 1", false), ("Solo 2", true)] {
        host.set(solo, 1.0).unwrap();
        host.activate(RATE, 2).unwrap();
        let latency = host.latency_samples();
        let output = host.play(&input, &SPLITS).unwrap();
        host.set(solo, 0.0).unwrap();
        let energy = |audio: &[Vec<f32>]| audio.iter().flatten().map(|x| x * x).sum::<f32>();
        let aligned: Vec<Vec<f32>> = output.iter().map(|channel| channel[latency..].to_vec()).collect();
        let (own, other) = (energy(&beat(&aligned, is_odd)), energy(&beat(&aligned, !is_odd)));
        // They take turns, so only what a window smears over the border is heard of the other.
        assert!(own > 20.0 * other, "{solo}: {own} of its own, {other} of the other");
    }
    host.set("Target", 17.0).unwrap();
    host.learn(&music(2.5, 2), &SPLITS).unwrap();
    let model = host.saved_model().unwrap();
    assert!(model.contains(r#""components":["1","2","rest"]"#), "{model:.300}");
}

#[test]
fn bypass_is_the_delayed_input_to_the_bit() {
    let mut host = learned(2, 2);
    let (latency, input) = (host.latency_samples(), music(1.0, 2));
    for (name, value) in [("Bypass", 1.0), ("Solo 1", 1.0), ("Output", 0.2)] {
        host.set(name, value).unwrap();
    }
    host.play(&input, &SPLITS).unwrap();
    let output = host.play(&input, &SPLITS).unwrap();
    for (out, x) in output.iter().zip(&input) {
        assert_eq!(out[latency..], x[..x.len() - latency]);
    }
}

#[test]
fn whatever_a_host_sends_the_output_is_finite() {
    let mut host = learned(2, 2);
    let mut input = music(1.0, 2);
    for (n, value) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38, -1e38, 1e-42].into_iter().enumerate() {
        input[n % 2][n * 3000..n * 3000 + 10].fill(value);
    }
    host.set("Solo 1", 1.0).unwrap();
    let output = host.play(&input, &SPLITS).unwrap();
    assert!(output.iter().flatten().all(|sample| sample.is_finite()));
    // The broken samples are gone a window later: nothing of them stays.
    let calm = host.play(&music(1.0, 2), &SPLITS).unwrap();
    assert!(peak_db(calm.iter().flat_map(|channel| channel[20_000..].iter().copied())) < 3.0);
}
