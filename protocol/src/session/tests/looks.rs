//! What a host sees that looks, beside what it was told.

#![expect(clippy::wildcard_enum_match_arm, reason = "each story is told by few of all events")]

use super::*;
use crate::device::{Device, Shortfall};
use crate::ledger::Cause;
use crate::plan::Phase;
use crate::primary::Stage;
use crate::secondary::{Ending, Failure, Question};
use crate::session::{Outcome, prepare};
use crate::timeline::Basis;

fn seat() -> Role {
    Role::new(1).unwrap()
}

/// What the events of a primary leave behind.
#[derive(Clone, PartialEq, Debug)]
struct Led {
    stage: Stage,
    all_recording: bool,
    not_ready: Vec<Role>,
    lost: BTreeMap<Role, (Instant<Primary>, Observed)>,
    verify_again: bool,
    storage_failed: bool,
    devices: BTreeMap<Role, (Device, Vec<Shortfall>)>,
}

impl Led {
    fn told(events: &[primary::Event]) -> Self {
        let mut led = Self {
            stage: Stage::Preparing,
            all_recording: false,
            not_ready: Vec::new(),
            lost: BTreeMap::new(),
            verify_again: false,
            storage_failed: false,
            devices: BTreeMap::new(),
        };
        for event in events.iter().cloned() {
            match event {
                primary::Event::StartRecording { take } => led.stage = Stage::Recording { take },
                primary::Event::StopRecording => led.stage = Stage::Closing,
                primary::Event::Finished { incomplete } => led.stage = Stage::Over { incomplete },
                primary::Event::AllRecording => led.all_recording = true,
                primary::Event::NotReady { missing } => led.not_ready = missing,
                primary::Event::CameraLost { role, since, observed } => {
                    led.lost.insert(role, (since, observed));
                }
                primary::Event::CameraBack { role, .. } => _ = led.lost.remove(&role),
                primary::Event::VerifyAgain => led.verify_again = true,
                primary::Event::StorageFailed => led.storage_failed = true,
                primary::Event::Device { role, device, shortfalls } => {
                    led.devices.insert(role, (device, shortfalls));
                }
                _ => {}
            }
        }
        led
    }

    fn seen(shown: primary::Snapshot) -> Self {
        let mut led = Self {
            stage: shown.stage,
            all_recording: shown.all_recording,
            not_ready: shown.not_ready,
            lost: BTreeMap::new(),
            verify_again: shown.verify_again,
            storage_failed: shown.storage_failed,
            devices: BTreeMap::new(),
        };
        let own = (Role::PRIMARY, shown.lost, shown.observed, shown.device, shown.shortfalls);
        let seats = shown.seats.into_iter();
        let seats = seats.map(|one| (one.role, one.lost, one.observed, one.device, one.shortfalls));
        for (role, lost, observed, device, shortfalls) in core::iter::once(own).chain(seats) {
            led.lost.extend(lost.map(|since| (role, (since, observed))));
            led.devices.extend(device.map(|device| (role, (device, shortfalls))));
        }
        led
    }
}

/// What the events of an assistant leave behind.
#[derive(Clone, PartialEq, Debug, Default)]
struct Followed {
    failure: Option<Failure>,
    seat: Option<(Role, Label)>,
    check_code: Option<u32>,
    plan: Option<Plan>,
    phase: Option<Phase>,
    shortfalls: Vec<Shortfall>,
    take: Option<u32>,
    lost: Option<(Instant<Secondary>, Observed)>,
    storage_failed: bool,
    ending: Option<Ending>,
}

impl Followed {
    fn told(events: &[secondary::Event]) -> Self {
        let mut followed = Self::default();
        for event in events.iter().cloned() {
            match event {
                secondary::Event::ConsentNeeded(_) => followed.failure = None,
                secondary::Event::PairingFailed(failure) => {
                    followed = Self { failure: Some(failure), ..Self::default() };
                }
                secondary::Event::Paired { role, label, check_code } => {
                    (followed.seat, followed.check_code) = (Some((role, label)), check_code);
                }
                secondary::Event::Plan(plan) => followed.plan = Some(*plan),
                secondary::Event::Phase(phase) => followed.phase = Some(phase),
                secondary::Event::Shortfalls(lacks) => followed.shortfalls = lacks,
                secondary::Event::StartRecording { take } => followed.take = Some(take),
                secondary::Event::StopRecording => followed.take = None,
                secondary::Event::CameraLost { since, observed } => {
                    followed.lost = Some((since, observed));
                }
                secondary::Event::CameraBack { .. } => followed.lost = None,
                secondary::Event::StorageFailed => followed.storage_failed = true,
                secondary::Event::Finished(ending) => {
                    let storage_failed = followed.storage_failed;
                    let ending = Some(ending);
                    followed = Self { ending, storage_failed, ..Self::default() };
                }
                _ => {}
            }
        }
        followed
    }

