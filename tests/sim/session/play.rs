//! What the bytes of a program mean.

use diptych_protocol::address::Loopback;
use diptych_protocol::device::{Device, Permissions};
use diptych_protocol::identity::{Label, Role};
use diptych_protocol::ledger::{Cause, Observed};
use diptych_protocol::machine::{Input, Lane, Lost, Purpose};
use diptych_protocol::primary::{self, Compared};
use diptych_protocol::recording::Fragment;
use diptych_protocol::secondary::{self, Consent};
use diptych_protocol::session::{HostFact, Outcome};
use diptych_protocol::ticket::Ticket;
use diptych_protocol::time::{Clock, Instant, Span};

use super::Program;
use super::bench::{Bench, STRANGER};
use super::device::{SEATS, addresses};
use crate::dice::Dice;

/// How long time may pass at once, in milliseconds.
const PASSES: [i64; 8] = [1, 20, 250, 1_000, 3_000, 11_000, 61_000, 700_000];
/// How connections end.
const LOST: [Lost; 6] = [
    Lost::TimedOut,
    Lost::Reset,
    Lost::WrongKey,
    Lost::Unreachable,
    Lost::ClosedUnknown(7),
    Lost::Local,
];

impl Bench {
    /// One order, with as many further bytes as it needs.
    pub(super) fn play(&mut self, order: u8, program: &mut Program<'_>) {
        match order % 16 {
            0 | 1 => self.pass(PASSES[program.below(PASSES.len())] * 1_000_000),
            2 => self.deliver_all(),
            3 => self.one_message(program),
            4 => self.reach(program),
            5 => self.pair(program),
            6 => self.cut_one(program),
            7 => self.make_up(program),
            8 => self.lead(program),
            9 => self.follow(program),
            10 => self.host(program),
            11 => self.system(program),
            12 => self.restart(program),
            13 => self.knock(program),
            14 => self.film(program),
            _ => {
                self.pass(1_000_000_000);
                self.deliver_all();
            }
        }
        self.hang_up();
    }

    fn some_wire(&self, program: &mut Program<'_>) -> Option<(u64, usize)> {
        let (at, end) = (program.below(256), program.below(2));
        let id = self.wires.keys().nth(at % self.wires.len().max(1))?;
        Some((*id, end))
    }

    /// A message arrives, is lost, comes twice, or is changed.
    fn one_message(&mut self, program: &mut Program<'_>) {
        let Some((id, end)) = self.some_wire(program) else { return };
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let queue = &mut wire.queues[end];
        match program.below(5) {
            0 => {
                // A stream loses nothing while the connection lives.
                if queue.front().is_some_and(|(lane, _)| *lane == Lane::Timing) {
                    queue.pop_front();
                }
            }
            1 => {
                let again = queue.front().filter(|(lane, _)| *lane == Lane::Timing).cloned();
                queue.extend(again);
            }
            2 => {
                if let Some((_, bytes)) = queue.front_mut() {
                    let (at, by) = (program.below(256), program.below(256));
                    let length = bytes.len().max(1);
                    if let Some(byte) = bytes.get_mut(at % length) {
                        *byte ^= by.to_le_bytes()[0];
                    }
                }
            }
            3 => {
                // Cut in two, as streams are.
                if let Some((Lane::Control, bytes)) = queue.front_mut()
                    && bytes.len() > 1
                {
                    let rest = bytes.split_off(1 + program.below(bytes.len() - 1));
                    queue.insert(1, (Lane::Control, rest));
                }
            }
            _ => _ = self.deliver(id, end),
        }
    }

    /// An assistant's dial succeeds or fails.
    fn reach(&mut self, program: &mut Program<'_>) {
        let who = 1 + program.below(2);
        let Some(purpose) = self.devices[who].dialling.take() else { return };
        if program.below(4) == 0 {
            let lost = LOST[program.below(LOST.len())];
            return self.feed(who, Input::DialFailed { lost });
        }
        self.connect(who, purpose);
    }

