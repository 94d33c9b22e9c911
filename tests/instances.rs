//! What an instance costs that is created and never activated: hosts create one of every plug-in that they scan. In a program
//! of its own, so that no other test's threads are counted.

#![cfg(target_os = "linux")]

mod clap_host;

use std::time::{Duration, Instant};

use clack_host::prelude::PluginEntry;
use clap_host::Host;

const INSTANCES: usize = 20;

/// Learning threads of this process.
fn learning_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.unwrap().path().join("comm"));
    tasks.filter_map(|task| name(task).ok()).filter(|name| name.starts_with("unweave-learn")).count()
}

/// Megabytes of this process that are in memory.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
}

#[test]
fn an_instance_has_no_thread_and_no_engine_until_it_is_activated_and_loads_a_state_before_that() {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }.unwrap();
    let sound: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.05).sin() * (1.0 + (n as f32 * 0.001).sin())).collect();
    let mut teacher = Host::new(&entry, 48_000.0, 1).unwrap();
    teacher.set("Components", 1.0).unwrap();
    teacher.set("Templates", 2.0).unwrap();
    teacher.learn(&[sound], &[480]).unwrap();
    let (state, model) = (teacher.save().unwrap(), teacher.saved_model().unwrap());
    drop(teacher);
    let start = Instant::now();
    while learning_threads() > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "the thread of a dropped instance goes on");
        std::thread::sleep(Duration::from_millis(10));
    }

    let (before_mb, started) = (resident_mb(), Instant::now());
    let mut hosts: Vec<Host> = (0..INSTANCES).map(|_| Host::inactive(&entry).unwrap()).collect();
    let (each_ms, each_mb) =
        (started.elapsed().as_secs_f64() * 1e3 / INSTANCES as f64, (resident_mb() - before_mb) / INSTANCES as f64);
    println!("an instance takes {each_ms:.2} ms and {each_mb:.2} MB");
    for host in &mut hosts {
        host.load(&state).unwrap();
        assert_eq!(host.saved_model().unwrap(), model);
    }
    assert_eq!(learning_threads(), 0);
    // Four engines have 2 MB or more; parameters and a ring that nothing was written to are far smaller.
    assert!(each_mb < 1.0, "{each_mb} MB");
    for host in hosts.iter_mut().take(2) {
        host.activate(48_000.0, 2).unwrap();
        assert_eq!(host.saved_model().unwrap(), model);
    }
    // A thread has its name only once it runs.
    let start = Instant::now();
    while learning_threads() != 2 {
        assert!(start.elapsed() < Duration::from_secs(10), "{} learning threads", learning_threads());
        std::thread::sleep(Duration::from_millis(10));
    }
}
