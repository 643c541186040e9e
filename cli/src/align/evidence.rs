//! What the bounds of a map rest on.
//!
//! A map is a file that outlives whoever made it, so it says itself whether its recordings
//! were held against the journals. Rejected: leaving that out where nobody looked; a reader
//! takes what is not said for granted.

use serde::Serialize;

use super::FrameMap;
use crate::command::counted;

/// Whether the recordings and journals are those that were made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Evidence {
    /// Whether anybody looked.
    pub checked: bool,
    /// `INTACT`, `INCOMPLETE` or `TAMPERED`; `null` if nobody looked.
    pub integrity: Option<&'static str>,
    /// Pieces of recordings whose hash was compared with the journals.
    pub pieces: u64,
    /// Pieces that are not what was committed.
    pub pieces_changed: u64,
    /// Pieces that are not there.
    pub pieces_missing: u64,
    /// What `verify` names, in journals and recordings.
    pub findings: usize,
}

/// The map as it is written: with what its bounds rest on.
#[derive(Serialize)]
struct Told<'a> {
    evidence: Evidence,
    #[serde(flatten)]
    map: &'a FrameMap,
}

impl Evidence {
    /// The text of `alignment.json`.
    ///
    /// # Errors
    /// None that a map can have.
    pub fn beside(self, map: &FrameMap) -> serde_json::Result<String> {
        Ok(serde_json::to_string(&Told { evidence: self, map })? + "\n")
    }

    /// The same for a person, in one line or in three.
    #[must_use]
    pub fn told(self, dir: &str) -> String {
        let Self { pieces, pieces_changed, pieces_missing, .. } = self;
        let Some(word) = self.integrity else {
            return "NOT CHECKED: nobody compared these recordings with what the journals say was \
                    recorded\n"
                .to_owned();
        };
        let held = "recordings are what the journals say";
        match self.findings {
            0 => format!("{word}: all {} of the {held}\n", counted(pieces, "piece")),
            _ => format!(
                "{word}: of {} of recordings {pieces_changed} changed, {pieces_missing} missing\n  \
                 A bound holds for what was recorded, and this is not it, or not all of it:\n  \
                 see `diptych verify {dir}`\n",
                counted(pieces, "piece"),
            ),
        }
    }
}
