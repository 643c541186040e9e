//! From a start of the app to a seat: new, or back in a session.
//!
//! A person scans once. What comes of it is stored with the seat, and every later start
//! finds its way from what is stored; only a person's consent leads to the first message.
//! Rejected: to dial as soon as a code is in the picture (a code on a wall would take the
//! phone), and a question whether to go on after a crash (the phone stands where nobody
//! reads its screen).

use super::control::{REMOVED, REPLACED};
use super::hosting::LEFT;
use super::machine::{Closing, Course, Dialling, SecondaryMachine, Session, Unconfirmed};
use super::{CannotStart, Consent, Ending, Event, Failure, Question, Setup};
use crate::fault::{CloseCode, Fault};
use crate::identity::{Role, Signer};
use crate::journal::{Fact, Replayed};
use crate::limits;
use crate::machine::JournalName;
use crate::pairing::{self, Scanned, SendHello};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::session::{
    Beginning, Local, Outbox, Past, Peer, Refused, StartError, State, UNTOLD, camera_of,
    clock_number, read, watch,
};
use crate::ticket::Ticket;
use crate::time::{Instant, Secondary};
use crate::timers::{Timer, Timers};
use crate::wire::{Control, Frame, Kind};

/// The primary's journal, which this device keeps a copy of.
pub(super) const PRIMARYS: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

