//! `cargo xtask test`: everything that decides whether a change may land. It stops at the first thing that fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{bundle, cargo, run};

/// What the VST3 is hosted and the separation scored with.
const PYTHON_PACKAGES: [&str; 3] = ["numpy==2.*", "soundfile==0.13.*", "dawdreamer>=0.8,<0.10"];

pub(crate) fn run_all() -> Result<()> {
    run(&mut cargo("fmt --all --check"))?;
    run(&mut cargo("clippy --workspace --all-targets --profile checked -- -D warnings"))?;
    run(&mut cargo("clippy --all-targets --no-default-features --profile checked -- -D warnings"))?;
    run(&mut cargo("test --workspace --profile checked"))?;
    run(&mut cargo("test --no-default-features --profile checked"))?;
    run(cargo("doc --workspace --no-deps --document-private-items").env("RUSTDOCFLAGS", "-D warnings"))?;
    bundle(&[])?;
    run(&mut cargo("build --release --bin unweave"))?;
    let python = python()?;
    run(Command::new(python).arg("tests/vst3_host.py").arg(target().join("bundled/Unweave.vst3")))?;
    println!("everything passed");
    Ok(())
}

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// A Python with the packages, in a virtual environment that is made once.
fn python() -> Result<PathBuf> {
    let folder = target().join("python");
    let python = folder.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("Python 3 with its venv module is needed: on Debian, `apt install python3-venv`")?;
    }
    let stamp = folder.join("packages");
    let wanted = PYTHON_PACKAGES.join(" ");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
        install(&python)?;
        std::fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))?;
    }
    Ok(python)
}

fn install(python: &Path) -> Result<()> {
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PYTHON_PACKAGES))
}
