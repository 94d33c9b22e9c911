//! What a project saves of a model. Host and GUI threads only.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::dsp::{Divergence, Format, StftLayout};
use crate::link::{Models, Status};
use crate::model::{Codes, Learned, Model};

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 2;

/// A model as it stands in a saved project.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SavedModel {
    version: u32,
    sample_rate: f32,
    channels: usize,
    window_len: usize,
    hop_len: usize,
    divergence: String,
    seed: u64,
    iterations: usize,
    components: Vec<String>,
    owners: Vec<usize>,
    /// [`crate::model::Codes::templates`] in base64: one byte a value, as small as templates get while hosts copy them with every undo step.
    templates: String,
    /// [`crate::model::Codes::calibration`] in base64.
    #[serde(default)]
    calibration: String,
    /// [`crate::model::Codes::places`] in base64.
    #[serde(default)]
    places: String,
    #[serde(default)]
    extend_pitch: bool,
    #[serde(default)]
    steady: Vec<usize>,
}

impl SavedModel {
    /// The saved form of a model.
    pub fn of(model: &Model) -> Self {
        let (templates, learned, codes) = (model.templates(), model.learned(), model.codes());
        Self {
            version: VERSION,
            sample_rate: templates.format().sample_rate,
            channels: templates.format().channels,
            window_len: learned.layout.window_len(),
            hop_len: learned.layout.hop_len(),
            divergence: learned.divergence.name().into(),
            seed: learned.seed,
            iterations: learned.iterations,
            components: templates.components().to_vec(),
            owners: templates.owners().to_vec(),
            templates: STANDARD.encode(codes.templates),
            calibration: STANDARD.encode(codes.calibration),
            places: STANDARD.encode(codes.places),
            extend_pitch: learned.extend_pitch,
            steady: learned.steady.clone(),
        }
    }

    /// The model; the same to the bit as the one that was saved.
    ///
    /// # Errors
    /// A text that says what does not fit.
    pub fn model(&self) -> Result<Model, String> {
        if self.version == 0 || self.version > VERSION {
            return Err(format!("the saved model has version {}: this program reads 1 to {VERSION}", self.version));
        }
        let divergence =
            Divergence::named(&self.divergence).ok_or_else(|| format!("unknown divergence “{}”", self.divergence))?;
        let layout = StftLayout::new(self.window_len, self.hop_len).map_err(|error| error.to_string())?;
        let decode = |what: &str, text: &str| {
            STANDARD.decode(text).map_err(|error| format!("the saved {what} are damaged: {error}"))
        };
        let codes = Codes {
            templates: decode("templates", &self.templates)?,
            calibration: decode("calibration gains", &self.calibration)?,
            places: decode("places", &self.places)?,
        };
        let learned = Learned {
            divergence,
            seed: self.seed,
            iterations: self.iterations,
            layout,
            extend_pitch: self.extend_pitch,
            steady: self.steady.clone(),
        };
        let format = Format::new(self.sample_rate, layout, self.channels);
        Model::from_codes(format, self.components.clone(), self.owners.clone(), &codes, learned)
            .map_err(|error| error.to_string())
    }
}

/// The saved model as nice-plug sees it: a view of the instance's [`Models`].
pub struct SavedModelField {
    models: Arc<Models>,
    status: Arc<Status>,
}

impl SavedModelField {
    /// Saves and restores the model of `models`; a state that cannot be restored is told through `status`.
    pub fn new(models: Arc<Models>, status: Arc<Status>) -> Self {
        Self { models, status }
    }
}

