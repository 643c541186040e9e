//! Estimates at evenly spaced instants, smoothed by parabolas.
//!
//! A soft model follows a phone that warms up and pays with noise: it listens to half
//! a minute. A stiff one is quiet and cannot bend. Oscillators bend slowly, though
//! not always little, and a parabola over a minute or two follows that: through what
//! the soft model says at many instants it keeps the bend and averages the noise.
//!
//! Rejected: steps of less than a quarter of what the soft model listens to. They cost
//! as much each and say nothing that their neighbours do not.

use core::ops::Range;

use super::model::{saturate, share};
use super::point::Likely;
use crate::join::Join;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// Estimates of one model.
pub(super) struct Grid {
    from: Instant<Primary>,
    /// Between two estimates.
    step: Span,
    /// The number of the last step.
    last: i64,
    /// One for each step, up to the first of which nothing is known.
    steps: Vec<Likely>,
}

impl Grid {
    /// Asks `estimate` for every step from `from` to `to`, up to the first of which it
    /// knows nothing; beyond [`limits::CLOCK_GRID_STEPS`] nothing is known.
    pub(super) fn of(
        step: Span,
        (from, to): (Instant<Primary>, Instant<Primary>),
        estimate: impl Fn(Instant<Primary>) -> Option<Likely> + Sync,
        join: impl Join,
    ) -> Self {
        let last = (to - from).nanos().max(0) / step.nanos();
        let asked = last.min(limits::CLOCK_GRID_STEPS - 1).saturating_add(1);
        let ask = |indices: Range<i64>| -> Vec<Likely> {
            indices.map_while(|index| estimate(from + step.times(index))).collect()
        };
        let half = asked / 2;
        let (mut steps, late) = join.join(|| ask(0..half), || ask(half..asked));
        if i64::try_from(steps.len()) == Ok(half) {
            steps.extend(late);
        }
        Self { from, step, last, steps }
    }

    /// The last step that is not after `at`.
    fn step(&self, at: Instant<Primary>) -> Option<usize> {
        let step = (at - self.from).nanos().max(0) / self.step.nanos();
        usize::try_from(step.min(self.last)).ok()
    }

    /// The parabola over `reach` steps on either side of `at`, straight from step to
    /// step; beyond the last its own rate goes on.
    pub(super) fn at(&self, reach: usize, at: Instant<Primary>) -> Option<Likely> {
        let step = self.step(at)?;
        let since = (at - self.from).nanos().max(0);
        let base = self.steps.get(step)?;
        let here = self.smoothed(reach, step)?;
        let run = since.saturating_sub(self.step.nanos().saturating_mul(i64::try_from(step).ok()?));
        let moved = match self.smoothed(reach, step + 1) {
            Some(next) => share(next.saturating_sub(here), run, self.step.nanos()),
            None => share(base.skew_ppb, run, 1_000_000_000),
        };
        Some(Likely { offset: here.saturating_add(moved), ..*base })
    }

    /// The grid of what parabolas over `reach` steps on either side say, so that nobody
    /// lays the same one twice.
    pub(super) fn smooth(&self, reach: usize) -> Self {
        let steps = self.steps.iter().enumerate().filter_map(|(step, base)| {
            Some(Likely { offset: self.smoothed(reach, step)?, ..*base })
        });
        Self { steps: steps.collect(), ..*self }
    }

    /// The least-squares parabola at its middle, by the weights of Savitzky and
    /// Golay; over fewer steps near the ends.
    fn smoothed(&self, reach: usize, step: usize) -> Option<i64> {
        let after = self.steps.len().checked_sub(step + 1)?;
        let reach = reach.min(step).min(after);
        let middle = self.steps.get(step)?.offset;
        if reach == 0 {
            return Some(middle);
        }
        let m = i128::try_from(reach).ok()?;
        let total = (2 * m - 1) * (2 * m + 1) * (2 * m + 3);
        let known = self.steps.get(step - reach..=step + reach)?;
        let terms = (-m..=m).zip(known).map(|(away, one)| {
            let weight = 3 * (3 * m * m + 3 * m - 1) - 15 * away * away;
            i128::from(one.offset.saturating_sub(middle)) * weight
        });
        Some(middle.saturating_add(saturate(terms.sum::<i128>().div_euclid(total))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::InTurn;

    const STEP: Span = Span::from_secs(16);

    fn grid(offset: impl Fn(i64) -> i64 + Sync) -> Grid {
        let (from, to) = (Instant::from_nanos(0), Instant::from_nanos(0) + STEP.times(40));
        let step = |at: Instant<Primary>| at.nanos() / STEP.nanos();
        let likely = |at| Some(Likely { offset: offset(step(at)), noise: 0, skew_ppb: 0 });
        Grid::of(STEP, (from, to), likely, InTurn)
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
        let between = Instant::from_nanos(0) + STEP.times(10) + Span::from_secs(4);
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

    #[test]
    fn a_grid_of_parabolas_says_what_they_say() {
        // [CLOCK-14]
        let bend = grid(|step| 5_000_000 + 7_000 * step - 90 * step * step);
        let trend = bend.smooth(5);
        for seconds in -20..700 {
            let at = Instant::from_nanos(0) + Span::from_secs(seconds);
            assert_eq!(trend.at(0, at), bend.at(5, at), "{seconds} s");
        }
    }

    #[test]
    fn however_long_a_journal_claims_to_be_no_more_is_looked_at_than_is_known() {
        // [LIMITS-69]
        let from = Instant::from_nanos(3);
        let to = from + STEP.times(400);
        let known = |at| (at < to).then_some(Likely { offset: 0, noise: 0, skew_ppb: 0 });
        let endless = Grid::of(STEP, (from, Instant::MAX), known, InTurn);
        assert_eq!(endless.steps.len(), 400);
        assert_eq!(endless.at(2, Instant::MAX), None);
        assert_eq!(endless.at(2, from + STEP.times(399)).map(|likely| likely.offset), Some(0));
        let always = |_| Some(Likely { offset: 0, noise: 0, skew_ppb: 0 });
        let endless = Grid::of(STEP, (from, Instant::MAX), always, InTurn);
        assert_eq!(endless.steps.len(), 1 << 13);
        assert_eq!(endless.at(2, Instant::MAX), None);
    }
}
