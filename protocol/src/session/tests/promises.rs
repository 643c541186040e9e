//! What is told to nobody before it is durable, and what is refused and why.

#![expect(clippy::wildcard_enum_match_arm, reason = "each test waits for few of all outputs")]

use super::*;
use crate::device::Device;
use crate::session::{Arrival, FaceGate, Local, Outbox, Peer, Receipt};
use crate::wire::Timing;

const SEAT: u8 = 1;

fn seat() -> Role {
    Role::new(SEAT).unwrap()
}

/// The stamp of a message that left at `sent`.
fn stamp(sent: Instant<Primary>) -> wire::Stamp {
    wire::Stamp {
        seq: 1_000_000,
        sent: wire::SenderTime::of(sent),
        epoch: 0,
        echo_seq: 0,
        echo_clock: 0,
        echo_received: wire::SenderTime::default(),
    }
}

#[test]
fn a_heartbeat_claims_no_frames_that_are_not_durable() {
    // [SESSION-1] [SESSION-12]
    let mut pair = Pair::new().run_until(115_000_000_000);
    pair.drain_primary();
    let committed = fragment(pair.p.clock(pair.truth));
    let HostFact::Committed { fragment, .. } = &committed else { panic!() };
    let end = fragment.last;
    pair.ask_p(primary::Command::Host(committed.clone()));
    let later = pair.p.clock(pair.truth) + Span::from_secs(5);
    let mut synced = false;
    let told = loop {
        match pair.p.machine.poll_output() {
            Output::Sync => synced = true,
            Output::Transmit { lane: Lane::Timing, bytes, .. } => {
                let beat = match Timing::from_datagram(&bytes).unwrap() {
                    Timing::Heartbeat(beat) => Some(beat.pulse.last_committed),
                    Timing::Pulse(pulse) => Some(pulse.last_committed),
                    Timing::ShortPulse(pulse) => {
                        pulse.completed(stamp(later)).map(|pulse| pulse.last_committed)
                    }
                    Timing::Probe(_) | Timing::ShortProbe(_) => None,
                };
                let Some(covered) = beat else { continue };
                if synced {
                    break covered.on::<Primary>();
                }
                assert!(covered.on::<Primary>() < end, "told before it was durable");
            }
            Output::Idle { wake } => pair.p.machine.handle(wake.unwrap().0, Input::Wake),
            _ => {}
        }
    };
    assert_eq!(told, end);
}

#[test]
fn what_a_host_tells_of_its_phone_is_kept_before_others_hear_of_it() {
    // [SESSION-1]
    let mut pair = Pair::new().run_until(105_000_000_000);
    pair.drain_primary();
    let device = Device { battery_percent: Some(50), ..Device::default() };
    let face = Label::new("face_compare").unwrap();
    let failed = HostFact::Gate { name: face, outcome: crate::session::Outcome::Failed };
    let facts = [HostFact::Device(device), failed.clone(), failed.clone(), failed];
    for fact in facts {
        pair.ask_p(primary::Command::Host(fact));
    }
    let mut unsynced = false;
    let mut told = 0;
    loop {
        match pair.p.machine.poll_output() {
            Output::Append { .. } => unsynced = true,
            Output::Sync => unsynced = false,
            Output::Event(primary::Event::Device { .. } | primary::Event::VerifyAgain)
            | Output::Transmit { lane: Lane::Control, .. } => {
                assert!(!unsynced);
                told += 1;
            }
            Output::Idle { .. } => break,
            _ => {}
        }
    }
    assert_eq!(told, 3);
}

#[test]
fn failures_of_a_face_are_counted_across_a_restart() {
    // [SESSION-11]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let face = Label::new("face_compare").unwrap();
    let failed = HostFact::Gate { name: face, outcome: crate::session::Outcome::Failed };
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    for demanded in [false, false, true] {
        pair.ask_p(primary::Command::Host(failed.clone()));
        pair.drain_primary();
        let kept = replay(&pair.p.disk[&own]).unwrap();
        assert_eq!(FaceGate::of(Some(&kept)).demands(), demanded);
    }
}

#[test]
fn nobody_records_before_the_digits_were_compared() {
    // [PAIRING-32]
    let mut pair = Pair::comparing().run_until(101_000_000_000);
    let now = pair.p.clock(pair.truth);
    let begin = || primary::Command::Begin;
    let refused = pair.p.machine.command(now, begin());
    assert_eq!(refused, Err(Refused::NotCompared));
    let compared = primary::Compared::Same;
    pair.ask_p(primary::Command::CheckCode { role: seat(), compared });
    pair.ask_p(begin());
}

#[test]
fn what_a_restart_would_have_to_know_is_refused_once_storage_failed() {
    // [SESSION-46]
    let mut pair = Pair::new().run_until(101_000_000_000);
    let now = pair.p.clock(pair.truth);
    pair.p.machine.handle(now, Input::StorageFailed);
    for command in [
        primary::Command::Begin,
        primary::Command::OpenPairing { role: seat() },
        primary::Command::Remove { role: seat() },
    ] {
        let refused = pair.p.machine.command(now, command);
        assert_eq!(refused, Err(Refused::StorageFailed));
    }
}

/// HELLO of an assistant that scanned the code of a new primary, as it arrives there.
fn hello() -> (Pair, Vec<u8>) {
    let mut pair = Pair::new();
    loop {
        pair.drain_primary();
        let (_, sent) = pair.a.drain();
        for parcel in sent {
            match parcel {
                Parcel::Up(purpose) => pair.a.inbox.push_back((pair.truth, Parcel::Up(purpose))),
                Parcel::Bytes(Lane::Control, bytes) => return (pair, bytes),
                Parcel::Bytes(..) | Parcel::Down(_) => {}
            }
        }
        step(&mut pair.a, Key::new(1).public_key(), pair.truth);
    }
}

