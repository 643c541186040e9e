//! The session's key: made, kept, and used to sign.
//!
//! One P-256 key per session, so that nothing links two exams of one person. The
//! same key proves the device in TLS, signs its certificate and seals its journal,
//! and all three go through one [`Signer`], so that a key which never leaves its
//! hardware can do everything that one in a file can. The certificate around it
//! says nothing: no subject, no name, dates that never matter, because a peer pins
//! the key and looks at nothing else. `[TRANSPORT-4]`
//!
//! Rejected: storing the certificate beside the key (it is made again at each
//! start; its pin is the key's hash and stays), a second path that hands the
//! private key to the TLS library (hardware could not follow it, and a fault in
//! only one of two paths is found late), and Ed25519 (the key stores of phones
//! hold P-256).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use diptych_protocol::identity::{Fingerprint, PublicKey, SignFailed, Signature, Signer};
use diptych_protocol::secret::SecretBytes;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::CertificateDer;
use rustls::{SignatureAlgorithm, SignatureScheme};
use tokio::sync::watch;

use crate::disk::{Disk, Private};
use crate::error::{KeyError, StorageError, StorageProblem};

/// This device in this session.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: SessionSigner,
}

impl Identity {
    /// Makes a new key in software.
    ///
    /// # Errors
    /// [`KeyError`] if the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pkcs8(fresh_pkcs8()?.expose())
    }

    /// Takes a key made earlier.
    ///
    /// # Errors
    /// [`KeyError::Format`] for anything but a P-256 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_signer(Box::new(SoftwareKey::from_pkcs8(der)?))
    }

    /// Takes a key that may never leave its hardware. It signs once here, for the
    /// certificate.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] if it does not sign; [`KeyError::Foreign`] if what it
    /// signs does not fit its public key.
    pub fn from_signer(signer: Box<dyn Signer>) -> Result<Self, KeyError> {
        let public = signer.public_key();
        let refusals = Arc::new(watch::Sender::new(0));
        let key = SessionSigner { public, signer: Arc::new(Mutex::new(signer)), refusals };
        let probe = b"diptych: is this the key?";
        let signature = key.sign_shared(probe).map_err(|_| KeyError::Unusable)?;
        if !public.verifies(probe, &signature) {
            return Err(KeyError::Foreign);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let certificate = params.self_signed(&key).map_err(|_| KeyError::Unusable)?.der().clone();
        Ok(Self { certificate, key })
    }

    /// The key kept on `disk`, or a new one that is then kept there.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be read, written or made.
    pub fn load_or_generate(disk: &mut dyn Disk) -> Result<Self, StorageError> {
        let damaged = |_| StorageError {
            path: Private::Key.file_name().into(),
            action: "use",
            problem: StorageProblem::Damaged { expected: "a P-256 private key" },
        };
        if let Some(der) = disk.load(Private::Key)? {
            return Self::from_pkcs8(der.expose()).map_err(damaged);
        }
        let fresh = fresh_pkcs8().map_err(damaged)?;
        let identity = Self::from_pkcs8(fresh.expose()).map_err(damaged)?;
        disk.store(Private::Key, fresh.expose())?;
        Ok(identity)
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.key.public
    }

    /// The pin that peers hold.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.key.public.fingerprint()
    }

    /// Signs journals with this key.
    #[must_use]
    pub fn signer(&self) -> SessionSigner {
        self.key.clone()
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// How often the key did not sign since it last did, for whoever tells the user.
    pub(crate) fn refusals(&self) -> watch::Receiver<u64> {
        self.key.refusals.subscribe()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// A new P-256 private key as PKCS#8, to be kept where only this app can read it.
///
/// # Errors
/// [`KeyError::Entropy`].
pub fn fresh_pkcs8() -> Result<SecretBytes, KeyError> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| KeyError::Entropy)?;
    Ok(SecretBytes::new(pair.serialize_der()))
}

/// A key in this process's memory.
struct SoftwareKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    random: SystemRandom,
}

