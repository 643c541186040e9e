//! What was lost, on which role, when, and what seemed to be the reason.
//!
//! The hard part of counting interruptions is not the counting, it is agreeing
//! on what happened. So the vocabulary is kept apart from the rules: a [`Loss`]
//! says that no frame of a stretch of time is durably stored, a [`Cause`] is the
//! best guess at why, and neither knows a limit. Rules live in `policy`, which a
//! school may change without rewriting history.
//!
//! Rejected: deriving interruptions from the state of the link. Schools tell
//! examinees to switch networks mid-exam, and a phone that nobody hears may well
//! be recording.

mod cause;
mod flag;
mod recorder;

pub use cause::{Cause, Observed};
pub use flag::Flag;
pub use recorder::{Announced, Change, Event, Origin, Outage, Recorder, State, Watch};

use crate::identity::Role;
use crate::time::{Instant, Primary, Span};

/// Whether picture or sound was lost. `[POLICY-15]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Medium {
    /// No committed frame, or (on the primary) away from the exam screen.
    Picture,
    /// The picture went on; the microphone did not.
    Sound,
}

/// A stretch of session time that a role cannot show. `[LEDGER-1]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Loss {
    /// Whose camera.
    pub role: Role,
    /// The end of the last committed frame before it.
    pub start: Instant<Primary>,
    /// The capture of the first committed frame after it.
    pub end: Instant<Primary>,
    /// How far `end - start` may be from the truth, either way; ≥ 0.
    pub uncertainty: Span,
    /// Why, as far as the device could tell. Never changes the count.
    pub cause: Cause,
    /// Picture or sound.
    pub medium: Medium,
}

/// Session time of which nobody can say whether a role recorded. `[LEDGER-2]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unknown {
    /// Whose camera.
    pub role: Role,
    /// Where knowledge ends.
    pub start: Instant<Primary>,
    /// Where it begins again.
    pub end: Instant<Primary>,
}
