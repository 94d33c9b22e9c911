//! Loops over all chosen templates of one frame. They go through the rows in blocks that fit the registers, so that a block
//! of every template is read once from memory and used twice from the nearest cache.

use super::{FLOOR, Kernel, Lanes, dispatch};

/// Some templates of a matrix.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// Template after template, each `stride` values.
    pub matrix: &'a [f32],
    /// Values from one template to the next: a multiple of [`ALIGNED_LEN`], the last ones zeros.
    pub stride: usize,
    /// Which templates, by index.
    pub indices: &'a [u32],
}

/// One multiplicative step of H for the Kullback-Leibler divergence, in one sweep over W: `steps` (one per chosen template)
/// become Wᵀ(v / (W h + FLOOR)). `h` has one activation per chosen template, `v` has `stride` magnitudes, and `partial` is
/// scratch of [`ALIGNED_LEN`] values per chosen template.
pub fn ratio_steps(chosen: Chosen<'_>, h: &[f32], v: &[f32], partial: &mut [f32], steps: &mut [f32]) {
    dispatch(RatioSteps { chosen, h, v, partial, steps });
}

/// `out` (`stride` values) becomes W h + FLOOR of the chosen templates.
pub fn weighted_sum(chosen: Chosen<'_>, h: &[f32], out: &mut [f32]) {
    dispatch(WeightedSum { chosen, h, out });
}

/// `out` (one per chosen template) becomes Wᵀ x of `stride` values x.
pub fn correlate(chosen: Chosen<'_>, x: &[f32], out: &mut [f32]) {
    dispatch(Correlate { chosen, x, out });
}

impl Chosen<'_> {
    /// `N` vectors of a template, from a row on.
    #[inline(always)]
    fn block<S: Lanes, const N: usize>(&self, index: u32, row: usize) -> &[S::f32s; N] {
        array::<S, N>(&self.matrix[index as usize * self.stride + row..])
    }
}

/// The first `N` vectors of a slice.
#[inline(always)]
fn array<S: Lanes, const N: usize>(values: &[f32]) -> &[S::f32s; N] {
    let (vectors, _) = S::as_simd_f32s(&values[..N * S::F32_LANES]);
    vectors.first_chunk().expect("a slice of N vectors has N")
}

/// Work on a block of rows.
trait Blocks {
    /// Does it for `N` vectors from `row` on.
    fn block<S: Lanes, const N: usize>(&mut self, simd: S, partial: &mut [S::f32s], row: usize);
}

/// So many vectors of all templates together stay in the nearest cache (32 kB of AVX-512's).
const CACHED_VECTORS: usize = 512;

/// Goes through `rows` rows of `templates` templates in blocks: eight vectors at a time, which hide that each sum waits for
/// the one before, and at the end four, two and one.
#[inline(always)]
fn for_blocks<S: Lanes, B: Blocks>(simd: S, rows: usize, templates: usize, partial: &mut [S::f32s], mut blocks: B) {
    let mut row = 0;
    while templates * 8 <= CACHED_VECTORS && row + 8 * S::F32_LANES <= rows {
        blocks.block::<S, 8>(simd, partial, row);
        row += 8 * S::F32_LANES;
    }
    while templates * 4 <= 2 * CACHED_VECTORS && row + 4 * S::F32_LANES <= rows {
        blocks.block::<S, 4>(simd, partial, row);
        row += 4 * S::F32_LANES;
    }
    while row + 2 * S::F32_LANES <= rows {
        blocks.block::<S, 2>(simd, partial, row);
        row += 2 * S::F32_LANES;
    }
    if row < rows {
        blocks.block::<S, 1>(simd, partial, row);
    }
}

struct RatioSteps<'a> {
    chosen: Chosen<'a>,
    h: &'a [f32],
    v: &'a [f32],
    partial: &'a mut [f32],
    steps: &'a mut [f32],
}

impl Kernel for RatioSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { chosen, h, v, partial, steps } = self;
        let partial = &mut S::as_mut_simd_f32s(partial).0[..steps.len()];
        partial.fill(simd.splat_f32s(0.0));
        for_blocks(simd, chosen.stride, h.len(), partial, RatioBlocks { chosen, h, v });
        for (step, &partial) in steps.iter_mut().zip(partial.iter()) {
            *step = simd.reduce_sum_f32s(partial);
        }
    }
}

