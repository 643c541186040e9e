//! Three failures in a row of the face comparison, and what they demand.
//!
//! The protocol never sees a face. It only counts outcomes, because the demand
//! to verify again must survive a crash of the app and be the same whoever reads
//! the journal.

use crate::identity::Label;
use crate::journal::{Fact, Replayed};
use crate::limits;
use crate::session::facts::Outcome;

/// The name of the gate that is counted.
const FACE_COMPARE: &str = "face_compare";

/// Counts failures in a row. `[SESSION-11]`
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FaceGate {
    failures: u8,
}

/// What an outcome changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GateChange {
    /// Nothing that anybody must act on.
    Nothing,
    /// The examinee must be verified again.
    VerifyAgain,
}

impl FaceGate {
    /// As the journal of the runs before has it.
    pub(crate) fn of(past: Option<&Replayed>) -> Self {
        let mut gate = Self::default();
        for entry in past.into_iter().flat_map(Replayed::entries) {
            if let Fact::Gate { name, result } = entry.fact {
                let outcome = if result == 0 { Outcome::Failed } else { Outcome::Passed };
                gate.outcome(name, outcome);
            }
        }
        gate
    }

    /// Whether the examinee must be verified again: a host that starts knows of no
    /// demand that it was told before.
    pub(crate) const fn demands(self) -> bool {
        self.failures >= limits::FACE_FAILURES
    }

    pub(crate) fn outcome(&mut self, name: Label, outcome: Outcome) -> GateChange {
        if name.as_str() != FACE_COMPARE {
            return GateChange::Nothing;
        }
        match outcome {
            Outcome::Passed => self.failures = 0,
            Outcome::Failed => self.failures = self.failures.saturating_add(1),
        }
        if self.failures == limits::FACE_FAILURES {
            return GateChange::VerifyAgain;
        }
        GateChange::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_in_a_row_demands_verification_once() {
        // [SESSION-11]
        let face = Label::new(FACE_COMPARE).unwrap();
        let reading = Label::new("reading_done").unwrap();
        let mut gate = FaceGate::default();
        let steps = [
            (face, Outcome::Failed, GateChange::Nothing),
            (face, Outcome::Failed, GateChange::Nothing),
            (face, Outcome::Passed, GateChange::Nothing),
            (face, Outcome::Failed, GateChange::Nothing),
            (reading, Outcome::Failed, GateChange::Nothing),
            (face, Outcome::Failed, GateChange::Nothing),
            (face, Outcome::Failed, GateChange::VerifyAgain),
            (face, Outcome::Failed, GateChange::Nothing),
        ];
        for (step, (name, outcome, expected)) in steps.into_iter().enumerate() {
            assert_eq!(gate.outcome(name, outcome), expected, "step {step}");
        }
    }
}
