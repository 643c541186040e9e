//! One assistant's seat: the device in it and what its camera has proven.
//!
//! A seat outlives the devices in it: what a phone covered before it broke still covers
//! the seat when another has taken its place. Everything here is in session time, and
//! what cannot be placed there yet waits. Rejected: to count from the state of the link
//! (a lost network is no lost camera), and to place what was recorded by the clock of
//! the moment when it is copied (that boot may be over).

mod placing;

use std::collections::VecDeque;
use std::sync::Arc;

use super::earlier::{Earlier, Known, Shift};
use super::marks::{Former, Marks};
use crate::clock::{Estimate, Estimator, Schedule};
use crate::fault::CloseCode;
use crate::identity::{BootId, Label, Role};
use crate::journal::Head;
use crate::ledger::{Cause, Loss, Medium, Observed, Unknown};
use crate::limits;
use crate::liveness::LinkState;
use crate::policy::Policy;
use crate::recording::{Interval, Recording};
use crate::session::Peer;
use crate::time::{Instant, Primary, Secondary, Span};
use crate::wire;
use placing::{Stale, Waiting};

/// A taken seat.
pub(super) struct Seat {
    pub(super) peer: Peer<Primary>,
    pub(super) label: Label,
    pub(super) schedule: Schedule,
    /// Since when this device has another network and was not heard there.
    pub(super) sought: Option<Instant<Primary>>,
    /// The six digits, until they were compared.
    pub(super) check_code: Option<u32>,
    /// Coverage that the copied journal proves, in session time.
    recording: Recording<Primary>,
    /// What else its devices have told, in session time.
    marks: Marks,
    /// What the device's present boot told, which waits for its clock to be known.
    waiting: VecDeque<Waiting>,
    /// What earlier boots told that nothing places yet.
    stale: Stale,
    /// The boot that the copied journal has come to.
    boot: Option<BootId>,
    /// The boot that the device was in when its link was gone, and what was known of
    /// its clock: it may have recorded then what is copied only now.
    earlier: Option<(BootId, Estimator)>,
    /// What was known of its clocks before this process began.
    before: Option<Arc<Known>>,
    /// What was placed last of the present boot.
    anchor: Option<(Instant<Secondary>, Instant<Primary>)>,
    /// Its camera's order is to be sent once its clock is known, at the latest then.
    /// `[SESSION-42]`
    pub(super) owed: Option<Instant<Primary>>,
    /// When its camera was told to stop.
    stopped: Option<Instant<Secondary>>,
    /// Since when its camera is known to be lost.
    pub(super) lost: Option<Instant<Primary>>,
    /// What its journal said last of why its camera is away, and when.
    observed: Option<(Instant<Secondary>, Observed)>,
    /// Why a device that said it was the one in this seat was refused for good, until
    /// the one in it is heard again. `[SESSION-39]`
    pub(super) cannot_return: Option<CloseCode>,
    /// How far its journal goes whose end it has announced or shown.
    pub(super) finished: Option<Head>,
    /// Whether the copied journal has its last record, and the seal over it.
    end: JournalEnd,
}

/// How the copy of a journal ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum JournalEnd {
    Open,
    Finished,
    Sealed,
}

impl Seat {
    pub(super) fn new(
        peer: Peer<Primary>,
        label: Label,
        policy: &Policy,
        now: Instant<Primary>,
    ) -> Self {
        Self {
            peer,
            label,
            schedule: Schedule::new(now),
            sought: None,
            check_code: None,
            recording: Recording::new(policy.terms().frame_gap),
            marks: Marks::default(),
            waiting: VecDeque::new(),
            stale: Stale::Dropped,
            boot: None,
            earlier: None,
            before: None,
            anchor: None,
            owed: None,
            stopped: None,
            lost: None,
            observed: None,
            cannot_return: None,
            finished: None,
            end: JournalEnd::Open,
        }
    }

    pub(super) const fn role(&self) -> Role {
        self.peer.role()
    }