impl PersistentField<'_, Option<SavedModel>> for SavedModelField {
    /// A damaged model leaves the present one alone.
    fn set(&self, saved: Option<SavedModel>) {
        match saved.as_ref().map(SavedModel::model).transpose() {
            Ok(model) => self.models.replace(model.map(Arc::new)),
            Err(why) => self.status.fail(format!("the project's model could not be restored: {why}")),
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Option<SavedModel>) -> R,
    {
        f(&self.models.current().map(|model| SavedModel::of(&model)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Complex32, Covariance, Templates};

    fn saved(components: usize, per_component: usize, channels: usize) -> SavedModel {
        let layout = StftLayout::default();
        let learned = Learned {
            divergence: Divergence::Euclidean,
            seed: 5,
            iterations: 100,
            layout,
            extend_pitch: true,
            steady: vec![1],
        };
        let format = Format::new(48_000.0, layout, channels);
        let wave = |count: usize| -> Vec<f32> { (0..count).map(|n| (n as f32 * 0.11).sin()).collect() };
        let matrix = wave(components * per_component * format.rows()).iter().map(|x| (x + 1.0).powi(5)).collect();
        let gains = wave(components * format.rows()).iter().map(|x| x.exp2()).collect();
        let places = wave((channels - 1) * components * format.bins());
        let places = places.iter().map(|x| Covariance::new(x * x, Complex32::default())).collect();
        let names = (0..components).map(|n| format!("c{n}")).collect();
        let owners = (0..components * per_component).map(|n| n / per_component).collect();
        let templates = Templates::new(format, names, owners, matrix).unwrap();
        let templates = templates.with_calibration(gains).unwrap().with_covariances(places).unwrap();
        SavedModel::of(&Model::new(&templates, learned).unwrap())
    }

    #[test]
    fn a_stereo_model_of_four_times_sixteen_templates_is_saved_in_256_kb() {
        let json = serde_json::to_string(&saved(4, 16, 2)).unwrap();
        // The field's JSON stands as a string in the state's JSON, its quotes escaped.
        assert!(serde_json::to_string(&json).unwrap().len() < 256 * 1024, "{} bytes", json.len());
    }

    #[test]
    fn a_saved_model_comes_back_to_the_bit() {
        let saved = saved(3, 2, 1);
        let json = serde_json::to_string(&saved).unwrap();
        let back: SavedModel = serde_json::from_str(&json).unwrap();
        let (first, second) = (saved.model().unwrap(), back.model().unwrap());
        assert!(first.templates().full().templates().eq(second.templates().full().templates()));
        assert_eq!((first.learned(), first.codes()), (second.learned(), second.codes()));
        let Learned { divergence, seed, iterations, layout, extend_pitch, steady } = second.learned();
        assert_eq!((*divergence, *seed, *iterations, *extend_pitch), (Divergence::Euclidean, 5, 100, true));
        assert_eq!((*layout, steady.as_slice()), (StftLayout::default(), [1].as_slice()));
    }

    #[test]
    fn a_model_saved_by_version_1_is_read() {
        let mut json: serde_json::Value = serde_json::to_value(saved(2, 2, 1)).unwrap();
        let object = json.as_object_mut().unwrap();
        ["calibration", "places", "extend_pitch", "steady"]
            .iter()
            .for_each(|later| drop(object.remove(*later).unwrap()));
        object["version"] = 1.into();
        let old: SavedModel = serde_json::from_value(json).unwrap();
        let model = old.model().unwrap();
        assert_eq!(model.codes().templates, saved(2, 2, 1).model().unwrap().codes().templates);
        assert!(!model.learned().extend_pitch && model.templates().calibrations().is_empty());
    }

    #[test]
    fn damaged_models_are_refused_with_a_reason_and_leave_the_present_one() {
        let (_audio, learn, editor) = crate::link::connect();
        let field = SavedModelField::new(editor.models.clone(), editor.status.clone());
        field.set(Some(saved(2, 2, 1)));
        let present = editor.models.current().unwrap();
        type Damage = fn(&mut SavedModel);
        let damage: [(Damage, &str); 5] = [
            (|s| s.version = 99, "version 99"),
            (|s| s.templates.truncate(100), "values"),
            (|s| s.templates = "not base64!".into(), "damaged"),
            (|s| s.window_len = 1000, "1000"),
            (|s| s.owners[0] = 7, "7"),
        ];
        for (damage, reason) in damage {
            let mut bad = saved(2, 2, 1);
            damage(&mut bad);
            field.set(Some(bad));
            assert!(editor.status.failure().contains(reason), "{}", editor.status.failure());
            assert!(Arc::ptr_eq(&present, &editor.models.current().unwrap()));
        }
        drop(learn);
    }
}
