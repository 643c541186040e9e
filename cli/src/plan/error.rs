//! Why a plan or policy file cannot be used.

use std::io;
use std::path::PathBuf;

use diptych_protocol::plan::PlanError;
use diptych_protocol::policy::PolicyError;

/// A plan or policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct PlanFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a plan or policy.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The system would not read it.
    #[error("cannot be read: check the path and its permissions ({0})")]
    Unreadable(io::Error),
    /// Longer than anybody writes.
    #[error("expected at most {most} bytes of text, got more; is this the right file?")]
    TooLong {
        /// The most that is read.
        most: u64,
    },
    /// Not TOML.
    #[error("line {line}: expected TOML, got something else ({reason}); see `diptych plan`")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A name that no field has. A misspelt field must not become a default.
    #[error("{field}: expected one of {known}; remove or correct it")]
    Unknown {
        /// What came.
        field: String,
        /// The names there are.
        known: String,
    },
    /// A field that is not there.
    #[error("{field}: expected {expected}, got nothing; add it, or see `diptych plan`")]
    Missing {
        /// Which.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A field with a value that it cannot have.
    #[error("{field}: expected {expected}, got {got}")]
    Value {
        /// Which.
        field: String,
        /// What belongs there.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// Nobody could get ready any more.
    #[error("windows.wait_close: expected a time to come, got one {ago} ago; plan a later one")]
    Past {
        /// How long ago the waiting window closed.
        ago: String,
    },
    /// The times or numbers do not go together.
    #[error("{field}: {error}")]
    Impossible {
        /// The part of the plan that it is about.
        field: &'static str,
        /// What is wrong.
        error: PlanError,
    },
    /// The policy is none.
    #[error("policy: {0}")]
    Policy(PolicyError),
}

impl PlanFileError {
    /// Whether the file could not even be read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.problem, Problem::Unreadable(_))
    }
}
