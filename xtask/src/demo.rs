//! `cargo xtask demo`: builds the plug-in and its host in one go, and plays the shipped clip.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{bundle, cargo, run, target};

pub(crate) fn run_all() -> Result<()> {
    let started = Instant::now();
    run(&mut cargo("build --package unweave --package demo --lib --bin demo"))?;
    let built = target().join("debug");
    let plugin = bundle::hosted(&built.join(bundle::library_name()))?.join("Unweave.clap");
    let folder = target().join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let seconds = started.elapsed().as_secs_f64().to_string();
    run(Command::new(built.join("demo")).arg(plugin).arg(folder).arg(seconds))
}
