//! The one error of the facades: flat, with a stable name and an advice.

use diptych_protocol::address::AddressError;
use diptych_protocol::session::{Refused, StartError};
use diptych_protocol::ticket::TicketError;

use crate::diagnosis::Diagnosis;
use crate::error::{KeyError, NetworkError, StorageError};

/// Why a call to a role had no effect.
///
/// ```
/// # use diptych_driver::embed::Failure;
/// fn is_over(failure: &Failure) -> bool {
///     matches!(failure, Failure::Stopped)
/// }
/// assert!(!Failure::Stopped.to_string().is_empty()); // What a person can read.
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The storage could not be read or written.
    #[error("{problem}")]
    Storage {
        /// What happened to which file.
        problem: StorageError,
    },
    /// The socket could not be opened.
    #[error("{problem}")]
    Network {
        /// What the system said.
        problem: NetworkError,
    },
    /// The key could not be made or used.
    #[error("{problem}")]
    Key {
        /// What is wrong with it.
        problem: KeyError,
    },
    /// The storage holds something that no session of this device left there.
    #[error("{problem}")]
    Damaged {
        /// Which file, and how.
        problem: StartError,
    },
    /// This device has no address at which a peer could reach it.
    #[error("{problem}")]
    Addresses {
        /// What is wrong with those that were tried.
        problem: AddressError,
    },
    /// What was scanned is not a code of this protocol.
    #[error("{problem}")]
    Ticket {
        /// What came instead.
        problem: TicketError,
    },
    /// The session is not in a state for this.
    #[error("{refused}")]
    Refused {
        /// Why not.
        refused: Refused,
    },
    /// The system gave no thread to run on.
    #[error("the system has no thread to give; close other programs")]
    NoThread,
    /// The role was stopped.
    #[error("this device's session was stopped; start it again")]
    Stopped,
}

impl Failure {
    /// The stable name, for logs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Storage { problem } => problem.diagnosis().name(),
            Self::Network { problem } => network(problem).name(),
            Self::Key { .. } => "KEY_UNUSABLE",
            Self::Damaged { .. } => "FOLDER_DAMAGED",
            Self::Addresses { .. } => "NO_ADDRESS",
            Self::Ticket { .. } => "NOT_A_TICKET",
            Self::Refused { .. } => "REFUSED",
            Self::NoThread => "NO_THREAD",
            Self::Stopped => "STOPPED",
        }
    }

    /// What to do, in one sentence.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Storage { problem } => problem.diagnosis().advice(),
            Self::Network { problem } => network(problem).advice(),
            Self::Key { .. } => "Use another folder, and pair the devices again.",
            Self::Damaged { .. } => {
                "Keep the folder as it is, and start with another one; the devices must be paired again."
            }
            Self::Addresses { .. } => {
                "Join a Wi-Fi network or open a hotspot, or name the address to advertise."
            }
            Self::Ticket { .. } => "Scan the code that is on the primary's screen now.",
            Self::Refused { .. } => "Ask again when the session is in a state for it.",
            Self::NoThread => "Close other programs and start again.",
            Self::Stopped => "Start the session again with the same folder.",
        }
    }
}

const fn network(problem: &NetworkError) -> Diagnosis {
    match problem {
        NetworkError::Bind { diagnosis, .. } => *diagnosis,
        NetworkError::Socket { .. } | NetworkError::Tls | NetworkError::Runtime => {
            Diagnosis::SocketDead
        }
    }
}

impl From<StorageError> for Failure {
    fn from(problem: StorageError) -> Self {
        Self::Storage { problem }
    }
}

impl From<NetworkError> for Failure {
    fn from(problem: NetworkError) -> Self {
        Self::Network { problem }
    }
}

impl From<KeyError> for Failure {
    fn from(problem: KeyError) -> Self {
        Self::Key { problem }
    }
}

impl From<StartError> for Failure {
    fn from(problem: StartError) -> Self {
        Self::Damaged { problem }
    }
}

impl From<AddressError> for Failure {
    fn from(problem: AddressError) -> Self {
        Self::Addresses { problem }
    }
}

impl From<TicketError> for Failure {
    fn from(problem: TicketError) -> Self {
        Self::Ticket { problem }
    }
}
