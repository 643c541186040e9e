//! A claim: the seat is one device's, if it confirms in time.
//!
//! Whoever claims and never comes back must not keep the seat; whoever did confirm
//! and was not heard must not lose it. Both look alike from here, so a claim can be
//! confirmed in two ways: by CONFIRM on the connection of ACCEPT, or, when that
//! connection died, by RESUME on another one. Only the claimant can make either:
//! both MACs come from the secret that this HELLO and this ACCEPT led to, and TLS
//! has seen the claimant's key. Rejected: a seat that is kept until a person frees
//! it, and an assistant that proves the code once more (after a restart it has only
//! what it stored, and a code is not worth storing).

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{Label, PublicKey};
use crate::pairing::keys::{self, Ends, SessionKeys};
use crate::pairing::slots::Slot;
use crate::pairing::terms::Terms;
use crate::pairing::{Connection, Membership, Paired, Seat, Standing};
use crate::time::{Instant, Primary};
use crate::wire::{Control, Frame, Kind, Resume};

/// A device has proven itself and was answered.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) peer: PublicKey,
    pub(super) slot: Slot,
    /// The nonce of the one ACCEPT that this claim gets, however often it is sent.
    pub(super) nonce: [u8; 16],
    pub(super) deadline: Instant<Primary>,
    pub(super) ends: Ends,
    pub(super) hello: Vec<u8>,
    pub(super) accept: Vec<u8>,
    pub(super) label: Label,
}

/// A claimant that has confirmed by RESUME.
#[derive(Clone, Debug)]
pub struct Returned {
    /// What CONFIRM would have led to.
    pub paired: Paired,
    /// The membership, with the number of this resumption.
    pub membership: Membership,
    /// RESUMED.
    pub answer: Frame,
    /// What the claimant said of its journal.
    pub request: Resume,
}

impl Claim {
    /// CONFIRM, on the connection that ACCEPT was sent on. `[PAIRING-8]`
    pub(super) fn confirm(
        &self,
        terms: &Terms,
        connection: &Connection,
        frame: &Frame,
    ) -> Result<Paired, Fault> {
        if self.ends.binding != connection.binding || self.peer != connection.peer {
            return Err(out_of_order("HELLO", frame));
        }
        let (Kind::Confirm, Control::Confirm(confirm)) =
            (frame.kind(), Control::decode(frame.kind(), frame.body())?)
        else {
            return Err(out_of_order("CONFIRM", frame));
        };
        let keys = self.keys();
        let mac = keys::verify(&keys.confirm, &confirm.mac)?;
        let key = keys::verify_key(&connection.peer, &[self.ends.assistant])?;
        Ok(Paired::new(self.seat(terms), keys, key, mac))
    }

    /// RESUME, on any other connection. `[PAIRING-27]`
    pub(super) fn resume(
        &self,
        terms: &Terms,
        connection: &Connection,
        frame: &Frame,
        standing: Standing,
    ) -> Result<Returned, Fault> {
        let keys = self.keys();
        let mut membership = Membership {
            session: terms.session,
            role: terms.role,
            peer: self.peer,
            resume: keys.resume.clone(),
            epoch: 0,
            peer_boot: None,
        };
        let examined = membership.examine(connection, &terms.own, frame)?;
        let key = keys::verify_key(&connection.peer, &[self.ends.assistant])?;
        let (answer, request) = (membership.answer(&examined, standing), *examined.request());
        let paired = Paired::new(self.seat(terms), keys, key, examined.verified());
        Ok(Returned { paired, membership, answer, request })
    }

    fn keys(&self) -> SessionKeys {
        self.slot.keys.session(&self.ends, &self.hello, &self.accept)
    }

    fn seat(&self, terms: &Terms) -> Seat {
        Seat {
            session: terms.session,
            role: terms.role,
            device: terms.device,
            peer: self.peer,
            peer_label: self.label,
            check: terms.check(),
        }
    }
}

const fn out_of_order(expected: &'static str, got: &Frame) -> Fault {
    Fault::new(CloseCode::OutOfOrder, expected, Got::Named(got.kind().name()))
}
