//! An assistant whose CONFIRM may be lost, before a primary that is an [`Offer`].

use std::collections::BTreeMap;

use super::*;
use crate::address::{Address, Addresses, Loopback};
use crate::device::{Heat, Permissions, Requirements, Switch};
use crate::identity::{ExamTag, Label, PublicKey, Role, SessionId, SignFailed, Signature, Signer};
use crate::ledger::Observed;
use crate::machine::{Input, Lane, Lost, Machine as _, Output, Purpose};
use crate::pairing::{Connection, Offer, Terms};
use crate::plan::{Mode, Plan, Windows};
use crate::policy::Policy;
use crate::secondary::{Command, Consent, Failure, Rejected, Setup};
use crate::secret::{ChannelBinding, Entropy, SecretBytes};
use crate::session::{Past, prepare};
use crate::ticket::{Flags, Ticket};
use crate::time::{Primary, Span};
use crate::wire::{Announce, Begin, FrameReader};

struct Key(p256::ecdsa::SigningKey);

impl Key {
    fn of(byte: u8) -> Self {
        Self(p256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap())
    }
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        PublicKey::from_sec1(point.as_bytes()).unwrap()
    }

    fn sign(&mut self, _: &[u8]) -> Result<Signature, SignFailed> {
        Err(SignFailed)
    }
}

const EXAM: ExamTag = ExamTag([9; 8]);
const NOW: Instant<Secondary> = Instant::from_nanos(5_000_000_000);

/// The assistant, its disk, and what it said last.
struct Desk {
    offer: Offer,
    entropy: Entropy,
    machine: SecondaryMachine,
    stored: Option<SecretBytes>,
    journals: BTreeMap<JournalName, Vec<u8>>,
    events: Vec<Event>,
    said: Vec<(LinkId, Frame)>,
    dials: Vec<Purpose>,
    closed: Vec<CloseCode>,
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// PLAN of this exam, held by this issuer.
fn plan(exam: ExamTag, issuer: &str) -> Vec<u8> {
    let at = |s| Instant::from_nanos(0) + Span::from_secs(s);
    let (wait_open, wait_close) = (at(100), at(110));
    let windows = Windows { wait_open, wait_close, answer_start: wait_close, answer_end: at(140) };
    let requirements = Requirements {
        battery_percent: 20,
        charger: Switch::Off,
        bytes_per_second: 0,
        heat: Heat::Hot,
        permissions: Permissions(0),
    };
    let plan = Plan::new(Mode::Mock, label(issuer), 1, windows, requirements).unwrap();
    let policy = Policy::preset("xyb-seed").unwrap().to_bytes();
    Control::Announce(Announce { exam, plan, policy }).encode()
}

/// What the primary with this key offers.
fn offer(key: u8, entropy: &mut Entropy) -> Offer {
    let address = Address::new("192.168.1.23".parse().unwrap());
    let terms = Terms {
        session: SessionId([key; 16]),
        role: Role::new(1).unwrap(),
        device: 1,
        exam: EXAM,
        issuer: label("Academy"),
        own: Key::of(key).public_key(),
        label: label("front"),
        flags: Flags::default(),
        addresses: Addresses::new(&[address], 47_000, Loopback::Refused).unwrap(),
        unix_s: 0,
        first_epoch: 0,
    };
    Offer::open(Instant::from_nanos(0), terms, entropy)
}

fn assistant(past: Past) -> SecondaryMachine {
    let setup = Setup {
        label: label("behind"),
        signer: Box::new(Key::of(2)),
        boot: BootId([2; 16]),
        wall_ms: 0,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([2; 32]),
        past,
    };
    SecondaryMachine::new(setup, NOW).unwrap()
}

impl Desk {
    /// CONFIRM was sent on link 1.
    fn confirming() -> Self {
        let mut entropy = Entropy::new([1; 32]);
        let offer = offer(1, &mut entropy);
        let machine = assistant(Past::default());
        let (stored, journals) = (None, BTreeMap::new());
        let (events, said) = (Vec::new(), Vec::new());
        let (dials, closed) = (Vec::new(), Vec::new());
        let mut desk =
            Self { offer, entropy, machine, stored, journals, events, said, dials, closed };
        desk.scan().unwrap();
        desk.connect(1, Purpose::Pair);
        let (_, hello) = desk.said.pop().unwrap();
        let at: Instant<Primary> = Instant::from_nanos(0);
        let peer = Key::of(2).public_key();
        let connection = Connection { binding: ChannelBinding::new([1; 32]), peer };
        let accept = desk.offer.hello(at, &connection, &hello, &mut desk.entropy).unwrap();
        desk.hear(1, &accept.to_bytes());
        assert!(matches!(desk.events.pop(), Some(Event::Paired { .. })));
        assert_eq!(desk.said.pop().unwrap().1.kind(), Kind::Confirm);
        desk
    }

