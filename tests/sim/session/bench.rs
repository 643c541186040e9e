//! The bench: devices, what is between them, and the promises.

use std::collections::{BTreeMap, VecDeque};

use diptych_protocol::identity::{Role, Signer as _, sha256};
use diptych_protocol::journal::replay;
use diptych_protocol::limits;
use diptych_protocol::machine::{Input, Lane, LinkId, Lost, Purpose};
use diptych_protocol::primary;
use diptych_protocol::report::evaluate;
use diptych_protocol::secondary;
use diptych_protocol::secret::Secret;
use diptych_protocol::time::Span;
use diptych_protocol::wire::Timing;

use super::device::{BEHIND, Device, SEATS};
use crate::world::Told;
use crate::world::brain::{Brain, Effect};

/// Effects of one input: a window of journal frames to each peer, and what a whole
/// session writes at once.
const EFFECTS: usize = 2_000;
/// Wakes at one instant.
const WAKES: usize = 200;
/// Datagrams on their way; the network drops what is more.
const DATAGRAMS: usize = 32;

/// A device that belongs to nobody here.
pub(super) const STRANGER: usize = 3;

/// One connection: the primary's end and the other's.
pub(super) struct Wire {
    pub(super) who: usize,
    pub(super) ends: [Option<LinkId>; 2],
    pub(super) queues: [VecDeque<(Lane, Vec<u8>)>; 2],
}

