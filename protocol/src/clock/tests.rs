//! The clock against clocks whose truth is known: random oscillators within the
//! model, and channels that delay as they please.

use proptest::prelude::*;

use super::constraint::{Epochs, Observation};
use super::smooth::smooth;
use super::*;
use crate::time::{Instant, Primary, Secondary};

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
        let exact = self.exact(at);
        (i128::from(interval.low.nanos()) << 55) <= exact
            && exact <= (i128::from(interval.high.nanos()) << 55)
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
            }
        }
        prop_assert_eq!(estimator.epoch(), 0);
        let observations: Vec<_> = constraints.iter().copied().map(plain).collect();
        let map = smooth(&observations, None);
        prop_assert_eq!(map.stretches().len(), 1);
        let last = map.stretches()[0].knots().last().unwrap().at.nanos();
        let mut before = None;
        for _ in 0..200 {
            let at = random.between(start, last);
            if let Some(there) = map.to_secondary(Instant::from_nanos(at)) {
                let exact = truth.reading(at);
                prop_assert!(there.low.nanos() <= exact + 1 && exact <= there.high.nanos());
                let back = map.to_primary(Instant::from_nanos(exact)).unwrap();
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

    /// [CLOCK-19] [CLOCK-20] [CLOCK-21]: whatever is lost, the two devices agree
    /// on the same sequence, and the primary knows when they are level.
    #[test]
    fn both_devices_agree_whatever_is_lost(seed: u64) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, 0, 100 * SECOND);
        let mut primary = Stamps::<Primary>::new(1);
        let mut secondary = Stamps::<Secondary>::new(1);
        let (mut here, mut there) = (Estimator::new(), Estimator::new());
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
            for observation in told.agreed.into_iter().flatten() {
                there.take(observation);
            }
            let answer = secondary.outgoing(Instant::from_nanos(truth.reading(arrived + 1_000)));
            let digest = there.digest();
            if random.below(3) == 0 {
                continue;
            }
            let arrived = arrived + random.between(MILLI, 30 * MILLI);
            let told = primary.incoming(answer, Instant::from_nanos(arrived));
            for observation in told.agreed.into_iter().flatten() {
                here.take(observation);
                count += 1;
            }
            if told.level {
                level += 1;
                prop_assert_eq!(here.digest(), digest);
            }
        }
        prop_assert!(count > 40 && level > 40, "{count} agreed, {level} level");
    }
}
