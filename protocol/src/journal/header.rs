//! The first 104 bytes: whose journal this is.

use super::body::{Cursor, Field as _};
use super::record::{self, CHECK_BYTES};
use crate::identity::{PublicKey, Role, SessionId};

/// `DIPTYCHJ`, so that a journal is recognised by its first bytes.
const MAGIC: [u8; 8] = *b"DIPTYCHJ";

/// The version of the format that this crate reads and writes.
const VERSION: u16 = 1;

/// Bytes that the first head covers.
const COVERED: usize = 96;

/// Whose journal it is. `[JOURNAL-1]`
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `DIPTYCHJ` |
/// | 8 | 2 | version, 1 |
/// | 10 | 1 | role |
/// | 11 | 1 | which device in that role, counted from 1 |
/// | 12 | 4 | zero |
/// | 16 | 16 | session |
/// | 32 | 64 | public key, `x ‖ y` |
/// | 96 | 8 | check: the first bytes of SHA-256 over the 96 before |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The session.
    pub session: SessionId,
    /// The seat.
    pub role: Role,
    /// Which device in that seat: 1, and one more for each replacement.
    pub device: u8,
    /// The key that signs the seals.
    pub key: PublicKey,
}

/// Why some bytes do not begin a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    /// Fewer bytes than a header: nothing was recorded yet.
    #[error(
        "expected a header of {} bytes, the file has {got}; nothing was recorded in it",
        Header::BYTES
    )]
    Cut {
        /// The length of the file.
        got: usize,
    },
    /// Not a journal.
    #[error("expected a journal that begins with DIPTYCHJ, got another kind of file")]
    Foreign,
    /// A version of the format that this reader does not know.
    #[error("expected format version {VERSION}, got {got}; use a newer reader")]
    Version {
        /// The version that came.
        got: u16,
    },
    /// The check does not fit, or a field has a value it cannot have.
    #[error("expected an intact header, its {field} is damaged; use another copy of the file")]
    Damaged {
        /// Which field.
        field: &'static str,
    },
}

impl Header {
    /// The length of every header.
    pub const BYTES: usize = COVERED + CHECK_BYTES;

    /// The bytes of this header. `[JOURNAL-1]`
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        MAGIC.put(&mut out);
        VERSION.put(&mut out);
        self.role.put(&mut out);
        self.device.put(&mut out);
        0_u32.put(&mut out);
        self.session.put(&mut out);
        self.key.put(&mut out);
        let hash = record::first_hash(&out);
        out.extend(hash.iter().take(CHECK_BYTES));
        out
    }

    /// Reads the header at the start of `file`; yields the chain's first hash too.
    ///
    /// # Errors
    /// [`HeaderError`], most telling first.
    pub(super) fn decode(file: &[u8]) -> Result<(Self, [u8; 32]), HeaderError> {
        let cut = HeaderError::Cut { got: file.len() };
        let shown = file.len().min(MAGIC.len());
        if file.get(..shown) != MAGIC.get(..shown) {
            return Err(HeaderError::Foreign);
        }
        let (covered, rest) = file.split_at_checked(COVERED).ok_or(cut)?;
        let check = rest.get(..CHECK_BYTES).ok_or(cut)?;
        let mut cursor = Cursor::new(covered);
        cursor.array::<8>().map_err(|_| cut)?;
        let version = u16::take(&mut cursor).map_err(|_| cut)?;
        if version != VERSION {
            return Err(HeaderError::Version { got: version });
        }
        let hash = record::first_hash(covered);
        if hash.get(..CHECK_BYTES) != Some(check) {
            return Err(HeaderError::Damaged { field: "check" });
        }
        let damaged = |field| move |_| HeaderError::Damaged { field };
        let role = Role::take(&mut cursor).map_err(damaged("role"))?;
        let device = u8::take(&mut cursor).map_err(damaged("device"))?;
        if device == 0 {
            return Err(HeaderError::Damaged { field: "device" });
        }
        if u32::take(&mut cursor) != Ok(0) {
            return Err(HeaderError::Damaged { field: "zero" });
        }
        let session = SessionId::take(&mut cursor).map_err(damaged("session"))?;
        let key = PublicKey::take(&mut cursor).map_err(damaged("key"))?;
        Ok((Self { session, role, device, key }, hash))
    }
}
