//! The networks and clocks that every method is held against, as data.
//!
//! S1 to S11 are the scenarios; names with a suffix are variants of them. The
//! figures come from published measurements of Wi-Fi hops, power save, roaming
//! and phone oscillators; they are stated, not hidden in code, so that somebody
//! who doubts one can change it and run again.

use diptych_protocol::time::Span;

use crate::channel::{Conditions, Congestion, Doze, Endpoint, Fading, Leg, Scan};
use crate::dice::{Dice, Law, scaled};
use crate::oscillator::{Upset, Wander};

/// One network with one pair of clocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `S1`…`S11`, or a variant such as `S3-dtim3`.
    pub name: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What datagrams meet.
    pub conditions: Conditions,
    /// How the clocks differ.
    pub wander: Wander,
    /// What happens to the secondary's clock.
    pub upsets: Vec<Upset>,
    /// When the secondary's system reports another access point, since the
    /// start; what a method makes of it is its own affair.
    pub roams: Vec<Span>,
    /// Spans since the start in which a clock has broken its model and no
    /// datagram can yet have shown it. No bound is held against the truth here.
    pub unknowable: Vec<(Span, Span)>,
    /// False if the clocks break the oscillator model in a way that no peer can
    /// prove, so that no bound can be promised afterwards.
    pub model_holds: bool,
}

/// From this seed on, a scenario's figures vary with the seed, each by its own
/// factor: seeds below are for tuning, seeds from here on were never tuned on.
pub const FIRST_VARIED_SEED: u64 = 1_001;

/// How long after the first datagram a method may take to notice a step before
/// its bound is held against the truth again: one burst interval.
const ONE_BURST: Span = Span::from_secs(4);

const FACTORS: u64 = 0x5ce0_0001;

impl Scenario {
    /// The eleven scenarios, then their variants.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Self::main();
        all.extend(variants());
        all
    }

    /// The eleven scenarios.
    #[must_use]
    pub fn main() -> Vec<Self> {
        let mut main = vec![
            quiet("S1", "quiet"),
            busy(),
            power_save("S3", "power save", Span::from_millis(200), 1),
            busy_uplink(),
            hotspot(),
            roaming(),
            bursty_loss(),
            thermal(),
        ];
        main.extend([suspend(), no_clean_floor(), constant_asymmetry()]);
        main
    }

    /// The scenario of that name, if there is one; case does not matter.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|scenario| scenario.name.eq_ignore_ascii_case(name))
    }

    /// The scenario as `seed` meets it: itself below [`FIRST_VARIED_SEED`],
    /// else with every delay, loss and rate multiplied by a factor between 0.7
    /// and 1.3 of its own, and both floors by one.
    #[must_use]
    pub fn for_seed(mut self, seed: u64) -> Self {
        if seed < FIRST_VARIED_SEED {
            return self;
        }
        let mut dice = Dice::keyed(seed, FACTORS, 0);
        let mut factor = || dice.between(0.7, 1.3);
        // One factor for both directions: a difference of floors is what S11 is
        // about, and half of it would be every method's error everywhere.
        let floors = factor();
        for leg in [&mut self.conditions.forward, &mut self.conditions.backward] {
            leg.floor = scaled(leg.floor, floors);
            let slower = factor();
            for (_, law) in &mut leg.excess {
                *law = law.stretched(slower);
            }
            leg.spike = (leg.spike.0 * factor(), leg.spike.1.stretched(factor()));
            leg.loss *= factor();
        }
        let conditions = &mut self.conditions;
        conditions.endpoint.floor = scaled(conditions.endpoint.floor, factor());
        conditions.endpoint.jitter = scaled(conditions.endpoint.jitter, factor());
        if let Some((_, longer)) = &mut conditions.reroute {
            *longer = scaled(*longer, factor());
        }
        if let Some(congestion) = &mut conditions.congestion {
            congestion.busy = scaled(congestion.busy, factor());
            congestion.free = scaled(congestion.free, factor());
            congestion.least = scaled(congestion.least, factor());
            congestion.more = congestion.more.stretched(factor());
        }
        if let Some(fading) = &mut conditions.fading {
            fading.worsen *= factor();
            fading.recover *= factor();
            fading.more = fading.more.stretched(factor());
        }
        if let Some(scan) = &mut conditions.scan {
            scan.away = scaled(scan.away, factor());
        }
        let wander = &mut self.wander;
        wander.warm_up *= factor();
        wander.warm_up_time = scaled(wander.warm_up_time, factor());
        wander.ripple *= factor();
        wander.walk *= factor();
        self
    }

    /// Whether the truth at `since` the start may be held against a bound.
    #[must_use]
    pub fn is_knowable(&self, since: Span) -> bool {
        !self.unknowable.iter().any(|(from, until)| since >= *from && since < *until)
    }
}

const fn us(micros: i64) -> Span {
    Span::from_micros(micros)
}

const fn ms(millis: i64) -> Span {
    Span::from_millis(millis)
}

const fn s(secs: i64) -> Span {
    Span::from_secs(secs)
}

const fn exponential(mean: Span) -> Law {
    Law::Exponential { mean }
}

fn quiet(name: &'static str, title: &'static str) -> Scenario {
    let leg = Leg {
        floor: us(700),
        excess: vec![(1.0, exponential(us(250)))],
        spike: (0.03, Law::Uniform { low: ms(2), high: ms(10) }),
        loss: 0.003,
    };
    let conditions = Conditions {
        forward: leg.clone(),
        backward: leg,
        endpoint: Endpoint { floor: us(30), jitter: us(40), hiccup: (0.005, exponential(ms(4))) },
        outages: vec![],
        reroute: None,
        scan: None,
        doze: None,
        congestion: None,
        fading: None,
    };
    Scenario {
        name,
        title,
        conditions,
        wander: Wander::PHONE,
        upsets: vec![],
        roams: vec![],
        unknowable: vec![],
        model_holds: true,
    }
}

