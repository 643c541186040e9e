//! What is certain at the knots of a map, also where a device slept.
//!
//! In sleep another oscillator counts, and a process that was started again may have
//! missed one. So bounds of two clock epochs never meet in one interval, even where a
//! single line satisfies all of them: a step that is smaller than the messages' delays
//! contradicts nothing. Between the last message of one epoch and the first of the next
//! either clock may be asked about, so an interval there holds both. Rejected: leaving
//! that time without a place (the other device's camera films on), and trusting a sleep
//! whose two sides fit (where messages take milliseconds, so do they after a step of one).

use std::collections::BTreeMap;

use super::constraint::{Observation, Point, Side};
use super::interval::{Bracket, Interval};
use super::model::{RATE_BITS, Wander};
use crate::join::Join;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// How soon the interval is as narrow again as one epoch's, beside a reign of two: long
/// enough that the likely offset may move by whatever messages can hide.
const BEYOND: Span = Span::from_millis(250);

/// The bounds of one stretch of a map.
pub(super) struct Certain {
    /// All of them: whether they contradict each other.
    whole: Bracket,
    /// By clock epoch, if there are several.
    epochs: Option<Vec<Reign>>,
}

/// One clock epoch, and when it may be the one that is asked about.
struct Reign {
    from: i64,
    to: i64,
    /// Its last message was sent no earlier.
    sent: i64,
    /// Its first message was heard no later.
    heard: i64,
    bracket: Bracket,
}

impl Certain {
    /// Of the observations of one stretch, and the same as points in order; `None`
    /// without any.
    pub(super) fn of(stretch: &[Observation], points: &[Point], join: impl Join) -> Option<Self> {
        let whole = bracket(points)?;
        let first = stretch.first()?.epochs;
        let slept = stretch.iter().any(|one| !one.epochs.same_clocks(first));
        Some(Self { whole, epochs: slept.then(|| reigns(stretch, join)) })
    }

    /// Whether some line at `at` satisfies every bound, of whatever epoch.
    pub(super) fn is_consistent(&self, at: Instant<Primary>) -> bool {
        self.whole.is_consistent(at)
    }

    /// Where the offset is at `at`, whichever epoch reigns there. `[CLOCK-12]` `[CLOCK-43]`
    pub(super) fn interval(&self, at: Instant<Primary>) -> Option<Interval> {
        let Some(epochs) = &self.epochs else { return self.whole.interval(at) };
        let first = epochs.partition_point(|reign| reign.to < at.nanos());
        let after = epochs.partition_point(|reign| reign.from <= at.nanos());
        let reigning = epochs.get(first..after)?.iter();
        reigning.filter_map(|reign| reign.bracket.interval(at)).reduce(Interval::hull)
    }

    /// Where a map needs knots, so that each of its lines lies in one reign: where a reign
    /// begins and ends, and shortly outside, lest the line from far away be as wide.
    pub(super) fn edges(&self) -> impl Iterator<Item = Instant<Primary>> + '_ {
        let within = |at: i64| at != i64::MIN && at != i64::MAX;
        self.epochs.iter().flatten().flat_map(move |reign| {
            let (from, to) = (Instant::from_nanos(reign.from), Instant::from_nanos(reign.to));
            let edges = [from - BEYOND, from, to, to + BEYOND];
            edges.into_iter().filter(move |edge| within(edge.nanos()))
        })
    }
}

fn bracket(points: &[Point]) -> Option<Bracket> {
    Bracket::of(Wander::GUARANTEED, points, limits::CLOCK_SMOOTH_VERTICES)
}

/// The epochs that have bounds on both sides, in their order. Each may reign from the last
/// message sent in the one before to the first heard in the one after: both devices were
/// awake then, on either side of the sleep.
fn reigns(stretch: &[Observation], join: impl Join) -> Vec<Reign> {
    let mut parts: BTreeMap<(u16, u16), Vec<Point>> = BTreeMap::new();
    for Observation { epochs, constraint } in stretch {
        let clocks = (epochs.primary.clock, epochs.secondary.clock);
        parts.entry(clocks).or_default().push(constraint.point());
    }
    let mut parts: Vec<Vec<Point>> = parts.into_values().collect();
    for part in &mut parts {
        part.sort_unstable();
    }
    let known = join.map(&parts, |part| Reign::of(part));
    let mut reigns: Vec<Reign> = known.into_iter().flatten().collect();
    // One that is too long costs accuracy, one that is too short the guarantee.
    let mut most = i64::MIN;
    let heard: Vec<i64> = reigns.iter().skip(1).map(|next| next.heard).collect();
    for (reign, next) in reigns.iter_mut().zip(heard.into_iter().chain([i64::MAX])) {
        most = most.max(reign.to).max(next);
        reign.to = most;
    }
    let mut least = i64::MAX;
    let sent: Vec<i64> = reigns.iter().rev().skip(1).map(|before| before.sent).collect();
    for (reign, before) in reigns.iter_mut().rev().zip(sent.into_iter().chain([i64::MIN])) {
        least = least.min(reign.from).min(before);
        reign.from = least;
    }
    reigns
}

impl Reign {
    /// As long as its own bounds; `None` without one on each side.
    fn of(part: &[Point]) -> Option<Self> {
        let (from, to) = (part.first()?.at, part.last()?.at);
        let bracket = bracket(part)?;
        // The primary's clock tells when its own messages were sent and the others heard;
        // of what the assistant's clock tells, the interval says when it was here.
        let side = |side: Side| move |point: &&Point| point.side == side;
        // While the message was under way the offset moved, by the rate limit at most.
        let here = |point: &Point, offset: Span| {
            let here = point.at.saturating_add(point.value).saturating_sub(offset.nanos());
            (here, (here.abs_diff(point.at) >> RATE_BITS).saturating_add(1))
        };
        let offset = |point: &Point| bracket.interval(Instant::from_nanos(point.at));
        let last = part.iter().rev().find(side(Side::Below))?;
        let (sent, drift) = here(last, offset(last)?.high);
        let sent = sent.saturating_sub_unsigned(drift);
        let first = part.iter().find(side(Side::Above))?;
        let (heard, drift) = here(first, offset(first)?.low);
        let heard = heard.saturating_add_unsigned(drift);
        let sent = sent.max(part.iter().rev().find(side(Side::Above))?.at);
        let heard = heard.min(part.iter().find(side(Side::Below))?.at);
        Some(Self { from, to, sent, heard, bracket })
    }
}
