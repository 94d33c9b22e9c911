//! Pythons with packages, each in a virtual environment below the target folder that is made once.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// The Python of the virtual environment in `folder`, with `packages` as pip names them.
pub(crate) fn with_packages(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))
            .context("Python 3 with its venv module is needed: on Debian, `apt install python3-venv`")?;
    }
    let stamp = folder.join("packages");
    let wanted = packages.join(" ");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&wanted) {
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(install).args(packages))?;
        std::fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))?;
    }
    Ok(python)
}
