//! What projects rely on: the parameters as hosts see and save them, and every saved state there has been.
//!
//! `UPDATE_GOLDEN=1 cargo test golden` writes the lists anew. Do that only in a commit that
//! explains the change: ids are forever, and a saved project must sound as it did.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clap_host::Host;
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::prelude::PluginEntry;
use serde_json::Value;
use unweave::dsp::{MAX_COMPONENTS, Settings};
use unweave::files::audio::AudioFile;
use unweave::files::render::{Outputs, layout_for, render};
use unweave::model::PlaybackSettings;
use unweave::params::Control;
use unweave::params::registry::entry_of_id;

const RATE: f64 = 48_000.0;
/// The most steps of a parameter whose every value is listed.
const MOST_LISTED_STEPS: u32 = 20;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The files with this extension, by name.
fn goldens(extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    found
}

fn host() -> Host {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    Host::new(&entry, RATE, 2).unwrap()
}

/// The number by which hosts know the parameter of an id: their automation refers to it.
fn host_id(id: &str) -> u32 {
    id.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) & !(1 << 31)
}

/// The JSON of a saved state.
fn json(state: &[u8]) -> Value {
    serde_json::from_slice(&state[8..]).unwrap()
}

fn update_or_compare(name: &str, found: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of {name}", line + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{name} has another number of lines");
}

/// What a host sees of one parameter.
struct Described {
    name: String,
    number: u32,
    line: String,
    values: Vec<f64>,
}

/// Every parameter, in the order in which the plug-in lists them.
fn described(host: &mut Host) -> Vec<Described> {
    let handle = host.instance().plugin_handle();
    let extension: PluginParams = handle.get_extension().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_string();
    let describe = |index| {
        let mut buffer = ParamInfoBuffer::new();
        let info = extension.get_info(&handle, index, &mut buffer).unwrap();
        let (min, max, default) = (info.min_value, info.max_value, info.default_value);
        let is_listed = info.flags.contains(ParamInfoFlags::IS_STEPPED) && max <= f64::from(MOST_LISTED_STEPS);
        let values = match is_listed {
            true => (0..=max as u32).map(f64::from).collect(),
            false => {
                (0..=4).map(|quarter| (min + (max - min) * f64::from(quarter) / 4.0).round_to(info.flags)).collect()
            }
        };
        let name = text(info.name);
        let line =
            format!("“{name}” in “{}”, {min} to {max}, default {default:.4}, {:?}", text(info.module), info.flags);
        Described { name, number: info.id.get(), line, values }
    };
    (0..extension.count(&handle)).map(describe).collect()
}

/// Values that a stepped parameter can have.
trait RoundTo {
    fn round_to(self, flags: ParamInfoFlags) -> Self;
}

impl RoundTo for f64 {
    fn round_to(self, flags: ParamInfoFlags) -> Self {
        if flags.contains(ParamInfoFlags::IS_STEPPED) { self.round() } else { self }
    }
}

fn text_of(host: &mut Host, number: u32, value: f64) -> String {
    let handle = host.instance().plugin_handle();
    let extension: PluginParams = handle.get_extension().unwrap();
    let (mut buffer, id) = ([0; 64], clack_host::utils::ClapId::new(number));
    let text = extension.value_to_text(&handle, id, value, &mut buffer).unwrap();
    String::from_utf8_lossy(text).to_string()
}

#[test]
fn every_parameter_is_as_the_list_says() {
    let mut host = host();
    let saved = json(&host.save().unwrap());
    let ids: Vec<String> = saved["params"].as_object().unwrap().keys().cloned().collect();
    let mut list = String::new();
    for Described { name, number, line, values } in described(&mut host) {
        let id = ids.iter().find(|id| host_id(id) == number).unwrap_or_else(|| panic!("“{name}” is not saved"));
        writeln!(list, "{id} {line}").unwrap();
        let before = host.value(&name).unwrap();
        for value in values {
            let text = text_of(&mut host, number, value);
            host.set(&name, value).unwrap();
            host.play(&[vec![0.0; 8], vec![0.0; 8]], &[8]).unwrap();
            let saved = json(&host.save().unwrap())["params"][id].to_string();
            writeln!(list, "    {value} “{text}” saved as {saved}").unwrap();
        }
        host.set(&name, before).unwrap();
        host.play(&[vec![0.0; 8], vec![0.0; 8]], &[8]).unwrap();
    }
    update_or_compare("parameters.txt", &list);
}

#[test]
fn the_readme_lists_every_parameter_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let start = readme.find("| parameter |").expect("README has no table of parameters");
    let end = start + readme[start..].find("\n\n").unwrap() + 1;
    let (found, expected) = (&readme[start..end], unweave::params::registry::markdown());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, [&readme[..start], &expected, &readme[end..]].concat()).unwrap();
    } else {
        assert_eq!(found, expected, "README's table of parameters is not that of the registry");
    }
}

