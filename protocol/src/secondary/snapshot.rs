//! What a host can look at, whenever it likes.
//!
//! A screen that was made anew has to be drawn without the events that it missed, so
//! whatever an event leaves behind is in here, from every stage in the same fields: what
//! a stage does not have is absent. Rejected: an enumeration of the machine's stages (a
//! screen shows the role, the link and the plan alike wherever they come from).

use super::machine::{Closing, Course, SecondaryMachine, Session, Unconfirmed};
use super::{Ending, Failure};
use crate::clock::{Estimate, Mapped};
use crate::device::Shortfall;
use crate::identity::{ExamTag, Fingerprint, Label, Role};
use crate::ledger::Observed;
use crate::liveness::LinkState;
use crate::plan::{Phase, Plan};
use crate::session::State;
use crate::ticket::Ticket;
use crate::time::{Instant, Primary, Secondary};

/// What a screen needs, whole.
///
/// Instants are on this device's clock; the plan's are on the primary's.
///
/// ```
/// # use diptych_protocol::secondary::Snapshot;
/// fn shown(snapshot: &Snapshot) -> String {
///     format!("link {}, {} frames", snapshot.link.name(), snapshot.frames)
/// }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// What the user is to be asked, while that is open.
    pub question: Option<Question>,
    /// Why the last pairing came to nothing, until the next code is scanned.
    pub failure: Option<Failure>,
    /// This device's seat, once paired.
    pub role: Option<Role>,
    /// What the primary is called, once paired.
    pub label: Option<Label>,
    /// The six digits to compare, until they were.
    pub check_code: Option<u32>,
    /// The plan of the session, once the primary has told it.
    pub plan: Option<Plan>,
    /// The phase, once known.
    pub phase: Option<Phase>,
    /// What keeps this device from being ready, once both are known.
    pub shortfalls: Vec<Shortfall>,
    /// The link to the primary.
    pub link: LinkState,
    /// The primary's clock.
    pub estimate: Option<Estimate>,
    /// The take that the camera is to be recording.
    pub take: Option<u32>,
    /// When this device's camera last committed a frame.
    pub covered: Option<Instant<Secondary>>,
    /// Frames it committed.
    pub frames: u64,
    /// Since when it is lost, if it is; 0 if that was before this boot.
    pub lost: Option<Instant<Secondary>>,
    /// While it is lost: why, as far as known.
    pub observed: Observed,
    /// Whether storage failed: nothing is claimed any more. `[SESSION-2]`
    pub storage_failed: bool,
    /// How the session ended, once it is over for this device.
    pub ending: Option<Ending>,
}

/// What the user is asked: to lend this device to this exam, held by this issuer.
///
/// ```
/// # use diptych_protocol::identity::ExamTag;
/// # use diptych_protocol::secondary::Question;
/// fn is_about(question: &Question, exam: &str) -> bool {
///     question.exam == ExamTag::of(exam)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Which exam, as the code carries it.
    pub exam: ExamTag,
    /// Who holds it, by the word of whoever made the code; the plan that follows names
    /// the same or is refused. `None` if the code names nobody. `[PAIRING-35]`
    pub issuer: Option<Label>,
    /// For which primary key, to show.
    pub primary: Fingerprint,
}

impl Question {
    /// What this code asks for.
    pub(super) const fn of(ticket: &Ticket) -> Self {
        Self { exam: ticket.exam, issuer: ticket.issuer, primary: ticket.pin }
    }
}

impl Snapshot {
    /// Of a device that is in no session.
    const NOTHING: Self = Self {
        question: None,
        failure: None,
        role: None,
        label: None,
        check_code: None,
        plan: None,
        phase: None,
        shortfalls: Vec::new(),
        link: LinkState::Down,
        estimate: None,
        take: None,
        covered: None,
        frames: 0,
        lost: None,
        observed: Observed::NOTHING,
        storage_failed: false,
        ending: None,
    };

    fn of_seat(state: &State) -> Self {
        let label = state.members.first().map(|primary| primary.label);
        Self { role: Some(state.own.role), label, ..Self::NOTHING }
    }
}

impl SecondaryMachine {
    /// The whole state, for a screen that missed events.
    #[must_use]
    pub fn snapshot(&self, now: Instant<Secondary>) -> Snapshot {
        let seen = match &self.course {
            Course::Idle { .. } | Course::Joining { .. } | Course::Over => Snapshot::NOTHING,
            Course::Asking { scanned, .. } => {
                Snapshot { question: Some(Question::of(scanned.ticket())), ..Snapshot::NOTHING }
            }
            Course::Confirming { seat, .. } => {
                let Unconfirmed { state, check_code, .. } = &**seat;
                Snapshot { check_code: *check_code, ..Snapshot::of_seat(state) }
            }
            Course::InSession(session) => self.in_session(self.now.max(now), session),
        };
        let (failure, ending) = (self.failure.clone(), self.ending);
        Snapshot { failure, ending, storage_failed: self.storage_failed, ..seen }
    }

    /// `now` on the primary's clock as it runs there, with its bound: what the plan's
    /// windows are told by. `None` until messages have shown it.
    #[must_use]
    pub fn primary_time(&self, now: Instant<Secondary>) -> Option<Mapped<Primary>> {
        let Course::InSession(session) = &self.course else { return None };
        session.peer.timing().estimator().to_primary(self.now.max(now))
    }

    fn in_session(&self, now: Instant<Secondary>, session: &Session) -> Snapshot {
        let lost = session.camera.lost();
        Snapshot {
            check_code: session.check_code,
            plan: session.plan,
            phase: session.phase,
            shortfalls: self.shortfalls().unwrap_or_default(),
            link: session.peer.state(),
            estimate: session.peer.timing().estimate(now),
            take: session.recording.filter(|_| session.closing == Closing::No),
            covered: session.camera.covered(),
            frames: session.camera.totals().frames,
            lost: lost.map(|(since, _)| since),
            observed: lost.map_or(Observed::NOTHING, |(_, observed)| observed),
            ..Snapshot::of_seat(&session.state)
        }
    }

    /// What this device lacks for the plan, once both are known.
    pub(super) fn shortfalls(&self) -> Option<Vec<Shortfall>> {
        let Course::InSession(session) = &self.course else { return None };
        let plan = session.plan?;
        Some(self.device?.shortfalls(plan.requirements(), plan.planned_length()))
    }
}
