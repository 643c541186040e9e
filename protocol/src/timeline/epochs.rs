//! In which clock epochs each message of a session was sent and heard.
//!
//! A journal tells when its device slept and when its process began. Each begins a
//! clock epoch: in sleep another oscillator counts, and who was not running has not
//! seen whether the device slept. A message carries a reading of either clock, so its
//! epochs are known whenever and by whomever it was written down. Rejected: keeping
//! the epochs of the stamps in journals (eight bytes more for each message, to say
//! what is there already), and placing sleeps on the other clock (that takes the map
//! which is to be made).

use std::collections::{BTreeMap, BTreeSet};

use super::{ClockName, Pair, events};
use crate::clock::{Constraint, Epoch, Epochs, Observation};
use crate::journal::{Fact, Own, Replayed};
use crate::limits;
use crate::time::{Instant, Primary, Secondary, Span};

/// Where every clock's epochs after its first begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun {
    /// All of them, by the clock whose they are, in order.
    all: BTreeMap<ClockName, Vec<Instant<Own>>>,
    /// Only those that a sleep began.
    sleeps: BTreeMap<ClockName, Vec<Instant<Own>>>,
}

impl Begun {
    /// By what the journals tell. `[TIMELINE-8]`
    pub(super) fn of(journals: &[Replayed]) -> Self {
        let mut begun = Self::default();
        for (clock, entry) in journals.iter().flat_map(events) {
            let at = if let Fact::Slept { span } = &entry.fact {
                // Noticed a moment after it ended: its middle is surely in it.
                let middle = entry.at - Span::from_nanos(span.nanos() / 2);
                begun.sleeps.entry(clock).or_default().push(middle);
                middle
            } else if matches!(entry.fact, Fact::ProcessStarted { .. }) {
                entry.at
            } else {
                continue;
            };
            begun.all.entry(clock).or_default().push(at);
        }
        for list in begun.all.values_mut().chain(begun.sleeps.values_mut()) {
            list.sort_unstable();
            list.truncate(limits::CLOCK_EPOCHS);
        }
        begun
    }

    /// The middle of each sleep of this clock's device.
    pub(super) fn sleeps(&self, clock: ClockName) -> &[Instant<Own>] {
        self.sleeps.get(&clock).map_or(&[], Vec::as_slice)
    }

    /// Whether both instants are of one epoch of this clock.
    pub(super) fn is_one(&self, clock: ClockName, from: Instant<Own>, to: Instant<Own>) -> bool {
        self.all.get(&clock).is_none_or(|list| number(list, from) == number(list, to))
    }

    /// In which epochs these messages, of both directions, tie the two clocks.
    pub(super) fn spoken(&self, (primary, other): Pair, list: &[Observation]) -> Spoken {
        let (mut forward, mut backward) = (BTreeSet::new(), BTreeSet::new());
        for Observation { epochs, constraint } in list {
            let seen = match constraint {
                Constraint::Forward { .. } => &mut forward,
                Constraint::Backward { .. } => &mut backward,
            };
            seen.insert((epochs.primary.clock, epochs.secondary.clock));
        }
        let known = forward.intersection(&backward).copied().collect();
        let begun = |clock| self.all.get(&clock).cloned().unwrap_or_default();
        Spoken { primary: begun(primary), other: begun(other), known }
    }

    /// Gives every message its epochs. `[CLOCK-12]`
    pub(super) fn sort(&self, (primary, other): Pair, list: &mut [Observation]) {
        let none = Vec::new();
        let [primary, other] = [primary, other].map(|clock| self.all.get(&clock).unwrap_or(&none));
        if primary.len().max(other.len()) < 2 {
            return;
        }
        for one in list {
            let (here, there) = match one.constraint {
                Constraint::Forward { sent, received } => {
                    (sent.relabelled(), received.relabelled())
                }
                Constraint::Backward { sent, received } => {
                    (received.relabelled(), sent.relabelled())
                }
            };
            let epoch = |list, at| Epoch { clock: number(list, at), path: 0 };
            one.epochs = Epochs { primary: epoch(primary, here), secondary: epoch(other, there) };
        }
    }
}

/// The clock epochs in which two clocks exchanged messages in both directions.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    primary: Vec<Instant<Own>>,
    other: Vec<Instant<Own>>,
    /// The numbers of both, in order.
    known: Vec<(u16, u16)>,
}

impl Spoken {
    /// What the sleeps may have made of the distance between the clocks, from the
    /// nearest epoch in which messages showed it to that of this moment. `[TIMELINE-9]`
    pub(super) fn apart(&self, primary: Instant<Primary>, other: Instant<Secondary>) -> Span {
        if self.primary.len().max(self.other.len()) < 2 {
            return Span::ZERO;
        }
        let here = number(&self.primary, primary.relabelled());
        let now = (here, number(&self.other, other.relabelled()));
        let after = self.known.partition_point(|known| *known < now);
        let near = self.known.get(after.saturating_sub(1)..).unwrap_or_default().iter().take(2);
        let between = |(here, there): &(u16, u16)| {
            u32::from(here.abs_diff(now.0)) + u32::from(there.abs_diff(now.1))
        };
        let sleeps = near.map(between).min().unwrap_or_default();
        Span::from_nanos(limits::SLEEP_UNCERTAINTY.nanos().saturating_mul(sleeps.into()))
    }
}

/// How many epochs have begun by `at`.
fn number(list: &[Instant<Own>], at: Instant<Own>) -> u16 {
    let begun = list.partition_point(|begun| *begun <= at);
    u16::try_from(begun).unwrap_or(u16::MAX)
}
