//! What the primary does every second.
//!
//! The beat goes out alone and the chores follow when it has left, since whatever is
//! done beside a stamped message counts as its way. `[TRANSPORT-28]` Rejected: one timer
//! for each chore (they would fall between stamps, and a test would have to know the
//! order of all), and to make each record durable as it is written (everything would wait
//! behind the card, for what no heartbeat claims before the next second).

use super::Event;
use super::machine::{Course, PrimaryMachine};
use crate::identity::Role;
use crate::limits;
use crate::session::{News, SealDue};
use crate::time::{Instant, Primary};
use crate::timers::Timer;

impl PrimaryMachine {
    /// The heartbeats alone, so that their stamps are fresh. `[SESSION-12]`
    pub(super) fn beat(&mut self, now: Instant<Primary>) {
        self.foretell(now);
        for seat in self.seats.values_mut() {
            seat.peer.beat(now, &self.camera, &self.local, &mut self.outbox);
        }
        self.timers.set(Timer::Heartbeat, Some(now + limits::HEARTBEAT_INTERVAL));
        self.timers.set(Timer::Chores, Some(now));
    }

    /// What is pending is made durable; then it is sent to the peers.
    /// `[SESSION-15]`
    pub(super) fn chores(&mut self, now: Instant<Primary>) {
        self.local.seal(now, SealDue::IfDue(limits::HEARTBEAT_INTERVAL), &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        self.ship();
        for (role, seat) in &mut self.seats {
            seat.place();
            if let Some(estimate) = seat.peer.clock_news(now) {
                self.outbox.event(Event::Clock { role: *role, estimate });
            }
        }
        if self.course != Course::Over {
            self.watch_seats(now);
            self.watch_readiness(now);
        }
        // A journal may come when the session is over.
        self.recount(now);
        // After the end there is nothing to say once everybody is gone.
        if self.course == Course::Over && self.links.is_empty() {
            self.timers.set(Timer::Heartbeat, None);
        }
    }

    /// Sends what is durable to whoever lacks it.
    pub(super) fn ship(&mut self) {
        for seat in self.seats.values_mut() {
            seat.peer.ship(&self.local, &mut self.outbox);
        }
    }

    /// The own camera changed.
    pub(super) fn camera_news(&mut self, now: Instant<Primary>, news: Vec<News<Primary>>) {
        if news.is_empty() {
            return;
        }
        let role = Role::PRIMARY;
        for news in news {
            let event = match news {
                News::Lost { since, observed } => {
                    Event::CameraLost { role, since: since.unwrap_or(now), observed }
                }
                News::Overdue => Event::Overdue { role },
                News::Back { lost, .. } => Event::CameraBack { role, lost },
            };
            self.outbox.settled().event(event);
            self.edge(now);
        }
        self.recount(now);
    }

    /// Something happened whose instant matters: measure the clocks densely.
    pub(super) fn edge(&mut self, now: Instant<Primary>) {
        for seat in self.seats.values_mut() {
            seat.schedule.edge(now);
        }
    }

    /// The plan says when cameras will be started and stopped. `[CLOCK-24]`
    fn foretell(&mut self, now: Instant<Primary>) {
        let windows = self.plan.windows();
        for edge in [windows.wait_close, windows.answer_start, windows.answer_end] {
            for seat in self.seats.values_mut() {
                seat.schedule.foretold(now, edge);
            }
        }
    }

    /// Whether the assistants' cameras still record, as far as they say.
    pub(super) fn watch_seats(&mut self, now: Instant<Primary>) {
        let mut events = Vec::new();
        for (role, seat) in &mut self.seats {
            let role = *role;
            match (seat.lost, seat.says_lost()) {
                (None, true) => {
                    let since = seat.lost_since(now);
                    seat.lost = Some(since);
                    seat.schedule.edge(now);
                    let observed = seat.observed(since);
                    events.push(Event::CameraLost { role, since, observed });
                }
                (Some(since), false) => {
                    seat.lost = None;
                    seat.schedule.edge(now);
                    events.push(Event::CameraBack { role, lost: seat.lost_for(since) });
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        for event in events {
            self.outbox.event(event);
        }
    }

    /// When the waiting window closes, or before: are all cameras proven
    /// recording? `[SESSION-7]`
    pub(super) fn watch_readiness(&mut self, now: Instant<Primary>) {
        if self.proven || !self.course.has_begun() {
            return;
        }
        if self.missing(now).is_empty() {
            self.proven = true;
            self.outbox.settled().event(Event::AllRecording);
        }
    }

    /// The seats whose cameras are not proven recording.
    pub(super) fn missing(&self, now: Instant<Primary>) -> Vec<Role> {
        let own = self.camera.covered().is_some_and(|last| now - last <= limits::READY_AGE);
        let mut missing = if own { Vec::new() } else { vec![Role::PRIMARY] };
        for role in self.roles() {
            if !self.seats.get(&role).is_some_and(|seat| seat.is_proven(now)) {
                missing.push(role);
            }
        }
        missing
    }
}
