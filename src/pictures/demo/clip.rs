//! The shipped clip: a groove of six bars, its stems, and the stretch of it that the demo learns from.

use crate::files::audio::{AudioFile, AudioFileError};

/// Learning hears this much of the clip: four of its six bars. The tom fill, the lick and most chords come later.
pub const CAPTURE_S: f64 = 8.28;
/// Components to learn: one for each stem.
pub const COMPONENTS: usize = 3;
/// When the tom fill begins: no tom sounds before it. (Bar 6, the twelfth sixteenth, at 116 beats a minute.)
pub const FILL_S: f64 = 11.767;

/// The shipped groove: its stems, and their exact sum.
pub struct Clip {
    /// (name, sound) of each stem.
    pub stems: Vec<(&'static str, AudioFile)>,
    /// The sum.
    pub mix: AudioFile,
}

impl Clip {
    /// Decodes the stems that are part of this program.
    ///
    /// # Errors
    /// None, unless the program is damaged.
    pub fn load() -> Result<Self, AudioFileError> {
        const STEMS: [(&str, &[u8]); COMPONENTS] = [
            ("drums", include_bytes!("../../../assets/groove/drums.flac")),
            ("bass", include_bytes!("../../../assets/groove/bass.flac")),
            ("keys", include_bytes!("../../../assets/groove/keys.flac")),
        ];
        let decoded =
            STEMS.map(|(name, bytes)| AudioFile::read_memory(&format!("{name}.flac"), bytes).map(|a| (name, a)));
        let stems = decoded.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut mix = stems[0].1.clone();
        for (_, stem) in &stems[1..] {
            for (mix, stem) in mix.channels.iter_mut().zip(&stem.channels) {
                mix.iter_mut().zip(stem).for_each(|(mix, x)| *mix += x);
            }
        }
        Ok(Self { stems, mix })
    }

    /// Samples of the stretch to learn from.
    pub fn capture_len(&self) -> usize {
        self.samples(CAPTURE_S)
    }

    /// That stretch of the mix or of a stem, channel by channel.
    pub fn captured(&self, sound: &AudioFile) -> Vec<Vec<f32>> {
        sound.channels.iter().map(|channel| channel[..self.capture_len()].to_vec()).collect()
    }

    /// The sample at a time.
    pub(super) fn samples(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.mix.sample_rate)).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clip_is_ten_to_twenty_seconds_of_three_stems_and_never_clips() {
        let clip = Clip::load().unwrap();
        assert_eq!(clip.stems.len(), COMPONENTS);
        assert!((10.0..20.0).contains(&clip.mix.seconds()));
        let peak = clip.mix.channels.iter().flatten().map(|x| x.abs()).fold(0.0, f32::max);
        assert!(peak > 0.3 && peak < 1.0, "{peak}");
    }

    #[test]
    fn toms_sound_in_the_fill_and_never_before_it() {
        let clip = Clip::load().unwrap();
        let drums = &clip.stems[0].1.channels;
        // Toms alone are panned: everything else in the stem is the same left and right.
        let difference = |n: usize| (drums[0][n] - drums[1][n]).abs();
        let fill = clip.samples(FILL_S);
        // 1e-3: the steps of 16 bits, with room.
        assert!((0..fill).all(|n| difference(n) < 1e-3));
        assert!((fill..fill + clip.samples(0.1)).any(|n| difference(n) > 1e-2));
    }
}
