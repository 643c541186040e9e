//! What the disk holds when an app starts, and what a session can go on with.
//!
//! A crash leaves a torn end, a failing card leaves damage, and some files are of
//! devices that left the session. What that means is a rule of the session and not of
//! a disk, so it is one pure function, [`prepare`], and a [`Past`] is made nowhere
//! else. A torn end is cut off, so that the next record follows a whole one. Damage in
//! a journal that the session goes on with is refused: what came after it would stand
//! behind a hole. Damage in the copy of a device that was put out is left for the
//! report to tell, since it must not keep anybody from an exam.
//!
//! Rejected: a rule in every host (a simulated disk would prove another rule than the
//! one that runs), and to leave a damaged copy out of the past (its name would be free,
//! and the journal of a later device would go to its end).

use std::collections::BTreeMap;

use super::StartError;
use super::state::State;
use crate::journal::{HeaderError, JournalError, replay};
use crate::machine::JournalName;
use crate::secret::SecretBytes;

/// What the disk holds from earlier runs of this session; empty for a new one, and
/// otherwise made by [`prepare`].
///
/// ```
/// # use diptych_protocol::session::Past;
/// let nothing_yet = Past::default();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The private state that was last stored, if it says anything.
    pub(crate) state: Option<State>,
    /// Each journal, whole.
    pub(crate) journals: BTreeMap<JournalName, Vec<u8>>,
}

/// A past to go on with, and what to do on the disk before anything is appended.
///
/// ```
/// # use diptych_protocol::session::Prepared;
/// fn stays_as_it_is(prepared: &Prepared) -> bool {
///     prepared.cuts.is_empty()
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// What a machine is started with.
    pub past: Past,
    /// The journals that are longer than what is whole in them, and how many of their
    /// first bytes to keep; 0 for one that never began.
    pub cuts: BTreeMap<JournalName, u64>,
}

/// Reads what the disk holds: the private state as it was last stored, and each journal
/// as it was found. Nothing has to be done on the disk if this fails.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use diptych_protocol::session::prepare;
///
/// let prepared = prepare(None, BTreeMap::new())?; // An empty folder.
/// assert!(prepared.cuts.is_empty());
/// # Ok::<(), diptych_protocol::session::StartError>(())
/// ```
///
/// # Errors
/// [`StartError::State`] or [`StartError::Journal`] for what is damaged and is needed;
/// [`StartError::Foreign`] for sealed journals without a state. `[SESSION-37]`
pub fn prepare(
    stored: Option<&SecretBytes>,
    found: BTreeMap<JournalName, Vec<u8>>,
) -> Result<Prepared, StartError> {
    // Nothing was stored, or what was stored came to nothing.
    let stored = stored.filter(|stored| !stored.is_empty());
    let state = stored.map(|stored| State::decode(stored.expose())).transpose()?;
    let mut prepared = Prepared::default();
    for (name, mut bytes) in found {
        let whole = match (replay(&bytes), &state) {
            // Its header was never durable: nothing was told that rests on it.
            (Err(JournalError::Header(HeaderError::Cut { .. })), _) => 0,
            // [SESSION-45]
            (Err(_), Some(state)) if !state.needs(name) => bytes.len(),
            (Err(error), _) => return Err(StartError::Journal { name, error }),
            (Ok(replayed), Some(_)) => {
                usize::try_from(replayed.length()).unwrap_or(usize::MAX).min(bytes.len())
            }
            // [SESSION-37]
            (Ok(replayed), None) if replayed.signed_heads().is_empty() => 0,
            (Ok(_), None) => return Err(StartError::Foreign),
        };
        if whole < bytes.len() {
            prepared.cuts.insert(name, whole as u64);
            bytes.truncate(whole);
        }
        if whole > 0 {
            prepared.past.journals.insert(name, bytes);
        }
    }
    prepared.past.state = state;
    Ok(prepared)
}
