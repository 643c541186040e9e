//! What one role's journals prove of its camera: coverage, and what lies between.
//!
//! Segments are joined on the clock that captured them, where no clock error can
//! open or close a gap; only the ends of what is joined are placed in session
//! time. A silence becomes a *loss* only where the journal is there to show it;
//! where the journal itself is missing, it becomes *unknown*.

use super::away;
use super::cause::Told;
use super::evidence::{Evidence, Witnessed};
use crate::identity::Role;
use crate::journal::{Entry, Fact, Own, Replayed};
use crate::ledger::{Loss, Medium, Unknown};
use crate::limits;
use crate::recording::{Fragment, Totals};
use crate::time::{Instant, Primary, Span};
use crate::timeline::{Basis, ClockName, Placed, Timeline, events, with_clocks};

/// Time that one camera covered without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Covered {
    /// The capture of its first frame.
    pub start: Placed,
    /// The capture of its last frame.
    pub end: Placed,
    /// The clock that captured it.
    pub clock: ClockName,
    own: (Instant<Own>, Instant<Own>),
    pub(super) sequences: (u64, u64),
    /// How long after its end it may have filmed on.
    ragged: Span,
}

impl Covered {
    /// The same two captures by the clock that read them.
    #[must_use]
    pub const fn own(&self) -> (Instant<Own>, Instant<Own>) {
        self.own
    }
}

/// Segments without a gap, before their ends are placed.
struct Joined {
    clock: ClockName,
    own: (Instant<Own>, Instant<Own>),
    sequences: (u64, u64),
    ragged: Span,
}

impl Joined {
    const fn new(clock: ClockName, sequence: u64, own: (Instant<Own>, Instant<Own>)) -> Self {
        Self { clock, own, sequences: (sequence, sequence), ragged: Span::ZERO }
    }
}

/// A silence between two covered stretches, or after the last.
pub(super) struct Silence {
    start: Placed,
    end: Instant<Primary>,
    length: Span,
    uncertainty: Span,
    pub(super) before: Option<Covered>,
    pub(super) after: Option<Covered>,
}

/// Everything one role's journals say.
pub(super) struct Lane<'a> {
    role: Role,
    journals: Vec<&'a Replayed>,
    pub(super) covered: Vec<Covered>,
    pub(super) totals: Totals,
    /// Stretches of session time in which the journals themselves say nothing.
    blind: Vec<(Instant<Primary>, Instant<Primary>)>,
    frame_gap: Span,
}

impl Found {
    fn take(&mut self, (witnessed, told): (Witnessed, Told)) {
        self.silent_stop |= told == Told::No;
        self.losses.push(witnessed);
    }
}

/// What a lane contributes to the case.
#[derive(Default)]
pub(super) struct Found {
    pub(super) losses: Vec<Witnessed>,
    pub(super) unknown: Vec<Unknown>,
    /// A camera fell silent and nothing said why. `[REPORT-8]`
    pub(super) silent_stop: bool,
    /// Something could be placed by the wall clock only.
    pub(super) wall_only: bool,
}

impl<'a> Lane<'a> {
    pub(super) fn gather(
        role: Role,
        journals: &'a [Replayed],
        timeline: &Timeline,
        frame_gap: Span,
        end: Instant<Primary>,
    ) -> Self {
        let mut own: Vec<_> =
            journals.iter().filter(|journal| journal.header().role == role).collect();
        own.sort_by_key(|journal| journal.header().device);
        let mut lane = Self {
            role,
            journals: own,
            covered: Vec::new(),
            totals: Totals::default(),
            blind: Vec::new(),
            frame_gap,
        };
        for journal in lane.journals.clone() {
            lane.cover(journal, timeline);
            lane.blind_spots(journal, timeline, end);
        }
        lane.covered.sort_by_key(|covered| (covered.start.at, covered.end.at));
        lane
    }

    pub(super) fn is_absent(&self) -> bool {
        self.journals.is_empty()
    }

    /// Joins the segments of one journal. `[REPORT-2]`
    fn cover(&mut self, journal: &Replayed, timeline: &Timeline) {
        let mut joined: Vec<Joined> = Vec::new();
        for (clock, entry) in with_clocks(journal) {
            let Some(fragment) = fragment(entry) else { continue };
            if fragment.check(self.frame_gap).is_err() {
                continue;
            }
            self.totals.fragments = self.totals.fragments.saturating_add(1);
            self.totals.frames = self.totals.frames.saturating_add(fragment.frames.into());
            self.totals.bytes = self.totals.bytes.saturating_add(fragment.bytes);
            let (sequence, ends) = (entry.sequence, (fragment.first, fragment.last));
            // A device that stood still while it filmed leaves frames of both sides.
            if let Some((from, to)) = self.jump(timeline, clock, ends) {
                self.join(&mut joined, timeline, (clock, sequence), (ends.0, from));
                if let Some(open) = joined.last_mut() {
                    open.ragged = to - from;
                }
                joined.push(Joined::new(clock, sequence, (to, ends.1.max(to))));
            } else {
                self.join(&mut joined, timeline, (clock, sequence), ends);
            }
        }
        for Joined { clock, own, sequences, ragged } in joined {
            let ends = (timeline.place(clock, own.0), timeline.place(clock, own.1));
            if let (Some(start), Some(end)) = ends {
                self.covered.push(Covered { start, end, clock, own, sequences, ragged });
            }
        }
    }

