//! The little language in which a rehearsal is told what goes wrong.
//!
//! A school tells stories: the phone rang, the router rebooted. Each is a line or
//! two here, `at 6s A1 camera off for 3s`, and because a line says what is done to
//! which device and for how long, it also says what is *true*: the rehearsal
//! judges the story and holds the report against it. Rejected: faults as
//! command-line options, which cannot be kept, sent to somebody, or commented.

mod parse;
#[cfg(test)]
mod tests;

use std::time::Duration;

use diptych_protocol::identity::Role;
use diptych_protocol::ledger::{Cause, Loss, Medium};
use diptych_protocol::policy::{Case, Judgement, Policy, judge};
use diptych_protocol::time::{Instant, Span};

use super::station::Away;
pub use parse::{FaultsError, parse};

/// The stories that come with the program, by name.
pub const STORIES: [(&str, &str); 6] = [
    ("phone-call", include_str!("../../../faults/phone-call.faults")),
    ("router-reboot", include_str!("../../../faults/router-reboot.faults")),
    ("dead-battery", include_str!("../../../faults/dead-battery.faults")),
    ("app-killed", include_str!("../../../faults/app-killed.faults")),
    ("both-out", include_str!("../../../faults/both-out.faults")),
    ("flapping", include_str!("../../../faults/flapping.faults")),
];
/// Answering goes on for so long after the last fault is over.
const CALM: Duration = Duration::from_secs(8);

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// The camera, the sound or the screen is taken away, as by a call.
    Away(Away, Role),
    /// The process is killed at once, and started again afterwards.
    Kill(Role),
    /// The process is frozen, as by a phone that sleeps, and woken afterwards.
    Sleep(Role),
    /// Nothing passes between the devices.
    LinkDown,
    /// The device's address changes.
    Roam(Role),
}

/// One line of a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// After the start of answering.
    pub at: Duration,
    /// What is done.
    pub action: Action,
    /// For how long; nothing for what is over at once.
    pub length: Duration,
}

/// A script: faults in the order of their beginnings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// A script of these faults.
    #[must_use]
    pub fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.at);
        Self(faults)
    }

    /// The faults, in order.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.0
    }

    /// How long answering has to last for all of it, in whole seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let last = self.0.iter().map(|fault| fault.at.saturating_add(fault.length)).max();
        last.unwrap_or_default().saturating_add(CALM).as_secs()
    }

    /// What the script amounts to under `policy`: its losses, judged.
    #[must_use]
    pub fn truth(&self, policy: &Policy) -> Judgement {
        let at = |time: Duration| {
            let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            Instant::from_nanos(0) + Span::from_millis(millis)
        };
        let end = at(Duration::from_secs(self.seconds()));
        let mut case = Case::clean(Instant::from_nanos(0), end);
        for fault in &self.0 {
            let (picture, sound) = (Medium::Picture, Medium::Sound);
            let (role, cause, medium) = match fault.action {
                Action::Away(Away::Camera, role) => (role, Cause::CameraTaken, picture),
                Action::Away(Away::Sound, role) => (role, Cause::MicTaken, sound),
                Action::Away(Away::Screen, role) => (role, Cause::Background, picture),
                Action::Kill(role) => (role, Cause::Crash, picture),
                Action::Sleep(role) => (role, Cause::Unknown, picture),
                Action::LinkDown | Action::Roam(_) => continue,
            };
            let (start, end) = (at(fault.at), at(fault.at.saturating_add(fault.length)));
            let uncertainty = Span::ZERO;
            case.losses.push(Loss { role, start, end, uncertainty, cause, medium });
        }
        judge(&case, policy)
    }
}
