//! What was known of each assistant's clock, and when.
//!
//! The journals hold every message that was heard, so the estimator's whole life
//! can be lived again: what it knew at each instant, and what is known now that
//! the session is over and both directions of time can be used. Rejected: logging
//! estimates while the session runs; they are conclusions, and would be believed.

mod draw;
mod known;
mod page;

use std::collections::BTreeMap;

use diptych_protocol::clock::smooth::smooth_with;
use diptych_protocol::clock::{Constraint, Estimate, Estimator, Map, Observation, Observed};
use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::liveness::LinkState;
use diptych_protocol::time::{Instant, Primary, Span};
use diptych_protocol::timeline::{ClockName, observations, with_clocks};

use crate::command::counted;
use crate::share::Shared;

pub(crate) use draw::draw;
pub(crate) use known::{Known, known};

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
    /// Where clock epochs after the first begin.
    pub(crate) epochs: Vec<EpochStart>,
    /// Regular looks at it.
    pub(crate) samples: Vec<Sample>,
    /// What else happened meanwhile, in order.
    pub(crate) events: Vec<Event>,
}

/// A clock began anew: it stepped, or slept without counting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EpochStart {
    /// The first message of the new epoch.
    pub(crate) at: Instant<Primary>,
    /// When the primary knew; `None` if only all messages together prove it.
    pub(crate) known: Option<Instant<Primary>>,
}

/// What was known at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Instant<Primary>,
    /// With the messages that the primary knew of by then.
    pub(crate) then: Option<Estimate>,
    /// With all of them.
    pub(crate) now: Option<Estimate>,
    /// Messages since the sample before.
    pub(crate) messages: usize,
}

/// Something that may bear on the clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant<Primary>,
    pub(crate) what: What,
}

/// What it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// The link, or its network path, is another.
    Link { state: Option<LinkState>, path: u32 },
    /// This device's system reported another network or address.
    NetworkChanged(Role),
    /// This device slept so long, and its clock counted it.
    Slept(Role, Span),
}

/// The story of every pair of clocks that exchanged messages.
pub(crate) fn stories(journals: &[Replayed]) -> Vec<ClockStory> {
    let pairs: BTreeMap<_, _> = observations(journals);
    pairs
        .into_iter()
        .filter_map(|((primary, other), mut list)| {
            list.sort_unstable_by_key(|observation| observation.constraint.at());
            let map = smooth_with(list.clone(), None, Shared);
            let mut story = story(primary, other, &list, &map)?;
            story.events = events(journals, primary, other, &map);
            Some(story)
        })
        .collect()
}

fn story(
    primary: ClockName,
    other: ClockName,
    list: &[Observation],
    map: &Map,
) -> Option<ClockStory> {
    let at = |observation: &Observation| observation.constraint.at();
    let (from, to) = (at(list.first()?), at(list.last()?));
    let step = Span::from_nanos(((to - from).nanos() / SAMPLES).max(500_000_000));
    let (mut estimator, mut proven) = (Estimator::new(), Vec::new());
    let (mut known, mut passed) = (known(list).into_iter().peekable(), list.iter().peekable());
    let (mut samples, mut when) = (Vec::new(), from);
    loop {
        while let Some(Known { at, observation }) = known.next_if(|one| one.at <= when) {
            let first = estimator.latest_instant().is_none();
            if estimator.take(observation) == Observed::NewEpoch && !first {
                proven.push(at);
            }
        }
        let messages = core::iter::from_fn(|| passed.next_if(|one| at(one) <= when)).count();
        let (then, now) = (estimator.estimate(when), map.estimate(when));
        samples.push(Sample { at: when, then, now, messages });
        if when >= to {
            break;
        }
        when = (when + step).min(to);
    }
    let is_forward = |one: &&Observation| matches!(one.constraint, Constraint::Forward { .. });
    let forward = list.iter().filter(is_forward).count();
    let backward = list.len().saturating_sub(forward);
    let (epochs, events) = (epochs(map, &proven), Vec::new());
    Some(ClockStory { primary, other, forward, backward, from, to, epochs, samples, events })
}

