//! Progress and cancellation of learning. Every phase reports and asks at least ten times a second.

use std::ops::ControlFlow;

/// The progress of a factorization, or of all phases of learning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Iterations done.
    pub done: usize,
    /// Iterations to do.
    pub total: usize,
    /// The loss, if it was computed in this iteration.
    pub loss: Option<f64>,
}

/// Called after every iteration, and more often while iterations take long; counts all phases. It can stop the learning.
pub type OnProgress<'a> = &'a mut dyn FnMut(Iteration) -> ControlFlow<()>;

/// Asks whether to continue. Called every few milliseconds.
pub type Poll<'a> = &'a mut dyn FnMut() -> Result<(), Cancelled>;

/// Learning was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// Counts the steps of several phases as one.
pub struct Progress<'a> {
    done: usize,
    total: usize,
    on_progress: OnProgress<'a>,
}

impl<'a> Progress<'a> {
    /// None of `total` steps is done.
    pub fn new(total: usize, on_progress: OnProgress<'a>) -> Self {
        Self { done: 0, total, on_progress }
    }

    /// Asks whether to continue, without progress.
    ///
    /// # Errors
    /// The callback asked to stop.
    pub fn poll(&mut self) -> Result<(), Cancelled> {
        self.notify(0, None)
    }

    /// Reports `steps` of the current phase, and asks whether to continue.
    ///
    /// # Errors
    /// The callback asked to stop.
    pub fn notify(&mut self, steps: usize, loss: Option<f64>) -> Result<(), Cancelled> {
        let done = (self.done + steps).min(self.total);
        unless_break((self.on_progress)(Iteration { done, total: self.total, loss }))
    }

    /// Ends the current phase, which had `steps`.
    pub fn end(&mut self, steps: usize) {
        self.done = (self.done + steps).min(self.total);
    }
}

/// The callback's answer as a result.
pub fn unless_break(answer: ControlFlow<()>) -> Result<(), Cancelled> {
    if answer.is_break() { Err(Cancelled) } else { Ok(()) }
}
