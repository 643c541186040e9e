//! The session's key: made, kept, and used to sign.
//!
//! One fresh P-256 key per session, so that nothing links two exams of one
//! person. The same key proves the device in TLS and signs its journal. The
//! certificate around it says nothing: no subject, no name, dates that never
//! matter, because a peer pins the key and looks at nothing else. `[TRANSPORT-4]`
//!
//! Rejected: storing the certificate beside the key (it is made again from the
//! key at each start; its pin is the key's hash and stays), and Ed25519 (the key
//! stores of phones hold P-256).

use std::sync::Arc;

use diptych_protocol::identity::{Fingerprint, PublicKey, SignFailed, Signature, Signer};
use rcgen::{
    CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::disk::{Disk, Private};
use crate::error::{KeyError, StorageError, StorageProblem};

/// This device in this session.
pub struct Identity {
    pkcs8: Zeroizing<Vec<u8>>,
    certificate: CertificateDer<'static>,
    signing: Arc<EcdsaKeyPair>,
    public: PublicKey,
}

impl Identity {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError`] if the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| KeyError::Entropy)?;
        Self::from_pkcs8(pair.serialized_der())
    }

    /// Takes a key made earlier.
    ///
    /// # Errors
    /// [`KeyError::Format`] for anything but a P-256 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pkcs8 = PrivatePkcs8KeyDer::from(der.to_vec());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| KeyError::Format)?;
        let public =
            PublicKey::from_spki(&pair.subject_public_key_info()).map_err(|_| KeyError::Format)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let certificate = params.self_signed(&pair).map_err(|_| KeyError::Unusable)?.der().clone();
        let signing =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                .map_err(|_| KeyError::Format)?;
        let pkcs8 = Zeroizing::new(der.to_vec());
        Ok(Self { pkcs8, certificate, signing: Arc::new(signing), public })
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
        if let Some(der) = disk.load(Private::Key)?.map(Zeroizing::new) {
            return Self::from_pkcs8(&der).map_err(damaged);
        }
        let fresh = Self::generate().map_err(damaged)?;
        disk.store(Private::Key, &fresh.pkcs8)?;
        Ok(fresh)
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The pin that peers hold.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// The private key as PKCS#8, to be kept where only this app can read it.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Signs journals with this key.
    #[must_use]
    pub fn signer(&self) -> SessionSigner {
        SessionSigner {
            key: self.signing.clone(),
            public: self.public,
            random: SystemRandom::new(),
        }
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()).into()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// A [`Signer`] in software, with the session's own key.
pub struct SessionSigner {
    key: Arc<EcdsaKeyPair>,
    public: PublicKey,
    random: SystemRandom,
}

impl Signer for SessionSigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        let signature = self.key.sign(&self.random, message).map_err(|_| SignFailed)?;
        signature.as_ref().try_into().map(Signature).map_err(|_| SignFailed)
    }
}

impl std::fmt::Debug for SessionSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionSigner({})", self.public.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_storage_and_signs_what_the_protocol_verifies() {
        // [TRANSPORT-4]
        let identity = Identity::generate().unwrap();
        let again = Identity::from_pkcs8(identity.pkcs8()).unwrap();
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
}
