//! This device's own side: its journal, its storage and what it may still claim.
//!
//! A journal that says more than the disk holds is worse than none. `Local`
//! keeps two heads: the one it has written and the one that is durable. Only the
//! second one leaves the device, in heartbeats and to the peer's copy; and after
//! one failed write neither moves again. Rejected: trusting that a write which
//! returned has arrived.

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{PublicKey, Role, SessionId, Signer};
use crate::journal::{CHECK_BYTES, Fact, Head, Header, Heard, Replayed, WriteError, Writer};
use crate::limits;
use crate::machine::JournalName;
use crate::session::outbox::Outbox;
use crate::time::{Clock, Instant, Span};

/// A wake-up may come so much later than it was asked for, and the seal is in time.
const LATE_WAKE: Span = Span::from_millis(250);

/// Facts that could not be written, in [`Fact::UnloggedFailure`].
const UNWRITTEN: u32 = 1;

/// The own journal and what belongs to it.
pub(crate) struct Local<C: Clock> {
    name: JournalName,
    writer: Writer,
    signer: Box<dyn Signer>,
    /// The own journal's bytes, for peers that lack them; bounded by
    /// [`limits::JOURNAL_BYTES`].
    bytes: Vec<u8>,
    /// Where record `n` ends in `bytes`; entry 0 is the end of the header.
    ends: Vec<usize>,
    durable: Head,
    /// What was durable when the last input came: the effects up to then were
    /// carried out, those since then may yet fail.
    certain: Head,
    heard: Vec<(Role, Vec<Heard>)>,
    lost_writes: u32,
    finished: bool,
    clock: core::marker::PhantomData<C>,
}

impl<C: Clock> Local<C> {
    /// Begins a journal of its own.
    pub(crate) fn create<E>(
        session: SessionId,
        name: JournalName,
        signer: Box<dyn Signer>,
        outbox: &mut Outbox<C, E>,
    ) -> Self {
        let key = signer.public_key();
        let header = Header { session, role: name.role, device: name.device, key };
        let (writer, bytes) = Writer::create(header);
        outbox.append(name, bytes.clone());
        Self::with(name, writer, signer, bytes)
    }

    /// Goes on after a restart with what the disk holds: `bytes` up to
    /// [`Replayed::length`].
    pub(crate) fn resume(replayed: &Replayed, mut bytes: Vec<u8>, signer: Box<dyn Signer>) -> Self {
        let header = replayed.header();
        let name = JournalName { role: header.role, device: header.device };
        bytes.truncate(usize::try_from(replayed.length()).unwrap_or(usize::MAX));
        let mut local = Self::with(name, Writer::resume(replayed), signer, bytes);
        let offset = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        local.ends = replayed.entries().iter().map(|entry| offset(entry.offset)).collect();
        local.ends.push(offset(replayed.length()));
        local.finished = replayed.is_finished();
        local
    }

    fn with(name: JournalName, writer: Writer, signer: Box<dyn Signer>, bytes: Vec<u8>) -> Self {
        Self {
            name,
            durable: writer.head(),
            certain: writer.head(),
            ends: vec![bytes.len()],
            writer,
            signer,
            bytes,
            heard: Vec::new(),
            lost_writes: 0,
            finished: false,
            clock: core::marker::PhantomData,
        }
    }

    /// The session of this journal.
    pub(crate) const fn session(&self) -> SessionId {
        self.writer.header().session
    }

    /// The head that is on the disk.
    pub(crate) const fn durable(&self) -> Head {
        self.durable
    }

    /// The number of the last record that was written, durable or not.
    pub(crate) const fn written(&self) -> u64 {
        self.writer.head().sequence
    }

    /// Whether storage failed. `[SESSION-2]`
    pub(crate) fn is_poisoned(&self) -> bool {
        self.writer.is_poisoned()
    }

    /// The key that signs this journal, and that TLS shows to peers.
    pub(crate) const fn key(&self) -> PublicKey {
        self.writer.header().key
    }

    /// Writes the last record: after it only a seal may follow, and whatever else
    /// happens is not part of the session any more.
    pub(crate) fn finish<E>(&mut self, now: Instant<C>, reason: u8, outbox: &mut Outbox<C, E>) {
        self.settle(now, outbox);
        self.confess(now, outbox);
        self.write(now, &Fact::Finish { reason }, outbox);
        self.finished = true;
    }

    /// Writes a fact down. It is durable after the next [`Local::settle`].
    ///
    /// A fact that cannot be written is counted, and the count is written before the
    /// next seal, as soon as something can be written again: nothing is silent.
    pub(crate) fn write<E>(&mut self, now: Instant<C>, fact: &Fact, outbox: &mut Outbox<C, E>) {
        if self.finished {
            return;
        }
        let written = self.writer.append(now, fact);
        self.take(written, outbox);
    }

    fn take<E>(&mut self, written: Result<Vec<u8>, WriteError>, outbox: &mut Outbox<C, E>) {
        match written {
            Ok(bytes) => self.keep(bytes, outbox),
            Err(_) => self.lost_writes = self.lost_writes.saturating_add(1),
        }
    }

    fn keep<E>(&mut self, bytes: Vec<u8>, outbox: &mut Outbox<C, E>) {
        self.bytes.extend_from_slice(&bytes);
        self.ends.push(self.bytes.len());
        outbox.append(self.name, bytes);
    }

