//! The saved form of a model in a project. Host and GUI threads only.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::dsp::{Divergence, Format, StftLayout};
use crate::link::{Models, Status, UnreadModel};
use crate::model::{Codes, LearnInfo, Model};

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 2;
/// The versions that this program reads.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=VERSION;

/// The saved form of a model.
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
    /// [`crate::model::Codes::templates`] in base64: one byte per value, because hosts copy the state with every undo step.
    templates: String,
    /// [`crate::model::Codes::calibration`] in base64.
    #[serde(default)]
    calibration: String,
    /// [`crate::model::Codes::places`] in base64.
    #[serde(default)]
    places: String,
    /// [`crate::model::Codes::energy_shares`] in base64; not written if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    energy_shares: String,
    #[serde(default)]
    extend_pitch: bool,
    #[serde(default)]
    steady: Vec<usize>,
}

impl SavedModel {
    /// The saved form of a model.
    pub fn of(model: &Model) -> Self {
        let (templates, learned, codes) = (model.templates(), model.info(), model.codes());
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
            templates: STANDARD.encode(&codes.templates),
            calibration: STANDARD.encode(&codes.calibration),
            places: STANDARD.encode(&codes.places),
            energy_shares: STANDARD.encode(&codes.energy_shares),
            extend_pitch: learned.extend_pitch,
            steady: learned.steady.clone(),
        }
    }

    /// The model; the same to the bit as the one that was saved.
    ///
    /// # Errors
    /// A text that says what does not fit.
    pub fn model(&self) -> Result<Model, String> {
        if !VERSIONS.contains(&self.version) {
            return Err(format!("it has version {}, and this program reads 1 to {VERSION}", self.version));
        }
        let divergence =
            Divergence::named(&self.divergence).ok_or_else(|| format!("unknown divergence “{}”", self.divergence))?;
        let layout = StftLayout::new(self.window_len, self.hop_len).map_err(|error| error.to_string())?;
        let decode =
            |what: &str, text: &str| STANDARD.decode(text).map_err(|error| format!("its {what} are damaged: {error}"));
        let codes = Codes {
            templates: decode("templates", &self.templates)?,
            calibration: decode("calibration gains", &self.calibration)?,
            places: decode("places", &self.places)?,
            energy_shares: decode("energy shares", &self.energy_shares)?,
        };
        let learned = LearnInfo {
            divergence,
            seed: self.seed,
            iterations: self.iterations,
            layout,
            extend_pitch: self.extend_pitch,
            steady: self.steady.clone(),
        };
        let format = Format::new(self.sample_rate, layout, self.channels);
        Model::from_codes(format, self.components.clone(), self.owners.clone(), codes.into(), learned)
            .map_err(|error| error.to_string())
    }
}

/// Why a saved model does not play. In either case its text is kept, and saved again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UnreadReason {
    /// A newer program wrote it.
    #[error(
        "the project's model was saved by a newer version of Unweave (model version {0}; this program reads up to {VERSION}): update Unweave to play it. It stays in the project until you learn or open another"
    )]
    Newer(u64),
    /// It does not hold together.
    #[error(
        "the project's model is damaged ({0}). It stays in the project until you learn or open another; an older copy of the project may be whole"
    )]
    Damaged(String),
}

/// The JSON text of a saved model, whatever it holds: also of a version that does not exist yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SavedText(Box<RawValue>);

impl SavedText {
    fn of(model: Option<&Model>) -> Self {
        let text = serde_json::value::to_raw_value(&model.map(SavedModel::of));
        // A struct of texts and numbers always becomes JSON.
        Self(text.unwrap_or_default())
    }

    /// The model; `None` if nothing was learned.
    fn model(&self) -> Result<Option<Model>, UnreadReason> {
        let damaged = |error: serde_json::Error| UnreadReason::Damaged(error.to_string());
        // The version is read before the rest: a newer one may have other fields, and fields of other types.
        let Some(Versioned { version }) =
            serde_json::from_str(self.0.get()).map_err(|_| UnreadReason::Damaged("it has no version".into()))?
        else {
            return Ok(None);
        };
        if version > VERSION.into() {
            return Err(UnreadReason::Newer(version));
        }
        let saved: SavedModel = serde_json::from_str(self.0.get()).map_err(damaged)?;
        saved.model().map(Some).map_err(UnreadReason::Damaged)
    }
}

