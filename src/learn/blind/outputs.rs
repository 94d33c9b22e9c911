//! What the components of a candidate sound like: the capture, separated by its own factorization.

use ndarray::{Array2, ArrayView2, Axis};

use super::candidate::Candidate;
use crate::dsp::bands::Bands;
use crate::dsp::{Format, Templates};
use crate::learn::progress::Cancelled;
use crate::learn::threads::Workers;

/// Frames that are separated together.
const CHUNK: usize = 32;
/// Cost of a mask per row and component, in multiply-adds.
const MASK_COST: usize = 20;
/// Frames that are compared: enough for a mean.
const COMPARED_FRAMES: usize = 1000;

/// Per component the magnitudes of its output, frames × bands: √(mean over channels (mask |X|)²), summed over each of the
/// bands that activations are estimated in. The masks are those of playback with the activations of learning. `frames` are
/// the magnitudes that the candidate was learned from.
///
/// # Errors
/// The poll asked to stop.
pub fn outputs(
    frames: ArrayView2<f32>,
    candidate: &Candidate<'_>,
    format: Format,
    workers: &mut Workers<'_>,
) -> Result<Vec<Array2<f32>>, Cancelled> {
    let bands = Bands::erb(Templates::BANDS, format.bins(), format.sample_rate);
    let components = candidate.components();
    let parts: Vec<(Array2<f32>, Array2<f32>)> = (0..components).map(|index| candidate.component(index)).collect();
    let mut chunks: Vec<(usize, Vec<f32>)> =
        (0..frames.nrows()).step_by(CHUNK).map(|start| (start, Vec::new())).collect();
    let cost = CHUNK * format.rows() * (candidate.w.nrows() + MASK_COST * components);
    workers.run(&mut chunks, cost, |chunks| {
        for (start, banded) in chunks {
            let range = *start..(*start + CHUNK).min(frames.nrows());
            let estimates = parts.iter().map(|(w, h)| h.slice(ndarray::s![range.clone(), ..]).dot(w)).collect();
            *banded = separated(frames.slice(ndarray::s![range, ..]), estimates, &bands, format);
        }
    })?;
    let mut outputs = vec![Vec::with_capacity(frames.nrows() * bands.len()); components];
    for (_, banded) in &chunks {
        let len = banded.len() / components.max(1);
        outputs.iter_mut().zip(banded.chunks_exact(len.max(1))).for_each(|(all, banded)| all.extend_from_slice(banded));
    }
    let matrix = |values| Array2::from_shape_vec((frames.nrows(), bands.len()), values).unwrap_or_default();
    Ok(outputs.into_iter().map(matrix).collect())
}

/// Component after component, frames × bands, of some frames and each component's estimate of them.
fn separated(frames: ArrayView2<f32>, mut estimates: Vec<Array2<f32>>, bands: &Bands, format: Format) -> Vec<f32> {
    // Silence is divided equally.
    let mut total = Array2::from_elem(frames.dim(), f32::MIN_POSITIVE);
    for estimate in &mut estimates {
        estimate.mapv_inplace(|x| x * x.sqrt());
        total += &*estimate;
    }
    let (bins, channels) = (format.bins(), format.channels as f32);
    let mut banded = vec![0.0; estimates.len() * frames.nrows() * bands.len()];
    let mut rows = banded.chunks_exact_mut(bands.len());
    let mut mean = vec![0.0; bins];
    for mut masked in estimates {
        masked /= &total;
        masked *= &frames;
        for (frame, banded) in masked.rows().into_iter().zip(&mut rows) {
            mean.fill(0.0);
            for channel in frame.axis_chunks_iter(Axis(0), bins) {
                mean.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x * x);
            }
            mean.iter_mut().for_each(|x| *x = (*x / channels).sqrt());
            bands.sum_rows(&mean, banded);
        }
    }
    banded
}

/// Outputs in the form in which [`likeness`] compares them: the roots of evenly spread frames, with a norm of 1.
pub fn comparable(outputs: &[Array2<f32>]) -> Vec<Vec<f32>> {
    let root = |output: &Array2<f32>| {
        let step = output.nrows().div_ceil(COMPARED_FRAMES).max(1);
        let mut values: Vec<f32> = output.rows().into_iter().step_by(step).flatten().map(|x: &f32| x.sqrt()).collect();
        let norm = values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt().max(f64::MIN_POSITIVE) as f32;
        values.iter_mut().for_each(|x| *x /= norm);
        values
    };
    outputs.iter().map(root).collect()
}

