//! What was known of each assistant's clock, and when.
//!
//! The journals hold every message that was heard, so the estimator's whole life
//! can be lived again: what it knew at each instant, and what is known now that
//! the session is over and both directions of time can be used. Rejected: logging
//! estimates while the session runs; they are conclusions, and would be believed.

mod draw;

use std::collections::BTreeMap;

use diptych_protocol::clock::smooth::smooth;
use diptych_protocol::clock::{Constraint, Estimate, Estimator, Observation};
use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::liveness::LinkState;
use diptych_protocol::time::{Instant, Primary, Span};
use diptych_protocol::timeline::{ClockName, observations, with_clocks};

pub(crate) use draw::draw;

/// The most instants at which a clock is looked at.
const SAMPLES: i64 = 600;

/// The life of one pair of clocks.
pub(crate) struct ClockStory {
    /// The primary's clock.
    pub(crate) primary: ClockName,
    /// The assistant's.
    pub(crate) other: ClockName,
    /// Messages from the primary that arrived.
    pub(crate) forward: usize,
    /// Messages from the assistant that arrived.
    pub(crate) backward: usize,
    /// The first and the last instant that a message speaks of.
    pub(crate) from: Instant<Primary>,
    pub(crate) to: Instant<Primary>,
    /// Clock epochs, counted from 1.
    pub(crate) epochs: u32,
    /// Regular looks at it.
    pub(crate) samples: Vec<Sample>,
    /// What the link did meanwhile.
    pub(crate) links: Vec<LinkChange>,
}

/// What was known at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Instant<Primary>,
    /// With the messages up to then.
    pub(crate) then: Option<Estimate>,
    /// With all of them.
    pub(crate) now: Option<Estimate>,
    /// Messages since the sample before.
    pub(crate) messages: usize,
}

/// The link or its network path changed.
#[derive(Clone, Copy)]
pub(crate) struct LinkChange {
    pub(crate) at: Instant<Primary>,
    pub(crate) state: Option<LinkState>,
    pub(crate) path: u32,
}

/// The story of every pair of clocks that exchanged messages.
pub(crate) fn stories(journals: &[Replayed]) -> Vec<ClockStory> {
    let pairs: BTreeMap<_, _> = observations(journals);
    pairs
        .into_iter()
        .filter_map(|((primary, other), mut list)| {
            list.sort_unstable_by_key(|observation| observation.constraint.at());
            let links = links(journals, primary, other.role);
            story(primary, other, &list, links)
        })
        .collect()
}

fn story(
    primary: ClockName,
    other: ClockName,
    list: &[Observation],
    links: Vec<LinkChange>,
) -> Option<ClockStory> {
    let at = |observation: &Observation| observation.constraint.at();
    let (from, to) = (at(list.first()?), at(list.last()?));
    let map = smooth(list, None);
    let step = Span::from_nanos(((to - from).nanos() / SAMPLES).max(500_000_000));
    let mut estimator = Estimator::new();
    let (mut rest, mut samples) = (list.iter().peekable(), Vec::new());
    let mut when = from;
    loop {
        let mut messages = 0;
        while let Some(observation) = rest.next_if(|observation| at(observation) <= when) {
            estimator.take(*observation);
            messages += 1;
        }
        let (then, now) = (estimator.estimate(when), map.estimate(when));
        samples.push(Sample { at: when, then, now, messages });
        if when >= to {
            break;
        }
        when = (when + step).min(to);
    }
    let is_forward = |one: &&Observation| matches!(one.constraint, Constraint::Forward { .. });
    let forward = list.iter().filter(is_forward).count();
    let epochs = estimator.epoch().saturating_add(1);
    let backward = list.len().saturating_sub(forward);
    Some(ClockStory { primary, other, forward, backward, from, to, epochs, samples, links })
}

/// The primary's notes on its link to `peer`, while its own clock was `clock`.
fn links(journals: &[Replayed], clock: ClockName, peer: Role) -> Vec<LinkChange> {
    let mine = journals.iter().flat_map(with_clocks).filter(|(name, _)| *name == clock);
    let change = |(_, entry): (ClockName, &diptych_protocol::journal::Entry)| {
        let Fact::Link { peer: of, state, path } = &entry.fact else { return None };
        let (at, state) = (entry.at.relabelled(), LinkState::from_number(*state));
        (*of == peer).then_some(LinkChange { at, state, path: *path })
    };
    mine.filter_map(change).collect()
}

impl ClockStory {
    /// Messages in one second, on average, in tenths.
    pub(crate) fn tenths_a_second(&self) -> i64 {
        let messages = i64::try_from(self.forward + self.backward).unwrap_or(i64::MAX);
        let length = (self.to - self.from).nanos().max(1);
        messages.saturating_mul(10_000_000_000) / length
    }

    /// The last sample at which all is known.
    pub(crate) fn last(&self) -> Option<&Sample> {
        self.samples.iter().rev().find(|sample| sample.now.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_protocol::clock::Epochs;
    use diptych_protocol::identity::BootId;

    fn name(role: u8) -> ClockName {
        ClockName { role: Role::new(role).unwrap(), device: 1, boot: BootId([role; 16]) }
    }

    /// Messages each half second, both ways, 2 ms on their way, to a clock that
    /// is 30 s ahead and 80 ppm fast.
    fn exchanges(seconds: i64) -> Vec<Observation> {
        let shown = |ns: i64| ns + 30_000_000_000 + ns / 1_000_000 * 80;
        let (here, there) = (Instant::from_nanos, |ns| Instant::from_nanos(shown(ns)));
        let each = (0..seconds * 2).map(|half| half * 500_000_000);
        each.flat_map(|ns| {
            let there_and_back = [
                Constraint::Forward { sent: here(ns), received: there(ns + 2_000_000) },
                Constraint::Backward { sent: there(ns), received: here(ns + 2_000_000) },
            ];
            there_and_back.map(|constraint| Observation { epochs: Epochs::default(), constraint })
        })
        .collect()
    }

    #[test]
    fn a_story_tells_offset_rate_and_a_bound_that_holds_the_truth() {
        let list = exchanges(60);
        let story = story(name(0), name(1), &list, Vec::new()).unwrap();
        assert_eq!((story.forward, story.backward, story.epochs), (120, 120, 1));
        assert!((35..=45).contains(&story.tenths_a_second()), "{}", story.tenths_a_second());
        for sample in &story.samples {
            let truth = 30_000_000_000 + sample.at.nanos() / 1_000_000 * 80;
            for estimate in [sample.then, sample.now].into_iter().flatten() {
                let known = estimate.low.nanos() - 1..=estimate.high.nanos() + 1;
                assert!(known.contains(&truth), "{truth} is not in {known:?}");
            }
        }
        let last = story.last().and_then(|sample| sample.now).unwrap();
        assert!((79_000..81_000).contains(&last.skew_ppb), "{}", last.skew_ppb);
        let picture = draw(&[story]);
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
        assert!(picture.contains("A1"));
    }

    #[test]
    fn nobody_who_never_heard_anything_has_a_story() {
        assert!(story(name(0), name(1), &[], Vec::new()).is_none());
        assert!(stories(&[]).is_empty());
        assert!(draw(&[]).starts_with("<svg"));
    }
}
