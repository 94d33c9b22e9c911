//! Copies for every note within an octave of the captured ones, each from the captured notes nearest to it.

use std::collections::BTreeMap;

use super::detection::Detector;
use super::envelope::{Envelope, Tone};
use super::originals::{Originals, is_tonal};
use super::stretch::Stretch;

/// The bins that tell whether a template is tonal: 12 at a window of 2048 samples.
const WINDOW_SAMPLES_PER_STRONGEST_BIN: usize = 2048 / 12;
/// Templates whose pitch is less clear than this are not transposed.
const CLEAR_PITCH: f32 = 2.5;
/// A component needs this many notes …
const NOTES: usize = 3;
/// … each with at least this share of its energy.
const NOTE_SHARE: f32 = 0.02;
/// A note with less than this share of the energy counts as not captured.
const CAPTURED_SHARE: f32 = 0.03;
/// Semitones between a copy and its template. Nearer ones are near copies; those an octave away have the partials of their
/// template, and would take what it plays.
const REACH: std::ops::RangeInclusive<i32> = 3..=10;
/// Copies are made for the notes up to this many semitones beyond the lowest and the highest captured one.
const BEYOND: i32 = 12;

/// A component whose notes can be copied to other pitches.
pub(super) struct Instrument {
    /// The component.
    pub owner: usize,
    /// Its templates that have a clear pitch.
    notes: Vec<Note>,
    /// The pitches that were not captured, lowest first.
    targets: Vec<i32>,
}

/// A template with a clear pitch.
struct Note {
    template: usize,
    /// In semitones, 69 at 440 Hz, rounded.
    pitch: i32,
    tone: Tone,
}

/// The components in which several notes were heard, except for those in `steady`. `energy_shares` is empty, or has
/// each template's share of its component's energy. Nothing comes back if one component's shares are not known: a rest
/// that was learned from the mix knows notes that are not its own.
pub(super) fn instruments(originals: &Originals<'_>, steady: &[usize], energy_shares: &[f32]) -> Vec<Instrument> {
    let owners = originals.owners;
    let total = |owner: usize| -> f32 {
        energy_shares.iter().zip(owners).filter(|(_, other)| **other == owner).map(|(share, _)| share).sum()
    };
    let components = owners.iter().max().map_or(0, |highest| highest + 1);
    let totals: Vec<f32> = (0..components).map(total).collect();
    if energy_shares.len() != owners.len() || owners.iter().any(|&owner| totals[owner] <= 0.0) {
        return Vec::new();
    }
    let mut detector = Detector::new(originals.format);
    let varying = (0..components).filter(|owner| !steady.contains(owner));
    let of_component = |owner: usize| {
        let own = (0..owners.len()).filter(|&template| owners[template] == owner);
        let notes = own.filter_map(|template| {
            let share = energy_shares[template] / totals[owner];
            Note::of(template, originals, share, &mut detector)
        });
        Instrument::of(owner, notes.collect())
    };
    varying.filter_map(of_component).collect()
}

impl Instrument {
    fn of(owner: usize, notes: Vec<Note>) -> Option<Self> {
        let mut shares: BTreeMap<i32, f32> = BTreeMap::new();
        notes.iter().for_each(|note| *shares.entry(note.pitch).or_default() += note.tone.share);
        if shares.values().filter(|&&share| share >= NOTE_SHARE).count() < NOTES {
            return None;
        }
        let (lowest, highest) = (shares.keys().next()? - BEYOND, shares.keys().next_back()? + BEYOND);
        let is_captured = |pitch: &i32| shares.get(pitch).is_some_and(|&share| share >= CAPTURED_SHARE);
        let targets = (lowest..=highest).filter(|pitch| !is_captured(pitch)).collect();
        Some(Self { owner, notes, targets })
    }

    /// The number of copies from so many templates each, before any is left out.
    pub(super) fn copy_count(&self, donors: usize) -> usize {
        self.targets.len() * donors.min(self.donors().count())
    }

    /// The copies that match no template of another component: for each note, lowest first, those from the templates
    /// nearest to it. `poll` is called once for each note.
    pub(super) fn copies<E>(
        &self,
        originals: &Originals<'_>,
        donors: usize,
        poll: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<Vec<Vec<f32>>, E> {
        let format = originals.format;
        let tones: Vec<&Tone> = self.notes.iter().map(|note| &note.tone).collect();
        let envelope = Envelope::fit(&tones, format);
        let mut transpositions: BTreeMap<i32, (Stretch, Vec<f32>)> = BTreeMap::new();
        let mut copies = Vec::new();
        for &target in &self.targets {
            poll()?;
            let in_reach = |note: &&Note| REACH.contains(&(note.pitch - target).abs());
            for note in self.nearest(target).take(donors).filter(in_reach) {
                let semitones = target - note.pitch;
                let (stretch, gains) = transpositions.entry(semitones).or_insert_with(|| {
                    let stretch = Stretch::new(format.bins(), semitones);
                    let gains = envelope.gains(&stretch);
                    (stretch, gains)
                });
                let values: Vec<f32> = originals.templates[note.template]
                    .chunks_exact(format.bins())
                    .flat_map(|channel| stretch.values(channel).zip(gains.iter()).map(|(value, gain)| value * gain))
                    .collect();
                if !originals.is_taken(&values, self.owner) {
                    copies.push(values);
                }
            }
        }
        Ok(copies)
    }

    /// The notes that are strong enough to be copied.
    fn donors(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.tone.share >= CAPTURED_SHARE)
    }

    /// The notes to copy from, nearest first; of equally near ones, the strongest first.
    fn nearest(&self, target: i32) -> impl Iterator<Item = &Note> {
        let mut donors: Vec<&Note> = self.donors().collect();
        let distance = |note: &Note| (note.pitch - target).abs();
        donors.sort_by(|a, b| distance(a).cmp(&distance(b)).then(b.tone.share.total_cmp(&a.tone.share)));
        donors.into_iter()
    }
}

impl Note {
    /// The note that a template plays; `None` if it has no clear pitch.
    fn of(template: usize, originals: &Originals<'_>, share: f32, detector: &mut Detector) -> Option<Self> {
        let mut spectrum = originals.mono(template);
        if !is_tonal(spectrum.clone(), originals.format.window_len / WINDOW_SAMPLES_PER_STRONGEST_BIN) {
            return None;
        }
        let largest = spectrum.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        spectrum.iter_mut().for_each(|value| *value /= largest);
        let pitch = detector.pitch(&spectrum);
        let tone = Tone { spectrum, hz: pitch.hz, share };
        (pitch.score > CLEAR_PITCH).then_some(Self { template, pitch: pitch.semitones().round() as i32, tone })
    }
}
