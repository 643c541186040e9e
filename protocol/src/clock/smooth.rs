//! After the session: every constraint of both journals, looked at from both
//! sides.
//!
//! An instant in the middle of a recording has constraints before and after it,
//! so the map is better than anything known while it ran, and outages close up
//! again from their far side. Both devices' journals hold constraints that the
//! other may have lost; the union is taken, so both compute the same map. Where no
//! message contradicts another, a device that slept is on one line with itself; what is
//! certain never is: there each clock epoch speaks for itself.

use super::candidates::{Best, Candidates};
use super::certain::Certain;
use super::constraint::Observation;
use super::constraint::Point;
use super::epoch::{Ruling, Tentative, contradicts};
use super::estimate::Estimate;
use super::interval::Bracket;
use super::map::{Knot, Map, MapStretch};
use super::model::Wander;
use super::path;
use crate::join::{InTurn, Join};
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// Between two knots, unless the session is so long that they would be too many.
/// `[CLOCK-25]`
const KNOT_SPACING: Span = Span::from_secs(4);

/// Smooths all observations of a session, in any order, into a map. It reaches
/// from the first observation to the last, and out to `cover`, the first and last
/// instant that will be asked about. `[CLOCK-25]`
#[must_use]
pub fn smooth(
    observations: &[Observation],
    cover: Option<(Instant<Primary>, Instant<Primary>)>,
) -> Map {
    smooth_with(observations.to_vec(), cover, InTurn)
}

/// The same map, by as many hands as `join` has.
#[must_use]
pub fn smooth_with(
    mut observations: Vec<Observation>,
    cover: Option<(Instant<Primary>, Instant<Primary>)>,
    join: impl Join,
) -> Map {
    // Each journal has them nearly in order, one after the other, and the last sort
    // sees that its halves are.
    let half = observations.len() / 2;
    let (early, late) = observations.split_at_mut(half);
    join.join(|| early.sort_by_key(in_time), || late.sort_by_key(in_time));
    observations.sort_by_key(in_time);
    observations.dedup();
    let stretches = match Smoother::of(&observations, join).filter(Smoother::is_consistent) {
        Some(whole) => vec![Some(whole)],
        None => split(&observations).iter().map(|part| Smoother::of(part, join)).collect(),
    };
    let last = stretches.len().saturating_sub(1);
    let maps = stretches.into_iter().enumerate().filter_map(|(index, smoother)| {
        let smoother = smoother?;
        let (from, to) = cover.unwrap_or((smoother.from, smoother.to));
        let from = if index == 0 { smoother.from.min(from) } else { smoother.from };
        let to = if index == last { smoother.to.max(to) } else { smoother.to };
        Some(smoother.map(from, to, join))
    });
    Map::new(maps)
}

fn in_time(observation: &Observation) -> impl Ord + use<> {
    (observation.constraint.point().at, *observation)
}

/// What all constraints of one stretch come to.
struct Smoother {
    from: Instant<Primary>,
    to: Instant<Primary>,
    certain: Certain,
    paths: Vec<PathStretch>,
}

impl Smoother {
    fn of(stretch: &[Observation], join: impl Join) -> Option<Self> {
        let mut points: Vec<Point> =
            stretch.iter().map(|observation| observation.constraint.point()).collect();
        points.sort_unstable();
        let (first, last) = (*points.first()?, *points.last()?);
        let (from, to) = (Instant::from_nanos(first.at), Instant::from_nanos(last.at));
        // What is certain and what is likely are found without each other. Where a
        // step cuts the stretch the paths are found again, in its parts.
        let (certain, paths) =
            join.join(|| Certain::of(stretch, &points, join), || paths(&points, (from, to), join));
        Some(Self { from, to, certain: certain?, paths })
    }

    /// Whether no knot proves that the assumptions broke.
    fn is_consistent(&self) -> bool {
        // A contradiction that is worth a burst shows for minutes around.
        knots(self.from, self.to).step_by(8).all(|at| self.certain.is_consistent(at))
    }

    fn map(&self, from: Instant<Primary>, to: Instant<Primary>, join: impl Join) -> MapStretch {
        let edges = self.certain.edges().filter(|edge| from < *edge && *edge < to);
        let mut all: Vec<Instant<Primary>> = knots(from, to).chain(edges).collect();
        all.sort_unstable();
        all.dedup();
        MapStretch::new(join.map(&all, |at| self.knot(*at)).into_iter().flatten())
    }

    fn knot(&self, at: Instant<Primary>) -> Option<Knot> {
        let certain = self.certain.interval(at)?;
        let path = self.paths.iter().rfind(|path| path.from <= at).or(self.paths.first())?;
        let mut likely = path.candidates.at(path.best.within, at)?;
        likely.offset = likely
            .offset
            .saturating_sub(path.moved)
            .clamp(certain.low.nanos(), certain.high.nanos());
        Some(Knot { at, here: Estimate::of(certain, likely) })
    }
}

