//! Values of a fact's body to little-endian bytes and back.
//!
//! Every type here has exactly one encoding, and decoding refuses all others: a
//! body is hashed and signed, so "almost the same bytes" must not exist.

use super::heard::{Heard, HeardBatch};
use crate::identity::{BootId, Fingerprint, Label, PublicKey, Role, SessionId, Signature};
use crate::limits;
use crate::time::{Clock, Instant, Span};

/// Why some bytes are not the body of a fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodyError {
    /// The body ends inside a field.
    #[error("expected {missing} more bytes in the body of this record")]
    Short {
        /// How many bytes were missing for the field.
        missing: usize,
    },
    /// Bytes are left over.
    #[error("expected the end of the body, got {extra} more bytes")]
    Long {
        /// How many.
        extra: usize,
    },
    /// A kind that this version of the format does not have.
    #[error("expected a kind of record that version 1 knows, got {got}; use a newer reader")]
    Kind {
        /// The number that came.
        got: u8,
    },
    /// A value that the field cannot have.
    #[error("expected {expected}, got {got}")]
    Value {
        /// What the field allows.
        expected: &'static str,
        /// What came.
        got: u64,
    },
}

/// Bytes that the journal keeps but does not read: at most
/// [`limits::JOURNAL_BLOB_BYTES`]. `[JOURNAL-13]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Blob(Box<[u8]>);

/// Too many bytes for a [`Blob`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected at most {} bytes, got {got}; shorten the text", limits::JOURNAL_BLOB_BYTES)]
pub struct BlobTooLong {
    /// How many came.
    pub got: usize,
}

impl Blob {
    /// Keeps a copy of `bytes`.
    ///
    /// # Errors
    /// [`BlobTooLong`].
    pub fn new(bytes: &[u8]) -> Result<Self, BlobTooLong> {
        if bytes.len() > limits::JOURNAL_BLOB_BYTES {
            return Err(BlobTooLong { got: bytes.len() });
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads a body from front to back.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], BodyError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(BodyError::Short { missing: count.saturating_sub(self.rest.len()) })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BodyError> {
        let missing = N.saturating_sub(self.rest.len());
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(BodyError::Short { missing })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) const fn finish(self) -> Result<(), BodyError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(BodyError::Long { extra }),
        }
    }
}

/// A type with one encoding.
pub(super) trait Field: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError>;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
                Ok(Self::from_le_bytes(cursor.array()?))
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 i32 i64);

macro_rules! byte_arrays {
    ($($type:ident)*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
                Ok(Self(cursor.array()?))
            }
        }
    )*};
}

byte_arrays!(BootId Fingerprint SessionId Signature);

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        cursor.array()
    }
}

impl<C: Clock> Field for Instant<C> {
    fn put(&self, out: &mut Vec<u8>) {
        self.nanos().put(out);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        Ok(Self::from_nanos(i64::take(cursor)?))
    }
}

impl Field for Span {
    fn put(&self, out: &mut Vec<u8>) {
        self.nanos().put(out);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        Ok(Self::from_nanos(i64::take(cursor)?))
    }
}

impl Field for Role {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        let got = u8::take(cursor)?;
        Self::new(got).map_err(|_| BodyError::Value { expected: "a role", got: got.into() })
    }
}

/// Without the leading 4 of the uncompressed point: 64 bytes.
impl Field for PublicKey {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.sec1().iter().skip(1));
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        let coordinates = cursor.array::<64>()?;
        let mut point = [4; 65];
        for (to, from) in point.iter_mut().skip(1).zip(coordinates) {
            *to = from;
        }
        Self::from_sec1(&point)
            .map_err(|_| BodyError::Value { expected: "a point of P-256", got: 0 })
    }
}

impl Field for Label {
    fn put(&self, out: &mut Vec<u8>) {
        let (len, bytes) = self.to_wire();
        len.put(out);
        bytes.put(out);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        let len = u8::take(cursor)?;
        Self::from_wire(len, &cursor.array()?)
            .map_err(|_| BodyError::Value { expected: "a plain label", got: len.into() })
    }
}

impl Field for Blob {
    fn put(&self, out: &mut Vec<u8>) {
        // `new` and `take` both keep the length within the limit, which fits.
        u16::try_from(self.0.len()).unwrap_or(u16::MAX).put(out);
        out.extend_from_slice(&self.0);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        let len = u16::take(cursor)?;
        // [JOURNAL-13]
        if usize::from(len) > limits::JOURNAL_BLOB_BYTES {
            return Err(BodyError::Value { expected: "a shorter blob", got: len.into() });
        }
        Ok(Self(cursor.bytes(len.into())?.into()))
    }
}

impl<T: Field> Field for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        T::take(cursor).map(Self::new)
    }
}

/// A count, then 20 bytes for each message.
impl Field for HeardBatch {
    fn put(&self, out: &mut Vec<u8>) {
        let kept = self.len().min(limits::JOURNAL_HEARD);
        u8::try_from(kept).unwrap_or(u8::MAX).put(out);
        for heard in self.iter().take(kept) {
            heard.sequence.put(out);
            heard.sent.put(out);
            heard.received.put(out);
        }
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, BodyError> {
        let count = u8::take(cursor)?;
        if count == 0 || usize::from(count) > limits::JOURNAL_HEARD {
            return Err(BodyError::Value { expected: "1 to 64 messages", got: count.into() });
        }
        let mut heard = || {
            let (sequence, sent) = (Field::take(cursor)?, Field::take(cursor)?);
            Ok(Heard { sequence, sent, received: Field::take(cursor)? })
        };
        match count {
            1 => Ok(Self::from(&[heard()?][..])),
            2 => Ok(Self::from(&[heard()?, heard()?][..])),
            _ => {
                let all: Result<Vec<Heard>, BodyError> = (0..count).map(|_| heard()).collect();
                Ok(Self::from(all?.as_slice()))
            }
        }
    }
}
