//! Two clocks that disagree, and the truth about it in whole nanoseconds.
//!
//! The primary's clock *is* simulated time. The secondary's reads `t + x(t)`:
//! its rate wanders as crystals do (a fixed skew, warming up, a ripple of the
//! room's temperature, a random walk), and events make it jump, run fast, or
//! stand still. Only the difference of two clocks can be observed, so letting
//! one of them be perfect loses nothing.
//!
//! The rate is linear between knots one second apart, so `x` is a parabola
//! between them, evaluated exactly: the truth that an estimate is held against
//! is an integer, not another estimate.

use diptych_protocol::time::{Instant, Primary, Secondary, Span};

use crate::dice::{Dice, exp, sin_turns, whole};

/// How the secondary's rate differs from the primary's over time.
///
/// Rates are in parts per billion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wander {
    /// The constant part is drawn evenly from ± this.
    pub skew: f64,
    /// The rate starts this much off and decays to zero…
    pub warm_up: f64,
    /// …with this time constant.
    pub warm_up_time: Span,
    /// Half the swing of a sine…
    pub ripple: f64,
    /// …of this period, with a phase of its own for each seed.
    pub ripple_period: Span,
    /// Random walk of the rate: standard deviation after one second.
    pub walk: f64,
}

impl Wander {
    /// A phone in a pocket-warm room.
    pub const PHONE: Self = Self {
        skew: 20_000.0,
        warm_up: 800.0,
        warm_up_time: Span::from_secs(300),
        ripple: 50.0,
        ripple_period: Span::from_secs(300),
        walk: 2.0,
    };
}

/// Something that happens to the secondary's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upset {
    /// The reading jumps.
    Step {
        /// When, since the start.
        at: Span,
        /// By how much.
        by: Span,
    },
    /// The clock runs at another rate for a while.
    Slew {
        /// From when, since the start.
        from: Span,
        /// Until when, since the start.
        until: Span,
        /// Added to the rate, in parts per billion. `-1_000_000_000` stops the
        /// clock: the device is suspended and its clock does not count sleep.
        by: i64,
    },
}

/// The secondary's clock, with known truth.
#[derive(Clone, Debug)]
pub struct Oscillator {
    start: Instant<Primary>,
    knots: Vec<Knot>,
    upsets: Vec<Upset>,
}

/// Offset and rate at a whole second since the start.
#[derive(Clone, Copy, Debug)]
struct Knot {
    /// In units of 10⁻¹⁵ ns.
    offset: i128,
    /// In units of 10⁻¹⁵.
    rate: i64,
}

/// Distance of the knots.
const KNOT: i64 = 1_000_000_000;
/// Units of [`Knot::offset`] in a nanosecond.
const UNITS: i128 = 1_000_000_000_000_000;
/// Units of [`Knot::rate`] in one part per billion.
const UNITS_PER_PPB: f64 = 1e6;

const SKEW: u64 = 0x05c1_0001;
const WALK: u64 = 0x05c1_0002;

impl Oscillator {
    /// The clock of `seed`, for `lasting` from `start`.
    ///
    /// The offset at the start is up to some hours; neither clock is ever
    /// negative. Beyond `lasting` the rate stays what it was.
    #[must_use]
    pub fn new(
        seed: u64,
        wander: &Wander,
        upsets: &[Upset],
        start: Instant<Primary>,
        lasting: Span,
    ) -> Self {
        let mut dice = Dice::keyed(seed, SKEW, 0);
        let skew = dice.between(-wander.skew, wander.skew);
        let phase = dice.unit();
        let origin = whole(dice.between(-3e12, 2e13));
        let mut walk = 0.0;
        let mut knots: Vec<Knot> = Vec::new();
        let mut offset = i128::from(origin) * UNITS;
        for second in 0..=(lasting.nanos() / KNOT).max(0) + 1 {
            let t = second as f64 * KNOT as f64;
            walk += wander.walk * Dice::keyed(seed, WALK, second.unsigned_abs()).normal();
            let rate = skew
                + wander.warm_up * exp(-t / wander.warm_up_time.nanos() as f64)
                + wander.ripple * sin_turns(t / wander.ripple_period.nanos() as f64 + phase)
                + walk;
            let rate = whole(rate * UNITS_PER_PPB);
            if let Some(last) = knots.last() {
                offset += i128::from(last.rate + rate) * i128::from(KNOT) / 2;
            }
            knots.push(Knot { offset, rate });
        }
        Self { start, knots, upsets: upsets.to_vec() }
    }

    /// The truth: the secondary's reading minus the primary's, at `at`.
    #[must_use]
    pub fn offset(&self, at: Instant<Primary>) -> Span {
        let since = (at - self.start).nanos().max(0);
        let last = self.knots.len().saturating_sub(2);
        let index = usize::try_from(since / KNOT).map_or(last, |index| index.min(last));
        let (Some(here), Some(next)) = (self.knots.get(index), self.knots.get(index + 1)) else {
            return Span::ZERO;
        };
        let base = i64::try_from(index).map_or(i64::MAX, |index| index.saturating_mul(KNOT));
        let dt = i128::from(since - base);
        let bend = i128::from(next.rate - here.rate) * dt / i128::from(KNOT) * dt / 2;
        let units = here.offset + i128::from(here.rate) * dt + bend;
        let free = i64::try_from(units.div_euclid(UNITS)).unwrap_or(i64::MAX);
        Span::from_nanos(free.saturating_add(self.upset(Span::from_nanos(since))))
    }