impl SoftwareKey {
    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map_err(|_| KeyError::Format)?;
        let public = PublicKey::from_sec1(pair.public_key().as_ref());
        Ok(Self { public: public.map_err(|_| KeyError::Format)?, pair, random })
    }
}

impl Signer for SoftwareKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| SignFailed)?;
        signature.as_ref().try_into().map(Signature).map_err(|_| SignFailed)
    }
}

/// The session's key for whoever must sign with it: the journal, the certificate
/// and TLS share one. A key in hardware does one thing at a time, so they wait for
/// each other.
#[derive(Clone)]
pub struct SessionSigner {
    public: PublicKey,
    signer: Arc<Mutex<Box<dyn Signer>>>,
    refusals: Arc<watch::Sender<u64>>,
}

impl SessionSigner {
    fn sign_shared(&self, message: &[u8]) -> Result<Signature, SignFailed> {
        // A signer that panicked once is asked again; it answers for itself.
        let signed = self.signer.lock().unwrap_or_else(PoisonError::into_inner).sign(message);
        self.refusals.send_if_modified(|times| {
            let before = *times;
            *times = if signed.is_ok() { 0 } else { before.saturating_add(1) };
            *times != before
        });
        signed
    }

    fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>, SignFailed> {
        self.sign_shared(message)?.to_der()
    }
}

impl Signer for SessionSigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        self.sign_shared(message)
    }
}

impl rcgen::PublicKeyData for SessionSigner {
    fn der_bytes(&self) -> &[u8] {
        self.public.sec1()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for SessionSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.sign_der(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

impl rustls::sign::SigningKey for SessionSigner {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        offered.contains(&crate::tls::SCHEME).then(|| Box::new(self.clone()) as _)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl rustls::sign::Signer for SessionSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.sign_der(message).map_err(|failed| rustls::Error::General(failed.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        crate::tls::SCHEME
    }
}

impl fmt::Debug for SessionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionSigner({})", self.public.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_storage_and_signs_what_the_protocol_verifies() {
        // [TRANSPORT-4]
        let kept = fresh_pkcs8().unwrap();
        let identity = Identity::from_pkcs8(kept.expose()).unwrap();
        let again = Identity::from_pkcs8(kept.expose()).unwrap();
        assert_eq!(again.fingerprint(), identity.fingerprint());
        let signature = again.signer().sign(b"journal head").unwrap();
        assert!(identity.public_key().verifies(b"journal head", &signature));
        assert!(!identity.public_key().verifies(b"journal tail", &signature));
    }

    #[test]
    fn certificates_name_nobody_and_keys_are_never_reused() {
        // [TRANSPORT-4]
        let (one, two) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        assert_ne!(one.fingerprint(), two.fingerprint());
        let text = String::from_utf8_lossy(&one.certificate()).to_lowercase();
        for word in ["rcgen", "diptych", "localhost"] {
            assert!(!text.contains(word), "the certificate says {word:?}");
        }
    }

    #[test]
    fn keys_of_another_kind_or_no_keys_are_refused() {
        let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        for bytes in [ed25519.serialized_der(), b"", b"garbage"] {
            assert_eq!(Identity::from_pkcs8(bytes).unwrap_err(), KeyError::Format);
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let identity = Identity::generate().unwrap();
        let printed = format!("{identity:?} {:?}", identity.signer());
        assert!(printed.len() < 200, "{printed}");
    }

    /// Claims the key of another device.
    struct Liar(SoftwareKey, PublicKey);

    impl Signer for Liar {
        fn public_key(&self) -> PublicKey {
            self.1
        }

        fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
            self.0.sign(message)
        }
    }

    #[test]
    fn a_signer_that_does_not_own_its_public_key_is_refused_at_the_start() {
        let key = SoftwareKey::from_pkcs8(fresh_pkcs8().unwrap().expose()).unwrap();
        let other = Identity::generate().unwrap().public_key();
        let refused = Identity::from_signer(Box::new(Liar(key, other))).unwrap_err();
        assert_eq!(refused, KeyError::Foreign);
    }
}
