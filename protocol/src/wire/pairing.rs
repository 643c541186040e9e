//! Messages that introduce a device: at its first scan, and after an outage.

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{BootId, Fingerprint, Label, Role, SessionId};
use crate::wire::field::{Field, bad, message};

/// The protocol's version, 1: the first byte of HELLO in every version, so that
/// two apps which do not fit can say so. `[WIRE-6]`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Version;

/// The cipher suite, 1: P-256, SHA-256, HMAC and HKDF.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Suite;

/// What an implementation can do beyond version 1; unknown bits are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities(pub u16);

/// What the primary wants of a pairing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CheckCode {
    /// No comparison.
    NotAsked,
    /// Both screens show six digits, and a person compares them.
    Asked,
}

message! {
    /// The assistant has scanned, and proves it. Its last 32 bytes are the proof
    /// over everything before them.
    pub struct Hello {
        /// 1.
        pub version: Version,
        /// Which code was scanned.
        pub epoch: u16,
        /// 1.
        pub suite: Suite,
        /// What the assistant can do.
        pub capabilities: Capabilities,
        /// Fresh random bytes.
        pub nonce: [u8; 16],
        /// The assistant's name for the primary's screen.
        pub label: Label,
        /// The assistant's own key, which TLS must have seen.
        pub key: Fingerprint,
        /// HMAC with the scanned secret.
        pub proof: [u8; 32],
    }
}

message! {
    /// The primary has let the assistant in, and proves that it made the code.
    pub struct Accept {
        /// The session.
        pub session: SessionId,
        /// The assistant's seat.
        pub role: Role,
        /// Which device in that seat: 1, and one more for each replacement.
        pub device: u8,
        /// Whether a person shall compare six digits.
        pub check_code: CheckCode,
        /// Fresh random bytes.
        pub nonce: [u8; 16],
        /// The primary's name for the assistant's screen.
        pub label: Label,
        /// The primary's own key, which TLS must have seen.
        pub key: Fingerprint,
        /// HMAC with the shown secret.
        pub proof: [u8; 32],
    }
    check assistant_seat;
}

message! {
    /// The assistant has verified the primary's proof.
    pub struct Confirm {
        /// HMAC with the key that both now share.
        pub mac: [u8; 32],
    }
}

message! {
    /// "I am still the one you paired." RESUME from the assistant, RESUMED from
    /// the primary. Its last 32 bytes are the MAC over everything before them.
    pub struct Resume {
        /// The session.
        pub session: SessionId,
        /// The assistant's seat.
        pub role: Role,
        /// Counts the resumptions of this assistant; each number is used once.
        pub epoch: u32,
        /// The sender's boot.
        pub boot: BootId,
        /// The head of the sender's journal.
        pub head: [u8; 32],
        /// How many records the sender's journal has.
        pub sequence: u64,
        /// How many of the receiver's records the sender holds.
        pub peer_sequence: u64,
        /// HMAC with the resume secret.
        pub mac: [u8; 32],
    }
    check resume_seat;
}

message! {
    /// Something that a person must see on both screens.
    pub struct Alarm {
        /// What happened.
        pub code: CloseCode,
        /// Whose seat it concerns.
        pub role: Role,
    }
}

/// The person has compared the six digits, and they are equal. No body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CheckCodeConfirmed;

fn assistant_seat(accept: &Accept) -> Result<(), Fault> {
    if accept.device == 0 {
        return Err(bad("a device number of 1 or more", accept.device));
    }
    seat(accept.role)
}

fn resume_seat(resume: &Resume) -> Result<(), Fault> {
    seat(resume.role)
}

fn seat(role: Role) -> Result<(), Fault> {
    if role.is_primary() { Err(bad("the seat of an assistant, 1 to 8", 0_u8)) } else { Ok(()) }
}

impl Field for Version {
    type Raw = u8;

    fn raw(&self) -> u8 {
        1
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        match raw {
            1 => Ok(Self),
            got => Err(Fault::new(CloseCode::Version, "version 1", Got::Number(got.into()))),
        }
    }
}

impl Field for Suite {
    type Raw = u8;

    fn raw(&self) -> u8 {
        1
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        match raw {
            1 => Ok(Self),
            got => Err(Fault::new(CloseCode::Version, "suite 1", Got::Number(got.into()))),
        }
    }
}

impl Field for Capabilities {
    type Raw = u16;

    fn raw(&self) -> u16 {
        self.0
    }

    fn parse(raw: u16) -> Result<Self, Fault> {
        Ok(Self(raw))
    }
}

impl Field for CheckCode {
    type Raw = u8;

    fn raw(&self) -> u8 {
        match self {
            Self::NotAsked => 0,
            Self::Asked => 1,
        }
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        match raw {
            0 => Ok(Self::NotAsked),
            1 => Ok(Self::Asked),
            got => Err(bad("flags 0 or 1", got)),
        }
    }
}

impl Field for CheckCodeConfirmed {
    type Raw = ();

    fn raw(&self) {}

    fn parse((): ()) -> Result<Self, Fault> {
        Ok(Self)
    }
}

impl Field for CloseCode {
    type Raw = u32;

    fn raw(&self) -> u32 {
        *self as u32
    }

    fn parse(raw: u32) -> Result<Self, Fault> {
        Self::from_code(raw.into()).ok_or_else(|| bad("a known close code", raw))
    }
}

/// Reads the version off a HELLO whose layout may be another version's.
/// `[WIRE-6]`
pub(super) fn check_version(hello: &[u8]) -> Result<(), Fault> {
    match hello.first() {
        Some(version) => Version::parse(*version).map(|_| ()),
        None => Ok(()),
    }
}
