//! The device's clock, which counts sleep, and how far it can be trusted.
//!
//! A phone that sleeps ten minutes in the middle of an exam must find ten minutes
//! on its clock. `std::time::Instant` does not count them on Linux and Android,
//! and wall-clock time steps whenever a network or a person says so. So the clock
//! of the protocol is `CLOCK_BOOTTIME` there and `CLOCK_MONOTONIC` on Apple
//! systems, where that one goes on during sleep and `std::time::Instant` does not.
//!
//! This is the only file of the repository that reads any clock. Rejected: the
//! async runtime's clock (it stops in sleep as well, so its timers are used only
//! in steps of at most [`limits::NAP`], and this clock is read after each).

use std::sync::{Arc, Mutex, PoisonError};

use diptych_protocol::identity::{BootId, sha256};
use diptych_protocol::limits;
use diptych_protocol::time::{Clock as Kind, Instant, Span};

/// Reads the clock of this device.
///
/// Called on threads of the app and of the driver, several at once, for every message:
/// it must return within microseconds, take no lock that is held for longer, and never
/// call the facade.
///
/// ```
/// use diptych_driver::clock::{BootClock, Clock};
/// use diptych_protocol::time::{Instant, Primary, Span};
///
/// /// The system's clock, counted.
/// struct Counted(BootClock, std::sync::atomic::AtomicU64);
///
/// impl Clock<Primary> for Counted {
///     fn now(&self) -> Instant<Primary> {
///         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         self.0.now()
///     }
///
///     fn suspended(&self) -> Span {
///         Clock::<Primary>::suspended(&self.0)
///     }
/// }
/// ```
pub trait Clock<C>: Send + Sync {
    /// Nanoseconds since boot, sleep included. Never steps back. `[TIME-1]`
    fn now(&self) -> Instant<C>;

    /// How much of that the device has slept: a lower bound, which never
    /// decreases and never counts a sleep that did not happen.
    fn suspended(&self) -> Span;

    /// Which boot of the device it counts since: readings of two boots are of two
    /// clocks. The system's word for it, unless an own clock knows better. `[TIME-2]`
    fn boot(&self) -> BootId {
        boot_id()
    }
}

/// The system's sleep-counting clock.
///
/// ```
/// # use diptych_driver::clock::{BootClock, Clock as _};
/// # use diptych_protocol::time::{Instant, Primary};
/// let now: Instant<Primary> = BootClock::new().now();
/// ```
#[derive(Debug, Default)]
pub struct BootClock {
    /// The largest lower bound of the time slept, in nanoseconds.
    slept: Mutex<i64>,
}

impl BootClock {
    /// The clock of this boot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<C: Kind> Clock<C> for BootClock {
    fn now(&self) -> Instant<C> {
        Instant::from_nanos(system::counting_sleep())
    }

    fn suspended(&self) -> Span {
        // The two clocks cannot be read at once. Reading the waking clock *after*
        // the other one can only make the difference smaller, so a pause of this
        // thread in between is never taken for sleep of the device.
        let counting = system::counting_sleep();
        let waking = system::waking_only();
        let mut slept = self.slept.lock().unwrap_or_else(PoisonError::into_inner);
        *slept = (*slept).max(counting.saturating_sub(waking));
        Span::from_nanos(*slept)
    }
}

/// A clock that is wrong on purpose, by exactly known amounts: rehearsals and
/// tests give one to each simulated device.
///
/// A true reading `t` becomes `t + offset + t × ppb / 10⁹`, in integers, rounded
/// toward the past; so the truth can be computed back to the nanosecond.
#[derive(Clone)]
pub struct Skewed<C> {
    truth: Arc<dyn Clock<C>>,
    offset: Span,
    ppb: i64,
}

impl<C: Kind> Skewed<C> {
    /// A clock that is ahead of `truth` by `offset` and runs `ppb` parts per
    /// billion fast; both may be negative, `ppb` not below −10⁹ (time would run
    /// backwards), which is where it is clamped.
    #[must_use]
    pub fn new(truth: Arc<dyn Clock<C>>, offset: Span, ppb: i64) -> Self {
        Self { truth, offset, ppb: ppb.max(-BILLION) }
    }

    /// What this clock shows when the true clock shows `truth`.
    #[must_use]
    pub fn shown(&self, truth: Instant<C>) -> Instant<C> {
        Instant::from_nanos(scaled(truth.nanos(), self.ppb)) + self.offset
    }
}

