//! What was recorded before this run, brought onto the clock that runs now.
//!
//! A primary that restarts has to count what it counted before, and its clock may have
//! begun anew meanwhile. The report lays all boots onto one time; so does this, once:
//! all that the journals hold is placed in their session time, and that is set against
//! the present clock by an instant that both know, of this device or of an assistant
//! that lived through the reboot. Until there is one, the count of before stands, and
//! whatever the time since then hides is pending. `[POLICY-33]`
//!
//! Rejected: going by the wall clock at once. It is an examinee's to set, and what was
//! confirmed may not fall; it is the last resort when the session is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::marks::{Former, Mark, Marks};
use crate::clock::model::RATE_BITS;
use crate::clock::{Estimator, Mapped};
use crate::identity::{BootId, Role};
use crate::journal::{Fact, Own, Replayed};
use crate::limits;
use crate::machine::JournalName;
use crate::policy::{Policy, Proven, Tally};
use crate::recording::{Fragment, Interval, Recording};
use crate::report::revise;
use crate::time::{Instant, Primary, Span};
use crate::timeline::{Basis, ClockName, Placed, Timeline, with_clocks};

/// The earlier runs of a session, in the session time of its journals.
pub(super) struct Earlier {
    timeline: Timeline,
    /// The clock of this run.
    clock: ClockName,
    /// The last record by each clock.
    last: BTreeMap<ClockName, Instant<Own>>,
    /// What each role covered; the primary's of other boots than this one only.
    lanes: BTreeMap<Role, Recording<Primary>>,
    marks: BTreeMap<Role, Marks>,
    /// When the primary's camera was told to stop, and when the session ended.
    stopped: Option<Instant<Primary>>,
    ended: Option<Instant<Primary>>,
    /// How far the present clock is ahead, as the wall clock has it.
    wall: Span,
    /// What the journals count.
    counted: Tally,
}

/// How far this device's clock is ahead of session time. `[SESSION-51]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shift {
    /// Most likely.
    pub(super) by: Span,
    /// Certainly at least and at most, when the clock showed `at`.
    low: Span,
    high: Span,
    at: Instant<Primary>,
    basis: Basis,
}

impl Shift {
    /// Of the clock that session time is.
    pub(super) const NONE: Self = Self {
        by: Span::ZERO,
        low: Span::ZERO,
        high: Span::ZERO,
        at: Instant::from_nanos(0),
        basis: Basis::Own,
    };

    /// By what the wall clocks showed. `[TIMELINE-4]`
    fn by_wall(by: Span) -> Self {
        let slack = limits::WALL_UNCERTAINTY;
        Self { by, low: by - slack, high: by + slack, basis: Basis::WallClock, ..Self::NONE }
    }

    /// `here` is an instant of the present clock, which `placed` has in session time.
    fn between(here: Mapped<Primary>, placed: Placed) -> Self {
        Self {
            by: here.at - placed.at,
            low: here.low - placed.high,
            high: here.high - placed.low,
            at: here.at,
            basis: placed.basis,
        }
    }

    /// `now` in session time.
    pub(super) fn session_time(&self, now: Instant<Primary>) -> Placed {
        let drift = match self.basis {
            Basis::Messages => drift(now - self.at),
            Basis::Own | Basis::WallClock => Span::ZERO,
        };
        let (low, high) = (now - self.high - drift, now - self.low + drift);
        Placed { at: now - self.by, low, high, basis: self.basis }
    }
}

/// How far two clocks may drift apart in this time, at most. `[CLOCK-2]`
fn drift(time: Span) -> Span {
    Span::from_nanos((time.abs().nanos() >> RATE_BITS).saturating_add(1))
}

/// Where what earlier runs knew of all clocks places an instant, on the present one.
pub(super) struct Known {
    timeline: Timeline,
    shift: Shift,
}

impl Known {
    /// As [`tied`].
    pub(super) fn place(&self, clock: ClockName, at: Instant<Own>) -> Option<Instant<Primary>> {
        Some(tied(&self.timeline, clock, at)?.at + self.shift.by)
    }
}

/// The same on the present clock.
pub(super) struct Brought {
    /// What is copied only now may have been recorded by a clock of before.
    pub(super) known: Arc<Known>,
    /// How far it is ahead of session time.
    pub(super) shift: Shift,
    pub(super) lanes: BTreeMap<Role, Former>,
    pub(super) stopped: Option<Instant<Primary>>,
    pub(super) ended: Option<Instant<Primary>>,
}

impl Earlier {
    /// Reads all journals of the disk; `wall_zero` is what the wall clock shows when
    /// the clock of `boot` shows 0.
    pub(super) fn of(
        known: &[Replayed],
        (boot, wall_zero): (BootId, Span),
        policy: &Policy,
        statements: &[Proven],
    ) -> Option<Self> {
        let timeline = Timeline::of(known)?;
        let own = known.iter().find(|journal| journal.header().role.is_primary())?;
        let clock = ClockName { role: Role::PRIMARY, device: own.header().device, boot };
        let wall = zero_of(own, timeline.reference())? - wall_zero;
        let (lanes, marks, last) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (stopped, ended) = (None, None);
        let counted = Tally::default();
        let mut earlier =
            Self { timeline, clock, last, lanes, marks, stopped, ended, wall, counted };
        for journal in known {
            earlier.cover(journal, policy.terms().frame_gap);
        }
        earlier.follow(own);
        if earlier.known().is_none() {
            earlier.counted = counted_by(known, policy, statements);
        }
        Some(earlier)
    }

