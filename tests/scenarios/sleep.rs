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
