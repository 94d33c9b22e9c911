//! A message with the project that it belongs to.

/// A message, and which project was open when it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamped<T> {
    /// What was sent.
    pub message: T,
    /// What [`Models::loads`](super::Models::loads) counted at that time.
    pub loads: u32,
}
