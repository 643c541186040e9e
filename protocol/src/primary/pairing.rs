//! Codes on the screen, and devices that prove that they scanned them.
//!
//! A code is shown to a room, so it is good for a minute and for one device; a seat is
//! stored before its device is told that the primary knows of it. `[SESSION-5]`
//! Rejected: one code for all seats (the order of scanning would decide who stands
//! where), to refuse a device that was put out in TLS (it cannot tell that from a bad
//! network, and would dial for ever), and to ask the host whether a device may come in
//! (the one who shows the code has said so).

use super::connection::{Stage, out_of_order};
use super::machine::{Course, PrimaryMachine};
use super::seat::Seat;
use super::{CheckCode, Event};
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::Role;
use crate::journal::Fact;
use crate::limits;
use crate::liveness::LinkState;
use crate::machine::{Admission, JournalName, LinkId};
use crate::pairing::{EPOCHS_PER_SEAT, Membership, Offer, Paired, PairingAlarm, Refusal, Terms};
use crate::session::{Arrival, Member, Peer, PutOut, Refused};
use crate::ticket::Flags;
use crate::time::{Instant, Primary, Span};
use crate::wire::{self, Control, Frame, Trust};

impl PrimaryMachine {
    /// Shows a code for `role`.
    pub(super) fn open_pairing(
        &mut self,
        now: Instant<Primary>,
        role: Role,
    ) -> Result<(), Refused> {
        self.check_seat(role)?;
        if self.course.is_closing() {
            return Err(Refused::Over);
        }
        self.needs_storage()?;
        // [PAIRING-25]
        if self.offers.get(&role).is_some_and(|offer| !offer.is_fulfilled()) {
            return Ok(());
        }
        // [SESSION-34]
        let addresses = self.addresses.clone().ok_or(Refused::NoNetwork)?;
        let flags = match self.check_code {
            CheckCode::Skipped => Flags::default(),
            CheckCode::Compared => Flags::CHECK_CODE,
        };
        let unix_ms = self.wall_offset.saturating_add(now.nanos() / 1_000_000);
        let terms = Terms {
            session: self.local.session(),
            role,
            device: self.next_device(role),
            exam: self.exam,
            // [TICKET-13]
            issuer: self.plan.issuer(),
            own: self.local.key(),
            label: self.label,
            flags: flags.with(Flags::DISCOVERY),
            addresses,
            unix_s: u32::try_from(unix_ms / 1_000).unwrap_or(0),
            first_epoch: first_epoch(role, unix_ms / 1_000),
        };
        let offer = Offer::open(now, terms, &mut self.entropy);
        self.offers.insert(role, offer);
        self.show_codes();
        Ok(())
    }

    /// Shows no more codes for `role`.
    pub(super) fn close_pairing(&mut self, role: Role) -> Result<(), Refused> {
        self.check_seat(role)?;
        self.offers.remove(&role);
        self.show_codes();
        Ok(())
    }

    pub(super) fn check_seat(&self, role: Role) -> Result<(), Refused> {
        if role.is_primary() || role.number() > self.plan.assistants() {
            return Err(Refused::NoSuchSeat);
        }
        Ok(())
    }

    /// Codes change, claims lapse.
    pub(super) fn refresh_offer(&mut self, now: Instant<Primary>) {
        for offer in self.offers.values_mut() {
            offer.wake(now, &mut self.entropy);
        }
        self.offers.retain(|_, offer| !offer.is_spent(now));
        self.show_codes();
    }

    /// Tells the host which codes to show now, the listener whom to admit, and
    /// the neighbourhood which names to find this device by.
    pub(super) fn show_codes(&mut self) {
        let shown = |(role, offer): (&Role, &Offer)| {
            Some((*role, (offer.ticket()?.to_text(), offer.deadline()?)))
        };
        let codes: Vec<_> = self.offers.iter().filter_map(shown).collect();
        for role in self.shown.keys().copied().collect::<Vec<_>>() {
            if !codes.iter().any(|(showing, _)| *showing == role) {
                self.shown.remove(&role);
                self.outbox.event(Event::TicketWithdrawn { role });
            }
        }
        // A device that was put out, or that never confirmed, is let in as far as its
        // first message, to be told so: a TLS alert would make it try for ever.
        // [SESSION-24] [PAIRING-26]
        let members = self.state.members.iter().map(|m| m.membership.peer.fingerprint());
        let refused = self.state.refused.iter().map(|(key, _)| *key);
        let claimants = self.state.claimants.iter().copied();
        let pinned = members.chain(refused).chain(claimants).collect();
        let admission = Admission { pairing: !self.offers.is_empty(), pinned };
        self.outbox.admit(admission);
        for (role, (text, until)) in codes {
            if self.shown.get(&role) != Some(&text) {
                self.shown.insert(role, text.clone());
                self.outbox.event(Event::Ticket { role, text, until });
            }
        }
        let mut names: Vec<String> =
            self.offers.values().filter_map(|o| o.discovery().map(str::to_owned)).collect();
        // [SESSION-26]
        let unlinked = |m: &&Member| {
            self.seats.get(&m.name.role).is_some_and(|seat| {
                let silent = seat.sought.is_some() || seat.peer.link().is_none();
                silent || seat.peer.state() > LinkState::CatchingUp
            })
        };
        names.extend(self.state.members.iter().filter(unlinked).map(|m| m.membership.discovery()));
        self.outbox.announce(names);
    }

