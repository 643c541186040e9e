//! Who says HELLO, and whether it was made with a code and by the key that TLS saw.
//!
//! Both checks have to pass before anything is told to the caller, so they are one call
//! that yields nothing but yes. Rejected: answering for each what was wrong (whoever
//! tries keys would learn which half fits).

use crate::fault::{CloseCode, Fault, Got};
use crate::pairing::Connection;
use crate::pairing::keys::{self, AssistantProof, Ends};
use crate::wire::{Control, Frame, Hello, Kind};

/// What a HELLO that passed is.
pub(super) enum Admitted {
    /// The first of a device that takes the seat.
    New,
    /// A repetition by the device that has claimed it.
    Again,
}

/// Who says HELLO.
pub(super) struct Caller<'a> {
    pub(super) connection: &'a Connection,
    pub(super) ends: Ends,
}

impl Caller<'_> {
    /// The proof is right, and the key in the message is the one that TLS saw.
    pub(super) fn verify(
        &self,
        proof: &AssistantProof,
        hello: &Hello,
        body: &[u8],
    ) -> Result<(), Fault> {
        let expected = proof.hello_proof(&self.ends, body);
        keys::verify(&expected, &hello.proof)?;
        keys::verify_key(&self.connection.peer, &[hello.key])?;
        Ok(())
    }
}

/// Only HELLO is expected here. `[PAIRING-16]`
pub(super) fn expect_hello(frame: &Frame) -> Result<Hello, Fault> {
    if frame.kind() == Kind::Hello
        && let Control::Hello(hello) = Control::decode(frame.kind(), frame.body())?
    {
        return Ok(hello);
    }
    Err(Fault::new(CloseCode::OutOfOrder, "HELLO", Got::Named(frame.kind().name())))
}
