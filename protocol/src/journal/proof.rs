//! Two heads that exclude each other, and the signatures that hold them in place.
//!
//! That a journal was rewritten is an accusation, so it must not rest on the word
//! of the program that found it. Each of the two heads stands in a journal, and a
//! seal of that journal signs the record that it stands in: whoever has the keys
//! can check both, and neither device can take its own back. `[JOURNAL-22]`

use super::fact::Fact;
use super::record::Head;
use super::replay::{Entry, Replayed};
use super::seal::SignedHead;
use crate::identity::{PublicKey, Role};

/// Two claims about one journal that cannot both be true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// What the journal says of itself, or was first seen to say.
    pub here: Claim,
    /// What the witness saw of it.
    pub seen: Claim,
}

/// A head that somebody wrote down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The head.
    pub head: Head,
    /// Whose journal says so.
    pub by: Role,
    /// In which record of it.
    pub record: u64,
    /// The key of that journal.
    pub key: PublicKey,
    /// The record of the seal that signs that record, and what it signs; `None` after
    /// the last seal.
    pub seal: Option<(u64, SignedHead)>,
    /// The key of the device that shows two histories, and a seal of its own over
    /// this one, if the witness kept one that is genuine. `[JOURNAL-23]`
    pub own: Option<(PublicKey, SignedHead)>,
}

impl Claim {
    /// What `journal` says in `record`: that `head` was one.
    pub(super) fn of(journal: &Replayed, record: u64, head: Head) -> Self {
        let entries = journal.entries();
        let from = entries.partition_point(|entry| entry.sequence <= record);
        let seal = entries.get(from..).unwrap_or_default().iter().find_map(|entry| {
            let Fact::Seal { head, signature } = &entry.fact else { return None };
            let head = Head { sequence: entry.sequence.saturating_sub(1), hash: *head };
            Some((entry.sequence, SignedHead { head, signature: **signature }))
        });
        let header = journal.header();
        Self { head, by: header.role, record, key: header.key, seal, own: None }
    }

    /// The same with the seal over `history` that `witness` wrote down behind
    /// [`Fact::ForkSeen`], if `key`, the forked device's, made it. `[JOURNAL-23]`
    pub(super) fn with_seal_of(
        self,
        key: &PublicKey,
        forked: Role,
        witness: &Replayed,
        history: u8,
    ) -> Self {
        let entries = witness.entries();
        let from = entries.partition_point(|entry| entry.sequence <= self.record);
        let behind = entries.get(from..).unwrap_or_default().iter();
        let until =
            |entry: &&Entry| !matches!(&entry.fact, Fact::ForkSeen { peer, .. } if *peer == forked);
        let own = behind.take_while(until).find_map(|entry| {
            let Fact::PeerSeal { peer, history: of, sequence, head, signature } = &entry.fact
            else {
                return None;
            };
            let head = Head { sequence: *sequence, hash: *head };
            let signed = SignedHead { head, signature: **signature };
            ((*peer, *of) == (forked, history) && signed.holds(key)).then_some((*key, signed))
        });
        Self { own, ..self }
    }
}
