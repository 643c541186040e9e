//! A proctor speaks while the session runs.

use diptych_protocol::journal::{Fact, replay};
use diptych_protocol::ledger::Cause;
use diptych_protocol::policy::{Decision, Excuse, Override, Statement, Verdict};
use diptych_protocol::primary::Event;
use diptych_protocol::report::{revise, statements};
use diptych_protocol::time::{Instant, Primary, Span};
use diptych_tests::world::{Outcome, Said, Scenario, Told, What, proctor};

use crate::{run, s};

/// The start of answering by the primary's clock, which nobody knows beforehand.
fn answering(seed: u64) -> Instant<Primary> {
    let report = run(Scenario::exam(seed, 1, 5)).check().report.unwrap();
    report.window.start
}

/// What the examinee was shown as confirmed, in order.
fn confirmed(outcome: &Outcome) -> Vec<u32> {
    let tally = |(_, _, told): &(i64, usize, Told)| {
        if let Told::Primary(Event::Tally(tally)) = told { Some(tally.confirmed) } else { None }
    };
    outcome.told.iter().filter_map(tally).collect()
}

#[test]
fn an_excuse_is_journalled_counts_at_once_and_survives_the_app() {
    // [SESSION-31] [POLICY-27] [REPORT-13] [REPORT-14]
    let start = answering(7);
    let excuse = Excuse { start: start + s(50), end: start + s(250) };
    let called = What::CameraOff { who: 1, lasting: s(150), said: Said::Cause(Cause::Call) };
    let exam = Scenario::exam(7, 1, 5).with(s(120), called);
    let excused = exam
        .with(s(300), What::Stated(Statement::Excuse(excuse)))
        .with(s(301), What::Stated(Statement::Excuse(excuse)))
        .with(s(310), What::Kill { who: 0, lasting: s(4) });
    let outcome = run(excused).check();
    let shown = confirmed(&outcome);
    // The call, nothing after the excuse, and then the app that was killed.
    assert!(shown.windows(2).any(|two| two == [1, 0]), "{shown:?}");
    assert_eq!(shown.last(), Some(&1), "{shown:?}");

    let files = outcome.journals[0].values();
    let journals: Vec<_> = files.map(|file| replay(file).unwrap()).collect();
    let kept = journals.iter().flat_map(|journal| journal.entries());
    let kept = kept.filter(|entry| matches!(entry.fact, Fact::Statement { .. })).count();
    assert_eq!(kept, 1, "said twice, and kept once");
    let proven: Vec<_> = statements(&journals, &[proctor()]).into_iter().flatten().collect();
    let report = revise(&journals, None, &proven).unwrap();
    assert_eq!((report.judgement.verdict, report.verdict()), (Verdict::Fail, Verdict::Pass));
    assert!(statements(&journals, &[]).iter().all(Result::is_err), "nobody is trusted unasked");
}

#[test]
fn an_excuse_is_in_session_time_whatever_clock_the_primary_has_by_now() {
    // [POLICY-27] [POLICY-33]: stated before its reboot, and after it.
    let start = answering(7);
    let excuse = Excuse { start: start + s(50), end: start + s(230) };
    let called = What::CameraOff { who: 1, lasting: s(150), said: Said::Cause(Cause::Call) };
    let exam = Scenario::exam(7, 1, 5)
        .with(s(120), called)
        .with(s(300), What::PowerLoss { who: 0, lasting: s(15) });
    for stated in [s(290), s(345)] {
        let excused = exam.clone().with(stated, What::Stated(Statement::Excuse(excuse)));
        let outcome = run(excused).check();
        let shown = confirmed(&outcome);
        // The call until it is excused, and the reboot.
        assert!(shown.contains(&1) && shown.last() == Some(&1), "{shown:?}");
        assert_eq!(shown.contains(&2), stated > s(300), "{shown:?}");
    }
}

#[test]
fn a_pause_runs_until_it_is_ended_and_a_decision_stands_beside_the_rules() {
    // [POLICY-31] [POLICY-32]
    let start = answering(9);
    let decided = Override { wall_ms: 1_767_225_600_000, decision: Decision::Fail };
    let called = What::CameraOff { who: 0, lasting: s(150), said: Said::Cause(Cause::Call) };
    let paused = Scenario::exam(9, 1, 5)
        .with(s(115), What::Stated(Statement::Pause(start + s(54))))
        .with(s(120), called)
        .with(s(280), What::Stated(Statement::Resume(start + s(219))));
    let outcome = run(paused.clone()).check();
    assert_eq!(confirmed(&outcome).iter().max(), Some(&0), "time did not count");
    let outcome = run(paused.with(s(290), What::Stated(Statement::Override(decided)))).check();
    let files = outcome.journals[0].values();
    let journals: Vec<_> = files.map(|file| replay(file).unwrap()).collect();
    let proven: Vec<_> = statements(&journals, &[proctor()]).into_iter().flatten().collect();
    let report = revise(&journals, None, &proven).unwrap();
    let revision = report.revision.as_ref().unwrap();
    assert_eq!(report.judgement.verdict, Verdict::Fail, "by the rules alone");
    assert_eq!(revision.judgement.verdict, Verdict::Pass, "with the pause");
    assert_eq!(revision.excused, [Excuse { start: start + s(54), end: start + s(219) }]);
    assert_eq!(report.verdict(), Verdict::Fail, "by the dean");
    assert!(revision.judgement.interruptions.iter().all(|one| one.lost < Span::from_secs(2)));
}
