//! What a paired assistant says on the control stream.
//!
//! A paired device is believed about itself and about nothing else: it gives records of
//! its own journal and says how it is, and no message of it changes what another seat
//! has or what the plan says. Rejected: to skip messages that do not belong here (two
//! devices that disagree about the protocol would go on and record it), and to leave a
//! device that shows two histories connected as if it had shown one.

use super::Event;
use super::connection::out_of_order;
use super::machine::{Course, PrimaryMachine};
use crate::device::Device;
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::Role;
use crate::journal::{Fact, Fork, Head, MirrorError};
use crate::machine::LinkId;
use crate::session::Fresh;
use crate::time::{Instant, Primary};
use crate::wire::{self, Control};

impl PrimaryMachine {
    /// A message of the device in seat `role`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other message is the same fault")]
    pub(super) fn control(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        role: Role,
        message: Control,
    ) -> Result<(), Fault> {
        match message {
            Control::Journal(journal) => self.copy(now, link, role, &journal)?,
            Control::JournalHave(have) => {
                if let Some(seat) = self.seats.get_mut(&role) {
                    seat.peer.acknowledged(&have, &mut self.local)?;
                }
            }
            Control::JournalAsk(ask) => {
                if let Some(seat) = self.seats.get_mut(&role) {
                    seat.peer.asked(&ask);
                }
            }
            Control::DeviceReport(report) => {
                if let Some(seat) = self.seats.get_mut(&role) {
                    seat.peer.reported(now, &report, &mut self.local, &mut self.outbox)?;
                    self.tell_device(role, report.device);
                }
            }
            Control::Finished(finished) => {
                let head = Head { sequence: finished.sequence, hash: finished.head };
                if let Some(seat) = self.seats.get_mut(&role) {
                    seat.finished = Some(head);
                }
            }
            Control::Alarm(alarm) => self.outbox.event(Event::Alarm { role, code: alarm.code }),
            other => return Err(out_of_order("a message of an assistant", other.kind())),
        }
        // What showed two histories is not connected any more.
        if self.links.contains_key(&link) {
            self.heard(now, role, Fresh::No);
        }
        self.close_if_complete(now);
        Ok(())
    }

    /// Sends on what was acknowledged or asked for. `[SESSION-47]`
    pub(super) fn send_on(&mut self) {
        for seat in self.seats.values_mut() {
            seat.peer.go_on(&self.local, &mut self.outbox);
        }
    }

    /// Records of the assistant's journal.
    fn copy(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        role: Role,
        journal: &wire::Journal,
    ) -> Result<(), Fault> {
        let Some(seat) = self.seats.get_mut(&role) else { return Ok(()) };
        match seat.peer.copy(journal, &mut self.outbox) {
            Ok(entries) => {
                seat.read(&entries);
                self.local.settle(now, &mut self.outbox);
                seat.peer.acknowledge(&self.local, &mut self.outbox);
                // Nothing beats any more when a journal comes after the end. [POLICY-34]
                if self.course == Course::Over {
                    self.recount(now);
                }
            }
            Err(MirrorError::Gap { .. }) => seat.peer.ask(&mut self.outbox),
            Err(MirrorError::Fork(fork)) => self.forked(now, link, role, &fork),
            Err(MirrorError::ForgedSeal { .. }) => {
                let fact = seat.peer.forgery();
                self.tampered(now, link, role, [fact]);
            }
            // [JOURNAL-25]
            Err(MirrorError::Count { .. } | MirrorError::Damaged(_) | MirrorError::Full) => {
                let expected = "whole records that continue the journal";
                return Err(Fault::new(CloseCode::BadFrame, expected, Got::Named("others")));
            }
        }
        Ok(())
    }

    /// The device in seat `role` shows two histories. `[SESSION-17]`
    pub(super) fn forked(&mut self, now: Instant<Primary>, link: LinkId, role: Role, fork: &Fork) {
        self.tampered(now, link, role, fork.facts(role));
    }

    /// The device in seat `role` contradicts itself; `facts` keep how. `[JOURNAL-24]`
    fn tampered(
        &mut self,
        now: Instant<Primary>,
        link: LinkId,
        role: Role,
        facts: impl IntoIterator<Item = Fact>,
    ) {
        for fact in facts {
            self.local.write(now, &fact, &mut self.outbox);
        }
        self.local.settle(now, &mut self.outbox);
        let code = CloseCode::HistoryChanged;
        if self.course != Course::Over {
            self.outbox.event(Event::Alarm { role, code });
        }
        self.drop_link(now, link, code);
        self.shut_out(role, code);
    }

    /// Tells the host of a device, and what it lacks. `[SESSION-10]`
    pub(super) fn tell_device(&mut self, role: Role, device: Device) {
        if self.course == Course::Over {
            return;
        }
        let shortfalls = self.shortfalls(Some(device));
        self.outbox.event(Event::Device { role, device, shortfalls });
    }
}
