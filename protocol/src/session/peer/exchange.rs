//! The two journals of a link, shipped to each other.
//!
//! Each side sends what is durable, acknowledges what it holds durably, and asks
//! again for what is missing; nothing here looks into a record. A peer that contradicts
//! itself is heard on, and only its own seal on the other history is still looked for.

use super::Peer;
use crate::fault::{CloseCode, Fault};
use crate::journal::{self, Entry, Fact, Fork, Head, MirrorError};
use crate::session::timing::Station;
use crate::session::{Local, Outbox};
use crate::wire::{self, Control};

/// Whether a seal of a peer on its other history is still to be looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Evidence {
    /// It is there, or there is no other history.
    Complete,
    /// It may come with later records. `[JOURNAL-23]`
    Wanted,
}

impl Evidence {
    /// What `fork` leaves to be looked for.
    pub(crate) const fn of(fork: &Fork) -> Self {
        if fork.their_seal.is_some() { Self::Complete } else { Self::Wanted }
    }
}

impl<C: Station> Peer<C> {
    /// Takes records of the peer's journal; acknowledged once durable.
    /// `[SESSION-16]` `[WIRE-17]`
    ///
    /// # Errors
    /// [`MirrorError`]; what is damaged or forked ends the link, a gap is asked
    /// for again by the caller.
    pub(crate) fn copy<E>(
        &mut self,
        message: &wire::Journal,
        outbox: &mut Outbox<C, E>,
    ) -> Result<Vec<Entry>, MirrorError> {
        let expected = message.count();
        if journal::count(message.records()) != Some(expected.into()) {
            return Err(MirrorError::Count { expected });
        }
        let accepted = self.mirror.accept(message.from_sequence(), message.records())?;
        for piece in accepted.pieces() {
            // [JOURNAL-8]
            outbox.settled().append(self.name, piece.to_vec());
        }
        Ok(accepted.entries)
    }

    /// The record that keeps a seal which the peer's key did not make: there are no two
    /// heads to tell, only whose key should have. `[JOURNAL-24]`
    pub(crate) fn forgery(&self) -> Fact {
        let key = self.mirror.header().key.fingerprint();
        Fact::Alarm { code: CloseCode::HistoryChanged as u32, key }
    }

    /// The peer shows two histories, or a seal that is not its own: from now on nothing
    /// that it says of its journal is taken. Answers whether that is news.
    /// `[SESSION-36]`
    pub(crate) fn taint(&mut self, evidence: Evidence) -> bool {
        self.convicted |= evidence == Evidence::Complete;
        !core::mem::replace(&mut self.forked, true)
    }

    /// Looks through what is not copied for the peer's own seal on it, and asks for
    /// more until there is one; the record that keeps it. `[JOURNAL-23]`
    pub(crate) fn convict<E>(
        &mut self,
        message: &wire::Journal,
        outbox: &mut Outbox<C, E>,
    ) -> Option<Fact> {
        if self.convicted {
            return None;
        }
        let found = self.mirror.other_seal(message.records());
        self.convicted = found.is_some();
        if let (false, Some(link)) = (self.convicted, self.link) {
            let came = journal::count(message.records()).unwrap_or(1);
            let from_sequence = message.from_sequence().saturating_add(came);
            let ask = wire::JournalAsk { from_sequence };
            outbox.control(link, Control::JournalAsk(ask).encode());
        }
        found
    }

    /// Whether [`Peer::taint`] was called.
    pub(crate) const fn is_forked(&self) -> bool {
        self.forked
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
    /// nothing of it is believed. `[SESSION-48]`
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
    /// `[SESSION-47]`
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
