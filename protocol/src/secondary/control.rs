//! What the primary says on the control stream.
//!
//! The primary leads and is obeyed at once, also when it shows another past: the second
//! camera's evidence is worth more than the quarrel. `[SESSION-36]` Rejected: to weigh an
//! order against the own phase (the two clocks differ, and the one who orders is the one
//! who is answerable), and to write the last record when FINISH comes (frames that the
//! camera still commits would be outside the session).

use super::machine::{Closing, Course, SecondaryMachine, Session};
use super::{Ending, Event};
use crate::device::Device;
use crate::fault::{CloseCode, Fault, Got};
use crate::journal::{Blob, Fact, MirrorError};
use crate::policy::Policy;
use crate::session::{Evidence, SealDue, camera_of, watch};
use crate::time::{Instant, Secondary};
use crate::timers::Timer;
use crate::wire::{self, Control};

/// Why a journal was closed whose device was put out, in [`Fact::Finish`].
pub(super) const REMOVED: u8 = 2;
pub(super) const REPLACED: u8 = 3;

impl SecondaryMachine {
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other message is the same fault")]
    pub(super) fn control(
        &mut self,
        now: Instant<Secondary>,
        message: Control,
    ) -> Result<(), Fault> {
        let Course::InSession(session) = &mut self.course else { return Ok(()) };
        // Whose orders they are is not known before. [PAIRING-28]
        if session.plan.is_none() && !matches!(message, Control::Announce(_)) {
            let got = Got::Named(message.kind().name());
            return Err(Fault::new(CloseCode::OutOfOrder, "PLAN", got));
        }
        match message {
            Control::Journal(journal) => self.copy(now, &journal)?,
            Control::JournalHave(have) => {
                session.peer.acknowledged(&have, &mut session.local)?;
            }
            Control::JournalAsk(ask) => session.peer.asked(&ask),
            Control::DeviceReport(report) => {
                session.peer.reported(now, &report, &mut session.local, &mut self.outbox)?;
            }
            Control::Announce(announce) => self.announced(now, &announce)?,
            Control::PhaseChanged(changed) => {
                session.phase = Some(changed.phase);
                let fact = Fact::Phase { phase: changed.phase.number() };
                session.local.write(now, &fact, &mut self.outbox);
                session.local.settle(now, &mut self.outbox);
                self.outbox.event(Event::Phase(changed.phase));
            }
            Control::Begin(begin) => self.begin(now, begin.take),
            Control::Finish(_) => self.finish(now),
            Control::AddressUpdate(update) => {
                if let Some(primary) = session.state.members.first_mut() {
                    primary.addresses = update.addresses.sockets().collect();
                    self.outbox.store(session.state.encode());
                }
            }
            Control::CheckCodeConfirmed(_) => {
                session.check_code = None;
                session.state.members.iter_mut().for_each(|member| member.check_code = None);
                self.outbox.store(session.state.encode());
            }
            Control::Alarm(alarm) => self.outbox.event(Event::Alarm(alarm.code)),
            other => {
                let (expected, got) = ("a message of a primary", Got::Named(other.kind().name()));
                return Err(Fault::new(CloseCode::OutOfOrder, expected, got));
            }
        }
        self.heard(now);
        Ok(())
    }

    /// The plan, first on every connection, of what the person at this device agreed to.
    /// `[SESSION-5]` `[PAIRING-35]`
    fn announced(
        &mut self,
        now: Instant<Secondary>,
        announce: &wire::Announce,
    ) -> Result<(), Fault> {
        let Course::InSession(session) = &mut self.course else { return Ok(()) };
        session.state.covers(announce)?;
        let policy = Policy::from_bytes(&announce.policy).map_err(|_| {
            Fault::new(CloseCode::BadFrame, "a policy of this version", Got::Named("another"))
        })?;
        if session.plan == Some(announce.plan) && session.policy == Some(policy) {
            return Ok(());
        }
        let windows = announce.plan.windows();
        let fact = Fact::Plan {
            assistants: announce.plan.assistants(),
            wait_open: windows.wait_open,
            wait_close: windows.wait_close,
            answer_start: windows.answer_start,
            answer_end: windows.answer_end,
            plan: Blob::new(Control::Announce(*announce).frame().body()).unwrap_or_default(),
            policy: Blob::new(&announce.policy).unwrap_or_default(),
        };
        session.local.write(now, &fact, &mut self.outbox);
        session.local.settle(now, &mut self.outbox);
        if session.policy != Some(policy) && session.camera.state() == wire::Recording::Idle {
            session.camera =
                camera_of(session.state.own.role, watch(&policy), None, self.last_exit);
        }
        // Another plan may be on the clock of another boot.
        if session.plan != Some(announce.plan) {
            session.ahead = None;
        }
        session.plan = Some(announce.plan);
        session.policy = Some(policy);
        self.outbox.event(Event::Plan(Box::new(announce.plan)));
        self.tell_shortfalls();
        Ok(())
    }

    /// What this device lacks for the plan.
    pub(super) fn tell_shortfalls(&mut self) {
        if let Some(shortfalls) = self.shortfalls() {
            self.outbox.event(Event::Shortfalls(shortfalls));
        }
    }

    /// BEGIN: record, whatever the phase. `[SESSION-43]`
    fn begin(&mut self, now: Instant<Secondary>, take: u32) {
        let Course::InSession(session) = &mut self.course else { return };
        if session.recording == Some(take) || session.closing != Closing::No {
            return;
        }
        session.recording = Some(take);
        session.local.write(now, &Fact::Take { take, mark: 0 }, &mut self.outbox);
        session.local.settle(now, &mut self.outbox);
        self.outbox.event(Event::StartRecording { take });
    }

