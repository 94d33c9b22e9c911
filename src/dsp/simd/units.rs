//! The vector units, and running a kernel on the widest one.

use pulp::{Arch, NullaryFnOnce, Simd};

#[cfg(test)]
use super::FLOOR;

/// A vector unit, with the one operation that the kernels need and `pulp` does not offer for every unit.
pub trait Lanes: Simd {
    /// 1/x within two units in the last place, for x from [`FLOOR`](super::FLOOR) to 1e30: a division costs as much as eight
    /// multiplications and additions.
    fn reciprocal(self, x: Self::f32s) -> Self::f32s;
}

/// Newton's step towards 1/x: y (2 − x y) has twice as many correct digits as y.
#[inline(always)]
fn refined<S: Simd>(simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
    let minus_error = simd.mul_add_e_f32s(simd.neg_f32s(x), y, simd.splat_f32s(1.0));
    simd.mul_add_e_f32s(y, minus_error, y)
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86 {
    use pulp::x86::{V3, V4};

    impl super::Lanes for V4 {
        #[inline(always)]
        fn reciprocal(self, x: Self::f32s) -> Self::f32s {
            // 14 bits, then 24.
            super::refined(self, x, pulp::cast(self.avx512f._mm512_rcp14_ps(pulp::cast(x))))
        }
    }

    impl super::Lanes for V3 {
        #[inline(always)]
        fn reciprocal(self, x: Self::f32s) -> Self::f32s {
            // 11 bits, then 22: within two units in the last place.
            super::refined(self, x, self.approx_reciprocal_f32x8(x))
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Lanes for pulp::aarch64::Neon {
    #[inline(always)]
    fn reciprocal(self, x: Self::f32s) -> Self::f32s {
        self.div_f32s(self.splat_f32s(1.0), x)
    }
}

impl Lanes for pulp::Scalar256b {
    #[inline(always)]
    fn reciprocal(self, x: Self::f32s) -> Self::f32s {
        self.div_f32s(self.splat_f32s(1.0), x)
    }
}

/// A kernel, written once for every vector unit.
pub trait Kernel {
    /// Its result.
    type Output;

    /// Runs on one vector unit. `#[inline(always)]`, as is all that it calls: only then is it compiled for that unit.
    fn run<S: Lanes>(self, simd: S) -> Self::Output;
}

/// A kernel and the vector unit it runs on.
struct On<S, K>(S, K);

impl<S: Lanes, K: Kernel> NullaryFnOnce for On<S, K> {
    type Output = K::Output;

    #[inline(always)]
    fn call(self) -> K::Output {
        self.1.run(self.0)
    }
}

/// The widest vector unit there is.
#[inline(always)]
fn unit() -> Arch {
    #[cfg(test)]
    if let Some(unit) = TEST_UNIT.get() {
        return unit;
    }
    Arch::new()
}

/// Runs a kernel on the widest vector unit there is.
#[inline(always)]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match unit() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V4(simd) => simd.vectorize(On(simd, kernel)),
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V3(simd) => simd.vectorize(On(simd, kernel)),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => simd.vectorize(On(simd, kernel)),
        _ => On(pulp::Scalar256b, kernel).call(),
    }
}

/// Loops over slices, for [`wide`].
pub trait Wide {
    /// Their result.
    type Output;

    /// Runs them. `#[inline(always)]`: only then are they compiled for the detected unit.
    fn run(self) -> Self::Output;
}

/// Whether a closure is inlined is up to the compiler, so use closures only for loops of a line or two.
impl<R, F: FnOnce() -> R> Wide for F {
    type Output = R;

    #[inline(always)]
    fn run(self) -> R {
        self()
    }
}

/// Runs loops over slices, compiled for the widest vector unit there is.
#[inline(always)]
pub fn wide<W: Wide>(work: W) -> W::Output {
    struct Work<W>(W);
    impl<W: Wide> Kernel for Work<W> {
        type Output = W::Output;

        #[inline(always)]
        fn run<S: Lanes>(self, _: S) -> W::Output {
            self.0.run()
        }
    }
    dispatch(Work(work))
}

#[cfg(test)]
thread_local! {
    /// The unit that a test asks for.
    static TEST_UNIT: std::cell::Cell<Option<Arch>> = const { std::cell::Cell::new(None) };
}

/// Runs a test on every vector unit that this machine has, narrow ones too.
#[cfg(test)]
pub(crate) fn on_every_unit(test: impl Fn()) {
    let mut units = vec![Arch::Scalar];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    units
        .extend([pulp::x86::V3::try_new().map(Arch::V3), pulp::x86::V4::try_new().map(Arch::V4)].into_iter().flatten());
    #[cfg(target_arch = "aarch64")]
    units.extend(pulp::aarch64::Neon::try_new().map(Arch::Neon));
    for unit in units {
        TEST_UNIT.set(Some(unit));
        test();
    }
    TEST_UNIT.set(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Reciprocals<'a>(&'a [f32]);

    impl Kernel for Reciprocals<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) -> Vec<f32> {
            let mut out = vec![0.0; self.0.len()];
            for (out, &x) in S::as_mut_simd_f32s(&mut out).0.iter_mut().zip(S::as_simd_f32s(self.0).0) {
                *out = simd.reciprocal(x);
            }
            out
        }
    }

    #[test]
    fn reciprocals_are_exact_to_two_units_in_the_last_place_from_the_floor_up() {
        let x: Vec<f32> = (0..16_384).map(|n| (f64::from(FLOOR) * (f64::from(n) * 0.0059).exp()) as f32).collect();
        assert!((1e29..1e30).contains(&x[16_383]));
        on_every_unit(|| {
            for (&x, found) in x.iter().zip(dispatch(Reciprocals(&x))) {
                let exact = 1.0 / f64::from(x);
                // Two units of 2⁻²³, and one of rounding x y.
                assert!((f64::from(found) / exact - 1.0).abs() < 3.0 / (1 << 23) as f64, "1/{x}: {found}");
            }
        });
    }
}
