//! How likely each rate is, while the floors leave many open.
//!
//! In the first minute, and while one direction waits in a queue, a line can tilt
//! far before it meets a message: the room between the floors says little about
//! the rate. The other messages say more. If one direction's messages lie
//! close above its floor all along, a line that leaves them farther and farther
//! behind is unlikely, however much room it has. So each rate is weighed by what
//! every message makes of it: excess delays fall off exponentially with the
//! direction's own mean, up to a limit beyond which a message only says that
//! there was a queue. Together with what is known of oscillators beforehand this
//! is a probability, and the estimate its mean.
//!
//! Rejected: the middle of the rates with nearly the most room (in a plateau
//! the truth is mostly at its end).

use super::constraint::{Point, Side};
use super::interval::{Bracket, Line};
use super::model::{root, saturate, upper_half};
use super::point::{Prior, RATE_UNIT};
use crate::time::{Instant, Primary};

/// Rates that are looked at, twice: across all that are possible, then around
/// those that are likely. `[CLOCK-15]`
const RATES: i64 = 8;
/// A rate that loses this many mean distances between messages at the floors is
/// e⁻¹⁶ times as likely.
const LOST: i64 = 16;
/// Excess beyond this many means says no more than that there was a queue.
const QUEUED: i64 = 3;

/// Messages of one burst share its queue, so that this many speak as one.
const SHARED: i64 = 4;

/// Beyond the best line's cost by this much, [`weight`] is zero.
const UNLIKELY: i64 = 4_096;
/// Messages that are asked before it is seen whether a line is still likely.
const PART: usize = 32;

/// The mean of all rates by their probability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Weighed {
    pub(super) rate: i64,
    pub(super) offset: i64,
    /// Of the offset, one standard deviation.
    pub(super) deviation: i64,
}

/// Weighs the rates around `peak`, from which the messages lie as far as told.
/// `[CLOCK-15]`
pub(super) fn weigh(
    floors: &Bracket,
    prior: Prior,
    at: Instant<Primary>,
    (peak, spacing): (Line, i64),
    around: (&[Point], &[i64]),
) -> Option<Weighed> {
    let weigher = Weigher::new(floors, prior, at, peak, around);
    let (least, most) = floors.rates_nearly(at, peak, spacing.saturating_mul(LOST))?;
    let lines = weigher.lines(least, most)?;
    let coarse = Mean::of(&lines)?;
    let (rate, spread) = (coarse.rate(), coarse.rate_spread());
    let step = ((most - least) / RATES).max(1);
    let reach = spread.saturating_mul(3).max(step);
    let (low, high) = (rate - reach, rate + reach);
    let lines = weigher.lines(low.max(least), high.min(most))?;
    let fine = Mean::of(&lines)?;
    Some(Weighed { rate: fine.rate(), offset: fine.offset(), deviation: fine.deviation() })
}

/// One direction's messages, as far as no line changes them: every rate asks for
/// the excess of every message, so that what can be done once is.
struct Messages {
    seen: Vec<Seen>,
    /// Their mean excess, by the median: a heavy tail does not move it.
    scale: i64,
}

/// A message relative to the line with the most room.
#[derive(Clone, Copy)]
struct Seen {
    /// From the instant asked about, in units of 2¹⁰ ns, |run| ≤ 2³².
    run: i64,
    /// Beyond that line's offset, outward, and lifted; nanoseconds, |beyond| < 2⁴⁹.
    beyond: i64,
}

/// Runs are kept in units of 2¹⁰ ns, so that no product leaves 64 bits.
const RUN_UNIT: u32 = 10;
/// A message farther than this from the instant counts as one at this distance
/// (73 minutes): the lift alone makes it one that met a queue.
const LONG_AGO: i64 = 1 << 42;
/// An offset farther than this from the line counts as this far (78 hours).
const FAR: i64 = 1 << 48;

