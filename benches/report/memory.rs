//! What an instance holds: many of them in a process of their own, so that nothing else is counted.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clack_host::prelude::PluginEntry;
use serde_json::{Value, json};

use crate::clap_host::Host;
use crate::music::Music;
use crate::report::{Bounds, Report, Row};
use scenes::RATE;

/// The argument that makes this program that process.
pub(crate) const CHILD: &str = "--memory-of";
/// Seconds that each instance captures, and keeps: two channels of four bytes a sample.
const CAPTURE_S: f64 = 3.0;

/// Starts the process and reports what it finds.
pub(crate) fn measure(instances: usize, report: &mut Report) -> Result<()> {
    report.heading(&format!(
        "Memory of {instances} instances, stereo 48 kHz, each learned 4 components from {CAPTURE_S} s"
    ));
    if !cfg!(target_os = "linux") {
        report.add(Row::plain("not measured: only Linux says what a process holds", f64::NAN, ""));
        return Ok(());
    }
    let program = std::env::current_exe().context("where this program is")?;
    let child = Command::new(program).args([CHILD, &instances.to_string()]).stderr(Stdio::inherit()).output()?;
    ensure!(child.status.success(), "the process that holds the instances failed: {}", child.status);
    let found: Value = serde_json::from_slice(&child.stdout)?;
    let number = |name: &str| found[name].as_f64().with_context(|| format!("no {name} in {found}"));
    let (learned, kept) = (number("learned_mb")?, CAPTURE_S * f64::from(RATE) * 8.0 / 1e6);
    let bounds = Bounds::at_most(10.0, 5.0);
    report.add(Row::bounded("an instance, learned, without the capture it keeps", learned - kept, "MB", bounds));
    report.add(Row::plain("… with the capture", learned, "MB"));
    report.add(Row::plain("an instance, loaded", number("loaded_mb")?, "MB"));
    report.add(Row::plain("the process before the first, with the clip", number("before_mb")?, "MB"));
    Ok(())
}

/// The process: loads instances, lets each learn, and prints megabytes per instance.
pub(crate) fn hold(instances: usize) -> Result<()> {
    // SAFETY: the entry is a static of this very program.
    #[allow(unsafe_code, reason = "the host takes any pointer; this one is a static of this program")]
    let entry = unsafe { PluginEntry::load_from_raw(&unweave::exports::clap_entry, c"") }?;
    let audio = Music::load()?.stereo(CAPTURE_S);
    let before = resident_mb()?;
    let mut hosts = Vec::with_capacity(instances);
    for _ in 0..instances {
        hosts.push(Host::new(&entry, f64::from(RATE), 2)?);
    }
    // What it keeps of what played, it keeps of anything: up to 30 s, as the README says.
    hosts.iter_mut().try_for_each(|host| host.set("Keep history", 0.0))?;
    hosts.iter_mut().try_for_each(|host| host.play(&[vec![0.0; 512], vec![0.0; 512]], &[512]).map(drop))?;
    let loaded = resident_mb()?;
    for (done, host) in hosts.iter_mut().enumerate() {
        host.learn(&audio, &[512])?;
        // The new templates arrive, and what they replace goes.
        host.play(&audio, &[512])?;
        if (done + 1) % 20 == 0 {
            eprintln!("  {} of {instances} instances have learned", done + 1);
        }
    }
    let learned = resident_mb()?;
    let each = |after: f64| (after - before) / instances as f64;
    println!("{}", json!({ "before_mb": before, "loaded_mb": each(loaded), "learned_mb": each(learned) }));
    Ok(())
}

/// What of this process is in memory.
fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc/self/status")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0 / 1e6)
}
