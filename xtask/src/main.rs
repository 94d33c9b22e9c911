//! Tasks of the project: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`, `cargo xtask bundle`.

mod bench;
#[path = "../../tests/clap_host/mod.rs"]
mod clap_host;
mod demo;
mod instructions;
mod python;
#[path = "../../benches/scenes/mod.rs"]
mod scenes;
mod test;

use std::process::Command;

use anyhow::{Context, Result, ensure};

const USAGE: &str =
    "cargo xtask demo     builds the plug-in, plays the shipped clip into it in a CLAP host; target/demo/
cargo xtask test     everything that decides whether a change may land
cargo xtask bench    how fast it is, beside NumPy, scikit-learn and librosa; target/bench/ (--quick: fewer rounds)
cargo xtask bundle   target/bundled/Unweave.clap and Unweave.vst3 (options as for cargo build)";

fn main() -> Result<()> {
    nice_plug_xtask::chdir_workspace_root()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("demo") => demo::run(),
        Some("test") => test::run_all(),
        Some("bench") => bench::run(&arguments[1..]),
        Some("bundle") => bundle(&arguments[1..]),
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    }
}

/// `cargo xtask bundle [OPTIONS]` of the one package there is; released unless another profile is named.
fn bundle(options: &[String]) -> Result<()> {
    let mut arguments: Vec<String> = ["bundle", "unweave"].map(String::from).to_vec();
    arguments.extend(options.iter().filter(|option| *option != "unweave").cloned());
    if !options.iter().any(|option| option.starts_with("--profile") || option == "--release") {
        arguments.push("--release".into());
    }
    // What only the command needs (argument parser, plots, audio decoders) is not built into the plug-in.
    if !options.iter().any(|option| option.contains("features")) {
        arguments.extend(["--no-default-features", "--features", "plugin"].map(String::from));
    }
    nice_plug_xtask::main_with_args("cargo xtask", arguments)
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
