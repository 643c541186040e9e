//! Where in the journals a claim of the report can be looked up.

use crate::identity::Role;
use crate::ledger::Loss;

/// One record that a statement of the report rests on. `[REPORT-9]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Whose journal.
    pub role: Role,
    /// Which device in that seat.
    pub device: u8,
    /// The record's number.
    pub sequence: u64,
    /// What it shows.
    pub what: &'static str,
}

/// A loss, the platform's own value for its cause, and what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Witnessed {
    pub(super) loss: Loss,
    pub(super) raw: i32,
    pub(super) evidence: Vec<Evidence>,
}