struct RatioBlocks<'a> {
    chosen: Chosen<'a>,
    h: &'a [f32],
    v: &'a [f32],
}

impl Blocks for RatioBlocks<'_> {
    #[inline(always)]
    fn block<S: Lanes, const N: usize>(&mut self, simd: S, partial: &mut [S::f32s], row: usize) {
        let mut ratio = estimate::<S, N>(simd, self.chosen, self.h, row);
        let v = array::<S, N>(&self.v[row..]);
        for n in 0..N {
            ratio[n] = simd.mul_f32s(v[n], simd.reciprocal(ratio[n]));
        }
        accumulate::<S, N>(simd, self.chosen, &ratio, row, partial);
    }
}

struct WeightedSum<'a> {
    chosen: Chosen<'a>,
    h: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for WeightedSum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        for_blocks(simd, self.chosen.stride, self.h.len(), &mut [], self);
    }
}

impl Blocks for WeightedSum<'_> {
    #[inline(always)]
    fn block<S: Lanes, const N: usize>(&mut self, simd: S, _: &mut [S::f32s], row: usize) {
        let out = &mut self.out[row..row + N * S::F32_LANES];
        S::as_mut_simd_f32s(out).0.copy_from_slice(&estimate::<S, N>(simd, self.chosen, self.h, row));
    }
}

struct Correlate<'a> {
    chosen: Chosen<'a>,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { chosen, x, out } = self;
        // Four templates at a time share what is read of x.
        for (indices, out) in chosen.indices.chunks(4).zip(out.chunks_mut(4)) {
            let mut sums = [simd.splat_f32s(0.0); 4];
            let four = Chosen { indices, ..chosen };
            for_blocks(simd, chosen.stride, 4, &mut sums, CorrelateBlocks { four, x });
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = simd.reduce_sum_f32s(sum);
            }
        }
    }
}

struct CorrelateBlocks<'a> {
    four: Chosen<'a>,
    x: &'a [f32],
}

impl Blocks for CorrelateBlocks<'_> {
    #[inline(always)]
    fn block<S: Lanes, const N: usize>(&mut self, simd: S, partial: &mut [S::f32s], row: usize) {
        accumulate::<S, N>(simd, self.four, array::<S, N>(&self.x[row..]), row, partial);
    }
}

/// `N` vectors of W h + FLOOR.
#[inline(always)]
fn estimate<S: Lanes, const N: usize>(simd: S, chosen: Chosen<'_>, h: &[f32], row: usize) -> [S::f32s; N] {
    let mut estimate = [simd.splat_f32s(FLOOR); N];
    for (&index, &h) in chosen.indices.iter().zip(h) {
        let (w, h) = (chosen.block::<S, N>(index, row), simd.splat_f32s(h));
        for n in 0..N {
            estimate[n] = simd.mul_add_e_f32s(w[n], h, estimate[n]);
        }
    }
    estimate
}

