//! Which numbers the codes in a fact can have.
//!
//! Two readers that differ on whether a record is damaged reach two verdicts from one
//! file, so the question has one answer for each code. A code that says which of a few
//! things happened is *closed*: a reader that met another one would not know what it
//! reads. A code that only says why (a cause, an alarm, a failure) is *open*: it is
//! kept as it is, and a journal survives a reader that does not know the newest cause.
//! The writer asks the same question, so that it never writes what cannot be read.
//! Rejected: a type for each code in [`Fact`], which would make seven conversions of
//! what is a number in the file, in the report and in the program's output.

use super::body::BodyError;
use super::fact::Fact;
use crate::device::Heat;
use crate::identity::Role;
use crate::plan::Phase;

/// The highest charge, in percent.
const FULL: u8 = 100;
/// The highest number of a link state: `DOWN`.
const LINK_STATES: u8 = 3;
/// The highest number of a [`Fact::Take`]'s mark: chosen.
const TAKE_MARKS: u8 = 2;
/// The highest number of a [`Fact::Finish`]'s reason: replaced.
const FINISH_REASONS: u8 = 3;
/// What is not known.
const UNKNOWN: u8 = u8::MAX;

/// Whether every closed code of `fact` is one that its field can have. `[JOURNAL-28]`
#[expect(clippy::wildcard_enum_match_arm, reason = "no other fact has a closed code")]
pub(super) fn check(fact: &Fact) -> Result<(), BodyError> {
    match fact {
        Fact::DeviceReplaced { device, .. } | Fact::PeerBoot { device, .. } => {
            closed("a device from 1 on", *device, *device > 0)
        }
        Fact::Plan { assistants, .. } => {
            closed("at most 8 assistants", *assistants, Role::new(*assistants).is_ok())
        }
        Fact::Phase { phase } => {
            closed("a phase from 0 to 4", *phase, Phase::from_number(*phase).is_some())
        }
        Fact::Device { battery_percent, charging, power_save, heat, .. } => {
            let charge = *battery_percent <= FULL || *battery_percent == UNKNOWN;
            closed("a charge of 0 to 100 percent, or 255", *battery_percent, charge)?;
            for switch in [*charging, *power_save] {
                closed("a switch: 0, 1 or 255", switch, switch <= 1 || switch == UNKNOWN)?;
            }
            closed("a heat from 0 to 4", *heat, Heat::from_number(*heat).is_some())
        }
        Fact::CameraEvent { state, .. } | Fact::AudioEvent { state, .. } => {
            closed("0 lost or 1 back", *state, *state <= 1)
        }
        Fact::Link { state, .. } => {
            closed("a link state from 0 to 3", *state, *state <= LINK_STATES)
        }
        Fact::Gate { result, .. } => closed("0 failed or 1 passed", *result, *result <= 1),
        Fact::Take { mark, .. } => {
            closed("0 began, 1 ended or 2 chosen", *mark, *mark <= TAKE_MARKS)
        }
        Fact::PeerSeal { history, .. } => closed("history 0 or 1", *history, *history <= 1),
        Fact::Finish { reason } => {
            closed("a reason from 0 to 3", *reason, *reason <= FINISH_REASONS)
        }
        _ => Ok(()),
    }
}

fn closed(expected: &'static str, code: u8, allowed: bool) -> Result<(), BodyError> {
    allowed.then_some(()).ok_or(BodyError::Value { expected, got: code.into() })
}
