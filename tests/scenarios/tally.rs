//! What the examinee reads is what will count, whoever crashed meanwhile.

use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_tests::world::{ANSWERING, Said, Scenario, Told, What};

use crate::{assert_verdict, run, s};

/// What was read last and what the report says are the same.
fn assert_count(exam: Scenario, count: u32) {
    let outcome = run(exam).check();
    assert_verdict(&outcome, Verdict::Pass, count);
    let last = outcome.told.iter().rev().find_map(|(_, _, told)| match told {
        Told::Primary(Event::Tally(tally)) => Some((tally.confirmed, tally.pending)),
        Told::Primary(_) | Told::Assistant(_) => None,
    });
    assert_eq!(last, Some((count, 0)), "{}", outcome.story());
}

#[test]
fn an_assistant_that_lost_power_without_a_link_recorded_until_then() {
    // [POLICY-26]: its camera and the primary's are gone together, once.
    let at = ANSWERING + s(60);
    let exam = Scenario::exam(60, 1, 5)
        .with(at, What::Outage { who: 1, lasting: s(90) })
        .with(at + s(14), What::CameraOff { who: 0, lasting: s(20), said: Said::Nothing })
        .with(at + s(14), What::PowerLoss { who: 1, lasting: s(20) });
    assert_count(exam, 1);
}

#[test]
fn a_primary_that_crashed_knows_what_it_had_counted() {
    // [POLICY-27]
    let at = ANSWERING + s(40);
    let exam = Scenario::exam(37, 1, 5)
        .with(at, What::ScreenLeft { lasting: s(7) })
        .with(at + s(40), What::Kill { who: 0, lasting: s(20) });
    assert_count(exam, 2);
}

#[test]
fn both_devices_crash_at_once() {
    // [POLICY-26]
    let at = ANSWERING + s(70);
    for (seed, assistant) in [
        (10, What::PowerLoss { who: 1, lasting: s(13) }),
        (11, What::Kill { who: 1, lasting: s(13) }),
    ] {
        let primary = What::Kill { who: 0, lasting: s(13) };
        let exam = Scenario::exam(seed, 1, 5).with(at, primary).with(at, assistant);
        assert_count(exam, 1);
    }
}
