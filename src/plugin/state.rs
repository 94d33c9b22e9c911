//! What a project saves of a model. Host and GUI threads only.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::dsp::{Divergence, MAX_TEMPLATES, StftLayout};
use crate::link::{Models, Status};
use crate::model::{Learned, Model};

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

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
    /// [`Model::codes`] in base64: one byte a value, as small as templates get while hosts copy them with every undo step.
    templates: String,
}

impl SavedModel {
    /// The saved form of a model.
    pub fn of(model: &Model) -> Self {
        let (templates, learned) = (model.templates(), model.learned());
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
            templates: STANDARD.encode(model.codes()),
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
        if self.owners.len() > MAX_TEMPLATES {
            return Err(format!("{} templates: there can be {MAX_TEMPLATES}", self.owners.len()));
        }
        let codes = STANDARD.decode(&self.templates).map_err(|error| format!("damaged templates: {error}"))?;
        let learned = Learned { divergence, seed: self.seed, iterations: self.iterations, layout };
        let (components, owners) = (self.components.clone(), self.owners.clone());
        Model::from_codes(self.sample_rate, self.channels, components, owners, &codes, learned)
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

    fn saved(components: usize, per_component: usize, channels: usize) -> SavedModel {
        let layout = StftLayout::default();
        let learned = Learned { divergence: Divergence::Euclidean, seed: 5, iterations: 100, layout };
        let count = components * per_component * channels * layout.bins();
        let matrix: Vec<f32> = (0..count).map(|n| ((n as f32 * 0.11).sin() + 1.0).powi(5)).collect();
        let names = (0..components).map(|n| format!("c{n}")).collect();
        let owners = (0..components * per_component).map(|n| n / per_component).collect();
        SavedModel::of(&Model::new(48_000.0, channels, names, owners, &matrix, learned).unwrap())
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
        let Learned { divergence, seed, iterations, layout } = second.learned();
        assert_eq!((divergence, seed, iterations), (Divergence::Euclidean, 5, 100));
        assert_eq!(layout, StftLayout::default());
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
