//! `demo PLUGIN FOLDER SECONDS`: the shipped clip through the built `.clap` in a real host, as `cargo xtask demo` starts it.
//! FOLDER is for the sounds, pictures and the report; the plug-in was built in SECONDS.

#[path = "../../../tests/clap_host/mod.rs"]
mod clap_host;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use unweave::pictures::demo::{Approach, Clip, Demo};

use clap_host::{Host, story};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plugin, folder, seconds] = &arguments[..] else { bail!("demo PLUGIN FOLDER SECONDS") };
    let (plugin, folder) = (Path::new(plugin), Path::new(folder));
    let steps = vec![("build and bundle", Duration::from_secs_f64(seconds.parse().context("seconds")?))];
    let clip = Clip::load()?;
    // A fresh instance for each story.
    let tell = |approach| {
        let mut host = Host::from_file(plugin, f64::from(clip.mix.sample_rate), clip.mix.channels.len())?;
        story::tell(&mut host, &clip, approach)
    };
    let stories = [tell(Approach::Taught)?, tell(Approach::Blind)?];
    let how = "Made by `cargo xtask demo`: the built `.clap` in a CLAP host, in blocks of 1 to 4096 samples.";
    println!("{}", Demo { how, stories, steps }.write(&clip, folder)?);
    println!("Sounds, pictures and report.md are in {}", folder.display());
    Ok(())
}
