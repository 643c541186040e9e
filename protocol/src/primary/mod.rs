//! The device in front of the examinee: shows the code, leads the session.
//!
//! The primary is the server of the connection, the keeper of session time and
//! the one that the examinee looks at, so it also speaks for the assistants:
//! their health, their interruptions and their links are its events. It decides
//! nothing about the exam: verdicts are computed from the journals, by anybody.
//!
//! - [`Setup`]: everything it is started with; nothing is read later.
//! - [`Command`]: what the host may ask, [`Event`]: what the host is told.
//! - [`Snapshot`]: the whole state for a screen that missed events.

mod begin;
mod closing;
mod connection;
mod control;
mod count;
mod earlier;
mod heartbeat;
mod hosting;
mod machine;
mod marks;
mod pairing;
mod resume;
mod seat;
mod snapshot;

use crate::address::Addresses;
use crate::clock::Estimate;
use crate::device::{Device, Shortfall};
use crate::fault::CloseCode;
use crate::identity::{BootId, ExamTag, Fingerprint, Label, Role, Signer};
use crate::ledger::Observed;
use crate::liveness::LinkState;
use crate::plan::{Phase, Plan};
use crate::policy::{Policy, Tally};
use crate::secret::Entropy;
use crate::session::{HostFact, Past, Refused, StartError};
use crate::time::{Instant, Primary, Span};

pub use machine::PrimaryMachine;
pub use snapshot::{SeatSnapshot, Snapshot, Stage};

/// What a primary is started with.
pub struct Setup {
    /// Windows, seats and requirements.
    pub plan: Plan,
    /// The rule that the school set.
    pub policy: Policy,
    /// Whose signed statements are taken: proctors and servers of the school.
    pub proctors: Vec<Fingerprint>,
    /// Which exam, as the codes carry it.
    pub exam: ExamTag,
    /// What this device is called on the assistant's screen.
    pub label: Label,
    /// Where assistants reach this device; `None` while it has no network, as after
    /// a reboot. [`Command::Addresses`] brings them later. `[SESSION-34]`
    pub addresses: Option<Addresses>,
    /// Whether both screens show six digits to compare.
    pub check_code: CheckCode,
    /// Signs this device's journal with the key of its certificate.
    pub signer: Box<dyn Signer>,
    /// This boot of the device.
    pub boot: BootId,
    /// Unix time in milliseconds: a label in the journal and a hint in the code.
    pub wall_ms: i64,
    /// Why the last run ended, as far as the system says.
    pub last_exit: Observed,
    /// 32 bytes from the system's generator.
    pub entropy: Entropy,
    /// What the disk holds from earlier runs of this session.
    pub past: Past,
}

/// Whether pairing waits for a person to compare six digits.
///
/// ```
/// # use diptych_protocol::primary::CheckCode;
/// let in_a_crowded_room = CheckCode::Compared;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckCode {
    /// No digits are shown.
    Skipped,
    /// Both screens show them, and the primary's user confirms.
    Compared,
}

/// What the host may ask of a primary.
#[derive(Debug)]
pub enum Command {
    /// Show a code for this seat. On a taken seat: for the device that is to
    /// replace the one in it.
    OpenPairing {
        /// Which seat.
        role: Role,
    },
    /// Take the next step of the preparation: show a code for the first seat that no
    /// device has, or start all cameras if every seat is taken and no digits are left to
    /// compare. Nothing if they were started.
    Prepare,
    /// Show no more codes for this seat.
    ClosePairing {
        /// Which seat.
        role: Role,
    },
    /// The user compared the six digits on both screens.
    CheckCode {
        /// The assistant's seat.
        role: Role,
        /// What the user saw.
        compared: Compared,
    },
    /// This device's addresses are now these.
    Addresses(Addresses),
    /// Start all cameras.
    Begin,
    /// Something happened on this device.
    Host(HostFact<Primary>),
    /// A signed statement of a proctor or server, as it came. `[SESSION-31]`
    Statement(Vec<u8>),
    /// Put a device out of the session.
    Remove {
        /// Its seat.
        role: Role,
    },
    /// End the session on all devices.
    Finish,
}

