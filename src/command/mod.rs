//! The subcommands, and what they share: usage errors, output checks, printing, progress bars.

pub(crate) mod demo;
pub(crate) mod inspect;
pub(crate) mod learn;
pub(crate) mod separate;

use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

/// An invalid command line: exit code 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Prints text and a line break on stdout. A closed pipe is no error: its reader, `head` for example, has read enough.
///
/// # Errors
/// Stdout cannot be written to.
pub(crate) fn print(text: &impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Prints a note, a warning or an error on stderr, after the program's name. If stderr is closed there is nowhere else to
/// report it.
pub(crate) fn tell(text: &impl Display) {
    let _ = writeln!(io::stderr(), "unweave: {text}");
}

/// How to treat output files that exist already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Refuse,
    Overwrite,
}

impl Existing {
    pub(crate) fn forced(force: bool) -> Self {
        if force { Self::Overwrite } else { Self::Refuse }
    }
}

/// Checks an output before any work is done: it must not exist unless it may be overwritten, and its folder must be writable.
pub(crate) fn check_output(path: &Path, existing: Existing) -> anyhow::Result<()> {
    if path.is_dir() {
        bail!("{}: is a folder; the output must be a file", path.display());
    }
    if existing == Existing::Refuse && path.exists() {
        bail!("{}: exists already; choose another name, or overwrite it with --force", path.display());
    }
    create_folder(path.parent().filter(|folder| !folder.as_os_str().is_empty()))
}

/// Creates an output folder and its parents, and checks that files can be created in it.
pub(crate) fn create_folder(folder: Option<&Path>) -> anyhow::Result<()> {
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("{}: the output folder cannot be created", folder.display()))?;
    let probe = folder.join(format!(".unweave.{}.part", std::process::id()));
    fs::write(&probe, "").with_context(|| format!("{}: the output folder cannot be written to", folder.display()))?;
    fs::remove_file(&probe).with_context(|| format!("{}: cannot be removed again", probe.display()))
}

/// `folder/NAME.wav`, checked like every output.
pub(crate) fn check_stem(folder: &Path, name: &str, existing: Existing) -> anyhow::Result<PathBuf> {
    check_name(name)?;
    let path = folder.join(format!("{name}.wav"));
    check_output(&path, existing)?;
    Ok(path)
}

/// Component names become file names.
pub(crate) fn check_name(name: &str) -> Result<(), Usage> {
    let is_file_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']);
    match is_file_name {
        true => Ok(()),
        false => Err(Usage(format!(
            "component name “{name}”: it becomes a file name, so it must not be empty, start with “.” or hold / \\ or :"
        ))),
    }
}

/// A bar on stderr where that is a terminal; nothing in a pipe.
pub(crate) fn progress_bar(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:>10} {bar:40} {percent:>3} % {eta}") {
        bar.set_style(style);
    }
    bar
}
