//! When the path between the devices changed its length.
//!
//! A roam to another access point may lengthen one direction for good. The clocks
//! run on, so the estimate before the change still holds, and what moved at the
//! change is the path: that jump is measured once and taken out afterwards. The
//! room between the two floors, which is the shortest round trip, shows the change
//! without knowing the clocks. The guaranteed interval needs none of this: its
//! constraints stay true on any path.
//!
//! Rejected: taking every outage for a new path (each jump that is taken out adds
//! its own error, and bursty loss would make hundreds).

use std::collections::{BTreeMap, BTreeSet};

use super::constraint::{Point, Side};
use super::interval::{Bracket, Line};
use super::model::Wander;
use super::point::fit;
use crate::join::Join;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// What the devices' clocks do at most while two minutes are compared.
const WANDER: Wander = Wander::of_exponent(57);
/// How much is compared on each side of a change. `[CLOCK-30]`
pub(super) const WINDOW: Span = Span::from_secs(60);
/// For how long at least there must be messages on each side: longer than any
/// queue lasts. `[CLOCK-30]`
const LASTING: Span = Span::from_secs(45);
/// Messages of each direction, on each side of a change. `[CLOCK-30]`
const MESSAGES: usize = 12;
/// A change of the round trip's floor by less than this is no new path.
/// `[CLOCK-30]`
const LEAST_CHANGE: Span = Span::from_micros(120);
/// Nor is one of less than this many mean distances between messages at the
/// floors: by chance it happens once in e¹⁰. `[CLOCK-30]`
const DISTANCES: i64 = 10;
/// Messages closer than this belong to one burst.
const BURST: Span = Span::from_millis(500);
/// How small the chance must be that bursts miss a floor that is still there, in
/// units of 2⁻⁴⁰: one in a million. `[CLOCK-30]`
const CHANCE: u64 = 1 << 20;
/// Where within the window the change is looked for.
const SEARCH: Span = Span::from_secs(2);
/// Between two instants at which a finished session is looked at.
const LOOK: Span = Span::from_secs(20);

/// Where the path changed in a finished session, in order. `[CLOCK-30]`
pub(super) fn changes(
    points: &[Point],
    (start, end): (Instant<Primary>, Instant<Primary>),
    join: impl Join,
) -> Vec<Instant<Primary>> {
    let follow = |at: &Instant<Primary>| next_look(points, *at, end);
    let first = Some(start + WINDOW).filter(|at| *at + WINDOW <= end);
    // Where it is looked depends on what was found before, but seldom: so it is asked
    // beforehand, by as many as there are, where it will be looked if nothing is found.
    let likely: Vec<Instant<Primary>> = core::iter::successors(first, follow).collect();
    // What comes after one instant comes before another.
    let starts: BTreeSet<_> = likely.iter().flat_map(|at| [*at - WINDOW, *at]).collect();
    let starts: Vec<_> = starts.into_iter().collect();
    let windows = join.map(&starts, |from| (*from, Window::lasting(points, *from)));
    let windows: BTreeMap<_, _> = windows.into_iter().collect();
    let window = |from| windows.get(&from)?.as_ref();
    let known = join.map(&likely, |at| {
        let found = window(*at - WINDOW).zip(window(*at));
        (*at, found.and_then(|windows| change_between(points, *at, windows)))
    });
    let known: BTreeMap<_, _> = known.into_iter().collect();
    let mut changes = Vec::new();
    let mut look = first;
    while let Some(at) = look {
        let last = changes.last().copied().unwrap_or(start);
        let found = known.get(&at).copied().unwrap_or_else(|| change(points, at));
        let found = found.filter(|found| *found - last >= WINDOW);
        changes.extend(found);
        look = next_look(points, found.map_or(at, |found| found.max(at)), end);
    }
    changes
}

/// Where it is looked after `at`.
fn next_look(
    points: &[Point],
    at: Instant<Primary>,
    end: Instant<Primary>,
) -> Option<Instant<Primary>> {
    let at = at + LOOK;
    // Where nothing was heard there is nothing to find, however long that is.
    let heard = points.partition_point(|point| point.at < (at - WINDOW).nanos());
    let silence = Instant::from_nanos(points.get(heard)?.at) - at;
    let at = at + LOOK.times((silence.nanos() / LOOK.nanos()).max(0));
    let until = at + WINDOW;
    (until <= end && until != Instant::MAX).then_some(at)
}

/// Where within `points`, sorted by time, the path changed its length: tells by
/// the room before and after `at`, then finds the instant that leaves most room on
/// both sides. `[CLOCK-30]`
pub(super) fn change(points: &[Point], at: Instant<Primary>) -> Option<Instant<Primary>> {
    let before = Window::lasting(points, at - WINDOW)?;
    change_between(points, at, (&before, &Window::lasting(points, at)?))
}

