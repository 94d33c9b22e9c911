//! Shares the work of learning among threads, in batches that do not depend on the number of threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use thread_priority::{ThreadPriority, set_current_thread_priority};

use super::progress::{Cancelled, Poll};

/// Multiply-adds of one batch, after which the caller polls: a millisecond or two, and less than a tenth of a second without
/// any vector unit.
const BATCH_COST: usize = 25_000_000;

/// The number of threads that may work. Clones share the number, which may change at any time.
#[derive(Clone, Debug)]
pub struct Threads {
    allowed: Arc<AtomicUsize>,
    priority: Priority,
}

/// Threads, and the poll that can cancel their work.
pub struct Workers<'a> {
    /// The threads that share the work.
    pub threads: &'a Threads,
    /// Asks whether to continue.
    pub poll: Poll<'a>,
}

impl Workers<'_> {
    /// See [`Threads::run`].
    ///
    /// # Errors
    /// The poll asked to stop.
    pub fn run<T: Send>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        cost: usize,
        work: impl Fn(Vec<T>) + Sync,
    ) -> Result<(), Cancelled> {
        self.threads.run(items, cost, self.poll, work)
    }
}

/// The priority of helper threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The same as other threads.
    Normal,
    /// The lowest: they run when nothing else does.
    Low,
}

impl Threads {
    /// At most `count` threads, including the caller's.
    pub fn new(count: usize, priority: Priority) -> Self {
        Self { allowed: Arc::new(AtomicUsize::new(count)), priority }
    }

    /// As many as the machine has cores.
    pub fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// At most `count` threads from now on: running work follows within milliseconds.
    pub fn allow(&self, count: usize) {
        self.allowed.store(count, Relaxed);
    }

    /// Calls `work` on batches of neighbouring `items`, each of about `cost` multiply-adds, on whichever thread is free. An
    /// item's result must not depend on its batch. Polls every few milliseconds.
    ///
    /// # Errors
    /// The poll asked to stop: some items were not worked on.
    pub fn run<T: Send>(
        &self,
        items: impl IntoIterator<Item = T>,
        cost: usize,
        poll: Poll<'_>,
        work: impl Fn(Vec<T>) + Sync,
    ) -> Result<(), Cancelled> {
        let items: Vec<T> = items.into_iter().collect();
        let (batch_len, batches) = ((BATCH_COST / cost.max(1)).max(1), items.len() * cost / BATCH_COST);
        let left = Mutex::new(items.into_iter());
        let take = || -> Option<Vec<T>> {
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            Some(left.by_ref().take(batch_len).collect()).filter(|batch: &Vec<T>| !batch.is_empty())
        };
        let is_stopped = AtomicBool::new(false);
        thread::scope(|scope| {
            for helper in 1..self.allowed.load(Relaxed).min(batches) {
                let (work, take, is_stopped) = (&work, &take, &is_stopped);
                scope.spawn(move || {
                    if self.priority == Priority::Low {
                        lower_priority();
                    }
                    while !is_stopped.load(Relaxed) && helper < self.allowed.load(Relaxed) {
                        let Some(batch) = take() else { break };
                        work(batch);
                    }
                });
            }
            while let Some(batch) = take() {
                work(batch);
                poll().inspect_err(|_| is_stopped.store(true, Relaxed))?;
            }
            Ok(())
        })
    }
}

impl Default for Threads {
    /// The caller's thread alone.
    fn default() -> Self {
        Self::new(1, Priority::Normal)
    }
}

/// Lowers this thread's priority as far as the OS allows, for good.
pub fn lower_priority() {
    // If the OS does not allow it, the priority stays as it is.
    let _ = set_current_thread_priority(ThreadPriority::Min);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_whatever_the_number_of_threads() {
        for (threads, items, cost) in
            [(1, 10, 1), (4, 10, BATCH_COST), (3, 100, BATCH_COST / 4), (16, 2, BATCH_COST), (0, 5, 0)]
        {
            let mut found = vec![0; items];
            let mut polls = 0;
            let mut poll = || {
                polls += 1;
                Ok(())
            };
            let all = found.iter_mut().enumerate();
            let add = |batch: Vec<(usize, &mut usize)>| batch.into_iter().for_each(|(n, found)| *found += n + 1);
            Threads::new(threads, Priority::Low).run(all, cost, &mut poll, add).unwrap();
            assert!(found.iter().enumerate().all(|(n, found)| *found == n + 1), "{threads} {found:?}");
            assert!(polls <= items.div_ceil((BATCH_COST / cost.max(1)).max(1)), "{polls}");
        }
    }

    /// The threads that worked on 40 batches, by the batches' order.
    fn workers(threads: &Threads, poll: Poll<'_>) -> (Result<(), Cancelled>, Vec<thread::ThreadId>) {
        let (seen, all) = std::sync::mpsc::channel();
        let work = |_: Vec<usize>| {
            thread::sleep(std::time::Duration::from_millis(2));
            seen.send(thread::current().id()).unwrap();
        };
        let ended = threads.run(0..40, BATCH_COST, poll, work);
        (ended, all.try_iter().collect())
    }

    #[test]
    fn no_more_threads_than_allowed_take_part_and_the_callers_is_one() {
        for allowed in [1, 2, 3] {
            let mut polls = 0;
            let mut poll = || {
                polls += 1;
                Ok(())
            };
            let (ended, mut workers) = workers(&Threads::new(allowed, Priority::Normal), &mut poll);
            assert_eq!((ended, workers.len()), (Ok(()), 40));
            assert_eq!(workers.iter().filter(|&&worker| worker == thread::current().id()).count(), polls);
            workers.sort_by_key(|worker| format!("{worker:?}"));
            workers.dedup();
            assert!(workers.len() <= allowed && (allowed == 1 || workers.len() > 1), "{allowed} {workers:?}");
        }
    }

    #[test]
    fn a_stop_leaves_the_remaining_items_and_a_lower_thread_limit_applies_at_once() {
        let threads = Threads::new(4, Priority::Normal);
        let (stopped, stopped_workers) = workers(&threads, &mut || Err(Cancelled));
        // One batch per thread, and perhaps one more of threads that had not seen the stop yet.
        assert!(stopped == Err(Cancelled) && stopped_workers.len() < 10, "{stopped_workers:?}");
        let mut poll = || {
            threads.allow(1);
            Ok(())
        };
        let (_, workers) = workers(&threads, &mut poll);
        assert!(workers[10..].iter().all(|&worker| worker == thread::current().id()), "{workers:?}");
    }
}
