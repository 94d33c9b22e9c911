//! What this core can do at most: single-precision multiply-adds that wait for nothing.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Independent sums: as many as hide the latency of two units, and fit 16 registers.
const CHAINS: usize = 12;
const STEPS: usize = 20_000;

struct Peak {
    factor: f32,
    addend: f32,
}

impl WithSimd for Peak {
    /// A sum of the results, and the operations that it took.
    type Output = (f32, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let (factor, addend) = (simd.splat_f32s(self.factor), simd.splat_f32s(self.addend));
        let mut chains = [addend; CHAINS];
        for _ in 0..STEPS {
            for chain in &mut chains {
                *chain = simd.mul_add_f32s(*chain, factor, addend);
            }
        }
        let sum = chains.into_iter().fold(addend, |sum, chain| simd.add_f32s(sum, chain));
        (simd.reduce_sum_f32s(sum), 2.0 * (CHAINS * STEPS * S::F32_LANES) as f64)
    }
}

/// Seconds of one operation (a multiply-add is two), with the widest vectors there are.
pub(crate) fn seconds_per_operation() -> f64 {
    let started = Instant::now();
    let (sum, operations) = Arch::new().dispatch(Peak { factor: black_box(0.5), addend: black_box(1.0) });
    black_box(sum);
    started.elapsed().as_secs_f64() / operations
}