impl SecondaryMachine {
    /// Starts in no session, or goes on if `setup.past` has one.
    ///
    /// # Errors
    /// [`CannotStart`] if what the disk holds is damaged or another session's.
    pub fn new(mut setup: Setup, now: Instant<Secondary>) -> Result<Self, CannotStart> {
        let mut past = core::mem::take(&mut setup.past);
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
            link: None,
            former: None,
            dialling: Dialling::No,
            course: Course::Over,
            failure: None,
            ending: None,
            storage_failed: false,
        };
        let Some(state) = past.state.take() else {
            machine.course = Course::Idle { signer: setup.signer };
            return Ok(machine);
        };
        // [PAIRING-28]: the journal begins when the primary knows of it.
        if !past.journals.contains_key(&state.own) && !state.members.is_empty() {
            let (check_code, patience) = (state.check_code(), limits::REDIAL_FIRST);
            let seat = Box::new(Unconfirmed { state, check_code, patience });
            machine.course = Course::Confirming { signer: setup.signer, seat };
            machine.redial(now);
            return Ok(machine);
        }
        machine.go_on(now, state, &past, setup.signer)?;
        Ok(machine)
    }

    /// The session on the disk goes on where the last run ended.
    fn go_on(
        &mut self,
        now: Instant<Secondary>,
        state: State,
        past: &Past,
        signer: Box<dyn Signer>,
    ) -> Result<(), CannotStart> {
        let (replayed, bytes) = read(past, state.own)?;
        let header = replayed.header();
        if header.session != state.session || header.key != self.key {
            return Err(StartError::Foreign);
        }
        let clock = clock_number(Some(&replayed));
        let beginning = Beginning::of(&replayed, self.boot);
        let Some(primary) = state.members.first() else {
            self.tell_ending(ending_of(&replayed));
            return Ok(());
        };
        let peer = if past.journals.contains_key(&PRIMARYS) {
            let (copy, _) = read(past, PRIMARYS)?;
            Peer::known(&copy, clock)
        } else {
            Peer::paired(primary.header(), clock, &mut self.outbox)
        };
        let paired = primary.fact();
        let untold = replayed.entries().iter().all(|entry| entry.fact != paired);
        let (plan, policy) = planned(beginning.plan.as_ref());
        let watched = policy.as_ref().map_or(UNTOLD, watch);
        let camera = camera_of(state.own.role, watched, Some(&beginning), self.last_exit);
        let session = Session {
            local: Local::resume(&replayed, bytes, signer),
            camera,
            peer,
            policy,
            phase: None,
            plan,
            check_code: state.check_code(),
            ahead: beginning.ahead,
            recording: beginning.recording,
            closing: if beginning.finished { Closing::HandingOver } else { Closing::No },
            beaten: None,
            patience: limits::REDIAL_FIRST,
            state,
        };
        self.course = Course::InSession(Box::new(session));
        self.start_session(now);
        // The power may go between the first record of a journal and the next.
        if let (true, Course::InSession(session)) = (untold, &mut self.course) {
            session.local.write(now, &paired, &mut self.outbox);
        }
        if beginning.finished {
            self.hand_over(now);
        }
        self.redial(now);
        Ok(())
    }

    /// What every run in a session begins with. `[SESSION-22]`
    pub(super) fn start_session(&mut self, now: Instant<Secondary>) {
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
            Course::Idle { signer } => self.ask_user(signer, ticket),
            // The code on a screen changes every few seconds while a person reads; but the
            // answer is about what the person was shown. [PAIRING-31]
            Course::Asking { signer, scanned } => {
                if Question::of(scanned.ticket()) != Question::of(&ticket) {
                    self.course = Course::Asking { signer, scanned };
                    return Err(Refused::Asking);
                }
                Course::Asking { signer, scanned: Box::new(Scanned::new(ticket)) }
            }
            // The primary is not there to say whether it knows of this device; who
            // scans again has decided. [PAIRING-29]
            Course::Confirming { signer, .. } if self.link.is_none() => {
                self.forget_seat();
                self.ask_user(signer, ticket)
            }
            course
            @ (Course::Joining { .. } | Course::Confirming { .. } | Course::InSession(_)) => {
                self.course = course;
                return Err(Refused::InSession);
            }
            Course::Over => return Err(Refused::Over),
        };
        Ok(())
    }

    fn ask_user(&mut self, signer: Box<dyn Signer>, ticket: Ticket) -> Course {
        self.failure = None;
        self.outbox.event(Event::ConsentNeeded(Question::of(&ticket)));
        Course::Asking { signer, scanned: Box::new(Scanned::new(ticket)) }
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
            | Course::Confirming { .. }
            | Course::InSession(_)
            | Course::Over) => {
                self.course = other;
                return Err(Refused::NothingScanned);
            }
        };
        if consent == Consent::Declined {
            self.course = Course::Idle { signer };
            self.tell_failure(Failure::Declined);
            return Ok(());
        }
        let Question { exam, issuer, .. } = Question::of(scanned.ticket());
        match scanned.consent(pairing::Consent::given_to(exam, issuer)) {
            Ok(hello) => {
                let until = now + limits::JOINING_TIME;
                self.course = Course::Joining { signer, hello: Box::new(hello) };
                self.timers.set(Timer::Introduction, Some(until));
                self.dial_primary();
            }
            Err(fault) => {
                self.course = Course::Idle { signer };
                self.tell_failure(Failure::Fault(fault));
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

    /// Pairing came to nothing; the user may scan again.
    pub(super) fn join_failed(&mut self, failure: Failure) {
        let course = core::mem::replace(&mut self.course, Course::Over);
        self.course = match course {
            Course::Joining { signer, .. } => {
                self.timers.set(Timer::Introduction, None);
                self.timers.set(Timer::Redial, None);
                self.tell_failure(failure);
                Course::Idle { signer }
            }
            // [PAIRING-29]
            Course::Confirming { signer, .. } => {
                self.forget_seat();
                self.tell_failure(failure);
                Course::Idle { signer }
            }
            other @ (Course::Idle { .. }
            | Course::Asking { .. }
            | Course::InSession(_)
            | Course::Over) => other,
        };
    }

    fn tell_failure(&mut self, failure: Failure) {
        self.failure = Some(failure.clone());
        self.outbox.event(Event::PairingFailed(failure));
    }

    /// The code has lost its life while the primary was not reached.
    pub(super) fn give_up_joining(&mut self) {
        if let Some(link) = self.link.take() {
            self.outbox.close(link.id, CloseCode::Timeout);
        }
        self.join_failed(Failure::Lost(crate::machine::Lost::TimedOut));
    }
}

/// How a session ended that has nobody to come back to, by the journal's last record.
/// `[FAULT-2]`
fn ending_of(own: &Replayed) -> Ending {
    let reason = own.entries().iter().rev().find_map(|entry| {
        if let Fact::Finish { reason } = entry.fact { Some(reason) } else { None }
    });
    match reason {
        Some(LEFT) => Ending::Left,
        Some(REMOVED) => Ending::Removed(CloseCode::Revoked),
        Some(REPLACED) => Ending::Removed(CloseCode::Replaced),
        Some(_) | None => Ending::Finished,
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
