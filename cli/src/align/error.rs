//! Why recordings cannot be aligned.

use diptych_protocol::identity::Role;

use crate::camera::RecordError;
use crate::picture::SizeError;
use crate::video::VideoError;

/// Recordings that cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum AlignError {
    /// A recording cannot be read.
    #[error("a recording cannot be read")]
    Video(#[from] VideoError),
    /// The side-by-side video cannot be written.
    #[error("the video cannot be written")]
    Record(#[from] RecordError),
    /// There are more recordings than fit beside each other.
    #[error("the recordings do not fit into one picture: show fewer of them")]
    Size(#[from] SizeError),
    /// There is nothing to align.
    #[error("expected at least one recording, got none: copy P.mp4, A1.mp4, … beside the journals")]
    Nothing,
    /// There is one camera, and a video shows several.
    #[error(
        "expected the recordings of two cameras to show side by side, got those of {role} alone \
         ({missing}); copy the other into the folder, under the name it was recorded by"
    )]
    Alone {
        /// Whose recordings are there.
        role: Role,
        /// Who else took part, and why nothing of them can be shown.
        missing: String,
    },
    /// No picture of a recording can be placed on the session's clock.
    #[error(
        "no picture of {role} has a place in the session: expected clock exchanges between the \
         devices, got none that reach this recording"
    )]
    Unplaced {
        /// Whose recording.
        role: Role,
    },
}
