//! What the host asks of the assistant, and what the assistant does by itself.
//!
//! Nobody watches the phone behind the examinee, so whatever can go on without a person
//! does: it reaches for the primary, follows the plan's phases by itself, and ends alone
//! when nobody is left to say that the session is over. Rejected: to wait for the primary
//! before each of these (the outage that makes them needed is the one that it is silent
//! in), and a command for each of them (a host that is asleep gives none).

use super::machine::{Closing, Course, SecondaryMachine};
use super::{Command, Ending, Event};
use crate::fault::CloseCode;
use crate::journal::Fact;
use crate::limits;
use crate::liveness::LinkState;
use crate::plan::Phase;
use crate::session::{HostFact, News, Refused, SealDue};
use crate::time::{Instant, Secondary, Span};
use crate::timers::Timer;

/// Finish, by the user of this device.
pub(super) const LEFT: u8 = 1;

impl SecondaryMachine {
    pub(super) fn obey(
        &mut self,
        now: Instant<Secondary>,
        command: Command,
    ) -> Result<(), Refused> {
        match command {
            Command::Scanned(ticket) => self.scanned(*ticket),
            Command::Consent(consent) => self.consented(now, consent),
            Command::Host(fact) => self.told(now, &fact),
            Command::Leave => self.leave(now),
        }
    }

    /// Something happened on this device.
    fn told(&mut self, now: Instant<Secondary>, fact: &HostFact<Secondary>) -> Result<(), Refused> {
        if fact.is_of_screen() {
            return Err(Refused::WrongRole);
        }
        let device = if let HostFact::Device(device) = fact { Some(*device) } else { None };
        if device.is_some() && device == self.device {
            return Ok(());
        }
        self.device = device.or(self.device);
        let session = match &mut self.course {
            Course::InSession(session) => session,
            Course::Over => return Err(Refused::Over),
            Course::Idle { .. }
            | Course::Asking { .. }
            | Course::Joining { .. }
            | Course::Confirming { .. } => {
                // There is no journal yet, and nothing but the device to speak of.
                return if device.is_some() { Ok(()) } else { Err(Refused::NotPaired) };
            }
        };
        session.camera.check(fact)?;
        let record = fact.to_record()?;
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        let news = session.camera.keep(now, (fact, &record), local, outbox);
        if fact.is_edge() || device.is_some() {
            session.local.settle(now, &mut self.outbox);
        }
        self.camera_news(now, news);
        if device.is_some() {
            self.report_device();
            self.tell_shortfalls();
        }
        if matches!(fact, HostFact::RecordingStopped(_)) {
            self.close_if_stopped(now);
        }
        Ok(())
    }

    /// Leaves the session for good.
    fn leave(&mut self, now: Instant<Secondary>) -> Result<(), Refused> {
        match &mut self.course {
            Course::Over => Err(Refused::Over),
            Course::InSession(session) => {
                session.local.finish(now, LEFT, &mut self.outbox);
                session.local.seal(now, SealDue::Now, &mut self.outbox);
                self.outbox.settled();
                self.end(Ending::Left);
                Ok(())
            }
            Course::Confirming { .. } => {
                self.forget_seat();
                self.end(Ending::Left);
                Ok(())
            }
            Course::Idle { .. } | Course::Asking { .. } | Course::Joining { .. } => {
                self.end(Ending::Left);
                Ok(())
            }
        }
    }

    pub(super) fn camera_news(&mut self, now: Instant<Secondary>, news: Vec<News<Secondary>>) {
        for news in news {
            match news {
                News::Lost { since, observed } => {
                    let since = since.unwrap_or(now);
                    self.outbox.settled().event(Event::CameraLost { since, observed });
                }
                // The primary counts, and its examinee is the one to warn.
                News::Overdue => {}
                News::Back { lost, .. } => {
                    self.outbox.settled().event(Event::CameraBack { lost });
                }
            }
        }
    }

    pub(super) fn watch_camera(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        let news = session.camera.wake(now);
        self.camera_news(now, news);
    }

    /// The heartbeat alone, so that its stamp is fresh. `[SESSION-12]`
    pub(super) fn beat(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        session.beaten = Some(now);
        session.peer.beat(now, &session.camera, &session.local, &mut self.outbox);
        self.timers.set(Timer::Heartbeat, Some(now + limits::HEARTBEAT_PATIENCE));
        self.timers.set(Timer::Chores, Some(now));
    }

    /// What is pending is made durable; then it is sent. `[SESSION-15]`
    pub(super) fn chores(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        local.seal(now, SealDue::IfDue(limits::HEARTBEAT_PATIENCE), outbox);
        local.settle(now, outbox);
        if let Some(estimate) = session.peer.clock_news(now) {
            self.outbox.event(Event::Clock(estimate));
        }
        self.ship();
        self.watch_phase(now);
        self.watch_end(now);
    }

