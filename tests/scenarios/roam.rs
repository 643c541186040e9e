//! Devices change networks.

use diptych_protocol::liveness::LinkState;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::time::Span;
use diptych_tests::world::{Scenario, Told, What};

use crate::{assert_verdict, run, s};

#[test]
fn an_assistant_that_moves_keeps_its_connection() {
    let exam = Scenario::exam(1, 1, 3).with(s(100), What::Move { who: 1 });
    let outcome = run(exam).check();
    assert_verdict(&outcome, Verdict::Pass, 0);
    assert!(outcome.resumes.iter().all(|span| *span < Span::from_secs(1)));
}

#[test]
fn a_primary_that_moves_is_found_by_its_name() {
    // [SESSION-26]
    for seed in 1..6 {
        let mut exam = Scenario::exam(seed, 2, 4);
        for n in 0..3 {
            exam = exam.with(s(80 + 50 * n), What::Move { who: 0 });
        }
        assert_verdict(&run(exam).check(), Verdict::Pass, 0);
    }
}

#[test]
fn a_primary_that_moves_is_found_before_its_link_is_late() {
    // [SESSION-26] [SESSION-27]
    for seed in 1..6 {
        let exam = Scenario { verbose: true, ..Scenario::exam(seed, 2, 3) };
        let exam = exam.with(s(100), What::Move { who: 0 });
        let outcome = run(exam).check();
        assert_verdict(&outcome, Verdict::Pass, 0);
        let before_the_end = s(200).nanos();
        let late = outcome.told.iter().any(|(at, _, told)| match told {
            Told::Primary(Event::Link { state, .. }) => {
                *at < before_the_end && *state > LinkState::CatchingUp
            }
            Told::Primary(_) | Told::Assistant(_) => false,
        });
        assert!(!late, "{}", outcome.story());
        let connected = |line: &&String| line.contains(": connected to 0, Resume");
        assert!(outcome.trace.iter().filter(connected).count() >= 2, "{}", outcome.story());
    }
}
