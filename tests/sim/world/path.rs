//! The way between an assistant and the primary: slow, lossy, sometimes gone.

use diptych_protocol::machine::Lane;
use diptych_protocol::time::Span;

use crate::dice::{Dice, Law, whole};

/// How a path treats what is sent on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// The least delay to the primary.
    pub up: Span,
    /// The least delay to the assistant.
    pub down: Span,
    /// The mean of what comes on top; this also reorders datagrams.
    pub jitter: Span,
    /// The part of all packets that is lost.
    pub loss: f64,
    /// The part of all datagrams that arrives twice.
    pub duplicates: f64,
}

impl Conditions {
    /// A cable.
    pub const CABLE: Self = Self {
        up: Span::from_micros(200),
        down: Span::from_micros(200),
        jitter: Span::from_micros(20),
        loss: 0.0,
        duplicates: 0.0,
    };
    /// A household's Wi-Fi.
    pub const WIFI: Self = Self {
        up: Span::from_micros(1_500),
        down: Span::from_micros(1_200),
        jitter: Span::from_millis(3),
        loss: 0.01,
        duplicates: 0.002,
    };

    /// Wi-Fi of any quality, up to hardly usable.
    #[must_use]
    pub fn drawn(dice: &mut Dice) -> Self {
        let slow = dice.chance(0.3);
        let most = if slow { 40_000_000 } else { 4_000_000 };
        let any = Law::Uniform { low: Span::from_micros(200), high: Span::from_nanos(most) };
        Self {
            up: dice.draw(any),
            down: dice.draw(any),
            jitter: dice.draw(any),
            loss: dice.between(0.0, if slow { 0.1 } else { 0.02 }),
            duplicates: dice.between(0.0, 0.01),
        }
    }
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Up,
    Down,
}

/// One assistant's path, with all its outages.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) conditions: Conditions,
    outages: Vec<(i64, i64)>,
}

/// A retransmission comes about this much later than the round trip.
const PATIENCE: Span = Span::from_millis(25);

impl Path {
    pub(super) fn new(conditions: Conditions, outages: Vec<(i64, i64)>) -> Self {
        Self { conditions, outages }
    }

    /// The path is gone from `at` on.
    pub(super) fn breaks(&mut self, at: i64, lasting: Span) {
        self.outages.push((at, at + lasting.nanos()));
    }

    /// When the path, if it is gone at `at`, is there again; else `at`.
    pub(super) fn there_from(&self, mut at: i64) -> i64 {
        while let Some((_, end)) = self.outages.iter().find(|(from, to)| (*from..*to).contains(&at))
        {
            at = *end;
        }
        at
    }

    pub(super) fn is_there(&self, at: i64) -> bool {
        self.there_from(at) == at
    }

    /// The least delay of that way.
    pub(super) const fn least(&self, way: Way) -> Span {
        match way {
            Way::Up => self.conditions.up,
            Way::Down => self.conditions.down,
        }
    }

    /// How long what comes at `at` has waited for its reader: up to half of its way.
    /// `[TRANSPORT-28]`
    pub(super) const fn waited(&self, way: Way, lane: Lane, at: i64) -> Span {
        match lane {
            Lane::Control => Span::ZERO,
            Lane::Timing => Span::from_nanos(self.least(way).nanos() / 16 * at.rem_euclid(8)),
        }
    }

    pub(super) fn delay(&self, way: Way, dice: &mut Dice) -> i64 {
        (self.least(way) + dice.draw(Law::Exponential { mean: self.conditions.jitter })).nanos()
    }

    pub(super) fn round_trip(&self, dice: &mut Dice) -> i64 {
        self.delay(Way::Up, dice) + self.delay(Way::Down, dice)
    }

    /// When datagrams sent at `at` arrive: never, once or twice.
    pub(super) fn datagram(&self, way: Way, at: i64, dice: &mut Dice) -> Vec<i64> {
        if !self.is_there(at) || dice.chance(self.conditions.loss) {
            return Vec::new();
        }
        let mut arrivals = vec![at + self.delay(way, dice)];
        if dice.chance(self.conditions.duplicates) {
            arrivals.push(at + self.delay(way, dice));
        }
        arrivals
    }

    /// When a piece of a stream that is sent at `at` arrives, if the connection
    /// lives as long.
    pub(super) fn stream(&self, way: Way, at: i64, dice: &mut Dice) -> i64 {
        let mut sent = self.there_from(at);
        if sent > at {
            // The sender notices with its next probe, at most two seconds later.
            let longest = (sent - at).min(2_000_000_000);
            sent += whole(dice.unit() * longest as f64);
            sent = self.there_from(sent);
        }
        while dice.chance(self.conditions.loss) {
            sent += self.round_trip(dice) + PATIENCE.nanos();
        }
        sent + self.delay(way, dice)
    }
}
