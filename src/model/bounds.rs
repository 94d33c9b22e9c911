//! What a saved model may hold beside its templates: checked once, wherever it comes from. The templates and their format
//! are checked by [`crate::dsp::Templates`], window and hop by [`crate::dsp::StftLayout`].

use thiserror::Error;

/// The longest name of a component, in bytes: many times what a strip of the mixer shows.
const MAX_NAME_LEN: usize = 1000;
/// The most iterations that a model can claim to be learned in: thousands of times what learning takes.
const MAX_ITERATIONS: usize = 1_000_000;

/// Why a model's names or numbers are invalid.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BoundsError {
    /// A name that is too long.
    #[error("a component's name has {0} bytes: the most is {MAX_NAME_LEN}")]
    Name(usize),
    /// A steady component that does not exist.
    #[error("component {component} is said to be steady: there are {components}, counted from 0")]
    Steady {
        /// The component, from 0.
        component: usize,
        /// How many there are.
        components: usize,
    },
    /// More steady components than components.
    #[error("{found} components are said to be steady: there are {components}")]
    SteadyCount {
        /// How many are said to be steady.
        found: usize,
        /// How many there are.
        components: usize,
    },
    /// The number of energy shares is not that of the templates.
    #[error("{found} energy shares: there are {templates} templates")]
    EnergyShares {
        /// How many energy shares there are.
        found: usize,
        /// How many templates there are.
        templates: usize,
    },
    /// Too many iterations.
    #[error("{0} iterations of learning: the most is {MAX_ITERATIONS}")]
    Iterations(usize),
}

/// Checks the component names, the indices of steady components and the number of learning iterations.
pub(super) fn check(components: &[String], steady: &[usize], iterations: usize) -> Result<(), BoundsError> {
    if let Some(name) = components.iter().find(|name| name.len() > MAX_NAME_LEN) {
        return Err(BoundsError::Name(name.len()));
    }
    if let Some(&component) = steady.iter().find(|&&component| component >= components.len()) {
        return Err(BoundsError::Steady { component, components: components.len() });
    }
    if steady.len() > components.len() {
        return Err(BoundsError::SteadyCount { found: steady.len(), components: components.len() });
    }
    if iterations > MAX_ITERATIONS {
        return Err(BoundsError::Iterations(iterations));
    }
    Ok(())
}

/// Checks that there is an energy share for each of the templates, or none at all.
pub(super) fn check_energy_shares(found: usize, templates: usize) -> Result<(), BoundsError> {
    if found == 0 || found == templates { Ok(()) } else { Err(BoundsError::EnergyShares { found, templates }) }
}
