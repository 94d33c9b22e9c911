//! Kernels of the updates of H and W, in register tiles: V / (H W + floor) and its products with W or H, without storing H W.
//!
//! V, W and the quotient lie in strips of [`STRIP`] rows and, V and the quotient, in blocks of [`BLOCK`] frames, so that
//! both half-steps read memory in order. Rows are padded to [`ROW_ALIGN`] and frames to [`BLOCK`] by zeros, which add nothing
//! to any product. The result for a frame or a row does not depend on the others, so it is the same to the bit however
//! threads share the work.

mod shape;
mod tile;
mod update;

use crate::dsp::simd::{Kernel, Lanes};
use shape::vectors;
pub use shape::{BLOCK, FLOOR, ROW_ALIGN, STRIP, Shape, strips, tiles};
use tile::{HPass, KullbackLeibler, Quotient, SquaredError, Tile, WPass};
pub use update::{Multiply, Step, Sweep};

/// How V is compared with H W.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// V / (H W + floor).
    Quotient,
    /// V ln(V / E) − V + E, E = H W + floor.
    KullbackLeibler,
    /// (V − E)².
    SquaredError,
}

/// One block of V compared with H W: `out` is a block too.
pub struct Compare<'a> {
    /// The shape of the whole.
    pub shape: Shape,
    /// How.
    pub by: Comparison,
    /// The block of [`tiles`].
    pub v: &'a [f32],
    /// All [`strips`].
    pub w: &'a [f32],
    /// The block's H, frames × templates.
    pub h: &'a [f32],
    /// The quotients or squares.
    pub out: &'a mut [f32],
}

impl Kernel for Compare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { shape, by, v, w, h, out } = self;
        let (v, w, out) = (vectors::<S>(v), vectors::<S>(w), S::as_mut_simd_f32s(out).0);
        let lanes = S::F32_LANES;
        for strip in 0..shape.strips() {
            let (len, start) = (shape.strip_len(strip) / lanes, strip * STRIP / lanes);
            let tile = Tile::<S> { w: &w[start * shape.templates..][..len * shape.templates], h, len };
            let block = start * BLOCK..(start + len) * BLOCK;
            match by {
                Comparison::Quotient => tile.compare::<Quotient>(simd, &v[block.clone()], &mut out[block]),
                Comparison::KullbackLeibler => {
                    tile.compare::<KullbackLeibler>(simd, &v[block.clone()], &mut out[block]);
                }
                Comparison::SquaredError => tile.compare::<SquaredError>(simd, &v[block.clone()], &mut out[block]),
            }
        }
    }
}

/// One block's products with every template: `out` (frames of a block × templates) = X Wᵀ.
pub struct HProducts<'a> {
    /// The shape of the whole.
    pub shape: Shape,
    /// X: a block, in strips.
    pub x: &'a [f32],
    /// All [`strips`].
    pub w: &'a [f32],
    /// The products.
    pub out: &'a mut [f32],
}

impl Kernel for HProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { shape, x, w, out } = self;
        let pass = HPass::<S> { shape, w: vectors::<S>(w), x: vectors::<S>(x), first: 0 };
        match S::REGISTER_COUNT {
            32.. => pass.all::<4>(simd, out),
            _ => pass.all::<2>(simd, out),
        }
    }
}

/// One strip's products with every frame, from template `first` on: `out` (templates × rows of the strip) = Hᵀ X, X = V or
/// V / (H W + floor).
pub struct WProducts<'a> {
    /// The shape of the whole.
    pub shape: Shape,
    /// Which strip.
    pub strip: usize,
    /// All [`tiles`].
    pub v: &'a [f32],
    /// This one of the [`strips`], for the quotient; `None` multiplies V itself.
    pub w: Option<&'a [f32]>,
    /// All of H, frames (padded) × templates.
    pub h: &'a [f32],
    /// The first template of the products.
    pub first: usize,
    /// The products.
    pub out: &'a mut [f32],
}