    /// FINISH, or nobody there to say it: stop the camera, then close the journal.
    /// `[SESSION-8]` `[SESSION-35]`
    pub(super) fn finish(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        if session.closing != Closing::No {
            return;
        }
        session.closing = Closing::Stopping;
        if let Some(take) = session.recording.take() {
            session.local.write(now, &Fact::Take { take, mark: 1 }, &mut self.outbox);
            session.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::StopRecording);
        }
        self.close_if_stopped(now);
    }

    /// Once the camera has stopped: the last record, the last seal, FINISHED.
    pub(super) fn close_if_stopped(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        if session.closing != Closing::Stopping || !session.camera.has_stopped() {
            return;
        }
        let news = session.camera.stop(now);
        self.camera_news(now, news);
        let Course::InSession(session) = &mut self.course else { return };
        session.local.finish(now, 0, &mut self.outbox);
        self.hand_over(now);
    }

    /// The journal has its last record: it is sealed and handed over.
    pub(super) fn hand_over(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        session.closing = Closing::HandingOver;
        session.local.seal(now, SealDue::Now, &mut self.outbox);
        session.local.settle(now, &mut self.outbox);
        self.timers.set(Timer::Closing, Some(now + crate::limits::HANDOVER_TIME));
        self.ship();
        self.say_finished();
    }

    /// How far the journal that must be handed over goes.
    pub(super) fn say_finished(&mut self) {
        let (Course::InSession(session), Some(link)) = (&self.course, &self.link) else { return };
        if matches!(session.closing, Closing::HandingOver | Closing::Parting) {
            let head = session.local.durable();
            let finished = wire::Finished { head: head.hash, sequence: head.sequence };
            self.outbox.control(link.id, Control::Finished(finished).encode());
        }
    }

    /// The primary has put this device out for good: its journal ends as one that
    /// nobody will complete. `[FAULT-2]`
    pub(super) fn put_out(&mut self, now: Instant<Secondary>, why: CloseCode) {
        let reason = if why == CloseCode::Replaced { REPLACED } else { REMOVED };
        if let Course::InSession(session) = &mut self.course {
            session.local.finish(now, reason, &mut self.outbox);
            session.local.seal(now, SealDue::Now, &mut self.outbox);
        }
        self.outbox.settled();
        self.end(Ending::Removed(why));
    }

    /// Nothing more happens in this session.
    pub(super) fn end(&mut self, ending: Ending) {
        if matches!(self.course, Course::Over) {
            return;
        }
        let open = self.link.take().map(|link| link.id);
        for link in [open, self.former.take()].into_iter().flatten() {
            self.outbox.settled().close(link, CloseCode::OkEnd);
        }
        let films =
            |session: &Session| session.recording.is_some() && session.closing == Closing::No;
        if matches!(&self.course, Course::InSession(session) if films(session)) {
            self.outbox.settled().event(Event::StopRecording);
        }
        // Before what a disk may fail at: it is over, whether that can be kept or not.
        self.outbox.settled();
        self.tell_ending(ending);
        if let Course::InSession(session) = &mut self.course {
            // Nobody to come back to: a later start finds that out here.
            session.state.members.clear();
            self.outbox.store(session.state.encode());
        }
        self.course = Course::Over;
    }

    pub(super) fn tell_ending(&mut self, ending: Ending) {
        self.ending = Some(ending);
        self.outbox.event(Event::Finished(ending));
    }

    /// Sends on what was acknowledged or asked for. `[SESSION-47]`
    pub(super) fn send_on(&mut self) {
        let Course::InSession(session) = &mut self.course else { return };
        session.peer.go_on(&session.local, &mut self.outbox);
    }

    /// Records of the primary's journal.
    fn copy(&mut self, now: Instant<Secondary>, journal: &wire::Journal) -> Result<(), Fault> {
        let Course::InSession(session) = &mut self.course else { return Ok(()) };
        if session.peer.is_forked() {
            self.convict(now, journal);
            return Ok(());
        }
        match session.peer.copy(journal, &mut self.outbox) {
            Ok(_) => {
                session.local.settle(now, &mut self.outbox);
                session.peer.acknowledge(&session.local, &mut self.outbox);
                Ok(())
            }
            Err(MirrorError::Gap { .. }) => {
                session.peer.ask(&mut self.outbox);
                Ok(())
            }
            Err(MirrorError::Fork(fork)) => {
                self.forked(now, &fork);
                self.convict(now, journal);
                Ok(())
            }
            Err(MirrorError::ForgedSeal { .. }) => {
                let fact = session.peer.forgery();
                self.tampered(now, Evidence::Complete, [fact]);
                Ok(())
            }
            // [JOURNAL-25]
            Err(MirrorError::Count { .. } | MirrorError::Damaged(_) | MirrorError::Full) => {
                let expected = "whole records that continue the journal";
                Err(Fault::new(CloseCode::BadFrame, expected, Got::Named("others")))
            }
        }
    }

    /// Keeps the primary's own seal on the history that is not copied. `[JOURNAL-23]`
    fn convict(&mut self, now: Instant<Secondary>, journal: &wire::Journal) {
        let Course::InSession(session) = &mut self.course else { return };
        if let Some(seal) = session.peer.convict(journal, &mut self.outbox) {
            session.local.write(now, &seal, &mut self.outbox);
        }
    }

    /// Tells the primary how this device is. `[SESSION-10]`
    pub(super) fn report_device(&mut self) {
        let (Course::InSession(session), Some(link)) = (&self.course, &self.link) else { return };
        let camera = session.camera.reported();
        let device: Device = self.device.unwrap_or_default();
        let report = wire::DeviceReport { device, camera, boot: self.boot };
        self.outbox.control(link.id, Control::DeviceReport(report).encode());
    }
}
