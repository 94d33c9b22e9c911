//! The updates of a factor, W or H, from its products.

use super::shape::{FLOOR, vectors};
use crate::dsp::simd::{Kernel, Lanes};

/// The largest factor of one over-relaxed update, and its inverse the smallest.
const MAX_STEP: f32 = 100.0;

/// The exponent γ of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// γ = 1: the loss provably never rises.
    Plain,
    /// γ = 15/8, within a factor of 100: about twice as fast. For β from 1 to 2 every γ below 2 converges (Badeau, Bertin and
    /// Vincent 2010); this one takes three square roots.
    Relaxed,
}

/// factor ← factor · (numerators / (denominators + floor))^γ, kept above the floor. All slices have the same length.
pub struct Multiply<'a> {
    /// W or H.
    pub factor: &'a mut [f32],
    /// Numerators.
    pub numerators: &'a [f32],
    /// Denominators.
    pub denominators: &'a [f32],
    /// γ.
    pub step: Step,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let Self { factor, numerators, denominators, step } = self;
        let terms = factor.iter_mut().zip(numerators).zip(denominators);
        match step {
            Step::Plain => terms.for_each(|((factor, numerators), denominators)| {
                *factor = (*factor * (numerators / (denominators + FLOOR))).max(FLOOR)
            }),
            Step::Relaxed => terms.for_each(|((factor, numerators), denominators)| {
                let ratio = numerators / (denominators + FLOOR);
                let half = ratio.sqrt();
                let quarter = half.sqrt();
                let relaxed = ratio * half * (quarter * quarter.sqrt());
                *factor = (*factor * relaxed.clamp(MAX_STEP.recip(), MAX_STEP)).max(FLOOR);
            }),
        }
    }
}

/// Minimises the squared error over one template after another while the others stay fixed, `sweeps` times (HALS; Cichocki
/// and Phan 2009). Values stay above the floor.
pub struct Sweep<'a> {
    /// Templates × a row each (a strip of W, or a block of H transposed).
    pub factor: &'a mut [f32],
    /// V's products with the other factor, of the same shape.
    pub products: &'a [f32],
    /// The Gram matrix of the other factor: templates × templates.
    pub gram: &'a [f32],
    /// Which templates are updated.
    pub is_free: &'a [bool],
    /// Number of sweeps.
    pub sweeps: usize,
}

impl Kernel for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Self { factor, products, gram, is_free, sweeps } = self;
        let templates = is_free.len();
        let (factor, products) = (S::as_mut_simd_f32s(factor).0, vectors::<S>(products));
        let len = factor.len() / templates;
        let floor = simd.splat_f32s(FLOOR);
        for template in (0..sweeps).flat_map(|_| 0..templates).filter(|&template| is_free[template]) {
            let gram = &gram[template * templates..][..templates];
            if gram[template] < f32::MIN_POSITIVE {
                continue;
            }
            let inverse = simd.splat_f32s(gram[template].recip());
            for at in 0..len {
                // Four independent sums hide the latency of each addition.
                let mut sums = [simd.splat_f32s(0.0); 4];
                for (other, &gram) in gram.iter().enumerate() {
                    let sum = &mut sums[other % 4];
                    *sum = simd.mul_add_e_f32s(simd.splat_f32s(gram), factor[other * len + at], *sum);
                }
                let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
                let own = &mut factor[template * len + at];
                let left = simd.sub_f32s(products[template * len + at], sum);
                *own = simd.max_f32s(simd.mul_add_e_f32s(left, inverse, *own), floor);
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

    fn noise(len: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..len).map(|_| rng.random_range(0.0..1.0f32)).collect()
    }

    #[test]
    fn updates_multiply_by_the_ratio_or_its_power_of_fifteen_eighths_within_bounds() {
        on_every_unit(|| {
            for len in [1, 15, 16, 17, 129] {
                let (factor, numerators, denominators) = (noise(len, 1), noise(len, 2), noise(len, 3));
                for (step, power) in [(Step::Plain, 1.0), (Step::Relaxed, 1.875)] {
                    let mut found = factor.clone();
                    dispatch(Multiply {
                        factor: &mut found,
                        numerators: &numerators,
                        denominators: &denominators,
                        step,
                    });
                    for n in 0..len {
                        let ratio =
                            (f64::from(numerators[n]) / (f64::from(denominators[n]) + f64::from(FLOOR))).powf(power);
                        let bounded = if step == Step::Plain { ratio } else { ratio.clamp(0.01, 100.0) };
                        let expected = (f64::from(factor[n]) * bounded).max(FLOOR.into());
                        // 1e-6: a dozen roundings of 6e-8.
                        assert!((f64::from(found[n]) / expected - 1.0).abs() < 1e-6, "{step:?} {len} {n}");
                    }
                }
            }
            let mut factor = [1.0; 4];
            let (numerators, denominators) = ([0.0, 1024.0, 1.0 / 1024.0, 0.0], [1.0, 1.0, 1.0, 0.0]);
            dispatch(Multiply {
                factor: &mut factor,
                numerators: &numerators,
                denominators: &denominators,
                step: Step::Relaxed,
            });
            assert_eq!(factor, [0.01, 100.0, 0.01, 0.01]);
            dispatch(Multiply {
                factor: &mut factor,
                numerators: &numerators,
                denominators: &denominators,
                step: Step::Plain,
            });
            assert_eq!(factor, [FLOOR, 102_400.0, 0.01 / 1024.0, FLOOR]);
        });
    }

    #[test]
    fn a_sweep_makes_the_squared_error_least_template_by_template() {
        on_every_unit(|| {
            for (templates, len) in [(1, 16), (3, 64), (8, 16), (17, 48)] {
                // A Gram matrix is positive definite: noise times its transpose, and more on the diagonal.
                let other = noise(templates * 40, 1);
                let gram = |i: usize, j: usize| (0..40).map(|n| other[i * 40 + n] * other[j * 40 + n]).sum::<f32>();
                let gram: Vec<f32> =
                    (0..templates * templates).map(|at| gram(at / templates, at % templates)).collect();
                let (start, products) = (noise(templates * len, 2), noise(templates * len, 3));
                let is_free: Vec<bool> = (0..templates).map(|template| template != 2).collect();
                let mut expected: Vec<f64> = start.iter().map(|&x| x.into()).collect();
                for k in (0..2).flat_map(|_| 0..templates).filter(|&k| is_free[k]) {
                    for at in 0..len {
                        let mixed: f64 =
                            (0..templates).map(|j| f64::from(gram[k * templates + j]) * expected[j * len + at]).sum();
                        let left = f64::from(products[k * len + at]) - mixed;
                        let x = expected[k * len + at] + left / f64::from(gram[k * templates + k]);
                        expected[k * len + at] = x.max(FLOOR.into());
                    }
                }
                let mut found = start.clone();
                let sweep =
                    Sweep { factor: &mut found, products: &products, gram: &gram, is_free: &is_free, sweeps: 2 };
                dispatch(sweep);
                for (found, expected) in found.iter().zip(&expected) {
                    // 1e-5: f32 sums of 17 products, twice over.
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{templates} {len}: {found} {expected}");
                }
            }
        });
    }
}
