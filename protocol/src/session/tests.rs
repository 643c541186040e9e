//! Two machines on a perfect cable: the shortest whole session there is.

use std::collections::{BTreeMap, VecDeque};

use crate::address::{Address, Addresses, Loopback};
use crate::device::{Heat, Permissions, Requirements, Switch};
use crate::fault::CloseCode;
use crate::identity::{BootId, ExamTag, Label, PublicKey, Role, SignFailed, Signature, Signer};
use crate::journal::{Fact, replay};
use crate::ledger::Observed;
use crate::machine::{Input, JournalName, Lane, LinkId, Lost, Machine, Output, Purpose};
use crate::plan::{Mode, Plan, Windows};
use crate::policy::Policy;
use crate::primary::{self, CheckCode, PrimaryMachine};
use crate::recording::Fragment;
use crate::secondary::{self, Consent, SecondaryMachine};
use crate::secret::{Entropy, Secret};
use crate::session::{HostFact, Past};
use crate::ticket::Ticket;
use crate::time::{Clock, Instant, Primary, Secondary, Span};

const DELAY: Span = Span::from_millis(1);
const OFFSET: Span = Span::from_secs(30);
const FRAGMENT: Span = Span::from_millis(500);

struct Key(p256::ecdsa::SigningKey);

impl Key {
    fn boxed(seed: u8) -> Box<dyn Signer> {
        Box::new(Self(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()))
    }
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        PublicKey::from_sec1(point.as_bytes()).unwrap()
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        use p256::ecdsa::signature::Signer as _;
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        Ok(Signature(signature.to_bytes().into()))
    }
}

/// Something under way to one side.
enum Parcel {
    Up(Purpose),
    Bytes(Lane, Vec<u8>),
    Down(CloseCode),
}

/// One machine, its disk, and what is on its way to it.
struct Side<M: Machine> {
    machine: M,
    offset: Span,
    wake: Option<Instant<M::Clock>>,
    inbox: VecDeque<(i64, Parcel)>,
    disk: Disk,
    recording: bool,
    next_fragment: i64,
}

impl<M: Machine> Side<M> {
    fn new(machine: M, offset: Span) -> Self {
        Self {
            machine,
            offset,
            wake: None,
            inbox: VecDeque::new(),
            disk: BTreeMap::new(),
            recording: false,
            next_fragment: 0,
        }
    }

    fn clock(&self, truth: i64) -> Instant<M::Clock> {
        Instant::from_nanos(truth) + self.offset
    }

    fn due(&self) -> Option<i64> {
        let wake = self.wake.map(|wake| wake.nanos() - self.offset.nanos());
        let arrival = self.inbox.front().map(|(at, _)| *at);
        let fragment = self.recording.then_some(self.next_fragment);
        [wake, arrival, fragment].into_iter().flatten().min()
    }

    /// Carries outputs out; yields events and what goes to the other side.
    fn drain(&mut self, truth: i64) -> (Vec<M::Event>, Vec<Parcel>) {
        let (mut events, mut sent) = (Vec::new(), Vec::new());
        loop {
            match self.machine.poll_output() {
                Output::Append { journal, bytes } => {
                    self.disk.entry(journal).or_default().extend(bytes);
                }
                Output::Transmit { lane, bytes, .. } => sent.push(Parcel::Bytes(lane, bytes)),
                Output::Dial { purpose, .. } => sent.push(Parcel::Up(purpose)),
                Output::Event(event) => events.push(event),
                Output::Sync | Output::Store(_) | Output::Admit(_) | Output::Announce(_) => {}
                Output::Close { code, .. } => {
                    assert_eq!(code, CloseCode::OkEnd, "at {truth}");
                    sent.push(Parcel::Down(code));
                }
                Output::Idle { wake } => {
                    self.wake = wake.map(|(at, _)| at);
                    return (events, sent);
                }
            }
        }
    }
}

fn binding() -> crate::secret::ChannelBinding {
    Secret::new([9; 32])
}

fn remote() -> core::net::SocketAddr {
    "127.0.0.1:1000".parse().unwrap()
}

fn step<M: Machine>(side: &mut Side<M>, peer: PublicKey, truth: i64) {
    let now = side.clock(truth);
    if side.inbox.front().is_some_and(|(at, _)| *at <= truth) {
        let (_, parcel) = side.inbox.pop_front().unwrap();
        match parcel {
            Parcel::Up(purpose) => side.machine.handle(
                now,
                Input::Connected {
                    link: LinkId(1),
                    purpose,
                    peer,
                    binding: binding(),
                    remote: remote(),
                },
            ),
            Parcel::Down(code) => {
                let lost = Lost::Closed(code);
                side.machine.handle(now, Input::Disconnected { link: LinkId(1), lost });
            }
            Parcel::Bytes(lane, bytes) => {
                side.machine.handle(now, Input::Received { link: LinkId(1), lane, bytes: &bytes });
            }
        }
        return;
    }
    side.machine.handle(now, Input::Wake);
}

