//! Bytes to facts.
//!
//! A phone that loses power leaves a file that ends anywhere, and a file whose
//! middle changed must never look like one that merely ends early. The seals
//! tell the two apart: the device makes everything durable before it appends a
//! seal, so whatever stands before a valid seal was once whole on the disk.
//! Damage before a seal is **damage**; damage after the last one is a **torn
//! tail**, an end like any other, that the peer's record of heads then measures.
//! A seal also carries the whole chain hash, so that reading can go on after it:
//! a damaged stretch costs itself and no more.
//!
//! Rejected: deciding by length ("only the last record can be torn"): disks
//! write sectors in any order.

use super::Own;
use super::fact::Fact;
use super::header::{Header, HeaderError};
use super::record::{self, Damage, Head, OVERHEAD, PREFIX_BYTES};
use super::rules::Rules;
use super::seal::{SignedHead, first_forged};
use crate::limits;
use crate::time::Instant;

/// Bytes of a record in a journal of an exam, on average.
const TYPICAL_RECORD: usize = 78;
/// Records of eight hours, which are provided for beforehand; of more, only as they come.
const PROVIDED: usize = 1 << 17;

/// One record of a journal that was read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its number, counted from 1.
    pub sequence: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// When it was written, by the writer's clock in the boot named by the last
    /// [`Fact::ProcessStarted`].
    pub at: Instant<Own>,
    /// The chain hash after it: what a peer that saw it wrote down.
    pub hash: [u8; 32],
    /// What happened.
    pub fact: Fact,
}

/// A stretch of a damaged file that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// Where the damage was found.
    pub offset: u64,
    /// What was found there.
    pub damage: Damage,
    /// The last record before it that is to be believed.
    pub after: u64,
    /// The record with which reading goes on; `None` if it does not.
    pub resumes: Option<u64>,
}

/// A journal that was read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    header: Header,
    entries: Vec<Entry>,
    /// The places of those that are no [routine](Fact::is_routine).
    events: Vec<usize>,
    heads: Vec<SignedHead>,
    holes: Vec<Hole>,
    head: Head,
    length: u64,
    torn: u64,
    rules: Rules,
}

/// Why a file cannot be read as a whole journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// It does not begin like one.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is longer than any.
    #[error("expected a journal of at most {} bytes, got {got}", limits::JOURNAL_BYTES)]
    TooLong {
        /// Its length.
        got: u64,
    },
    /// Something in the middle is not what was written.
    #[error("at byte {offset}: {damage}; use another copy, or salvage what is left")]
    Damaged {
        /// Where.
        offset: u64,
        /// What.
        damage: Damage,
    },
}

impl Replayed {
    /// Reads the header of a file of about `expected` bytes.
    pub(super) fn begin(file: &[u8], expected: usize) -> Result<Self, JournalError> {
        let (header, hash) = Header::decode(file)?;
        Ok(Self {
            header,
            // Growing by doubling would copy as much again.
            entries: Vec::with_capacity((expected / TYPICAL_RECORD).min(PROVIDED)),
            events: Vec::new(),
            heads: Vec::new(),
            holes: Vec::new(),
            head: Head { sequence: 0, hash },
            length: Header::BYTES as u64,
            torn: 0,
            rules: Rules::default(),
        })
    }

    /// Reads one record; yields its length.
    pub(super) fn take(&mut self, rest: &[u8]) -> Result<usize, Damage> {
        let parsed = record::parse(&self.head, rest)?;
        let fact = parsed.fact()?;
        if let Fact::Seal { head, signature } = &fact {
            // [JOURNAL-12]
            if *head != self.head.hash {
                return Err(Damage::SealedHead { sequence: parsed.sequence });
            }
            self.heads.push(SignedHead { head: self.head, signature: **signature });
        }
        self.rules
            .admit(parsed.at, &fact)
            .map_err(|breach| Damage::Breach { sequence: parsed.sequence, breach })?;
        if !fact.is_routine() {
            self.events.push(self.entries.len());
        }
        let (sequence, at, hash) = (parsed.sequence, parsed.at, parsed.hash);
        self.entries.push(Entry { sequence, offset: self.length, at, hash, fact });
        self.head = Head { sequence, hash };
        self.length = self.length.saturating_add(parsed.len as u64);
        Ok(parsed.len)
    }

