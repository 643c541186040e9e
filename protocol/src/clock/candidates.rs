//! Which estimate of a finished session to believe.
//!
//! A stiff model averages more and bends less than the oscillators may have done;
//! and where no message ever touches the floor, the bulk of the delays says more
//! than the luckiest of them. Nothing known in advance tells which holds. So half
//! of the messages judges the other half: what a candidate makes of the first half
//! is held against what a reference makes of the second. Their noise is independent, so
//! a candidate's bias and noise both show, and the reference's noise is the same for all.
//!
//! A phone that warms up bends more than any model that averages over minutes allows.
//! But a trend bends as it does, roughly, and what remains when the trend is taken off
//! every message bends little: a stiff model of the remainder has neither the noise of
//! a soft one nor the bias of a stiff one. It is a candidate, and the reference too.
//! Rejected: the softest model as the reference (where it is too stiff it is off as the
//! candidates are, and prefers those).

use super::bank::{BAD, MODELS, STIFFNESS};
use super::bulk::Bulk;
use super::constraint::{Point, Side};
use super::grid::Grid;
use super::interval::Bracket;
use super::model::Wander;
use super::point::{Likely, Prior, likely, unweighed};
use crate::join::Join;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// How far from an instant messages show how dense the floors are.
const NEAR: Span = Span::from_secs(60);
/// Between two instants at which candidates are judged.
const JUDGED: Span = Span::from_secs(30);
/// Judged at no more instants than this, spread over the session.
const JUDGEMENTS: i64 = 96;

/// Between two instants at which the softest floors are asked.
const STEP: Span = Span::from_secs(16);
/// Over how many steps on either side parabolas are laid.
const REACHES: [usize; 4] = [2, 3, 4, 7];
/// The parabolas that are a trend.
const TREND: usize = 7;
/// What two oscillators do at most beside their trend.
const REMAINDER: Wander = Wander::of_exponent(58);
/// Between two instants at which that is asked for, and the parabolas over it.
const REMAINDER_STEP: Span = Span::from_secs(32);
const REMAINDER_REACHES: [usize; 3] = [1, 2, 4];
/// How far on either side of an instant lines are laid through the bulk, seconds.
const BULKS: [i64; 2] = [200, 450];

/// Where there is no floor, the bulk may be this many times as far from the floors,
/// squared, as they are from each other.
const LENIENCY: i128 = 4;

/// One way to estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Candidate {
    /// The floors under the wander limit of that index.
    Floors(usize),
    /// What the softest floors say around an instant, through parabolas over so many
    /// steps on either side.
    Smooth(usize),
    /// The trend, and what parabolas over so many steps make of the remainder.
    Trend(usize),
    /// The lower part of all delays, over so many seconds on either side.
    Bulk(i64),
}

/// What to believe of one stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Best {
    /// Where there are messages on both sides.
    pub(super) within: Candidate,
    /// At the ends, where a parabola has nothing beyond.
    pub(super) edge: Candidate,
}

/// All candidates for one stretch.
pub(super) struct Candidates {
    all: Half,
    halves: [Half; 2],
}

/// The candidates on some of the messages.
struct Half {
    floors: [Bracket; MODELS],
    points: Vec<Point>,
    soft: Grid,
    trend: Grid,
    remainder: Option<Grid>,
    bulk: Bulk,
}

impl Candidates {
    /// `points` in order of time; `None` if there are too few to judge.
    pub(super) fn of(points: &[Point], join: impl Join) -> Option<Self> {
        let mut halves = [0; 2].map(|_| Vec::with_capacity(points.len() / 2 + 1));
        let mut turn = [0_u32; 2];
        for point in points {
            let [above, below] = &mut turn;
            let turn = if point.side == Side::Above { above } else { below };
            let [first, second] = &mut halves;
            // By the Thue-Morse sequence: whatever rhythm a schedule has, the messages
            // of each of its beats fall to both halves.
            if turn.count_ones() % 2 == 0 {
                first.push(*point)
            } else {
                second.push(*point)
            }
            *turn = turn.wrapping_add(1);
        }
        let [first, second] = halves;
        let halves = || join.join(|| Half::of(first, join), || Half::of(second, join));
        let (all, (first, second)) = join.join(|| Half::of(points.to_vec(), join), halves);
        Some(Self { all: all?, halves: [first?, second?] })
    }

