//! What a journal says about the run before, for the run that begins.
//!
//! A process that was killed told nobody, so all that is known of it is in the journal:
//! what the camera was to do, where its last frame was, what the peer's clock showed.
//! Rejected: a file for the state of the camera (it would be older than the journal just
//! when it matters), and to take the start of the new run for the end of the old one
//! (what lies between was not recorded, and has to count as lost).

use crate::identity::{BootId, Role};
use crate::journal::{Fact, JournalError, Replayed, replay};
use crate::ledger::Observed;
use crate::ledger::Origin;
use crate::ledger::Watch;
use crate::machine::JournalName;
use crate::recording::{Fragment, Recording};
use crate::session::camera::Camera;
use crate::session::{Past, StartError};
use crate::time::{Clock, Span};

/// Where the last run ended.
#[derive(Clone, Debug)]
pub(crate) struct Beginning<C: Clock> {
    /// The take that cameras were ordered to record, if they were not stopped.
    pub(crate) recording: Option<u32>,
    /// Whether cameras had recorded and were ordered to stop.
    pub(crate) stopped: bool,
    /// Whether the session was over.
    pub(crate) finished: bool,
    /// The plan's record, if there was one.
    pub(crate) plan: Option<Fact>,
    /// How far this device's clock was ahead of its peer's in this boot, as the last
    /// message that was heard showed it: enough to tell minutes by.
    pub(crate) ahead: Option<Span>,
    origin: Origin<C>,
    fragments: Vec<Fragment<C>>,
}

impl<C: Clock> Beginning<C> {
    /// Reads an own journal; `boot` is the present boot of the device.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other fact says where a run ended")]
    pub(crate) fn of(replayed: &Replayed, boot: BootId) -> Self {
        let mut beginning = Self {
            recording: None,
            stopped: false,
            finished: replayed.is_finished(),
            plan: None,
            ahead: None,
            origin: Origin::EarlierBoot,
            fragments: Vec::new(),
        };
        let mut here = false;
        for entry in replayed.entries() {
            match &entry.fact {
                Fact::ProcessStarted { boot: then, .. } => {
                    here = *then == boot;
                }
                Fact::Take { take, mark: 0 } => {
                    beginning.recording = Some(*take);
                    beginning.stopped = false;
                }
                Fact::Take { mark: 1, .. } => {
                    beginning.recording = None;
                    beginning.stopped = true;
                }
                // It may be on another clock than what was heard before.
                Fact::Plan { .. } => {
                    beginning.plan = Some(entry.fact.clone());
                    beginning.ahead = None;
                }
                Fact::ClockHeard { heard, .. } if here => {
                    if let Some(last) = heard.last() {
                        let apart = last.received.nanos().saturating_sub(last.sent.nanos());
                        beginning.ahead = Some(Span::from_nanos(apart));
                    }
                }
                Fact::Segment { first, last, frames, bytes, sha256, .. } if here => {
                    beginning.origin = Origin::SameBoot(last.relabelled());
                    beginning.fragments.push(Fragment {
                        first: first.relabelled(),
                        last: last.relabelled(),
                        frames: *frames,
                        bytes: (*bytes).into(),
                        sha256: *sha256,
                    });
                }
                Fact::Segment { .. } => beginning.origin = Origin::EarlierBoot,
                _ => {}
            }
        }
        beginning
    }
}

/// The own camera at the start of a run: new, or lost since the last frame.
/// `[SESSION-22]`
pub(crate) fn camera_of<C: Clock>(
    role: Role,
    watch: Watch,
    beginning: Option<&Beginning<C>>,
    last_exit: Observed,
) -> Camera<C> {
    let Some(beginning) = beginning else { return Camera::new(role, watch) };
    let mut recording = Recording::new(watch.frame_gap);
    for fragment in &beginning.fragments {
        // Was checked when it was written.
        _ = recording.commit(fragment);
    }
    if beginning.recording.is_none() {
        return Camera::stopped(role, watch, recording);
    }
    Camera::recovered(role, watch, recording, beginning.origin, last_exit)
}

/// Clock epochs that are kept for each run and each sleep: those that begin because the
/// devices' digests differ are in no journal.
const EPOCHS_EACH: usize = 16;

/// Numbers this run's clock above those of all earlier runs, and of all sleeps in them.
/// `[CLOCK-13]`
pub(crate) fn clock_number(replayed: Option<&Replayed>) -> u16 {
    let begins = |fact: &Fact| matches!(fact, Fact::ProcessStarted { .. } | Fact::Slept { .. });
    let begun = replayed.map_or(0, |replayed| {
        replayed.entries().iter().filter(|entry| begins(&entry.fact)).count()
    });
    u16::try_from(begun.saturating_add(1).saturating_mul(EPOCHS_EACH)).unwrap_or(u16::MAX)
}

/// Reads one of the journals of the past, whole.
pub(crate) fn read(past: &Past, name: JournalName) -> Result<(Replayed, Vec<u8>), StartError> {
    let bytes = past.journals.get(&name).ok_or(StartError::Missing { name })?;
    let replayed =
        replay(bytes).map_err(|error: JournalError| StartError::Journal { name, error })?;
    Ok((replayed, bytes.clone()))
}
