//! Models: learned templates and how they were learned, in the one precision that is played, saved and exchanged.
//!
//! Everything is quantised when it is learned: templates to one byte a value, 0.375 dB apart; calibration to one byte a
//! gain; places to six bytes a bin. What is saved is then what plays, and a reopened project sounds the same to the bit.

pub mod pitch;
pub mod settings;

use thiserror::Error;

use crate::dsp::{Complex32, Covariance, Divergence, Format, MAX_TEMPLATES, StftLayout, Templates, TemplatesError};

/// Decibels between neighbouring codes: an error of at most 0.19 dB, 37 dB below the value itself.
const STEP_DB: f64 = 0.375;

/// How templates were learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// What was made small.
    pub divergence: Divergence,
    /// Seed of the random start.
    pub seed: u64,
    /// Iterations of the updates.
    pub iterations: usize,
    /// Window and hop of the spectrogram.
    pub layout: StftLayout,
    /// Whether transposed copies of tonal templates play along.
    pub extend_pitch: bool,
    /// Components, by index, that were learned as steady: hum or noise, with few templates and no copies.
    pub steady: Vec<usize>,
}

/// How a model plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playing {
    /// Window, hop and latency.
    pub layout: StftLayout,
    /// About how many bands the activations are estimated in.
    pub bands: usize,
    /// What the activations are estimated by.
    pub divergence: Divergence,
}

impl Playing {
    /// Playing in a layout, in the usual number of bands and by the usual divergence.
    pub fn new(layout: StftLayout) -> Self {
        Self { layout, bands: Templates::BANDS, divergence: Divergence::default() }
    }
}

/// Templates and how they were learned.
#[derive(Clone, Debug)]
pub struct Model {
    templates: Templates,
    learned: Learned,
}

/// Why a model is refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// The templates do not hold together.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// More templates than can be learned.
    #[error("{0} learned templates: there must be 1 to {MAX_TEMPLATES}, for all components together")]
    TooMany(usize),
    /// Templates of another window than the one they are said to be learned with.
    #[error("templates for {format}, learned with a window of {window_len}")]
    Window {
        /// What the templates are for.
        format: Format,
        /// What they are said to be learned with.
        window_len: usize,
    },
}

/// A model as bytes, one after another as in [`Templates`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// Template after template: code 255 is a template's loudest value, each code below it 0.375 dB softer, 0 silence.
    pub templates: Vec<u8>,
    /// Component after component: a gain of 2^((code − 128) / 127). Empty: all are 1.
    pub calibration: Vec<u8>,
    /// Component after component, six for each bin, three 16-bit numbers, the low byte first: the left channel's share of
    /// the power, and real and imaginary part of the coherence. Empty: not known.
    pub places: Vec<u8>,
}

impl Model {
    /// A model of the quantised templates.
    ///
    /// # Errors
    /// More templates than can be learned, or of another window than the learned layout's.
    pub fn new(exact: &Templates, learned: Learned) -> Result<Self, ModelError> {
        let (format, owners) = (exact.format(), exact.owners());
        if owners.len() > MAX_TEMPLATES {
            return Err(ModelError::TooMany(owners.len()));
        }
        if format.window_len != learned.layout.window_len() {
            return Err(ModelError::Window { format, window_len: learned.layout.window_len() });
        }
        Self::from_codes(format, exact.components().to_vec(), owners.to_vec(), &codes(exact), learned)
    }

    /// The learned templates, in the format they were learned in.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// How they were learned.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// The templates that play at a rate, in mono or stereo: copies where pitch is extended, all fitted.
    ///
    /// # Errors
    /// A format that this program does not work in.
    pub fn playing(&self, sample_rate: f32, channels: usize, playing: Playing) -> Result<Templates, TemplatesError> {
        let format = Format::new(sample_rate, playing.layout, channels);
        let Learned { extend_pitch, steady, .. } = &self.learned;
        let extended = if *extend_pitch { pitch::extend(&self.templates, steady) } else { self.templates.clone() };
        let fitted = if format == extended.format() { extended } else { extended.fitted(format)? };
        let banded = if playing.bands == Templates::BANDS { fitted } else { fitted.in_bands(playing.bands) };
        Ok(if playing.divergence == Divergence::Euclidean { banded.with_gram() } else { banded })
    }

    /// The same model, its components called otherwise.
    ///
    /// # Errors
    /// Another number of names.
    pub fn with_names(&self, names: Vec<String>) -> Result<Self, ModelError> {
        let owners = self.templates.owners().to_vec();
        Self::from_codes(self.templates.format(), names, owners, &self.codes(), self.learned.clone())
    }

    /// The same model, its templates owned by other components.
    ///
    /// # Errors
    /// Another number of owners, or components that there are not.
    pub fn with_owners(&self, owners: Vec<usize>) -> Result<Self, ModelError> {
        let names = self.templates.components().to_vec();
        Self::from_codes(self.templates.format(), names, owners, &self.codes(), self.learned.clone())
    }

    /// The model as bytes.
    pub fn codes(&self) -> Codes {
        codes(&self.templates)
    }

    /// The model of [`Model::codes`]; the same to the bit.
    ///
    /// # Errors
    /// Templates that make no sense, see [`ModelError`].
    pub fn from_codes(
        format: Format,
        components: Vec<String>,
        owners: Vec<usize>,
        codes: &Codes,
        learned: Learned,
    ) -> Result<Self, ModelError> {
        if owners.len() > MAX_TEMPLATES {
            return Err(ModelError::TooMany(owners.len()));
        }
        let templates = Templates::new(format, components, owners, decode(&codes.templates))?
            .with_calibration(decode_gains(&codes.calibration))?
            .with_covariances(codes.places.as_chunks().0.iter().map(decode_place).collect())?;
        Ok(Self { templates, learned })
    }
}

