//! Copies of one template a little up and down.

use super::originals::{Originals, is_tonal};
use super::stretch::Stretch;

/// Semitones by which copies are transposed. One step up and down gains half as much; three steps gain no more.
const STEPS: [i32; 4] = [-2, -1, 1, 2];
/// The bins that tell whether a template is tonal.
const STRONGEST_BINS: usize = 12;

/// Makes the copies of any template.
pub(super) struct NearCopies {
    steps: [Stretch; STEPS.len()],
}

impl NearCopies {
    /// Copies of templates whose channels have `bins` bins.
    pub(super) fn new(bins: usize) -> Self {
        Self { steps: STEPS.map(|step| Stretch::new(bins, step)) }
    }

    /// The copies of a template, lowest first, that match no template of another component; none if it is not tonal. The
    /// dictionary scales their sums.
    pub(super) fn of<'a>(
        &'a self,
        template: usize,
        originals: &'a Originals<'_>,
    ) -> impl Iterator<Item = Vec<f32>> + 'a {
        let (values, owner) = (&originals.templates[template], originals.owners[template]);
        let steps = if is_tonal(originals.mono(template), STRONGEST_BINS) { self.steps.as_slice() } else { &[] };
        let copy = |stretch: &Stretch| -> Vec<f32> {
            values.chunks_exact(originals.format.bins()).flat_map(|channel| stretch.values(channel)).collect()
        };
        steps.iter().map(copy).filter(move |copy| !originals.is_taken(copy, owner))
    }
}
