//! The two journals of a link, shipped to each other.
//!
//! Each side sends what is durable, acknowledges what it holds durably, and asks
//! again for what is missing; nothing here looks into a record.

use super::Peer;
use crate::fault::Fault;
use crate::journal::{Entry, Head, MirrorError};
use crate::session::timing::Station;
use crate::session::{Local, Outbox};
use crate::wire::{self, Control};

impl<C: Station> Peer<C> {
    /// Takes records of the peer's journal; acknowledged once durable.
    /// `[SESSION-16]`
    ///
    /// # Errors
    /// [`MirrorError`]; what is damaged or forked ends the link, a gap is asked
    /// for again by the caller.
    pub(crate) fn copy<E>(
        &mut self,
        journal: &wire::Journal,
        outbox: &mut Outbox<C, E>,
    ) -> Result<Vec<Entry>, MirrorError> {
        let accepted = self.mirror.accept(journal.from_sequence(), journal.records())?;
        for piece in accepted.pieces() {
            // [JOURNAL-8]
            outbox.settled().append(self.name, piece.to_vec());
        }
        Ok(accepted.entries)
    }

    /// Acknowledges what was copied and is durable by now.
    pub(crate) fn acknowledge<E>(&self, local: &Local<C>, outbox: &mut Outbox<C, E>) {
        let Some(link) = self.link.filter(|_| !local.is_poisoned()) else { return };
        let Head { sequence, hash } = self.mirror.head();
        let have = wire::JournalHave { sequence, head: hash };
        outbox.settled().control(link, Control::JournalHave(have).encode());
    }

    /// Asks for the records that the copy lacks.
    pub(crate) fn ask<E>(&self, outbox: &mut Outbox<C, E>) {
        let Some(link) = self.link else { return };
        let ask = wire::JournalAsk { from_sequence: self.mirror.wanted() };
        outbox.control(link, Control::JournalAsk(ask).encode());
    }

    /// The peer holds the own journal up to here.
    ///
    /// # Errors
    /// [`Fault`] if it was not sent that, or this journal has another head there: then
    /// nothing of it is believed. `[SESSION-44]`
    pub(crate) fn acknowledged(
        &mut self,
        have: &wire::JournalHave,
        local: &mut Local<C>,
    ) -> Result<(), Fault> {
        self.courier.acknowledged(have.sequence)?;
        local.held_by_peer(Head { sequence: have.sequence, hash: have.head })
    }

    /// The peer wants the own journal from there.
    pub(crate) fn asked(&mut self, ask: &wire::JournalAsk) {
        self.courier.asked(ask.from_sequence);
    }

    /// Goes on sending if the peer has answered, once for all answers of one input.
    /// `[SESSION-43]`
    pub(crate) fn go_on<E>(&mut self, local: &Local<C>, outbox: &mut Outbox<C, E>) {
        if self.courier.take_answer() {
            self.ship(local, outbox);
        }
    }

    /// Sends durable records of the own journal, as many as may be under way.
    pub(crate) fn ship<E>(&mut self, local: &Local<C>, outbox: &mut Outbox<C, E>) {
        let Some(link) = self.link else { return };
        while let Some(parcel) = self.courier.next(local) {
            let records = parcel.records.to_vec();
            // Within its bounds by construction: see the relations in limits.rs.
            if let Ok(journal) = wire::Journal::new(parcel.from, parcel.count, records) {
                outbox.control(link, Control::Journal(journal).encode());
            }
        }
    }
}
