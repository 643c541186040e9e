//! Everything at once, two hundred times.

use diptych_tests::many::in_order;
use diptych_tests::world::Scenario;

use crate::run;

const SEEDS: u64 = 200;
/// Of answering, each. The long run is `--bin sim -- --storms 10000`.
const MINUTES: i64 = 60;

#[test]
fn no_storm_breaks_a_promise() {
    let mut broken = Vec::new();
    let storm = |seed| {
        let outcome = run(Scenario::storm(seed, MINUTES));
        (outcome.ended, outcome.failures)
    };
    in_order(1..SEEDS + 1, storm, |seed, (ended, failures)| {
        if !ended || !failures.is_empty() {
            broken.push((seed, failures));
        }
    });
    let again = "cargo run -p diptych-tests --bin sim -- --verbose --seed";
    assert!(broken.is_empty(), "see each with `{again} N`: {broken:#?}");
}
