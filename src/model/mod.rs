//! Models: learned templates and how they were learned, in the one precision that is played, saved and exchanged.
//!
//! Everything is quantised when it is learned: templates to one byte per value, 0.375 dB apart; calibration to one byte per
//! gain; spatial covariances to six bytes per bin; energy shares to one byte per template. The saved model is exactly the one that plays, so a reopened project sounds the same to the bit.

pub mod bounds;
pub mod pitch;
mod quantise;
pub mod settings;

use std::sync::Arc;

use thiserror::Error;

use crate::dsp::{Divergence, Format, MAX_TEMPLATES, StftLayout, Templates, TemplatesError};
pub use bounds::BoundsError;
pub use quantise::Codes;
use quantise::{codes, decode, decode_covariance, decode_gains, decode_shares, encode_shares};

/// How templates were learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnInfo {
    /// The error measure that was minimised.
    pub divergence: Divergence,
    /// Seed of the random start.
    pub seed: u64,
    /// Iterations of the updates.
    pub iterations: usize,
    /// Window and hop of the spectrogram.
    pub layout: StftLayout,
    /// Whether transposed copies of tonal templates play along.
    pub extend_pitch: bool,
    /// The components, by index, that were learned as steady (hum or noise): they have few templates and no copies.
    pub steady: Vec<usize>,
}

/// How a model plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaybackSettings {
    /// Window, hop and latency.
    pub layout: StftLayout,
    /// Roughly how many frequency bands activations are estimated in.
    pub bands: usize,
    /// The error measure that the activations minimise.
    pub divergence: Divergence,
}

impl PlaybackSettings {
    /// Playback in a layout, with the default number of bands and the default divergence.
    pub fn new(layout: StftLayout) -> Self {
        Self { layout, bands: Templates::BANDS, divergence: Divergence::default() }
    }
}

/// Templates and how they were learned.
#[derive(Clone, Debug)]
pub struct Model {
    templates: Templates,
    info: LearnInfo,
    energy_shares: Vec<f32>,
    /// What the templates were decoded from.
    codes: Arc<Codes>,
}

/// Why a model is invalid.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// The templates are invalid.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// More templates than can be learned.
    #[error("{0} learned templates: there must be 1 to {MAX_TEMPLATES}, for all components together")]
    TooMany(usize),
    /// The templates have another window than the one that learning is said to have used.
    #[error("the templates are for {format}, but were learned with a window of {window_len}")]
    Window {
        /// What the templates are for.
        format: Format,
        /// What they are said to be learned with.
        window_len: usize,
    },
    /// Names or numbers out of bounds.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
}

impl Model {
    /// A model of the quantised templates.
    ///
    /// # Errors
    /// More templates than can be learned, or of another window than the learned layout's.
    pub fn new(exact: &Templates, learned: LearnInfo) -> Result<Self, ModelError> {
        let (format, owners) = (exact.format(), exact.owners());
        if owners.len() > MAX_TEMPLATES {
            return Err(ModelError::TooMany(owners.len()));
        }
        if format.window_len != learned.layout.window_len() {
            return Err(ModelError::Window { format, window_len: learned.layout.window_len() });
        }
        Self::from_codes(format, exact.components().to_vec(), owners.to_vec(), codes(exact).into(), learned)
    }

    /// The learned templates, in the format they were learned in.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// How they were learned.
    pub fn info(&self) -> &LearnInfo {
        &self.info
    }

    /// Each template's share of its component's energy in the capture of that component alone (0 to 1); zeros for a
    /// component without such a capture. Empty if no shares are known. They decide which transposed copies play.
    pub fn energy_shares(&self) -> &[f32] {
        &self.energy_shares
    }

    /// The same model with these energy shares, quantised: one per template, or none at all.
    ///
    /// # Errors
    /// The number of shares is wrong.
    pub fn with_energy_shares(self, shares: &[f32]) -> Result<Self, ModelError> {
        bounds::check_energy_shares(shares.len(), self.templates.owners().len())?;
        let codes = Codes { energy_shares: encode_shares(shares), ..Codes::clone(&self.codes) };
        Ok(Self { energy_shares: decode_shares(&codes.energy_shares), codes: codes.into(), ..self })
    }

    /// Energy shares as a model holds them.
    pub fn quantised_shares(shares: &[f32]) -> Vec<f32> {
        decode_shares(&encode_shares(shares))
    }

    /// The templates for playback at a sample rate, in mono or stereo: with transposed copies where pitch is extended,
    /// all fitted to the format.
    ///
    /// # Errors
    /// Unsupported format.
    pub fn for_playback(
        &self,
        sample_rate: f32,
        channels: usize,
        playback: PlaybackSettings,
    ) -> Result<Templates, TemplatesError> {
        let format = Format::new(sample_rate, playback.layout, channels);
        let extended = match self.info.extend_pitch {
            true => pitch::extend(&self.templates, &self.info.steady, &self.energy_shares),
            false => self.templates.clone(),
        };
        let fitted = if format == extended.format() { extended } else { extended.fitted(format)? };
        let banded = if playback.bands == Templates::BANDS { fitted } else { fitted.in_bands(playback.bands) };
        Ok(if playback.divergence == Divergence::Euclidean { banded.with_gram() } else { banded })
    }

