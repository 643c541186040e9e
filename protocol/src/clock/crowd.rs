//! What the many ordinary messages say while a session runs, where none touches a
//! floor.
//!
//! On a channel whose shortest delays are rare, the luckiest of hundreds of messages
//! is still off by more than the mean of all of them. So the lower part of every few
//! seconds' delays is averaged in each direction, and a straight line through minutes
//! of those averages the noise. Delays of two directions of one radio have laws of one
//! shape, one wider than the other: the ratio of their widths says how much either
//! direction's average is to be believed. `bulk` does the same after the session, from
//! both sides of an instant. Rejected: marking such lines by forecasts, as floors are
//! (what would judge them is what is bad here, the floors); they are marked by the next
//! average instead, which no line has seen.

use std::collections::VecDeque;

use super::bulk::{FEWEST, lowest, twentieths};
use super::constraint::{Point, Side};
use super::interval::Bracket;
use super::model::{root, saturate};
use super::point::Likely;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// Averaged at once.
const WINDOW: Span = Span::from_secs(16);
/// Messages are agreed on this much later than they are sent, at most but for a few.
const LATE: Span = Span::from_secs(3);
/// How far back lines go: as far as phones at rest go on straight, and where that is
/// too far.
const REACHES: [Span; 2] = [Span::from_secs(520), Span::from_secs(168)];
/// A line goes through this many windows at least.
const LINE: i128 = 5;
/// Whether there is a floor is asked of this many messages in each direction.
const ASKED: usize = 64;
/// And believed after so many windows.
const SURE: i64 = 5;
/// Laws and marks fade to 1/e after so many windows (nine minutes).
const MEMORY: i64 = 32;
/// A window of many messages counts as one of this many.
const HEAVIEST: usize = 48;
/// An offset farther than this from a line counts as this far (78 hours).
const FAR: i64 = 1 << 48;
/// Time runs in steps of this many nanoseconds when a line is laid, so that no sum
/// of squares leaves 128 bits.
const COARSE: i64 = 1_000_000;

/// The lower parts of all delays of one path, as far back as a line goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Crowd {
    windows: VecDeque<Window>,
    /// Where the next window begins.
    from: i64,
    /// How the delays of each direction are distributed.
    laws: [Law; 2],
    /// How often that was looked at.
    studied: i64,
    /// Mean squared error of what each line foretold, ns².
    marks: [i128; 2],
    /// How often that was seen.
    marked: i64,
    /// Half of the shortest round trip.
    floor: i64,
}

/// How the delays of one direction are distributed, on average; nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Law {
    /// From the least to a twentieth of all.
    early: i64,
    /// The twentieth before the middle.
    middle: i64,
    /// From the mean of the lowest fifth to that of the lowest four fifths.
    width: i64,
}

/// A few seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Window {
    at: i64,
    /// What the floors said there: an offset and a rate in parts per 2⁴².
    offset: i64,
    rate: i64,
    /// Means of the lower bounds above and below that, as offsets.
    above: i64,
    below: i64,
    /// Messages in the direction with fewer.
    weight: i64,
}

impl Crowd {
    /// Begins with messages of `first` on.
    pub(super) fn new(first: i64) -> Self {
        Self {
            windows: VecDeque::new(),
            from: window(first),
            laws: [Law::default(); 2],
            studied: 0,
            marks: [0; 2],
            marked: 0,
            floor: i64::MAX,
        }
    }

