//! What an instance holds of what played, and that it gives it back. In a program of its own, so that nothing else is counted.

#![cfg(target_os = "linux")]

mod clap_host;

use std::time::Duration;

use clack_host::prelude::PluginEntry;
use clap_host::Host;

/// Megabytes of this process that are in memory.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
}

#[test]
fn the_history_takes_12_mb_of_30_s_and_gives_them_back_and_learning_again_and_again_takes_no_more() {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    let mut host = Host::new(&entry, 48_000.0, 2).unwrap();
    let second: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.05).sin()).collect();
    let audio = [second.clone(), second];
    let play = |host: &mut Host, seconds: usize| {
        for _ in 0..seconds {
            host.play(&audio, &[480]).unwrap();
            // The learning thread looks every 50 ms, and may be 8 s behind.
            std::thread::sleep(Duration::from_millis(30));
        }
        std::thread::sleep(Duration::from_millis(300));
        resident_mb()
    };
    // The ring between the threads is touched once all over; then only the history grows.
    let early = play(&mut host, 9);
    let full = play(&mut host, 30);
    let later = play(&mut host, 30);
    // 21 s more of two channels of four bytes a sample: 8.1 MB.
    assert!((7.0..10.0).contains(&(full - early)), "{early} MB, then {full} MB");
    assert!((later - full).abs() < 1.0, "{full} MB, then {later} MB");
    host.set("Keep history", 0.0).unwrap();
    host.play(&audio, &[480]).unwrap();
    // The learning thread looks four times a second while no blocks come.
    let off = (0..30)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            resident_mb()
        })
        .find(|off| later - off > 10.5);
    let Some(off) = off else { panic!("{later} MB, then {} MB", resident_mb()) };
    host.set("Components", 1.0).unwrap();
    host.set("Templates", 4.0).unwrap();
    let learned: Vec<f64> = (0..7)
        .map(|n| {
            // Each sound differs, so that each model does: a learning is over when the model has changed.
            let sound: Vec<f32> = (0..480_000).map(|i| (i as f32 * (0.05 + 0.01 * n as f32)).sin()).collect();
            host.learn(&[sound.clone(), sound], &[480]).unwrap();
            std::thread::sleep(Duration::from_millis(500));
            resident_mb()
        })
        .collect();
    println!("history: {early:.1}, {full:.1}, {later:.1}, off {off:.1} MB; after each learning {learned:.1?} MB");
    // From the second on, both slots have a model with its captures: 7.7 MB. What more there is, the allocator keeps; how
    // much differs by a few MB from run to run, and it levels off.
    assert!(learned[6] - learned[4] < 5.0 && learned[6] - off < 60.0, "{off} MB, then {learned:?}");
}
