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
    let of = |control| match control {
        wire::Control::Journal(journal) => Some(journal),
        _ => None,
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
    // [SESSION-16] [SESSION-43]
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
    // [SESSION-44]
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
    // [SESSION-2] [SESSION-44]
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
