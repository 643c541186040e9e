//! Diptych's own estimator, driven as the session drives it: heartbeats of the
//! primary once a second and probes when its schedule says so, both answered at
//! once, and every datagram stamped.
//!
//! Live, the estimator takes only what both devices know that both know, so
//! that they could show the same figures; afterwards, what either journal holds.

use diptych_protocol::clock::schedule::Schedule;
use diptych_protocol::clock::smooth::smooth;
use diptych_protocol::clock::stamps::Incoming;
use diptych_protocol::clock::{
    Constraint, Epochs, Estimate, Estimator, Map, Observation, Observed, Stamps,
};
use diptych_protocol::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_PATIENCE, HEARTBEAT_WHOLE};
use diptych_protocol::time::{Instant, Primary, Secondary};

use crate::method::{Asked, Body, Exchange, Method, Packet, Reading, Said, Side};
use crate::run::START;

/// Headers of IP (20), UDP (8), QUIC (1 + 4 + 2), its tag (16) and frame (2).
const OVERHEAD: u32 = 53;
/// A kind and a stamp, whole and in short.
const STAMP: (u32, u32) = (1 + 30, 1 + 15);
/// What else a heartbeat says.
const HEARTBEAT: u32 = 66;
/// What else a pulse says, whole and in short.
const PULSE: (u32, u32) = (10, 8);

/// Both devices.
struct Session {
    schedule: Schedule,
    estimator: Estimator,
    primary: Stamps<Primary>,
    secondary: Stamps<Secondary>,
    /// Next heartbeats of both, each by its own clock.
    heartbeats: [i64; 2],
    /// How many either has sent.
    beats: [u32; 2],
    /// The primary's clock when it last did something.
    now: Instant<Primary>,
    /// Probes that the secondary has not answered yet.
    owed: u32,
    /// What both journals would hold, if anybody will read them.
    journal: Option<Vec<Observation>>,
}

impl Session {
    fn new() -> Self {
        Self {
            schedule: Schedule::new(START),
            estimator: Estimator::new(),
            primary: Stamps::new(1),
            secondary: Stamps::new(1),
            heartbeats: [0, i64::MIN],
            beats: [0; 2],
            now: START,
            owed: 0,
            journal: None,
        }
    }

    fn wake(&self, side: Side) -> Option<i64> {
        let probe = self.schedule.wake().map(Instant::nanos);
        match side {
            Side::Primary => {
                Some(probe.map_or(self.heartbeats[0], |at| at.min(self.heartbeats[0])))
            }
            // Before it has heard of the primary it is not in the session.
            Side::Secondary => (self.heartbeats[1] > i64::MIN).then_some(self.heartbeats[1]),
        }
    }

    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet> {
        if side == Side::Primary {
            self.now = Instant::from_nanos(now);
        }
        let index = side as usize;
        let beat = self.heartbeats[index];
        let due = beat > i64::MIN && beat <= now;
        if due {
            // Late is late: beats that were missed are not made up for.
            let next = beat + HEARTBEAT_INTERVAL.nanos();
            self.heartbeats[index] = match side {
                Side::Primary if next > now => next,
                Side::Primary => now + HEARTBEAT_INTERVAL.nanos(),
                Side::Secondary => now + HEARTBEAT_PATIENCE.nanos(),
            };
        }
        let probe = !due
            && match side {
                Side::Primary => {
                    self.schedule.poll(Instant::from_nanos(now), &self.estimator).is_some()
                }
                Side::Secondary => self.owed > 0,
            };
        if probe && side == Side::Secondary {
            self.owed -= 1;
        }
        if !due && !probe {
            return None;
        }
        let stamp = match side {
            Side::Primary => self.primary.outgoing(Instant::from_nanos(now)),
            Side::Secondary => self.secondary.outgoing(Instant::from_nanos(now)),
        };
        let short = match side {
            Side::Primary => self.primary.shorten(&stamp),
            Side::Secondary => self.secondary.shorten(&stamp),
        };
        self.beats[index] += u32::from(due);
        let whole = due && self.beats[index] % HEARTBEAT_WHOLE == 1;
        let said = match short.filter(|_| !whole) {
            Some(short) => Said::Short(short),
            None => Said::Whole(stamp),
        };
        let bytes = OVERHEAD
            + match (said, whole) {
                (_, true) => STAMP.0 + HEARTBEAT,
                (Said::Whole(_), false) => STAMP.0 + if due { PULSE.0 } else { 0 },
                (Said::Short(_), false) => STAMP.1 + if due { PULSE.1 } else { 0 },
            };
        Some(Packet {
            bytes,
            body: Body::Stamped { said, probe: probe && side == Side::Primary, beat: due },
        })
    }

