//! Loops over all chosen templates of one frame. The matrix is stored in blocks of rows, in the order in which the loops read
//! it: each block is read from memory once, and once more from the L1 cache.

use super::{ALIGNED_LEN, FLOOR, Kernel, Lanes, dispatch};

/// Rows of a block: four of the widest vectors.
pub const BLOCK_ROWS: usize = 64;

/// Some templates of a matrix in blocks: [`BLOCK_ROWS`] rows of the first template, the same rows of the second and so on,
/// then the next rows of all. The last block has the remaining rows, rounded up to [`ALIGNED_LEN`] with zeros.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// All values.
    pub matrix: &'a [f32],
    /// Templates in the matrix.
    pub templates: usize,
    /// Which of them, by index.
    pub indices: &'a [u32],
}

impl Chosen<'_> {
    /// Whether the matrix has whole templates of at most `rows` rows, and all chosen indices exist. If lengths do not match, the
    /// kernels do nothing, so that no index below is out of bounds.
    fn fits(&self, rows: usize) -> bool {
        let len = self.matrix.len().checked_div(self.templates).unwrap_or(usize::MAX);
        len <= rows
            && len.is_multiple_of(ALIGNED_LEN)
            && self.indices.iter().all(|&index| (index as usize) < self.templates)
    }
}

/// One multiplicative step of H for the Kullback-Leibler divergence, in one sweep over W: `steps` (one per chosen template)
/// become Wᵀ(v / (W h + FLOOR)). `h` has one activation per chosen template, `v` one magnitude per row, padding
/// included, and `partial` is scratch of [`ALIGNED_LEN`] values per chosen template.
pub fn ratio_steps(chosen: Chosen<'_>, h: &[f32], v: &[f32], partial: &mut [f32], steps: &mut [f32]) {
    if chosen.fits(v.len()) && h.len() >= chosen.indices.len() && partial.len() >= steps.len() * ALIGNED_LEN {
        dispatch(RatioSteps { chosen, h, v, partial, steps });
    }
}

/// `out` (one value per row) becomes W h + FLOOR of the chosen templates.
pub fn weighted_sum(chosen: Chosen<'_>, h: &[f32], out: &mut [f32]) {
    if chosen.fits(out.len()) && h.len() >= chosen.indices.len() {
        dispatch(WeightedSum { chosen, h, out });
    }
}

/// `out` (one per chosen template) becomes Wᵀ x; `partial` is scratch as of [`ratio_steps`].
pub fn correlate(chosen: Chosen<'_>, x: &[f32], partial: &mut [f32], out: &mut [f32]) {
    if chosen.fits(x.len()) && partial.len() >= out.len() * ALIGNED_LEN {
        dispatch(Correlate { chosen, x, partial, out });
    }
}

/// The index of a template's row in a matrix in blocks.
pub fn matrix_index(rows: usize, templates: usize, template: usize, row: usize) -> usize {
    let (within, padded) = (row % BLOCK_ROWS, rows.next_multiple_of(ALIGNED_LEN));
    let first = row - within;
    first * templates + template * (padded - first).min(BLOCK_ROWS) + within
}

/// A block of rows of all chosen templates.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// Template after template.
    matrix: &'a [f32],
    indices: &'a [u32],
    /// Its first row.
    row: usize,
}

impl Block<'_> {
    /// Each template's rows: `N` vectors.
    #[inline(always)]
    fn templates<S: Lanes, const N: usize>(&self) -> &[[S::f32s; N]] {
        S::as_simd_f32s(self.matrix).0.as_chunks().0
    }
}

/// The first `N` vectors of a slice. The slice is cut first: without that, a frame takes a sixth longer.
#[inline(always)]
fn array<S: Lanes, const N: usize>(values: &[f32]) -> &[S::f32s; N] {
    &S::as_simd_f32s(&values[..N * S::F32_LANES]).0.as_chunks().0[0]
}