/// How alike two separations are, 0 to 1: the mean cosine of the roots of their outputs, for the best match of their
/// components.
pub fn likeness(first: &[Vec<f32>], second: &[Vec<f32>]) -> f32 {
    let cosine = |a: &Vec<f32>, b: &Vec<f32>| crate::dsp::simd::dot(a, b);
    // The best match of the first components with each set of the second, a bit for each.
    let mut best = vec![f32::NEG_INFINITY; 1 << second.len()];
    best[0] = 0.0;
    for (index, a) in first.iter().enumerate() {
        let cosines: Vec<f32> = second.iter().map(|b| cosine(a, b)).collect();
        for set in (0..best.len()).rev().filter(|set| set.count_ones() as usize == index) {
            for (other, cosine) in cosines.iter().enumerate().filter(|(other, _)| set >> other & 1 == 0) {
                let with = set | 1 << other;
                best[with] = best[with].max(best[set] + cosine);
            }
        }
    }
    best[best.len() - 1] / first.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::report::GroupedBy;
    use crate::learn::threads::{Priority, Threads};

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 256, channels: 2 };

    /// Templates that share no row, and activations: 70 frames, 4 templates.
    fn factors() -> (Array2<f32>, Array2<f32>) {
        let rows = FORMAT.rows();
        let w = Array2::from_shape_fn((4, rows), |(n, row)| if row % 4 == n { 4.0 / rows as f32 } else { 0.0 });
        let h = Array2::from_shape_fn((70, 4), |(frame, n)| ((frame * (n + 3)) % 11) as f32);
        (w, h)
    }

    fn separate(w: &Array2<f32>, h: &Array2<f32>, owners: &[usize], threads: usize) -> Vec<Array2<f32>> {
        let candidate = Candidate { w, h, owners: owners.to_vec(), by: GroupedBy::Timbre };
        let (threads, poll) = (&Threads::new(threads, Priority::Normal), &mut || Ok(()));
        outputs(h.dot(w).view(), &candidate, FORMAT, &mut Workers { threads, poll }).unwrap()
    }

    #[test]
    fn components_that_share_no_bin_come_out_whole() {
        let (w, h) = factors();
        let found = separate(&w, &h, &[0, 1, 1, 0], 1);
        let bands = Bands::erb(Templates::BANDS, FORMAT.bins(), FORMAT.sample_rate);
        assert_eq!((found.len(), found[0].dim()), (2, (70, bands.len())));
        for (component, own) in [[0, 3], [1, 2]].iter().enumerate() {
            for frame in 0..70 {
                let row = |row: usize| own.iter().map(|&n| h[[frame, n]] * w[[n, row]]).sum::<f32>();
                let bins: Vec<f32> =
                    (0..129).map(|bin| ((row(bin).powi(2) + row(129 + bin).powi(2)) / 2.0).sqrt()).collect();
                let mut expected = vec![0.0; bands.len()];
                bands.sum_rows(&bins, &mut expected);
                for (found, expected) in found[component].row(frame).iter().zip(expected) {
                    // 1e-6: f32 sums of values below 0.2.
                    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn outputs_do_not_depend_on_the_number_of_threads() {
        let rows = FORMAT.rows();
        let w = Array2::from_shape_fn((8, rows), |(n, row)| ((row * (n + 2)) % 13) as f32 / rows as f32);
        let h = Array2::from_shape_fn((20_000, 8), |(frame, n)| ((frame * (n + 3)) % 11) as f32);
        let owners = [0, 1, 2, 0, 1, 2, 0, 1];
        assert!(separate(&w, &h, &owners, 1) == separate(&w, &h, &owners, 4));
    }

    #[test]
    fn likeness_finds_the_same_components_in_any_order_and_tells_different_ones_apart() {
        let (w, h) = factors();
        let compared = |owners: &[usize]| comparable(&separate(&w, &h, owners, 1));
        let first = compared(&[0, 1, 2, 0]);
        // 1e-5: f32 sums of 8000 products.
        assert!((likeness(&first, &first) - 1.0).abs() < 1e-5);
        assert!((likeness(&first, &compared(&[2, 0, 1, 2])) - 1.0).abs() < 1e-5);
        let other = likeness(&first, &compared(&[0, 1, 2, 1]));
        assert!(other < 0.95 && other > 0.5, "{other}");
    }
}
