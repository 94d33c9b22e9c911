//! Cost of the innermost loops. Run with `cargo bench --no-default-features`.

mod scenes;

use divan::{Bencher, black_box};
use unweave::dsp::kernels;

/// A frame in bands, and one in full, mono and stereo.
const LENS: [usize; 3] = [200, 1025, 2050];

fn main() {
    divan::main();
}

#[divan::bench(args = LENS)]
fn dot(bencher: Bencher, len: usize) {
    let (x, y) = (scenes::noise(len), scenes::noise(len));
    bencher.bench_local(|| kernels::dot(black_box(&x), black_box(&y)));
}

#[divan::bench(args = LENS)]
fn sum(bencher: Bencher, len: usize) {
    let x = scenes::noise(len);
    bencher.bench_local(|| kernels::sum(black_box(&x)));
}

#[divan::bench(args = LENS)]
fn add_scaled(bencher: Bencher, len: usize) {
    let (mut out, x) = (scenes::noise(len), scenes::noise(len));
    bencher.bench_local(|| kernels::add_scaled(black_box(&mut out), 1e-6, black_box(&x)));
}

#[divan::bench(args = LENS)]
fn divide(bencher: Bencher, len: usize) {
    let (mut out, x, y) = (vec![0.0; len], scenes::noise(len), scenes::noise(len));
    bencher.bench_local(|| kernels::divide(black_box(&mut out), black_box(&x), black_box(&y)));
}
