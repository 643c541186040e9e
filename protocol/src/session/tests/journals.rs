//! What a peer can ask of the own journal, and what it can make of it.

use super::*;
use crate::journal::Head;
use crate::session::{Local, Outbox};

/// The primary's journal grows by several windows that the assistant does not answer;
/// what the primary sent of it.
fn unanswered(pair: &mut Pair) -> Vec<wire::Journal> {
    for _ in 0..3_000 {
        pair.ask_p(primary::Command::Host(HostFact::Mark(Label::new("mark").unwrap())));
    }
    pair.truth += 2_000_000_000;
    let mut sent = Vec::new();
    for _ in 0..4 {
        pair.p.machine.handle(pair.p.clock(pair.truth), Input::Wake);
        sent.extend(pair.p.drain().1);
    }
    journals(&sent)
}

/// The control messages `answers`, all in one piece; what the primary sends for them.
fn tell(pair: &mut Pair, answers: &[wire::Control]) -> Vec<Parcel> {
    let bytes: Vec<u8> = answers.iter().flat_map(wire::Control::encode).collect();
    let (link, lane, age) = (LinkId(1), Lane::Control, Span::ZERO);
    let now = pair.p.clock(pair.truth);
    pair.p.machine.handle(now, Input::Received { link, lane, age, bytes: &bytes });
    pair.p.drain().1
}

fn controls(sent: &[Parcel]) -> Vec<wire::Control> {
    let mut reader = wire::FrameReader::new(wire::Trust::Paired);
    let mut found = Vec::new();
    for parcel in sent {
        let Parcel::Bytes(Lane::Control, bytes) = parcel else { continue };
        let mut bytes = bytes.as_slice();
        while let Some(frame) = reader.read(&mut bytes).unwrap() {
            found.push(wire::Control::decode(frame.kind(), frame.body()).unwrap());
        }
    }
    found
}

fn journals(sent: &[Parcel]) -> Vec<wire::Journal> {
    let of = |control| {
        if let wire::Control::Journal(journal) = control { Some(journal) } else { None }
    };
    controls(sent).into_iter().filter_map(of).collect()
}

fn ends(journal: &wire::Journal) -> u64 {
    journal.from_sequence() + u64::from(journal.count()) - 1
}

fn closes(sent: &[Parcel], code: CloseCode) -> bool {
    sent.iter().any(|parcel| matches!(parcel, Parcel::Down(why) if *why == code))
}

#[test]
fn questions_move_no_more_than_one_window_and_go_back_once() {
    // [SESSION-16] [SESSION-47]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let sent = unanswered(&mut pair);
    assert_eq!(sent.len(), 4, "a window");
    let ask = |from_sequence| wire::Control::JournalAsk(wire::JournalAsk { from_sequence });
    let first = sent[0].from_sequence();
    // As many questions as fit one piece of the stream.
    let again = tell(&mut pair, &vec![ask(first); 1_365]);
    let froms = |sent: &[wire::Journal]| -> Vec<u64> {
        sent.iter().map(wire::Journal::from_sequence).collect()
    };
    assert_eq!(froms(&journals(&again)), froms(&sent), "what was asked for, once");
    assert!(journals(&tell(&mut pair, &vec![ask(first); 1_365])).is_empty(), "nothing more");
    // Whoever reads on without keeping is sent on, from the end of what was sent.
    let read = [ends(&sent[0]) + 1, ends(&sent[3]) + 1];
    let next = journals(&tell(&mut pair, &[ask(read[0]), ask(read[0])]));
    assert_eq!(froms(&next), [ends(&sent[3]) + 1]);
    let next = journals(&tell(&mut pair, &[ask(read[1]), ask(u64::MAX), ask(0)]));
    assert_eq!((next.len(), next[0].from_sequence()), (3, ends(&sent[3]) + 1 + 251));
}

#[test]
fn an_acknowledgement_of_what_was_not_sent_ends_the_connection() {
    // [SESSION-48]
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let have = |sequence, head| wire::Control::JournalHave(wire::JournalHave { sequence, head });
    let told = |honest: bool, further: u64| {
        let mut pair = Pair::new().run_until(105_000_000_000);
        let last = ends(&unanswered(&mut pair)[3]);
        let kept = replay(&pair.p.disk[&own]).unwrap();
        let entry = &kept.entries()[usize::try_from(last + further).unwrap() - 1];
        let hash = if honest { entry.hash } else { [7; 32] };
        tell(&mut pair, &[have(last + further, hash)])
    };
    let (fine, later, other) = (told(true, 0), told(true, 1), told(false, 0));
    assert!(!closes(&fine, CloseCode::BadFrame) && journals(&fine).len() == 4);
    assert!(closes(&later, CloseCode::BadFrame), "it is on the disk, and was not sent");
    assert!(closes(&other, CloseCode::BadFrame), "another history");
}

