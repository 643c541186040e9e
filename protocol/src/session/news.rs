//! What comes from a peer and what it changes, in a few words each.

use crate::identity::BootId;
use crate::journal::Head;
use crate::machine::LinkId;
use crate::session::timing::{Fresh, Level};
use crate::time::{Clock, Instant, Span};

/// A connection that begins, and what the peer said on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) link: LinkId,
    /// The peer's boot, if it has said so.
    pub(crate) boot: Option<BootId>,
    /// How far the peer's journal goes; `None` if it has only begun.
    pub(crate) theirs: Option<Head>,
    /// How many of this device's records the peer holds.
    pub(crate) held: u64,
}

impl Arrival {
    /// The connection on which the peer was paired.
    pub(crate) const fn first(link: LinkId) -> Self {
        Self { link, boot: None, theirs: None, held: 0 }
    }
}

/// When a message is dealt with, and when it came. `[TRANSPORT-28]`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt<C: Clock> {
    pub(crate) now: Instant<C>,
    /// Not after `now`.
    pub(crate) arrived: Instant<C>,
}

impl<C: Clock> Receipt<C> {
    pub(crate) fn new(now: Instant<C>, age: Span) -> Self {
        Self { now, arrived: now - age.max(Span::ZERO) }
    }
}

/// What a heartbeat changed.
#[derive(Debug)]
pub(crate) struct Beat {
    pub(crate) level: Level,
    pub(crate) fresh: Fresh,
    /// Whether it says more of the camera than was known.
    pub(crate) newer: Newer,
}

/// Whether a heartbeat is newer than the ones before it. `[SESSION-14]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Newer {
    Yes,
    No,
}
