//! Loops over slices of equal length.

use super::{FLOOR, Kernel, Lanes, dispatch, wide};

/// Independent partial sums: enough to hide the latency of additions.
const PARTS: usize = 4;
/// The largest factor of one over-relaxed update, and its inverse the smallest: the updates after it can still correct it.
const MAX_STEP: f32 = 100.0;

/// Σ x·y.
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    dispatch(Dot(x, y))
}

/// Σ x.
pub fn sum(x: &[f32]) -> f32 {
    dispatch(Sum(x))
}

/// out += scale · x.
pub fn add_scaled(out: &mut [f32], scale: f32, x: &[f32]) {
    wide(|| out.iter_mut().zip(x).for_each(|(out, &x)| *out += scale * x));
}

/// One multiplicative update: h ← h · step / penalty, at least [`FLOOR`].
pub fn multiply(h: &mut [f32], steps: &[f32], penalties: &[f32]) {
    wide(|| {
        for ((h, &step), &penalty) in h.iter_mut().zip(steps).zip(penalties) {
            *h = (*h * (step / penalty)).max(FLOOR);
        }
    });
}

/// One over-relaxed update: h ← h · (step / penalty)^1.75, with a factor of 100 at most, at least [`FLOOR`]. x^1.75 = x √x √√x.
pub fn multiply_relaxed(h: &mut [f32], steps: &[f32], penalties: &[f32]) {
    wide(|| {
        for ((h, &step), &penalty) in h.iter_mut().zip(steps).zip(penalties) {
            let factor = step / penalty;
            let root = factor.sqrt();
            *h = (*h * (factor * root * root.sqrt()).clamp(MAX_STEP.recip(), MAX_STEP)).max(FLOOR);
        }
    });
}

struct Dot<'a>(&'a [f32], &'a [f32]);

impl Kernel for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> f32 {
        let len = self.0.len().min(self.1.len());
        let (x, x_rest) = S::as_simd_f32s(&self.0[..len]);
        let (y, y_rest) = S::as_simd_f32s(&self.1[..len]);
        let mut sums = [simd.splat_f32s(0.0); PARTS];
        let ((x, x_last), (y, y_last)) = (x.as_chunks::<PARTS>(), y.as_chunks::<PARTS>());
        for (x, y) in x.iter().zip(y) {
            for part in 0..PARTS {
                sums[part] = simd.mul_add_e_f32s(x[part], y[part], sums[part]);
            }
        }
        for (&x, &y) in x_last.iter().zip(y_last) {
            sums[0] = simd.mul_add_e_f32s(x, y, sums[0]);
        }
        let (x, y) = (simd.partial_load_f32s(x_rest), simd.partial_load_f32s(y_rest));
        sums[1] = simd.mul_add_e_f32s(x, y, sums[1]);
        total(simd, sums)
    }
}

struct Sum<'a>(&'a [f32]);

impl Kernel for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> f32 {
        let (x, rest) = S::as_simd_f32s(self.0);
        let mut sums = [simd.splat_f32s(0.0); PARTS];
        let (x, last) = x.as_chunks::<PARTS>();
        for x in x {
            for part in 0..PARTS {
                sums[part] = simd.add_f32s(x[part], sums[part]);
            }
        }
        for &x in last {
            sums[0] = simd.add_f32s(x, sums[0]);
        }
        sums[1] = simd.add_f32s(simd.partial_load_f32s(rest), sums[1]);
        total(simd, sums)
    }
}

#[inline(always)]
fn total<S: Lanes>(simd: S, [a, b, c, d]: [S::f32s; PARTS]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}

#[cfg(test)]
mod tests {
    use super::super::{noise, on_every_unit};
    use super::*;

    const LENS: [usize; 12] = [0, 1, 7, 15, 16, 17, 31, 63, 64, 100, 1025, 2050];

    #[test]
    fn sums_agree_with_float64_on_awkward_lengths_on_every_unit() {
        on_every_unit(|| {
            for len in LENS {
                let (x, y) = (noise(len, 1), noise(len, 2));
                let exact: f64 = x.iter().zip(&y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                let found = f64::from(dot(&x, &y));
                // 2e-6 relative: rounding of partial sums of at most 64 terms on the narrowest unit.
                assert!((found - exact).abs() <= 2e-6 * exact, "dot of {len}: {found} {exact}");
                let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
                let found = f64::from(sum(&x));
                assert!((found - exact).abs() <= 2e-6 * exact, "sum of {len}: {found} {exact}");
            }
        });
    }

    #[test]
    fn updates_agree_with_plain_loops() {
        on_every_unit(|| {
            for len in LENS {
                let (h, steps, penalties) = (noise(len, 3), noise(len, 4), noise(len, 5));
                let penalties: Vec<f32> = penalties.iter().map(|penalty| penalty + 1.0).collect();
                let mut out = h.clone();
                add_scaled(&mut out, 0.5, &steps);
                assert!(out.iter().zip(&h).zip(&steps).all(|((&out, &h), &step)| out == h + 0.5 * step), "{len}");
                let (mut plain, mut relaxed) = (h.clone(), h.clone());
                multiply(&mut plain, &steps, &penalties);
                multiply_relaxed(&mut relaxed, &steps, &penalties);
                for n in 0..len {
                    let factor = f64::from(steps[n]) / f64::from(penalties[n]);
                    let expected =
                        [factor, factor.powf(1.75).clamp(0.01, 100.0)].map(|factor| f64::from(h[n]) * factor);
                    for (found, expected) in [plain[n], relaxed[n]].into_iter().zip(expected) {
                        let expected = expected.max(f64::from(FLOOR));
                        // 1e-6: half a dozen roundings.
                        assert!(
                            (f64::from(found) - expected).abs() <= 1e-6 * expected,
                            "{len} {n}: {found} {expected}"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn no_step_makes_an_activation_infinite_or_less_than_the_floor() {
        let steps = [0.0, 1e-40, f32::MAX, f32::INFINITY, f32::NAN];
        let penalties = [1.0; 5];
        let mut h = [1.0, 1e-12, 1.0, 1.0, 1.0];
        multiply_relaxed(&mut h, &steps, &penalties);
        assert!(h.iter().all(|h| (FLOOR..=MAX_STEP).contains(h)), "{h:?}");
    }
}
