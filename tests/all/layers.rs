//! The order of the layers in `src/`, and the habits that a machine can check.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    let all = ["src", "tests", "benches", "examples", "xtask"].map(sources).concat();
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
fn no_files_import_each_other_in_a_circle() {
    let imports = Imports::new(&sources("src")).graph();
    let count: usize = imports.values().map(BTreeSet::len).sum();
    assert!(count > 200, "only {count} imports were found");
    let circles = circles(&imports);
    let broken =
        circles.iter().map(|circle| format!("{}   (in all: {})", shortest(circle, &imports), circle.join(", ")));
    none(broken.collect());
}

#[test]
fn an_import_leads_to_the_file_that_defines_the_name() {
    let files = [
        ("lib.rs", "pub mod a;\npub mod b;\npub use b::Thing;\n"),
        (
            "a/mod.rs",
            "mod child;\nmod other;\npub use child::{Child, deep::X as Y};\nuse other::help;\npub struct Own;\n",
        ),
        (
            "a/child.rs",
            "use super::{Own, other::{self, help}};\n#[cfg(test)]\nmod tests {\n    use crate::b::Thing;\n}\n",
        ),
        ("a/other.rs", "//! See [`super::Own`].\npub fn help() { crate::Thing::new(); // crate::a::Own\n}\n"),
        ("b.rs", "use crate::a;\npub struct Thing;\nfn f(_: a::Child) {}\n"),
        ("main.rs", "mod command;\nfn main() { command::run(unweave::a::Own) }\n"),
        ("command/mod.rs", "#[cfg(test)]\nuse unweave::b::Thing;\n"),
    ];
    let graph = Imports::new(&files.map(|(path, text)| (path.to_string(), text.to_string()))).graph();
    let of = |file: &str| graph[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("lib.rs"), [""; 0], "a re-export is no import");
    assert_eq!(of("a/mod.rs"), ["a/other.rs"]);
    assert_eq!(of("a/child.rs"), ["a/mod.rs", "a/other.rs"], "tests may import anything");
    assert_eq!(of("a/other.rs"), ["b.rs"], "through the re-export; comments do not count");
    assert_eq!(of("b.rs"), ["a/child.rs"], "through the imported module and the re-export");
    assert_eq!(of("main.rs"), ["a/mod.rs", "command/mod.rs"]);
    assert_eq!(of("command/mod.rs"), [""; 0]);
    let found = circles(&graph);
    assert_eq!(found, [["a/child.rs", "a/mod.rs", "a/other.rs", "b.rs"]]);
    assert_eq!(shortest(&found[0], &graph), "a/child.rs → a/other.rs → b.rs → a/child.rs");
}

/// A path in the crate: the names between its colons.
type Names = Vec<String>;

/// What each file of the crate imports and re-exports.
struct Imports {
    /// The file of each module.
    files: BTreeMap<Names, String>,
    /// Per module, its code without comments, tests and `use` lines.
    texts: BTreeMap<Names, String>,
    /// Per module and name, the path that a `use` gives the name to.
    uses: BTreeMap<(Names, String), Names>,
    /// Per module, the paths that it imports and does not re-export.
    imported: BTreeMap<Names, Vec<Names>>,
}

impl Imports {
    fn new(sources: &[(String, String)]) -> Self {
        let module = |path: &str| -> Names {
            let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
            if path == "lib" { Vec::new() } else { path.split('/').map(String::from).collect() }
        };
        let files = sources.iter().map(|(path, _)| (module(path), path.clone())).collect();
        let (texts, uses, imported) = Default::default();
        let mut imports = Self { files, texts, uses, imported };
        for (path, text) in sources {
            imports.read(module(path), &without_tests(&code(text)));
        }
        imports
    }

