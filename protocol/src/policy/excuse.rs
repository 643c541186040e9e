//! Time that a proctor or server has signed off, as bytes that prove who did.
//!
//! An excuse changes a verdict, so it must not be possible to make one without
//! the key that the school trusts, to use one in another session, or to stretch
//! it. It is added beside the journals and rewrites nothing in them: the verdict
//! without it can be computed for ever. `[POLICY-29]`
//!
//! Rejected: excuses as words in the report, which anybody can type.

use super::Excuse;
use crate::identity::{Fingerprint, PublicKey, SessionId, SignFailed, Signature, Signer};
use crate::time::Instant;

/// Bytes of a signed excuse.
pub const EXCUSE_BYTES: usize = 176;

/// The first bytes, so that no other signed message can be an excuse.
const DOMAIN: &[u8; 16] = b"diptych excuse 1";
/// Bytes that the signature covers.
const SIGNED: usize = EXCUSE_BYTES - 64;

/// An excuse as it is stored and sent: nothing is proven yet. `[POLICY-29]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedExcuse {
    session: SessionId,
    excuse: Excuse,
    key: PublicKey,
    signature: Signature,
}

/// Why an excuse excuses nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExcuseError {
    /// Another length.
    #[error("expected {EXCUSE_BYTES} bytes, got {got}; ask for the file again")]
    Bytes {
        /// How many came.
        got: usize,
    },
    /// Something else.
    #[error("expected the bytes `diptych excuse 1` at its beginning; this is no excuse")]
    Domain,
    /// It ends before it begins.
    #[error("expected an excuse that ends after it begins, got {from_ns} to {to_ns} ns")]
    Order {
        /// Its start, in session time.
        from_ns: i64,
        /// Its end, in session time.
        to_ns: i64,
    },
    /// The key is none.
    #[error("expected a key that is a point of P-256; the file was changed")]
    Key,
    /// For another session.
    #[error("it excuses session {got}, not session {expected}")]
    OtherSession {
        /// The session that is judged.
        expected: SessionId,
        /// The one it was made for.
        got: SessionId,
    },
    /// Somebody whom the school does not trust.
    #[error("it was signed by key {got}, which is none of the keys that may excuse")]
    Foreign {
        /// Whose key.
        got: Fingerprint,
    },
    /// Not signed by its key, or changed afterwards.
    #[error("its signature does not hold: it was forged or changed")]
    Forged,
}

impl SignedExcuse {
    /// Signs an excuse for a session.
    ///
    /// # Errors
    /// [`SignFailed`] if the key does not sign.
    pub fn sign(
        session: SessionId,
        excuse: Excuse,
        signer: &mut dyn Signer,
    ) -> Result<Self, SignFailed> {
        let key = signer.public_key();
        let mut signed = Self { session, excuse, key, signature: Signature([0; 64]) };
        signed.signature = signer.sign(&signed.message())?;
        Ok(signed)
    }

    /// The stored form. `[POLICY-29]`
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.message();
        bytes.extend_from_slice(&self.signature.0);
        bytes
    }

    fn message(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(EXCUSE_BYTES);
        bytes.extend_from_slice(DOMAIN);
        bytes.extend_from_slice(&self.session.0);
        bytes.extend_from_slice(&self.excuse.start.nanos().to_le_bytes());
        bytes.extend_from_slice(&self.excuse.end.nanos().to_le_bytes());
        bytes.extend(self.key.sec1().iter().skip(1));
        bytes
    }

    /// Reads the stored form, without believing it.
    ///
    /// # Errors
    /// [`ExcuseError`] for anything that is no excuse.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExcuseError> {
        let whole: &[u8; EXCUSE_BYTES] =
            bytes.try_into().map_err(|_| ExcuseError::Bytes { got: bytes.len() })?;
        let take = |from: usize| whole.iter().copied().skip(from);
        if !take(0).take(DOMAIN.len()).eq(DOMAIN.iter().copied()) {
            return Err(ExcuseError::Domain);
        }
        let time = |from| {
            let mut nanos = [0; 8];
            nanos.iter_mut().zip(take(from)).for_each(|(to, byte)| *to = byte);
            Instant::from_nanos(i64::from_le_bytes(nanos))
        };
        let mut session = [0; 16];
        session.iter_mut().zip(take(16)).for_each(|(to, byte)| *to = byte);
        let (start, end) = (time(32), time(40));
        if start >= end {
            let (from_ns, to_ns) = (start.nanos(), end.nanos());
            return Err(ExcuseError::Order { from_ns, to_ns });
        }
        let mut point = [4; 65];
        point.iter_mut().skip(1).zip(take(48)).for_each(|(to, byte)| *to = byte);
        let key = PublicKey::from_sec1(&point).map_err(|_| ExcuseError::Key)?;
        let mut signature = [0; 64];
        signature.iter_mut().zip(take(SIGNED)).for_each(|(to, byte)| *to = byte);
        let signature = Signature(signature);
        Ok(Self { session: SessionId(session), excuse: Excuse { start, end }, key, signature })
    }

    /// The excuse, if one of the `trusted` keys signed it for `session`.
    /// `[POLICY-30]`
    ///
    /// # Errors
    /// [`ExcuseError`] says why it excuses nothing.
    pub fn proven(
        &self,
        session: SessionId,
        trusted: &[Fingerprint],
    ) -> Result<Excuse, ExcuseError> {
        if self.session != session {
            return Err(ExcuseError::OtherSession { expected: session, got: self.session });
        }
        let got = self.key.fingerprint();
        if !trusted.contains(&got) {
            return Err(ExcuseError::Foreign { got });
        }
        if !self.key.verifies(&self.message(), &self.signature) {
            return Err(ExcuseError::Forged);
        }
        Ok(self.excuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::Key;

    fn signed(by: &mut Key) -> SignedExcuse {
        let excuse = Excuse { start: Instant::from_nanos(5), end: Instant::from_nanos(9) };
        SignedExcuse::sign(SessionId([1; 16]), excuse, by).unwrap()
    }

    #[test]
    fn an_excuse_survives_its_bytes_and_no_bit_of_it_can_be_changed() {
        // [POLICY-29] [POLICY-30]
        let mut proctor = Key::new(3);
        let trusted = [proctor.public_key().fingerprint()];
        let bytes = signed(&mut proctor).to_bytes();
        let read = SignedExcuse::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        let excuse = read.proven(SessionId([1; 16]), &trusted).unwrap();
        assert_eq!((excuse.start.nanos(), excuse.end.nanos()), (5, 9));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let proven = SignedExcuse::from_bytes(&changed)
                .and_then(|read| read.proven(SessionId([1; 16]), &trusted));
            assert!(proven.is_err(), "bit {bit}");
        }
        for cut in 0..bytes.len() {
            let got = SignedExcuse::from_bytes(&bytes[..cut]);
            assert_eq!(got, Err(ExcuseError::Bytes { got: cut }));
        }
    }

    #[test]
    fn an_excuse_of_another_session_or_of_a_stranger_excuses_nothing() {
        // [POLICY-30]
        let (mut proctor, mut stranger) = (Key::new(3), Key::new(4));
        let trusted = [proctor.public_key().fingerprint()];
        let (expected, got) = (SessionId([2; 16]), SessionId([1; 16]));
        let other = signed(&mut proctor).proven(expected, &trusted);
        assert_eq!(other, Err(ExcuseError::OtherSession { expected, got }));
        let foreign = signed(&mut stranger).proven(got, &trusted);
        let got = stranger.public_key().fingerprint();
        assert_eq!(foreign, Err(ExcuseError::Foreign { got }));
    }
}
