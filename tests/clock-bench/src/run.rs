//! One method, one seed, one scenario: the event loop and its observations.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use diptych_protocol::time::{Instant, Primary, Secondary, Span};
use diptych_tests::channel::{Channel, Direction};
use diptych_tests::dice::Dice;
use diptych_tests::oscillator::{Oscillator, Upset};
use diptych_tests::scenario::Scenario;

use crate::method::{Asked, Body, Method, Side};

/// The primary has been up for an hour.
pub(crate) const START: Instant<Primary> = Instant::from_nanos(3_600_000_000_000);

/// Accuracy is scored from here on: what comes before is convergence.
pub(crate) const SETTLED: Span = Span::from_secs(60);

/// From a datagram's arrival to its answer's departure, at least and at most.
const TURNAROUND_MICROS: (f64, f64) = (20.0, 80.0);
const TURNAROUND: u64 = 0xbe7c_0001;

/// What one method said at one instant, next to the truth; nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// Since the start.
    pub(crate) since: i64,
    /// Belief minus truth.
    pub(crate) error: i64,
    /// The claimed bound, relative to the truth: contains zero if it holds.
    pub(crate) bound: Option<(i64, i64)>,
    /// Claimed standard deviation.
    pub(crate) sigma: Option<i64>,
}

/// What to keep of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Every observation.
    Observations,
    /// Only how often the bound held: for more instants than memory.
    Counts,
}

/// How often a bound held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Instants with a bound, while the truth was knowable.
    pub(crate) instants: u64,
    /// Those at which it did not contain the truth.
    pub(crate) violations: u64,
    /// Greatest distance of the truth from the bound's middle, in half-widths.
    pub(crate) worst_ratio: f64,
    /// Sum of the half-widths, µs.
    pub(crate) halves: f64,
}

impl Counts {
    /// Adds a bound that was given relative to the truth.
    pub(crate) fn add(&mut self, (low, high): (i64, i64)) {
        let half = (high as f64 - low as f64) / 2e3;
        self.instants += 1;
        self.violations += u64::from(low > 0 || high < 0);
        self.halves += half;
        if half > 0.0 {
            let off = (low as f64 + high as f64).abs() / 2e3;
            self.worst_ratio = self.worst_ratio.max(off / half);
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Where the method had something to say.
    pub(crate) observations: Vec<Observation>,
    /// Instead of them, if only counts were kept.
    pub(crate) counts: Counts,
    /// Mean of the two directions' floors over all instants: no two-way method
    /// can prove a half-width below it.
    pub(crate) floor: f64,
    /// Questions sent, or datagrams of both sides halved.
    pub(crate) exchanges: f64,
    /// Bytes of both sides.
    pub(crate) bytes: u64,
    /// When, since the start, the primary heard the first datagram after the
    /// last upset.
    pub(crate) heard_again: Option<i64>,
}

/// A pair of clocks and the path between them.
pub(crate) struct World {
    channel: Channel,
    oscillator: Oscillator,
    seed: u64,
    lasting: Span,
    /// When the secondary's system reports another access point.
    roams: Vec<Span>,
    /// As in the scenario.
    unknowable: Vec<(Span, Span)>,
    /// When the last upset was over.
    calm: Option<Span>,
}

#[derive(Debug)]
enum Happening {
    Arrival(Side, Body),
    /// An endpoint has digested an arrival.
    Answer(Side),
    /// A side's own timer; stale unless it is the latest of that side.
    Timer(Side, u64),
    /// The secondary's system reports another access point.
    Roamed,
}

/// The timer of one side.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    wish: Option<i64>,
    latest: u64,
}

/// Queued happenings, soonest first; ties in the order they were made.
#[derive(Default)]
struct Agenda {
    heap: BinaryHeap<Reverse<(Instant<Primary>, usize)>>,
    happenings: Vec<Option<Happening>>,
}

impl Agenda {
    fn add(&mut self, at: Instant<Primary>, happening: Happening) {
        self.heap.push(Reverse((at, self.happenings.len())));
        self.happenings.push(Some(happening));
    }

    fn next(&mut self) -> Option<(Instant<Primary>, Happening)> {
        let Reverse((at, index)) = self.heap.pop()?;
        Some((at, self.happenings.get_mut(index)?.take()?))
    }
}

impl World {
    pub(crate) fn new(scenario: &Scenario, seed: u64, lasting: Span) -> Self {
        let scenario = scenario.clone().for_seed(seed);
        let calm = scenario.upsets.iter().map(|upset| match *upset {
            Upset::Step { at, .. } => at,
            Upset::Slew { until, .. } => until,
        });
        let (roams, unknowable) = (scenario.roams.clone(), scenario.unknowable.clone());
        let calm = calm.max().filter(|calm| *calm < lasting);
        let oscillator = Oscillator::new(seed, &scenario.wander, &scenario.upsets, START, lasting);
        let channel = Channel::new(seed, scenario.conditions, START, lasting);
        Self { channel, oscillator, seed, lasting, roams, unknowable, calm }
    }

