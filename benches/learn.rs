//! Cost of learning. Run with `cargo bench --package benches --bench learn`.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::{Divergence, StftLayout, Window};
use unweave::learn::{Capture, FactorizeOptions, LearnOptions, Method, Priority, Threads, factorize, learn_blind};

const SAMPLE_RATE: f32 = 44_100.0;

fn main() {
    longest_silence();
    divan::main();
}

/// Notes of four voices and some noise; in stereo a little apart.
fn music(seconds: f32, channels: usize) -> Capture {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let len = (seconds * SAMPLE_RATE) as usize;
    let mut audio = vec![vec![0.0f32; len]; channels];
    for voice in 0..4 {
        for start in (0..len).step_by(11_025 + 1700 * voice) {
            let hz = 55.0 * 2f32.powf(rng.random_range(0..36) as f32 / 12.0 + voice as f32 / 2.0);
            for n in start..len.min(start + 11_025) {
                let t = (n - start) as f32 / SAMPLE_RATE;
                let tone: f32 = (1..8).map(|k| (std::f32::consts::TAU * hz * k as f32 * t).sin() / k as f32).sum();
                let noise = rng.random_range(-0.05..0.05f32);
                for (channel, audio) in audio.iter_mut().enumerate() {
                    let pan = if channel == 0 { 0.2 + 0.2 * voice as f32 } else { 0.8 - 0.2 * voice as f32 };
                    audio[n] += 0.2 * pan * (tone + noise) * (-6.0 * t).exp();
                }
            }
        }
    }
    Capture::new(SAMPLE_RATE, audio).unwrap()
}

fn magnitudes() -> Array2<f32> {
    music(10.0, 1).spectrogram(StftLayout::default(), Window::SqrtHann).unwrap().sounding_frames()
}

fn go_on<T>(_: T) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Ten seconds in mono, 8 templates, one thread, k-means start included: as many iterations as reach one loss.
#[divan::bench(args = [(Divergence::KullbackLeibler, Method::Textbook, 100), (Divergence::KullbackLeibler, Method::Fast, 60),
    (Divergence::Euclidean, Method::Textbook, 200), (Divergence::Euclidean, Method::Fast, 60)], sample_count = 5)]
fn factorize_10_s(bencher: divan::Bencher, (divergence, method, iterations): (Divergence, Method, usize)) {
    let v = magnitudes();
    let options = FactorizeOptions { templates: 8, divergence, method, iterations, ..Default::default() };
    bencher.bench_local(|| factorize(v.view(), &options, &mut go_on).unwrap());
}

/// Eight seconds in stereo, 4 components of 8 templates, from samples to a model.
#[divan::bench(args = [1, 2, 4], sample_count = 5)]
fn learn_blind_8_s_stereo(bencher: divan::Bencher, threads: usize) {
    let capture = music(8.0, 2);
    let threads = Threads::new(threads, Priority::Normal);
    let options = LearnOptions { templates: LearnOptions::BLIND_TEMPLATES, threads, ..LearnOptions::default() };
    bencher.bench_local(|| learn_blind(&capture, 4, &options, &mut go_on).unwrap());
}

/// How long a learning that is as large as can be (16 components of 16 templates, two minutes in stereo, one thread) says
/// nothing at most: as long as it can take to hear that it shall stop.
fn longest_silence() {
    let capture = music(120.0, 2);
    let options = LearnOptions { templates: 16, wanted_iterations: Some(2), ..LearnOptions::default() };
    let (start, mut heard, mut gaps) = (Instant::now(), Instant::now(), Vec::new());
    learn_blind(&capture, 16, &options, &mut |iteration| {
        gaps.push((heard.elapsed(), iteration.done, start.elapsed()));
        heard = Instant::now();
        ControlFlow::Continue(())
    })
    .unwrap();
    let after = heard.elapsed();
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.0));
    println!("longest silences of a learning in {} calls, and after the last one {after:.1?}:", gaps.len());
    for (gap, done, at) in gaps.iter().take(8).filter(|gap| gap.0 > Duration::ZERO) {
        println!("  {gap:.1?} in step {done}, ended at {at:.2?}");
    }
}
