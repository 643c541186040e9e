//! This device's own camera, as its journal and its screen see it.
//!
//! The recorder of `ledger` says what changed; this file turns the host's facts
//! into its events and keeps the totals that the heartbeat carries. It decides
//! nothing about the exam.

use std::collections::VecDeque;

use crate::identity::Role;
use crate::journal::Fact;
use crate::ledger::Observed;
use crate::ledger::{Change, Event, Origin, Recorder, State, Watch};
use crate::policy::Policy;
use crate::recording::{Fragment, Recording, Totals};
use crate::session::{HostFact, Local, Outbox, Refused};
use crate::time::{Clock, Instant, Span};
use crate::wire;

/// The own recorder and what it has recorded.
pub(crate) struct Camera<C: Clock> {
    recorder: Recorder<C>,
    recording: Recording<C>,
    conditions: wire::Conditions,
    /// Whether the host's recorder has ended and no other has started.
    halted: bool,
    /// How far the recording went at each journal record that may not be durable yet,
    /// and at the last one that is.
    marks: VecDeque<Mark<C>>,
}

/// How far the recording goes as of a journal record.
#[derive(Clone, Copy)]
struct Mark<C: Clock> {
    record: u64,
    covered: Option<Instant<C>>,
    frames: u64,
}

/// Beyond so many fragments between two writes that are made durable, only the latest
/// is told apart.
const MARKS: usize = 64;

/// Something about the own camera that a screen shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News<C: Clock> {
    Lost { since: Option<Instant<C>>, observed: Observed },
    Overdue,
    Back { start: Option<Instant<C>>, end: Instant<C>, lost: Span },
}

impl<C: Clock> Camera<C> {
    pub(crate) fn new(role: Role, watch: Watch) -> Self {
        Self::with(Recorder::new(role, watch), Recording::new(watch.frame_gap))
    }

    fn with(recorder: Recorder<C>, recording: Recording<C>) -> Self {
        let (covered, frames) = (recording.last(), recording.totals().frames);
        Self {
            recorder,
            recording,
            conditions: wire::Conditions::NONE,
            halted: false,
            marks: VecDeque::from([Mark { record: 0, covered, frames }]),
        }
    }

    /// A camera that is not to record now, and what it recorded before.
    pub(crate) fn stopped(role: Role, watch: Watch, recording: Recording<C>) -> Self {
        Self::with(Recorder::new(role, watch), recording)
    }

    /// A camera whose journal has no end: it was to be recording when the process
    /// died. `[SESSION-22]`
    pub(crate) fn recovered(
        role: Role,
        watch: Watch,
        recording: Recording<C>,
        origin: Origin<C>,
        observed: Observed,
    ) -> Self {
        let (recorder, _) = Recorder::recovered(role, watch, origin, observed);
        Self::with(recorder, recording)
    }

    /// Checks a host's fact before anything is written.
    pub(crate) fn check(&self, fact: &HostFact<C>) -> Result<(), Refused> {
        let HostFact::Committed { fragment, .. } = fact else { return Ok(()) };
        fragment.check(self.recording.frame_gap()).map_err(Refused::Fragment)?;
        match self.recording.last() {
            Some(last) if fragment.first < last => Err(Refused::OutOfOrder),
            _ => Ok(()),
        }
    }

    /// Writes a host's fact down that was checked, and takes it.
    pub(crate) fn keep<E>(
        &mut self,
        now: Instant<C>,
        (fact, record): (&HostFact<C>, &Fact),
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Vec<News<C>> {
        let before = local.written();
        local.write(now, record, outbox);
        let news = self.tell(now, fact);
        if matches!(fact, HostFact::Committed { .. }) && local.written() > before {
            self.written(local.written(), local.durable().sequence);
        }
        news
    }

    fn tell(&mut self, now: Instant<C>, fact: &HostFact<C>) -> Vec<News<C>> {
        if let HostFact::Committed { fragment, .. } = fact {
            self.commit(fragment);
        }
        if matches!(fact, HostFact::RecordingStarted { .. } | HostFact::RecordingStopped(_)) {
            self.halted = matches!(fact, HostFact::RecordingStopped(_));
        }
        let conditions = self.conditions;
        if matches!(fact, HostFact::ScreenLeft(_)) {
            self.conditions = conditions.with(wire::Conditions::SCREEN_LEFT);
        } else if matches!(fact, HostFact::ScreenBack) {
            self.conditions = conditions.without(wire::Conditions::SCREEN_LEFT);
        } else if matches!(fact, HostFact::AudioLost(_)) {
            self.conditions = conditions.with(wire::Conditions::AUDIO_LOST);
        } else if matches!(fact, HostFact::AudioBack) {
            self.conditions = conditions.without(wire::Conditions::AUDIO_LOST);
        }
        fact.to_event().map(|event| self.handle(now, event)).unwrap_or_default()
    }

    fn commit(&mut self, fragment: &Fragment<C>) {
        // Checked before: what cannot be taken was refused.
        _ = self.recording.commit(fragment);
    }

    /// Time has passed.
    pub(crate) fn wake(&mut self, now: Instant<C>) -> Vec<News<C>> {
        self.handle(now, Event::Wake)
    }

    fn handle(&mut self, now: Instant<C>, event: Event<C>) -> Vec<News<C>> {
        let news = |change| match change {
            Change::Lost { since, cause } => Some(News::Lost { since, observed: cause }),
            Change::Overdue { .. } => Some(News::Overdue),
            Change::Closed(outage) => {
                Some(News::Back { start: outage.start, end: outage.end, lost: outage.lost })
            }
            Change::Withdrawn => None,
            Change::Armed
            | Change::Started { .. }
            | Change::SilentStop { .. }
            | Change::Returning { .. }
            | Change::Relapsed { .. }
            | Change::Ended => None,
        };
        self.recorder.handle(now, event).into_iter().filter_map(news).collect()
    }

    /// When [`Camera::wake`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant<C>> {
        self.recorder.wake()
    }