#[test]
fn the_registry_has_the_saved_ids_and_names_in_both_directions() {
    let mut host = host();
    let saved = json(&host.save().unwrap());
    let ids: Vec<String> = saved["params"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(ids.len(), Control::COUNT);
    for id in &ids {
        assert!(entry_of_id(id).is_some(), "{id} is not in the registry");
    }
    for control in Control::all() {
        let number = control.component().map_or(String::new(), |component| format!("_{}", component + 1));
        let id = format!("{}{number}", control.entry().id);
        let host_id = host.params()[&control.name()].id.get();
        assert!(ids.contains(&id) && self::host_id(&id) == host_id, "{id} is another parameter to hosts");
    }
}

/// Two instruments that take turns, in stereo: low tones and bursts of noise. Made of whole numbers and of products, so that
/// every machine plays nearly the same.
fn music(len: usize) -> Vec<Vec<f32>> {
    let mut noise = 1_u32;
    let mut sample = |n: usize, channel: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let beat = (n % 12_000) as f32 / 12_000.0;
        let tone = (std::f32::consts::TAU * 220.0 * n as f32 / 48_000.0).sin() * (1.0 - beat);
        let hit = ((noise >> 9) as f32 / (1 << 22) as f32 - 1.0) * (-beat * 40.0).exp();
        let is_hit_beat = (n / 12_000) % 2 == 1;
        if is_hit_beat { hit * (0.3 + 0.2 * channel as f32) } else { tone * (0.4 - 0.1 * channel as f32) }
    };
    (0..2).map(|channel| (0..len).map(|n| sample(n, channel)).collect()).collect()
}

fn energy_db(audio: &[Vec<f32>]) -> f64 {
    let energy: f64 = audio.iter().flatten().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * energy.max(1e-12).log10()
}

/// The output with the parameters of the state, then with each component alone.
fn sounds(state: &[u8], components: usize) -> Vec<Vec<Vec<f32>>> {
    let input = music(24_000);
    (0..=components)
        .map(|solo| {
            let mut host = host();
            host.load(state).unwrap();
            if solo > 0 {
                host.set("Mix", 1.0).unwrap();
                (1..=components).for_each(|n| host.set(&format!("Mute {n}"), 0.0).unwrap());
                host.set(&format!("Solo {solo}"), 1.0).unwrap();
            }
            host.play(&input, &[4096, 333]).unwrap()
        })
        .collect()
}

/// Compares energies with those in a list: one line for a sound, its name and its energy in dB.
fn compare_energies(list: &str, found: &[(String, f64)]) {
    let path = golden(list);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let lines: String = found.iter().map(|(name, db)| format!("{name} {db:.4}\n")).collect();
        fs::write(&path, lines).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let expected: Vec<(&str, f64)> =
        text.lines().map(|line| line.rsplit_once(' ').unwrap()).map(|(name, db)| (name, db.parse().unwrap())).collect();
    assert_eq!(found.len(), expected.len(), "{list} has another number of sounds");
    for ((name, db), (expected_name, expected_db)) in found.iter().zip(expected) {
        assert_eq!(name, expected_name);
        // CPUs sum in another order: activations then differ by about one part in 10,000. A lost component changes whole dB.
        assert!((db - expected_db).abs() < 0.02, "{name}: {db:.4} dB, and {expected_db} dB are in {list}");
    }
}

#[test]
fn every_state_there_has_been_opens_and_sounds_as_it_did() {
    let mut found = Vec::new();
    for path in goldens("clap-state") {
        let name = path.file_stem().unwrap().to_string_lossy().to_string();
        let old = fs::read(&path).unwrap();
        let model: Value = serde_json::from_str(json(&old)["fields"]["model"].as_str().unwrap()).unwrap();
        let components = model["components"].as_array().unwrap().len();
        assert!((1..=MAX_COMPONENTS).contains(&components), "{name}");
        let mut host = host();
        host.load(&old).unwrap();
        let saved_anew = host.save().unwrap();
        let (from_old, from_new) = (sounds(&old, components), sounds(&saved_anew, components));
        assert_eq!(from_old, from_new, "{name} sounds otherwise once it is saved anew");
        let names = std::iter::once("mix".to_string()).chain((1..=components).map(|n| format!("solo {n}")));
        found.extend(names.zip(&from_old).map(|(sound, audio)| (format!("{name} {sound}"), energy_db(audio))));
    }
    assert!(found.iter().any(|(name, _)| name.starts_with("version_1")), "no state of version 1");
    compare_energies("states.txt", &found);
}

#[test]
fn every_model_file_there_has_been_opens_and_sounds_as_it_did() {
    let mut found = Vec::new();
    for path in goldens("npz") {
        let name = path.file_stem().unwrap().to_string_lossy().to_string();
        let model = unweave::files::model::load(&path).unwrap();
        let audio = AudioFile { sample_rate: RATE as u32, channels: music(24_000) };
        let playing = PlaybackSettings::new(layout_for(&model, &audio, None));
        let rendered = render(&model, &audio, playing, &Settings::default(), Outputs::Components, &mut |_| ()).unwrap();
        for (component, audio) in rendered.components.iter().enumerate() {
            found.push((format!("{name} component {component}"), energy_db(&audio.channels)));
        }
    }
    assert!(found.iter().any(|(name, _)| name.starts_with("version_1")), "no file of version 1");
    compare_energies("models.txt", &found);
}
