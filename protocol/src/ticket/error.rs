//! Why a text is refused.
//!
//! A person who holds a phone to a screen can do one of three things: scan again, update an
//! app, or look for another code. So each reason has its own name and says which of them
//! helps. Rejected: one word for all of them, which teaches people to scan again for ever.

use super::SCHEME;
use super::digits::DigitsError;
use crate::address::AddressError;
use crate::limits;

/// Why a text is not a ticket of this protocol.
///
/// ```
/// # use diptych_protocol::ticket::TicketError;
/// fn is_of_another_version(error: &TicketError) -> bool {
///     matches!(error, TicketError::Version { .. })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TicketError {
    /// The code of something else.
    #[error(
        "expected a code that starts with `{SCHEME}` or `https://…/p#`, got {got}; \
         scan the code that the primary phone shows"
    )]
    Foreign {
        /// What it looks like.
        got: &'static str,
    },
    /// More digits than any ticket has.
    #[error("expected at most {max} digits, got {got}; scan again", max = limits::TICKET_DIGITS)]
    TooLong {
        /// How many came.
        got: usize,
    },
    /// A character that is not `0` to `9`.
    #[error("expected only the digits 0 to 9, got something else at digit {at}; scan again")]
    NotADigit {
        /// Its place, counted from 0 after the prefix.
        at: usize,
    },
    /// A last group of digits that encodes no bytes.
    #[error(
        "expected groups of 17 digits and a last one of 3, 5, 8, 10, 13 or 15, got one of \
         {digits}; scan again"
    )]
    Group {
        /// Its length.
        digits: usize,
    },
    /// A group of digits that is too large for its bytes.
    #[error("expected a group that fits its bytes, got a larger one at digit {at}; scan again")]
    Overflow {
        /// The place of its first digit.
        at: usize,
    },
    /// Fewer bytes than the shortest ticket.
    #[error("expected at least {expected} bytes, got {got}; scan the whole code")]
    Truncated {
        /// The shortest that could be whole.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// Another version or type of code.
    #[error(
        "expected a code of version 1 and type 0 or 1, got version {version} and type {kind}; update \
         the app"
    )]
    Version {
        /// The high nibble.
        version: u8,
        /// The low nibble.
        kind: u8,
    },
    /// The check does not match: misread, or made by a faulty app.
    #[error("expected a matching check at the end, got another; scan again")]
    Check,
    /// A lifetime of zero or above the limit.
    #[error("expected a lifetime of 1 to {max} s, got {got} s; update the primary's app", max = limits::TICKET_LIFETIME_S)]
    Lifetime {
        /// The lifetime that came, in seconds.
        got: u8,
    },
    /// A secret of zeros, which no generator yields.
    #[error("expected a random secret, got zeros; update the primary's app")]
    ZeroSecret,
    /// A pin of zeros, which no key has.
    #[error("expected the hash of a key, got zeros; update the primary's app")]
    ZeroPin,
    /// The issuer is empty, too long or no plain text.
    #[error(
        "expected an issuer of 1 to {max} bytes of plain UTF-8 text, got another; update the \
         primary's app", max = limits::LABEL_BYTES
    )]
    Issuer,
    /// An address that cannot be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Bytes after the last field and before the check.
    #[error("expected {expected} bytes, got {got}; update the app")]
    Trailing {
        /// The length that the fields imply.
        expected: usize,
        /// How many came.
        got: usize,
    },
}

impl From<DigitsError> for TicketError {
    fn from(error: DigitsError) -> Self {
        match error {
            DigitsError::NotADigit { at } => Self::NotADigit { at },
            DigitsError::Tail { digits } => Self::Group { digits },
            DigitsError::Overflow { at } => Self::Overflow { at },
        }
    }
}
