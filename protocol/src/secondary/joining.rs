//! From a start of the app to a seat: new, or back in a session.

use super::machine::{Closing, Course, Dialling, SecondaryMachine, Session};
use super::{CannotStart, Consent, Event, Failure, Setup};
use crate::fault::{CloseCode, Fault};
use crate::identity::Role;
use crate::journal::{Fact, Header};
use crate::limits;
use crate::machine::{JournalName, LinkId, Purpose};
use crate::pairing::{self, Paired, Scanned, SendHello};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::session::{
    Arrival, Beginning, Local, Member, Outbox, Peer, Refused, StartError, State, UNTOLD, camera_of,
    clock_number, read, watch,
};
use crate::ticket::Ticket;
use crate::time::{Instant, Secondary, Span};
use crate::timers::{Timer, Timers};
use crate::wire::{Control, Frame, Kind};

/// The primary's journal, which this device keeps a copy of.
const PRIMARYS: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

impl SecondaryMachine {
    /// Starts in no session, or goes on if `setup.past` has one.
    ///
    /// # Errors
    /// [`CannotStart`] if what the disk holds is damaged or another session's.
    pub fn new(mut setup: Setup, now: Instant<Secondary>) -> Result<Self, CannotStart> {
        let past = core::mem::take(&mut setup.past);
        let mut machine = Self {
            now,
            label: setup.label,
            key: setup.signer.public_key(),
            boot: setup.boot,
            wall_ms: setup.wall_ms,
            last_exit: setup.last_exit,
            entropy: setup.entropy,
            outbox: Outbox::new(),
            timers: Timers::default(),
            device: None,
            slept: Span::ZERO,
            link: None,
            former: None,
            dialling: Dialling::No,
            course: Course::Over,
        };
        let Some(state) = &past.state else {
            machine.course = Course::Idle { signer: setup.signer };
            return Ok(machine);
        };
        let state = State::decode(state)?;
        let (replayed, bytes) = read(&past, state.own)?;
        let header = replayed.header();
        if header.session != state.session || header.key != machine.key {
            return Err(StartError::Foreign);
        }
        let clock = clock_number(Some(&replayed));
        let beginning = Beginning::of(&replayed, setup.boot);
        if state.members.is_empty() {
            machine.outbox.event(Event::Finished(super::Ending::Finished));
            return Ok(machine);
        }
        let (copy, _) = read(&past, PRIMARYS)?;
        let (plan, policy) = planned(beginning.plan.as_ref());
        let watched = policy.as_ref().map_or(UNTOLD, watch);
        let camera = camera_of(state.own.role, watched, Some(&beginning), setup.last_exit);
        let session = Session {
            local: Local::resume(&replayed, bytes, setup.signer),
            camera,
            peer: Peer::known(&copy, clock),
            policy,
            phase: None,
            plan,
            check_code: None,
            ahead: beginning.ahead,
            recording: beginning.recording,
            closing: if beginning.finished { Closing::HandingOver } else { Closing::No },
            beaten: None,
            patience: limits::REDIAL_FIRST,
            state,
        };
        machine.course = Course::InSession(Box::new(session));
        machine.start_session(now);
        if beginning.finished {
            machine.hand_over(now);
        }
        machine.redial(now);
        Ok(machine)
    }

    /// What every run in a session begins with. `[SESSION-22]`
    fn start_session(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        let (boot, wall_ms) = (self.boot, self.wall_ms);
        let (cause, raw) = (self.last_exit.cause.code(), self.last_exit.raw);
        let started = Fact::ProcessStarted { boot, wall_ms, cause, raw };
        session.local.write(now, &started, &mut self.outbox);
        session.local.settle(now, &mut self.outbox);
        if let Some(take) = session.recording.filter(|_| session.closing == Closing::No) {
            self.outbox.event(Event::StartRecording { take });
        }
        self.timers.set(Timer::Heartbeat, Some(now + limits::HEARTBEAT_INTERVAL));
    }

    /// A code was scanned: ask the user first. `[PAIRING-14]`
    pub(super) fn scanned(&mut self, ticket: Ticket) -> Result<(), Refused> {
        if ticket.pin == self.key.fingerprint() {
            return Err(Refused::OwnCode);
        }
        self.course = match core::mem::replace(&mut self.course, Course::Over) {
            Course::Idle { signer } | Course::Asking { signer, .. } => {
                let (exam, primary) = (ticket.exam, ticket.pin);
                self.outbox.event(Event::ConsentNeeded { exam, primary });
                let scanned = Box::new(Scanned::new(ticket));
                Course::Asking { signer, scanned }
            }
            course @ (Course::Joining { .. } | Course::InSession(_)) => {
                self.course = course;
                return Err(Refused::InSession);
            }
            Course::Over => return Err(Refused::Over),
        };
        Ok(())
    }

    /// The user has answered.
    pub(super) fn consented(
        &mut self,
        now: Instant<Secondary>,
        consent: Consent,
    ) -> Result<(), Refused> {
        let course = core::mem::replace(&mut self.course, Course::Over);
        let (signer, scanned) = match course {
            Course::Asking { signer, scanned } => (signer, scanned),
            other @ (Course::Idle { .. }
            | Course::Joining { .. }
            | Course::InSession(_)
            | Course::Over) => {
                self.course = other;
                return Err(Refused::NothingScanned);
            }
        };
        if consent == Consent::Declined {
            self.course = Course::Idle { signer };
            self.outbox.event(Event::PairingFailed(Failure::Declined));
            return Ok(());
        }
        let exam = scanned.ticket().exam;
        match scanned.consent(pairing::Consent::given_to(exam)) {
            Ok(hello) => {
                let until = now + limits::JOINING_TIME;
                self.course = Course::Joining { signer, hello: Box::new(hello) };
                self.timers.set(Timer::Introduction, Some(until));
                self.dial_primary();
            }
            Err(fault) => {
                self.course = Course::Idle { signer };
                self.outbox.event(Event::PairingFailed(Failure::Fault(fault)));
            }
        }
        Ok(())
    }

