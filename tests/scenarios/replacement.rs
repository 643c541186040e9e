//! A phone dies for good, and another takes its place.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, replay};
use diptych_protocol::ledger::Flag;
use diptych_protocol::machine::JournalName;
use diptych_protocol::primary;
use diptych_protocol::secondary::{Ending, Event};
use diptych_tests::world::{Failure, Outcome, Scenario, Told, What};

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

/// Holds the last fact of the journal that a device wrote itself to what it must be,
/// and its last seal to the whole of it.
fn assert_closed(outcome: &Outcome, who: usize, seat: u8, reason: u8) {
    let name = JournalName { role: Role::new(seat).unwrap(), device: 1 };
    let journal = replay(&outcome.journals[who][&name]).unwrap();
    let facts = journal.entries().iter().rev().map(|entry| &entry.fact);
    let last = facts.clone().find(|fact| !matches!(fact, Fact::Seal { .. }));
    assert_eq!(last, Some(&Fact::Finish { reason }), "{}", outcome.story());
    assert!(journal.closing_seals_hold(), "{}", outcome.story());
}

#[test]
fn the_former_device_is_told_when_it_comes_back() {
    // [SESSION-23] [SESSION-24] [FAULT-2]
    let outcome = replaced(What::Kill { who: 1, lasting: s(80) }).check();
    assert_closed(&outcome, 1, 1, 3);
    let removed = |event: &Event| {
        matches!(event, Event::Finished(Ending::Removed(CloseCode::Replaced | CloseCode::Revoked)))
    };
    assert!(outcome.assistant_told(1, removed), "{}", outcome.story());
}

#[test]
fn a_removed_device_stops_and_is_not_let_in_again() {
    // [SESSION-24] [FAULT-2]
    let exam = Scenario::exam(2, 2, 3).with(s(100), What::Remove { seat: 2 });
    let outcome = run(exam).check_law();
    let removed =
        |event: &Event| matches!(event, Event::Finished(Ending::Removed(CloseCode::Revoked)));
    assert!(outcome.assistant_told(2, removed));
    assert!(outcome.over[0] && outcome.over[1]);
}

/// An exam in which the assistant's disk lies from its `operation`-th one on, until the
/// power goes.
fn lying(operation: u64) -> Scenario {
    let how = Failure::LostSync;
    let fails = What::Fails { who: 1, operation, how, lasting: s(6) };
    Scenario::exam(4, 1, 3).with_device().with(s(0), fails)
}

/// How often the primary's host was told that the device cannot come back.
fn shut_out(outcome: &Outcome) -> usize {
    let told = |(_, _, told): &&(i64, usize, Told)| {
        let why = CloseCode::HistoryChanged;
        matches!(told, Told::Primary(primary::Event::CannotReturn { why: of, .. }) if *of == why)
    };
    outcome.told.iter().filter(told).count()
}

#[test]
fn a_phone_whose_storage_was_set_back_is_refused_and_another_takes_its_seat() {
    // [SESSION-39] [SESSION-23]: what is left of a lie may be all that anybody saw.
    let refused = |operation: &u64| shut_out(&run(lying(*operation))) == 1;
    let operation = (150..250).step_by(10).find(refused).unwrap();
    let killed = What::Kill { who: 0, lasting: s(4) };
    let exam = lying(operation).with(s(100), killed).with(s(120), What::Open { seat: 1 });
    let outcome = run(exam.with(s(121), What::Scan { who: 2, seat: 1 }));
    assert!(outcome.over[0] && outcome.over[2], "{}", outcome.story());
    assert_eq!(shut_out(&outcome), 2, "and again after a restart: {}", outcome.story());
    let removed = Event::Finished(Ending::Removed(CloseCode::HistoryChanged));
    assert!(outcome.assistant_told(1, |event| *event == removed), "{}", outcome.story());
    let report = outcome.report.as_ref().unwrap();
    for flag in [Flag::Tamper, Flag::DeviceReplaced] {
        assert!(report.flags.contains(&flag), "{flag:?}: {:?}", report.flags);
    }
    // The phone in the seat, and the primary's own death.
    assert_eq!(report.judgement.count_max, 2);
}

#[test]
fn no_number_is_given_twice_wherever_the_power_goes_while_a_device_is_paired() {
    // [SESSION-23]: a journal may be lost that its owner was already stored for.
    for operation in 1..40 {
        for (seed, how) in [(operation, Failure::Reordered), (operation + 40, Failure::Torn)] {
            let fails = What::Fails { who: 0, operation, how, lasting: s(2) };
            let exam = Scenario::exam(seed, 1, 1).with_device().with(s(0), fails);
            let exam = exam.with(s(70), What::Gone { who: 1 }).with(s(80), What::Open { seat: 1 });
            let outcome = run(exam.with(s(81), What::Scan { who: 2, seat: 1 })).check_law();
            assert!(outcome.over[0] && outcome.over[2], "{}", outcome.story());
            let flags = &outcome.report.as_ref().unwrap().flags;
            assert!(flags.contains(&Flag::DeviceReplaced), "{}", outcome.story());
            assert!(!flags.contains(&Flag::Tamper), "{}", outcome.story());
        }
    }
}
