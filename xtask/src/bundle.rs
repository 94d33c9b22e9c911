//! The plug-in's library as the bundles that hosts load.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `cargo xtask bundle [OPTIONS]` of the one package there is; in the release profile unless another is named.
pub(crate) fn release(options: &[&str]) -> Result<()> {
    let mut arguments = vec!["bundle", "unweave"];
    arguments.extend(options.iter().filter(|option| **option != "unweave"));
    if !options.iter().any(|option| option.starts_with("--profile") || *option == "--release") {
        arguments.push("--release");
    }
    // What only the command needs (argument parser, plots, audio decoders) is not built into the plug-in.
    if !options.iter().any(|option| option.contains("features")) {
        arguments.extend(["--no-default-features", "--features", "plugin"]);
    }
    nice_plug_xtask::main_with_args("cargo xtask", arguments.into_iter().map(String::from))
}

/// The file name of the plug-in's library.
pub(crate) fn library_name() -> String {
    format!("{DLL_PREFIX}unweave{DLL_SUFFIX}")
}

/// Bundles a library that was built already, for the demo and the tests; the folder of the bundles. Not in `target/bundled`:
/// what is installed from there should be a release.
pub(crate) fn hosted(library: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(crate::target().join("hosted")).context("where the target folder is")?;
    // Where the bundler looks for a build in the `dev` profile.
    let (built, bundled) = (folder.join("debug"), folder.join("bundled"));
    fs::create_dir_all(&built).with_context(|| format!("could not create {}", built.display()))?;
    fs::copy(library, built.join(library_name())).with_context(|| format!("could not copy {}", library.display()))?;
    nice_plug_xtask::bundle(&folder, "unweave", &[], false)?;
    Ok(bundled)
}