impl Messages {
    /// Those above and those below.
    fn of(
        floors: &Bracket,
        at: Instant<Primary>,
        peak: Line,
        (points, beyond): (&[Point], &[i64]),
    ) -> (Self, Self) {
        let empty = || (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
        let (mut above, mut below) = (empty(), empty());
        for (point, excess) in points.iter().zip(beyond) {
            let run = point.at.saturating_sub(at.nanos()).clamp(-LONG_AGO, LONG_AGO);
            let apart = point.value.saturating_sub(peak.offset).clamp(-FAR, FAR);
            let lift = upper_half(run << (63 - floors.wander().exponent()), run);
            let ((seen, excesses), outward) = match point.side {
                Side::Above => (&mut above, apart),
                Side::Below => (&mut below, -apart),
            };
            seen.push(Seen { run: run >> RUN_UNIT, beyond: outward + lift });
            excesses.push(*excess);
        }
        (Self::at_scale(above), Self::at_scale(below))
    }

    fn at_scale((seen, mut excesses): (Vec<Seen>, Vec<i64>)) -> Self {
        let middle = excesses.len() / 2;
        let median = excesses
            .get_mut(..)
            .filter(|all| !all.is_empty())
            .map_or(0, |all| *all.select_nth_unstable(middle).1);
        // The median of an exponential law is ln 2 of its mean.
        let scale = (median.saturating_mul(13) / 9).clamp(1_000, LONG_AGO);
        Self { seen, scale }
    }

    /// What a line costs these messages in units of 1/256 of their mean excess:
    /// `edge` is how far it runs outside the middle of all room here, `rate` how
    /// fast it goes outward, in units of 2⁻⁴². `None` if that is more than `limit`.
    fn cost(&self, edge: i64, rate: i64, limit: i64) -> Option<i64> {
        let most = self.scale * QUEUED;
        let excess = |seen: &Seen| {
            let drift = (rate * seen.run) >> (RATE_UNIT - RUN_UNIT);
            // Of `clamp` a branch is made, and nothing foretells which messages were queued.
            (seen.beyond - edge - drift).max(0).min(most)
        };
        let enough = limit.saturating_add(1).saturating_mul(self.scale) / 256;
        let mut sum = 0_i64;
        for part in self.seen.chunks(PART) {
            sum = sum.saturating_add(part.iter().map(excess).sum());
            if sum > enough {
                return None;
            }
        }
        let cost = match sum.checked_mul(256) {
            Some(product) => product / self.scale,
            None => saturate(i128::from(sum) * 256 / i128::from(self.scale)),
        };
        Some(cost)
    }
}

struct Weigher<'a> {
    floors: &'a Bracket,
    prior: Prior,
    at: Instant<Primary>,
    peak: Line,
    above: Messages,
    below: Messages,
}

/// Lines with what they cost, and those that cost too much to count.
struct Lines {
    first: Line,
    weighed: Vec<(i64, Line)>,
    best: i64,
}

impl<'a> Weigher<'a> {
    fn new(
        floors: &'a Bracket,
        prior: Prior,
        at: Instant<Primary>,
        peak: Line,
        around: (&[Point], &[i64]),
    ) -> Self {
        let (above, below) = Messages::of(floors, at, peak, around);
        Self { floors, prior, at, peak, above, below }
    }

    /// Lines of evenly spaced rates, but for those less than e⁻¹⁴ times as likely as
    /// another.
    fn lines(&self, least: i64, most: i64) -> Option<Lines> {
        let fan = self.floors.fan(self.at, least, most)?;
        let line = |index: i64| {
            let along = i128::from(most - least) * i128::from(index) / i128::from(RATES);
            fan.line(least + saturate(along))
        };
        let mut lines = Lines { first: line(0)?, weighed: Vec::new(), best: i64::MAX };
        lines.weighed.reserve_exact(9);
        // From the one that is likely the best, so that others are known to be worse
        // before all messages were asked.
        let apart = i128::from(self.peak.rate.saturating_sub(least)) * i128::from(RATES);
        let start = apart.checked_div(i128::from(most - least)).unwrap_or(0);
        let start = saturate(start).clamp(0, RATES);
        for index in (start..=RATES).chain((0..start).rev()) {
            let line = line(index)?;
            let limit = lines.best.saturating_add(UNLIKELY);
            if let Some(cost) = self.cost(line, limit) {
                lines.best = lines.best.min(cost);
                lines.weighed.push((cost, line));
            }
        }
        Some(lines)
    }

