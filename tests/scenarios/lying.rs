//! Disks that tear, reorder, lie and fill up, at every write and at every sync.
//!
//! The oracle is the world: it knows what every camera filmed, and judges that with
//! no journal at all. After each failure the app starts again, the session goes on to
//! its end, and the report from what is left has to say what the oracle says. Where a
//! disk lied about what is durable, no journal can be as good as that: then the report
//! must not *claim* to be, and says so with its flags.
//!
//! Every one of thousands of operations is tried with `DIPTYCH_EVERY=1`; the usual
//! run tries each of them in turn, some at a time.

use diptych_protocol::ledger::Flag;
use diptych_protocol::policy::Verdict;
use diptych_tests::world::{Failure, Outcome, Scenario, What};

use crate::{run, s};

/// How far apart the operations are that a usual run tries.
const EVERY: usize = 149;
/// More than a device of this exam carries out.
const OPERATIONS: u64 = 1_200;

fn exam(who: usize, operation: u64, how: Failure) -> Outcome {
    let fails = What::Fails { who, operation, how, lasting: s(6) };
    run(Scenario::exam(operation, 1, 1).with(s(0), fails))
}

/// The operations that are tried: other ones for each device and way.
fn operations(offset: u64) -> impl Iterator<Item = u64> {
    let every = std::env::var("DIPTYCH_EVERY").ok().and_then(|text| text.parse().ok());
    (offset..OPERATIONS).step_by(every.unwrap_or(EVERY))
}

/// Whether it is a matter of seconds if the cameras were proven in time, or if what is
/// left of the session is long enough to be lost.
fn is_near_an_edge(outcome: &Outcome) -> bool {
    let died = outcome.trace.iter().find(|line| line.ends_with(": dies"));
    let at = died.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    at.is_some_and(|at| (45.0..70.0).contains(&at) || at > 115.0)
}

#[test]
fn a_write_that_tears_and_sectors_without_order_cost_a_tail_and_no_truth() {
    for (offset, how) in [(3, Failure::Torn), (50, Failure::Reordered)] {
        for who in [0, 1] {
            for operation in operations(offset + 20 * who as u64) {
                let outcome = exam(who, operation, how);
                if is_near_an_edge(&outcome) {
                    continue;
                }
                assert!(outcome.failures.is_empty(), "{who} {operation}: {}", outcome.story());
                let Some(report) = outcome.report.as_ref() else { continue };
                let found = (report.judgement.verdict, report.judgement.count_max);
                let truth = (outcome.truth.verdict, outcome.truth.count);
                assert_eq!(found, truth, "{who} {operation} {how:?}: {}", outcome.story());
            }
        }
    }
}

#[test]
fn a_disk_that_lies_makes_no_report_that_is_wrong_and_looks_right() {
    let mut warnings = 0;
    for who in [0, 1] {
        for operation in operations(31 + 20 * who as u64) {
            let outcome = exam(who, operation, Failure::LostSync);
            if is_near_an_edge(&outcome) {
                continue;
            }
            let Some(report) = outcome.report.as_ref() else { continue };
            let said = report.judgement.verdict;
            let warned = [Flag::Tamper, Flag::EvidenceGap].iter().any(|f| report.flags.contains(f));
            warnings += u32::from(warned);
            let right =
                said == outcome.truth.verdict && report.judgement.count_max == outcome.truth.count;
            let careful = warned || said == Verdict::Undetermined || said == Verdict::NotReady;
            assert!(
                right || careful,
                "{who} {operation}: {said} {:?}, {:?}; {}",
                report.flags,
                outcome.truth,
                outcome.story()
            );
        }
    }
    assert!(warnings > 0, "no lie was noticed");
}

#[test]
fn a_disk_that_fills_up_at_any_write_is_told_and_nothing_more_is_claimed() {
    // [SESSION-2]; claims are held against the disk by the world.
    for who in [0, 1] {
        for operation in operations(11 + 20 * who as u64) {
            let outcome = exam(who, operation, Failure::Full);
            assert!(outcome.failures.is_empty(), "{who} {operation}: {}", outcome.story());
        }
    }
}
