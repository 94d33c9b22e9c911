//! One column of the editor's spectrogram, on a logarithmic frequency axis, with the share of each component at each point.
//! Drawn on the audio thread, and only while an editor is open.

use super::mixer::full_scale;
use super::{Complex32, MAX_COMPONENTS, StftLayout};

/// Points of a column, the lowest frequency first.
pub const COLUMN_ROWS: usize = 256;
/// The lowest frequency shown.
pub const LOWEST_HZ: f32 = 40.0;
/// The highest frequency shown.
pub const HIGHEST_HZ: f32 = 16_000.0;
/// The level that is 0 in [`Column::levels`]: softer sounds count as silence.
pub const FLOOR_DB: f32 = -120.0;
/// Decibels between neighbouring levels.
pub const LEVEL_STEP_DB: f32 = 0.5;

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its duration in seconds.
    pub seconds: f32,
    /// The number of components in `shares`.
    pub components: usize,
    /// Per row, the louder channel's level, in steps above the floor; the peak of a full-scale sine has 0 dB.
    pub levels: [u8; COLUMN_ROWS],
    /// Per component and row, its share of the sound there: 255 is all of it.
    pub shares: [[u8; COLUMN_ROWS]; MAX_COMPONENTS],
    /// Per component, its activation in dB as [`super::mixer::Mixer::activation_db`] counts.
    pub activations_db: [f32; MAX_COMPONENTS],
}

impl Default for Column {
    fn default() -> Self {
        Self {
            seconds: 0.0,
            components: 0,
            levels: [0; COLUMN_ROWS],
            shares: [[0; COLUMN_ROWS]; MAX_COMPONENTS],
            activations_db: [FLOOR_DB; MAX_COMPONENTS],
        }
    }
}

/// Maps the bins of a spectrum to the rows of a column.
pub struct Rows {
    /// From the lowest frequency up to the highest of the spectrum; the rows above it stay empty.
    rows: Vec<RowBins>,
    bins: usize,
    /// Level of a full-scale sine.
    full_scale: f32,
}

/// The bins of a row: all from the first to the last. Where rows are closer together than bins: the two bins around the
/// row, and its position between them from 0 to 1.
#[derive(Clone, Copy)]
struct RowBins {
    first: usize,
    last: usize,
    between: Option<f32>,
}

impl Rows {
    /// The rows of spectra of `layout`.
    pub fn new(layout: StftLayout, sample_rate: f32) -> Self {
        let (bins, bin_hz) = (layout.bins(), sample_rate / layout.window_len() as f32);
        let row_hz = |row: f32| LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(row / (COLUMN_ROWS - 1) as f32);
        let (bin, last_bin) = (|row: f32| row_hz(row) / bin_hz, (bins - 1) as f32);
        let row = |row: usize| {
            let (low, at, high) = (bin(row as f32 - 0.5), bin(row as f32), bin(row as f32 + 0.5).min(last_bin));
            let (first, last) = (low.ceil() as usize, high.floor() as usize);
            if last > first {
                return RowBins { first, last, between: None };
            }
            let first = (at as usize).min(bins.saturating_sub(2));
            RowBins { first, last: (first + 1).min(bins - 1), between: Some((at - first as f32).min(1.0)) }
        };
        // There are none for a nonsensical sample rate.
        let is_reached = |row: &usize| bin(*row as f32) <= last_bin;
        Self { rows: (0..COLUMN_ROWS).take_while(is_reached).map(row).collect(), bins, full_scale: full_scale(layout) }
    }

    /// Draws a spectrum (channel after channel). `shares` gives the masks of each component in turn, one value per bin, or
    /// per bin of every channel; none where nothing is separated.
    pub fn draw<'a>(&self, spectrum: &[Complex32], shares: impl Iterator<Item = &'a [f32]>, column: &mut Column) {
        let power = |index: usize| spectrum[index].norm_sqr();
        column.levels[self.rows.len()..].fill(0);
        // Per row, the loudest bin over all channels.
        let mut loudest = [0usize; COLUMN_ROWS];
        for ((row, level), loudest) in self.rows.iter().zip(&mut column.levels).zip(&mut loudest) {
            let all = spectrum.chunks_exact(self.bins).enumerate();
            let candidates = all.flat_map(|(channel, _)| (row.first..=row.last).map(move |bin| (channel, bin)));
            let at = |(channel, bin): (usize, usize)| channel * self.bins + bin;
            let (channel, bin) =
                candidates.max_by(|a, b| power(at(*a)).total_cmp(&power(at(*b)))).unwrap_or((0, row.first));
            let magnitude = |bin: usize| power(at((channel, bin))).sqrt();
            let interpolated = match row.between {
                Some(position) => magnitude(row.first) + (magnitude(row.last) - magnitude(row.first)) * position,
                None => magnitude(bin),
            };
            *level = level_of(interpolated / self.full_scale);
            let nearest = row.between.map_or(bin, |position| if position < 0.5 { row.first } else { row.last });
            *loudest = at((channel, nearest));
        }
        column.components = 0;
        for (shares, drawn) in shares.zip(&mut column.shares) {
            column.components += 1;
            // Joint masks have one value for all channels of a bin.
            for (&index, drawn) in loudest.iter().zip(drawn) {
                let index = if index < shares.len() { index } else { index % self.bins };
                *drawn = (shares.get(index).copied().unwrap_or(0.0) * 255.0) as u8;
            }
        }
    }
}