    /// A clock message is answered.
    pub(super) fn answer(&mut self, now: Instant<Secondary>) {
        if let Course::InSession(session) = &mut self.course {
            session.peer.probe(now, &mut self.outbox);
        }
    }

    /// The primary's heartbeat came. Answered at once, both radios are awake and
    /// the answer is a measurement. `[SESSION-32]`
    pub(super) fn answer_beat(&mut self, now: Instant<Secondary>) {
        let half = Span::from_nanos(limits::HEARTBEAT_INTERVAL.nanos() / 2);
        let Course::InSession(session) = &self.course else { return };
        if session.beaten.is_none_or(|last| now - last >= half) {
            self.timers.set(Timer::Heartbeat, Some(now));
        }
    }

    /// Sends the primary what it lacks.
    pub(super) fn ship(&mut self) {
        let Course::InSession(session) = &mut self.course else { return };
        session.peer.ship(&session.local, &mut self.outbox);
        let all = session.local.durable().sequence;
        if session.closing == Closing::HandingOver && session.peer.holds(all) {
            session.closing = Closing::Parting;
            // The primary may still wait for others before it writes its own end.
            let patience = limits::CLOSING_TIME + limits::PARTING_TIME.times(2);
            self.timers.set(Timer::Closing, Some(self.now + patience));
        }
    }

    /// The phase follows from the plan even while nobody is heard.
    pub(super) fn watch_phase(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        let Some(plan) = &session.plan else { return };
        let Some(there) = session.peer.timing().session_time(now) else { return };
        let phase = plan.phase_at(there);
        if session.phase.is_none_or(|known| known < phase) && phase != Phase::Setup {
            session.phase = Some(phase);
            let fact = Fact::Phase { phase: phase.number() };
            session.local.write(now, &fact, &mut self.outbox);
            self.outbox.event(Event::Phase(phase));
        }
    }

    /// Nobody is there to say that the session is over. `[SESSION-35]`
    pub(super) fn watch_end(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &self.course else { return };
        let Some(plan) = &session.plan else { return };
        // After a write that failed the host may have closed the connection unasked.
        let alone = session.peer.link().is_none() || session.peer.state() == LinkState::Down;
        if !alone {
            return;
        }
        let roughly = || Some(now.relabelled() - session.ahead?);
        let there = session.peer.timing().session_time(now).or_else(roughly);
        let over = |there| there - plan.windows().answer_end >= limits::ALONE_TIME;
        if there.is_some_and(over) {
            self.finish(now);
        }
    }

    pub(super) fn silence(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        if let Some(state) = session.peer.silence(now, &mut session.local, &mut self.outbox) {
            session.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link(state));
        }
    }

    /// The system says that networks changed: reach for the primary at once.
    /// `[SESSION-19]`
    pub(super) fn network_changed(&mut self, now: Instant<Secondary>) {
        if let Course::InSession(session) = &mut self.course {
            session.local.write(now, &Fact::NetworkChanged {}, &mut self.outbox);
            session.patience = limits::REDIAL_FIRST;
            if session.peer.link().is_some() {
                session.peer.moved(now, &mut session.local, &mut self.outbox);
                session.peer.probe(now, &mut self.outbox);
            }
        }
        self.redial(now);
    }

    pub(super) fn slept(&mut self, now: Instant<Secondary>, span: Span) {
        if let Course::InSession(session) = &mut self.course {
            session.local.write(now, &Fact::Slept { span }, &mut self.outbox);
            session.peer.slept();
            session.peer.probe(now, &mut self.outbox);
        }
        self.redial(now);
    }

    /// Nothing is durable any more. `[SESSION-2]`
    pub(super) fn storage_failed(&mut self) {
        match &mut self.course {
            Course::InSession(session) if !session.local.is_poisoned() => {
                session.local.poison();
                self.storage_failed = true;
                self.outbox.event(Event::StorageFailed);
                // [SESSION-38]
                if session.closing == Closing::Stopping {
                    self.outbox.event(Event::StopRecording);
                }
            }
            // Whether the seat is on the disk, the next start finds out.
            Course::Confirming { .. } => {
                if let Some(link) = self.link.take() {
                    self.outbox.close(link.id, CloseCode::Internal);
                }
                self.course = Course::Over;
                self.storage_failed = true;
                self.outbox.event(Event::StorageFailed);
            }
            Course::Idle { .. }
            | Course::Asking { .. }
            | Course::Joining { .. }
            | Course::InSession(_)
            | Course::Over => {}
        }
    }
}
