//! The clock against clocks whose truth is known: random oscillators within the
//! model, and channels that delay as they please.

mod adversary;
mod afterwards;
mod limits;
mod linear;
mod rhythm;
mod steps;

use proptest::prelude::*;

use super::constraint::{Epochs, Observation};
use super::model::Wander;
use super::smooth::smooth;
use super::*;
use crate::time::{Instant, Primary, Secondary, Span};

const SECOND: i64 = 1_000_000_000;
const MILLI: i64 = 1_000_000;

/// SplitMix64: a small generator, so that a seed is the whole test.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }
}

/// A secondary clock whose rate wanders as fast as the model allows. Positions
/// are exact, in units of 2⁻⁵⁵ ns.
pub(super) struct Truth {
    start: i64,
    /// Position, rate (2⁻⁵⁴) and wander (−1, 0 or 1 times the limit) per step.
    cells: Vec<(i128, i64, i64)>,
}

const CELL: i64 = 1 << 30;

impl Truth {
    pub(super) fn random(random: &mut Random, start: i64, length: i64) -> Self {
        let limit = 1_i64 << 41;
        let mut rate = random.between(-limit, limit);
        let mut position = i128::from(random.between(-SECOND, SECOND)) << 55;
        let mut cells = Vec::new();
        for _ in 0..=(length / CELL) + 1 {
            let mut wander = random.between(-1, 1);
            if (rate + wander * CELL).abs() > limit {
                wander = 0;
            }
            cells.push((position, rate, wander));
            position += 2 * i128::from(rate) * i128::from(CELL)
                + i128::from(wander) * i128::from(CELL) * i128::from(CELL);
            rate += wander * CELL;
        }
        Self { start, cells }
    }

    /// `offset` at zero, `rate` in 2⁻⁵⁴ there, and each second's share of the most
    /// that the rate may change.
    pub(super) fn bent(offset: i64, rate: i64, bends: &[i64]) -> Self {
        let limit = 1_i64 << 41;
        let (mut position, mut rate) = (i128::from(offset) << 55, rate);
        let mut cells = Vec::new();
        for bend in bends.iter().chain([&0]) {
            let wander = if (rate + bend * CELL).abs() > limit { 0 } else { *bend };
            cells.push((position, rate, wander));
            position += 2 * i128::from(rate) * i128::from(CELL)
                + i128::from(wander) * i128::from(CELL) * i128::from(CELL);
            rate += wander * CELL;
        }
        Self { start: 0, cells }
    }

    /// How far the exact offset is inside `interval`, in 2⁻⁵⁵ ns; negative outside.
    pub(super) fn margin(&self, at: i64, interval: Interval) -> i128 {
        let exact = self.exact(at);
        let (low, high) = (interval.low.nanos(), interval.high.nanos());
        (exact - (i128::from(low) << 55)).min((i128::from(high) << 55) - exact)
    }

    /// The offset at `at`, in 2⁻⁵⁵ ns.
    fn exact(&self, at: i64) -> i128 {
        let index = usize::try_from((at - self.start).max(0) / CELL).unwrap();
        let index = index.min(self.cells.len() - 1);
        let (position, rate, wander) = self.cells[index];
        let dt = i128::from(at - self.start - i64::try_from(index).unwrap() * CELL);
        position + 2 * i128::from(rate) * dt + i128::from(wander) * dt * dt
    }

    /// What the secondary's clock reads at primary instant `at`.
    pub(super) fn reading(&self, at: i64) -> i64 {
        at + i64::try_from(self.exact(at) >> 55).unwrap()
    }

    /// Whether `interval` holds the exact offset.
    pub(super) fn is_in(&self, at: i64, interval: Interval) -> bool {
        self.margin(at, interval) >= 0
    }

    pub(super) fn forward(&self, sent: i64, delay: i64) -> Constraint {
        Constraint::Forward {
            sent: Instant::from_nanos(sent),
            received: Instant::from_nanos(self.reading(sent + delay)),
        }
    }

    pub(super) fn backward(&self, sent: i64, delay: i64) -> Constraint {
        Constraint::Backward {
            sent: Instant::from_nanos(self.reading(sent)),
            received: Instant::from_nanos(sent + delay),
        }
    }
}

/// Constraints of a session: spacing and delays at the whim of `random`.
fn session(random: &mut Random, truth: &Truth, start: i64, count: usize) -> Vec<Constraint> {
    let mut at = start;
    let worst = [MILLI, 20 * MILLI, SECOND][usize::try_from(random.below(3)).unwrap()];
    (0..count)
        .map(|_| {
            at += random.between(1, 3 * SECOND);
            let delay = if random.below(4) == 0 { 0 } else { random.below(worst) };
            if random.below(2) == 0 { truth.forward(at, delay) } else { truth.backward(at, delay) }
        })
        .collect()
}