/// What saved models of every version have in common.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// The saved model as nice-plug sees it: a view of the instance's [`Models`].
pub struct SavedModelField {
    models: Arc<Models>,
    status: Arc<Status>,
    unread: UnreadModel,
}

impl SavedModelField {
    /// Saves and restores the model of `models`; `status` says why a state cannot be restored.
    pub fn new(models: Arc<Models>, status: Arc<Status>) -> Self {
        Self { models, status, unread: UnreadModel::default() }
    }

    /// Plays a saved model. One that cannot be read leaves the present one alone, and is saved again as it was.
    ///
    /// # Errors
    /// The model cannot be read.
    pub fn load(&self, saved: &SavedText) -> Result<(), UnreadReason> {
        match saved.model() {
            Ok(model) => {
                self.unread.forget();
                self.models.replace(model.map(Arc::new));
                Ok(())
            }
            Err(why) => {
                self.models.keep_for_unread_project();
                self.unread.keep(saved.0.get().into(), why.to_string(), self.models.current());
                self.status.fail(why.to_string());
                Err(why)
            }
        }
    }

    /// Why the project's model does not play, as long as it is kept beside `playing`, the model that plays.
    pub fn unread_reason(&self, playing: Option<&Arc<Model>>) -> Option<String> {
        self.unread.why(playing)
    }

    fn saved(&self) -> SavedText {
        let playing = self.models.current();
        let unread = self.unread.text(playing.as_ref()).and_then(|text| RawValue::from_string(text.into()).ok());
        unread.map_or_else(|| SavedText::of(playing.as_deref()), SavedText)
    }
}

impl PersistentField<'_, SavedText> for SavedModelField {
    fn set(&self, saved: SavedText) {
        // The status already says why a model was not read.
        let _ = self.load(&saved);
    }

    /// A host is told that a model could not be read, where its format can say so.
    fn restore(&self, saved: SavedText) -> bool {
        self.load(&saved).is_ok()
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&SavedText) -> R,
    {
        f(&self.saved())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Complex32, Covariance, Templates};

    fn saved(components: usize, per_component: usize, channels: usize) -> SavedModel {
        let layout = StftLayout::default();
        let learned = LearnInfo {
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
        assert_eq!((first.info(), first.codes()), (second.info(), second.codes()));
        let LearnInfo { divergence, seed, iterations, layout, extend_pitch, steady } = second.info();
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
        assert!(!model.info().extend_pitch && model.templates().calibrations().is_empty());
    }

    #[test]
    fn damaged_models_are_refused_with_a_reason_and_leave_the_present_one() {
        let (_audio, learn, editor) = crate::link::connect();
        let field = SavedModelField::new(editor.models.clone(), editor.status.clone());
        let text = |saved: &SavedModel| SavedText(serde_json::value::to_raw_value(saved).unwrap());
        field.set(text(&saved(2, 2, 1)));
        let present = editor.models.current().unwrap();
        type Damage = fn(&mut SavedModel);
        let damage: [(Damage, &str); 9] = [
            (|s| s.version = 99, "version 99"),
            (|s| s.templates.truncate(100), "values"),
            (|s| s.templates = "not base64!".into(), "damaged"),
            (|s| s.window_len = 1000, "1000"),
            (|s| s.owners[0] = 7, "7"),
            (|s| s.sample_rate = 1e-20, "sample rate"),
            (|s| s.channels = usize::MAX, "channels"),
            (|s| s.steady = vec![99], "steady"),
            (|s| s.components[0] = "x".repeat(10_000), "name"),
        ];
        for (damage, reason) in damage {
            let mut bad = saved(2, 2, 1);
            damage(&mut bad);
            assert!(field.load(&text(&bad)).is_err());
            assert_eq!(field.saved().0.get(), text(&bad).0.get());
            assert!(editor.status.failure().contains(reason), "{}", editor.status.failure());
            assert!(Arc::ptr_eq(&present, &editor.models.current().unwrap()));
        }
        drop(learn);
    }
}
