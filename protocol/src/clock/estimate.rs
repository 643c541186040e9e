//! The offset between two devices: what is certain, and what is likely.
//!
//! An [`Estimator`] is a function of what it was shown: the same observations give
//! the same answer to the last bit on both devices, in any order that the network
//! delivered them. It never forgets an epoch's proof and never answers with an
//! offset alone.

use super::bank::Bank;
use super::constraint::{Constraint, Epochs, Observation, Point};
use super::epoch::{Ruling, Tentative, contradicts};
use super::interval::{Bracket, Interval};
use super::model::{RATE_BITS, Wander};
use super::point::{Likely, Prior, in_quadrature};
use crate::limits;
use crate::time::{Clock, Instant, Primary, Secondary, Span};

/// What became of an observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observed {
    /// It belongs to the current epoch; `tightened` says whether the guarantee
    /// uses it.
    Taken {
        /// Whether the bound can depend on it.
        tightened: bool,
    },
    /// It contradicts the current epoch, or fits a suspected one: held until that
    /// is decided.
    Held,
    /// It began a new clock epoch, announced or proven.
    NewEpoch,
    /// It belongs to an epoch that is over.
    Stale,
}

/// Where the offset `x` = secondary − primary is at one instant.
///
/// ```
/// # use diptych_protocol::clock::Estimate;
/// # use diptych_protocol::time::Span;
/// fn bound(estimate: &Estimate) -> Span {
///     estimate.high - estimate.low
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Estimate {
    /// Most likely.
    pub offset: Span,
    /// Certainly at least, while the model holds.
    pub low: Span,
    /// Certainly at most, while the model holds.
    pub high: Span,
    /// One standard deviation of everything, the unknowable difference between
    /// the two directions' shortest delays included. `[CLOCK-16]`
    pub sigma: Span,
    /// One standard deviation of what more exchanges would improve.
    pub noise: Span,
    /// ẋ in parts per billion.
    pub skew_ppb: i64,
}

/// An instant of one clock, seen on the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped<C: Clock> {
    /// Most likely.
    pub at: Instant<C>,
    /// Certainly not before.
    pub low: Instant<C>,
    /// Certainly not after.
    pub high: Instant<C>,
    /// As in [`Estimate::sigma`].
    pub sigma: Span,
}

/// Online estimator of one pair of devices. Memory and work per observation are
/// bounded whatever the session's length. `[CLOCK-8]` `[CLOCK-9]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Estimator {
    current: Option<Stretch>,
    tentative: Option<Tentative>,
    epoch: u32,
}

/// One clock epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stretch {
    epochs: Epochs,
    /// The earliest instant of which this epoch speaks; the first speaks of all.
    since: i64,
    /// Before this instant a clock stepped, if that is why this epoch began.
    proven: i64,
    /// The last of them in time.
    latest: Point,
    certain: Bracket,
    likely: Bank,
}