    /// Why nobody can come back into this seat, as far as that can be told.
    /// `[SESSION-39]`
    pub(super) fn shut_out(&self) -> Option<CloseCode> {
        self.cannot_return.filter(|_| self.peer.state() == LinkState::Down)
    }

    /// The device comes back, perhaps from a crash: its clock may be numbered anew, so
    /// what is known of it is kept for what it has recorded until then.
    pub(super) fn returns(&mut self) {
        let covered = self.peer.said().and_then(|said| said.covered);
        let known = covered.and_then(|at| self.session_time(at)).is_some();
        if let Some(before) = self.peer.boot().filter(|_| known) {
            self.earlier = Some((before, self.peer.timing().estimator().clone()));
        }
    }

    /// Takes what is known of what was copied before this process began, or of the
    /// device that was in this seat before.
    pub(super) fn inherit(&mut self, former: Former) {
        for stretch in former.covered {
            // More stretches than an exam can have: the report still counts them.
            _ = self.recording.cover(stretch);
        }
        self.marks.follow(former.marks);
    }

    /// What is left of the device when it is put out.
    pub(super) fn leave(self) -> Former {
        Former { covered: self.recording.covered().to_vec(), marks: self.marks }
    }

    /// What its devices told beside their frames.
    pub(super) const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What is covered, in session time.
    pub(super) fn stretches(&self) -> &[Interval<Primary>] {
        self.recording.covered()
    }

    /// How far the present clock is ahead of the time in which `earlier` has all that
    /// was before, if this device lived through the change.
    pub(super) fn bridge(&self, earlier: &Earlier) -> Option<Shift> {
        earlier.bridged(self.peer.name(), self.peer.boot()?, self.peer.timing().estimator())
    }

    /// Whether the whole journal is here: up to where its device said, or to its
    /// sealed end. `[SESSION-9]`
    pub(super) fn is_whole(&self) -> bool {
        let told = self.finished.is_some_and(|end| self.peer.copied().sequence >= end.sequence);
        told || self.end == JournalEnd::Sealed
    }

    /// What is known of the assistant's clock at `now`.
    pub(super) fn estimate(&self, now: Instant<Primary>) -> Option<Estimate> {
        self.peer.timing().estimate(now)
    }

    fn session_time(&self, at: Instant<Secondary>) -> Option<Instant<Primary>> {
        self.peer.timing().estimator().middle_of(at)
    }

    /// The capture of the last frame that the assistant is known to have
    /// committed, in session time.
    pub(super) fn covered(&self) -> Option<Instant<Primary>> {
        let said = self.peer.said().and_then(|said| said.covered);
        said.and_then(|said| self.session_time(said)).max(self.recording.last())
    }

    /// Since when the camera is lost that is said to be lost at `now`.
    pub(super) fn lost_since(&self, now: Instant<Primary>) -> Instant<Primary> {
        let stretches = self.recording.covered();
        let returning =
            self.peer.said().is_some_and(|said| said.recording == wire::Recording::Returning);
        let before = stretches.len().checked_sub(if returning { 2 } else { 1 });
        let before = before.and_then(|index| stretches.get(index)).map(|stretch| stretch.end);
        before.or(self.covered()).unwrap_or(now)
    }

    /// Why the camera is lost since `since`, as far as the assistant knows: its record
    /// comes with the heartbeat that tells of the loss, or before. A cause that led
    /// to no loss explains no later one.
    pub(super) fn observed(&self, since: Instant<Primary>) -> Observed {
        let meant = |(at, _): &(Instant<Secondary>, Observed)| {
            self.session_time(*at).is_some_and(|at| since - at <= limits::READY_AGE)
        };
        self.observed.filter(meant).map_or(Observed::NOTHING, |(_, observed)| observed)
    }

