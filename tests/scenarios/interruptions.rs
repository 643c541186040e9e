//! Cameras stop and come back, and are counted as the rules say.

use std::collections::BTreeSet;

use diptych_protocol::ledger::{Cause, Flag};
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::time::Span;
use diptych_tests::world::{Said, Scenario, What};

use crate::{assert_verdict, run, s};

fn off(who: usize, seconds: i64) -> What {
    What::CameraOff { who, lasting: s(seconds), said: Said::Cause(Cause::Call) }
}

#[test]
fn one_on_each_camera_counts_two_and_passes() {
    let exam = Scenario::exam(1, 1, 4).with(s(100), off(0, 4)).with(s(150), off(1, 5));
    let outcome = run(exam).check();
    assert_verdict(&outcome, Verdict::Pass, 2);
    // What was shown live is what the report says.
    let tally = |event: &Event| matches!(event, Event::Tally(tally) if tally.confirmed == 2);
    assert!(outcome.primary_told(tally));
    assert!(!outcome.primary_told(|e| matches!(e, Event::Tally(tally) if tally.confirmed > 2)));
}

#[test]
fn an_assistants_cause_and_the_length_of_its_loss_are_told_while_it_goes_on() {
    an_assistants_cause_is_told(6);
    // The camera is back before a loss can be told from a hiccup.
    an_assistants_cause_is_told(3);
}

fn an_assistants_cause_is_told(seconds: i64) {
    let outcome = run(Scenario::exam(7, 1, 3).with(s(100), off(1, seconds))).check();
    let lost = |event: &Event| {
        matches!(event, Event::CameraLost { role, observed, .. }
            if !role.is_primary() && observed.cause == Cause::Call)
    };
    assert!(outcome.primary_told(lost));
    let [(_, from, to)] = outcome.truth.losses[..] else { panic!("{:?}", outcome.truth) };
    let back = |event: &Event| {
        matches!(event, Event::CameraBack { role, lost }
            if !role.is_primary() && (lost.nanos() - (to - from)).abs() < s(1).nanos() / 100)
    };
    assert!(outcome.primary_told(back));
}

#[test]
fn both_cameras_at_once_are_one_episode() {
    let exam = Scenario::exam(2, 1, 3).with(s(100), off(0, 6)).with(s(102), off(1, 6));
    assert_verdict(&run(exam).check(), Verdict::Pass, 1);
}

#[test]
fn the_fourth_fails_and_so_does_one_that_is_too_long() {
    let mut four = Scenario::exam(3, 1, 6);
    for n in 0..4 {
        four = four.with(s(80 + 60 * n), off(usize::from(n % 2 == 0), 5));
    }
    assert_verdict(&run(four).check(), Verdict::Fail, 4);
    let long = Scenario::exam(4, 1, 6).with(s(100), off(1, 130));
    assert_verdict(&run(long).check(), Verdict::Fail, 1);
}

#[test]
fn a_camera_that_falls_silent_is_found_and_counted() {
    let silent = What::CameraOff { who: 1, lasting: s(7), said: Said::Nothing };
    let outcome = run(Scenario::exam(5, 1, 3).with(s(100), silent)).check();
    assert_verdict(&outcome, Verdict::Pass, 1);
    let report = outcome.report.as_ref().unwrap();
    assert!(report.flags.contains(&Flag::SilentStop));
    assert!(outcome.primary_told(|event| matches!(event, Event::CameraLost { .. })));
    assert!(outcome.primary_told(|event| matches!(event, Event::CameraBack { .. })));
}

#[test]
fn leaving_the_exam_screen_counts_although_frames_go_on() {
    let left = What::ScreenLeft { lasting: s(6) };
    assert_verdict(&run(Scenario::exam(6, 1, 3).with(s(100), left)).check(), Verdict::Pass, 1);
}

/// The flags of a session with this in it, which is judged as the world saw it.
fn flags(seed: u64, minutes: i64, what: What, count: u32) -> BTreeSet<Flag> {
    let outcome = run(Scenario::exam(seed, 1, minutes).with(s(100), what)).check();
    assert_verdict(&outcome, Verdict::Pass, count);
    outcome.report.unwrap().flags
}

#[test]
fn what_is_too_short_to_count_is_a_hiccup() {
    // [POLICY-4]
    for seed in 1..6 {
        let found = flags(seed, 2, What::ScreenLeft { lasting: Span::from_millis(1_500) }, 0);
        assert_eq!(found, BTreeSet::from([Flag::Hiccup]));
    }
}

#[test]
fn sound_that_is_lost_beside_the_picture_is_told_and_counts_nothing() {
    // [REPORT-5]
    for who in [0, 1] {
        for seed in 1..4 {
            let found = flags(seed, 2, What::SoundOff { who, lasting: s(30) }, 0);
            assert_eq!(found, BTreeSet::from([Flag::AudioLoss]));
        }
    }
}

#[test]
fn a_length_that_its_uncertainty_carries_over_the_limit_is_marginal() {
    // [LEDGER-16] What a kill cost at the end of a fragment nobody can say to 2 s.
    for who in [0, 1] {
        for seed in 1..6 {
            let found = flags(seed, 5, What::Kill { who, lasting: Span::from_millis(118_300) }, 1);
            assert!(found.contains(&Flag::Marginal), "{who} {seed}: {found:?}");
        }
    }
}
