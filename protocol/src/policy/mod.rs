//! An exam's rules as data, and the one function that applies them.
//!
//! Schools disagree: one fails the fourth interruption, another the second, a
//! third none at all. So a rule is never an `if` in this protocol. It is a
//! [`Policy`], a value with a canonical byte form that can be hashed and signed,
//! and [`judge()`] turns a [`Case`] (facts) and a policy into a [`Judgement`] that
//! anybody can recompute and that says, for every interruption, which rule
//! counted it or did not.
//!
//! Not in a [`Case`], on purpose: the link, heat, frame rates. They decide
//! nothing. `[POLICY-14]`
//!
//! Rejected: a policy language. Every rule found in the wild fits the fields of
//! [`Terms`]; a language would need a sandbox, a version and a lawyer.

mod canonical;
mod case;
mod episode;
mod fields;
mod judge;
mod merge;
mod preset;
mod revision;
mod statement;
mod tally;

pub use canonical::POLICY_BYTES;
pub use case::{Case, Excuse, Expected, Interruption, Judgement, Length, Reason, Rule, Standing};
pub use case::{Verdict, Window};
pub use fields::Value;
pub use judge::judge;
pub use preset::PRESETS;
pub use revision::{Revision, excuses};
pub use statement::{
    Decision, Override, Proven, STATEMENT_BYTES, SignedStatement, Statement, StatementError,
};
pub use tally::Tally;

use crate::identity::Label;
use crate::limits;
use crate::time::Span;

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$said:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$said])* $variant = $code,)* }

        impl $name {
            /// The names there are, for an error message.
            pub const NAMES: &'static str = concat!("one of", $(" ", $text,)*);

            /// The number in the canonical form.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The choice with this number.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The name in the data form.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The choice with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

choices! {
    /// Which interruptions make up the count. `[POLICY-9]`
    Scope {
        /// Episodes on any camera.
        Union = 0, "union";
        /// The camera with the most interruptions.
        PerRole = 1, "per_role";
        /// The primary's interruptions; assistants are recorded and not judged.
        PrimaryOnly = 2, "primary_only";
    }
}

choices! {
    /// From when on losses count. `[POLICY-16]`
    CountFrom {
        /// From the start of the answering window.
        Answer = 0, "answer";
        /// From the opening of the waiting window.
        Wait = 1, "wait";
    }
}

choices! {
    /// What losing the microphone means. `[POLICY-15]`
    Sound {
        /// A flag.
        Flagged = 0, "flagged";
        /// The same as losing the picture (music exams).
        Counted = 1, "counted";
    }
}

choices! {
    /// Where a gap that the app announced beforehand is forgiven. `[POLICY-18]`
    ExpectedIn {
        /// Nowhere.
        Nowhere = 0, "nowhere";
        /// In the waiting window.
        Waiting = 1, "waiting";
        /// At any time.
        Anywhere = 2, "anywhere";
    }
}

choices! {
    /// What the app does while a camera is lost: shown, never judged.
    OnLoss {
        /// Warn and count down.
        Warn = 0, "warn";
        /// End the exam.
        Stop = 1, "stop";
        /// Hide the questions until every role records again.
        Hide = 2, "hide";
        /// Say nothing; people review the recordings.
        Silent = 3, "silent";
    }
}

/// The content of a policy, not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// What people call it.
    pub name: Label,
    /// The most interruptions that still pass; `None` for no limit.
    pub max_count: Option<u32>,
    /// The longest interruption that still passes; `None` for no limit.
    pub max_duration: Option<Span>,
    /// An interruption that lost less than this is a hiccup.
    pub min_lost: Span,
    /// Coverage that ends an interruption.
    pub stable: Span,
    /// Interruptions of different roles that begin within this are one episode.
    pub onset: Span,
    /// The longest silence between committed frames that is still recording.
    pub frame_gap: Span,
    /// Which interruptions make up the count.
    pub scope: Scope,
    /// From when on losses count.
    pub count_from: CountFrom,
    /// What losing the microphone means.
    pub sound: Sound,
    /// The longest announced gap that is forgiven.
    pub expected_max: Span,
    /// Where announced gaps are forgiven.
    pub expected_in: ExpectedIn,
    /// What the app does while a camera is lost.
    pub on_loss: OnLoss,
}

