//! `cargo xtask test`: everything that decides whether a change may land. It stops at the first thing that fails.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{bundle, cargo, instructions, python, run};

/// What the VST3 is hosted and the separation scored with.
const PYTHON_PACKAGES: [&str; 3] = ["numpy==2.*", "soundfile==0.13.*", "dawdreamer>=0.8,<0.10"];

pub(crate) fn run_all() -> Result<()> {
    run(&mut cargo("fmt --all --check"))?;
    run(&mut cargo("clippy --workspace --all-targets --profile checked -- -D warnings"))?;
    run(&mut cargo("clippy --all-targets --no-default-features --profile checked -- -D warnings"))?;
    // No target of a plain `cargo bench`, so not among all targets either.
    run(&mut cargo("clippy --bench instructions --no-default-features --profile checked -- -D warnings"))?;
    run(&mut cargo("test --workspace --profile checked"))?;
    run(&mut cargo("test --no-default-features --profile checked"))?;
    run(cargo("doc --workspace --no-deps --document-private-items").env("RUSTDOCFLAGS", "-D warnings"))?;
    bundle(&[])?;
    run(&mut cargo("build --release --bin unweave"))?;
    let python = python::with_packages(&target().join("python"), &PYTHON_PACKAGES)?;
    instructions::count()?;
    run(Command::new(python).arg("tests/vst3_host.py").arg(target().join("bundled/Unweave.vst3")))?;
    println!("everything passed");
    Ok(())
}

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