    /// Goes on with the stretch that is open, or begins one.
    fn join(
        &self,
        joined: &mut Vec<Joined>,
        timeline: &Timeline,
        (clock, sequence): (ClockName, u64),
        (first, last): (Instant<Own>, Instant<Own>),
    ) {
        match joined.last_mut() {
            Some(open)
                if open.clock == clock
                    && first - open.own.1 <= self.frame_gap
                    && self.jump(timeline, clock, (open.own.1, first)).is_none() =>
            {
                open.own.1 = last.max(open.own.1);
                open.sequences.1 = sequence;
            }
            Some(_) | None => joined.push(Joined::new(clock, sequence, (first, last))),
        }
    }

    /// The part between two instants in which their clock stood still, with its
    /// device, for longer than a frame gap.
    fn jump(
        &self,
        timeline: &Timeline,
        clock: ClockName,
        (from, to): (Instant<Own>, Instant<Own>),
    ) -> Option<(Instant<Own>, Instant<Own>)> {
        let gap = timeline.stepped(clock, from, to)?;
        let (start, end) = (timeline.place(clock, from)?, timeline.place(clock, to)?);
        ((end.at - start.at) - (to - from) > self.frame_gap).then_some((gap.0.max(from), gap.1))
    }

    /// Where this journal says nothing: its holes, and what comes after a journal
    /// that was never finished. A device that was replaced records no more for its
    /// seat, whether or not it could say so. `[REPORT-4]`
    fn blind_spots(&mut self, journal: &Replayed, timeline: &Timeline, end: Instant<Primary>) {
        let place = |clock, entry: &Entry| timeline.place(clock, entry.at).map(|placed| placed.at);
        let never = Instant::from_nanos(i64::MIN);
        for hole in journal.holes() {
            let before = with_clocks(journal).take_while(|(_, e)| e.sequence <= hole.after).last();
            let after = hole.resumes.and_then(|resumes| {
                with_clocks(journal).find(|(_, entry)| entry.sequence >= resumes)
            });
            let from = before.and_then(|(clock, entry)| place(clock, entry)).unwrap_or(never);
            let to = after.and_then(|(clock, entry)| place(clock, entry)).unwrap_or(end);
            self.blind.push((from, to));
        }
        let replaced =
            self.journals.iter().any(|other| other.header().device > journal.header().device);
        if !journal.is_finished() && !replaced {
            let last = with_clocks(journal).last().and_then(|(clock, entry)| place(clock, entry));
            self.blind.push((last.unwrap_or(never), Instant::MAX));
        }
    }

    /// The silences between what is covered, and from there to `end`. Before the first
    /// frame there is none: whether a camera began in time is another question.
    /// `[REPORT-16]`
    fn silences(&self, timeline: &Timeline, end: Instant<Primary>) -> Vec<Silence> {
        let mut found = Vec::new();
        let mut front: Option<Covered> = None;
        for next in &self.covered {
            if let Some(before) = front {
                found.push(self.between(timeline, before, *next));
            }
            if front.is_none_or(|known| known.end.at < next.end.at) {
                front = Some(*next);
            }
        }
        if let Some(before) = front.filter(|before| before.end.at < end) {
            let length = end - before.end.at;
            let tail = self.lost_with_a_process(&before, None);
            found.push(Silence {
                start: before.end,
                end,
                length,
                uncertainty: mistimed(length) + before.end.within() + tail + before.ragged,
                before: Some(before),
                after: None,
            });
        }
        found.retain(|silence| silence.length > self.frame_gap);
        found
    }

    /// How long a silence was, and how sure that is. `[REPORT-3]`
    fn between(&self, timeline: &Timeline, before: Covered, after: Covered) -> Silence {
        let tail = self.lost_with_a_process(&before, Some(&after));
        // Wall clocks are set by anybody; the clock itself at least was running.
        let one = before.clock == after.clock
            && (before.end.basis == Basis::WallClock
                || timeline.ran_on(before.clock, before.own.1, after.own.0));
        let (length, placing) = if one {
            (after.own.0 - before.own.1, Span::ZERO)
        } else {
            (after.start.at - before.end.at, before.end.within() + after.start.within())
        };
        Silence {
            start: before.end,
            end: after.start.at,
            length,
            uncertainty: mistimed(length) + placing + tail + before.ragged,
            before: Some(before),
            after: Some(after),
        }
    }

