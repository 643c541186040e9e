//! The cases of the threat table that belong to this layer, by their numbers.

use p256::ecdsa::SigningKey;

use super::*;
use crate::address::{Address, Addresses, Loopback};
use crate::fault::{CloseCode, Fault};
use crate::identity::{BootId, ExamTag};
use crate::limits;
use crate::secret::{Entropy, PairingSecret};
use crate::ticket::{Flags, Ticket};
use crate::time::{Instant, Primary, Span};
use crate::wire::{Control, Frame, Kind};

/// The uncompressed point of the key whose secret is `byte`, 32 times.
pub(super) fn point(byte: u8) -> [u8; 65] {
    let key = SigningKey::from_slice(&[byte; 32]).unwrap();
    key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

fn key(byte: u8) -> PublicKey {
    PublicKey::from_sec1(&point(byte)).unwrap()
}

const EXAM: ExamTag = ExamTag([9; 8]);

/// A primary with key 1 and its offer.
struct World {
    offer: Offer,
    entropy: Entropy,
    now: Instant<Primary>,
}

/// One end of a connection between an assistant and the primary.
struct Dialled {
    at_primary: Connection,
    at_assistant: Connection,
    own: PublicKey,
}

fn academy() -> Label {
    Label::new("Academy").unwrap()
}

fn terms() -> Terms {
    let ip = Address::new("192.168.1.23".parse().unwrap());
    Terms {
        session: SessionId([5; 16]),
        role: Role::new(1).unwrap(),
        device: 1,
        exam: EXAM,
        issuer: academy(),
        own: key(1),
        label: Label::new("front").unwrap(),
        flags: Flags::CHECK_CODE,
        addresses: Addresses::new(&[ip], 47_123, Loopback::Refused).unwrap(),
        unix_s: 1_767_225_600,
        first_epoch: 0,
    }
}

impl World {
    fn new(seed: u8) -> Self {
        let mut entropy = Entropy::new([seed; 32]);
        let now = Instant::from_nanos(1_000);
        Self { offer: Offer::open(now, terms(), &mut entropy), entropy, now }
    }

    fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        self.offer.wake(self.now, &mut self.entropy);
    }

    fn scan(&self) -> SendHello {
        let text = self.offer.ticket().unwrap().to_text();
        let ticket = Ticket::parse(&text, Loopback::Refused).unwrap();
        Scanned::new(ticket).consent(Consent::given_to(EXAM, Some(academy()))).unwrap()
    }

    fn hello(&mut self, dialled: &Dialled, frame: &Frame) -> Result<Frame, Box<Refusal>> {
        self.offer.hello(self.now, &dialled.at_primary, frame, &mut self.entropy)
    }

    fn confirm(&mut self, dialled: &Dialled, frame: &Frame) -> Result<Paired, Fault> {
        self.offer.confirm(self.now, &dialled.at_primary, frame, &mut self.entropy)
    }

    fn refused(&mut self, dialled: &Dialled, frame: &Frame) -> CloseCode {
        self.hello(dialled, frame).unwrap_err().fault.code
    }

    /// Pairs the assistant with this key from start to end.
    fn pair(&mut self, assistant: u8) -> (Paired, Paired) {
        let dialled = dial(assistant, 1);
        let (hello, expect) = dialled.say_hello(self.scan());
        let accept = self.hello(&dialled, &hello).unwrap();
        let (at_assistant, confirm) = expect.accept(&accept).unwrap();
        (self.confirm(&dialled, &confirm).unwrap(), at_assistant)
    }
}

/// A connection of the assistant with this key to the primary; every `number`
/// has an exporter value of its own.
fn dial(assistant: u8, number: u8) -> Dialled {
    let binding = ChannelBinding::new([number ^ assistant.rotate_left(4); 32]);
    Dialled {
        at_primary: Connection { binding: binding.clone(), peer: key(assistant) },
        at_assistant: Connection { binding, peer: key(1) },
        own: key(assistant),
    }
}

