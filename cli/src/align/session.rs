//! The recordings of a session, and what places their pictures in session time.
//!
//! Whoever states how well pictures align, a rehearsal or `diptych align`, takes the
//! error from here: what the clocks leave open, and what the camera says of its own
//! stamps. Rejected: each its own sum, of which one forgot the camera.

use std::path::PathBuf;

use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::time::{Instant, Span};
use diptych_protocol::timeline::{ClockName, Timeline, with_clocks};

use super::{AlignError, Placed, Track};
use crate::folder::SessionFolder;
use crate::share::Shared;

/// One recording of a session, which is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Who recorded it.
    pub role: Role,
    /// The clock that it is stamped by.
    pub clock: ClockName,
    /// The file.
    pub path: PathBuf,
    /// How far a stamp may be from the capture.
    within: Span,
}

/// The recordings of a session and the clocks that place them.
pub struct Recordings {
    timeline: Timeline,
    recorded: Vec<Recorded>,
    missing: Vec<(Role, &'static str)>,
}

impl Recorded {
    /// `clock_says` of one of its stamps, with the camera's own error.
    #[must_use]
    pub fn widened(&self, clock_says: Placed) -> Placed {
        let within = self.within.nanos();
        Placed {
            at_ns: clock_says.at_ns,
            low_ns: clock_says.low_ns.saturating_sub(within),
            high_ns: clock_says.high_ns.saturating_add(within),
        }
    }

    /// It as a track, with whatever places it.
    pub fn track<'a>(&self, place: &'a dyn Fn(i64) -> Option<Placed>) -> Track<'a> {
        Track { role: self.role, path: self.path.clone(), place }
    }
}

impl Recordings {
    /// What these journals of `folder` began.
    ///
    /// # Errors
    /// [`AlignError::Nothing`] without a primary's journal.
    pub fn of(folder: &SessionFolder, journals: &[Replayed]) -> Result<Self, AlignError> {
        let timeline = Timeline::of_with(journals, Shared).ok_or(AlignError::Nothing)?;
        let mut recorded = Vec::new();
        let mut missing = absent(journals);
        for recording in folder.recordings(journals) {
            let (role, clock) = (recording.role, recording.clock);
            let Some(name) = recording.name else {
                missing.push((role, "a recording that its journal began is not here"));
                continue;
            };
            let (path, within) = (folder.path().join(name), stamp_error(journals, clock));
            recorded.push(Recorded { role, clock, path, within });
        }
        Ok(Self { timeline, recorded, missing })
    }

    /// Those that are there, in the order they were begun, the primary's first.
    #[must_use]
    pub fn recorded(&self) -> &[Recorded] {
        &self.recorded
    }

    /// Roles that took part and cannot be aligned, and why.
    #[must_use]
    pub fn missing(&self) -> &[(Role, &'static str)] {
        &self.missing
    }

    /// The clocks of the session.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// For each recording, from its stamps to the session's clock.
    #[must_use]
    pub fn places(&self) -> Vec<impl Fn(i64) -> Option<Placed> + '_> {
        let place = |recorded: &'_ Recorded| {
            let recorded = recorded.clone();
            move |own_ns| {
                let placed = self.timeline.place(recorded.clock, Instant::from_nanos(own_ns))?;
                let (low_ns, high_ns) = (placed.low.nanos(), placed.high.nanos());
                Some(recorded.widened(Placed { at_ns: placed.at.nanos(), low_ns, high_ns }))
            }
        };
        self.recorded.iter().map(place).collect()
    }
}

/// Roles that somebody paired with and whose journal is not here.
fn absent(journals: &[Replayed]) -> Vec<(Role, &'static str)> {
    let facts = journals.iter().flat_map(Replayed::events);
    let mut roles: Vec<Role> =
        facts
            .filter_map(|entry| {
                if let Fact::Paired { peer, .. } = &entry.fact { Some(*peer) } else { None }
            })
            .filter(|peer| journals.iter().all(|journal| journal.header().role != *peer))
            .collect();
    roles.sort_unstable();
    roles.dedup();
    roles.into_iter().map(|role| (role, "its journal is not here")).collect()
}

/// The worst that this clock's cameras said of their own stamps.
fn stamp_error(journals: &[Replayed], clock: ClockName) -> Span {
    let mine = journals.iter().flat_map(with_clocks).filter(|(name, _)| *name == clock);
    let errors = mine.filter_map(|(_, entry)| {
        if let Fact::MediaAnchor { within, .. } = &entry.fact { Some(*within) } else { None }
    });
    errors.max().unwrap_or_default()
}
