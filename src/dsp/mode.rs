//! Modes trade separation quality for latency. A mode is one layout per sample rate. It is chosen before playback and
//! cannot be automated.

use super::StftLayout;

/// Trades separation quality for latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Twice the frequency resolution, for sustained tones: 4096 samples.
    Fine,
    /// The best separation for most music: 2048 samples.
    #[default]
    Normal,
    /// The spectra of `Normal`, with 512 samples of latency.
    Tight,
    /// The spectra of `Normal`, with 128 samples of latency: for live playing.
    Live,
}

/// The sample rate at which windows have the lengths stated for each mode.
const BASE_RATE: f32 = 44_100.0;

impl Mode {
    /// Every mode, the highest latency first.
    pub const ALL: [Self; 4] = [Self::Fine, Self::Normal, Self::Tight, Self::Live];

    /// Its name in files, saved projects and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Normal => "normal",
            Self::Tight => "tight",
            Self::Live => "live",
        }
    }

    /// The mode with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Its layout at a sample rate. The lengths above apply from 32 to 62 kHz; they double an octave above, and so on,
    /// so that windows have about the same duration at every rate.
    pub fn layout(self, sample_rate: f32) -> StftLayout {
        match self {
            Self::Fine => layout(sample_rate, 4096, 4096, 4),
            Self::Normal => layout(sample_rate, 2048, 2048, 4),
            Self::Tight => layout(sample_rate, 2048, 512, 2),
            Self::Live => layout(sample_rate, 2048, 128, 2),
        }
    }

    /// The layout for learning: the same spectra, computed with a symmetric window.
    pub fn learning_layout(self, sample_rate: f32) -> StftLayout {
        match self {
            Self::Fine => Self::Fine.layout(sample_rate),
            Self::Normal | Self::Tight | Self::Live => Self::Normal.layout(sample_rate),
        }
    }
}

fn layout(sample_rate: f32, window_len: usize, synthesis_len: usize, overlap: usize) -> StftLayout {
    // NaN becomes 0 here; the clamp limits extreme rates to the shortest and the longest window.
    let octave = ((sample_rate / BASE_RATE).log2().round() as i32).clamp(-3, 2);
    let scaled = |len: usize| if octave < 0 { len >> -octave } else { len << octave };
    let (window_len, synthesis_len) = (scaled(window_len), scaled(synthesis_len));
    StftLayout::asymmetric(window_len, synthesis_len, synthesis_len / overlap).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_last_as_long_at_every_rate() {
        for (sample_rate, factor) in
            [(44_100.0, 1), (48_000.0, 1), (32_000.0, 1), (88_200.0, 2), (96_000.0, 2), (192_000.0, 4)]
        {
            let lens = Mode::ALL.map(|mode| {
                let layout = mode.layout(sample_rate);
                assert_eq!(layout.window_len(), mode.learning_layout(sample_rate).window_len());
                (layout.window_len() / factor, layout.latency_samples() / factor)
            });
            assert_eq!(lens, [(4096, 4096), (2048, 2048), (2048, 512), (2048, 128)], "{sample_rate}");
        }
    }

    #[test]
    fn any_rate_has_a_layout_of_its_mode() {
        for sample_rate in [0.0, -1.0, 1.0, 8000.0, 1e9, f32::INFINITY, f32::NAN] {
            for mode in Mode::ALL {
                let layout = mode.layout(sample_rate);
                assert_eq!(layout.window_len() == layout.latency_samples(), matches!(mode, Mode::Fine | Mode::Normal));
            }
        }
    }

    #[test]
    fn names_are_found_again() {
        assert!(Mode::ALL.into_iter().all(|mode| Mode::named(mode.name()) == Some(mode)));
        assert_eq!(Mode::named("fast"), None);
    }
}
