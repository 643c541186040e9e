//! What a host can look at, whenever it likes.
//!
//! A screen that fell behind, or was made anew, has to be drawn without the events that
//! it missed, so whatever an event leaves behind is in here. Only what has passed is not:
//! an alarm, and that a camera was away. Rejected: to tell the last event of each kind
//! again (a host that hears of a start twice acts twice).

use super::machine::{Course, PrimaryMachine};
use super::seat::Seat;
use crate::clock::Estimate;
use crate::device::{Device, Shortfall};
use crate::fault::CloseCode;
use crate::identity::{Label, Role, SessionId};
use crate::ledger::Observed;
use crate::liveness::LinkState;
use crate::plan::Phase;
use crate::policy::Tally;
use crate::time::{Instant, Primary, Span};
use crate::timeline::Placed;

/// What a screen needs, whole.
///
/// Instants are on this device's clock as it runs now, spans in nanoseconds.
///
/// ```
/// # use diptych_protocol::primary::Snapshot;
/// fn counted(snapshot: &Snapshot) -> String {
///     format!("{} interruptions, {} open", snapshot.tally.confirmed, snapshot.tally.pending)
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// How far the session has come.
    pub stage: Stage,
    /// The phase.
    pub phase: Phase,
    /// Whether every camera was proven recording, in this run of the app.
    pub all_recording: bool,
    /// The cameras that were not proven recording when the waiting window closed, in this
    /// run of the app.
    pub not_ready: Vec<Role>,
    /// When this device's camera last committed a frame.
    pub covered: Option<Instant<Primary>>,
    /// Frames it committed.
    pub frames: u64,
    /// Since when it is lost, if it is; 0 if that was before this boot.
    pub lost: Option<Instant<Primary>>,
    /// While it is lost: why, as far as known.
    pub observed: Observed,
    /// While this device's camera is lost: how much of the policy's longest interruption
    /// is left, negative beyond it; `None` if any length is allowed. `[LEDGER-12]`
    pub countdown: Option<Span>,
    /// The count as it can be known now.
    pub tally: Tally,
    /// Whether the examinee has to be verified again. `[SESSION-11]`
    pub verify_again: bool,
    /// This device's report on itself.
    pub device: Option<Device>,
    /// What keeps it from being ready, by that.
    pub shortfalls: Vec<Shortfall>,
    /// Whether storage failed: nothing is claimed any more. `[SESSION-2]`
    pub storage_failed: bool,
    /// Every seat.
    pub seats: Vec<SeatSnapshot>,
}

/// How far a session has come.
///
/// ```
/// # use diptych_protocol::primary::Stage;
/// fn may_begin(stage: &Stage) -> bool {
///     *stage == Stage::Preparing
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Cameras were not started.
    Preparing,
    /// They were.
    Recording {
        /// Which take.
        take: u32,
    },
    /// They were stopped, and the journals are being collected.
    Closing,
    /// The session is over here; the journals can be reported on.
    Over {
        /// Seats whose journal is not here whole; one may still come.
        incomplete: Vec<Role>,
    },
}

/// One assistant, as the primary sees it.
///
/// ```
/// # use diptych_protocol::primary::SeatSnapshot;
/// fn seat(seat: &SeatSnapshot) -> String {
///     format!("{}: link {}", seat.role, seat.link.name())
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct SeatSnapshot {
    /// Which seat.
    pub role: Role,
    /// What the device in it is called, if one is paired.
    pub label: Option<Label>,
    /// The code shown for this seat.
    pub ticket: Option<String>,
    /// The six digits to compare, until they were.
    pub check_code: Option<u32>,
    /// The link.
    pub link: LinkState,
    /// Its clock.
    pub estimate: Option<Estimate>,
    /// Up to when its camera is known to have recorded.
    pub covered: Option<Instant<Primary>>,
    /// Frames it committed.
    pub frames: u64,
    /// Since when its camera is known to be lost, if it is.
    pub lost: Option<Instant<Primary>>,
    /// While it is lost: why, as far as known.
    pub observed: Observed,
    /// While its camera is known to be lost: how much of the policy's longest
    /// interruption is left. `[LEDGER-12]`
    pub countdown: Option<Span>,
    /// Its report on itself.
    pub device: Option<Device>,
    /// What keeps it from being ready, by that.
    pub shortfalls: Vec<Shortfall>,
    /// Why it cannot come back, if it was refused for good. `[SESSION-39]`
    pub cannot_return: Option<CloseCode>,
}

