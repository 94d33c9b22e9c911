//! The mixer: gain, mute, solo and gate of each component, smoothed per hop. Lives on the audio thread.

use super::activations::Divergence;
use super::{MAX_COMPONENTS, StftLayout};

/// Plain values of every control, read once per host block and applied per hop.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Per component: linear gain, 0 or more.
    pub gains: [f32; MAX_COMPONENTS],
    /// Per component: whether it is muted.
    pub mutes: [bool; MAX_COMPONENTS],
    /// Per component: whether it is soloed. If any is, only the soloed ones sound. A muted component stays silent.
    pub solos: [bool; MAX_COMPONENTS],
    /// Per component: the threshold of its gate, as activation in dB (see [`Mixer::activation_db`]); `None` disables
    /// the gate.
    pub gates_db: [Option<f32>; MAX_COMPONENTS],
    /// Dry to wet, 0 to 1; the dry signal is delayed like the wet one.
    pub mix: f32,
    /// Linear gain of the output, 0 or more.
    pub output: f32,
    /// Whether the output is the delayed input instead.
    pub bypass: bool,
    /// The divergence that the estimate of the activations minimises.
    pub divergence: Divergence,
    /// Multiplicative updates per frame.
    pub updates: usize,
    /// Exponent of the soft masks, above 0.
    pub mask_exponent: f32,
    /// Whether the spatial filter also separates components by direction, if the templates have covariances.
    pub spatial_filter: bool,
}

impl Default for Settings {
    /// Everything at unity: the output is the delayed input.
    fn default() -> Self {
        Self {
            gains: [1.0; MAX_COMPONENTS],
            mutes: [false; MAX_COMPONENTS],
            solos: [false; MAX_COMPONENTS],
            gates_db: [None; MAX_COMPONENTS],
            mix: 1.0,
            output: 1.0,
            bypass: false,
            divergence: Divergence::KullbackLeibler,
            updates: 20,
            mask_exponent: 1.5,
            spatial_filter: true,
        }
    }
}

/// Time constant of gain changes: short enough to seem immediate, long enough to avoid clicks.
const SMOOTHING_MS: f32 = 10.0;
/// A gate closes this far below the threshold at which it opens.
const GATE_HYSTERESIS_DB: f32 = 6.0;
/// The gain of a closed gate falls with this time constant.
const GATE_RELEASE_MS: f32 = 60.0;
/// A gain within −100 dB of its target is set to the target.
const GAIN_RESOLUTION: f32 = 1e-5;

/// Computes the gains of all components, hop by hop.
pub struct Mixer {
    /// The fraction of the distance to its target that a gain moves per hop.
    smoothing: f32,
    /// The factor by which the gain of a closed gate falls per hop.
    release: f32,
    /// Activation of a full-scale sine.
    full_scale: f32,
    /// Number of components in the last hop: the gains of new ones start at their targets.
    known: usize,
    /// Per component: fader, mute and solo, smoothed.
    faders: [f32; MAX_COMPONENTS],
    gates: [Gate; MAX_COMPONENTS],
    /// Per component: fader times gate.
    gains: [f32; MAX_COMPONENTS],
}

#[derive(Clone, Copy)]
struct Gate {
    is_open: bool,
    gain: f32,
}

impl Gate {
    const OPEN: Self = Self { is_open: true, gain: 1.0 };

    fn step(&mut self, threshold_db: Option<f32>, level_db: f32, release: f32) -> f32 {
        let Some(threshold_db) = threshold_db else {
            *self = Self::OPEN;
            return self.gain;
        };
        self.is_open = level_db >= if self.is_open { threshold_db - GATE_HYSTERESIS_DB } else { threshold_db };
        self.gain = match self.is_open {
            true => 1.0,
            false if self.gain < GAIN_RESOLUTION => 0.0,
            false => self.gain * release,
        };
        self.gain
    }
}

impl Mixer {
    /// A mixer for the hop length of `layout`.
    pub fn new(layout: StftLayout, sample_rate: f32) -> Self {
        let hop_ms = layout.hop_len() as f32 / sample_rate * 1000.0;
        Self {
            smoothing: 1.0 - (-hop_ms / SMOOTHING_MS).exp(),
            release: (-hop_ms / GATE_RELEASE_MS).exp(),
            full_scale: full_scale(layout),
            known: 0,
            faders: [1.0; MAX_COMPONENTS],
            gates: [Gate::OPEN; MAX_COMPONENTS],
            gains: [1.0; MAX_COMPONENTS],
        }
    }

