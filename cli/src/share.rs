//! Work that is shared out among the processors, for folders of eight hours.
//!
//! Journals do not depend on each other, and neither do the signatures in them.
//! Threads end with the call: there is no pool to configure or to shut down.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diptych_protocol::join::Join;

use crate::progress::LOOK;

/// Processors that work is shared among.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What `work` makes of each item, in their order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..processors().min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = taken(&next, items) {
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Two pieces of work, each on a thread of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads;

impl Join for Threads {
    fn join<A, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        thread::scope(|scope| {
            let other = scope.spawn(other);
            let one = one();
            match other.join() {
                Ok(other) => (one, other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

/// The place of the first item that is `wanted`. `seen` is told how many were
/// looked at, now and then, on the thread that called.
pub(crate) fn first<T: Sync>(
    items: &[T],
    wanted: impl Fn(&T) -> bool + Sync,
    mut seen: impl FnMut(usize),
) -> Option<usize> {
    let workers = processors().min(items.len());
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let (at_work, waiting) = (AtomicUsize::new(workers), thread::current());
    let search = || {
        while let Some((index, item)) = taken(&next, items) {
            // What comes after one that was found cannot be the first.
            if index > found.load(Ordering::Relaxed) {
                break;
            }
            if wanted(item) {
                found.fetch_min(index, Ordering::Relaxed);
            }
        }
        at_work.fetch_sub(1, Ordering::Release);
        waiting.unpark();
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(search);
        }
        while at_work.load(Ordering::Acquire) > 0 {
            seen(next.load(Ordering::Relaxed).min(items.len()));
            thread::park_timeout(LOOK);
        }
    });
    let found = found.into_inner();
    (found < items.len()).then_some(found)
}

/// The next item that nobody has taken.
fn taken<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_threads_make_keeps_its_place() {
        let both = Threads.join(|| thread::current().id(), || thread::current().id());
        assert_eq!(both.0, thread::current().id());
        assert_ne!(both.1, both.0);
    }

    #[test]
    fn results_keep_the_order_of_their_items() {
        let items: Vec<u64> = (0..1_000).collect();
        let squares: Vec<u64> = items.iter().map(|n| n * n).collect();
        assert_eq!(each(&items, |n| n * n), squares);
        assert!(each(&items[..0], |n| n * n).is_empty());
    }

    #[test]
    fn the_first_of_several_is_found_whoever_finds_which() {
        let items: Vec<u64> = (0..1_000).collect();
        for wanted in [0, 1, 498, 999] {
            let found = first(&items, |n| *n >= wanted && n % 3 == wanted % 3, |_| {});
            assert_eq!(found, usize::try_from(wanted).ok());
        }
        assert_eq!(first(&items, |n| *n > 999, |_| {}), None);
    }
}
