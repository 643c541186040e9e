//! Everything at once, two hundred times.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use diptych_tests::world::Scenario;

use crate::run;

const SEEDS: u64 = 200;
/// Of answering, each. The long run is `--bin sim -- --storms 10000`.
const MINUTES: i64 = 10;

#[test]
fn no_storm_breaks_a_promise() {
    let next = AtomicU64::new(1);
    let broken = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > SEEDS {
                return;
            }
            let outcome = run(Scenario::storm(seed, MINUTES));
            if !outcome.failures.is_empty() || !outcome.ended {
                broken.lock().unwrap().push((seed, outcome.failures));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let broken = broken.into_inner().unwrap();
    let again = "cargo run -p diptych-tests --bin sim -- --verbose --seed";
    assert!(broken.is_empty(), "see each with `{again} N`: {broken:#?}");
}
