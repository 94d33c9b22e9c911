//! Saved states in a CLAP host: nothing that a project holds is lost, and no number in it ends the host.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::clap_host::Host;
use clack_host::prelude::PluginEntry;
use npyz::WriterBuilder;
use proptest::prelude::*;
use serde_json::{Value, json};
use unweave::dsp::Settings;
use unweave::files;
use unweave::files::audio::AudioFile;
use unweave::files::render::{Outputs, layout_for, render};
use unweave::model::PlaybackSettings;

const RATE: f64 = 48_000.0;

fn host() -> Host {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    Host::new(&entry, RATE, 2).unwrap()
}

/// The JSON of a state that holds a model.
fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version_2.clap-state");
    json_of(&fs::read(path).unwrap())
}

fn json_of(state: &[u8]) -> Value {
    serde_json::from_slice(&state[8..]).unwrap()
}

/// A state as CLAP hosts keep it: the length of its JSON, and the JSON.
fn state(json: &Value) -> Vec<u8> {
    let text = json.to_string();
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// The golden state with another model field.
fn with_model(text: &str) -> Vec<u8> {
    let mut json = golden();
    json["fields"]["model"] = text.into();
    state(&json)
}

/// The model of the golden state, changed.
fn changed_model(change: impl FnOnce(&mut Value)) -> String {
    let mut model = serde_json::from_str(golden()["fields"]["model"].as_str().unwrap()).unwrap();
    change(&mut model);
    model.to_string()
}

fn sound(len: usize) -> Vec<Vec<f32>> {
    (0..2).map(|channel| (0..len).map(|n| ((n * (n + channel)) as f32 * 0.001).sin() * 0.3).collect()).collect()
}

#[test]
fn a_model_that_cannot_be_read_is_saved_back_as_it_was() {
    let (newer, damaged) =
        (r#"{"version": 3,  "sample_rate":"48 kHz","big":123456789012345678901234567890}"#, "[1, 2]");
    let truncated = changed_model(|model| model["templates"] = "AAAA".into());
    for text in [newer, damaged, truncated.as_str(), r#""text""#, "17", r#"{"version":"three"}"#, "{}"] {
        let mut host = host();
        assert!(host.load(&with_model(text)).is_err(), "the host is not told of {text}");
        assert_eq!(host.saved_model().unwrap(), text);
        // It is kept from project to project, too.
        let again = host.save().unwrap();
        let mut reopened = self::host();
        let _ = reopened.load(&again);
        assert_eq!(reopened.saved_model().unwrap(), text);
    }
}

#[test]
fn a_model_cut_off_in_the_middle_of_its_text_is_kept() {
    let whole = changed_model(|_| ());
    let half = &whole[..whole.len() / 2];
    let mut host = host();
    let _ = host.load(&with_model(half));
    let saved = host.saved_model().unwrap();
    assert_eq!(serde_json::from_str::<String>(&saved).unwrap(), half);
    let again = host.save().unwrap();
    let _ = host.load(&again);
    assert_eq!(host.saved_model().unwrap(), saved, "it is wrapped only once");
}

#[test]
fn a_new_model_replaces_one_that_could_not_be_read_and_reverting_brings_it_back() {
    let newer = r#"{"version":3}"#;
    let mut host = host();
    let _ = host.load(&with_model(newer));
    host.set("Target", 0.0).unwrap();
    host.set("Mode", 1.0).unwrap();
    host.set("Components", 1.0).unwrap();
    host.learn(&sound(96_000), &[4096]).unwrap();
    assert!(host.saved_model().unwrap().contains("templates"));
    host.set("Command", 5.0).unwrap();
    host.play(&sound(64), &[64]).unwrap();
    let started = Instant::now();
    while host.saved_model().unwrap() != newer {
        assert!(started.elapsed() < Duration::from_secs(20), "reverting did not bring it back");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_null_model_or_another_project_ends_the_keeping() {
    let mut host = host();
    let _ = host.load(&with_model(r#"{"version":3}"#));
    host.load(&with_model("null")).unwrap();
    assert_eq!(host.saved_model().unwrap(), "null");
}

#[test]
fn no_sample_rate_of_a_saved_model_ends_the_host() {
    for rate in [1e-20, 0.0, -48_000.0, 1e30, 999.0, 1_536_001.0] {
        let text = changed_model(|model| model["sample_rate"] = rate.into());
        let mut host = host();
        let _ = host.load(&with_model(&text));
        assert_eq!(host.saved_model().unwrap(), text, "{rate}");
        assert!(host.play(&sound(4096), &[512]).unwrap().iter().flatten().all(|x| x.is_finite()));
    }
}

#[test]
fn no_host_can_activate_at_an_absurd_sample_rate() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-20, 999.0, 1e9] {
        assert!(host().activate(rate, 2).is_err(), "{rate}");
    }
    for rate in [1000.0, 8000.0, 44_100.0, 384_000.0, 1_234_567.8, 1_536_000.0] {
        host().activate(rate, 2).unwrap();
    }
}

#[test]
fn numbers_of_a_state_are_brought_into_range_and_unknown_choices_to_the_default() {
    let mut json = golden();
    for (id, value) in [
        ("mode", json!({"i32": 99})),
        ("divergence", json!({"i32": -1})),
        ("bands", json!({"i32": 2_000_000_000})),
        ("updates", json!({"i32": i32::MIN})),
        ("gain_1", json!({"f32": 1e30})),
        ("output", json!({"f32": -3.0})),
        ("mix", json!({"f32": 1e39})),
    ] {
        json["params"][id] = value;
    }
    let mut host = host();
    host.load(&state(&json)).unwrap();
    assert!(host.play(&sound(4096), &[512]).unwrap().iter().flatten().all(|x| x.abs() < 1000.0));
    let saved = json_of(&host.save().unwrap())["params"].clone();
    let expected = [
        ("mode", json!({"string": "normal"})),
        ("divergence", json!({"string": "kl"})),
        ("bands", json!({"i32": 400})),
        ("updates", json!({"i32": 1})),
        ("gain_1", json!({"f32": 4.0})),
        ("output", json!({"f32": 0.0})),
        ("mix", json!({"f32": 1.0})),
    ];
    for (id, value) in expected {
        assert_eq!(saved[id], value, "{id}");
    }
}

#[test]
fn targets_are_saved_by_ids_that_cannot_move_and_old_numbers_are_understood() {
    for (number, id) in [(0, "all"), (1, "component_1"), (16, "component_16"), (17, "rest"), (99, "all"), (-1, "all")] {
        let mut json = golden();
        json["params"]["target"] = json!({"i32": number});
        let mut host = host();
        host.load(&state(&json)).unwrap();
        let saved = json_of(&host.save().unwrap());
        assert_eq!(saved["params"]["target"], json!({"string": id}), "{number}");
        host.load(&state(&saved)).unwrap();
        assert_eq!(json_of(&host.save().unwrap())["params"]["target"], json!({"string": id}));
    }
}

#[test]
fn no_state_opens_with_a_capture_or_a_command() {
    let mut json = golden();
    json["params"]["capture"] = json!({"i32": 1});
    json["params"]["command"] = json!({"i32": 7});
    let mut host = host();
    host.load(&state(&json)).unwrap();
    assert_eq!((host.value("Capture").unwrap(), host.value("Command").unwrap()), (0.0, 0.0));
}

#[test]
fn states_with_missing_or_unknown_parts_load_and_leave_the_rest_alone() {
    let mut json = golden();
    json["params"]["unheard_of"] = json!({"f32": 1.0});
    json["fields"]["unheard_of"] = "17".into();
    json["more"] = json!([1, 2, 3]);
    json["params"].as_object_mut().unwrap().remove("mix");
    for editor in ["null", "17", r#"{"width":-1.0,"height":1e30,"zoom":1.0}"#, "{", r#"{"width":1200.0}"#] {
        json["fields"]["editor"] = editor.into();
        let mut host = host();
        host.load(&state(&json)).unwrap();
        let saved = json_of(&host.save().unwrap());
        assert_eq!(saved["params"]["mix"], json!({"f32": 1.0}));
        assert_eq!(saved["fields"]["model"], golden()["fields"]["model"]);
        assert!(serde_json::from_str::<Value>(saved["fields"]["editor"].as_str().unwrap()).unwrap()["width"] == 1200.0);
    }
}

/// Where numbers and texts of a model are, and what may stand there instead.
fn mutation() -> impl Strategy<Value = (usize, Value)> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        "[A-Za-z0-9+/=]{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::from),
    ];
    (any::<usize>(), value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_state_with_anything_in_it_neither_ends_the_host_nor_sounds_infinite(
        (model_key, model_value) in mutation(), (param_key, param_value) in mutation(), cut in any::<prop::sample::Index>(),
    ) {
        let text = changed_model(|model| {
            let fields = model.as_object_mut().unwrap();
            let key = fields.keys().nth(model_key % fields.len()).unwrap().clone();
            fields[&key] = model_value;
        });
        let mut json = golden();
        json["fields"]["model"] = text.into();
        let params = json["params"].as_object_mut().unwrap();
        let key = params.keys().nth(param_key % params.len()).unwrap().clone();
        let form = params[&key].as_object().unwrap().keys().next().unwrap().clone();
        params[&key] = json!({form: param_value});
        let mut host = host();
        let whole = state(&json);
        let _ = host.load(&whole);
        let output = host.play(&sound(6000), &[512]).unwrap();
        prop_assert!(output.iter().flatten().all(|x| x.is_finite()));
        let _ = host.load(&whole[..cut.index(whole.len())]);
        prop_assert!(host.save().is_ok());
    }
}

/// The golden model file with one array replaced by `values`, as one number or as a list of them.
fn model_file_with(array: usize, values: &[f64], is_integer: bool) -> tempfile::NamedTempFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version_2.npz");
    let mut from = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut to = zip::ZipWriter::new(file.reopen().unwrap());
    let replaced = array % from.len();
    for index in 0..from.len() {
        let entry = from.by_index(index).unwrap();
        if index != replaced {
            to.raw_copy_file(entry).unwrap();
            continue;
        }
        to.start_file(entry.name().unwrap().to_string(), zip::write::SimpleFileOptions::default()).unwrap();
        let shape: &[u64] = if values.len() == 1 { &[] } else { &[values.len() as u64] };
        if is_integer {
            let options = npyz::WriteOptions::new().default_dtype().shape(shape);
            let mut writer = options.writer(&mut to).begin_nd().unwrap();
            writer.extend(values.iter().map(|&value| value as i64)).unwrap();
            writer.finish().unwrap();
        } else {
            let options = npyz::WriteOptions::new().default_dtype().shape(shape);
            let mut writer = options.writer(&mut to).begin_nd().unwrap();
            writer.extend(values.iter().copied()).unwrap();
            writer.finish().unwrap();
        }
    }
    to.finish().unwrap();
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_model_file_with_any_number_in_it_is_refused_or_sounds_finite(
        array in any::<usize>(), values in prop::collection::vec(any::<f64>(), 1..9), is_integer in any::<bool>(),
    ) {
        let file = model_file_with(array, &values, is_integer);
        if let Ok(model) = files::model::load(file.path()) {
            let audio = AudioFile { sample_rate: RATE as u32, channels: sound(6000) };
            let playing = PlaybackSettings::new(layout_for(&model, &audio, None));
            let settings = Settings::default();
            let rendered = render(&model, &audio, playing, &settings, Outputs::Mix, &mut |_| ()).unwrap();
            prop_assert!(rendered.mix.channels.iter().flatten().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn absurd_sample_rates_of_a_model_file_are_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version_2.npz");
    let archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let sample_rate = archive.index_for_name("sample_rate.npy").unwrap();
    for rate in [1e-20, 0.0, -1.0, f64::NAN, f64::INFINITY, 999.0, 1_536_001.0] {
        let file = model_file_with(sample_rate, &[rate], false);
        let message = files::model::load(file.path()).unwrap_err().to_string();
        assert!(message.contains("sample rate"), "{message}");
    }
    assert!(files::model::load(model_file_with(sample_rate, &[44_100.0], false).path()).is_ok());
}