    /// How long a camera may have filmed on without leaving frames, if a process ended
    /// in the silence from `before` to `after`, or to the end of the session.
    fn lost_with_a_process(&self, before: &Covered, after: Option<&Covered>) -> Span {
        let started = |entry: &Entry| matches!(entry.fact, Fact::ProcessStarted { .. });
        let other = after.is_some_and(|after| before.clock != after.clock);
        if other || self.entries_in(Some(before), after).any(started) {
            limits::FRAGMENT_TYPICAL
        } else {
            Span::ZERO
        }
    }

    /// Losses and unknown stretches up to `end`. `[REPORT-3]` `[REPORT-4]`
    pub(super) fn find(&self, timeline: &Timeline, end: Instant<Primary>) -> Found {
        let mut found = Found::default();
        for silence in self.silences(timeline, self.stopped(timeline, end)) {
            found.wall_only |= [silence.before, silence.after]
                .iter()
                .flatten()
                .any(|covered| covered.start.basis == Basis::WallClock);
            self.split(&silence, &mut found);
        }
        away::find(self, timeline, end, &mut found.losses);
        found
    }

    /// When this camera was told to stop, if that was the end of the session:
    /// devices do not stop in the same instant. `[REPORT-6]`
    #[expect(clippy::wildcard_enum_match_arm, reason = "four facts start and stop a camera")]
    fn stopped(&self, timeline: &Timeline, end: Instant<Primary>) -> Instant<Primary> {
        let mut stopped = None;
        for (clock, entry) in self.journals.iter().flat_map(|journal| events(journal)) {
            let ordered = match &entry.fact {
                Fact::Take { mark: 1, .. } | Fact::RecordingStopped { cause: 0, .. } => true,
                Fact::Take { mark: 0, .. } | Fact::RecordingStarted { .. } => false,
                _ => continue,
            };
            stopped = ordered.then(|| timeline.place(clock, entry.at)).flatten();
        }
        match stopped {
            Some(stopped) if end - stopped.at <= limits::FINISH_GRACE => end.min(stopped.at),
            Some(_) | None => end,
        }
    }

    /// Cuts a silence into what is known to be lost and what is not known.
    fn split(&self, silence: &Silence, found: &mut Found) {
        let mut from = silence.start.at;
        let mut blind: Vec<_> = self
            .blind
            .iter()
            .map(|(start, end)| ((*start).max(from), (*end).min(silence.end)))
            .filter(|(start, end)| start < end)
            .collect();
        blind.sort_unstable();
        let whole = blind.is_empty();
        for (start, end) in blind {
            if start - from > self.frame_gap {
                found.take(self.loss(silence, from, start));
            }
            let start = start.max(from);
            if start < end {
                found.unknown.push(Unknown { role: self.role, start, end });
            }
            from = from.max(end);
        }
        if whole || silence.end - from > self.frame_gap {
            found.take(self.loss(silence, from, silence.end));
        }
    }

    fn loss(
        &self,
        silence: &Silence,
        start: Instant<Primary>,
        end: Instant<Primary>,
    ) -> (Witnessed, Told) {
        let (cause, raw, told) = self.cause(silence);
        let uncertainty = silence.uncertainty;
        let medium = Medium::Picture;
        let loss = Loss { role: self.role, start, end, uncertainty, cause, medium };
        let mut evidence = Vec::new();
        let mut name = |covered: Option<Covered>, what, last: bool| {
            if let Some(covered) = covered {
                let (first, end) = covered.sequences;
                let sequence = if last { end } else { first };
                let (role, device) = (covered.clock.role, covered.clock.device);
                evidence.push(Evidence { role, device, sequence, what });
            }
        };
        name(silence.before, "last frames before", true);
        name(silence.after, "first frames after", false);
        (Witnessed { loss, raw, evidence }, told)
    }

    pub(super) fn journals(&self) -> &[&'a Replayed] {
        &self.journals
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }
}

/// The frames that this entry commits.
const fn fragment(entry: &Entry) -> Option<Fragment<Own>> {
    let Fact::Segment { first, last, frames, bytes, sha256, .. } = &entry.fact else {
        return None;
    };
    let (first, last, frames, sha256) = (*first, *last, *frames, *sha256);
    Some(Fragment { first, last, frames, bytes: *bytes as u64, sha256 })
}

/// How far the length of a loss may be off that one clock timed. `[LEDGER-16]`
pub(super) fn mistimed(length: Span) -> Span {
    let rate = length.nanos().max(0) / limits::RATE_UNCERTAINTY;
    limits::FRAME_UNCERTAINTY + Span::from_nanos(rate)
}