/// Adds `N` rows' part of Wᵀx to the vectors of partial sums.
#[inline(always)]
fn accumulate<S: Lanes, const N: usize>(
    simd: S,
    chosen: Chosen<'_>,
    x: &[S::f32s; N],
    row: usize,
    partial: &mut [S::f32s],
) {
    for (&index, partial) in chosen.indices.iter().zip(partial) {
        let w = chosen.block::<S, N>(index, row);
        let mut sums = [simd.mul_add_e_f32s(w[0], x[0], *partial), simd.mul_f32s(w[1 % N], x[1 % N])];
        for n in 2..N {
            sums[n % 2] = simd.mul_add_e_f32s(w[n], x[n], sums[n % 2]);
        }
        *partial = if N > 1 { simd.add_f32s(sums[0], sums[1]) } else { sums[0] };
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ALIGNED_LEN, noise, on_every_unit};
    use super::*;

    /// Padded templates, activations, magnitudes and the chosen ones: every third is left out.
    struct Case {
        rows: usize,
        stride: usize,
        matrix: Vec<f32>,
        v: Vec<f32>,
        h: Vec<f32>,
        indices: Vec<u32>,
    }

    impl Case {
        fn all() -> impl Iterator<Item = Self> {
            let sizes = [1usize, 15, 16, 17, 100, 129, 340, 1025].map(|rows| [1, 2, 3, 8, 65, 200].map(|k| (rows, k)));
            sizes.into_iter().flatten().map(|(rows, templates)| {
                let stride = rows.next_multiple_of(ALIGNED_LEN);
                let padded = |len: usize, seed: u32| {
                    let values = noise(len * rows, seed);
                    let mut padded = vec![0.0; len * stride];
                    for (padded, values) in padded.chunks_exact_mut(stride).zip(values.chunks_exact(rows)) {
                        padded[..rows].copy_from_slice(values);
                    }
                    padded
                };
                let indices: Vec<u32> = (0..templates as u32).filter(|k| k % 3 != 2).collect();
                let h = noise(indices.len(), 7).iter().map(|x| x.powi(4) + FLOOR).collect();
                Self { rows, stride, matrix: padded(templates, 5), v: padded(1, 6), h, indices }
            })
        }

        fn chosen(&self) -> Chosen<'_> {
            Chosen { matrix: &self.matrix, stride: self.stride, indices: &self.indices }
        }

        fn w(&self, index: usize, row: usize) -> f64 {
            f64::from(self.matrix[self.indices[index] as usize * self.stride + row])
        }

        fn estimate(&self, row: usize) -> f64 {
            let sum: f64 = self.h.iter().enumerate().map(|(k, &h)| f64::from(h) * self.w(k, row)).sum();
            sum + f64::from(FLOOR)
        }

        fn correlation(&self, index: usize, x: impl Fn(usize) -> f64) -> f64 {
            (0..self.rows).map(|row| self.w(index, row) * x(row)).sum()
        }

        /// 4e-6 relative: rounding of f32 sums of up to 200 products, and of partial sums of up to 1025.
        fn check(&self, what: &str, found: &[f32], expected: impl Fn(usize) -> f64) {
            for (n, &found) in found.iter().enumerate() {
                let expected = expected(n);
                let error = (f64::from(found) - expected).abs();
                assert!(error <= 4e-6 * expected, "{what} {n} of {} × {}: {found} {expected}", self.rows, self.h.len());
            }
        }
    }

    /// What is tested.
    #[derive(Clone, Copy)]
    enum Part {
        Steps,
        Estimate,
        Correlation,
    }

    struct Whole<'a> {
        case: &'a Case,
        part: Part,
        out: Vec<f32>,
    }

    impl Kernel for Whole<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) -> Vec<f32> {
            let Self { case, part, mut out } = self;
            let (chosen, h, v) = (case.chosen(), &case.h, &case.v);
            let mut partial = vec![f32::NAN; h.len() * ALIGNED_LEN];
            match part {
                Part::Steps => RatioSteps { chosen, h, v, partial: &mut partial, steps: &mut out }.run(simd),
                Part::Estimate => WeightedSum { chosen, h, out: &mut out }.run(simd),
                Part::Correlation => Correlate { chosen, x: v, out: &mut out }.run(simd),
            }
            out
        }
    }

    #[test]
    fn kernels_agree_with_the_plain_loops_in_float64_on_every_unit() {
        for case in Case::all() {
            let estimate: Vec<f64> = (0..case.rows).map(|row| case.estimate(row)).collect();
            let ratio = |row: usize| f64::from(case.v[row]) / estimate[row];
            let len = case.h.len();
            for found in on_every_unit(|| Whole { case: &case, part: Part::Steps, out: vec![f32::NAN; len] }) {
                case.check("step", &found, |k| case.correlation(k, ratio));
            }
            for found in on_every_unit(|| Whole { case: &case, part: Part::Estimate, out: vec![f32::NAN; case.stride] })
            {
                case.check("estimate", &found[..case.rows], |row| estimate[row]);
                assert!(found[case.rows..].iter().all(|&padding| padding == FLOOR));
            }
            for found in on_every_unit(|| Whole { case: &case, part: Part::Correlation, out: vec![f32::NAN; len] }) {
                case.check("correlation", &found, |k| case.correlation(k, |row| f64::from(case.v[row])));
            }
        }
    }
}
