//! What a proctor or server says of a session, as bytes that prove who said it.
//!
//! A statement changes a verdict, so it must not be possible to make one without
//! the key that the school trusts, to use one in another session, or to stretch
//! it. It is added to what the devices wrote and rewrites nothing: the verdict
//! without it can be computed for ever. `[POLICY-29]`
//!
//! A pause that has not ended yet is a statement of its own, because who pauses an
//! exam does not know for how long. Rejected: statements as words in the report,
//! which anybody can type, and the keys that count in the policy, because the
//! devices' owner must not choose who excuses.

use super::{Excuse, Verdict};
use crate::identity::{Fingerprint, PublicKey, SessionId, SignFailed, Signature, Signer};
use crate::time::{Instant, Primary};

/// Bytes of a signed statement.
pub const STATEMENT_BYTES: usize = 176;

/// Bytes that the signature covers.
const SIGNED: usize = STATEMENT_BYTES - 64;

// The first bytes say what it is, so that no other signed message can be one.
const EXCUSE: &[u8; 16] = b"diptych excuse 1";
const PAUSE: &[u8; 16] = b"diptych pause  1";
const RESUME: &[u8; 16] = b"diptych resume 1";
const VERDICT: &[u8; 16] = b"diptych verdict1";

/// What is stated. `[POLICY-29]`
///
/// ```
/// # use diptych_protocol::policy::{Excuse, Statement};
/// # use diptych_protocol::time::{Instant, Primary, Span};
/// fn two_minutes_off(from: Instant<Primary>) -> Statement {
///     Statement::Excuse(Excuse { start: from, end: from + Span::from_secs(120) })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Statement {
    /// Time that does not count.
    Excuse(Excuse),
    /// From here on time does not count, until a [`Statement::Resume`].
    Pause(Instant<Primary>),
    /// From here on time counts again.
    Resume(Instant<Primary>),
    /// A person has decided.
    Override(Override),
}

/// A verdict that a person gives. `[POLICY-32]`
///
/// ```
/// # use diptych_protocol::policy::{Decision, Override, Statement};
/// fn passed(wall_ms: i64) -> Statement {
///     Statement::Override(Override { wall_ms, decision: Decision::Pass })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Override {
    /// When it was decided, as Unix time in milliseconds: the latest one holds.
    pub wall_ms: i64,
    /// What was decided.
    pub decision: Decision,
}

/// What a person can decide; of two at one time the greater one holds.
///
/// ```
/// # use diptych_protocol::policy::{Decision, Verdict};
/// assert_eq!(Decision::Pass.verdict(), Verdict::Pass);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Decision {
    /// The session fails.
    Fail,
    /// The session passes.
    Pass,
}

impl Decision {
    /// The verdict that it gives.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Fail => Verdict::Fail,
        }
    }
}

/// A statement as it is stored and sent: nothing is proven yet. `[POLICY-29]`
///
/// ```
/// # use diptych_protocol::identity::{SessionId, SignFailed, Signer};
/// # use diptych_protocol::policy::{SignedStatement, Statement};
/// fn handed_in(
///     session: SessionId,
///     statement: Statement,
///     proctor: &mut dyn Signer,
/// ) -> Result<Vec<u8>, SignFailed> {
///     Ok(SignedStatement::sign(session, statement, proctor)?.to_bytes())
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedStatement {
    session: SessionId,
    statement: Statement,
    key: PublicKey,
    signature: Signature,
}

/// A statement of somebody who may make it. `[POLICY-30]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proven {
    /// What was stated.
    pub statement: Statement,
    /// Whose key signed it.
    pub by: Fingerprint,
}

