//! The data are complete, and the guarantee holds in all of them.

use diptych_protocol::clock::{Constraint, Estimator};
use diptych_protocol::time::{Instant, Primary};

use super::*;
use crate::channel::{Channel, Direction};
use crate::oscillator::Oscillator;

#[test]
fn names_are_unique_and_found_in_any_case() {
    let all = Scenario::all();
    for scenario in &all {
        let found = Scenario::named(&scenario.name.to_lowercase()).unwrap();
        assert_eq!(&found, scenario);
    }
    assert_eq!(Scenario::named("S12"), None);
}

#[test]
fn mixtures_are_complete() {
    for scenario in Scenario::all() {
        for leg in [&scenario.conditions.forward, &scenario.conditions.backward] {
            let sum: f64 = leg.excess.iter().map(|(weight, _)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{}: {sum}", scenario.name);
        }
    }
}

/// Two minutes of each scenario, a question every 200 ms: what the estimator
/// guarantees contains the simulated truth, inside the data and beyond.
#[test]
fn the_guaranteed_interval_contains_the_truth_in_every_scenario() {
    let start = Instant::<Primary>::from_nanos(3_600_000_000_000);
    let lasting = s(120);
    for scenario in Scenario::all() {
        for seed in [1, FIRST_VARIED_SEED] {
            let scenario = scenario.clone().for_seed(seed);
            let clock = Oscillator::new(seed, &scenario.wander, &scenario.upsets, start, lasting);
            let mut channel = Channel::new(seed, scenario.conditions, start, lasting);
            let mut estimator = Estimator::new();
            let mut checked = 0;
            for tick in 0..600 {
                let sent = start + ms(200).times(tick);
                let Some(there) = channel.carry(Direction::Forward, sent) else { continue };
                let received = clock.reading(there);
                estimator.observe(Constraint::Forward { sent, received });
                if let Some(back) = channel.carry(Direction::Backward, there + us(50)) {
                    let sent = clock.reading(there + us(50));
                    estimator.observe(Constraint::Backward { sent, received: back });
                }
                for ahead in [Span::ZERO, ms(100), s(10)] {
                    let at = sent + ahead;
                    let Some(interval) = estimator.interval(at) else { continue };
                    let truth = clock.offset(at);
                    checked += 1;
                    assert!(
                        interval.contains(truth),
                        "{} seed {seed} at {at:?}: {truth} is not in {interval:?}",
                        scenario.name
                    );
                }
            }
            assert!(checked > 1_000, "{}: only {checked} instants", scenario.name);
        }
    }
}

#[test]
fn only_untouched_seeds_vary_the_figures() {
    for scenario in Scenario::all() {
        assert_eq!(scenario.clone().for_seed(1_000), scenario);
        let varied = scenario.clone().for_seed(FIRST_VARIED_SEED);
        assert_ne!(varied.conditions, scenario.conditions, "{}", scenario.name);
        assert_eq!(varied.unknowable, scenario.unknowable);
    }
}