    /// The gains of the next hop, one per component, from the components' `levels` (summed activations).
    pub fn advance(&mut self, levels: &[f32], settings: &Settings) -> &[f32] {
        let components = levels.len().min(MAX_COMPONENTS);
        let any_solo = settings.solos[..components].contains(&true);
        for (component, &level) in levels[..components].iter().enumerate() {
            let is_heard = !settings.mutes[component] && (settings.solos[component] || !any_solo);
            let target = if is_heard { bounded(settings.gains[component]) } else { 0.0 };
            let level_db = self.activation_db(level);
            let fader = &mut self.faders[component];
            let distance = target - *fader;
            let is_there = component >= self.known || distance.abs() < GAIN_RESOLUTION;
            *fader = if is_there { target } else { *fader + distance * self.smoothing };
            let gate = self.gates[component].step(settings.gates_db[component], level_db, self.release);
            self.gains[component] = *fader * gate;
        }
        self.known = components;
        &self.gains[..components]
    }

    /// A component's summed activation in dB. A full-scale sine has about 0 dB at its peak bin; broadband sound has
    /// more because its bins add up.
    pub fn activation_db(&self, level: f32) -> f32 {
        20.0 * (level / self.full_scale).max(1e-10).log10()
    }

    /// Makes the next gains start at their targets, with all gates open.
    pub fn reset(&mut self) {
        self.known = 0;
        self.gates = [Gate::OPEN; MAX_COMPONENTS];
    }
}

/// The spectral peak of a full-scale sine: half the sum of the window.
pub fn full_scale(layout: StftLayout) -> f32 {
    super::Window::SqrtHann.analysis(layout).iter().sum::<f32>() / 2.0
}

/// Limits a gain from the host: NaN and negative gains become 0, and the maximum is +60 dB.
pub fn bounded(gain: f32) -> f32 {
    if gain >= 0.0 { gain.min(1000.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(mixer: &mut Mixer, levels: &[f32], settings: &Settings) -> Vec<f32> {
        (0..100).for_each(|_| {
            mixer.advance(levels, settings);
        });
        mixer.advance(levels, settings).to_vec()
    }

    fn mixer() -> Mixer {
        Mixer::new(StftLayout::default(), 48_000.0)
    }

    #[test]
    fn solo_and_mute_give_exact_zeros_and_unity_is_exactly_one() {
        let mut mixer = mixer();
        let mut settings = Settings::default();
        let levels = [1.0; 3];
        assert_eq!(mixer.advance(&levels, &settings), [1.0; 3]);
        settings.solos[1] = true;
        assert_eq!(settle(&mut mixer, &levels, &settings), [0.0, 1.0, 0.0]);
        settings.solos[2] = true;
        assert_eq!(settle(&mut mixer, &levels, &settings), [0.0, 1.0, 1.0]);
        settings.mutes[1] = true;
        assert_eq!(settle(&mut mixer, &levels, &settings), [0.0, 0.0, 1.0]);
        assert_eq!(settle(&mut mixer, &levels, &Settings::default()), [1.0; 3]);
    }

    #[test]
    fn a_solo_of_a_component_that_does_not_exist_silences_nothing() {
        let mut settings = Settings::default();
        settings.solos[7] = true;
        assert_eq!(mixer().advance(&[1.0; 3], &settings), [1.0; 3]);
    }

    #[test]
    fn gains_move_by_degrees_after_the_first_hop() {
        let mut mixer = mixer();
        let mut settings = Settings::default();
        settings.gains[0] = 0.5;
        assert_eq!(mixer.advance(&[1.0], &settings), [0.5]);
        settings.gains[0] = 1.0;
        let gain = mixer.advance(&[1.0], &settings)[0];
        assert!(gain > 0.5 && gain < 1.0, "{gain}");
    }

    #[test]
    fn components_that_a_new_model_brings_start_at_their_gains() {
        let mut mixer = mixer();
        let mut settings = Settings::default();
        mixer.advance(&[1.0], &settings);
        settings.solos[0] = true;
        assert_eq!(mixer.advance(&[1.0; 3], &settings), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_gate_opens_at_its_threshold_closes_six_db_below_and_releases() {
        let mut mixer = mixer();
        let mut settings = Settings::default();
        settings.gates_db[0] = Some(-20.0);
        let at = |mixer: &Mixer, db: f32| mixer.full_scale * 10f32.powf(db / 20.0);
        let (open, held, closed) = (at(&mixer, -19.0), at(&mixer, -25.0), at(&mixer, -27.0));
        assert_eq!(mixer.advance(&[open], &settings), [1.0]);
        assert_eq!(mixer.advance(&[held], &settings), [1.0]);
        let falling = mixer.advance(&[closed], &settings)[0];
        assert!(falling > 0.5 && falling < 1.0, "{falling}");
        assert_eq!(settle(&mut mixer, &[held], &settings), [0.0]);
        assert_eq!(mixer.advance(&[open], &settings), [1.0]);
    }
}
