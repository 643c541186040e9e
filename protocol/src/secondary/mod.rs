//! The device behind the examinee: scans the code, and records.
//!
//! Nobody looks at an assistant's screen during an exam, so it must need nobody:
//! after one scan and one consent it finds its way back to the primary from any
//! outage, crash or reboot, and keeps its camera running meanwhile. Rejected:
//! stopping the camera when the link is gone, which would turn every Wi-Fi
//! outage into an interruption.

mod confirming;
mod connection;
mod control;
mod dialling;
mod hosting;
mod joining;
mod machine;
mod snapshot;

use crate::clock::Estimate;
use crate::device::Shortfall;
use crate::fault::{CloseCode, Fault};
use crate::identity::{BootId, Label, Role, Signer};
use crate::ledger::Observed;
use crate::liveness::LinkState;
use crate::machine::Lost;
use crate::plan::{Phase, Plan};
use crate::secret::Entropy;
use crate::session::{HostFact, Past, Refused, StartError};
use crate::ticket::Ticket;
use crate::time::{Instant, Secondary, Span};
use crate::words::Text;

pub use machine::SecondaryMachine;
pub use snapshot::{Question, Snapshot};

/// What an assistant is started with.
pub struct Setup {
    /// What this device is called on the primary's screen.
    pub label: Label,
    /// Signs this device's journal with the key of its certificate.
    pub signer: Box<dyn Signer>,
    /// This boot of the device.
    pub boot: BootId,
    /// Unix time in milliseconds: a label in the journal.
    pub wall_ms: i64,
    /// Why the last run ended, as far as the system says.
    pub last_exit: Observed,
    /// 32 bytes from the system's generator.
    pub entropy: Entropy,
    /// What the disk holds from earlier runs of this session.
    pub past: Past,
}

/// What the host may ask of an assistant.
#[derive(Debug)]
pub enum Command {
    /// The camera, a picture or a person gave this code.
    Scanned(Box<Ticket>),
    /// The user accepts, or does not, to lend this device to the exam shown.
    Consent(Consent),
    /// Something happened on this device.
    Host(HostFact<Secondary>),
    /// Leave the session for good.
    Leave,
}

/// The user's answer to [`Event::ConsentNeeded`].
///
/// ```
/// # use diptych_protocol::secondary::Consent;
/// fn answered(yes: bool) -> Consent {
///     if yes { Consent::Given } else { Consent::Declined }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consent {
    /// Yes.
    Given,
    /// No.
    Declined,
}

/// What an assistant tells its host.
///
/// ```
/// # use diptych_protocol::secondary::Event;
/// fn take_to_record(event: &Event) -> Option<u32> {
///     match event {
///         Event::StartRecording { take } => Some(*take),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Ask the user: lend this device to this exam? Nothing was sent yet.
    ConsentNeeded(Question),
    /// Both sides proved themselves.
    Paired {
        /// The seat this device has now.
        role: Role,
        /// What the primary is called.
        label: Label,
        /// The six digits to compare, if the session asks for that.
        check_code: Option<u32>,
    },
    /// Pairing came to nothing; scan again. May follow [`Event::Paired`] as long as
    /// [`Event::Plan`] has not: the primary did not hear in time that this device
    /// has the seat.
    PairingFailed(Failure),
    /// The plan of the session, from the primary.
    Plan(Box<Plan>),
    /// A new phase began.
    Phase(Phase),
    /// What keeps this device from being ready.
    Shortfalls(Vec<Shortfall>),
    /// Start this device's camera.
    StartRecording {
        /// Which take.
        take: u32,
    },
    /// Stop this device's camera, and tell what it still commits. After a session that
    /// this device left or was put out of, what it tells is outside the session and is
    /// answered by [`Refused::Over`].
    StopRecording,
    /// The link to the primary changed.
    Link(LinkState),
    /// The primary's clock is known this well now (every second for a
    /// minute after it or the path began anew, then every five).
    Clock(Estimate),
    /// This device's camera is not recording any more.
    CameraLost {
        /// Since when.
        since: Instant<Secondary>,
        /// Why, as far as known.
        observed: Observed,
    },
    /// This device's camera records again.
    CameraBack {
        /// For how long it did not.
        lost: Span,
    },
    /// Somebody did what an honest device does not do.
    Alarm(CloseCode),
    /// This device could not write to its storage; it claims nothing from here on.
    /// Started again from the same storage, once that can be written, it goes on
    /// without a code. `[SESSION-2]`
    StorageFailed,
    /// The session is over for this device.
    Finished(Ending),
}

/// Why pairing came to nothing.
///
/// ```
/// # use diptych_protocol::secondary::Failure;
/// fn ask_again(failure: &Failure) -> bool {
///     matches!(failure, Failure::Lost(_))
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Failure {
    /// The primary refused, and said why.
    Refused(CloseCode),
    /// The primary did what an honest primary does not do.
    Fault(Fault),
    /// It could not be reached, or went away.
    Lost(Lost),
    /// The user said no.
    Declined,
}

impl Failure {
    /// What happened and what to do, for the person who holds the phone. `[FAULT-7]`
    #[must_use]
    pub const fn texts(&self) -> [Text; 2] {
        match self {
            Self::Refused(code) | Self::Lost(Lost::Closed(code)) => {
                [code.meaning_text(), code.advice_text()]
            }
            Self::Fault(fault) => [fault.code.meaning_text(), fault.code.advice_text()],
            Self::Lost(Lost::WrongKey) => {
                [Text::TroublePinMismatch, Text::TroublePinMismatchAdvice]
            }
            Self::Lost(Lost::Unreachable) => {
                [Text::TroublePeerSilent, Text::TroublePeerSilentAdvice]
            }
            Self::Lost(_) => [Text::FailurePairingLost, Text::FailurePairingLostAdvice],
            Self::Declined => [Text::FailurePairingDeclined, Text::FailurePairingDeclinedAdvice],
        }
    }
}

/// Why the session is over for an assistant.
///
/// ```
/// # use diptych_protocol::secondary::Ending;
/// fn is_complete(ending: &Ending) -> bool {
///     matches!(ending, Ending::Finished)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The primary finished it.
    Finished,
    /// The primary put this device out, or another took its seat: the code that it closed
    /// with. After a restart `REVOKED` stands for all of them but `REPLACED`.
    Removed(CloseCode),
    /// This device left.
    Left,
}

/// Why a command to an assistant was refused.
pub type Rejected = Refused;

/// Why an assistant could not be started.
pub type CannotStart = StartError;
