//! Bytes that must not be printed, compared in variable time, or left in memory.
//!
//! A secret that derives `Debug` ends up in a bug report; one that derives
//! `PartialEq` tells an attacker how many of its bytes were right. Each secret
//! of the protocol therefore has one type, here, and the only ways to use it are
//! to feed it to a key derivation or to compare it in constant time.
//!
//! Rejected: one `Key` type with a purpose tag checked at run time; a secret
//! used for the wrong purpose should not compile.

use core::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes: zeroed on drop, compared in constant time, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

/// The 128 random bits that the QR code carries. `[TICKET-6]`
pub type PairingSecret = Secret<16>;

/// What the TLS 1.3 exporter (RFC 8446 section 7.5) yields for one connection:
/// both ends know it, nobody between them does.
pub type ChannelBinding = Secret<32>;

/// Proves, on a new connection, membership of a session paired earlier.
pub type ResumeSecret = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Takes ownership of secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a key derivation or for storage that the system protects.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether every byte is zero, which no honest generator ever yields.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.ct_eq(&[0; N]).into()
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(redacted)")
    }
}

/// Secret bytes as a file holds them, of any length: zeroed on drop, compared in
/// constant time, never printed.
///
/// A vector that grows leaves its former bytes in memory: give the one that becomes
/// secret bytes its whole capacity before anything is written to it.
///
/// ```
/// use diptych_protocol::secret::SecretBytes;
///
/// let kept = SecretBytes::new(b"resume secret".to_vec());
/// assert_eq!(format!("{kept:?}"), "SecretBytes(redacted)");
/// ```
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership of secret bytes.
    ///
    /// ```
    /// # use diptych_protocol::secret::SecretBytes;
    /// assert!(SecretBytes::new(Vec::new()).is_empty());
    /// ```
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for storage that the system protects, or for whoever reads them.
    ///
    /// ```
    /// # use diptych_protocol::secret::SecretBytes;
    /// # fn example(kept: &SecretBytes) -> std::io::Result<()> {
    /// std::fs::write("private", kept.expose())
    /// # }
    /// ```
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use diptych_protocol::secret::SecretBytes;
    /// assert!(SecretBytes::default().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}

/// Compares two authenticators in constant time.
#[must_use]
pub fn same_mac(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.ct_eq(right).into()
}

/// Everything random that a machine ever draws, expanded from one seed.
///
/// The caller supplies 32 bytes from the system's generator; the machine stays
/// a pure function of its inputs, so a simulation replays byte for byte from
/// its seed. Expansion is HKDF-SHA-256 (RFC 5869) with a counter as `info`, a
/// pseudo-random function: outputs reveal neither the seed nor one another.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Entropy {
    seed: [u8; 32],
    drawn: u64,
}

impl Entropy {
    /// Starts from a seed that nobody else knows and that is used once.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Draws `N` fresh bytes (`N` ≤ 8,160, the most that HKDF yields at once).
    pub fn draw<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= 255 * 32, "HKDF-SHA-256 yields at most 8,160 bytes") };
        let mut bytes = [0; N];
        let info = self.drawn.to_le_bytes();
        self.drawn = self.drawn.wrapping_add(1);
        // Cannot fail: N was checked above at compile time.
        _ = Hkdf::<Sha256>::new(Some(b"diptych entropy v1"), &self.seed).expand(&info, &mut bytes);
        bytes
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entropy(redacted, {} drawn)", self.drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_reveals_nothing() {
        let text = format!("{:?} {:?}", Secret::new([0xAB; 16]), Entropy::new([0xCD; 32]));
        assert_eq!(text, "Secret<16>(redacted) Entropy(redacted, 0 drawn)");
    }

    #[test]
    fn draws_differ_and_replay_from_the_seed() {
        let mut one = Entropy::new([7; 32]);
        let mut two = Entropy::new([7; 32]);
        let (first, second) = (one.draw::<16>(), one.draw::<16>());
        assert_ne!(first, second);
        assert_eq!((first, second), (two.draw(), two.draw()));
    }
}
