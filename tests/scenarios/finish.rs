//! The exam is over, and somebody is missing.

use diptych_protocol::identity::Role;
use diptych_protocol::journal::replay;
use diptych_protocol::plan::Phase;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::secondary;
use diptych_tests::world::{Scenario, Told, What};

use crate::{assert_verdict, run, s};

#[test]
fn a_dead_assistant_does_not_hold_up_the_end() {
    // [SESSION-9]
    let outcome = run(Scenario::exam(1, 2, 3).with(s(120), What::Gone { who: 2 })).check_law();
    let incomplete = vec![Role::new(2).unwrap()];
    let finished = Event::Finished { incomplete };
    assert!(outcome.primary_told(|event| *event == finished), "{}", outcome.story());
    assert!(outcome.over[0] && outcome.over[1]);
    let verdict = outcome.report.as_ref().unwrap().judgement.verdict;
    assert_eq!(verdict, Verdict::Undetermined);
}

#[test]
fn a_primary_that_comes_back_late_says_what_phase_it_is_in() {
    // [SESSION-41]: in the exam, and when answering has ended meanwhile.
    for (at, told) in [(s(100), vec![Phase::Answering]), (s(235), vec![Phase::Ended])] {
        let exam = Scenario::exam(3, 1, 3).with(at, What::Kill { who: 0, lasting: s(10) });
        let outcome = run(exam);
        let back = (at + s(10)).nanos();
        let phases = outcome.told.iter().filter_map(|(now, _, told)| match told {
            Told::Primary(Event::Phase(phase)) if *now == back => Some(*phase),
            Told::Primary(_) | Told::Assistant(_) => None,
        });
        assert_eq!(phases.collect::<Vec<_>>(), told, "{}", outcome.story());
        assert!(outcome.over[0] && outcome.over[1], "{}", outcome.story());
    }
}

#[test]
fn an_assistant_that_leaves_is_over_and_the_others_go_on() {
    let outcome = run(Scenario::exam(2, 2, 3).with(s(120), What::Leave { who: 2 })).check_law();
    let left = secondary::Event::Finished(secondary::Ending::Left);
    assert!(outcome.assistant_told(2, |event| *event == left));
    assert!(outcome.over[0] && outcome.over[1], "{}", outcome.story());
}

#[test]
fn an_assistant_that_is_left_alone_ends_by_itself() {
    // [SESSION-35] Killed and started again in between, it still knows the plan.
    let ended = secondary::Event::Finished(secondary::Ending::Finished);
    for seed in 1..5 {
        let mut exam = Scenario::exam(seed, 1, 3).with(s(120), What::Gone { who: 0 });
        exam = exam.with(s(140), What::Kill { who: 1, lasting: s(5) });
        exam.until += s(700);
        let outcome = run(exam).check_law();
        assert!(outcome.assistant_told(1, |event| *event == ended), "{}", outcome.story());
        let stopped = secondary::Event::StopRecording;
        assert!(outcome.assistant_told(1, |event| *event == stopped), "{}", outcome.story());
        let journal = outcome.journals[1].values().find(|bytes| {
            replay(bytes).is_ok_and(|journal| journal.is_finished() && journal.closing_seals_hold())
        });
        assert!(journal.is_some(), "its journal is closed and signed");
    }
}

#[test]
fn an_early_end_ends_the_window_too() {
    let exam = Scenario::exam(3, 1, 5).with(s(200), What::Finish);
    assert_verdict(&run(exam).check(), Verdict::Pass, 0);
}
