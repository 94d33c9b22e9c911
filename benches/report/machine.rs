//! What the figures were measured on, without a name of its own.

use std::fs;
use std::process::Command;

/// Sentences on the processor and the compiler.
pub(crate) fn facts() -> Vec<String> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let flags = field("flags");
    let flags: Vec<&str> = flags.split(' ').collect();
    let features = ["avx2", "fma", "avx512f", "avx512bw"].into_iter().filter(|name| flags.contains(name));
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get());
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler =
        compiler.map_or_else(|_| "rustc unknown".into(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    vec![
        format!("Processor: {}, {cores} cores, {}", field("model name"), features.collect::<Vec<_>>().join(", ")),
        format!("Compiler: {compiler}, release profile, {}", std::env::consts::ARCH),
    ]
}
