//! A matrix of templates, as the activation solver needs it. Made on the learning side, read by the audio thread.

use super::bands::Bands;
use super::kernels;

/// The price of copies: +0.2 dB where every note was captured; at 1.3 copies are no help any more.
const COPY_PRICE: f32 = 1.03;

/// A matrix of templates and what the activation solver needs of it.
#[derive(Clone, Debug)]
pub struct Dictionary {
    rows: usize,
    /// Template after template, each `rows` values that sum to one.
    matrix: Vec<f32>,
    /// 1/‖w‖₂ of each template.
    inverse_norms: Vec<f32>,
    /// Templates before the first copy.
    learned: usize,
}

impl Dictionary {
    /// Takes template after template, each `rows` finite values ≥ 0 of which some are > 0, and scales each to sum to one.
    pub(super) fn new(rows: usize, mut matrix: Vec<f32>) -> Self {
        for template in matrix.chunks_exact_mut(rows) {
            let sum: f64 = template.iter().map(|&x| f64::from(x)).sum();
            template.iter_mut().for_each(|x| *x = (f64::from(*x) / sum) as f32);
        }
        let inverse_norms: Vec<f32> = matrix.chunks_exact(rows).map(|w| 1.0 / kernels::dot(w, w).sqrt()).collect();
        let learned = inverse_norms.len();
        Self { rows, matrix, inverse_norms, learned }
    }

    /// Values of one template.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of templates.
    pub fn len(&self) -> usize {
        self.inverse_norms.len()
    }

    /// Whether there are no templates.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each template: `rows` values ≥ 0 that sum to one.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.matrix.chunks_exact(self.rows)
    }

    /// What a template's sound must be worth: 1, and a little more for copies, so that what was learned comes first
    /// where both would do.
    pub fn price(&self, template: usize) -> f32 {
        if template < self.learned { 1.0 } else { COPY_PRICE }
    }

    /// One template: `rows` values ≥ 0 that sum to one.
    pub fn template(&self, template: usize) -> &[f32] {
        &self.matrix[template * self.rows..][..self.rows]
    }

    /// 1/‖w‖₂ of each template.
    pub fn inverse_norms(&self) -> &[f32] {
        &self.inverse_norms
    }

    /// Templates before the first copy.
    pub fn learned(&self) -> usize {
        self.learned
    }

    /// The same, all but the first `learned` templates copies.
    pub(super) fn with_learned(self, learned: usize) -> Self {
        Self { learned, ..self }
    }

    /// The same templates, their rows (`channels` × bins) summed over bands.
    pub(super) fn banded(&self, bands: &Bands, channels: usize) -> Self {
        let rows = channels * bands.len();
        let mut matrix = vec![0.0; self.len() * rows];
        for (template, banded) in self.templates().zip(matrix.chunks_exact_mut(rows)) {
            bands.sum_rows(template, banded);
        }
        Self::new(rows, matrix).with_learned(self.learned)
    }
}
