//! The one error of the facades: flat, with a stable name, a blame and an advice.
//!
//! Whoever reads an advice follows it, and one that fits most cases destroys a
//! session in the others. So each case has its own, and each that a running session
//! survives says so. Rejected: an advice for each kind of problem.

use diptych_protocol::address::AddressError;
use diptych_protocol::fault::Blame;
use diptych_protocol::session::{Refused, StartError};
use diptych_protocol::ticket::TicketError;
use diptych_protocol::words::{Language, Text};

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
    /// A key, disk or socket of the app holds the end up.
    #[error("the session did not end in time; a key, disk or socket of the app does not return")]
    Stuck,
}

/// What is told of one failure.
struct Account {
    code: &'static str,
    blame: Blame,
    meaning: Text,
    advice: Text,
}

impl Failure {
    /// The stable name, for logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.account().code
    }

    /// Who has to act: nobody's peer is to blame for a call.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.account().blame
    }

    /// What happened, in one sentence, for the person who holds the phone.
    #[must_use]
    pub fn meaning_text(&self) -> Text {
        self.account().meaning
    }

    /// What that person can do, in one sentence.
    #[must_use]
    pub fn advice_text(&self) -> Text {
        self.account().advice
    }

    /// What to do, in English.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.advice_text().template(Language::English)
    }

    fn account(&self) -> Account {
        use Blame::{Caller, Incompatible, World};
        let (code, blame, meaning, advice) = match self {
            Self::Storage { problem } => return found(problem.diagnosis()),
            Self::Network { problem } => return found(problem.diagnosis()),
            Self::Key { problem } => return key(*problem),
            Self::Refused { refused } => return refusal(refused),
            Self::Damaged { .. } => {
                ("FOLDER_DAMAGED", World, Text::FailureDamaged, Text::FailureDamagedAdvice)
            }
            Self::Addresses { .. } => {
                ("NO_ADDRESS", World, Text::FailureAddresses, Text::FailureAddressesAdvice)
            }
            Self::Ticket { problem: TicketError::Version { .. } } => {
                ("NOT_A_TICKET", Incompatible, Text::CloseVersion, Text::CloseVersionAdvice)
            }
            Self::Ticket { .. } => {
                ("NOT_A_TICKET", Caller, Text::FailureTicket, Text::FailureTicketAdvice)
            }
            Self::NoThread => {
                ("NO_THREAD", World, Text::FailureNoThread, Text::FailureNoThreadAdvice)
            }
            Self::Stopped => ("STOPPED", Caller, Text::FailureStopped, Text::FailureStoppedAdvice),
            Self::Stuck => ("STUCK", Caller, Text::FailureStuck, Text::FailureStuckAdvice),
        };
        Account { code, blame, meaning, advice }
    }
}

/// A finding says of itself what it means.
const fn found(finding: Diagnosis) -> Account {
    let asked_for = matches!(finding, Diagnosis::NotOurAddress | Diagnosis::FolderInUse);
    let blame = if asked_for { Blame::Caller } else { Blame::World };
    let (meaning, advice) = (finding.meaning_text(), finding.advice_text());
    Account { code: finding.name(), blame, meaning, advice }
}

const fn key(problem: KeyError) -> Account {
    use Blame::{Caller, World};
    let (code, blame, meaning, advice) = match problem {
        KeyError::Entropy => {
            ("KEY_ENTROPY", World, Text::FailureKeyEntropy, Text::FailureKeyEntropyAdvice)
        }
        KeyError::Format => {
            ("KEY_FORMAT", Caller, Text::FailureKeyFormat, Text::FailureKeyFormatAdvice)
        }
        KeyError::Unusable => {
            ("KEY_UNUSABLE", World, Text::FailureKeyUnusable, Text::FailureKeyUnusableAdvice)
        }
        KeyError::Foreign => {
            ("KEY_FOREIGN", Caller, Text::FailureKeyForeign, Text::FailureKeyForeignAdvice)
        }
    };
    Account { code, blame, meaning, advice }
}

