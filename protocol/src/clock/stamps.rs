//! Numbers and times on every message, and what both devices know they share.
//!
//! Every datagram carries a [`Stamp`]: when it left, and when one earlier message of
//! the other side arrived. So each message is a constraint for its receiver at
//! once, and for its sender as soon as it is echoed.
//!
//! Losses would make the two devices' knowledge differ for ever: the last echo may
//! always be the one that is lost. Hence *agreement*, by an alternating bit: the
//! primary echoes one exchange and goes on echoing that one until the secondary
//! answers a message that carried it. Both then append it to the same sequence in
//! the same order; the secondary is never more than one exchange ahead, and the
//! primary knows whether it is. Estimators fed from [`Incoming::agreed`] are
//! therefore equal to the bit, and a digest in a heartbeat can prove it.
//!
//! Rejected: the union of what each side saw (differs after the first loss), and
//! sending the constraints again over the control stream (twice the bytes, and
//! one more sequence to resume).

use core::cmp::Reverse;
use std::collections::VecDeque;

use super::constraint::{Constraint, Epoch, Epochs, Observation};
use super::model::RATE_BITS;
use super::shorthand::{Short, Shorthand};
use crate::limits;
use crate::time::{Clock, Instant, Primary, Secondary};

/// An exchange waits while its answer is among so many of the latest, half of what
/// the secondary remembers.
const OLDEST_WAITING: u32 = 80;

/// The clock's share of a message. `[CLOCK-19]`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stamp {
    /// Number of this message among the sender's, from 1; never reused.
    pub seq: u32,
    /// The sender's clock when it was handed over, nanoseconds.
    pub sent: i64,
    /// The sender's epoch, as [`Epoch::to_wire`].
    pub epoch: u32,
    /// The message of the receiver that is echoed; 0 if none.
    pub echo_seq: u32,
    /// The clock epoch in which the receiver sent it.
    pub echo_clock: u16,
    /// The sender's clock when that message arrived, nanoseconds.
    pub echo_received: i64,
}

/// What one stamp told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Incoming {
    /// Everything it proves: this message, then the echoed one. For the journal,
    /// and for whoever does not need both devices to agree.
    pub seen: [Option<Observation>; 2],
    /// An exchange that both devices now know both to know.
    pub agreed: [Option<Observation>; 2],
    /// Whether the sender, when it sent, had agreed on exactly what this device
    /// has now: a digest in the same message can be compared. Only ever true at
    /// the primary.
    pub level: bool,
}

/// One message of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    seq: u32,
    sent: i64,
    epoch: Epoch,
    echo: Option<Arrived>,
}

/// One message of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrived {
    seq: u32,
    sent: i64,
    epoch: Epoch,
    received: i64,
}

/// A message of the primary and the secondary's later message that echoed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exchange {
    answer: Arrived,
    observations: [Observation; 2],
    /// Both ways together, nanoseconds.
    round_trip: i64,
}

impl Exchange {
    /// How wide the interval would be at `now` if this exchange alone bounded it.
    /// `[CLOCK-35]`
    const fn width(&self, now: i64) -> i64 {
        let age = now.saturating_sub(self.answer.received);
        self.round_trip.saturating_add(age >> (RATE_BITS - 1))
    }
}

/// Stamps outgoing messages of the device whose clock is `C`, and reads the
/// peer's.
#[derive(Clone, Debug)]
pub struct Stamps<C> {
    epoch: Epoch,
    next: u32,
    sent: VecDeque<Sent>,
    peer: Option<Peer>,
    /// The secondary echoes this, its newest arrival.
    newest: Option<Arrived>,
    /// The primary echoes this until it is settled.
    pending: Option<Exchange>,
    waiting: Vec<Exchange>,
    /// The message of the primary in the exchange that was queued last.
    asked: Option<u32>,
    /// The last answer (number of a secondary's message) that was settled.
    settled: Option<Arrived>,
    shorthand: Shorthand,
    clock: core::marker::PhantomData<C>,
}

/// What is known of the peer's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer {
    epoch: Epoch,
    /// The least number that was not heard yet.
    next: u32,
}

impl<C: Clock> Stamps<C> {
    /// Stamps for a device whose clock is in stretch number `clock`: greater
    /// than every number it used before in this session. `[CLOCK-13]`
    #[must_use]
    pub fn new(clock: u16) -> Self {
        Self {
            epoch: Epoch { clock, path: 0 },
            next: 1,
            sent: VecDeque::new(),
            peer: None,
            newest: None,
            pending: None,
            waiting: Vec::new(),
            asked: None,
            settled: None,
            shorthand: Shorthand::default(),
            clock: core::marker::PhantomData,
        }
    }

