//! The hot loops, in float32 vectors as wide as the processor has: AVX-512, AVX2 with FMA, NEON, or portable code. The
//! processor is detected at run time.
//!
//! [`frame`] has the loops over all templates of one frame, [`vectors`] has sums and updates; each is tested against a plain
//! loop. [`wide`] compiles any loop over slices for the widest vector unit. [`units`] chooses the unit.
//!
//! No input makes them slow: values that could underflow are added to [`FLOOR`], and no divisor is smaller.

pub mod frame;
pub mod units;
pub mod vectors;

pub use frame::{Chosen, correlate, matrix_index, ratio_steps, weighted_sum};
#[cfg(test)]
pub(crate) use units::on_every_unit;
pub use units::{Kernel, Lanes, Wide, dispatch, wide};
pub use vectors::{add_scaled, dot, multiply, multiply_relaxed, sum};

/// Keeps estimates away from zero: −240 dB below one, so inaudible, and far above f32's smallest numbers.
pub const FLOOR: f32 = 1e-12;

/// Rows of templates are padded with zeros to whole numbers of the widest vectors, so that each begins at a cache line.
pub const ALIGNED_LEN: usize = 16;

/// Seeded numbers from 0 to 1.
#[cfg(test)]
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}
