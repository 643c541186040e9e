//! Every device's clock, in every boot, laid onto one time.
//!
//! Session time is the primary's clock in the boot in which the plan was
//! written. Any other clock reaches it through the messages that the two
//! journals hold: an assistant's through those it exchanged with the primary, a
//! rebooted primary's through an assistant that lived through the reboot. Each
//! step adds its proven interval, so a placed instant is still a guarantee.
//!
//! Where no message leads to a clock, its wall-clock label is the last resort: it
//! places events within half a minute and says so. Rejected: taking the wall
//! clock as one more measurement; an examinee can set it.

mod epochs;
mod reach;
mod route;
mod track;

use std::collections::BTreeMap;

use crate::clock::{Constraint, Epochs, Observation};
use crate::identity::{BootId, Role};
use crate::join::{InTurn, Join};
use crate::journal::{Entry, Fact, Own, Replayed};
use crate::time::{Instant, Primary, Span};
use epochs::Begun;
use reach::Reach;
pub use route::Basis;
use route::{Edge, Routes};
pub use track::Track;

/// One clock: one boot of one device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClockName {
    /// The seat.
    pub role: Role,
    /// Which device in that seat, counted from 1.
    pub device: u8,
    /// Which boot.
    pub boot: BootId,
}

/// An instant of some device, in session time. `[TIMELINE-2]`
///
/// ```
/// # use diptych_protocol::timeline::Placed;
/// fn shown(placed: &Placed) -> String {
///     format!("{:?} ± {}", placed.at, placed.within())
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Most likely.
    pub at: Instant<Primary>,
    /// Certainly not before, while the clock model holds.
    pub low: Instant<Primary>,
    /// Certainly not after.
    pub high: Instant<Primary>,
    /// What that certainty rests on.
    pub basis: Basis,
}

impl Placed {
    /// How far the truth may be from `at`, either way.
    #[must_use]
    pub fn within(&self) -> Span {
        (self.at - self.low).max(self.high - self.at)
    }
}

/// What one clock's run says of itself in its journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: Instant<Own>,
    last: Instant<Own>,
    /// When the process started, and what the wall clock showed then.
    label: (Instant<Own>, i64),
}

/// All clocks of a session.
#[derive(Clone, Debug)]
pub struct Timeline {
    reference: ClockName,
    runs: BTreeMap<ClockName, Run>,
    begun: Begun,
    routes: Routes,
    observed: BTreeMap<ClockName, u64>,
}

/// The messages that two clocks exchanged: the primary's boot, the other clock.
type Pair = (ClockName, ClockName);

impl Timeline {
    /// Lays all clocks in these journals onto the primary's; `None` without a
    /// primary's journal that holds a record. `[TIMELINE-1]`
    #[must_use]
    pub fn of(journals: &[Replayed]) -> Option<Self> {
        Self::of_with(journals, InTurn)
    }

    /// The same, by as many hands as `join` has.
    #[must_use]
    pub fn of_with(journals: &[Replayed], join: impl Join) -> Option<Self> {
        let primary = journals.iter().find(|journal| journal.header().role.is_primary())?;
        let reference = reference(primary)?;
        let gathered = join.map(journals, Gathered::of);
        let Gathered { runs, mut pairs } =
            gathered.into_iter().fold(Gathered::default(), Gathered::and);
        let begun = Begun::of(journals);
        let mut observed = BTreeMap::new();
        for (pair, list) in &mut pairs {
            begun.sort(*pair, list);
            let count = observed.entry(pair.1).or_insert(0_u64);
            *count = count.saturating_add(list.len() as u64);
        }
        let reach = Reach::of(reference, &runs, &pairs);
        let edges = pairs.into_iter().filter_map(|((primary, other), list)| {
            let cover = reach.on(primary)?;
            Some(Edge::smooth((primary, other), list, cover, &begun, join))
        });
        let walls = runs.iter().map(|(clock, run)| (*clock, run.label.0, run.label.1));
        let routes = Routes::new(reference, edges.collect(), walls);
        Some(Self { reference, runs, begun, routes, observed })
    }

    /// The clock that session time is.
    #[must_use]
    pub const fn reference(&self) -> ClockName {
        self.reference
    }

    /// All clocks, by seat and device.
    pub fn clocks(&self) -> impl Iterator<Item = ClockName> + '_ {
        self.runs.keys().copied()
    }

    /// How many messages tie this clock to the primary's.
    #[must_use]
    pub fn observations(&self, clock: ClockName) -> u64 {
        self.observed.get(&clock).copied().unwrap_or_default()
    }

    /// `at`, by `clock`, in session time; `None` for a clock that no journal
    /// names. `[TIMELINE-2]`
    #[must_use]
    pub fn place(&self, clock: ClockName, at: Instant<Own>) -> Option<Placed> {
        self.routes.place(clock, at)
    }

    /// The gap between two epochs in which `clock` may have stepped between these two
    /// instants of it, so that it did not time what lies between them.
    /// `[TIMELINE-7]`
    #[must_use]
    pub fn stepped(
        &self,
        clock: ClockName,
        from: Instant<Own>,
        to: Instant<Own>,
    ) -> Option<(Instant<Own>, Instant<Own>)> {
        self.routes.stepped(clock, from, to)
    }

    /// Whether `clock` itself tells how long it is between these two instants of it: its
    /// device did not sleep meanwhile, its process did not begin again, and no message
    /// proves that it stepped. `[TIMELINE-7]` `[TIMELINE-8]`
    #[must_use]
    pub fn ran_on(&self, clock: ClockName, from: Instant<Own>, to: Instant<Own>) -> bool {
        self.begun.is_one(clock, from, to) && self.stepped(clock, from, to).is_none()
    }

    /// The rate of `clock` against session time around `at`, in parts per
    /// billion: positive if it runs fast. `None` if no message tells.
    #[must_use]
    pub fn skew_ppb(&self, clock: ClockName, at: Instant<Primary>) -> Option<i64> {
        self.routes.skew_ppb(clock, at)
    }
}

