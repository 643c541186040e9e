//! The key schedule: from one scanned secret to everything that both devices
//! share.
//!
//! Four things must be true before two phones may trust each other: the
//! assistant saw this screen, it talks to the primary over this very connection,
//! each side holds the key that TLS saw, and nobody changed a message. The TLS
//! 1.3 exporter covers the connection and the server, but is fixed before the
//! client shows its certificate. So every MAC here covers the ticket, the
//! exporter value, both key hashes and the message. `[PAIRING-4]`
//!
//! Rejected: a MAC over the exporter alone, as others do (it does not cover the
//! client's key), and one key for both directions (a reflected proof would
//! verify).

use core::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{Fingerprint, PublicKey, sha256};
use crate::limits;
use crate::secret::{ChannelBinding, PairingSecret, ResumeSecret, Secret, same_mac};
use crate::ticket::Ticket;

/// The salt that names this protocol and version.
const SALT: &[u8] = b"diptych-pair-v1";

/// RFC 4648 section 6, without padding.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Proof that an authenticator was compared and found equal. Only [`verify`]
/// makes one.
#[derive(Debug)]
pub(super) struct MacVerified(());

/// Proof that the peer's key was compared with the one it must have. Only
/// [`verify_key`] makes one.
#[derive(Debug)]
pub(super) struct KeyVerified(());

/// Both ends of one connection, as TLS saw them.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    pub(super) binding: ChannelBinding,
    pub(super) primary: Fingerprint,
    pub(super) assistant: Fingerprint,
}

/// What one ticket gives to those who know it.
#[derive(Clone, Debug)]
pub(super) struct TicketKeys {
    secret: PairingSecret,
    assistant: AssistantProof,
    primary: Secret<32>,
    discovery: String,
}

/// Recognises those who scanned a ticket, and can do nothing else: what is kept
/// of a ticket whose secret is wiped.
#[derive(Clone, Debug)]
pub(super) struct AssistantProof {
    digest: [u8; 32],
    key: Secret<32>,
}

/// What HELLO and ACCEPT together give to both sides.
pub(super) struct SessionKeys {
    pub(super) confirm: [u8; 32],
    pub(super) resume: ResumeSecret,
    pub(super) check_code: u32,
    pub(super) transcript: [u8; 32],
}

impl TicketKeys {
    /// `K0 = HKDF-Extract("diptych-pair-v1", secret)` and its descendants.
    /// `[PAIRING-3]`
    pub(super) fn new(ticket: &Ticket) -> Self {
        let root = extract(SALT, ticket.secret.expose());
        Self {
            secret: ticket.secret.clone(),
            assistant: AssistantProof {
                digest: ticket.digest(),
                key: expand(&root, &[b"proof assistant"]),
            },
            primary: expand(&root, &[b"proof primary"]),
            discovery: base32(expand::<8>(&root, &[b"mdns label"]).expose()),
        }
    }

    /// What an assistant can show, and a primary recognises, without the rest.
    pub(super) const fn assistant(&self) -> &AssistantProof {
        &self.assistant
    }

    /// The name of this ticket in local discovery. `[PAIRING-5]`
    pub(super) fn discovery(&self) -> &str {
        &self.discovery
    }

    /// The proof of ACCEPT: the primary made this ticket. `[PAIRING-7]`
    pub(super) fn accept_proof(&self, ends: &Ends, hello: &[u8], accept: &[u8]) -> [u8; 32] {
        let digest = &self.assistant.digest;
        ends.mac(&self.primary, digest, &[&sha256(hello), &sha256(without_mac(accept))])
    }

    /// The keys of the session that `hello` and `accept` begin. `[PAIRING-8]`
    pub(super) fn session(&self, ends: &Ends, hello: &[u8], accept: &[u8]) -> SessionKeys {
        let digest = &self.assistant.digest;
        let transcript = sha256(&[digest.as_slice(), hello, accept].concat());
        let root = extract(ends.binding.expose(), self.secret.expose());
        let confirm = expand(&root, &[b"confirm", &transcript]);
        SessionKeys {
            confirm: ends.mac(&confirm, digest, &[&transcript]),
            resume: expand(&root, &[b"resume", &transcript]),
            check_code: check_code(&root, &transcript),
            transcript,
        }
    }
}

impl AssistantProof {
    /// The proof of HELLO: the assistant scanned this ticket. `[PAIRING-6]`
    pub(super) fn hello_proof(&self, ends: &Ends, hello: &[u8]) -> [u8; 32] {
        ends.mac(&self.key, &self.digest, &[&sha256(without_mac(hello))])
    }
}

impl Ends {
    /// HMAC over the ticket, the connection, both keys and `rest`. `[PAIRING-4]`
    fn mac(&self, key: &Secret<32>, digest: &[u8; 32], rest: &[&[u8]]) -> [u8; 32] {
        let ends: [&[u8]; 4] = [digest, self.binding.expose(), &self.primary.0, &self.assistant.0];
        mac(key, &[&ends, rest].concat())
    }

