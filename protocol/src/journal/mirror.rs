//! The primary's copy of an assistant's journal, checked as it comes.
//!
//! A phone that is stolen or breaks takes its journal with it, so the primary
//! keeps the same bytes. Because it also hears a head in every heartbeat, it can
//! tell at once when a device shows it two histories; a seal on each of them is
//! proof for anybody. Rejected: trusting the peer's latest version of the past.

use std::collections::{BTreeMap, VecDeque};

use super::fact::Fact;
use super::header::Header;
use super::record::{self, CHECK_BYTES, Damage, Head};
use super::replay::{Entry, Replayed, next_seal};
use super::rules::Rules;
use super::seal::SignedHead;
use crate::identity::{KnownKey, Role};
use crate::limits;

/// A copy of a peer's journal, and the heads that the peer has claimed.
#[derive(Debug)]
pub struct Mirror {
    header: Header,
    /// The header's key, once a record had to be checked.
    key: Option<KnownKey>,
    copied: Copied,
    /// Hashes after the latest records that were copied, oldest first.
    recent: VecDeque<Head>,
    /// Heads the peer has claimed for records that are not here yet.
    claimed: BTreeMap<u64, [u8; 32]>,
}

/// What advances only when a whole chunk was good.
#[derive(Clone, Debug)]
struct Copied {
    head: Head,
    length: u64,
    rules: Rules,
    sealed: Option<SignedHead>,
}

/// Records of a peer that continue the copy of its journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Accepted {
    /// What to append to the copy; empty if all of it was there already.
    pub bytes: Vec<u8>,
    /// What these records say.
    pub entries: Vec<Entry>,
}

impl Accepted {
    /// The bytes, cut before every seal: what a seal signs has to be durable before
    /// the seal is written, here as in the original. `[JOURNAL-8]`
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let origin = self.entries.first().map_or(0, |entry| entry.offset);
        let place = |entry: &Entry| usize::try_from(entry.offset - origin).unwrap_or(usize::MAX);
        let seals = self.entries.iter().filter(|entry| matches!(entry.fact, Fact::Seal { .. }));
        let mut cuts: Vec<usize> = core::iter::once(0).chain(seals.map(place)).collect();
        cuts.dedup();
        let ends: Vec<usize> = cuts.iter().skip(1).copied().chain([self.bytes.len()]).collect();
        cuts.into_iter().zip(ends).filter_map(|(from, to)| self.bytes.get(from..to))
    }
}

/// Two histories of one device that exclude each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the peer shows two histories: here {ours:?}, there {theirs:?}; the session is tainted")]
pub struct Fork {
    /// The head that this device holds.
    pub ours: Head,
    /// The head that the peer shows now.
    pub theirs: Head,
    /// A signed head on the history held here, if one was copied.
    pub our_seal: Option<SignedHead>,
    /// A signed head on the other history, if the peer sent one.
    pub their_seal: Option<SignedHead>,
}

impl Fork {
    /// The records that keep it: what was seen, and the peer's own seals over either
    /// history. `[JOURNAL-23]`
    pub(crate) fn facts(&self, peer: Role) -> impl Iterator<Item = Fact> {
        let sequence = self.theirs.sequence;
        let (ours, theirs) = (self.ours.hash, Box::new(self.theirs.hash));
        let seen = Fact::ForkSeen { peer, sequence, ours, theirs };
        let seals = [(0, self.our_seal), (1, self.their_seal)];
        let kept =
            seals.into_iter().filter_map(move |(history, seal)| Some(seal?.kept(peer, history)));
        core::iter::once(seen).chain(kept)
    }
}

/// Why a chunk of a peer's journal was not taken. Nothing of it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MirrorError {
    /// Records in between are missing; ask for them.
    #[error("expected records from {expected} on, got records from {got}; ask again")]
    Gap {
        /// The first record that is not here.
        expected: u64,
        /// The first record in the chunk.
        got: u64,
    },
    /// Another number of records than the message says. `[WIRE-17]`
    #[error("expected {expected} whole records in one message, got another number")]
    Count {
        /// How many the message announces.
        expected: u16,
    },
    /// A record is not well formed, has another number or may not stand there.
    #[error("the peer sent a damaged journal: {0}")]
    Damaged(#[from] Damage),
    /// A seal over the right history that the peer's key did not make.
    #[error("the peer sent a seal in record {sequence} that its key did not make: it is forged")]
    ForgedSeal {
        /// The seal's record.
        sequence: u64,
    },
    /// The peer's history is not the one it showed before.
    #[error(transparent)]
    Fork(Box<Fork>),
    /// The copy has grown to its limit.
    #[error("expected a journal of at most {} bytes, the peer's is longer", limits::JOURNAL_BYTES)]
    Full,
}

