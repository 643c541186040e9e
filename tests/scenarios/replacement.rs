//! A phone dies for good, and another takes its place.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::ledger::Flag;
use diptych_protocol::secondary::{Ending, Event};
use diptych_tests::world::{Outcome, Scenario, What};

use crate::{run, s};

fn replaced(former: What) -> Outcome {
    let exam = Scenario::exam(1, 1, 5).with_device().with(s(100), former);
    run(exam.with(s(120), What::Open { seat: 1 }).with(s(121), What::Scan { who: 2, seat: 1 }))
}

#[test]
fn a_new_device_records_in_the_seat_of_a_dead_one() {
    // [SESSION-23]
    let outcome = replaced(What::Gone { who: 1 }).check_law();
    assert!(outcome.over[0] && outcome.over[2]);
    let report = outcome.report.as_ref().unwrap();
    assert!(report.flags.contains(&Flag::DeviceReplaced));
    assert_eq!(report.judgement.count_max, 1);
    assert_eq!(report.judgement.verdict, outcome.truth.verdict);
}

#[test]
fn the_former_device_is_told_when_it_comes_back() {
    // [SESSION-23] [SESSION-24]
    let outcome = replaced(What::Kill { who: 1, lasting: s(80) }).check();
    let removed = |event: &Event| {
        matches!(event, Event::Finished(Ending::Removed(CloseCode::Replaced | CloseCode::Revoked)))
    };
    assert!(outcome.assistant_told(1, removed), "{}", outcome.story());
}

#[test]
fn a_removed_device_stops_and_is_not_let_in_again() {
    // [SESSION-24]
    let exam = Scenario::exam(2, 2, 3).with(s(100), What::Remove { seat: 2 });
    let outcome = run(exam).check_law();
    let removed =
        |event: &Event| matches!(event, Event::Finished(Ending::Removed(CloseCode::Revoked)));
    assert!(outcome.assistant_told(2, removed));
    assert!(outcome.over[0] && outcome.over[1]);
}
