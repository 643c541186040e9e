//! What can be wrong with the evidence, and what each of it means.

use core::fmt;

use super::header::HeaderError;
use super::proof::Proof;
use super::record::Damage;
use super::replay::JournalError;
use crate::identity::{Role, SessionId};

/// What all findings together mean; the worst counts. `[JOURNAL-20]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Integrity {
    /// Everything is there and agrees.
    Intact,
    /// Something is missing; nothing contradicts.
    Incomplete,
    /// Something was changed.
    Tampered,
}

/// One thing that [`verify`](super::verify()) found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {offence}", Place(self.journal, self.role))]
pub struct Finding {
    /// Which of the journals given, counted from 0.
    pub journal: usize,
    /// Whose journal it is, if its header could be read.
    pub role: Option<Role>,
    /// The byte of the journal at which it was found.
    pub offset: u64,
    /// What it is.
    pub offence: Offence,
    /// Two heads that exclude each other, where that is what was found.
    pub proof: Option<Proof>,
}

struct Place(usize, Option<Role>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(role) => write!(f, "journal of {role}"),
            None => write!(f, "journal number {}", self.0.saturating_add(1)),
        }
    }
}

/// What can be wrong with the evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Offence {
    /// The file is no journal at all.
    #[error("{0}")]
    Unreadable(JournalError),
    /// Bytes before a seal are not those that were sealed.
    #[error("{0}")]
    Damaged(Damage),
    /// A seal that the header's key did not make.
    #[error("the seal after record {sequence} was not made with this journal's key: it is forged")]
    ForgedSeal {
        /// The last record that it claims to cover.
        sequence: u64,
    },
    /// Another session than the primary's.
    #[error("it belongs to session {got}, not to session {expected}: it was put here")]
    OtherSession {
        /// The primary's session.
        expected: SessionId,
        /// The session in this header.
        got: SessionId,
    },
    /// A second journal of one device.
    #[error("another journal of the same device was given before it")]
    Twice,
    /// The peer paired with another key.
    #[error("{witness} paired with another key in this seat: the journal is another device's")]
    WrongKey {
        /// Who wrote down the key.
        witness: Role,
    },
    /// The peer saw another history.
    #[error("{witness} saw another head after record {sequence}: the journal was rewritten")]
    OtherHead {
        /// Who wrote down the head.
        witness: Role,
        /// The record that the head belongs to.
        sequence: u64,
    },
    /// The device ended its journal, and the peer saw more of it.
    #[error("it ends with record {ends}, but {witness} saw record {seen}: its tail was replaced")]
    ShorterThanSeen {
        /// Who saw more.
        witness: Role,
        /// The last record here.
        ends: u64,
        /// The last record that was seen.
        seen: u64,
    },
    /// The peer, while the session ran, was shown two histories.
    #[error("{witness} was shown two histories of it, up to record {sequence}")]
    ForkSeen {
        /// Who saw them.
        witness: Role,
        /// Up to which record.
        sequence: u64,
    },
    /// A piece of a recording is not what was committed.
    #[error("record {sequence}: {bytes} bytes at byte {at} of the recording were changed")]
    MediaChanged {
        /// The record of the piece.
        sequence: u64,
        /// Where in the recording it begins.
        at: u64,
        /// How long it is.
        bytes: u32,
    },
    /// A piece of a recording is not there.
    #[error("record {sequence}: {bytes} bytes at byte {at} of the recording are missing")]
    MediaMissing {
        /// The record of the piece.
        sequence: u64,
        /// Where in the recording it begins.
        at: u64,
        /// How long it is.
        bytes: u32,
    },
    /// The peer saw records that this file does not have, and the device never
    /// ended it: it may be a copy that is not complete.
    #[error("it ends with record {ends}, but {witness} saw record {seen}: its tail is missing")]
    TailMissing {
        /// Who saw more.
        witness: Role,
        /// The last record here.
        ends: u64,
        /// The last record that was seen.
        seen: u64,
    },
    /// A write that never finished.
    #[error("it ends inside a record: {bytes} bytes of an unfinished write")]
    Torn {
        /// How many bytes.
        bytes: u64,
    },
    /// Records after the last seal.
    #[error("its last {records} records are not signed")]
    Unsealed {
        /// How many.
        records: u64,
    },
    /// No `Finish`.
    #[error("it was never finished: the device stopped before the session ended")]
    Unfinished,
    /// A device took part and its journal was not given.
    #[error("{witness} paired with {absent}, whose journal is missing")]
    Absent {
        /// Who paired.
        witness: Role,
        /// Whose journal is missing.
        absent: Role,
    },
}

impl Offence {
    /// What this finding alone means. `[JOURNAL-20]`
    #[must_use]
    pub const fn means(&self) -> Integrity {
        match self {
            Self::Unreadable(JournalError::Header(HeaderError::Cut { .. }))
            | Self::MediaMissing { .. }
            | Self::TailMissing { .. }
            | Self::Torn { .. }
            | Self::Unsealed { .. }
            | Self::Unfinished
            | Self::Absent { .. } => Integrity::Incomplete,
            Self::Unreadable(_)
            | Self::Damaged(_)
            | Self::ForgedSeal { .. }
            | Self::OtherSession { .. }
            | Self::Twice
            | Self::WrongKey { .. }
            | Self::OtherHead { .. }
            | Self::ShorterThanSeen { .. }
            | Self::ForkSeen { .. }
            | Self::MediaChanged { .. } => Integrity::Tampered,
        }
    }
}
