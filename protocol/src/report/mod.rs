//! The final account of a session: a value, computed from the journals alone.
//!
//! Whoever holds the journals can compute it again, on another machine and years
//! later, and gets the same answer: no clock is read, nothing is remembered, and
//! the policy is data in the journal or in the caller's hand. Every statement
//! names the records that it rests on. Rejected: writing the verdict down while
//! the session runs; what is shown live is a forecast, and a forecast that ends
//! up in a file becomes a fact.

mod account;
mod away;
mod cause;
mod evidence;
mod lane;
mod links;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::identity::{Fingerprint, Role, SessionId};
use crate::join::{InTurn, Join};
use crate::journal::{Fact, Finding, Offence, Replayed, cross_check};
use crate::ledger::{Flag, Unknown};
use crate::limits;
use crate::policy::{
    Case, Expected, Judgement, Policy, PolicyError, Proven, Revision, SignedStatement,
    StatementError, Verdict, Window, judge,
};
use crate::time::{Instant, Primary, Span};
use crate::timeline::{Timeline, Track, events};
pub use account::{Account, Alignment, Camera, JournalState, Moment};
pub use evidence::Evidence;
use evidence::Witnessed;
pub use lane::Covered;
use lane::Lane;
pub use links::LinkLoss;

/// The account of a session. `[REPORT-1]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What the policy yields: verdict, counts, interruptions by their rules.
    pub judgement: Judgement,
    /// The policy that was applied.
    pub policy: Policy,
    /// The exam's times, and the end that the session really had.
    pub window: Window,
    /// When the waiting window opened and closed.
    pub waiting: (Instant<Primary>, Instant<Primary>),
    /// The judgement's flags, and those that the judge cannot see.
    pub flags: BTreeSet<Flag>,
    /// Each interruption with its evidence, in the judgement's order.
    pub accounts: Vec<Account>,
    /// What can be neither proved nor excluded.
    pub unknown: Vec<Unknown>,
    /// What each seat recorded.
    pub cameras: Vec<Camera>,
    /// How well each assistant's clock is tied to session time.
    pub alignments: Vec<Alignment>,
    /// When links were late or down.
    pub links: Vec<LinkLoss>,
    /// Phases, takes and marks, as the primary wrote them.
    pub moments: Vec<Moment>,
    /// What each journal is worth.
    pub journals: Vec<JournalState>,
    /// Contradictions between the journals.
    pub findings: Vec<Finding>,
    /// What signed statements make of the judgement. `[REPORT-13]`
    pub revision: Option<Revision>,
}

/// Why no account can be given.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReportError {
    /// Nobody knows the plan without it.
    #[error("expected the primary's journal among {got} journals; add P.journal")]
    NoPrimary {
        /// How many there were.
        got: usize,
    },
    /// The session ended before it was planned.
    #[error("expected a plan in the primary's journal; the session never began")]
    NoPlan,
    /// The journal's policy is not one.
    #[error("the journal's policy cannot be read: {0}; give one")]
    Policy(#[from] PolicyError),
}

impl Report {
    /// The longest interruption, hiccups left out.
    #[must_use]
    pub fn longest(&self) -> Option<Span> {
        let counted = self.judgement.interruptions.iter().filter(|one| one.episode.is_some());
        counted.map(|one| one.duration).max()
    }

    /// The verdict that holds: the revised one, if there is any.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.revision.as_ref().map_or(self.judgement.verdict, Revision::verdict)
    }

    /// The worst alignment error of any assistant against the primary.
    #[must_use]
    pub fn worst_alignment(&self) -> Option<Span> {
        self.alignments.iter().map(|alignment| alignment.worst).max()
    }
}

/// What the primary's journal says of the plan.
struct Planned {
    assistants: u8,
    waiting: (Instant<Primary>, Instant<Primary>),
    answer: (Instant<Primary>, Instant<Primary>),
    policy: Vec<u8>,
}

/// What the primary was told by whoever may state something, as its journal keeps
/// it: each proven by one of the `trusted` keys, or why not. `[REPORT-14]`
#[must_use]
pub fn statements(
    journals: &[Replayed],
    trusted: &[Fingerprint],
) -> Vec<Result<Proven, StatementError>> {
    let primary = journals.iter().find(|journal| journal.header().role.is_primary());
    let entries = primary.into_iter().flat_map(Replayed::events);
    let signed = entries.filter_map(|entry| {
        if let Fact::Statement { signed } = &entry.fact { Some(signed.as_bytes()) } else { None }
    });
    let session = primary.map_or(SessionId([0; 16]), |journal| journal.header().session);
    signed.map(|bytes| SignedStatement::from_bytes(bytes)?.proven(session, trusted)).collect()
}