fn observed(constraints: &[Constraint]) -> Estimator {
    let mut estimator = Estimator::new();
    for constraint in constraints {
        estimator.observe(*constraint);
    }
    estimator
}

fn plain(constraint: Constraint) -> Observation {
    Observation { epochs: Epochs::default(), constraint }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// [CLOCK-7] [CLOCK-8] [CLOCK-10] [CLOCK-17] [CLOCK-25] [CLOCK-26] [CLOCK-27]
    #[test]
    fn the_truth_is_never_outside(seed: u64, start in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, start, 400 * SECOND);
        let constraints = session(random, &truth, start, 120);
        let mut estimator = Estimator::new();
        for constraint in &constraints {
            prop_assert!(!matches!(estimator.observe(*constraint), Observed::Held));
            for ahead in [0, SECOND, 30 * SECOND] {
                let at = constraint.at().nanos() + ahead;
                if let Some(interval) = estimator.interval(Instant::from_nanos(at)) {
                    prop_assert!(truth.is_in(at, interval), "{at} {interval:?}");
                }
                let there = Instant::<Secondary>::from_nanos(truth.reading(at));
                if let Some(here) = estimator.middle_of(there) {
                    let middle = estimator.interval(here).unwrap().middle();
                    let off = here.relabelled() + middle - there;
                    prop_assert!(off.nanos().abs() <= 1, "{here:?} {off}");
                }
            }
        }
        prop_assert_eq!(estimator.epoch(), 0);
        let observations: Vec<_> = constraints.iter().copied().map(plain).collect();
        let map = smooth(&observations, None);
        prop_assert_eq!(map.stretches().len(), 1);
        let knots = map.stretches()[0].knots();
        let (first, end) = (knots[0].there().nanos(), knots.last().unwrap().there().nanos());
        let last = knots.last().unwrap().at.nanos();
        let mut before = None;
        for _ in 0..200 {
            let at = random.between(start, last);
            if let Some(there) = map.to_secondary(Instant::from_nanos(at)) {
                let exact = truth.reading(at);
                prop_assert!(there.low.nanos() <= exact + 1 && exact <= there.high.nanos());
                // At its very ends the map may run beside the truth.
                let Some(back) = map.to_primary(Instant::from_nanos(exact)) else {
                    prop_assert!(exact < first || end < exact);
                    continue;
                };
                prop_assert!(back.low.nanos() <= at && at <= back.high.nanos() + 1, "{at} {back:?}");
            }
        }
        for at in (start..last).step_by(700_000_000) {
            if let Some(there) = map.to_secondary(Instant::from_nanos(at)) {
                prop_assert!(before.is_none_or(|before| before < there.at));
                before = Some(there.at);
            }
        }
    }

    /// [CLOCK-6] [CLOCK-9]
    #[test]
    fn order_and_repetition_change_nothing(seed: u64) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, 0, 400 * SECOND);
        let mut constraints = session(random, &truth, SECOND, 100);
        let straight = observed(&constraints);
        constraints.extend(constraints.clone());
        for index in (1..constraints.len()).rev() {
            let other = usize::try_from(random.below(i64::try_from(index).unwrap() + 1)).unwrap();
            constraints.swap(index, other);
        }
        let shuffled = observed(&constraints);
        for at in (0..400).step_by(7) {
            let at = Instant::from_nanos(at * SECOND);
            prop_assert_eq!(straight.interval(at), shuffled.interval(at));
        }
    }

    /// [CLOCK-18] [CLOCK-19] [CLOCK-20] [CLOCK-21] [CLOCK-34] [LIMITS-22] [LIMITS-23]:
    /// whatever is lost or repeated, the two devices agree on the same sequence, and the
    /// primary knows when they are level.
    #[test]
    fn both_devices_agree_whatever_is_lost_or_repeated(seed: u64) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, 0, 100 * SECOND);
        let mut primary = Stamps::<Primary>::new(1);
        let mut secondary = Stamps::<Secondary>::new(1);
        let (mut here, mut there) = (Shared::default(), Shared::default());
        let (mut count, mut level) = (0, 0);
        let mut at = SECOND;
        for _ in 0..200 {
            at += random.between(MILLI, 200 * MILLI);
            let stamp = primary.outgoing(Instant::from_nanos(at));
            if random.below(3) == 0 {
                continue;
            }
            let arrived = at + random.between(MILLI, 30 * MILLI);
            let told = secondary.incoming(stamp, Instant::from_nanos(truth.reading(arrived)));
            there.take(&told.agreed);
            let answer = secondary.outgoing(Instant::from_nanos(truth.reading(arrived + 1_000)));
            let then = there.clone();
            if random.below(3) == 0 {
                continue;
            }
            let mut arrived = arrived;
            // The network may deliver a message again, however late.
            for _ in 0..=random.below(2) {
                arrived += random.between(MILLI, 30 * MILLI);
                let told = primary.incoming(answer, Instant::from_nanos(arrived));
                count += here.take(&told.agreed);
                if told.level {
                    level += 1;
                    prop_assert_eq!(&here, &then);
                }
            }
        }
        prop_assert!(count > 40 && level > 40, "{count} agreed, {level} level");
    }

    /// [CLOCK-18] [CLOCK-20] [CLOCK-35] [CLOCK-36]: so they do with many messages under way at
    /// once, in whatever order they arrive.
    #[test]
    fn both_devices_agree_on_what_is_taken_out_of_turn(seed: u64) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, 0, 100 * SECOND);
        let mut primary = Stamps::<Primary>::new(1);
        let mut secondary = Stamps::<Secondary>::new(1);
        let (mut here, mut there) = (Shared::default(), Shared::default());
        let (mut count, mut level) = (0, 0);
        let mut under_way: Vec<(i64, Stamp, Option<Shared>)> = Vec::new();
        let mut next = SECOND;
        for _ in 0..1_500 {
            let first = under_way.iter().map(|(at, ..)| *at).min().unwrap_or(i64::MAX);
            let now = first.min(next);
            if next <= first {
                next += if random.below(4) == 0 { SECOND } else { 20 * MILLI };
                let stamp = primary.outgoing(Instant::from_nanos(now));
                if random.below(5) > 0 {
                    under_way.push((now + random.between(MILLI, 90 * MILLI), stamp, None));
                }
                continue;
            }
            let index = under_way.iter().position(|(at, ..)| *at == first).unwrap();
            let (_, stamp, then) = under_way.swap_remove(index);
            if let Some(then) = then {
                let told = primary.incoming(stamp, Instant::from_nanos(now));
                count += here.take(&told.agreed);
                if told.level {
                    level += 1;
                    prop_assert_eq!(&here, &then);
                }
                continue;
            }
            let told = secondary.incoming(stamp, Instant::from_nanos(truth.reading(now)));
            there.take(&told.agreed);
            let answer = secondary.outgoing(Instant::from_nanos(truth.reading(now + 1_000)));
            if random.below(5) > 0 {
                let arrives = now + random.between(MILLI, 90 * MILLI);
                under_way.push((arrives, answer, Some(there.clone())));
            }
        }
        prop_assert!(count > 40 && level > 40, "{count} agreed, {level} level");
    }
}

