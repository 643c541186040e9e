//! What the benchmark asks of a method: act by its own clocks, then say what it
//! believes.
//!
//! A method is both ends of a conversation. It is told nothing but the two
//! clocks' readings and the datagrams that arrive; simulated truth stays with
//! the harness. Most peers are of one kind, probes from the primary answered by
//! the secondary, and only describe what they do with an [`Exchange`].

use diptych_protocol::clock::{Short, Stamp};
use diptych_tests::channel::Direction;

/// One end of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Whose clock is session time; asks.
    Primary,
    /// Whose clock is to be mapped; answers.
    Secondary,
}

impl Side {
    /// Which way a datagram of this side travels.
    pub(crate) const fn sends(self) -> Direction {
        match self {
            Self::Primary => Direction::Forward,
            Self::Secondary => Direction::Backward,
        }
    }

    /// The other end.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Secondary,
            Self::Secondary => Self::Primary,
        }
    }
}

/// One datagram.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// On the wire, IP header and encryption included.
    pub(crate) bytes: u32,
    /// What it says.
    pub(crate) body: Body,
}

/// What a datagram says.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A question sent at `t1` of the primary's clock.
    Probe {
        /// Sent, primary's clock.
        t1: i64,
    },
    /// The answer.
    Reply {
        /// When the question was sent, primary's clock.
        t1: i64,
        /// When it came, secondary's clock.
        t2: i64,
        /// When the answer was sent, secondary's clock.
        t3: i64,
    },
    /// One of ours: any datagram, of either side.
    Stamped {
        /// What the clocks need.
        said: Said,
        /// Whether it wants an answer at once.
        probe: bool,
        /// Whether it is a heartbeat.
        beat: bool,
    },
}

/// A stamp as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// With everything.
    Whole(Stamp),
    /// Without what its receiver knows.
    Short(Short),
}

/// A complete question and answer, nanoseconds of the clock that read each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// Question sent, primary's clock.
    pub(crate) t1: i64,
    /// Question received, secondary's clock.
    pub(crate) t2: i64,
    /// Answer sent, secondary's clock.
    pub(crate) t3: i64,
    /// Answer received, primary's clock.
    pub(crate) t4: i64,
}

impl Exchange {
    /// Secondary minus primary, if both ways took equally long.
    pub(crate) const fn offset(&self) -> i64 {
        ((self.t2 - self.t1) + (self.t3 - self.t4)) / 2
    }

    /// Time on the way, both directions.
    pub(crate) const fn rtt(&self) -> i64 {
        (self.t4 - self.t1) - (self.t3 - self.t2)
    }

    /// The middle, primary's clock.
    pub(crate) const fn middle(&self) -> i64 {
        self.t1 + (self.t4 - self.t1) / 2
    }
}

/// What a method believes about the offset at one instant, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Secondary minus primary.
    pub(crate) offset: i64,
    /// What it claims to contain the truth, if it claims anything.
    pub(crate) bound: Option<(i64, i64)>,
    /// Its claimed standard deviation, if it claims one.
    pub(crate) sigma: Option<i64>,
}

impl Reading {
    /// A belief without any claim about its error.
    pub(crate) const fn bare(offset: i64) -> Self {
        Self { offset, bound: None, sigma: None }
    }

    /// A belief that claims to be off by at most `half`.
    pub(crate) const fn within(offset: i64, half: i64) -> Self {
        Self { offset, bound: Some((offset - half, offset + half)), sigma: None }
    }
}

/// When a method's readings are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// While it runs, at each instant, knowing only what came before.
    Live,
    /// After the session, knowing everything.
    Afterwards,
}

/// A way to learn the offset between two clocks.
pub(crate) trait Method {
    /// When its readings are taken.
    fn asked(&self) -> Asked {
        Asked::Live
    }
    /// When `side` next wants to act, by that side's clock.
    fn wake(&self, side: Side) -> Option<i64>;
    /// The next datagram that `side` sends at `now` of its clock; called until
    /// it returns `None`.
    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet>;
    /// A datagram has reached `side` at `now` of its clock.
    fn receive(&mut self, side: Side, now: i64, body: &Body);
    /// The system of `side` reports another network or access point.
    fn network_changed(&mut self, _side: Side) {}
    /// An exchange recorded elsewhere, in place of all of the above.
    fn replay(&mut self, exchange: &Exchange);
    /// The session is over.
    fn finish(&mut self) {}
    /// What it believes about `at` of the primary's clock.
    fn reading(&mut self, at: i64) -> Option<Reading>;
    /// The bound alone, if that is less work.
    fn bound(&mut self, at: i64) -> Option<(i64, i64)> {
        self.reading(at)?.bound
    }
}

/// A peer that asks from one side and reads the answers.
pub(crate) trait Prober {
    /// When its readings are taken.
    fn asked(&self) -> Asked {
        Asked::Live
    }
    /// Size of (question, answer) on the wire.
    fn bytes(&self) -> (u32, u32);
    /// When it next wants to act.
    fn due(&self) -> i64;
    /// It is `now`, at or past [`Prober::due`]. Returns whether it asks.
    fn act(&mut self, now: i64) -> bool;
    /// An answer has come.
    fn observe(&mut self, exchange: &Exchange);
    /// The session is over.
    fn finish(&mut self) {}
    /// What it believes about `at`.
    fn reading(&mut self, at: i64) -> Option<Reading>;
}

/// A [`Prober`] together with the side that answers it.
#[derive(Debug)]
pub(crate) struct Probing<P> {
    prober: P,
    /// Answers not sent yet, as (t1, t2).
    owed: Vec<(i64, i64)>,
}

impl<P: Prober> Probing<P> {
    pub(crate) const fn new(prober: P) -> Self {
        Self { prober, owed: Vec::new() }
    }
}

impl<P: Prober> Method for Probing<P> {
    fn asked(&self) -> Asked {
        self.prober.asked()
    }

    fn wake(&self, side: Side) -> Option<i64> {
        (side == Side::Primary).then(|| self.prober.due())
    }

    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet> {
        let (question, answer) = self.prober.bytes();
        match side {
            Side::Primary => {
                while self.prober.due() <= now {
                    if self.prober.act(now) {
                        return Some(Packet { bytes: question, body: Body::Probe { t1: now } });
                    }
                }
                None
            }
            Side::Secondary => self
                .owed
                .pop()
                .map(|(t1, t2)| Packet { bytes: answer, body: Body::Reply { t1, t2, t3: now } }),
        }
    }

    fn receive(&mut self, side: Side, now: i64, body: &Body) {
        match (side, body) {
            (Side::Secondary, Body::Probe { t1 }) => self.owed.push((*t1, now)),
            (Side::Primary, Body::Reply { t1, t2, t3 }) => {
                self.prober.observe(&Exchange { t1: *t1, t2: *t2, t3: *t3, t4: now });
            }
            (Side::Primary, Body::Probe { .. })
            | (Side::Secondary, Body::Reply { .. })
            | (_, Body::Stamped { .. }) => {}
        }
    }

    fn replay(&mut self, exchange: &Exchange) {
        while self.prober.due() <= exchange.t1 {
            self.prober.act(exchange.t1);
        }
        self.prober.observe(exchange);
    }

    fn finish(&mut self) {
        self.prober.finish();
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.prober.reading(at)
    }
}
