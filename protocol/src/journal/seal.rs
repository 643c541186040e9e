//! A head and the signature over it: what a device cannot take back.

use super::fact::Fact;
use super::record::Head;
use crate::identity::{KnownKey, PublicKey, Role, Signature};

/// What a seal's signature covers before head and sequence. `[JOURNAL-12]`
const DOMAIN: &[u8] = b"diptych journal seal v1";

/// A head that was signed. Two of one device that exclude each other prove that
/// it keeps two histories.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedHead {
    /// What was signed.
    pub head: Head,
    /// By whom, only the key tells.
    pub signature: Signature,
}

impl SignedHead {
    /// Whether the signature is `key`'s. `[JOURNAL-12]`
    #[must_use]
    pub fn holds(&self, key: &PublicKey) -> bool {
        key.verifies(&message(&self.head), &self.signature)
    }

    /// The same, by a key of which many signatures are checked. `[JOURNAL-12]`
    #[must_use]
    pub fn holds_by(&self, key: &KnownKey) -> bool {
        key.verifies(&message(&self.head), &self.signature)
    }

    /// The record that keeps it as the seal of `peer` over one of its histories.
    /// `[JOURNAL-23]`
    pub(super) fn kept(self, peer: Role, history: u8) -> Fact {
        let Head { sequence, hash: head } = self.head;
        Fact::PeerSeal { peer, history, sequence, head, signature: Box::new(self.signature) }
    }
}

/// The place of the first of `heads` that `key` did not sign.
pub(super) fn first_forged(key: &PublicKey, heads: &[SignedHead]) -> Option<usize> {
    let known = KnownKey::of(key);
    heads.iter().position(|signed| !signed.holds_by(&known))
}

/// The message that is signed: domain, sequence, hash. `[JOURNAL-12]`
pub(super) fn message(head: &Head) -> Vec<u8> {
    let mut message = Vec::with_capacity(DOMAIN.len() + 40);
    message.extend_from_slice(DOMAIN);
    message.extend_from_slice(&head.sequence.to_le_bytes());
    message.extend_from_slice(&head.hash);
    message
}
