//! Connections that come and go, and who is at their other end.
//!
//! A connection proves a key and nothing more. It becomes a seat's link only by
//! a proof of having scanned the code, or by the MAC of a session that was
//! paired before; until then it may send little, and not for long.

use super::Event;
use super::machine::PrimaryMachine;
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::Role;
use crate::limits;
use crate::machine::{Lane, LinkId, Purpose};
use crate::pairing;
use crate::session::{Fresh, Receipt};
use crate::time::{Instant, Primary};
use crate::wire::{Control, Frame, FrameReader, Kind, Timing, Trust};

/// One connection.
pub(super) struct Connection {
    pub(super) purpose: Purpose,
    pub(super) proven: pairing::Connection,
    pub(super) reader: FrameReader,
    pub(super) stage: Stage,
}

/// What the connection has proven.
pub(super) enum Stage {
    /// Nothing but a key. It has until then to introduce itself.
    Introducing { until: Instant<Primary> },
    /// It has scanned the code of this seat and was answered.
    Confirming { role: Role, until: Instant<Primary> },
    /// It is the device in this seat.
    Seated { role: Role },
}

impl Connection {
    /// When it must have said who it is.
    pub(super) const fn deadline(&self) -> Option<Instant<Primary>> {
        match self.stage {
            Stage::Introducing { until } | Stage::Confirming { until, .. } => Some(until),
            Stage::Seated { .. } => None,
        }
    }
}

impl PrimaryMachine {
    pub(super) fn connected(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        purpose: Purpose,
        proven: pairing::Connection,
    ) {
        if self.links.len() >= limits::CONNECTIONS
            && !(purpose == Purpose::Resume && self.make_room(now))
        {
            return self.outbox.close(link, CloseCode::Busy);
        }
        let stage = Stage::Introducing { until: now + limits::INTRODUCTION_TIME };
        let reader = FrameReader::new(Trust::Unpaired);
        self.links.insert(link, Connection { purpose, proven, reader, stage });
    }

    /// Strangers may hold every connection, one after another; a device of the session
    /// must come back all the same. Closes the one that has said nothing for longest.
    fn make_room(&mut self, now: Instant<Primary>) -> bool {
        let silent = |(link, one): (&LinkId, &Connection)| match one.stage {
            Stage::Introducing { until } if one.purpose == Purpose::Pair => Some((until, *link)),
            Stage::Introducing { .. } | Stage::Confirming { .. } | Stage::Seated { .. } => None,
        };
        let Some((_, stranger)) = self.links.iter().filter_map(silent).min() else { return false };
        self.drop_link(now, stranger, CloseCode::Busy);
        true
    }

    pub(super) fn received(
        &mut self,
        receipt: Receipt<Primary>,
        link: LinkId,
        lane: Lane,
        bytes: &[u8],
    ) {
        let now = receipt.now;
        let handled = match lane {
            Lane::Control => self.stream(now, link, bytes),
            Lane::Timing => {
                self.datagram(receipt, link, bytes);
                Ok(())
            }
        };
        if let Err(fault) = handled {
            self.drop_link(now, link, fault.code);
        }
    }

    fn stream(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        mut bytes: &[u8],
    ) -> Result<(), Fault> {
        while let Some(connection) = self.links.get_mut(&link) {
            let Some(frame) = connection.reader.read(&mut bytes)? else { break };
            self.frame(now, link, &frame)?;
        }
        self.send_on();
        Ok(())
    }

    /// One frame, by what the connection has proven so far. `[SESSION-44]`
    fn frame(&mut self, now: Instant<Primary>, link: LinkId, frame: &Frame) -> Result<(), Fault> {
        let Some(connection) = self.links.get(&link) else { return Ok(()) };
        match (&connection.stage, connection.purpose, frame.kind()) {
            // [PAIRING-18]
            (Stage::Introducing { .. } | Stage::Confirming { .. }, Purpose::Pair, Kind::Hello) => {
                self.hello(now, link, frame)
            }
            (Stage::Introducing { .. }, Purpose::Resume, Kind::Resume) => {
                self.resume(now, link, frame)
            }
            (Stage::Confirming { role, .. }, _, Kind::Confirm) => {
                let role = *role;
                self.confirm(now, link, role, frame)
            }
            (Stage::Seated { role }, _, kind) => {
                let role = *role;
                let message = Control::decode(kind, frame.body())?;
                self.control(now, link, role, message)
            }
            (Stage::Introducing { .. }, Purpose::Pair, got) => Err(out_of_order("HELLO", got)),
            (Stage::Introducing { .. }, Purpose::Resume, got) => Err(out_of_order("RESUME", got)),
            (Stage::Confirming { .. }, _, got) => Err(out_of_order("CONFIRM", got)),
        }
    }