/// The level of a magnitude, one for a full-scale sine.
fn level_of(magnitude: f32) -> u8 {
    let db = 20.0 * magnitude.max(1e-10).log10();
    // Saturates at both ends.
    ((db - FLOOR_DB) / LEVEL_STEP_DB) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum(layout: StftLayout, channels: usize, peaks: &[(usize, usize, f32)]) -> Vec<Complex32> {
        let mut spectrum = vec![Complex32::default(); layout.bins() * channels];
        for &(channel, bin, magnitude) in peaks {
            spectrum[channel * layout.bins() + bin] = Complex32::new(0.0, magnitude);
        }
        spectrum
    }

    #[test]
    fn a_full_scale_peak_has_0_db_at_its_frequency_and_all_of_its_owner() {
        let layout = StftLayout::default();
        for sample_rate in [44_100.0, 48_000.0, 96_000.0] {
            let rows = Rows::new(layout, sample_rate);
            let bin_hz = sample_rate / layout.window_len() as f32;
            let bin = (3000.0 / bin_hz).round() as usize;
            let peak = full_scale(layout);
            let spectrum = spectrum(layout, 2, &[(0, bin, peak * 0.1), (1, bin, peak)]);
            let mut second = vec![0.0; spectrum.len()];
            second[layout.bins() + bin] = 1.0;
            let first: Vec<f32> = second.iter().map(|share| 1.0 - share).collect();
            let mut column = Column::default();
            rows.draw(&spectrum, [first.as_slice(), &second].into_iter(), &mut column);
            let row = column.levels.iter().enumerate().max_by_key(|(_, level)| **level).unwrap().0;
            let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(row as f32 / 255.0);
            assert!((hz / (bin as f32 * bin_hz)).log2().abs() < 0.05, "{hz} Hz");
            assert_eq!((column.levels[row], column.components), (240, 2));
            assert_eq!((column.shares[0][row], column.shares[1][row]), (0, 255));
            assert_eq!((column.levels[10], column.levels[250]), (0, 0));
        }
    }

    #[test]
    fn rows_between_two_bins_lie_between_their_levels() {
        let layout = StftLayout::default();
        let rows = Rows::new(layout, 48_000.0);
        let peak = full_scale(layout);
        let mut column = Column::default();
        rows.draw(&spectrum(layout, 1, &[(0, 4, peak)]), std::iter::empty(), &mut column);
        // 93.75 Hz: an octave and a quarter above the lowest row. Levels fall to both sides of it.
        let row = (93.75f32 / LOWEST_HZ).log2() / (HIGHEST_HZ / LOWEST_HZ).log2() * 255.0;
        let at = |offset: i32| column.levels[(row.round() as i32 + offset) as usize];
        assert!(at(0) > 236 && at(-3) < at(0) && at(3) < at(0) && at(3) > 200, "{:?}", [at(-3), at(0), at(3)]);
    }

    #[test]
    fn rows_above_the_highest_frequency_of_the_sound_are_silent() {
        let layout = StftLayout::default();
        let spectrum = vec![Complex32::new(full_scale(layout), 0.0); layout.bins() * 2];
        for sample_rate in [8000.0, 22_050.0, 48_000.0] {
            // Levels of an earlier spectrum must be cleared too.
            let mut column = Column { levels: [7; COLUMN_ROWS], ..Column::default() };
            Rows::new(layout, sample_rate).draw(&spectrum, std::iter::empty(), &mut column);
            for (row, level) in column.levels.into_iter().enumerate() {
                let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(row as f32 / 255.0);
                let expected = if hz < sample_rate / 2.0 { 240 } else { 0 };
                assert_eq!(level, expected, "{hz} Hz at {sample_rate} Hz");
            }
        }
    }

    #[test]
    fn any_layout_and_rate_can_be_drawn() {
        for (window_len, hop_len) in [(64, 16), (2048, 512), (16_384, 4096)] {
            let Ok(layout) = StftLayout::new(window_len, hop_len) else { continue };
            for sample_rate in [1.0, 8000.0, 48_000.0, 768_000.0, f32::NAN] {
                let spectrum = vec![Complex32::new(f32::MAX, f32::NAN); layout.bins() * 2];
                Rows::new(layout, sample_rate).draw(&spectrum, std::iter::empty(), &mut Column::default());
            }
        }
    }
}