/// A checked policy. `[POLICY-1]`
///
/// ```
/// # use diptych_protocol::policy::Policy;
/// let policy = Policy::preset("xyb-seed")?;
/// # Ok::<(), diptych_protocol::policy::PolicyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy(Terms);

/// Why some terms, bytes or fields are not a policy.
///
/// ```
/// # use diptych_protocol::policy::{Policy, PolicyError};
/// fn of_school(preset: &str) -> Result<Policy, PolicyError> {
///     Policy::preset(preset)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// A length of time outside its range.
    #[error("{field}: expected {min} to {max}, got {got}; correct the policy")]
    Span {
        /// The field's name in the data form.
        field: &'static str,
        /// The least that is allowed.
        min: Span,
        /// The most that is allowed.
        max: Span,
        /// What came.
        got: Span,
    },
    /// A count above the limit.
    #[error("max_count: expected 0 to {max} or \"none\", got {got}; correct the policy")]
    Count {
        /// The most that is allowed.
        max: u32,
        /// What came.
        got: i64,
    },
    /// Not a preset.
    #[error("preset: expected one of {known}, got {got:?}; use one of these or leave it out")]
    Preset {
        /// The presets there are.
        known: String,
        /// What came.
        got: String,
    },
    /// Not a field of a policy.
    #[error("expected one of the fields {known}, got {got:?}; remove or correct it")]
    Field {
        /// The fields there are.
        known: String,
        /// What came.
        got: String,
    },
    /// A field given twice.
    #[error("{field}: expected once, got twice; remove one")]
    Twice {
        /// Which.
        field: &'static str,
    },
    /// A field whose value is of the wrong kind.
    #[error("{field}: expected {expected}, got {got}; correct the policy")]
    Value {
        /// The field's name.
        field: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// No name, and no untouched preset to take it from.
    #[error("name: expected a name of its own for a policy that is no preset, got none; add one")]
    Unnamed,
    /// A preset's name on other rules.
    #[error("name: expected a name of its own, got that of the preset {preset}; choose another")]
    Borrowed {
        /// Whose name it is.
        preset: &'static str,
    },
    /// Bytes of the wrong length.
    #[error("expected {} bytes of policy, got {got}; fetch the policy again", POLICY_BYTES)]
    Bytes {
        /// How many came.
        got: usize,
    },
    /// A byte that the canonical form does not allow.
    #[error("expected {expected} at byte {offset} of the policy, got {got}; fetch it again")]
    Byte {
        /// Where.
        offset: usize,
        /// What is allowed there.
        expected: &'static str,
        /// What came.
        got: u8,
    },
}

impl Policy {
    /// Checks and takes `terms`. `[POLICY-1]`
    ///
    /// # Errors
    /// [`PolicyError::Span`] or [`PolicyError::Count`] for a value out of range.
    pub fn new(terms: Terms) -> Result<Self, PolicyError> {
        let longest = limits::POLICY_SPAN_MAX;
        within("max_duration", terms.max_duration.unwrap_or_default(), Span::ZERO, longest)?;
        within("min_lost", terms.min_lost, Span::ZERO, longest)?;
        within("stable", terms.stable, Span::ZERO, longest)?;
        within("onset", terms.onset, Span::ZERO, longest)?;
        let (least, most) = (limits::FRAME_GAP_MIN, limits::FRAME_GAP_MAX);
        within("frame_gap", terms.frame_gap, least, most)?;
        within("expected_max", terms.expected_max, Span::ZERO, longest)?;
        match terms.max_count {
            Some(got) if got > limits::POLICY_COUNT_MAX => {
                Err(PolicyError::Count { max: limits::POLICY_COUNT_MAX, got: got.into() })
            }
            _ => Ok(Self(terms)),
        }
    }

    /// What it says.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.0
    }
}

fn within(field: &'static str, got: Span, min: Span, max: Span) -> Result<(), PolicyError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(PolicyError::Span { field, min, max, got })
    }
}

#[cfg(test)]
mod tests;
