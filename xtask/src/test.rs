//! `cargo xtask test`: everything that decides whether a change may land. It stops at the first thing that fails.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::{bundle, cargo, instructions, python, run, target};

/// How often the editor is opened in a VST3 host.
pub(crate) const OPENINGS: u32 = 12;

/// What the VST3 is hosted and the separation scored with; Pillow measures text as the editor lays it out, and writes pictures.
const PYTHON_PACKAGES: [&str; 4] = ["numpy==2.*", "soundfile==0.13.*", "dawdreamer>=0.8,<0.10", "pillow==12.*"];

/// What shows the editor where there is no screen.
const SCREEN: [Need; 4] = [
    Need { package: "xvfb", command: "command -v Xvfb" },
    Need { package: "xdotool", command: "command -v xdotool" },
    Need { package: "libgl1", command: "PATH=$PATH:/sbin:/usr/sbin; ldconfig -p | grep -q 'libGL.so.1 '" },
    Need {
        package: "libgl1-mesa-dri",
        command: "ls /usr/lib*/dri/swrast_dri.so /usr/lib/*/dri/swrast_dri.so | grep -q .",
    },
];
/// What the standalone program is built with.
const SOUND: [Need; 3] = [
    Need { package: "pkg-config", command: "command -v pkg-config" },
    Need { package: "libasound2-dev", command: "pkg-config --exists alsa" },
    Need { package: "libjack-jackd2-dev", command: "pkg-config --exists jack" },
];
/// The public set that separation is scored on, beside the repository.
const QUALITY_SET: &str = "../shared/quality";

pub(crate) fn run_all(openings: u32) -> Result<()> {
    let started = Instant::now();
    // Downloads while the compiler works.
    let python = thread::spawn(|| python::with_packages(&target().join("python"), &PYTHON_PACKAGES));
    let has_sound = has_all("the standalone program", &SOUND);
    let has_screen = has_all("the editor on a screen", &SCREEN);
    // One set of features for all that is built here, so that nothing is built twice.
    let features = match has_sound {
        true => "--features unweave/standalone,benches/report",
        false => "--features benches/report",
    };
    run(&mut cargo("fmt --all --check"))?;
    check(features)?;
    test(features)?;
    let python = python.join().map_err(|_| anyhow!("the thread that installs Python packages panicked"))??;
    let bundled = bundle::hosted(&target().join("debug/deps").join(bundle::library_name()))?.join("Unweave.vst3");
    run(Command::new(&python).arg("tests/vst3_host.py").arg(&bundled))?;
    run(Command::new(&python).arg("tests/vst3_faults.py").arg(&bundled))?;
    if has_screen {
        let window = ignored_tests(features, "clap_window::");
        run(Command::new(&python).arg("tests/screen.py").arg(window.get_program()).args(window.get_args()))?;
        run(Command::new(&python).arg("tests/vst3_editor.py").arg(&bundled).arg(openings.to_string()))?;
    }
    if has_screen && has_sound {
        let program = target().join("debug/unweave-standalone");
        run(Command::new(&python).arg("tests/standalone_walk.py").arg(program).arg(target().join("walk")))?;
    }
    instructions::count()?;
    println!("everything passed, in {:.1} minutes", started.elapsed().as_secs_f64() / 60.0);
    Ok(())
}

/// Lints and documentation: of everything, of the plug-in alone, as it is bundled, and of the command alone, as it is installed.
/// (The library without any feature is built to count instructions.)
fn check(features: &str) -> Result<()> {
    let everything = ["--workspace", "--all-targets", "--features", "benches/count"];
    run(cargo("clippy").args(everything).args(features.split(' ')).args(["--", "-D", "warnings"]))?;
    for feature in ["plugin", "command"] {
        let alone = ["--no-default-features", "--features", feature, "--all-targets", "--", "-D", "warnings"];
        run(cargo("clippy").args(alone))?;
    }
    let mut doc = cargo("doc --workspace --no-deps --document-private-items");
    run(doc.args(features.split(' ')).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs the tests: all that need nothing but this machine, then those on the public set.
fn test(features: &str) -> Result<()> {
    run(&mut tests(features))?;
    if !Path::new(QUALITY_SET).is_dir() {
        println!("skipped: separation quality: {QUALITY_SET} is not here");
        return Ok(());
    }
    run(&mut ignored_tests(features, "quality::"))
}

/// `cargo test`, or cargo-nextest where that is installed: it runs the tests of all programs at once.
fn tests(features: &str) -> Command {
    let nextest = Command::new("cargo-nextest").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let runner = if nextest.is_ok_and(|status| status.success()) { "nextest run" } else { "test" };
    let mut command = cargo(runner);
    command.arg("--workspace").args(features.split(' '));
    command
}

/// The tests whose path contains `name`, of those that a plain `cargo test` ignores for their needs.
fn ignored_tests(features: &str, name: &str) -> Command {
    let mut command = tests(features);
    command.args(["--test", "all", "--", "--ignored", name]);
    command
}

/// Whether this machine has what a part of the tests needs; else that part is said to be left out.
fn has_all(part: &str, needs: &[Need]) -> bool {
    let missing: Vec<&str> = needs.iter().filter(|need| !need.is_met()).map(|need| need.package).collect();
    if !missing.is_empty() {
        println!("skipped: {part}: on Debian, `apt install {}`", missing.join(" "));
    }
    missing.is_empty()
}

/// A Debian package, and a command that succeeds where it is installed.
struct Need {
    package: &'static str,
    command: &'static str,
}

impl Need {
    fn is_met(&self) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", self.command]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
