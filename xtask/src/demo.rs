//! `cargo xtask demo`: the shipped clip through the built `.clap` in a real host.

use std::time::Instant;

use anyhow::{Context, Result};
use unweave::pictures::demo::{Approach, Clip, Demo};

use crate::clap_host::{Host, story};

pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    crate::bundle(&[])?;
    let steps = vec![("build and bundle", started.elapsed())];
    let target = crate::test::target();
    let folder = target.join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let clip = Clip::load()?;
    // A fresh instance for each story.
    let tell = |approach| {
        let plugin = target.join("bundled/Unweave.clap");
        let mut host = Host::from_file(&plugin, f64::from(clip.mix.sample_rate), clip.mix.channels.len())?;
        story::tell(&mut host, &clip, approach)
    };
    let stories = [tell(Approach::Taught)?, tell(Approach::Blind)?];
    let how = "Made by `cargo xtask demo`: the built `.clap` in a CLAP host, in blocks of 1 to 4096 samples.";
    println!("{}", Demo { how, stories, steps }.write(&clip, &folder)?);
    println!("Sounds, pictures and report.md are in {}", folder.display());
    Ok(())
}