    /// The estimate of `candidate` at `at`; far from every message, where a line
    /// through them says nothing, that of the stiffest floors.
    pub(super) fn at(&self, candidate: Candidate, at: Instant<Primary>) -> Option<Likely> {
        self.all.at(candidate, at).or_else(|| self.all.at(Candidate::Floors(MODELS - 1), at))
    }

    /// The shortest round trip around `at`.
    pub(super) fn room(&self, at: Instant<Primary>) -> Option<i64> {
        let [.., floors] = &self.all.floors;
        Some(floors.widest(at)?.room)
    }

    /// The candidate whose halves agree best with each other: first the wander
    /// limit, then whether the bulk of the delays says more than that.
    pub(super) fn best(
        &self,
        (from, to): (Instant<Primary>, Instant<Primary>),
        join: impl Join,
    ) -> Best {
        let length = (to - from).nanos().max(1);
        let count = (length / JUDGED.nanos()).clamp(1, JUDGEMENTS);
        let step = Span::from_nanos(length / count);
        let instants =
            (0..count).map(|index| from + Span::from_nanos(step.nanos() / 2) + step.times(index));
        let [first, second] = &self.halves;
        let judge = |half: &Half| -> Vec<[Option<i64>; MODELS]> {
            instants.clone().map(|at| half.offsets(at)).collect()
        };
        let (first, second) = join.join(|| judge(first), || judge(second));
        let floors = first.into_iter().zip(second);
        let judged: Vec<Judged> = instants
            .clone()
            .zip(floors)
            .map(|(at, (one, other))| Judged { at, floors: [one, other] })
            .collect();
        // Without a floor the reference is the worse one, and alike in both halves.
        let leniency = |candidate: &Candidate| match candidate {
            Candidate::Bulk(_) if self.all.bulk.is_floorless() => LENIENCY,
            Candidate::Floors(_)
            | Candidate::Smooth(_)
            | Candidate::Trend(_)
            | Candidate::Bulk(_) => 1,
        };
        let better = |candidates: &[Candidate], reference: Candidate| {
            let marked = candidates.iter().map(|candidate| {
                let marks = judged
                    .iter()
                    .map(|judged| self.mark(judged, *candidate, reference).unwrap_or(0));
                (marks.sum::<i128>() / leniency(candidate), *candidate)
            });
            marked.min_by_key(|(mark, _)| *mark).map_or(reference, |(_, candidate)| candidate)
        };
        let smooth = REACHES.map(Candidate::Smooth).into_iter();
        let smooth = smooth.chain(REMAINDER_REACHES.map(Candidate::Trend));
        let floors: Vec<Candidate> = (0..MODELS).map(Candidate::Floors).collect();
        let edge = better(&floors, REFERENCE);
        let floors: Vec<Candidate> = floors.into_iter().chain(smooth).collect();
        let floors = better(&floors, REFERENCE);
        let bulks = BULKS.map(Candidate::Bulk);
        let all: Vec<Candidate> = core::iter::once(floors).chain(bulks).collect();
        let best = better(&all, floors);
        let edge = if matches!(best, Candidate::Bulk(_)) { best } else { edge };
        Best { within: best, edge }
    }

    /// How far the halves are apart at an instant, squared, both ways round.
    fn mark(&self, judged: &Judged, candidate: Candidate, reference: Candidate) -> Option<i128> {
        let [first, second] = [0, 1].map(|index| {
            let half = self.halves.get(index)?;
            let floors = judged.floors.get(index)?;
            let offset = |of: Candidate| match of {
                Candidate::Floors(index) => *floors.get(index)?,
                Candidate::Smooth(_) | Candidate::Trend(_) | Candidate::Bulk(_) => {
                    Some(half.at(of, judged.at)?.offset)
                }
            };
            Some((offset(candidate)?, offset(reference)?))
        });
        let ((one, other_reference), (other, reference)) = (first?, second?);
        let square = |one: i64, other: i64| {
            let apart = i128::from(one.saturating_sub(other).clamp(-BAD, BAD));
            apart * apart
        };
        Some(square(one, reference) + square(other, other_reference))
    }
}

