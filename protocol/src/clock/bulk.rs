//! What the many ordinary messages say, where none touches a floor.
//!
//! On a channel whose shortest delays are rare, the luckiest of hundreds of messages
//! is still off by more than the mean of all of them. So the lower part of every few
//! seconds' delays is averaged in each direction, half the difference is an offset,
//! and a straight line through minutes of those averages the noise. That alone would
//! be off by half of what one direction is slower by on average. But delays of two
//! directions of one radio have laws of the same shape, one wider than the other:
//! over a whole session the ratio of their widths is seen, and with it how much of
//! the difference of the means is the radio's and not the clocks'. Rejected: the mean
//! of all delays (a single queue moves it), and taking equal laws for granted.

use super::constraint::{Point, Side};
use super::interval::Bracket;
use super::model::{saturate, share};
use crate::time::{Instant, Primary, Span};

/// Averaged at once.
const WINDOW: Span = Span::from_secs(16);
/// Fewer messages than this in a direction are not averaged.
pub(super) const FEWEST: usize = 4;
/// How far on either side of an instant the line goes that delays are measured from.
const TRAJECTORY: Span = Span::from_secs(200);
/// An offset farther than this from a line counts as this far (78 hours).
const FAR: i64 = 1 << 48;
/// Time runs in steps of this many nanoseconds when a line is laid, so that no sum
/// of squares leaves 128 bits.
const COARSE: i64 = 1_000_000;

/// The lower parts of all delays of one stretch.
pub(super) struct Bulk {
    windows: Vec<Window>,
    /// How far the lines lie from where both directions have the same floor.
    lopsided: i64,
    floorless: bool,
}

/// The offset that the delays of a few seconds show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    at: i64,
    offset: i64,
}

/// A straight line at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Straight {
    pub(super) offset: i64,
    pub(super) skew_ppb: i64,
}

impl Bulk {
    /// Of `points`, in order of time, around what the stiffest floors say.
    pub(super) fn of(points: &[Point], floors: &Bracket) -> Self {
        let chunks = || points.chunk_by(|a, b| middle(a) == middle(b));
        let mut bulk = Self { windows: Vec::new(), lopsided: 0, floorless: false };
        bulk.windows.extend(chunks().filter_map(|chunk| Window::of(chunk, floors)));
        let mut excesses = [Vec::new(), Vec::new()];
        for chunk in chunks() {
            let Some(middle) = chunk.first().map(middle) else { continue };
            let Some(line) = bulk.at(TRAJECTORY, Instant::from_nanos(middle)) else { continue };
            for point in chunk {
                let run = point.at.saturating_sub(middle);
                let drift = share(line.skew_ppb, run, 1_000_000_000);
                let apart = point.value.saturating_sub(line.offset).saturating_sub(drift);
                let apart = apart.clamp(-FAR, FAR);
                let [above, below] = &mut excesses;
                match point.side {
                    Side::Above => above.push(apart),
                    Side::Below => below.push(apart.saturating_neg()),
                }
            }
        }
        bulk.floorless = excesses.iter_mut().all(|delays| is_floorless(delays));
        bulk.lopsided = lopsided(excesses).unwrap_or(0);
        bulk
    }

    /// Whether messages are rarer at both floors than among the ordinary ones, so
    /// that the luckiest say little about where the floors are.
    pub(super) const fn is_floorless(&self) -> bool {
        self.floorless
    }

