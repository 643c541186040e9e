//! Keys that everybody who knows the seed can derive: real P-256, no secret.

use diptych_protocol::identity::{Fingerprint, PublicKey, SignFailed, Signature, Signer, sha256};
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::ops::{Invert as _, Reduce as _};
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::{FieldBytes, ProjectivePoint, Scalar};

/// A device's key.
#[derive(Clone)]
pub(crate) struct Key {
    secret: Scalar,
    public: PublicKey,
    /// The one nonce of this key, inverted, and what it makes of every signature.
    /// Whoever sees two of them knows the key, which everybody does here anyway; and
    /// a signature costs a hundredth of what an honest one does.
    inverse: Scalar,
    first_half: Scalar,
}

impl Key {
    pub(crate) fn of(seed: u64, device: usize) -> Self {
        let number = |what: &str| {
            let drawn = |attempt: u8| {
                let name = format!("{what} {seed} {device} {attempt}");
                SigningKey::from_slice(&sha256(name.as_bytes())).ok()
            };
            (0..).find_map(drawn).unwrap()
        };
        let key = number("key");
        let nonce = *number("nonce").as_nonzero_scalar();
        let point = (ProjectivePoint::GENERATOR * *nonce).to_affine();
        Self {
            secret: **key.as_nonzero_scalar(),
            public: PublicKey::from_sec1(key.verifying_key().to_sec1_point(false).as_bytes())
                .unwrap(),
            inverse: *nonce.invert(),
            first_half: Scalar::reduce(&point.x()),
        }
    }
}

impl Key {
    /// The school's proctor.
    pub(crate) fn proctor() -> Self {
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
        self.public
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        // FIPS 186-5, section 6.4.1, with the same nonce every time.
        let digest = Scalar::reduce(&FieldBytes::from(sha256(message)));
        let second_half = self.inverse * (digest + self.first_half * self.secret);
        let signature = p256::ecdsa::Signature::from_scalars(self.first_half, second_half);
        Ok(Signature(signature.map_err(|_| SignFailed)?.to_bytes().into()))
    }
}