impl Dialled {
    fn say_hello(&self, send: SendHello) -> (Frame, ExpectAccept) {
        let mut entropy = Entropy::new(self.own.fingerprint().0);
        send.send(&self.at_assistant, &self.own, Label::new("back").unwrap(), &mut entropy).unwrap()
    }
}

fn flipped(frame: &Frame, bit: usize) -> Frame {
    let mut body = frame.body().to_vec();
    body[bit / 8] ^= 1 << (bit % 8);
    Frame::new(frame.kind(), body)
}

fn another_exporter(dialled: Dialled) -> Dialled {
    let binding = ChannelBinding::new([0xEE; 32]);
    let at_primary = Connection { binding: binding.clone(), ..dialled.at_primary };
    Dialled { at_primary, at_assistant: Connection { binding, ..dialled.at_assistant }, ..dialled }
}

#[test]
fn both_sides_share_everything_after_one_scan() {
    // [PAIRING-3] [PAIRING-8] [PAIRING-13]
    let mut world = World::new(1);
    let (primary, assistant) = world.pair(2);
    assert_eq!(primary.session(), assistant.session());
    assert_eq!(primary.role(), assistant.role());
    assert_eq!(primary.resume(), assistant.resume());
    assert_eq!(primary.check_code(), assistant.check_code());
    assert_eq!(primary.check(), CheckCode::Asked);
    assert_eq!(primary.transcript(), assistant.transcript());
    assert_eq!((*primary.peer(), *assistant.peer()), (key(2), key(1)));
    assert_eq!(primary.peer_label().as_str(), "back");
    assert_eq!(assistant.peer_label().as_str(), "front");
    assert_eq!(world.offer.ticket(), None, "nothing is left to scan");
    // [PAIRING-2]: who scanned a code in time is recognised as long as it would count.
    let until = world.offer.deadline().unwrap();
    assert!(world.offer.is_fulfilled() && !world.offer.is_spent(until - Span::from_nanos(1)));
    world.offer.wake(until, &mut Entropy::new([0; 32]));
    assert!(world.offer.is_spent(until) && world.offer.ticket().is_none());
}

#[test]
fn a_connection_alone_pairs_nobody() {
    // [PAIRING-1] [PAIRING-13]
    let mut world = World::new(2);
    let (dialled, other) = (dial(2, 1), dial(3, 1));
    let confirm = Control::Confirm(crate::wire::Confirm { mac: [0; 32] }).frame();
    assert_eq!(world.confirm(&dialled, &confirm).unwrap_err().code, CloseCode::OutOfOrder);
    let (hello, expect) = dialled.say_hello(world.scan());
    let accept = world.hello(&dialled, &hello).unwrap();
    assert_eq!(world.confirm(&dialled, &confirm).unwrap_err().code, CloseCode::AuthFailed);
    let (_, confirm) = expect.accept(&accept).unwrap();
    assert_eq!(world.confirm(&other, &confirm).unwrap_err().code, CloseCode::OutOfOrder);
    assert!(world.confirm(&dialled, &confirm).is_ok());
}

#[test]
fn case_34_a_device_does_not_pair_with_itself() {
    // [PAIRING-15]
    let mut world = World::new(34);
    let dialled = dial(1, 1);
    let mut entropy = Entropy::new([1; 32]);
    let label = Label::new("back").unwrap();
    let error = world.scan().send(&dialled.at_assistant, &key(1), label, &mut entropy).unwrap_err();
    assert_eq!(error.code, CloseCode::AuthFailed);
    let (hello, _) = dial(2, 1).say_hello(world.scan());
    assert_eq!(world.refused(&dialled, &hello), CloseCode::AuthFailed);
}

