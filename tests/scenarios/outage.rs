//! The network goes; nobody is to blame, and nothing is counted.

use diptych_protocol::ledger::Flag;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_tests::world::{Scenario, Told, What};

use crate::{assert_verdict, run, s};

#[test]
fn an_outage_of_any_length_counts_nothing() {
    // [REPORT-10]
    for (seed, seconds) in (1..).zip([1, 2, 4, 5, 7, 9, 12, 30, 90, 200]) {
        for offset in 0..4 {
            let outage = What::Outage { who: 1, lasting: s(seconds) };
            let at = s(80) + diptych_protocol::time::Span::from_millis(offset * 270);
            let outcome = run(Scenario::exam(seed, 1, 6).with(at, outage)).check();
            assert_verdict(&outcome, Verdict::Pass, 0);
            let counted = |e: &Event| matches!(e, Event::Tally(tally) if tally.confirmed > 0);
            assert!(!outcome.primary_told(counted), "{seconds} s: {}", outcome.story());
            // [SESSION-18] [SESSION-28]
            let slowest = outcome.resumes.iter().max().copied().unwrap_or_default();
            assert!(slowest < s(3), "back after {slowest}: {}", outcome.story());
            // A silence lasts up to a heartbeat longer than its outage, so one of 2 s
            // is LATE for some and not for others; the report says what was.
            let silent = outcome.told.iter().any(|(from, _, told)| match told {
                Told::Primary(Event::Link { state, .. }) => {
                    let during = at.nanos()..(at + s(seconds + 5)).nanos();
                    during.contains(from) && matches!(state, LinkState::Late | LinkState::Down)
                }
                Told::Primary(_) | Told::Assistant(_) => false,
            });
            if seconds != 2 {
                assert_eq!(silent, seconds > 2, "{seconds} s: {}", outcome.story());
            }
            let flags = &outcome.report.as_ref().unwrap().flags;
            assert_eq!(flags.contains(&Flag::LinkOnly), silent, "{seconds} s");
        }
    }
}

#[test]
fn an_outage_at_the_end_delays_the_end_and_no_more() {
    for seed in 1..6 {
        let exam = Scenario::exam(seed, 2, 3);
        let outage = What::Outage { who: 2, lasting: s(8) };
        let at = exam.end() - s(4);
        assert_verdict(&run(exam.with(at, outage)).check(), Verdict::Pass, 0);
    }
}
