//! Connections: made, used, silent, gone.
//!
//! A connection is what QUIC promises and no more: the control stream arrives
//! whole and in order or the connection dies, datagrams arrive or not, an end
//! that hears nothing for a while gives up, and an app that was killed says
//! nothing to anybody.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::sha256;
use diptych_protocol::limits;
use diptych_protocol::machine::{Input, Lane, LinkId, Lost, Purpose};
use diptych_protocol::secret::Secret;

use super::device::Dialled;
use super::path::Way;
use super::{Happening, World};

/// One connection between the primary and a device.
pub(super) struct Connection {
    pub(super) assistant: usize,
    purpose: Purpose,
    /// The primary's end and the assistant's.
    ends: [End; 2],
    /// The primary has moved: nothing gets through any more.
    pub(super) broken: bool,
}

#[derive(Clone, Copy)]
struct End {
    link: LinkId,
    run: u32,
    state: EndState,
    /// When the last piece of the stream towards this end arrives.
    last: i64,
    heard: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EndState {
    Coming,
    Open,
    Closed,
}

/// A client that measured no round trip yet repeats after three times what it
/// assumes, and then after twice as long each time (RFC 9002 section 6.2).
const FIRST_PROBE: i64 = 3 * limits::ROUND_TRIP_ASSUMED.nanos();

impl Connection {
    pub(super) const fn device(&self, end: usize) -> usize {
        if end == 0 { 0 } else { self.assistant }
    }
}

impl World {
    /// A device dials, instead of what it dialled before.
    pub(super) fn dial(&mut self, who: usize, mut dialled: Dialled) {
        self.note(|| format!("{who}: dials, {:?}", dialled.purpose));
        let device = &mut self.devices[who];
        device.dials += 1;
        dialled.number = device.dials;
        let attempt = Happening::Attempt { who, dial: dialled.number, repeats: 0 };
        device.dialled = Some(dialled);
        self.at(self.now, attempt);
    }

    /// A device sends the first packet of a handshake, or repeats it. Nobody tells
    /// it when the path or the primary is back: only the next repetition finds out.
    pub(super) fn attempt(&mut self, who: usize, dial: u64, repeats: u32) {
        let Some(dialled) = self.devices[who].dialled.clone().filter(|d| d.number == dial) else {
            return;
        };
        let from = self.now;
        let path = &self.paths[who];
        let reach = dialled.addresses.contains(&self.devices[0].address)
            || self.devices[0].announced.contains(&dialled.discovery);
        let lost = [0, 1].map(|_| self.dice.chance(path.conditions.loss)).contains(&true);
        if !reach || !path.is_there(from) || !self.devices[0].is_running(from) || lost {
            let gives_up = dialled.since + limits::HANDSHAKE_DEADLINE.nanos();
            let next = dialled.since + FIRST_PROBE * ((2 << repeats) - 1);
            if next >= gives_up {
                let lost = Lost::Unreachable;
                return self.at(gives_up, Happening::DialFailed { who, dial, lost });
            }
            return self.at(next, Happening::Attempt { who, dial, repeats: repeats + 1 });
        }
        let trip = path.round_trip(&mut self.dice);
        if self.devices[0].key().fingerprint() != dialled.peer {
            let lost = Lost::WrongKey;
            return self.at(from + trip, Happening::DialFailed { who, dial, lost });
        }
        self.devices[who].dialled = None;
        let purpose = dialled.purpose;
        let id = self.next_connection;
        self.next_connection += 1;
        let mut end = |device: usize| {
            let device = &mut self.devices[device];
            device.next_link += 1;
            let link = LinkId(device.next_link);
            End { link, run: device.run, state: EndState::Coming, last: 0, heard: from + trip }
        };
        let ends = [end(0), end(who)];
        let connection = Connection { assistant: who, purpose, ends, broken: false };
        self.connections.insert(id, connection);
        self.at(from + trip, Happening::Up { connection: id, end: 1 });
        self.at(from + trip * 3 / 2, Happening::Up { connection: id, end: 0 });
    }

    pub(super) fn dial_failed(&mut self, who: usize, dial: u64, lost: Lost) {
        if self.devices[who].dialled.take_if(|dialled| dialled.number == dial).is_some() {
            self.feed(who, Input::DialFailed { lost });
        }
    }