/// Work on one block of rows after another.
trait ByBlock<S: Lanes>: Sized {
    /// Works on a block of `N` vectors.
    fn block<const N: usize>(&mut self, simd: S, block: Block<'_>);

    /// Works on all blocks.
    #[inline(always)]
    fn all(mut self, simd: S, Chosen { matrix, templates, indices }: Chosen<'_>) -> Self {
        let size = templates * BLOCK_ROWS;
        let (blocks, last) = (matrix.chunks_exact(size), matrix.chunks_exact(size).remainder());
        let mut row = 0;
        for matrix in blocks {
            let block = Block { matrix, indices, row };
            match BLOCK_ROWS / S::F32_LANES {
                4 => self.block::<4>(simd, block),
                8 => self.block::<8>(simd, block),
                _ => self.block::<16>(simd, block),
            }
            row += BLOCK_ROWS;
        }
        let block = Block { matrix: last, indices, row };
        match last.len() / templates / S::F32_LANES {
            0 => {}
            1 => self.block::<1>(simd, block),
            2 => self.block::<2>(simd, block),
            3 => self.block::<3>(simd, block),
            4 => self.block::<4>(simd, block),
            6 => self.block::<6>(simd, block),
            8 => self.block::<8>(simd, block),
            _ => self.block::<12>(simd, block),
        }
        self
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
        if chosen.indices.len() <= FEW {
            FewSteps::new(simd, chosen.indices, h, v).all(simd, chosen).write(simd, steps);
            return;
        }
        partial[..steps.len() * S::F32_LANES].fill(0.0);
        RatioBlocks { h, v, partial }.all(simd, chosen);
        reduce(simd, partial, steps);
    }
}

struct RatioBlocks<'a> {
    h: &'a [f32],
    v: &'a [f32],
    partial: &'a mut [f32],
}

impl<S: Lanes> ByBlock<S> for RatioBlocks<'_> {
    #[inline(always)]
    fn block<const N: usize>(&mut self, simd: S, block: Block<'_>) {
        let mut ratio = estimate::<S, N>(simd, block, self.h);
        let v = array::<S, N>(&self.v[block.row..]);
        for n in 0..N {
            ratio[n] = simd.mul_f32s(v[n], simd.reciprocal(ratio[n]));
        }
        accumulate::<S, N>(simd, block, &ratio, self.partial);
    }
}

/// Up to this many templates fit in registers: their rows are read once, and their sums stay in registers.
const FEW: usize = 8;

/// [`RatioSteps`] of a few templates. Unused slots hold the first template with an activation of zero.
struct FewSteps<'a, S: Lanes> {
    templates: [usize; FEW],
    h: [S::f32s; FEW],
    v: &'a [f32],
    sums: [S::f32s; FEW],
}

impl<'a, S: Lanes> FewSteps<'a, S> {
    #[inline(always)]
    fn new(simd: S, indices: &[u32], h: &[f32], v: &'a [f32]) -> Self {
        let first = indices.first().map_or(0, |&index| index as usize);
        let (mut templates, mut spread) = ([first; FEW], [simd.splat_f32s(0.0); FEW]);
        for (k, (&index, &h)) in indices.iter().zip(h).enumerate() {
            (templates[k], spread[k]) = (index as usize, simd.splat_f32s(h));
        }
        Self { templates, h: spread, v, sums: [simd.splat_f32s(0.0); FEW] }
    }

    #[inline(always)]
    fn write(self, simd: S, steps: &mut [f32]) {
        steps.iter_mut().zip(self.sums).for_each(|(step, sum)| *step = simd.reduce_sum_f32s(sum));
    }
}

