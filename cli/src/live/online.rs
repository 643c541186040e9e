//! Where a picture was placed while the session ran.
//!
//! The journals hold every message, so the estimator can be asked what it knew when
//! a picture was taken. Rejected: holding the last estimate against the truth; it
//! knows the whole session before it.

use std::iter::Peekable;
use std::vec::IntoIter;

use diptych_protocol::clock::{Estimator, Observation};
use diptych_protocol::time::Instant;

use crate::align::Placed;
use crate::clocks::{Known, known};

/// What the primary knew of one assistant's clock, at the picture asked for last.
pub(super) struct Online {
    estimator: Estimator,
    rest: Peekable<IntoIter<Known>>,
}

impl Online {
    /// From all messages that the two clocks exchanged.
    pub(super) fn new(list: &[Observation]) -> Self {
        Self { estimator: Estimator::new(), rest: known(list).into_iter().peekable() }
    }

    /// Where a picture that the assistant stamped `own_ns` was placed at `now_ns` of
    /// the primary's clock, when it was taken. Pictures must be asked for in order.
    pub(super) fn place(&mut self, own_ns: i64, now_ns: i64) -> Option<Placed> {
        let now = Instant::from_nanos(now_ns);
        while let Some(known) = self.rest.next_if(|next| next.at <= now) {
            self.estimator.take(known.observation);
        }
        let placed = self.estimator.to_primary(Instant::from_nanos(own_ns))?;
        let (at_ns, low_ns) = (placed.at.nanos(), placed.low.nanos());
        Some(Placed { at_ns, low_ns, high_ns: placed.high.nanos() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_protocol::clock::{Constraint, Epochs};

    #[test]
    fn a_picture_is_placed_by_what_was_known_when_it_was_taken() {
        // 30 s ahead; the delays shrink from 9 ms to 1 ms; each is answered at once.
        let ahead = |ns: i64| Instant::from_nanos(ns + 30_000_000_000);
        let list = (0..9).flat_map(|second: i64| {
            let (ns, delay) = (second * 1_000_000_000, (9 - second) * 1_000_000);
            let here = Instant::from_nanos;
            [
                Constraint::Forward { sent: here(ns), received: ahead(ns + delay) },
                Constraint::Backward { sent: ahead(ns + delay), received: here(ns + 2 * delay) },
            ]
        });
        let epochs = Epochs::default();
        let list: Vec<_> = list.map(|constraint| Observation { epochs, constraint }).collect();
        let mut online = Online::new(&list);
        let mut width = |ns: i64| {
            let placed = online.place(ns + 30_000_000_000, ns)?;
            assert!(placed.low_ns <= ns && ns <= placed.high_ns, "{ns} is not in {placed:?}");
            Some(placed.high_ns - placed.low_ns)
        };
        assert_eq!(width(17_000_000), None, "the answer was still on its way");
        let (early, late) = (width(19_000_000).unwrap(), width(9_000_000_000).unwrap());
        assert!(early > 17_000_000 && late < 5_000_000, "{early} {late}");
    }
}