/// What one device makes of the exchanges that both agreed on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Shared {
    agreement: Agreement,
    estimator: Estimator,
}

impl Shared {
    /// Answers how many observations there were.
    fn take(&mut self, agreed: &[Option<Observation>]) -> usize {
        let agreed: Vec<_> = agreed.iter().flatten().copied().collect();
        if !agreed.is_empty() {
            self.agreement.add(&agreed);
        }
        for observation in &agreed {
            self.estimator.take(*observation);
        }
        agreed.len()
    }
}

/// A link with a floor of 700 µs and exponential excess, in integers: the number
/// of leading zeros of a random word is geometric, and eight of them smooth.
fn quiet(random: &mut Random) -> i64 {
    let tail: i64 = (0..8).map(|_| i64::from(random.next().leading_zeros())).sum();
    700_000 + random.below(1 + tail * 60_000)
}

/// Bursts of four exchanges every four seconds, shifted forward delay from `roam` on.
fn exchanges(
    random: &mut Random,
    truth: &Truth,
    from: i64,
    to: i64,
    longer: impl Fn(i64) -> i64,
) -> Vec<Constraint> {
    let mut constraints = Vec::new();
    for burst in (from..to).step_by(4_000_000_000) {
        for at in (0..4).map(|index| burst + index * 20 * MILLI) {
            let there = at + quiet(random) + longer(at);
            constraints.push(truth.forward(at, there - at));
            constraints.push(truth.backward(there + 50_000, quiet(random)));
        }
    }
    constraints
}

/// A clock that runs straight: 17 ppm fast, 5 s ahead.
fn straight(length: i64) -> Truth {
    let rate = 17 * (1_i64 << 54) / 1_000_000;
    let cells = (0..=length / CELL).map(|index| {
        let position = 2 * i128::from(rate) * i128::from(CELL) * i128::from(index);
        ((i128::from(5 * SECOND) << 55) + position, rate, 0)
    });
    Truth { start: 0, cells: cells.collect() }
}

fn error(truth: &Truth, at: i64, offset: Span) -> i64 {
    (offset.nanos() - (truth.reading(at) - at)).abs()
}