#[test]
fn case_35_another_secret() {
    // [PAIRING-6] [PAIRING-9]
    let mut world = World::new(35);
    let mut ticket = world.offer.ticket().unwrap().clone();
    ticket.secret = PairingSecret::new([8; 16]);
    let send = Scanned::new(ticket).consent(Consent::given_to(EXAM, Some(academy()))).unwrap();
    let dialled = dial(2, 1);
    let (hello, _) = dialled.say_hello(send);
    assert_eq!(world.refused(&dialled, &hello), CloseCode::AuthFailed);
}

#[test]
fn cases_36_and_39_a_proof_of_another_connection() {
    // [PAIRING-4] [PAIRING-12]
    let mut world = World::new(36);
    let dialled = dial(2, 1);
    let (hello, expect) = dialled.say_hello(world.scan());
    let relayed = another_exporter(dial(2, 1));
    assert_eq!(world.refused(&relayed, &hello), CloseCode::AuthFailed);
    // The relay cannot use the primary's answer to another connection either.
    let other = dial(2, 3);
    let (hello, _) = other.say_hello(world.scan());
    let accept = world.hello(&other, &hello).unwrap();
    assert_eq!(expect.accept(&accept).unwrap_err().code, CloseCode::AuthFailed);
}

#[test]
fn case_37_a_reflected_proof() {
    // [PAIRING-7]
    let mut world = World::new(37);
    let dialled = dial(2, 1);
    let (hello, expect) = dialled.say_hello(world.scan());
    let accept = world.hello(&dialled, &hello).unwrap();
    let mut body = accept.body().to_vec();
    let proof = body.len() - 32;
    body[proof..].copy_from_slice(&hello.body()[hello.body().len() - 32..]);
    let reflected = Frame::new(Kind::Accept, body);
    assert_eq!(expect.accept(&reflected).unwrap_err().code, CloseCode::AuthFailed);
}

#[test]
fn case_38_a_key_that_tls_has_not_seen() {
    // [PAIRING-10]
    let mut world = World::new(38);
    let honest = dial(2, 1);
    let send = world.scan();
    // A phone that scanned the code claims, with a proof that fits, another key.
    let other_key = Dialled {
        at_primary: Connection { peer: key(3), ..honest.at_primary.clone() },
        ..dial(2, 1)
    };
    let keys = keys::TicketKeys::new(send.ticket());
    let (hello, _) = honest.say_hello(send);
    let Ok(Control::Hello(mut forged)) = Control::decode(Kind::Hello, hello.body()) else {
        panic!("a HELLO decodes");
    };
    let ends = other_key.at_primary.seen_by_primary(&key(1));
    forged.proof = keys.assistant().hello_proof(&ends, hello.body());
    let forged = Control::Hello(forged).frame();
    assert_eq!(world.refused(&other_key, &forged), CloseCode::AuthFailed);
    assert!(world.offer.ticket().is_some(), "the seat is still free");
}

#[test]
fn case_40_every_bit_of_every_message() {
    // [PAIRING-4] [PAIRING-6] [PAIRING-7]
    let mut world = World::new(40);
    let dialled = dial(2, 1);
    let send = world.scan();
    let (hello, _) = dialled.say_hello(send.clone());
    for bit in 0..hello.body().len() * 8 {
        let mut fresh = World::new(40);
        assert!(fresh.hello(&dialled, &flipped(&hello, bit)).is_err(), "HELLO bit {bit}");
    }
    let accept = world.hello(&dialled, &hello).unwrap();
    for bit in 0..accept.body().len() * 8 {
        let (_, expect) = dialled.say_hello(send.clone());
        assert!(expect.accept(&flipped(&accept, bit)).is_err(), "ACCEPT bit {bit}");
    }
    let (_, expect) = dialled.say_hello(send);
    let (_, confirm) = expect.accept(&accept).unwrap();
    for bit in 0..confirm.body().len() * 8 {
        assert!(world.confirm(&dialled, &flipped(&confirm, bit)).is_err(), "CONFIRM bit {bit}");
    }
    assert!(world.confirm(&dialled, &confirm).is_ok());
}