    /// All memory held.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.sent.capacity() * size_of::<Sent>()
            + self.waiting.capacity() * size_of::<Exchange>()
    }

    /// This device's address or network changed. `[CLOCK-13]`
    pub fn path_changed(&mut self) {
        self.epoch.path = self.epoch.path.saturating_add(1);
        self.shorthand.restart();
    }

    /// Begins a new clock epoch: this device slept, and in sleep another oscillator
    /// counts, or the two devices' digests differ. `[CLOCK-13]` `[CLOCK-18]`
    pub fn renew(&mut self) {
        self.epoch.clock = self.epoch.clock.saturating_add(1);
        self.forget();
    }

    /// This device's epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The stamp for a message that is handed over now. Take it last: what passes
    /// between is added to the delay. `[CLOCK-19]` `[CLOCK-20]`
    pub fn outgoing(&mut self, now: Instant<C>) -> Stamp {
        let echo = self.pending.map(|exchange| exchange.answer).or(self.newest);
        let seq = self.next;
        self.next = self.next.saturating_add(1);
        self.sent.push_back(Sent { seq, sent: now.nanos(), epoch: self.epoch, echo });
        if self.sent.len() > limits::CLOCK_STAMPS_REMEMBERED {
            self.sent.pop_front();
        }
        Stamp {
            seq,
            sent: now.nanos(),
            epoch: self.epoch.to_wire(),
            echo_seq: echo.map_or(0, |echo| echo.seq),
            echo_clock: echo.map_or(0, |echo| echo.epoch.clock),
            echo_received: echo.map_or(0, |echo| echo.received),
        }
    }

    /// The stamp in short, if the peer can complete it. `[CLOCK-37]`
    #[must_use]
    pub fn shorten(&self, stamp: &Stamp) -> Option<Short> {
        self.shorthand.shorten(stamp)
    }

    /// The whole of a short stamp of the peer; `None` if it says nothing any more.
    /// `[CLOCK-38]` `[CLOCK-39]`
    #[must_use]
    pub fn complete(&self, short: &Short) -> Option<Stamp> {
        self.shorthand.complete(short, self.next.saturating_sub(1), self.epoch.clock)
    }

    /// Notes the peer's epoch; answers whether the stamp is of its current one.
    fn admit(&mut self, stamp: &Stamp) -> bool {
        self.shorthand.heard(stamp);
        let epoch = Epoch::from_wire(stamp.epoch);
        let Some(peer) = &mut self.peer else {
            self.peer = Some(Peer { epoch, next: stamp.seq });
            return true;
        };
        if epoch.clock < peer.epoch.clock {
            return false;
        }
        if epoch.clock > peer.epoch.clock {
            *peer = Peer { epoch, next: stamp.seq };
            // Instants of the peer's old clock mean nothing on its new one.
            self.forget();
            return true;
        }
        peer.epoch.path = peer.epoch.path.max(epoch.path);
        true
    }

    /// Whether this is the newest message so far. One that the network repeats is
    /// not: it would be agreed on a second time, and by one device only. `[CLOCK-34]`
    fn advance(&mut self, seq: u32) -> bool {
        match &mut self.peer {
            Some(peer) if seq >= peer.next => {
                peer.next = seq.saturating_add(1);
                true
            }
            _ => false,
        }
    }

    fn forget(&mut self) {
        self.sent.clear();
        self.newest = None;
        self.pending = None;
        self.waiting.clear();
        self.settled = None;
    }

    /// The message that `stamp` echoes, if it is one of ours. `[CLOCK-21]`
    fn echoed(&mut self, stamp: &Stamp) -> Option<Sent> {
        let mut newest_first = self.sent.iter().rev();
        let sent = *newest_first.find(|sent| sent.seq == stamp.echo_seq)?;
        if sent.epoch.clock != stamp.echo_clock {
            return None;
        }
        self.shorthand.echoed(sent.epoch);
        Some(sent)
    }
}