#[test]
fn a_quiet_link_is_known_to_tens_of_microseconds() {
    // [CLOCK-14] [CLOCK-15] [CLOCK-16]
    let random = &mut Random(7);
    let truth = straight(400 * SECOND);
    let constraints = exchanges(random, &truth, SECOND, 300 * SECOND, |_| 0);
    let mut estimator = Estimator::new();
    for constraint in &constraints {
        estimator.observe(*constraint);
        let at = constraint.at();
        let Some(here) = estimator.estimate(at) else { continue };
        assert!(here.low <= here.offset && here.offset <= here.high);
        assert!(here.sigma.nanos() >= here.noise.nanos());
        assert!(here.sigma.nanos() * 2 > (here.high - here.low).nanos() / 2, "{here:?}");
        if at.nanos() < 2 * SECOND {
            assert!(here.skew_ppb.abs() < 25_000, "one burst says nothing about the rate");
        }
        if at.nanos() > 60 * SECOND {
            assert!(error(&truth, at.nanos(), here.offset) < 100_000, "{here:?}");
            assert!((here.skew_ppb - 17_000).abs() < 4_000, "{here:?}");
        }
    }
    let observations: Vec<_> = constraints.into_iter().map(plain).collect();
    let map = smooth(&observations, None);
    for knot in map.stretches()[0].knots() {
        assert!(error(&truth, knot.at.nanos(), knot.here.offset) < 60_000, "{knot:?}");
    }
}

fn shifted(constraint: Constraint, by: i64) -> Constraint {
    let by = Span::from_nanos(by);
    match constraint {
        Constraint::Forward { sent, received } => {
            Constraint::Forward { sent, received: received + by }
        }
        Constraint::Backward { sent, received } => {
            Constraint::Backward { sent: sent + by, received }
        }
    }
}

#[test]
fn a_hull_answers_as_every_bound_together_would() {
    // [CLOCK-6] [LIMITS-20]
    let random = &mut Random(19);
    for _ in 0..200 {
        let mut hull = hull::Hull::new(Wander::GUARANTEED, 512);
        let points: Vec<(i64, i64)> = (0..random.between(1, 40))
            .map(|_| (random.between(-100, 100) * SECOND, random.between(-MILLI, MILLI)))
            .collect();
        for (at, value) in &points {
            hull.insert(*at, *value);
        }
        for _ in 0..20 {
            let at = random.between(-200 * SECOND, 200 * SECOND);
            let rate = random.between(-(1 << 41), 1 << 41);
            let bound = |(a, value): &(i64, i64)| {
                let (a, value) = (i128::from(*a), i128::from(*value));
                let lifted = (value << 10) + model::ceil_shift(a * a, 45);
                let (s, y) = (i128::from(at), i128::from(rate));
                (lifted << 45) - 2 * (y + s) * (a - s) - s * s
            };
            assert_eq!(hull.bound(at, rate), points.iter().map(bound).min());
        }
    }
}

#[test]
fn the_other_way_round_the_interval_is_mirrored() {
    // [CLOCK-9]
    let random = &mut Random(23);
    let truth = straight(400 * SECOND);
    let there = exchanges(random, &truth, SECOND, 100 * SECOND, |_| 0);
    // Shifting time by the origin's grid changes nothing else.
    let later = |constraint: &Constraint| match *constraint {
        Constraint::Forward { sent, received } => Constraint::Forward {
            sent: sent + Span::from_nanos(1 << 44),
            received: received + Span::from_nanos(1 << 44),
        },
        Constraint::Backward { sent, received } => Constraint::Backward {
            sent: sent + Span::from_nanos(1 << 44),
            received: received + Span::from_nanos(1 << 44),
        },
    };
    let shifted: Vec<_> = there.iter().map(later).collect();
    let (one, other) = (observed(&there), observed(&shifted));
    // The secondary as primary: −x as a function of the other clock.
    let mirrored: Vec<_> = there
        .iter()
        .map(|constraint| match *constraint {
            Constraint::Forward { sent, received } => Constraint::Backward {
                sent: Instant::from_nanos(sent.nanos()),
                received: Instant::from_nanos(received.nanos()),
            },
            Constraint::Backward { sent, received } => Constraint::Forward {
                sent: Instant::from_nanos(sent.nanos()),
                received: Instant::from_nanos(received.nanos()),
            },
        })
        .collect();
    let mirror = observed(&mirrored);
    for at in (0..110).map(|at| at * SECOND) {
        let here = one.interval(Instant::from_nanos(at)).unwrap();
        let there = other.interval(Instant::from_nanos(at + (1 << 44))).unwrap();
        assert_eq!(here, there);
        let back = mirror.interval(Instant::from_nanos(truth.reading(at))).unwrap();
        // The same instant, named by the other clock: rates differ by Y² at most.
        assert!((back.low + here.high).abs() < Span::from_nanos(400), "{back:?} {here:?}");
        assert!((back.high + here.low).abs() < Span::from_nanos(400), "{back:?} {here:?}");
    }
}