    /// A device claims to have scanned a code.
    pub(super) fn hello(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        frame: &Frame,
    ) -> Result<(), Fault> {
        let not_pairing =
            || Fault::new(CloseCode::NotPairing, "a code on the screen", Got::Named("none"));
        let role = offered_seat(frame)?.ok_or_else(not_pairing)?;
        self.can_remember()?;
        let Some(connection) = self.links.get_mut(&link) else { return Ok(()) };
        if matches!(connection.stage, Stage::Confirming { role: claimed, .. } if claimed != role) {
            return Err(out_of_order("CONFIRM", frame.kind()));
        }
        if let Some(why) = self.state.why_refused(connection.proven.peer.fingerprint()) {
            return Err(why.fault());
        }
        let offer = self.offers.get_mut(&role).ok_or_else(not_pairing)?;
        let answer = offer.hello(now, &connection.proven, frame, &mut self.entropy);
        match answer {
            Ok(accept) => {
                let until = offer.deadline().unwrap_or(now);
                connection.stage = Stage::Confirming { role, until };
                self.state.claim(connection.proven.peer.fingerprint());
                self.outbox.store(self.state.encode());
                self.show_codes();
                self.outbox.control(link, accept.to_bytes());
                Ok(())
            }
            Err(refusal) => {
                let Refusal { fault, alarm } = *refusal;
                if let Some(alarm) = alarm {
                    self.alarm(now, role, &alarm);
                }
                self.show_codes();
                Err(fault)
            }
        }
    }

    /// What a new connection proves has to be remembered: a device whose storage
    /// failed makes none. `[SESSION-2]`
    pub(super) fn can_remember(&self) -> Result<(), Fault> {
        if self.local.is_poisoned() {
            let got = Got::Named("one that failed");
            return Err(Fault::new(CloseCode::Internal, "a storage that can be written", got));
        }
        Ok(())
    }

