//! Stories of exams, told with the real machines in a simulated world.
//!
//! Each story holds whatever it is about; that no claim goes beyond what is
//! durable, that every stated clock interval holds the truth, that links come back,
//! that both copies of each journal agree and that the report says what really
//! happened is checked by the world in every one of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a story that does not fit stops"
)]

mod clone;
mod confirm;
mod crash;
mod finish;
mod interruptions;
mod journals;
mod lying;
mod outage;
mod pairing;
mod readiness;
mod reboot;
mod replacement;
mod roam;
mod sleep;
mod statements;
mod storage;
mod storm;
mod tally;

use diptych_protocol::policy::Verdict;
use diptych_protocol::time::Span;
use diptych_tests::world::{Outcome, Scenario, World};

const fn s(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

fn run(scenario: Scenario) -> Outcome {
    World::new(scenario).run()
}

fn assert_verdict(outcome: &Outcome, verdict: Verdict, count: u32) {
    let judgement = &outcome.report.as_ref().unwrap().judgement;
    let said = (judgement.verdict, judgement.count_min, judgement.count_max);
    assert_eq!(said, (verdict, count, count), "{}", outcome.story());
}