    fn seen(shown: secondary::Snapshot) -> Self {
        Self {
            failure: shown.failure,
            seat: shown.role.map(|role| (role, shown.label.unwrap())),
            check_code: shown.check_code,
            plan: shown.plan,
            phase: shown.phase,
            shortfalls: shown.shortfalls,
            take: shown.take,
            lost: shown.lost.map(|since| (since, shown.observed)),
            storage_failed: shown.storage_failed,
            ending: shown.ending,
        }
    }
}

fn compare(pair: &Pair) {
    let (p, a) = (pair.p.clock(pair.truth), pair.a.clock(pair.truth));
    assert_eq!(Led::seen(pair.p.machine.snapshot(p)), Led::told(&pair.told_p), "at {p:?}");
    assert_eq!(Followed::seen(pair.a.machine.snapshot(a)), Followed::told(&pair.told_a), "{a:?}");
}

/// Runs until `end` and looks four times a second.
fn look(mut pair: Pair, end: i64) -> Pair {
    while pair.truth < end {
        let next = pair.truth + 250_000_000;
        pair = pair.run_until(next);
        pair.truth = next;
        compare(&pair);
    }
    pair
}

#[test]
fn a_screen_that_missed_every_event_shows_what_they_told() {
    let mut pair = look(Pair::new(), 101_000_000_000);
    let weak = Device { battery_percent: Some(3), ..Device::default() };
    pair.ask_p(primary::Command::Host(HostFact::Device(weak)));
    pair.ask_a(secondary::Command::Host(HostFact::Device(weak)));
    let mut pair = look(pair, 115_000_000_000);
    assert!(Led::told(&pair.told_p).devices.values().all(|(_, lacks)| !lacks.is_empty()));
    let full = Observed { cause: Cause::StorageFull, raw: 28 };
    pair.ask_a(secondary::Command::Host(HostFact::RecordingStopped(full)));
    pair.a.recording = false;
    let mut pair = look(pair, 120_000_000_000);
    assert_eq!(Led::told(&pair.told_p).lost[&seat()].1, full);
    pair.ask_a(secondary::Command::Host(started("A1.2.mp4")));
    (pair.a.recording, pair.a.next_fragment) = (true, pair.truth + FRAGMENT.nanos());
    let call = Observed { cause: Cause::Call, raw: 1 };
    pair.ask_p(primary::Command::Host(HostFact::RecordingStopped(call)));
    pair.p.recording = false;
    let mut pair = look(pair, 130_000_000_000);
    assert_eq!(Led::told(&pair.told_p).lost.keys().next(), Some(&Role::PRIMARY));
    pair.ask_p(primary::Command::Host(started("P.2.mp4")));
    (pair.p.recording, pair.p.next_fragment) = (true, pair.truth + FRAGMENT.nanos());
    let face = Label::new("face_compare").unwrap();
    for _ in 0..3 {
        let failed = HostFact::Gate { name: face, outcome: Outcome::Failed };
        pair.ask_p(primary::Command::Host(failed));
    }
    let pair = look(pair, 200_000_000_000);
    let led = Led::told(&pair.told_p);
    assert_eq!(led.stage, Stage::Over { incomplete: Vec::new() });
    assert!(led.all_recording && led.verify_again && led.lost.is_empty());
    assert_eq!(Followed::told(&pair.told_a).ending, Some(Ending::Finished));
}

#[test]
fn a_screen_shows_who_was_not_ready_when_the_waiting_time_was_over() {
    let mut pair = Pair::new();
    // The user of the primary does not begin.
    pair.begun = true;
    let pair = look(pair, 115_000_000_000);
    assert_eq!(Led::told(&pair.told_p).not_ready, [Role::PRIMARY, seat()]);
}

#[test]
fn a_screen_shows_that_storage_failed_and_what_is_not_whole_then() {
    // [SESSION-2] [SESSION-38]
    let mut pair = look(Pair::new(), 115_000_000_000);
    let (p, a) = (pair.p.clock(pair.truth), pair.a.clock(pair.truth));
    pair.p.machine.handle(p, Input::StorageFailed);
    pair.a.machine.handle(a, Input::StorageFailed);
    let pair = look(pair, 220_000_000_000);
    let led = Led::told(&pair.told_p);
    assert_eq!((led.storage_failed, led.stage), (true, Stage::Over { incomplete: vec![seat()] }));
    assert!(Followed::told(&pair.told_a).storage_failed);
}

