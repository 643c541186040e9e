//! Apps are killed, at any instant, and start again.

use diptych_protocol::time::Span;
use diptych_tests::world::{Scenario, What};

use crate::{run, s};

fn kill(who: usize, seconds: i64) -> What {
    What::Kill { who, lasting: s(seconds) }
}

#[test]
fn whoever_is_killed_comes_back_without_a_scan_and_the_report_is_true() {
    for seed in 0..60_i64 {
        // Any instant: also while pairing, beginning and ending.
        let at = Span::from_millis(1_500 + seed * 4_111);
        let near_limit = (s(50)..s(70)).contains(&at);
        if near_limit {
            continue;
        }
        let exam = Scenario::exam(seed.unsigned_abs(), 1, 3);
        let killed = match seed % 3 {
            0 => exam.with(at, kill(0, 6)),
            1 => exam.with(at, kill(1, 6)),
            _ => exam.with(at, kill(0, 7)).with(at, kill(1, 5)),
        };
        _ = run(killed).check();
    }
}

#[test]
fn a_killed_assistant_records_again_before_anybody_is_heard() {
    // [SESSION-22]
    let outage = What::Outage { who: 1, lasting: s(60) };
    let exam = Scenario::exam(3, 1, 3).with(s(95), outage).with(s(100), kill(1, 5));
    let outcome = run(exam).check();
    let longest = outcome.report.as_ref().unwrap().longest().unwrap();
    assert!(longest < s(8), "{longest}: it waited for the primary");
}

#[test]
fn a_primary_killed_while_it_ends_goes_on_ending() {
    // [SESSION-25] [SESSION-30]
    for seed in 0..24_u64 {
        let exam = Scenario::exam(seed, 1, 2);
        let after = Span::from_millis(1_000 + 3 * i64::from(u8::try_from(seed).unwrap()));
        let at = exam.end() + after;
        _ = run(exam.with(at, kill(0, 3))).check();
    }
}