/// Why a statement states nothing.
///
/// ```
/// # use diptych_protocol::policy::SignedStatement;
/// let told = SignedStatement::from_bytes(b"diptych excuse 1").map_err(|error| error.to_string());
/// assert!(told.is_err_and(|told| told.contains("ask for the file again")));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StatementError {
    /// Another length.
    #[error("expected {STATEMENT_BYTES} bytes, got {got}; ask for the file again")]
    Bytes {
        /// How many came.
        got: usize,
    },
    /// Something else.
    #[error("expected a statement's first bytes, such as `diptych excuse 1`; this is none")]
    Domain,
    /// It ends before it begins.
    #[error("expected an excuse that ends after it begins, got {from_ns} to {to_ns} ns")]
    Order {
        /// Its start, in session time.
        from_ns: i64,
        /// Its end, in session time.
        to_ns: i64,
    },
    /// A decision that nobody can make, or bytes that must be zero.
    #[error("expected {expected} at byte {offset}, got {got}; ask for the file again")]
    Field {
        /// Where.
        offset: usize,
        /// What is allowed there.
        expected: &'static str,
        /// What came.
        got: i64,
    },
    /// The key is none.
    #[error("expected a key that is a point of P-256; the file was changed")]
    Key,
    /// For another session.
    #[error("it is about session {got}, not about session {expected}")]
    OtherSession {
        /// The session that is judged.
        expected: SessionId,
        /// The one it was made for.
        got: SessionId,
    },
    /// Somebody whom the school does not trust.
    #[error("it was signed by key {got}, which is none of the keys that are trusted here")]
    Foreign {
        /// Whose key.
        got: Fingerprint,
    },
    /// Not signed by its key, or changed afterwards.
    #[error("its signature does not hold: it was forged or changed")]
    Forged,
}

impl Statement {
    /// Its first bytes, and its two numbers.
    const fn parts(&self) -> (&'static [u8; 16], i64, i64) {
        match self {
            Self::Excuse(Excuse { start, end }) => (EXCUSE, start.nanos(), end.nanos()),
            Self::Pause(at) => (PAUSE, at.nanos(), 0),
            Self::Resume(at) => (RESUME, at.nanos(), 0),
            Self::Override(Override { wall_ms, decision }) => {
                (VERDICT, matches!(decision, Decision::Fail) as i64, *wall_ms)
            }
        }
    }

    fn of(domain: [u8; 16], first: i64, second: i64) -> Result<Self, StatementError> {
        let at = Instant::from_nanos(first);
        match &domain {
            EXCUSE if first >= second => {
                Err(StatementError::Order { from_ns: first, to_ns: second })
            }
            EXCUSE => Ok(Self::Excuse(Excuse { start: at, end: Instant::from_nanos(second) })),
            PAUSE | RESUME if second != 0 => {
                Err(StatementError::Field { offset: 40, expected: "0", got: second })
            }
            PAUSE => Ok(Self::Pause(at)),
            RESUME => Ok(Self::Resume(at)),
            VERDICT => {
                let decision = match first {
                    0 => Decision::Pass,
                    1 => Decision::Fail,
                    got => {
                        let expected = "0 (PASS) or 1 (FAIL)";
                        return Err(StatementError::Field { offset: 32, expected, got });
                    }
                };
                Ok(Self::Override(Override { wall_ms: second, decision }))
            }
            _ => Err(StatementError::Domain),
        }
    }
}

