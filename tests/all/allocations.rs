//! `process` neither allocates nor frees, whatever is going on.

use crate::clap_host::Host;
use crate::noise_model::{learned, noise};
use assert_no_alloc::{assert_no_alloc, reset_violation_count, violation_count};
use clack_host::prelude::PluginEntry;
use unweave::dsp::{Block, Engine, Mode, Settings};
use unweave::link::connect;
use unweave::model::PlaybackSettings;
use unweave::plugin::editor_feed::EditorFeed;

fn counted(call: &mut dyn FnMut()) {
    assert_no_alloc(call);
}

#[test]
fn process_never_allocates_and_an_allocation_would_be_counted() {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    for channels in [1, 2] {
        let mut host = Host::new(&entry, 48_000.0, channels).unwrap();
        host.guard_with(counted);
        let audio: Vec<Vec<f32>> = (0..channels)
            .map(|channel| (0..96_000).map(|n| ((n * (n / 3000 + channel + 1)) as f32 * 0.01).sin()).collect())
            .collect();
        // Pass-through, capture, a model that arrives while blocks are processed, every control, a second model.
        host.play(&audio, &[64, 1, 999]).unwrap();
        host.learn(&audio, &[480]).unwrap();
        for name in ["Solo 1", "Mute 2", "Gate 3", "Bypass", "Mix", "Output", "Gain 4", "Divergence"] {
            host.set(name, 1.0).unwrap();
            host.play(&audio, &[333]).unwrap();
        }
        host.set("Components", 2.0).unwrap();
        host.learn(&audio, &[480]).unwrap();
        host.play(&audio, &[64]).unwrap();
        // Every command, a capture that waits, and a history that ends and begins.
        for command in [6.0, 5.0, 6.0, 1.0, 3.0, 2.0, 4.0, 7.0, 0.0] {
            host.set("Command", command).unwrap();
            host.play(&audio, &[333]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        for (name, value) in [("Follow transport", 1.0), ("Capture", 1.0), ("Keep history", 0.0), ("Keep history", 1.0)]
        {
            host.set(name, value).unwrap();
            host.stop_transport();
            host.play(&audio, &[100]).unwrap();
            host.start_transport();
            host.play(&audio, &[100]).unwrap();
        }
        host.set("Capture", 0.0).unwrap();
        host.play(&audio, &[100]).unwrap();
        assert_eq!(violation_count(), 0, "process allocated or freed, with {channels} channels");
    }
    // The check can fail: what it counts is what it says.
    let mut grown: Vec<u8> = Vec::new();
    counted(&mut || grown.reserve(100));
    assert!(violation_count() > 0);
    reset_violation_count();
}

#[test]
fn what_plays_while_an_editor_looks_allocates_nothing_either() {
    for (mode, channels) in Mode::ALL.into_iter().flat_map(|mode| [(mode, 1), (mode, 2)]) {
        let (mut audio, _learn, link) = connect();
        let layout = mode.layout(48_000.0);
        let (mut engine, mut feed) = (Engine::new(layout, 48_000.0, channels, 0), EditorFeed::new(48_000.0));
        let (sound, settings) = (noise(channels, 96_000), Settings::default());
        let mut shown = 0;
        link.columns.open();
        for (number, start) in (0..96_000 - 999).step_by(999).enumerate() {
            match number {
                30 => link.models.replace(Some(learned(channels).into())),
                40 => drop(link.models.play_in(48_000.0, channels, PlaybackSettings::new(layout))),
                60 => link.columns.close(),
                65 => link.columns.open(),
                _ => {}
            }
            let mut block: Vec<Vec<f32>> = sound.iter().map(|channel| channel[start..start + 999].to_vec()).collect();
            let mut block: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
            counted(&mut || {
                let block = Block { audio: &mut block, components: &mut [] };
                feed.process(&mut engine, &mut audio, block, &settings);
            });
            // From the 70th on the editor hangs: the ring becomes full.
            while number < 70
                && let Some(_column) = link.columns.pop()
            {
                shown += 1;
            }
        }
        assert!(shown > 50, "{shown} columns: the editor was closed");
        assert_eq!(violation_count(), 0, "allocated or freed in {} with {channels} channels", mode.name());
    }
}
