//! Many seeds at once, told of in their order.
//!
//! A simulated session is one thread's work and shares nothing, so as many run as there
//! are processors; who reads what failed compares two runs, and so the order is that of the
//! seeds. Rejected: to collect all outcomes first (ten thousand sessions keep gigabytes of
//! journals, and nobody hears of the first failure before the last session is over).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Outcomes that wait for an earlier one, for each processor.
const AHEAD: usize = 4;

/// Runs every seed, and hands what came of each to `heed`, the lowest first.
pub fn in_order<T: Send>(
    seeds: Range<u64>,
    run: impl Fn(u64) -> T + Sync,
    mut heed: impl FnMut(u64, T),
) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let (done, outcomes) = sync_channel(processors * AHEAD);
    let work = &|done: SyncSender<_>| {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || done.send((seed, run(seed))).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..processors {
            let done = done.clone();
            scope.spawn(move || work(done));
        }
        drop(done);
        let (mut early, mut due) = (BTreeMap::new(), seeds.start);
        for (seed, outcome) in outcomes {
            early.insert(seed, outcome);
            while let Some(outcome) = early.remove(&due) {
                heed(due, outcome);
                due += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_run_once_and_told_of_in_its_order() {
        let mut told = Vec::new();
        let uneven = |seed: u64| (0..seed % 7 * 1_000).fold(seed, |sum, n| sum.wrapping_add(n % 2));
        in_order(5..200, uneven, |seed, sum| told.push((seed, sum)));
        let expected: Vec<_> = (5..200).map(|seed| (seed, uneven(seed))).collect();
        assert_eq!(told, expected);
        in_order(9..9, uneven, |_, _| panic!("no seed"));
    }
}