impl SignedStatement {
    /// Signs a statement about a session.
    ///
    /// # Errors
    /// [`SignFailed`] if the key does not sign.
    pub fn sign(
        session: SessionId,
        statement: Statement,
        signer: &mut dyn Signer,
    ) -> Result<Self, SignFailed> {
        let key = signer.public_key();
        let mut signed = Self { session, statement, key, signature: Signature([0; 64]) };
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
        let (domain, first, second) = self.statement.parts();
        let mut bytes = Vec::with_capacity(STATEMENT_BYTES);
        bytes.extend_from_slice(domain);
        bytes.extend_from_slice(&self.session.0);
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&second.to_le_bytes());
        bytes.extend(self.key.sec1().iter().skip(1));
        bytes
    }

    /// Reads the stored form, without believing it.
    ///
    /// # Errors
    /// [`StatementError`] for anything that is no statement.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let whole: &[u8; STATEMENT_BYTES] =
            bytes.try_into().map_err(|_| StatementError::Bytes { got: bytes.len() })?;
        let number = |from| i64::from_le_bytes(part(whole, from));
        let statement = Statement::of(part(whole, 0), number(32), number(40))?;
        let mut point = [4; 65];
        point.iter_mut().skip(1).zip(part::<64>(whole, 48)).for_each(|(to, byte)| *to = byte);
        let key = PublicKey::from_sec1(&point).map_err(|_| StatementError::Key)?;
        let signature = Signature(part(whole, SIGNED));
        Ok(Self { session: SessionId(part(whole, 16)), statement, key, signature })
    }

    /// The statement, if one of the `trusted` keys signed it for `session`.
    /// `[POLICY-30]`
    ///
    /// # Errors
    /// [`StatementError`] says why it states nothing.
    pub fn proven(
        &self,
        session: SessionId,
        trusted: &[Fingerprint],
    ) -> Result<Proven, StatementError> {
        if self.session != session {
            return Err(StatementError::OtherSession { expected: session, got: self.session });
        }
        let got = self.key.fingerprint();
        if !trusted.contains(&got) {
            return Err(StatementError::Foreign { got });
        }
        if !self.key.verifies(&self.message(), &self.signature) {
            return Err(StatementError::Forged);
        }
        Ok(Proven { statement: self.statement, by: got })
    }
}

/// So many bytes from `from` on.
fn part<const N: usize>(whole: &[u8; STATEMENT_BYTES], from: usize) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(whole.iter().skip(from)).for_each(|(to, byte)| *to = *byte);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::Key;

    const SESSION: SessionId = SessionId([1; 16]);

    fn all() -> [Statement; 5] {
        let at = Instant::from_nanos;
        [
            Statement::Excuse(Excuse { start: at(5), end: at(9) }),
            Statement::Pause(at(-7)),
            Statement::Resume(at(7)),
            Statement::Override(Override { wall_ms: 8, decision: Decision::Pass }),
            Statement::Override(Override { wall_ms: 8, decision: Decision::Fail }),
        ]
    }

    #[test]
    fn a_statement_survives_its_bytes_and_no_bit_of_it_can_be_changed() {
        // [POLICY-29] [POLICY-30]
        let mut proctor = Key::new(3);
        let by = proctor.public_key().fingerprint();
        for statement in all() {
            let bytes = SignedStatement::sign(SESSION, statement, &mut proctor).unwrap().to_bytes();
            let read = SignedStatement::from_bytes(&bytes).unwrap();
            assert_eq!(read.to_bytes(), bytes);
            assert_eq!(read.proven(SESSION, &[by]), Ok(Proven { statement, by }));
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let proven = SignedStatement::from_bytes(&changed)
                    .and_then(|read| read.proven(SESSION, &[by]));
                assert!(proven.is_err(), "bit {bit} of {statement:?}");
            }
            for cut in 0..bytes.len() {
                let got = SignedStatement::from_bytes(&bytes[..cut]);
                assert_eq!(got, Err(StatementError::Bytes { got: cut }));
            }
        }
    }

    #[test]
    fn a_statement_about_another_session_or_of_a_stranger_states_nothing() {
        // [POLICY-30]
        let (mut proctor, mut stranger) = (Key::new(3), Key::new(4));
        let trusted = [proctor.public_key().fingerprint()];
        let signed = |by: &mut Key| SignedStatement::sign(SESSION, all()[0], by).unwrap();
        let (expected, got) = (SessionId([2; 16]), SESSION);
        let other = signed(&mut proctor).proven(expected, &trusted);
        assert_eq!(other, Err(StatementError::OtherSession { expected, got }));
        let foreign = signed(&mut stranger).proven(got, &trusted);
        let got = stranger.public_key().fingerprint();
        assert_eq!(foreign, Err(StatementError::Foreign { got }));
    }
}
