//! Estimates at evenly spaced instants, smoothed by parabolas.
//!
//! A soft model follows a phone that warms up and pays with noise: it listens to half
//! a minute. A stiff one is quiet and cannot bend. Oscillators bend slowly, though
//! not always little, and a parabola over a minute or two follows that: through what
//! the soft model says at many instants it keeps the bend and averages the noise.

use super::model::saturate;
use super::point::Likely;
use crate::time::{Instant, Primary, Span};

/// Between two estimates.
const STEP: Span = Span::from_secs(8);

/// Estimates of one model.
pub(super) struct Grid {
    from: Instant<Primary>,
    all: Vec<Likely>,
}

impl Grid {
    /// Asks `estimate` at every step from `from` to `to`.
    pub(super) fn of(
        from: Instant<Primary>,
        to: Instant<Primary>,
        estimate: impl Fn(Instant<Primary>) -> Option<Likely>,
    ) -> Option<Self> {
        let steps = (to - from).nanos().max(0) / STEP.nanos();
        let all = (0..=steps).map(|step| estimate(from + STEP.times(step))).collect::<Option<_>>();
        Some(Self { from, all: all? })
    }

    /// The parabola over `reach` steps on either side of `at`, straight from step to
    /// step.
    pub(super) fn at(&self, reach: usize, at: Instant<Primary>) -> Option<Likely> {
        let last = self.all.len().checked_sub(1)?;
        let since = (at - self.from).nanos().max(0);
        let index = usize::try_from(since / STEP.nanos()).unwrap_or(last).min(last);
        let base = *self.all.get(index)?;
        let here = self.smoothed(reach, index)?;
        let step = i64::try_from(index).ok()?;
        let run = i128::from(since.saturating_sub(STEP.nanos().saturating_mul(step)));
        let moved = match self.smoothed(reach, index + 1) {
            Some(next) => (next - here) * run / i128::from(STEP.nanos()),
            // Beyond the last step its own rate goes on.
            None => i128::from(base.skew_ppb) * run / 1_000_000_000,
        };
        Some(Likely { offset: saturate(here + moved), ..base })
    }

    /// The least-squares parabola at its middle, by the weights of Savitzky and
    /// Golay; over fewer steps near the ends.
    fn smoothed(&self, reach: usize, index: usize) -> Option<i128> {
        let after = self.all.len().checked_sub(index)?.checked_sub(1)?;
        let reach = reach.min(index).min(after);
        let window = self.all.get(index.checked_sub(reach)?..=index + reach)?;
        let middle = i128::from(window.get(reach)?.offset);
        let m = i128::try_from(reach).ok()?;
        let total = (2 * m - 1) * (2 * m + 1) * (2 * m + 3);
        let sum: i128 = window
            .iter()
            .zip(-m..)
            .map(|(one, step)| {
                let weight = 3 * (3 * m * m + 3 * m - 1) - 15 * step * step;
                (i128::from(one.offset) - middle) * weight
            })
            .sum();
        Some(middle + sum.div_euclid(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(offset: impl Fn(i64) -> i64) -> Grid {
        let (from, to) = (Instant::from_nanos(0), Instant::from_nanos(0) + STEP.times(40));
        let step = |at: Instant<Primary>| at.nanos() / STEP.nanos();
        let likely = |at| Some(Likely { offset: offset(step(at)), noise: 0, skew_ppb: 0 });
        Grid::of(from, to, likely).unwrap()
    }

    #[test]
    fn a_parabola_is_kept_and_noise_is_not() {
        // [CLOCK-14]
        let bend = |step: i64| 5_000_000 + 7_000 * step - 90 * step * step;
        let noisy = grid(|step| bend(step) + if step % 2 == 0 { 20_000 } else { -20_000 });
        for (step, at) in (8..32).map(|step| (step, Instant::from_nanos(0) + STEP.times(step))) {
            assert_eq!(grid(bend).at(8, at).unwrap().offset, bend(step));
            let error = noisy.at(8, at).unwrap().offset - bend(step);
            assert!(error.abs() < 4_000, "{error} at {step}");
        }
        let between = Instant::from_nanos(0) + STEP.times(10) + Span::from_secs(2);
        let straight = bend(10) + (bend(11) - bend(10)) / 4;
        assert!((grid(bend).at(5, between).unwrap().offset - straight).abs() <= 1);
    }

    #[test]
    fn there_is_an_answer_at_and_beyond_the_ends() {
        // [CLOCK-14]
        let line = grid(|step| 1_000 * step);
        let end = Instant::from_nanos(0) + STEP.times(40);
        assert_eq!(line.at(14, Instant::from_nanos(-5)).unwrap().offset, 0);
        assert_eq!(line.at(14, end).unwrap().offset, 40_000);
        assert_eq!(line.at(14, end + Span::from_secs(60)).unwrap().offset, 40_000);
    }
}