impl Kernel for WProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { shape, strip, v, w, h, first, out } = self;
        let (len, start) = (shape.strip_len(strip) / S::F32_LANES, strip * STRIP / S::F32_LANES);
        let out = S::as_mut_simd_f32s(out).0;
        out.fill(simd.splat_f32s(0.0));
        let mut scratch = vec![simd.splat_f32s(0.0); len * BLOCK];
        for (v, h) in v.chunks_exact(BLOCK * shape.padded_rows()).zip(h.chunks_exact(BLOCK * shape.templates)) {
            let mut x = &vectors::<S>(v)[start * BLOCK..][..len * BLOCK];
            if let Some(w) = w {
                Tile::<S> { w: vectors::<S>(w), h, len }.compare::<Quotient>(simd, x, &mut scratch);
                x = &scratch;
            }
            let pass = WPass::<S> { h, x, len, templates: shape.templates, first };
            match S::REGISTER_COUNT {
                32.. => pass.all::<4>(simd, out),
                _ => pass.all::<2>(simd, out),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::simd::{dispatch, on_every_unit};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const SHAPES: [(usize, usize, usize); 11] = [
        (1, 1, 1),
        (3, 15, 3),
        (4, 16, 8),
        (5, 17, 3),
        (100, 129, 17),
        (17, 1025, 8),
        (3, 2050, 64),
        (16, 64, 1),
        (33, 65, 5),
        (4, 129, 64),
        (1, 1025, 3),
    ];

    /// V, W and H, in rows and without padding; a tenth of V is zero.
    struct Example {
        shape: Shape,
        v: Vec<f32>,
        w: Vec<f32>,
        h: Vec<f32>,
    }

    fn examples() -> impl Iterator<Item = Example> {
        SHAPES.into_iter().map(|(frames, rows, templates)| {
            let mut rng = ChaCha8Rng::seed_from_u64(frames as u64);
            let mut noise = |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(0.0..1.0f32)).collect() };
            let shape = Shape { frames, rows, templates };
            let v = noise(frames * rows).iter().map(|v| (v - 0.1).max(0.0)).collect();
            Example { shape, v, w: noise(templates * rows), h: noise(frames * templates) }
        })
    }

    impl Example {
        fn tiled(&self) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
            let Self { shape, v, w, h } = self;
            let mut padded = h.clone();
            padded.resize(shape.blocks() * BLOCK * shape.templates, 0.0);
            (tiles(*shape, v.chunks_exact(shape.rows)), strips(*shape, w.chunks_exact(shape.rows)), padded)
        }

        /// (H W + floor) of a frame and row, in float64.
        fn estimate(&self, frame: usize, row: usize) -> f64 {
            let Shape { rows, templates, .. } = self.shape;
            let term = |k: usize| f64::from(self.h[frame * templates + k]) * f64::from(self.w[k * rows + row]);
            (0..templates).map(term).sum::<f64>() + f64::from(FLOOR)
        }

        fn compared(&self, by: Comparison, frame: usize, row: usize) -> f64 {
            let (v, estimate) = (f64::from(self.v[frame * self.shape.rows + row]), self.estimate(frame, row));
            match by {
                Comparison::Quotient => v / estimate,
                Comparison::KullbackLeibler if v == 0.0 => estimate,
                Comparison::KullbackLeibler => v * (v / estimate).ln() - v + estimate,
                Comparison::SquaredError => (v - estimate).powi(2),
            }
        }
    }

    /// 2e-6: f32 sums of up to 2050 products in a dozen or more parts, each rounded by 6e-8.
    fn assert_close(found: f32, expected: f64, scale: f64, what: &dyn std::fmt::Debug) {
        assert!((f64::from(found) - expected).abs() <= 2e-6 * scale, "{what:?}: {found}, expected {expected}");
    }

    fn compared(example: &Example, by: Comparison) -> Vec<f32> {
        let (v, w, h) = example.tiled();
        let (shape, block) = (example.shape, BLOCK * example.shape.padded_rows());
        let mut out = vec![f32::NAN; v.len()];
        let blocks = v.chunks_exact(block).zip(h.chunks_exact(BLOCK * shape.templates));
        for ((v, h), out) in blocks.zip(out.chunks_exact_mut(block)) {
            dispatch(Compare { shape, by, v, w: &w, h, out });
        }
        out
    }

    #[test]
    fn comparisons_agree_with_float64() {
        on_every_unit(|| {
            for example in examples() {
                let Shape { frames, rows, .. } = example.shape;
                for by in [Comparison::Quotient, Comparison::KullbackLeibler, Comparison::SquaredError] {
                    let found = compared(&example, by);
                    for (frame, row) in (0..frames).flat_map(|frame| (0..rows).map(move |row| (frame, row))) {
                        let expected = example.compared(by, frame, row);
                        // A small difference is as exact as what it is the difference of.
                        let size = f64::from(example.v[frame * rows + row]) + example.estimate(frame, row);
                        let scale = match by {
                            Comparison::Quotient => expected,
                            Comparison::KullbackLeibler => size,
                            Comparison::SquaredError => size.powi(2),
                        };
                        let at = example.shape.tile_index(frame, row);
                        assert_close(found[at], expected, scale, &(example.shape, by, frame, row));
                    }
                }
            }
        });
    }

    #[test]
    fn quotients_are_exact_from_the_floor_to_1e9_and_zero_over_zero_is_zero() {
        on_every_unit(|| {
            let shape = Shape { frames: 1, rows: 1, templates: 1 };
            for (v, w) in
                (0..2000).map(|n| 10f32.powf(n as f32 * 0.01 - 11.0)).map(|w| (w * 0.37, w)).chain([(0.0, 0.0)])
            {
                let (v, w) = (tiles(shape, [&[v][..]].into_iter()), strips(shape, [&[w][..]].into_iter()));
                let (mut h, mut out) = (vec![0.0; BLOCK], vec![0.0; BLOCK * ROW_ALIGN]);
                h[0] = 1.0;
                dispatch(Compare { shape, by: Comparison::Quotient, v: &v, w: &w, h: &h, out: &mut out });
                let expected = f64::from(v[0]) / (f64::from(w[0]) + f64::from(FLOOR));
                // 1.2e-7: the sum and the quotient, each rounded once.
                assert!((f64::from(out[0]) - expected).abs() <= 1.2e-7 * expected, "{} / {}: {}", v[0], w[0], out[0]);
                assert!(out[1..].iter().all(|x| *x == 0.0));
            }
        });
    }

    #[test]
    fn the_divergence_is_exact_from_zero_to_a_million_times_the_estimate_and_near_equality() {
        on_every_unit(|| {
            let shape = Shape { frames: 1, rows: 1, templates: 1 };
            let ratios = (0..1600).map(|n| 10f64.powf(f64::from(n) * 0.01 - 10.0));
            let near = (-20..=20).map(|n| 1.0 + f64::from(n) * 1e-5);
            for ratio in ratios.chain(near).chain([0.0]) {
                let (v, w) = ((0.7 * ratio) as f32, 0.7f32);
                let (tiled, w) = (tiles(shape, [&[v][..]].into_iter()), strips(shape, [&[w][..]].into_iter()));
                let (mut h, mut out) = (vec![0.0; BLOCK], vec![0.0; BLOCK * ROW_ALIGN]);
                h[0] = 1.0;
                dispatch(Compare { shape, by: Comparison::KullbackLeibler, v: &tiled, w: &w, h: &h, out: &mut out });
                let (v, estimate) = (f64::from(v), f64::from(w[0]) + f64::from(FLOOR));
                let quotient = v / estimate;
                let expected = if v == 0.0 { estimate } else { estimate * (quotient * quotient.ln() - quotient + 1.0) };
                // f32 rounds the quotient and its logarithm, whose product is nearly the quotient less one; and E of the floor.
                let scale = v * quotient.max(1e-30).ln().abs() + 1e-6 * (quotient - 1.0).abs() + expected;
                assert!((f64::from(out[0]) - expected).abs() <= 5e-7 * scale + 1e-14, "{ratio}: {} {expected}", out[0]);
            }
        });
    }

    #[test]
    fn products_with_the_templates_agree_with_float64() {
        on_every_unit(|| {
            for example in examples() {
                let (v, w, _) = example.tiled();
                let (shape, Shape { frames, rows, templates }) = (example.shape, example.shape);
                for (block, v) in v.chunks_exact(BLOCK * shape.padded_rows()).enumerate() {
                    let mut out = vec![f32::NAN; BLOCK * templates];
                    dispatch(HProducts { shape, x: v, w: &w, out: &mut out });
                    for (index, &found) in out.iter().enumerate() {
                        let (frame, k) = (block * BLOCK + index / templates, index % templates);
                        let term = |row: usize| {
                            f64::from(example.v[frame * rows + row]) * f64::from(example.w[k * rows + row])
                        };
                        let expected = if frame < frames { (0..rows).map(term).sum() } else { 0.0 };
                        assert_close(found, expected, expected, &(shape, frame, k));
                    }
                }
            }
        });
    }

    #[test]
    fn products_with_the_activations_agree_with_float64_from_any_first_template() {
        on_every_unit(|| {
            for example in examples() {
                let (v, w, h) = example.tiled();
                let (shape, Shape { frames, rows, templates }) = (example.shape, example.shape);
                for (strip, first, is_quotient) in
                    (0..shape.strips()).flat_map(|strip| [(strip, 0, true), (strip, templates / 2, false)])
                {
                    let (start, len) = (strip * STRIP, shape.strip_len(strip));
                    let mut out = vec![f32::NAN; (templates - first) * len];
                    let own = &w[start * templates..][..len * templates];
                    let w = is_quotient.then_some(own);
                    dispatch(WProducts { shape, strip, v: &v, w, h: &h, first, out: &mut out });
                    for (index, &found) in out.iter().enumerate() {
                        let (k, row) = (first + index / len, start + index % len);
                        let x = |frame: usize| match is_quotient {
                            true => example.compared(Comparison::Quotient, frame, row),
                            false => f64::from(example.v[frame * rows + row]),
                        };
                        let term = |frame: usize| f64::from(example.h[frame * templates + k]) * x(frame);
                        let expected = if row < rows { (0..frames).map(term).sum() } else { 0.0 };
                        assert_close(found, expected, expected, &(shape, strip, k, row));
                    }
                }
            }
        });
    }
}
