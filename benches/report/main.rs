//! `cargo xtask bench`: how fast it is, beside NumPy, scikit-learn and librosa in the same run. `target/bench/report.md`.

mod arrays;
mod blocks;
mod chain;
mod chart;
#[path = "../../tests/clap_host/mod.rs"]
mod clap_host;
mod frame;
mod growth;
mod learning;
mod machine;
mod memory;
mod music;
mod others;
mod peak;
mod report;
mod rounds;

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::json;
use unweave::dsp::Divergence;
use unweave::learn::Start;

use arrays::Arrays;
use music::Music;
use others::Others;
use report::Report;

/// How often everything is measured.
struct Effort {
    /// What asks for it.
    command: &'static str,
    /// Rounds of what takes microseconds.
    short_rounds: usize,
    /// Rounds of what takes a second.
    long_rounds: usize,
    /// Runs of each piece of music.
    runs: usize,
    /// Instances whose memory is counted.
    instances: usize,
}

const FULL: Effort = Effort { command: "cargo xtask bench", short_rounds: 61, long_rounds: 7, runs: 7, instances: 100 };
const QUICK: Effort =
    Effort { command: "cargo xtask bench --quick", short_rounds: 15, long_rounds: 3, runs: 3, instances: 10 };

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [memory::CHILD, instances] => memory::hold(instances.parse().context("a number of instances")?),
        [python, folder] => measure(&FULL, Path::new(python), Path::new(folder)),
        [python, folder, "--quick"] => measure(&QUICK, Path::new(python), Path::new(folder)),
        _ => bail!("report PYTHON FOLDER [--quick], as `cargo xtask bench` starts it: {arguments:?} is not known"),
    }
}

/// Measures everything, and writes the report into `folder`; `python` has the packages that are measured beside ours.
fn measure(effort: &Effort, python: &Path, folder: &Path) -> Result<()> {
    let started = Instant::now();
    let step = |number: usize, name: &str| {
        println!("\nmeasuring {name}: {number} of 6, {:.0} s so far", started.elapsed().as_secs_f64());
    };
    let music = Music::load()?;
    let arrays = Arrays::of(&music, folder)?;
    arrays.write_start(&learning::options(Divergence::KullbackLeibler, Start::Random))?;
    let frame = frame::Frame::of(&arrays)?;
    let others = RefCell::new(Others::start(python, folder)?);
    let mut report = Report::new(effort.command, facts(&others)?);

    step(1, "H of one frame");
    frame::measure(effort.short_rounds, &frame, &others, &mut report)?;
    step(2, "learning");
    learning::measure(effort.long_rounds, &arrays, &others, &mut report)?;
    drop(others);
    step(3, "the whole chain");
    chain::measure(effort.runs, &music, &mut report)?;
    step(4, "the load of small blocks");
    chain::measure_load(effort.runs, &music, &mut report)?;
    step(5, "growth");
    growth::measure(effort.runs, folder, &mut report)?;
    step(6, "memory");
    memory::measure(effort.instances, &mut report)?;

    report.write(folder)?;
    println!("\n{} after {:.0} s", folder.join("report.md").display(), started.elapsed().as_secs_f64());
    Ok(())
}

/// The machine, and what runs beside ours.
fn facts(others: &RefCell<Others>) -> Result<Vec<String>> {
    let mut facts = machine::facts();
    let answer = others.borrow_mut().ask(&json!({ "do": "facts" }))?;
    let list = |name: &str| {
        let values = answer[name].as_array().map_or(&[][..], Vec::as_slice);
        values.iter().filter_map(|value| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    let python = answer["python"].as_str().unwrap_or_default();
    facts.push(format!(
        "Beside it: Python {python}, {}, OpenBLAS kernels for {}",
        list("libraries"),
        list("blas_kernels")
    ));
    facts.iter().for_each(|fact| println!("{fact}"));
    Ok(facts)
}