    /// What most programs would need very long to find: a scan that goes well.
    fn pair(&mut self, program: &mut Program<'_>) {
        let seat = 1 + u8::try_from(program.below(usize::from(SEATS))).unwrap();
        let who = usize::from(seat);
        self.ask(primary::Command::OpenPairing { role: Role::new(seat).unwrap() });
        self.scan(who, seat);
        self.answer(who, secondary::Command::Consent(Consent::Given));
        if let Some(purpose) = self.devices[who].dialling.take() {
            self.connect(who, purpose);
        }
        for _ in 0..program.below(16) {
            let waiting = self.wires.iter().find(|(_, wire)| wire.who == who);
            let Some((id, wire)) = waiting else { return };
            let (id, end) = (*id, usize::from(wire.queues[0].is_empty()));
            self.deliver(id, end);
        }
    }

    fn scan(&mut self, who: usize, seat: u8) {
        let Some(text) = self.shown.get(&seat) else { return };
        let ticket = Ticket::parse(text, Loopback::Allowed).unwrap();
        self.answer(who, secondary::Command::Scanned(Box::new(ticket)));
    }

    fn cut_one(&mut self, program: &mut Program<'_>) {
        let Some((id, _)) = self.some_wire(program) else { return };
        let told = program.below(4);
        let lost = LOST[program.below(LOST.len())];
        self.cut(id, [(told & 1 == 0).then_some(lost), (told & 2 == 0).then_some(lost)]);
    }

    /// Bytes that nobody sent: a frame of some kind, or a datagram.
    fn make_up(&mut self, program: &mut Program<'_>) {
        let Some((id, end)) = self.some_wire(program) else { return };
        let lane = [Lane::Control, Lane::Timing][program.below(2)];
        let (kind, body) = (program.below(256).to_le_bytes()[0], program.some(80));
        let bytes = match lane {
            Lane::Control => framed(kind, &body),
            Lane::Timing => [&[kind], body.as_slice()].concat(),
        };
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.queues[end].push_front((lane, bytes));
            self.deliver(id, end);
        }
    }

    fn ask(&mut self, command: primary::Command) {
        let at = self.devices[0].reading(self.now);
        if let Some(brain) = &mut self.devices[0].brain {
            // A command may be refused; then nothing has changed.
            _ = brain.lead(at, command);
            self.drain(0);
        }
        self.hang_up();
    }

    fn answer(&mut self, who: usize, command: secondary::Command) {
        let at = self.devices[who].reading(self.now);
        if let Some(brain) = &mut self.devices[who].brain {
            _ = brain.follow(at, command);
            self.drain(who);
        }
        self.hang_up();
    }

    fn lead(&mut self, program: &mut Program<'_>) {
        let role = Role::new(program.below(4).to_le_bytes()[0]).unwrap();
        let command = match program.below(9) {
            0 => primary::Command::OpenPairing { role },
            1 => primary::Command::ClosePairing { role },
            2 => primary::Command::CheckCode { role, compared: Compared::Same },
            3 => primary::Command::CheckCode { role, compared: Compared::Different },
            4 => primary::Command::Addresses(addresses(program.below(256).to_le_bytes()[0])),
            5 | 6 => primary::Command::Begin,
            7 => primary::Command::Statement(program.some(120)),
            _ if program.below(8) == 0 => primary::Command::Finish,
            _ => primary::Command::Remove { role },
        };
        self.ask(command);
    }

    fn follow(&mut self, program: &mut Program<'_>) {
        let who = 1 + program.below(2);
        match program.below(4) {
            0 => self.scan(who, 1 + u8::try_from(program.below(usize::from(SEATS))).unwrap()),
            1 => self.answer(who, secondary::Command::Consent(Consent::Given)),
            2 => self.answer(who, secondary::Command::Consent(Consent::Declined)),
            _ if program.below(8) == 0 => self.answer(who, secondary::Command::Leave),
            _ => {}
        }
    }

    /// An app that commits frames like one that works.
    fn film(&mut self, program: &mut Program<'_>) {
        self.tell(program.below(3), COMMITTED, program);
        self.pass(250_000_000);
        self.deliver_all();
    }

    fn host(&mut self, program: &mut Program<'_>) {
        let who = program.below(3);
        let which = program.below(FACTS);
        self.tell(who, which, program);
    }

    fn tell(&mut self, who: usize, which: usize, program: &mut Program<'_>) {
        let device = &mut self.devices[who];
        let (first, last) = (device.filmed + 1, device.reading(self.now));
        if which == COMMITTED {
            device.filmed = last;
        }
        if who == 0 {
            self.ask(primary::Command::Host(fact(which, [first, last], program)));
        } else {
            self.answer(who, secondary::Command::Host(fact(which, [first, last], program)));
        }
    }

    fn system(&mut self, program: &mut Program<'_>) {
        let who = program.below(3);
        match program.below(7) {
            0 => self.feed(who, Input::NetworkChanged),
            1 | 2 => {
                let span = PASSES[program.below(PASSES.len())] * 1_000_000;
                // The clock counts sleep; nobody was woken meanwhile.
                self.now += span;
                self.feed(who, Input::Slept { span: Span::from_nanos(span) });
                self.pass(0);
            }
            3 => {
                let link = self.devices[who].open.first().copied();
                let remote = ([10, 0, 0, 77], 5).into();
                if let Some(link) = link {
                    self.feed(who, Input::Moved { link, remote });
                }
            }
            4 if program.below(4) == 0 => self.devices[who].disk.fill(),
            5 => self.feed(who, Input::Wake),
            _ => {}
        }
    }

    /// The app dies, or the whole device, and may be started again later.
    fn restart(&mut self, program: &mut Program<'_>) {
        let who = program.below(3);
        if self.devices[who].brain.is_none() {
            return self.start(who);
        }
        let how = program.below(4);
        self.die(who);
        if how == 0 {
            let mut dice = Dice::keyed(program.below(256) as u64, 1, 1);
            self.devices[who].disk.lose_power(&mut dice);
        }
        if how < 3 {
            self.start(who);
        }
    }

    /// A stranger connects, and says something.
    fn knock(&mut self, program: &mut Program<'_>) {
        let purpose = if program.below(2) == 0 { Purpose::Pair } else { Purpose::Resume };
        self.connect(STRANGER, purpose);
        let wire = self.wires.iter().rfind(|(_, wire)| wire.who == STRANGER).map(|(id, _)| *id);
        let Some(id) = wire else { return };
        let (kind, body) = (1 + program.below(6).to_le_bytes()[0], program.some(200));
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.queues[0].push_back((Lane::Control, framed(kind, &body)));
            self.deliver(id, 0);
        }
    }
}