impl Estimator {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All memory held.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let current =
            self.current.as_ref().map_or(0, |one| one.certain.bytes() + one.likely.bytes());
        size_of::<Self>() + current + self.tentative.as_ref().map_or(0, Tentative::bytes)
    }

    /// Takes a constraint in the epochs of the observation before it.
    pub fn observe(&mut self, constraint: Constraint) -> Observed {
        let epochs = self.current.as_ref().map_or_else(Epochs::default, |stretch| stretch.epochs);
        self.take(Observation { epochs, constraint })
    }

    /// Takes an observation. O(log n).
    pub fn take(&mut self, observation: Observation) -> Observed {
        let Some(current) = &self.current else {
            self.begin(&[observation], (i64::MIN, i64::MIN));
            return Observed::NewEpoch;
        };
        if !observation.epochs.same_clocks(current.epochs) {
            if !observation.epochs.later_clocks(current.epochs) {
                return Observed::Stale;
            }
            self.begin(&[observation], (observation.constraint.at().nanos(), i64::MIN));
            return Observed::NewEpoch;
        }
        if observation.constraint.point().at < current.proven {
            // Agreed on out of turn, it speaks of the clock before the step. `[CLOCK-41]`
            return Observed::Stale;
        }
        let against = contradicts(&current.certain, &observation);
        if let Some(mut tentative) = self.tentative.take() {
            match tentative.judge(observation, against) {
                Ruling::Open => self.tentative = Some(tentative),
                Ruling::Confirmed(held) => {
                    let since = held.iter().map(|held| held.constraint.at().nanos()).min();
                    let since = since.unwrap_or(i64::MIN);
                    self.begin(&held, (since, since));
                    return Observed::NewEpoch;
                }
                Ruling::Dismissed(held) => {
                    self.tentative = tentative.is_open().then_some(tentative);
                    for held in held {
                        self.add(held);
                    }
                }
            }
            return Observed::Held;
        }
        if against {
            self.tentative = Some(Tentative::new(observation));
            return Observed::Held;
        }
        Observed::Taken { tightened: self.add(observation) }
    }

    /// The interval that certainly contains the offset at `at`, inside the data
    /// or beyond; `None` before there is a message in each direction, and before
    /// the current epoch. `[CLOCK-7]`
    ///
    /// While a new epoch is suspected, an instant after the last bound of the
    /// current one is answered with what both together allow, or not at all.
    /// `[CLOCK-33]`
    #[must_use]
    pub fn interval(&self, at: Instant<Primary>) -> Option<Interval> {
        let current = self.current.as_ref()?;
        if at.nanos() < current.since {
            return None;
        }
        let certain = current.certain.interval(at)?;
        match &self.tentative {
            Some(tentative) if at.nanos() > current.latest.at => {
                Some(certain.hull(tentative.interval(at)?))
            }
            _ => Some(certain),
        }
    }

    /// Whether `observation` would contradict the current epoch: a reason to
    /// measure at once, before both devices have agreed on it. `[CLOCK-10]`
    #[must_use]
    pub fn is_contradicted_by(&self, observation: &Observation) -> bool {
        self.current.as_ref().is_some_and(|current| {
            observation.epochs.same_clocks(current.epochs)
                && contradicts(&current.certain, observation)
        })
    }

    /// The interval and what is likely inside it.
    #[must_use]
    pub fn estimate(&self, at: Instant<Primary>) -> Option<Estimate> {
        let certain = self.interval(at)?;
        let likely = self.current.as_ref()?.likely.at(at, certain)?;
        Some(Estimate::of(certain, likely))
    }

    /// The latest instant that an observation of this epoch speaks of.
    #[must_use]
    pub fn latest_instant(&self) -> Option<Instant<Primary>> {
        self.current.as_ref().map(|current| Instant::from_nanos(current.latest.at))
    }

    /// The offset at the latest instant that an observation speaks of.
    #[must_use]
    pub fn latest(&self) -> Option<(Instant<Primary>, Estimate)> {
        let at = Instant::from_nanos(self.current.as_ref()?.latest.at);
        Some((at, self.estimate(at)?))
    }

    /// When the primary's clock showed what the secondary's shows at `at`.
    #[must_use]
    pub fn to_primary(&self, at: Instant<Secondary>) -> Option<Mapped<Primary>> {
        let here = self.estimate(self.middle_of(at)?)?;
        Some(invert(at, here))
    }

    /// The same by the middle of what is certain: a tenth of the work, and as good
    /// for whoever needs no bound.
    #[must_use]
    pub fn middle_of(&self, at: Instant<Secondary>) -> Option<Instant<Primary>> {
        let current = self.current.as_ref()?;
        let mut guess = at.nanos().checked_sub(current.latest.value)?;
        // Each round shrinks the error of the guess by the rate limit, 8192 times, so
        // that one which moves it by less leaves nothing to a next.
        for _ in 0..3 {
            let middle = current.certain.interval(Instant::from_nanos(guess))?.middle();
            let next = at.nanos().checked_sub(middle.nanos())?;
            let moved = next.abs_diff(guess);
            guess = next;
            if moved >> RATE_BITS == 0 {
                break;
            }
        }
        (guess >= current.since).then(|| Instant::from_nanos(guess))
    }

    /// When the secondary's clock shows what the primary's shows at `at`.
    #[must_use]
    pub fn to_secondary(&self, at: Instant<Primary>) -> Option<Mapped<Secondary>> {
        Some(self.estimate(at)?.on_secondary(at))
    }

    /// Whether a new clock epoch is suspected and not yet decided. `[CLOCK-11]`
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.tentative.is_some()
    }

    /// How many clock epochs there were before this one.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    fn add(&mut self, observation: Observation) -> bool {
        let Some(current) = &mut self.current else { return false };
        if contradicts(&current.certain, &observation) {
            return false;
        }
        let point = observation.constraint.point();
        current.latest = current.latest.max(point);
        current.likely.insert(point);
        current.certain.insert(point)
    }

    fn begin(&mut self, observations: &[Observation], (since, proven): (i64, i64)) {
        let Some(first) = observations.first() else { return };
        let point = first.constraint.point();
        let known = self.current.as_ref().and_then(|current| {
            let at = Instant::from_nanos(current.latest.at);
            current.likely.at(at, current.certain.interval(at)?)
        });
        let prior = known.map_or(Prior::PHONES, |known| Prior::after(known.skew_ppb));
        if self.current.is_some() {
            self.epoch = self.epoch.saturating_add(1);
        }
        self.tentative = None;
        self.current = Some(Stretch {
            epochs: first.epochs,
            since,
            proven,
            latest: point,
            certain: Bracket::new(Wander::GUARANTEED, point, limits::CLOCK_HULL_VERTICES),
            likely: Bank::new(point, prior),
        });
        for observation in observations {
            self.add(*observation);
        }
    }
}

