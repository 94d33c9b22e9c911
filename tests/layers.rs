//! The order of the layers in `src/`, and the habits that a machine can check.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer, and the layers that it may name.
const LAYERS: [(&str, &[&str]); 13] = [
    ("dsp", &[]),
    ("model", &["dsp"]),
    ("link", &["dsp", "model"]),
    ("learn", &["dsp", "model", "link"]),
    ("files", &["dsp", "model", "learn"]),
    ("pictures", &["dsp", "model", "learn", "files"]),
    ("player", &["dsp", "files"]),
    ("params", &["dsp", "model", "link"]),
    ("editor", &["dsp", "model", "link", "params", "files", "pictures", "player"]),
    ("plugin", &["dsp", "model", "link", "learn", "params", "editor", "player"]),
    ("bin", &["files", "player", "plugin"]),
    ("command", &COMMAND),
    ("main", &COMMAND),
];
/// What the command may name: every layer but those of the plug-in.
const COMMAND: [&str; 7] = ["dsp", "model", "link", "learn", "files", "pictures", "command"];
/// Words, and the only files (by the start of their path in `src/`) that may contain them.
const KEPT_TO: [(&str, &[&str]); 9] = [
    ("rtrb", &["link/"]),
    ("triple_buffer", &["link/", "player/"]),
    ("crossbeam", &["link/", "learn/worker/"]),
    ("mpsc", &["learn/threads.rs", "player/loader.rs", "editor/dialog.rs"]),
    ("Mutex", &["link/", "learn/threads.rs", "player/store.rs"]),
    ("std::thread", &["learn/threads.rs", "learn/worker/", "player/loader.rs", "editor/dialog.rs"]),
    ("realfft", &["dsp/"]),
    ("rubato", &["player/song.rs"]),
    ("nice_plug", &["params/", "plugin", "editor", "lib.rs"]),
];
const LONGEST_FUNCTION: usize = 70;
const LONGEST_FILE: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every .rs file below a folder: its path from there, and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let base = root().join(folder);
    let (mut folders, mut found): (Vec<PathBuf>, Vec<PathBuf>) = (vec![base.clone()], Vec::new());
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(next) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let name = |path: &Path| path.strip_prefix(&base).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn everything() -> Vec<(String, String)> {
    let all = ["src", "tests", "benches", "examples", "xtask/src"].map(sources).concat();
    assert!(all.len() > 20, "only {} files were found", all.len());
    all
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_module_names_only_the_layers_below_it() {
    let mut broken = Vec::new();
    for (path, text) in sources("src").into_iter().filter(|(path, _)| path != "lib.rs") {
        let layer = path.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            broken.push(format!("{path}: give `{layer}` a place in LAYERS"));
            continue;
        };
        let code = code(&text);
        for import in code.split("crate::").skip(1).chain(code.split("unweave::").skip(1)) {
            let named: String = import.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if named != layer && !allowed.contains(&named.as_str()) {
                broken.push(format!("{path}: crate::{}", import.lines().next().unwrap_or_default()));
            }
        }
    }
    none(broken);
}

#[test]
fn shared_things_threads_transforms_and_the_host_stay_in_their_files() {
    let mut broken = Vec::new();
    for (path, text) in sources("src") {
        let code = code(&text);
        for (word, homes) in KEPT_TO {
            if code.contains(word) && !homes.iter().any(|home| path.starts_with(home)) {
                broken.push(format!("{path}: `{word}` belongs in {homes:?}"));
            }
        }
    }
    none(broken);
}

#[test]
fn functions_fit_a_screen_and_files_stay_short() {
    let mut broken = Vec::new();
    for (path, text) in everything() {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > LONGEST_FILE {
            broken.push(format!("{path}: {} lines", lines.len()));
        }
        for (start, line) in lines.iter().enumerate() {
            if !begins_function(line) || line.ends_with('}') || line.ends_with(';') {
                continue;
            }
            // As rustfmt sets it: the brace that ends a function is indented like its first line.
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let len = lines[start..].iter().position(|line| **line == end).map_or(usize::MAX, |last| last + 1);
            if len > LONGEST_FUNCTION {
                broken.push(format!("{path}:{}: {len} lines in one function", start + 1));
            }
        }
    }
    none(broken);
}

fn begins_function(line: &str) -> bool {
    let before = line.split_once("fn ").map(|(before, _)| before);
    let is_qualifier = |word: &str| ["const", "async", "unsafe", "extern"].contains(&word) || word.starts_with("pub");
    before.is_some_and(|before| before.split_whitespace().all(is_qualifier))
}

#[test]
fn every_allowed_lint_has_its_reason() {
    let mut broken = Vec::new();
    for (path, text) in everything() {
        for open in ["#[", "#!["] {
            for attribute in code(&text).split(open).skip(1).map(|rest| rest.split(")]").next().unwrap_or_default()) {
                let is_allow = attribute.starts_with("allow(") || attribute.starts_with("cfg_attr(");
                if is_allow && attribute.contains("allow(") && !attribute.contains("reason = ") {
                    broken.push(format!("{path}: {attribute}"));
                }
            }
        }
    }
    none(broken);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (mut broken, mut is_dependency, mut above) = (Vec::new(), false, "");
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependency = line.ends_with("dependencies]");
            if line.contains("dependencies.") {
                broken.push(format!("a line of its section instead: {line}"));
            }
        } else if is_dependency && line.contains(" = ") && !line.starts_with('#') && !above.starts_with('#') {
            broken.push(format!("a comment is missing above: {line}"));
        }
        above = line;
    }
    none(broken);
}
