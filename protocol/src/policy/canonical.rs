//! The bytes of a policy that are hashed and signed. `[POLICY-21]`
//!
//! Two policies mean the same exactly if their bytes are the same, so a
//! signature over them covers every field and nothing else. The layout is fixed;
//! there is nothing to parse before a length is known.

use super::{CountFrom, ExpectedIn, OnLoss, Policy, PolicyError, Scope, Sound, Terms};
use crate::identity::{Label, sha256};
use crate::limits;
use crate::time::Span;

/// Bytes of the canonical form.
pub const POLICY_BYTES: usize = 96;

/// Prefixed before hashing, so that no other signed message can be a policy.
const DOMAIN: &[u8; 16] = b"diptych policy 1";

const VERSION: u8 = 1;
const HAS_COUNT: u8 = 1;
const HAS_DURATION: u8 = 2;

impl Policy {
    /// The canonical form. `[POLICY-21]`
    #[must_use]
    pub fn to_bytes(&self) -> [u8; POLICY_BYTES] {
        let terms = self.terms();
        let (name_len, name) = terms.name.to_wire();
        let present = (if terms.max_count.is_some() { HAS_COUNT } else { 0 })
            | (if terms.max_duration.is_some() { HAS_DURATION } else { 0 });
        let mut bytes = [0; POLICY_BYTES];
        let mut rest = bytes.as_mut_slice();
        put(
            &mut rest,
            &[
                VERSION,
                present,
                terms.scope.code(),
                terms.count_from.code(),
                terms.sound.code(),
                terms.expected_in.code(),
                terms.on_loss.code(),
                name_len,
            ],
        );
        put(&mut rest, &name);
        put(&mut rest, &terms.max_count.unwrap_or_default().to_le_bytes());
        put(&mut rest, &[0; 4]);
        for span in [
            terms.max_duration.unwrap_or_default(),
            terms.min_lost,
            terms.stable,
            terms.onset,
            terms.frame_gap,
            terms.expected_max,
        ] {
            put(&mut rest, &span.nanos().to_le_bytes());
        }
        bytes
    }

    /// Reads the canonical form, and refuses every other. `[POLICY-22]`
    ///
    /// # Errors
    /// [`PolicyError::Bytes`] or [`PolicyError::Byte`] for another form, and
    /// whatever [`Policy::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PolicyError> {
        let bytes: &[u8; POLICY_BYTES] =
            bytes.try_into().map_err(|_| PolicyError::Bytes { got: bytes.len() })?;
        let mut reader = Reader { bytes, offset: 0 };
        reader.choose("version 1", |code| (code == VERSION).then_some(()))?;
        let present = reader.choose("0 to 3", |code| {
            (code <= HAS_COUNT | HAS_DURATION)
                .then_some((code & HAS_COUNT != 0, code & HAS_DURATION != 0))
        })?;
        let scope = reader.choose("a scope, 0 to 2", Scope::from_code)?;
        let count_from = reader.choose("a start of counting, 0 or 1", CountFrom::from_code)?;
        let sound = reader.choose("a rule for sound, 0 or 1", Sound::from_code)?;
        let expected_in =
            reader.choose("a place of announced gaps, 0 to 2", ExpectedIn::from_code)?;
        let on_loss = reader.choose("a reaction to loss, 0 to 3", OnLoss::from_code)?;
        let name_at = reader.offset;
        let name_len = reader.choose("a name's length", Some)?;
        let name = Label::from_wire(name_len, &reader.take::<{ limits::LABEL_BYTES }>());
        let bad_name = PolicyError::Byte {
            offset: name_at,
            expected: "a name of 1 to 32 bytes of plain text",
            got: name_len,
        };
        let name = name.map_err(|_| bad_name)?;
        let max_count = u32::from_le_bytes(reader.take());
        for _ in 0..4 {
            reader.choose("zero", |code| (code == 0).then_some(()))?;
        }
        let max_duration = reader.span();
        let terms = Terms {
            name,
            max_count: present.0.then_some(max_count),
            max_duration: present.1.then_some(max_duration),
            min_lost: reader.span(),
            stable: reader.span(),
            onset: reader.span(),
            frame_gap: reader.span(),
            expected_max: reader.span(),
            scope,
            count_from,
            sound,
            expected_in,
            on_loss,
        };
        let policy = Self::new(terms)?;
        // An absent limit whose bytes are not zero would give one policy two forms.
        match policy.to_bytes().iter().zip(bytes).position(|(ours, theirs)| ours != theirs) {
            None => Ok(policy),
            Some(offset) => Err(PolicyError::Byte {
                offset,
                expected: "zero for an absent limit",
                got: bytes.get(offset).copied().unwrap_or_default(),
            }),
        }
    }

    /// What a journal, a report or a signature names this policy by: SHA-256 of
    /// `diptych policy 1` and the canonical form. `[POLICY-23]`
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.signed_bytes())
    }

    /// What a school's key signs. `[POLICY-23]`
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        [DOMAIN.as_slice(), self.to_bytes().as_slice()].concat()
    }
}

/// Walks the fixed layout; never past its end.
struct Reader<'a> {
    bytes: &'a [u8; POLICY_BYTES],
    offset: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(self.bytes.iter().skip(self.offset)) {
            *to = *from;
        }
        self.offset += N;
        out
    }

    fn choose<T>(
        &mut self,
        expected: &'static str,
        pick: impl FnOnce(u8) -> Option<T>,
    ) -> Result<T, PolicyError> {
        let offset = self.offset;
        let [got] = self.take::<1>();
        pick(got).ok_or(PolicyError::Byte { offset, expected, got })
    }

    fn span(&mut self) -> Span {
        Span::from_nanos(i64::from_le_bytes(self.take()))
    }
}

/// Writes `bytes` at the front of `rest` and moves it on.
fn put(rest: &mut &mut [u8], bytes: &[u8]) {
    let whole = core::mem::take(rest);
    if let Some((front, back)) = whole.split_at_mut_checked(bytes.len()) {
        front.copy_from_slice(bytes);
        *rest = back;
    }
}
