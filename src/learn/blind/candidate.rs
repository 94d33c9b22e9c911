//! One way to make components of a capture: a factorization, and a grouping of its templates.

use ndarray::{Array2, Axis};

use super::criterion::Handicap;
use crate::learn::draft::DraftComponent;
use crate::learn::group::Grouping;
use crate::learn::report::{Explained, GroupedBy};
use crate::model::settings::GroupBy;

/// W and H of one factorization: templates × rows, and frames × templates.
pub struct Factors {
    /// W.
    pub w: Array2<f32>,
    /// H.
    pub h: Array2<f32>,
}

/// Factors, grouped.
#[derive(Clone)]
pub struct Candidate<'a> {
    /// W: templates × rows.
    pub w: &'a Array2<f32>,
    /// H: frames × templates.
    pub h: &'a Array2<f32>,
    /// The component of each template, from the loudest.
    pub owners: Vec<usize>,
    /// How they were grouped.
    pub by: GroupedBy,
}

impl<'a> Candidate<'a> {
    /// The grouped factors.
    pub fn new(factors: &'a Factors, grouping: Grouping) -> Self {
        let by = if grouping.by == GroupBy::Hits { GroupedBy::Hits } else { GroupedBy::Timbre };
        Self { w: &factors.w, h: &factors.h, owners: grouping.owners, by }
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.owners.iter().max().map_or(0, |last| last + 1)
    }

    /// W and H of one component.
    pub fn component(&self, index: usize) -> (Array2<f32>, Array2<f32>) {
        let own: Vec<usize> = (0..self.owners.len()).filter(|&template| self.owners[template] == index).collect();
        (self.w.select(Axis(0), &own), self.h.select(Axis(1), &own))
    }

    /// What the criterion has against it.
    pub fn handicap(&self) -> Handicap {
        if self.by == GroupedBy::Hits { Handicap::Hits } else { Handicap::None }
    }

    /// The components, called “1”, “2” and so on, with their shares of the mix.
    pub fn draft<'b>(&self) -> Vec<DraftComponent<'b>> {
        let total = self.h.sum();
        let component = |index: usize| {
            let (w, h) = self.component(index);
            let explained = Some(Explained::OfMix(h.sum() / total));
            DraftComponent { explained, ..DraftComponent::new((index + 1).to_string(), w) }
        };
        (0..self.components()).map(component).collect()
    }
}