fn codes(templates: &Templates) -> Codes {
    Codes {
        templates: templates.full().templates().flat_map(|template| encode(&template)).collect(),
        calibration: templates.calibrations().iter().map(|&gain| encode_gain(gain)).collect(),
        places: templates.covariances().iter().flat_map(|&covariance| encode_place(covariance)).collect(),
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

/// The gain whose code is 128: none.
const UNITY_CODE: u8 = 128;

fn encode_gain(gain: f32) -> u8 {
    (f64::from(gain).log2() * 127.0 + f64::from(UNITY_CODE)).round().clamp(1.0, 255.0) as u8
}

fn decode_gains(codes: &[u8]) -> Vec<f32> {
    let step = 1.005_472_773_022_213; // 2^(1/127)
    let mut gains = [1.0; 256];
    for code in 129..256 {
        gains[code] = gains[code - 1] * step;
    }
    for code in (0..128).rev() {
        gains[code] = gains[code + 1] / step;
    }
    codes.iter().map(|&code| gains[usize::from(code)] as f32).collect()
}

/// Steps of a share from 0 to 1: components that are panned differ by how little of the other channel they hold.
const SHARE_STEPS: f32 = 65_535.0;
/// Steps of a coherence from 0 to 1: the filter lives on coherences close to 1.
const COHERENCE_STEPS: f32 = 32_767.0;

fn encode_place(covariance: Covariance) -> [u8; 6] {
    let left = (covariance.left.clamp(0.0, 1.0) * SHARE_STEPS).round() as u16;
    let largest = largest_cross(left);
    // Towards zero, so that no coherence is above one; a little up, so that what was decoded comes back.
    let part = |value: f32| {
        let steps = if largest > 0.0 { (value / largest).clamp(-1.0, 1.0) * COHERENCE_STEPS } else { 0.0 };
        ((steps.abs() + 0.02).floor().min(COHERENCE_STEPS).copysign(steps) as i16).to_le_bytes()
    };
    let ([a, b], [c, d], [e, f]) = (left.to_le_bytes(), part(covariance.cross.re), part(covariance.cross.im));
    [a, b, c, d, e, f]
}

fn decode_place(&[a, b, c, d, e, f]: &[u8; 6]) -> Covariance {
    let left = u16::from_le_bytes([a, b]);
    let largest = largest_cross(left);
    let part = |bytes: [u8; 2]| f32::from(i16::from_le_bytes(bytes)) / COHERENCE_STEPS * largest;
    Covariance::new(f32::from(left) / SHARE_STEPS, Complex32::new(part([c, d]), part([e, f])))
}

fn largest_cross(left: u16) -> f32 {
    let left = f32::from(left) / SHARE_STEPS;
    (left * (1.0 - left)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(window_len: usize) -> Learned {
        let layout = StftLayout::new(window_len, window_len / 4).unwrap();
        Learned {
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
            again = Model::from_codes(format, names, owners, &again.codes(), again.learned().clone()).unwrap();
            assert_eq!(again.codes(), first.codes());
        }
        let (a, b) = (first.templates(), again.templates());
        assert!(a.full().templates().eq(b.full().templates()));
        assert_eq!((a.calibrations(), a.covariances()), (b.calibrations(), b.covariances()));
    }

    #[test]
    fn every_code_of_a_gain_and_of_a_place_comes_back() {
        for code in 1..=255 {
            assert_eq!(encode_gain(decode_gains(&[code])[0]), code);
        }
        for left in (0..=65_535u16).step_by(257).chain([1, 2, 3, 65_533, 65_534]) {
            for (re, im) in
                [(0i16, 0i16), (32_767, 0), (-32_767, 0), (16_384, -16_384), (-23_000, 23_000), (1, -1), (9, 31)]
            {
                let ([a, b], [c, d], [e, f]) = (left.to_le_bytes(), re.to_le_bytes(), im.to_le_bytes());
                let place = decode_place(&[a, b, c, d, e, f]);
                assert!(place.is_valid(), "{place:?}");
                let is_one_sided = left == 0 || left == 65_535;
                let expected = if is_one_sided { [a, b, 0, 0, 0, 0] } else { [a, b, c, d, e, f] };
                assert_eq!(encode_place(place), expected, "{left} {re} {im}");
            }
        }
    }

    #[test]
    fn a_quantised_place_is_close_to_the_learned_one() {
        for n in 0..1000 {
            let left = n as f32 / 999.0;
            let exact = Covariance::new(left, Complex32::from_polar((left * (1.0 - left)).sqrt(), 0.3));
            let found = decode_place(&encode_place(exact));
            // Half a step of the share, and two steps of the coherence.
            assert!(
                (found.left - left).abs() < 8e-6 && (found.cross - exact.cross).norm() < 8e-5,
                "{exact:?} {found:?}"
            );
        }
    }

    #[test]
    fn quantised_templates_are_within_a_fifth_of_a_decibel() {
        let matrix: Vec<f32> = (0..129).map(|n| 10f32.powf(n as f32 / -40.0)).collect();
        let format = Format { sample_rate: 48_000.0, window_len: 256, channels: 1 };
        let exact = Templates::new(format, vec!["a".into()], vec![0], matrix.clone()).unwrap();
        let model = Model::new(&exact, learned(256)).unwrap();
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
