//! Who is who: keys, their fingerprints, sessions, boots, roles and labels.
//!
//! Identity is a public key and never an address: two emulators may share one
//! address, and a phone changes its own mid-exam. Rejected: certificate subject
//! names and serial numbers (stable identifiers that leak), and device names as
//! identity (two phones may be called the same).

mod hex;
mod known;
mod signature;

pub use hex::Hex;
pub use known::KnownKey;
pub use signature::{SignFailed, Signature, Signer};

use core::fmt;

use p256::ecdsa::signature::Verifier as _;
use sha2::{Digest as _, Sha256};

use crate::limits;

/// The DER prefix of every P-256 SubjectPublicKeyInfo (RFC 5480 section 2): the
/// algorithm `ecPublicKey` on `prime256v1`, then a 65-byte uncompressed point.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A P-256 public key: an uncompressed point (SEC 1 section 2.3.3).
///
/// ```
/// # use diptych_protocol::identity::{IdentityError, PublicKey};
/// fn from_key_store(point: &[u8]) -> Result<PublicKey, IdentityError> {
///     PublicKey::from_sec1(point)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 65]);

/// SHA-256 of a key's SubjectPublicKeyInfo: what a QR code pins. `[IDENTITY-1]`
///
/// ```
/// # use diptych_protocol::identity::{Fingerprint, PublicKey};
/// fn trusted(proctor: &PublicKey) -> Vec<Fingerprint> {
///     vec![proctor.fingerprint()]
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// One exam session, drawn by the primary. 16 random bytes.
///
/// ```
/// # use diptych_protocol::identity::SessionId;
/// fn is_same(asked: SessionId, running: SessionId) -> bool {
///     asked == running
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// Which exam a code belongs to, without naming it: the first 8 bytes of the
/// SHA-256 of the exam system's opaque reference. `[TICKET-8]`
///
/// ```
/// # use diptych_protocol::identity::ExamTag;
/// assert_ne!(ExamTag::of("drawing, 2027"), ExamTag::of("colour, 2027"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExamTag(pub [u8; 8]);

/// One boot of one device: instants of different boots never compare.
///
/// ```
/// # use diptych_protocol::identity::BootId;
/// fn has_rebooted(before: BootId, now: BootId) -> bool {
///     before != now
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub [u8; 16]);

/// Which seat a device has in the session: `P`, or assistant `A1` to `A8`.
/// `[IDENTITY-4]`
///
/// ```
/// # use diptych_protocol::identity::Role;
/// assert_eq!(Role::new(1)?.to_string(), "A1");
/// # Ok::<(), diptych_protocol::identity::IdentityError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(u8);

/// A short name a person reads: 1 to 32 bytes of UTF-8 with no control and no
/// bidirectional-override characters. `[IDENTITY-5]`
///
/// ```
/// # use diptych_protocol::identity::Label;
/// assert_eq!(Label::new("behind, on the stand")?.as_str(), "behind, on the stand");
/// assert!(Label::new("").is_err());
/// # Ok::<(), diptych_protocol::identity::IdentityError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    bytes: [u8; limits::LABEL_BYTES],
    len: u8,
}

/// Why some bytes are not a [`PublicKey`], [`Role`] or [`Label`].
///
/// ```
/// # use diptych_protocol::identity::{IdentityError, Label};
/// fn named(by_user: &str) -> Result<Label, IdentityError> {
///     Label::new(by_user)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdentityError {
    /// Not the SubjectPublicKeyInfo of an uncompressed P-256 key.
    #[error(
        "expected a P-256 public key as 91 bytes of SubjectPublicKeyInfo, got another key type or length"
    )]
    Key,
    /// A role number above the limit.
    #[error("expected a role from 0 (primary) to {max}, got {got}", max = limits::ASSISTANTS)]
    Role {
        /// The number that came.
        got: u8,
    },
    /// Empty, too long, not UTF-8, or with characters that could deceive a reader.
    #[error(
        "expected a label of 1 to {} bytes of plain UTF-8 text without control characters",
        limits::LABEL_BYTES
    )]
    Label,
}

