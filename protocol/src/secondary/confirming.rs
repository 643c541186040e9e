//! Between ACCEPT and the first proof that the primary has CONFIRM.
//!
//! Two devices cannot agree over a connection that may die: whoever speaks last
//! never knows whether it was heard. Here that is the assistant, for half a round
//! trip. So it has a seat, which it stores, but no journal and no session before the
//! primary has shown that it knows: by PLAN on the same connection, or by RESUMED on
//! another. If the primary says instead that the claim lapsed, the seat is forgotten
//! and a person can scan again; nothing was recorded under it. Rejected: calling
//! the session begun at ACCEPT (a phone whose CONFIRM was lost would then dial for
//! ever a primary that does not know it), and one more message before it (every
//! pairing would be half a round trip longer, and that message could be lost too).

use super::Event;
use super::joining::PRIMARYS;
use super::machine::{Closing, Course, SecondaryMachine, Session, Stage, Unconfirmed};
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::BootId;
use crate::journal::{Header, Mirror};
use crate::limits;
use crate::machine::{JournalName, LinkId};
use crate::pairing::{Paired, Standing};
use crate::secret::SecretBytes;
use crate::session::{Arrival, Local, Member, Peer, State, UNTOLD, camera_of, clock_number};
use crate::time::{Instant, Secondary};
use crate::timers::Timer;
use crate::wire::{CheckCode, Control, Frame, Kind};

impl Unconfirmed {
    /// How far a journal is that has not begun. `[PAIRING-34]`
    pub(super) fn standing(&self, boot: BootId, key: crate::identity::PublicKey) -> Standing {
        let JournalName { role, device } = self.state.own;
        let header = Header { session: self.state.session, role, device, key };
        let head = Mirror::create(header).0.head();
        Standing { boot, head: head.hash, sequence: head.sequence, peer_sequence: 0 }
    }
}

impl SecondaryMachine {
    /// ACCEPT was verified: this device has a seat. `[PAIRING-13]`
    pub(super) fn accepted(&mut self, link: LinkId, paired: &Paired, confirm: &Frame) {
        let course = core::mem::replace(&mut self.course, Course::Over);
        let Course::Joining { signer, hello, .. } = course else {
            self.course = course;
            return;
        };
        let own = JournalName { role: paired.role(), device: paired.device() };
        let addresses = hello.ticket().addresses.sockets().collect();
        let (membership, transcript) = (paired.membership(), *paired.transcript());
        let label = paired.peer_label();
        let check_code = (paired.check() == CheckCode::Asked).then(|| paired.check_code());
        let mut state = State::new(paired.session(), own);
        state.consent = Some(hello.consent());
        state.seat(Member { name: PRIMARYS, label, membership, transcript, addresses, check_code });
        self.outbox.store(state.encode());
        let patience = limits::REDIAL_FIRST;
        let seat = Box::new(Unconfirmed { state, check_code, patience });
        self.course = Course::Confirming { signer, seat };
        self.timers.set(Timer::Introduction, None);
        self.outbox.control(link, confirm.to_bytes());
        self.outbox.event(Event::Paired { role: own.role, label, check_code });
    }

    /// The first message after CONFIRM, which must be PLAN: the primary has taken
    /// this device in. `[SESSION-5]`
    pub(super) fn confirmed(
        &mut self,
        now: Instant<Secondary>,
        link: LinkId,
        frame: &Frame,
    ) -> Result<(), Fault> {
        if frame.kind() != Kind::Announce {
            let (expected, got) = ("PLAN", Got::Named(frame.kind().name()));
            return Err(Fault::new(CloseCode::OutOfOrder, expected, got));
        }
        let plan = Control::decode(frame.kind(), frame.body())?;
        // [PAIRING-35]
        if let (Course::Confirming { seat, .. }, Control::Announce(plan)) = (&self.course, &plan) {
            seat.state.covers(plan)?;
        }
        if let Some(link) = &mut self.link {
            link.stage = Stage::Seated;
        }
        self.begin_session(now, Arrival::first(link));
        self.control(now, plan)
    }

    /// The primary knows of this device: its journal begins. `[PAIRING-28]`
    pub(super) fn begin_session(&mut self, now: Instant<Secondary>, arrival: Arrival) {
        let course = core::mem::replace(&mut self.course, Course::Over);
        let Course::Confirming { signer, seat } = course else {
            self.course = course;
            return;
        };
        let Unconfirmed { state, check_code, .. } = *seat;
        let Some(primary) = state.members.first() else { return };
        let paired = primary.fact();
        let local = Local::create(state.session, state.own, signer, &mut self.outbox);
        let peer = Peer::paired(primary.header(), clock_number(None), &mut self.outbox);
        let session = Session {
            camera: camera_of(state.own.role, UNTOLD, None, self.last_exit),
            state,
            local,
            peer,
            policy: None,
            plan: None,
            phase: None,
            check_code,
            ahead: None,
            recording: None,
            closing: Closing::No,
            beaten: None,
            patience: limits::REDIAL_FIRST,
        };
        self.course = Course::InSession(Box::new(session));
        self.start_session(now);
        let Course::InSession(session) = &mut self.course else { return };
        session.local.write(now, &paired, &mut self.outbox);
        // A journal that has just begun cannot contradict itself, and nobody was told of a
        // link that could have changed.
        _ = arrival.theirs.map(|head| session.peer.returned(head));
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        _ = session.peer.connected(now, arrival, local, outbox);
        session.local.settle(now, &mut self.outbox);
        self.report_device();
        self.ship();
    }

    /// Nothing is left of a seat that was not confirmed.
    pub(super) fn forget_seat(&mut self) {
        self.timers.set(Timer::Redial, None);
        let open = self.link.take().map(|link| link.id);
        for link in [open, self.former.take()].into_iter().flatten() {
            self.outbox.close(link, CloseCode::OkEnd);
        }
        self.outbox.store(SecretBytes::default());
    }
}

#[cfg(test)]
mod tests;
