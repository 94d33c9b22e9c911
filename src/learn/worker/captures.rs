//! The captures that models were learned from, so that models can be learned again without a new capture. Learning
//! thread only.

use std::sync::Arc;

use crate::learn::capture::{Capture, CaptureError};
use crate::link::Slots;
use crate::model::Model;
use crate::model::settings::{LearnSettings, Target};

/// The captures that one model was learned from.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    /// The capture of each component alone, by component index.
    pub alone: Vec<Option<Capture>>,
    /// The capture of the full mix: used for blind learning, or to learn the rest.
    pub mix: Option<Capture>,
    /// The index of the rest component, if the full mix was captured to learn the rest.
    pub rest: Option<usize>,
    /// The settings used to learn from the last capture.
    pub settings: Option<LearnSettings>,
}

impl Captures {
    /// Adds a capture. It replaces the capture of its target, or is appended to it if the settings say so. `rest` is
    /// the index that the rest component has, or would have.
    ///
    /// # Errors
    /// The capture cannot be appended.
    pub fn with(&self, capture: Capture, rest: usize, settings: LearnSettings) -> Result<Self, CaptureError> {
        let capture = match self.of(settings.target).filter(|_| settings.accumulate) {
            Some(before) => before.followed_by(&capture)?,
            None => capture,
        };
        let mut captures = self.clone();
        captures.settings = Some(settings);
        match settings.target {
            Target::All => captures = Self { mix: Some(capture), settings: Some(settings), ..Self::default() },
            Target::Component(index) => {
                let index = usize::from(index);
                if captures.rest == Some(index) {
                    (captures.rest, captures.mix) = (None, None);
                }
                captures.alone.resize(captures.alone.len().max(index + 1), None);
                captures.alone[index] = Some(capture);
            }
            Target::Rest => {
                (captures.mix, captures.rest) = (Some(capture), Some(rest));
                captures.alone.iter_mut().skip(rest).take(1).for_each(|alone| *alone = None);
            }
        }
        Ok(captures)
    }

    /// The capture of a target.
    fn of(&self, target: Target) -> Option<&Capture> {
        match target {
            Target::All => self.mix.as_ref().filter(|_| self.rest.is_none()),
            Target::Component(index) => self.alone.get(usize::from(index))?.as_ref(),
            Target::Rest => self.mix.as_ref().filter(|_| self.rest.is_some()),
        }
    }

    /// The targets that have captures, in the order in which to learn them.
    pub fn targets(&self) -> Vec<Target> {
        let alone = (0..self.alone.len()).map(|index| Target::Component(index as u8));
        let all = [Target::All].into_iter().chain(alone).chain([Target::Rest]);
        all.filter(|&target| self.of(target).is_some()).collect()
    }

    /// Total duration in seconds.
    pub fn seconds(&self) -> f32 {
        self.alone.iter().flatten().chain(&self.mix).map(Capture::seconds).sum()
    }
}

/// The captures of the last models.
#[derive(Default)]
pub struct CapturesOfModels(Vec<(Arc<Model>, Captures)>);

impl CapturesOfModels {
    /// The captures that a model was learned from; empty if they are not known.
    pub fn of(&self, model: Option<&Arc<Model>>) -> Captures {
        let found = self.0.iter().find(|(known, _)| model.is_some_and(|model| Arc::ptr_eq(known, model)));
        found.map(|(_, captures)| captures.clone()).unwrap_or_default()
    }

    /// Stores the captures that a model was learned from.
    pub fn keep(&mut self, model: Arc<Model>, captures: Captures) {
        self.0.push((model, captures));
    }

    /// Drops the captures of all models except those in `slots`.
    pub fn retain(&mut self, slots: &Slots) {
        let is_known =
            |model: &Arc<Model>| [&slots.current, &slots.other].into_iter().flatten().any(|m| Arc::ptr_eq(m, model));
        self.0.retain(|(model, _)| is_known(model));
    }

    /// Drops every capture.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(target: Target, accumulate: bool) -> LearnSettings {
        LearnSettings { target, accumulate, threads: 1, ..LearnSettings::default() }
    }

    fn capture(len: usize) -> Capture {
        Capture::new(1000.0, vec![vec![0.5; len]]).unwrap()
    }

    #[test]
    fn captures_are_learned_again_in_the_order_that_gives_the_same_model() {
        let add = |captures: Captures, target: Target| captures.with(capture(100), 2, settings(target, false)).unwrap();
        let (one, two) = (Target::Component(0), Target::Component(1));
        let guided = [Target::Rest, two, one].into_iter().fold(Captures::default(), add);
        assert_eq!(guided.targets(), [one, two, Target::Rest]);
        // A capture of the full mix drops the earlier ones; later captures replace parts of it.
        let blind = [one, Target::All, two].into_iter().fold(Captures::default(), add);
        assert_eq!(blind.targets(), [Target::All, two]);
        assert_eq!(blind.seconds(), 0.2);
        // The rest component, once captured alone, is no longer the rest.
        assert_eq!(add(guided, Target::Component(2)).targets(), [one, two, Target::Component(2)]);
    }

    #[test]
    fn a_capture_is_appended_to_the_one_of_its_own_target_only() {
        let add = |captures: &Captures, target: Target, len: usize| {
            captures.with(capture(len), 1, settings(target, true)).unwrap()
        };
        let mut captures = Captures::default();
        for (target, seconds) in
            [(Target::Component(0), 0.1), (Target::Component(0), 0.2), (Target::Rest, 0.3), (Target::Rest, 0.4)]
        {
            captures = add(&captures, target, 100);
            assert!((captures.seconds() - seconds).abs() < 1e-6, "{target:?}");
        }
        // A mix captured for the rest is not a capture for blind learning, so nothing is appended to it.
        let all = add(&captures, Target::All, 50);
        assert_eq!((all.seconds(), add(&all, Target::All, 50).seconds()), (0.05, 0.1));
        let other = Capture::new(2000.0, vec![vec![0.5; 9]]).unwrap();
        assert!(all.with(other, 1, settings(Target::All, true)).is_err());
    }
}
