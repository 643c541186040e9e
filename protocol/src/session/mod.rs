//! What both roles do, whatever their seat.
//!
//! Primary and assistant differ in who leads; they do not differ in how they
//! keep a journal, speak to a peer, or notice that their own camera has stopped.
//! That shared part is here, and neither role has a copy. Rejected: one machine
//! with a role flag (every function would ask which role it is), and a trait
//! that both implement (the shared part is data, not behaviour).
//!
//! - [`HostFact`]: what the host tells of its device.
//! - [`Past`]: what the disk holds from earlier runs, as [`prepare()`] reads it.
//! - `local`: the own journal, durable before told.
//! - `camera`: the own recorder.
//! - `peer`: one peer's link, clock and journal copy.
//! - `courier`: carries the own journal to a peer.
//! - `outbox`: the one ordered queue.
//! - `state`: what survives a restart besides the journals.

mod begin;
mod camera;
mod courier;
mod facts;
mod gate;
mod local;
mod news;
mod outbox;
mod past;
mod peer;
mod state;
mod timing;

use crate::journal::JournalError;
use crate::limits;
use crate::machine::JournalName;
use crate::policy::{PolicyError, StatementError};
use crate::recording::FragmentError;

pub use facts::{HostFact, Outcome};
pub use past::{Past, Prepared, prepare};
pub use state::StateDamaged;

pub(crate) use begin::{Beginning, camera_of, clock_number, read};
pub(crate) use camera::{Camera, News, UNTOLD, watch};
pub(crate) use gate::{FaceGate, GateChange};
pub(crate) use local::{Local, SealDue};
pub(crate) use news::{Arrival, Newer, Receipt};
pub(crate) use outbox::Outbox;
pub(crate) use peer::{Evidence, Peer};
pub(crate) use state::{Member, PutOut, State};
pub(crate) use timing::Fresh;

/// Why a machine could not be started with what it was given.
///
/// ```
/// # use diptych_protocol::session::StartError;
/// fn is_of_another_session(error: &StartError) -> bool {
///     matches!(error, StartError::Foreign)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StartError {
    /// The stored state is not this session's.
    #[error(transparent)]
    State(#[from] StateDamaged),
    /// A journal on the disk is damaged before its end.
    #[error("journal {name}: {error}")]
    Journal {
        /// Which.
        name: JournalName,
        /// Where and how.
        error: JournalError,
    },
    /// A journal or state belongs to another session or key.
    #[error("expected the files of one session and key, got others; use another folder")]
    Foreign,
    /// The stored state has no journal beside it.
    #[error(
        "expected journal {name} beside the stored session, it is missing; restore it or use another folder"
    )]
    Missing {
        /// Which.
        name: JournalName,
    },
    /// The stored policy cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Why a command was refused. Nothing has changed then.
///
/// ```
/// # use diptych_protocol::session::Refused;
/// fn waits_for_a_network(refused: &Refused) -> bool {
///     matches!(refused, Refused::NoNetwork)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such seat in the plan.
    #[error("expected a seat of the plan, there is none with that number")]
    NoSuchSeat,
    /// No device is in that seat.
    #[error("expected a paired seat; pair a device first")]
    NotPaired,
    /// A code would lead nowhere.
    #[error("expected a network that assistants can reach; join one, then show the code")]
    NoNetwork,
    /// Not every seat is taken.
    #[error("expected every seat to be paired before recording begins")]
    SeatsEmpty,
    /// Recording has begun already.
    #[error("expected cameras that are not started; they were")]
    AlreadyBegun,
    /// The six digits of a seat were not compared.
    #[error("expected the six digits of every seat to be compared before recording begins")]
    NotCompared,
    /// What is asked has to be remembered, and nothing can be.
    #[error("expected a storage that can be written; free some space and start the session again")]
    StorageFailed,
    /// The session is over.
    #[error("expected a running session; it is over")]
    Over,
    /// This device is in a session already.
    #[error("expected a device that is in no session; leave it first")]
    InSession,
    /// A person is being asked about another code.
    #[error("expected an answer about the code that was scanned before; agree or decline first")]
    Asking,
    /// There is nothing to consent to.
    #[error("expected a scanned code before consent; scan one")]
    NothingScanned,
    /// The code is this device's own.
    #[error("expected another device's code, this one is the device's own")]
    OwnCode,
    /// There are no digits to compare.
    #[error("expected a pairing whose digits are shown; there is none")]
    NothingToCompare,
    /// The fact does not fit this role.
    #[error("expected a fact of this role; only the primary has an exam screen")]
    WrongRole,
    /// Frames that prove no coverage.
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// A fact contradicts the one before it.
    #[error("expected frames after the last committed ones, got earlier ones")]
    OutOfOrder,
    /// A file name is too long.
    #[error("expected a name of at most 255 bytes")]
    TooLong,
    /// A statement that states nothing.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// More statements than anybody makes.
    #[error("expected at most {} statements in a session; no more are taken", limits::STATEMENTS)]
    TooManyStatements,
}

#[cfg(test)]
mod tests;