    /// Says how many facts could not be written, if that can be. Not more often than
    /// seals are due: what a peer makes fail must not fill the journal either.
    /// `[JOURNAL-27]`
    fn confess<E>(&mut self, now: Instant<C>, outbox: &mut Outbox<C, E>) {
        let count = self.lost_writes;
        if count == 0 || self.finished {
            return;
        }
        let fact = Fact::UnloggedFailure { code: UNWRITTEN, count };
        if let Ok(bytes) = self.writer.append(now, &fact) {
            self.lost_writes = 0;
            self.keep(bytes, outbox);
        }
    }

    /// Remembers a message's stamps; they are written together with the next
    /// [`Local::settle`], so that a burst costs one record.
    pub(crate) fn heard(&mut self, peer: Role, heard: Heard) {
        if self.finished {
            return;
        }
        match self.heard.iter_mut().find(|(role, _)| *role == peer) {
            Some((_, batch)) => batch.push(heard),
            None => self.heard.push((peer, vec![heard])),
        }
    }

    /// Makes everything written so far durable for what follows. `[SESSION-1]`
    pub(crate) fn settle<E>(&mut self, now: Instant<C>, outbox: &mut Outbox<C, E>) {
        for (peer, batch) in core::mem::take(&mut self.heard) {
            for heard in batch.chunks(limits::JOURNAL_HEARD) {
                self.write(now, &Fact::ClockHeard { peer, heard: heard.into() }, outbox);
            }
        }
        outbox.settled();
        if !self.is_poisoned() {
            self.durable = self.writer.head();
        }
    }

    /// Signs the chain if that is due, or `at_once`. `[SESSION-15]`
    pub(crate) fn seal<E>(&mut self, now: Instant<C>, due: SealDue, outbox: &mut Outbox<C, E>) {
        let wanted = match due {
            SealDue::Now => self.writer.seal_deadline::<C>().is_some(),
            SealDue::IfDue(ahead) => self.writer.seal_due(now + ahead + LATE_WAKE),
        };
        if !wanted || self.is_poisoned() {
            return;
        }
        self.confess(now, outbox);
        self.settle(now, outbox);
        let sealed = self.writer.seal(now, self.signer.as_mut());
        self.take(sealed, outbox);
        self.settle(now, outbox);
    }

    /// Storage failed: what was not yet durable is claimed no more. `[SESSION-2]`
    pub(crate) fn poison(&mut self) {
        self.writer.poison();
        self.durable = self.certain;
    }

    /// A peer holds this journal up to `head`.
    ///
    /// Once storage failed that tells more than the disk does: the peer was shown the
    /// head, so it was durable, also if it cannot be told from what came with the write
    /// that failed, and to name less when a link comes back would look like a past that
    /// was cut off.
    ///
    /// # Errors
    /// [`Fault`] if this journal has no such head. `[SESSION-48]`
    pub(crate) fn held_by_peer(&mut self, head: Head) -> Result<(), Fault> {
        let known = if self.is_poisoned() && head.sequence > self.durable.sequence {
            let found = self.later(head.sequence).filter(|own| *own == head);
            self.durable = found.unwrap_or(self.durable);
            found.is_some()
        } else {
            // The first bytes of the chain hash, as the record has them, tell any other
            // history from this one; nothing rests on the others.
            let check = head.hash.get(..CHECK_BYTES);
            check.is_some() && check == self.check(head.sequence)
        };
        let expected = "the head of this device's journal after that record";
        known.then_some(()).ok_or(Fault::new(CloseCode::BadFrame, expected, Got::Named("another")))
    }

    /// The own head after record `sequence`, which comes after what is durable.
    fn later(&self, sequence: u64) -> Option<Head> {
        (self.durable.sequence..sequence).try_fold(self.durable, |head, before| {
            let index = usize::try_from(before).ok()?;
            let (start, end) = (*self.ends.get(index)?, *self.ends.get(index.checked_add(1)?)?);
            head.after(self.bytes.get(start..end)?)
        })
    }

    /// What record `sequence` shows of the chain hash after it.
    fn check(&self, sequence: u64) -> Option<&[u8]> {
        let end = *self.ends.get(usize::try_from(sequence).ok()?)?;
        self.bytes.get(end.checked_sub(CHECK_BYTES)?..end)
    }

    /// An input came, so every effect before it was carried out.
    pub(crate) fn carried_out(&mut self) {
        if !self.is_poisoned() {
            self.certain = self.durable;
        }
    }

    /// Durable records after number `after`, whole, up to `room` bytes; with the
    /// number of the last one.
    /// At most [`limits::JOURNAL_TAIL_RECORDS`].
    pub(crate) fn records(&self, after: u64, room: usize) -> Option<(&[u8], u64)> {
        let index = usize::try_from(after).ok()?;
        let start = *self.ends.get(index)?;
        let durable = usize::try_from(self.durable.sequence).ok()?;
        let ends = self.ends.get(index.checked_add(1)?..=durable)?;
        let most = usize::from(limits::JOURNAL_TAIL_RECORDS);
        let fits = |end: &&usize| end.saturating_sub(start) <= room;
        let fitting = ends.iter().take(most).take_while(fits).count();
        let end = *ends.get(fitting.checked_sub(1)?)?;
        let last = after.saturating_add(u64::try_from(fitting).ok()?);
        Some((self.bytes.get(start..end)?, last))
    }
}

/// When a seal is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SealDue {
    /// Now, if anything is unsealed.
    Now,
    /// If the interval ends within this span.
    IfDue(Span),
}