/// Computes the account. `policy` replaces the one in the journal. `[REPORT-1]`
///
/// Pure and total: the same journals and policy give the same report everywhere.
/// Only the last seal of each journal is checked, since it covers all records
/// before it; [`verify`](crate::journal::verify) checks all.
///
/// # Errors
/// [`ReportError`] if there is nothing to judge by.
pub fn evaluate(journals: &[Replayed], policy: Option<&Policy>) -> Result<Report, ReportError> {
    revise(journals, policy, &[])
}

/// The same account, and beside its judgement what the statements of those who are
/// entitled to make them turn it into. `[REPORT-13]`
///
/// # Errors
/// As [`evaluate`].
pub fn revise(
    journals: &[Replayed],
    policy: Option<&Policy>,
    statements: &[Proven],
) -> Result<Report, ReportError> {
    if journals.is_sorted_by_key(place) {
        return revise_from(journals, Ground::of(journals), policy, statements, InTurn);
    }
    // Which of two equal ways leads to session time must not depend on a caller.
    let mut places: Vec<usize> = (0..journals.len()).collect();
    places.sort_by_key(|index| journals.get(*index).map(place));
    let sorted: Vec<Replayed> =
        places.iter().filter_map(|index| journals.get(*index).cloned()).collect();
    let mut report = revise_from(&sorted, Ground::of(&sorted), policy, statements, InTurn)?;
    for finding in &mut report.findings {
        finding.journal = places.get(finding.journal).copied().unwrap_or(finding.journal);
    }
    Ok(report)
}

/// What the account of some journals begins with, whatever the policy.
#[derive(Clone, Debug)]
pub struct Ground {
    /// [`Timeline::of`] the journals.
    pub timeline: Option<Timeline>,
    /// What [`cross_check`] found.
    pub findings: Vec<Finding>,
}

impl Ground {
    /// Both, one after the other.
    #[must_use]
    pub fn of(journals: &[Replayed]) -> Self {
        Self::of_with(journals, InTurn)
    }

    /// Both, by as many hands as `join` has.
    #[must_use]
    pub fn of_with(journals: &[Replayed], join: impl Join) -> Self {
        let timeline = || Timeline::of_with(journals, join);
        let (timeline, findings) = join.join(timeline, || cross_check(journals));
        Self { timeline, findings }
    }
}

/// Puts journals into the order in which they are laid onto session time.
pub fn put_in_order(journals: &mut [Replayed]) {
    journals.sort_by_key(place);
}

const fn place(journal: &Replayed) -> (Role, u8, u64, [u8; 32]) {
    let (header, head) = (journal.header(), journal.head());
    (header.role, header.device, head.sequence, head.hash)
}

/// The primary's and that many assistants'.
fn seats(assistants: u8) -> Vec<Role> {
    (0..=assistants).filter_map(|number| Role::new(number).ok()).collect()
}

/// The same of journals that were [put in order](put_in_order), and of the ground that
/// was laid for them, by as many hands as `join` has.
///
/// # Errors
/// As [`evaluate`].
pub fn revise_from(
    journals: &[Replayed],
    ground: Ground,
    policy: Option<&Policy>,
    statements: &[Proven],
    join: impl Join,
) -> Result<Report, ReportError> {
    let Ground { timeline, findings } = ground;
    let absent = ReportError::NoPrimary { got: journals.len() };
    let primary = journals.iter().find(|journal| journal.header().role.is_primary());
    let primary = primary.ok_or(absent.clone())?;
    let timeline = timeline.ok_or(absent)?;
    let plan = planned(primary, &timeline).ok_or(ReportError::NoPlan)?;
    let policy = policy.map_or_else(|| Policy::from_bytes(&plan.policy), |policy| Ok(*policy))?;
    let end = session_end(primary, &timeline, plan.answer.1);
    let start = plan.answer.0.min(end);
    let window = Window { waiting: Some(plan.waiting.0.min(start)), start, end };
    let frame_gap = policy.terms().frame_gap;
    let roles = seats(plan.assistants);
    let lane = |role: &Role| Lane::gather(*role, journals, &timeline, frame_gap, end);
    let lanes = || join.map(&roles, lane);
    let (lanes, tracks) = join.join(lanes, || join.map(journals, Track::of).concat());

    let mut case = Case { window, ..Case::clean(start, end) };
    let mut witnessed: Vec<Witnessed> = Vec::new();
    let mut flags = BTreeSet::new();
    for lane in &lanes {
        if lane.is_absent() {
            let seen = links::seen_of(lane.role(), primary, &timeline);
            case.ready &= seen.first().is_some_and(|first| *first <= plan.waiting.1);
            case.unknown.extend(links::unseen(lane.role(), &seen, plan.waiting.1, end));
            continue;
        }
        // [REPORT-12]
        let first = lane.covered.first();
        case.ready &= first.is_some_and(|first| first.start.low <= plan.waiting.1);
        let found = lane.find(&timeline, end);
        case.unknown.extend(found.unknown);
        witnessed.extend(found.losses);
        flags.extend(found.silent_stop.then_some(Flag::SilentStop));
        flags.extend(found.wall_only.then_some(Flag::WallOnly));
    }
    case.losses = witnessed.iter().map(|one| one.loss).collect();
    case.expected = expected(journals, &timeline);

    let judgement = judge(&case, &policy);
    let links = links::losses(primary, &timeline, end);
    flags.extend(&judgement.flags);
    flags.extend(history_flags(journals));
    flags.extend(links::only(&links, &case).then_some(Flag::LinkOnly));
    if findings.iter().any(|finding| is_tampering(&finding.offence)) {
        flags.insert(Flag::Tamper);
    }
    Ok(Report {
        accounts: account::accounts(&judgement, &witnessed, primary),
        cameras: lanes.iter().map(account::camera).collect(),
        alignments: account::alignments(&lanes, &tracks, &timeline, window, join),
        moments: account::moments(primary, &timeline),
        journals: journals.iter().map(account::state).collect(),
        revision: Revision::of(&case, &policy, statements),
        unknown: case.unknown,
        waiting: plan.waiting,
        judgement,
        policy,
        window,
        flags,
        links,
        findings,
    })
}

