//! The most likely offset, inside the interval that is certain.
//!
//! Each direction has a floor, the shortest delay it can do; messages that met no
//! queue touch it. With both clocks bending as little as real oscillators do, the
//! line with the most room between the two floors is where both directions agree,
//! and its middle is the estimate: each floor needs one clean message per
//! direction now and then, not a clean exchange. Excess delay, however lopsided,
//! moves nothing that does not touch the floor. For excess delays that fall off
//! exponentially that line is the likeliest one, and how fast the room shrinks
//! beside it says how sure the rate is.
//!
//! Rejected: averages and regressions over exchange midpoints (a queue in one
//! direction moves them by half its length), and the fastest exchange alone (it
//! needs both directions clean at once).

use super::constraint::{Point, Side};
use super::interval::{Bracket, Line};
use super::model::{root, saturate};
use super::rate;
use crate::time::{Instant, Primary};

/// Rates are weighed in units of 2⁻⁴²: fine enough, and no product overflows.
pub(super) const RATE_UNIT: u32 = 42;
/// Rates that the floors leave open by less than this need no weighing: 1 ppm, in
/// units of 2⁻⁴².
const DOUBT: i64 = 4_398_047;
/// The scale of the excess is taken from this many of the smallest.
/// `[CLOCK-14]`
const SMALLEST: usize = 8;

/// What the floors of one wander limit say about one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Likely {
    pub(super) offset: i64,
    /// One standard deviation, the rate's included.
    pub(super) noise: i64,
    pub(super) skew_ppb: i64,
}

/// The line with the most room, and how dense the messages lie at both floors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    pub(super) peak: Line,
    /// Mean distance between messages above the forward floor, nanoseconds.
    pub(super) above: i64,
    /// The same below the backward floor.
    pub(super) below: i64,
}

/// Fits the floors at `at` to the messages around, and tells `note` how far each of
/// them lies from its floor.
pub(super) fn fit(
    floors: &Bracket,
    at: Instant<Primary>,
    around: &[Point],
    mut note: impl FnMut(i64),
) -> Option<Fit> {
    let peak = floors.widest(at)?;
    let (mut above, mut below) = (Smallest::default(), Smallest::default());
    for point in around {
        let excess = floors.excess(at, peak, *point);
        note(excess);
        match point.side {
            Side::Above => above.add(excess),
            Side::Below => below.add(excess),
        }
    }
    Some(Fit { peak, above: above.spacing(peak.room), below: below.spacing(peak.room) })
}

/// What is known of the rate before the messages speak. `[CLOCK-15]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Prior {
    /// In units of 2⁻⁴².
    pub(super) rate: i64,
    /// One standard deviation, in units of 2⁻⁴².
    pub(super) deviation: i64,
}

impl Prior {
    /// Two phones: 0 ± 20 ppm.
    pub(super) const PHONES: Self = Self { rate: 0, deviation: 87_960_930 };

    /// Two phones of which one slept or whose clock was set: oscillators go on as
    /// they were, ± 2 ppm for what has cooled or warmed meanwhile.
    pub(super) fn after(skew_ppb: i64) -> Self {
        let rate = (i128::from(skew_ppb) << RATE_UNIT) / 1_000_000_000;
        Self { rate: saturate(rate), deviation: 8_796_093 }
    }
}

/// The likely offset at `at`, given the floors and the messages around. `[CLOCK-14]`
pub(super) fn likely(
    floors: &Bracket,
    prior: Prior,
    at: Instant<Primary>,
    around: &[Point],
) -> Option<Likely> {
    let mut excesses = Vec::with_capacity(around.len());
    let fit = fit(floors, at, around, |excess| excesses.push(excess))?;
    let (least, most) = fit.rates(floors, at)?;
    let line = if (most - least) >> (floors.wander().exponent() - RATE_UNIT) < DOUBT {
        middle(floors, at, (least, most))?
    } else {
        rate::weigh(floors, prior, at, (fit.peak, fit.spacing()), (around, &excesses))?
    };
    Some(fit.likely(floors, line))
}

/// The same without asking what all messages say of the rates that the floors leave
/// open: for where many instants are averaged, at a third of the cost.
pub(super) fn unweighed(
    floors: &Bracket,
    at: Instant<Primary>,
    around: &[Point],
) -> Option<Likely> {
    let fit = fit(floors, at, around, |_| {})?;
    Some(fit.likely(floors, middle(floors, at, fit.rates(floors, at)?)?))
}

/// The middle of two rates, with what they leave open.
fn middle(
    floors: &Bracket,
    at: Instant<Primary>,
    (least, most): (i64, i64),
) -> Option<rate::Weighed> {
    let line = floors.line_of_rate(at, least.midpoint(most))?;
    let (high, low) = (floors.line_of_rate(at, most)?, floors.line_of_rate(at, least)?);
    let tilt = high.offset.saturating_sub(low.offset);
    Some(rate::Weighed { rate: line.rate, offset: line.offset, deviation: tilt / 3 })
}

impl Fit {
    /// The mean distance between messages at both floors together.
    fn spacing(&self) -> i64 {
        self.above.saturating_add(self.below).max(2)
    }

    /// Where the room is one mean spacing smaller the line is e times less likely; the
    /// middle of the range that loses two is the mean of all.
    fn rates(&self, floors: &Bracket, at: Instant<Primary>) -> Option<(i64, i64)> {
        floors.rates_nearly(at, self.peak, self.spacing())
    }

    fn likely(&self, floors: &Bracket, line: rate::Weighed) -> Likely {
        let exponent = floors.wander().exponent();
        let floor_noise = in_quadrature(self.above, self.below) / 2;
        Likely {
            // The true floor lies below the lowest message by up to one spacing.
            offset: line.offset.saturating_add(self.below.saturating_sub(self.above) / 4),
            noise: in_quadrature(floor_noise, line.deviation),
            skew_ppb: saturate((i128::from(line.rate) * 1_000_000_000) >> exponent),
        }
    }
}

/// The smallest few of many numbers.
#[derive(Clone, Copy, Default)]
struct Smallest {
    count: usize,
    sorted: [i64; SMALLEST],
}

impl Smallest {
    fn add(&mut self, mut number: i64) {
        let [.., largest] = self.sorted;
        if self.count == SMALLEST && number >= largest {
            return;
        }
        for (index, kept) in self.sorted.iter_mut().enumerate() {
            if index >= self.count {
                *kept = number;
                self.count += 1;
                return;
            }
            if number < *kept {
                core::mem::swap(kept, &mut number);
            }
        }
    }

    /// The mean distance from one to the next, counted from zero; `unknown` while
    /// there are so few that the fitted line touches most of them.
    fn spacing(&self, unknown: i64) -> i64 {
        if self.count < SMALLEST / 2 {
            return unknown.max(0);
        }
        let last = self.count.checked_sub(1).and_then(|index| self.sorted.get(index));
        // Two of them touch the line that was fitted to them.
        let count = i64::try_from(self.count.saturating_sub(2)).unwrap_or(1).max(1);
        last.map_or(0, |last| last / count)
    }
}

/// √(a² + b²), rounded down.
pub(super) fn in_quadrature(a: i64, b: i64) -> i64 {
    let (a, b) = (i128::from(a), i128::from(b));
    saturate(root(a * a + b * b))
}