/// A frame that says what it holds, whether it does or not.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_le_bytes();
    [&[kind, 0], length.as_slice(), body].concat()
}

/// Which fact tells of frames.
const COMMITTED: usize = 1;
/// How many sorts of facts there are below.
const FACTS: usize = 16;

/// What an app may say of its device; frames from the first to the second instant.
fn fact<C: Clock>(which: usize, frames: [i64; 2], program: &mut Program<'_>) -> HostFact<C> {
    let [first, last] = frames.map(Instant::from_nanos);
    let observed = Observed {
        cause: Cause::from_code(program.below(24).to_le_bytes()[0]).unwrap_or(Cause::Unknown),
        raw: 5,
    };
    let name = Label::new(["face_compare", "reading_done"][program.below(2)]).unwrap();
    match which {
        0 => HostFact::RecordingStarted { take: 1, timescale: 90_000, file: "x.mp4".to_owned() },
        COMMITTED => {
            let frames = u32::try_from(program.below(90)).unwrap();
            let fragment = Fragment { first, last, frames, bytes: 1_000, sha256: [7; 32] };
            HostFact::Committed { fragment, offset: 0 }
        }
        2 => HostFact::RecordingStopped(observed),
        3 => HostFact::CameraLost(observed),
        4 => HostFact::CameraBack,
        5 => HostFact::AudioLost(observed),
        6 => HostFact::AudioBack,
        7 => HostFact::ScreenLeft(observed),
        8 => HostFact::ScreenBack,
        9 => {
            let battery_percent = Some(program.below(101).to_le_bytes()[0]);
            let permissions = Permissions::ALL;
            HostFact::Device(Device { battery_percent, permissions, ..Device::default() })
        }
        10 => {
            let outcome = [Outcome::Failed, Outcome::Passed][program.below(2)];
            HostFact::Gate { name, outcome }
        }
        11 => HostFact::Mark(name),
        12 => HostFact::TakeChosen { take: 1 },
        13 => HostFact::ExpectedGap { longest: Span::from_secs(3) },
        14 => HostFact::WallStep { by_ms: 3_600_000 },
        _ => HostFact::Anchor { pts: 1, at: last, within: Span::from_millis(1) },
    }
}
