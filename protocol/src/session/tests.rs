//! Two machines on a perfect cable: the shortest whole session there is.

mod beats;
mod broken;
mod clocks;
mod closes;
mod journals;
mod looks;
mod past;
mod promises;
mod vocabulary;

use std::collections::{BTreeMap, VecDeque};

use crate::address::{Address, Addresses, Loopback};
use crate::clock::Estimate;
use crate::device::{Heat, Permissions, Requirements, Switch};
use crate::fault::CloseCode;
use crate::identity::tests::Key;
use crate::identity::{BootId, ExamTag, Label, PublicKey, Role, Signer as _};
use crate::journal::{Fact, replay};
use crate::ledger::Observed;
use crate::machine::{Input, JournalName, Lane, LinkId, Lost, Machine, Output, Purpose};
use crate::plan::{Mode, Plan, Windows};
use crate::policy::Policy;
use crate::primary::{self, CheckCode, PrimaryMachine};
use crate::recording::Fragment;
use crate::secondary::{self, Consent, SecondaryMachine};
use crate::secret::{Entropy, Secret, SecretBytes};
use crate::session::{HostFact, Past, Refused};
use crate::ticket::Ticket;
use crate::time::{Clock, Instant, Primary, Secondary, Span};
use crate::wire;

const DELAY: Span = Span::from_millis(1);
const OFFSET: Span = Span::from_secs(30);
const FRAGMENT: Span = Span::from_millis(500);

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
    /// How long what comes waits until it is read.
    late: Span,
    wake: Option<Instant<M::Clock>>,
    inbox: VecDeque<(i64, Parcel)>,
    disk: Disk,
    stored: Option<SecretBytes>,
    recording: bool,
    next_fragment: i64,
}

impl<M: Machine> Side<M> {
    fn new(machine: M, offset: Span) -> Self {
        Self {
            machine,
            offset,
            late: Span::ZERO,
            wake: None,
            inbox: VecDeque::new(),
            disk: BTreeMap::new(),
            stored: None,
            recording: false,
            next_fragment: 0,
        }
    }

    fn clock(&self, truth: i64) -> Instant<M::Clock> {
        Instant::from_nanos(truth) + self.offset
    }

    fn due(&self) -> Option<i64> {
        let wake = self.wake.map(|wake| wake.nanos() - self.offset.nanos());
        let arrival = self.inbox.front().map(|(at, _)| *at + self.late.nanos());
        let fragment = self.recording.then_some(self.next_fragment);
        [wake, arrival, fragment].into_iter().flatten().min()
    }

