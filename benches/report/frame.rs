//! H of one frame: ours, NumPy's, and plain loops'; and the bound that the arithmetic sets.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2};
use serde_json::json;
use unweave::dsp::bands::Bands;
use unweave::dsp::{ActivationSolver, Divergence, Format, StftLayout, Templates};

use crate::arrays::Arrays;
use crate::others::Others;
use crate::peak;
use crate::report::{Bounds, Report, Row};
use crate::rounds::{Contender, Times, in_turns, ratio};
use scenes::plain::plain_updates;

pub(crate) const TEMPLATES: usize = 8;
const UPDATES: usize = 20;
/// Calls of which the mean is one round's time: short enough that most rounds are not interrupted.
const CALLS: usize = 60;
/// What the same h may differ by: float32 sums of 1025 products in different orders, 20 times.
const TOLERANCE: f32 = 1e-4;

/// One frame, its templates and where H starts.
pub(crate) struct Frame {
    v: Array1<f32>,
    templates: Templates,
    h: Array1<f32>,
}

/// Lets all work on the frame in turns, and reports.
pub(crate) fn measure(rounds: usize, frame: &Frame, others: &RefCell<Others>, report: &mut Report) -> Result<()> {
    check(frame, others)?;
    let (mut ours, mut solver) = (frame.h.clone(), ActivationSolver::new(frame.v.len()));
    let mut over_relaxed = ActivationSolver::new(frame.v.len());
    let (mut plain, mut solved) = (frame.h.clone(), frame.h.clone());
    let mut contenders = [
        Contender::new("ours", || Ok(batch(|| frame.ours(&mut solver, &mut ours)))),
        Contender::new("NumPy", || others.borrow_mut().number("seconds", &numpy())),
        Contender::new("plain loops", || Ok(batch(|| frame.plain(&mut plain)))),
        Contender::new("ours, over-relaxed from its own start", || {
            Ok(batch(|| frame.solve(&mut over_relaxed, &mut solved)))
        }),
        Contender::new("one operation at this core's peak", || Ok(peak::seconds_per_operation())),
    ];
    let times = in_turns(rounds, &mut contenders)?;
    add_rows(frame.operations(), &times, report);
    Ok(())
}

fn add_rows(operations: f64, times: &[Times], report: &mut Report) {
    let [ours, numpy, plain, _, peak] = times else { return };
    report.heading("H of one frame, 1025 bins, 8 templates, 20 Kullback-Leibler updates");
    report.add(Row::times("NumPy float32 ÷ ours", ratio(numpy, ours), Bounds::at_least(6.0, 9.0)));
    report.add(Row::times("plain Rust loops ÷ ours", ratio(plain, ours), Bounds::at_least(8.0, 14.0)));
    let bound = Times { name: peak.name, seconds: peak.seconds.iter().map(|seconds| seconds * operations).collect() };
    let share = ratio(&bound, ours);
    report.add(Row::share("ours, as a share of the arithmetic bound", share, Bounds::at_least(45.0, 70.0)));
    let gflops = 1e-9 / peak.median();
    let name = format!("the bound: {:.3} MFLOP at this core's {gflops:.0} GFLOP/s", operations * 1e-6);
    report.add(Row::plain(&name, bound.median() * 1e6, "µs"));
    times[..4].iter().for_each(|times| report.add(Row::plain(times.name, times.median() * 1e6, "µs")));
}

impl Frame {
    /// The clip's loudest frame and templates of the clip, from an even H. Writes them for the others.
    pub(crate) fn of(arrays: &Arrays) -> Result<Self> {
        let level = |frame: &usize| arrays.v.row(*frame).sum();
        let loudest = (0..arrays.v.nrows()).max_by(|a, b| level(a).total_cmp(&level(b))).unwrap_or(0);
        let v = arrays.v.row(loudest).to_owned();
        let w = arrays.learned(TEMPLATES)?;
        let format = Format::new(arrays.sample_rate, StftLayout::default(), 1);
        let (names, owners) = (vec!["all".into()], vec![0; TEMPLATES]);
        let templates =
            Templates::with_bands(format, names, owners, w.iter().copied().collect(), Bands::full(v.len()))?;
        let h = Array1::from_elem(TEMPLATES, v.sum() / TEMPLATES as f32);
        let matrix: Vec<f32> = templates.full().templates().flatten().collect();
        arrays.write("frame_w", &Array2::from_shape_vec((TEMPLATES, v.len()), matrix)?)?;
        arrays.write("frame_v", &v)?;
        arrays.write("frame_h", &h)?;
        Ok(Self { v, templates, h })
    }

    /// Two products with W an update, each a multiplication and an addition an element, and the divisions.
    fn operations(&self) -> f64 {
        (UPDATES * self.v.len() * (2 * 2 * TEMPLATES + 1)) as f64
    }

    fn ours(&self, solver: &mut ActivationSolver, h: &mut Array1<f32>) {
        h.assign(&self.h);
        let (v, h) = (slice(&self.v), h.as_slice_mut().unwrap_or_default());
        solver.update(black_box(v), self.templates.full(), Divergence::KullbackLeibler, UPDATES, h);
    }

    fn solve(&self, solver: &mut ActivationSolver, h: &mut Array1<f32>) {
        let (v, h) = (slice(&self.v), h.as_slice_mut().unwrap_or_default());
        solver.solve(black_box(v), self.templates.full(), Divergence::KullbackLeibler, UPDATES, h);
    }

    fn plain(&self, h: &mut Array1<f32>) {
        h.assign(&self.h);
        let templates: Vec<Vec<f32>> = self.templates.full().templates().collect();
        let w: Vec<&[f32]> = templates.iter().map(Vec::as_slice).collect();
        plain_updates(black_box(slice(&self.v)), &w, UPDATES, h.as_slice_mut().unwrap_or_default());
    }
}

fn slice(values: &Array1<f32>) -> &[f32] {
    values.as_slice().unwrap_or_default()
}

fn numpy() -> serde_json::Value {
    json!({ "do": "frame", "calls": CALLS, "updates": UPDATES })
}

/// Seconds of one call, the mean of a batch.
fn batch(mut call: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..CALLS).for_each(|_| call());
    started.elapsed().as_secs_f64() / CALLS as f64
}

/// All end with the same h.
fn check(frame: &Frame, others: &RefCell<Others>) -> Result<()> {
    let (mut ours, mut plain) = (frame.h.clone(), frame.h.clone());
    frame.ours(&mut ActivationSolver::new(frame.v.len()), &mut ours);
    frame.plain(&mut plain);
    let answer = others.borrow_mut().ask(&numpy())?;
    let numpy: Array1<f32> = serde_json::from_value::<Vec<f32>>(answer["h"].clone())?.into();
    let largest = ours.iter().copied().fold(0.0, f32::max);
    for (name, theirs) in [("NumPy", &numpy), ("plain loops", &plain)] {
        let is_same = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs() < TOLERANCE * largest;
        ensure!(
            ours.iter().zip(theirs).all(is_same),
            "{name} ends with the activations {theirs}, and ours with {ours}"
        );
    }
    Ok(())
}
