//! The machine's own clock for the harness, and waiting until something is so.
//!
//! Waiting is a question asked again and again with an end, never a nap of the
//! length that something usually takes.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Between two looks at something awaited.
const LOOK: Duration = Duration::from_millis(20);

/// The boot clock of the namespace that this process is in, in nanoseconds.
pub(crate) fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

/// Whole nanoseconds of a length.
pub(crate) fn nanos(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// Seconds of somebody's log, in whole nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
pub(crate) const fn nanos_of(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

/// Lets the timetable's clock come to `at_ns`.
pub(crate) fn reach(at_ns: i64) {
    while let Ok(left) = u64::try_from(at_ns - now_ns())
        && left > 0
    {
        std::thread::park_timeout(Duration::from_nanos(left));
    }
}

/// Asks until there is an answer, at most for `patience`.
pub(crate) fn until<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = now_ns() + nanos(patience);
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if now_ns() >= end {
            return None;
        }
        std::thread::park_timeout(LOOK);
    }
}