    /// Carries outputs out; yields events and what goes to the other side.
    fn drain(&mut self) -> (Vec<M::Event>, Vec<Parcel>) {
        let (mut events, mut sent) = (Vec::new(), Vec::new());
        let mut stamped = false;
        loop {
            let output = self.machine.poll_output();
            // [TRANSPORT-28] What is done beside a stamped message is done when it has left.
            let timing = matches!(output, Output::Transmit { lane: Lane::Timing, .. });
            let idle = matches!(output, Output::Idle { .. });
            assert!(timing || idle || !stamped, "work behind a stamped message");
            stamped |= timing;
            match output {
                Output::Append { journal, bytes } => {
                    self.disk.entry(journal).or_default().extend(bytes);
                }
                Output::Transmit { lane, bytes, .. } => sent.push(Parcel::Bytes(lane, bytes)),
                Output::Dial { purpose, .. } => sent.push(Parcel::Up(purpose)),
                Output::Event(event) => events.push(event),
                Output::Store(state) => self.stored = Some(state),
                Output::Sync | Output::Admit(_) | Output::Announce(_) => {}
                Output::Close { code, .. } => sent.push(Parcel::Down(code)),
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
    let read = |at: i64| at + side.late.nanos() <= truth;
    if side.inbox.front().is_some_and(|(at, _)| read(*at)) {
        let (at, parcel) = side.inbox.pop_front().unwrap();
        let age = Span::from_nanos(truth - at);
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
                side.machine
                    .handle(now, Input::Received { link: LinkId(1), lane, age, bytes: &bytes });
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
    plan_on(Span::ZERO)
}

/// The same by a clock that is ahead.
fn plan_on(ahead: Span) -> Plan {
    let at = |s| Instant::from_nanos(0) + Span::from_secs(s) + ahead;
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

fn addresses() -> Addresses {
    let ip = Address::new("127.0.0.1".parse().unwrap());
    Addresses::new(&[ip], 1000, Loopback::Allowed).unwrap()
}

fn primary(
    now: Instant<Primary>,
    addresses: Option<Addresses>,
    check_code: CheckCode,
    key: u8,
) -> PrimaryMachine {
    primary_after(now, addresses, (check_code, key), Past::default()).unwrap()
}

fn primary_after(
    now: Instant<Primary>,
    addresses: Option<Addresses>,
    (check_code, key): (CheckCode, u8),
    past: Past,
) -> Result<PrimaryMachine, primary::CannotStart> {
    PrimaryMachine::new(setup(addresses, (check_code, key), past), now)
}

fn setup(
    addresses: Option<Addresses>,
    (check_code, key): (CheckCode, u8),
    past: Past,
) -> primary::Setup {
    primary::Setup {
        plan: plan(),
        policy: Policy::preset("xyb-seed").unwrap(),
        proctors: Vec::new(),
        exam: ExamTag([3; 8]),
        label: Label::new("front").unwrap(),
        addresses,
        check_code,
        signer: Box::new(Key::new(key)),
        boot: BootId([1; 16]),
        wall_ms: 1_767_225_600_000,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([1; 32]),
        past,
    }
}

fn secondary(now: Instant<Secondary>) -> SecondaryMachine {
    secondary_after(now, Past::default())
}

fn secondary_after(now: Instant<Secondary>, past: Past) -> SecondaryMachine {
    let setup = secondary::Setup {
        label: Label::new("behind").unwrap(),
        signer: Box::new(Key::new(2)),
        boot: BootId([2; 16]),
        wall_ms: 1_767_225_600_000,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([2; 32]),
        past,
    };
    SecondaryMachine::new(setup, now).unwrap()
}

type Disk = BTreeMap<JournalName, Vec<u8>>;

/// Both sides, and what each was told.
struct Pair {
    truth: i64,
    p: Side<PrimaryMachine>,
    a: Side<SecondaryMachine>,
    told_p: Vec<primary::Event>,
    told_a: Vec<secondary::Event>,
    /// Datagrams, by when and by whom they were sent.
    timing: Vec<(i64, Role, wire::Timing)>,
    /// Control messages, by whom they were sent.
    said: Vec<(Role, wire::Kind)>,
    begun: bool,
    /// Whether the assistant's datagrams get lost.
    mute: bool,
}

impl Pair {
    fn new() -> Self {
        Self::with(CheckCode::Skipped)
    }

    /// With six digits to compare.
    fn comparing() -> Self {
        Self::with(CheckCode::Compared)
    }

    fn with(check_code: CheckCode) -> Self {
        let truth = 100_000_000_000_i64;
        let start = Instant::from_nanos(truth);
        let mut p = Side::new(primary(start, Some(addresses()), check_code, 1), Span::ZERO);
        let a = Side::new(secondary(start.relabelled() + OFFSET), OFFSET);
        let role = Role::new(1).unwrap();
        p.machine.command(p.clock(truth), primary::Command::OpenPairing { role }).unwrap();
        Self {
            truth,
            p,
            a,
            told_p: Vec::new(),
            told_a: Vec::new(),
            timing: Vec::new(),
            said: Vec::new(),
            begun: false,
            mute: false,
        }
    }

    fn ask_p(&mut self, command: primary::Command) {
        self.p.machine.command(self.p.clock(self.truth), command).unwrap();
    }

    fn ask_a(&mut self, command: secondary::Command) {
        self.a.machine.command(self.a.clock(self.truth), command).unwrap();
    }

    fn drain_primary(&mut self) {
        let (events, sent) = self.p.drain();
        self.note(Role::PRIMARY, &sent);
        let at = self.truth + DELAY.nanos();
        self.a.inbox.extend(sent.into_iter().map(|parcel| (at, parcel)));
        for event in events {
            if let primary::Event::Ticket { text, .. } = &event
                && self.told_a.is_empty()
            {
                let ticket = Ticket::parse(text, Loopback::Allowed).unwrap();
                self.ask_a(secondary::Command::Scanned(Box::new(ticket)));
                self.ask_a(secondary::Command::Consent(Consent::Given));
            }
            if matches!(event, primary::Event::StartRecording { .. }) {
                (self.p.recording, self.p.next_fragment) = (true, self.truth);
                self.ask_p(primary::Command::Host(started("P.mp4")));
            }
            if event == primary::Event::StopRecording {
                self.p.recording = false;
                let stopped = HostFact::RecordingStopped(Observed::NOTHING);
                self.ask_p(primary::Command::Host(stopped));
            }
            self.told_p.push(event);
        }
    }

    fn drain_secondary(&mut self) {
        let (events, sent) = self.a.drain();
        self.note(Role::new(1).unwrap(), &sent);
        let at = self.truth + DELAY.nanos();
        let lost = |parcel: &Parcel| self.mute && matches!(parcel, Parcel::Bytes(Lane::Timing, _));
        for parcel in sent.into_iter().filter(|parcel| !lost(parcel)) {
            if let Parcel::Up(purpose) = parcel {
                self.a.inbox.push_back((at + DELAY.nanos(), Parcel::Up(purpose)));
            }
            self.p.inbox.push_back((at, parcel));
        }
        for event in events {
            if matches!(event, secondary::Event::StartRecording { .. }) {
                (self.a.recording, self.a.next_fragment) = (true, self.truth);
                self.ask_a(secondary::Command::Host(started("A1.mp4")));
            }
            if event == secondary::Event::StopRecording {
                self.a.recording = false;
                let stopped = HostFact::RecordingStopped(Observed::NOTHING);
                self.ask_a(secondary::Command::Host(stopped));
            }
            self.told_a.push(event);
        }
    }

    fn note(&mut self, by: Role, sent: &[Parcel]) {
        for parcel in sent {
            if let Parcel::Bytes(Lane::Timing, bytes) = parcel {
                let message = wire::Timing::from_datagram(bytes).unwrap();
                self.timing.push((self.truth, by, message));
            }
            if let Parcel::Bytes(Lane::Control, bytes) = parcel {
                self.said.push((by, wire::Kind::from_byte(bytes[0]).unwrap()));
            }
        }
    }

    /// What the person and the two cameras do next.
    fn act(&mut self) {
        if self.truth > 102_000_000_000 && !self.begun {
            self.begun = true;
            return self.ask_p(primary::Command::Begin);
        }
        if self.truth > 141_000_000_000 && self.p.recording {
            return self.ask_p(primary::Command::Finish);
        }
        let (key_p, key_a) = (Key::new(1).public_key(), Key::new(2).public_key());
        if self.p.due().is_some_and(|due| due <= self.truth) {
            if self.p.recording && self.p.next_fragment <= self.truth {
                let fact = fragment(self.p.clock(self.p.next_fragment - FRAGMENT.nanos()));
                self.p.next_fragment += FRAGMENT.nanos();
                self.ask_p(primary::Command::Host(fact));
            } else {
                step(&mut self.p, key_a, self.truth);
            }
        } else if self.a.recording && self.a.next_fragment <= self.truth {
            let fact = fragment(self.a.clock(self.a.next_fragment - FRAGMENT.nanos()));
            self.a.next_fragment += FRAGMENT.nanos();
            self.ask_a(secondary::Command::Host(fact));
        } else {
            step(&mut self.a, key_p, self.truth);
        }
    }

    /// Runs until nothing happens any more, or until `end`.
    fn run_until(mut self, end: i64) -> Self {
        loop {
            self.drain_primary();
            self.drain_secondary();
            let pending = [self.p.due(), self.a.due()].into_iter().flatten().min();
            let Some(next) = pending.filter(|next| *next < end) else { return self };
            self.truth = self.truth.max(next);
            self.act();
        }
    }
}

fn started<C: Clock>(file: &str) -> HostFact<C> {
    HostFact::RecordingStarted { take: 1, timescale: 1_000_000, file: file.to_owned() }
}

/// The link of a connection that the cable did not make.
const OTHER: LinkId = LinkId(7);

/// One side gets such a connection.
fn connect<M: Machine>(side: &mut Side<M>, truth: i64, peer: PublicKey, purpose: Purpose) {
    let (now, remote) = (side.clock(truth), remote());
    let up = Input::Connected { link: OTHER, purpose, peer, binding: binding(), remote };
    side.machine.handle(now, up);
    side.drain();
}

/// Runs a millisecond at a time until something is so.
fn until(mut pair: Pair, so: impl Fn(&Pair) -> bool) -> Pair {
    while !so(&pair) {
        let next = pair.truth + 1_000_000;
        pair = pair.run_until(next);
        pair.truth = next;
    }
    pair
}

/// The primary has sent ACCEPT.
fn claimed() -> Pair {
    let withdrawn =
        |event: &primary::Event| matches!(event, primary::Event::TicketWithdrawn { .. });
    until(Pair::new(), |pair| pair.told_p.iter().any(withdrawn))
}

/// The assistant has sent HELLO on [`OTHER`].
fn asking() -> Pair {
    let mut pair = Pair::new();
    pair.drain_primary();
    pair.a.drain();
    connect(&mut pair.a, pair.truth, Key::new(1).public_key(), Purpose::Pair);
    pair
}

/// The assistant has sent CONFIRM.
fn answered() -> Pair {
    let paired = |event: &secondary::Event| matches!(event, secondary::Event::Paired { .. });
    until(Pair::new(), |pair| pair.told_a.iter().any(paired))
}

#[test]
fn a_whole_session_on_a_perfect_cable() {
    let Pair { told_p, told_a, p, a, .. } = Pair::new().run_until(200_000_000_000);
    let (disk_p, disk_a) = (p.disk, a.disk);
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
        assert!(replayed.is_finished() && replayed.closing_seals_hold());
        let unwritten = |fact: &Fact| matches!(fact, Fact::UnloggedFailure { .. });
        assert!(!replayed.entries().iter().any(|entry| unwritten(&entry.fact)));
    }
    // The offset of 30 s is known, and the bound contains it.
    let estimate = clock(&told_p).unwrap();
    assert!(estimate.low <= OFFSET && OFFSET <= estimate.high, "{estimate:?}");
    assert!((estimate.offset - OFFSET).abs() < Span::from_millis(1), "{estimate:?}");
}

/// What the primary last heard of the clocks.
fn clock(told: &[primary::Event]) -> Option<Estimate> {
    told.iter().rev().find_map(|event| {
        if let primary::Event::Clock { estimate, .. } = event { Some(*estimate) } else { None }
    })
}

#[test]
fn a_device_that_wakes_late_for_its_messages_does_not_bend_the_clocks() {
    // [TRANSPORT-28] The cable takes 1 ms either way; only one end is slow to read,
    // and that end answers.
    let late = Span::from_millis(5);
    for (late_p, late_a) in [(Span::ZERO, late), (late, Span::ZERO)] {
        let mut pair = Pair::new();
        (pair.p.late, pair.a.late) = (late_p, late_a);
        let pair = pair.run_until(130_000_000_000);
        let estimate = clock(&pair.told_p).unwrap();
        assert!(estimate.low <= OFFSET && OFFSET <= estimate.high, "{estimate:?}");
        assert!(estimate.high - estimate.low < Span::from_millis(3), "{estimate:?}");
        assert!((estimate.offset - OFFSET).abs() < Span::from_micros(100), "{estimate:?}");
        assert!(pair.p.recording && pair.a.recording);
    }
}

#[test]
fn a_changed_network_is_dialled_at_once_and_not_when_a_timer_says_so() {
    // [SESSION-19]
    let mut pair = Pair::new().run_until(105_000_000_000);
    let now = pair.a.clock(pair.truth);
    let gone = Input::Disconnected { link: LinkId(1), lost: Lost::TimedOut };
    pair.a.machine.handle(now, gone);
    let dials = |sent: &[Parcel]| sent.iter().any(|parcel| matches!(parcel, Parcel::Up(_)));
    let (_, sent) = pair.a.drain();
    assert!(!dials(&sent), "the first attempt waits a little");
    pair.a.machine.handle(now, Input::NetworkChanged);
    let (_, sent) = pair.a.drain();
    assert!(dials(&sent));
}

#[test]
fn a_code_that_is_asked_for_again_does_not_take_the_claim_away() {
    // [PAIRING-25]
    let mut pair = claimed();
    pair.ask_p(primary::Command::OpenPairing { role: Role::new(1).unwrap() });
    let pair = pair.run_until(101_500_000_000);
    let paired = |event: &primary::Event| matches!(event, primary::Event::Paired { .. });
    assert!(pair.told_p.iter().any(paired), "{:?}", pair.told_p);
}

#[test]
fn one_command_leads_from_seat_to_seat_and_starts_the_cameras() {
    // [SESSION-6] [PAIRING-25]
    let now = Instant::from_nanos(100_000_000_000);
    let mut two = setup(Some(addresses()), (CheckCode::Skipped, 1), Past::default());
    let (windows, asked) = (plan().windows(), *plan().requirements());
    two.plan = Plan::new(Mode::Mock, Label::new("Academy").unwrap(), 2, windows, asked).unwrap();
    let mut machine = PrimaryMachine::new(two, now).unwrap();
    for _ in 0..2 {
        machine.command(now, primary::Command::Prepare).unwrap();
        let shown = machine.snapshot(now).seats.into_iter().map(|seat| seat.ticket.is_some());
        assert_eq!(shown.collect::<Vec<_>>(), [true, false]);
    }
    let mut pair = Pair::new().run_until(102_000_000_000);
    let started = |pair: &Pair| pair.p.machine.snapshot(pair.p.clock(pair.truth)).stage;
    assert_eq!(started(&pair), primary::Stage::Preparing);
    for _ in 0..2 {
        pair.ask_p(primary::Command::Prepare);
        assert_eq!(started(&pair), primary::Stage::Recording { take: 1 });
    }
}

#[test]
fn a_primary_without_a_network_shows_a_code_once_it_has_one() {
    // [SESSION-34]
    let now = Instant::from_nanos(100_000_000_000);
    let role = Role::new(1).unwrap();
    let open = || primary::Command::OpenPairing { role };
    let mut machine = primary(now, None, CheckCode::Skipped, 1);
    assert_eq!(machine.command(now, open()), Err(Refused::NoNetwork));
    let prepare = machine.command(now, primary::Command::Prepare);
    assert_eq!(prepare, Err(Refused::NoNetwork));
    machine.command(now, primary::Command::Addresses(addresses())).unwrap();
    machine.command(now, open()).unwrap();
    assert!(machine.snapshot(now).seats[0].ticket.is_some());
}
