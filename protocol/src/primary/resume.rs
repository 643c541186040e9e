//! Devices that come back: paired before, or claimants whose CONFIRM is missing.
//!
//! A connection may die at any moment, the one between ACCEPT and CONFIRM too. The
//! assistant then holds itself for paired and this device does not, so its RESUME
//! must be answered in every case: taken for CONFIRM while the claim stands, and
//! with the news that it came too late afterwards. Rejected: leaving it to TLS, which
//! refuses an unknown key without saying what to do about it.

use super::Event;
use super::connection::{Connection, Stage};
use super::machine::PrimaryMachine;
use super::seat::Seat;
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::Role;
use crate::journal::{Fact, Head};
use crate::machine::LinkId;
use crate::pairing::{Offer, Returned, Standing};
use crate::session::Arrival;
use crate::time::{Instant, Primary};
use crate::wire::{self, Control, Frame, Trust};

impl PrimaryMachine {
    /// A paired device comes back. `[SESSION-20]`
    pub(super) fn resume(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        frame: &Frame,
    ) -> Result<(), Fault> {
        self.can_remember()?;
        let Some(connection) = self.links.get_mut(&link) else { return Ok(()) };
        let peer = connection.proven.peer;
        if let Some(why) = self.state.why_refused(peer.fingerprint()) {
            return Err(why.fault());
        }
        let member = self.state.members.iter_mut().find(|m| m.membership.peer == peer);
        let Some(member) = member else { return self.resume_claim(now, link, frame) };
        let role = member.name.role;
        let Some(seat) = self.seats.get_mut(&role) else { return Ok(()) };
        let own = self.local.key();
        let examined = match member.membership.examine(&connection.proven, &own, frame) {
            Ok(examined) => examined,
            Err(fault) => {
                if let (CloseCode::CloneSuspected, Ok(Control::Resume(shown))) =
                    (fault.code, Control::decode(frame.kind(), frame.body()))
                {
                    self.cloned(now, role, shown.epoch);
                }
                return Err(fault);
            }
        };
        let request = *examined.request();
        // [SESSION-40]
        if let Err(fork) = seat.peer.returned(shown(&request)) {
            self.forked(now, link, role, &fork);
            return Ok(());
        }
        let durable = self.local.durable();
        let standing = Standing {
            boot: self.boot,
            head: durable.hash,
            sequence: durable.sequence,
            peer_sequence: seat.peer.copied().sequence,
        };
        let answer = member.membership.answer(&examined, standing);
        connection.reader.trust(Trust::Paired);
        connection.stage = Stage::Seated { role };
        self.outbox.store(self.state.encode());
        self.relink(now, link, role, &request, &answer);
        Ok(())
    }

    /// A device comes back whose CONFIRM never came: in time, or too late.
    /// `[PAIRING-27]`
    fn resume_claim(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        frame: &Frame,
    ) -> Result<(), Fault> {
        let Some(connection) = self.links.get_mut(&link) else { return Ok(()) };
        let peer = connection.proven.peer;
        let holds = |offer: &Offer| offer.claimed_by().is_some_and(|(key, _)| *key == peer);
        let Some((role, offer)) = self.offers.iter_mut().find(|(_, offer)| holds(offer)) else {
            let expected = "a claim that was confirmed in time";
            return Err(Fault::new(CloseCode::Expired, expected, Got::Named("none")));
        };
        let (role, durable) = (*role, self.local.durable());
        let standing = Standing {
            boot: self.boot,
            head: durable.hash,
            sequence: durable.sequence,
            peer_sequence: 0,
        };
        let entropy = &mut self.entropy;
        let returned = offer.resume(now, &connection.proven, frame, standing, entropy)?;
        connection.reader.trust(Trust::Paired);
        connection.stage = Stage::Seated { role };
        let confirming = |(id, one): (&LinkId, &Connection)| {
            matches!(one.stage, Stage::Confirming { role: of, .. } if of == role).then_some(*id)
        };
        let former: Vec<LinkId> = self.links.iter().filter_map(confirming).collect();
        for former in former {
            self.drop_link(now, former, CloseCode::OkEnd);
        }
        let Returned { paired, membership, answer, request } = returned;
        self.seat(now, role, &paired, membership);
        let shows = |seat: &mut Seat| seat.peer.returned(shown(&request)).err();
        if let Some(fork) = self.seats.get_mut(&role).and_then(shows) {
            self.forked(now, link, role, &fork);
            return Ok(());
        }
        self.relink(now, link, role, &request, &answer);
        Ok(())
    }

    fn relink(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        role: Role,
        request: &wire::Resume,
        answer: &Frame,
    ) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if let Some(former) = seat.peer.link() {
            self.links.remove(&former);
            self.outbox.close(former, CloseCode::OkEnd);
        }
        seat.returns();
        let (boot, theirs) = (Some(request.boot), Some(shown(request)));
        let arrival = Arrival { link, boot, theirs, held: request.peer_sequence };
        let (local, outbox) = (&mut self.local, &mut self.outbox);
        let changed = seat.peer.connected(now, arrival, local, outbox);
        seat.sought = None;
        // [SESSION-39]
        seat.cannot_return = None;
        self.local.settle(now, &mut self.outbox);
        self.outbox.control(link, answer.to_bytes());
        if let Some(state) = changed {
            self.outbox.event(Event::Link { role, state });
        }
        self.welcome(now, role);
        self.show_codes();
    }

    /// A resume number came twice. `[SESSION-21]`
    fn cloned(&mut self, now: Instant<Primary>, role: Role, epoch: u32) {
        let fact = Fact::CloneSuspected { role, epoch: epoch.into() };
        self.local.write(now, &fact, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        self.outbox.event(Event::Alarm { role, code: CloseCode::CloneSuspected });
        self.shut_out(role, CloseCode::CloneSuspected);
    }

    /// The device in seat `role` was refused for good. `[SESSION-39]`
    pub(super) fn shut_out(&mut self, role: Role, why: CloseCode) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if seat.cannot_return.replace(why).is_none() {
            self.tell_shut_out(role);
        }
    }

    /// Tells the host of a refused device once nobody is connected in its place: beside
    /// the device itself it was a copy. Where there is none, nobody can tell a copy from
    /// the device with its storage set back.
    pub(super) fn tell_shut_out(&mut self, role: Role) {
        let Some(why) = self.seats.get(&role).and_then(Seat::shut_out) else { return };
        if !self.course.is_closing() {
            self.outbox.settled().event(Event::CannotReturn { role, why });
        }
    }
}

/// How far the journal of the device goes that asks.
const fn shown(request: &wire::Resume) -> Head {
    Head { sequence: request.sequence, hash: request.head }
}