    /// A datagram. One that cannot be read is dropped: the network may have kept
    /// it from another connection, and nothing rests on it.
    fn datagram(&mut self, receipt: Receipt<Primary>, link: LinkId, bytes: &[u8]) {
        let now = receipt.now;
        let Some(Connection { stage: Stage::Seated { role }, .. }) = self.links.get(&link) else {
            return;
        };
        let role = *role;
        let Ok(message) = Timing::from_datagram(bytes) else { return };
        let Some(seat) = self.seats.get_mut(&role) else { return };
        let Some(message) = seat.peer.completed(now, message) else { return };
        let beat = !matches!(message, Timing::Probe(_));
        let (local, outbox) = (&mut self.local, &mut self.outbox);
        let fresh = match message {
            Timing::Probe(probe) => seat.peer.stamped(receipt.arrived, &probe.stamp, local).1,
            Timing::Pulse(pulse) => seat.peer.pulse(receipt, &pulse, local, outbox),
            Timing::Heartbeat(beat) => match seat.peer.heartbeat(receipt, &beat, local, outbox) {
                Ok(told) => {
                    let differ = seat.peer.compare(told.level, beat.clock_digest);
                    if differ == Fresh::Yes { Fresh::Yes } else { told.fresh }
                }
                Err(fork) => return self.forked(now, link, role, &fork),
            },
            Timing::ShortProbe(_) | Timing::ShortPulse(_) => return,
        };
        if let Some(seat) = self.seats.get_mut(&role) {
            // [CLOCK-23]: a radio that was woken is measured while it is awake.
            seat.schedule.answered(now, seat.peer.timing().estimator());
            if seat.peer.timing().is_contradicted() {
                seat.schedule.suspect(now);
            }
            if beat {
                seat.schedule.heartbeat(now);
            }
        }
        self.heard(now, role, fresh);
    }

    /// The seat's device was heard.
    pub(super) fn heard(&mut self, now: Instant<Primary>, role: Role, fresh: Fresh) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if fresh == Fresh::Yes {
            seat.schedule.restart(now);
        }
        let found = seat.sought.take().is_some();
        // [SESSION-39]
        seat.cannot_return = None;
        let changed = seat.peer.heard(now, &mut self.local, &mut self.outbox);
        if let Some(state) = changed {
            self.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link { role, state });
        }
        if found || changed.is_some() {
            self.show_codes();
        }
        self.order_what_is_owed(now, role);
    }

    pub(super) fn moved(&mut self, now: Instant<Primary>, link: LinkId) {
        let Some(Connection { stage: Stage::Seated { role }, .. }) = self.links.get(&link) else {
            return;
        };
        if let Some(seat) = self.seats.get_mut(role) {
            seat.peer.moved(now, &mut self.local, &mut self.outbox);
            seat.schedule.restart(now);
        }
    }

    /// A connection is gone; why its assistant closed it does not matter. `[FAULT-4]`
    pub(super) fn disconnected(&mut self, now: Instant<Primary>, link: LinkId) {
        let Some(connection) = self.links.remove(&link) else { return };
        let Stage::Seated { role } = connection.stage else { return };
        if self.seats.get(&role).is_some_and(|seat| seat.peer.link() == Some(link)) {
            self.unlinked(now, role);
        }
    }

    /// The connection of the device in `role` is gone.
    pub(super) fn unlinked(&mut self, now: Instant<Primary>, role: Role) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if let Some(state) = seat.peer.disconnected(now, &mut self.local, &mut self.outbox) {
            self.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link { role, state });
            self.tell_shut_out(role);
        }
        self.show_codes();
        self.close_if_complete(now);
    }

    /// Closes a connection, telling the peer why.
    pub(super) fn drop_link(&mut self, now: Instant<Primary>, link: LinkId, code: CloseCode) {
        self.outbox.settled().close(link, code);
        self.disconnected(now, link);
    }

    /// Connections that have not said who they are in time.
    pub(super) fn drop_silent_links(&mut self, now: Instant<Primary>) {
        let late = |(link, connection): (&LinkId, &Connection)| {
            connection.deadline().is_some_and(|until| until <= now).then_some(*link)
        };
        let late: Vec<LinkId> = self.links.iter().filter_map(late).collect();
        for link in late {
            self.drop_link(now, link, CloseCode::Timeout);
        }
    }
}

/// The fault of a message that this state does not expect.
pub(super) const fn out_of_order(expected: &'static str, got: Kind) -> Fault {
    Fault::new(CloseCode::OutOfOrder, expected, Got::Named(got.name()))
}
