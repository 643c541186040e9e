//! Keys that everybody who knows the seed can derive: real P-256, no secret.

use diptych_protocol::identity::{Fingerprint, PublicKey, SignFailed, Signature, Signer, sha256};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;

/// A device's key.
#[derive(Clone)]
pub(super) struct Key(SigningKey, PublicKey);

impl Key {
    pub(super) fn of(seed: u64, device: usize) -> Self {
        let key = (0_u8..).find_map(|attempt| {
            let name = format!("key {seed} {device} {attempt}");
            let key = SigningKey::from_slice(&sha256(name.as_bytes())).ok()?;
            let point = key.verifying_key().to_sec1_point(false);
            let public = PublicKey::from_sec1(point.as_bytes()).ok()?;
            Some(Self(key, public))
        });
        key.unwrap()
    }
}

impl Key {
    /// The school's proctor.
    pub(super) fn proctor() -> Self {
        Self::of(0, usize::MAX)
    }
}

/// The key whose statements every simulated primary takes.
#[must_use]
pub fn proctor() -> Fingerprint {
    Key::proctor().public_key().fingerprint()
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        self.1
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        Ok(Signature(signature.to_bytes().into()))
    }
}