/// The stretches of one path each. What each of them moved the estimate by
/// is counted from the one with the shortest round trip. `[CLOCK-31]`
fn paths(
    points: &[Point],
    (start, end): (Instant<Primary>, Instant<Primary>),
    join: impl Join,
) -> Vec<PathStretch> {
    let starts: Vec<Instant<Primary>> =
        core::iter::once(start).chain(path::changes(points, (start, end), join)).collect();
    let ends = starts.iter().skip(1).copied().chain([Instant::MAX]);
    let mut paths: Vec<PathStretch> = starts
        .iter()
        .zip(ends)
        .filter_map(|(from, to)| PathStretch::of(points, (*from, to, end), join))
        .collect();
    let mut moved = 0_i64;
    for index in 1..paths.len() {
        if let [.., before, after] = paths.get(..=index).unwrap_or_default() {
            moved = moved.saturating_add(after.offset_at_start().unwrap_or(0));
            moved = moved.saturating_sub(before.offset_at(after.from).unwrap_or(0));
        }
        if let Some(path) = paths.get_mut(index) {
            path.moved = moved;
        }
    }
    let reference = paths.iter().min_by_key(|path| path.room).map_or(0, |path| path.moved);
    for path in &mut paths {
        path.moved = path.moved.saturating_sub(reference);
    }
    paths
}

/// A stretch of time with one path.
struct PathStretch {
    from: Instant<Primary>,
    candidates: Candidates,
    best: Best,
    /// The shortest round trip.
    room: i64,
    /// How far this path's asymmetry moves the estimate.
    moved: i64,
}

impl PathStretch {
    fn of(
        points: &[Point],
        (from, to, end): (Instant<Primary>, Instant<Primary>, Instant<Primary>),
        join: impl Join,
    ) -> Option<Self> {
        let first = points.partition_point(|point| point.at < from.nanos());
        let after = points.partition_point(|point| point.at < to.nanos());
        let candidates = Candidates::of(points.get(first..after)?, join)?;
        let best = candidates.best((from, to.min(end)), join);
        let middle = Instant::from_nanos(from.nanos().midpoint(to.min(end).nanos()));
        let room = candidates.room(middle)?;
        Some(Self { from, candidates, best, room, moved: 0 })
    }

    fn offset_at(&self, at: Instant<Primary>) -> Option<i64> {
        Some(self.candidates.at(self.best.edge, at)?.offset)
    }

    fn offset_at_start(&self) -> Option<i64> {
        self.offset_at(self.from)
    }
}

/// Evenly spaced instants from `from` to `to`, both included.
fn knots(from: Instant<Primary>, to: Instant<Primary>) -> impl Iterator<Item = Instant<Primary>> {
    let length = (to - from).nanos().max(0);
    let spaces = (length / KNOT_SPACING.nanos()).clamp(1, limits::CLOCK_MAP_KNOTS);
    (0..=spaces).map(move |index| {
        let along = i128::from(length) * i128::from(index) / i128::from(spaces);
        from + Span::from_nanos(super::model::saturate(along))
    })
}

/// Cuts observations, in order of time, where they prove that a clock stepped.
fn split(observations: &[Observation]) -> Vec<Vec<Observation>> {
    let mut done: Vec<Vec<Observation>> = Vec::new();
    let mut current: Vec<Observation> = Vec::new();
    let mut bracket: Option<Bracket> = None;
    let mut tentative: Option<Tentative> = None;
    let add = |bracket: &mut Option<Bracket>, current: &mut Vec<Observation>, new: Observation| {
        let point = new.constraint.point();
        let bracket = bracket.get_or_insert_with(|| {
            Bracket::new(Wander::GUARANTEED, point, limits::CLOCK_HULL_VERTICES)
        });
        if !contradicts(bracket, &new) {
            bracket.insert(point);
            current.push(new);
        }
    };
    for observation in observations {
        let against = bracket.as_ref().is_some_and(|bracket| contradicts(bracket, observation));
        match tentative.take() {
            None if against => tentative = Some(Tentative::new(*observation)),
            None => add(&mut bracket, &mut current, *observation),
            Some(mut open) => match open.judge(*observation, against) {
                Ruling::Open => tentative = Some(open),
                Ruling::Confirmed(held) => {
                    done.push(core::mem::take(&mut current));
                    bracket = None;
                    for held in held {
                        add(&mut bracket, &mut current, held);
                    }
                }
                Ruling::Dismissed(held) => {
                    tentative = open.is_open().then_some(open);
                    for held in held {
                        add(&mut bracket, &mut current, held);
                    }
                }
            },
        }
    }
    done.push(current);
    part(&mut done);
    done
}

/// Ends each stretch with the last message that excludes the one after it. What came
/// later and fits to both may be from after the step: a clock that stepped forward is
/// contradicted by what it sends and not by what it hears. `[CLOCK-42]`
fn part(stretches: &mut [Vec<Observation>]) {
    for index in 1..stretches.len() {
        let [.., before, after] = stretches.get_mut(..=index).unwrap_or_default() else { continue };
        let points: Vec<Point> = after.iter().map(|one| one.constraint.point()).collect();
        let bracket = Bracket::of(Wander::GUARANTEED, &points, limits::CLOCK_HULL_VERTICES);
        let Some(bracket) = bracket else { continue };
        let proof = before.iter().rposition(|one| contradicts(&bracket, one));
        if let Some(proof) = proof {
            before.truncate(proof.saturating_add(1));
        }
    }
}