/// What the user saw when comparing the two screens.
///
/// ```
/// # use diptych_protocol::primary::Compared;
/// fn compared(same: bool) -> Compared {
///     if same { Compared::Same } else { Compared::Different }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compared {
    /// The same six digits.
    Same,
    /// Different ones.
    Different,
}

/// What a primary tells its host.
///
/// ```
/// # use diptych_protocol::primary::Event;
/// fn code(event: Event) -> Option<String> {
///     match event {
///         Event::Ticket { text, .. } => Some(text),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Show this code for this seat, instead of any before it.
    Ticket {
        /// Which seat.
        role: Role,
        /// The text to draw. An app with a link of its own puts that in the place of
        /// `diptych:`, so that the system's camera opens it. `[TICKET-1]`
        text: String,
        /// When the next one comes.
        until: Instant<Primary>,
    },
    /// The code for this seat is not valid any more; take it off the screen.
    TicketWithdrawn {
        /// Which seat.
        role: Role,
    },
    /// An assistant proved that it scanned this seat's code.
    Paired {
        /// Which seat.
        role: Role,
        /// What the assistant is called.
        label: Label,
        /// The six digits to compare, if the session asks for that.
        check_code: Option<u32>,
    },
    /// Somebody did what an honest device does not do.
    Alarm {
        /// At which seat.
        role: Role,
        /// What it was.
        code: CloseCode,
    },
    /// A device reported its state.
    Device {
        /// Which device.
        role: Role,
        /// What it reported.
        device: Device,
        /// What keeps it from being ready.
        shortfalls: Vec<Shortfall>,
    },
    /// The link to an assistant changed.
    Link {
        /// Which assistant.
        role: Role,
        /// What it is now.
        state: LinkState,
    },
    /// An assistant's clock is known this well now (every second for a
    /// minute after it or the path began anew, then every five).
    Clock {
        /// Which assistant.
        role: Role,
        /// Offset, bound and rate.
        estimate: Estimate,
    },
    /// The device in this seat was refused for good: it cannot come back, and another
    /// one has to take its place ([`Command::OpenPairing`]). `[SESSION-39]`
    CannotReturn {
        /// Which seat.
        role: Role,
        /// Why it was refused.
        why: CloseCode,
    },
    /// A new phase began, or this device started in it: an app that comes back after
    /// answering has ended is told so, and has to finish.
    Phase(Phase),
    /// Start this device's camera.
    StartRecording {
        /// Which take.
        take: u32,
    },
    /// Stop this device's camera.
    StopRecording,
    /// Every camera is proven recording.
    AllRecording,
    /// The waiting window closed and these cameras were not proven recording. A warning:
    /// frames that come later may show that they were. `[SESSION-7]`
    NotReady {
        /// Which.
        missing: Vec<Role>,
    },
    /// A camera is not recording any more.
    CameraLost {
        /// Whose.
        role: Role,
        /// Since when, on this device's clock as it runs now.
        since: Instant<Primary>,
        /// Why, as far as known.
        observed: Observed,
    },
    /// A camera records again.
    CameraBack {
        /// Whose.
        role: Role,
        /// For how long it did not.
        lost: Span,
    },
    /// A camera has been lost for longer than the policy allows.
    Overdue {
        /// Whose.
        role: Role,
    },
    /// The count as it can be known now.
    Tally(Tally),
    /// `face_compare` failed three times in a row. `[SESSION-11]`
    VerifyAgain,
    /// This device could not write to its storage; it claims nothing from here on.
    /// Started again from the same storage, once that can be written, it goes on
    /// without a code. `[SESSION-2]`
    StorageFailed,
    /// The session is over here; the journals can be reported on.
    Finished {
        /// Seats whose journal did not arrive whole.
        incomplete: Vec<Role>,
    },
}

/// Why a command to a primary was refused.
pub type Rejected = Refused;

/// Why a primary could not be started.
pub type CannotStart = StartError;
