//! The codes of one offer: those that are honoured, and those that are only
//! recognised.
//!
//! A photographed code must be worth nothing a minute later, yet a person who
//! scanned an honest code too late deserves to hear "expired" and not "attack".
//! So a code that is taken back loses its secret and keeps the key that
//! recognises its proof: with that key alone nobody can be let in.

use std::collections::VecDeque;

use crate::limits;
use crate::pairing::keys::{AssistantProof, TicketKeys};
use crate::ticket::Ticket;
use crate::time::{Instant, Primary};

/// A code that is honoured.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) ticket: Ticket,
    pub(super) keys: TicketKeys,
    made: Instant<Primary>,
    failures: u8,
}

/// The codes of one offer, newest first.
#[derive(Debug, Default)]
pub(super) struct Slots {
    live: VecDeque<Slot>,
    retired: VecDeque<(u16, AssistantProof)>,
}

impl Slots {
    /// Shows a new code from now on. `[PAIRING-17]`
    pub(super) fn show(&mut self, now: Instant<Primary>, ticket: Ticket) {
        let keys = TicketKeys::new(&ticket);
        self.live.push_front(Slot { ticket, keys, made: now, failures: 0 });
        while self.live.len() > limits::SLOTS_LIVE {
            self.retire_last();
        }
    }

    /// Takes back what has been honoured for long enough. `[PAIRING-17]`
    pub(super) fn expire(&mut self, now: Instant<Primary>) {
        while self.live.back().is_some_and(|slot| now - slot.made >= limits::SLOT_LIFETIME) {
            self.retire_last();
        }
    }

    /// Takes every code back.
    pub(super) fn retire_all(&mut self) {
        while !self.live.is_empty() {
            self.retire_last();
        }
    }

    /// Takes back the code of this epoch and hands it over with its secret.
    pub(super) fn take(&mut self, epoch: u16) -> Option<Slot> {
        let index = self.live.iter().position(|slot| slot.ticket.epoch == epoch)?;
        let slot = self.live.remove(index)?;
        self.remember(&slot);
        Some(slot)
    }

    /// The code on the screen.
    pub(super) fn newest(&self) -> Option<&Slot> {
        self.live.front()
    }

    /// The honoured code of this epoch.
    pub(super) fn live(&self, epoch: u16) -> Option<&Slot> {
        self.live.iter().find(|slot| slot.ticket.epoch == epoch)
    }

    /// What recognises a code of this epoch that is not honoured any more.
    pub(super) fn retired(&self, epoch: u16) -> Option<&AssistantProof> {
        self.retired.iter().find(|(of, _)| *of == epoch).map(|(_, proof)| proof)
    }

    /// Counts a wrong proof against its code, and takes the code back after too
    /// many. `[PAIRING-19]`
    pub(super) fn fail(&mut self, epoch: u16) {
        let Some(slot) = self.live.iter_mut().find(|slot| slot.ticket.epoch == epoch) else {
            return;
        };
        slot.failures = slot.failures.saturating_add(1);
        if slot.failures >= limits::FAILURES_PER_SLOT {
            _ = self.take(epoch);
        }
    }

    fn retire_last(&mut self) {
        if let Some(slot) = self.live.pop_back() {
            self.remember(&slot);
        }
    }

    fn remember(&mut self, slot: &Slot) {
        self.retired.push_front((slot.ticket.epoch, slot.keys.assistant().clone()));
        self.retired.truncate(limits::SLOTS_RETIRED);
    }
}
