//! How far a learning is, and the word to stop: heard in every phase of it, at least ten times a second.

use std::ops::ControlFlow;

/// Where a factorization is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Iterations done.
    pub done: usize,
    /// Iterations to do.
    pub total: usize,
    /// The loss, when it was computed.
    pub loss: Option<f64>,
}

/// Hears of every iteration, and of more between where those take long, counted over all phases; it can stop the learning.
pub type OnProgress<'a> = &'a mut dyn FnMut(Iteration) -> ControlFlow<()>;

/// Asks whether to go on. Called every few milliseconds.
pub type Poll<'a> = &'a mut dyn FnMut() -> Result<(), Cancelled>;

/// The word to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// Steps of several phases, counted as one.
pub struct Progress<'a> {
    done: usize,
    total: usize,
    on_progress: OnProgress<'a>,
}

impl<'a> Progress<'a> {
    /// Nothing done of `total` steps.
    pub fn new(total: usize, on_progress: OnProgress<'a>) -> Self {
        Self { done: 0, total, on_progress }
    }

    /// Asks whether to go on from where it is.
    ///
    /// # Errors
    /// The callback said stop.
    pub fn poll(&mut self) -> Result<(), Cancelled> {
        self.notify(0, None)
    }

    /// Tells of `steps` more than those of all ended phases, and asks whether to go on.
    ///
    /// # Errors
    /// The callback said stop.
    pub fn notify(&mut self, steps: usize, loss: Option<f64>) -> Result<(), Cancelled> {
        let done = (self.done + steps).min(self.total);
        unless_break((self.on_progress)(Iteration { done, total: self.total, loss }))
    }

    /// Ends a phase of `steps`.
    pub fn end(&mut self, steps: usize) {
        self.done = (self.done + steps).min(self.total);
    }
}

/// The callback's answer, to be passed on by `?`.
pub fn unless_break(answer: ControlFlow<()>) -> Result<(), Cancelled> {
    if answer.is_break() { Err(Cancelled) } else { Ok(()) }
}
