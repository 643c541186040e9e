//! Instants that know their clock, and signed spans between them.
//!
//! Two phones have two clocks that agree about nothing: not their origin, not
//! their rate. The costly mistakes of synchronisation code are all one mistake,
//! subtracting an instant of one clock from an instant of the other. Here that
//! does not compile:
//!
//! ```compile_fail
//! use diptych_protocol::time::{Instant, Primary, Secondary};
//! let here = Instant::<Primary>::from_nanos(10);
//! let there = Instant::<Secondary>::from_nanos(12);
//! let offset = there - here;
//! ```
//!
//! Rejected: `std::time::Instant` (cannot be put on a wire or in a journal, and
//! stops while the phone sleeps), and floating-point seconds (two builds would
//! disagree about a verdict at a boundary).

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Which device's clock an [`Instant`] was read from.
///
/// Sealed in spirit: the only clocks of the protocol are [`Primary`] and
/// [`Secondary`]. `[TIME-2]`
pub trait Clock: Copy + Ord + fmt::Debug + Send + Sync + 'static {
    /// The name used when an instant is printed.
    const NAME: &'static str;
}

/// The clock of the primary; session time is this clock. `[TIME-3]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Primary {}

/// The clock of an assistant. Each assistant has its own; instants of two
/// assistants meet only after both were mapped to [`Primary`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Secondary {}

impl Clock for Primary {
    const NAME: &'static str = "primary";
}

impl Clock for Secondary {
    const NAME: &'static str = "secondary";
}

/// A reading of clock `C`: nanoseconds since that device booted, sleep
/// included. `[TIME-1]`
///
/// Negative readings are representable, so that mapping an early instant of one
/// clock onto the other cannot fail. Arithmetic saturates: an instant at either
/// end of the range is ~292 years away and means "never". `[TIME-5]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant<C> {
    nanos: i64,
    clock: PhantomData<C>,
}

/// A signed length of time in nanoseconds. `[TIME-4]`
///
/// ```
/// # use diptych_protocol::time::Span;
/// assert_eq!(Span::from_secs(2), Span::from_millis(2_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl<C> Instant<C> {
    /// The farthest future; "never".
    pub const MAX: Self = Self::from_nanos(i64::MAX);

    /// The instant `nanos` nanoseconds after the device's boot.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos, clock: PhantomData }
    }

    /// Nanoseconds since the device's boot.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.nanos
    }

    /// Reads this number on another clock.
    ///
    /// This is how a stamp from the wire, already known to come from the other
    /// device, gets its type. It converts nothing: mapping between clocks is
    /// the work of the estimator in `clock`.
    #[must_use]
    pub const fn relabelled<D>(self) -> Instant<D> {
        Instant::from_nanos(self.nanos)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span; ~292 years.
    pub const MAX: Self = Self(i64::MAX);

    /// A span of `nanos` nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of `micros` microseconds, saturating.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of `millis` milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of `secs` seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds, signed.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The length without its sign, saturating.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// `self` times `factor`, saturating.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// This span for the standard library's timers; a negative span is zero.
    #[must_use]
    pub const fn to_duration(self) -> core::time::Duration {
        let nanos = if self.0 < 0 { 0 } else { self.0.unsigned_abs() };
        core::time::Duration::from_nanos(nanos)
    }
}

impl<C> Sub for Instant<C> {
    type Output = Span;

    fn sub(self, earlier: Self) -> Span {
        Span(self.nanos.saturating_sub(earlier.nanos))
    }
}

impl<C> Add<Span> for Instant<C> {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self::from_nanos(self.nanos.saturating_add(span.0))
    }
}

impl<C> Sub<Span> for Instant<C> {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self::from_nanos(self.nanos.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Span {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Span {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl<C: Clock> fmt::Debug for Instant<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", Span(self.nanos), C::NAME)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Prints in the largest unit that keeps at least one whole digit, exactly:
/// `1.5 s`, `20 ms`, `-3.25 µs`, `7 ns`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (unit, name) = match magnitude {
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "µs"),
            0.. => (1, "ns"),
        };
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (magnitude / unit, magnitude % unit);
        if rest == 0 {
            return write!(f, "{sign}{whole} {name}");
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        write!(f, "{sign}{whole}.{} {name}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_one_clock_subtract_to_signed_spans() {
        // [TIME-4]
        let early = Instant::<Primary>::from_nanos(5);
        let late = Instant::<Primary>::from_nanos(12);
        assert_eq!(late - early, Span::from_nanos(7));
        assert_eq!(early - late, Span::from_nanos(-7));
    }

    #[test]
    fn an_instant_is_a_count_of_nanoseconds_that_names_its_clock() {
        // [TIME-1] [TIME-2]: that two clocks do not subtract is proven by the example
        // of this module, which must not compile.
        let half_an_hour = Instant::<Primary>::from_nanos(1_800_000_000_000);
        assert_eq!(half_an_hour - Instant::from_nanos(0), Span::from_secs(30 * 60));
        assert_ne!(Primary::NAME, Secondary::NAME);
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        // [TIME-5]
        let end = Instant::<Primary>::MAX;
        assert_eq!(end + Span::from_secs(1), end);
        assert_eq!(-Span::from_nanos(i64::MIN), Span::MAX);
    }

    #[test]
    fn spans_print_exactly_in_a_readable_unit() {
        let cases = [
            (0, "0 ns"),
            (7, "7 ns"),
            (-3_250, "-3.25 µs"),
            (20_000_000, "20 ms"),
            (1_000_000_001, "1.000000001 s"),
            (120_000_000_000, "120 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(Span::from_nanos(nanos).to_string(), text);
        }
    }
}
