//! What is assumed about two oscillators, and nothing else.
//!
//! Every guarantee of this module rests on two numbers: how fast two clocks may
//! drift apart (`[CLOCK-2]`) and how fast that rate may change (`[CLOCK-3]`).
//! Both are powers of two per nanosecond, so that lifting a constraint by a
//! parabola and comparing slopes are exact in integers. Rejected: decimal rates
//! (120 ppm has no exact product with a nanosecond, so two implementations would
//! round differently), and rates learnt from the data as a bound (a bound that
//! trusts a statistic is not a bound).

use crate::time::Span;

/// The largest rate |ẋ| is 2⁻¹³ = 122.07 ppm. `[CLOCK-2]`
///
/// Phone oscillators are within ±20 ppm, cheap ones within ±50; two of the worst
/// apart make 100.
pub const RATE_BITS: u32 = 13;

/// How finely a lifted value is kept: 2⁻¹⁰ ns, one *tick*. `[CLOCK-6]`
pub(super) const TICK_BITS: u32 = 10;

/// How coarsely a device's clock may tick. A reading may be this much too early,
/// so every received instant is taken this much later. `[CLOCK-4]`
///
/// The counters of phones run at 19.2 to 24 MHz (52 to 42 ns), those of desktop
/// computers at 10 MHz or more.
pub const RESOLUTION: Span = Span::from_nanos(100);

/// How fast the rate between two oscillators may change: |ẍ| ≤ 2⁻ⁿ per
/// nanosecond. One second of drift at 2⁻⁵⁴ changes the rate by 0.0555 ppm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wander {
    exponent: u32,
}

impl Wander {
    /// What the guarantee assumes: 0.0555 ppm/s. `[CLOCK-3]`
    pub const GUARANTEED: Self = Self { exponent: 54 };

    /// `2⁻ⁿ` per nanosecond, with `n` from 54 to 62; anything else is brought
    /// into that range, so that no product overflows.
    #[must_use]
    pub const fn of_exponent(exponent: u32) -> Self {
        let exponent = if exponent < 54 {
            54
        } else if exponent > 62 {
            62
        } else {
            exponent
        };
        Self { exponent }
    }

    /// The `n` of 2⁻ⁿ.
    #[must_use]
    pub const fn exponent(self) -> u32 {
        self.exponent
    }

    /// The largest rate, in units of 2⁻ⁿ: slopes are integers in this unit.
    pub(super) const fn rate_limit(self) -> i64 {
        1 << (self.exponent - RATE_BITS)
    }

    /// How far the offset can bend away from a straight chord of length `chord`,
    /// `W·h²/8`, rounded up.
    #[must_use]
    pub fn sag(self, chord: Span) -> Span {
        let square = i128::from(chord.nanos()) * i128::from(chord.nanos());
        Span::from_nanos(saturate(ceil_shift(square, self.exponent + 3)))
    }
}

/// `value / 2^bits`, rounded up.
pub(super) const fn ceil_shift(value: i128, bits: u32) -> i128 {
    -((-value) >> bits)
}

/// The nearest `i64`.
pub(super) fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Of two numbers, whole.
pub(super) const fn product(a: i64, b: i64) -> i128 {
    a as i128 * b as i128
}

/// `a · b / 2⁶⁴`, rounded down: a shift of 128 bits by any other number costs more than
/// the product.
pub(super) fn upper_half(a: i64, b: i64) -> i64 {
    saturate(product(a, b) >> 64)
}

/// `value · part / whole`, rounded towards zero.
pub(super) fn share(value: i64, part: i64, whole: i64) -> i64 {
    // A quotient of 128 bits costs ten of 64.
    match value.checked_mul(part) {
        Some(product) => product / whole,
        None => saturate(i128::from(value) * i128::from(part) / i128::from(whole)),
    }
}

/// The largest integer whose square is at most `value`; zero for negatives.
pub(super) const fn root(value: i128) -> i128 {
    if value <= 0 { 0 } else { value.isqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_what_the_specification_says_in_decimal() {
        // [CLOCK-2] [CLOCK-3]
        let wander = Wander::GUARANTEED;
        let ppb = (1_000_000_000_i128 * i128::from(wander.rate_limit())) >> wander.exponent();
        assert_eq!(ppb, 122_070);
        assert_eq!(wander.sag(Span::from_secs(4)), Span::from_nanos(112));
        assert_eq!(wander.sag(Span::from_secs(60)), Span::from_nanos(24_981));
    }

    #[test]
    fn shifting_rounds_up_on_both_sides_of_zero() {
        assert_eq!(ceil_shift(5, 2), 2);
        assert_eq!(ceil_shift(4, 2), 1);
        assert_eq!(ceil_shift(-5, 2), -1);
        assert_eq!(ceil_shift(-4, 2), -1);
    }
}