    fn cover(&mut self, journal: &Replayed, frame_gap: Span) {
        for (clock, entry) in with_clocks(journal) {
            self.last.insert(clock, entry.at);
            for mark in Mark::of(clock.role, &entry.fact) {
                if let Some(at) = self.place(clock, entry.at) {
                    self.marks.entry(clock.role).or_default().mark(at, mark);
                }
            }
            let Fact::Segment { first, last, frames, bytes, sha256, .. } = &entry.fact else {
                continue;
            };
            let ends = (self.place(clock, *first), self.place(clock, *last));
            let (Some(first), Some(last), true) = (ends.0, ends.1, clock != self.clock) else {
                continue;
            };
            let (frames, bytes, sha256) = (*frames, (*bytes).into(), *sha256);
            let lane = self.lanes.entry(clock.role).or_insert_with(|| Recording::new(frame_gap));
            // What proves no coverage counts as none. `[RECORDING-2]`
            _ = lane.commit(&Fragment { first, last, frames, bytes, sha256 });
        }
    }

    /// What the primary's journal says of the end.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other fact is of the end")]
    fn follow(&mut self, own: &Replayed) {
        for (clock, entry) in with_clocks(own) {
            let Some(at) = self.place(clock, entry.at) else { continue };
            match &entry.fact {
                Fact::Take { mark: 1, .. } | Fact::RecordingStopped { cause: 0, .. } => {
                    self.stopped = Some(at);
                }
                Fact::Take { mark: 0, .. } | Fact::RecordingStarted { .. } => self.stopped = None,
                Fact::Finish { .. } => self.ended = Some(at),
                _ => {}
            }
        }
    }

    /// The count by the journals alone: what is not in them is pending.
    pub(super) const fn counted(&self) -> Tally {
        self.counted
    }

    fn place(&self, clock: ClockName, at: Instant<Own>) -> Option<Instant<Primary>> {
        self.timeline.place(clock, at).map(|placed| placed.at)
    }

    /// How far the present clock is ahead of session time, if the journals know.
    pub(super) fn known(&self) -> Option<Shift> {
        let last = *self.last.get(&self.clock)?;
        let at = last.relabelled();
        let here = Mapped { at, low: at, high: at, sigma: Span::ZERO };
        Some(Shift::between(here, tied(&self.timeline, self.clock, last)?))
    }

    /// The same by what is known now of the clock of an assistant, which is in `boot`.
    pub(super) fn bridged(
        &self,
        name: JournalName,
        boot: BootId,
        estimator: &Estimator,
    ) -> Option<Shift> {
        let clock = ClockName { role: name.role, device: name.device, boot };
        let last = *self.last.get(&clock)?;
        let placed = tied(&self.timeline, clock, last)?;
        Some(Shift::between(estimator.to_primary(last.relabelled())?, placed))
    }

    /// Everything on the present clock, which is `shift` ahead, or as far as the wall
    /// clock has it.
    pub(super) fn bring(self, shift: Option<Shift>) -> Brought {
        let shift = shift.unwrap_or_else(|| Shift::by_wall(self.wall));
        let by = shift.by;
        let moved = |one: Interval<Primary>| Interval { start: one.start + by, end: one.end + by };
        let mut lanes: BTreeMap<Role, Former> = BTreeMap::new();
        for (role, lane) in self.lanes {
            let covered = lane.covered().iter().copied().map(moved);
            lanes.entry(role).or_default().covered.extend(covered);
        }
        for (role, marks) in self.marks {
            lanes.entry(role).or_default().marks = marks.moved(by);
        }
        let stopped = self.stopped.map(|at| at + by);
        let ended = self.ended.map(|at| at + by);
        Brought {
            known: Arc::new(Known { timeline: self.timeline, shift }),
            shift,
            lanes,
            stopped,
            ended,
        }
    }
}

/// Where messages place an instant; `None` for a clock that only its wall clock places.
fn tied(timeline: &Timeline, clock: ClockName, at: Instant<Own>) -> Option<Placed> {
    timeline.place(clock, at).filter(|placed| placed.basis != Basis::WallClock)
}

/// What the journals count, with everything that nobody knows yet as pending.
fn counted_by(known: &[Replayed], policy: &Policy, statements: &[Proven]) -> Tally {
    let Ok(report) = revise(known, Some(policy), statements) else { return Tally::default() };
    let judgement = report.revision.as_ref().map_or(&report.judgement, |one| &one.judgement);
    Tally::of(judgement, policy)
}

/// What the wall clock showed when `clock` showed 0, as the first run by it wrote down.
fn zero_of(own: &Replayed, clock: ClockName) -> Option<Span> {
    let mut here = with_clocks(own).filter(|(name, _)| *name == clock);
    here.find_map(|(_, entry)| {
        let Fact::ProcessStarted { wall_ms, .. } = &entry.fact else { return None };
        Some(Span::from_millis(*wall_ms) - Span::from_nanos(entry.at.nanos()))
    })
}
