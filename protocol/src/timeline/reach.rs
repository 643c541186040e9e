//! How far each map has to reach: from the session's beginning to its end.
//!
//! Two clocks are tied by the messages of the hours that they shared, but what is
//! placed through them may lie later: a rebooted primary records on when the
//! assistant that bridges its reboot is gone. A clock that has stopped is then
//! thought to run on, and the wander bound says how wrong that can be. So every
//! map spans the whole session, roughly laid out here first. Rejected: spanning
//! the run of one of the two clocks, which leaves the other's frames without a
//! place although its bounds are known.

use std::collections::{BTreeMap, VecDeque};

use super::{ClockName, Pair, Run};
use crate::clock::{Constraint, Observation};
use crate::time::{Instant, Primary, Span};

/// A rate that is off by 120 ppm shifts the ends by half a second in an hour.
const SLACK: Span = Span::from_secs(6);

/// The session's length on every clock that messages reach, give or take a few
/// seconds. `[TIMELINE-6]`
pub(super) struct Reach {
    /// What is added to a clock's reading to get session time.
    shifts: BTreeMap<ClockName, Span>,
    from: Span,
    to: Span,
}

impl Reach {
    pub(super) fn of(
        reference: ClockName,
        runs: &BTreeMap<ClockName, Run>,
        pairs: &BTreeMap<Pair, Vec<Observation>>,
    ) -> Self {
        let mut shifts = BTreeMap::from([(reference, Span::ZERO)]);
        let mut waiting = VecDeque::from([reference]);
        while let Some(here) = waiting.pop_front() {
            let base = shifts.get(&here).copied().unwrap_or_default();
            for ((primary, other), list) in pairs {
                let next = match () {
                    () if *primary == here => *other,
                    () if *other == here => *primary,
                    () => continue,
                };
                let Some(ahead) = ahead(list).filter(|_| !shifts.contains_key(&next)) else {
                    continue;
                };
                let shift = if *primary == here { base - ahead } else { base + ahead };
                shifts.insert(next, shift);
                waiting.push_back(next);
            }
        }
        let mut reach = Self { shifts, from: Span::ZERO, to: Span::ZERO };
        let placed = |(clock, run): (&ClockName, &Run)| {
            let shift = reach.shifts.get(clock)?.nanos();
            let on = |at: i64| Span::from_nanos(at.saturating_add(shift));
            Some((on(run.first.nanos()), on(run.last.nanos())))
        };
        let ends: Vec<(Span, Span)> = runs.iter().filter_map(placed).collect();
        reach.from = ends.iter().map(|(from, _)| *from).min().unwrap_or_default() - SLACK;
        reach.to = ends.iter().map(|(_, to)| *to).max().unwrap_or_default() + SLACK;
        reach
    }

    /// The session's first and last instant on this clock; `None` for one that no
    /// message reaches.
    pub(super) fn on(&self, clock: ClockName) -> Option<(Instant<Primary>, Instant<Primary>)> {
        let shift = self.shifts.get(&clock)?.nanos();
        let at = |end: Span| Instant::from_nanos(end.nanos().saturating_sub(shift));
        Some((at(self.from), at(self.to)))
    }
}

/// How far the assistant's clock is ahead of the primary's, to a delay: the middle
/// of what all messages say, so that neither their order nor a wrong one matters.
fn ahead(list: &[Observation]) -> Option<Span> {
    let ahead = |observation: &Observation| match observation.constraint {
        Constraint::Forward { sent, received } => received.nanos().saturating_sub(sent.nanos()),
        Constraint::Backward { sent, received } => sent.nanos().saturating_sub(received.nanos()),
    };
    let mut all: Vec<i64> = list.iter().map(ahead).collect();
    let middle = all.len() / 2;
    if middle >= all.len() {
        return None;
    }
    let (_, median, _) = all.select_nth_unstable(middle);
    Some(Span::from_nanos(*median))
}