    fn receive(&mut self, side: Side, now: i64, said: Said, probe: bool, beat: bool) {
        let stamp = match (said, side) {
            (Said::Whole(stamp), _) => Some(stamp),
            (Said::Short(short), Side::Primary) => self.primary.complete(&short),
            (Said::Short(short), Side::Secondary) => self.secondary.complete(&short),
        };
        let Some(stamp) = stamp else { return };
        match side {
            Side::Primary => {
                let told = self.primary.incoming(stamp, Instant::from_nanos(now));
                let mut seen = told.seen.iter().flatten();
                if seen.any(|seen| self.estimator.is_contradicted_by(seen)) {
                    self.schedule.suspect(Instant::from_nanos(now));
                }
                for observation in told.agreed.into_iter().flatten() {
                    let known = self.estimator != Estimator::new();
                    if self.estimator.take(observation) == Observed::NewEpoch && known {
                        self.schedule.restart(Instant::from_nanos(now));
                    }
                }
                self.schedule.answered(Instant::from_nanos(now), &self.estimator);
                if beat {
                    self.schedule.heartbeat(Instant::from_nanos(now));
                }
                self.note(&told);
            }
            Side::Secondary => {
                let told = self.secondary.incoming(stamp, Instant::from_nanos(now));
                self.owed += u32::from(probe);
                let half = HEARTBEAT_INTERVAL.nanos() / 2;
                let last = self.heartbeats[1].saturating_sub(HEARTBEAT_PATIENCE.nanos());
                if self.heartbeats[1] == i64::MIN || (beat && now - last >= half) {
                    self.heartbeats[1] = now;
                }
                self.note(&told);
            }
        }
    }

    fn note(&mut self, told: &Incoming) {
        if let Some(journal) = &mut self.journal {
            journal.extend(told.seen.into_iter().flatten());
        }
    }

    fn network_changed(&mut self, side: Side) {
        match side {
            Side::Primary => self.primary.path_changed(),
            Side::Secondary => self.secondary.path_changed(),
        }
        // The devices' systems tell both, one directly, one by its next stamp.
        self.schedule.restart(self.now);
    }

    fn replay(&mut self, exchange: &Exchange) {
        for constraint in constraints(exchange) {
            self.estimator.observe(constraint);
            if let Some(journal) = &mut self.journal {
                journal.push(Observation { epochs: Epochs::default(), constraint });
            }
        }
    }
}

fn constraints(exchange: &Exchange) -> [Constraint; 2] {
    let Exchange { t1, t2, t3, t4 } = *exchange;
    [
        Constraint::Forward { sent: Instant::from_nanos(t1), received: Instant::from_nanos(t2) },
        Constraint::Backward { sent: Instant::from_nanos(t3), received: Instant::from_nanos(t4) },
    ]
}

fn reading(estimate: Estimate) -> Reading {
    Reading {
        offset: estimate.offset.nanos(),
        bound: Some((estimate.low.nanos(), estimate.high.nanos())),
        sigma: Some(estimate.sigma.nanos()),
    }
}

/// What the primary knows while it runs.
pub(crate) struct Online(Session);

/// What both journals tell afterwards.
pub(crate) struct Offline {
    session: Session,
    map: Map,
}

impl Default for Online {
    fn default() -> Self {
        Self(Session::new())
    }
}

impl Default for Offline {
    fn default() -> Self {
        let session = Session { journal: Some(Vec::new()), ..Session::new() };
        Self { session, map: Map::default() }
    }
}

impl Online {
    /// One that keeps what both journals would hold.
    pub(crate) fn journalled() -> Self {
        Self(Session { journal: Some(Vec::new()), ..Session::new() })
    }

    /// What the primary knows.
    pub(crate) const fn estimator(&self) -> &Estimator {
        &self.0.estimator
    }

    /// What both journals hold by now; empties them.
    pub(crate) fn journal(&mut self) -> Vec<Observation> {
        self.0.journal.take().unwrap_or_default()
    }
}

impl Method for Online {
    fn wake(&self, side: Side) -> Option<i64> {
        self.0.wake(side)
    }

    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet> {
        self.0.transmit(side, now)
    }

    fn receive(&mut self, side: Side, now: i64, body: &Body) {
        if let Body::Stamped { said, probe, beat } = body {
            self.0.receive(side, now, *said, *probe, *beat);
        }
    }

    fn network_changed(&mut self, side: Side) {
        self.0.network_changed(side);
    }

    fn replay(&mut self, exchange: &Exchange) {
        self.0.replay(exchange);
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.0.estimator.estimate(Instant::from_nanos(at)).map(reading)
    }

    fn bound(&mut self, at: i64) -> Option<(i64, i64)> {
        let interval = self.0.estimator.interval(Instant::from_nanos(at))?;
        Some((interval.low.nanos(), interval.high.nanos()))
    }
}

impl Method for Offline {
    fn asked(&self) -> Asked {
        Asked::Afterwards
    }

    fn wake(&self, side: Side) -> Option<i64> {
        self.session.wake(side)
    }

    fn transmit(&mut self, side: Side, now: i64) -> Option<Packet> {
        self.session.transmit(side, now)
    }

    fn receive(&mut self, side: Side, now: i64, body: &Body) {
        if let Body::Stamped { said, probe, beat } = body {
            self.session.receive(side, now, *said, *probe, *beat);
        }
    }

    fn network_changed(&mut self, side: Side) {
        self.session.network_changed(side);
    }

    fn replay(&mut self, exchange: &Exchange) {
        self.session.replay(exchange);
    }

    fn finish(&mut self) {
        self.map = smooth(&self.session.journal.take().unwrap_or_default(), None);
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        self.map.estimate(Instant::from_nanos(at)).map(reading)
    }
}
