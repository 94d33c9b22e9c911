//! Estimates the spatial covariances of components from stereo spectra, for the spatial filter.

use crate::dsp::{Complex32, Covariance};

/// Weight of the broadband covariance in each bin: bins with little energy in the capture take its direction.
const BROADBAND_SHARE: f64 = 0.05;

/// Sums of x xᴴ over the frames, bin by bin.
pub struct CovarianceSums {
    left: Vec<f64>,
    right: Vec<f64>,
    cross: Vec<[f64; 2]>,
}

impl CovarianceSums {
    /// Zero sums, for spectra of `bins` bins.
    pub fn new(bins: usize) -> Self {
        Self { left: vec![0.0; bins], right: vec![0.0; bins], cross: vec![[0.0; 2]; bins] }
    }

    /// Adds a stereo frame (the left channel's bins, then the right's), each bin weighted by the square of its
    /// `mask`, if there is one.
    pub fn add(&mut self, spectrum: &[Complex32], mask: Option<&[f32]>) {
        let bins = self.left.len();
        let (left, right) = spectrum.split_at(bins);
        for bin in 0..bins {
            let weight = mask.map_or(1.0, |mask| f64::from(mask[bin]).powi(2));
            let cross = left[bin] * right[bin].conj();
            self.left[bin] += weight * f64::from(left[bin].norm_sqr());
            self.right[bin] += weight * f64::from(right[bin].norm_sqr());
            self.cross[bin][0] += weight * f64::from(cross.re);
            self.cross[bin][1] += weight * f64::from(cross.im);
        }
    }

    /// Adds the sums of other frames.
    pub fn merge(&mut self, other: &Self) {
        self.left.iter_mut().zip(&other.left).for_each(|(sum, x)| *sum += x);
        self.right.iter_mut().zip(&other.right).for_each(|(sum, x)| *sum += x);
        self.cross.iter_mut().flatten().zip(other.cross.iter().flatten()).for_each(|(sum, x)| *sum += x);
    }

    /// R of each bin: its sum, plus 5 % of the mean trace times the covariance of all bins, divided by its trace.
    /// Silence gives diffuse covariances.
    pub fn covariances(&self) -> Vec<Covariance> {
        let bins = self.left.len();
        let total = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>();
        let (left, right) = (total(&mut self.left.iter().copied()), total(&mut self.right.iter().copied()));
        let (re, im) = (total(&mut self.cross.iter().map(|c| c[0])), total(&mut self.cross.iter().map(|c| c[1])));
        let trace = left + right;
        if trace < f64::MIN_POSITIVE {
            return vec![Covariance::DIFFUSE; bins];
        }
        // Mean trace × broadband covariance of trace 1: the sums over all bins divided by their number.
        let scale = BROADBAND_SHARE / bins as f64;
        (0..bins)
            .map(|bin| {
                let (l, r) = (self.left[bin] + scale * left, self.right[bin] + scale * right);
                let [cross_re, cross_im] = self.cross[bin];
                let cross = [(cross_re + scale * re) / (l + r), (cross_im + scale * im) / (l + r)];
                Covariance::new((l / (l + r)) as f32, Complex32::new(cross[0] as f32, cross[1] as f32))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panned_capture_has_its_direction_in_every_bin_even_in_silent_ones() {
        let mut sums = CovarianceSums::new(3);
        for frame in 0..10 {
            let source = Complex32::from_polar(1.0, frame as f32);
            let spectrum = [1.0, 0.1, 0.0].map(|level| source * level);
            let stereo: Vec<Complex32> =
                spectrum.iter().map(|x| x * 0.6).chain(spectrum.iter().map(|x| x * 0.8)).collect();
            sums.add(&stereo, None);
        }
        for covariance in sums.covariances() {
            assert!(covariance.is_valid());
            assert!(
                (covariance.left - 0.36).abs() < 1e-6 && (covariance.cross.re - 0.48).abs() < 1e-6,
                "{covariance:?}"
            );
        }
    }

    #[test]
    fn masks_weight_the_bins_and_silence_is_diffuse() {
        let mut sums = CovarianceSums::new(1);
        assert_eq!(sums.covariances(), [Covariance::DIFFUSE]);
        let (left, right) =
            ([Complex32::new(1.0, 0.0), Complex32::default()], [Complex32::default(), Complex32::new(0.0, 1.0)]);
        sums.add(&left, Some(&[1.0]));
        sums.add(&right, Some(&[0.5]));
        assert!((sums.covariances()[0].left - 0.8).abs() < 1e-6);
    }
}