impl<S: Lanes> ByBlock<S> for FewSteps<'_, S> {
    #[inline(always)]
    fn block<const N: usize>(&mut self, simd: S, block: Block<'_>) {
        // Not `array::map`, which is not always compiled for the same vector unit.
        let templates = block.templates::<S, N>();
        let mut chosen = [&templates[0]; FEW];
        for (chosen, &template) in chosen.iter_mut().zip(&self.templates) {
            *chosen = &templates[template];
        }
        let v = array::<S, N>(&self.v[block.row..]);
        for n in 0..N {
            let mut w = [chosen[0][n]; FEW];
            for k in 1..FEW {
                w[k] = chosen[k][n];
            }
            let mut estimate = [simd.splat_f32s(FLOOR), simd.splat_f32s(0.0)];
            for (k, (&w, &h)) in w.iter().zip(&self.h).enumerate() {
                estimate[k % 2] = simd.mul_add_e_f32s(w, h, estimate[k % 2]);
            }
            let ratio = simd.mul_f32s(v[n], simd.reciprocal(simd.add_f32s(estimate[0], estimate[1])));
            for (sum, &w) in self.sums.iter_mut().zip(&w) {
                *sum = simd.mul_add_e_f32s(w, ratio, *sum);
            }
        }
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
        let chosen = self.chosen;
        self.all(simd, chosen);
    }
}

impl<S: Lanes> ByBlock<S> for WeightedSum<'_> {
    #[inline(always)]
    fn block<const N: usize>(&mut self, simd: S, block: Block<'_>) {
        let out = &mut self.out[block.row..block.row + N * S::F32_LANES];
        S::as_mut_simd_f32s(out).0.copy_from_slice(&estimate::<S, N>(simd, block, self.h));
    }
}

struct Correlate<'a> {
    chosen: Chosen<'a>,
    x: &'a [f32],
    partial: &'a mut [f32],
    out: &'a mut [f32],
}

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { chosen, x, partial, out } = self;
        partial[..out.len() * S::F32_LANES].fill(0.0);
        CorrelateBlocks { x, partial }.all(simd, chosen);
        reduce(simd, partial, out);
    }
}

struct CorrelateBlocks<'a> {
    x: &'a [f32],
    partial: &'a mut [f32],
}

impl<S: Lanes> ByBlock<S> for CorrelateBlocks<'_> {
    #[inline(always)]
    fn block<const N: usize>(&mut self, simd: S, block: Block<'_>) {
        accumulate::<S, N>(simd, block, array::<S, N>(&self.x[block.row..]), self.partial);
    }
}

/// `N` vectors of W h + FLOOR. If registers suffice, two templates at a time with separate sums, because each addition waits for the
/// one before.
#[inline(always)]
fn estimate<S: Lanes, const N: usize>(simd: S, block: Block<'_>, h: &[f32]) -> [S::f32s; N] {
    let (mut even, mut odd) = ([simd.splat_f32s(FLOOR); N], [simd.splat_f32s(0.0); N]);
    let templates = block.templates::<S, N>();
    let paired = if N <= 4 { block.indices.len() & !1 } else { 0 };
    let (pairs, singles) = block.indices.split_at(paired);
    let (h_pairs, h_singles) = h.split_at(paired);
    for (&[a, b], &[h_a, h_b]) in pairs.as_chunks::<2>().0.iter().zip(h_pairs.as_chunks::<2>().0) {
        let (a, b) = (&templates[a as usize], &templates[b as usize]);
        let (h_a, h_b) = (simd.splat_f32s(h_a), simd.splat_f32s(h_b));
        for n in 0..N {
            even[n] = simd.mul_add_e_f32s(a[n], h_a, even[n]);
            odd[n] = simd.mul_add_e_f32s(b[n], h_b, odd[n]);
        }
    }
    for (&index, &h) in singles.iter().zip(h_singles) {
        let (w, h) = (&templates[index as usize], simd.splat_f32s(h));
        for n in 0..N {
            even[n] = simd.mul_add_e_f32s(w[n], h, even[n]);
        }
    }
    for n in 0..if N <= 4 { N } else { 0 } {
        even[n] = simd.add_f32s(even[n], odd[n]);
    }
    even
}