/// The clock in which the first plan was written; else the first clock.
fn reference(primary: &Replayed) -> Option<ClockName> {
    let planned = events(primary).find(|(_, entry)| matches!(entry.fact, Fact::Plan { .. }));
    planned.or_else(|| events(primary).next()).map(|(clock, _)| clock)
}

/// The entries of a journal, each with the clock that its times are read from;
/// those before the first [`Fact::ProcessStarted`] have none and are left out.
pub fn with_clocks(journal: &Replayed) -> impl Iterator<Item = (ClockName, &Entry)> {
    clocked(journal, journal.entries().iter())
}

/// The same of its [events](Replayed::events).
pub fn events(journal: &Replayed) -> impl Iterator<Item = (ClockName, &Entry)> {
    clocked(journal, journal.events())
}

fn clocked<'a>(
    journal: &Replayed,
    entries: impl Iterator<Item = &'a Entry>,
) -> impl Iterator<Item = (ClockName, &'a Entry)> {
    let header = *journal.header();
    let mut boot = None;
    entries.filter_map(move |entry| {
        if let Fact::ProcessStarted { boot: now, .. } = &entry.fact {
            boot = Some(*now);
        }
        let clock = ClockName { role: header.role, device: header.device, boot: boot? };
        Some((clock, entry))
    })
}

/// What journals say of the clocks' runs, and the messages that tie the clocks.
#[derive(Default)]
struct Gathered {
    runs: BTreeMap<ClockName, Run>,
    pairs: BTreeMap<Pair, Vec<Observation>>,
}

impl Gathered {
    /// Of one journal, in one pass: eight hours do not fit into a processor's cache.
    fn of(journal: &Replayed) -> Self {
        let mut gathered = Self::default();
        let mut peers = BTreeMap::new();
        for (own, entry) in with_clocks(journal) {
            note_run(&mut gathered.runs, own, entry);
            sort_messages(&mut gathered.pairs, &mut peers, own, entry);
        }
        gathered
    }

    /// Adds what the next journal says.
    fn and(mut self, next: Self) -> Self {
        for (clock, run) in next.runs {
            let known = self.runs.entry(clock).or_insert(run);
            known.first = known.first.min(run.first);
            known.last = known.last.max(run.last);
        }
        for (pair, mut list) in next.pairs {
            self.pairs.entry(pair).or_default().append(&mut list);
        }
        self
    }
}

fn note_run(runs: &mut BTreeMap<ClockName, Run>, clock: ClockName, entry: &Entry) {
    let run = runs.entry(clock).or_insert_with(|| {
        let mut label = (entry.at, 0);
        if let Fact::ProcessStarted { wall_ms, .. } = &entry.fact {
            label.1 = *wall_ms;
        }
        Run { first: entry.at, last: entry.at, label }
    });
    // Frames are older than the record that commits them.
    if let Fact::Segment { first, .. } = &entry.fact {
        run.first = run.first.min(*first);
    }
    run.last = run.last.max(entry.at);
}

/// The messages that these journals heard, by the two clocks they tie: the
/// primary's, then the assistant's. Each has the clock epochs that sleeps and new
/// starts of the devices began. `[TIMELINE-8]`
#[must_use]
pub fn observations(journals: &[Replayed]) -> BTreeMap<(ClockName, ClockName), Vec<Observation>> {
    let begun = Begun::of(journals);
    let gathered = journals.iter().map(Gathered::of).fold(Gathered::default(), Gathered::and);
    let mut pairs = gathered.pairs;
    for (pair, list) in &mut pairs {
        begun.sort(*pair, list);
    }
    pairs
}

/// Puts the messages of one record to the two clocks they tie.
fn sort_messages(
    pairs: &mut BTreeMap<Pair, Vec<Observation>>,
    peers: &mut BTreeMap<Role, ClockName>,
    own: ClockName,
    entry: &Entry,
) {
    if let Fact::PeerBoot { peer, device, boot } = &entry.fact {
        peers.insert(*peer, ClockName { role: *peer, device: *device, boot: *boot });
    }
    let Fact::ClockHeard { peer, heard } = &entry.fact else { return };
    let Some(theirs) = peers.get(peer).copied() else { return };
    // Two assistants do not exchange messages.
    let pair = match (own.role.is_primary(), theirs.role.is_primary()) {
        (true, false) => (own, theirs),
        (false, true) => (theirs, own),
        (true, true) | (false, false) => return,
    };
    let list = pairs.entry(pair).or_default();
    list.extend(heard.iter().map(|message| {
        let constraint = if own.role.is_primary() {
            Constraint::Backward {
                sent: message.sent.relabelled(),
                received: message.received.relabelled(),
            }
        } else {
            Constraint::Forward {
                sent: message.sent.relabelled(),
                received: message.received.relabelled(),
            }
        };
        Observation { epochs: Epochs::default(), constraint }
    }));
}
