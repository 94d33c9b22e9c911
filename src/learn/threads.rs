//! How many threads learn, and how they share the work: by parts that do not depend on how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use thread_priority::{ThreadPriority, set_current_thread_priority};

use super::progress::{Cancelled, Poll};

/// Multiply-adds of one thread between two polls: a few milliseconds, and a tenth of a second without any vector unit.
const POLL_COST: usize = 50_000_000;
/// Multiply-adds below which a thread of its own costs more than it saves: some 200 µs.
const LEAST_COST: usize = 4_000_000;

/// How many threads may learn. Clones share the number, which may change at any time.
#[derive(Clone, Debug)]
pub struct Threads {
    allowed: Arc<AtomicUsize>,
    priority: Priority,
}

/// Threads, and the question whether to go on.
pub struct Sharing<'a> {
    /// Which threads share the work.
    pub threads: &'a Threads,
    /// Asks whether to go on.
    pub poll: Poll<'a>,
}

impl Sharing<'_> {
    /// See [`Threads::share`].
    ///
    /// # Errors
    /// The poll said stop.
    pub fn share<T: Send>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        cost: usize,
        work: impl Fn(Vec<T>) + Sync,
    ) -> Result<(), Cancelled> {
        self.threads.share(items, cost, self.poll, work)
    }
}

/// How urgent a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// As urgent as any.
    Normal,
    /// It waits for whoever else wants the processor.
    Low,
}

impl Threads {
    /// At most `count` threads, the caller's own among them.
    pub fn new(count: usize, priority: Priority) -> Self {
        Self { allowed: Arc::new(AtomicUsize::new(count)), priority }
    }

    /// As many as the machine has cores.
    pub fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// At most `count` threads from now on: what runs keeps to it within milliseconds.
    pub fn allow(&self, count: usize) {
        self.allowed.store(count, Relaxed);
    }

    /// Works on all `items`, each of about `cost` multiply-adds, in parts of neighbours: one part after the other, or some
    /// at a time. No item's result may depend on its part. Polls every few milliseconds.
    ///
    /// # Errors
    /// The poll said stop: some items were not worked on.
    pub fn share<T: Send>(
        &self,
        items: impl IntoIterator<Item = T>,
        cost: usize,
        poll: Poll<'_>,
        work: impl Fn(Vec<T>) + Sync,
    ) -> Result<(), Cancelled> {
        let mut items = items.into_iter().peekable();
        let most = (POLL_COST / cost.max(1)).max(1);
        while items.peek().is_some() {
            let bite: Vec<T> = items.by_ref().take(most * self.allowed.load(Relaxed).max(1)).collect();
            self.work(bite, cost, &work);
            poll()?;
        }
        Ok(())
    }

    fn work<T: Send>(&self, items: Vec<T>, cost: usize, work: &(impl Fn(Vec<T>) + Sync)) {
        let worth = items.len() * cost / LEAST_COST;
        let parts = self.allowed.load(Relaxed).min(worth).clamp(1, items.len().max(1));
        let mut left = items;
        thread::scope(|scope| {
            for part in (1..parts).rev() {
                let own = left.split_off(left.len() * part / (part + 1));
                scope.spawn(move || {
                    if self.priority == Priority::Low {
                        lower_priority();
                    }
                    work(own);
                });
            }
            work(left);
        });
    }
}

impl Default for Threads {
    /// The caller's thread alone.
    fn default() -> Self {
        Self::new(1, Priority::Normal)
    }
}

/// Lets every other thread go before this one, where the system can; it is never raised.
pub fn lower_priority() {
    // Where it cannot be lowered, it stays as it is.
    let _ = set_current_thread_priority(ThreadPriority::Min);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_whatever_the_number_of_threads() {
        for (threads, items, cost) in
            [(1, 10, 1), (4, 10, LEAST_COST), (3, 100, POLL_COST), (16, 2, POLL_COST), (0, 5, 0)]
        {
            let mut found = vec![0; items];
            let mut polls = 0;
            let mut poll = || {
                polls += 1;
                Ok(())
            };
            let all = found.iter_mut().enumerate();
            let add = |part: Vec<(usize, &mut usize)>| part.into_iter().for_each(|(n, found)| *found += n + 1);
            Threads::new(threads, Priority::Low).share(all, cost, &mut poll, add).unwrap();
            assert!(found.iter().enumerate().all(|(n, found)| *found == n + 1), "{threads} {found:?}");
            assert_eq!(polls, if cost == POLL_COST { items.div_ceil(threads) } else { 1 });
        }
    }

    #[test]
    fn the_word_to_stop_leaves_the_rest_and_fewer_threads_are_kept_to_at_once() {
        let threads = Threads::new(4, Priority::Normal);
        let mut parts = Vec::new();
        let seen = std::sync::mpsc::channel();
        let mut poll = || {
            threads.allow(1);
            parts.push(seen.1.try_iter().count());
            if parts.len() < 3 { Ok(()) } else { Err(Cancelled) }
        };
        let stopped = threads.share(0..100, POLL_COST, &mut poll, |part| seen.0.send(part.len()).unwrap());
        assert_eq!((stopped, parts), (Err(Cancelled), vec![4, 1, 1]));
    }
    #[test]
    fn no_more_threads_than_allowed_share_what_is_done_between_two_polls() {
        for (threads, parts) in [(1, vec![12, 12]), (2, vec![12, 12])] {
            let seen = std::sync::mpsc::channel();
            let threads = Threads::new(threads, Priority::Normal);
            let work = |part: Vec<usize>| seen.0.send(part.len()).unwrap();
            threads.share(0..24, LEAST_COST, &mut || Ok(()), work).unwrap();
            assert_eq!(seen.1.try_iter().collect::<Vec<_>>(), parts, "{threads:?}");
        }
    }
}
