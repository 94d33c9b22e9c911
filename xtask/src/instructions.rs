//! Instruction counts against their limits, where valgrind is installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{cargo, run, target};

/// The version of the `gungraun` in benches/Cargo.toml: the two must be the same.
const RUNNER_VERSION: &str = "0.20.0";

/// Runs `benches/instructions.rs`, or says why not.
pub(crate) fn count() -> Result<()> {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !valgrind.is_ok_and(|status| status.success()) {
        println!(
            "SKIPPED: instructions are not counted, as valgrind is not installed (on Debian, `apt install valgrind`)"
        );
        return Ok(());
    }
    let mut bench = cargo("bench --package benches --no-default-features --features count --bench instructions");
    run(bench.env("GUNGRAUN_RUNNER", runner()?))
}

/// The program that calls valgrind, installed once below the target folder.
fn runner() -> Result<PathBuf> {
    let folder = std::path::absolute(target().join("tools")).context("where the target folder is")?;
    let program = folder.join("bin/gungraun-runner");
    let stamp = folder.join("gungraun-runner-version");
    if !program.is_file() || std::fs::read_to_string(&stamp).ok().as_deref() != Some(RUNNER_VERSION) {
        // Without optimisation: it only starts valgrind and reads what that found.
        let install = format!("install gungraun-runner --version {RUNNER_VERSION} --locked --force --debug --root");
        run(cargo(&install).arg(&folder))?;
        std::fs::write(&stamp, RUNNER_VERSION).with_context(|| format!("could not write {}", stamp.display()))?;
    }
    Ok(program)
}
