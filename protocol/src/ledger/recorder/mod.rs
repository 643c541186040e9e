//! M1: what one device knows, while it happens, about its own camera.
//!
//! Each device is the only witness of its own coverage, and it must notice a
//! loss without anybody's help: an encoder that stops delivering says nothing,
//! so silence itself is the signal. The recorder turns committed frames, screen
//! events and the passing of time into the transitions that the journal keeps
//! and the screen shows.
//!
//! It concludes nothing. What it closes is a *proposal*: the verdict is computed
//! from the journal's facts by `policy`, with both devices' journals at hand.
//! Rejected: polling the camera's own state. Phones exist that say "recording"
//! while no frame reaches the file.

mod frames;
mod outage;

pub use outage::{Announced, Change, Event, Origin, Outage, State, Watch};

use super::{Cause, Observed};
use crate::identity::Role;
use crate::limits;
use crate::time::{Clock, Instant, Span};
use outage::Open;

enum Phase<C: Clock> {
    Idle,
    Armed,
    Recording,
    Lost(Open<C>),
    Returning(Open<C>, Instant<C>),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen<C: Clock> {
    Here,
    Left(Instant<C>),
    Back { left: Instant<C>, back: Instant<C> },
}

impl<C: Clock> Screen<C> {
    fn is_away_after(self, instant: Instant<C>) -> bool {
        match self {
            Self::Here => false,
            Self::Left(_) => true,
            Self::Back { back, .. } => back > instant,
        }
    }
}

/// The recorder of one device, on that device's clock.
///
/// Law: hand in every event as it happens, and [`Event::Wake`] at
/// [`Recorder::wake`]; take the changes in order.
pub struct Recorder<C: Clock> {
    role: Role,
    watch: Watch,
    phase: Phase<C>,
    /// The latest time handed in: time does not go back here.
    now: Instant<C>,
    /// The capture of the last committed frame.
    last: Option<Instant<C>>,
    screen: Screen<C>,
    /// What the platform said since the last frame, and when.
    hint: Observed,
    hinted: Instant<C>,
    announced: Option<(Instant<C>, Instant<C>)>,
}

impl<C: Clock> Recorder<C> {
    /// A recorder for `role` that has not been armed.
    #[must_use]
    pub const fn new(role: Role, watch: Watch) -> Self {
        Self {
            role,
            watch,
            phase: Phase::Idle,
            now: Instant::from_nanos(i64::MIN),
            last: None,
            screen: Screen::Here,
            hint: Observed::NOTHING,
            hinted: Instant::from_nanos(i64::MIN),
            announced: None,
        }
    }

    /// A recorder in a new process that found a journal without an end: it
    /// begins LOST. `[LEDGER-9]`
    #[must_use]
    pub fn recovered(
        role: Role,
        watch: Watch,
        origin: Origin<C>,
        cause: Observed,
    ) -> (Self, Change<C>) {
        let mut recorder = Self::new(role, watch);
        let open = Open::recovered(origin, cause);
        recorder.last = open.since;
        recorder.now = open.piece;
        let change = Change::Lost { since: open.since, cause };
        recorder.phase = Phase::Lost(open);
        (recorder, change)
    }

    /// Where the machine stands.
    #[must_use]
    pub const fn state(&self) -> State {
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Armed => State::Armed,
            Phase::Recording => State::Recording,
            Phase::Lost(_) => State::Lost,
            Phase::Returning(..) => State::Returning,
            Phase::Ended => State::Ended,
        }
    }

    /// The capture of the last committed frame.
    #[must_use]
    pub const fn last_frame(&self) -> Option<Instant<C>> {
        self.last
    }

    /// While LOST or RETURNING: how much of the limit is left at `now`, negative
    /// beyond it; `None` without a limit. What a screen counts down. `[LEDGER-12]`
    #[must_use]
    pub fn countdown(&self, now: Instant<C>) -> Option<Span> {
        match &self.phase {
            Phase::Lost(open) | Phase::Returning(open, _) => {
                Some(open.began() + self.watch.max_duration? - now)
            }
            Phase::Idle | Phase::Armed | Phase::Recording | Phase::Ended => None,
        }
    }

    /// While LOST or RETURNING: since when, or 0 if that was before this boot, and why
    /// as far as known.
    #[must_use]
    pub fn lost(&self) -> Option<(Instant<C>, Observed)> {
        match &self.phase {
            Phase::Lost(open) | Phase::Returning(open, _) => Some((open.began(), open.cause)),
            Phase::Idle | Phase::Armed | Phase::Recording | Phase::Ended => None,
        }
    }

    /// When [`Event::Wake`] must be handed in, if nothing happens before.
    #[must_use]
    pub fn wake(&self) -> Option<Instant<C>> {
        let beyond = |instant: Instant<C>| instant + Span::from_nanos(1);
        let silence = self.silent_from().map(beyond);
        match &self.phase {
            Phase::Idle | Phase::Armed | Phase::Ended => None,
            Phase::Recording => silence,
            Phase::Lost(open) => open.overdue_from(&self.watch).map(beyond),
            Phase::Returning(open, _) => {
                silence.into_iter().chain(open.overdue_from(&self.watch).map(beyond)).min()
            }
        }
    }

