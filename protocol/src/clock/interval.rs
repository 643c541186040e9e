//! The interval that contains the offset, proven.
//!
//! At an instant `s`, let the offset be `x` and its rate `y`. Every upper bound
//! allows at most `U(s, y)` and every lower bound at least `L(s, y)`; the two
//! hulls answer both. The rates with `U ≥ L` are the only possible ones, and
//! because `U − L` is concave in `y` they form one range, found by bisection. The
//! interval is the least `L` and the greatest `U` over that range, each rounded
//! away from the other. The true pair `(x, y)` satisfies every constraint, so it is
//! never outside. Nothing grows by a guessed drift: beyond the data the interval
//! widens by exactly what the remaining rates allow.
//!
//! Rejected: half the round trip plus drift times age (true, and needlessly wide:
//! it forgets every exchange but one), and intersecting round-trip intervals
//! (forgets what many exchanges say about the rate).

use super::constraint::{Point, Side};
use super::hull::Hull;
use super::model::{Wander, product, saturate, upper_half};
use super::room::{Between, Room};
use crate::time::{Instant, Primary, Span};

/// Relative instants stay within ± this, so that no product leaves `i128`.
const REACH: i64 = 1 << 45;
/// Origins are multiples of this many nanoseconds (4.9 hours), so that two
/// devices that learn constraints in different orders lift them alike. `[CLOCK-6]`
const ORIGIN_GRID: i64 = 1 << 44;
/// Bounds farther from the first one than this say nothing (73 minutes).
const VALUE_REACH: i64 = 1 << 42;

/// Bounds up to this far from a line, in time and value, need no more than 64 bits.
const NEAR: i64 = 1 << 46;
const FAR: i64 = 1 << 60;

/// Where the offset is, with certainty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// At least this.
    pub low: Span,
    /// At most this.
    pub high: Span,
}

impl Interval {
    /// The middle, rounded down.
    #[must_use]
    pub const fn middle(self) -> Span {
        Span::from_nanos(self.low.nanos().midpoint(self.high.nanos()))
    }

    /// Half the width, rounded up.
    #[must_use]
    pub fn half_width(self) -> Span {
        Span::from_nanos((self.high - self.low).nanos().saturating_add(1) / 2)
    }

    /// The least interval that contains both.
    #[must_use]
    pub(super) fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Whether `offset` is possible.
    #[must_use]
    pub fn contains(self, offset: Span) -> bool {
        self.low <= offset && offset <= self.high
    }
}

/// Upper and lower bounds of one clock epoch, and what they allow together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bracket {
    wander: Wander,
    origin: i64,
    base: i64,
    above: Hull,
    below: Hull,
    /// A rate that was possible lately, so that most questions about
    /// contradiction are answered by one look.
    hint: i64,
}

/// The line with the most room between the two hulls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// The rate, in units of 2⁻ⁿ.
    pub(super) rate: i64,
    /// The offset in the middle of the room, nanoseconds.
    pub(super) offset: i64,
    /// The room itself, nanoseconds; negative when the bounds contradict.
    pub(super) room: i64,
}

/// Middle lines of one instant.
pub(super) struct Fan<'a> {
    bracket: &'a Bracket,
    room: Between<'a>,
}

impl Fan<'_> {
    /// The middle line of one rate between the two.
    pub(super) fn line(&self, rate: i64) -> Option<Line> {
        let (above, below) = self.room.bounds(rate)?;
        Some(self.bracket.line_within(rate, above, below))
    }
}

impl Bracket {
    /// An empty bracket whose origin suits `first`.
    pub(super) const fn new(wander: Wander, first: Point, capacity: usize) -> Self {
        Self {
            wander,
            origin: first.at.div_euclid(ORIGIN_GRID).saturating_mul(ORIGIN_GRID),
            base: first.value,
            above: Hull::new(wander, capacity),
            below: Hull::new(wander, capacity),
            hint: 0,
        }
    }

    /// Holds all of `points`; `None` without any.
    pub(super) fn of(wander: Wander, points: &[Point], capacity: usize) -> Option<Self> {
        let mut bracket = Self::new(wander, *points.first()?, capacity);
        for point in points {
            bracket.add(*point);
        }
        if let Some(at) = bracket.relative_instant(points.last()?.at) {
            bracket.take_hint(at);
        }
        Some(bracket)
    }

    /// Of the same points under a smaller wander limit: what bends more is touched at
    /// every point that what bends less is touched at.
    pub(super) fn stiffer(&self, wander: Wander) -> Self {
        let (above, below) = (self.above.stiffer(wander), self.below.stiffer(wander));
        Self { wander, above, below, hint: 0, ..*self }
    }