impl PrimaryMachine {
    /// Which session this is.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.local.session()
    }

    /// `now` in session time, with its bound: what a statement is dated by. After a
    /// reboot `None`, until messages tie this clock to that of before. `[SESSION-51]`
    #[must_use]
    pub fn session_time(&self, now: Instant<Primary>) -> Option<Placed> {
        let known = self.earlier.is_none();
        known.then(|| self.shift.session_time(self.now.max(now)))
    }

    /// The whole state, for a screen that missed events.
    #[must_use]
    pub fn snapshot(&self, now: Instant<Primary>) -> Snapshot {
        let now = self.now.max(now);
        let lost = self.camera.lost();
        Snapshot {
            stage: self.stage(),
            phase: self.plan.phase_at(now),
            all_recording: self.proven,
            not_ready: self.not_ready.clone(),
            covered: self.camera.covered(),
            frames: self.camera.totals().frames,
            lost: lost.map(|(since, _)| since),
            observed: lost.map_or(Observed::NOTHING, |(_, observed)| observed),
            countdown: self.camera.countdown(now),
            // What nobody was told yet has all that the policy allows left. [POLICY-26]
            tally: self.tally.following(self.tally, &self.policy),
            verify_again: self.face.demands(),
            device: self.device,
            shortfalls: self.shortfalls(self.device),
            storage_failed: self.local.is_poisoned(),
            seats: self.roles().map(|role| self.seat_snapshot(role, now)).collect(),
        }
    }

    fn stage(&self) -> Stage {
        match self.course {
            Course::Preparing => Stage::Preparing,
            Course::Recording { take } => Stage::Recording { take },
            Course::Closing => Stage::Closing,
            Course::Over => Stage::Over { incomplete: self.incomplete() },
        }
    }

    /// What keeps a device from being ready, by its report on itself.
    pub(super) fn shortfalls(&self, device: Option<Device>) -> Vec<Shortfall> {
        let planned = self.plan.planned_length();
        let lacks = |device: Device| device.shortfalls(self.plan.requirements(), planned);
        device.map(lacks).unwrap_or_default()
    }

    /// One seat, as a screen needs it.
    fn seat_snapshot(&self, role: Role, now: Instant<Primary>) -> SeatSnapshot {
        let seat = self.seats.get(&role);
        let lost = seat.and_then(|seat| Some((seat.lost?, seat)));
        let device = seat.and_then(|seat| seat.peer.device());
        let limit = self.policy.terms().max_duration;
        SeatSnapshot {
            role,
            label: seat.map(|seat| seat.label),
            ticket: self.shown.get(&role).cloned(),
            check_code: seat.and_then(|seat| seat.check_code),
            link: seat.map_or(LinkState::Down, |seat| seat.peer.state()),
            estimate: seat.and_then(|seat| seat.estimate(now)),
            covered: seat.and_then(|seat| seat.covered()),
            frames: seat.map_or(0, Seat::frames),
            lost: lost.map(|(since, _)| since),
            observed: lost.map_or(Observed::NOTHING, |(since, seat)| seat.observed(since)),
            countdown: lost.and_then(|(since, _)| Some(since + limit? - now)),
            device,
            shortfalls: self.shortfalls(device),
            cannot_return: seat.and_then(Seat::shut_out),
        }
    }
}
