//! Carries the own journal to a peer, and takes the peer's.
//!
//! Two copies of each journal on two phones are what makes a lost phone, a cut
//! file and a rewritten past visible. The courier sends durable records in
//! order, a few frames ahead of the acknowledgements, and starts again from what
//! the peer holds after any interruption. What a peer can ask for is bounded: a
//! record goes out once on a connection and once more if the peer asks for it
//! again, and one input moves one window at most, however many questions it holds.
//! Rejected: sending at the end of the exam (the phone that dies takes its evidence
//! along), and a stream of its own for each transfer (order and back-pressure come
//! for free on the control stream).

use std::collections::VecDeque;

use crate::fault::{CloseCode, Fault, Got};
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
    /// Last records of frames that the peer has not answered.
    in_flight: VecDeque<u64>,
    /// Whether the peer was sent again on this connection what it had been sent.
    repeated: bool,
    /// Whether the peer has answered since something was last sent.
    answered: bool,
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
        self.repeated = false;
        self.answered = false;
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

    /// The peer asks for records from `from` on: it has read what goes before, kept or
    /// not, and that is not under way any more. If it asks for what it was sent before,
    /// that is sent again, once on a connection: an ordered stream loses nothing, and
    /// whoever asks twice would have this device send for ever. `[SESSION-47]`
    pub(crate) fn asked(&mut self, from: u64) {
        let read = from.saturating_sub(1);
        if read > self.sent {
            return;
        }
        self.answered = true;
        if self.in_flight.front().is_some_and(|last| *last <= read) || read == self.sent {
            self.in_flight.retain(|last| *last > read);
        } else if !self.repeated {
            self.repeated = true;
            self.sent = read.max(self.held);
            self.in_flight.clear();
        }
    }

    /// The peer holds everything up to `sequence` durably.
    ///
    /// # Errors
    /// [`Fault`] if it was not sent that. `[SESSION-48]`
    pub(crate) fn acknowledged(&mut self, sequence: u64) -> Result<(), Fault> {
        if sequence > self.sent {
            let expected = "an acknowledgement of records that were sent";
            return Err(Fault::new(CloseCode::BadFrame, expected, Got::Number(sequence.into())));
        }
        self.answered = true;
        self.held = self.held.max(sequence);
        self.in_flight.retain(|last| *last > sequence);
        Ok(())
    }

    /// Whether the peer has answered since this was last asked. `[SESSION-47]`
    pub(crate) const fn take_answer(&mut self) -> bool {
        core::mem::replace(&mut self.answered, false)
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
