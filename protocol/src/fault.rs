//! What can go wrong with a peer, sorted by who is to blame.
//!
//! The screen of an examinee needs one answer from an error: is somebody
//! attacking, do these two versions not fit, was the connection lost, or did the
//! app ask for something impossible? So that is how faults are sorted, before
//! any detail. Each carries a sentence of advice for the person who holds the
//! phone. Rejected: an error per module that the user interface must know.

use core::fmt;

use crate::words::{Language, Text};

/// Who is to blame for a [`Fault`].
///
/// ```
/// # use diptych_protocol::fault::{Blame, CloseCode};
/// assert_eq!(CloseCode::Timeout.blame(), Blame::World);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// The peer broke the protocol, or somebody pretends to be the peer.
    Peer,
    /// Both are honest and do not fit: another version, another exam, no slot.
    Incompatible,
    /// The world in between: silence, timeouts, a busy or vanished device.
    World,
    /// The app or its user asked for it: declined, ended, revoked.
    Caller,
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $blame:ident, $scary:literal, $said:ident, $advice:ident;)*) => {
        /// Why a connection is closed: the QUIC application error code on the
        /// wire (RFC 9000 section 19.19). `[FAULT-1]`
        ///
        /// ```
        /// # use diptych_protocol::fault::CloseCode;
        /// # use diptych_protocol::words::Language;
        /// fn told(code: CloseCode) -> &'static str {
        ///     code.advice_text().template(Language::Chinese)
        /// }
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u32)]
        pub enum CloseCode { $($(#[$doc])* $name = $code,)* }

        impl CloseCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code with this number, if the specification knows it.
            #[must_use]
            pub const fn from_code(code: u64) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// The stable name, as in the specification.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Who is to blame, seen by the one whose connection was closed.
            #[must_use]
            pub const fn blame(self) -> Blame {
                match self { $(Self::$name => Blame::$blame,)* }
            }

            /// Whether a person should be warned that somebody may be attacking.
            #[must_use]
            pub const fn is_alarming(self) -> bool {
                match self { $(Self::$name => $scary,)* }
            }

            /// What happened, in one sentence, for the person who holds the phone.
            /// `[FAULT-7]`
            #[must_use]
            pub const fn meaning_text(self) -> Text {
                match self { $(Self::$name => Text::$said,)* }
            }

            /// What that person can do, in one sentence. `[FAULT-7]`
            #[must_use]
            pub const fn advice_text(self) -> Text {
                match self { $(Self::$name => Text::$advice,)* }
            }
        }
    };
}

close_codes! {
    /// The session is over and both know it.
    OkEnd = 0x00, "OK_END", Caller, false, CloseOkEnd, CloseOkEndAdvice;
    /// A frame or datagram that no version of the protocol allows.
    BadFrame = 0x101, "BAD_FRAME", Peer, false, CloseBadFrame, CloseBadFrameAdvice;
    /// A frame longer than its bound.
    FrameTooLarge = 0x102, "FRAME_TOO_LARGE", Peer, false, CloseFrameTooLarge, CloseFrameTooLargeAdvice;
    /// No common version.
    Version = 0x103, "VERSION", Incompatible, false, CloseVersion, CloseVersionAdvice;
    /// A message that this state does not expect.
    OutOfOrder = 0x104, "OUT_OF_ORDER", Peer, false, CloseOutOfOrder, CloseOutOfOrderAdvice;
    /// An answer did not come in time.
    Timeout = 0x105, "TIMEOUT", World, false, CloseTimeout, CloseTimeoutAdvice;
    /// A proof did not verify; says nothing more, on purpose.
    AuthFailed = 0x110, "AUTH_FAILED", Peer, true, CloseAuthFailed, CloseAuthFailedAdvice;
    /// The code was genuine but is no longer valid.
    Expired = 0x111, "EXPIRED", Incompatible, false, CloseExpired, CloseExpiredAdvice;
    /// Another phone used the code first.
    AlreadyClaimed = 0x112, "ALREADY_CLAIMED", Peer, true, CloseAlreadyClaimed, CloseAlreadyClaimedAdvice;
    /// The primary shows no code now.
    NotPairing = 0x113, "NOT_PAIRING", Incompatible, false, CloseNotPairing, CloseNotPairingAdvice;
    /// The code belongs to another exam.
    WrongExam = 0x114, "WRONG_EXAM", Incompatible, false, CloseWrongExam, CloseWrongExamAdvice;
    /// The person at the assistant said no.
    UserDeclined = 0x115, "USER_DECLINED", Caller, false, CloseUserDeclined, CloseUserDeclinedAdvice;
    /// The six digits on the two screens differ.
    CheckCodeMismatch = 0x116, "CHECK_CODE_MISMATCH", Peer, true, CloseCheckCodeMismatch, CloseCheckCodeMismatchAdvice;
    /// The primary wants a hardware-attested key.
    AttestationRequired = 0x117, "ATTESTATION_REQUIRED", Incompatible, false, CloseAttestationRequired, CloseAttestationRequiredAdvice;
    /// Too many attempts.
    RateLimited = 0x120, "RATE_LIMITED", World, false, CloseRateLimited, CloseRateLimitedAdvice;
    /// All places are taken for the moment.
    Busy = 0x121, "BUSY", World, false, CloseBusy, CloseBusyAdvice;
    /// This device was taken out of the session.
    Revoked = 0x130, "REVOKED", Caller, false, CloseRevoked, CloseRevokedAdvice;
    /// The primary does not know this session.
    UnknownSession = 0x131, "UNKNOWN_SESSION", Incompatible, false, CloseUnknownSession, CloseUnknownSessionAdvice;
    /// A resume with an epoch that was used before.
    StaleEpoch = 0x132, "STALE_EPOCH", Peer, false, CloseStaleEpoch, CloseStaleEpochAdvice;
    /// Two devices use the same stored session.
    CloneSuspected = 0x133, "CLONE_SUSPECTED", Peer, true, CloseCloneSuspected, CloseCloneSuspectedAdvice;
    /// A new device took over this role.
    Replaced = 0x134, "REPLACED", Caller, false, CloseReplaced, CloseReplacedAdvice;
    /// A device contradicts what it showed before: its storage was set back, or changed.
    HistoryChanged = 0x135, "HISTORY_CHANGED", Peer, true, CloseHistoryChanged, CloseHistoryChangedAdvice;
    /// A defect of this implementation.
    Internal = 0x140, "INTERNAL", World, false, CloseInternal, CloseInternalAdvice;
    /// The app is closing; the session goes on when it comes back.
    GoingAway = 0x141, "GOING_AWAY", World, false, CloseGoingAway, CloseGoingAwayAdvice;
}

