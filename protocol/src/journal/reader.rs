//! A file of a journal, whole or piece by piece.
//!
//! Eight hours are ten megabytes, and none of them is looked at twice as long as
//! nothing is wrong. So a journal is read while it comes, and what came is kept only
//! from the first damage on, since that is understood from what follows. Rejected: the
//! whole file in memory first (a quarter of the time to judge went into fresh pages).

use super::header::Header;
use super::record::Damage;
use super::replay::{JournalError, Replayed};
use crate::limits;

/// Reads a whole journal, strictly. `[JOURNAL-5]`
///
/// A torn tail is an end: see [`Replayed::torn`]. Signatures are not checked
/// here, since only who distrusts the file needs them: see
/// [`Replayed::forged_seal`].
///
/// # Errors
/// [`JournalError`]; the same file can still be [salvaged](salvage), unless its
/// header is gone.
pub fn replay(file: &[u8]) -> Result<Replayed, JournalError> {
    let replayed = salvage(file)?;
    match replayed.holes().first() {
        Some(hole) => Err(JournalError::Damaged { offset: hole.offset, damage: hole.damage }),
        None => Ok(replayed),
    }
}

/// Reads what can be read of a journal, noting what cannot.
///
/// # Errors
/// [`JournalError::Header`] and [`JournalError::TooLong`] only.
pub fn salvage(file: &[u8]) -> Result<Replayed, JournalError> {
    let mut reader = Reader::new(file.len());
    reader.feed(file)?;
    reader.finish()
}

/// [`salvage`] of a file that comes piece by piece, so that nobody holds all of it.
///
/// ```
/// # use diptych_protocol::journal::{JournalError, Reader, Replayed, salvage};
/// fn read(mut pieces: impl Iterator<Item = Vec<u8>>) -> Result<Replayed, JournalError> {
///     let mut reader = Reader::new(0);
///     pieces.try_for_each(|piece| reader.feed(&piece))?;
///     reader.finish()
/// }
/// # let error = salvage(b"no journal").unwrap_err();
/// # assert_eq!(read([b"no ".to_vec(), b"journal".to_vec()].into_iter()), Err(error));
/// ```
#[derive(Debug)]
pub struct Reader {
    replayed: Option<Replayed>,
    /// The file's length as it was announced, and what came of it.
    expected: usize,
    fed: u64,
    /// What came and was not read yet: the beginning of a record or, once something is
    /// wrong, everything, because what is wrong shows in what comes after it.
    waiting: Vec<u8>,
    /// What is wrong with the first record that waits.
    damage: Option<Damage>,
}

impl Reader {
    /// Of a file of about `expected` bytes: memory is provided for them.
    #[must_use]
    pub const fn new(expected: usize) -> Self {
        Self { replayed: None, expected, fed: 0, waiting: Vec::new(), damage: None }
    }

    /// Takes the next piece of the file, of any length.
    ///
    /// # Errors
    /// As [`salvage`]; then nothing more is of use.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), JournalError> {
        self.fed = self.fed.saturating_add(piece.len() as u64);
        // [JOURNAL-14]
        if self.fed > limits::JOURNAL_BYTES {
            return Err(JournalError::TooLong { got: self.fed });
        }
        if self.waiting.is_empty() {
            let read = self.read(piece)?;
            self.waiting.extend_from_slice(piece.get(read..).unwrap_or_default());
        } else {
            let mut waiting = core::mem::take(&mut self.waiting);
            waiting.extend_from_slice(piece);
            let read = self.read(&waiting)?;
            waiting.drain(..read.min(waiting.len()));
            self.waiting = waiting;
        }
        Ok(())
    }

    /// Reads what is whole; yields how much that is.
    fn read(&mut self, bytes: &[u8]) -> Result<usize, JournalError> {
        let mut read = 0;
        if self.replayed.is_none() {
            if bytes.len() < Header::BYTES {
                return Ok(0);
            }
            self.replayed = Some(Replayed::begin(bytes, self.expected)?);
            read = Header::BYTES;
        }
        let Some(replayed) = self.replayed.as_mut().filter(|_| self.damage.is_none()) else {
            return Ok(read);
        };
        while let Some(rest) = bytes.get(read..).filter(|rest| !rest.is_empty()) {
            match replayed.take(rest) {
                Ok(used) => read = read.saturating_add(used),
                Err(Damage::Cut { .. }) => break,
                Err(damage) => {
                    self.damage = Some(damage);
                    break;
                }
            }
        }
        Ok(read)
    }

    /// What was read, now that the file has ended.
    ///
    /// # Errors
    /// [`JournalError::Header`] if it ended too early or is no journal.
    pub fn finish(self) -> Result<Replayed, JournalError> {
        let Some(mut replayed) = self.replayed else {
            return Replayed::begin(&self.waiting, 0);
        };
        let (mut rest, mut known) = (self.waiting.as_slice(), self.damage);
        while !rest.is_empty() {
            match known.take().map_or_else(|| replayed.take(rest), Err) {
                Ok(used) => rest = rest.get(used..).unwrap_or_default(),
                Err(damage) => match replayed.step_over(rest, damage) {
                    Some(after) => rest = after,
                    None => break,
                },
            }
        }
        Ok(replayed)
    }
}
