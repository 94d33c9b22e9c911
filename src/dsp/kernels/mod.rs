//! The loops that cost time: plain functions over slices of equal length, written so that the compiler vectorises them.
//! A strict sum of floats does not vectorise, so sums run in `LANES` independent parts.

pub mod matrix;

/// Independent partial sums: enough to fill two AVX-512 registers' worth of any vector unit.
const LANES: usize = 16;

/// Σ x·y.
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let (x_lanes, x_rest) = x.as_chunks::<LANES>();
    let (y_lanes, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x_lanes.iter().zip(y_lanes) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

/// Σ x.
pub fn sum(x: &[f32]) -> f32 {
    let (lanes, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for x in lanes {
        for lane in 0..LANES {
            sums[lane] += x[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// out += scale · x.
pub fn add_scaled(out: &mut [f32], scale: f32, x: &[f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += scale * x;
    }
}

/// out = x / y.
pub fn divide(out: &mut [f32], x: &[f32], y: &[f32]) {
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = x / y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn kernels_agree_with_float64_on_awkward_lengths() {
        for len in [0, 1, 15, 16, 17, 31, 100, 1025, 2050] {
            let (x, y) = (noise(len, 1), noise(len, 2));
            let exact: f64 = x.iter().zip(&y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            // 1e-6 relative: rounding of partial sums of at most 129 terms.
            assert!((f64::from(dot(&x, &y)) - exact).abs() <= 1e-6 * exact, "dot of {len}");
            let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
            assert!((f64::from(sum(&x)) - exact).abs() <= 1e-6 * exact, "sum of {len}");
            let mut out = y.clone();
            add_scaled(&mut out, 0.5, &x);
            assert!(out.iter().zip(&x).zip(&y).all(|((&out, &x), &y)| out == y + 0.5 * x), "add_scaled of {len}");
            let shifted: Vec<f32> = y.iter().map(|y| y + 0.1).collect();
            divide(&mut out, &x, &shifted);
            assert!(out.iter().zip(&x).zip(&shifted).all(|((&out, &x), &y)| out == x / y), "divide of {len}");
        }
    }
}
