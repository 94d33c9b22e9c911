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
    run(&mut tests(features))?;
    let python = python.join().map_err(|_| anyhow!("the thread that installs Python packages panicked"))??;
    let bundled = bundle::hosted(&target().join("debug/deps").join(bundle::library_name()))?.join("Unweave.vst3");
    run(Command::new(&python).arg("tests/vst3_host.py").arg(&bundled))?;
    run(Command::new(&python).arg("tests/vst3_faults.py").arg(&bundled))?;
    if has_screen {
        let mut window = tests_named(features, "clap_window::");
        window.args(["--ignored", "--nocapture"]);
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

/// Lints and documentation: of everything, and of what each smaller set of features leaves.
fn check(features: &str) -> Result<()> {
    run(cargo("clippy --workspace --all-targets").args(features.split(' ')).args([
        "--features",
        "benches/count",
        "--",
        "-D",
        "warnings",
    ]))?;
    for features in ["", "--features plugin", "--features command"] {
        run(cargo("clippy --no-default-features").args(features.split_whitespace()).args(["--", "-D", "warnings"]))?;
    }
    let mut doc = cargo("doc --workspace --no-deps --document-private-items");
    run(doc.args(features.split(' ')).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The test programs, by cargo-nextest where that is installed.
fn tests(features: &str) -> Command {
    let nextest = Command::new("cargo-nextest").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let runner = if nextest.is_ok_and(|status| status.success()) { "nextest run" } else { "test" };
    let mut command = cargo(runner);
    command.args(["--workspace"]).args(features.split(' ')).arg("--");
    if Path::new(QUALITY_SET).is_dir() {
        // A screen comes later, and an idle machine cannot be expected.
        command.args(["--include-ignored", "--skip", "clap_window::", "--skip", "thirty_learning_instances"]);
    } else {
        println!("skipped: separation quality: {QUALITY_SET} is not here");
    }
    command
}

/// The tests whose path contains `name`, in the program that all are in.
fn tests_named(features: &str, name: &str) -> Command {
    let mut command = cargo("test --workspace --test all");
    command.args(features.split(' ')).args(["--", name]);
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