/// What the primary answers to `bytes` on a new connection.
fn answers(pair: &mut Pair, bytes: &[&[u8]]) -> Vec<Parcel> {
    let (now, peer) = (pair.p.clock(pair.truth), Key::new(2).public_key());
    let (link, purpose) = (LinkId(1), Purpose::Pair);
    let connected = Input::Connected { link, purpose, peer, binding: binding(), remote: remote() };
    pair.p.machine.handle(now, connected);
    for bytes in bytes {
        let (lane, age) = (Lane::Control, Span::ZERO);
        pair.p.machine.handle(now, Input::Received { link, lane, age, bytes });
    }
    pair.p.drain().1
}

#[test]
fn hello_that_comes_twice_on_one_connection_is_answered_twice_alike() {
    // [PAIRING-18]
    let (mut pair, bytes) = hello();
    let sent = answers(&mut pair, &[&bytes, &bytes]);
    let [Parcel::Bytes(_, first), Parcel::Bytes(_, second)] = &sent[..] else { panic!() };
    assert_eq!(first, second);
}

#[test]
fn strangers_do_not_keep_a_device_of_the_session_out() {
    // [LIMITS-60]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let now = pair.p.clock(pair.truth);
    // Whom it closes when one more comes.
    let mut knock = |id: u64, purpose| -> Vec<u64> {
        let (link, peer) = (LinkId(id), Key::new(2).public_key());
        let connected =
            Input::Connected { link, purpose, peer, binding: binding(), remote: remote() };
        pair.p.machine.handle(now, connected);
        let mut closed = Vec::new();
        loop {
            match pair.p.machine.poll_output() {
                Output::Close { link, code: CloseCode::Busy } => closed.push(link.0),
                Output::Idle { .. } => return closed,
                _ => {}
            }
        }
    };
    let strangers = 100..100 + crate::limits::CONNECTIONS as u64 - 1;
    assert!(strangers.clone().all(|id| knock(id, Purpose::Pair).is_empty()));
    assert_eq!(knock(500, Purpose::Pair), [500]);
    assert_eq!(knock(501, Purpose::Resume), [strangers.start]);
}

#[test]
fn the_answer_is_about_the_code_that_the_person_was_shown() {
    // [PAIRING-31]
    let at = Instant::from_nanos(100_000_000_000);
    let mut codes = [1, 3].map(|key| {
        let start = Instant::from_nanos(100_000_000_000);
        let mut side =
            Side::new(primary(start, Some(addresses()), CheckCode::Skipped, key), Span::ZERO);
        let open = primary::Command::OpenPairing { role: seat() };
        side.machine.command(start, open).unwrap();
        let (events, _) = side.drain();
        side.machine.handle(start + Span::from_secs(15), Input::Wake);
        let (later, _) = side.drain();
        let tickets = events.into_iter().chain(later).filter_map(|event| {
            let primary::Event::Ticket { text, .. } = event else { return None };
            Some(Box::new(Ticket::parse(&text, Loopback::Allowed).unwrap()))
        });
        tickets.collect::<Vec<_>>()
    });
    assert_eq!(codes.each_ref().map(Vec::len), [2, 2]);
    let (other, shown) = (codes[1].remove(0), codes[0].remove(0));
    let mut assistant = secondary(at);
    let mut scan = |ticket| assistant.command(at, secondary::Command::Scanned(ticket));
    scan(shown).unwrap();
    assert_eq!(scan(other), Err(Refused::Asking));
    scan(codes[0].remove(0)).unwrap();
}

#[test]
fn what_was_missed_in_silence_is_exchanged_before_the_link_is_live() {
    // [LIVENESS-4]: also where the connection never broke.
    let now = |seconds| Instant::<Primary>::from_nanos(0) + Span::from_secs(seconds);
    let mut outbox: Outbox<Primary, primary::Event> = Outbox::new();
    let session = crate::identity::SessionId([1; 16]);
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let mut local = Local::create(session, own, Box::new(Key::new(1)), &mut outbox);
    let key = Key::new(2).public_key();
    let header = crate::journal::Header { session, role: seat(), device: 1, key };
    let mut peer = Peer::<Primary>::paired(header, 16, &mut outbox);
    _ = peer.connected(now(0), Arrival::first(LinkId(1)), &mut local, &mut outbox);
    let link = crate::liveness::LinkState::Live;
    assert_eq!(peer.heard(now(0), &mut local, &mut outbox), Some(link));
    let down = crate::liveness::LinkState::Down;
    assert_eq!(peer.silence(now(10), &mut local, &mut outbox), Some(down));
    let catching_up = crate::liveness::LinkState::CatchingUp;
    assert_eq!(peer.heard(now(11), &mut local, &mut outbox), Some(catching_up));
    let said = peer.copied();
    let pulse = wire::Pulse {
        stamp: stamp(now(11)),
        recording: wire::Recording::Idle,
        conditions: wire::Conditions::NONE,
        last_committed: wire::SenderTime::NEVER,
    };
    let beat = wire::Heartbeat {
        pulse,
        frames: 0,
        journal_sequence: said.sequence,
        journal_head: said.hash,
        clock_digest: 0,
    };
    let receipt = Receipt { now: now(12), arrived: now(12) };
    peer.heartbeat(receipt, &beat, &mut local, &mut outbox).unwrap();
    assert_eq!(peer.heard(now(12), &mut local, &mut outbox), Some(link));
}
