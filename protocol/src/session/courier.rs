//! Carries the own journal to a peer, and takes the peer's.
//!
//! Two copies of each journal on two phones are what makes a lost phone, a cut
//! file and a rewritten past visible. The courier sends durable records in
//! order, a few frames ahead of the acknowledgements, and starts again from what
//! the peer holds after any interruption. Rejected: sending at the end of the
//! exam (the phone that dies takes its evidence along), and a stream of its own
//! for each transfer (order and back-pressure come for free on the control
//! stream).

use std::collections::VecDeque;

use crate::limits;
use crate::session::local::Local;
use crate::time::Clock;

/// How far a peer's copy of the own journal goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Courier {
    /// The last record handed to the network.
    sent: u64,
    /// The last record the peer holds durably.
    held: u64,
    /// Last records of frames that are not acknowledged.
    in_flight: VecDeque<u64>,
    /// What the peer must hold before the link counts as live. `[LIVENESS-4]`
    goal: u64,
}

/// Records to send: `count` of them, from number `from` on.
#[derive(Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) from: u64,
    pub(crate) count: u16,
    pub(crate) records: &'a [u8],
}

impl Courier {
    /// A connection begins: the peer says that it holds records up to `held`.
    pub(crate) fn restart(&mut self, held: u64, durable: u64) {
        self.held = held.min(durable);
        self.sent = self.held;
        self.in_flight.clear();
        self.goal = durable;
    }

    /// The link is heard again: up to `durable` the peer must hold what it missed.
    pub(crate) const fn aim(&mut self, durable: u64) {
        self.goal = durable;
    }

    /// The next frame's worth of durable records. `[SESSION-16]`
    pub(crate) fn next<'a, C: Clock>(&mut self, local: &'a Local<C>) -> Option<Parcel<'a>> {
        if self.in_flight.len() >= limits::JOURNAL_WINDOW {
            return None;
        }
        let (records, last) = local.records(self.sent, limits::JOURNAL_TAIL_BYTES)?;
        let from = self.sent.saturating_add(1);
        let count = u16::try_from(last.saturating_sub(self.sent)).ok()?;
        self.sent = last;
        self.in_flight.push_back(last);
        Some(Parcel { from, count, records })
    }

    /// The peer asks for records from `from` on, because it lost some.
    pub(crate) fn rewind(&mut self, from: u64) {
        self.sent = self.sent.min(from.saturating_sub(1)).max(self.held);
        self.in_flight.clear();
    }

    /// The peer holds everything up to `sequence` durably.
    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        if sequence <= self.sent {
            self.held = self.held.max(sequence);
            while self.in_flight.front().is_some_and(|last| *last <= sequence) {
                self.in_flight.pop_front();
            }
        }
    }

    /// Whether the peer holds what this device had when the link came back.
    pub(crate) const fn has_delivered_goal(&self) -> bool {
        self.held >= self.goal
    }

    /// Whether the peer holds everything up to `sequence`.
    pub(crate) const fn has_delivered(&self, sequence: u64) -> bool {
        self.held >= sequence
    }
}