    /// Frames are in the journal's record number `record`; it is durable up to `durable`.
    fn written(&mut self, record: u64, durable: u64) {
        while self.marks.get(1).is_some_and(|mark| mark.record <= durable) {
            self.marks.pop_front();
        }
        if self.marks.len() > MARKS {
            self.marks.pop_back();
        }
        let (covered, frames) = (self.recording.last(), self.recording.totals().frames);
        self.marks.push_back(Mark { record, covered, frames });
    }

    /// Where the recording ends, and how many frames it has, by what is durable in the
    /// journal: peers are told no more than that. `[SESSION-1]`
    pub(crate) fn proven(&self, durable: u64) -> (Option<Instant<C>>, u64) {
        let mark = self.marks.iter().rev().find(|mark| mark.record <= durable);
        mark.map_or((None, 0), |mark| (mark.covered, mark.frames))
    }

    pub(crate) const fn totals(&self) -> Totals {
        self.recording.totals()
    }

    pub(crate) fn covered(&self) -> Option<Instant<C>> {
        self.recording.last()
    }

    /// How much of the policy's limit is left while it is lost. `[LEDGER-12]`
    pub(crate) fn countdown(&self, now: Instant<C>) -> Option<Span> {
        self.recorder.countdown(now)
    }

    /// While it is lost: since when, and why as far as known.
    pub(crate) fn lost(&self) -> Option<(Instant<C>, Observed)> {
        self.recorder.lost()
    }

    pub(crate) const fn recording(&self) -> &Recording<C> {
        &self.recording
    }

    pub(crate) const fn conditions(&self) -> wire::Conditions {
        self.conditions
    }

    /// Whether no recorder is at work: nothing is left to wait for at the end.
    pub(crate) fn has_stopped(&self) -> bool {
        self.halted || matches!(self.state(), wire::Recording::Idle | wire::Recording::Ended)
    }

    /// The session stops; a loss that nothing will end is cut here. `[LEDGER-17]`
    pub(crate) fn stop(&mut self, now: Instant<C>) -> Vec<News<C>> {
        if self.halted { self.handle(now, Event::Stop) } else { Vec::new() }
    }

    /// The state, as device reports carry it.
    pub(crate) fn reported(&self) -> wire::CameraState {
        if self.state() == wire::Recording::Recording {
            wire::CameraState::Recording
        } else {
            wire::CameraState::Unknown
        }
    }

    /// The state, as heartbeats carry it.
    pub(crate) const fn state(&self) -> wire::Recording {
        match self.recorder.state() {
            State::Idle => wire::Recording::Idle,
            State::Armed => wire::Recording::Armed,
            State::Recording => wire::Recording::Recording,
            State::Lost => wire::Recording::Lost,
            State::Returning => wire::Recording::Returning,
            State::Ended => wire::Recording::Ended,
        }
    }
}

/// What an assistant watches for until the primary has said what the policy is.
pub(crate) const UNTOLD: Watch =
    Watch { frame_gap: Span::from_secs(2), stable: Span::from_secs(5), max_duration: None };

/// What the recorder watches for under `policy`.
pub(crate) const fn watch(policy: &Policy) -> Watch {
    let terms = policy.terms();
    Watch { frame_gap: terms.frame_gap, stable: terms.stable, max_duration: terms.max_duration }
}
