//! `cargo xtask bench`: builds the benchmark's program and runs it beside other programs.

use anyhow::{Context, Result};

use crate::{cargo, python, run, target};

/// What is measured beside ours. Pinned, so that a figure means the same next year. (librosa 1.0 asks for a newer Python than
/// many have.)
const PACKAGES: [&str; 4] = ["numpy==2.*", "scikit-learn==1.9.*", "librosa==0.11.*", "threadpoolctl==3.*"];

pub(crate) fn run_all(options: &[&str]) -> Result<()> {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let python = python::with_packages(&folder.join("python"), &PACKAGES)?;
    let mut report = cargo("run --release --package benches --features report --bin report --");
    run(report.arg(python).arg(folder).args(options))
}
