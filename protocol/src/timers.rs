//! Every reason to wake, by name.
//!
//! A machine that says only *when* it wants to be woken cannot be debugged; one
//! that also says *why* can. Rejected: one deadline field per concern, of which
//! the one that somebody forgets to look at is the bug.

use std::collections::BTreeMap;

use crate::identity::Role;
use crate::time::{Clock, Instant};

/// Why a machine wants to be woken. Peers are told apart by their [`Role`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// A clock message was taken and is to be answered: at once, by a stamp of the
    /// moment at which the answer leaves.
    Answer,
    /// Send a heartbeat.
    Heartbeat,
    /// What comes with a heartbeat and must not delay it: write what is pending, seal
    /// if due, look at the seats.
    Chores,
    /// The recorder may have to call a silence a loss.
    Recorder,
    /// The next phase of the exam begins.
    Phase,
    /// The code on the screen changes, or a claim on it lapses.
    Offer,
    /// A connection has not said who it is in time.
    Introduction,
    /// Silence may change the state of this peer's link.
    Silence(Role),
    /// A clock message to this peer is due.
    Probe(Role),
    /// What this peer's camera is to do cannot wait for its clock any longer.
    Order(Role),
    /// Dial the primary again.
    Redial,
    /// Assistants were given their time to hand over their journals.
    Closing,
}

impl Timer {
    /// The name for the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Heartbeat => "heartbeat",
            Self::Chores => "chores",
            Self::Recorder => "recorder",
            Self::Phase => "phase",
            Self::Offer => "offer",
            Self::Introduction => "introduction",
            Self::Silence(_) => "silence",
            Self::Probe(_) => "probe",
            Self::Order(_) => "order",
            Self::Redial => "redial",
            Self::Closing => "closing",
        }
    }
}

/// The timers that are set.
#[derive(Clone, Debug)]
pub struct Timers<C: Clock> {
    due: BTreeMap<Timer, Instant<C>>,
}

impl<C: Clock> Default for Timers<C> {
    fn default() -> Self {
        Self { due: BTreeMap::new() }
    }
}

impl<C: Clock> Timers<C> {
    /// Sets `timer` to `due`, or clears it.
    pub fn set(&mut self, timer: Timer, due: Option<Instant<C>>) {
        match due {
            Some(due) => _ = self.due.insert(timer, due),
            None => _ = self.due.remove(&timer),
        }
    }

    /// Whether `timer` is set.
    #[must_use]
    pub fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    /// The earliest timer and when it is due.
    #[must_use]
    pub fn next(&self) -> Option<(Instant<C>, Timer)> {
        self.due.iter().map(|(timer, due)| (*due, *timer)).min()
    }

    /// Takes the earliest timer that is due at `now`; it is no longer set.
    pub fn take_due(&mut self, now: Instant<C>) -> Option<Timer> {
        let (due, timer) = self.next()?;
        if due > now {
            return None;
        }
        self.due.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Primary;

    #[test]
    fn due_timers_come_earliest_first_and_once() {
        let at = Instant::<Primary>::from_nanos;
        let mut timers = Timers::default();
        timers.set(Timer::Heartbeat, Some(at(30)));
        timers.set(Timer::Phase, Some(at(10)));
        timers.set(Timer::Redial, Some(at(20)));
        timers.set(Timer::Redial, None);
        assert_eq!(timers.next(), Some((at(10), Timer::Phase)));
        assert_eq!(timers.take_due(at(30)), Some(Timer::Phase));
        assert_eq!(timers.take_due(at(29)), None);
        assert_eq!(timers.take_due(at(30)), Some(Timer::Heartbeat));
        assert_eq!(timers.take_due(at(99)), None);
    }
}