/// What the floors of both halves say of one instant.
struct Judged {
    at: Instant<Primary>,
    floors: [[Option<i64>; MODELS]; 2],
}

/// The one that bends most: a reference that bends less than the oscillators did would
/// prefer the candidates that are off as it is.
const REFERENCE: Candidate = Candidate::Trend(1);

impl Half {
    fn of(points: Vec<Point>, join: impl Join) -> Option<Self> {
        let [a, b, c, d] = STIFFNESS;
        let a = Bracket::of(a, &points, limits::CLOCK_SMOOTH_VERTICES)?;
        let stiffer = || {
            let b = a.stiffer(b);
            let c = b.stiffer(c);
            let d = c.stiffer(d);
            let bulk = Bulk::of(&points, &d);
            ([b, c, d], bulk)
        };
        let smoothed = || {
            let soft = grid(STEP, &a, &points, join)?;
            let trend = soft.smooth(TREND);
            let remainder = remainder(&points, &trend, join);
            Some((soft, trend, remainder))
        };
        let (smoothed, ([b, c, d], bulk)) = join.join(smoothed, stiffer);
        let (soft, trend, remainder) = smoothed?;
        Some(Self { floors: [a, b, c, d], points, soft, trend, remainder, bulk })
    }

    /// What each wander limit says of `at`.
    fn offsets(&self, at: Instant<Primary>) -> [Option<i64>; MODELS] {
        self.floors.each_ref().map(|floors| Some(self.likely(floors, at)?.offset))
    }

    fn at(&self, candidate: Candidate, at: Instant<Primary>) -> Option<Likely> {
        match candidate {
            Candidate::Floors(index) => self.likely(self.floors.get(index)?, at),
            Candidate::Smooth(reach) => self.soft.at(reach, at),
            Candidate::Trend(reach) => {
                let trend = self.trend.at(0, at)?;
                let remainder = self.remainder.as_ref()?.at(reach, at)?;
                let offset = trend.offset.saturating_add(remainder.offset);
                Some(Likely { offset, skew_ppb: trend.skew_ppb, ..remainder })
            }
            Candidate::Bulk(reach) => {
                let [.., floors] = &self.floors;
                let line = self.bulk.at(Span::from_secs(reach), at)?;
                let base = self.likely(floors, at)?;
                Some(Likely { offset: line.offset, skew_ppb: line.skew_ppb, ..base })
            }
        }
    }

    fn likely(&self, floors: &Bracket, at: Instant<Primary>) -> Option<Likely> {
        likely(floors, Prior::PHONES, at, around(&self.points, at, NEAR))
    }
}

/// What a stiff model says of all messages once the trend is taken off.
fn remainder(points: &[Point], trend: &Grid, join: impl Join) -> Option<Grid> {
    let beside = points.iter().filter_map(|point| {
        let trend = trend.at(0, Instant::from_nanos(point.at))?;
        Some(Point { value: point.value.saturating_sub(trend.offset), ..*point })
    });
    let beside: Vec<Point> = beside.collect();
    let floors = Bracket::of(REMAINDER, &beside, limits::CLOCK_SMOOTH_VERTICES)?;
    grid(REMAINDER_STEP, &floors, &beside, join)
}

/// What these floors say, step by step. Many steps are averaged, so none is weighed.
fn grid(step: Span, floors: &Bracket, points: &[Point], join: impl Join) -> Option<Grid> {
    let (first, last) = (points.first()?.at, points.last()?.at);
    let whole = (Instant::from_nanos(first), Instant::from_nanos(last));
    let near = |at| unweighed(floors, at, around(points, at, NEAR));
    Some(Grid::of(step, whole, near, join))
}

/// Those of `points` that are not farther than `reach` from `at`.
fn around(points: &[Point], at: Instant<Primary>, reach: Span) -> &[Point] {
    let from = points.partition_point(|point| point.at < (at - reach).nanos());
    let to = points.partition_point(|point| point.at <= (at + reach).nanos());
    points.get(from..to).unwrap_or_default()
}
