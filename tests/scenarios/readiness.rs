//! Cameras that do not run when the waiting window closes.

use diptych_protocol::identity::Role;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_tests::world::{Scenario, What};

use crate::{run, s};

#[test]
fn cameras_started_after_the_window_are_not_ready() {
    // [SESSION-7]
    let mut exam = Scenario::exam(1, 1, 3);
    for step in &mut exam.steps {
        if step.what == What::Begin {
            step.at = s(70);
        }
    }
    let outcome = run(exam).check();
    let missing = vec![Role::PRIMARY, Role::new(1).unwrap()];
    assert!(outcome.primary_told(|event| *event == Event::NotReady { missing: missing.clone() }));
    assert_eq!(outcome.report.as_ref().unwrap().judgement.verdict, Verdict::NotReady);
}

#[test]
fn a_camera_that_is_out_of_reach_then_is_named_and_the_report_knows_better() {
    let outage = What::Outage { who: 1, lasting: s(30) };
    let outcome = run(Scenario::exam(2, 1, 3).with(s(45), outage)).check();
    let missing = vec![Role::new(1).unwrap()];
    assert!(outcome.primary_told(|event| *event == Event::NotReady { missing: missing.clone() }));
    assert_eq!(outcome.report.as_ref().unwrap().judgement.verdict, Verdict::Pass);
}