#[test]
fn case_41_a_code_is_honoured_for_sixty_seconds() {
    // [PAIRING-17] [PAIRING-9] [LIMITS-40] [LIMITS-41] [LIMITS-42]
    let mut world = World::new(41);
    let first = world.scan();
    let second = Span::from_secs(1);
    let mut shown = vec![first.ticket().epoch];
    for _ in 0..59 {
        world.pass(second);
        let epoch = world.offer.ticket().unwrap().epoch;
        if shown.last() != Some(&epoch) {
            shown.push(epoch);
        }
    }
    assert_eq!(shown, [0, 1, 2, 3], "a new one every 15 s");
    let dialled = dial(2, 1);
    let (hello, _) = dialled.say_hello(first.clone());
    let mut late = World::new(41);
    for _ in 0..4 {
        late.pass(limits::SLOT_ROTATION);
    }
    assert_eq!(late.refused(&dialled, &hello), CloseCode::Expired, "told to whoever proves it");
    let wrong = flipped(&hello, hello.body().len() * 8 - 1);
    assert_eq!(late.refused(&dialled, &wrong), CloseCode::AuthFailed, "and to nobody else");
    assert!(world.hello(&dialled, &hello).is_ok(), "59 s are in time");
}

#[test]
fn a_primary_that_slept_honours_no_code_of_before() {
    // [PAIRING-17]
    let mut world = World::new(42);
    let dialled = dial(2, 1);
    let (hello, _) = dialled.say_hello(world.scan());
    world.now = world.now + Span::from_secs(3_600);
    assert_eq!(world.refused(&dialled, &hello), CloseCode::Expired);
}

#[test]
fn cases_42_and_43_somebody_in_the_middle() {
    // [PAIRING-10]
    let mut world = World::new(43);
    let label = Label::new("back").unwrap();
    let mut entropy = Entropy::new([2; 32]);
    let middle = Connection { binding: ChannelBinding::new([3; 32]), peer: key(7) };
    let error = world.scan().send(&middle, &key(2), label, &mut entropy).unwrap_err();
    assert_eq!(error.code, CloseCode::AuthFailed, "nothing is proven to another key");
    // Even with the secret, an ACCEPT for another key does not verify.
    let dialled = dial(2, 1);
    let (hello, expect) = dialled.say_hello(world.scan());
    let accept = world.hello(&dialled, &hello).unwrap();
    let Ok(Control::Accept(mut forged)) = Control::decode(Kind::Accept, accept.body()) else {
        panic!("an ACCEPT decodes");
    };
    forged.key = key(7).fingerprint();
    let keys = keys::TicketKeys::new(&expect_ticket(&World::new(43)));
    let unproven = Control::Accept(forged).frame();
    let ends = dialled.at_primary.seen_by_primary(&key(1));
    forged.proof = keys.accept_proof(&ends, hello.body(), unproven.body());
    let error = expect.accept(&Control::Accept(forged).frame()).unwrap_err();
    assert_eq!(error.code, CloseCode::AuthFailed);
}

fn expect_ticket(world: &World) -> Ticket {
    world.offer.ticket().unwrap().clone()
}

#[test]
fn case_50_every_other_message_is_out_of_order() {
    // [PAIRING-16]
    let dialled = dial(2, 1);
    for kind in Kind::ALL.iter().copied().filter(|kind| !kind.is_datagram()) {
        let mut world = World::new(50);
        let frame = Frame::new(kind, vec![1; 40]);
        let (hello, expect) = dialled.say_hello(world.scan());
        if kind != Kind::Hello {
            assert_eq!(world.refused(&dialled, &frame), CloseCode::OutOfOrder, "{kind:?}");
            assert_eq!(world.confirm(&dialled, &frame).unwrap_err().code, CloseCode::OutOfOrder);
        }
        if kind != Kind::Accept {
            assert_eq!(expect.accept(&frame).unwrap_err().code, CloseCode::OutOfOrder);
        }
        world.hello(&dialled, &hello).unwrap();
        let error = world.confirm(&dialled, &frame).unwrap_err();
        let malformed = error.code == CloseCode::BadFrame || error.code == CloseCode::Version;
        assert!(malformed || error.code == CloseCode::OutOfOrder, "{kind:?}: {error}");
    }
}

