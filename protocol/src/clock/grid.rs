//! Estimates at evenly spaced instants, smoothed by parabolas.
//!
//! A soft model follows a phone that warms up and pays with noise: it listens to half
//! a minute. A stiff one is quiet and cannot bend. Oscillators bend slowly, though
//! not always little, and a parabola over a minute or two follows that: through what
//! the soft model says at many instants it keeps the bend and averages the noise.
//!
//! Eight hours have thousands of steps, and each costs more than a parabola through
//! many: so those are asked for that a parabola will need, and no others.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use super::model::saturate;
use super::point::Likely;
use crate::join::Join;
use crate::time::{Instant, Primary, Span};

/// Between two estimates.
const STEP: Span = Span::from_secs(8);

/// Estimates of one model.
pub(super) struct Grid {
    from: Instant<Primary>,
    /// The number of the last step.
    last: i64,
    steps: BTreeMap<i64, Likely>,
}

/// Whether there was an estimate for every step that was asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    AtItsEnd,
    Early,
}

impl Grid {
    /// With a step at every multiple from `from` to `to`, none of them known yet.
    pub(super) fn new(from: Instant<Primary>, to: Instant<Primary>) -> Self {
        let last = (to - from).nanos().max(0) / STEP.nanos();
        Self { from, last, steps: BTreeMap::new() }
    }

    /// Asks `estimate` for the steps that parabolas over `reach` steps on either side
    /// need from `from` to `to`, up to the first of which it knows nothing.
    pub(super) fn ask(
        &mut self,
        reach: i64,
        (from, to): (Instant<Primary>, Instant<Primary>),
        estimate: impl Fn(Instant<Primary>) -> Option<Likely> + Sync,
        join: impl Join,
    ) {
        let first = self.step(from).saturating_sub(reach).max(0);
        let last = self.step(to).saturating_add(reach + 1).min(self.last);
        let middle = first.midpoint(last);
        let ask = |steps: RangeInclusive<i64>| {
            let mut found = Vec::new();
            for step in steps.filter(|step| !self.steps.contains_key(step)) {
                let Some(likely) = estimate(self.from + STEP.times(step)) else {
                    return (found, Ended::Early);
                };
                found.push((step, likely));
            }
            (found, Ended::AtItsEnd)
        };
        let ((early, ended), (late, _)) =
            join.join(|| ask(first..=middle), || ask(middle + 1..=last));
        self.steps.extend(early);
        if ended == Ended::AtItsEnd {
            self.steps.extend(late);
        }
    }

    /// The last step that is not after `at`.
    fn step(&self, at: Instant<Primary>) -> i64 {
        ((at - self.from).nanos().max(0) / STEP.nanos()).min(self.last)
    }

    /// The parabola over `reach` steps on either side of `at`, straight from step to
    /// step.
    pub(super) fn at(&self, reach: i64, at: Instant<Primary>) -> Option<Likely> {
        let step = self.step(at);
        let since = (at - self.from).nanos().max(0);
        let base = *self.steps.get(&step)?;
        let here = self.smoothed(reach, step)?;
        let run = i128::from(since.saturating_sub(STEP.nanos().saturating_mul(step)));
        let moved = match self.smoothed(reach, step + 1) {
            Some(next) => (next - here) * run / i128::from(STEP.nanos()),
            // Beyond the last step its own rate goes on.
            None => i128::from(base.skew_ppb) * run / 1_000_000_000,
        };
        Some(Likely { offset: saturate(here + moved), ..base })
    }

    /// The least-squares parabola at its middle, by the weights of Savitzky and
    /// Golay; over fewer steps near the ends.
    fn smoothed(&self, reach: i64, step: i64) -> Option<i128> {
        let reach = reach.min(step).min(self.last.checked_sub(step).filter(|after| *after >= 0)?);
        let middle = i128::from(self.steps.get(&step)?.offset);
        let m = i128::from(reach);
        let total = (2 * m - 1) * (2 * m + 1) * (2 * m + 3);
        let mut sum = 0_i128;
        let mut known = self.steps.range(step - reach..=step + reach);
        for away in -m..=m {
            let (_, one) = known.next()?;
            let weight = 3 * (3 * m * m + 3 * m - 1) - 15 * away * away;
            sum += (i128::from(one.offset) - middle) * weight;
        }
        Some(middle + sum.div_euclid(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::InTurn;

    fn grid(offset: impl Fn(i64) -> i64 + Sync) -> Grid {
        let (from, to) = (Instant::from_nanos(0), Instant::from_nanos(0) + STEP.times(40));
        let step = |at: Instant<Primary>| at.nanos() / STEP.nanos();
        let likely = |at| Some(Likely { offset: offset(step(at)), noise: 0, skew_ppb: 0 });
        let mut grid = Grid::new(from, to);
        grid.ask(14, (from, to), likely, InTurn);
        grid
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

    #[test]
    fn what_was_asked_for_around_an_instant_says_the_same_there() {
        // [CLOCK-14]
        let bend = |at: Instant<Primary>| {
            let offset = at.nanos() / 1_000 * (at.nanos() % 7);
            Some(Likely { offset, noise: 0, skew_ppb: 0 })
        };
        let (from, to) = (Instant::from_nanos(3), Instant::from_nanos(3) + STEP.times(400));
        let mut whole = Grid::new(from, to);
        whole.ask(14, (from, to), bend, InTurn);
        for seconds in (0..3_300).step_by(50) {
            let at = from + Span::from_secs(seconds);
            let mut part = Grid::new(from, to);
            part.ask(14, (at, at), bend, InTurn);
            for reach in [3, 5, 8, 14] {
                assert_eq!(part.at(reach, at), whole.at(reach, at), "{reach} at {seconds} s");
            }
        }
        // However long a journal claims to be, no more is looked at than is known.
        let mut endless = Grid::new(from, Instant::MAX);
        let known = |at| bend(at).filter(|_| at < to);
        endless.ask(14, (from, Instant::MAX), known, InTurn);
        assert_eq!(endless.steps.len(), 400);
    }
}
