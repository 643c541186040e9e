//! When the assumptions broke, and what to believe then.
//!
//! A bound that contradicts the interval is a proof: a clock stepped, a stamp is
//! false, or the wander limit does not hold. It is not yet a reason to throw the
//! clock away, because one false stamp proves it just as well. So the
//! contradiction opens a *tentative* epoch beside the current one; three
//! contradictions that agree with each other confirm it, and one constraint that
//! contradicts the newcomer dismisses it. While the question is open, constraints
//! that fit both are held back, so that neither can spoil the other.
//!
//! Rejected: outlier tests in multiples of σ (bursty loss makes them fire; a
//! contradiction of a proven interval cannot happen while the assumptions hold,
//! whatever the network does), and stepping on the first contradiction (one
//! corrupt stamp would cost the whole alignment).

use super::constraint::Observation;
use super::interval::{Bracket, Interval};
use super::model::Wander;
use crate::limits;
use crate::time::{Instant, Primary};

/// Contradictions that agree with each other before a clock epoch is believed.
/// `[CLOCK-11]`
const CONFIRMATIONS: usize = 3;

/// A clock epoch that is suspected and not yet believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tentative {
    bracket: Bracket,
    /// What contradicts the current epoch.
    proofs: Vec<Observation>,
    /// That, and what fits both.
    held: Vec<Observation>,
}

/// What a constraint does to the question whether a new epoch has begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ruling {
    /// Still open; the constraint is held.
    Open,
    /// The new epoch is believed; these belong to it, in order.
    Confirmed(Vec<Observation>),
    /// There was no new epoch; these belong to the old one, in order.
    Dismissed(Vec<Observation>),
}

/// Whether `bracket` proves `observation` impossible. `[CLOCK-10]`
pub(super) fn contradicts(bracket: &Bracket, observation: &Observation) -> bool {
    bracket.contradicts(observation.constraint.point())
}

impl Tentative {
    /// Suspects a new epoch because of `first`.
    pub(super) fn new(first: Observation) -> Self {
        let point = first.constraint.point();
        let mut bracket =
            Bracket::new(Wander::GUARANTEED, point, limits::CLOCK_TENTATIVE_OBSERVATIONS);
        bracket.insert(point);
        Self { bracket, proofs: vec![first], held: vec![first] }
    }

    /// Judges with one more observation; `against_old` says whether it, too,
    /// contradicts the old epoch. `[CLOCK-11]`
    pub(super) fn judge(&mut self, observation: Observation, against_old: bool) -> Ruling {
        let against_new = contradicts(&self.bracket, &observation);
        if against_new && against_old {
            // Fits neither: what was suspected was false, and so may this be.
            let held = self.innocent();
            *self = Self::new(observation);
            return if held.is_empty() { Ruling::Open } else { Ruling::Dismissed(held) };
        }
        if against_new {
            let mut held = self.innocent();
            held.push(observation);
            return Ruling::Dismissed(held);
        }
        self.bracket.insert(observation.constraint.point());
        self.held.push(observation);
        if against_old {
            self.proofs.push(observation);
        }
        if self.proofs.len() >= CONFIRMATIONS {
            let mut held = core::mem::take(&mut self.held);
            let at = |observation: &Observation| observation.constraint.point().at;
            let mut proofs: Vec<i64> = self.proofs.iter().map(at).collect();
            proofs.sort_unstable();
            let second = proofs.get(1).copied().unwrap_or(i64::MAX);
            // What fits both may have been under way when the clock stepped, and be false
            // of the new one. `[CLOCK-40]`
            held.retain(|held| at(held) >= second || self.proofs.contains(held));
            return Ruling::Confirmed(held);
        }
        if self.held.len() >= limits::CLOCK_TENTATIVE_OBSERVATIONS {
            return Ruling::Dismissed(self.innocent());
        }
        Ruling::Open
    }

    /// Memory held beyond the value itself.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        let observations = self.held.capacity() + self.proofs.capacity();
        self.bracket.bytes() + observations * size_of::<Observation>()
    }

    /// Where the offset is at `at` if the suspicion is right. `[CLOCK-33]`
    pub(super) fn interval(&self, at: Instant<Primary>) -> Option<Interval> {
        self.bracket.interval(at)
    }

    /// Whether a new epoch is still suspected.
    pub(super) const fn is_open(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes what is held; the caller drops those that contradict the old epoch.
    fn innocent(&mut self) -> Vec<Observation> {
        core::mem::take(&mut self.held)
    }
}