impl Estimate {
    /// What the secondary's clock shows when the primary's shows `at`, for which this
    /// estimate is.
    pub(super) fn on_secondary(&self, at: Instant<Primary>) -> Mapped<Secondary> {
        let on = |offset: Span| at.relabelled() + offset;
        Mapped { at: on(self.offset), low: on(self.low), high: on(self.high), sigma: self.sigma }
    }

    pub(super) fn of(certain: Interval, likely: Likely) -> Self {
        // How lopsided the shortest delays are cannot be observed. Anything
        // inside the interval is possible; a uniform law there has this deviation:
        // half width / √3.
        let lopsided = certain.half_width().nanos().saturating_mul(577) / 1_000;
        Self {
            offset: Span::from_nanos(likely.offset),
            low: certain.low,
            high: certain.high,
            sigma: Span::from_nanos(in_quadrature(likely.noise, lopsided)),
            noise: Span::from_nanos(likely.noise),
            skew_ppb: likely.skew_ppb,
        }
    }
}

/// Solves `a + x(a) = at` near `here`: the offset elsewhere in the interval's own
/// width differs by at most the rate limit times that width. `[CLOCK-17]`
pub(super) fn invert(at: Instant<Secondary>, here: Estimate) -> Mapped<Primary> {
    let slack = Span::from_nanos(((here.high - here.low).nanos() >> RATE_BITS).saturating_add(2));
    let on = |offset: Span| at.relabelled() - offset;
    Mapped {
        at: on(here.offset),
        low: on(here.high) - slack,
        high: on(here.low) + slack,
        sigma: here.sigma,
    }
}

impl<C: Clock> Mapped<C> {
    /// Half the width of the certain range, rounded up.
    #[must_use]
    pub fn half_width(&self) -> Span {
        Span::from_nanos((self.high - self.low).nanos().saturating_add(1) / 2)
    }
}
