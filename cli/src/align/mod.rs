//! Which pictures of several recordings belong together.
//!
//! A recording is stamped by a clock of its own. What maps that clock to the
//! session's is given by whoever estimated it, as a function with bounds; this
//! module applies it to every picture, pairs nearest neighbours, and shows them
//! side by side. No picture is moved, dropped or doubled to make a pair: a
//! recording that was interrupted has no partner there, and that is shown.

mod error;
mod evidence;
mod map;
mod player;
mod session;
mod sheet;
mod video;

use std::path::PathBuf;

use diptych_protocol::identity::Role;

pub use error::AlignError;
pub use evidence::Evidence;
pub use map::{Comparison, FrameMap, Neighbour, Pair, Placement, RecordingEntry};
pub use session::{Recorded, Recordings};
pub use sheet::sheet;
pub use video::{SideBySide, side_by_side};

/// An instant of the session's clock that is known within bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The best estimate, in nanoseconds of the session's clock.
    pub at_ns: i64,
    /// The earliest that it can have been.
    pub low_ns: i64,
    /// The latest that it can have been.
    pub high_ns: i64,
}

impl Placed {
    /// An instant of the session's own clock, known exactly.
    #[must_use]
    pub const fn exactly(at_ns: i64) -> Self {
        Self { at_ns, low_ns: at_ns, high_ns: at_ns }
    }
}

/// One file and the clock it was stamped with.
pub struct Track<'a> {
    /// Who recorded it. A role that crashed has several tracks.
    pub role: Role,
    /// The recording.
    pub path: PathBuf,
    /// Maps the device's clock to the session's; `None` where nothing is known.
    /// Must not decrease.
    pub place: &'a dyn Fn(i64) -> Option<Placed>,
}

impl Track<'_> {
    /// Where a stamp of this recording lies on the session's clock.
    ///
    /// A stamp is rounded down to a microsecond, so the instant may be that much
    /// later.
    fn placed(&self, own_ns: i64) -> Option<Placed> {
        let placed = (self.place)(own_ns)?;
        Some(Placed { high_ns: placed.high_ns.saturating_add(STAMP_NS), ..placed })
    }
}

/// What a stamp is rounded by, on any clock within 1000 ppm.
const STAMP_NS: i64 = 1_001;
/// Pictures farther apart than this are not neighbours.
const NEIGHBOURS_NS: i64 = 100_000_000;

#[cfg(test)]
mod tests;
