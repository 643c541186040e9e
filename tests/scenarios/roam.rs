//! Devices change networks.

use diptych_protocol::policy::Verdict;
use diptych_protocol::time::Span;
use diptych_tests::world::{Scenario, What};

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
