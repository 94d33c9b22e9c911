//! Copies of learned templates at other pitches, for notes that the capture did not contain. They are computed from the
//! templates: they are neither learned nor saved.
//!
//! Every component that is not steady gets near copies: each tonal template, up to two semitones up and down. If every
//! component was captured alone, those in which several notes were heard also get chromatic copies: every note within
//! an octave of theirs, with the formants of the instrument left in place.

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
const FAR_PENALTY: f32 = 1.25;
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
    let near_copies = NearCopies::new(originals.format.bins());
    let mut copies = Vec::new();
    for (template, &owner) in originals.owners.iter().enumerate() {
        if !steady.contains(&owner) {
            poll()?;
            let near = near_copies.of(template, &originals);
            copies.extend(near.map(|values| TransposedCopy { owner, values, penalty: NEAR_PENALTY }));
        }
    }
    let instruments = instruments(&originals, steady, energy_shares);
    let donors = donors(&instruments, templates.owners().len() + copies.len());
    for instrument in &instruments {
        let far = instrument.copies(&originals, donors, poll)?.into_iter();
        copies.extend(far.map(|values| TransposedCopy { owner: instrument.owner, values, penalty: FAR_PENALTY }));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Format;

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 1 };

    /// Partials at multiples of bin `first`, each three bins wide.
    fn tone(first: f32) -> Vec<f32> {
        let partial = |bin: usize, n: f32| (1.5 - (bin as f32 - first * n).abs()).max(0.0) / n;
        (0..1025).map(|bin| (1..=6).map(|n| partial(bin, n as f32)).sum()).collect()
    }

    /// A tone of this many semitones above 220 Hz whose formant is at 1500 Hz, whatever its pitch.
    fn sung(semitones: i32) -> Vec<f32> {
        let hz = 220.0 * (f64::from(semitones) / 12.0).exp2();
        let partial =
            |bin: usize, n: f64| (2.0 - (bin as f64 - hz * n / FORMAT.bin_hz()).abs()).max(0.0) * formant(hz * n);
        (0..1025).map(|bin| (1..=30).map(|n| partial(bin, f64::from(n))).sum::<f64>() as f32).collect()
    }

    fn formant(hz: f64) -> f64 {
        (-((hz / 1500.0).log2() / 0.7).powi(2)).exp() + 0.01
    }

    fn templates(owned: &[(usize, Vec<f32>)]) -> Templates {
        let owners: Vec<usize> = owned.iter().map(|(owner, _)| *owner).collect();
        let names = (0..=*owners.iter().max().unwrap()).map(|n| n.to_string()).collect();
        let matrix = owned.iter().flat_map(|(_, template)| template.clone()).collect();
        Templates::new(FORMAT, names, owners, matrix).unwrap()
    }

    #[test]
    fn tones_get_four_copies_a_semitone_apart_and_noise_and_steady_components_none() {
        let extended = extend(&templates(&[(0, tone(40.0)), (1, vec![1.0; 1025]), (2, tone(90.0))]), &[2], &[]);
        assert_eq!(extended.owners(), [0, 1, 2, 0, 0, 0, 0]);
        for (copy, semitones) in extended.full().templates().skip(3).zip([-2, -1, 1, 2]) {
            let peak = copy.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            let expected = 40.0 * 2f32.powf(semitones as f32 / 12.0);
            assert!((peak as f32 - expected).abs() <= 1.0, "{semitones}: bin {peak}, expected {expected}");
        }
    }

    #[test]
    fn a_note_that_another_component_holds_stays_its_own() {
        let semitone = 2f32.powf(1.0 / 12.0);
        let extended = extend(&templates(&[(0, tone(40.0)), (1, tone(40.0 * semitone))]), &[], &[]);
        // Each lacks the copy that matches the other: −1 of the second is the first, and +1 of the first is the second.
        assert_eq!(extended.owners(), [0, 1, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn three_notes_captured_alone_give_the_notes_between_and_around_them_and_two_do_not() {
        let three = templates(&[(0, sung(0)), (0, sung(4)), (0, sung(7)), (1, vec![1.0; 1025])]);
        let near = extend(&three, &[], &[]).owners().len();
        let all = extend(&three, &[], &[0.4, 0.3, 0.3, 1.0]).owners().len();
        // From an octave below to an octave above, three donors each; those near a captured note of its own stay.
        assert!(all > near + 40, "{near} with near copies alone, {all} with all");
        let unknown_rest = extend(&three, &[], &[0.4, 0.3, 0.3, 0.0]).owners().len();
        let two = templates(&[(0, sung(0)), (0, sung(4)), (1, vec![1.0; 1025])]);
        let [without, with] = [&[][..], &[0.5, 0.5, 1.0]].map(|shares| extend(&two, &[], shares).owners().len());
        assert_eq!((unknown_rest, with), (near, without));
    }

    #[test]
    fn copies_keep_the_formant_of_the_instrument() {
        let captured = templates(&[(0, sung(0)), (0, sung(3)), (0, sung(7))]);
        let extended = extend(&captured, &[], &[0.4, 0.3, 0.3]);
        let centre = |template: &[f32]| {
            let weighted = |bin: usize| f64::from(template[bin]) * (bin.max(1) as f64 * FORMAT.bin_hz()).log2();
            ((0..1025).map(weighted).sum::<f64>() / template.iter().map(|&x| f64::from(x)).sum::<f64>()).exp2()
        };
        let note = centre(&sung(14));
        // The pitch that most of a copy's energy at multiples of it shows: 14 semitones up.
        let hz = 220.0 * (14.0f64 / 12.0).exp2();
        let share = |template: &[f32]| -> f32 {
            (1..20).map(|n| template[(hz * f64::from(n) / FORMAT.bin_hz()).round() as usize]).sum()
        };
        let copies: Vec<Vec<f32>> = extended.full().templates().skip(3).collect();
        let best = copies.iter().max_by(|a, b| share(a).total_cmp(&share(b))).unwrap();
        let stretched = centre(&sung(7)) * (7.0f64 / 12.0).exp2();
        let octaves = |hz: f64| (hz / note).log2().abs();
        assert!(
            octaves(centre(best)) < 0.1,
            "{} Hz, and {note} for the true note; {stretched} stretched",
            centre(best)
        );
    }
}