    /// The least-squares line through what lies within `reach` of `at`.
    pub(super) fn at(&self, reach: Span, at: Instant<Primary>) -> Option<Straight> {
        let from = self.windows.partition_point(|window| window.at < (at - reach).nanos());
        let to = self.windows.partition_point(|window| window.at <= (at + reach).nanos());
        let near = self.windows.get(from..to)?;
        let base = near.first()?.offset;
        let mut sums = [0_i128; 5];
        for window in near {
            let run = i128::from(window.at.saturating_sub(at.nanos()) / COARSE);
            let off = i128::from(window.offset.saturating_sub(base));
            for (sum, term) in sums.iter_mut().zip([1, run, run * run, off, run * off]) {
                *sum += term;
            }
        }
        let [count, runs, squares, offs, products] = sums;
        let spread = count * squares - runs * runs;
        let offset = (squares * offs - runs * products).checked_div(spread)?;
        let rate = (count * products - runs * offs) * (1_000_000_000 / i128::from(COARSE));
        Some(Straight {
            offset: base.saturating_add(saturate(offset)).saturating_sub(self.lopsided),
            skew_ppb: saturate(rate.checked_div(spread)?),
        })
    }
}

/// The middle of the few seconds that a message falls into.
fn middle(point: &Point) -> i64 {
    let from = point.at.div_euclid(WINDOW.nanos()).saturating_mul(WINDOW.nanos());
    from.saturating_add(WINDOW.nanos() / 2)
}

impl Window {
    fn of(points: &[Point], floors: &Bracket) -> Option<Self> {
        let at = middle(points.first()?);
        let line = floors.widest(Instant::from_nanos(at))?;
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for point in points {
            let run = i128::from(point.at.saturating_sub(at));
            let drift = saturate((i128::from(line.rate) * run) >> floors.wander().exponent());
            let apart = point.value.saturating_sub(line.offset).saturating_sub(drift);
            match point.side {
                Side::Above => above.push(apart),
                Side::Below => below.push(apart.saturating_neg()),
            }
        }
        if above.len().min(below.len()) < FEWEST {
            return None;
        }
        let moved = (lowest(&mut above, 60)? - lowest(&mut below, 60)?) / 2;
        Some(Self { at, offset: line.offset.saturating_add(saturate(moved)) })
    }
}

/// Whether the first twentieth of all messages lies much farther apart than the one
/// before the middle. Where delays fall off from a floor it lies half as far apart.
fn is_floorless(delays: &mut [i64]) -> bool {
    twentieths(delays).is_some_and(|(early, middle)| early > middle.saturating_mul(5) / 2)
}

/// How far apart the first twentieth of all messages lies, and the one before the
/// middle.
pub(super) fn twentieths(delays: &mut [i64]) -> Option<(i64, i64)> {
    let count = delays.len();
    let mut nth = |percent: usize| {
        let index = (count * percent / 100).min(count.checked_sub(1)?);
        Some(*delays.select_nth_unstable(index).1)
    };
    let (middle, before, early, first) = (nth(50)?, nth(45)?, nth(5)?, nth(0)?);
    Some((early.saturating_sub(first), middle.saturating_sub(before)))
}

/// How far a line lies from the middle between the floors, if the delays beyond it
/// have laws of one shape: those beyond the floor are wider in one direction than in
/// the other by the ratio of their spreads, and so are their means.
fn lopsided([mut above, mut below]: [Vec<i64>; 2]) -> Option<i64> {
    let floor = above.iter().min()?.midpoint(*below.iter().min()?);
    let mean = |delays: &mut Vec<i64>| {
        let (most, least) = (lowest(delays, 80)?, lowest(delays, 20)?);
        Some((most - i128::from(floor), most - least))
    };
    let ((above, above_spread), (below, below_spread)) = (mean(&mut above)?, mean(&mut below)?);
    let beyond = above_spread * below - below_spread * above;
    Some(saturate(beyond.checked_div(above_spread + below_spread)?))
}

/// The mean of the lowest `percent` of all.
pub(super) fn lowest(numbers: &mut [i64], percent: usize) -> Option<i128> {
    let count = (numbers.len() * percent / 100).max(1);
    if count < numbers.len() {
        numbers.select_nth_unstable(count);
    }
    let sum: i128 = numbers.get(..count)?.iter().copied().map(i128::from).sum();
    sum.checked_div(i128::try_from(count).ok()?)
}
