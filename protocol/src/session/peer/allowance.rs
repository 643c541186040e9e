//! How many datagrams of one peer are heeded.
//!
//! Each datagram of a peer leaves its instants, and often its head, in the own journal,
//! which is bounded. A device that sends as fast as a network carries would fill it in
//! minutes, and with it what the other devices say. So each peer has an allowance far
//! above what an honest one sends, and what comes beyond it counts as lost on the way,
//! as any datagram may be. Rejected: thinning out only what is written (the bound on the
//! clocks would rest on messages that the journal does not have).

use crate::limits;
use crate::time::{Clock, Instant};

/// What a peer may still send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance<C: Clock> {
    /// When all that was heeded would have come at the steady rate.
    spent: Option<Instant<C>>,
}

impl<C: Clock> Default for Allowance<C> {
    fn default() -> Self {
        Self { spent: None }
    }
}

impl<C: Clock> Allowance<C> {
    /// Whether one that comes `now` is heeded. `[SESSION-49]`
    pub(super) fn admits(&mut self, now: Instant<C>) -> bool {
        let spent = self.spent.map_or(now, |spent| spent.max(now)) + limits::DATAGRAM_INTERVAL;
        let admitted = spent - now <= limits::DATAGRAM_INTERVAL.times(limits::DATAGRAM_BURST);
        if admitted {
            self.spent = Some(spent);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Primary, Span};

    #[test]
    fn a_burst_passes_and_a_flood_is_thinned_to_the_steady_rate() {
        // [SESSION-49]
        let start = Instant::<Primary>::from_nanos(5);
        let mut allowance = Allowance::default();
        let heeded = |allowance: &mut Allowance<Primary>, from: i64, seconds: i64, each: i64| {
            let at = |n: i64| start + Span::from_secs(from) + Span::from_micros(n * each);
            (0..seconds * 1_000_000 / each).filter(|n| allowance.admits(at(*n))).count()
        };
        // Two start bursts in a row, the most that an honest peer ever sends.
        assert_eq!(heeded(&mut allowance, 0, 4, 25_000), 160);
        // 5,000 a second for a minute: what is left of the burst, and 16 a second.
        let flood = heeded(&mut allowance, 4, 60, 200);
        assert!((16 * 60..16 * 60 + 640).contains(&flood), "{flood}");
        // Later all is as it was.
        assert_eq!(heeded(&mut allowance, 200, 10, 25_000), 400);
    }
}