    /// Goes on at the next valid seal, if there is one. `[JOURNAL-5]`
    pub(super) fn step_over<'a>(&mut self, rest: &'a [u8], damage: Damage) -> Option<&'a [u8]> {
        let offset = self.length;
        // A record whose chain is whole and that is wrong all the same is no place
        // to go on from, even if it is a seal.
        let start = usize::from(!damage.may_be_torn() && !damage.is_sealed_head());
        let searched = rest.get(start..).unwrap_or_default();
        let found = next_seal(&self.header, self.head.sequence, searched)
            .map(|(skipped, head)| (skipped.saturating_add(start), head));
        if found.is_none() && damage.may_be_torn() {
            self.torn = rest.len() as u64;
            return None;
        }
        // A whole chain proves nothing where it was not signed: who changed the
        // bytes here may have rewritten the records before them as well.
        while self.entries.last().is_some_and(|last| !matches!(last.fact, Fact::Seal { .. })) {
            self.entries.pop();
        }
        let left = self.entries.len();
        self.events.truncate(self.events.partition_point(|place| *place < left));
        let after = self.entries.last().map_or(0, |entry| entry.sequence);
        let resumes = found.map(|(_, head)| head.sequence.saturating_add(1));
        self.holes.push(Hole { offset, damage, after, resumes });
        let (skipped, head) = found?;
        self.rules.forget();
        self.head = head;
        self.length = self.length.saturating_add(skipped as u64);
        rest.get(skipped..)
    }

    /// Whose journal it is.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The records, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The records that are no [routine](Fact::is_routine), in order: few among many,
    /// so that whoever looks for one of them need not pass all others.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.events.iter().filter_map(|place| self.entries.get(*place))
    }

    /// How far it goes.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The bytes that are whole. Cut the file to this length before appending.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The bytes after the last whole record: a write that never finished.
    #[must_use]
    pub const fn torn(&self) -> u64 {
        self.torn
    }

    /// What could not be read; empty after [`replay`](super::replay()).
    #[must_use]
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// Every head that a seal signs, in order. Their signatures may be forged.
    #[must_use]
    pub fn signed_heads(&self) -> &[SignedHead] {
        &self.heads
    }

    /// The first seal whose signature is not the header's key's. Costs about a
    /// tenth of a millisecond per seal.
    #[must_use]
    pub fn forged_seal(&self) -> Option<&SignedHead> {
        self.heads.get(first_forged(&self.header.key, &self.heads)?)
    }

    /// The last signed head before every hole and the last of all: together they
    /// sign every record that was read and is followed by a seal. `[JOURNAL-21]`
    pub(super) fn closing_heads(&self) -> impl Iterator<Item = &SignedHead> {
        let before = self.holes.iter().filter_map(|hole| hole.after.checked_sub(1));
        let last = self.heads.last().map(|signed| signed.head.sequence);
        let mut wanted: Vec<u64> = before.chain(last).collect();
        wanted.dedup();
        wanted.into_iter().filter_map(|sequence| {
            let found = self.heads.binary_search_by_key(&sequence, |signed| signed.head.sequence);
            self.heads.get(found.ok()?)
        })
    }

    /// Whether the signatures hold that cover what was read, which is enough to
    /// judge by. `false` without a seal. `[JOURNAL-21]`
    #[must_use]
    pub fn closing_seals_hold(&self) -> bool {
        !self.heads.is_empty() && self.closing_heads().all(|signed| signed.holds(&self.header.key))
    }

    /// Whether the device wrote its [`Fact::Finish`].
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.rules.is_finished()
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }
}

/// Where the first valid seal after record `after` begins in `bytes`, and the
/// head that it signs.
///
/// Only a candidate whose own check fits costs a signature; at most
/// [`limits::JOURNAL_RESYNC_TRIES`] of them, so that no file can be made to
/// waste a reader's hours.
pub(super) fn next_seal(header: &Header, after: u64, bytes: &[u8]) -> Option<(usize, Head)> {
    const BODY: usize = 96;
    const SEAL: usize = OVERHEAD + BODY;
    let last = bytes.len().checked_sub(SEAL)?;
    let mut tries = limits::JOURNAL_RESYNC_TRIES;
    for at in 0..=last {
        // Length 96, kind 63, zero: the first four bytes of every seal.
        if bytes.get(at..at + 4) != Some(&[96, 0, 63, 0]) {
            continue;
        }
        let seal = bytes.get(at..at + SEAL)?;
        let sequence = u64::from_le_bytes(*seal.get(4..)?.first_chunk()?);
        let hash = *seal.get(PREFIX_BYTES..)?.first_chunk::<32>()?;
        let Some(before) = sequence.checked_sub(1).filter(|before| *before >= after) else {
            continue;
        };
        let head = Head { sequence: before, hash };
        let Ok(parsed) = record::parse(&head, seal) else { continue };
        let Ok(Fact::Seal { signature, .. }) = parsed.fact() else { continue };
        let signed = SignedHead { head, signature: *signature };
        if signed.holds(&header.key) {
            return Some((at, head));
        }
        tries = tries.checked_sub(1)?;
    }
    None
}