fn fragment<C: Clock>(first: Instant<C>) -> HostFact<C> {
    let fragment = Fragment {
        first,
        last: first + FRAGMENT - Span::from_millis(33),
        frames: 15,
        bytes: 1_000,
        sha256: [1; 32],
    };
    HostFact::Committed { fragment, offset: 0 }
}

fn plan() -> Plan {
    let at = |s| Instant::from_nanos(0) + Span::from_secs(s);
    let windows = Windows {
        wait_open: at(100),
        wait_close: at(110),
        answer_start: at(110),
        answer_end: at(140),
    };
    let requirements = Requirements {
        battery_percent: 20,
        charger: Switch::Off,
        bytes_per_second: 0,
        heat: Heat::Hot,
        permissions: Permissions(0),
    };
    Plan::new(Mode::Mock, Label::new("Academy").unwrap(), 1, windows, requirements).unwrap()
}

fn primary(now: Instant<Primary>) -> PrimaryMachine {
    let ip = Address::new("127.0.0.1".parse().unwrap());
    let setup = primary::Setup {
        plan: plan(),
        policy: Policy::preset("xyb-seed").unwrap(),
        exam: ExamTag([3; 8]),
        label: Label::new("front").unwrap(),
        addresses: Addresses::new(&[ip], 1000, Loopback::Allowed).unwrap(),
        check_code: CheckCode::Skipped,
        signer: Key::boxed(1),
        boot: BootId([1; 16]),
        wall_ms: 1_767_225_600_000,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([1; 32]),
        past: Past::default(),
    };
    PrimaryMachine::new(setup, now).unwrap()
}

fn secondary(now: Instant<Secondary>) -> SecondaryMachine {
    let setup = secondary::Setup {
        label: Label::new("behind").unwrap(),
        signer: Key::boxed(2),
        boot: BootId([2; 16]),
        wall_ms: 1_767_225_600_000,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([2; 32]),
        past: Past::default(),
    };
    SecondaryMachine::new(setup, now).unwrap()
}

type Disk = BTreeMap<JournalName, Vec<u8>>;

