//! Two heads that exclude each other, and the signatures that hold them in place.
//!
//! That a journal was rewritten is an accusation, so it must not rest on the word
//! of the program that found it. Each of the two heads stands in a journal, and a
//! seal of that journal signs the record that it stands in: whoever has the keys
//! can check both, and neither device can take its own back. `[JOURNAL-22]`

use super::fact::Fact;
use super::record::Head;
use super::replay::Replayed;
use crate::identity::{Role, Signature};

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
    /// The record of the seal that signs that record, and its signature; `None`
    /// after the last seal.
    pub seal: Option<(u64, Signature)>,
}

impl Claim {
    /// What `journal` says in `record`: that `head` was one.
    pub(super) fn of(journal: &Replayed, record: u64, head: Head) -> Self {
        let entries = journal.entries();
        let from = entries.partition_point(|entry| entry.sequence <= record);
        let seal = entries.get(from..).unwrap_or_default().iter().find_map(|entry| {
            let Fact::Seal { signature, .. } = &entry.fact else { return None };
            Some((entry.sequence, *signature))
        });
        Self { head, by: journal.header().role, record, seal }
    }
}