    /// One end has finished its handshake.
    pub(super) fn up(&mut self, id: u64, end: usize) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (who, other) = (connection.device(end), connection.device(1 - end));
        let purpose = connection.purpose;
        let this = connection.ends[end];
        if this.state != EndState::Coming || self.devices[who].run != this.run {
            return;
        }
        let peer = self.devices[other].key();
        let admission = &self.devices[0].admission;
        let admitted = match purpose {
            Purpose::Pair => admission.pairing,
            Purpose::Resume => admission.pinned.contains(&peer.fingerprint()),
        };
        if end == 0 && !admitted {
            // TLS 1.3: the client believes to be connected until the alert comes.
            connection.ends[0].state = EndState::Closed;
            let lost = match purpose {
                Purpose::Pair => Lost::Closed(CloseCode::NotPairing),
                Purpose::Resume => Lost::WrongKey,
            };
            let trip = self.paths[other].delay(Way::Down, &mut self.dice);
            return self.at(self.now + trip, Happening::Gone { connection: id, end: 1, lost });
        }
        connection.ends[end].state = EndState::Open;
        connection.ends[end].heard = self.now;
        let link = this.link;
        self.devices[who].links.insert(link, id);
        let name = format!("binding {} {id}", self.scenario.seed);
        let binding = Secret::new(sha256(name.as_bytes()));
        let remote = self.devices[other].address;
        self.note(|| format!("{who}: connected to {other}, {purpose:?} {link:?}"));
        self.feed(who, Input::Connected { link, purpose, peer, binding, remote });
    }