    /// A person holds the assistant before a code and agrees.
    fn scan(&mut self) -> Result<(), Rejected> {
        let ticket = self.offer.ticket().map(|ticket| ticket.to_text());
        // A claimed offer shows none: the code of another primary.
        let other = || offer(3, &mut Entropy::new([3; 32])).ticket().unwrap().to_text();
        let text = ticket.unwrap_or_else(other);
        let ticket = Box::new(Ticket::parse(&text, Loopback::Refused).unwrap());
        self.machine.command(NOW, Command::Scanned(ticket))?;
        self.drain();
        assert!(matches!(self.events.pop(), Some(Event::ConsentNeeded { .. })));
        self.machine.command(NOW, Command::Consent(Consent::Given)).unwrap();
        self.drain();
        Ok(())
    }

    fn connect(&mut self, link: u64, purpose: Purpose) {
        let byte = u8::try_from(link).unwrap();
        let (link, peer) = (LinkId(link), Key::of(1).public_key());
        let (binding, remote) =
            (ChannelBinding::new([byte; 32]), "192.168.1.23:47000".parse().unwrap());
        self.handle(Input::Connected { link, purpose, peer, binding, remote });
    }

    fn hear(&mut self, link: u64, bytes: &[u8]) {
        let (link, lane, age) = (LinkId(link), Lane::Control, Span::ZERO);
        self.handle(Input::Received { link, lane, age, bytes });
    }

    fn lose(&mut self, link: u64, lost: Lost) {
        self.handle(Input::Disconnected { link: LinkId(link), lost });
    }

    /// The app starts anew with what the disk holds.
    fn restart(&mut self) {
        let prepared = prepare(self.stored.as_ref(), self.journals.clone()).unwrap();
        self.machine = assistant(prepared.past);
    }

    fn handle(&mut self, input: Input<'_>) {
        self.machine.handle(NOW, input);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.machine.poll_output() {
                Output::Append { journal, bytes } => {
                    self.journals.entry(journal).or_default().extend(bytes);
                }
                Output::Store(state) => self.stored = Some(state),
                Output::Transmit { link, lane: Lane::Control, bytes } => {
                    let mut reader = FrameReader::new(crate::wire::Trust::Paired);
                    let frame = reader.read(&mut bytes.as_slice()).unwrap().unwrap();
                    self.said.push((link, frame));
                }
                Output::Dial { purpose, .. } => self.dials.push(purpose),
                Output::Event(event) => self.events.push(event),
                Output::Idle { .. } => return,
                Output::Sync | Output::Transmit { .. } | Output::Admit(_) | Output::Announce(_) => {
                }
                Output::Close { code, .. } => self.closed.push(code),
            }
        }
    }
}

#[test]
fn nothing_is_recorded_or_obeyed_before_the_primary_has_shown_that_it_knows() {
    // [PAIRING-28]
    let mut desk = Desk::confirming();
    assert!(desk.stored.is_some() && desk.journals.is_empty());
    assert_eq!(desk.machine.snapshot(NOW).role, Role::new(1).ok());
    // Whatever comes instead of PLAN ends it.
    desk.hear(1, &Control::Begin(Begin { take: 1 }).encode());
    let Some(Event::PairingFailed(Failure::Fault(fault))) = desk.events.pop() else {
        panic!("{:?}", desk.events)
    };
    assert_eq!(fault.code, CloseCode::OutOfOrder);
    assert!(desk.journals.is_empty() && desk.scan().is_ok());
}

#[test]
fn a_restart_goes_on_where_confirm_may_be_lost() {
    // [PAIRING-28]
    let mut desk = Desk::confirming();
    desk.restart();
    desk.drain();
    assert_eq!(desk.dials.last(), Some(&Purpose::Resume));
    desk.connect(2, Purpose::Resume);
    assert_eq!(desk.said.pop().unwrap().1.kind(), Kind::Resume);
    desk.lose(2, Lost::Closed(CloseCode::Expired));
    assert_eq!(desk.events.pop(), Some(Event::PairingFailed(Failure::Refused(CloseCode::Expired))));
    // Nothing of it is left for the next run.
    desk.restart();
    desk.drain();
    assert_eq!(desk.machine.snapshot(NOW).role, None);
    assert!(desk.scan().is_ok());
}

#[test]
fn before_its_journal_begins_it_shows_that_of_a_header_alone() {
    // [PAIRING-34] [WIRE-16]
    let mut desk = Desk::confirming();
    desk.lose(1, Lost::TimedOut);
    desk.connect(2, Purpose::Resume);
    let (_, frame) = desk.said.pop().unwrap();
    let Ok(Control::Resume(resume)) = Control::decode(frame.kind(), frame.body()) else {
        panic!("{:?}", frame.kind())
    };
    assert_eq!((resume.sequence, resume.peer_sequence), (0, 0));
    let (session, role) = (SessionId([1; 16]), Role::new(1).unwrap());
    let header = Header { session, role, device: 1, key: Key::of(2).public_key() };
    let (_, bytes) = crate::journal::Writer::create(header);
    assert_eq!(resume.head, crate::identity::sha256(&bytes[..96]));
}