const fn refusal(refused: &Refused) -> Account {
    use Text as T;
    let (code, meaning, advice) = match refused {
        Refused::NoSuchSeat => ("NO_SUCH_SEAT", T::FailureNoSuchSeat, T::FailureNoSuchSeatAdvice),
        Refused::NotPaired => ("NOT_PAIRED", T::FailureNotPaired, T::FailureNotPairedAdvice),
        Refused::NoNetwork => ("NO_NETWORK", T::FailureNoNetwork, T::FailureNoNetworkAdvice),
        Refused::SeatsEmpty => ("SEATS_EMPTY", T::FailureSeatsEmpty, T::FailureSeatsEmptyAdvice),
        Refused::AlreadyBegun => {
            ("ALREADY_BEGUN", T::FailureAlreadyBegun, T::FailureAlreadyBegunAdvice)
        }
        Refused::NotCompared => {
            ("NOT_COMPARED", T::FailureNotCompared, T::FailureNotComparedAdvice)
        }
        Refused::StorageFailed => {
            ("STORAGE_FAILED", T::FailureStorageGone, T::FailureStorageGoneAdvice)
        }
        Refused::Asking => ("ASKING", T::FailureAsking, T::FailureAskingAdvice),
        Refused::Over => ("SESSION_OVER", T::FailureOver, T::FailureOverAdvice),
        Refused::InSession => ("IN_SESSION", T::FailureInSession, T::FailureInSessionAdvice),
        Refused::NothingScanned => {
            ("NOTHING_SCANNED", T::FailureNothingScanned, T::FailureNothingScannedAdvice)
        }
        Refused::OwnCode => ("OWN_CODE", T::FailureOwnCode, T::FailureOwnCodeAdvice),
        Refused::NothingToCompare => {
            ("NOTHING_TO_COMPARE", T::FailureNothingToCompare, T::FailureNothingToCompareAdvice)
        }
        Refused::WrongRole => ("WRONG_ROLE", T::FailureAppFault, T::FailureAppFaultAdvice),
        Refused::Fragment(_) => ("BAD_FRAGMENT", T::FailureAppFault, T::FailureAppFaultAdvice),
        Refused::OutOfOrder => {
            ("FRAMES_OUT_OF_ORDER", T::FailureAppFault, T::FailureAppFaultAdvice)
        }
        Refused::TooLong => ("NAME_TOO_LONG", T::FailureAppFault, T::FailureAppFaultAdvice),
        Refused::Statement(_) => {
            ("STATEMENT_REFUSED", T::FailureStatement, T::FailureStatementAdvice)
        }
        Refused::TooManyStatements => {
            ("TOO_MANY_STATEMENTS", T::FailureTooManyStatements, T::FailureTooManyStatementsAdvice)
        }
    };
    let lost = matches!(refused, Refused::NoNetwork | Refused::StorageFailed);
    let blame = if lost { Blame::World } else { Blame::Caller };
    Account { code, blame, meaning, advice }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_error_and_refusal_has_its_own_name_and_no_advice_ends_a_session_that_lives() {
        let keys = [KeyError::Entropy, KeyError::Unusable, KeyError::Foreign].map(Failure::from);
        let refusals = [
            Refused::NoSuchSeat,
            Refused::NotPaired,
            Refused::NoNetwork,
            Refused::SeatsEmpty,
            Refused::AlreadyBegun,
            Refused::NotCompared,
            Refused::StorageFailed,
            Refused::Asking,
            Refused::Over,
            Refused::InSession,
            Refused::NothingScanned,
            Refused::OwnCode,
            Refused::NothingToCompare,
            Refused::WrongRole,
            Refused::OutOfOrder,
            Refused::TooLong,
            Refused::TooManyStatements,
        ]
        .map(|refused| Failure::Refused { refused });
        let others = [Failure::NoThread, Failure::Stopped, Failure::Stuck];
        let all: Vec<_> = keys.into_iter().chain(refusals).chain(others).collect();
        let codes: BTreeSet<_> = all.iter().map(Failure::code).collect();
        assert_eq!(codes.len(), all.len());
        for failure in all {
            let code = failure.code();
            assert!(!failure.advice().contains("another folder"), "{code}");
            let (meaning, advice) = (failure.meaning_text(), failure.advice_text());
            assert_eq!(advice.key(), format!("{}.advice", meaning.key()), "{code}");
        }
    }

    #[test]
    fn a_failure_says_who_has_to_act() {
        let refused = |refused| Failure::Refused { refused }.blame();
        assert_eq!(refused(Refused::NoNetwork), Blame::World);
        assert_eq!(refused(Refused::SeatsEmpty), Blame::Caller);
        assert_eq!(Failure::from(KeyError::Unusable).blame(), Blame::World);
        assert_eq!(Failure::from(KeyError::Format).blame(), Blame::Caller);
    }
}
