//! From one clock to session time, through whatever clocks lie between.

use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, VecDeque};

use super::epochs::{Begun, Spoken};
use super::{ClockName, Pair, Placed};
use crate::clock::model::RATE_BITS;
use crate::clock::smooth::smooth_with;
use crate::clock::{Across, Map, Mapped, Observation};
use crate::join::Join;
use crate::journal::Own;
use crate::limits;
use crate::time::{Clock, Instant, Primary, Secondary, Span};

/// What rounding may lose.
const NANO: Span = Span::from_nanos(1);

/// What the place of an instant rests on, surest first.
///
/// ```
/// # use diptych_protocol::timeline::Basis;
/// fn is_proven(basis: Basis) -> bool {
///     basis < Basis::WallClock
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Basis {
    /// It was read from the clock that session time is.
    Own,
    /// Messages between the devices. `[TIMELINE-3]`
    Messages,
    /// Only what the wall clocks showed. `[TIMELINE-4]`
    WallClock,
}

/// Two clocks that exchanged messages.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    primary: ClockName,
    other: ClockName,
    map: Map,
    spoken: Spoken,
    /// The middle of each sleep that the other clock's journal tells of, in order.
    sleeps: Vec<Instant<Secondary>>,
}

/// On which side of a clock's step an instant lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Before,
    After,
    Unknown,
}

/// How an instant of one clock becomes one of the next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// From an assistant's clock to a primary's, through this edge.
    ToPrimary(usize),
    /// From a primary's clock to an assistant's.
    ToOther(usize),
    /// By the wall clocks: add this.
    Wall(Span),
}

/// The way from every clock to the reference.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    edges: Vec<Edge>,
    steps: BTreeMap<ClockName, Vec<Step>>,
}

/// An instant and its bounds, on a clock that the step at hand knows.
#[derive(Clone, Copy)]
struct Bounded {
    at: i64,
    low: i64,
    high: i64,
    basis: Basis,
}

impl Edge {
    pub(super) fn smooth(
        (primary, other): Pair,
        observations: Vec<Observation>,
        cover: (Instant<Primary>, Instant<Primary>),
        begun: &Begun,
        join: impl Join,
    ) -> Self {
        let spoken = begun.spoken((primary, other), &observations);
        let sleeps = begun.sleeps(other).iter().map(|at| at.relabelled()).collect();
        let map = smooth_with(observations, Some(cover), join);
        Self { primary, other, map, spoken, sleeps }
    }

    /// `[TIMELINE-7]` `[TIMELINE-9]`
    fn to_primary(&self, at: Instant<Secondary>) -> Option<Mapped<Primary>> {
        let mapped = self.map.to_primary(at).or_else(|| self.in_gap(at))?;
        let apart = self.spoken.apart(mapped.at, at);
        Some(Mapped { low: mapped.low - apart, high: mapped.high + apart, ..mapped })
    }

    /// `[TIMELINE-7]` `[TIMELINE-9]`
    fn to_other(&self, at: Instant<Primary>) -> Option<Mapped<Secondary>> {
        let map = &self.map;
        let mapped = map.to_secondary(at).or_else(|| map.to_secondary_across(at))?;
        let apart = self.spoken.apart(at, mapped.at);
        Some(Mapped { low: mapped.low - apart, high: mapped.high + apart, ..mapped })
    }

    fn in_gap(&self, at: Instant<Secondary>) -> Option<Mapped<Primary>> {
        let Across { gap, before, after } = self.map.across(at)?;
        Some(match self.side(at, gap) {
            Side::Before => before,
            Side::After => after,
            Side::Unknown => Mapped {
                at: if at - gap.0 <= gap.1 - at { before.at } else { after.at },
                low: before.low.min(after.low),
                high: before.high.max(after.high),
                sigma: before.sigma.max(after.sigma),
            },
        })
    }

    /// A clock that steps for want of a better chip does so in its sleep, in the
    /// middle of which nothing of the device happens.
    fn side(&self, at: Instant<Secondary>, gap: (Instant<Secondary>, Instant<Secondary>)) -> Side {
        let mut sleeps = self.sleeps.iter().filter(|sleep| gap.0 < **sleep && **sleep < gap.1);
        match sleeps.next() {
            _ if at <= gap.0 => Side::Before,
            _ if at >= gap.1 => Side::After,
            Some(first) if at < *first => Side::Before,
            Some(first) if at >= *sleeps.next_back().unwrap_or(first) => Side::After,
            Some(_) | None => Side::Unknown,
        }
    }

    /// The gap between two epochs in which a clock may have stepped between these
    /// two instants.
    fn step(
        &self,
        from: Instant<Secondary>,
        to: Instant<Secondary>,
    ) -> Option<(Instant<Secondary>, Instant<Secondary>)> {
        self.map.gaps().filter(|gap| from < gap.1 && gap.0 < to).find(|gap| {
            let sides = (self.side(from, *gap), self.side(to, *gap));
            sides != (Side::Before, Side::Before) && sides != (Side::After, Side::After)
        })
    }
}