    /// Memory held beyond the value itself.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.windows.capacity() * size_of::<Window>()
    }

    /// Averages what is complete at `now` of the latest messages, in order of time.
    pub(super) fn look(&mut self, now: i64, recent: &[Point], floors: &Bracket) {
        let complete = window(now.saturating_sub(LATE.nanos()));
        if self.from >= complete {
            return;
        }
        let first = recent.partition_point(|point| point.at < self.from);
        let end = recent.partition_point(|point| point.at < complete);
        let fresh = recent.get(first..end).unwrap_or_default();
        for chunk in fresh.chunk_by(|a, b| window(a.at) == window(b.at)) {
            if let Some(window) = Window::of(chunk, floors) {
                self.mark(&window);
                if self.windows.len() == limits::CLOCK_CROWD_WINDOWS {
                    self.windows.pop_front();
                }
                self.windows.push_back(window);
                self.study(recent);
            }
        }
        self.from = complete;
    }

    /// Marks what each line foretold of the next window.
    fn mark(&mut self, next: &Window) -> Option<()> {
        let [far, near] = REACHES.map(|reach| self.line(next.at, reach));
        self.marked = self.marked.saturating_add(1);
        let offset = self.offset(next);
        for (mark, line) in self.marks.iter_mut().zip([far?, near?]) {
            let error = i128::from(offset.saturating_sub(line.offset).clamp(-FAR, FAR));
            *mark += (error * error - *mark) / i128::from(self.marked.min(MEMORY));
        }
        Some(())
    }

    /// Compares both directions' delays beyond what the floors said.
    fn study(&mut self, recent: &[Point]) -> Option<()> {
        let mut delays = [Vec::new(), Vec::new()];
        for window in &self.windows {
            let first = recent.partition_point(|point| point.at < window.from());
            let end = recent.partition_point(|point| point.at < window.from() + WINDOW.nanos());
            for point in recent.get(first..end)? {
                let apart = point.value.saturating_sub(window.line(point.at)).clamp(-FAR, FAR);
                let [above, below] = &mut delays;
                match point.side {
                    Side::Above => above.push(apart),
                    Side::Below => below.push(-apart),
                }
            }
        }
        let [above, below] = &mut delays;
        if above.len().min(below.len()) < ASKED {
            return None;
        }
        self.studied = self.studied.saturating_add(1);
        let memory = self.studied.min(MEMORY);
        for (mean, delays) in self.laws.iter_mut().zip(&mut delays) {
            let (early, middle) = twentieths(delays)?;
            let width = saturate(lowest(delays, 80)? - lowest(delays, 20)?);
            mean.early += (early - mean.early) / memory;
            mean.middle += (middle - mean.middle) / memory;
            mean.width += (width - mean.width) / memory;
        }
        let [above, below] = &mut delays;
        let floor = above.iter().min()?.midpoint(*below.iter().min()?);
        self.floor = self.floor.min(floor);
        Some(())
    }

    /// What a straight line through the latest minutes says of `at`; `None` where
    /// there is a floor, and until that is known.
    pub(super) fn at(&self, at: Instant<Primary>) -> Option<Likely> {
        let [long, short] = self.marks;
        let [far, near] = REACHES;
        if self.studied < SURE || !self.laws.iter().all(Law::is_floorless) {
            return None;
        }
        self.line(at.nanos(), if long <= short + short / 8 { far } else { near })
    }

    /// The line of least squares through what lies within `reach` of `at`.
    fn line(&self, at: i64, reach: Span) -> Option<Likely> {
        let is_near =
            |window: &&Window| window.at.saturating_sub(at).saturating_abs() <= reach.nanos();
        let near = || self.windows.iter().filter(is_near);
        let base = self.offset(near().next()?);
        let (mut sums, mut count) = ([0_i128; 6], 0_i128);
        for window in near() {
            let weight = i128::from(window.weight);
            let run = i128::from(window.at.saturating_sub(at) / COARSE);
            let off = i128::from(self.offset(window).saturating_sub(base).clamp(-FAR, FAR));
            let terms = [1, run, run * run, off, run * off, off * off];
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += weight * term;
            }
            count += 1;
        }
        if count < LINE {
            return None;
        }
        let [weight, runs, squares, offs, products, all] = sums;
        let spread = weight * squares - runs * runs;
        let offset = (squares * offs - runs * products).checked_div(spread)?;
        let rate = (weight * products - runs * offs) * (1_000_000_000 / i128::from(COARSE));
        // What the windows leave beside their mean, as far as `at` is from its middle.
        let variance = (all - offs * offs / weight).max(0) / weight / count;
        let leverage = (weight * squares).saturating_mul(16) / spread;
        Some(Likely {
            offset: base.saturating_add(saturate(offset)),
            noise: saturate(root(variance.saturating_mul(leverage) / 16)),
            skew_ppb: saturate(rate.checked_div(spread)?),
        })
    }

    /// The offset that one window shows, if both directions' delays beyond the floor
    /// have laws of one shape: the narrower direction is believed more.
    fn offset(&self, window: &Window) -> i64 {
        let [above, below] = self.laws.map(|law| i128::from(law.width.max(1)));
        let sum = i128::from(window.above) * below
            + i128::from(window.below) * above
            + (above - below) * i128::from(self.floor);
        saturate(sum.div_euclid(above + below))
    }
}

impl Law {
    /// Whether messages are rarer at the floor than among the ordinary ones, so that the
    /// luckiest say little about where it is. Where delays fall off from a floor, half
    /// as far apart.
    const fn is_floorless(&self) -> bool {
        self.early > self.middle.saturating_mul(7) / 4
    }
}