    /// One end is told that the connection is gone.
    pub(super) fn gone(&mut self, id: u64, end: usize, lost: Lost) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let this = connection.ends[end];
        let was = core::mem::replace(&mut connection.ends[end].state, EndState::Closed);
        let who = connection.device(end);
        if connection.ends.iter().all(|end| end.state == EndState::Closed) {
            self.connections.remove(&id);
        }
        if was != EndState::Closed && self.devices[who].run == this.run {
            self.note(|| format!("{who}: {:?} is gone, {lost:?}", this.link));
            if was == EndState::Open {
                self.devices[who].links.remove(&this.link);
                self.feed(who, Input::Disconnected { link: this.link, lost });
            } else {
                self.feed(who, Input::DialFailed { lost });
            }
        }
    }

    /// A machine sends.
    pub(super) fn send(&mut self, who: usize, link: LinkId, lane: Lane, bytes: &[u8]) {
        let Some(id) = self.devices[who].links.get(&link).copied() else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.broken {
            return;
        }
        let (to, way) = if who == 0 { (1, Way::Down) } else { (0, Way::Up) };
        let path = &self.paths[connection.assistant];
        if lane == Lane::Timing {
            for arrival in path.datagram(way, self.now, &mut self.dice) {
                let bytes = bytes.to_vec();
                self.at(arrival, Happening::Datagram { connection: id, to, bytes });
            }
            return;
        }
        let arrival = path.stream(way, self.now, &mut self.dice).max(connection.ends[to].last);
        connection.ends[to].last = arrival;
        if self.breaks_at(who, id) {
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let bits = self.dice.bits();
            let cut = if bits.is_multiple_of(4) {
                usize::try_from(bits >> 32).unwrap_or(0) % rest.len() + 1
            } else {
                rest.len()
            };
            let (piece, after) = rest.split_at(cut);
            let bytes = piece.to_vec();
            self.at(arrival, Happening::Stream { connection: id, to, bytes });
            rest = after;
        }
    }

    pub(super) fn stream_came(&mut self, id: u64, to: usize, bytes: &[u8]) {
        self.came(id, to, Lane::Control, bytes);
    }

    pub(super) fn datagram_came(&mut self, id: u64, to: usize, bytes: &[u8]) {
        self.came(id, to, Lane::Timing, bytes);
    }

    fn came(&mut self, id: u64, to: usize, lane: Lane, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let who = connection.device(to);
        // Whoever closes sends nothing more of the stream, and repeats nothing of it.
        let closed = connection.ends[1 - to].state == EndState::Closed;
        let end = &mut connection.ends[to];
        if end.run != self.devices[who].run || connection.broken || closed {
            return;
        }
        match end.state {
            EndState::Open => {
                end.heard = self.now;
                let link = end.link;
                if who > 0
                    && lane == Lane::Control
                    && let Some(since) = self.watch[who].cut.take()
                {
                    self.resumes.push(self.now - since);
                }
                // Before a resume is answered nobody listens to clocks.
                if lane == Lane::Timing && self.watch[connection.assistant].live {
                    self.watch[connection.assistant].heard[to] = self.now;
                }
                let way = if to == 0 { Way::Up } else { Way::Down };
                let age = self.paths[connection.assistant].waited(way, lane, self.now);
                self.feed(who, Input::Received { link, lane, age, bytes });
            }
            // The server's handshake ends after the client has begun to speak.
            EndState::Coming if lane == Lane::Control => {
                let bytes = bytes.to_vec();
                self.at(self.now + 1_000_000, Happening::Stream { connection: id, to, bytes });
            }
            EndState::Coming | EndState::Closed => {}
        }
    }

    /// A machine closes: the other end hears of it if the path is there, and
    /// what is still on its way is lost.
    pub(super) fn close(&mut self, who: usize, link: LinkId, code: CloseCode) {
        let Some(id) = self.devices[who].links.remove(&link) else { return };
        self.note(|| format!("{who}: closes {link:?}, {code:?}"));
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (end, way) = if who == 0 { (0, Way::Down) } else { (1, Way::Up) };
        connection.ends[end].state = EndState::Closed;
        let path = &self.paths[connection.assistant];
        if path.is_there(self.now) && !connection.broken && !self.dice.chance(path.conditions.loss)
        {
            let arrival = self.now + path.delay(way, &mut self.dice);
            let lost = Lost::Closed(code);
            self.at(arrival, Happening::Gone { connection: id, end: 1 - end, lost });
        }
    }

    /// All connections of a primary that got another address lead nowhere.
    pub(super) fn break_all(&mut self) {
        for connection in self.connections.values_mut() {
            connection.broken = true;
        }
    }

    /// The primary's ends of an assistant that got another address.
    pub(super) fn migrate(&mut self, who: usize) {
        let remote = self.devices[who].address;
        let moved: Vec<LinkId> = self
            .connections
            .values()
            .filter(|c| c.assistant == who && c.ends[0].state == EndState::Open && !c.broken)
            .filter(|c| c.ends[1].run == self.devices[who].run)
            .map(|c| c.ends[0].link)
            .collect();
        for link in moved {
            if self.paths[who].is_there(self.now) {
                self.feed(0, Input::Moved { link, remote });
            }
        }
    }

    /// Silence, restarts and links that should long be LIVE.
    pub(super) fn tick(&mut self) {
        let idle = limits::CONNECTION_IDLE.nanos();
        for id in self.connections.keys().copied().collect::<Vec<_>>() {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let assistant = connection.assistant;
            let path = self.paths[assistant].is_there(self.now) && !connection.broken;
            let runs = [0, 1].map(|end| {
                let device = &self.devices[connection.device(end)];
                let here = connection.ends[end];
                (
                    device.is_running(self.now),
                    device.run == here.run && here.state == EndState::Open,
                )
            });
            let coming = connection.ends.iter().any(|end| end.state == EndState::Coming);
            if path && runs.iter().all(|(running, same)| *running && *same) {
                connection.ends.iter_mut().for_each(|end| end.heard = self.now);
            }
            let ends = connection.ends;
            for end in [0, 1] {
                let silent = self.now - ends[end].heard;
                let (running, same) = runs[end];
                if !running || !same {
                    continue;
                }
                let (other_runs, other_same) = runs[1 - end];
                let forgotten = path && end == 1 && other_runs && !other_same && !coming;
                if forgotten && silent >= 1_000_000_000 {
                    self.gone(id, end, Lost::Reset);
                } else if silent >= idle {
                    self.gone(id, end, Lost::TimedOut);
                }
            }
            let dead = |end: usize| {
                self.connections.get(&id).is_none_or(|connection| {
                    let this = connection.ends[end];
                    this.state == EndState::Closed
                        || self.devices[connection.device(end)].run != this.run
                })
            };
            if dead(0) && dead(1) {
                self.connections.remove(&id);
            }
        }
        for who in 1..self.devices.len() {
            self.watch_link(who);
        }
    }
}
