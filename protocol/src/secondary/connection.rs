//! The one connection of an assistant: made, lost, and made again.
//!
//! A phone never knows whether its connection is dead or merely silent, so it dials a
//! second one beside a silent one, and leaves the first if nothing is heard on it until
//! the other is made. `[SESSION-27]` What an unproven peer says ends an attempt and
//! never the session. Rejected: to close what is silent and then dial (an outage of one
//! way would become one of both), two connections at once (nobody could say in which
//! order journals and stamps came), and to believe a refusal that came before the proof
//! (anybody at that address could send it).

use super::machine::{Closing, Course, Dialling, Link, SecondaryMachine, Stage};
use super::{Ending, Event, Failure};
use crate::fault::{CloseCode, Fault};
use crate::journal::{Fact, Fork, Head};
use crate::limits;
use crate::machine::{Lane, LinkId, Lost, Purpose};
use crate::pairing::{self, Standing};
use crate::session::{Arrival, Evidence, Newer, Receipt};
use crate::time::{Instant, Primary, Secondary};
use crate::timers::Timer;
use crate::wire::{Control, Frame, FrameReader, Resume, Timing, Trust};

impl SecondaryMachine {
    pub(super) fn connected(
        &mut self,
        now: Instant<Secondary>,
        link: LinkId,
        purpose: Purpose,
        proven: pairing::Connection,
    ) {
        self.dialling = Dialling::No;
        if self.link.is_some() && !self.is_silent(now) {
            // The old connection has spoken meanwhile. [SESSION-27]
            return self.outbox.close(link, CloseCode::OkEnd);
        }
        let opened = match purpose {
            Purpose::Pair => self.prove(&proven).map(|proof| {
                proof.map(|(frame, expect)| (frame, Stage::Proving(Box::new(expect))))
            }),
            Purpose::Resume => self.ask_to_resume(&proven).map(|asked| {
                asked.map(|(frame, expect)| (frame, Stage::Resuming(Box::new(expect))))
            }),
        };
        match opened {
            None => self.outbox.close(link, CloseCode::OkEnd),
            Some(Err(fault)) => {
                self.outbox.close(link, fault.code);
                self.join_failed(Failure::Fault(fault));
                self.try_later(now);
            }
            Some(Ok((frame, stage))) => {
                let reader = FrameReader::new(Trust::Unpaired);
                let made = Link { id: link, since: now, reader, stage };
                if let Some(silent) = self.link.replace(made) {
                    self.leave_behind(silent.id);
                }
                self.outbox.control(link, frame.to_bytes());
            }
        }
    }

    /// Nothing more is said or heard on this connection; the primary closes it
    /// when it accepts the other one. `[SESSION-27]`
    fn leave_behind(&mut self, silent: LinkId) {
        if let Course::InSession(session) = &mut self.course {
            session.peer.detach();
        }
        if let Some(earlier) = self.former.replace(silent) {
            self.outbox.close(earlier, CloseCode::OkEnd);
        }
    }

    /// RESUME, with a number that is stored before it is sent. `[SESSION-20]`
    fn ask_to_resume(
        &mut self,
        proven: &pairing::Connection,
    ) -> Option<Result<(Frame, pairing::ExpectResumed), Fault>> {
        let (standing, state) = match &mut self.course {
            // The number could not be remembered. [SESSION-2]
            Course::InSession(session) if session.local.is_poisoned() => return None,
            Course::InSession(session) => {
                let head = session.local.durable();
                let standing = Standing {
                    boot: self.boot,
                    head: head.hash,
                    sequence: head.sequence,
                    peer_sequence: session.peer.copied().sequence,
                };
                (standing, &mut session.state)
            }
            Course::Confirming { seat, .. } => {
                (seat.standing(self.boot, self.key), &mut seat.state)
            }
            Course::Idle { .. } | Course::Asking { .. } | Course::Joining { .. } | Course::Over => {
                return None;
            }
        };
        let asked = state.members.first_mut()?.membership.request(proven, &self.key, standing);
        self.outbox.store(state.encode());
        Some(asked)
    }

    pub(super) fn received(
        &mut self,
        receipt: Receipt<Secondary>,
        link: LinkId,
        lane: Lane,
        bytes: &[u8],
    ) {
        let Some(current) = self.link.as_ref().filter(|current| current.id == link) else { return };
        match lane {
            // One that overtakes RESUMED may come from a boot that is not known
            // yet. [SESSION-29]
            Lane::Timing if !matches!(current.stage, Stage::Seated) => {}
            Lane::Timing => self.datagram(receipt, bytes),
            Lane::Control => {
                if let Err(fault) = self.stream(receipt.now, bytes) {
                    self.fail(receipt.now, fault);
                }
            }
        }
    }