#[test]
fn a_failed_disk_is_not_told_by_a_peer_what_it_holds() {
    // [SESSION-2] [SESSION-48]
    let now = Instant::<Primary>::from_nanos(1_000);
    let name = JournalName { role: Role::PRIMARY, device: 1 };
    let mut outbox = Outbox::<Primary, ()>::new();
    let session = crate::identity::SessionId([5; 16]);
    let mut local = Local::create(session, name, Box::new(Key::new(1)), &mut outbox);
    let start = Fact::ProcessStarted { boot: BootId([1; 16]), wall_ms: 0, cause: 0, raw: 0 };
    local.write(now, &start, &mut outbox);
    local.settle(now, &mut outbox);
    local.carried_out();
    let certain = local.durable();
    local.write(now, &Fact::ScreenBack {}, &mut outbox);
    local.settle(now, &mut outbox);
    let shown = local.durable();
    local.write(now, &Fact::ScreenBack {}, &mut outbox);
    local.poison();
    assert_eq!(local.durable(), certain);
    // Where the first bytes are right too.
    let mut lie = shown;
    lie.hash[31] ^= 1;
    assert!(local.held_by_peer(lie).is_err());
    assert_eq!(local.durable(), certain, "a head that the own chain does not have");
    assert!(local.held_by_peer(Head { sequence: 9, hash: [9; 32] }).is_err());
    local.held_by_peer(shown).unwrap();
    assert_eq!(local.durable(), shown);
    local.held_by_peer(certain).unwrap();
    assert_eq!(local.durable(), shown, "it holds more than it says now");
}

#[test]
fn a_message_says_how_many_records_it_carries_and_which_is_the_first() {
    // [WIRE-16] [WIRE-17]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let own = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let known = replay(&pair.p.disk[&own]).unwrap();
    let last = known.entries().last().unwrap();
    let records = pair.p.disk[&own][usize::try_from(last.offset).unwrap()..].to_vec();
    let journal = |from, count| {
        wire::Control::Journal(wire::Journal::new(from, count, records.clone()).unwrap())
    };
    let have = |control: &wire::Control| matches!(control, wire::Control::JournalHave(_));
    assert!(controls(&tell(&mut pair, &[journal(last.sequence, 1)])).iter().any(have));
    assert!(closes(&tell(&mut pair, &[journal(last.sequence, 2)]), CloseCode::BadFrame));
}

/// What is wrong with the seal behind one good record.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Signature,
    Chain,
    Number,
}

/// A message that goes on from `journal`: a good record, and a seal with a fault.
fn going_on(journal: &[u8], signer: u8, wrong: Wrong) -> Vec<u8> {
    let known = replay(journal).unwrap();
    let from = known.head().sequence + 1;
    let mut writer = crate::journal::Writer::resume(&known);
    let now = Instant::<Primary>::from_nanos(i64::MAX);
    let start = Fact::ProcessStarted { boot: BootId([9; 16]), wall_ms: 0, cause: 0, raw: 0 };
    let mut records = writer.append(now, &start).unwrap();
    let before = writer.head().hash;
    let mut seal = writer.seal(now, &mut Key::new(signer)).unwrap();
    let at = match wrong {
        Wrong::Signature => 100,
        Wrong::Chain => 12,
        Wrong::Number => 4,
    };
    seal[at] ^= 1;
    if wrong != Wrong::Chain {
        let check = seal.len() - 8;
        let chain = crate::identity::sha256(&[&before, &seal[..check]].concat());
        seal[check..].copy_from_slice(&chain[..8]);
    }
    records.extend(seal);
    wire::Control::Journal(wire::Journal::new(from, 2, records).unwrap()).encode()
}

fn facts(journal: &[u8]) -> Vec<Fact> {
    replay(journal).unwrap().entries().iter().map(|entry| entry.fact.clone()).collect()
}

