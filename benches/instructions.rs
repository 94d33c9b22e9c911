//! Instructions of a frame and of a hop, counted by callgrind: where a clock is noise, these say the same twice. More than
//! the limits below is a failure. `cargo xtask test` runs this where valgrind is installed; by hand, with the
//! gungraun-runner of the same version, it is
//! `cargo bench --package benches --no-default-features --features count --bench instructions`.
//!
//! Valgrind (3.19 and others) knows no AVX-512, so what chooses its vector unit at run time takes AVX2 here, on every
//! machine that has it: the counts are those of AVX2, not of what plays on a newer processor.

#![allow(missing_docs, reason = "the macros that name the benchmarks make public items, and take no doc comments")]

use std::hint::black_box;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use scenes::LoopedEngine;
use unweave::dsp::{ActivationSolver, Divergence, Mode, Templates};

/// Today's counts and 3 %. Lower them with what makes the code faster.
const FRAME_LIMIT: u64 = 170_700;
const HOP_LIMIT: u64 = 925_300;

/// A frame, and what its H is solved with.
struct Frame {
    solver: ActivationSolver,
    templates: Templates,
    magnitudes: Vec<f32>,
    activations: [f32; 8],
}

fn frame() -> Frame {
    let templates = scenes::flat_templates(1, 4, 2);
    let magnitudes = scenes::noise(templates.full().rows());
    Frame { solver: ActivationSolver::new(1025), templates, magnitudes, activations: [0.0; 8] }
}

// H of one frame: 1025 bins, 8 templates that all sound, 20 Kullback-Leibler updates.
#[library_benchmark(config = limited(FRAME_LIMIT))]
#[bench::full(frame())]
fn activations(mut frame: Frame) -> [f32; 8] {
    let Frame { solver, templates, magnitudes, activations } = &mut frame;
    solver.solve(black_box(magnitudes), templates.full(), Divergence::KullbackLeibler, 20, activations);
    black_box(frame.activations)
}

fn playing() -> LoopedEngine {
    let layout = Mode::Normal.layout(scenes::RATE);
    let chord = scenes::chord(20 * layout.window_len());
    let mut player = LoopedEngine::new(layout, scenes::tones(layout, 4, 16), [chord.clone(), chord]);
    // A window, so that the chord sounds in all of it.
    for _ in 0..layout.window_len() / layout.hop_len() {
        player.play(layout.hop_len());
    }
    player.load(layout.hop_len());
    player
}

// A hop of the whole engine: stereo, 4 components of 16 tonal templates with copies and places, one muted.
#[library_benchmark(config = limited(HOP_LIMIT))]
#[bench::stereo(playing())]
fn hop(mut player: LoopedEngine) -> f32 {
    black_box(black_box(&mut player).process()[0])
}

fn limited(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

library_benchmark_group!(name = counts, benchmarks = [activations, hop]);
main!(library_benchmark_groups = counts);