impl<C: Kind> Clock<C> for Skewed<C> {
    fn now(&self) -> Instant<C> {
        self.shown(self.truth.now())
    }

    fn suspended(&self) -> Span {
        Span::from_nanos(scaled(self.truth.suspended().nanos(), self.ppb))
    }

    fn boot(&self) -> BootId {
        self.truth.boot()
    }
}

impl<C: Kind> std::fmt::Debug for Skewed<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Skewed({:?} ahead, {} ppb fast)", self.offset, self.ppb)
    }
}

const BILLION: i64 = 1_000_000_000;

fn scaled(nanos: i64, ppb: i64) -> i64 {
    let nanos = i128::from(nanos);
    let wrong = nanos + (nanos * i128::from(ppb)).div_euclid(i128::from(BILLION));
    i64::try_from(wrong).unwrap_or(if wrong < 0 { i64::MIN } else { i64::MAX })
}

/// Notices that the device slept.
///
/// Timers of the runtime stand still during sleep, so a deadline is waited for in
/// steps of at most [`limits::NAP`] and the clock is read after each. `[TIME-6]`
#[derive(Debug)]
pub(crate) struct Naps {
    suspended: Span,
}

impl Naps {
    /// Sleep shorter than this is not worth telling: it is within the noise of
    /// two clock readings.
    const NOTICED: Span = Span::from_millis(1);

    pub(crate) fn new<C>(clock: &dyn Clock<C>) -> Self {
        Self { suspended: clock.suspended() }
    }

    /// How long to let the runtime's timer run for a deadline.
    pub(crate) fn step<C: Kind>(now: Instant<C>, wake: Option<Instant<C>>) -> Span {
        let until = wake.map_or(limits::NAP, |wake| wake - now);
        until.clamp(Span::ZERO, limits::NAP)
    }

    /// The sleep since the last call, if there was any.
    pub(crate) fn since<C>(&mut self, clock: &dyn Clock<C>) -> Option<Span> {
        let suspended = clock.suspended();
        let slept = suspended - self.suspended;
        (slept >= Self::NOTICED).then(|| {
            self.suspended = suspended;
            slept
        })
    }
}

/// The wall clock between two readings of the boot clock, all in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    pub(crate) before: i64,
    pub(crate) wall: i64,
    pub(crate) after: i64,
}

impl Beside {
    /// Reads them.
    pub(crate) fn read() -> Self {
        let before = system::counting_sleep();
        let wall = system::wall();
        Self { before, wall, after: system::counting_sleep() }
    }
}

/// The boot clock itself, whatever clock the app has given.
pub(crate) fn boot_nanos() -> i64 {
    system::counting_sleep()
}

/// Which boot of this device this is. `[TIME-2]`
///
/// Where the system does not tell (or forbids to ask), the answer is drawn anew
/// by each process: then a restart of the app counts as a restart of the device,
/// which loses precision and never truth.
#[must_use]
pub fn boot_id() -> BootId {
    let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|text| parse_uuid(text.trim()));
    BootId(told.unwrap_or_else(drawn_once))
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?.map(u128::to_be_bytes)
}

fn drawn_once() -> [u8; 16] {
    static DRAWN: std::sync::OnceLock<[u8; 16]> = std::sync::OnceLock::new();
    *DRAWN.get_or_init(|| {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            // No generator: the process and its start still differ between boots.
            let start = format!("{} {}", std::process::id(), system::counting_sleep());
            let hash = sha256(start.as_bytes());
            bytes.iter_mut().zip(hash).for_each(|(byte, from)| *byte = from);
        }
        bytes
    })
}

