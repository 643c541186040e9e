//! What a primary is started with.
//!
//! One value, so that a binding has one record to build and a field that is added
//! breaks no call in silence.

use std::net::SocketAddr;

use diptych_driver::embed;
use diptych_protocol::identity::{ExamTag, Fingerprint, Label};
use diptych_protocol::plan::Plan;
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::CheckCode;
use diptych_protocol::time;

/// What the primary stands on: storage, clock, sockets, key. Everything but the
/// storage has a default.
///
/// ```
/// use diptych_primary::{Discovery, Supply};
///
/// let supply = Supply { discovery: Discovery::Off, ..Supply::folder("session-1") };
/// ```
pub type Supply = embed::Supply<time::Primary>;

/// Everything that a primary is started with.
///
/// ```
/// use diptych_primary::{CheckCode, ExamTag, Label, Options, Plan, Policy, Supply};
///
/// fn options(plan: Plan, policy: Policy, label: Label) -> Options {
///     Options {
///         supply: Supply::folder("session-1"),
///         plan,
///         policy,
///         proctors: Vec::new(),
///         exam: ExamTag::of("drawing, 2027"),
///         label,
///         check_code: CheckCode::Skipped,
///         advertise: Vec::new(),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Options {
    /// Storage, clock, sockets, key. The same storage again goes on with the same
    /// session, after a crash too.
    pub supply: Supply,
    /// Windows, seats and requirements. The windows are on this device's clock as it runs
    /// now: a start in another boot needs them anew, and one in the same boot as they
    /// were.
    pub plan: Plan,
    /// The rule that the school set.
    pub policy: Policy,
    /// Whose signed statements are taken, by the fingerprints of their keys:
    /// [`hand_in`](crate::Primary::hand_in). Empty for nobody's.
    pub proctors: Vec<Fingerprint>,
    /// Which exam, as the codes carry it.
    pub exam: ExamTag,
    /// What this device is called on the assistants' screens.
    pub label: Label,
    /// Whether two people compare six digits.
    pub check_code: CheckCode,
    /// Where assistants reach this device, instead of its own addresses: for a
    /// redirected port or an emulator. Empty for its own.
    pub advertise: Vec<SocketAddr>,
}

/// The example that most people see first compiles, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
