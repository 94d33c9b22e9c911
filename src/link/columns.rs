//! Columns of the picture, sent from the audio thread to an open editor. While no editor is open, no columns are
//! analysed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dsp::Column;

/// Number of columns by which the editor may lag behind: two thirds of a second.
const RING_COLUMNS: usize = 64;

/// Creates both ends: the audio thread's and the editor's.
pub(super) fn watch() -> (ColumnSender, Columns) {
    let (ring, columns) = rtrb::RingBuffer::new(RING_COLUMNS);
    let is_editor_open = Arc::new(AtomicBool::new(false));
    (
        ColumnSender { ring, is_editor_open: is_editor_open.clone() },
        Columns { ring: Arc::new(Mutex::new(columns)), is_editor_open },
    )
}

/// The audio thread's end.
pub struct ColumnSender {
    ring: rtrb::Producer<Column>,
    is_editor_open: Arc<AtomicBool>,
}

impl ColumnSender {
    /// Whether an editor is open.
    pub fn is_editor_open(&self) -> bool {
        self.is_editor_open.load(Relaxed)
    }

    /// Sends a column. It is dropped if the ring is full: the editor hangs, or the host renders faster than real time.
    pub fn send(&mut self, column: &Column) {
        if !self.ring.is_full() {
            // A column holds plain values only: this copies them, and allocates nothing.
            let _ = self.ring.push(column.clone());
        }
    }
}

/// The editor's end. Only editors take its lock; the audio thread never does.
#[derive(Clone)]
pub struct Columns {
    ring: Arc<Mutex<rtrb::Consumer<Column>>>,
    is_editor_open: Arc<AtomicBool>,
}

impl Columns {
    /// Starts the flow of columns, and drops old columns left in the ring.
    pub fn open(&self) {
        while self.pop().is_some() {}
        self.is_editor_open.store(true, Relaxed);
    }

    /// Stops the flow of columns.
    pub fn close(&self) {
        self.is_editor_open.store(false, Relaxed);
    }

    /// The next column, if there is one.
    pub fn pop(&self) -> Option<Column> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).pop().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_arrive_in_order_only_what_is_shown_after_opening_and_never_more_than_fit() {
        let (mut sender, columns) = watch();
        let column = |seconds: f32| Column { seconds, ..Column::default() };
        assert!(!sender.is_editor_open());
        sender.send(&column(0.0));
        columns.open();
        assert!(sender.is_editor_open() && columns.pop().is_none());
        (1..=RING_COLUMNS + 9).for_each(|n| sender.send(&column(n as f32)));
        let seen: Vec<f32> = std::iter::from_fn(|| columns.pop()).map(|column| column.seconds).collect();
        assert_eq!(seen, (1..=RING_COLUMNS).map(|n| n as f32).collect::<Vec<_>>());
        columns.close();
        assert!(!sender.is_editor_open());
    }
}
