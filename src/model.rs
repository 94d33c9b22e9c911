//! Models: learned templates and how they were learned, in the one precision that is played, saved and exchanged.
//!
//! Templates are quantised when they are learned: one byte a value, 0.375 dB apart. What is saved is then what plays,
//! and a reopened project sounds the same to the bit.

use thiserror::Error;

use crate::dsp::{Divergence, Format, StftLayout, Templates, TemplatesError};

/// Decibels between neighbouring codes: an error of at most 0.19 dB, 37 dB below the value itself.
const STEP_DB: f64 = 0.375;

/// How templates were learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// What was made small.
    pub divergence: Divergence,
    /// Seed of the random start.
    pub seed: u64,
    /// Iterations of the updates.
    pub iterations: usize,
    /// Window and hop of the spectrogram.
    pub layout: StftLayout,
}

/// Templates and how they were learned.
#[derive(Clone, Debug)]
pub struct Model {
    templates: Templates,
    learned: Learned,
}

/// Why a model is refused.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The templates do not hold together.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
}

impl Model {
    /// A model of the quantised templates; arguments as for [`Templates::new`], with the window of `learned.layout`.
    ///
    /// # Errors
    /// Templates that make no sense, see [`TemplatesError`].
    pub fn new(
        sample_rate: f32,
        channels: usize,
        components: Vec<String>,
        owners: Vec<usize>,
        matrix: &[f32],
        learned: Learned,
    ) -> Result<Self, TemplatesError> {
        let format = Format::new(sample_rate, learned.layout, channels);
        // The first look checks every value; the second holds what one byte can say of it.
        let exact = Templates::new(format, components.clone(), owners.clone(), matrix.to_vec())?;
        let quantised = exact.full().templates().flat_map(|template| decode(&encode(template))).collect();
        Ok(Self { templates: Templates::new(format, components, owners, quantised)?, learned })
    }

    /// The templates, in the format they were learned in.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// How they were learned.
    pub fn learned(&self) -> Learned {
        self.learned
    }

    /// The templates as bytes, template after template: code 255 is a template's loudest value, each code below it
    /// 0.375 dB softer, 0 silence.
    pub fn codes(&self) -> Vec<u8> {
        self.templates.full().templates().flat_map(encode).collect()
    }

    /// The model of [`Model::codes`]; the same to the bit.
    ///
    /// # Errors
    /// Templates that make no sense, see [`TemplatesError`].
    pub fn from_codes(
        sample_rate: f32,
        channels: usize,
        components: Vec<String>,
        owners: Vec<usize>,
        codes: &[u8],
        learned: Learned,
    ) -> Result<Self, TemplatesError> {
        Self::new(sample_rate, channels, components, owners, &decode(codes), learned)
    }
}

fn encode(template: &[f32]) -> Vec<u8> {
    let loudest = f64::from(template.iter().copied().fold(0.0, f32::max));
    let code = |value: f32| {
        let below_db = -20.0 * (f64::from(value) / loudest).log10();
        // A value of zero is infinitely far below, and saturates to code 0.
        (255.0 - (below_db / STEP_DB).round()).max(0.0) as u8
    };
    template.iter().map(|&value| code(value)).collect()
}

/// Products in float64 only, so that every machine decodes the same bits.
fn decode(codes: &[u8]) -> Vec<f32> {
    let step = 0.957_745_235_117_241_2; // 10^(−0.375/20)
    let mut values = [0.0; 256];
    values.iter_mut().skip(1).rev().fold(1.0, |value: f64, slot| {
        *slot = value as f32;
        value * step
    });
    codes.iter().map(|&code| values[usize::from(code)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let layout = StftLayout::new(256, 64).unwrap();
        let learned = Learned { divergence: Divergence::ItakuraSaito, seed: 7, iterations: 3, layout };
        let matrix: Vec<f32> = (0..3 * 2 * 129).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        Model::new(44_100.0, 2, vec!["a".into(), "b".into()], vec![0, 1, 1], &matrix, learned).unwrap()
    }

    #[test]
    fn the_quantisation_step_is_what_it_says() {
        assert!((decode(&[254])[0] - 10f64.powf(-STEP_DB / 20.0) as f32).abs() < 1e-7);
        assert_eq!((decode(&[0])[0], decode(&[255])[0]), (0.0, 1.0));
    }

    #[test]
    fn codes_give_the_same_model_to_the_bit_however_often() {
        let first = model();
        let mut again = first.clone();
        for _ in 0..3 {
            let t = again.templates();
            let (format, names, owners) = (t.format(), t.components().to_vec(), t.owners().to_vec());
            let codes = again.codes();
            again =
                Model::from_codes(format.sample_rate, format.channels, names, owners, &codes, again.learned()).unwrap();
        }
        assert!(first.templates().full().templates().eq(again.templates().full().templates()));
    }

    #[test]
    fn quantised_templates_are_within_a_fifth_of_a_decibel() {
        let layout = StftLayout::new(256, 64).unwrap();
        let learned = Learned { divergence: Divergence::KullbackLeibler, seed: 1, iterations: 1, layout };
        let matrix: Vec<f32> = (0..129).map(|n| 10f32.powf(n as f32 / -40.0)).collect();
        let model = Model::new(48_000.0, 1, vec!["a".into()], vec![0], &matrix, learned).unwrap();
        let sum: f32 = matrix.iter().sum();
        for (&quantised, &exact) in model.templates().full().templates().next().unwrap().iter().zip(&matrix) {
            let error_db = 20.0 * (quantised / (exact / sum)).log10();
            // Half a step, and what the sum of the quantised values differs by.
            assert!(error_db.abs() < 0.25, "{error_db}");
        }
    }
}