/// Adds a block's contribution to Wᵀx to the partial sums.
#[inline(always)]
fn accumulate<S: Lanes, const N: usize>(simd: S, block: Block<'_>, x: &[S::f32s; N], partial: &mut [f32]) {
    let (templates, partial) = (block.templates::<S, N>(), S::as_mut_simd_f32s(partial).0);
    for (&index, partial) in block.indices.iter().zip(partial) {
        let (w, mut sum) = (&templates[index as usize], *partial);
        for n in 0..N {
            sum = simd.mul_add_e_f32s(w[n], x[n], sum);
        }
        *partial = sum;
    }
}

/// `sums` become the sums of the vectors of partial sums.
#[inline(always)]
fn reduce<S: Lanes>(simd: S, partial: &[f32], sums: &mut [f32]) {
    for (sum, &partial) in sums.iter_mut().zip(S::as_simd_f32s(partial).0) {
        *sum = simd.reduce_sum_f32s(partial);
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
        templates: usize,
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
                    for (n, &value) in values.iter().enumerate() {
                        padded[matrix_index(rows, len, n / rows, n % rows)] = value;
                    }
                    padded
                };
                let indices: Vec<u32> = (0..templates as u32).filter(|k| k % 3 != 2).collect();
                let h = noise(indices.len(), 7).iter().map(|x| x.powi(4) + FLOOR).collect();
                Self { rows, stride, templates, matrix: padded(templates, 5), v: padded(1, 6), h, indices }
            })
        }

        fn chosen(&self) -> Chosen<'_> {
            Chosen { matrix: &self.matrix, templates: self.templates, indices: &self.indices }
        }

        fn w(&self, index: usize, row: usize) -> f64 {
            f64::from(self.matrix[matrix_index(self.rows, self.templates, self.indices[index] as usize, row)])
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

    #[test]
    fn mismatched_lengths_leave_the_output_unchanged() {
        let (matrix, h, v) = ([1.0; 64], [1.0; 2], [1.0; 32]);
        let (mut partial, mut out) = ([0.0; 2 * ALIGNED_LEN], [7.0; 2]);
        let good = Chosen { matrix: &matrix, templates: 2, indices: &[0, 1] };
        let bad = [
            Chosen { templates: 0, ..good },
            Chosen { templates: 3, ..good },
            Chosen { indices: &[0, 2], ..good },
            Chosen { matrix: &[1.0; 128], ..good },
        ];
        for chosen in bad {
            ratio_steps(chosen, &h, &v, &mut partial, &mut out);
            correlate(chosen, &v, &mut partial, &mut out);
            weighted_sum(chosen, &h, &mut out);
        }
        ratio_steps(good, &h, &v[1..], &mut partial, &mut out);
        ratio_steps(good, &h[1..], &v, &mut partial, &mut out);
        correlate(good, &v, &mut partial[1..], &mut out);
        weighted_sum(good, &h, &mut out);
        assert_eq!(out, [7.0; 2]);
        ratio_steps(good, &h, &v, &mut partial, &mut out);
        assert!(out.iter().all(|step| (step - 16.0).abs() < 1e-3), "{out:?}");
    }

    #[test]
    fn kernels_agree_with_the_plain_loops_in_float64_on_every_unit() {
        for case in Case::all() {
            let (chosen, h, v) = (case.chosen(), &case.h, &case.v);
            let estimate: Vec<f64> = (0..case.rows).map(|row| case.estimate(row)).collect();
            let ratio = |row: usize| f64::from(v[row]) / estimate[row];
            on_every_unit(|| {
                let mut partial = vec![f32::NAN; h.len() * ALIGNED_LEN];
                let (mut found, mut sum) = (vec![f32::NAN; h.len()], vec![f32::NAN; case.stride]);
                ratio_steps(chosen, h, v, &mut partial, &mut found);
                case.check("step", &found, |k| case.correlation(k, ratio));
                weighted_sum(chosen, h, &mut sum);
                case.check("estimate", &sum[..case.rows], |row| estimate[row]);
                assert!(sum[case.rows..].iter().all(|&padding| padding == FLOOR));
                correlate(chosen, v, &mut partial, &mut found);
                case.check("correlation", &found, |k| case.correlation(k, |row| f64::from(v[row])));
            });
        }
    }
}