/// [`quiet`], with another path in both directions.
fn path(name: &'static str, title: &'static str, leg: &Leg) -> Scenario {
    let mut scenario = quiet(name, title);
    scenario.conditions.forward = leg.clone();
    scenario.conditions.backward = leg.clone();
    scenario
}

fn busy() -> Scenario {
    let tail = Law::Pareto { least: ms(20), tail: 1.3, cap: ms(800) };
    path(
        "S2",
        "busy, heavy tail",
        &Leg {
            floor: us(800),
            excess: vec![
                (0.45, exponential(us(500))),
                (0.35, exponential(ms(3))),
                (0.15, exponential(ms(12))),
                (0.05, tail),
            ],
            spike: (0.0, Law::Nothing),
            loss: 0.02,
        },
    )
}

fn power_save(name: &'static str, title: &'static str, after: Span, dtim: i64) -> Scenario {
    let mut scenario = quiet(name, title);
    scenario.conditions.doze = Some(Doze { after, beacon: us(102_400).times(dtim) });
    scenario.conditions.forward.spike = (0.02, exponential(ms(30)));
    scenario.conditions.backward.spike = (0.02, exponential(ms(30)));
    scenario
}

fn busy_uplink() -> Scenario {
    let mut scenario = quiet("S4", "busy uplink");
    scenario.conditions.congestion =
        Some(Congestion { busy: s(3), free: ms(1_500), least: ms(4), more: exponential(ms(12)) });
    scenario
}

fn hotspot() -> Scenario {
    let mut scenario = path(
        "S5",
        "hotspot that scans",
        &Leg {
            floor: ms(1),
            excess: vec![(1.0, exponential(us(600)))],
            spike: (0.05, exponential(ms(6))),
            loss: 0.003,
        },
    );
    scenario.conditions.scan = Some(Scan { every: s(10), away: ms(120) });
    scenario
}

fn roaming() -> Scenario {
    let mut scenario = quiet("S6", "roaming");
    scenario.conditions.outages =
        vec![(s(400), ms(400_300)), (s(800), s(802)), (s(1_200), s(1_208))];
    scenario.conditions.reroute = Some((s(802), us(500)));
    scenario.roams = vec![ms(400_300), s(802), s(1_208)];
    scenario
}

fn bursty_loss() -> Scenario {
    let mut scenario = quiet("S7", "bursty loss");
    scenario.conditions.fading =
        Some(Fading { worsen: 0.005, recover: 0.05, loss: 0.7, more: exponential(ms(20)) });
    scenario
}

fn thermal() -> Scenario {
    let mut scenario = quiet("S8", "thermal");
    scenario.wander = Wander {
        warm_up: 4_000.0,
        warm_up_time: s(240),
        ripple: 500.0,
        ripple_period: s(300),
        walk: 2.0,
        ..Wander::PHONE
    };
    scenario
}

/// The secondary is suspended, and its clock does not count sleep.
fn suspend() -> Scenario {
    let (from, until) = (s(600), s(645));
    let mut scenario = quiet("S9", "suspend, unannounced");
    scenario.conditions.outages = vec![(from, until)];
    scenario.upsets = vec![Upset::Slew { from, until, by: -1_000_000_000 }];
    scenario.unknowable = vec![(from, until + ONE_BURST)];
    scenario
}

fn no_clean_floor() -> Scenario {
    path(
        "S10",
        "no clean floor",
        &Leg {
            floor: us(800),
            excess: vec![(1.0, Law::Gamma { shape: 4, scale: us(600) })],
            spike: (0.05, exponential(ms(20))),
            loss: 0.003,
        },
    )
}

fn constant_asymmetry() -> Scenario {
    let mut scenario = quiet("S11", "constant asymmetry");
    scenario.conditions.forward.floor = ms(3);
    scenario.conditions.backward.floor = us(800);
    scenario
}

fn variants() -> Vec<Scenario> {
    vec![
        power_save("S3-100ms", "sleeps after 100 ms", ms(100), 1),
        power_save("S3-dtim3", "every third beacon", ms(200), 3),
        step("S9-step+3ms", "step of 3 ms", ms(3)),
        step("S9-step-3ms", "step of -3 ms", ms(-3)),
        step("S9-step+100us", "step of 100 µs", us(100)),
        step("S9-step-100us", "step of -100 µs", us(-100)),
        slew(),
    ]
}

/// A step without a gap. One below the round trip cannot be proven, one above
/// it shows in the next burst.
fn step(name: &'static str, title: &'static str, by: Span) -> Scenario {
    let at = s(600);
    let mut scenario = quiet(name, title);
    scenario.upsets = vec![Upset::Step { at, by }];
    scenario.unknowable = vec![(at, at + ONE_BURST)];
    scenario.model_holds = by.abs() > ms(1);
    scenario
}

/// A time daemon steers the clock that was asked for the time.
fn slew() -> Scenario {
    let mut scenario = quiet("S9-slew", "slewed by 500 ppm for 20 s");
    scenario.upsets = vec![Upset::Slew { from: s(600), until: s(620), by: 500_000 }];
    scenario.unknowable = vec![(s(600), s(620) + ONE_BURST)];
    scenario.model_holds = false;
    scenario
}

#[cfg(test)]
mod tests;
