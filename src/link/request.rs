//! What the learner can be asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crossbeam::channel;

use super::stamped::Stamped;
use crate::model::Model;
use crate::model::settings::LearnSettings;

/// What the parameter “Command” and the buttons of the editor ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Learn from the last seconds that played.
    LearnLast,
    /// Learn once more from the captures of the model that plays.
    LearnAgain,
    /// Stop the learning that runs; the model stays as it was.
    Cancel,
    /// End the review: what plays goes on playing.
    Keep,
    /// End the review: what played before plays again.
    Revert,
    /// Play the other of the last two models.
    Compare,
    /// Forget every capture and the history; models stay.
    Clear,
}

/// What the learning thread can be asked for.
#[derive(Clone, Debug)]
pub enum LearnRequest {
    /// A command, with the settings of this moment.
    Do(Command, LearnSettings),
    /// A component of the model that plays gets another name.
    Rename {
        /// The component, from 0.
        component: usize,
        /// Its new name. No other component has it.
        name: String,
    },
    /// A template changes its component, without a review. Calibrations and spatial covariances are measured
    /// again where the captures are stored.
    Move {
        /// The template, from 0, in the order of the model's owners.
        template: usize,
        /// The component that owns it from now on, from 0.
        component: usize,
    },
    /// A model from elsewhere, such as a file, plays from now on, in review: Revert returns to the one that played.
    Replace(Arc<Model>),
    /// End the thread.
    Quit,
}

/// Sends requests to the learner. A request that the learner reads only after another project was loaded is dropped.
#[derive(Clone, Debug)]
pub struct RequestSender {
    channel: channel::Sender<Stamped<LearnRequest>>,
    /// See [`Models::loads`](super::Models::loads).
    loads: Arc<AtomicU32>,
}

impl RequestSender {
    pub(super) fn new(channel: channel::Sender<Stamped<LearnRequest>>, loads: Arc<AtomicU32>) -> Self {
        Self { channel, loads }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The learning thread has ended.
    pub fn send(&self, request: LearnRequest) -> Result<(), channel::SendError<Stamped<LearnRequest>>> {
        self.channel.send(Stamped { message: request, loads: self.loads.load(Relaxed) })
    }
}

impl PartialEq for LearnRequest {
    /// Models are compared by identity.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Do(command, settings), Self::Do(other, others)) => (command, settings) == (other, others),
            (Self::Rename { component, name }, Self::Rename { component: other, name: others }) => {
                (component, name) == (other, others)
            }
            (Self::Move { template, component }, Self::Move { template: other, component: others }) => {
                (template, component) == (other, others)
            }
            (Self::Replace(model), Self::Replace(other)) => Arc::ptr_eq(model, other),
            (Self::Quit, Self::Quit) => true,
            _ => false,
        }
    }
}
