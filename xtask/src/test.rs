//! `cargo xtask test`: everything that decides whether a change may land. It stops at the first thing that fails.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::{bundle, cargo, instructions, python, run};

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
    let bundle = target().join("bundled/Unweave.vst3");
    run(Command::new(&python).arg("tests/vst3_host.py").arg(&bundle))?;
    let has_screen = has_all("the editor on a screen", &SCREEN);
    if has_screen {
        let clap_window = cargo("test --profile checked --test clap_window -- --nocapture");
        let on_a_screen = |command: &Command| {
            let mut whole = Command::new(&python);
            whole.arg("tests/screen.py").arg(command.get_program()).args(command.get_args());
            whole
        };
        run(&mut on_a_screen(&clap_window))?;
        run(Command::new(&python).arg("tests/vst3_editor.py").arg(&bundle))?;
    }
    if has_all("the standalone program", &SOUND) {
        test_standalone()?;
        if has_screen {
            let program = target().join("checked/unweave-standalone");
            run(Command::new(&python).arg("tests/standalone_walk.py").arg(program).arg(target().join("walk")))?;
        }
    }
    println!("everything passed");
    Ok(())
}

fn test_standalone() -> Result<()> {
    run(&mut cargo("clippy --features standalone --all-targets --profile checked -- -D warnings"))?;
    run(&mut cargo(
        "test --features standalone --profile checked --bin unweave-standalone --test standalone --test player",
    ))?;
    run(&mut cargo("build --features standalone --profile checked --bin unweave-standalone"))
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

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