    /// HMAC for a resumption, which no ticket takes part in. `[PAIRING-20]`
    pub(super) fn resume_mac(&self, key: &Secret<32>, rest: &[&[u8]]) -> [u8; 32] {
        let ends: [&[u8]; 3] = [self.binding.expose(), &self.primary.0, &self.assistant.0];
        mac(key, &[&ends, rest].concat())
    }
}

/// The key for one direction of resumption. `[PAIRING-20]`
pub(super) fn resume_key(resume: &ResumeSecret, direction: &[u8]) -> Secret<32> {
    expand(resume, &[direction])
}

/// The primary's name in local discovery while this session lasts. `[PAIRING-5]`
pub(super) fn resume_discovery(resume: &ResumeSecret) -> String {
    base32(expand::<8>(resume, &[b"mdns label"]).expose())
}

/// Compares authenticators in constant time. `[PAIRING-9]`
pub(super) fn verify(expected: &[u8; 32], given: &[u8; 32]) -> Result<MacVerified, Fault> {
    if same_mac(expected, given) {
        return Ok(MacVerified(()));
    }
    Err(Fault::new(CloseCode::AuthFailed, "a proof over this exchange", Got::Named("another")))
}

/// Compares the key that TLS saw with the one that is expected, and that is
/// claimed in the message. Equality, and nothing but equality. `[PAIRING-10]`
pub(super) fn verify_key(peer: &PublicKey, expected: &[Fingerprint]) -> Result<KeyVerified, Fault> {
    let key = peer.fingerprint();
    if !expected.is_empty() && expected.iter().all(|expected| *expected == key) {
        return Ok(KeyVerified(()));
    }
    Err(Fault::new(CloseCode::AuthFailed, "the key that TLS saw", Got::Named("another")))
}

/// A message body up to the MAC that ends it.
pub(super) fn without_mac(body: &[u8]) -> &[u8] {
    body.split_last_chunk::<32>().map_or(body, |(before, _)| before)
}

/// Six digits, each code equally likely: 32-bit numbers above the last multiple
/// of a million are drawn again. `[PAIRING-11]`
fn check_code(root: &Secret<32>, transcript: &[u8; 32]) -> u32 {
    const CODES: u32 = limits::CHECK_CODES;
    const FAIR: u32 = u32::MAX - u32::MAX % CODES;
    // Each draw is unfair with a chance of 0.02 %; 256 in a row do not happen.
    (0..=u8::MAX)
        .map(|round| expand::<4>(root, &[b"check code", transcript, &[round]]))
        .map(|drawn| u32::from_le_bytes(*drawn.expose()))
        .find(|drawn| *drawn < FAIR)
        .map_or(0, |drawn| drawn % CODES)
}

fn extract(salt: &[u8], secret: &[u8]) -> Secret<32> {
    let (root, _) = Hkdf::<Sha256>::extract(Some(salt), secret);
    Secret::new(root.into())
}

fn expand<const N: usize>(root: &Secret<32>, info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 yields at most 8,160 bytes") };
    let mut bytes = [0; N];
    // Neither can fail: the root has 32 bytes, and N was checked just above.
    if let Ok(hkdf) = Hkdf::<Sha256>::from_prk(root.expose()) {
        _ = hkdf.expand_multi_info(info, &mut bytes);
    }
    Secret::new(bytes)
}

fn mac(key: &Secret<32>, parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than a block is padded with zeros (RFC 2104 section 2).
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn base32(bytes: &[u8; 8]) -> String {
    let bits = u64::from_be_bytes(*bytes);
    // 64 bits are 12 groups of five, and four bits that end a thirteenth.
    (0..13_u32)
        .map(|group| {
            let shifted = if group == 12 { bits << 1 } else { bits >> (59 - 5 * group) };
            let index = usize::try_from(shifted & 31).unwrap_or_default();
            char::from(BASE32.get(index).copied().unwrap_or(b'A'))
        })
        .collect()
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKeys(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        // [PAIRING-5]
        assert_eq!(base32(b"foobarba"), "MZXW6YTBOJRGC");
        assert_eq!(base32(&[0xFF; 8]), "7777777777776");
    }

    #[test]
    fn check_codes_have_six_digits_and_vary() {
        // [PAIRING-11]
        let root = Secret::new([7; 32]);
        let codes: Vec<u32> = (0..200).map(|i| check_code(&root, &[i; 32])).collect();
        assert!(codes.iter().all(|code| *code < limits::CHECK_CODES));
        assert!(codes.iter().any(|code| *code > 900_000) && codes.iter().any(|c| *c < 100_000));
    }

    #[test]
    fn a_key_is_verified_by_equality_only() {
        // [PAIRING-10]
        let key = PublicKey::from_sec1(&crate::pairing::tests::point(1)).unwrap();
        let pin = key.fingerprint();
        assert!(verify_key(&key, &[pin, pin]).is_ok());
        assert!(verify_key(&key, &[]).is_err());
        assert!(verify_key(&key, &[pin, Fingerprint([0; 32])]).is_err());
    }
}