    /// Somebody may be attacking: both screens say so, and the journal keeps it.
    /// `[PAIRING-21]`
    fn alarm(&mut self, now: Instant<Primary>, role: Role, alarm: &PairingAlarm) {
        let (code, key) = match alarm {
            PairingAlarm::SecondScan { key, .. } => (CloseCode::AlreadyClaimed, *key),
            PairingAlarm::Guessing => {
                (CloseCode::AuthFailed, crate::identity::Fingerprint([0; 32]))
            }
        };
        self.local.write(now, &Fact::Alarm { code: code as u32, key }, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        if let Some(link) = self.seats.get(&role).and_then(|seat| seat.peer.link()) {
            let alarm = Control::Alarm(wire::Alarm { code, role });
            self.outbox.control(link, alarm.encode());
        }
        self.outbox.event(Event::Alarm { role, code });
    }

    /// The device confirms: it is paired.
    pub(super) fn confirm(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        role: Role,
        frame: &Frame,
    ) -> Result<(), Fault> {
        self.can_remember()?;
        let Some(connection) = self.links.get_mut(&link) else { return Ok(()) };
        let Some(offer) = self.offers.get_mut(&role) else {
            return Err(Fault::new(
                CloseCode::NotPairing,
                "an open offer",
                Got::Named("a closed one"),
            ));
        };
        let paired = offer.confirm(now, &connection.proven, frame, &mut self.entropy)?;
        connection.reader.trust(Trust::Paired);
        connection.stage = Stage::Seated { role };
        self.seat(now, role, &paired, paired.membership());
        if let Some(seat) = self.seats.get_mut(&role) {
            let (local, outbox) = (&mut self.local, &mut self.outbox);
            // A journal that has just begun cannot contradict itself, and nobody was told
            // of a link that could have changed.
            _ = seat.peer.connected(now, Arrival::first(link), local, outbox);
            local.settle(now, outbox);
        }
        self.welcome(now, role);
        self.show_codes();
        Ok(())
    }

    /// Gives the seat to a device that was just paired. `[SESSION-23]`
    pub(super) fn seat(
        &mut self,
        now: Instant<Primary>,
        role: Role,
        paired: &Paired,
        membership: Membership,
    ) {
        self.vacate(now, role, paired);
        let name = JournalName { role, device: paired.device() };
        self.devices.insert(role, name.device);
        let transcript = *paired.transcript();
        let (label, addresses) = (paired.peer_label(), Vec::new());
        let check_code = match self.check_code {
            CheckCode::Skipped => None,
            CheckCode::Compared => Some(paired.check_code()),
        };
        let member = Member { name, label, membership, transcript, addresses, check_code };
        self.local.write(now, &member.fact(), &mut self.outbox);
        let peer = Peer::paired(member.header(), self.clock, &mut self.outbox);
        self.state.seat(member);
        self.outbox.store(self.state.encode());
        let mut seat = Seat::new(peer, paired.peer_label(), &self.policy, now);
        seat.check_code = check_code;
        seat.inherit(self.former.remove(&role).unwrap_or_default());
        self.seats.insert(role, seat);
        self.local.settle(now, &mut self.outbox);
        self.outbox.event(Event::Paired { role, label, check_code });
    }

    /// Takes the former device, if any, out of the seat, and the device that comes out
    /// of the seat that it had. `[SESSION-23]` `[PAIRING-30]`
    fn vacate(&mut self, now: Instant<Primary>, role: Role, paired: &Paired) {
        let comes = paired.peer();
        let concerned = |m: &Member| m.name.role == role || m.membership.peer == *comes;
        while let Some(at) = self.state.members.iter().position(concerned) {
            let former = self.state.members.remove(at);
            let (left, before) = (former.name.role, former.membership.peer.fingerprint());
            let fact = if left == role {
                let (device, now) = (paired.device(), comes.fingerprint());
                Fact::DeviceReplaced { role, device, before, now }
            } else {
                Fact::Alarm { code: CloseCode::Replaced as u32, key: before }
            };
            self.local.write(now, &fact, &mut self.outbox);
            if before != comes.fingerprint() {
                self.state.refuse(before, PutOut::Replaced);
            }
            if let Some(link) = self.seats.get(&left).and_then(|seat| seat.peer.link()) {
                self.drop_link(now, link, CloseCode::Replaced);
            }
            self.leave_seat(left);
        }
    }

    /// The number of the device that will next be in `role`.
    fn next_device(&self, role: Role) -> u8 {
        self.devices.get(&role).map_or(1, |last| last.saturating_add(1))
    }

    /// What a device is told first, on every connection. `[SESSION-5]` `[SESSION-6]`
    pub(super) fn welcome(&mut self, now: Instant<Primary>, role: Role) {
        let Some(link) = self.seats.get(&role).and_then(|seat| seat.peer.link()) else { return };
        let announce =
            wire::Announce { exam: self.exam, plan: self.plan, policy: self.policy.to_bytes() };
        self.outbox.control(link, Control::Announce(announce).encode());
        self.report_device(link);
        self.owe_order(now, role);
        if let Some(seat) = self.seats.get_mut(&role) {
            seat.schedule.restart(now);
            seat.peer.ship(&self.local, &mut self.outbox);
        }
    }

    /// Tells a device what its camera is to do, but not to finish before its clock is
    /// known: once its journal is closed, nothing can tell any more when it recorded.
    /// `[SESSION-42]`
    pub(super) fn owe_order(&mut self, now: Instant<Primary>, role: Role) {
        let closing = self.course == Course::Closing;
        let patience = if closing { limits::FINISH_CLOCK_TIME } else { Span::ZERO };
        if let Some(seat) = self.seats.get_mut(&role) {
            seat.owed = Some(now + patience);
        }
        self.order_what_is_owed(now, role);
    }

    /// The order that a device has not got yet, once it may. `[SESSION-42]`
    pub(super) fn order_what_is_owed(&mut self, now: Instant<Primary>, role: Role) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        let Some((link, until)) = seat.peer.link().zip(seat.owed) else { return };
        if until <= now || seat.peer.timing().estimator().interval(now).is_some() {
            seat.owed = None;
            self.order_camera(link);
        }
    }
}

/// Where the codes of an offer begin, in the range of epochs that its seat has of its
/// own. The wall clock, which need not be right, keeps offers of one seat apart, also
/// before and after a restart: whoever scanned an earlier code is late and guesses
/// nothing. `[PAIRING-17]`
fn first_epoch(role: Role, unix_s: i64) -> u16 {
    let within = unix_s.rem_euclid(EPOCHS_PER_SEAT.into());
    let seat = u16::from(role.number().saturating_sub(1)) * EPOCHS_PER_SEAT;
    seat.saturating_add(u16::try_from(within).unwrap_or(0))
}

/// Which seat's codes this HELLO speaks of, if it can be read: one of another version
/// hears that. `[WIRE-6]`
fn offered_seat(frame: &Frame) -> Result<Option<Role>, Fault> {
    let Control::Hello(hello) = Control::decode(frame.kind(), frame.body())? else {
        return Ok(None);
    };
    let number = u8::try_from(hello.epoch / EPOCHS_PER_SEAT).unwrap_or(u8::MAX);
    Ok(Role::new(number.saturating_add(1)).ok())
}
