//! The most likely offset, inside the interval that is certain.
//!
//! Each direction has a floor, the shortest delay it can do; messages that met no
//! queue touch it. With both clocks bending as little as real oscillators do, the
//! line with the most room between the two floors is where both directions agree,
//! and its middle is the estimate: each floor needs one clean message per
//! direction now and then, not a clean exchange. Excess delay, however lopsided,
//! moves nothing that does not touch the floor.
//!
//! Rejected: averages and regressions over exchange midpoints (a queue in one
//! direction moves them by half its length), and the fastest exchange alone (it
//! needs both directions clean at once).

use super::constraint::Point;
use super::interval::{Bracket, Interval, Line};
use super::model::{Wander, root};
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// What real oscillators do at most, for the estimate only: 0.0035 ppm/s.
/// `[CLOCK-14]`
const LIKELY_WANDER: Wander = Wander::of_exponent(58);
/// One standard deviation of the rate between two phones before anything is
/// known: 20 ppm, in parts per billion. `[CLOCK-15]`
const PRIOR_RATE_PPB: i64 = 20_000;

/// The estimate of one clock epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PointEstimate {
    floors: Bracket,
    messages: u64,
}

/// Where the offset probably is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Likely {
    pub(super) offset: i64,
    pub(super) noise: i64,
    pub(super) skew_ppb: i64,
}

impl PointEstimate {
    pub(super) const fn new(first: Point) -> Self {
        Self {
            floors: Bracket::new(LIKELY_WANDER, first, limits::CLOCK_HULL_VERTICES),
            messages: 0,
        }
    }

    pub(super) fn insert(&mut self, point: Point) {
        self.messages = self.messages.saturating_add(1);
        self.floors.insert(point);
    }

    pub(super) const fn floors(&self) -> &Bracket {
        &self.floors
    }

    /// The estimate at `at`, brought inside `certain`. `[CLOCK-14]`
    pub(super) fn at(&self, at: Instant<Primary>, certain: Interval) -> Option<Likely> {
        let limit = LIKELY_WANDER.rate_limit();
        let widest = self.floors.widest(at, -limit, limit)?;
        let (least, most) = self.floors.rates_at(at)?;
        let rate = shrunk(widest.rate, most.saturating_sub(least));
        let line = self.floors.line_of_rate(at, rate)?;
        let offset = line.offset.clamp(certain.low.nanos(), certain.high.nanos());
        Some(Likely { offset, noise: self.noise(line), skew_ppb: ppb(rate) })
    }

    fn noise(&self, line: Line) -> i64 {
        let messages = i64::try_from(self.messages).unwrap_or(i64::MAX).max(1);
        let room = Span::from_nanos(line.room).abs().nanos();
        room / messages.min(64) + 2_000
    }
}

/// A measured rate, drawn towards zero while the bounds leave it open by
/// `spread`: the rate of two unknown oscillators is more likely small.
/// `[CLOCK-15]`
fn shrunk(rate: i64, spread: i64) -> i64 {
    // 2⁻⁴² per nanosecond is fine enough here, and no product overflows.
    let coarse = LIKELY_WANDER.exponent() - 42;
    let prior = i128::from(from_ppb(PRIOR_RATE_PPB) >> coarse);
    let doubt = i128::from(spread >> coarse) / 8;
    let weight = prior * prior + doubt * doubt;
    super::model::saturate(i128::from(rate) * prior * prior / weight.max(1))
}

/// Parts per billion as a slope in units of 2⁻ⁿ.
const fn from_ppb(ppb: i64) -> i64 {
    // 2⁵⁸ / 10⁹, the scale of LIKELY_WANDER.
    ppb.saturating_mul((1_i64 << LIKELY_WANDER.exponent()) / 1_000_000_000)
}

/// A slope in units of 2⁻ⁿ as parts per billion, rounded down.
fn ppb(rate: i64) -> i64 {
    super::model::saturate((i128::from(rate) * 1_000_000_000) >> LIKELY_WANDER.exponent())
}

/// √(a² + b²), rounded down.
pub(super) fn in_quadrature(a: i64, b: i64) -> i64 {
    let (a, b) = (i128::from(a), i128::from(b));
    super::model::saturate(root(a * a + b * b))
}
