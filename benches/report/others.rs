//! The Python process that NumPy, scikit-learn and librosa run in: one thread each, and their best kernels.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// What libraries take their number of threads from.
const THREAD_VARIABLES: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
];
/// What would keep OpenBLAS from choosing for itself.
const BLAS_VARIABLES: [&str; 2] = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/// `benches/others.py`, waiting for commands.
pub(crate) struct Others {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Others {
    /// Starts it on the arrays in `folder`.
    pub(crate) fn start(python: &Path, folder: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg("benches/others.py").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(THREAD_VARIABLES.map(|name| (name, "1")));
        for name in BLAS_VARIABLES {
            command.env_remove(name);
        }
        let mut process = command.spawn().context("benches/others.py does not start")?;
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("benches/others.py has no output")?);
        Ok(Self { process, commands, answers })
    }

    /// What it answers to a command.
    pub(crate) fn ask(&mut self, command: &Value) -> Result<Value> {
        let commands = self.commands.as_mut().context("benches/others.py has ended")?;
        writeln!(commands, "{command}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        serde_json::from_str(&answer).with_context(|| format!("benches/others.py failed at {command}"))
    }

    /// A number of its answer to a command.
    pub(crate) fn number(&mut self, name: &str, command: &Value) -> Result<f64> {
        self.ask(command)?[name].as_f64().with_context(|| format!("no {name} in the answer to {command}"))
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        // Without input it ends.
        self.commands = None;
        let _ = self.process.wait();
    }
}