#[test]
fn a_forged_seal_and_a_broken_chain_are_tampering_and_a_wrong_number_is_not() {
    // [SESSION-17] [JOURNAL-24] [JOURNAL-25] [SESSION-36]
    let primarys = JournalName { role: Role::PRIMARY, device: 1 };
    let assistants = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let code = CloseCode::HistoryChanged;
    let (link, lane, age) = (LinkId(1), Lane::Control, Span::ZERO);
    let tells = |key: u8, wrong, facts: &[Fact]| {
        let key = Key::new(key).public_key().fingerprint();
        let forged = Fact::Alarm { code: code as u32, key };
        let alarm = facts.contains(&forged);
        let fork = facts.iter().any(|fact| matches!(fact, Fact::ForkSeen { .. }));
        assert_eq!((alarm, fork), (wrong == Wrong::Signature, wrong == Wrong::Chain));
    };
    for wrong in [Wrong::Signature, Wrong::Chain, Wrong::Number] {
        let mut pair = Pair::new().run_until(105_000_000_000);
        let bytes = going_on(&pair.p.disk[&assistants], 2, wrong);
        let kept = pair.p.disk[&assistants].clone();
        let now = pair.p.clock(pair.truth);
        pair.p.machine.handle(now, Input::Received { link, lane, age, bytes: &bytes });
        let (events, sent) = pair.p.drain();
        let alarm = primary::Event::Alarm { role: assistants.role, code };
        assert_eq!(events.contains(&alarm), wrong != Wrong::Number, "{events:?}");
        let why = if wrong == Wrong::Number { CloseCode::BadFrame } else { code };
        assert!(closes(&sent, why));
        tells(2, wrong, &facts(&pair.p.disk[&primarys]));
        assert_eq!(pair.p.disk[&assistants], kept, "nothing of it was taken");

        let mut pair = Pair::new().run_until(105_000_000_000);
        let bytes = going_on(&pair.a.disk[&primarys], 1, wrong);
        let kept = pair.a.disk[&primarys].clone();
        let now = pair.a.clock(pair.truth);
        pair.a.machine.handle(now, Input::Received { link, lane, age, bytes: &bytes });
        let (events, sent) = pair.a.drain();
        let alarm = secondary::Event::Alarm(code);
        assert_eq!(events.contains(&alarm), wrong != Wrong::Number, "{events:?}");
        let down = sent.iter().any(|parcel| matches!(parcel, Parcel::Down(_)));
        assert_eq!(down, wrong == Wrong::Number, "it goes on obeying");
        tells(1, wrong, &facts(&pair.a.disk[&assistants]));
        assert_eq!(pair.a.disk[&primarys], kept, "nothing of it was taken");
    }
}

#[test]
fn a_peer_that_talks_without_end_is_written_down_in_measure() {
    // [SESSION-49]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let before = pair.p.disk[&own].len();
    for n in 0..50_000_u32 {
        let stamp = wire::Stamp {
            seq: 1_000_000 + n,
            sent: wire::SenderTime::default(),
            epoch: u32::from(256_u16) << 16,
            echo_seq: 0,
            echo_clock: 0,
            echo_received: wire::SenderTime::default(),
        };
        let bytes = wire::Timing::Probe(wire::Probe { stamp }).encode();
        let now = pair.p.clock(pair.truth + i64::from(n) * 200_000);
        let (link, lane, age) = (LinkId(1), Lane::Timing, Span::ZERO);
        pair.p.machine.handle(now, Input::Received { link, lane, age, bytes: &bytes });
        pair.p.drain();
    }
    pair.truth += 11_000_000_000;
    for _ in 0..4 {
        pair.p.machine.handle(pair.p.clock(pair.truth), Input::Wake);
        pair.p.drain();
    }
    let grown = pair.p.disk[&own].len() - before;
    let most = (640 + 16 * 10) * 20 + 4_096;
    assert!(grown > 640 * 20 && grown < most, "{grown} bytes of 50,000 messages");
}

#[test]
fn a_boot_does_not_change_within_a_connection() {
    // [SESSION-50]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let report = |boot| {
        let (device, camera) = (crate::device::Device::default(), wire::CameraState::Recording);
        let boot = BootId([boot; 16]);
        wire::Control::DeviceReport(wire::DeviceReport { device, camera, boot })
    };
    assert!(!closes(&tell(&mut pair, &[report(2)]), CloseCode::BadFrame));
    assert!(closes(&tell(&mut pair, &[report(3)]), CloseCode::BadFrame));
}

#[test]
fn facts_that_could_not_be_written_are_counted_until_the_count_is() {
    // [JOURNAL-27]
    let now = Instant::<Primary>::from_nanos(1_000);
    let name = JournalName { role: Role::PRIMARY, device: 1 };
    let mut outbox = Outbox::<Primary, ()>::new();
    let session = crate::identity::SessionId([5; 16]);
    let mut local = Local::create(session, name, Box::new(Key::new(1)), &mut outbox);
    // Nothing can be written before a process has said that it started.
    for _ in 0..3 {
        local.write(now, &Fact::ScreenBack {}, &mut outbox);
        local.seal(now, crate::session::SealDue::Now, &mut outbox);
    }
    let start = Fact::ProcessStarted { boot: BootId([1; 16]), wall_ms: 0, cause: 0, raw: 0 };
    local.write(now, &start, &mut outbox);
    for _ in 0..2 {
        local.seal(now, crate::session::SealDue::Now, &mut outbox);
    }
    let mut file = Vec::new();
    loop {
        let output = outbox.pop(|| None);
        if matches!(output, Output::Idle { .. }) {
            break;
        }
        if let Output::Append { bytes, .. } = output {
            file.extend(bytes);
        }
    }
    let told = Fact::UnloggedFailure { code: 1, count: 3 };
    let counts = facts(&file).iter().filter(|fact| **fact == told).count();
    assert_eq!(counts, 1, "{:?}", facts(&file));
}
