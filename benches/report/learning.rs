//! Learning to the same loss from the same start: ours, scikit-learn's, librosa's.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use unweave::dsp::Divergence;
use unweave::learn::{Factorization, FactorizeOptions, Start};

use crate::arrays::Arrays;
use crate::frame::TEMPLATES;
use crate::others::Others;
use crate::report::{Bounds, Report, Row};
use crate::rounds::{Contender, in_turns, ratio};

/// Of the Kullback-Leibler updates to compare with.
const UPDATES: usize = 100;
/// Of the plain Euclidean updates whose loss is to be reached.
const EUCLIDEAN_UPDATES: usize = 200;
/// The same loss: float32 against float64 differs by less.
const SAME: f64 = 1.0 + 1e-5;
/// More iterations than ours can need.
const MOST: usize = 400;
/// As the losses of ours are computed: no logarithm of nothing.
const FLOOR: f64 = 1e-12;

/// Measures Kullback-Leibler, then Euclidean.
pub(crate) fn measure(rounds: usize, arrays: &Arrays, others: &RefCell<Others>, report: &mut Report) -> Result<()> {
    kullback_leibler(rounds, arrays, others, report)?;
    euclidean(rounds, arrays, others, report)
}

fn kullback_leibler(rounds: usize, arrays: &Arrays, others: &RefCell<Others>, report: &mut Report) -> Result<()> {
    let divergence = Divergence::KullbackLeibler;
    let target = others.borrow_mut().number("loss", &judged("kullback-leibler", "float64", UPDATES))?;
    let [random, k_means] = [Start::Random, Start::KMeans].map(|start| options(divergence, start));
    let needed = iterations(arrays, &random, target)?;
    let needed_k_means = iterations(arrays, &k_means, target)?;
    let timed = |command| move || others.borrow_mut().number("seconds", &command);
    let librosa = json!({ "do": "decompose", "iterations": UPDATES });
    let times = in_turns(
        rounds,
        &mut [
            Contender::new("ours, the whole call", || run(arrays, &random, needed)),
            Contender::new("scikit-learn float32", timed(updates("kullback-leibler", "float32", UPDATES))),
            Contender::new("scikit-learn float64", timed(updates("kullback-leibler", "float64", UPDATES))),
            Contender::new("librosa float32, from a random start of its own", timed(librosa)),
            Contender::new("ours, from k-means, which is counted", || run(arrays, &k_means, needed_k_means)),
        ],
    )?;
    let [ours, float32, float64, ..] = &times[..] else { return Ok(()) };
    report
        .heading("Learning 10 s, K = 8, Kullback-Leibler, to the loss of 100 plain updates from the same random start");
    report.add(Row::times("scikit-learn float64 ÷ ours", ratio(float64, ours), Bounds::at_least(12.0, 25.0)));
    report.add(Row::times("scikit-learn float32 ÷ ours", ratio(float32, ours), Bounds::at_least(3.0, 6.0)));
    report.add(Row::plain("updates that ours needs", needed as f64, ""));
    report.add(Row::plain("… and from k-means", needed_k_means as f64, ""));
    times.iter().for_each(|times| report.add(Row::plain(times.name, times.median() * 1e3, "ms")));
    Ok(())
}

fn euclidean(rounds: usize, arrays: &Arrays, others: &RefCell<Others>, report: &mut Report) -> Result<()> {
    let target = others.borrow_mut().number("loss", &judged("frobenius", "float64", EUCLIDEAN_UPDATES))?;
    let options = options(Divergence::Euclidean, Start::Random);
    let needed = iterations(arrays, &options, target)?;
    let search = json!({ "do": "needed", "target": target * SAME, "solver": "cd", "divergence": "frobenius", "dtype": "float32" });
    let descents = others.borrow_mut().ask(&search)?["iterations"].as_u64().context("no iterations")? as usize;
    let mut descent = updates("frobenius", "float32", descents);
    descent["solver"] = json!("cd");
    let multiplicative = updates("frobenius", "float32", EUCLIDEAN_UPDATES);
    let timed = |command| move || others.borrow_mut().number("seconds", &command);
    let times = in_turns(
        rounds,
        &mut [
            Contender::new("ours, the whole call", || run(arrays, &options, needed)),
            Contender::new("scikit-learn cd float32", timed(descent)),
            Contender::new("scikit-learn mu float32, all 200", timed(multiplicative)),
        ],
    )?;
    report.heading("Learning 10 s, K = 8, Euclidean, to the loss of 200 plain updates from the same random start");
    let against = ratio(&times[1], &times[0]);
    report.add(Row::times("scikit-learn cd float32 ÷ ours", against, Bounds::at_least(1.5, 4.0)));
    report.add(Row::plain("iterations that ours needs", needed as f64, ""));
    report.add(Row::plain("… and cd", descents as f64, ""));
    times.iter().for_each(|times| report.add(Row::plain(times.name, times.median() * 1e3, "ms")));
    Ok(())
}

/// One thread's options, as far as this version knows threads.
pub(crate) fn options(divergence: Divergence, start: Start) -> FactorizeOptions {
    FactorizeOptions { templates: TEMPLATES, divergence, start, ..FactorizeOptions::default() }
}

/// The command for plain updates of scikit-learn whose loss is to be computed.
fn judged(divergence: &str, dtype: &str, iterations: usize) -> Value {
    let mut command = updates(divergence, dtype, iterations);
    command["loss"] = json!(true);
    command
}

/// The command for plain updates of scikit-learn.
fn updates(divergence: &str, dtype: &str, iterations: usize) -> Value {
    json!({ "do": "learn", "solver": "mu", "divergence": divergence, "dtype": dtype, "iterations": iterations, "loss": false })
}

/// Seconds of a whole factorization.
fn run(arrays: &Arrays, options: &FactorizeOptions, iterations: usize) -> Result<f64> {
    let options = FactorizeOptions { iterations, loss_every: iterations, ..options.clone() };
    let started = Instant::now();
    black_box(arrays.factorize(&options)?);
    Ok(started.elapsed().as_secs_f64())
}

/// The fewest iterations of ours that reach a loss, which is computed here anew.
fn iterations(arrays: &Arrays, options: &FactorizeOptions, target: f64) -> Result<usize> {
    let all = arrays.factorize(&FactorizeOptions { iterations: MOST, loss_every: 1, ..options.clone() })?;
    let reached = all.losses.iter().find(|(_, loss)| *loss <= target * SAME);
    let (first, _) = *reached.with_context(|| format!("{MOST} iterations do not reach a loss of {target}"))?;
    for iterations in first.max(1)..MOST {
        let found = arrays.factorize(&FactorizeOptions { iterations, ..options.clone() })?;
        if loss(arrays, &found, options.divergence) <= target * SAME {
            return Ok(iterations);
        }
    }
    anyhow::bail!("the losses of ours are not those of its W and H")
}

/// The divergence of V from H W, in float64 throughout.
fn loss(arrays: &Arrays, found: &Factorization, divergence: Divergence) -> f64 {
    let estimate = found.h.mapv(f64::from).dot(&found.w.mapv(f64::from));
    let terms = arrays.v.iter().zip(&estimate).map(|(&v, &estimate)| (f64::from(v), estimate + FLOOR));
    match divergence {
        Divergence::Euclidean => terms.map(|(v, e)| (v - e).powi(2) / 2.0).sum(),
        _ => terms.map(|(v, e)| if v > 0.0 { v * (v / e).ln() - v + e } else { e }).sum(),
    }
}
