//! Randomness that is looked up, not drawn.
//!
//! A simulated world must be the same world for everybody who walks through it:
//! two methods that probe at the same moment have to meet the same delay, even
//! if one of them probed a thousand times before and the other never. So no
//! generator is shared: every question is keyed by seed, subject and place, and
//! answered by a small generator of its own.
//!
//! The distributions use only `+ - * / sqrt`, which IEEE 754 fixes to the last
//! bit, and series for the rest: a seed means the same world on every machine.
//! `f64::ln` and its kin are left to the platform and would not.

use diptych_protocol::time::Span;

/// The answers to one question.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice for `place` within `subject` in the world of `seed`.
    #[must_use]
    pub fn keyed(seed: u64, subject: u64, place: u64) -> Self {
        let mut state = 0;
        for key in [seed, subject, place] {
            state = scramble(state ^ scramble(key.wrapping_add(GOLDEN)));
        }
        Self { state }
    }

    /// 64 equidistributed bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        scramble(self.state)
    }

    /// A number in `(0, 1]`.
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() <= p
    }

    /// A number in `(low, high]`, evenly.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A standard normal deviate, by the polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// One draw from `law`.
    pub fn draw(&mut self, law: Law) -> Span {
        match law {
            Law::Nothing => Span::ZERO,
            Law::Uniform { low, high } => scaled(Span::from_nanos(1), {
                self.between(low.nanos() as f64, high.nanos() as f64)
            }),
            Law::Exponential { mean } => scaled(mean, -ln(self.unit())),
            Law::Gamma { shape, scale } => {
                let sum = (0..shape).map(|_| -ln(self.unit())).sum::<f64>();
                scaled(scale, sum)
            }
            Law::Pareto { least, tail, cap } => {
                scaled(least, exp(-ln(self.unit()) / tail)).min(cap)
            }
        }
    }
}

/// A distribution of non-negative spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Always zero.
    Nothing,
    /// Evenly between two spans.
    Uniform {
        /// The least span.
        low: Span,
        /// The greatest span.
        high: Span,
    },
    /// Waiting time without memory.
    Exponential {
        /// Its mean.
        mean: Span,
    },
    /// The sum of `shape` exponentials: no mass near zero.
    Gamma {
        /// How many exponentials are summed.
        shape: u32,
        /// The mean of each.
        scale: Span,
    },
    /// A power law.
    Pareto {
        /// The least span.
        least: Span,
        /// The exponent; the smaller, the heavier the tail.
        tail: f64,
        /// Draws above this count as this.
        cap: Span,
    },
}

impl Law {
    /// The same law, `factor` times as slow.
    #[must_use]
    pub fn stretched(self, factor: f64) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Uniform { low, high } => {
                Self::Uniform { low: scaled(low, factor), high: scaled(high, factor) }
            }
            Self::Exponential { mean } => Self::Exponential { mean: scaled(mean, factor) },
            Self::Gamma { shape, scale } => Self::Gamma { shape, scale: scaled(scale, factor) },
            Self::Pareto { least, tail, cap } => {
                Self::Pareto { least: scaled(least, factor), tail, cap: scaled(cap, factor) }
            }
        }
    }
}

/// `span` times `factor`, to the nearest nanosecond.
#[must_use]
pub fn scaled(span: Span, factor: f64) -> Span {
    Span::from_nanos(whole(span.nanos() as f64 * factor))
}

/// `x` as an integer, halves away from zero, saturating.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
pub fn whole(x: f64) -> i64 {
    (if x < 0.0 { x - 0.5 } else { x + 0.5 }) as i64
}

/// The natural logarithm of a positive, normal `x`.
#[must_use]
pub fn ln(x: f64) -> f64 {
    // x = m * 2^e with m in [√½, √2), then ln m = 2 artanh((m-1)/(m+1)).
    let bits = x.to_bits();
    let mut e = (bits >> 52) as f64 - 1023.0;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | (1023 << 52));
    if m > core::f64::consts::SQRT_2 {
        m /= 2.0;
        e += 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let mut sum = 0.0;
    for k in (0..11).rev() {
        sum = sum * s * s + 1.0 / f64::from(2 * k + 1);
    }
    e * core::f64::consts::LN_2 + 2.0 * s * sum
}

