//! Separation quality: a small part of the public set, scored as its own script does, with floors that may only rise.
//! The set (47 MB) is not part of the repository. With it in `../shared/quality`, `cargo xtask test` runs these tests too;
//! alone they are `cargo test quality:: -- --ignored`.

use std::ops::ControlFlow;
use std::path::Path;

use unweave::dsp::{Mode, Settings};
use unweave::files::audio::AudioFile;
use unweave::files::render::{Outputs, layout_for, render};
use unweave::learn::{Capture, ComponentCapture, LearnOptions, learn_blind, learn_guided};
use unweave::model::settings::Steadiness;
use unweave::model::{Model, PlaybackSettings};

/// What is captured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scenario {
    Blind,
    Guided,
    Rest,
    Notes,
}

/// One mix of the set: its stems, and the samples to learn from and to be judged by.
struct Mix {
    audio: AudioFile,
    stems: Vec<(String, AudioFile)>,
    target: String,
    learn: std::ops::Range<usize>,
    /// Where the target is captured for [`Scenario::Rest`], if in the mix itself.
    captured_in_mix: Option<std::ops::Range<usize>>,
    test: std::ops::Range<usize>,
}

fn load(id: &str) -> Mix {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/quality");
    let text = std::fs::read_to_string(root.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mix = manifest["mixes"].as_array().unwrap().iter().find(|mix| mix["id"] == id).unwrap();
    let read = |path: &serde_json::Value| AudioFile::read(&root.join(path.as_str().unwrap())).unwrap();
    let span = |value: &serde_json::Value| {
        let ends: Vec<usize> = serde_json::from_value(value.clone()).ok()?;
        Some(ends[0]..ends[1])
    };
    Mix {
        audio: read(&mix["mix"]),
        stems: mix["stems"].as_object().unwrap().iter().map(|(name, path)| (name.clone(), read(path))).collect(),
        target: mix["target"].as_str().unwrap().into(),
        learn: span(&mix["learn_samples"]).unwrap(),
        captured_in_mix: span(&mix["capture"]["from_mix_samples"]),
        test: span(&mix["test_samples"]).unwrap(),
    }
}

fn capture(audio: &AudioFile, span: &std::ops::Range<usize>) -> Capture {
    let channels = audio.channels.iter().map(|channel| channel[span.clone()].to_vec()).collect();
    Capture::new(audio.sample_rate as f32, channels).unwrap()
}

fn learn(mix: &Mix, scenario: Scenario) -> Model {
    let mut on_progress = |_| ControlFlow::Continue(());
    let part = |name: &str, capture: Capture| ComponentCapture {
        name: name.into(),
        capture,
        templates: None,
        steadiness: Steadiness::Detect,
    };
    let alone = |(name, stem): &(String, AudioFile)| part(name, capture(stem, &mix.learn));
    let learned = match scenario {
        Scenario::Blind => {
            let options = LearnOptions { templates: LearnOptions::BLIND_TEMPLATES, ..LearnOptions::default() };
            learn_blind(&capture(&mix.audio, &mix.learn), mix.stems.len(), &options, &mut on_progress)
        }
        Scenario::Guided | Scenario::Notes => {
            let templates = if scenario == Scenario::Notes { 4 } else { LearnOptions::GUIDED_TEMPLATES };
            let parts: Vec<ComponentCapture> = mix.stems.iter().map(alone).collect();
            learn_guided(&parts, None, &LearnOptions { templates, ..LearnOptions::default() }, &mut on_progress)
        }
        Scenario::Rest => {
            let stem = &mix.stems.iter().find(|(name, _)| *name == mix.target).unwrap().1;
            let target = match &mix.captured_in_mix {
                Some(span) => capture(&mix.audio, span),
                None => capture(stem, &mix.learn),
            };
            let rest = part("rest", capture(&mix.audio, &mix.learn));
            learn_guided(&[part(&mix.target, target)], Some(&rest), &LearnOptions::default(), &mut on_progress)
        }
    };
    learned.unwrap().0
}

/// The samples of the test segment, both channels as one, without their mean.
fn judged(mix: &Mix, audio: &AudioFile) -> Vec<f64> {
    let samples = audio.channels.iter().flat_map(|channel| &channel[mix.test.clone()]).map(|&x| f64::from(x));
    let samples: Vec<f64> = samples.collect();
    let mean = samples.iter().sum::<f64>() / samples.len() as f64;
    samples.iter().map(|x| x - mean).collect()
}

/// Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019).
fn si_sdr(reference: &[f64], estimate: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let scale = dot(estimate, reference) / dot(reference, reference);
    let distortion: f64 = reference.iter().zip(estimate).map(|(r, e)| (e - scale * r).powi(2)).sum();
    10.0 * (scale * scale * dot(reference, reference) / distortion).log10()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let len = values.len() as f64;
    values.sum::<f64>() / len
}

/// The best mean of `scores[reference][estimate]` over all ways to match them.
fn best_match(scores: &[Vec<f64>], taken: &mut Vec<usize>) -> f64 {
    let Some(row) = scores.get(taken.len()) else { return 0.0 };
    let mut best = f64::NEG_INFINITY;
    for (estimate, score) in row.iter().enumerate() {
        if !taken.contains(&estimate) {
            taken.push(estimate);
            best = best.max(score + best_match(scores, taken));
            taken.pop();
        }
    }
    best
}

/// Mean SI-SDR in dB, and how closely the components add up to the mix, in dB.
fn separate(mix: &Mix, model: &Model, scenario: Scenario, mode: Mode, settings: &Settings) -> (f64, f64) {
    let layout = layout_for(model, &mix.audio, Some(mode));
    let rendered =
        render(model, &mix.audio, PlaybackSettings::new(layout), settings, Outputs::Components, &mut |_| ()).unwrap();
    let estimates: Vec<Vec<f64>> = rendered.components.iter().map(|component| judged(mix, component)).collect();
    let whole = judged(mix, &mix.audio);
    let mut references: Vec<Vec<f64>> = mix.stems.iter().map(|(_, stem)| judged(mix, stem)).collect();
    if scenario == Scenario::Rest {
        let target = mix.stems.iter().position(|(name, _)| *name == mix.target).unwrap();
        let target = references.swap_remove(target);
        let rest = whole.iter().zip(&target).map(|(mix, target)| mix - target).collect();
        references = vec![target, rest];
    }
    let score = match scenario {
        Scenario::Blind => {
            let row = |reference: &Vec<f64>| estimates.iter().map(|estimate| si_sdr(reference, estimate)).collect();
            let scores: Vec<Vec<f64>> = references.iter().map(row).collect();
            best_match(&scores, &mut Vec::new()) / scores.len() as f64
        }
        _ => mean(references.iter().zip(&estimates).map(|(reference, estimate)| si_sdr(reference, estimate))),
    };
    let energy = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let sum = |n: usize| estimates.iter().map(|estimate| estimate[n]).sum::<f64>();
    let error = energy(&mut whole.iter().enumerate().map(|(n, x)| x - sum(n)));
    (score, 10.0 * (energy(&mut whole.iter().copied()) / error).log10())
}

/// Scores a mix of the set; each floor is 0.4 dB below what was measured when it was last raised.
fn check(id: &str, scenario: Scenario, cases: &[(Mode, Settings, f64)]) {
    let mix = load(id);
    let model = learn(&mix, scenario);
    for (mode, settings, floor) in cases {
        let (score, sum) = separate(&mix, &model, scenario, *mode, settings);
        println!(
            "{id} {scenario:?} {} spatial {}: {score:.2} dB, sum {sum:.0} dB",
            mode.name(),
            settings.spatial_filter
        );
        assert!(score >= *floor, "{id} {scenario:?} {}: {score:.2} dB, below {floor}", mode.name());
        // What the components leave of the mix when they are added up: rounding.
        assert!(sum > 120.0, "{id} {scenario:?} {}: the components add up to {sum:.0} dB", mode.name());
    }
}

fn default() -> Settings {
    Settings::default()
}

fn without_places() -> Settings {
    Settings { spatial_filter: false, ..Settings::default() }
}

#[test]
#[ignore = "needs ../shared/quality"]
fn guided_drums_come_apart_and_better_by_place() {
    check(
        "p2_drums_stereo5",
        Scenario::Guided,
        &[(Mode::Normal, default(), 15.9), (Mode::Normal, without_places(), 8.8)],
    );
}

#[test]
#[ignore = "needs ../shared/quality"]
fn guided_flute_and_clarinet_come_apart_in_every_mode() {
    let floors = [(Mode::Fine, 14.3), (Mode::Normal, 14.9), (Mode::Tight, 13.4), (Mode::Live, 10.3)];
    check("p4_flute_clarinet", Scenario::Guided, &floors.map(|(mode, floor)| (mode, default(), floor)));
}

#[test]
#[ignore = "needs ../shared/quality"]
fn guided_hum_is_found_steady_and_comes_off_the_guitar() {
    check("p6_guitar_hum", Scenario::Guided, &[(Mode::Normal, default(), 5.9), (Mode::Tight, default(), 5.2)]);
}

#[test]
#[ignore = "needs ../shared/quality"]
fn one_component_and_the_rest_come_apart_and_hum_that_was_captured_stays_out_of_the_rest() {
    check("p3_trio", Scenario::Rest, &[(Mode::Normal, default(), 8.6)]);
    check("p6_guitar_hum", Scenario::Rest, &[(Mode::Normal, default(), 8.2)]);
}

#[test]
#[ignore = "needs ../shared/quality"]
fn notes_of_one_instrument_come_apart() {
    check("p7_piano_notes", Scenario::Notes, &[(Mode::Normal, default(), 15.7)]);
}

#[test]
#[ignore = "needs ../shared/quality"]
fn blind_components_of_drums_and_of_two_instruments_come_apart() {
    check("p1_drums_acoustic", Scenario::Blind, &[(Mode::Normal, default(), 12.3)]);
    check("p2_drums_stereo5", Scenario::Blind, &[(Mode::Normal, default(), 10.9)]);
    check("p4_flute_clarinet", Scenario::Blind, &[(Mode::Normal, default(), 12.7)]);
}