/// The wall clock in milliseconds since 1970, UTC. A label for people: it steps,
/// anybody can set it, and nothing may be decided by it. `[TIME-7]`
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where the label is read")]
pub fn wall_clock_millis() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use rustix::time::{ClockId, clock_gettime};

    pub(super) fn counting_sleep() -> i64 {
        nanos(clock_gettime(ClockId::Boottime))
    }

    pub(super) fn waking_only() -> i64 {
        nanos(clock_gettime(ClockId::Monotonic))
    }

    pub(super) fn wall() -> i64 {
        nanos(clock_gettime(ClockId::Realtime))
    }

    fn nanos(time: rustix::time::Timespec) -> i64 {
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use rustix::time::{ClockId, clock_gettime};

    /// On Apple systems this one goes on during sleep.
    pub(super) fn counting_sleep() -> i64 {
        let time = clock_gettime(ClockId::Monotonic);
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
    }

    pub(super) fn wall() -> i64 {
        let time = clock_gettime(ClockId::Realtime);
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
    }

    /// `std::time::Instant` stands still during sleep there. Its origin is
    /// hidden, so sleep is counted from the first call.
    #[expect(clippy::disallowed_methods, reason = "the only way to the clock that stops in sleep")]
    pub(super) fn waking_only() -> i64 {
        static START: std::sync::OnceLock<(std::time::Instant, i64)> = std::sync::OnceLock::new();
        let (start, reading) = START.get_or_init(|| (std::time::Instant::now(), counting_sleep()));
        let waking = std::time::Instant::now().saturating_duration_since(*start).as_nanos();
        reading.saturating_add(i64::try_from(waking).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use diptych_protocol::time::Secondary;

    use super::*;

    /// A clock that tests move by hand.
    #[derive(Default)]
    struct Hand {
        now: AtomicI64,
        suspended: AtomicI64,
    }

    impl Clock<Secondary> for Hand {
        fn now(&self) -> Instant<Secondary> {
            Instant::from_nanos(self.now.load(Ordering::Relaxed))
        }

        fn suspended(&self) -> Span {
            Span::from_nanos(self.suspended.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn the_boot_clock_goes_forward_and_invents_no_sleep() {
        // [TIME-1]
        let clock = BootClock::new();
        let mut last = Clock::<Secondary>::now(&clock);
        let slept = Clock::<Secondary>::suspended(&clock);
        for _ in 0..10_000 {
            let now = Clock::<Secondary>::now(&clock);
            assert!(now >= last);
            last = now;
        }
        let grown = Clock::<Secondary>::suspended(&clock) - slept;
        assert!(grown >= Span::ZERO && grown < Naps::NOTICED, "{grown}");
    }

    #[test]
    fn a_skewed_clock_is_wrong_by_exactly_what_was_asked() {
        let hand = Arc::new(Hand::default());
        let skewed =
            Skewed::new(hand.clone() as Arc<dyn Clock<Secondary>>, Span::from_secs(31), 80_000);
        assert_eq!(skewed.now(), Instant::from_nanos(31_000_000_000));
        hand.now.store(1_000_000_000_000, Ordering::Relaxed);
        assert_eq!(skewed.now(), Instant::from_nanos(1_031_080_000_000));
        // Rounds toward the past on both sides of zero, so that it never steps back.
        assert_eq!(skewed.shown(Instant::from_nanos(1)), Instant::from_nanos(31_000_000_001));
        let slow = Skewed::new(hand as Arc<dyn Clock<Secondary>>, Span::ZERO, -1);
        assert_eq!(slow.shown(Instant::from_nanos(1)), Instant::from_nanos(0));
        assert_eq!(slow.shown(Instant::from_nanos(i64::MAX)).nanos(), i64::MAX - 9_223_372_037);
    }

    #[test]
    fn sleep_of_the_device_is_noticed_once() {
        // [TIME-6]
        let hand = Hand::default();
        let mut naps = Naps::new(&hand);
        assert_eq!(naps.since(&hand), None);
        hand.suspended.store(600_000_000_000, Ordering::Relaxed);
        assert_eq!(naps.since(&hand), Some(Span::from_secs(600)));
        assert_eq!(naps.since(&hand), None);
    }

    #[test]
    fn the_label_is_a_date_of_this_century() {
        // [TIME-7]
        let year = wall_clock_millis() / (365 * 86_400_000) + 1970;
        assert!((2024..2100).contains(&year), "{year}");
    }

    #[test]
    fn no_timer_runs_longer_than_a_nap() {
        // [TIME-6]
        let now = Instant::<Secondary>::from_nanos(0);
        let hour = Span::from_secs(3_600);
        assert_eq!(Naps::step(now, Some(now + hour)), limits::NAP);
        assert_eq!(Naps::step(now, None), limits::NAP);
        assert_eq!(Naps::step(now, Some(now + Span::from_millis(3))), Span::from_millis(3));
        assert_eq!(Naps::step(now + hour, Some(now)), Span::ZERO, "a deadline in the past is now");
    }

    #[test]
    fn the_boot_is_named_alike_within_a_process() {
        // [TIME-2]
        assert_eq!(boot_id(), boot_id());
        assert_eq!(drawn_once(), drawn_once());
        assert_eq!(
            parse_uuid("00112233-4455-6677-8899-aabbccddeeff"),
            Some([0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255])
        );
        assert_eq!(parse_uuid("0011"), None);
    }
}