/// `e` to the power of `x`, for `|x|` up to some hundreds.
#[must_use]
pub fn exp(x: f64) -> f64 {
    // Halve until small, sum the series, square back.
    let mut halvings = 0;
    let mut small = x;
    while small.abs() > 0.125 {
        small /= 2.0;
        halvings += 1;
    }
    let mut sum = 1.0;
    for k in (1..12).rev() {
        sum = 1.0 + sum * small / f64::from(k);
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    sum
}

/// The sine of `turns` full turns.
#[must_use]
pub fn sin_turns(turns: f64) -> f64 {
    let folded = turns - turns.floor();
    // [0, 1) to [-¼, ¼], where the series is short.
    let near = match folded {
        f if f <= 0.25 => f,
        f if f <= 0.75 => 0.5 - f,
        f => f - 1.0,
    };
    let x = near * core::f64::consts::TAU;
    let mut sum = 1.0;
    for k in (1..10).rev() {
        let k = f64::from(k);
        sum = 1.0 - sum * x * x / (2.0 * k * (2.0 * k + 1.0));
    }
    x * sum
}

/// The increment of the SplitMix64 generator.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of the SplitMix64 generator.
fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_agree_with_the_platform() {
        for k in 1..2_000 {
            let x = f64::from(k) / 97.0;
            assert!((ln(x) - x.ln()).abs() < 1e-14 * (1.0 + x.ln().abs()), "ln {x}");
            assert!((exp(x) - x.exp()).abs() < 1e-12 * x.exp(), "exp {x}");
            let sine = (x * core::f64::consts::TAU).sin();
            assert!((sin_turns(x) - sine).abs() < 1e-12, "sin {x}");
        }
    }

    #[test]
    fn the_same_key_gives_the_same_dice_and_any_other_key_others() {
        let mut first = Dice::keyed(1, 2, 3);
        assert_eq!(first.bits(), Dice::keyed(1, 2, 3).bits());
        for (seed, subject, place) in [(0, 2, 3), (1, 0, 3), (1, 2, 0), (2, 1, 3), (1, 3, 2)] {
            assert_ne!(
                Dice::keyed(1, 2, 3).bits(),
                Dice::keyed(seed, subject, place).bits(),
                "({seed}, {subject}, {place})"
            );
        }
    }

    #[test]
    fn laws_have_the_means_and_ranges_they_name() {
        let ms = Span::from_millis;
        let mean = |law| {
            let draws = 40_000_u32;
            let sum = (0..draws).map(|place| Dice::keyed(7, 7, place.into()).draw(law).nanos());
            sum.sum::<i64>() as f64 / f64::from(draws) / 1e6
        };
        let near = |law, expected: f64| {
            let found = mean(law);
            assert!((found / expected - 1.0).abs() < 0.03, "{law:?}: {found}, not {expected}");
        };
        near(Law::Uniform { low: ms(2), high: ms(10) }, 6.0);
        near(Law::Exponential { mean: ms(3) }, 3.0);
        near(Law::Gamma { shape: 4, scale: ms(2) }, 8.0);
        near(Law::Pareto { least: ms(2), tail: 3.0, cap: ms(1_000_000) }, 3.0);
        let capped = Law::Pareto { least: ms(20), tail: 1.3, cap: ms(800) };
        for place in 0..40_000 {
            let drawn = Dice::keyed(1, 1, place).draw(capped);
            assert!(drawn >= ms(20) && drawn <= ms(800), "{drawn}");
        }
    }

    #[test]
    fn normal_deviates_have_unit_variance() {
        let mut dice = Dice::keyed(1, 1, 1);
        let draws: Vec<f64> = (0..40_000).map(|_| dice.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let square = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((square - 1.0).abs() < 0.03, "{square}");
    }
}
