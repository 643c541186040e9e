//! Several estimates at once, each marked by how well its forecasts did.
//!
//! How stiff two oscillators are is not known in advance: phones at rest bend a
//! hundred times less than phones that warm up. A stiff model averages over minutes
//! and is quiet; a soft one follows. So all run at once, and each is judged in
//! hindsight: what it said at an instant against what the messages since then show
//! about that instant.

use std::collections::VecDeque;

use super::constraint::Point;
use super::crowd::Crowd;
use super::interval::{Bracket, Interval};
use super::model::{Wander, saturate};
use super::path;
use super::point::{Likely, Prior, likely};
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// The wander limits that compete. `[CLOCK-14]`
pub(super) const STIFFNESS: [Wander; MODELS] = [
    Wander::of_exponent(56),
    Wander::of_exponent(57),
    Wander::of_exponent(58),
    Wander::of_exponent(60),
];
/// How many there are.
pub(super) const MODELS: usize = 4;
/// The one that is believed before any was judged.
pub(super) const FIRST: usize = 2;

/// Between two forecasts that are judged later.
const FORECAST_SPACING: Span = Span::from_secs(4);
/// The latest messages, from which the density of the floors is seen.
const NEAR: usize = 256;
/// How long after a forecast the messages that judge it are awaited.
const HINDSIGHT: Span = Span::from_secs(40);
/// Marks fade to 1/e after so many forecasts (about four minutes).
const MEMORY: i128 = 32;
/// An error beyond this is marked like this, so that no product overflows.
pub(super) const BAD: i64 = 1 << 40;
/// A model that weighs less than this, of 2⁶⁰ for the best, is not asked: asking costs
/// as much as asking the best.
const LEAST_WEIGHT: i128 = 1 << 55;
/// Before so many forecasts were judged, the middle model is believed.
const TRIALS: u32 = 8;

/// The estimates of one clock epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bank {
    floors: [Bracket; MODELS],
    recent: VecDeque<Point>,
    crowd: Crowd,
    forecasts: VecDeque<Forecast>,
    judged: u32,
    /// Mean squared error of each model's forecasts, ns².
    marks: [i128; MODELS],
    /// What was known of the rate beforehand.
    prior: Prior,
    /// How far the present path's asymmetry moves the estimate. `[CLOCK-31]`
    moved: i64,
}

/// What each model said of the latest instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Forecast {
    at: Instant<Primary>,
    offsets: [i64; MODELS],
}

impl Bank {
    pub(super) fn new(first: Point, prior: Prior) -> Self {
        let capacity = limits::CLOCK_FLOOR_VERTICES;
        Self {
            floors: STIFFNESS.map(|wander| Bracket::new(wander, first, capacity)),
            recent: VecDeque::new(),
            crowd: Crowd::new(first.at),
            forecasts: VecDeque::new(),
            judged: 0,
            marks: [0; MODELS],
            prior,
            moved: 0,
        }
    }

    pub(super) fn insert(&mut self, point: Point) {
        for floors in &mut self.floors {
            floors.insert(point);
        }
        self.remember(point);
        let at = Instant::from_nanos(point.at);
        self.judge(at);
        if self.forecasts.back().is_none_or(|last| at - last.at >= FORECAST_SPACING) {
            self.change_path(at);
            self.look(at);
            self.forecast(at);
        }
    }

    fn remember(&mut self, point: Point) {
        let index = self.recent.partition_point(|recent| *recent < point);
        let (len, most) = (self.recent.len(), limits::CLOCK_RECENT_MESSAGES);
        if len == self.recent.capacity() {
            // Twice as many each time, but never more than may be held.
            self.recent.reserve_exact((most + 1).saturating_sub(len).min(len.max(16)));
        }
        self.recent.insert(index, point);
        if self.recent.len() > most {
            self.recent.pop_front();
        }
    }

