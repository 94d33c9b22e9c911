//! Initial templates: spherical k-means of the frames.

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use rand::{Rng, RngExt};

use crate::learn::progress::Cancelled;
use crate::learn::threads::Workers;

/// The most rounds of assignment and mean; clusters are stable by then.
const ROUNDS: usize = 15;
/// Frames that are compared with the centres at a time.
const CHUNK: usize = 64;

/// `count` templates (templates × rows, each sums to one): the sums of `count` clusters of frames that point the same
/// way, each plus 1e-4 of its maximum so that multiplicative updates can change every bin. The first centres are drawn as
/// k-means++ does, by distance and energy.
///
/// # Errors
/// The poll asked to stop.
pub fn templates(
    frames: ArrayView2<f32>,
    count: usize,
    rng: &mut impl Rng,
    workers: &mut Workers<'_>,
) -> Result<Array2<f32>, Cancelled> {
    let mut directions = frames.to_owned();
    (workers.poll)()?;
    workers.run(directions.rows_mut(), frames.ncols(), |part| part.into_iter().for_each(normalise))?;
    let mut centres = first_centres(frames, &directions, count, (rng, workers))?;
    let mut nearest = vec![usize::MAX; frames.nrows()];
    for _ in 0..ROUNDS {
        let before = nearest.clone();
        let chunks = directions.axis_chunks_iter(Axis(0), CHUNK).zip(nearest.chunks_mut(CHUNK));
        workers.run(chunks, CHUNK * centres.len(), |chunks| {
            for (directions, nearest) in chunks {
                let nearness = directions.dot(&centres.t());
                for (nearest, nearness) in nearest.iter_mut().zip(nearness.rows()) {
                    *nearest = nearness.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(k, _)| k);
                }
            }
        })?;
        if nearest == before {
            break;
        }
        let mut sums = Array2::zeros(centres.dim());
        for (frame, &nearest) in frames.rows().into_iter().zip(&nearest) {
            let mut sum = sums.row_mut(nearest);
            sum += &frame;
        }
        for (mut centre, mut sum) in centres.rows_mut().into_iter().zip(sums.rows_mut()) {
            // An empty cluster keeps its centre.
            if sum.iter().any(|&x| x > 0.0) {
                normalise(sum.view_mut());
                centre.assign(&sum);
            }
        }
        (workers.poll)()?;
    }
    for mut template in centres.rows_mut() {
        let floor = template.iter().copied().fold(0.0, f32::max).max(f32::MIN_POSITIVE) * 1e-4;
        template += floor;
        let sum = template.sum();
        template /= sum;
    }
    Ok(centres)
}

fn normalise(mut frame: ArrayViewMut1<f32>) {
    let norm = frame.dot(&frame).sqrt();
    frame /= norm.max(f32::MIN_POSITIVE);
}

fn first_centres(
    frames: ArrayView2<f32>,
    directions: &Array2<f32>,
    count: usize,
    (rng, workers): (&mut impl Rng, &mut Workers<'_>),
) -> Result<Array2<f32>, Cancelled> {
    let energies: Vec<f32> = frames.rows().into_iter().map(|frame| frame.iter().map(|x| x * x).sum()).collect();
    let mut distances = vec![1.0f32; frames.nrows()];
    let mut centres = Array2::zeros((count, frames.ncols()));
    for mut centre in centres.rows_mut() {
        let weights: Vec<f64> = distances.iter().zip(&energies).map(|(&d, &e)| f64::from(d) * f64::from(e)).collect();
        let direction = directions.row(draw(&weights, rng));
        centre.assign(&direction);
        let chunks = directions.axis_chunks_iter(Axis(0), CHUNK).zip(distances.chunks_mut(CHUNK));
        // Limited by memory, a product costs as much as eight.
        workers.run(chunks, 8 * CHUNK * frames.ncols(), |chunks| {
            for (directions, distances) in chunks {
                for (distance, nearness) in distances.iter_mut().zip(directions.dot(&direction)) {
                    *distance = distance.min((1.0 - nearness).max(0.0));
                }
            }
        })?;
    }
    Ok(centres)
}

/// An index, drawn in proportion to its weight.
fn draw(weights: &[f64], rng: &mut impl Rng) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (index, &weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Threads;
    use rand::SeedableRng;

    #[test]
    fn frames_of_three_spectra_give_three_templates() {
        let spectra = [[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]];
        let frames = Array2::from_shape_fn((60, 4), |(frame, row)| spectra[frame % 3][row] * (1.0 + frame as f32));
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let (threads, mut poll) = (Threads::default(), || Ok(()));
        let mut workers = Workers { threads: &threads, poll: &mut poll };
        let templates = templates(frames.view(), 3, &mut rng, &mut workers).unwrap();
        for spectrum in spectra {
            let total: f32 = spectrum.iter().sum();
            let is_found = templates.rows().into_iter().any(|template| {
                template.iter().zip(&spectrum).all(|(&found, &expected)| (found - expected / total).abs() < 1e-3)
            });
            assert!(is_found, "{spectrum:?} in {templates}");
        }
    }
}