/// The same, knowing what lies before and after `at`.
fn change_between(
    points: &[Point],
    at: Instant<Primary>,
    (before, after): (&Window<'_>, &Window<'_>),
) -> Option<Instant<Primary>> {
    let (before, after) = (before.part(at)?, after.part(at)?);
    let moved = after.peak.room.saturating_sub(before.peak.room);
    let (short, long) = if moved < 0 { (&after, &before) } else { (&before, &after) };
    let moved = moved.saturating_abs();
    if moved < LEAST_CHANGE.nanos() {
        return None;
    }
    let distance = before.distance()?.max(after.distance()?);
    if moved < distance.saturating_mul(DISTANCES) || !short.is_out_of_reach_of(long, moved / 2) {
        return None;
    }
    let steps = (WINDOW.nanos() / SEARCH.nanos()).saturating_sub(1);
    let instants = (-steps..=steps).map(|step| at + SEARCH.times(step));
    let (from, to) = (at - WINDOW, at + WINDOW);
    // With excess delays that fall off exponentially, the likeliest instant: each
    // message on the wrong side takes room from one floor or gives none to the other.
    let likely = |at: Instant<Primary>| {
        let part = |from, to| {
            let window = Window::of(points, from, to)?;
            let messages = i64::try_from(window.points.len()).ok()?;
            Some(i128::from(window.part(at)?.peak.room) * i128::from(messages))
        };
        Some((part(from, at)? + part(at, to)?, at))
    };
    instants.filter_map(likely).max_by_key(|(likely, at)| (*likely, *at)).map(|(_, at)| at)
}

/// The messages of some time, enough to compare them.
struct Window<'a> {
    points: &'a [Point],
    floors: Bracket,
}

impl<'a> Window<'a> {
    fn of(points: &'a [Point], from: Instant<Primary>, to: Instant<Primary>) -> Option<Self> {
        let first = points.partition_point(|point| point.at < from.nanos());
        let end = points.partition_point(|point| point.at < to.nanos());
        let points = points.get(first..end)?;
        let above = points.iter().filter(|point| point.side == Side::Above).count();
        if above < MESSAGES || points.len() - above < MESSAGES {
            return None;
        }
        Some(Self { points, floors: Bracket::of(WANDER, points, limits::CLOCK_FLOOR_VERTICES)? })
    }

    /// What is compared from `from` on, if it spans more than any queue lasts.
    fn lasting(points: &'a [Point], from: Instant<Primary>) -> Option<Self> {
        let window = Self::of(points, from, from + WINDOW)?;
        let (oldest, newest) = (window.points.first()?, window.points.last()?);
        (newest.at.saturating_sub(oldest.at) >= LASTING.nanos()).then_some(window)
    }

    fn part(&self, at: Instant<Primary>) -> Option<Part<'_>> {
        Some(Part { at, window: self, peak: self.floors.widest(at)? })
    }
}

/// The messages on one side of a suspected change.
struct Part<'a> {
    at: Instant<Primary>,
    window: &'a Window<'a>,
    peak: Line,
}

impl Part<'_> {
    /// The mean distance between messages at both floors together.
    fn distance(&self) -> Option<i64> {
        let fit = fit(&self.window.floors, self.at, self.window.points, |_| {})?;
        Some(fit.above.saturating_add(fit.below))
    }

    /// Whether, in one direction, no burst of `long` came as near to this part's
    /// floor as `near`, although bursts of this part do so often enough that this
    /// is no chance. Bursts, not messages: those of one burst share its queue.
    fn is_out_of_reach_of(&self, long: &Self, near: i64) -> bool {
        [Side::Above, Side::Below].into_iter().any(|side| {
            let (clean, bursts) = self.clean_bursts(self.window.points, side, near);
            let (reached, tries) = self.clean_bursts(long.window.points, side, near);
            // Laplace's rule: the chance of a burst that misses the floor.
            let missed = (0..tries).fold(1_u64 << 40, |chance, _| {
                chance * (2 * (bursts - clean) + 1) / (2 * bursts + 2)
            });
            reached == 0 && missed <= CHANCE
        })
    }

    /// How many bursts of `points` came `near` this part's floor, and how many
    /// there are.
    fn clean_bursts(&self, points: &[Point], side: Side, near: i64) -> (u64, u64) {
        let (mut clean, mut bursts) = (0, 0);
        let mut last: Option<(i64, bool)> = None;
        for point in points.iter().filter(|point| point.side == side) {
            let is_near = self.window.floors.excess(self.at, self.peak, *point) <= near;
            let (counted, same) = match last {
                Some((at, counted)) if point.at.saturating_sub(at) < BURST.nanos() => {
                    (counted, true)
                }
                _ => (false, false),
            };
            bursts += u64::from(!same);
            clean += u64::from(is_near && !counted);
            last = Some((point.at, counted || is_near));
        }
        (clean, bursts)
    }
}
