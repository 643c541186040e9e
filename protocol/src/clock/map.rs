//! A line through knots: both clocks over a whole session.
//!
//! Between two knots the offset runs straight. The true offset bends, but by no
//! more than the wander limit allows over a chord, and that sag is added to the
//! bounds of every answer. Rejected: polynomials and splines (an inverse needs
//! iterations, and an error at one knot rings through its neighbours).

use super::estimate::{Estimate, Mapped, invert};
use super::model::{RATE_BITS, Wander, saturate, share};
use crate::time::{Instant, Primary, Secondary, Span};

/// The offset at one instant of a [`Map`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Knot {
    /// When.
    pub at: Instant<Primary>,
    /// The offset there.
    pub here: Estimate,
}

/// A stretch of time in which both clocks ran on, as a line through knots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapStretch {
    knots: Vec<Knot>,
}

/// An instant of the secondary's clock between two stretches: nobody knows on
/// which side of the step it lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Across {
    /// The last message before the step and the first after it, by the secondary.
    pub gap: (Instant<Secondary>, Instant<Secondary>),
    /// As the stretch before goes on.
    pub before: Mapped<Primary>,
    /// As the stretch after came.
    pub after: Mapped<Primary>,
}

/// Both clocks over a whole session: one stretch per clock epoch, in order.
/// `[CLOCK-26]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Map {
    stretches: Vec<MapStretch>,
}

impl Map {
    /// A map of these stretches; empty ones are left out.
    pub(super) fn new(stretches: impl IntoIterator<Item = MapStretch>) -> Self {
        let stretches = stretches.into_iter().filter(|stretch| !stretch.knots.is_empty());
        Self { stretches: stretches.collect() }
    }

    /// The stretches, oldest first. Between two of them the offset is unknown.
    #[must_use]
    pub fn stretches(&self) -> &[MapStretch] {
        &self.stretches
    }

    /// The offset at `at`; `None` outside every stretch.
    #[must_use]
    pub fn estimate(&self, at: Instant<Primary>) -> Option<Estimate> {
        self.stretches.iter().find_map(|stretch| stretch.estimate(at))
    }

    /// When the secondary's clock showed what the primary's showed at `at`.
    #[must_use]
    pub fn to_secondary(&self, at: Instant<Primary>) -> Option<Mapped<Secondary>> {
        Some(self.estimate(at)?.on_secondary(at))
    }

    /// When the primary's clock showed what the secondary's showed at `at`.
    /// `[CLOCK-17]`
    #[must_use]
    pub fn to_primary(&self, at: Instant<Secondary>) -> Option<Mapped<Primary>> {
        self.stretches.iter().find_map(|stretch| stretch.to_primary(at))
    }

    /// What the two stretches around `at` say of it; `None` inside a stretch, and
    /// outside of all of them.
    #[must_use]
    pub fn across(&self, at: Instant<Secondary>) -> Option<Across> {
        let (before, after) =
            self.seams().find(|(before, after)| before.there() < at && at < after.there())?;
        let gap = (before.there(), after.there());
        Some(Across { gap, before: before.onward(at), after: after.onward(at) })
    }

    /// When the secondary's clock shows what the primary's shows at `at`, between two
    /// stretches: at the nearer of the two, in an interval that holds both. `None`
    /// inside a stretch, and outside of all of them.
    #[must_use]
    pub fn to_secondary_across(&self, at: Instant<Primary>) -> Option<Mapped<Secondary>> {
        let (before, after) =
            self.seams().find(|(before, after)| before.at < at && at < after.at)?;
        let sides = [before, after].map(|knot| knot.onward_at(at).on_secondary(at));
        let [near, far] =
            if at - before.at <= after.at - at { sides } else { [sides[1], sides[0]] };
        Some(Mapped { low: near.low.min(far.low), high: near.high.max(far.high), ..near })
    }

    /// From the end of each stretch to the beginning of the next, by the secondary's
    /// clock: not empty, also where that clock stood still and the two overlap. In
    /// each of them a clock has stepped.
    pub fn gaps(&self) -> impl Iterator<Item = (Instant<Secondary>, Instant<Secondary>)> + '_ {
        self.seams().map(|(before, after)| {
            let end = before.there();
            (end, after.there().max(end + Span::from_nanos(1)))
        })
    }

    fn seams(&self) -> impl Iterator<Item = (&Knot, &Knot)> {
        self.stretches
            .iter()
            .zip(self.stretches.iter().skip(1))
            .filter_map(|(before, after)| Some((before.knots.last()?, after.knots.first()?)))
    }
}