#[test]
fn only_the_proven_primary_can_say_that_it_was_too_late() {
    // [PAIRING-29] [FAULT-6]: a handshake that fails was answered by nobody in particular.
    let mut desk = Desk::confirming();
    desk.lose(1, Lost::TimedOut);
    for lost in [
        Lost::WrongKey,
        Lost::Closed(CloseCode::Expired),
        Lost::Closed(CloseCode::NotPairing),
        Lost::Unreachable,
    ] {
        desk.handle(Input::DialFailed { lost });
        assert_eq!(desk.events, [], "{lost:?}");
    }
    // And a connection that is lost says nothing of the claim.
    desk.connect(2, Purpose::Resume);
    desk.lose(2, Lost::Closed(CloseCode::Timeout));
    assert_eq!(desk.events, []);
    desk.connect(3, Purpose::Resume);
    desk.lose(3, Lost::Closed(CloseCode::UnknownSession));
    assert_eq!(desk.events.len(), 1);
}

#[test]
fn who_scans_again_has_decided() {
    // [PAIRING-29]: with a connection the answer is on its way.
    let mut desk = Desk::confirming();
    assert_eq!(desk.scan(), Err(Rejected::InSession));
    desk.lose(1, Lost::TimedOut);
    assert!(desk.scan().is_ok());
    assert_eq!(desk.dials.last(), Some(&Purpose::Pair));
    assert_eq!(desk.stored, Some(SecretBytes::default()));
    assert_eq!(desk.machine.snapshot(NOW).role, None);
}

#[test]
fn who_leaves_before_it_is_known_leaves_nothing_behind() {
    let mut desk = Desk::confirming();
    desk.machine.command(NOW, Command::Leave).unwrap();
    desk.drain();
    assert_eq!(desk.stored, Some(SecretBytes::default()));
    assert!(matches!(desk.events.pop(), Some(Event::Finished(crate::secondary::Ending::Left))));
}

#[test]
fn a_seat_that_could_not_be_stored_is_claimed_no_more() {
    // [SESSION-2]
    let mut desk = Desk::confirming();
    desk.handle(Input::StorageFailed);
    assert_eq!(desk.events, [Event::StorageFailed]);
    desk.lose(1, Lost::TimedOut);
    desk.handle(Input::NetworkChanged);
    assert_eq!(desk.dials, [Purpose::Pair]);
    desk.machine = assistant(Past::default());
    assert!(desk.scan().is_ok());
}

/// What no person at this device agreed to.
const OTHERS: [(ExamTag, &str); 2] = [(ExamTag([8; 8]), "Academy"), (EXAM, "Institute")];

#[test]
fn a_plan_of_what_nobody_agreed_to_takes_no_camera() {
    // [PAIRING-35]
    for (exam, issuer) in OTHERS {
        let mut desk = Desk::confirming();
        desk.hear(1, &plan(exam, issuer));
        let Some(Event::PairingFailed(Failure::Fault(fault))) = desk.events.pop() else {
            panic!("{:?}", desk.events)
        };
        assert_eq!(fault.code, CloseCode::WrongExam, "{issuer}");
        assert_eq!(desk.closed, [CloseCode::WrongExam]);
        assert!(desk.journals.is_empty() && desk.scan().is_ok());
    }
    let mut desk = Desk::confirming();
    desk.hear(1, &plan(EXAM, "Academy"));
    assert!(desk.closed.is_empty() && !desk.journals.is_empty());
    assert!(desk.events.iter().any(|event| matches!(event, Event::Plan(_))), "{:?}", desk.events);
}

/// RESUMED took the place of PLAN, after a restart.
fn resumed() -> Desk {
    let mut desk = Desk::confirming();
    desk.restart();
    desk.drain();
    desk.connect(2, Purpose::Resume);
    let (_, resume) = desk.said.pop().unwrap();
    let peer = Key::of(2).public_key();
    let connection = Connection { binding: ChannelBinding::new([2; 32]), peer };
    let standing = Standing { boot: BootId([1; 16]), head: [0; 32], sequence: 0, peer_sequence: 0 };
    let (at, entropy): (Instant<Primary>, _) = (Instant::from_nanos(0), &mut desk.entropy);
    let returned = desk.offer.resume(at, &connection, &resume, standing, entropy).unwrap();
    desk.hear(2, &returned.answer.to_bytes());
    assert!(desk.closed.is_empty() && !desk.journals.is_empty());
    desk
}

#[test]
fn what_was_agreed_to_holds_after_a_restart_and_before_every_order() {
    // [PAIRING-28] [PAIRING-35]
    let order = Control::Begin(Begin { take: 1 }).encode();
    let others = OTHERS.map(|(exam, issuer)| (plan(exam, issuer), CloseCode::WrongExam));
    for (bytes, code) in others.into_iter().chain([(order.clone(), CloseCode::OutOfOrder)]) {
        let mut desk = resumed();
        desk.hear(2, &bytes);
        assert_eq!(desk.closed, [code]);
        assert_eq!(desk.machine.snapshot(NOW).plan, None);
    }
    let mut desk = resumed();
    desk.hear(2, &[plan(EXAM, "Academy"), order].concat());
    assert_eq!(desk.closed, []);
    assert_eq!(desk.machine.snapshot(NOW).take, Some(1));
}
