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
use super::model::{root, saturate};
use super::point::{Prior, RATE_UNIT};
use crate::time::{Instant, Primary};

/// Rates that are looked at, twice: across all that are possible, then around
/// those that are likely. `[CLOCK-15]`
const RATES: i64 = 16;
/// A rate that loses this many mean distances between messages at the floors is
/// e⁻¹⁶ times as likely.
const LOST: i64 = 16;
/// Excess beyond this many means says no more than that there was a queue.
const QUEUED: i64 = 3;

/// Messages of one burst share its queue, so that this many speak as one.
const SHARED: i64 = 4;

/// The mean of all rates by their probability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Weighed {
    pub(super) rate: i64,
    pub(super) offset: i64,
    /// Of the offset, one standard deviation.
    pub(super) deviation: i64,
}

/// Weighs the rates around `peak`. `[CLOCK-15]`
pub(super) fn weigh<'a>(
    floors: &Bracket,
    prior: Prior,
    at: Instant<Primary>,
    peak: Line,
    spacing: i64,
    around: impl Iterator<Item = &'a Point>,
) -> Option<Weighed> {
    let weigher = Weigher::new(floors, prior, at, peak, around);
    let (least, most) = floors.rates_nearly(at, peak, spacing.saturating_mul(LOST))?;
    let coarse = weigher.mean(least, most)?;
    let step = ((most - least) / RATES).max(1);
    let reach = coarse.spread.saturating_mul(3).max(step);
    let (low, high) = (coarse.rate - reach, coarse.rate + reach);
    let fine = weigher.mean(low.max(least), high.min(most))?;
    Some(Weighed { rate: fine.rate, offset: fine.offset, deviation: fine.deviation })
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
    fn of<'a>(
        floors: &Bracket,
        at: Instant<Primary>,
        peak: Line,
        side: Side,
        around: impl Iterator<Item = &'a Point>,
    ) -> Self {
        let (mut seen, mut excesses) = (Vec::new(), Vec::new());
        for point in around.filter(|point| point.side == side) {
            excesses.push(floors.excess(at, peak, *point));
            let run = point.at.saturating_sub(at.nanos()).clamp(-LONG_AGO, LONG_AGO);
            let apart = point.value.saturating_sub(peak.offset).clamp(-FAR, FAR);
            let outward = if side == Side::Above { apart } else { -apart };
            let lift = (i128::from(run) * i128::from(run)) >> (floors.wander().exponent() + 1);
            let beyond = outward.saturating_add(saturate(lift));
            seen.push(Seen { run: run >> RUN_UNIT, beyond });
        }
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
    /// fast it goes outward, in units of 2⁻⁴².
    fn cost(&self, edge: i64, rate: i64) -> i64 {
        let most = self.scale * QUEUED;
        let excess = |seen: &Seen| {
            let drift = (rate * seen.run) >> (RATE_UNIT - RUN_UNIT);
            (seen.beyond - edge - drift).clamp(0, most)
        };
        let sum: i64 = self.seen.iter().map(excess).sum();
        saturate(i128::from(sum) * 256 / i128::from(self.scale))
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

struct Mean {
    rate: i64,
    spread: i64,
    offset: i64,
    deviation: i64,
}

impl<'a> Weigher<'a> {
    fn new<'b>(
        floors: &'a Bracket,
        prior: Prior,
        at: Instant<Primary>,
        peak: Line,
        around: impl Iterator<Item = &'b Point>,
    ) -> Self {
        let around: Vec<_> = around.collect();
        let messages = |side| Messages::of(floors, at, peak, side, around.iter().copied());
        let (above, below) = (messages(Side::Above), messages(Side::Below));
        Self { floors, prior, at, peak, above, below }
    }

    fn mean(&self, least: i64, most: i64) -> Option<Mean> {
        let mut lines = Vec::with_capacity(17);
        for index in 0..=RATES {
            let along = i128::from(most - least) * i128::from(index) / i128::from(RATES);
            let line = self.floors.line_of_rate(self.at, least + saturate(along))?;
            lines.push((self.cost(line), line));
        }
        let best = lines.iter().map(|(cost, _)| *cost).min()?;
        let weigh = |of: &dyn Fn(&Line) -> i128| {
            let terms = lines.iter().map(|(cost, line)| weight(cost - best) * of(line));
            terms.sum::<i128>()
        };
        let total = weigh(&|_| 1).max(1);
        let first = lines.first()?.1;
        // Relative to the first, so that squares stay small.
        let rate = |line: &Line| i128::from(line.rate - first.rate);
        let offset = |line: &Line| i128::from(line.offset.saturating_sub(first.offset));
        let (mean_rate, mean_offset) = (weigh(&rate) / total, weigh(&offset) / total);
        let spread = |of: &dyn Fn(&Line) -> i128, mean: i128| {
            // Coarse enough for any square times any weight.
            let coarse = 12;
            let square = |line: &Line| ((of(line) - mean) >> coarse).pow(2);
            saturate(root(weigh(&square) / total) << coarse)
        };
        let fine = |line: &Line| (offset(line) - mean_offset).pow(2);
        Some(Mean {
            rate: first.rate.saturating_add(saturate(mean_rate)),
            spread: spread(&rate, mean_rate),
            offset: first.offset.saturating_add(saturate(mean_offset)),
            deviation: saturate(root(weigh(&fine) / total)),
        })
    }

    /// Minus the logarithm of the probability, in units of 1/256.
    fn cost(&self, line: Line) -> i64 {
        let rate = line.rate >> (self.floors.wander().exponent() - RATE_UNIT);
        let offset = line.offset.saturating_sub(self.peak.offset).clamp(-FAR, FAR);
        let half = (line.room / 2).clamp(-FAR, FAR);
        let cost = self.above.cost(half + offset, rate) + self.below.cost(half - offset, -rate);
        let off = i128::from(rate.saturating_sub(self.prior.rate));
        let deviation = i128::from(self.prior.deviation);
        (cost / SHARED).saturating_add(saturate(128 * off * off / (deviation * deviation).max(1)))
    }
}

/// e to the power of minus `cost` / 256, times 2²⁰; within 6 %.
fn weight(cost: i64) -> i128 {
    // Powers of two, straight between them.
    let twos = i128::from(cost).saturating_mul(369) >> 8;
    let (whole, part) = (twos >> 8, twos & 255);
    u32::try_from(whole).map_or(0, |whole| ((512 - part) << 11).checked_shr(whole).unwrap_or(0))
}
