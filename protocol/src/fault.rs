//! What can go wrong with a peer, sorted by who is to blame.
//!
//! The screen of an examinee needs one answer from an error: is somebody
//! attacking, do these two versions not fit, was the connection lost, or did the
//! app ask for something impossible? So that is how faults are sorted, before
//! any detail. Each carries a sentence of advice for the person who holds the
//! phone. Rejected: an error per module that the user interface must know.

use core::fmt;

/// Who is to blame for a [`Fault`].
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
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $blame:ident, $scary:literal, $said:literal, $advice:literal;)*) => {
        /// Why a connection is closed: the QUIC application error code on the
        /// wire (RFC 9000 section 19.19). `[FAULT-1]`
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

            /// What happened, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $said,)* }
            }

            /// What the person who holds the phone can do, in one sentence.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

close_codes! {
    /// The session is over and both know it.
    OkEnd = 0x00, "OK_END", Caller, false, "the session ended as planned", "Nothing to do.";
    /// A frame or datagram that no version of the protocol allows.
    BadFrame = 0x101, "BAD_FRAME", Peer, false, "a message could not be understood", "Install the same version of the app on both phones.";
    /// A frame longer than its bound.
    FrameTooLarge = 0x102, "FRAME_TOO_LARGE", Peer, false, "a message was longer than allowed", "Install the same version of the app on both phones.";
    /// No common version.
    Version = 0x103, "VERSION", Incompatible, false, "the two apps speak different versions", "Update the app on both phones.";
    /// A message that this state does not expect.
    OutOfOrder = 0x104, "OUT_OF_ORDER", Peer, false, "a message came when another was expected", "Scan the code again.";
    /// An answer did not come in time.
    Timeout = 0x105, "TIMEOUT", World, false, "the other phone did not answer in time", "Keep both phones in the same network and scan again.";
    /// A proof did not verify; says nothing more, on purpose.
    AuthFailed = 0x110, "AUTH_FAILED", Peer, true, "the proof of having scanned this code was wrong", "Scan the code that is on the screen now.";
    /// The code was genuine but is no longer valid.
    Expired = 0x111, "EXPIRED", Incompatible, false, "the code that was scanned has expired", "Scan the code that is on the screen now.";
    /// Another phone used the code first.
    AlreadyClaimed = 0x112, "ALREADY_CLAIMED", Peer, true, "another phone has used this code already", "Look at the primary phone: if the other phone is not yours, remove it there.";
    /// The primary shows no code now.
    NotPairing = 0x113, "NOT_PAIRING", Incompatible, false, "the other phone is not waiting to be paired", "Open the code on the primary phone, then scan it.";
    /// The code belongs to another exam.
    WrongExam = 0x114, "WRONG_EXAM", Incompatible, false, "the code belongs to another exam", "Check that both phones opened the same exam.";
    /// The person at the assistant said no.
    UserDeclined = 0x115, "USER_DECLINED", Caller, false, "pairing was declined on one of the phones", "Scan again and accept, if that was a mistake.";
    /// The six digits on the two screens differ.
    CheckCodeMismatch = 0x116, "CHECK_CODE_MISMATCH", Peer, true, "the six digits on the two screens differ", "Stop, and ask the exam office: somebody may sit between the phones.";
    /// The primary wants a hardware-attested key.
    AttestationRequired = 0x117, "ATTESTATION_REQUIRED", Incompatible, false, "this exam needs a phone with a certified key", "Use another phone as the assistant.";
    /// Too many attempts.
    RateLimited = 0x120, "RATE_LIMITED", World, false, "there were too many attempts", "Wait half a minute, then scan the new code.";
    /// All places are taken for the moment.
    Busy = 0x121, "BUSY", World, false, "the primary phone is busy with other connections", "Try again in a few seconds.";
    /// This device was taken out of the session.
    Revoked = 0x130, "REVOKED", Caller, false, "this phone was removed from the session", "Scan a new code if it should take part again.";
    /// The primary does not know this session.
    UnknownSession = 0x131, "UNKNOWN_SESSION", Incompatible, false, "the primary phone does not know this session", "Scan the code on the primary phone.";
    /// A resume with an epoch that was used before.
    StaleEpoch = 0x132, "STALE_EPOCH", Peer, false, "an old connection attempt arrived late", "Nothing to do: the phones go on by themselves.";
    /// Two devices use the same stored session.
    CloneSuspected = 0x133, "CLONE_SUSPECTED", Peer, true, "a copy of this phone's session was used elsewhere", "Stop, and ask the exam office.";
    /// A new device took over this role.
    Replaced = 0x134, "REPLACED", Caller, false, "another phone took over this phone's role", "Nothing to do on this phone.";
    /// A device contradicts what it showed before: its storage was set back, or changed.
    HistoryChanged = 0x135, "HISTORY_CHANGED", Peer, true, "a phone has lost or changed what it had shown", "Tell the exam office; another phone can take an assistant's place.";
    /// A defect of this implementation.
    Internal = 0x140, "INTERNAL", World, false, "the app met a defect of its own", "Start the app again; the session goes on.";
    /// The app is closing; the session goes on when it comes back.
    GoingAway = 0x141, "GOING_AWAY", World, false, "the app on the other phone was closed", "Open the app on the other phone again; the session goes on.";
}

/// A peer's breach of the protocol, or the end of its connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {}; {detail}", code.meaning())]
pub struct Fault {
    /// What it is called on the wire.
    pub code: CloseCode,
    /// Expected against got, for the log. Never holds secrets.
    pub detail: Detail,
}

/// What was expected and what came instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct Detail {
    /// What the specification allows at this point.
    pub expected: &'static str,
    /// What came.
    pub got: Got,
}

/// The offending thing, small enough to copy.
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
    fn a_fault_says_expected_and_got() {
        let fault = Fault::new(CloseCode::Version, "version 1", Got::Number(7));
        assert_eq!(
            fault.to_string(),
            "VERSION: the two apps speak different versions; expected version 1, got 7"
        );
    }
}
