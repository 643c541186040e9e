//! The interval against a brute-force linear program, and against itself with one
//! message less.

use proptest::prelude::*;

use super::super::constraint::{Point, Side};
use super::super::interval::Bracket;
use super::super::model::Wander;
use super::super::{Estimator, Interval};
use super::{MILLI, Random, SECOND, Truth};
use crate::time::{Instant, Span};

/// A line in the rate: `c + d·y`, in 2⁻⁵⁵ ns for rates in 2⁻⁵⁴.
type Line = (i128, i128);

/// What the definition of I(s) says, by looking at every pair of bounds: no hull,
/// no bisection. Rates and values are exact rationals, compared in integers.
fn by_linear_program(points: &[Point], at: i64) -> Option<((i64, i64), Interval)> {
    let origin = points[0].at.div_euclid(1 << 44) << 44;
    let s = i128::from(at - origin);
    let lines = |side: Side| -> Vec<Line> {
        let of_side = points.iter().filter(|point| point.side == side);
        let line = |point: &Point| {
            let (a, sign) =
                (i128::from(point.at - origin), if side == Side::Above { 1 } else { -1 });
            let lift = (a * a + (1 << 45) - 1) >> 45;
            let lifted = ((sign * i128::from(point.value)) << 10) + lift;
            // The tangent at s of the lifted curve has slope y + s, in 2⁻⁵⁴.
            ((lifted << 45) - 2 * s * (a - s) - s * s, -2 * (a - s))
        };
        of_side.map(line).collect()
    };
    let (above, below) = (lines(Side::Above), lines(Side::Below));
    let limit = 1_i128 << 41;
    let (mut least, mut most) = (-limit, limit);
    if above.is_empty() || below.is_empty() {
        return None;
    }
    for (c, d) in &above {
        for (e, f) in &below {
            // Room: c + e + (d − f)·y ≥ 0. The ends move to the next integer beyond.
            let (rise, base) = (d - f, c + e);
            if rise > 0 {
                // y ≥ −base / rise
                let end = (-base).div_euclid(rise) + i128::from((-base).rem_euclid(rise) > 0) - 1;
                least = least.max(end);
            } else if rise < 0 {
                // y ≤ base / −rise
                most = most.min(base.div_euclid(-rise) + 1);
            }
        }
    }
    let high = greatest(&above, least, most);
    let low = -greatest(&below, -most, -least);
    let ends = (i64::try_from(least).unwrap(), i64::try_from(most).unwrap());
    Some((ends, Interval { low: Span::from_nanos(low), high: Span::from_nanos(high) }))
}

/// The greatest value of the lowest of `lines` between two rates, rounded up to a
/// nanosecond. By duality it is the least of what one line allows at an end, or two
/// at their crossing.
fn greatest(lines: &[Line], least: i128, most: i128) -> i64 {
    let up = |value: i128, by: i128| value.div_euclid(by) + i128::from(value.rem_euclid(by) > 0);
    let unit = 1_i128 << 55;
    let alone = lines.iter().map(|(c, d)| up(c + d * if *d >= 0 { most } else { least }, unit));
    let mut best = alone.min().unwrap();
    for (c, d) in lines.iter().filter(|(_, d)| *d > 0) {
        for (e, f) in lines.iter().filter(|(_, f)| *f < 0) {
            best = best.min(up(c * -f + e * d, (d - f) * unit));
        }
    }
    i64::try_from(best).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// [CLOCK-6] [CLOCK-7]
    #[test]
    fn the_interval_is_what_a_linear_program_over_every_pair_of_bounds_finds(
        seed: u64,
        start in 0_i64..1 << 41,
        worst in prop::sample::select(vec![1_000, MILLI, 300 * MILLI]),
    ) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, start, 130 * SECOND);
        let mut estimator = Estimator::new();
        let mut points = Vec::new();
        for _ in 0..40 {
            let (at, delay) = (start + random.below(120 * SECOND), random.below(worst));
            let forward = random.below(2) == 0;
            let constraint =
                if forward { truth.forward(at, delay) } else { truth.backward(at, delay) };
            estimator.observe(constraint);
            points.push(constraint.point());
            let asked = start + random.between(-10 * SECOND, 300 * SECOND);
            for at in [asked, points[0].at, points[points.len() - 1].at] {
                let found = estimator.interval(Instant::from_nanos(at));
                let known = by_linear_program(&points, at);
                prop_assert_eq!(found, known.map(|(_, interval)| interval), "at {}", at);
                let bracket = Bracket::of(Wander::GUARANTEED, &points, 512).unwrap();
                let origin = points[0].at.div_euclid(1 << 44) << 44;
                prop_assert_eq!(bracket.rates(at - origin), known.map(|(ends, _)| ends));
            }
        }
    }

    /// [CLOCK-7] [CLOCK-8]: what more is known never widens what was certain.
    #[test]
    fn another_message_never_widens_the_interval(seed: u64, start in -1_i64 << 50..1 << 50) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, start, 300 * SECOND);
        let mut estimator = Estimator::new();
        let asked: Vec<_> = (0..12)
            .map(|_| Instant::from_nanos(start + random.between(-SECOND, 600 * SECOND)))
            .collect();
        let mut before = vec![None; asked.len()];
        let (mut known, mut narrower) = (0, 0);
        for _ in 0..150 {
            let at = start + random.below(290 * SECOND);
            let delay = random.below(50 * MILLI);
            let forward = random.below(2) == 0;
            let constraint =
                if forward { truth.forward(at, delay) } else { truth.backward(at, delay) };
            estimator.observe(constraint);
            for (at, before) in asked.iter().zip(&mut before) {
                let now = estimator.interval(*at);
                if let (Some(Interval { low, high }), Some(now)) = (*before, now) {
                    prop_assert!(low <= now.low && now.high <= high, "{low} {high} {now:?}");
                    known += 1;
                    narrower += u32::from(low < now.low || now.high < high);
                }
                *before = now;
            }
        }
        prop_assert!(known > 500 && narrower > 20, "{known} {narrower}");
    }
}