impl Routes {
    /// The shortest way for each clock, by breadth first. `[TIMELINE-3]`
    pub(super) fn new(
        reference: ClockName,
        edges: Vec<Edge>,
        walls: impl Iterator<Item = (ClockName, Instant<Own>, i64)>,
    ) -> Self {
        let mut steps: BTreeMap<ClockName, Vec<Step>> = BTreeMap::from([(reference, Vec::new())]);
        let mut waiting = VecDeque::from([reference]);
        while let Some(here) = waiting.pop_front() {
            let onward = steps.get(&here).cloned().unwrap_or_default();
            for (index, edge) in edges.iter().enumerate() {
                let (next, step) = match () {
                    () if edge.map.stretches().is_empty() => continue,
                    () if edge.primary == here => (edge.other, Step::ToPrimary(index)),
                    () if edge.other == here => (edge.primary, Step::ToOther(index)),
                    () => continue,
                };
                if let MapEntry::Vacant(free) = steps.entry(next) {
                    free.insert([step].into_iter().chain(onward.iter().copied()).collect());
                    waiting.push_back(next);
                }
            }
        }
        // [TIMELINE-4]
        let zero = |first: Instant<Own>, wall_ms: i64| {
            Span::from_millis(wall_ms) - Span::from_nanos(first.nanos())
        };
        let walls: Vec<_> = walls.collect();
        let origin = walls.iter().find(|(clock, _, _)| *clock == reference);
        if let Some((_, first, wall_ms)) = origin {
            let origin = zero(*first, *wall_ms);
            for (clock, first, wall_ms) in &walls {
                let shift = zero(*first, *wall_ms) - origin;
                steps.entry(*clock).or_insert_with(|| vec![Step::Wall(shift)]);
            }
        }
        Self { edges, steps }
    }

    pub(super) fn place(&self, clock: ClockName, at: Instant<Own>) -> Option<Placed> {
        let here = at.nanos();
        let mut point = Bounded { at: here, low: here, high: here, basis: Basis::Own };
        for step in self.steps.get(&clock)? {
            point = self.step(*step, point)?;
        }
        Some(Placed {
            at: Instant::from_nanos(point.at),
            low: Instant::from_nanos(point.low),
            high: Instant::from_nanos(point.high),
            basis: point.basis,
        })
    }

    /// The gap between two epochs in which `clock` may have stepped between these
    /// two instants of it.
    pub(super) fn stepped(
        &self,
        clock: ClockName,
        from: Instant<Own>,
        to: Instant<Own>,
    ) -> Option<(Instant<Own>, Instant<Own>)> {
        let Some(Step::ToPrimary(index)) = self.steps.get(&clock)?.first() else { return None };
        let (start, end) = self.edges.get(*index)?.step(from.relabelled(), to.relabelled())?;
        Some((start.relabelled(), end.relabelled()))
    }

    fn step(&self, step: Step, from: Bounded) -> Option<Bounded> {
        let basis = from.basis.max(match step {
            Step::ToPrimary(_) | Step::ToOther(_) => Basis::Messages,
            Step::Wall(_) => Basis::WallClock,
        });
        match step {
            Step::ToPrimary(index) => {
                let edge = self.edges.get(index)?;
                let place = |at| edge.to_primary(Instant::<Secondary>::from_nanos(at));
                bounded(from, basis, place, |mapped| (mapped.low, mapped.at, mapped.high))
            }
            Step::ToOther(index) => {
                let edge = self.edges.get(index)?;
                let place = |at| edge.to_other(Instant::<Primary>::from_nanos(at));
                bounded(from, basis, place, |mapped| (mapped.low, mapped.at, mapped.high))
            }
            Step::Wall(shift) => {
                let by = shift.nanos();
                let slack = limits::WALL_UNCERTAINTY.nanos();
                Some(Bounded {
                    at: from.at.saturating_add(by),
                    low: from.low.saturating_add(by).saturating_sub(slack),
                    high: from.high.saturating_add(by).saturating_add(slack),
                    basis,
                })
            }
        }
    }

    pub(super) fn skew_ppb(&self, clock: ClockName, at: Instant<Primary>) -> Option<i64> {
        let [Step::ToPrimary(index)] = self.steps.get(&clock)?.as_slice() else { return None };
        Some(self.edges.get(*index)?.map.estimate(at)?.skew_ppb)
    }
}

/// Carries a point and its bounds through a map: the bounds of the bounds. A bound that
/// lies outside of the map is as far from the point as the rate allows. `[CLOCK-2]`
fn bounded<C: Clock, M>(
    from: Bounded,
    basis: Basis,
    place: impl Fn(i64) -> Option<M>,
    parts: impl Fn(M) -> (Instant<C>, Instant<C>, Instant<C>),
) -> Option<Bounded> {
    let (low, at, high) = parts(place(from.at)?);
    if from.low == from.high {
        let (at, low, high) = (at.nanos(), low.nanos(), high.nanos());
        return Some(Bounded { at, low, high, basis });
    }
    let run = |span: i64| Span::from_nanos(span.saturating_add(span >> (RATE_BITS - 1))) + NANO;
    let low = match place(from.low).map(&parts) {
        Some((low, _, _)) => low,
        None => low - run(from.at.saturating_sub(from.low)),
    };
    let high = match place(from.high).map(&parts) {
        Some((_, _, high)) => high,
        None => high + run(from.high.saturating_sub(from.at)),
    };
    Some(Bounded { at: at.nanos(), low: low.nanos(), high: high.nanos(), basis })
}