pub(super) struct Bench {
    pub(super) now: i64,
    /// The primary, two assistants, and a stranger who has a key and no app.
    pub(super) devices: Vec<Device>,
    pub(super) wires: BTreeMap<u64, Wire>,
    last_wire: u64,
    /// Ends of connections that are about to hear that they are gone.
    ended: VecDeque<(u64, usize, Lost)>,
    /// The text shown for each seat.
    pub(super) shown: BTreeMap<u8, String>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let mut bench = Self {
            now: 0,
            devices: (0..=STRANGER).map(Device::new).collect(),
            wires: BTreeMap::new(),
            last_wire: 0,
            ended: VecDeque::new(),
            shown: BTreeMap::new(),
        };
        for who in 0..STRANGER {
            bench.start(who);
        }
        bench
    }

    pub(super) fn start(&mut self, who: usize) {
        self.devices[who].start(self.now);
        if who == 0 {
            self.shown.clear();
        }
        self.drain(who);
    }

    /// The app is gone without a word, and so are its connections.
    pub(super) fn die(&mut self, who: usize) {
        self.devices[who].brain = None;
        self.devices[who].open.clear();
        for wire in self.wires.values_mut() {
            for (end, place) in wire.ends.iter_mut().enumerate() {
                if (if end == 0 { 0 } else { wire.who }) == who {
                    *place = None;
                }
            }
        }
    }

    pub(super) fn feed(&mut self, who: usize, input: Input<'_>) {
        let at = self.devices[who].reading(self.now);
        if let Some(brain) = &mut self.devices[who].brain {
            brain.handle(at, input);
            self.drain(who);
        }
    }

    /// Time passes, and whoever asked to be woken is.
    pub(super) fn pass(&mut self, span: i64) {
        let until = self.now + span;
        loop {
            let due = |device: &Device| Some((device.wake? - device.ahead, device.index));
            let next = self.devices.iter().filter(|d| d.brain.is_some()).filter_map(due).min();
            let Some((at, who)) = next.filter(|(at, _)| *at <= until) else { break };
            self.now = self.now.max(at);
            let mut again = 0;
            while self.devices[who].wake.is_some_and(|at| at <= self.devices[who].reading(self.now))
            {
                self.feed(who, Input::Wake);
                again += 1;
                assert!(again < WAKES, "device {who} wants to be woken for ever at {}", self.now);
            }
        }
        self.now = until;
    }

    /// Carries out what the machine wants, and holds it to the law.
    pub(super) fn drain(&mut self, who: usize) {
        let (mut effects, mut untold) = (0, false);
        loop {
            effects += 1;
            assert!(effects < EFFECTS, "device {who} wants without end");
            let device = &mut self.devices[who];
            let Some(effect) = device.brain.as_mut().map(Brain::poll) else { return };
            match effect {
                Effect::Append { journal, bytes } => {
                    if (journal.role == Role::PRIMARY) == (who == 0) {
                        device.own = Some(journal);
                    }
                    untold |= device.disk.append(journal, &bytes).is_err();
                }
                Effect::Sync => untold |= device.disk.sync().is_err(),
                Effect::Store(state) => untold |= device.disk.store(state).is_err(),
                // What must not be sent costs its connection.
                Effect::Transmit { link, lane: Lane::Control, .. } if untold => {
                    if let Some(id) = self.wire_of(who, link) {
                        self.cut(id, [Some(Lost::Local), Some(Lost::Local)]);
                    }
                }
                Effect::Transmit { .. } | Effect::Event(_) if untold => {}
                Effect::Transmit { link, lane, bytes } => self.transmit(who, link, lane, bytes),
                Effect::Admit(admission) => device.admission = admission,
                Effect::Announce(names) => {
                    // A member and a code of each seat.
                    assert!(names.len() <= 2 * usize::from(SEATS), "{names:?}");
                }
                Effect::Dial { purpose, .. } => device.dialling = Some(purpose),
                Effect::Close { link, code } => self.closes(who, link, Lost::Closed(code)),
                Effect::Event(told) => self.told(told),
                Effect::Idle(_) if untold => {
                    untold = false;
                    let at = self.devices[who].reading(self.now);
                    if let Some(brain) = &mut self.devices[who].brain {
                        brain.handle(at, Input::StorageFailed);
                    }
                }
                Effect::Idle(wake) => {
                    device.wake = wake;
                    return;
                }
            }
        }
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::Primary(primary::Event::Ticket { role, text, .. }) => {
                self.shown.insert(role.number(), text);
            }
            Told::Primary(primary::Event::TicketWithdrawn { role }) => {
                self.shown.remove(&role.number());
            }
            // [PAIRING-13]: a stranger has scanned nothing, and says another name.
            Told::Primary(primary::Event::Paired { label, .. }) => {
                assert_eq!(label.as_str(), BEHIND);
            }
            Told::Assistant(secondary::Event::Paired { label, .. }) => {
                assert_eq!(label.as_str(), "front");
            }
            Told::Primary(_) | Told::Assistant(_) => {}
        }
    }

    fn transmit(&mut self, who: usize, link: LinkId, lane: Lane, bytes: Vec<u8>) {
        let kind = bytes.first();
        assert!(self.devices[who].open.contains(&link), "{who} says {kind:?} on {link:?}");
        let most =
            if lane == Lane::Timing { limits::DATAGRAM_BYTES } else { limits::FRAME_BYTES + 4 };
        assert!(bytes.len() <= most, "{} bytes on {lane:?}", bytes.len());
        self.check_claim(who, lane, &bytes);
        let end = usize::from(who != 0);
        let Some(id) = self.wire_of(who, link) else { return };
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let queue = &mut wire.queues[1 - end];
        queue.push_back((lane, bytes));
        let timing = |(lane, _): &(Lane, Vec<u8>)| *lane == Lane::Timing;
        let datagrams = queue.iter().filter(|one| timing(one)).count();
        if datagrams > DATAGRAMS
            && let Some(oldest) = queue.iter().position(timing)
        {
            queue.remove(oldest);
        }
        if queue.len() > limits::CONTROL_QUEUE + DATAGRAMS {
            // A lane that cannot take the bytes loses the connection.
            self.cut(id, [Some(Lost::TimedOut), Some(Lost::TimedOut)]);
        }
    }

    /// Nothing is claimed that is not durable. `[SESSION-1]`
    fn check_claim(&self, who: usize, lane: Lane, bytes: &[u8]) {
        if lane == Lane::Timing
            && let Ok(Timing::Heartbeat(beat)) = Timing::from_datagram(bytes)
        {
            let device = &self.devices[who];
            let durable = device.own.map_or(0, |own| device.disk.durable(own));
            assert!(beat.journal_sequence <= durable, "device {who} claims what it may lose");
        }
    }

    pub(super) fn wire_of(&self, who: usize, link: LinkId) -> Option<u64> {
        let end = usize::from(who != 0);
        let here = |wire: &Wire| (end == 0 || wire.who == who) && wire.ends[end] == Some(link);
        self.wires.iter().find(|(_, wire)| here(wire)).map(|(id, _)| *id)
    }

    fn closes(&mut self, who: usize, link: LinkId, lost: Lost) {
        self.devices[who].open.remove(&link);
        let Some(id) = self.wire_of(who, link) else { return };
        let end = usize::from(who != 0);
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.ends[end] = None;
            // The other end hears of it after what was sent before.
            if wire.ends[1 - end].is_some() {
                self.ended.push_back((id, 1 - end, lost));
            }
        }
    }

    /// A connection ends; each end is told what it is told, if anything.
    pub(super) fn cut(&mut self, id: u64, told: [Option<Lost>; 2]) {
        for (end, lost) in told.into_iter().enumerate() {
            if let Some(lost) = lost {
                self.ended.push_back((id, end, lost));
            }
        }
    }

    /// Tells the ends of connections that are gone.
    pub(super) fn hang_up(&mut self) {
        while let Some((id, end, lost)) = self.ended.pop_front() {
            let Some(wire) = self.wires.get_mut(&id) else { continue };
            let who = if end == 0 { 0 } else { wire.who };
            let link = wire.ends[end].take();
            if wire.ends == [None, None] {
                self.wires.remove(&id);
            }
            if let Some(link) = link
                && self.devices[who].open.remove(&link)
            {
                self.feed(who, Input::Disconnected { link, lost });
            }
        }
    }

    /// A device or the stranger reaches the primary.
    pub(super) fn connect(&mut self, who: usize, purpose: Purpose) {
        let peer = self.devices[who].key.public_key();
        let admission = &self.devices[0].admission;
        let admitted = match purpose {
            Purpose::Pair => admission.pairing,
            Purpose::Resume => admission.pinned.contains(&peer.fingerprint()),
        };
        if self.devices[0].brain.is_none() {
            return self.feed(who, Input::DialFailed { lost: Lost::Unreachable });
        }
        self.last_wire += 1;
        let id = self.last_wire;
        let ends = [self.devices[0].next_link(), self.devices[who].next_link()];
        let wire = Wire { who, ends: ends.map(Some), queues: [VecDeque::new(), VecDeque::new()] };
        self.wires.insert(id, wire);
        // A client is connected before the server has looked at its key.
        self.arrive(id, who, ends[1], 0, purpose);
        if admitted {
            self.arrive(id, 0, ends[0], who, purpose);
        } else if let Some(wire) = self.wires.get_mut(&id) {
            wire.ends[0] = None;
            self.cut(id, [None, Some(Lost::WrongKey)]);
        }
        self.hang_up();
    }

    fn arrive(&mut self, id: u64, at: usize, link: LinkId, from: usize, purpose: Purpose) {
        let peer = self.devices[from].key.public_key();
        let binding = Secret::new(sha256(&id.to_le_bytes()));
        let remote = ([10, 0, 0, 9], 47_000).into();
        self.devices[at].open.insert(link);
        self.feed(at, Input::Connected { link, purpose, peer, binding, remote });
    }

    /// The next message of a connection arrives, or what was made of it.
    pub(super) fn deliver(&mut self, id: u64, end: usize) -> bool {
        let Some(wire) = self.wires.get_mut(&id) else { return false };
        let who = if end == 0 { 0 } else { wire.who };
        let Some((lane, bytes)) = wire.queues[end].pop_front() else { return false };
        if let Some(link) = wire.ends[end] {
            self.feed(who, Input::Received { link, lane, age: Span::ZERO, bytes: &bytes });
        }
        self.hang_up();
        true
    }

    /// Everything that is on its way arrives, and what that leads to.
    pub(super) fn deliver_all(&mut self) {
        for _ in 0..200 {
            let waiting = |(id, wire): (&u64, &Wire)| {
                let end = (0..2).find(|end| !wire.queues[*end].is_empty())?;
                Some((*id, end))
            };
            let Some((id, end)) = self.wires.iter().find_map(waiting) else { return };
            self.deliver(id, end);
        }
    }

    /// What must be true of every ending, orderly or not.
    pub(super) fn finish(mut self) {
        for who in 0..STRANGER {
            let mut whole = Vec::new();
            for (name, bytes) in self.devices[who].disk.journals() {
                let replayed = replay(&bytes).unwrap_or_else(|e| panic!("{who}: {name}: {e}"));
                assert_eq!(replayed.torn(), 0, "{who}: {name}");
                whole.push(replayed);
            }
            // Whatever the journals say, something can be said of them.
            _ = evaluate(&whole, None);
            self.die(who);
            self.start(who);
        }
    }
}
