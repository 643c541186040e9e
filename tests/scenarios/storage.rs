//! No space is left.

use diptych_protocol::ledger::Cause;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary;
use diptych_protocol::secondary;
use diptych_tests::world::{Scenario, What};

use crate::{assert_verdict, run, s};

#[test]
fn an_assistant_without_space_says_so_and_claims_nothing_more() {
    // [SESSION-2]; that nothing more is claimed is checked by the world.
    for seed in 1..6 {
        let full = What::DiskFull { who: 1 };
        let outcome = run(Scenario::exam(seed, 1, 3).with(s(120), full)).check_law();
        assert!(outcome.assistant_told(1, |e| *e == secondary::Event::StorageFailed));
        assert!(outcome.over[0], "{}", outcome.story());
    }
}

#[test]
fn a_primary_without_space_says_so_and_claims_nothing_more() {
    // [SESSION-2]
    for seed in 1..6 {
        let full = What::DiskFull { who: 0 };
        let outcome = run(Scenario::exam(seed, 1, 3).with(s(120), full)).check_law();
        assert!(outcome.primary_told(|e| *e == primary::Event::StorageFailed));
    }
}

/// A device that is connected anew while it cannot write is not: what it would say
/// then it could not remember, and the next time it would look like a copy of itself.
#[test]
fn a_device_that_has_room_again_goes_on_without_a_code() {
    // [SESSION-2] [SESSION-20] [LEDGER-19]
    for seed in 1..9 {
        for who in [0, 1] {
            let full = What::NoRoom { who, lasting: s(70) };
            let away = What::Outage { who: 1, lasting: s(40) };
            let exam = Scenario::exam(seed, 1, 4).with(s(120), full).with(s(122), away);
            let outcome = run(exam).check();
            assert!(outcome.ended, "{}", outcome.story());
            assert_verdict(&outcome, Verdict::Pass, 1);
            let report = outcome.report.as_ref().unwrap();
            let causes: Vec<Cause> =
                report.judgement.interruptions.iter().map(|one| one.cause).collect();
            assert_eq!(causes, [Cause::StorageFull], "{}", outcome.story());
        }
    }
}
