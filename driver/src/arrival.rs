//! When a packet came, before anybody in this process woke up for it.
//!
//! A datagram waits tens of microseconds for its reader, and tens of milliseconds
//! on a crowded phone; all of that would be in the bound of the clocks. The kernel
//! stamps packets when they come, but with the wall clock, which people and
//! networks set. Wall clock and boot clock run alike in every kernel that stamps;
//! their distance changes only when the wall clock is set. So a stamp is believed
//! if that distance was the same before the packet came and after it was read, and
//! otherwise the time of reading is taken, as where there are no stamps.
//! `[TRANSPORT-27]`
//!
//! Which packet a datagram came in cannot be seen from here. It is given the
//! arrival of the newest packet that was handed over before it, which is never
//! earlier than its own. Rejected: the newest stamp of the kernel as it is, which a
//! wall clock that is set forward puts before the packet was sent.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use diptych_protocol::time::Span;

use crate::clock::Beside;

/// A device's own clock and the boot clock differ in rate by less than one part in
/// this many.
const RATE: i64 = 1_024;

/// The arrival of the newest packet of an endpoint.
#[derive(Debug)]
pub(crate) struct Arrivals {
    wall: Mutex<Wall>,
    /// On the boot clock, in nanoseconds.
    newest: AtomicI64,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { wall: Mutex::default(), newest: AtomicI64::new(i64::MIN) }
    }
}

impl Arrivals {
    /// Takes what the kernel said of packets that were just read: nanoseconds since
    /// 1970, or nothing. `read` was read after them.
    pub(crate) fn take(&self, stamps: impl Iterator<Item = Option<i64>>, read: Beside) {
        let mut wall = self.wall.lock().unwrap_or_else(PoisonError::into_inner);
        // One from before the clock was set, which is read later, is earlier than
        // what is taken here, and changes nothing.
        let steady = wall.look(read);
        for stamp in stamps {
            let arrival = stamp.filter(|_| steady).and_then(|stamp| wall.to_boot(stamp, read));
            self.newest.fetch_max(arrival.unwrap_or(read.after), Ordering::Relaxed);
        }
    }

    /// How long ago the newest packet came, at least: what to take from a reading of
    /// the device's clock that follows.
    pub(crate) fn age(&self, boot_ns: i64) -> Span {
        let age = boot_ns.saturating_sub(self.newest.load(Ordering::Relaxed)).max(0);
        // Nothing is known before the first packet.
        if age == i64::MAX {
            return Span::ZERO;
        }
        Span::from_nanos(age - age / RATE - 1).max(Span::ZERO)
    }
}

/// What is known of the wall clock.
#[derive(Debug, Default)]
struct Wall {
    /// How far it is ahead of the boot clock: at least and at most.
    ahead: Option<(i64, i64)>,
}

impl Wall {
    /// Whether it was not set since the last look.
    fn look(&mut self, read: Beside) -> bool {
        let now = (read.wall.saturating_sub(read.after), read.wall.saturating_sub(read.before));
        let both = self.ahead.map(|known| (known.0.max(now.0), known.1.min(now.1)));
        let steady = both.filter(|(least, most)| least <= most);
        self.ahead = Some(steady.unwrap_or(now));
        steady.is_some()
    }

    /// A stamp on the boot clock, rounded to the future; `None` for one that would
    /// be later than its reading.
    fn to_boot(&self, stamp: i64, read: Beside) -> Option<i64> {
        let boot = stamp.saturating_sub(self.ahead?.0);
        (boot <= read.after).then_some(boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// A reading at `boot`, of a wall clock that is `ahead`.
    fn read(boot: i64, ahead: i64) -> Beside {
        Beside { before: boot, wall: boot + 40 + ahead, after: boot + 100 }
    }

    /// The arrival that is believed of a packet that came at `came` and was read at
    /// `at`, both on the boot clock.
    fn believed(arrivals: &Arrivals, came: i64, at: i64, ahead: (i64, i64)) -> i64 {
        arrivals.take([Some(came + ahead.0)].into_iter(), read(at, ahead.1));
        arrivals.newest.load(Ordering::Relaxed)
    }

    #[test]
    fn a_stamp_is_believed_while_nobody_sets_the_wall_clock() {
        // [TRANSPORT-27]
        let (arrivals, ahead) = (Arrivals::default(), (7 * SECOND, 7 * SECOND));
        let first = believed(&arrivals, SECOND - 5_000, SECOND, ahead);
        assert_eq!(first, SECOND + 100, "the distance is not known before the packet");
        let second = believed(&arrivals, 2 * SECOND - 5_000, 2 * SECOND, ahead);
        assert!((2 * SECOND - 5_000..=2 * SECOND - 4_900).contains(&second), "{second}");
        assert!(arrivals.age(2 * SECOND) >= Span::from_nanos(4_890));
        assert!(arrivals.age(2 * SECOND) <= Span::from_nanos(5_000));
    }

    #[test]
    fn no_setting_of_the_wall_clock_makes_a_packet_earlier_than_it_was() {
        // [TRANSPORT-27] Set between the reading before and the packet, between the
        // packet and its reading, or while packets wait; forward and back.
        for step in [-3 * SECOND, -2_000, 2_000, 3 * SECOND] {
            let arrivals = Arrivals::default();
            believed(&arrivals, SECOND, SECOND, (0, 0));
            let between = believed(&arrivals, 2 * SECOND - 900, 2 * SECOND, (0, step));
            assert!(between >= 2 * SECOND - 900, "{step}: {between}");
            // Waited in the queue since before the step, and is read by itself.
            let old = believed(&arrivals, 2 * SECOND - 300, 2 * SECOND + 500, (0, step));
            assert!(old >= 2 * SECOND - 300, "{step}: {old}");
            let after = believed(&arrivals, 3 * SECOND - 800, 3 * SECOND, (step, step));
            assert!((3 * SECOND - 800..3 * SECOND).contains(&after), "{step}: {after}");
        }
    }

    #[test]
    fn what_has_no_stamp_came_when_it_was_read() {
        let arrivals = Arrivals::default();
        assert_eq!(arrivals.age(SECOND), Span::ZERO, "nothing came yet");
        arrivals.take([None].into_iter(), read(SECOND, 0));
        assert_eq!(arrivals.newest.load(Ordering::Relaxed), SECOND + 100);
        arrivals.take([None, Some(SECOND)].into_iter(), read(2 * SECOND, 0));
        assert_eq!(arrivals.newest.load(Ordering::Relaxed), 2 * SECOND + 100);
    }
}
