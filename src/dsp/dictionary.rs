//! A matrix of templates in the layout of the activation solver. Made on the learning side, read by the audio thread.

use aligned_vec::{AVec, avec};

use super::bands::Bands;
use crate::dsp::simd::{self, Chosen};

/// A matrix of templates and values that the activation solver needs.
#[derive(Clone, Debug)]
pub struct Dictionary {
    rows: usize,
    /// Every template's `rows` values, which sum to one, in blocks (see [`Chosen`]).
    matrix: AVec<f32>,
    /// 1/‖w‖₂ of each template.
    inverse_norms: Vec<f32>,
    /// What divides each template's update factors, ≥ 1.
    penalties: Vec<f32>,
    /// The Gram matrix WᵀW in blocks; empty if not needed.
    gram: AVec<f32>,
}

impl Dictionary {
    /// Scales each template to sum to one. `values` holds one template after the other, each of `rows` finite values
    /// ≥ 0, of which some are > 0.
    pub(super) fn new(rows: usize, values: &[f32]) -> Self {
        let scaled = |values: &[f32]| -> Vec<f32> {
            let sum: f64 = values.iter().map(|&x| f64::from(x)).sum();
            values.iter().map(|&x| (f64::from(x) / sum) as f32).collect()
        };
        let templates: Vec<Vec<f32>> = values.chunks_exact(rows).map(scaled).collect();
        let inverse_norms = templates.iter().map(|w| 1.0 / simd::dot(w, w).sqrt()).collect();
        let (matrix, penalties) = (in_blocks(rows, &templates), vec![1.0; templates.len()]);
        Self { rows, matrix, inverse_norms, penalties, gram: avec![] }
    }

    /// Adds the Gram matrix WᵀW (templates² values), which makes Euclidean updates cheap.
    pub(super) fn with_gram(self) -> Self {
        let templates: Vec<Vec<f32>> = self.templates().collect();
        let mut gram = vec![vec![0.0; templates.len()]; templates.len()];
        // Symmetric: half of the products are enough.
        for (row, w) in templates.iter().enumerate() {
            for (column, other) in templates[..=row].iter().enumerate() {
                gram[row][column] = simd::dot(w, other);
                gram[column][row] = gram[row][column];
            }
        }
        Self { gram: in_blocks(templates.len(), &gram), ..self }
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

    /// Each template: `rows` values ≥ 0 that sum to one. Not for the audio thread.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = Vec<f32>> {
        (0..self.len()).map(move |template| {
            let mut values = Vec::with_capacity(self.rows);
            for (row, count) in blocks(self.rows) {
                let start = simd::matrix_index(self.rows, self.len(), template, row);
                values.extend_from_slice(&self.matrix[start..start + count]);
            }
            values
        })
    }

    /// Some of the templates, for the kernels.
    pub fn chosen<'a>(&'a self, indices: &'a [u32]) -> Chosen<'a> {
        Chosen { matrix: &self.matrix, templates: self.len(), indices }
    }

    /// Some rows of WᵀW, for the kernels, if it was computed.
    pub fn gram<'a>(&'a self, indices: &'a [u32]) -> Option<Chosen<'a>> {
        (!self.gram.is_empty()).then_some(Chosen { matrix: &self.gram, templates: self.len(), indices })
    }

    /// What divides each template's update factors: 1 for learned templates, slightly more for transposed copies, so that
    /// learned templates win where both match.
    pub fn penalties(&self) -> &[f32] {
        &self.penalties
    }

    /// 1/‖w‖₂ of each template.
    pub fn inverse_norms(&self) -> &[f32] {
        &self.inverse_norms
    }

    /// Sets the penalties: one per template, ≥ 1.
    pub(super) fn with_penalties(self, penalties: Vec<f32>) -> Self {
        Self { penalties, ..self }
    }

    /// The same templates, their rows (`channels` × bins) summed over bands.
    pub(super) fn banded(&self, bands: &Bands, channels: usize) -> Self {
        let rows = channels * bands.len();
        let mut matrix = vec![0.0; self.len() * rows];
        for (template, banded) in self.templates().zip(matrix.chunks_exact_mut(rows)) {
            bands.sum_rows(&template, banded);
        }
        Self::new(rows, &matrix).with_penalties(self.penalties.clone())
    }
}

/// Templates of `rows` values each, in blocks.
fn in_blocks(rows: usize, templates: &[Vec<f32>]) -> AVec<f32> {
    let mut matrix = avec![0.0; templates.len() * padded(rows)];
    for (template, values) in templates.iter().enumerate() {
        for (row, count) in blocks(rows) {
            let start = simd::matrix_index(rows, templates.len(), template, row);
            matrix[start..start + count].copy_from_slice(&values[row..row + count]);
        }
    }
    matrix
}

/// The first row and the number of rows of each block. The rows of a block are contiguous in the matrix.
fn blocks(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(simd::frame::BLOCK_ROWS).map(move |row| (row, simd::frame::BLOCK_ROWS.min(rows - row)))
}

/// A number of values, rounded up to whole vectors.
pub(super) fn padded(len: usize) -> usize {
    len.next_multiple_of(simd::ALIGNED_LEN)
}
