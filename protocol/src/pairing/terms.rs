//! What a primary offers, and what it says when it refuses.

use crate::address::Addresses;
use crate::fault::Fault;
use crate::identity::{ExamTag, Fingerprint, Label, PublicKey, Role, SessionId};
use crate::ticket::Flags;
use crate::wire::CheckCode;

/// Codes of one seat come from a range of epochs of its own, so that a HELLO belongs to
/// one seat. They begin again after 8,192 codes, 34 hours.
pub const EPOCHS_PER_SEAT: u16 = 8_192;

/// The epoch of the next code, within the range of the same seat.
pub(super) const fn epoch_after(epoch: u16) -> u16 {
    let within = epoch % EPOCHS_PER_SEAT;
    epoch - within + (within + 1) % EPOCHS_PER_SEAT
}

/// What is offered, and by whom.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The session to join.
    pub session: SessionId,
    /// The seat to take: an assistant's.
    pub role: Role,
    /// Which device in that seat: 1, and one more for each replacement.
    pub device: u8,
    /// The exam.
    pub exam: ExamTag,
    /// Who holds it, to be named in the code.
    pub issuer: Label,
    /// The primary's key.
    pub own: PublicKey,
    /// What the primary calls itself.
    pub label: Label,
    /// What the code says besides.
    pub flags: Flags,
    /// Where the primary listens.
    pub addresses: Addresses,
    /// The wall clock when the offer opens, in Unix seconds: a label in the code.
    pub unix_s: u32,
    /// The epoch of the first code. Seats have different ranges, of
    /// [`EPOCHS_PER_SEAT`], and offers of one seat begin at different places in it.
    pub first_epoch: u16,
}

impl Terms {
    /// Whether people shall compare six digits.
    pub(super) const fn check(&self) -> CheckCode {
        if self.flags.has(Flags::CHECK_CODE) { CheckCode::Asked } else { CheckCode::NotAsked }
    }
}

/// HELLO was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What the peer is told: only the code of it.
    pub fault: Fault,
    /// What a person must be told, here and on the paired device.
    pub alarm: Option<PairingAlarm>,
}

/// Something at the offer that looks like an attack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PairingAlarm {
    /// Another device has scanned the code that is taken already.
    SecondScan {
        /// What it calls itself.
        label: Label,
        /// Its key.
        key: Fingerprint,
    },
    /// Many wrong proofs: somebody guesses.
    Guessing,
}

impl From<Fault> for Box<Refusal> {
    fn from(fault: Fault) -> Self {
        Self::new(Refusal { fault, alarm: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_a_seat_stay_in_its_range() {
        // [PAIRING-17]
        for seat in 0..=u16::MAX / EPOCHS_PER_SEAT {
            let first = seat * EPOCHS_PER_SEAT;
            assert_eq!(epoch_after(first), first + 1);
            assert_eq!(epoch_after(first + (EPOCHS_PER_SEAT - 1)), first);
        }
    }
}