    /// Minus the logarithm of the probability, in units of 1/256; `None` if that is
    /// more than `limit`.
    fn cost(&self, line: Line, limit: i64) -> Option<i64> {
        let rate = line.rate >> (self.floors.wander().exponent() - RATE_UNIT);
        let offset = line.offset.saturating_sub(self.peak.offset).clamp(-FAR, FAR);
        let half = (line.room / 2).clamp(-FAR, FAR);
        let prior = self.prior.cost(rate);
        let shared = limit.saturating_sub(prior).saturating_add(1).saturating_mul(SHARED);
        let above = self.above.cost(half + offset, rate, shared)?;
        let below = self.below.cost(half - offset, -rate, shared.saturating_sub(above))?;
        Some(((above + below) / SHARED).saturating_add(prior))
    }
}

impl Prior {
    /// The same of a rate by itself.
    fn cost(self, rate: i64) -> i64 {
        let off = rate.saturating_sub(self.rate);
        let deviation = i128::from(self.deviation);
        let spread = (deviation * deviation).max(1);
        let (narrow, square) = (i64::try_from(spread), off.checked_mul(off));
        match (square.and_then(|square| square.checked_mul(128)), narrow) {
            (Some(square), Ok(spread)) => square / spread,
            _ => saturate(128 * i128::from(off) * i128::from(off) / spread),
        }
    }
}

/// Means of lines by their probability, relative to the first so that squares stay
/// small.
struct Mean<'a> {
    lines: &'a Lines,
    weights: Vec<i128>,
    total: i128,
    mean_rate: i128,
    mean_offset: i128,
}

impl<'a> Mean<'a> {
    fn of(lines: &'a Lines) -> Option<Self> {
        lines.weighed.first()?;
        let weights: Vec<i128> =
            lines.weighed.iter().map(|(cost, _)| weight(cost - lines.best)).collect();
        let total = weights.iter().sum::<i128>().max(1);
        let mut mean = Self { lines, weights, total, mean_rate: 0, mean_offset: 0 };
        (mean.mean_rate, mean.mean_offset) =
            (mean.of_all(|line| lines.rate_of(line)), mean.of_all(|line| lines.offset_of(line)));
        Some(mean)
    }

    fn of_all(&self, of: impl Fn(&Line) -> i128) -> i128 {
        let terms = self.lines.weighed.iter().zip(&self.weights);
        terms.map(|((_, line), weight)| weight * of(line)).sum::<i128>() / self.total
    }

    fn rate(&self) -> i64 {
        self.lines.first.rate.saturating_add(saturate(self.mean_rate))
    }

    fn rate_spread(&self) -> i64 {
        // Coarse enough for any square times any weight.
        let coarse = 12;
        let square = |line: &Line| ((self.lines.rate_of(line) - self.mean_rate) >> coarse).pow(2);
        saturate(root(self.of_all(square)) << coarse)
    }

    fn offset(&self) -> i64 {
        self.lines.first.offset.saturating_add(saturate(self.mean_offset))
    }

    fn deviation(&self) -> i64 {
        let square = |line: &Line| (self.lines.offset_of(line) - self.mean_offset).pow(2);
        saturate(root(self.of_all(square)))
    }
}

impl Lines {
    fn rate_of(&self, line: &Line) -> i128 {
        i128::from(line.rate - self.first.rate)
    }

    fn offset_of(&self, line: &Line) -> i128 {
        i128::from(line.offset.saturating_sub(self.first.offset))
    }
}

/// e to the power of minus `cost` / 256, times 2²⁰; within 6 %.
fn weight(cost: i64) -> i128 {
    // Powers of two, straight between them.
    let twos = i128::from(cost).saturating_mul(369) >> 8;
    let (whole, part) = (twos >> 8, twos & 255);
    u32::try_from(whole).map_or(0, |whole| ((512 - part) << 11).checked_shr(whole).unwrap_or(0))
}
