//! Moving a spectrum along the frequency axis.

/// What to read where, so that a spectrum of a certain length is transposed by a number of semitones.
pub(super) struct Stretch {
    /// For each new bin that lies within the spectrum: the bin below its position in the old one, and how far above it lies.
    positions: Vec<(usize, f32)>,
    bins: usize,
}

impl Stretch {
    /// A stretch of `bins` bins by `semitones`, up where they are positive.
    pub(super) fn new(bins: usize, semitones: i32) -> Self {
        let ratio = (f64::from(semitones) / 12.0).exp2();
        let position = |bin: usize| {
            let position = bin as f64 / ratio;
            let whole = position as usize;
            // The spectrum has no values above its highest bin.
            (whole < bins).then_some((whole, (position - whole as f64) as f32))
        };
        Self { positions: (0..bins).map_while(position).collect(), bins }
    }

    /// The values of `spectrum` at the new bins, interpolated; it falls to zero above its highest bin.
    pub(super) fn values<'a>(&'a self, spectrum: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let value = |&(whole, fraction): &(usize, f32)| {
            let below = spectrum[whole];
            let above = spectrum.get(whole + 1).copied().unwrap_or(0.0);
            below + (above - below) * fraction
        };
        self.positions.iter().map(value).chain(std::iter::repeat_n(0.0, self.bins - self.positions.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octave_moves_every_second_bin_up_and_every_bin_down() {
        let ramp: Vec<f32> = (0..9).map(|bin| bin as f32).collect();
        let up: Vec<f32> = Stretch::new(9, 12).values(&ramp).collect();
        assert_eq!(up, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]);
        let down: Vec<f32> = Stretch::new(9, -12).values(&ramp).collect();
        assert_eq!(down, [0.0, 2.0, 4.0, 6.0, 8.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