#[test]
fn a_screen_shows_what_is_to_be_asked_and_why_a_pairing_failed() {
    // [TICKET-13]
    let mut pair = Pair::new();
    pair.drain_primary();
    let now = pair.a.clock(pair.truth);
    let mut machine = secondary(now);
    let text = pair.p.machine.snapshot(pair.p.clock(pair.truth)).seats[0].ticket.clone().unwrap();
    let ticket = Ticket::parse(&text, Loopback::Allowed).unwrap();
    let asked =
        Question { exam: ticket.exam, issuer: Label::new("Academy").ok(), primary: ticket.pin };
    let scan = || secondary::Command::Scanned(Box::new(ticket.clone()));
    assert_eq!(machine.snapshot(now).question, None);
    machine.command(now, scan()).unwrap();
    assert_eq!(machine.snapshot(now).question, Some(asked));
    machine.command(now, secondary::Command::Consent(Consent::Declined)).unwrap();
    let shown = machine.snapshot(now);
    assert_eq!((shown.question, shown.failure), (None, Some(Failure::Declined)));
    machine.command(now, scan()).unwrap();
    let shown = machine.snapshot(now);
    assert_eq!((shown.question, shown.failure), (Some(asked), None));
    machine.command(now, secondary::Command::Leave).unwrap();
    let shown = machine.snapshot(now);
    assert_eq!((shown.question, shown.ending), (None, Some(Ending::Left)));
    let mut told = Vec::new();
    loop {
        match machine.poll_output() {
            Output::Event(event) => told.push(event),
            Output::Idle { .. } => break,
            _ => {}
        }
    }
    let question = secondary::Event::ConsentNeeded(asked);
    let failed = secondary::Event::PairingFailed(Failure::Declined);
    let left = secondary::Event::Finished(Ending::Left);
    assert_eq!(told, [question.clone(), failed, question, left]);
}

#[test]
fn a_screen_shows_how_many_interruptions_are_left_before_anything_was_counted() {
    // [POLICY-26]
    let pair = Pair::new();
    let tally = pair.p.machine.snapshot(pair.p.clock(pair.truth)).tally;
    assert_eq!((tally.confirmed, tally.pending, tally.remaining), (0, 0, Some(3)));
}

/// The primary reboots at 115 s and its clock begins anew: it shows 5 s then.
fn rebooted() -> Pair {
    let mut pair = Pair::new().run_until(115_000_000_000);
    pair.truth = 115_000_000_000;
    assert_eq!(pair.p.machine.session_time(pair.p.clock(pair.truth)).unwrap().basis, Basis::Own);
    let (stored, disk) = (pair.p.stored.take(), core::mem::take(&mut pair.p.disk));
    let offset = Span::from_secs(-110);
    let past = prepare(stored.as_ref(), disk.clone()).unwrap().past;
    let setup = primary::Setup {
        boot: BootId([9; 16]),
        plan: plan_on(offset),
        wall_ms: 1_767_225_600_000 + 15_000,
        ..setup(Some(addresses()), (CheckCode::Skipped, 1), past)
    };
    let machine = PrimaryMachine::new(setup, Instant::from_nanos(pair.truth) + offset).unwrap();
    pair.p = Side { disk, stored, ..Side::new(machine, offset) };
    pair.a.inbox.clear();
    pair.a.inbox.push_back((pair.truth, Parcel::Down(CloseCode::GoingAway)));
    pair
}

/// Session time is the true time here: it was the primary's first clock.
fn contains(placed: crate::timeline::Placed, truth: i64) -> bool {
    placed.low.nanos() <= truth && truth <= placed.high.nanos()
}

#[test]
fn a_primary_that_was_rebooted_knows_session_time_when_messages_tell_it() {
    // [SESSION-51]
    let pair = rebooted();
    let seen = |pair: &Pair| pair.p.machine.session_time(pair.p.clock(pair.truth));
    assert_eq!(seen(&pair), None, "no message has come");
    let mut pair = until(pair, |pair| seen(pair).is_some());
    assert!(pair.truth < 120_000_000_000);
    while pair.truth < 139_000_000_000 {
        let placed = seen(&pair).unwrap();
        assert_eq!(placed.basis, Basis::Messages);
        assert!(contains(placed, pair.truth), "{placed:?} at {}", pair.truth);
        assert!(placed.within() < Span::from_millis(20), "{placed:?}");
        // The windows are by the present clock, and so is the phase.
        let now = pair.p.clock(pair.truth);
        assert_eq!(pair.p.machine.snapshot(now).phase, Phase::Answering);
        let there = pair.a.machine.primary_time(pair.a.clock(pair.truth));
        if let Some(there) = there {
            assert!(there.low <= now && now <= there.high, "{there:?} at {now:?}");
        }
        let next = pair.truth + 500_000_000;
        pair = pair.run_until(next);
        pair.truth = next;
    }
    assert!(pair.a.machine.primary_time(pair.a.clock(pair.truth)).is_some());
}

#[test]
fn a_rebooted_primary_that_nobody_tells_goes_by_the_wall_clock_at_the_end() {
    // [SESSION-51]
    let mut pair = rebooted();
    pair.a.inbox.clear();
    pair.a.wake = None;
    pair.a.recording = false;
    let seen = |pair: &Pair| pair.p.machine.session_time(pair.p.clock(pair.truth));
    while pair.truth < 400_000_000_000 && seen(&pair).is_none() {
        pair.drain_primary();
        let due = pair.p.due().unwrap();
        pair.truth = pair.truth.max(due);
        pair.act();
    }
    let over = pair.p.machine.snapshot(pair.p.clock(pair.truth)).stage;
    assert_eq!(over, Stage::Over { incomplete: vec![seat()] });
    let placed = seen(&pair).unwrap();
    assert_eq!(placed.basis, Basis::WallClock);
    assert!(contains(placed, pair.truth), "{placed:?} at {}", pair.truth);
}