    /// Takes what happened at `now`, and says what changed, in order.
    pub fn handle(&mut self, now: Instant<C>, event: Event<C>) -> Vec<Change<C>> {
        let mut changes = Vec::new();
        self.now = self.now.max(now);
        // Late frames may show that a silence never was; everything else comes
        // after what time alone has shown.
        if !matches!(event, Event::Frames { .. }) {
            self.watch_silence(&mut changes);
        }
        match event {
            Event::Arm => self.arm(&mut changes),
            Event::Frames { first, last } => self.frames(first.min(last), last, &mut changes),
            Event::ScreenLeft => self.screen_left(&mut changes),
            Event::ScreenBack => self.screen_back(),
            Event::Camera(observed) => self.camera(observed),
            Event::Announce(length) => {
                self.announced = Some((self.now, self.now + length));
            }
            Event::Wake => {}
            Event::Stop => self.stop(&mut changes),
        }
        self.watch_silence(&mut changes);
        self.watch_limit(&mut changes);
        changes
    }

    /// IDLE → ARMED. `[LEDGER-6]`
    fn arm(&mut self, changes: &mut Vec<Change<C>>) {
        if matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Armed;
            changes.push(Change::Armed);
        }
    }

    /// On the primary, away from the exam screen is lost. `[LEDGER-14]`
    fn screen_left(&mut self, changes: &mut Vec<Change<C>>) {
        if !self.role.is_primary() || matches!(self.screen, Screen::Left(_)) {
            return;
        }
        self.screen = Screen::Left(self.now);
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Recording => {
                self.phase = Phase::Recording;
                self.lose(self.now, changes);
            }
            // Whether coverage has lasted until now, only frames can tell.
            Phase::Returning(mut open, _) => {
                open.relapse(self.now);
                changes.push(Change::Relapsed { since: open.since });
                self.phase = Phase::Lost(open);
            }
            other @ (Phase::Idle | Phase::Armed | Phase::Lost(_) | Phase::Ended) => {
                self.phase = other;
            }
        }
    }

    const fn screen_back(&mut self) {
        if let Screen::Left(left) = self.screen {
            self.screen = Screen::Back { left, back: self.now };
        }
    }

    fn camera(&mut self, observed: Observed) {
        (self.hint, self.hinted) = (observed, self.now);
        if let Phase::Lost(open) | Phase::Returning(open, _) = &mut self.phase
            && open.cause.cause == Cause::Unknown
        {
            open.cause = observed;
        }
    }

    /// → ENDED. `[LEDGER-17]`
    fn stop(&mut self, changes: &mut Vec<Change<C>>) {
        let unseen = self.last.filter(|last| self.now - *last > self.watch.frame_gap);
        if let (Phase::Recording, Some(last)) = (&self.phase, unseen) {
            self.lose(last, changes);
        }
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Lost(mut open) => {
                let mut end = self.now;
                if let Some(last) = unseen {
                    open.move_piece(last.min(open.piece));
                } else {
                    // The camera recorded to the end; only the screen was away.
                    open = self.split(open, self.now, changes);
                    if let Screen::Back { back, .. } = self.screen {
                        end = back.max(open.piece);
                    }
                }
                self.close(open.covered_from(end), end, changes);
            }
            Phase::Returning(mut open, since) => match unseen {
                Some(last) => {
                    open.relapse(last);
                    self.close(open.covered_from(self.now), self.now, changes);
                }
                None => self.close(open, since, changes),
            },
            Phase::Idle | Phase::Armed | Phase::Recording => {}
            Phase::Ended => return,
        }
        self.phase = Phase::Ended;
        changes.push(Change::Ended);
    }

    /// RECORDING → LOST.
    fn lose(&mut self, since: Instant<C>, changes: &mut Vec<Change<C>>) {
        self.phase = Phase::Lost(Open::new(since, self.hint));
        changes.push(Change::Lost { since: Some(since), cause: self.hint });
    }

    fn close(&mut self, open: Open<C>, end: Instant<C>, changes: &mut Vec<Change<C>>) {
        self.phase = Phase::Recording;
        changes.push(Change::Closed(open.close(end, self.announced)));
    }

    /// After this the last frame is so old that the camera must have stopped.
    /// `[LEDGER-8]`
    fn silent_from(&self) -> Option<Instant<C>> {
        self.last.map(|last| last + self.watch.frame_gap + limits::COMMIT_GRACE)
    }

    fn watch_silence(&mut self, changes: &mut Vec<Change<C>>) {
        let Some(last) = self.last else { return };
        if self.silent_from().is_none_or(|from| self.now <= from) {
            return;
        }
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Recording => {
                self.lose(last, changes);
                if self.hint.cause == Cause::Unknown {
                    // [LEDGER-10]
                    changes.push(Change::SilentStop { since: last });
                }
            }
            Phase::Returning(mut open, since) => {
                open.relapse(last.max(since));
                changes.push(Change::Relapsed { since: open.since });
                self.phase = Phase::Lost(open);
            }
            other @ (Phase::Idle | Phase::Armed | Phase::Lost(_) | Phase::Ended) => {
                self.phase = other;
            }
        }
    }

    fn watch_limit(&mut self, changes: &mut Vec<Change<C>>) {
        let (Phase::Lost(open) | Phase::Returning(open, _)) = &mut self.phase else { return };
        if open.overdue_from(&self.watch).is_some_and(|from| self.now > from) {
            open.warn();
            changes.push(Change::Overdue { since: open.since });
        }
    }
}

#[cfg(test)]
mod tests;
