//! Pairing: how two phones that never met come to trust each other by one scan,
//! and how they recognise each other later without another.
//!
//! The primary shows a secret; the assistant proves that it saw it, over a TLS
//! connection that both keys take part in; the primary proves that it made it;
//! the assistant confirms. Then both hold a [`Paired`], which exists nowhere else
//! in the protocol: it is built in one function, which takes proof that the key
//! and the MAC were verified. No state that records or counts exists without it.
//!
//! "Connected" is not "paired". A TLS client believes to be connected before the
//! server has looked at its certificate, so nothing here follows from a
//! connection alone. `[PAIRING-1]`
//!
//! Rejected: a password-authenticated exchange (with 128 random bits a MAC is as
//! strong and has one round trip less), trust on first use (an exam has no second
//! use), and comparing digits as the only protection (people tap "equal").

mod caller;
mod claim;
mod keys;
mod offer;
mod resume;
mod secondary;
mod slots;
mod terms;

use crate::identity::{Label, PublicKey, Role, SessionId};
use crate::secret::{ChannelBinding, ResumeSecret};
use crate::wire::CheckCode;
use keys::{Ends, KeyVerified, MacVerified, SessionKeys};

pub use claim::Returned;
pub use offer::Offer;
pub use resume::{Examined, ExpectResumed, Membership, Standing};
pub use secondary::{Consent, ExpectAccept, Scanned, SendHello};
pub use terms::{EPOCHS_PER_SEAT, PairingAlarm, Refusal, Terms};

/// One TLS connection, as far as pairing cares.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The exporter value of this connection: label `EXPERIMENTAL diptych v1`,
    /// empty context, 32 bytes. `[PAIRING-12]`
    pub binding: ChannelBinding,
    /// The key whose possession TLS has proven.
    pub peer: PublicKey,
}

/// Proof that a peer scanned our code, or that we scanned the peer's, and that
/// both hold the keys that TLS saw.
#[derive(Clone, Debug)]
pub struct Paired {
    session: SessionId,
    role: Role,
    device: u8,
    peer: PublicKey,
    peer_label: Label,
    resume: ResumeSecret,
    check: CheckCode,
    check_code: u32,
    transcript: [u8; 32],
}

/// What both sides know of a pairing besides its keys.
#[derive(Debug)]
struct Seat {
    session: SessionId,
    role: Role,
    device: u8,
    peer: PublicKey,
    peer_label: Label,
    check: CheckCode,
}

impl Paired {
    /// The only way to a `Paired`: after the peer's key was found to be the one
    /// that it must be, and the peer's MAC over this exchange was verified.
    /// `[PAIRING-13]`
    fn new(seat: Seat, keys: SessionKeys, _key: KeyVerified, _mac: MacVerified) -> Self {
        let Seat { session, role, device, peer, peer_label, check } = seat;
        let SessionKeys { resume, check_code, transcript, .. } = keys;
        Self { session, role, device, peer, peer_label, resume, check, check_code, transcript }
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The assistant's seat: the peer's on the primary, one's own elsewhere.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Which device in that seat this pairing put there, counted from 1.
    #[must_use]
    pub const fn device(&self) -> u8 {
        self.device
    }

    /// The peer's key, to be pinned from now on.
    #[must_use]
    pub const fn peer(&self) -> &PublicKey {
        &self.peer
    }

    /// What the peer calls itself.
    #[must_use]
    pub const fn peer_label(&self) -> Label {
        self.peer_label
    }

    /// Proves this pairing on later connections.
    #[must_use]
    pub const fn resume(&self) -> &ResumeSecret {
        &self.resume
    }

    /// Whether a person shall compare the six digits.
    #[must_use]
    pub const fn check(&self) -> CheckCode {
        self.check
    }

    /// The six digits that both screens show: 0 to 999,999.
    #[must_use]
    pub const fn check_code(&self) -> u32 {
        self.check_code
    }

    /// The hash of the ticket, HELLO and ACCEPT.
    #[must_use]
    pub const fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Membership of the session, to be stored and resumed.
    #[must_use]
    pub fn membership(&self) -> Membership {
        Membership {
            session: self.session,
            role: self.role,
            peer: self.peer,
            resume: self.resume.clone(),
            epoch: 0,
            peer_boot: None,
        }
    }
}

impl Connection {
    fn seen_by_primary(&self, own: &PublicKey) -> Ends {
        Ends {
            binding: self.binding.clone(),
            primary: own.fingerprint(),
            assistant: self.peer.fingerprint(),
        }
    }

    fn seen_by_assistant(&self, own: &PublicKey) -> Ends {
        Ends {
            binding: self.binding.clone(),
            primary: self.peer.fingerprint(),
            assistant: own.fingerprint(),
        }
    }
}

#[cfg(test)]
mod tests;