    fn stream(&mut self, now: Instant<Secondary>, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some(link) = &mut self.link {
            let Some(frame) = link.reader.read(&mut bytes)? else { break };
            self.frame(now, &frame)?;
        }
        self.send_on();
        Ok(())
    }

    /// One frame, by what this connection waits for. `[SESSION-44]`
    fn frame(&mut self, now: Instant<Secondary>, frame: &Frame) -> Result<(), Fault> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let id = link.id;
        match core::mem::replace(&mut link.stage, Stage::Seated) {
            Stage::Proving(expect) => {
                let (paired, confirm) = expect.accept(frame)?;
                link.reader.trust(Trust::Paired);
                link.stage = Stage::Confirming;
                self.accepted(id, &paired, &confirm);
                Ok(())
            }
            Stage::Confirming => self.confirmed(now, id, frame),
            Stage::Resuming(expect) => {
                let resumed = expect.accept(frame)?;
                link.reader.trust(Trust::Paired);
                self.resumed(now, id, &resumed);
                Ok(())
            }
            Stage::Seated => {
                let message = Control::decode(frame.kind(), frame.body())?;
                self.control(now, message)
            }
        }
    }

    fn resumed(&mut self, now: Instant<Secondary>, link: LinkId, answer: &Resume) {
        if let Some(former) = self.former.take() {
            self.outbox.close(former, CloseCode::OkEnd);
        }
        let theirs = Head { sequence: answer.sequence, hash: answer.head };
        let (boot, held) = (Some(answer.boot), answer.peer_sequence);
        let arrival = Arrival { link, boot, theirs: Some(theirs), held };
        if matches!(self.course, Course::Confirming { .. }) {
            return self.begin_session(now, arrival);
        }
        if let Course::InSession(session) = &mut self.course {
            session.patience = limits::REDIAL_FIRST;
        }
        self.arrived(now, arrival, theirs);
        self.report_device();
        self.ship();
        self.say_finished();
    }

    /// The primary is back on a connection.
    fn arrived(&mut self, now: Instant<Secondary>, arrival: Arrival, theirs: Head) {
        let Course::InSession(session) = &mut self.course else { return };
        if let Err(fork) = session.peer.returned(theirs) {
            // It goes on all the same, and so does the session. [SESSION-36]
            self.forked(now, &fork);
        }
        let Course::InSession(session) = &mut self.course else { return };
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        let changed = session.peer.connected(now, arrival, local, outbox);
        session.local.settle(now, &mut self.outbox);
        if let Some(state) = changed {
            self.outbox.event(Event::Link(state));
        }
    }

    /// The primary shows two histories. The journals will say so; to leave it would
    /// only cost the examinee the other camera's evidence. `[SESSION-17]` `[SESSION-36]`
    pub(super) fn forked(&mut self, now: Instant<Secondary>, fork: &Fork) {
        let Course::InSession(session) = &self.course else { return };
        let role = session.peer.role();
        self.tampered(now, Evidence::of(fork), fork.facts(role));
    }

    /// The primary contradicts itself; `facts` keep how. `[JOURNAL-24]`
    pub(super) fn tampered(
        &mut self,
        now: Instant<Secondary>,
        evidence: Evidence,
        facts: impl IntoIterator<Item = Fact>,
    ) {
        let Course::InSession(session) = &mut self.course else { return };
        if !session.peer.taint(evidence) {
            return;
        }
        for fact in facts {
            session.local.write(now, &fact, &mut self.outbox);
        }
        session.local.settle(now, &mut self.outbox);
        self.outbox.event(Event::Alarm(CloseCode::HistoryChanged));
    }

    /// A datagram. One that cannot be read is dropped; nothing rests on it.
    fn datagram(&mut self, receipt: Receipt<Secondary>, bytes: &[u8]) {
        let now = receipt.now;
        let Ok(message) = Timing::from_datagram(bytes) else { return };
        let Course::InSession(session) = &mut self.course else { return };
        let Some(message) = session.peer.completed(now, message) else { return };
        if let Some(stamp) = message.stamp() {
            session.ahead = Some(receipt.arrived.relabelled() - stamp.sent.on::<Primary>());
        }
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        let beat = !matches!(message, Timing::Probe(_));
        match message {
            Timing::Pulse(pulse) => {
                session.peer.pulse(receipt, &pulse, local, outbox);
            }
            Timing::Probe(probe) => {
                session.peer.stamped(receipt.arrived, &probe.stamp, local);
                self.timers.set(Timer::Answer, Some(now));
            }
            Timing::Heartbeat(beat) => {
                let told = match session.peer.heartbeat(receipt, &beat, local, outbox) {
                    Ok(told) => told,
                    Err(fork) => return self.forked(now, &fork),
                };
                if told.newer == Newer::Yes {
                    session.peer.compare(told.level, beat.clock_digest);
                }
            }
            Timing::ShortProbe(_) | Timing::ShortPulse(_) => return,
        }
        self.heard(now);
        if beat {
            self.answer_beat(now);
        }
    }

    /// The primary was heard.
    pub(super) fn heard(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        if let Some(state) = session.peer.heard(now, &mut session.local, &mut self.outbox) {
            session.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link(state));
        }
    }

    /// The primary broke the protocol, or somebody pretends to be the primary.
    fn fail(&mut self, now: Instant<Secondary>, fault: Fault) {
        let Some(link) = self.link.take() else { return };
        self.outbox.settled().close(link.id, fault.code);
        self.lose_link(now);
        self.join_failed(Failure::Fault(fault));
        self.try_later(now);
    }

    pub(super) fn disconnected(&mut self, now: Instant<Secondary>, link: LinkId, lost: Lost) {
        if self.link.as_ref().is_none_or(|current| current.id != link) {
            return;
        }
        self.link = None;
        self.lose_link(now);
        if let Lost::Closed(code) = lost {
            self.closed(now, code);
        } else {
            // A connection that died before ACCEPT is made again too: the same
            // HELLO is answered again. [PAIRING-18]
            self.try_later(now);
        }
    }

    /// The primary closed the connection and said why. `[FAULT-3]`
    fn closed(&mut self, now: Instant<Secondary>, code: CloseCode) {
        if matches!(self.course, Course::Joining { .. }) {
            let passing = matches!(
                code,
                CloseCode::Busy | CloseCode::Timeout | CloseCode::Internal | CloseCode::GoingAway
            );
            return if passing {
                self.try_later(now);
            } else {
                self.join_failed(Failure::Refused(code));
            };
        }
        // [FAULT-2]
        let final_word = matches!(
            code,
            CloseCode::Revoked
                | CloseCode::Replaced
                | CloseCode::CheckCodeMismatch
                | CloseCode::CloneSuspected
                | CloseCode::HistoryChanged
                | CloseCode::UnknownSession
        );
        if matches!(self.course, Course::Confirming { .. }) {
            // [PAIRING-29]: any other close leaves open whether CONFIRM came.
            return if final_word || code == CloseCode::Expired {
                self.join_failed(Failure::Refused(code));
            } else {
                self.try_later(now);
            };
        }
        let handing_over = matches!(
            &self.course,
            Course::InSession(session)
                if matches!(session.closing, Closing::HandingOver | Closing::Parting)
        );
        if final_word {
            self.put_out(now, code);
        // [FAULT-5]
        } else if code == CloseCode::OkEnd && handing_over {
            self.end(Ending::Finished);
        } else {
            self.try_later(now);
        }
    }

    fn lose_link(&mut self, now: Instant<Secondary>) {
        let Course::InSession(session) = &mut self.course else { return };
        let (local, outbox) = (&mut session.local, &mut self.outbox);
        if let Some(state) = session.peer.disconnected(now, local, outbox) {
            session.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link(state));
        }
    }

    /// No connection came about, or it was refused in the handshake. `[FAULT-6]`
    pub(super) fn dial_failed(&mut self, now: Instant<Secondary>, lost: Lost) {
        self.dialling = Dialling::No;
        if self.link.is_some() && !self.is_silent(now) {
            return;
        }
        let joining = matches!(self.course, Course::Joining { .. });
        // Whoever refuses a handshake has not shown that it is the primary. [PAIRING-29]
        let proven = !matches!(self.course, Course::Confirming { .. });
        if let (true, Lost::Closed(code)) = (proven, lost) {
            self.closed(now, code);
        } else if joining && lost == Lost::WrongKey {
            self.join_failed(Failure::Lost(lost));
        } else {
            self.try_later(now);
        }
    }
}