    /// Runs `method` to the end and asks it about `instants`.
    pub(crate) fn run(mut self, method: &mut dyn Method, instants: &[Span], keep: Keep) -> Outcome {
        let mut outcome = Outcome::default();
        let mut agenda = Agenda::default();
        let mut timers = [Timer::default(); 2];
        self.plan(method, &mut timers, START, &mut agenda);
        for roam in &self.roams {
            agenda.add(START + *roam, Happening::Roamed);
        }
        let live = method.asked() == Asked::Live;
        let mut asked = instants.iter().peekable();
        let end = START + self.lasting;
        while let Some((at, happening)) = agenda.next().filter(|(at, _)| *at < end) {
            while let Some(since) = asked.next_if(|since| live && START + **since < at) {
                self.ask(method, *since, keep, &mut outcome);
            }
            if let Happening::Timer(side, number) = happening {
                let timer = &mut timers[side as usize];
                if number != timer.latest {
                    continue;
                }
                timer.wish = None;
            }
            self.happen(method, at, &happening, &mut agenda, &mut outcome);
            self.plan(method, &mut timers, at, &mut agenda);
        }
        method.finish();
        for since in asked {
            self.ask(method, *since, keep, &mut outcome);
        }
        outcome.floor = mean(instants.iter().map(|since| {
            let floor = |direction| self.channel.floor(direction, START + *since).nanos() as f64;
            (floor(Direction::Forward) + floor(Direction::Backward)) / 2.0
        }));
        outcome
    }

    fn happen(
        &mut self,
        method: &mut dyn Method,
        at: Instant<Primary>,
        happening: &Happening,
        agenda: &mut Agenda,
        outcome: &mut Outcome,
    ) {
        match happening {
            Happening::Roamed => method.network_changed(Side::Secondary),
            Happening::Arrival(side, body) => {
                if *side == Side::Primary && self.calm.is_some_and(|calm| at - START >= calm) {
                    outcome.heard_again.get_or_insert((at - START).nanos());
                }
                method.receive(*side, self.read(*side, at), body);
                agenda.add(at + self.turnaround(at), Happening::Answer(*side));
            }
            Happening::Answer(side) | Happening::Timer(side, _) => {
                let now = self.read(*side, at);
                while let Some(packet) = method.transmit(*side, now) {
                    outcome.bytes += u64::from(packet.bytes);
                    outcome.exchanges += 0.5;
                    if let Some(arrival) = self.channel.carry(side.sends(), at) {
                        agenda.add(arrival, Happening::Arrival(side.other(), packet.body));
                    }
                }
            }
        }
    }

    /// Sets both sides' timers to their wishes.
    fn plan(
        &self,
        method: &dyn Method,
        timers: &mut [Timer; 2],
        now: Instant<Primary>,
        agenda: &mut Agenda,
    ) {
        for side in [Side::Primary, Side::Secondary] {
            let timer = &mut timers[side as usize];
            let wish = method.wake(side).filter(|wish| *wish < i64::MAX);
            if wish == timer.wish {
                continue;
            }
            timer.wish = wish;
            timer.latest += 1;
            if let Some(wish) = wish {
                let at = match side {
                    Side::Primary => Instant::from_nanos(wish),
                    Side::Secondary => self.oscillator.when(Instant::from_nanos(wish), now),
                };
                // Not at once: a thread has to be woken, and time has to pass.
                let at = at.max(now + Span::from_micros(10));
                agenda.add(at, Happening::Timer(side, timer.latest));
            }
        }
    }

    fn ask(&self, method: &mut dyn Method, since: Span, keep: Keep, outcome: &mut Outcome) {
        let at = START + since;
        if keep == Keep::Counts {
            let unknowable = |(from, until): &(Span, Span)| since >= *from && since < *until;
            let bound = method.bound(at.nanos());
            if let Some((low, high)) = bound.filter(|_| !self.unknowable.iter().any(unknowable)) {
                let truth = self.oscillator.offset(at).nanos();
                outcome.counts.add((low - truth, high - truth));
            }
            return;
        }
        let Some(reading) = method.reading(at.nanos()) else { return };
        let truth = self.oscillator.offset(at).nanos();
        outcome.observations.push(Observation {
            since: since.nanos(),
            error: reading.offset - truth,
            bound: reading.bound.map(|(low, high)| (low - truth, high - truth)),
            sigma: reading.sigma,
        });
    }

    fn read(&self, side: Side, at: Instant<Primary>) -> i64 {
        match side {
            Side::Primary => at.nanos(),
            Side::Secondary => self.oscillator.reading(at).relabelled::<Secondary>().nanos(),
        }
    }

    fn turnaround(&self, at: Instant<Primary>) -> Span {
        let slot = (at - START).nanos().unsigned_abs() / 2_000_000;
        let (least, most) = TURNAROUND_MICROS;
        let micros = Dice::keyed(self.seed, TURNAROUND, slot).between(least, most);
        diptych_tests::dice::scaled(Span::from_micros(1), micros)
    }
}

/// When to ask: every 10 ms of the first 5 s and of the 10 s after an upset,
/// else every `apart`.
pub(crate) fn instants(scenario: &Scenario, lasting: Span, apart: Span) -> Vec<Span> {
    let dense = Span::from_millis(10);
    let mut instants = Vec::new();
    let mut at = dense;
    while at < lasting {
        instants.push(at);
        let after_upset = scenario.unknowable.iter().any(|(_, until)| {
            at >= *until - Span::from_secs(5) && at < *until + Span::from_secs(5)
        });
        at += if at < Span::from_secs(5) || after_upset { dense.min(apart) } else { apart };
    }
    instants
}

/// Every `apart`, all along.
pub(crate) fn evenly(lasting: Span, apart: Span) -> Vec<Span> {
    let count = lasting.nanos() / apart.nanos().max(1);
    (1..count).map(|index| apart.times(index)).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}
