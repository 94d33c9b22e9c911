//! Tasks of the project: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`, `cargo xtask bundle`. What a task needs of
//! the library is a program of its own, built when that task runs: so this one is built in seconds.

mod bench;
mod bundle;
mod demo;
mod instructions;
mod python;
mod test;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

const USAGE: &str =
    "cargo xtask demo     builds the plug-in, plays the shipped clip into it in a CLAP host; target/demo/
cargo xtask test     everything that decides whether a change may land (--openings 50: opens the editor so often)
cargo xtask bench    how fast it is, beside NumPy, scikit-learn and librosa; target/bench/ (--quick: fewer rounds)
cargo xtask bundle   target/bundled/Unweave.clap and Unweave.vst3 (options as for cargo build)";

fn main() -> Result<()> {
    nice_plug_xtask::chdir_workspace_root()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["demo"] => demo::run_all(),
        ["test"] => test::run_all(test::OPENINGS),
        ["test", "--openings", openings] => test::run_all(openings.parse().context("a number of openings")?),
        ["bench", ref options @ ..] => bench::run_all(options),
        ["bundle", ref options @ ..] => bundle::release(options),
        [] | ["help" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => anyhow::bail!("{arguments:?} is not a task:\n{USAGE}"),
    }
}

/// Runs a command and shows what it prints.
fn run(command: &mut Command) -> Result<()> {
    println!("$ {command:?}");
    let status = command.status().with_context(|| format!("could not start {:?}", command.get_program()))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// `cargo` with arguments, split at spaces.
fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.split(' '));
    command
}

/// Cargo's target folder.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
