//! Link options that a manifest cannot express.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A host may unload the plug-in while one of its system file dialogs is open, or while the learning thread of an instance
    // that is gone comes to its end (see `learn::worker`). Neither can be waited for, so the code that they return to must stay
    // mapped. macOS never unmaps a library with thread-local variables.
    let is_elf = var("CARGO_CFG_UNIX").is_ok() && var("CARGO_CFG_TARGET_VENDOR").as_deref() != Ok("apple");
    if is_elf {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
