//! Six policies that schools and products are known to use.
//!
//! They differ from one another in few fields, so each is the first one with
//! changes. A school that needs something else starts from a preset and signs
//! its own.

use super::{CountFrom, ExpectedIn, OnLoss, Policy, PolicyError, Scope, Sound, Terms};
use crate::identity::Label;
use crate::time::Span;

/// The names of all presets. `[POLICY-20]`
pub const PRESETS: [&str; 6] = [
    "xyb-seed",
    "zjut-2022",
    "strict-zero",
    "block-until-back",
    "record-and-review",
    "primary-only",
];

/// The limits of the examinee's manual: a fourth interruption fails, and so does
/// one of more than two minutes.
const fn manual(name: Label) -> Terms {
    Terms {
        name,
        max_count: Some(3),
        max_duration: Some(Span::from_secs(120)),
        min_lost: Span::from_secs(2),
        stable: Span::from_secs(5),
        onset: Span::from_secs(10),
        frame_gap: Span::from_secs(2),
        scope: Scope::Union,
        count_from: CountFrom::Answer,
        sound: Sound::Flagged,
        expected_max: Span::from_secs(10),
        expected_in: ExpectedIn::Waiting,
        on_loss: OnLoss::Warn,
    }
}

impl Policy {
    /// The preset called `name`. `[POLICY-20]`
    ///
    /// # Errors
    /// [`PolicyError::Preset`], with the names there are.
    pub fn preset(name: &str) -> Result<Self, PolicyError> {
        let unknown = || PolicyError::Preset { known: PRESETS.join(", "), got: name.to_owned() };
        let seed = manual(Label::new(name).map_err(|_| unknown())?);
        let terms = match name {
            "xyb-seed" => seed,
            "zjut-2022" => Terms { max_count: Some(1), ..seed },
            "strict-zero" => Terms {
                max_count: Some(0),
                max_duration: Some(Span::ZERO),
                on_loss: OnLoss::Stop,
                ..seed
            },
            "block-until-back" => {
                Terms { max_count: None, max_duration: None, on_loss: OnLoss::Hide, ..seed }
            }
            "record-and-review" => {
                Terms { max_count: None, max_duration: None, on_loss: OnLoss::Silent, ..seed }
            }
            "primary-only" => Terms { scope: Scope::PrimaryOnly, ..seed },
            _ => return Err(unknown()),
        };
        Self::new(terms)
    }
}