    fn read(&mut self, module: Names, text: &str) {
        let (mut rest, mut imported) = (String::new(), Vec::new());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some((visibility, tree)) =
                line.trim_start().split_once("use ").filter(|(before, _)| is_visibility(before))
            else {
                rest.push_str(line);
                rest.push('\n');
                continue;
            };
            let mut tree = tree.to_string();
            while !tree.contains(';') {
                tree.push_str(lines.next().unwrap_or(";"));
            }
            for (path, name) in expanded(tree.trim_end_matches(';')) {
                let path = self.absolute(&module, path);
                self.uses.insert((module.clone(), name), path.clone());
                imported.extend(Some(path).filter(|_| visibility.is_empty()));
            }
        }
        self.imported.insert(module.clone(), imported);
        self.texts.insert(module, rest);
    }

    /// A path as seen in a module, from the root of the crate. Other crates' paths begin with an empty name.
    fn absolute(&self, module: &[String], path: Names) -> Names {
        // Programs see the modules beside them, as the library's root does.
        let is_program = ["main", "bin"].iter().any(|name| module.first().is_some_and(|first| first == name));
        let mut base = if is_program { Vec::new() } else { module.to_vec() };
        let mut names = path.into_iter().peekable();
        match names.peek().map(String::as_str) {
            Some("crate" | "unweave") => {
                base.clear();
                names.next();
            }
            Some("self") => {
                names.next();
            }
            Some("super") => {
                while names.next_if(|name| name == "super").is_some() {
                    base.pop();
                }
            }
            Some(first) => {
                let child = [base.as_slice(), &[first.to_string()]].concat();
                if let Some(imported) = self.uses.get(&(module.to_vec(), first.to_string())) {
                    base = imported.clone();
                    names.next();
                } else if !self.files.contains_key(&child) {
                    base = vec![String::new()];
                }
            }
            None => {}
        }
        base.into_iter().chain(names).collect()
    }

    /// The file that defines what a path from the root leads to; none for a module as such, and for other crates.
    fn file(&self, path: &[String], hops: usize) -> Option<&String> {
        let mut module = Vec::new();
        for (index, name) in path.iter().enumerate() {
            module.push(name.clone());
            if self.files.contains_key(&module) {
                continue;
            }
            module.pop();
            let imported = self.uses.get(&(module.clone(), name.clone())).filter(|_| hops < 9);
            return match imported {
                Some(imported) => self.file(&[imported.as_slice(), &path[index + 1..]].concat(), hops + 1),
                None => self.files.get(&module).filter(|_| !name.is_empty()),
            };
        }
        None
    }

    /// Per file, the other files that it imports something from.
    fn graph(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of = |module: &Names| {
            let inline = paths(&self.texts[module]).map(|path| self.absolute(module, path));
            let imported = self.imported[module].iter().cloned().chain(inline);
            let own = &self.files[module];
            imported.filter_map(|path| self.file(&path, 0).cloned()).filter(|file| file != own).collect()
        };
        self.files.iter().map(|(module, file)| (file.clone(), of(module))).collect()
    }
}

fn is_visibility(text: &str) -> bool {
    text.is_empty() || text == "pub " || (text.starts_with("pub(") && text.ends_with(") "))
}

/// The code without the items that only tests compile.
fn without_tests(code: &str) -> String {
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut parts = code.split("#[cfg(test)]\n");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |kept, part| {
        let item_len = if part.trim_start().starts_with("use ") || part.trim_start().starts_with("pub") {
            part.find(';').map_or(0, |end| end + 1)
        } else {
            0
        };
        kept + &part[item_len..]
    })
}

/// The paths of a `use` tree, and the name that each gets.
fn expanded(tree: &str) -> Vec<(Names, String)> {
    let tree = tree.trim();
    if let Some((prefix, inner)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) {
        let prefix = names(prefix);
        let joined = |(path, name): (Names, String)| match path.as_slice() {
            [only] if only == "self" => (prefix.clone(), prefix.last().cloned().unwrap_or_default()),
            _ => ([prefix.as_slice(), &path].concat(), name),
        };
        return branches(inner).into_iter().flat_map(expanded).map(joined).collect();
    }
    let (path, renamed) = tree.split_once(" as ").map_or((tree, None), |(path, name)| (path, Some(name)));
    let path = names(path);
    let name = renamed.map(|name| name.trim().to_string()).or_else(|| path.last().cloned()).unwrap_or_default();
    vec![(path, name)]
}

/// The parts between the commas that no inner braces hold.
fn branches(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (index, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&tree[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(&tree[start..]);
    found.retain(|part| !part.trim().is_empty());
    found
}

fn names(path: &str) -> Names {
    path.split("::").map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect()
}

/// All paths of two names or more in code.
fn paths(code: &str) -> impl Iterator<Item = Names> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(move |c| !is_path(c)).filter(|word| word.contains("::")).map(names).filter(|names| !names.is_empty())
}

/// Groups of files that all import each other, directly or through others; each sorted by name.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|file| (file, reached_from(file, imports))).collect();
    let circle = |file: &String| -> Vec<String> {
        reached[file].iter().filter(|other| reached[**other].contains(file)).map(|other| (*other).clone()).collect()
    };
    let circles: BTreeSet<Vec<String>> = imports.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    circles.into_iter().collect()
}

fn reached_from<'a>(start: &'a String, imports: &'a BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'a String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(file) = next.pop() {
        next.extend(imports[file].iter().filter(|file| reached.insert(*file)));
    }
    reached
}

/// The shortest way from a file of a circle back to it, to be read.
fn shortest(circle: &[String], imports: &BTreeMap<String, BTreeSet<String>>) -> String {
    let way_back = |start: &String| -> Vec<String> {
        let mut ways = VecDeque::from([vec![start.clone()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for file in &imports[&way[way.len() - 1]] {
                let longer = [way.as_slice(), std::slice::from_ref(file)].concat();
                if file == start {
                    return longer;
                }
                if seen.insert(file) {
                    ways.push_back(longer);
                }
            }
        }
        Vec::new()
    };
    circle.iter().map(way_back).min_by_key(Vec::len).unwrap_or_default().join(" → ")
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