    /// The primary was reached by its code: prove it.
    pub(super) fn prove(
        &mut self,
        connection: &pairing::Connection,
    ) -> Option<Result<(Frame, pairing::ExpectAccept), Fault>> {
        let Course::Joining { hello, .. } = &self.course else { return None };
        let hello = SendHello::clone(hello);
        Some(hello.send(connection, &self.key, self.label, &mut self.entropy))
    }

    /// ACCEPT was verified: this device has a seat. `[PAIRING-13]`
    pub(super) fn seated(
        &mut self,
        now: Instant<Secondary>,
        link: LinkId,
        paired: &Paired,
        confirm: &Frame,
    ) {
        let course = core::mem::replace(&mut self.course, Course::Over);
        let Course::Joining { signer, hello, .. } = course else {
            self.course = course;
            return;
        };
        let own = JournalName { role: paired.role(), device: paired.device() };
        let addresses = hello.ticket().addresses.sockets().collect();
        let membership = paired.membership();
        let member = Member { name: PRIMARYS, label: paired.peer_label(), membership, addresses };
        let state =
            State { session: paired.session(), own, members: vec![member], refused: Vec::new() };
        let local = Local::create(paired.session(), own, signer, &mut self.outbox);
        let header = Header {
            session: paired.session(),
            role: Role::PRIMARY,
            device: PRIMARYS.device,
            key: *paired.peer(),
        };
        let peer = Peer::paired(header, clock_number(None), &mut self.outbox);
        let check_code =
            (paired.check() == crate::wire::CheckCode::Asked).then(|| paired.check_code());
        let session = Session {
            camera: camera_of(own.role, UNTOLD, None, self.last_exit),
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
        self.outbox.store(session.state.encode());
        self.course = Course::InSession(Box::new(session));
        self.timers.set(Timer::Introduction, None);
        self.start_session(now);
        let Course::InSession(session) = &mut self.course else { return };
        let fact = Fact::Paired {
            peer: Role::PRIMARY,
            key: *paired.peer(),
            session: paired.session(),
            transcript: *paired.transcript(),
        };
        session.local.write(now, &fact, &mut self.outbox);
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        // A journal that has just begun cannot contradict itself.
        _ = session.peer.connected(now, Arrival::first(link), local, outbox);
        session.local.settle(now, &mut self.outbox);
        self.outbox.control(link, confirm.to_bytes());
        let (role, label) = (own.role, paired.peer_label());
        self.outbox.event(Event::Paired { role, label, check_code });
        self.report_device();
        self.ship();
    }

    /// Pairing came to nothing; the user may scan again.
    pub(super) fn join_failed(&mut self, failure: Failure) {
        let course = core::mem::replace(&mut self.course, Course::Over);
        self.course = match course {
            Course::Joining { signer, .. } => {
                self.timers.set(Timer::Introduction, None);
                self.timers.set(Timer::Redial, None);
                self.outbox.event(Event::PairingFailed(failure));
                Course::Idle { signer }
            }
            other @ (Course::Idle { .. }
            | Course::Asking { .. }
            | Course::InSession(_)
            | Course::Over) => other,
        };
    }

    /// The code has lost its life while the primary was not reached.
    pub(super) fn give_up_joining(&mut self, now: Instant<Secondary>) {
        if let Some(link) = self.link.take() {
            self.outbox.close(link.id, CloseCode::Timeout);
        }
        _ = now;
        self.join_failed(Failure::Lost(crate::machine::Lost::TimedOut));
    }

    /// Reaches for the primary: by its code before pairing, by its pin after.
    pub(super) fn dial_primary(&mut self) {
        match &self.course {
            Course::Joining { hello, .. } => {
                let ticket = hello.ticket();
                let addresses = ticket.addresses.sockets().collect();
                let discovery = hello.discovery().to_owned();
                self.dialling = Dialling::Now(Purpose::Pair);
                self.outbox.dial(ticket.pin, addresses, Purpose::Pair, discovery);
            }
            Course::InSession(session) => {
                let Some(primary) = session.state.members.first() else { return };
                let membership = &primary.membership;
                let (addresses, name) = (primary.addresses.clone(), membership.discovery());
                let pin = membership.peer.fingerprint();
                self.dialling = Dialling::Now(Purpose::Resume);
                self.timers.set(Timer::Redial, Some(self.now + limits::DIAL_PATIENCE));
                self.outbox.dial(pin, addresses, Purpose::Resume, name);
            }
            Course::Idle { .. } | Course::Asking { .. } | Course::Over => {}
        }
    }
}

/// Plan and policy as the journal has them, or what holds before they are known.
fn planned(record: Option<&Fact>) -> (Option<Plan>, Option<Policy>) {
    let Some(Fact::Plan { plan, policy, .. }) = record else { return (None, None) };
    let plan = match Control::decode(Kind::Announce, plan.as_bytes()) {
        Ok(Control::Announce(announce)) => Some(announce.plan),
        Ok(_) | Err(_) => None,
    };
    (plan, Policy::from_bytes(policy.as_bytes()).ok())
}
