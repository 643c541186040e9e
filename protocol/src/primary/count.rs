//! The count that the primary shows, while the exam runs and when it is over.
//!
//! It is the report's, as far as the report can be known by now: the same judge over
//! what this device has recorded and what has come of the assistants' journals. At the
//! end, when those are whole, nothing is left to differ. Rejected: counting what is
//! told as it is told; two counts of one thing differ sooner or later.

use super::Event;
use super::earlier::Brought;
use super::machine::{Course, PrimaryMachine};
use super::marks::Marks;
use crate::identity::Role;
use crate::ledger::{Cause, Loss, Medium, Unknown};
use crate::limits;
use crate::policy::{self, Case, Excuse, Expected, Tally, Window};
use crate::recording::Interval;
use crate::time::{Instant, Primary, Span};

impl PrimaryMachine {
    /// The count as far as it can be known now; told when it changes.
    pub(super) fn recount(&mut self, now: Instant<Primary>) {
        self.recall();
        let tally = self.tally_at(now);
        if tally != self.tally {
            self.tally = tally;
            self.outbox.settled().event(Event::Tally(tally));
        }
    }

    pub(super) fn tally_at(&self, now: Instant<Primary>) -> Tally {
        let tally = match &self.earlier {
            // [POLICY-33]
            Some(earlier) => earlier.counted(),
            None => Tally::of(&policy::judge(&self.case_at(now), &self.policy), &self.policy),
        };
        tally.following(self.tally, &self.policy)
    }

    /// Takes what was before this run, once it is known when that was; at the end, as
    /// well as it can be known.
    fn recall(&mut self) {
        let Some(earlier) = &self.earlier else { return };
        let bridge = || self.seats.values().find_map(|seat| seat.bridge(earlier));
        let shift = earlier.known().or_else(bridge);
        let last = self.ended.is_some() || self.course == Course::Over;
        if shift.is_none() && !last {
            return;
        }
        let Some(earlier) = self.earlier.take() else { return };
        let Brought { known, shift, lanes, stopped, ended } = earlier.bring(shift);
        self.shift = shift;
        // The latest first: what each is given after that was told before it.
        for seat in self.seats.values_mut() {
            seat.remember(known.clone());
        }
        for (role, former) in lanes {
            if role.is_primary() {
                self.past = former.covered;
                self.marks.follow(former.marks);
            } else if let Some(seat) = self.seats.get_mut(&role) {
                seat.inherit(former);
            } else {
                let since = self.former.remove(&role).unwrap_or_default();
                self.former.insert(role, former.then(since));
            }
        }
        let films = |at: Instant<Primary>| self.camera.covered().is_some_and(|last| last > at);
        self.stopped = self.stopped.or(stopped.filter(|at| !films(*at)));
        self.ended = self.ended.or(ended);
    }

    /// The case as it would be judged if the exam ended now.
    fn case_at(&self, now: Instant<Primary>) -> Case {
        let windows = self.plan.windows();
        let end = self.ended.map_or(now, |ended| ended.min(now)).min(windows.answer_end);
        let start = match self.policy.terms().count_from {
            policy::CountFrom::Answer => windows.answer_start,
            policy::CountFrom::Wait => windows.wait_open,
        };
        let mut case = Case::clean(windows.answer_start.min(end), end);
        // What is stated is stated in session time.
        let excused = policy::excuses(&self.statements).into_iter();
        case.excused = excused
            .map(|one| Excuse { start: one.start + self.shift.by, end: one.end + self.shift.by })
            .collect();
        case.window = Window { waiting: Some(windows.wait_open.min(end)), ..case.window };
        if end <= start || !self.course.has_begun() {
            return case;
        }
        let window = Interval { start, end };
        case.losses = self.own_losses(window);
        for role in self.roles() {
            let (losses, unknown) = self.evidence(role, window);
            case.losses.extend(losses);
            case.unknown.extend(unknown);
        }
        for (role, marks) in self.marked() {
            let told = marks.losses(end).into_iter();
            case.losses.extend(told.map(|(medium, one)| loss(role, one, medium)));
            let gaps = marks.gaps();
            case.expected.extend(gaps.map(|Interval { start, end }| Expected { role, start, end }));
        }
        case.ready = end <= windows.wait_close || self.began_by(windows.wait_close, end);
        case
    }

    /// What each role told beside its frames, be its seat taken or not.
    fn marked(&self) -> impl Iterator<Item = (Role, &Marks)> {
        let seats = self.seats.values().map(|seat| (seat.role(), seat.marks()));
        let former = self.former.iter().map(|(role, former)| (*role, &former.marks));
        core::iter::once((Role::PRIMARY, &self.marks)).chain(seats).chain(former)
    }

    /// Whether no camera is known to have begun after `close`. `[REPORT-12]`
    fn began_by(&self, close: Instant<Primary>, end: Instant<Primary>) -> bool {
        let over = self.ended.is_some();
        let past = self.past.first().map(|first| first.start);
        let own = self.camera.recording().covered().first().map(|first| first.start);
        let late = match past.or(own) {
            Some(first) => first > close,
            None => over || end - close > limits::READY_AGE,
        };
        !late && self.seats.values().all(|seat| !seat.began_after(close, over))
    }

    fn own_losses(&self, window: Interval<Primary>) -> Vec<Loss> {
        let role = Role::PRIMARY;
        let mut recording = self.camera.recording().clone();
        for stretch in &self.past {
            // More stretches than an exam can have: the report still counts them.
            _ = recording.cover(*stretch);
        }
        let (Some(first), Some(last)) = (recording.covered().first(), recording.last()) else {
            return Vec::new();
        };
        let start = window.start.max(first.start);
        let whole = self.ended.is_some() || (self.stopped.is_some() && self.camera.has_stopped());
        let end = if whole {
            // [REPORT-6]
            let stopped = self.stopped.filter(|at| window.end - *at <= limits::FINISH_GRACE);
            stopped.map_or(window.end, |at| at.min(window.end))
        } else if window.end - last > limits::READY_AGE {
            window.end
        } else {
            // What is not committed yet is not lost yet.
            last
        };
        let frames = recording.losses(Interval { start, end: end.max(start) });
        frames.into_iter().map(|one| loss(role, one, Medium::Picture)).collect()
    }

    /// What is lost and what is unknown of a seat, be it taken or not.
    fn evidence(&self, role: Role, window: Interval<Primary>) -> (Vec<Loss>, Vec<Unknown>) {
        if let Some(seat) = self.seats.get(&role) {
            return seat.evidence(window);
        }
        let former = self.former.get(&role);
        let covered = former.map(|one| one.covered.as_slice()).unwrap_or_default();
        let within = |one: &Interval<Primary>| one.start < window.end && window.start < one.end;
        let gaps = covered.iter().zip(covered.iter().skip(1));
        let gaps = gaps.map(|(one, next)| Interval { start: one.end, end: next.start });
        let losses = gaps.filter(within).map(|gap| loss(role, gap, Medium::Picture)).collect();
        let rest = covered.last().map(|last| Interval { start: last.end, end: window.end });
        let rest = rest.filter(|rest| rest.length() > Span::ZERO);
        let unknown = rest.map(|rest| Unknown { role, start: rest.start, end: rest.end });
        (losses, unknown.into_iter().collect())
    }
}

const fn loss(role: Role, lost: Interval<Primary>, medium: Medium) -> Loss {
    Loss {
        role,
        start: lost.start,
        end: lost.end,
        uncertainty: Span::ZERO,
        cause: Cause::Unknown,
        medium,
    }
}