    /// Memory held beyond the value itself.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.above.bytes() + self.below.bytes()
    }

    /// Adds a bound; answers whether it can matter.
    pub(super) fn insert(&mut self, point: Point) -> bool {
        let matters = self.add(point);
        if matters {
            self.take_hint(point.at.saturating_sub(self.origin));
        }
        matters
    }

    fn add(&mut self, point: Point) -> bool {
        let Some(value) = self.relative_value(point.value) else { return false };
        let mut at = point.at.saturating_sub(self.origin);
        if at > REACH {
            let by = (at / ORIGIN_GRID).saturating_mul(ORIGIN_GRID);
            self.origin = self.origin.saturating_add(by);
            self.above.move_origin(by, REACH);
            self.below.move_origin(by, REACH);
            at = at.saturating_sub(by);
        }
        if at < -REACH {
            return false;
        }
        match point.side {
            Side::Above => self.above.insert(at, value),
            Side::Below => self.below.insert(at, -value),
        }
    }

    /// Looks for a rate that is possible at `at` if the one known is not.
    fn take_hint(&mut self, at: i64) {
        if self.room(at).of(self.hint).is_some_and(|room| room < 0) {
            let limit = self.wander.rate_limit();
            self.hint = self.room(at).roomiest(-limit, limit).map_or(0, |peak| peak.rate);
        }
    }

    /// Whether the bounds so far prove `point` impossible. `[CLOCK-10]`
    pub(super) fn contradicts(&self, point: Point) -> bool {
        if self.allows(point).unwrap_or(false) {
            return false;
        }
        let Some(interval) = self.interval(Instant::from_nanos(point.at)) else {
            return self.is_beyond_one_side(point).unwrap_or(false);
        };
        match point.side {
            Side::Above => Span::from_nanos(point.value) < interval.low,
            Side::Below => Span::from_nanos(point.value) > interval.high,
        }
    }

    /// The same while there are bounds on one side only: that side is a half-open
    /// interval already. `[CLOCK-10]`
    fn is_beyond_one_side(&self, point: Point) -> Option<bool> {
        let at = self.relative_instant(point.at)?;
        let value = self.relative_value(point.value)?;
        let limit = self.wander.rate_limit();
        Some(match point.side {
            Side::Above => value < -self.below.highest(at, -limit, limit)?,
            Side::Below => value > self.above.highest(at, -limit, limit)?,
        })
    }

    /// Whether `point` leaves room at one rate that is possible without it: then
    /// it contradicts nothing.
    fn allows(&self, point: Point) -> Option<bool> {
        let at = self.relative_instant(point.at)?;
        let value = self.relative_value(point.value)?;
        let (above, below) = (self.above.bound(at, self.hint)?, self.below.bound(at, -self.hint)?);
        let value = i128::from(value) << (self.wander.exponent() + 1);
        let fits = match point.side {
            Side::Above => value + below >= 0,
            Side::Below => value <= above,
        };
        Some(fits && above + below >= 0)
    }

    /// Everything that is kept: upper hull, then lower.
    #[cfg(test)]
    pub(super) fn vertices(&self) -> (&[super::hull::Vertex], &[super::hull::Vertex]) {
        (self.above.vertices(), self.below.vertices())
    }

    /// Where the offset is at `at`; `None` before there is a bound on each side,
    /// or farther than 9 hours from the data. `[CLOCK-7]`
    pub(super) fn interval(&self, at: Instant<Primary>) -> Option<Interval> {
        let at = self.relative_instant(at.nanos())?;
        let (least, most) = self.rates(at)?;
        let high = self.base.saturating_add(self.above.highest(at, least, most)?);
        let low = self.base.saturating_sub(self.below.highest(at, -most, -least)?);
        Some(Interval {
            low: Span::from_nanos(low.min(high)),
            high: Span::from_nanos(high.max(low)),
        })
    }

    /// Whether some rate at `at` satisfies every bound. `[CLOCK-10]`
    pub(super) fn is_consistent(&self, at: Instant<Primary>) -> bool {
        let limit = self.wander.rate_limit();
        let roomy = |at| {
            let room = self.room(at);
            let peak = room.roomiest(-limit, limit)?;
            Some(room.held(peak)? >= 0 || room.held(room.next(peak))? >= 0)
        };
        self.relative_instant(at.nanos()).and_then(roomy).unwrap_or(true)
    }

    /// The line with the most room at `at`.
    pub(super) fn widest(&self, at: Instant<Primary>) -> Option<Line> {
        let at = self.relative_instant(at.nanos())?;
        let limit = self.wander.rate_limit();
        let peak = self.room(at).roomiest(-limit, limit)?;
        let (above, below) = self.room(at).bounds(peak)?;
        Some(self.line_within(peak.rate, above, below))
    }

    /// The middle line of one given rate.
    pub(super) fn line_of_rate(&self, at: Instant<Primary>, rate: i64) -> Option<Line> {
        self.line(self.relative_instant(at.nanos())?, rate)
    }

    /// Prepares for many questions about rates from `least` to `most`.
    pub(super) fn fan(&self, at: Instant<Primary>, least: i64, most: i64) -> Option<Fan<'_>> {
        Some(Fan {
            bracket: self,
            room: self.room(self.relative_instant(at.nanos())?).fan(least, most)?,
        })
    }

    /// The rates around `peak` that lose at most `less` nanoseconds of its room.
    pub(super) fn rates_nearly(
        &self,
        at: Instant<Primary>,
        peak: Line,
        less: i64,
    ) -> Option<(i64, i64)> {
        let at = self.relative_instant(at.nanos())?;
        let limit = self.wander.rate_limit();
        let room = i128::from(peak.room.saturating_sub(less)) << (self.wander.exponent() + 1);
        let peak = self.room(at).touch(peak.rate)?;
        let least = self.room(at).outermost(peak, -limit, room)?;
        let most = self.room(at).outermost(peak, limit, room)?;
        Some((least, most))
    }

    /// How far a bound lies outside `line`, which runs through `at`, after lifting:
    /// never negative for a bound that this bracket holds. Nanoseconds.
    pub(super) fn excess(&self, at: Instant<Primary>, line: Line, point: Point) -> i64 {
        let run = point.at.saturating_sub(at.nanos());
        let apart = point.value.saturating_sub(line.offset);
        let (half, exponent) = (line.room / 2, self.wander.exponent());
        if is_within(run, NEAR) && is_within(apart, FAR) && is_within(half, FAR) {
            // A rate is below 2ⁿ⁻¹³, so that neither factor leaves 64 bits.
            let drift = upper_half(line.rate << (64 - exponent), run);
            let lift = upper_half(run << (63 - exponent), run);
            let outward = if point.side == Side::Above { apart - drift } else { drift - apart };
            return outward + lift - half;
        }
        let drift = product(line.rate, run) >> exponent;
        let lift = product(run, run) >> (exponent + 1);
        let apart = i128::from(point.value) - i128::from(line.offset) - drift;
        let half = i128::from(half);
        saturate(match point.side {
            Side::Above => apart + lift - half,
            Side::Below => lift - apart - half,
        })
    }

    /// The unit of this bracket's rates.
    pub(super) const fn wander(&self) -> Wander {
        self.wander
    }

    fn line(&self, at: i64, rate: i64) -> Option<Line> {
        Some(self.line_within(rate, self.above.bound(at, rate)?, self.below.bound(at, -rate)?))
    }

    fn line_within(&self, rate: i64, above: i128, below: i128) -> Line {
        let shift = self.wander.exponent() + 1;
        let middle = saturate((above - below) >> (shift + 1));
        let room = saturate((above + below) >> shift);
        Line { rate, offset: self.base.saturating_add(middle), room }
    }

    /// The ends of the possible rates at `at`, relative to the origin. `[CLOCK-7]`
    pub(super) fn rates(&self, at: i64) -> Option<(i64, i64)> {
        let limit = self.wander.rate_limit();
        let room = self.room(at);
        let peak = room.roomiest(-limit, limit)?;
        let mut inside = peak;
        if room.held(peak)? < 0 {
            inside = room.next(peak);
            if room.held(inside)? < 0 {
                return Some((peak.rate, inside.rate));
            }
        }
        let least = room.outermost(inside, -limit, 0)?;
        let most = room.outermost(inside, limit, 0)?;
        Some((least, most))
    }

    const fn room(&self, at: i64) -> Room<'_> {
        Room::new(&self.above, &self.below, at)
    }

    fn relative_instant(&self, at: i64) -> Option<i64> {
        let at = at.checked_sub(self.origin)?;
        (-2 * REACH..=2 * REACH).contains(&at).then_some(at)
    }

    fn relative_value(&self, value: i64) -> Option<i64> {
        let value = value.checked_sub(self.base)?;
        (-VALUE_REACH..=VALUE_REACH).contains(&value).then_some(value)
    }
}

fn is_within(number: i64, limit: i64) -> bool {
    (-limit..=limit).contains(&number)
}
