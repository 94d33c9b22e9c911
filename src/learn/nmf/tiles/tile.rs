//! Register tiles: as many sums at a time as fit in the registers.

use super::shape::{BLOCK, FLOOR, STRIP, Shape};
use crate::dsp::simd::Lanes;

/// Frames of a register tile.
const QUAD: usize = 4;

/// One block of frames by one strip of rows.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a, S: Lanes> {
    /// Templates × `len`.
    pub(super) w: &'a [S::f32s],
    /// Frames × templates.
    pub(super) h: &'a [f32],
    /// Vectors of the strip.
    pub(super) len: usize,
}

impl<S: Lanes> Tile<'_, S> {
    /// Every value of V with H W.
    #[inline(always)]
    pub(super) fn compare<C: Comparing>(self, simd: S, v: &[S::f32s], out: &mut [S::f32s]) {
        let templates = self.h.len() / BLOCK;
        let quads = v.chunks_exact(QUAD * self.len).zip(out.chunks_exact_mut(QUAD * self.len));
        for ((v, out), h) in quads.zip(self.h.chunks_exact(QUAD * templates)) {
            let quad = Tile { h, ..self };
            let mut at = 0;
            if S::REGISTER_COUNT >= 32 {
                while at + 4 <= self.len {
                    quad.quad::<C, 4>(simd, at, v, out);
                    at += 4;
                }
            }
            while at + 2 <= self.len {
                quad.quad::<C, 2>(simd, at, v, out);
                at += 2;
            }
            if at < self.len {
                quad.quad::<C, 1>(simd, at, v, out);
            }
        }
    }

    /// The same for four frames and `N` vectors from `at` on.
    #[inline(always)]
    fn quad<C: Comparing, const N: usize>(self, simd: S, at: usize, v: &[S::f32s], out: &mut [S::f32s]) {
        let mut estimate = [[simd.splat_f32s(FLOOR); N]; QUAD];
        let templates = self.h.len() / QUAD;
        let h: [&[f32]; QUAD] = std::array::from_fn(|frame| &self.h[frame * templates..][..templates]);
        for (template, w) in self.w.chunks_exact(self.len).enumerate().take(templates) {
            let w = &w[at..at + N];
            for frame in 0..QUAD {
                let h = simd.splat_f32s(h[frame][template]);
                for n in 0..N {
                    estimate[frame][n] = simd.mul_add_e_f32s(h, w[n], estimate[frame][n]);
                }
            }
        }
        for (frame, estimate) in estimate.iter().enumerate() {
            let v = &v[frame * self.len + at..][..N];
            let out = &mut out[frame * self.len + at..][..N];
            for n in 0..N {
                out[n] = C::compare(simd, v[n], estimate[n]);
            }
        }
    }
}

/// How one vector of V compares with one of H W + floor.
pub(super) trait Comparing {
    fn compare<S: Lanes>(simd: S, v: S::f32s, estimate: S::f32s) -> S::f32s;
}

/// See [`super::Comparison::Quotient`].
pub(super) struct Quotient;

impl Comparing for Quotient {
    /// The product with the reciprocal, with one correction by the remainder: a division takes as long as 32 multiplications.
    #[inline(always)]
    fn compare<S: Lanes>(simd: S, v: S::f32s, estimate: S::f32s) -> S::f32s {
        let inverse = simd.reciprocal(estimate);
        let quotient = simd.mul_f32s(v, inverse);
        let left = simd.negate_mul_add_e_f32s(estimate, quotient, v);
        simd.mul_add_e_f32s(left, inverse, quotient)
    }
}

/// See [`super::Comparison::SquaredError`].
pub(super) struct SquaredError;

impl Comparing for SquaredError {
    #[inline(always)]
    fn compare<S: Lanes>(simd: S, v: S::f32s, estimate: S::f32s) -> S::f32s {
        let error = simd.sub_f32s(v, estimate);
        simd.mul_f32s(error, error)
    }
}

/// See [`super::Comparison::KullbackLeibler`].
pub(super) struct KullbackLeibler;

impl Comparing for KullbackLeibler {
    /// e (q ln q − (q − 1)), q = v / e: this form has the smallest rounding error near q = 1.
    #[inline(always)]
    fn compare<S: Lanes>(simd: S, v: S::f32s, estimate: S::f32s) -> S::f32s {
        let quotient = Quotient::compare(simd, v, estimate);
        let above = simd.sub_f32s(quotient, simd.splat_f32s(1.0));
        let term = simd.sub_f32s(simd.mul_f32s(quotient, ln(simd, quotient)), above);
        simd.mul_f32s(estimate, term)
    }
}

