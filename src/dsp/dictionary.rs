//! A matrix of templates, as the activation solver needs it. Made on the learning side, read by the audio thread.

use aligned_vec::{AVec, avec};

use super::bands::Bands;
use super::kernels::{self, Chosen};

/// The price of copies: +0.2 dB where every note was captured; at 1.3 copies are no help any more.
const COPY_PRICE: f32 = 1.03;

/// A matrix of templates and what the activation solver needs of it.
#[derive(Clone, Debug)]
pub struct Dictionary {
    rows: usize,
    /// Values from one template to the next: `rows`, rounded up to whole vectors.
    stride: usize,
    /// Template after template, each `rows` values that sum to one, then zeros up to the stride.
    matrix: AVec<f32>,
    /// 1/‖w‖₂ of each template.
    inverse_norms: Vec<f32>,
    /// Templates before the first copy.
    learned: usize,
    /// WᵀW, its rows padded like the matrix; empty where nothing asked for it.
    gram: AVec<f32>,
}

impl Dictionary {
    /// Takes template after template, each `rows` finite values ≥ 0 of which some are > 0, and scales each to sum to one.
    pub(super) fn new(rows: usize, values: &[f32]) -> Self {
        let (stride, len) = (padded(rows), values.len() / rows);
        let mut matrix = avec![0.0; len * stride];
        for (template, values) in matrix.chunks_exact_mut(stride).zip(values.chunks_exact(rows)) {
            let sum: f64 = values.iter().map(|&x| f64::from(x)).sum();
            template.iter_mut().zip(values).for_each(|(out, &x)| *out = (f64::from(x) / sum) as f32);
        }
        let inverse_norms = matrix.chunks_exact(stride).map(|w| 1.0 / kernels::dot(w, w).sqrt()).collect();
        Self { rows, stride, matrix, inverse_norms, learned: len, gram: avec![] }
    }

    /// The same with WᵀW at hand, which makes Euclidean updates cheap: templates² values.
    pub(super) fn with_gram(self) -> Self {
        let stride = padded(self.len());
        let mut gram = avec![0.0; self.len() * stride];
        for (row, w) in gram.chunks_exact_mut(stride).zip(self.templates()) {
            row.iter_mut().zip(self.templates()).for_each(|(product, other)| *product = kernels::dot(w, other));
        }
        Self { gram, ..self }
    }

    /// Values of one template.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values from one template to the next in memory: `rows`, rounded up to whole vectors.
    pub fn stride(&self) -> usize {
        self.stride
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
        self.matrix.chunks_exact(self.stride).map(|template| &template[..self.rows])
    }

    /// Some of the templates, for the kernels.
    pub fn chosen<'a>(&'a self, indices: &'a [u32]) -> Chosen<'a> {
        Chosen { matrix: &self.matrix, stride: self.stride, indices }
    }

    /// Some rows of WᵀW, for the kernels, if it is at hand.
    pub fn gram<'a>(&'a self, indices: &'a [u32]) -> Option<Chosen<'a>> {
        let stride = padded(self.len());
        (!self.gram.is_empty()).then_some(Chosen { matrix: &self.gram, stride, indices })
    }

    /// What a template's sound must be worth: 1, and a little more for copies, so that what was learned comes first
    /// where both would do.
    pub fn price(&self, template: usize) -> f32 {
        if template < self.learned { 1.0 } else { COPY_PRICE }
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
        Self::new(rows, &matrix).with_learned(self.learned)
    }
}

/// A number of values, rounded up to whole vectors.
pub(super) fn padded(len: usize) -> usize {
    len.next_multiple_of(kernels::ALIGNED_LEN)
}
