//! Frequency bands for the activations: H needs far less frequency resolution than the masks.

use crate::dsp::simd;

/// Bands of neighbouring bins, as wide as the ear's filters (equivalent rectangular bandwidths, ERB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    /// The first bin of each band, then the number of bins as the last value.
    edges: Vec<usize>,
}

impl Bands {
    /// One band per bin.
    pub fn full(bins: usize) -> Self {
        Self { edges: (0..=bins).collect() }
    }

    /// About `count` bands from 0 Hz to half the sample rate, equally wide on the ERB-rate scale of Glasberg and Moore
    /// (1990): 21.4 log10(1 + 0.00437 f/Hz). Each is at least one bin wide, so low bands are single bins and there may
    /// be fewer than `count`.
    pub fn erb(count: usize, bins: usize, sample_rate: f32) -> Self {
        let nyquist = f64::from(sample_rate) / 2.0;
        let erb_rate_max = (1.0 + 0.00437 * nyquist).log10();
        let count = count.clamp(1, bins);
        let mut edges = vec![0];
        for band in 1..=count {
            let hz = (10f64.powf(erb_rate_max * band as f64 / count as f64) - 1.0) / 0.00437;
            let ideal = (hz / nyquist * bins as f64).round() as usize;
            let edge = ideal.min(bins);
            if edge > edges[edges.len() - 1] {
                edges.push(edge);
            }
        }
        let last = edges.len() - 1;
        edges[last] = bins;
        Self { edges }
    }

    /// Number of bands.
    pub fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Whether there are no bands, because there are no bins.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sums the bins of each band, channel by channel: `rows` is channels × bins, `banded` channels × bands.
    pub fn sum_rows(&self, rows: &[f32], banded: &mut [f32]) {
        let bins = self.edges[self.len()];
        for (rows, banded) in rows.chunks_exact(bins).zip(banded.chunks_exact_mut(self.len())) {
            for (band, edges) in banded.iter_mut().zip(self.edges.windows(2)) {
                *band = simd::sum(&rows[edges[0]..edges[1]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_bin_once_and_widen_upwards() {
        for (count, bins, sample_rate) in
            [(100, 1025, 48_000.0), (100, 129, 44_100.0), (64, 4097, 96_000.0), (1, 1025, 8_000.0)]
        {
            let bands = Bands::erb(count, bins, sample_rate);
            assert!(bands.edges.windows(2).all(|edge| edge[0] < edge[1]));
            assert_eq!((bands.edges[0], bands.edges[bands.len()]), (0, bins));
            assert!(bands.len() <= count && bands.len() >= count.min(bins) / 2, "{} of {count}", bands.len());
            let mut banded = vec![0.0; 2 * bands.len()];
            bands.sum_rows(&vec![1.0; 2 * bins], &mut banded);
            assert_eq!(banded.iter().sum::<f32>(), 2.0 * bins as f32);
        }
    }

    #[test]
    fn full_bands_are_the_bins() {
        let rows: Vec<f32> = (0..10).map(|n| n as f32).collect();
        let mut banded = vec![0.0; 10];
        Bands::full(5).sum_rows(&rows, &mut banded);
        assert_eq!(rows, banded);
    }
}
