//! What happened, as each device saw it, in a form that cannot be rewritten.
//!
//! A verdict is only worth the evidence below it, and the evidence lies on two
//! phones that belong to the person it may speak against. So each device keeps
//! one append-only file of **facts**; every record is chained to all before it,
//! the chain is signed every few seconds, and its head travels in every
//! heartbeat, where the other device writes down what it saw. To change the
//! past, one must forge a signature; to cut it off, one must also change the
//! other device's journal.
//!
//! ```text
//! header ─► record 1 ─► record 2 ─► … ─► seal ─► record n+1 ─► …
//!   104 B    20 B + body + 8 B             signs the head before it
//! ```
//!
//! - [`Fact`]: everything that can be written, one layout per kind.
//! - [`Writer`]: facts to bytes, and the head to put into heartbeats.
//! - [`replay()`]: bytes to facts, strictly; [`salvage`]: what is left of a damaged
//!   file.
//! - [`Mirror`]: the primary's copy of an assistant's journal, checked as it comes.
//! - [`verify()`]: all journals and recordings together; names the first offence.
//!
//! The file is specified byte by byte in `spec/journal.md` and encoded by hand:
//! hashes and signatures cover these bytes for years, so no serialisation crate
//! stands between them and the specification. Rejected: conclusions in the
//! journal (a changed policy must never rewrite history), one checksum per file
//! (a torn tail would cost the whole exam), a full 32-byte hash in every record
//! (the head is recomputed anyway; 8 bytes find every accident and the signed
//! head finds every forgery).

use crate::time::Clock;

mod body;
mod code;
mod fact;
mod header;
mod heard;
mod mirror;
mod offence;
mod proof;
mod reader;
mod record;
mod replay;
mod rules;
mod seal;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::join::InTurn;
pub use body::{Blob, BlobTooLong, BodyError};
pub use fact::Fact;
pub use header::{Header, HeaderError};
pub use heard::{Heard, HeardBatch};
pub use mirror::{Accepted, Fork, Mirror, MirrorError};
pub use offence::{Finding, Integrity, Offence};
pub use proof::{Claim, Proof};
pub use reader::{Reader, replay, salvage};
pub(crate) use record::{CHECK_BYTES, count};
pub use record::{Damage, Head};
pub use replay::{Entry, Hole, JournalError, Replayed};
pub use rules::Breach;
pub use seal::SignedHead;
pub use verify::{Media, Signatures, Verification, cross_check, verify, verify_read};
pub use writer::{WriteError, Writer};

/// The clock of the device that wrote a journal: the primary's in its journal,
/// the assistant's in the assistant's. Whoever reads a journal knows whose it is
/// and [relabels](crate::time::Instant::relabelled) once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Own {}

/// The clock of the device that a fact was heard from, in the boot that the last
/// [`Fact::PeerBoot`] of that device named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Theirs {}

impl Clock for Own {
    const NAME: &'static str = "own";
}

impl Clock for Theirs {
    const NAME: &'static str = "theirs";
}
