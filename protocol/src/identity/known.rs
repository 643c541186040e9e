//! A key whose signatures are checked again and again.
//!
//! A device checks a seal of its peer every five seconds, and whoever verifies a
//! session thousands, all of the same few keys. With sums of a key's multiples at hand,
//! a comb through both scalars (Lim and Lee, CRYPTO '94), a check doubles points 8 times
//! instead of 256 and adds 64, at less than a quarter of the cost. Every digit of a
//! scalar is made 1 or −1 (Hamburg, 2012), so that half of the sums are the others'
//! opposites and need not be kept. The arithmetic is the curve's own, only the order of
//! the additions is decided here; nothing in it is secret. Rejected: one block of each
//! word, which takes half as long to make and a third longer at every check.

use core::fmt;

use p256::elliptic_curve::BatchNormalize as _;
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::group::Group as _;
use p256::elliptic_curve::ops::{Invert as _, Reduce as _};
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};

use super::{PublicKey, Signature, sha256};

/// A scalar is read in so many words at once, one digit of each: the teeth of the comb.
const WORDS: usize = 8;
/// Digits of a word.
const WORD_DIGITS: usize = 256 / WORDS;
/// A word is read in so many blocks at once, which saves doubling.
const BLOCKS: usize = 4;
/// Digits of a block.
const BLOCK_DIGITS: usize = WORD_DIGITS / BLOCKS;
/// Every choice of signs of a block's teeth, but for the opposites.
const SUMS: usize = 1 << (WORDS - 1);

/// A public key, made ready to check many signatures. It answers what
/// [`PublicKey::verifies`] answers.
///
/// ```
/// # use diptych_protocol::identity::{KnownKey, PublicKey, Signature};
/// fn all_genuine(key: &PublicKey, signed: &[(Vec<u8>, Signature)]) -> bool {
///     let known = KnownKey::of(key);
///     signed.iter().all(|(message, signature)| known.verifies(message, signature))
/// }
/// ```
#[derive(Clone)]
pub struct KnownKey {
    generator: Comb,
    /// `None` for bytes that are no point of the curve.
    key: Option<Comb>,
}

/// What the first digits of a block add up to: the sum in which the most significant word
/// has a 1 and the choice `n` tells of the others, a bit `w` of 1 that the word `w` has a 1
/// and no −1, is at `n` behind the sums of all lower blocks. The least significant word is
/// the first.
#[derive(Clone)]
struct Comb(Vec<AffinePoint>);

impl Comb {
    fn of(point: ProjectivePoint) -> Self {
        let mut teeth = [[ProjectivePoint::IDENTITY; WORDS]; BLOCKS];
        let mut tooth = point;
        for word in 0..WORDS {
            for block in &mut teeth {
                block.iter_mut().skip(word).take(1).for_each(|of_word| *of_word = tooth);
                for _ in 0..BLOCK_DIGITS {
                    tooth = tooth.double();
                }
            }
        }
        let blocks = teeth.iter().map(|teeth| ProjectivePoint::batch_normalize(&sums(teeth)));
        Self(blocks.flatten().collect())
    }

    /// What the digits of one place in a block add up to, given the bit of each word that
    /// stands for it, the most significant first.
    fn sum(&self, block: usize, bits: impl Iterator<Item = u32>) -> Option<AffinePoint> {
        let choice = usize::try_from(bits.fold(0, |choice, bit| choice << 1 | bit)).ok()?;
        let of = |choice: usize| self.0.get(block * SUMS + choice).copied();
        match choice.checked_sub(SUMS) {
            Some(positive) => of(positive),
            None => of(SUMS - 1 - choice).map(|opposite| -opposite),
        }
    }
}

/// All sums of a block's teeth in which the last is not taken away.
fn sums(teeth: &[ProjectivePoint; WORDS]) -> [ProjectivePoint; SUMS] {
    let [others @ .., last] = teeth;
    let least = others.iter().fold(*last, |sum, tooth| sum - tooth);
    let mut sums = [least; SUMS];
    for (word, tooth) in others.iter().enumerate() {
        let (known, unknown) = sums.split_at_mut(1 << word);
        let twice = tooth.double();
        unknown.iter_mut().zip(known).for_each(|(sum, known)| *sum = *known + twice);
    }
    sums
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKey").finish_non_exhaustive()
    }
}