    /// How long the camera did not record that was lost since `since` and is back.
    pub(super) fn lost_for(&self, since: Instant<Primary>) -> Span {
        let covered = self.covered().unwrap_or(since);
        let back = self.recording.covered().last().map_or(covered, |stretch| stretch.start);
        let gone = Interval { start: since, end: back.max(since) };
        let lost =
            self.recording.losses(gone).iter().fold(Span::ZERO, |sum, one| sum + one.length());
        if lost > Span::ZERO { lost } else { covered - since }
    }

    /// Frames that the assistant says it has committed.
    pub(super) fn frames(&self) -> u64 {
        self.peer.said().map_or(0, |said| said.frames)
    }

    /// Whether frames prove that the camera records. `[SESSION-7]`
    pub(super) fn is_proven(&self, now: Instant<Primary>) -> bool {
        self.covered().is_some_and(|covered| now - covered <= limits::READY_AGE)
    }

    /// Whether the assistant itself says that its camera is lost.
    pub(super) fn says_lost(&self) -> bool {
        self.peer.said().is_some_and(|said| {
            matches!(said.recording, wire::Recording::Lost | wire::Recording::Returning)
        })
    }

    /// What is lost and what is unknown within `window`, as far as known now.
    ///
    /// A silence is a loss only where the journal shows what came after it, or
    /// where a heartbeat that came later still tells of no newer frame. What was
    /// merely not heard is unknown.
    pub(super) fn evidence(&self, window: Interval<Primary>) -> (Vec<Loss>, Vec<Unknown>) {
        let role = self.role();
        let unknown = |start| vec![Unknown { role, start, end: window.end }];
        let loss = |interval: Interval<Primary>, uncertainty| Loss {
            role,
            start: interval.start,
            end: interval.end,
            uncertainty,
            cause: Cause::Unknown,
            medium: Medium::Picture,
        };
        // Whether a camera began in time is another question.
        let first = self.stretches().first().map_or(window.start, |first| first.start);
        let start = window.start.max(first);
        if self.is_whole() && !self.frames_wait() {
            let end = self.end_of(window).max(start);
            let lost = self.recording.losses(Interval { start, end });
            return (lost.into_iter().map(|one| loss(one, Span::ZERO)).collect(), Vec::new());
        }
        let Some(covered) = self.covered() else { return (Vec::new(), unknown(window.start)) };
        let mut losses = Vec::new();
        if let Some(copied) = self.recording.last() {
            let end = copied.min(window.end);
            let lost = self.recording.losses(Interval { start, end: end.max(start) });
            // Asked for at every heartbeat, and seldom is anything lost.
            if !lost.is_empty() {
                let bound = self.peer.timing().estimator().interval(end);
                let bound = bound.map_or(Span::ZERO, |at| at.half_width());
                losses.extend(lost.into_iter().map(|one| loss(one, bound)));
            }
        }
        let until = covered.min(window.end).max(window.start);
        let told = self.peer.said_at().unwrap_or(until).min(window.end);
        if told - until > limits::READY_AGE && self.peer.state() == LinkState::Live {
            losses.push(loss(Interval { start: until, end: window.end }, Span::ZERO));
            return (losses, Vec::new());
        }
        let silent = window.end - until > limits::READY_AGE;
        (losses, if silent { unknown(until) } else { Vec::new() })
    }

    /// Where this camera was told to stop, if that was the end of the session: devices
    /// do not stop in the same instant. `[REPORT-6]`
    fn end_of(&self, window: Interval<Primary>) -> Instant<Primary> {
        let stopped = self.stopped.and_then(|at| self.whereabouts(at));
        let stopped = stopped.filter(|at| window.end - *at <= limits::FINISH_GRACE);
        stopped.map_or(window.end, |at| at.min(window.end))
    }

    /// Whether its camera is known to have begun too late for an exam that waited
    /// until `close`, or not at all before it was `over`. `[REPORT-12]`
    pub(super) fn began_after(&self, close: Instant<Primary>, over: bool) -> bool {
        let never = over || (self.is_whole() && !self.frames_wait());
        self.stretches().first().map_or(never, |first| first.start > close)
    }
}