impl Mirror {
    /// Begins a copy; the bytes are the start of its file. The header is known
    /// from pairing, so the peer does not send it. `[JOURNAL-17]`
    #[must_use]
    pub fn create(header: Header) -> (Self, Vec<u8>) {
        let bytes = header.encode();
        let hash = Header::decode(&bytes).map_or([0; 32], |(_, hash)| hash);
        let head = Head { sequence: 0, hash };
        let length = bytes.len() as u64;
        let copied = Copied { head, length, rules: Rules::default(), sealed: None };
        let recent = VecDeque::from([head]);
        (Self { header, key: None, copied, recent, claimed: BTreeMap::new() }, bytes)
    }

    /// Goes on after what was replayed of the copy. The file must have been cut
    /// to [`Replayed::length`] first.
    #[must_use]
    pub fn resume(replayed: &Replayed) -> Self {
        let copied = Copied {
            head: replayed.head(),
            length: replayed.length(),
            rules: replayed.rules().clone(),
            sealed: replayed.signed_heads().last().copied(),
        };
        let recent = VecDeque::from([copied.head]);
        let header = *replayed.header();
        Self { header, key: None, copied, recent, claimed: BTreeMap::new() }
    }

    /// Whose journal it is a copy of.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How far the copy goes.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.copied.head
    }

    /// The first record to ask the peer for.
    #[must_use]
    pub const fn wanted(&self) -> u64 {
        self.copied.head.sequence.saturating_add(1)
    }

    /// Whether the peer has claimed records that are not here yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.claimed.keys().next_back().is_some_and(|last| *last > self.copied.head.sequence)
    }

    /// Takes whole records, of which the first has the number `from`; yields the
    /// bytes to append to the copy, empty if all were here already.
    /// `[JOURNAL-18]` `[JOURNAL-24]`
    ///
    /// # Errors
    /// [`MirrorError`]; the copy is as before then.
    pub fn accept(&mut self, from: u64, records: &[u8]) -> Result<Accepted, MirrorError> {
        let key = self.key.take().unwrap_or_else(|| KnownKey::of(&self.header.key));
        let accepted = self.accept_by(&key, from, records);
        self.key = Some(key);
        accepted
    }

    fn accept_by(
        &mut self,
        key: &KnownKey,
        from: u64,
        records: &[u8],
    ) -> Result<Accepted, MirrorError> {
        let expected = self.wanted();
        if from == 0 || from > expected {
            return Err(MirrorError::Gap { expected, got: from });
        }
        let fresh = self.skip_known(from, records)?;
        let mut next = self.copied.clone();
        let mut passed = Vec::new();
        let mut entries = Vec::new();
        let mut rest = fresh;
        while !rest.is_empty() {
            let (used, entry) = match next.take(key, rest) {
                Err(MirrorError::Damaged(Damage::Chain { .. })) => {
                    return Err(self.breaks_off(&next.head, rest));
                }
                Err(MirrorError::Damaged(Damage::SealedHead { .. })) => {
                    return Err(self.seals_another(&next.head, rest));
                }
                taken => taken?,
            };
            entries.push(entry);
            if let Some(claim) = self.claimed.get(&next.head.sequence)
                && *claim != next.head.hash
            {
                let claimed = Head { sequence: next.head.sequence, hash: *claim };
                return Err(self.fork(claimed, next.head, rest));
            }
            passed.push(next.head);
            rest = rest.get(used..).unwrap_or_default();
        }
        self.copied = next;
        self.claimed = self.claimed.split_off(&self.wanted());
        for head in passed {
            self.recent.push_back(head);
            if self.recent.len() > limits::JOURNAL_RECENT_HEADS {
                self.recent.pop_front();
            }
        }
        Ok(Accepted { bytes: fresh.to_vec(), entries })
    }

    /// Notes the head in a heartbeat. `[JOURNAL-18]`
    ///
    /// # Errors
    /// [`Fork`] if the copy holds, or the peer has claimed, another one for the
    /// same record.
    pub fn claim(&mut self, head: Head) -> Result<(), Box<Fork>> {
        let known = self
            .recent
            .iter()
            .find(|known| known.sequence == head.sequence)
            .map(|known| known.hash)
            .or_else(|| self.claimed.get(&head.sequence).copied());
        match known {
            Some(hash) if hash != head.hash => {
                let ours = Head { sequence: head.sequence, hash };
                Err(self.claim_against(ours, head))
            }
            Some(_) => Ok(()),
            None if head.sequence <= self.copied.head.sequence => Ok(()),
            None => {
                // Claims wait for their records; the oldest make room.
                if self.claimed.len() >= limits::JOURNAL_RECENT_HEADS {
                    self.claimed.pop_first();
                }
                self.claimed.insert(head.sequence, head.hash);
                Ok(())
            }
        }
    }

    /// Checks the head that a peer names when it comes back: everything it ever
    /// showed was durable, so a lower one means that its past was cut off.
    /// `[JOURNAL-19]`
    ///
    /// # Errors
    /// [`Fork`] if the peer is behind its own past or beside it.
    pub fn returned(&mut self, head: Head) -> Result<(), Box<Fork>> {
        if head.sequence < self.copied.head.sequence {
            return Err(self.claim_against(self.copied.head, head));
        }
        self.claim(head)
    }

    /// Steps over records that are here already; the last of them must be ours.
    fn skip_known<'a>(&self, from: u64, records: &'a [u8]) -> Result<&'a [u8], MirrorError> {
        let mut rest = records;
        for sequence in from..self.wanted() {
            if rest.is_empty() {
                break;
            }
            let len = record::length(rest).ok_or(Damage::Cut { sequence })?;
            let (known, after) = rest.split_at_checked(len).ok_or(Damage::Cut { sequence })?;
            let shown = known.get(len.saturating_sub(CHECK_BYTES)..).unwrap_or_default();
            let ours = self.copied.head;
            if sequence == ours.sequence && ours.hash.get(..CHECK_BYTES) != Some(shown) {
                return Err(self.fork(ours, shown_head(sequence, shown), after));
            }
            rest = after;
        }
        Ok(rest)
    }

    /// The peer goes on from another past than the one it gave before, up to `head`:
    /// nobody else could have changed what came on its connection.
    fn breaks_off(&self, head: &Head, rest: &[u8]) -> MirrorError {
        let sequence = head.sequence.saturating_add(1);
        let length = record::length(rest).unwrap_or(0).min(rest.len());
        let (covered, check) =
            rest.get(..length).unwrap_or_default().split_at(length.saturating_sub(CHECK_BYTES));
        let hash = record::next_hash(&head.hash, covered);
        self.fork(Head { sequence, hash }, shown_head(sequence, check), rest)
    }

    /// The peer's next record seals another history than the one it gave up to `head`.
    fn seals_another(&self, head: &Head, rest: &[u8]) -> MirrorError {
        let fact = record::parse(head, rest).and_then(|parsed| parsed.fact());
        let Ok(Fact::Seal { head: hash, signature }) = fact else {
            return Damage::SealedHead { sequence: head.sequence }.into();
        };
        let other = Head { sequence: head.sequence, hash };
        let signed = SignedHead { head: other, signature: *signature };
        let genuine = signed.holds(&self.header.key).then_some(signed);
        let their_seal = genuine.or_else(|| self.seal_in(rest));
        let (ours, our_seal) = (*head, self.copied.sealed);
        MirrorError::Fork(Box::new(Fork { ours, theirs: other, our_seal, their_seal }))
    }

    fn claim_against(&self, ours: Head, theirs: Head) -> Box<Fork> {
        Box::new(Fork { ours, theirs, our_seal: self.copied.sealed, their_seal: None })
    }

    /// The first genuine seal of the peer in records that need not continue the copy.
    fn seal_in(&self, records: &[u8]) -> Option<SignedHead> {
        let (at, head) = next_seal(&self.header, 0, records)?;
        let parsed = record::parse(&head, records.get(at..)?).ok()?;
        let Ok(Fact::Seal { signature, .. }) = parsed.fact() else { return None };
        Some(SignedHead { head, signature: *signature })
    }

    /// The record that keeps the first seal on the other history, if it comes after
    /// the fork was seen. `[JOURNAL-23]`
    pub(crate) fn other_seal(&self, records: &[u8]) -> Option<Fact> {
        Some(self.seal_in(records)?.kept(self.header.role, 1))
    }

    /// The evidence, with the peer's own signature on its other history if the
    /// chunk holds one.
    fn fork(&self, ours: Head, theirs: Head, rest: &[u8]) -> MirrorError {
        let their_seal = self.seal_in(rest);
        MirrorError::Fork(Box::new(Fork { ours, theirs, our_seal: self.copied.sealed, their_seal }))
    }
}

