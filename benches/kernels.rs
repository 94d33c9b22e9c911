//! Cost of the innermost loops. Run with `cargo bench --package benches --bench kernels`.

use divan::{Bencher, black_box};
use unweave::dsp::simd;

/// A frame in bands, and one in full, mono and stereo.
const LENS: [usize; 3] = [200, 1025, 2050];

fn main() {
    divan::main();
}

#[divan::bench(args = LENS)]
fn dot(bencher: Bencher, len: usize) {
    let (x, y) = (scenes::noise(len), scenes::noise(len));
    bencher.bench_local(|| simd::dot(black_box(&x), black_box(&y)));
}

#[divan::bench(args = LENS)]
fn sum(bencher: Bencher, len: usize) {
    let x = scenes::noise(len);
    bencher.bench_local(|| simd::sum(black_box(&x)));
}

#[divan::bench(args = LENS)]
fn add_scaled(bencher: Bencher, len: usize) {
    let (mut out, x) = (scenes::noise(len), scenes::noise(len));
    bencher.bench_local(|| simd::add_scaled(black_box(&mut out), 1e-6, black_box(&x)));
}

/// One Kullback-Leibler step of 8 templates, or of 100, which do not stay in registers.
#[divan::bench(args = LENS, consts = [8, 100])]
fn ratio_steps<const TEMPLATES: usize>(bencher: Bencher, len: usize) {
    let rows = len.next_multiple_of(simd::ALIGNED_LEN);
    let (matrix, v, h) = (scenes::noise(rows * TEMPLATES), scenes::noise(rows), [1.0; TEMPLATES]);
    let indices: [u32; TEMPLATES] = std::array::from_fn(|index| index as u32);
    let chosen = simd::Chosen { matrix: &matrix, templates: TEMPLATES, indices: &indices };
    let (mut partial, mut steps) = (vec![0.0; TEMPLATES * simd::ALIGNED_LEN], [0.0; TEMPLATES]);
    bencher.bench_local(|| simd::ratio_steps(black_box(chosen), &h, &v, &mut partial, black_box(&mut steps)));
}