/// ln x with an error of 1e-7; of 0, a large negative number. The polynomial is that of Cephes (Moshier 1989), on [√½, √2).
#[inline(always)]
fn ln<S: Lanes>(simd: S, x: S::f32s) -> S::f32s {
    const ROOT_HALF: u32 = 0x3F35_04F3;
    const POLYNOMIAL: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let x = simd.max_f32s(x, simd.splat_f32s(f32::MIN_POSITIVE));
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(x), simd.splat_u32s(0x3F80_0000 - ROOT_HALF));
    let exponent = simd.wrapping_dyn_shr_u32s(bits, simd.splat_u32s(23));
    // As the last bits of a float of 2²³ and more, an integer reads as a number.
    let exponent = simd.transmute_f32s_u32s(simd.or_u32s(exponent, simd.splat_u32s(0x4B00_0000)));
    let exponent = simd.sub_f32s(exponent, simd.splat_f32s(8_388_608.0 + 127.0));
    let mantissa = simd.and_u32s(bits, simd.splat_u32s(0x007F_FFFF));
    let mantissa = simd.transmute_f32s_u32s(simd.add_u32s(mantissa, simd.splat_u32s(ROOT_HALF)));
    let t = simd.sub_f32s(mantissa, simd.splat_f32s(1.0));
    let mut sum = simd.splat_f32s(POLYNOMIAL[0]);
    for &coefficient in &POLYNOMIAL[1..] {
        sum = simd.mul_add_e_f32s(sum, t, simd.splat_f32s(coefficient));
    }
    let square = simd.mul_f32s(t, t);
    let cubic = simd.mul_f32s(simd.mul_f32s(square, t), sum);
    let fraction = simd.add_f32s(t, simd.mul_add_e_f32s(square, simd.splat_f32s(-0.5), cubic));
    simd.mul_add_e_f32s(exponent, simd.splat_f32s(std::f32::consts::LN_2), fraction)
}

/// One block, and the templates that it is multiplied by.
#[derive(Clone, Copy)]
pub(super) struct HPass<'a, S: Lanes> {
    pub(super) shape: Shape,
    pub(super) w: &'a [S::f32s],
    pub(super) x: &'a [S::f32s],
    pub(super) first: usize,
}

impl<S: Lanes> HPass<'_, S> {
    #[inline(always)]
    pub(super) fn all<const N: usize>(self, simd: S, out: &mut [f32]) {
        let mut first = 0;
        while first + N <= self.shape.templates {
            (0..BLOCK / QUAD).for_each(|quad| Self { first, ..self }.some::<N>(simd, quad, out));
            first += N;
        }
        for first in first..self.shape.templates {
            (0..BLOCK / QUAD).for_each(|quad| Self { first, ..self }.some::<1>(simd, quad, out));
        }
    }

    /// The products of four frames and `N` templates.
    #[inline(always)]
    fn some<const N: usize>(self, simd: S, quad: usize, out: &mut [f32]) {
        let Self { shape, w, x, first } = self;
        let mut sums = [[simd.splat_f32s(0.0); QUAD]; N];
        for strip in 0..shape.strips() {
            let (len, start) = (shape.strip_len(strip) / S::F32_LANES, strip * STRIP / S::F32_LANES);
            let w = &w[start * shape.templates + first * len..][..N * len];
            let x = &x[start * BLOCK + quad * QUAD * len..][..QUAD * len];
            let w: [&[S::f32s]; N] = std::array::from_fn(|n| &w[n * len..][..len]);
            let x: [&[S::f32s]; QUAD] = std::array::from_fn(|frame| &x[frame * len..][..len]);
            for at in 0..len {
                for n in 0..N {
                    for frame in 0..QUAD {
                        sums[n][frame] = simd.mul_add_e_f32s(w[n][at], x[frame][at], sums[n][frame]);
                    }
                }
            }
        }
        for (n, sums) in sums.iter().enumerate() {
            for (frame, &sum) in sums.iter().enumerate() {
                out[(quad * QUAD + frame) * shape.templates + first + n] = simd.reduce_sum_f32s(sum);
            }
        }
    }
}

/// One block and strip, and the activations that it is multiplied by.
#[derive(Clone, Copy)]
pub(super) struct WPass<'a, S: Lanes> {
    pub(super) h: &'a [f32],
    pub(super) x: &'a [S::f32s],
    pub(super) len: usize,
    pub(super) templates: usize,
    pub(super) first: usize,
}

impl<S: Lanes> WPass<'_, S> {
    #[inline(always)]
    pub(super) fn all<const N: usize>(self, simd: S, out: &mut [S::f32s]) {
        let free = self.templates - self.first;
        let mut done = 0;
        while done + N <= free {
            let out = &mut out[done * self.len..][..N * self.len];
            Self { first: self.first + done, ..self }.some::<N>(simd, out);
            done += N;
        }
        for done in done..free {
            let out = &mut out[done * self.len..][..self.len];
            Self { first: self.first + done, ..self }.some::<1>(simd, out);
        }
    }

    /// Adds the products of `N` templates.
    #[inline(always)]
    fn some<const N: usize>(self, simd: S, out: &mut [S::f32s]) {
        let mut at = 0;
        while at + 4 <= self.len {
            self.tile::<N, 4>(simd, at, out);
            at += 4;
        }
        for at in at..self.len {
            self.tile::<N, 1>(simd, at, out);
        }
    }

    #[inline(always)]
    fn tile<const N: usize, const M: usize>(self, simd: S, at: usize, out: &mut [S::f32s]) {
        let Self { h, x, len, templates, first } = self;
        let mut sums: [[S::f32s; M]; N] = std::array::from_fn(|n| std::array::from_fn(|m| out[n * len + at + m]));
        for (x, h) in x.chunks_exact(len).zip(h.chunks_exact(templates)) {
            let (x, h) = (&x[at..at + M], &h[first..first + N]);
            for n in 0..N {
                let h = simd.splat_f32s(h[n]);
                for m in 0..M {
                    sums[n][m] = simd.mul_add_e_f32s(h, x[m], sums[n][m]);
                }
            }
        }
        for n in 0..N {
            out[n * len + at..][..M].copy_from_slice(&sums[n]);
        }
    }
}