impl ExamTag {
    /// The tag of an exam, from the reference that the exam system gave it.
    #[must_use]
    pub fn of(reference: &str) -> Self {
        let mut tag = [0; 8];
        tag.iter_mut().zip(sha256(reference.as_bytes())).for_each(|(to, from)| *to = from);
        Self(tag)
    }
}

impl PublicKey {
    /// Takes the 65 bytes of an uncompressed point (`04 ‖ x ‖ y`).
    ///
    /// # Errors
    /// [`IdentityError::Key`] if they are not a point of the curve.
    pub fn from_sec1(point: &[u8]) -> Result<Self, IdentityError> {
        let bytes: [u8; 65] = point.try_into().map_err(|_| IdentityError::Key)?;
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&bytes).map_err(|_| IdentityError::Key)?;
        Ok(Self(bytes))
    }

    /// Takes the key out of a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`IdentityError::Key`] for any other algorithm, curve, form or length.
    /// `[IDENTITY-2]`
    pub fn from_spki(der: &[u8]) -> Result<Self, IdentityError> {
        let point = der.strip_prefix(&SPKI_PREFIX).ok_or(IdentityError::Key)?;
        Self::from_sec1(point)
    }

    /// The uncompressed point.
    #[must_use]
    pub const fn sec1(&self) -> &[u8; 65] {
        &self.0
    }

    /// The pin of this key. `[IDENTITY-1]`
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(SPKI_PREFIX);
        hash.update(self.0);
        Fingerprint(hash.finalize().into())
    }

    /// Whether `signature` over `message` was made with this key. `[IDENTITY-3]`
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.0) else { return false };
        let Ok(signature) = p256::ecdsa::Signature::from_slice(&signature.0) else { return false };
        key.verify(message, &signature).is_ok()
    }
}

impl Role {
    /// The device in front of the examinee, which shows the code.
    pub const PRIMARY: Self = Self(0);

    /// The `number`-th assistant, counted from 1, or the primary for 0.
    ///
    /// # Errors
    /// [`IdentityError::Role`] above [`limits::ASSISTANTS`].
    pub const fn new(number: u8) -> Result<Self, IdentityError> {
        if number > limits::ASSISTANTS {
            return Err(IdentityError::Role { got: number });
        }
        Ok(Self(number))
    }

    /// 0 for the primary, `n` for assistant `n`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether this is the primary's seat.
    #[must_use]
    pub const fn is_primary(self) -> bool {
        self.0 == 0
    }
}