/// What a record shows of the chain hash after it: its first bytes, then zeros.
fn shown_head(sequence: u64, check: &[u8]) -> Head {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(check) {
        *to = *from;
    }
    Head { sequence, hash }
}

impl Copied {
    /// Takes one record; yields its length and what it says.
    fn take(&mut self, key: &KnownKey, rest: &[u8]) -> Result<(usize, Entry), MirrorError> {
        let parsed = record::parse(&self.head, rest)?;
        let fact = parsed.fact()?;
        let sequence = parsed.sequence;
        if let Fact::Seal { head, signature } = &fact {
            // [JOURNAL-12]
            if *head != self.head.hash {
                return Err(Damage::SealedHead { sequence }.into());
            }
            let signed = SignedHead { head: self.head, signature: **signature };
            if !signed.holds_by(key) {
                return Err(MirrorError::ForgedSeal { sequence });
            }
            self.sealed = Some(signed);
        }
        self.rules.admit(parsed.at, &fact).map_err(|breach| Damage::Breach { sequence, breach })?;
        let (offset, hash) = (self.length, parsed.hash);
        let entry = Entry { sequence, offset, at: parsed.at, fact, hash };
        self.length = self.length.saturating_add(parsed.len as u64);
        // [JOURNAL-14]
        if self.length > limits::JOURNAL_BYTES {
            return Err(MirrorError::Full);
        }
        self.head = Head { sequence, hash: parsed.hash };
        Ok((parsed.len, entry))
    }
}
