//! Work that is shared out among the processors, for folders of eight hours.
//!
//! Journals do not depend on each other, and neither do the signatures in them.
//! Rejected: a thread for each piece (smoothing has thirty, of which all but two wait
//! for a processor, and each brings memory of its own).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diptych_protocol::join::Join;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::progress::LOOK;

/// What `work` makes of each item, in their order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    items.par_iter().map(&work).collect()
}

/// Two pieces of work: whichever processor is idle takes the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared;

impl Join for Shared {
    fn join<A, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        rayon::join(one, other)
    }
}

/// The place of the first item that is `wanted`. `seen` is told how many were
/// looked at, now and then, on the thread that called.
pub(crate) fn first<T: Sync>(
    items: &[T],
    wanted: impl Fn(&T) -> bool + Sync,
    mut seen: impl FnMut(usize),
) -> Option<usize> {
    let (looked, waiting) = (AtomicUsize::new(0), thread::current());
    let is_wanted = |item: &T| {
        looked.fetch_add(1, Ordering::Relaxed);
        wanted(item)
    };
    thread::scope(|scope| {
        let search = scope.spawn(|| {
            let found = items.par_iter().position_first(is_wanted);
            waiting.unpark();
            found
        });
        while !search.is_finished() {
            seen(looked.load(Ordering::Relaxed));
            thread::park_timeout(LOOK);
        }
        search.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_hands_make_keeps_its_place() {
        let halves = |of: u64| Shared.join(|| of / 2, || of.div_ceil(2));
        assert_eq!(Shared.join(|| halves(7), || halves(9)), ((3, 4), (4, 5)));
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