/// The last plan on the clock that session time is. `[REPORT-1]`
fn planned(primary: &Replayed, timeline: &Timeline) -> Option<Planned> {
    let here = events(primary).filter(|(clock, _)| *clock == timeline.reference());
    let mut found = None;
    for (_, entry) in here {
        if let Fact::Plan {
            assistants,
            wait_open,
            wait_close,
            answer_start,
            answer_end,
            policy,
            ..
        } = &entry.fact
        {
            found = Some(Planned {
                assistants: *assistants,
                waiting: (*wait_open, *wait_close),
                answer: (*answer_start, *answer_end),
                policy: policy.as_bytes().to_vec(),
            });
        }
    }
    found
}

/// When the session ended: as planned, or when the primary ended it before.
/// `[REPORT-6]`
fn session_end(
    primary: &Replayed,
    timeline: &Timeline,
    planned: Instant<Primary>,
) -> Instant<Primary> {
    const ENDED: u8 = crate::plan::Phase::Ended.number();
    let ended = events(primary).find(|(_, entry)| {
        matches!(entry.fact, Fact::Finish { .. } | Fact::Phase { phase: ENDED })
    });
    let placed = ended.and_then(|(clock, entry)| timeline.place(clock, entry.at));
    placed.map_or(planned, |placed| placed.at.min(planned))
}

/// Gaps that the hosts announced. `[REPORT-7]`
fn expected(journals: &[Replayed], timeline: &Timeline) -> Vec<Expected> {
    let mut found = Vec::new();
    for journal in journals {
        for (clock, entry) in events(journal) {
            let Fact::ExpectedGap { longest } = &entry.fact else { continue };
            let Some(start) = timeline.place(clock, entry.at) else { continue };
            let role = journal.header().role;
            found.push(Expected { role, start: start.at, end: start.at + *longest });
        }
    }
    found
}

/// Flags that a single fact raises, or a place where none can be read. `[REPORT-8]`
fn history_flags(journals: &[Replayed]) -> BTreeSet<Flag> {
    let facts = journals.iter().flat_map(Replayed::events);
    let mut flags = BTreeSet::new();
    // Nobody knows what was written there.
    if journals.iter().any(|journal| !journal.holes().is_empty()) {
        flags.insert(Flag::EvidenceGap);
    }
    for entry in facts {
        if matches!(entry.fact, Fact::WallStep { .. }) {
            flags.insert(Flag::WallStep);
        }
        // The same device, scanned again, is no other one.
        if matches!(&entry.fact, Fact::DeviceReplaced { before, now, .. } if before != now) {
            flags.insert(Flag::DeviceReplaced);
        }
        if matches!(entry.fact, Fact::CloneSuspected { .. }) {
            flags.insert(Flag::CloneSuspected);
        }
    }
    flags
}

/// Damage alone is a gap in the evidence, not yet an offence.
const fn is_tampering(offence: &Offence) -> bool {
    matches!(offence.means(), crate::journal::Integrity::Tampered)
        && !matches!(offence, Offence::Damaged(_))
}

const _: () = assert!(limits::FINISH_GRACE.nanos() > limits::FRAGMENT_TYPICAL.nanos());
