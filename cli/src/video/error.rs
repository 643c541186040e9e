//! Why a recording cannot be read.

use std::io;
use std::path::PathBuf;

use crate::picture::timecode::TimeCodeError;

/// A recording that cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The system would not read the file.
    #[error("cannot read {}: check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error(
        "{} is not a recording of diptych: expected it to begin with ftyp, moov and uuid, \
         got {got} at byte {offset}",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Where it differs.
        offset: u64,
        /// The box that is there instead.
        got: String,
    },
    /// The file ends before its first fragment could.
    #[error(
        "{} ends after {bytes} bytes, before its first fragment: the recorder stopped within \
         half a second and nothing can be played",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A fragment in the middle is damaged.
    #[error(
        "{} is damaged at byte {offset}: expected moof and mdat, got {got}; what comes before \
         can be played",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged fragment begins.
        offset: u64,
        /// What is there instead.
        got: String,
    },
    /// The pictures of a fragment cannot be decoded.
    #[error(
        "picture {index} of {} cannot be decoded: compare the file with its journal",
        path.display()
    )]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// Which picture, from 0.
        index: u32,
        /// What the decoder said, if it said anything.
        #[source]
        source: Option<openh264::Error>,
    },
    /// A picture without a readable time code.
    #[error(
        "picture {index} of {} does not tell its time: only a synthetic camera's do",
        path.display()
    )]
    TimeCode {
        /// The file.
        path: PathBuf,
        /// Which picture, from 0.
        index: u32,
        /// What is wrong with the strip.
        #[source]
        source: TimeCodeError,
    },
}
