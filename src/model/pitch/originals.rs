//! The learned templates that copies are made of.

use crate::dsp::{Format, Templates, simd};

/// A copy is left out if its root spectrum has a cosine above this with that of another component's template: it then
/// matches that component's sound.
const LOOK_ALIKE: f32 = 0.85;
/// A template is tonal if its strongest bins hold more than this share of its sum.
const TONAL_SHARE: f32 = 0.3;

/// Learned templates, their components, and what they have in common.
pub(super) struct Originals<'a> {
    /// The format of the templates.
    pub format: Format,
    /// Each template's values.
    pub templates: Vec<Vec<f32>>,
    /// The component of each template.
    pub owners: &'a [usize],
    /// Square roots of the values, scaled to unit length.
    roots: Vec<Vec<f32>>,
}

impl<'a> Originals<'a> {
    /// The learned templates.
    pub(super) fn new(learned: &'a Templates) -> Self {
        let templates: Vec<Vec<f32>> = learned.full().templates().collect();
        let roots = templates.iter().map(|template| root(template)).collect();
        Self { format: learned.format(), templates, owners: learned.owners(), roots }
    }

    /// Whether a copy for `owner` matches a template of another component.
    pub(super) fn is_taken(&self, copy: &[f32], owner: usize) -> bool {
        let shape = root(copy);
        let mut others = self.roots.iter().zip(self.owners).filter(|(_, other)| **other != owner);
        others.any(|(other, _)| simd::dot(&shape, other) > LOOK_ALIKE)
    }

    /// The sum of a template's channels.
    pub(super) fn mono(&self, template: usize) -> Vec<f32> {
        let mut mono = vec![0.0f32; self.format.bins()];
        for channel in self.templates[template].chunks_exact(self.format.bins()) {
            mono.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
        }
        mono
    }
}

/// Whether the `strongest` bins of a spectrum hold much of its sum.
pub(super) fn is_tonal(mut mono: Vec<f32>, strongest: usize) -> bool {
    let sum: f32 = mono.iter().sum();
    mono.sort_by(|a, b| b.total_cmp(a));
    mono[..strongest].iter().sum::<f32>() > TONAL_SHARE * sum
}

/// The square roots of the values, scaled to unit length.
fn root(template: &[f32]) -> Vec<f32> {
    let sum: f32 = template.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    template.iter().map(|x| (x / sum).sqrt()).collect()
}
