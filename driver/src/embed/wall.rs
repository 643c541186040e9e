//! Notices that somebody set the wall clock.
//!
//! The wall clock decides nothing, but whoever compares a journal's labels with
//! other clocks must know that it was changed. Systems tell this in different ways
//! or not at all, so label and clock are compared once a second, which a sleep does
//! not disturb. Rejected: comparing with the first look, since a clock that is
//! disciplined and one that is not part by a second within hours.

use std::sync::Arc;
use std::time::Duration;

use diptych_protocol::limits;
use diptych_protocol::session::HostFact;
use diptych_protocol::time::{self, Instant, Span};

use super::Role;
use crate::Handle;
use crate::clock::{Clock, wall_clock_millis};
use crate::error::AskError;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Tells the machine of every step until it ends. `[TIME-8]`
pub(super) async fn watch<M: Role>(handle: Handle<M>, clock: Arc<dyn Clock<M::Clock>>) {
    let mut last = Look::new(clock.now(), wall_clock_millis());
    while tokio::time::timeout(EVERY, handle.ended()).await.is_err() {
        let look = Look::new(clock.now(), wall_clock_millis());
        let step = look.step_from(&last);
        last = look;
        // A device that is in no session yet has no journal to write it into.
        if let Some(by_ms) = step
            && let Err(AskError::Stopped(_)) =
                handle.ask(M::fact(HostFact::WallStep { by_ms })).await
        {
            return;
        }
    }
}

/// How far the label was ahead of the clock.
struct Look {
    ahead_ms: i64,
}

impl Look {
    fn new<C: time::Clock>(now: Instant<C>, wall_ms: i64) -> Self {
        Self { ahead_ms: wall_ms.saturating_sub(now.nanos() / 1_000_000) }
    }

    /// The milliseconds by which the wall clock was set, if it was.
    fn step_from(&self, last: &Self) -> Option<i64> {
        let by_ms = self.ahead_ms.saturating_sub(last.ahead_ms);
        (Span::from_millis(by_ms).abs() >= limits::WALL_STEP).then_some(by_ms)
    }
}

#[cfg(test)]
mod tests {
    use diptych_protocol::time::Primary;

    use super::*;

    #[test]
    fn a_clock_that_is_set_steps_and_one_that_is_slewed_or_sleeps_does_not() {
        // [TIME-8]
        let at = |now_ms: i64, wall_ms: i64| {
            Look::new(Instant::<Primary>::from_nanos(now_ms * 1_000_000), wall_ms)
        };
        let first = at(5_000, 1_800_000_000_000);
        assert_eq!(at(6_000, 1_800_000_001_001).step_from(&first), None);
        assert_eq!(at(605_000, 1_800_000_600_000).step_from(&first), None);
        assert_eq!(at(6_000, 1_800_000_002_000).step_from(&first), Some(1_000));
        assert_eq!(at(6_000, 1_799_996_401_000).step_from(&first), Some(-3_600_000));
        assert_eq!(at(i64::MAX / 1_000_000, i64::MIN).step_from(&first).map(i64::signum), Some(-1));
    }
}
