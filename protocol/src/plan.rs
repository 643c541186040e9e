//! What is planned: windows, seats, and what every device must bring.
//!
//! The exam's server decides when the waiting window opens and closes and when
//! answering starts and ends; the host hands those instants over on the
//! primary's clock, so that nobody gains a minute by turning a wall clock.
//! Phases follow from the plan and the time alone. Rejected: phases as state
//! that the app advances, which two devices would advance differently.

use crate::device::Requirements;
use crate::identity::Label;
use crate::limits;
use crate::time::{Instant, Primary, Span};

/// Whether this session counts.
///
/// ```
/// # use diptych_protocol::plan::Mode;
/// let counts = Mode::Exam;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Mode {
    /// The exam itself.
    Exam,
    /// The mock exam: the same in everything, marked as such.
    Mock,
}

/// Where the session stands. `[SESSION-4]`
///
/// ```
/// # use diptych_protocol::plan::Phase;
/// fn shows_questions(phase: Phase) -> bool {
///     phase == Phase::Answering
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Phase {
    /// Before the waiting window opens: pairing and checks are possible.
    Setup,
    /// The waiting window: every camera has to be recording before it closes.
    Waiting,
    /// The waiting window is closed, answering has not started.
    Ready,
    /// Answering: what is counted, is counted here.
    Answering,
    /// Over.
    Ended,
}

/// A validated plan; [`Plan::new`] is the only way to one.
///
/// ```
/// # use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
/// # use diptych_protocol::identity::Label;
/// # use diptych_protocol::plan::{Mode, Plan, PlanError, Windows};
/// # use diptych_protocol::time::{Instant, Primary, Span};
/// /// Three minutes to set up, then two hours.
/// fn plan(now: Instant<Primary>, issuer: Label, asked: Requirements) -> Result<Plan, PlanError> {
///     let answer_start = now + Span::from_secs(180);
///     let windows = Windows {
///         wait_open: now,
///         wait_close: answer_start,
///         answer_start,
///         answer_end: answer_start + Span::from_secs(7_200),
///     };
///     Plan::new(Mode::Exam, issuer, 1, windows, asked)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    mode: Mode,
    issuer: Label,
    assistants: u8,
    wait_open: Instant<Primary>,
    wait_close: Instant<Primary>,
    answer_start: Instant<Primary>,
    answer_end: Instant<Primary>,
    requirements: Requirements,
}

/// The instants of a plan, on the primary's clock, in this order.
///
/// A primary that starts in another boot is given them on the clock of that boot.
///
/// ```
/// # use diptych_protocol::plan::Windows;
/// # use diptych_protocol::time::{Instant, Primary, Span};
/// fn windows(opens: Instant<Primary>) -> Windows {
///     let answer_start = opens + Span::from_secs(600);
///     let answer_end = answer_start + Span::from_secs(7_200);
///     Windows { wait_open: opens, wait_close: answer_start, answer_start, answer_end }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    /// The waiting window opens.
    pub wait_open: Instant<Primary>,
    /// The waiting window closes; every camera must be recording by then.
    pub wait_close: Instant<Primary>,
    /// Answering starts.
    pub answer_start: Instant<Primary>,
    /// Answering ends.
    pub answer_end: Instant<Primary>,
}

/// Why a plan is impossible.
///
/// ```
/// # use diptych_protocol::plan::PlanError;
/// fn is_too_long(error: &PlanError) -> bool {
///     matches!(error, PlanError::TooLong { .. })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The windows are not in order.
    #[error("expected {earlier} before {later}, but it is {by} after it; correct the times")]
    Order {
        /// What has to come first.
        earlier: &'static str,
        /// What has to come after it.
        later: &'static str,
        /// By how much it does not.
        by: Span,
    },
    /// Longer than any session may be.
    #[error(
        "expected a session of at most {}, got {got}; shorten the windows",
        limits::SESSION_LENGTH
    )]
    TooLong {
        /// The planned length.
        got: Span,
    },
    /// No assistant, or more than there can be.
    #[error("expected 1 to {} assistants, got {got}", limits::ASSISTANTS)]
    Assistants {
        /// The number that was asked for.
        got: u8,
    },
    /// A charge above full.
    #[error("expected a battery requirement of 0 to 100 percent, got {got}")]
    Battery {
        /// The number that was asked for.
        got: u8,
    },
}