/// The beginning of the few seconds that an instant falls into.
const fn window(at: i64) -> i64 {
    at.div_euclid(WINDOW.nanos()).saturating_mul(WINDOW.nanos())
}

impl Window {
    fn of(points: &[Point], floors: &Bracket) -> Option<Self> {
        let at = window(points.first()?.at).saturating_add(WINDOW.nanos() / 2);
        let line = floors.widest(Instant::from_nanos(at))?;
        let rate = line.rate >> (floors.wander().exponent() - super::point::RATE_UNIT);
        let mut this = Self { at, offset: line.offset, rate, above: 0, below: 0, weight: 0 };
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for point in points {
            let apart = point.value.saturating_sub(this.line(point.at)).clamp(-FAR, FAR);
            match point.side {
                Side::Above => above.push(apart),
                Side::Below => below.push(-apart),
            }
        }
        let least = above.len().min(below.len());
        if least < FEWEST {
            return None;
        }
        this.weight = i64::try_from(least.min(HEAVIEST)).ok()?;
        this.above = this.offset.saturating_add(saturate(lowest(&mut above, 60)?));
        this.below = this.offset.saturating_sub(saturate(lowest(&mut below, 60)?));
        Some(this)
    }

    const fn from(&self) -> i64 {
        self.at.saturating_sub(WINDOW.nanos() / 2)
    }

    /// What the floors said, going on straight to `at`.
    fn line(&self, at: i64) -> i64 {
        let run = i128::from(at.saturating_sub(self.at));
        let drift = (i128::from(self.rate) * run) >> super::point::RATE_UNIT;
        self.offset.saturating_add(saturate(drift))
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Wander;
    use super::super::tests::Random;
    use super::*;

    const MILLI: i64 = 1_000_000;

    /// Ten minutes of messages, two a second each way, of clocks that show the same.
    fn crowd(mut delay: impl FnMut(&mut Random, Side) -> i64) -> Crowd {
        let random = &mut Random(7);
        let mut points: Vec<Point> = Vec::new();
        let mut crowd = Crowd::new(0);
        let mut floors: Option<Bracket> = None;
        for index in 0..2_400 {
            let side = if index % 2 == 0 { Side::Above } else { Side::Below };
            let outward = delay(random, side);
            let value = if side == Side::Above { outward } else { -outward };
            let point = Point { at: index * 250 * MILLI, side, value };
            points.push(point);
            let wander = Wander::of_exponent(57);
            let floors = floors
                .get_or_insert_with(|| Bracket::new(wander, point, limits::CLOCK_FLOOR_VERTICES));
            floors.insert(point);
            let oldest = points.len().saturating_sub(limits::CLOCK_RECENT_MESSAGES);
            crowd.look(point.at, &points[oldest..], floors);
            assert!(crowd.windows.len() <= limits::CLOCK_CROWD_WINDOWS);
        }
        crowd
    }

    #[test]
    fn ordinary_messages_are_believed_where_there_is_no_floor() {
        // [CLOCK-14] [LIMITS-68]: one direction wider by a third, and both clocks right.
        let crowd = crowd(|random, side| {
            let sum: i64 = (0..4).map(|_| random.below(900_000)).sum();
            800_000 + if side == Side::Above { sum * 4 / 3 } else { sum }
        });
        let likely = crowd.at(Instant::from_nanos(600_000 * MILLI)).unwrap();
        assert!(likely.offset.abs() < 120_000, "{likely:?}");
        assert!(likely.noise > 10_000 && likely.noise < 120_000, "{likely:?}");
        assert!(likely.skew_ppb.abs() < 500, "{likely:?}");
        // Half a day later no line says anything.
        assert_eq!(crowd.at(Instant::from_nanos(40_000_000 * MILLI)), None);
    }

    #[test]
    fn nothing_is_said_where_there_is_a_floor() {
        // [CLOCK-14]
        let even = crowd(|random, _| 800_000 + random.below(4 * MILLI));
        assert_eq!(even.at(Instant::from_nanos(600_000 * MILLI)), None);
        let one_sided = crowd(|random, side| {
            let sum: i64 = (0..4).map(|_| random.below(900_000)).sum();
            800_000 + if side == Side::Above { sum } else { random.below(MILLI) }
        });
        assert_eq!(one_sided.at(Instant::from_nanos(600_000 * MILLI)), None);
    }
}
