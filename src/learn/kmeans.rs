//! Where templates start: spherical k-means of the frames.

use ndarray::{Array2, ArrayView2, Axis};
use rand::{Rng, RngExt};

/// Rounds of assignment and mean: the clusters have settled by then.
const ROUNDS: usize = 15;

/// `count` templates (templates × rows, each sums to one): the sums of `count` clusters of frames that point the same
/// way, each plus 1e-4 of its maximum so that no bin is lost to the multiplicative updates. The first centres are drawn as
/// k-means++ does, by distance and energy.
pub fn templates(frames: ArrayView2<f32>, count: usize, rng: &mut impl Rng) -> Array2<f32> {
    let mut directions = frames.to_owned();
    for mut frame in directions.rows_mut() {
        let norm = frame.dot(&frame).sqrt();
        frame /= norm.max(f32::MIN_POSITIVE);
    }
    let mut centres = first_centres(frames, &directions, count, rng);
    let mut sums = centres.clone();
    for _ in 0..ROUNDS {
        let nearness = directions.dot(&centres.t());
        sums.fill(0.0);
        for (frame, nearness) in frames.rows().into_iter().zip(nearness.rows()) {
            let nearest = nearness.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(k, _)| k);
            let mut sum = sums.row_mut(nearest);
            sum += &frame;
        }
        for (mut centre, sum) in centres.rows_mut().into_iter().zip(sums.rows()) {
            let norm = sum.dot(&sum).sqrt();
            if norm > 0.0 {
                centre.assign(&(&sum / norm));
            }
        }
    }
    for (mut template, centre) in sums.rows_mut().into_iter().zip(centres.rows()) {
        template.assign(&centre);
        let floor = template.iter().copied().fold(0.0, f32::max).max(f32::MIN_POSITIVE) * 1e-4;
        template += floor;
        let sum = template.sum();
        template /= sum;
    }
    sums
}

fn first_centres(frames: ArrayView2<f32>, directions: &Array2<f32>, count: usize, rng: &mut impl Rng) -> Array2<f32> {
    let energies = frames.map(|x| x * x).sum_axis(Axis(1));
    let mut distances = vec![1.0f32; frames.nrows()];
    let mut centres = Array2::zeros((count, frames.ncols()));
    for mut centre in centres.rows_mut() {
        let weights: Vec<f64> = distances.iter().zip(&energies).map(|(&d, &e)| f64::from(d) * f64::from(e)).collect();
        let direction = directions.row(draw(&weights, rng));
        centre.assign(&direction);
        for (distance, nearness) in distances.iter_mut().zip(directions.dot(&direction)) {
            *distance = distance.min((1.0 - nearness).max(0.0));
        }
    }
    centres
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
    use rand::SeedableRng;

    #[test]
    fn frames_of_three_spectra_give_three_templates() {
        let spectra = [[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]];
        let frames = Array2::from_shape_fn((60, 4), |(frame, row)| spectra[frame % 3][row] * (1.0 + frame as f32));
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let templates = templates(frames.view(), 3, &mut rng);
        for spectrum in spectra {
            let total: f32 = spectrum.iter().sum();
            let is_found = templates.rows().into_iter().any(|template| {
                template.iter().zip(&spectrum).all(|(&found, &expected)| (found - expected / total).abs() < 1e-3)
            });
            assert!(is_found, "{spectrum:?} in {templates}");
        }
    }
}