impl Plan {
    /// Checks and takes a plan. `[SESSION-3]`
    ///
    /// # Errors
    /// [`PlanError`] says which value is impossible.
    pub fn new(
        mode: Mode,
        issuer: Label,
        assistants: u8,
        windows: Windows,
        requirements: Requirements,
    ) -> Result<Self, PlanError> {
        let Windows { wait_open, wait_close, answer_start, answer_end } = windows;
        let order = [
            ("the opening of the waiting window", wait_open),
            ("its closing", wait_close),
            ("the start of answering", answer_start),
            ("the end of answering", answer_end),
        ];
        for ((earlier, first), (later, second)) in order.iter().zip(order.iter().skip(1)) {
            // Answering may start the moment that the waiting window closes.
            let by = *first - *second;
            let touching = by == Span::ZERO && *earlier == "its closing";
            if by >= Span::ZERO && !touching {
                return Err(PlanError::Order { earlier, later, by });
            }
        }
        let length = answer_end - wait_open;
        if length > limits::SESSION_LENGTH {
            return Err(PlanError::TooLong { got: length });
        }
        if assistants == 0 || assistants > limits::ASSISTANTS {
            return Err(PlanError::Assistants { got: assistants });
        }
        if requirements.battery_percent > 100 {
            return Err(PlanError::Battery { got: requirements.battery_percent });
        }
        Ok(Self {
            mode,
            issuer,
            assistants,
            wait_open,
            wait_close,
            answer_start,
            answer_end,
            requirements,
        })
    }

    /// Exam or mock exam.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Who holds the exam, for the assistant's screen.
    #[must_use]
    pub const fn issuer(&self) -> Label {
        self.issuer
    }

    /// How many assistants take part.
    #[must_use]
    pub const fn assistants(&self) -> u8 {
        self.assistants
    }

    /// The instants, on the primary's clock.
    #[must_use]
    pub const fn windows(&self) -> Windows {
        Windows {
            wait_open: self.wait_open,
            wait_close: self.wait_close,
            answer_start: self.answer_start,
            answer_end: self.answer_end,
        }
    }

    /// What every device must bring.
    #[must_use]
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// The longest that a camera will record: from the opening of the waiting
    /// window to the end of answering.
    #[must_use]
    pub fn planned_length(&self) -> Span {
        self.answer_end - self.wait_open
    }

    /// The phase at `now`. `[SESSION-4]`
    #[must_use]
    pub fn phase_at(&self, now: Instant<Primary>) -> Phase {
        if now < self.wait_open {
            Phase::Setup
        } else if now < self.wait_close {
            Phase::Waiting
        } else if now < self.answer_start {
            Phase::Ready
        } else if now < self.answer_end {
            Phase::Answering
        } else {
            Phase::Ended
        }
    }

    /// When the phase next changes after `now`.
    #[must_use]
    pub fn next_change(&self, now: Instant<Primary>) -> Option<Instant<Primary>> {
        [self.wait_open, self.wait_close, self.answer_start, self.answer_end]
            .into_iter()
            .find(|change| *change > now)
    }
}

impl Phase {
    /// The stable name, as in the specification.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "SETUP",
            Self::Waiting => "WAITING",
            Self::Ready => "READY",
            Self::Answering => "ANSWERING",
            Self::Ended => "ENDED",
        }
    }

    /// The number on the wire and in the journal.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Setup => 0,
            Self::Waiting => 1,
            Self::Ready => 2,
            Self::Answering => 3,
            Self::Ended => 4,
        }
    }

    /// The phase with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Setup,
            1 => Self::Waiting,
            2 => Self::Ready,
            3 => Self::Answering,
            4 => Self::Ended,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Heat, Permissions, Switch};

    const REQUIREMENTS: Requirements = Requirements {
        battery_percent: 20,
        charger: Switch::Off,
        bytes_per_second: 0,
        heat: Heat::Hot,
        permissions: Permissions(0),
    };

    fn plan(seconds: [i64; 4]) -> Result<Plan, PlanError> {
        let [wait_open, wait_close, answer_start, answer_end] =
            seconds.map(|s| Instant::from_nanos(0) + Span::from_secs(s));
        let windows = Windows { wait_open, wait_close, answer_start, answer_end };
        Plan::new(Mode::Exam, Label::new("Academy").unwrap(), 1, windows, REQUIREMENTS)
    }

    #[test]
    fn phases_change_at_the_planned_instants() {
        // [SESSION-4] [TIME-3]
        let plan = plan([10, 20, 20, 40]).unwrap();
        let phase = |s| plan.phase_at(Instant::from_nanos(0) + Span::from_secs(s));
        assert_eq!(phase(9), Phase::Setup);
        assert_eq!(phase(10), Phase::Waiting);
        assert_eq!(phase(20), Phase::Answering);
        assert_eq!(phase(40), Phase::Ended);
        let zero = Instant::from_nanos(0);
        assert_eq!(plan.next_change(zero), Some(zero + Span::from_secs(10)));
        assert_eq!(plan.next_change(zero + Span::from_secs(40)), None);
    }

    #[test]
    fn impossible_times_are_refused_with_the_reason() {
        // [SESSION-3]
        let error = plan([10, 5, 20, 40]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected the opening of the waiting window before its closing, but it is 5 s after \
             it; correct the times"
        );
        assert!(matches!(plan([0, 10, 9, 40]), Err(PlanError::Order { .. })));
        assert!(matches!(plan([0, 10, 10, 10]), Err(PlanError::Order { .. })));
        assert!(matches!(plan([0, 10, 10, 1_000_000]), Err(PlanError::TooLong { .. })));
    }
}
