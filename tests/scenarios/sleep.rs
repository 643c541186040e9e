//! A phone sleeps: its clock goes on, its camera does not.

use diptych_protocol::policy::Verdict;
use diptych_protocol::time::Span;
use diptych_tests::world::{Scenario, What};

use crate::{assert_verdict, run, s};

/// A sleep that its clock counts rightly, almost, and not at all well.
const MISCOUNTS: [Span; 5] = [
    Span::ZERO,
    Span::from_micros(2_400),
    Span::from_micros(-2_400),
    Span::from_millis(700),
    Span::from_millis(-700),
];

#[test]
fn sleep_of_either_device_is_one_interruption_of_its_length() {
    // [TIMELINE-7] [TIMELINE-8] [CLOCK-43]
    for (seed, miscount) in (1..7).zip(MISCOUNTS.into_iter().cycle()) {
        for (who, seconds) in [(0, 6), (1, 6), (0, 40), (1, 40)] {
            let sleep = What::Sleep { who, lasting: s(seconds), miscount };
            let outcome = run(Scenario::exam(seed, 1, 4).with(s(100), sleep)).check();
            assert_verdict(&outcome, Verdict::Pass, 1);
            let report = outcome.report.as_ref().unwrap();
            // The primary's clock is session time, also where it miscounts.
            let length = if who == 0 { s(seconds) + miscount } else { s(seconds) };
            let off = (report.longest().unwrap() - length).abs();
            assert!(off <= s(1), "{off} too much or too little");
        }
    }
}

#[test]
fn a_primary_that_booted_has_its_frames_placed_through_an_assistant_that_sleeps() {
    // [TIMELINE-3] [TIMELINE-7] [TIMELINE-9]: what either films is within its bounds.
    for (seed, miscount) in (1..7).zip(MISCOUNTS.into_iter().cycle()) {
        for (who, at) in [(1, 105), (1, 200), (0, 200)] {
            let off = What::PowerLoss { who: 0, lasting: s(20) };
            let sleep = What::Sleep { who, lasting: s(8), miscount };
            let exam = Scenario::exam(seed, 1, 6).with(s(100), off).with(s(at), sleep);
            let outcome = run(exam).check();
            // Losses of two cameras that begin together are one.
            assert_verdict(&outcome, Verdict::Pass, if at < 110 { 1 } else { 2 });
        }
    }
}

#[test]
fn frames_keep_their_place_however_wide_their_bounds_become() {
    // [TIMELINE-2] [TIMELINE-9]: both boot, and then the primary starts again and again,
    // so that at the end the bounds reach beyond the session.
    let mut exam = Scenario::exam(3, 1, 20);
    for (who, at) in [(0, 90), (1, 150)] {
        exam = exam.with(s(at), What::PowerLoss { who, lasting: s(20) });
    }
    for at in (200..1_000).step_by(80) {
        exam = exam.with(s(at), What::Kill { who: 0, lasting: s(5) });
    }
    let sleep = What::Sleep { who: 1, lasting: s(8), miscount: MISCOUNTS[1] };
    let outcome = run(exam.with(s(1_050), sleep)).check();
    assert_verdict(&outcome, Verdict::Fail, 13);
}
