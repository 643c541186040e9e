//! Pairing is interrupted at every message, and always comes to an end.
//!
//! Whatever breaks, wherever: within a bounded time the session is live, or the
//! assistant says why not and can scan again, and the seat is free for it.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::ledger::Flag;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::secondary::{self, Failure};
use diptych_protocol::time::Span;
use diptych_tests::world::{Break, Outcome, Scenario, Told, What};

use crate::{assert_verdict, run, s};

/// HELLO, ACCEPT, CONFIRM and the first messages of a session, both ways.
const MESSAGES: u32 = 8;
const CONFIRM: u32 = 3;
/// When the assistant scans.
const SCANNED: Span = s(3);
/// When the cameras are to be started at the earliest.
const BEGUN: Span = s(20);
/// Until a person has scanned a second code after whatever broke.
const BOUND: Span = s(25);

/// An exam in which pairing breaks like this.
fn broken(seed: u64, breaks: &[(u32, Break, Span)]) -> Scenario {
    let mut exam = Scenario::exam(seed, 1, 1);
    exam.plan = [s(1), s(75), s(80)];
    exam.until = s(90);
    breaks.iter().fold(exam, |exam, (message, how, lasting)| {
        let (message, how, lasting) = (*message, *how, *lasting);
        exam.with(s(1), What::BreakAt { who: 1, message, how, lasting })
    })
}

/// The exam is held as if nothing had been, and nobody waited longer than needed.
fn assert_paired_in_time(outcome: &Outcome, lasting: Span) {
    assert_verdict(outcome, Verdict::Pass, 0);
    let told = |told: &Told| *told == Told::Primary(Event::AllRecording);
    let (at, ..) = outcome.told.iter().find(|(_, _, one)| told(one)).unwrap();
    let until = (SCANNED + lasting + BOUND).max(BEGUN) + s(5);
    assert!(*at < until.nanos(), "{}", outcome.story());
}

fn failures(outcome: &Outcome) -> Vec<Failure> {
    let failed = |(_, _, told): &(i64, usize, Told)| match told {
        Told::Assistant(secondary::Event::PairingFailed(failure)) => Some(failure.clone()),
        Told::Primary(_) | Told::Assistant(_) => None,
    };
    outcome.told.iter().filter_map(failed).collect()
}

fn times_paired(outcome: &Outcome) -> [usize; 2] {
    let count =
        |paired: fn(&Told) -> bool| outcome.told.iter().filter(|(_, _, told)| paired(told)).count();
    let ours = count(|told| matches!(told, Told::Primary(Event::Paired { .. })));
    let theirs = |told: &Told| matches!(told, Told::Assistant(secondary::Event::Paired { .. }));
    [ours, count(theirs)]
}

#[test]
fn a_confirm_that_was_lost_is_made_up_for_by_a_resume() {
    // [PAIRING-26] [PAIRING-27]
    for how in Break::ALL {
        if how == Break::Unheard {
            continue;
        }
        let outcome = run(broken(1, &[(CONFIRM, how, s(4))])).check();
        assert_paired_in_time(&outcome, s(4));
        assert_eq!(failures(&outcome), [], "{}", outcome.story());
        assert_eq!(times_paired(&outcome)[0], 1);
    }
}

#[test]
fn an_assistant_that_came_too_late_says_so_and_scans_again() {
    // [PAIRING-27] [PAIRING-29]: the claim lapsed, or the primary has forgotten it.
    let late = [
        (CONFIRM, Break::Silent, s(12)),
        (CONFIRM, Break::Told, s(12)),
        (CONFIRM, Break::Unsent, s(12)),
        (CONFIRM, Break::Unheard, s(1)),
    ];
    for (message, how, lasting) in late {
        let outcome = run(broken(2, &[(message, how, lasting)])).check();
        assert_paired_in_time(&outcome, lasting);
        let expired = Failure::Refused(CloseCode::Expired);
        assert_eq!(failures(&outcome), [expired], "{}", outcome.story());
        assert_eq!(times_paired(&outcome)[0], 1);
    }
}

#[test]
fn a_break_at_any_message_of_pairing_ends_in_a_session() {
    // [PAIRING-18] [PAIRING-22] [PAIRING-26] [PAIRING-27]
    for message in 1..=MESSAGES {
        for how in Break::ALL {
            for lasting in [Span::from_millis(10), s(4), s(12)] {
                let outcome = run(broken(message.into(), &[(message, how, lasting)])).check();
                assert_paired_in_time(&outcome, lasting);
            }
        }
    }
}

/// A device that was taken in and does not know it scans a code of `seat`. Its app dies
/// later, so that it has to come back.
fn scans_again(mut exam: Scenario, seat: u8) -> Scenario {
    let how = Break::Silent;
    let breaks = What::BreakAt { who: 1, message: CONFIRM + 1, how, lasting: s(12) };
    exam = exam.with(s(1), breaks).with(s(12), What::Open { seat });
    exam = exam.with(s(13), What::Scan { who: 1, seat });
    exam.with(s(60), What::Kill { who: 1, lasting: s(5) })
}

#[test]
fn a_device_that_pairs_twice_is_one_device_and_can_come_back() {
    // [PAIRING-30]
    for seed in 1..9 {
        let outcome = run(scans_again(Scenario::exam(seed, 1, 1), 1)).check();
        assert_eq!(times_paired(&outcome), [2, 2], "{}", outcome.story());
        assert_verdict(&outcome, Verdict::Pass, 1);
        let flags = &outcome.report.as_ref().unwrap().flags;
        assert!(!flags.contains(&Flag::Tamper), "{flags:?}");
    }
}

#[test]
fn a_device_that_pairs_into_another_seat_leaves_the_one_it_had() {
    // [PAIRING-30]
    for seed in 1..9 {
        let mut exam = Scenario::exam(seed, 2, 1);
        exam.steps.retain(|step| !matches!(step.what, What::Scan { who: 2, .. }));
        let exam = exam.with(s(16), What::Open { seat: 1 });
        let exam = exam.with(s(17), What::Scan { who: 2, seat: 1 });
        let outcome = run(scans_again(exam, 2)).check();
        assert_verdict(&outcome, Verdict::Pass, 1);
        let flags = &outcome.report.as_ref().unwrap().flags;
        assert!(!flags.contains(&Flag::Tamper), "{flags:?}");
    }
}

#[test]
fn two_breaks_in_one_pairing_end_in_a_session() {
    for first in 1..=CONFIRM + 1 {
        for second in first + 1..=first + 4 {
            for (index, how) in Break::ALL.into_iter().enumerate() {
                let then = Break::ALL[(index + usize::try_from(second).unwrap()) % 5];
                for lasting in [s(1), s(12)] {
                    let breaks = [(first, how, lasting), (second, then, s(1))];
                    let outcome = run(broken((first * 16 + second).into(), &breaks)).check();
                    assert_paired_in_time(&outcome, lasting + BOUND);
                }
            }
        }
    }
}