    /// Memory held beyond the value itself.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.floors.iter().map(Bracket::bytes).sum::<usize>()
            + self.recent.capacity() * size_of::<Point>()
            + self.crowd.bytes()
            + self.forecasts.capacity() * size_of::<Forecast>()
    }

    /// The estimate at `at`, brought inside `certain`. `[CLOCK-14]`
    pub(super) fn at(&self, at: Instant<Primary>, certain: Interval) -> Option<Likely> {
        let likely = if let Some(likely) = self.crowd.at(at) {
            likely
        } else if self.judged < TRIALS {
            likely(self.floors.get(FIRST)?, self.prior, at, &self.near())?
        } else {
            self.blend(at)?
        };
        Some(Likely {
            offset: likely
                .offset
                .saturating_sub(self.moved)
                .clamp(certain.low.nanos(), certain.high.nanos()),
            ..likely
        })
    }

    fn all(&self, at: Instant<Primary>) -> Option<[Likely; MODELS]> {
        let [a, b, c, d] = &self.floors;
        let near = self.near();
        let one = |floors| likely(floors, self.prior, at, &near);
        Some([one(a)?, one(b)?, one(c)?, one(d)?])
    }

    /// The messages that are weighed, in order of time.
    fn near(&self) -> Vec<Point> {
        let older = self.recent.len().saturating_sub(NEAR);
        self.recent.range(older..).copied().collect()
    }

    /// Begins anew where the path changed its length, keeping what is known of
    /// the offset. `[CLOCK-30]` `[CLOCK-31]`
    fn change_path(&mut self, now: Instant<Primary>) -> Option<()> {
        let points = self.recent.make_contiguous();
        let at = path::change(points, now - path::WINDOW)?;
        let first = points.partition_point(|point| point.at < at.nanos());
        let (before, after) = points.split_at_checked(first)?;
        let old = Self::of(before, self.prior)?;
        let mut new = Self::of(after, self.prior)?;
        let certain = Interval { low: Span::from_nanos(i64::MIN), high: Span::MAX };
        let jump = new.at(at, certain)?.offset.saturating_sub(old.at(at, certain)?.offset);
        new.moved = self.moved.saturating_add(jump);
        (new.judged, new.marks) = (self.judged, self.marks);
        *self = new;
        Some(())
    }

    /// Lets the ordinary messages speak that came since.
    fn look(&mut self, at: Instant<Primary>) {
        let Self { floors: [_, floors, ..], recent, crowd, .. } = self;
        crowd.look(at.nanos(), recent.make_contiguous(), floors);
    }

    fn of(points: &[Point], prior: Prior) -> Option<Self> {
        let mut bank = Self::new(*points.first()?, prior);
        for point in points {
            for floors in &mut bank.floors {
                floors.insert(*point);
            }
            bank.recent.push_back(*point);
        }
        Some(bank)
    }

    fn forecast(&mut self, at: Instant<Primary>) {
        let Some(all) = self.all(at) else { return };
        self.forecasts.push_back(Forecast { at, offsets: all.map(|likely| likely.offset) });
        if self.forecasts.len() > limits::CLOCK_FORECASTS {
            self.forecasts.pop_front();
        }
    }

    /// Judges the forecasts that are old enough by what the softest model says
    /// of their instants now.
    fn judge(&mut self, now: Instant<Primary>) {
        while let Some(forecast) = self.forecasts.front().copied() {
            if now - forecast.at < HINDSIGHT {
                break;
            }
            self.forecasts.pop_front();
            let [soft, ..] = &self.floors;
            let Some(truth) = likely(soft, self.prior, forecast.at, &self.near()) else {
                continue;
            };
            self.judged = self.judged.saturating_add(1);
            let memory = MEMORY.min(i128::from(self.judged));
            for (mark, offset) in self.marks.iter_mut().zip(forecast.offsets) {
                let error = i128::from(offset.saturating_sub(truth.offset).clamp(-BAD, BAD));
                *mark += (error * error - *mark) / memory;
            }
        }
    }

    /// The mean of all that count, weighted by the sixth power of their marks.
    fn blend(&self, at: Instant<Primary>) -> Option<Likely> {
        let best = self.marks.iter().copied().min().unwrap_or(0).max(1);
        let near = self.near();
        let (mut sums, mut total) = ([0_i128; 3], 0_i128);
        for (floors, mark) in self.floors.iter().zip(self.marks) {
            let part = (best << 10) / mark.max(1);
            let square = part * part;
            let weight = square * square * square;
            if weight < LEAST_WEIGHT {
                continue;
            }
            let one = likely(floors, self.prior, at, &near)?;
            for (sum, term) in sums.iter_mut().zip([one.offset, one.noise, one.skew_ppb]) {
                *sum += i128::from(term) * weight;
            }
            total += weight;
        }
        let [offset, noise, skew_ppb] = sums.map(|sum| saturate(sum.div_euclid(total.max(1))));
        Some(Likely { offset, noise, skew_ppb })
    }
}
