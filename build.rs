//! Link options that a manifest cannot express.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A host may unload the plug-in while one of its system file dialogs is open. The dialog's thread cannot be ended, so
    // the code that it returns to must stay mapped.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
