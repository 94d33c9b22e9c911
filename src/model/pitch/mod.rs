//! Copies of learned templates at other pitches, for notes that the capture did not contain. They are computed from the
//! templates: they are neither learned nor saved.
//!
//! Most components get [`near`] copies: each tonal template, up to two semitones up and down. If every component was
//! captured alone, those in which several notes were heard get [`chromatic`] copies instead: every note within an octave
//! of theirs, with the formants of the instrument left in place.

mod chromatic;
mod detection;
mod envelope;
mod near;
mod originals;
mod stretch;

use std::convert::Infallible;

use crate::dsp::{MAX_PLAYED_TEMPLATES, Templates, TransposedCopy};
use chromatic::{Instrument, instruments};
use near::NearCopies;
use originals::Originals;

/// Penalty of copies near their template: it gains 0.2 dB if every note was captured; at 1.3, copies no longer help.
const NEAR_PENALTY: f32 = 1.03;
/// Penalty of copies that are far from their template.
const FAR_PENALTY: f32 = 1.1;
/// The most semitones from a template to a near copy.
const NEAR_SEMITONES: i32 = 2;
/// Templates that each note of an instrument is copied from …
const DONORS: usize = 4;
/// … or, where not all copies could play, at least these.
const FEWEST_DONORS: usize = 2;

/// Adds transposed copies of the tonal templates, except for the components in `steady`: hum does not change its pitch.
/// Copies that match a captured note of another component are left out.
///
/// `energy_shares` has each template's share of its component's energy (0 to 1) in the capture of that component alone;
/// zeros for a component without such a capture. It is empty if no shares are known.
pub fn extend(templates: &Templates, steady: &[usize], energy_shares: &[f32]) -> Templates {
    let Ok(extended) = extend_while(templates, steady, energy_shares, &mut || Ok::<(), Infallible>(()));
    extended
}

/// Like [`extend`], but stops as soon as `poll` fails. `poll` is called once for each template or note that is copied,
/// and at the end.
///
/// # Errors
/// The error that `poll` returned.
pub fn extend_while<E>(
    templates: &Templates,
    steady: &[usize],
    energy_shares: &[f32],
    poll: &mut dyn FnMut() -> Result<(), E>,
) -> Result<Templates, E> {
    let originals = Originals::new(templates);
    let instruments = instruments(&originals, steady, energy_shares);
    let is_instrument = |owner: usize| instruments.iter().any(|instrument| instrument.owner == owner);
    let near_copies = NearCopies::new(originals.format.bins());
    let mut copies = Vec::new();
    for (template, &owner) in originals.owners.iter().enumerate() {
        if !is_instrument(owner) && !steady.contains(&owner) {
            poll()?;
            let near = near_copies.of(template, &originals);
            copies.extend(near.map(|values| TransposedCopy { owner, values, penalty: NEAR_PENALTY }));
        }
    }
    let donors = donors(&instruments, templates.owners().len() + copies.len());
    for instrument in &instruments {
        let penalty = |semitones: i32| if semitones.abs() > NEAR_SEMITONES { FAR_PENALTY } else { NEAR_PENALTY };
        let chromatic = instrument.copies(&originals, donors, poll)?.into_iter();
        copies.extend(chromatic.map(|copy| TransposedCopy {
            owner: instrument.owner,
            values: copy.values,
            penalty: penalty(copy.semitones),
        }));
    }
    poll()?;
    Ok(templates.with_copies(copies))
}

/// The most templates that each note can be copied from if so many `others` play.
fn donors(instruments: &[Instrument], others: usize) -> usize {
    let count = |donors: usize| instruments.iter().map(|instrument| instrument.copy_count(donors)).sum::<usize>();
    let fits = |donors: &usize| others + count(*donors) <= MAX_PLAYED_TEMPLATES;
    (FEWEST_DONORS..=DONORS).rev().find(fits).unwrap_or(FEWEST_DONORS)
}
