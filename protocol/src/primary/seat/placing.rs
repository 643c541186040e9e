//! What a copied journal says, laid onto session time as its clock gets known.
//!
//! A device tells what it recorded by its own clock, and often before anything is
//! known of that clock: after a crash, after an hour without a link, by a clock that is
//! gone. It waits in the order of its journal. Rejected: waiting in one queue for all
//! boots; what nothing can place yet would hold up what can be placed.

use std::sync::Arc;

use super::{JournalEnd, Seat};
use crate::clock::Estimator;
use crate::identity::BootId;
use crate::journal::{Entry, Fact};
use crate::ledger::{Cause, Observed};
use crate::primary::earlier::Known;
use crate::primary::marks::{Mark, Marks};
use crate::recording::{Fragment, Recording};
use crate::time::{Clock, Instant, Primary, Secondary};
use crate::timeline::ClockName;

/// What waits for its place in session time, or has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting<C: Clock = Secondary> {
    Frames(Fragment<C>),
    Mark(Instant<C>, Mark),
}

/// What earlier boots told and nothing places yet.
#[derive(Clone, Debug)]
pub(super) enum Stale {
    /// It cannot be placed live any more; the report still places it.
    Dropped,
    /// What was known of all clocks before this process began is still to come.
    Kept(Vec<(BootId, Waiting)>),
}

impl Stale {
    fn keep(&mut self, boot: Option<BootId>, rest: impl Iterator<Item = Waiting>) {
        if let (Self::Kept(all), Some(boot)) = (self, boot) {
            all.extend(rest.map(|one| (boot, one)));
        }
    }

    fn take(&mut self) -> Vec<(BootId, Waiting)> {
        match core::mem::replace(self, Self::Dropped) {
            Self::Dropped => Vec::new(),
            Self::Kept(all) => all,
        }
    }
}

impl Waiting {
    fn placed(
        &self,
        place: impl Fn(Instant<Secondary>) -> Option<Instant<Primary>>,
    ) -> Option<Waiting<Primary>> {
        Some(match self {
            Self::Frames(Fragment { first, last, frames, bytes, sha256 }) => {
                let (first, last) = (place(*first)?, place(*last)?);
                let (frames, bytes, sha256) = (*frames, *bytes, *sha256);
                Waiting::Frames(Fragment { first, last, frames, bytes, sha256 })
            }
            Self::Mark(at, mark) => Waiting::Mark(place(*at)?, *mark),
        })
    }
}

impl Waiting<Primary> {
    fn told(self, recording: &mut Recording<Primary>, marks: &mut Marks) {
        match self {
            // A fragment that proves no coverage counts as none: the report says why.
            // `[RECORDING-2]`
            Self::Frames(fragment) => _ = recording.commit(&fragment),
            Self::Mark(at, mark) => marks.mark(at, mark),
        }
    }
}

impl Seat {
    /// Takes what the assistant's journal says of its camera.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other fact is of the camera")]
    pub(in crate::primary) fn read(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Fact::ProcessStarted { boot, .. } = &entry.fact
                && self.boot != Some(*boot)
            {
                self.place();
                let rest = self.waiting.drain(..);
                self.stale.keep(self.boot, rest);
                self.boot = Some(*boot);
                self.anchor = None;
            }
            let told = Mark::of(self.role(), &entry.fact);
            self.waiting.extend(told.map(|mark| Waiting::Mark(entry.at.relabelled(), mark)));
            match &entry.fact {
                Fact::Segment { first, last, frames, bytes, sha256, .. } => {
                    self.waiting.push_back(Waiting::Frames(Fragment {
                        first: first.relabelled(),
                        last: last.relabelled(),
                        frames: *frames,
                        bytes: (*bytes).into(),
                        sha256: *sha256,
                    }));
                }
                Fact::Take { mark: 0, .. } | Fact::RecordingStarted { .. } => self.stopped = None,
                Fact::Take { mark: 1, .. } => self.stopped = Some(entry.at.relabelled()),
                Fact::CameraEvent { state: 0, cause, raw }
                | Fact::ScreenLeft { cause, raw }
                | Fact::RecordingStopped { cause, raw } => {
                    let at = entry.at.relabelled();
                    self.observed = Some((at, observed(*cause, *raw)));
                    if matches!(entry.fact, Fact::RecordingStopped { cause: 0, .. }) {
                        self.stopped = Some(at);
                    }
                }
                Fact::Finish { .. } => self.end = JournalEnd::Finished,
                Fact::Seal { .. } if self.end == JournalEnd::Finished => {
                    self.end = JournalEnd::Sealed;
                }
                _ => {}
            }
        }
        self.place();
    }

    /// Says that what was known of its clocks before this process began will come.
    pub(in crate::primary) fn will_remember(&mut self) {
        self.stale = Stale::Kept(Vec::new());
    }

    /// Places by what was known of its clocks before this process began, too.
    pub(in crate::primary) fn remember(&mut self, known: Arc<Known>) {
        let name = self.peer.name();
        let mut marks = Marks::default();
        for (boot, one) in self.stale.take() {
            let clock = ClockName { role: name.role, device: name.device, boot };
            let place = |at: Instant<Secondary>| known.place(clock, at.relabelled());
            if let Some(placed) = one.placed(place) {
                placed.told(&mut self.recording, &mut marks);
            }
        }
        // What the present boot has told came after it.
        self.marks.follow(marks);
        self.before = Some(known);
        self.place();
    }

    /// Forgets what waits for its place, which [`Seat::inherit`] is given.
    pub(in crate::primary) fn placed_elsewhere(&mut self) {
        self.waiting.clear();
    }

    /// Places in session time what can be placed by now. It stays where it was
    /// placed: a clock that begins anew says nothing of what was before.
    pub(in crate::primary) fn place(&mut self) {
        while let Some(next) = self.waiting.front() {
            let Some(placed) = next.placed(|at| self.whereabouts(at)) else { return };
            if let (Waiting::Frames(fragment), Waiting::Frames(here)) = (next, &placed) {
                self.anchor = Some((fragment.last, here.last));
            }
            placed.told(&mut self.recording, &mut self.marks);
            self.waiting.pop_front();
        }
    }

    /// Whether frames wait for their place.
    pub(in crate::primary) fn frames_wait(&self) -> bool {
        self.waiting.iter().any(|one| matches!(one, Waiting::Frames(_)))
    }

    /// Where an instant of the boot that the copy has come to lies in session time: by
    /// what is known of its clock now, or was known before it was numbered anew or this
    /// process began, or else by how long after the last one it is.
    pub(in crate::primary) fn whereabouts(
        &self,
        at: Instant<Secondary>,
    ) -> Option<Instant<Primary>> {
        let live = (self.peer.boot() == self.boot).then(|| self.peer.timing().estimator());
        let earlier = self.earlier.as_ref().filter(|(boot, _)| Some(*boot) == self.boot);
        let by = |estimator: &Estimator| estimator.middle_of(at);
        let before = || {
            let name = self.peer.name();
            let clock = ClockName { role: name.role, device: name.device, boot: self.boot? };
            self.before.as_ref()?.place(clock, at.relabelled())
        };
        let known = live.and_then(by).or_else(|| by(&earlier?.1)).or_else(before);
        known.or_else(|| self.anchor.map(|(there, here)| here + (at - there)))
    }
}

/// A cause that the specification does not know yet is unknown.
fn observed(cause: u8, raw: i32) -> Observed {
    Observed { cause: Cause::from_code(cause).unwrap_or(Cause::Unknown), raw }
}