#[test]
fn case_52_a_code_that_rotates_during_the_handshake() {
    // [PAIRING-17]
    let mut world = World::new(52);
    let send = world.scan();
    let dialled = dial(2, 1);
    world.pass(limits::SLOT_ROTATION);
    let (hello, expect) = dialled.say_hello(send);
    let accept = world.hello(&dialled, &hello).unwrap();
    world.pass(Span::from_secs(5));
    let (_, confirm) = expect.accept(&accept).unwrap();
    assert!(world.confirm(&dialled, &confirm).is_ok());
}

#[test]
fn case_53_a_primary_that_restarted_knows_no_old_code() {
    // [PAIRING-9]
    let dialled = dial(2, 1);
    let (hello, _) = dialled.say_hello(World::new(53).scan());
    assert_eq!(World::new(54).refused(&dialled, &hello), CloseCode::AuthFailed);
}

#[test]
fn cases_51_and_54_nothing_happens_without_consent_to_this_exam() {
    // [PAIRING-14]
    let world = World::new(54);
    let scanned = Scanned::new(expect_ticket(&world));
    let other = Label::new("Institute").ok();
    for (exam, issuer) in [(ExamTag([1; 8]), Some(academy())), (EXAM, other), (EXAM, None)] {
        let error = scanned.clone().consent(Consent::given_to(exam, issuer)).unwrap_err();
        assert_eq!(error.code, CloseCode::WrongExam, "{issuer:?}");
    }
}

#[test]
fn case_55_guessing_costs_codes_and_then_time() {
    // [PAIRING-19] [LIMITS-44] [LIMITS-45] [LIMITS-46]
    let mut world = World::new(55);
    let dialled = dial(2, 1);
    let mut alarms = Vec::new();
    for attempt in 1..=20 {
        let (hello, _) = dialled.say_hello(world.scan());
        let before = expect_ticket(&world).epoch;
        let refusal = world.hello(&dialled, &flipped(&hello, 8 * 100)).unwrap_err();
        assert_eq!(refusal.fault.code, CloseCode::AuthFailed);
        alarms.extend(refusal.alarm);
        let rotated = world.offer.ticket().is_none_or(|ticket| ticket.epoch != before);
        assert_eq!(rotated, attempt % 5 == 0, "attempt {attempt}");
    }
    assert_eq!(alarms, [PairingAlarm::Guessing]);
    assert_eq!(world.offer.ticket(), None);
    let (hello, _) = dialled.say_hello(World::new(55).scan());
    assert_eq!(world.refused(&dialled, &hello), CloseCode::RateLimited);
    world.pass(limits::OFFER_PAUSE);
    world.pair(2);
}

#[test]
fn a_move_to_other_addresses_shows_another_code() {
    // [PAIRING-17]
    let mut world = World::new(60);
    let before = world.scan();
    let ip = Address::new("10.0.0.9".parse().unwrap());
    let addresses = Addresses::new(&[ip], 5, Loopback::Refused).unwrap();
    world.offer.readdress(world.now, addresses.clone(), &mut world.entropy);
    assert_eq!(world.offer.ticket().unwrap().addresses, addresses);
    assert_ne!(world.offer.discovery().unwrap(), before.discovery());
    let dialled = dial(2, 1);
    let (hello, _) = dialled.say_hello(before);
    assert!(world.hello(&dialled, &hello).is_ok(), "the code that was just scanned still works");
}

mod claims;
mod resume;