/// Where the map begins anew, each beside the first proof after it.
fn epochs(map: &Map, proven: &[Instant<Primary>]) -> Vec<EpochStart> {
    let later = map.stretches().iter().skip(1).filter_map(|stretch| stretch.knots().first());
    let starts: Vec<_> = later.map(|knot| knot.at).collect();
    let ends = starts.iter().skip(1).copied().chain([Instant::MAX]);
    let known = |at, end| proven.iter().copied().find(|proof| *proof >= at && *proof < end);
    starts
        .iter()
        .zip(ends)
        .map(|(at, end)| EpochStart { at: *at, known: known(*at, end) })
        .collect()
}

/// What both devices noted of their link and their sleep, while these were their
/// clocks.
fn events(journals: &[Replayed], primary: ClockName, other: ClockName, map: &Map) -> Vec<Event> {
    let mut events = Vec::new();
    for (clock, entry) in journals.iter().flat_map(with_clocks) {
        let at = if clock == primary {
            entry.at.relabelled()
        } else if clock == other {
            let Some(placed) = map.to_primary(entry.at.relabelled()) else { continue };
            placed.at
        } else {
            continue;
        };
        let what = if let Fact::Link { peer, state, path } = &entry.fact {
            if clock != primary || *peer != other.role {
                continue;
            }
            What::Link { state: LinkState::from_number(*state), path: *path }
        } else if matches!(entry.fact, Fact::NetworkChanged {}) {
            What::NetworkChanged(clock.role)
        } else if let Fact::Slept { span } = &entry.fact {
            What::Slept(clock.role, *span)
        } else {
            continue;
        };
        events.push(Event { at, what });
    }
    events.sort_by_key(|event| event.at);
    events
}

impl What {
    /// In a few words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Link { state, path } => {
                format!("link {}, path {path}", state.map_or("unknown", LinkState::name))
            }
            Self::NetworkChanged(role) => format!("{role}: another network"),
            Self::Slept(role, span) => format!("{role}: slept {} s", span.nanos() / 1_000_000_000),
        }
    }
}

impl ClockStory {
    /// How many epochs its clocks had, in words.
    pub(crate) fn epochs_told(&self) -> String {
        counted(self.epochs.len() + 1, "clock epoch")
    }

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

    fn told(list: &[Observation]) -> Option<ClockStory> {
        story(name(0), name(1), list, &smooth_with(list.to_vec(), None, Shared))
    }

    #[test]
    fn a_story_tells_offset_rate_and_a_bound_that_holds_the_truth() {
        let list = exchanges(60);
        let story = told(&list).unwrap();
        assert_eq!((story.forward, story.backward, story.epochs.len()), (120, 120, 0));
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
    fn a_step_of_a_clock_is_an_epoch_at_its_instant_and_known_soon_after() {
        // [CLOCK-11] [CLOCK-26]: 45 s lost at 30 s.
        let mut list = exchanges(60);
        let stepped = list.split_off(120);
        let back = Span::from_secs(45);
        list.extend(stepped.into_iter().map(|one| {
            let constraint = match one.constraint {
                Constraint::Forward { sent, received } => {
                    Constraint::Forward { sent, received: received - back }
                }
                Constraint::Backward { sent, received } => {
                    Constraint::Backward { sent: sent - back, received }
                }
            };
            Observation { constraint, ..one }
        }));
        let story = told(&list).unwrap();
        let [EpochStart { at, known }] = story.epochs.as_slice() else {
            panic!("one epoch begins: {:?}", story.epochs)
        };
        let (step, soon) = (Instant::from_nanos(30_000_000_000), Span::from_secs(2));
        assert!(*at >= step && *at - step < soon, "{at:?}");
        assert!(known.is_some_and(|known| known >= *at && known - *at < soon), "{known:?}");
        for sample in story.samples.iter().filter(|sample| sample.at >= step + soon) {
            for offset in [sample.then.unwrap().offset, sample.now.unwrap().offset] {
                assert!((offset + Span::from_secs(15)).abs() < Span::from_millis(10), "{offset}");
            }
        }
        let picture = draw(&[story]);
        assert!(picture.contains("epoch 2"), "{picture}");
    }

    #[test]
    fn nobody_who_never_heard_anything_has_a_story() {
        assert!(told(&[]).is_none());
        assert!(stories(&[]).is_empty());
        assert!(draw(&[]).starts_with("<svg"));
    }
}
