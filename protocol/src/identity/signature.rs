//! Signatures, and keys that sign without showing themselves.
//!
//! A phone's best key lives in hardware that signs and never exports, and answers
//! in DER; TLS and certificates speak DER too, the journal keeps the two numbers.
//! So a signer is a trait of two methods, and both forms are one conversion apart.
//! Rejected: keys as bytes that the core signs with (what is in memory can be
//! copied, and hardware keys could not be used at all).

use super::PublicKey;

/// An ECDSA P-256 signature over SHA-256, as `r ‖ s`, 64 bytes. `[IDENTITY-3]`
///
/// ```
/// # use diptych_protocol::identity::{SignFailed, Signature};
/// fn from_key_store(der: &[u8]) -> Result<Signature, SignFailed> {
///     Signature::from_der(der)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

/// Signs with a key that may live in hardware. `[IDENTITY-3]`
///
/// The journal, the certificate and TLS sign with it, on threads of the host, one call
/// at a time, and the first on the thread that starts the session. The session waits
/// meanwhile: answer within a tenth of a second, and refuse rather than wait for the
/// user. Never call the session from here.
///
/// ```
/// # use diptych_protocol::identity::{PublicKey, SignFailed, Signature, Signer};
/// # trait KeyStore: Send { fn sign(&self, message: &[u8]) -> Option<Vec<u8>>; }
/// /// A key of the platform's key store, which signs and never shows it.
/// struct Hardware {
///     store: Box<dyn KeyStore>,
///     public: PublicKey,
/// }
///
/// impl Signer for Hardware {
///     fn public_key(&self) -> PublicKey {
///         self.public
///     }
///
///     fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
///         Signature::from_der(&self.store.sign(message).ok_or(SignFailed)?)
///     }
/// }
/// ```
pub trait Signer: Send {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// Signs `message` with ECDSA P-256 over SHA-256.
    ///
    /// # Errors
    /// When the key cannot be used now; the machine records that it could not
    /// sign and goes on.
    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed>;
}

impl Signature {
    /// Takes a signature in DER (`ECDSA-Sig-Value`, RFC 3279 section 2.2.3), the
    /// form in which the key stores of phones give it.
    ///
    /// # Errors
    /// [`SignFailed`] if it is no such signature.
    pub fn from_der(der: &[u8]) -> Result<Self, SignFailed> {
        let parsed = p256::ecdsa::Signature::from_der(der).map_err(|_| SignFailed)?;
        parsed.to_bytes().as_slice().try_into().map(Self).map_err(|_| SignFailed)
    }

    /// The same signature in DER, as TLS and certificates carry it.
    ///
    /// # Errors
    /// [`SignFailed`] if one of its two numbers is not of the curve.
    pub fn to_der(&self) -> Result<Vec<u8>, SignFailed> {
        let parsed = p256::ecdsa::Signature::from_slice(&self.0).map_err(|_| SignFailed)?;
        Ok(parsed.to_der().as_bytes().to_vec())
    }
}

/// The signing key could not be used.
///
/// ```
/// # use diptych_protocol::identity::SignFailed;
/// fn unlocked(signed: Option<Vec<u8>>) -> Result<Vec<u8>, SignFailed> {
///     signed.ok_or(SignFailed)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the device's signing key could not be used; unlock the device and try again")]
pub struct SignFailed;
