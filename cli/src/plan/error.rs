//! Why a plan or policy file cannot be used.

use std::io;
use std::path::PathBuf;

use diptych_protocol::limits::SESSION_LENGTH;
use diptych_protocol::plan::PlanError;
use diptych_protocol::policy::PolicyError;

use crate::command::length;

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
    /// A policy that is neither a file nor one of the program's.
    #[error(
        "cannot be read: there is no such file, and no policy of this name; there are {presets}"
    )]
    NoPolicy {
        /// The names there are.
        presets: String,
    },
    /// A name that is none.
    #[error("{field}: {problem}")]
    Name {
        /// Whose.
        field: &'static str,
        /// Expected against got.
        problem: String,
    },
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
    #[error("{field}: {}{times}", told(error))]
    Impossible {
        /// The part of the plan that it is about.
        field: &'static str,
        /// What is wrong.
        error: PlanError,
        /// The times of the plan, if it is about them.
        times: String,
    },
    /// The policy is none.
    #[error("policy: {0}")]
    Policy(PolicyError),
}

/// What is wrong with a plan, its lengths in the units that people plan in.
fn told(error: &PlanError) -> String {
    match error {
        PlanError::Order { earlier, later, by } => format!(
            "expected {earlier} before {later}, but it is {} after it; correct the times",
            length(*by)
        ),
        PlanError::TooLong { got } => format!(
            "expected a session of at most {}, got {}; shorten the windows",
            length(SESSION_LENGTH),
            length(*got)
        ),
        PlanError::Assistants { .. } | PlanError::Battery { .. } => error.to_string(),
    }
}

impl PlanFileError {
    /// Whether the file could not even be read.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.problem, Problem::Unreadable(_) | Problem::NoPolicy { .. })
    }
}
