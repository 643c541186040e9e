//! What the world can do to us, typed.
//!
//! Every error says what was tried, what came of it and what to do; each maps to
//! one [`Diagnosis`], which is what a person is shown. Rejected: passing on the
//! error types of the libraries underneath (an app could not match on them
//! without depending on the same versions).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::diagnosis::Diagnosis;

/// A durable file could not be read or written.
///
/// ```
/// # use diptych_driver::error::{StorageError, StorageProblem};
/// let full = StorageError {
///     path: "P.journal".into(),
///     action: "append to",
///     problem: StorageProblem::Full,
/// };
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("could not {action} {}: {problem}", path.display())]
pub struct StorageError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What was tried, as a verb phrase.
    pub action: &'static str,
    /// What came of it.
    pub problem: StorageProblem,
}

/// What is wrong with a file.
///
/// ```
/// # use diptych_driver::error::StorageProblem;
/// fn heals(problem: StorageProblem) -> bool {
///     matches!(problem, StorageProblem::Full | StorageProblem::InUse)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StorageProblem {
    /// Another process holds the folder.
    #[error("another running copy of the app uses this folder; close it first")]
    InUse,
    /// No space, or over quota.
    #[error("the storage is full; free some space and start again")]
    Full,
    /// The system forbids it.
    #[error("the system does not allow it; check who owns the folder")]
    Denied,
    /// Larger than anything that this program writes.
    #[error("expected at most {most} bytes, got more; the file is damaged or foreign")]
    TooLarge {
        /// The bound in bytes.
        most: u64,
    },
    /// What was read is not what this program writes there.
    #[error("expected {expected}, got something else; the file is damaged or foreign")]
    Damaged {
        /// What belongs there.
        expected: &'static str,
    },
    /// The async runtime was shut down, or the driver's task died, before the
    /// last writes were made durable.
    #[error("the driver was ended from outside before it could finish; stop it first")]
    Abandoned,
    /// Anything else that the system says.
    #[error("the system reports: {0}")]
    System(io::ErrorKind),
}

impl StorageError {
    /// Sorts what the system said.
    #[must_use]
    pub fn new(path: &Path, action: &'static str, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let kind = error.kind();
        let problem = if [Kind::StorageFull, Kind::QuotaExceeded].contains(&kind) {
            StorageProblem::Full
        } else if [Kind::PermissionDenied, Kind::ReadOnlyFilesystem].contains(&kind) {
            StorageProblem::Denied
        } else {
            StorageProblem::System(kind)
        };
        Self { path: path.to_owned(), action, problem }
    }

    /// What a person is told.
    #[must_use]
    pub const fn diagnosis(&self) -> Diagnosis {
        match self.problem {
            StorageProblem::InUse => Diagnosis::FolderInUse,
            StorageProblem::Full => Diagnosis::StorageFull,
            StorageProblem::Denied => Diagnosis::StorageDenied,
            StorageProblem::TooLarge { .. }
            | StorageProblem::Damaged { .. }
            | StorageProblem::Abandoned
            | StorageProblem::System(_) => Diagnosis::StorageBroken,
        }
    }
}

/// A key could not be made, read or used.
///
/// ```
/// # use diptych_driver::error::KeyError;
/// fn asks_to_unlock(error: KeyError) -> bool {
///     error == KeyError::Unusable
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The system's generator failed.
    #[error("the system's random generator failed; restart the device")]
    Entropy,
    /// The bytes are not a P-256 private key.
    #[error("expected a P-256 private key as PKCS#8, got something else; the file is damaged")]
    Format,
    /// A certificate or signature could not be made with it.
    #[error("the key could not be used to sign; unlock the device and start again")]
    Unusable,
    /// What the key signs does not fit the public key that came with it.
    #[error("expected signatures of the key's own public half, got another key's")]
    Foreign,
}

/// The network could not be opened.
///
/// ```
/// # use diptych_driver::diagnosis::Diagnosis;
/// # use diptych_driver::error::NetworkError;
/// fn is_taken(error: &NetworkError) -> bool {
///     error.diagnosis() == Diagnosis::PortTaken
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NetworkError {
    /// The address to listen on is taken, or not ours.
    #[error("could not open a UDP socket at {address}: {kind}; {}", diagnosis.advice())]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        kind: io::ErrorKind,
        /// What a person is told.
        diagnosis: Diagnosis,
    },
    /// The socket that the app handed in cannot be used.
    #[error("the UDP socket that was handed in cannot be used: {kind}")]
    Socket {
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The TLS library refused our own configuration or key.
    #[error("TLS could not be set up with this device's key")]
    Tls,
    /// There is no async runtime: [`start`](crate::start) and the link must be
    /// made inside one.
    #[error("expected to be called inside a tokio runtime, found none")]
    Runtime,
}

impl NetworkError {
    /// What a person is told.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Bind { diagnosis, .. } => *diagnosis,
            Self::Socket { kind } => Diagnosis::of_socket(&(*kind).into()),
            Self::Tls | Self::Runtime => Diagnosis::SocketDead,
        }
    }
}

/// The driver has ended, or cannot be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the session's driver has ended; start it again")]
pub struct Stopped;

/// Why a command had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AskError<R> {
    /// The machine refused.
    #[error("refused: {0:?}")]
    Rejected(R),
    /// Nobody was there to ask.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
