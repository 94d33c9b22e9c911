//! The plug-in's library stays in memory after its host unloads it. A system file dialog waits for its user on a thread of
//! its own that nobody can end; code that such a thread returns to must not be unmapped. On Windows and macOS hosts
//! behave differently, see `editor::dialog`, so this test runs on Linux alone.

use std::fs;
use std::path::PathBuf;

use clack_host::prelude::*;

/// The shared library that cargo builds together with this test.
fn library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let library = program.with_file_name("libunweave.so");
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

/// Whether a file is mapped into this process.
fn is_mapped(file: &std::path::Path) -> bool {
    let path = file.canonicalize().unwrap();
    fs::read_to_string("/proc/self/maps").unwrap().lines().any(|line| line.ends_with(path.to_str().unwrap()))
}

#[test]
fn the_library_stays_mapped_after_its_host_unloads_it() {
    let library = library();
    assert!(!is_mapped(&library));
    // SAFETY: the library was built from this very source, and runs no code before `clap_entry` is used.
    #[allow(unsafe_code, reason = "loading a library runs its code; this is the plug-in under test")]
    let entry = unsafe { PluginEntry::load(&library) }.unwrap();
    assert!(is_mapped(&library));
    let factory = entry.get_plugin_factory().unwrap();
    assert!(factory.plugin_count() > 0);
    drop(entry);
    assert!(is_mapped(&library), "dlclose unmapped {}", library.display());
}
