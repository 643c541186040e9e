//! How a session ends: cameras stop, journals come in, and everybody parts.
//!
//! The primary ends for all. It waits for what is missing and not for ever: a phone that
//! is gone must not keep the examinee at the desk, and its journal may still come while
//! the others part. Rejected: ending when every journal has come (one dead phone would
//! hold all), and ending at once (what the assistants have not sent yet would be lost to
//! the report of that evening).

use super::Event;
use super::machine::{Course, PrimaryMachine};
use super::seat::Seat;
use crate::fault::CloseCode;
use crate::identity::Role;
use crate::journal::Fact;
use crate::limits;
use crate::machine::LinkId;
use crate::session::{Refused, SealDue};
use crate::time::{Instant, Primary};
use crate::timers::Timer;

impl PrimaryMachine {
    /// Ends the session on all devices. `[SESSION-8]`
    pub(super) fn finish(&mut self, now: Instant<Primary>) -> Result<(), Refused> {
        if self.course.is_closing() {
            return Err(Refused::Over);
        }
        if let Course::Recording { take } = self.course {
            self.local.write(now, &Fact::Take { take, mark: 1 }, &mut self.outbox);
            self.stopped = Some(now);
            self.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::StopRecording);
        }
        self.begin_closing(now);
        Ok(())
    }

    /// Cameras are stopped; what is missing is waited for.
    pub(super) fn begin_closing(&mut self, now: Instant<Primary>) {
        self.course = Course::Closing;
        self.offers.clear();
        self.show_codes();
        for role in self.roles() {
            self.owe_order(now, role);
        }
        self.timers.set(Timer::Closing, Some(now + limits::CLOSING_TIME));
        self.edge(now);
        self.close_if_complete(now);
    }

    /// Waited long enough for what is missing. `[SESSION-9]`
    pub(super) fn give_up_waiting(&mut self, now: Instant<Primary>) {
        match self.course {
            Course::Closing => self.end(now),
            Course::Over => self.part(now),
            Course::Preparing | Course::Recording { .. } => {}
        }
    }

    /// Ends once every journal is here and the own camera has stopped.
    pub(super) fn close_if_complete(&mut self, now: Instant<Primary>) {
        let stopped = self.camera.has_stopped();
        if self.course == Course::Closing && stopped {
            let news = self.camera.stop(now);
            self.camera_news(now, news);
        }
        if self.course == Course::Closing && stopped && self.incomplete().is_empty() {
            self.end(now);
        } else if self.course == Course::Over && self.everybody_has_all() {
            self.part(now);
        }
    }

    /// Seats whose journal has not arrived whole; all of them once storage failed,
    /// since nobody can say what of a copy is on the disk.
    pub(super) fn incomplete(&self) -> Vec<Role> {
        let kept = !self.local.is_poisoned();
        let whole = |role: &Role| kept && self.seats.get(role).is_some_and(Seat::is_whole);
        self.seats.keys().copied().filter(|role| !whole(role)).collect()
    }

    fn everybody_has_all(&self) -> bool {
        let all = self.local.durable().sequence;
        self.seats.values().all(|seat| seat.peer.link().is_none() || seat.peer.holds(all))
    }

    /// The last record and the last seal.
    fn end(&mut self, now: Instant<Primary>) {
        let incomplete = self.incomplete();
        self.ended = Some(now);
        self.recount(now);
        self.local.finish(now, 0, &mut self.outbox);
        self.local.seal(now, SealDue::Now, &mut self.outbox);
        self.local.settle(now, &mut self.outbox);
        self.course = Course::Over;
        self.ship();
        self.outbox.event(Event::Finished { incomplete });
        self.timers.set(Timer::Closing, Some(now + limits::PARTING_TIME));
        self.close_if_complete(now);
    }

    /// Says goodbye to everybody.
    fn part(&mut self, now: Instant<Primary>) {
        self.timers.set(Timer::Closing, None);
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.drop_link(now, link, CloseCode::OkEnd);
        }
    }
}
