//! Where a camera gets its time, and how it waits.
//!
//! On a phone there is one clock and nobody knows the truth. A rehearsal on one
//! machine knows it: the device's clock is made wrong on purpose, and the camera
//! burns the right time into every picture, so that the alignment of two
//! recordings can be checked against what the pixels say.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

/// One instant, as the device's clock has it and as it truly was.
///
/// Both come from a single look at the machine's clock. Two looks would differ by
/// whatever the scheduler does in between, and that would be charged to the
/// alignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The device's own clock, which the recording is stamped with, in nanoseconds.
    pub own_ns: i64,
    /// The machine's boot clock, in nanoseconds.
    pub true_ns: i64,
}

/// A clock that can be read and waited on.
pub trait Timebase: Send {
    /// Looks at the clock.
    fn read(&self) -> Reading;

    /// Returns when `true_ns` is reached, at once if it has passed.
    fn wait_until(&self, true_ns: i64);
}

/// The machine's clock through a function, waited on by sleeping.
///
/// ```
/// use std::sync::Arc;
///
/// use diptych::camera::timebase::{Machine, Reading, Timebase};
/// use diptych_driver::clock::{BootClock, Clock, Skewed};
/// use diptych_protocol::time::{Primary, Span};
///
/// // A device whose clock is half a minute ahead and 80 ppm fast.
/// let truth: Arc<dyn Clock<Primary>> = Arc::new(BootClock::new());
/// let wrong = Skewed::new(truth.clone(), Span::from_secs(30), 80_000);
/// let clock = Machine::new(move || {
///     let now = truth.now();
///     Reading { own_ns: wrong.shown(now).nanos(), true_ns: now.nanos() }
/// });
/// assert!(clock.read().own_ns - clock.read().true_ns > 29_000_000_000);
/// ```
pub struct Machine<F> {
    look: F,
}

impl<F: Fn() -> Reading + Send> Machine<F> {
    /// A timebase that calls `look` for every reading.
    pub const fn new(look: F) -> Self {
        Self { look }
    }
}

impl<F: Fn() -> Reading + Send> Timebase for Machine<F> {
    fn read(&self) -> Reading {
        (self.look)()
    }

    fn wait_until(&self, true_ns: i64) {
        // A sleep may end early on some systems, never by much: ask again.
        loop {
            let left = true_ns.saturating_sub(self.read().true_ns);
            match u64::try_from(left) {
                Ok(nanos @ 1..) => thread::sleep(Duration::from_nanos(nanos)),
                _ => return,
            }
        }
    }
}

/// A clock that stands still until somebody waits on it.
///
/// With it a camera takes an hour of pictures as fast as they can be painted, and
/// the same ones every time.
#[derive(Debug)]
pub struct Simulated {
    true_ns: AtomicI64,
    offset_ns: i64,
    rate_ppb: i64,
}

impl Simulated {
    /// Starts at `true_ns`; the device's clock is `offset_ns` ahead at zero and
    /// gains `rate_ppb` nanoseconds a second.
    #[must_use]
    pub const fn new(true_ns: i64, offset_ns: i64, rate_ppb: i64) -> Self {
        Self { true_ns: AtomicI64::new(true_ns), offset_ns, rate_ppb }
    }

    /// Lets `ns` nanoseconds pass.
    pub fn advance(&self, ns: i64) {
        self.true_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// What the device's clock shows at `true_ns`.
    #[must_use]
    pub fn own_ns(&self, true_ns: i64) -> i64 {
        let gained = i128::from(true_ns) * i128::from(self.rate_ppb) / 1_000_000_000;
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        true_ns.saturating_add(self.offset_ns).saturating_add(gained)
    }
}

impl Timebase for Simulated {
    fn read(&self) -> Reading {
        let true_ns = self.true_ns.load(Ordering::Relaxed);
        Reading { own_ns: self.own_ns(true_ns), true_ns }
    }

    fn wait_until(&self, true_ns: i64) {
        self.true_ns.fetch_max(true_ns, Ordering::Relaxed);
    }
}

impl<T: Timebase + Sync> Timebase for std::sync::Arc<T> {
    fn read(&self) -> Reading {
        (**self).read()
    }

    fn wait_until(&self, true_ns: i64) {
        (**self).wait_until(true_ns);
    }
}