    /// What the secondary's clock reads at `at`.
    #[must_use]
    pub fn reading(&self, at: Instant<Primary>) -> Instant<Secondary> {
        at.relabelled::<Secondary>() + self.offset(at)
    }

    /// The first moment from `not_before` on at which the clock reads at least
    /// `reading`, to within a microsecond; the far future if it never does.
    #[must_use]
    pub fn when(
        &self,
        reading: Instant<Secondary>,
        not_before: Instant<Primary>,
    ) -> Instant<Primary> {
        let mut at = not_before;
        for _ in 0..64 {
            let missing = reading - self.reading(at);
            if missing <= Span::ZERO {
                return at;
            }
            // A clock that stands still makes no progress on its own terms.
            at = at + missing.max(Span::from_micros(1));
        }
        at
    }

    /// What the events have added, `since` the start, in nanoseconds.
    fn upset(&self, since: Span) -> i64 {
        let mut sum = 0_i64;
        for upset in &self.upsets {
            sum += match *upset {
                Upset::Step { at, by } if since >= at => by.nanos(),
                Upset::Step { .. } => 0,
                Upset::Slew { from, until, by } => {
                    let run = (since.min(until) - from).nanos().max(0);
                    let gained = i128::from(run) * i128::from(by) / 1_000_000_000;
                    i64::try_from(gained).unwrap_or(0)
                }
            };
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant<Primary> = Instant::from_nanos(3_600_000_000_000);

    fn after(seconds: f64) -> Instant<Primary> {
        START + Span::from_nanos(whole(seconds * 1e9))
    }

    fn phone(seed: u64, upsets: &[Upset]) -> Oscillator {
        Oscillator::new(seed, &Wander::PHONE, upsets, START, Span::from_secs(600))
    }

    #[test]
    fn rate_and_its_change_stay_within_what_the_estimator_may_assume() {
        // The guaranteed interval rests on |x'| <= 120 ppm and |x''| <= 0.05 ppm/s.
        let thermal = Wander { warm_up: 4_000.0, ripple: 500.0, ..Wander::PHONE };
        for seed in 1..20 {
            let clock = Oscillator::new(seed, &thermal, &[], START, Span::from_secs(600));
            let mut last: Option<i64> = None;
            for second in 0..600 {
                let [a, b] = [second, second + 1].map(|s| clock.offset(after(f64::from(s))));
                let rate = (b - a).nanos();
                assert!(rate.abs() < 120_000, "seed {seed}: {rate} ppb");
                if let Some(last) = last {
                    assert!((rate - last).abs() <= 50, "seed {seed}: {rate} after {last} ppb");
                }
                last = Some(rate);
            }
        }
    }

    #[test]
    fn the_offset_is_continuous_across_knots_and_past_the_end() {
        let clock = phone(3, &[]);
        for second in [1, 2, 300, 599, 600, 601, 700] {
            let knot = after(f64::from(second));
            let step = clock.offset(knot) - clock.offset(knot - Span::from_nanos(1));
            assert!(step.abs() <= Span::from_nanos(1), "{step} at {second} s");
        }
    }

    #[test]
    fn a_step_jumps_and_a_stop_holds_the_reading() {
        let ms = Span::from_millis;
        let plain = phone(5, &[]);
        let step = Upset::Step { at: Span::from_secs(100), by: ms(-3) };
        let stop = Upset::Slew {
            from: Span::from_secs(200),
            until: Span::from_secs(245),
            by: -1_000_000_000,
        };
        let upset = phone(5, &[step, stop]);
        let gained = |at: f64| upset.offset(after(at)) - plain.offset(after(at));
        assert_eq!(gained(99.999), Span::ZERO);
        assert_eq!(gained(100.0), ms(-3));
        assert_eq!(gained(222.5), ms(-22_503));
        assert_eq!(gained(300.0), ms(-45_003));
        let held = upset.reading(after(244.0)) - upset.reading(after(201.0));
        assert!(held.abs() < ms(2), "{held}");
    }

    #[test]
    fn a_reading_is_reached_when_the_clock_shows_it() {
        let stop = Upset::Slew {
            from: Span::from_secs(20),
            until: Span::from_secs(65),
            by: -1_000_000_000,
        };
        let clock = phone(9, &[stop]);
        for seconds in [0.5, 10.0, 19.0, 21.0, 60.0] {
            let wanted = clock.reading(START) + Span::from_nanos(whole(seconds * 1e9));
            let at = clock.when(wanted, START);
            assert!(clock.reading(at) >= wanted, "{seconds}");
            let before = clock.reading(at - Span::from_micros(2));
            assert!(before < wanted, "{seconds}: reached earlier than {at:?}");
        }
    }
}