impl KnownKey {
    /// Computes what every check needs, in the time of about six checks without
    /// it, and saves three quarters of each.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let point = p256::PublicKey::from_sec1_bytes(key.sec1()).ok();
        Self {
            generator: Comb::of(ProjectivePoint::GENERATOR),
            key: point.map(|point| Comb::of(point.to_projective())),
        }
    }

    /// Whether `signature` over `message` was made with this key: FIPS 186-5, section
    /// 6.4.2. `[IDENTITY-3]`
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let Some(key) = &self.key else { return false };
        // Both numbers are from 1 to the order less 1, or it is no signature.
        let Ok(signature) = p256::ecdsa::Signature::from_slice(&signature.0) else { return false };
        let (r, s) = signature.split_scalars();
        let digest = Scalar::reduce(&FieldBytes::from(sha256(message)));
        let inverse = *s.invert_vartime();
        let (of_generator, of_key) = (digest * inverse, *r * inverse);
        let point = sum([(&self.generator, of_generator), (key, of_key)]);
        // Nothing has the coordinates of infinity, and 0 is no signature's number.
        Scalar::reduce(&point.to_affine().x()) == *r
    }
}

/// The sum of two points, each times its scalar.
fn sum(terms: [(&Comb, Scalar); 2]) -> ProjectivePoint {
    let terms = terms.map(|(comb, scalar)| (comb, words(signed(scalar))));
    let mut sum = ProjectivePoint::IDENTITY;
    for place in (0..BLOCK_DIGITS).rev() {
        sum = sum.double();
        for (comb, words) in &terms {
            for block in 0..BLOCKS {
                let bit = block * BLOCK_DIGITS + place;
                let chosen = comb.sum(block, words.iter().map(|word| word >> bit & 1));
                sum += chosen.unwrap_or(AffinePoint::IDENTITY);
            }
        }
    }
    sum
}

/// The number whose bits stand for the digits of a scalar, a 0 for −1: twice that, less
/// what 256 ones make, is the scalar.
fn signed(scalar: Scalar) -> Scalar {
    let ones = Scalar::reduce(&FieldBytes::from([u8::MAX; 32]));
    (scalar + ones) * Scalar::TWO_INV
}

/// The words of a scalar, the most significant first.
fn words(scalar: Scalar) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    let bytes = FieldBytes::from(scalar);
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(WORD_DIGITS / 8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer as _;

    fn public(key: &SigningKey) -> PublicKey {
        PublicKey::from_sec1(key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
    }

    /// Small and large secrets, and some between.
    fn keys() -> impl Iterator<Item = SigningKey> {
        let ends = [1_u64, 2, 3].map(Scalar::from);
        let between = (0..20_u8).map(|n| Scalar::reduce(&FieldBytes::from(sha256(&[n]))));
        let all = ends.into_iter().flat_map(|one| [one, -one]).chain(between);
        all.map(|secret| SigningKey::from_bytes(&FieldBytes::from(secret)).unwrap())
    }

    #[test]
    fn a_known_key_answers_what_the_key_answers() {
        // [IDENTITY-3]
        for key in keys() {
            let (public, known) = (public(&key), KnownKey::of(&public(&key)));
            for n in 0..10_u8 {
                let signature: p256::ecdsa::Signature = key.sign(&[n]);
                let genuine = Signature(signature.to_bytes().into());
                assert!(known.verifies(&[n], &genuine) && !known.verifies(&[n, n], &genuine));
                for byte in (usize::from(n)..64).step_by(10) {
                    let mut forged = genuine;
                    forged.0[byte] ^= 1 << (n % 8);
                    assert!(!known.verifies(&[n], &forged) && !public.verifies(&[n], &forged));
                }
            }
        }
    }

    #[test]
    fn numbers_outside_the_order_and_points_at_infinity_are_no_signatures() {
        // [IDENTITY-3]
        let key = keys().next().unwrap();
        let (public, known) = (public(&key), KnownKey::of(&public(&key)));
        let order: [u8; 32] = {
            let mut last: [u8; 32] = FieldBytes::from(-Scalar::ONE).into();
            last[31] += 1;
            last
        };
        let one: [u8; 32] = FieldBytes::from(Scalar::ONE).into();
        // With the secret 1, an `r` that is minus the digest adds up to infinity.
        let digest = Scalar::reduce(&FieldBytes::from(sha256(b"text")));
        let opposite: [u8; 32] = FieldBytes::from(-digest).into();
        for (r, s) in [([0; 32], one), (one, [0; 32]), (order, one), (one, order), (opposite, one)]
        {
            let mut signature = Signature([0; 64]);
            signature.0[..32].copy_from_slice(&r);
            signature.0[32..].copy_from_slice(&s);
            assert!(!known.verifies(b"text", &signature), "{r:?} {s:?}");
            assert!(!public.verifies(b"text", &signature), "{r:?} {s:?}");
        }
    }
}