impl CloseCode {
    /// What happened, in English, without a full stop: for a log.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.meaning_text().clause()
    }

    /// What to do, in English.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.advice_text().template(Language::English)
    }
}

/// A peer's breach of the protocol, or the end of its connection.
///
/// ```
/// # use diptych_protocol::fault::Fault;
/// # use diptych_protocol::words::Text;
/// fn told(fault: &Fault) -> Text {
///     fault.code.meaning_text()
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {}; {detail}", code.meaning())]
pub struct Fault {
    /// What it is called on the wire.
    pub code: CloseCode,
    /// Expected against got, for the log. Never holds secrets.
    pub detail: Detail,
}

/// What was expected and what came instead.
///
/// ```
/// # use diptych_protocol::fault::Detail;
/// fn logged(detail: &Detail) -> String {
///     format!("wanted {}", detail.expected)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct Detail {
    /// What the specification allows at this point.
    pub expected: &'static str,
    /// What came.
    pub got: Got,
}

/// The offending thing, small enough to copy.
///
/// ```
/// # use diptych_protocol::fault::Got;
/// assert_eq!(Got::Number(7).to_string(), "7");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Got {
    /// Something with a name.
    Named(&'static str),
    /// A number: a kind, a version, a length.
    Number(i128),
}

impl Fault {
    /// A fault that says what was expected and what came.
    #[must_use]
    pub const fn new(code: CloseCode, expected: &'static str, got: Got) -> Self {
        Self { code, detail: Detail { expected, got } }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_wire() {
        // [FAULT-1]
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_code(u64::from(*code as u32)), Some(*code));
        }
        assert_eq!(CloseCode::from_code(0x1FF), None);
    }

    #[test]
    fn the_specification_lists_what_is_here() {
        // [FAULT-1]
        let yes_no = |yes| if yes { "yes" } else { "no" };
        let row = |code: &CloseCode| {
            let blame = format!("{:?}", code.blame()).to_lowercase();
            let (name, alarming) = (code.name(), yes_no(code.is_alarming()));
            format!(
                "| {:#04x} | `{name}` | {blame} | {alarming} | {} |",
                *code as u32,
                code.meaning()
            )
        };
        let spec = include_str!("../../spec/fault.md").lines();
        let listed: Vec<_> = spec.filter(|line| line.starts_with("| 0x")).collect();
        assert_eq!(listed, CloseCode::ALL.iter().map(row).collect::<Vec<_>>());
    }

    #[test]
    fn every_code_has_a_meaning_and_an_advice_in_both_languages() {
        // [FAULT-7]
        for code in CloseCode::ALL {
            let (meaning, advice) = (code.meaning_text(), code.advice_text());
            assert_eq!(advice.key(), format!("{}.advice", meaning.key()));
            assert!(meaning.key().starts_with("close."), "{code}");
        }
    }

    #[test]
    fn a_fault_says_expected_and_got() {
        let fault = Fault::new(CloseCode::Version, "version 1", Got::Number(7));
        assert_eq!(
            fault.to_string(),
            "VERSION: The two apps speak different versions; expected version 1, got 7"
        );
    }
}