impl MapStretch {
    /// A line through these knots, in order of time. A knot that would make the
    /// secondary's clock stand still or run backwards is left out. `[CLOCK-26]`
    pub(super) fn new(knots: impl IntoIterator<Item = Knot>) -> Self {
        let mut kept: Vec<Knot> = Vec::new();
        for knot in knots {
            if kept.last().is_none_or(|last| last.at < knot.at && last.there() < knot.there()) {
                kept.push(knot);
            }
        }
        Self { knots: kept }
    }

    /// The knots, in order of time; at least one.
    #[must_use]
    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }

    fn estimate(&self, at: Instant<Primary>) -> Option<Estimate> {
        let index = self.knots.partition_point(|knot| knot.at <= at);
        let left = self.knots.get(index.checked_sub(1)?)?;
        match self.knots.get(index) {
            Some(right) => Some(between(left, right, at)),
            None => (left.at == at).then_some(left.here),
        }
    }

    fn to_primary(&self, at: Instant<Secondary>) -> Option<Mapped<Primary>> {
        let index = self.knots.partition_point(|knot| knot.there() <= at);
        let left = self.knots.get(index.checked_sub(1)?)?;
        let Some(right) = self.knots.get(index) else {
            return (left.there() == at).then(|| invert(at, left.here));
        };
        let run = i128::from((right.at - left.at).nanos());
        let rise = i128::from((right.there() - left.there()).nanos());
        let part = i128::from((at - left.there()).nanos());
        // Rounded to the nearest: within one nanosecond of the inverse.
        let along = (2 * part * run + rise).div_euclid(2 * rise.max(1));
        let when = left.at + Span::from_nanos(saturate(along));
        let mapped = invert(at, between(left, right, when));
        Some(Mapped { at: when, ..mapped })
    }
}

impl Knot {
    /// What the secondary's clock shows at this knot.
    #[must_use]
    pub fn there(&self) -> Instant<Secondary> {
        self.at.relabelled() + self.here.offset
    }

    /// Where `at` lies if the clocks ran on between here and there.
    fn onward(&self, at: Instant<Secondary>) -> Mapped<Primary> {
        invert(at, self.beyond(at - self.there()))
    }

    /// The offset at `at` if the clocks ran on between here and there.
    fn onward_at(&self, at: Instant<Primary>) -> Estimate {
        self.beyond(at - self.at)
    }

    /// So far from here by either clock, at most at the rate that they may have.
    /// `[CLOCK-2]`
    fn beyond(&self, away: Span) -> Estimate {
        let away = away.nanos();
        // Once more the rate: the distance may be the secondary's, not the primary's.
        let drift = (away.saturating_abs() >> RATE_BITS).saturating_add(2);
        let drift = Span::from_nanos(drift.saturating_add(drift >> RATE_BITS));
        let run = share(away, self.here.skew_ppb, 1_000_000_000);
        Estimate {
            offset: self.here.offset + Span::from_nanos(run),
            low: self.here.low - drift,
            high: self.here.high + drift,
            ..self.here
        }
    }
}

/// The straight line between two knots, its bounds widened by what the offset
/// may bend. `[CLOCK-27]`
fn between(left: &Knot, right: &Knot, at: Instant<Primary>) -> Estimate {
    let chord = right.at - left.at;
    let sag = Wander::GUARANTEED.sag(chord) + Span::from_nanos(1);
    let (run, part) = (i128::from(chord.nanos()).max(1), i128::from((at - left.at).nanos()));
    let mix = |from: Span, to: Span| {
        let rise = i128::from(to.nanos()) - i128::from(from.nanos());
        from + Span::from_nanos(saturate((rise * part).div_euclid(run)))
    };
    let (here, there) = (left.here, right.here);
    Estimate {
        offset: mix(here.offset, there.offset),
        low: mix(here.low, there.low) - sag,
        high: mix(here.high, there.high) + sag,
        sigma: mix(here.sigma, there.sigma),
        noise: mix(here.noise, there.noise),
        skew_ppb: here.skew_ppb.midpoint(there.skew_ppb),
    }
}
