//! One assistant's seat: the device in it and what its camera has proven.

use crate::clock::{Estimate, Schedule};
use crate::identity::{Label, Role};
use crate::journal::{Entry, Fact, Head};
use crate::ledger::{Cause, Loss, Medium, Unknown};
use crate::limits;
use crate::liveness::LinkState;
use crate::policy::Policy;
use crate::recording::{Fragment, Interval, Recording};
use crate::session::Peer;
use crate::time::{Instant, Primary, Secondary, Span};
use crate::wire;

/// A taken seat.
pub(super) struct Seat {
    pub(super) peer: Peer<Primary>,
    pub(super) label: Label,
    pub(super) schedule: Schedule,
    /// The six digits, until they were compared.
    pub(super) check_code: Option<u32>,
    /// Coverage that the copied journal proves.
    recording: Recording<Secondary>,
    /// Since when its camera is known to be lost.
    pub(super) lost: Option<Instant<Primary>>,
    /// The last record of its journal, once it has finished.
    pub(super) finished: Option<Head>,
}

impl Seat {
    pub(super) fn new(
        peer: Peer<Primary>,
        label: Label,
        policy: &Policy,
        now: Instant<Primary>,
    ) -> Self {
        Self {
            peer,
            label,
            schedule: Schedule::new(now),
            check_code: None,
            recording: Recording::new(policy.terms().frame_gap),
            lost: None,
            finished: None,
        }
    }

    pub(super) const fn role(&self) -> Role {
        self.peer.role()
    }

    /// Takes what the assistant's journal says of its camera.
    pub(super) fn read(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Fact::Segment { first, last, frames, bytes, sha256, .. } = &entry.fact {
                let fragment = Fragment {
                    first: first.relabelled(),
                    last: last.relabelled(),
                    frames: *frames,
                    bytes: (*bytes).into(),
                    sha256: *sha256,
                };
                // A fragment that proves no coverage counts as none: the report
                // says why. `[RECORDING-2]`
                _ = self.recording.commit(&fragment);
            }
        }
    }

    /// What is known of the assistant's clock at `now`.
    pub(super) fn estimate(&self, now: Instant<Primary>) -> Option<Estimate> {
        self.peer.timing().estimate(now)
    }

    fn session_time(&self, at: Instant<Secondary>) -> Option<Instant<Primary>> {
        self.peer.timing().estimator().to_primary(at).map(|mapped| mapped.at)
    }

    /// The capture of the last frame that the assistant is known to have
    /// committed, in session time.
    pub(super) fn covered(&self) -> Option<Instant<Primary>> {
        let said = self.peer.said().filter(|said| said.frames > 0);
        let said = said.map(|said| said.last_committed.on::<Secondary>());
        self.session_time(said.max(self.recording.last())?)
    }

    /// Frames that the assistant says it has committed.
    pub(super) fn frames(&self) -> u64 {
        self.peer.said().map_or(0, |said| said.frames)
    }

    /// Whether frames prove that the camera records. `[SESSION-7]`
    pub(super) fn is_proven(&self, now: Instant<Primary>) -> bool {
        self.covered().is_some_and(|covered| now - covered <= limits::READY_AGE)
    }

    /// Whether the assistant itself says that its camera is lost.
    pub(super) fn says_lost(&self) -> bool {
        self.peer.said().is_some_and(|said| {
            matches!(said.recording, wire::Recording::Lost | wire::Recording::Returning)
        })
    }

    /// What is lost and what is unknown within `window`, as far as known now.
    pub(super) fn evidence(&self, window: Interval<Primary>) -> (Vec<Loss>, Vec<Unknown>) {
        let role = self.role();
        let Some(covered) = self.covered() else {
            let unknown = Unknown { role, start: window.start, end: window.end };
            return (Vec::new(), vec![unknown]);
        };
        let estimator = self.peer.timing().estimator();
        let on_theirs = |at| estimator.to_secondary(at).map(|mapped| mapped.at);
        let until = covered.min(window.end);
        let (Some(start), Some(end)) = (on_theirs(window.start), on_theirs(until)) else {
            return (Vec::new(), Vec::new());
        };
        let losses = self.recording.losses(Interval { start, end });
        let losses = losses.into_iter().filter_map(|loss| {
            Some(Loss {
                role,
                start: self.session_time(loss.start)?,
                end: self.session_time(loss.end)?,
                uncertainty: estimator.interval(until).map_or(Span::ZERO, |at| at.half_width()),
                cause: Cause::Unknown,
                medium: Medium::Picture,
            })
        });
        let mut losses: Vec<Loss> = losses.collect();
        let mut unknown = Vec::new();
        let silent = window.end - until > limits::READY_AGE;
        if silent && self.peer.state() == LinkState::Live {
            losses.push(Loss {
                role,
                start: until,
                end: window.end,
                uncertainty: Span::ZERO,
                cause: Cause::Unknown,
                medium: Medium::Picture,
            });
        } else if silent {
            unknown.push(Unknown { role, start: until, end: window.end });
        }
        (losses, unknown)
    }
}