impl Label {
    /// Checks and takes a label.
    ///
    /// # Errors
    /// [`IdentityError::Label`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        let deceptive = |c: char| {
            c.is_control()
                || matches!(c, '\u{061C}' | '\u{200E}'..='\u{200F}')
                || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        };
        if text.is_empty() || text.chars().any(deceptive) {
            return Err(IdentityError::Label);
        }
        let mut bytes = [0; limits::LABEL_BYTES];
        bytes.get_mut(..text.len()).ok_or(IdentityError::Label)?.copy_from_slice(text.as_bytes());
        let len = u8::try_from(text.len()).map_err(|_| IdentityError::Label)?;
        Ok(Self { bytes, len })
    }

    /// Reads the wire form: a length, then 32 bytes of which the rest is zero.
    ///
    /// # Errors
    /// [`IdentityError::Label`], also for padding that is not zero.
    pub fn from_wire(len: u8, bytes: &[u8; limits::LABEL_BYTES]) -> Result<Self, IdentityError> {
        let (used, rest) = bytes.split_at_checked(len.into()).ok_or(IdentityError::Label)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(IdentityError::Label);
        }
        Self::new(core::str::from_utf8(used).map_err(|_| IdentityError::Label)?)
    }

    /// The wire form: length and zero-padded bytes.
    #[must_use]
    pub const fn to_wire(self) -> (u8, [u8; limits::LABEL_BYTES]) {
        (self.len, self.bytes)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(used).unwrap_or_default()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ExamTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for ExamTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("P"),
            number => write!(f, "A{number}"),
        }
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use p256::ecdsa::signature::Signer as _;

    use super::*;

    /// A key that is the same in every run.
    pub(crate) struct Key(p256::ecdsa::SigningKey);

    impl Key {
        pub(crate) fn new(seed: u8) -> Self {
            Self(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
        }
    }

    impl Signer for Key {
        fn public_key(&self) -> PublicKey {
            let point = self.0.verifying_key().to_sec1_point(false);
            PublicKey::from_sec1(point.as_bytes()).unwrap()
        }

        fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
            let signature: p256::ecdsa::Signature = self.0.sign(message);
            Ok(Signature(signature.to_bytes().into()))
        }
    }

    #[test]
    fn roles_print_as_people_write_them() {
        // [IDENTITY-4]
        assert_eq!(Role::PRIMARY.to_string(), "P");
        assert_eq!(Role::new(2).unwrap().to_string(), "A2");
        let above = limits::ASSISTANTS + 1;
        assert_eq!(Role::new(above), Err(IdentityError::Role { got: above }));
    }

    #[test]
    fn labels_refuse_what_could_deceive() {
        // [IDENTITY-5]
        for bad in ["", "a\nb", "evil\u{202E}txt", &"x".repeat(33)] {
            assert_eq!(Label::new(bad), Err(IdentityError::Label), "{bad:?}");
        }
        // All that Unicode gives the property Bidi_Control.
        let marks = ['\u{061C}', '\u{200E}', '\u{200F}'].into_iter();
        let control = marks.chain('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}');
        for bad in control {
            assert_eq!(Label::new(&format!("a{bad}b")), Err(IdentityError::Label), "{bad:?}");
        }
        let label = Label::new("学生的手机").unwrap();
        let (len, bytes) = label.to_wire();
        assert_eq!(Label::from_wire(len, &bytes), Ok(label));
        let mut padded = bytes;
        padded[31] = b'!';
        assert_eq!(Label::from_wire(len, &padded), Err(IdentityError::Label));
    }

    /// The key of RFC 6979 appendix A.2.5, with its signature of "sample".
    const KEY: &str = "04\
        60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
        7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    const SIGNATURE: &str = "\
        efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
        f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn a_pin_is_the_hash_of_the_whole_key_info() {
        // [IDENTITY-1]: the value is computed by another program.
        let key = PublicKey::from_sec1(&bytes(KEY)).unwrap();
        let pin = "5a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4";
        assert_eq!(key.fingerprint().0.to_vec(), bytes(pin));
        let info = [SPKI_PREFIX.as_slice(), &bytes(KEY)].concat();
        assert_eq!(PublicKey::from_spki(&info), Ok(key));
    }

    #[test]
    fn a_signature_of_another_program_verifies_and_a_changed_one_does_not() {
        // [IDENTITY-3]
        let key = PublicKey::from_sec1(&bytes(KEY)).unwrap();
        let mut signature = Signature(bytes(SIGNATURE).try_into().unwrap());
        assert!(key.verifies(b"sample", &signature));
        assert!(!key.verifies(b"sampled", &signature));
        signature.0[63] ^= 1;
        assert!(!key.verifies(b"sample", &signature));
    }

    #[test]
    fn keys_of_another_type_are_refused() {
        // [IDENTITY-2]
        let ed25519 = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        assert_eq!(PublicKey::from_spki(&ed25519), Err(IdentityError::Key));
        assert_eq!(PublicKey::from_sec1(&[4; 65]), Err(IdentityError::Key), "not on the curve");
    }
}