impl Stamps<Primary> {
    /// Reads a stamp of the secondary that arrived at `now`. Any stamp is safe:
    /// what is stale, altered or impossible proves nothing and is left out.
    pub fn incoming(&mut self, stamp: Stamp, now: Instant<Primary>) -> Incoming {
        let mut told = Incoming::default();
        if !self.admit(&stamp) {
            return told;
        }
        let theirs = Epoch::from_wire(stamp.epoch);
        let answer =
            Arrived { seq: stamp.seq, sent: stamp.sent, epoch: theirs, received: now.nanos() };
        told.seen = [Some(backward(self.epoch, answer)), None];
        let newest = self.advance(stamp.seq);
        let Some(sent) = self.echoed(&stamp) else { return told };
        let forward = forward(
            Arrived {
                seq: sent.seq,
                sent: sent.sent,
                epoch: sent.epoch,
                received: stamp.echo_received,
            },
            theirs,
        );
        let backward = backward(sent.epoch, answer);
        told.seen = [Some(backward), Some(forward)];
        if !newest {
            return told;
        }
        let carried = sent.echo.map(|echo| echo.seq);
        if let Some(pending) = self.pending
            && carried == Some(pending.answer.seq)
        {
            told.agreed = pending.observations.map(Some);
            self.settled = Some(pending.answer);
            self.pending = None;
        }
        told.level = carried == self.settled.map(|settled| settled.seq);
        // An answer that echoes the same message again adds half an exchange;
        // while others wait, it would only make them older.
        if self.asked != Some(sent.seq) || self.waiting.is_empty() {
            self.asked = Some(sent.seq);
            let there = stamp.echo_received.saturating_sub(sent.sent);
            let back = now.nanos().saturating_sub(stamp.sent);
            let round_trip = there.saturating_add(back);
            self.waiting.push(Exchange { answer, observations: [forward, backward], round_trip });
        }
        // What the secondary has forgotten by then it could not append.
        let oldest = stamp.seq.saturating_sub(OLDEST_WAITING);
        self.waiting.retain(|exchange| exchange.answer.seq >= oldest);
        // [CLOCK-35]: the best comes last.
        self.waiting.sort_by_key(|exchange| Reverse(exchange.width(now.nanos())));
        if self.waiting.len() > limits::CLOCK_EXCHANGES_WAITING {
            self.waiting.remove(0);
        }
        if self.pending.is_none() {
            self.pending = self.waiting.pop();
        }
        self.newest = self.settled;
        told
    }
}

impl Stamps<Secondary> {
    /// Reads a stamp of the primary that arrived at `now`. Any stamp is safe:
    /// what is stale, altered or impossible proves nothing and is left out.
    pub fn incoming(&mut self, stamp: Stamp, now: Instant<Secondary>) -> Incoming {
        let mut told = Incoming::default();
        if !self.admit(&stamp) {
            return told;
        }
        let theirs = Epoch::from_wire(stamp.epoch);
        let arrived =
            Arrived { seq: stamp.seq, sent: stamp.sent, epoch: theirs, received: now.nanos() };
        let fresh = forward(arrived, self.epoch);
        told.seen = [Some(fresh), None];
        let newest = self.advance(stamp.seq);
        if newest {
            self.newest = Some(arrived);
        }
        let Some(answer) = self.echoed(&stamp) else { return told };
        let answered = Arrived {
            seq: answer.seq,
            sent: answer.sent,
            epoch: answer.epoch,
            received: stamp.echo_received,
        };
        // The primary's epoch of an exchange is that of the message which began
        // it, so that both devices name it alike.
        let asked_in = answer.echo.map_or(theirs, |asked| asked.epoch);
        let echoed = backward(asked_in, answered);
        told.seen = [Some(fresh), Some(echoed)];
        // [CLOCK-36]: the primary takes exchanges out of turn, one at a time: what it echoes is
        // new unless it is the last one, or the message was overtaken.
        if !newest || self.settled.is_some_and(|settled| settled.seq == answer.seq) {
            return told;
        }
        if let Some(asked) = answer.echo {
            told.agreed = [Some(forward(asked, answer.epoch)), Some(echoed)];
            self.settled = Some(answered);
        }
        told
    }
}

/// A message of the primary, answered in the secondary's epoch `answered_in`.
fn forward(message: Arrived, answered_in: Epoch) -> Observation {
    let constraint = Constraint::Forward {
        sent: Instant::from_nanos(message.sent),
        received: Instant::from_nanos(message.received),
    };
    Observation { epochs: Epochs { primary: message.epoch, secondary: answered_in }, constraint }
}

/// A message of the secondary, asked for in the primary's epoch `asked_in`.
fn backward(asked_in: Epoch, message: Arrived) -> Observation {
    let constraint = Constraint::Backward {
        sent: Instant::from_nanos(message.sent),
        received: Instant::from_nanos(message.received),
    };
    Observation { epochs: Epochs { primary: asked_in, secondary: message.epoch }, constraint }
}
