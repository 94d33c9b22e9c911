//! What a saved model may hold beside its templates: checked once, wherever it comes from. The templates and their format
//! are checked by [`crate::dsp::Templates`], window and hop by [`crate::dsp::StftLayout`].

use super::{Learned, ModelError};

/// The longest name of a component, in bytes: many times what a strip of the mixer shows.
pub const MAX_NAME_LEN: usize = 1000;
/// The most iterations that a model can claim to be learned in: thousands of times what learning takes.
pub const MAX_ITERATIONS: usize = 1_000_000;

/// Checks the names of components and how the model was learned.
pub(super) fn check(components: &[String], learned: &Learned) -> Result<(), ModelError> {
    if let Some(name) = components.iter().find(|name| name.len() > MAX_NAME_LEN) {
        return Err(ModelError::Name(name.len()));
    }
    if let Some(&component) = learned.steady.iter().find(|&&component| component >= components.len()) {
        return Err(ModelError::Steady { component, components: components.len() });
    }
    if learned.steady.len() > components.len() {
        return Err(ModelError::SteadyCount { found: learned.steady.len(), components: components.len() });
    }
    if learned.iterations > MAX_ITERATIONS {
        return Err(ModelError::Iterations(learned.iterations));
    }
    Ok(())
}
