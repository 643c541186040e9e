//! libsoftwaresync, and RecSync, which has the same clock code: one long burst
//! of questions back to back, the answer with the smallest round trip is the
//! offset, and it is good for an hour.

use super::{MILLI, SECOND, UDP};
use crate::method::{Exchange, Prober, Reading};

const CYCLES: u32 = 300;
const TIMEOUT: i64 = 500 * MILLI;
const TIMEOUTS: u32 = 10;
/// Good enough to stop early.
const GOOD_RTT: i64 = MILLI;
const STALE: i64 = 3_600 * SECOND;

/// The state of a client.
#[derive(Debug, Default)]
pub(crate) struct SoftwareSync {
    due: i64,
    asked: u32,
    answered: u32,
    best: Option<Exchange>,
    /// (offset, best round trip) once a burst is over.
    synced: Option<(i64, i64)>,
}

impl SoftwareSync {
    fn end(&mut self, now: i64) {
        if let Some(best) = self.best.take() {
            self.synced = Some((best.offset(), best.rtt()));
        }
        self.asked = 0;
        self.answered = 0;
        self.due = now + STALE;
    }
}

impl Prober for SoftwareSync {
    fn bytes(&self) -> (u32, u32) {
        (UDP + 8, UDP + 24)
    }

    fn due(&self) -> i64 {
        self.due
    }

    fn act(&mut self, now: i64) -> bool {
        if self.asked >= CYCLES || self.asked - self.answered > TIMEOUTS {
            self.end(now);
            return false;
        }
        self.asked += 1;
        self.due = now + TIMEOUT;
        true
    }

    fn observe(&mut self, exchange: &Exchange) {
        if self.asked == 0 {
            return;
        }
        self.answered += 1;
        if self.best.is_none_or(|best| exchange.rtt() < best.rtt()) {
            self.best = Some(*exchange);
        }
        self.due = exchange.t4;
        if exchange.rtt() < GOOD_RTT {
            self.end(exchange.t4);
        }
    }

    fn reading(&mut self, _at: i64) -> Option<Reading> {
        self.synced.map(|(offset, rtt)| Reading::within(offset, rtt))
    }
}
