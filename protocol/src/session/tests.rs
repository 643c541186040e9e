//! Two machines on a perfect cable: the shortest whole session there is.

use std::collections::{BTreeMap, VecDeque};

use crate::address::{Address, Addresses, Loopback};
use crate::clock::Estimate;
use crate::device::{Heat, Permissions, Requirements, Switch};
use crate::fault::CloseCode;
use crate::identity::tests::Key;
use crate::identity::{BootId, ExamTag, Label, PublicKey, Role, Signer as _};
use crate::journal::{Fact, replay};
use crate::ledger::{Cause, Observed};
use crate::machine::{Input, JournalName, Lane, LinkId, Lost, Machine, Output, Purpose};
use crate::plan::{Mode, Plan, Windows};
use crate::policy::Policy;
use crate::primary::{self, CheckCode, PrimaryMachine};
use crate::recording::Fragment;
use crate::secondary::{self, Consent, SecondaryMachine};
use crate::secret::{Entropy, Secret};
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
                Output::Sync | Output::Store(_) | Output::Admit(_) | Output::Announce(_) => {}
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

fn addresses() -> Addresses {
    let ip = Address::new("127.0.0.1".parse().unwrap());
    Addresses::new(&[ip], 1000, Loopback::Allowed).unwrap()
}

fn primary(now: Instant<Primary>, addresses: Option<Addresses>) -> PrimaryMachine {
    let setup = primary::Setup {
        plan: plan(),
        policy: Policy::preset("xyb-seed").unwrap(),
        proctors: Vec::new(),
        exam: ExamTag([3; 8]),
        label: Label::new("front").unwrap(),
        addresses,
        check_code: CheckCode::Skipped,
        signer: Box::new(Key::new(1)),
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
        signer: Box::new(Key::new(2)),
        boot: BootId([2; 16]),
        wall_ms: 1_767_225_600_000,
        last_exit: Observed::NOTHING,
        entropy: Entropy::new([2; 32]),
        past: Past::default(),
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
    begun: bool,
}

impl Pair {
    fn new() -> Self {
        let truth = 100_000_000_000_i64;
        let start = Instant::from_nanos(truth);
        let mut p = Side::new(primary(start, Some(addresses())), Span::ZERO);
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
            begun: false,
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
        for parcel in sent {
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
    let withdrawn =
        |event: &primary::Event| matches!(event, primary::Event::TicketWithdrawn { .. });
    let mut pair = Pair::new();
    while !pair.told_p.iter().any(withdrawn) {
        let next = pair.truth + 1_000_000;
        pair = pair.run_until(next);
        pair.truth = next;
    }
    pair.ask_p(primary::Command::OpenPairing { role: Role::new(1).unwrap() });
    let pair = pair.run_until(101_500_000_000);
    let paired = |event: &primary::Event| matches!(event, primary::Event::Paired { .. });
    assert!(pair.told_p.iter().any(paired), "{:?}", pair.told_p);
}

#[test]
fn a_primary_without_a_network_shows_a_code_once_it_has_one() {
    // [SESSION-34]
    let now = Instant::from_nanos(100_000_000_000);
    let role = Role::new(1).unwrap();
    let open = || primary::Command::OpenPairing { role };
    let mut machine = primary(now, None);
    assert_eq!(machine.command(now, open()), Err(Refused::NoNetwork));
    machine.command(now, primary::Command::Addresses(addresses())).unwrap();
    machine.command(now, open()).unwrap();
    assert!(machine.snapshot(now).seats[0].ticket.is_some());
}

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
fn an_assistant_speaks_when_it_is_spoken_to_and_mostly_in_pulses() {
    // [SESSION-12] [SESSION-32] [SESSION-33]
    let mut pair = Pair::new().run_until(135_000_000_000);
    let beats = |by| {
        let all = pair.timing.iter().filter(move |(_, of, _)| *of == by);
        all.filter(|(.., message)| {
            !matches!(message, wire::Timing::Probe(_) | wire::Timing::ShortProbe(_))
        })
    };
    let whole = |message: &wire::Timing| matches!(message, wire::Timing::Heartbeat(_));
    let assistant = Role::new(1).unwrap();
    for (at, _, _) in beats(assistant) {
        let asked = |(sent, _, _): &&(i64, Role, wire::Timing)| sent + DELAY.nanos() == *at;
        assert!(beats(Role::PRIMARY).any(|beat| asked(&beat)), "unasked at {at}");
    }
    for by in [Role::PRIMARY, assistant] {
        let late: Vec<_> = beats(by).filter(|(at, ..)| *at > 110_000_000_000).collect();
        assert!(late.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1_000_000_000));
        for eight in late.chunks_exact(8) {
            assert_eq!(eight.iter().filter(|(.., message)| whole(message)).count(), 1);
        }
        let mut before = None;
        for (at, _, message) in beats(by) {
            let now = match message {
                wire::Timing::Heartbeat(beat) => beat.pulse.recording,
                wire::Timing::Pulse(pulse) => pulse.recording,
                wire::Timing::ShortPulse(pulse) => pulse.recording,
                wire::Timing::Probe(_) | wire::Timing::ShortProbe(_) => continue,
            };
            assert!(whole(message) || before == Some(now), "a change in a pulse at {at}");
            before = Some(now);
        }
    }
    // Nobody asks any more.
    pair.a.inbox.clear();
    let last = beats(assistant).map(|(at, ..)| *at).max().unwrap();
    let sent = loop {
        let due = pair.a.wake.unwrap();
        pair.a.machine.handle(due, Input::Wake);
        let (_, sent) = pair.a.drain();
        if sent.iter().any(|parcel| matches!(parcel, Parcel::Bytes(Lane::Timing, _))) {
            break due - pair.a.offset;
        }
    };
    assert_eq!(sent.nanos() - last, crate::limits::HEARTBEAT_PATIENCE.nanos());
}

#[test]
fn a_late_pulse_takes_nothing_back() {
    // [SESSION-14]
    let mut pair = Pair::new().run_until(130_000_000_000);
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let seen = |pair: &Pair| {
        let kept = replay(&pair.p.disk[&own]).unwrap();
        let heads = kept.entries().iter().filter_map(|entry| {
            let Fact::PeerHead { covered, .. } = entry.fact else { return None };
            Some(covered)
        });
        heads.collect::<Vec<_>>()
    };
    let pulses = pair.timing.iter().filter(|(_, by, _)| *by != Role::PRIMARY);
    let pulses = pulses.filter(|(.., message)| matches!(message, wire::Timing::ShortPulse(_)));
    let late: Vec<_> = pulses.map(|(.., message)| message.encode()).collect();
    assert!(late.len() > 10);
    for bytes in &late {
        let now = pair.p.clock(pair.truth);
        let (link, lane, age) = (LinkId(1), Lane::Timing, Span::ZERO);
        let received = Input::Received { link, lane, age, bytes };
        pair.p.machine.handle(now, received);
    }
    let pair = pair.run_until(138_000_000_000);
    let seen = seen(&pair);
    assert!(seen.len() > 20 && seen.is_sorted(), "{seen:?}");
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