    /// The same model with other component names.
    ///
    /// # Errors
    /// The number of names differs.
    pub fn with_names(&self, names: Vec<String>) -> Result<Self, ModelError> {
        let owners = self.templates.owners().to_vec();
        Self::from_codes(self.templates.format(), names, owners, self.codes.clone(), self.info.clone())
    }

    /// The same model with other owners of its templates.
    ///
    /// # Errors
    /// The number of owners differs, or an owner does not exist.
    pub fn with_owners(&self, owners: Vec<usize>) -> Result<Self, ModelError> {
        let names = self.templates.components().to_vec();
        Self::from_codes(self.templates.format(), names, owners, self.codes.clone(), self.info.clone())
    }

    /// The model as bytes.
    pub fn codes(&self) -> &Arc<Codes> {
        &self.codes
    }

    /// The model of [`Model::codes`]; the same to the bit.
    ///
    /// # Errors
    /// Invalid templates, see [`ModelError`].
    pub fn from_codes(
        format: Format,
        components: Vec<String>,
        owners: Vec<usize>,
        codes: Arc<Codes>,
        learned: LearnInfo,
    ) -> Result<Self, ModelError> {
        if owners.len() > MAX_TEMPLATES {
            return Err(ModelError::TooMany(owners.len()));
        }
        bounds::check(&components, &learned.steady, learned.iterations)?;
        bounds::check_energy_shares(codes.energy_shares.len(), owners.len())?;
        let templates = Templates::new(format, components, owners, decode(&codes.templates))?
            .with_calibration(decode_gains(&codes.calibration))?
            .with_covariances(codes.places.as_chunks().0.iter().map(decode_covariance).collect())?;
        Ok(Self { templates, info: learned, energy_shares: decode_shares(&codes.energy_shares), codes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Complex32, Covariance};

    fn learned(window_len: usize) -> LearnInfo {
        let layout = StftLayout::new(window_len, window_len / 4).unwrap();
        LearnInfo {
            divergence: Divergence::ItakuraSaito,
            seed: 7,
            iterations: 3,
            layout,
            extend_pitch: true,
            steady: vec![1],
        }
    }

    fn model() -> Model {
        let format = Format { sample_rate: 44_100.0, window_len: 256, channels: 2 };
        let matrix: Vec<f32> = (0..3 * 2 * 129).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        let gains = (0..2 * 2 * 129).map(|n| (n as f32 * 0.21).sin().exp2()).collect();
        let place = |n: usize| {
            let left = (n as f32 * 0.05).sin().powi(2);
            let coherence = (n as f32 * 0.11).sin() * (left * (1.0 - left)).sqrt();
            Covariance::new(left, Complex32::from_polar(coherence, n as f32))
        };
        let templates = Templates::new(format, vec!["a".into(), "b".into()], vec![0, 1, 1], matrix).unwrap();
        let templates =
            templates.with_calibration(gains).unwrap().with_covariances((0..2 * 129).map(place).collect()).unwrap();
        Model::new(&templates, learned(256)).unwrap()
    }

    #[test]
    fn codes_give_the_same_model_to_the_bit_however_often() {
        let first = model();
        let mut again = first.clone();
        for _ in 0..3 {
            let t = again.templates();
            let (format, names, owners) = (t.format(), t.components().to_vec(), t.owners().to_vec());
            again = Model::from_codes(format, names, owners, again.codes().clone(), again.info().clone()).unwrap();
            assert_eq!(again.codes(), first.codes());
        }
        let (a, b) = (first.templates(), again.templates());
        assert!(a.full().templates().eq(b.full().templates()));
        assert_eq!((a.calibrations(), a.covariances()), (b.calibrations(), b.covariances()));
    }

    #[test]
    fn quantised_templates_are_within_a_fifth_of_a_decibel() {
        let matrix: Vec<f32> = (0..129).map(|n| 10f32.powf(n as f32 / -40.0)).collect();
        let format = Format { sample_rate: 48_000.0, window_len: 256, channels: 1 };
        let exact = Templates::new(format, vec!["a".into()], vec![0], matrix.clone()).unwrap();
        let model = Model::new(&exact, LearnInfo { steady: Vec::new(), ..learned(256) }).unwrap();
        let sum: f32 = matrix.iter().sum();
        for (&quantised, &exact) in model.templates().full().templates().next().unwrap().iter().zip(&matrix) {
            let error_db = 20.0 * (quantised / (exact / sum)).log10();
            // Half a step, and what the sum of the quantised values differs by.
            assert!(error_db.abs() < 0.25, "{error_db}");
        }
        assert!(matches!(Model::new(&exact_of(512), learned(256)), Err(ModelError::Window { .. })));
    }

    fn exact_of(window_len: usize) -> Templates {
        let format = Format { sample_rate: 48_000.0, window_len, channels: 1 };
        Templates::new(format, vec!["a".into()], vec![0], vec![1.0; format.rows()]).unwrap()
    }
}