/// Runs to the end; yields what each side was told.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other events need no answer")]
fn run() -> (Vec<primary::Event>, Vec<secondary::Event>, [Disk; 2]) {
    let mut truth = 100_000_000_000_i64;
    let role = Role::new(1).unwrap();
    let (key_p, key_a) = (Key::boxed(1).public_key(), Key::boxed(2).public_key());
    let mut p = Side::new(primary(Instant::from_nanos(truth)), Span::ZERO);
    let mut a = Side::new(secondary(Instant::from_nanos(truth) + OFFSET), OFFSET);
    let (mut told_p, mut told_a) = (Vec::new(), Vec::new());
    p.machine.command(p.clock(truth), primary::Command::OpenPairing { role }).unwrap();
    let mut begun = false;
    loop {
        let (events, sent) = p.drain(truth);
        a.inbox.extend(sent.into_iter().map(|parcel| (truth + DELAY.nanos(), parcel)));
        for event in events {
            match &event {
                primary::Event::Ticket { text, .. } if told_a.is_empty() => {
                    let ticket = Ticket::parse(text, Loopback::Allowed).unwrap();
                    let scanned = secondary::Command::Scanned(Box::new(ticket));
                    a.machine.command(a.clock(truth), scanned).unwrap();
                    let consent = secondary::Command::Consent(Consent::Given);
                    a.machine.command(a.clock(truth), consent).unwrap();
                }
                primary::Event::StartRecording { .. } => {
                    p.recording = true;
                    p.next_fragment = truth;
                    let started = HostFact::RecordingStarted {
                        take: 1,
                        timescale: 1_000_000,
                        file: "P.mp4".to_owned(),
                    };
                    p.machine.command(p.clock(truth), primary::Command::Host(started)).unwrap();
                }
                primary::Event::StopRecording => {
                    p.recording = false;
                    let stopped = HostFact::RecordingStopped(Observed::NOTHING);
                    p.machine.command(p.clock(truth), primary::Command::Host(stopped)).unwrap();
                }
                _ => {}
            }
            told_p.push(event);
        }
        let (events, sent) = a.drain(truth);
        for parcel in sent {
            if let Parcel::Up(purpose) = parcel {
                p.inbox.push_back((truth + DELAY.nanos(), Parcel::Up(purpose)));
                a.inbox.push_back((truth + 2 * DELAY.nanos(), Parcel::Up(purpose)));
            } else {
                p.inbox.push_back((truth + DELAY.nanos(), parcel));
            }
        }
        for event in events {
            match &event {
                secondary::Event::StartRecording { .. } => {
                    a.recording = true;
                    a.next_fragment = truth;
                    let started = HostFact::RecordingStarted {
                        take: 1,
                        timescale: 1_000_000,
                        file: "A1.mp4".to_owned(),
                    };
                    a.machine.command(a.clock(truth), secondary::Command::Host(started)).unwrap();
                }
                secondary::Event::StopRecording => {
                    a.recording = false;
                    let stopped = HostFact::RecordingStopped(Observed::NOTHING);
                    a.machine.command(a.clock(truth), secondary::Command::Host(stopped)).unwrap();
                }
                _ => {}
            }
            told_a.push(event);
        }
        let pending = [p.due(), a.due()].into_iter().flatten().min();
        let Some(next) = pending.filter(|next| *next < 200_000_000_000) else {
            return (told_p, told_a, [p.disk, a.disk]);
        };
        truth = truth.max(next);
        if truth > 102_000_000_000 && !begun {
            begun = true;
            p.machine.command(p.clock(truth), primary::Command::Begin).unwrap();
            continue;
        }
        if truth > 141_000_000_000 && p.recording {
            p.machine.command(p.clock(truth), primary::Command::Finish).unwrap();
            continue;
        }
        if p.due() == Some(next) {
            if p.recording && p.next_fragment <= truth {
                let fact = fragment(p.clock(p.next_fragment - FRAGMENT.nanos()));
                p.machine.command(p.clock(truth), primary::Command::Host(fact)).unwrap();
                p.next_fragment += FRAGMENT.nanos();
            } else {
                step(&mut p, key_a, truth);
            }
        } else if a.recording && a.next_fragment <= truth {
            let fact = fragment(a.clock(a.next_fragment - FRAGMENT.nanos()));
            a.machine.command(a.clock(truth), secondary::Command::Host(fact)).unwrap();
            a.next_fragment += FRAGMENT.nanos();
        } else {
            step(&mut a, key_p, truth);
        }
    }
}

#[test]
fn a_whole_session_on_a_perfect_cable() {
    let (told_p, told_a, [disk_p, disk_a]) = run();
    let seen = |wanted: &dyn Fn(&primary::Event) -> bool| told_p.iter().any(wanted);
    assert!(seen(&|event| matches!(event, primary::Event::Paired { .. })), "{told_p:?}");
    assert!(seen(&|event| matches!(event, primary::Event::AllRecording)));
    assert!(!seen(&|event| matches!(event, primary::Event::NotReady { .. })));
    assert!(!seen(&|event| matches!(event, primary::Event::CameraLost { .. })));
    let finished = primary::Event::Finished { incomplete: Vec::new() };
    assert!(told_p.contains(&finished), "{:?}", told_p.last());
    let ended = secondary::Event::Finished(secondary::Ending::Finished);
    assert!(told_a.contains(&ended), "{:?}", told_a.last());
    // [SESSION-16]: each device has the other's journal, to the byte.
    let assistants = JournalName { role: Role::new(1).unwrap(), device: 1 };
    let primarys = JournalName { role: Role::PRIMARY, device: 1 };
    assert_eq!(disk_p[&assistants], disk_a[&assistants]);
    assert_eq!(disk_p[&primarys], disk_a[&primarys]);
    for journal in disk_p.values() {
        let replayed = replay(journal).unwrap();
        assert!(replayed.is_finished() && replayed.last_seal_holds());
        let unwritten = |fact: &Fact| matches!(fact, Fact::UnloggedFailure { .. });
        assert!(!replayed.entries().iter().any(|entry| unwritten(&entry.fact)));
    }
    // The offset of 30 s is known, and the bound contains it.
    let estimate = told_p.iter().rev().find_map(|event| {
        if let primary::Event::Clock { estimate, .. } = event { Some(*estimate) } else { None }
    });
    let estimate = estimate.unwrap();
    assert!(estimate.low <= OFFSET && OFFSET <= estimate.high, "{estimate:?}");
    assert!((estimate.offset - OFFSET).abs() < Span::from_millis(1), "{estimate:?}");
}
