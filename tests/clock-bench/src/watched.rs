//! Our live method with an eye on it: what it makes of the clock's epochs, and how
//! long each message takes it.

use std::time::Duration;

use diptych_protocol::time::Span;

use crate::method::{Body, Exchange, Method, Packet, Reading, Side};
use crate::ours::Online;
use crate::run::START;

/// Processor time of this thread: what others do with the machine is not in it.
pub(crate) fn processor() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// [`Online`], watched.
pub(crate) struct Watched {
    inner: Online,
    /// From when on, since the start, the first message heard is of interest.
    from: Span,
    /// The first message that the primary heard after that, since the start.
    pub(crate) heard: Option<Span>,
    /// When the primary's estimator began another epoch, since the start.
    pub(crate) begun: Vec<Span>,
    /// How often it began to suspect one.
    pub(crate) suspected: u64,
    /// How long it took over each message.
    pub(crate) took: Vec<Duration>,
}

impl Watched {
    /// Keeps what both journals would hold, and notes the first message after `from`.
    pub(crate) fn from(from: Span) -> Self {
        Self {
            inner: Online::journalled(),
            from,
            heard: None,
            begun: Vec::new(),
            suspected: 0,
            took: Vec::new(),
        }
    }

    /// What it is about.
    pub(crate) const fn inner(&mut self) -> &mut Online {
        &mut self.inner
    }
}

impl Method for Watched {
    fn wake(&self, side: Side) -> Option<i64> {
        self.inner.wake(side)
    }

    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet> {
        self.inner.transmit(side, now)
    }

    fn receive(&mut self, side: Side, now: i64, body: &Body) {
        if side == Side::Secondary {
            return self.inner.receive(side, now, body);
        }
        let since = Span::from_nanos(now.saturating_sub(START.nanos()));
        if since >= self.from {
            self.heard.get_or_insert(since);
        }
        let state = |inner: &Online| (inner.estimator().epoch(), inner.estimator().is_doubtful());
        let (epoch, doubtful) = state(&self.inner);
        let began = processor();
        self.inner.receive(side, now, body);
        self.took.push(processor().saturating_sub(began));
        let (later, doubts) = state(&self.inner);
        if later != epoch {
            self.begun.push(since);
        }
        self.suspected += u64::from(doubts && !doubtful);
    }

    fn network_changed(&mut self, side: Side) {
        self.inner.network_changed(side);
    }

    fn replay(&mut self, exchange: &Exchange) {
        self.inner.replay(exchange);
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.inner.reading(at)
    }

    fn bound(&mut self, at: i64) -> Option<(i64, i64)> {
        self.inner.bound(at)
    }
}
