//! One radio path between two phones, as datagrams meet it.
//!
//! What a packet meets depends on the seed, the direction and the 2 ms of true
//! time in which it was sent, not on how many packets were sent before it: two
//! methods with different schedules walk through the same weather. The one
//! exception is real: a radio that sleeps is woken by the traffic of whoever
//! is measured, so that state belongs to each [`Channel`] and a new method
//! gets a new one.
//!
//! Delay = floor + excess of the path + share of the endpoint (the scheduler
//! between the wire and the reading of the clock). Datagrams may overtake each
//! other, as they do on Wi-Fi with several access categories.

use diptych_protocol::time::{Instant, Primary, Span};

use crate::dice::{Dice, Law, whole};

/// Which way a datagram travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the primary to the secondary.
    Forward,
    /// From the secondary to the primary.
    Backward,
}

/// One direction of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// No datagram is faster than this, the endpoint's floor aside.
    pub floor: Span,
    /// Excess delay: a mixture, as (weight, law); weights sum to one.
    pub excess: Vec<(f64, Law)>,
    /// Extra delay of rare datagrams, as (probability, law).
    pub spike: (f64, Law),
    /// Probability that a datagram is lost for no reason.
    pub loss: f64,
}

/// Everything that can happen to datagrams.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Towards the secondary.
    pub forward: Leg,
    /// Towards the primary.
    pub backward: Leg,
    /// Share of the receiving endpoint.
    pub endpoint: Endpoint,
    /// Nothing gets through, as (from, until) since the start, in order.
    pub outages: Vec<(Span, Span)>,
    /// From `.0` on, the forward floor is `.1` longer.
    pub reroute: Option<(Span, Span)>,
    /// The radio leaves the channel regularly; datagrams wait.
    pub scan: Option<Scan>,
    /// Receivers sleep when nothing happens.
    pub doze: Option<Doze>,
    /// The forward queue fills now and then.
    pub congestion: Option<Congestion>,
    /// Losses come in bursts.
    pub fading: Option<Fading>,
}

/// What lies between the wire and the reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Endpoint {
    /// Always.
    pub floor: Span,
    /// Mean of an exponential on top.
    pub jitter: Span,
    /// Rare hiccups, as (probability, law).
    pub hiccup: (f64, Law),
}

/// A radio that scans for other networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// From one scan to the next.
    pub every: Span,
    /// How long it is away.
    pub away: Span,
}

/// Power save of both stations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doze {
    /// Silence after which a radio sleeps.
    pub after: Span,
    /// A sleeping radio listens this often.
    pub beacon: Span,
}

/// A queue that is on and off, with exponential spells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Congestion {
    /// Mean length of a busy spell.
    pub busy: Span,
    /// Mean length of a free spell.
    pub free: Span,
    /// Delay in a busy spell: at least this…
    pub least: Span,
    /// …and this on top.
    pub more: Law,
}

/// A two-state (Gilbert–Elliott) channel, stepped every 50 ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fading {
    /// Probability per step of turning bad.
    pub worsen: f64,
    /// Probability per step of turning good.
    pub recover: f64,
    /// Loss while bad.
    pub loss: f64,
    /// Extra delay while bad.
    pub more: Law,
}

/// A path of one seed under some [`Conditions`], with the state that one
/// method's traffic gives it.
#[derive(Clone, Debug)]
pub struct Channel {
    seed: u64,
    start: Instant<Primary>,
    conditions: Conditions,
    /// Ends of alternating busy and free spells, the first one free.
    spells: Vec<Span>,
    /// Whether each 50 ms step is bad.
    bad: Vec<bool>,
    beacon_phase: Span,
    /// Radios of the primary and the secondary.
    radios: [Radio; 2],
}

/// A radio that may sleep.
#[derive(Clone, Copy, Debug)]
struct Radio {
    /// Awake until then, unless something keeps it awake longer.
    awake_until: Instant<Primary>,
    /// Asleep until then, for datagrams sent before: a beacon announces them.
    wakes_at: Instant<Primary>,
}

const SLOT: i64 = 2_000_000;
const FADING_STEP: i64 = 50_000_000;

const DELAY: u64 = 0xc4a0_0001;
const SPELLS: u64 = 0xc4a0_0003;
const FADES: u64 = 0xc4a0_0004;
const BEACON: u64 = 0xc4a0_0005;

