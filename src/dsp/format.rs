//! The format of spectra (sample rate, window and channels), and the conversion of values from one frequency axis to
//! another.

use super::stft::StftLayout;

/// The format of the spectra that templates describe: sample rate, window and channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Format {
    /// Samples per second.
    pub sample_rate: f32,
    /// Window length in samples.
    pub window_len: usize,
    /// Number of channels stacked in one template: 1 or 2.
    pub channels: usize,
}

impl Format {
    /// Supported sample rates of hosts, files and saved models: telephone quality needs 8 kHz; the fastest converters
    /// run at 768 kHz, and validators activate at 1235 kHz.
    pub const SAMPLE_RATES: std::ops::RangeInclusive<f32> = 1_000.0..=1_536_000.0;

    /// The format of spectra made with `layout`.
    pub fn new(sample_rate: f32, layout: StftLayout, channels: usize) -> Self {
        Self { sample_rate, window_len: layout.window_len(), channels }
    }

    /// Bins of one channel.
    pub fn bins(self) -> usize {
        self.window_len / 2 + 1
    }

    /// Distance from one bin to the next, in hertz.
    pub fn bin_hz(self) -> f64 {
        f64::from(self.sample_rate) / self.window_len as f64
    }

    /// Values of one template: channels × bins, the left channel's bins first.
    pub fn rows(self) -> usize {
        self.channels * self.bins()
    }

    /// Spreads the amounts in one channel's `bins` over the bins of another format by their frequencies in hertz: each
    /// new amount is a difference of the interpolated running sum. Amounts above the new highest bin are dropped.
    pub fn spread(self, bins: &[f32], to: Self) -> Vec<f32> {
        if self.has_bins_of(to) {
            return bins.to_vec();
        }
        let running: Vec<f64> = std::iter::once(0.0)
            .chain(bins.iter().scan(0.0, |sum, &x| {
                *sum += f64::from(x);
                Some(*sum)
            }))
            .collect();
        let last = bins.len() as f64;
        // Bin b covers b − ½ to b + ½ in steps of bin_hz.
        let below = |edge: f64| {
            let position = edge.clamp(0.0, last);
            let whole = (position as usize).min(bins.len() - 1);
            running[whole] + (running[whole + 1] - running[whole]) * (position - whole as f64)
        };
        let scale = to.bin_hz() / self.bin_hz();
        let amount = |bin: f64| below((bin + 0.5) * scale + 0.5) - below((bin - 0.5) * scale + 0.5);
        (0..to.bins()).map(|bin| amount(bin as f64).max(0.0) as f32).collect()
    }

    /// Interpolates the gains or shares in one channel's `bins` at the bins of another format. Above the highest bin,
    /// its value is used.
    pub fn interpolate(self, bins: &[f32], to: Self) -> Vec<f32> {
        if self.has_bins_of(to) {
            return bins.to_vec();
        }
        let scale = to.bin_hz() / self.bin_hz();
        (0..to.bins()).map(|bin| between(bins, bin as f64 * scale)).collect()
    }

    fn has_bins_of(self, other: Self) -> bool {
        self.window_len == other.window_len && self.sample_rate == other.sample_rate
    }
}

/// The interpolated value at a position between two bins; above the last bin, its value.
pub(crate) fn between(bins: &[f32], position: f64) -> f32 {
    let last = bins.len().saturating_sub(1);
    let whole = (position as usize).min(last);
    let (low, high) = (bins[whole], bins[(whole + 1).min(last)]);
    low + (high - low) * (position - whole as f64).min(1.0) as f32
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels = if self.channels == 1 { "mono" } else { "stereo" };
        write!(f, "{} Hz, window {}, {channels}", self.sample_rate, self.window_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_sum_and_gains_their_value() {
        let from = Format { sample_rate: 44_100.0, window_len: 1024, channels: 1 };
        for (sample_rate, window_len) in [(44_100.0, 4096), (48_000.0, 1024), (44_100.0, 512), (96_000.0, 2048)] {
            let to = Format { sample_rate, window_len, channels: 1 };
            let mut amounts = vec![0.0; from.bins()];
            amounts[1..250].fill(1.0);
            let spread = from.spread(&amounts, to);
            // f32 sums of up to 1000 values.
            assert!((spread.iter().sum::<f32>() / 249.0 - 1.0).abs() < 1e-4, "{to}");
            assert!(from.interpolate(&vec![0.7; from.bins()], to).iter().all(|&gain| gain == 0.7), "{to}");
        }
        let ramp: Vec<f32> = (0..513).map(|bin| bin as f32).collect();
        let twice = from.interpolate(&ramp, Format { window_len: 2048, ..from });
        assert!(twice.iter().enumerate().all(|(bin, &value)| value == bin as f32 / 2.0));
    }
}
