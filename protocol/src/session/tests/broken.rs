//! A device that contradicts itself, cannot write or cannot film.

use super::*;
use crate::ledger::Cause;

#[test]
fn a_peer_that_shows_another_past_is_alarming_and_loses_its_link() {
    // [SESSION-17] [SESSION-39]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let assistants = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let copy = replay(&pair.p.disk[&assistants]).unwrap();
    let stamp = wire::Stamp {
        seq: 1_000_000,
        sent: wire::SenderTime::default(),
        epoch: u32::from(256_u16) << 16,
        echo_seq: 0,
        echo_clock: 0,
        echo_received: wire::SenderTime::default(),
    };
    let pulse = wire::Pulse {
        stamp,
        recording: wire::Recording::Recording,
        conditions: wire::Conditions::NONE,
        last_committed: wire::SenderTime::default(),
    };
    let beat = wire::Heartbeat {
        pulse,
        frames: 1,
        journal_sequence: copy.head().sequence,
        journal_head: [0xEE; 32],
        clock_digest: 0,
    };
    let bytes = wire::Timing::Heartbeat(beat).encode();
    let now = pair.p.clock(pair.truth);
    let (link, lane, age) = (LinkId(1), Lane::Timing, Span::ZERO);
    let received = Input::Received { link, lane, age, bytes: &bytes };
    pair.p.machine.handle(now, received);
    let (events, sent) = pair.p.drain();
    let alarm = |event: &primary::Event| {
        matches!(event, primary::Event::Alarm { code: CloseCode::HistoryChanged, .. })
    };
    assert!(events.iter().any(alarm), "{events:?}");
    let closed = |parcel: &Parcel| matches!(parcel, Parcel::Down(CloseCode::HistoryChanged));
    assert!(sent.iter().any(closed));
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let kept = replay(&pair.p.disk[&own]).unwrap();
    let fork = |fact: &Fact| matches!(fact, Fact::ForkSeen { .. });
    assert!(kept.entries().iter().any(|entry| fork(&entry.fact)));
    // The last that is told is that its seat is to be given to another.
    let (role, why) = (assistants.role, CloseCode::HistoryChanged);
    assert_eq!(events.last(), Some(&primary::Event::CannotReturn { role, why }));
    assert_eq!(pair.p.machine.snapshot(now).seats[0].cannot_return, Some(why));
    pair.ask_p(primary::Command::OpenPairing { role });
    assert!(pair.p.machine.snapshot(now).seats[0].ticket.is_some());
}

#[test]
fn a_device_that_cannot_write_makes_no_connection() {
    // [SESSION-2]
    let gone = || Input::Disconnected { link: LinkId(1), lost: Lost::TimedOut };
    let mut pair = Pair::new().run_until(105_000_000_000);
    let now = pair.a.clock(pair.truth);
    for input in [Input::StorageFailed, gone(), Input::NetworkChanged] {
        pair.a.machine.handle(now, input);
    }
    let (_, sent) = pair.a.drain();
    assert!(!sent.iter().any(|parcel| matches!(parcel, Parcel::Up(_))), "it dials");

    let mut pair = Pair::new().run_until(105_000_000_000);
    let (cut, p, a) = (pair.truth, pair.p.clock(pair.truth), pair.a.clock(pair.truth));
    pair.p.machine.handle(p, Input::StorageFailed);
    pair.p.machine.handle(p, gone());
    pair.a.machine.handle(a, gone());
    let pair = pair.run_until(112_000_000_000);
    let spoke = |(at, by, _): &(i64, Role, wire::Timing)| by.is_primary() && *at > cut;
    assert!(!pair.timing.iter().any(spoke), "it let somebody in");
}

#[test]
fn a_primary_that_cannot_write_says_what_phase_it_is_in() {
    // [SESSION-41]: the event of the last change may be lost with the write that failed,
    // and a host that never hears that answering has ended never ends the session.
    let mut pair = Pair::new().run_until(110_000_000_000);
    let now = pair.p.clock(pair.truth);
    let phase = pair.p.machine.snapshot(now).phase;
    pair.p.machine.handle(now, Input::StorageFailed);
    let (events, _) = pair.p.drain();
    let at = |wanted| events.iter().position(|event| *event == wanted);
    let (failed, told) = (at(primary::Event::StorageFailed), at(primary::Event::Phase(phase)));
    assert!(failed.is_some() && failed < told, "{phase:?}: {events:?}");
    // Once it ends the session it has heard of it.
    pair.ask_p(primary::Command::Finish);
    let mut pair = Pair::new().run_until(141_500_000_000);
    pair.p.machine.handle(pair.p.clock(pair.truth), Input::StorageFailed);
    let (events, _) = pair.p.drain();
    assert!(!events.iter().any(|event| matches!(event, primary::Event::Phase(_))), "{events:?}");
}

#[test]
fn a_clock_that_stays_unknown_holds_an_end_up_for_two_seconds() {
    // [SESSION-42]
    let mut pair = Pair { mute: true, ..Pair::new() }.run_until(100_700_000_000);
    (pair.begun, _) = (true, pair.ask_p(primary::Command::Begin));
    let mut pair = pair.run_until(101_300_000_000);
    pair.ask_p(primary::Command::Finish);
    let asked = pair.truth;
    let stops = |pair: &Pair| pair.told_a.contains(&secondary::Event::StopRecording);
    let pair = pair.run_until(asked + 1_990_000_000);
    assert!(!stops(&pair), "{:?}", pair.told_a);
    let pair = pair.run_until(asked + 2_010_000_000);
    assert!(stops(&pair), "{:?}", pair.told_a);
}

#[test]
fn a_recorder_that_fails_by_itself_is_a_loss_until_another_one_records() {
    // [LEDGER-19] [LEDGER-12]
    let mut pair = Pair::new().run_until(110_000_000_000);
    let full = Observed { cause: Cause::StorageFull, raw: 28 };
    pair.ask_a(secondary::Command::Host(HostFact::RecordingStopped(full)));
    pair.a.recording = false;
    let mut pair = pair.run_until(115_000_000_000);
    let lost = |event: &secondary::Event| matches!(event, secondary::Event::CameraLost { observed, .. } if *observed == full);
    assert!(pair.told_a.iter().any(lost), "{:?}", pair.told_a);
    let shown = pair.p.machine.snapshot(pair.p.clock(pair.truth));
    let left = shown.seats[0].countdown.unwrap();
    assert!(left > Span::from_secs(110) && left < Span::from_secs(120), "{left} of 120 s");
    assert_eq!(shown.countdown, None);
    pair.ask_a(secondary::Command::Host(started("A1.2.mp4")));
    (pair.a.recording, pair.a.next_fragment) = (true, pair.truth + FRAGMENT.nanos());
    let mut pair = pair.run_until(125_000_000_000);
    let back = |event: &secondary::Event| matches!(event, secondary::Event::CameraBack { .. });
    assert!(pair.told_a.iter().any(back), "{:?}", pair.told_a);
    // One that has failed for good keeps nobody from finishing.
    pair.ask_a(secondary::Command::Host(HostFact::RecordingStopped(full)));
    pair.a.recording = false;
    let pair = pair.run_until(200_000_000_000);
    assert!(pair.told_p.contains(&primary::Event::Finished { incomplete: Vec::new() }));
}