impl Channel {
    /// The path of `seed`, for `lasting` from `start`.
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions, start: Instant<Primary>, lasting: Span) -> Self {
        let spells = conditions.congestion.map(|c| spells(seed, &c, lasting)).unwrap_or_default();
        let bad = conditions.fading.map(|f| fades(seed, &f, lasting)).unwrap_or_default();
        let phase = conditions.doze.map_or(0, |doze| {
            whole(Dice::keyed(seed, BEACON, 0).between(0.0, doze.beacon.nanos() as f64))
        });
        let radio = Radio { awake_until: start, wakes_at: start };
        let beacon_phase = Span::from_nanos(phase);
        Self { seed, start, conditions, spells, bad, beacon_phase, radios: [radio; 2] }
    }

    /// Sends one datagram at `sent`; returns when the receiver has read its
    /// clock, or `None` if it never does.
    ///
    /// Calls must be made in the order of `sent`.
    pub fn carry(
        &mut self,
        direction: Direction,
        sent: Instant<Primary>,
    ) -> Option<Instant<Primary>> {
        let since = sent - self.start;
        let subject = DELAY + (u64::from(direction == Direction::Backward) << 32);
        let slot = (since.nanos() / SLOT).unsigned_abs();
        let mut dice = Dice::keyed(self.seed, subject, slot);
        self.wake_sender(direction, sent);

        let bad = self.is_bad(since);
        let fading = self.conditions.fading.filter(|_| bad);
        let leg = match direction {
            Direction::Forward => &self.conditions.forward,
            Direction::Backward => &self.conditions.backward,
        };
        let loss = fading.map_or(leg.loss, |fading| fading.loss);
        let cut =
            self.conditions.outages.iter().any(|(from, until)| since >= *from && since < *until);
        if dice.chance(loss) || cut {
            return None;
        }
        let mut delay = leg.floor + mixture(&mut dice, &leg.excess) + rare(&mut dice, leg.spike);
        if let Some(fading) = fading {
            delay += dice.draw(fading.more);
        }
        if direction == Direction::Forward {
            if let Some((_, longer)) = self.conditions.reroute.filter(|(from, _)| since >= *from) {
                delay += longer;
            }
            if let Some(queue) = self.conditions.congestion.filter(|_| self.is_busy(since)) {
                delay += queue.least + dice.draw(queue.more);
            }
        }
        let endpoint = self.conditions.endpoint;
        delay += endpoint.floor + dice.draw(Law::Exponential { mean: endpoint.jitter });
        delay += rare(&mut dice, endpoint.hiccup);

        let arrival = self.released(direction, self.scanned(sent)) + delay;
        self.keep_awake(receiver(direction), arrival);
        Some(arrival)
    }

    /// The least delay possible at `at`, endpoint included.
    #[must_use]
    pub fn floor(&self, direction: Direction, at: Instant<Primary>) -> Span {
        let endpoint = self.conditions.endpoint.floor;
        match direction {
            Direction::Backward => self.conditions.backward.floor + endpoint,
            Direction::Forward => {
                let reroute = self.conditions.reroute.filter(|(from, _)| at - self.start >= *from);
                let longer = reroute.map_or(Span::ZERO, |(_, longer)| longer);
                self.conditions.forward.floor + longer + endpoint
            }
        }
    }

    fn is_busy(&self, since: Span) -> bool {
        self.spells.partition_point(|end| *end <= since) % 2 == 1
    }

    fn is_bad(&self, since: Span) -> bool {
        usize::try_from(since.nanos() / FADING_STEP)
            .ok()
            .and_then(|step| self.bad.get(step).copied())
            .unwrap_or(false)
    }

    /// When a datagram ready at `ready` gets past a scanning radio.
    fn scanned(&self, ready: Instant<Primary>) -> Instant<Primary> {
        let Some(scan) = self.conditions.scan else { return ready };
        // The first scan comes one period after the start.
        let since = (ready - self.start).nanos();
        let into = Span::from_nanos(since.rem_euclid(scan.every.nanos().max(1)));
        if since >= scan.every.nanos() && into < scan.away {
            return ready + (scan.away - into);
        }
        ready
    }

    /// When the receiver's radio takes a datagram that is ready at `ready`.
    fn released(&mut self, direction: Direction, ready: Instant<Primary>) -> Instant<Primary> {
        let Some(doze) = self.conditions.doze else { return ready };
        let phase = self.beacon_phase;
        let start = self.start;
        let Some(radio) = self.radios.get_mut(receiver(direction)) else { return ready };
        if ready < radio.wakes_at {
            return radio.wakes_at;
        }
        if ready < radio.awake_until {
            return ready;
        }
        let beacon = doze.beacon.nanos().max(1);
        let past = (ready - start - phase).nanos().rem_euclid(beacon);
        radio.wakes_at = ready + Span::from_nanos(beacon - past);
        radio.wakes_at
    }

    fn wake_sender(&mut self, direction: Direction, sent: Instant<Primary>) {
        let sender = 1 - receiver(direction);
        if let Some(radio) = self.radios.get_mut(sender) {
            radio.wakes_at = radio.wakes_at.min(sent);
        }
        self.keep_awake(sender, sent);
    }

    fn keep_awake(&mut self, station: usize, active: Instant<Primary>) {
        let Some(doze) = self.conditions.doze else { return };
        if let Some(radio) = self.radios.get_mut(station) {
            radio.awake_until = radio.awake_until.max(active + doze.after);
        }
    }
}

/// The index in [`Channel::radios`] of who receives.
fn receiver(direction: Direction) -> usize {
    usize::from(direction == Direction::Forward)
}

fn mixture(dice: &mut Dice, laws: &[(f64, Law)]) -> Span {
    let mut left = dice.unit();
    for (weight, law) in laws {
        left -= weight;
        if left <= 0.0 {
            return dice.draw(*law);
        }
    }
    // The weights' sum was rounded below one.
    laws.last().map_or(Span::ZERO, |(_, law)| dice.draw(*law))
}

fn rare(dice: &mut Dice, (probability, law): (f64, Law)) -> Span {
    if dice.chance(probability) { dice.draw(law) } else { Span::ZERO }
}

fn spells(seed: u64, congestion: &Congestion, lasting: Span) -> Vec<Span> {
    let mut ends = Vec::new();
    let mut end = Span::ZERO;
    let mut place = 0;
    while end < lasting {
        let mean = if place % 2 == 0 { congestion.free } else { congestion.busy };
        end += Dice::keyed(seed, SPELLS, place).draw(Law::Exponential { mean });
        ends.push(end);
        place += 1;
    }
    ends
}

fn fades(seed: u64, fading: &Fading, lasting: Span) -> Vec<bool> {
    let steps = (lasting.nanos() / FADING_STEP).max(0).unsigned_abs() + 1;
    let mut bad = false;
    (0..steps)
        .map(|step| {
            let mut dice = Dice::keyed(seed, FADES, step);
            bad = if bad { !dice.chance(fading.recover) } else { dice.chance(fading.worsen) };
            bad
        })
        .collect()
}

#[cfg(test)]
mod tests;
