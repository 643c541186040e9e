//! What the link between two devices did, and what it tells when nothing else does.
//!
//! Losing a link never counts. It is kept because a school asks about it, and
//! because the heartbeats that did arrive are all that is left of an assistant
//! whose journal never came.

use std::collections::BTreeMap;

use crate::identity::Role;
use crate::journal::{Fact, Replayed};
use crate::ledger::Unknown;
use crate::limits;
use crate::liveness::LinkState;
use crate::policy::Case;
use crate::time::{Instant, Primary, Span};
use crate::timeline::{Timeline, events, with_clocks};

/// Time in which the primary heard nothing of a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkLoss {
    /// The assistant.
    pub peer: Role,
    /// When it was noticed.
    pub start: Instant<Primary>,
    /// When it was heard again, or the session ended.
    pub end: Instant<Primary>,
}

/// When links were late or down, as the primary saw it. `[REPORT-10]`
pub(super) fn losses(
    primary: &Replayed,
    timeline: &Timeline,
    end: Instant<Primary>,
) -> Vec<LinkLoss> {
    let mut open: BTreeMap<Role, Instant<Primary>> = BTreeMap::new();
    let mut heard: BTreeMap<Role, ()> = BTreeMap::new();
    let mut found = Vec::new();
    for (clock, entry) in events(primary) {
        let Fact::Link { peer, state, .. } = &entry.fact else { continue };
        let Some(at) = timeline.place(clock, entry.at).map(|placed| placed.at) else { continue };
        let here = LinkState::from_number(*state);
        if matches!(here, Some(LinkState::Live | LinkState::CatchingUp)) {
            heard.insert(*peer, ());
            if let Some(start) = open.remove(peer) {
                found.push(LinkLoss { peer: *peer, start, end: at });
            }
        } else if heard.contains_key(peer) {
            open.entry(*peer).or_insert(at);
        }
    }
    found.extend(open.into_iter().map(|(peer, start)| LinkLoss { peer, start, end }));
    found.retain(|loss| loss.start < end);
    found.sort_by_key(|loss| (loss.start, loss.peer));
    found
}

/// Whether a link was lost in the window while every camera recorded on.
/// `[REPORT-10]`
pub(super) fn only(links: &[LinkLoss], case: &Case) -> bool {
    let window = case.window;
    links.iter().any(|link| {
        let overlaps =
            |start: Instant<Primary>, end: Instant<Primary>| start < link.end && link.start < end;
        overlaps(window.start, window.end)
            && !case.losses.iter().any(|loss| overlaps(loss.start, loss.end))
            && !case.unknown.iter().any(|gap| overlaps(gap.start, gap.end))
    })
}

/// When the primary heard that a peer's recording had advanced. `[REPORT-17]`
pub(super) fn seen_of(
    role: Role,
    primary: &Replayed,
    timeline: &Timeline,
) -> Vec<Instant<Primary>> {
    let mut last = Instant::from_nanos(i64::MIN);
    let mut seen = Vec::new();
    for (clock, entry) in with_clocks(primary) {
        if let Fact::PeerBoot { peer, .. } = &entry.fact
            && *peer == role
        {
            // Another boot: its clock says nothing on the one before.
            last = Instant::from_nanos(i64::MIN);
        }
        let Fact::PeerHead { peer, covered, .. } = &entry.fact else { continue };
        if *peer == role && *covered > last {
            last = *covered;
            seen.extend(timeline.place(clock, entry.at).map(|placed| placed.at));
        }
    }
    seen
}

/// What heartbeats leave open of a role whose journal is missing: every stretch
/// in which none told of new frames, at the latest from when the waiting window
/// `closes`. `[REPORT-17]`
pub(super) fn unseen(
    role: Role,
    seen: &[Instant<Primary>],
    closes: Instant<Primary>,
    end: Instant<Primary>,
) -> Vec<Unknown> {
    let longest: Span = limits::LINK_LATE + limits::FRAGMENT_TYPICAL;
    // [REPORT-16]: before the first frame nothing is missing yet.
    let mut known = seen.first().map_or(closes, |first| closes.min(*first));
    let mut found = Vec::new();
    for at in seen.iter().copied().chain([end]) {
        let tail = at == end && at > known;
        if at - known > longest || tail {
            found.push(Unknown { role, start: known, end: at.min(end) });
        }
        known = known.max(at);
    }
    found.retain(|gap| gap.start < gap.end);
    found
}
