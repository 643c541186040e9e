//! What silence means: the state of one link, seen from one side.
//!
//! The link is a courier. Losing it changes what is *known now*, never what
//! *happened*, so nothing here counts an interruption; the states only say up
//! to when the peer's recording is known. Rejected: taking QUIC's own idle
//! timeout for this. It is tuned to keep a connection alive through a stall,
//! and a rule about an exam must not depend on a transport's tuning.

use crate::limits;
use crate::time::{Clock, Instant};

/// How much is known of a peer.
///
/// ```
/// # use diptych_protocol::liveness::LinkState;
/// fn is_connected(link: LinkState) -> bool {
///     link == LinkState::Live
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LinkState {
    /// Authentic packets arrive and the journals agree.
    Live,
    /// Packets arrive again; what happened meanwhile is being exchanged.
    /// `[LIVENESS-4]`
    CatchingUp,
    /// Nothing for [`limits::LINK_LATE`]. `[LIVENESS-2]`
    Late,
    /// Nothing for [`limits::LINK_DOWN`], or no connection. `[LIVENESS-3]`
    Down,
}

/// One side's view of one link.
#[derive(Clone, Debug)]
pub struct Liveness<C: Clock> {
    heard: Option<Instant<C>>,
    state: LinkState,
    reconciled: Reconciled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reconciled {
    Yes,
    No,
}

impl LinkState {
    /// The number in the journal.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::CatchingUp => 1,
            Self::Late => 2,
            Self::Down => 3,
        }
    }

    /// The state with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Live,
            1 => Self::CatchingUp,
            2 => Self::Late,
            3 => Self::Down,
            _ => return None,
        })
    }

    /// The stable name, as in the specification.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::CatchingUp => "CATCHUP",
            Self::Late => "LATE",
            Self::Down => "DOWN",
        }
    }
}

impl<C: Clock> Default for Liveness<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Clock> Liveness<C> {
    /// A peer that was never heard: [`LinkState::Down`].
    #[must_use]
    pub const fn new() -> Self {
        Self { heard: None, state: LinkState::Down, reconciled: Reconciled::No }
    }

    /// The state as of the last call that could change it.
    #[must_use]
    pub const fn state(&self) -> LinkState {
        self.state
    }

    /// When the peer was last heard.
    #[must_use]
    pub const fn heard_at(&self) -> Option<Instant<C>> {
        self.heard
    }

    /// An authentic packet came at `now`. `[LIVENESS-1]`
    ///
    /// Yields the new state if it changed.
    pub fn heard(&mut self, now: Instant<C>) -> Option<LinkState> {
        self.heard = Some(self.heard.map_or(now, |before| before.max(now)));
        if self.state == LinkState::Down {
            self.reconciled = Reconciled::No;
        }
        let state = match self.reconciled {
            Reconciled::Yes => LinkState::Live,
            Reconciled::No => LinkState::CatchingUp,
        };
        self.turn(state)
    }

    /// Both journals hold what the other knew when the link came back.
    /// `[LIVENESS-4]`
    pub fn reconciled(&mut self) -> Option<LinkState> {
        self.reconciled = Reconciled::Yes;
        if self.state == LinkState::CatchingUp { self.turn(LinkState::Live) } else { None }
    }

    /// The connection is gone: nothing more will be heard on it.
    pub fn disconnected(&mut self) -> Option<LinkState> {
        self.reconciled = Reconciled::No;
        self.turn(LinkState::Down)
    }

    /// Time passed. Yields the new state if silence changed it.
    pub fn silence(&mut self, now: Instant<C>) -> Option<LinkState> {
        let heard = self.heard?;
        let silent = now - heard;
        let state = if silent >= limits::LINK_DOWN {
            LinkState::Down
        } else if silent >= limits::LINK_LATE && self.state != LinkState::Down {
            LinkState::Late
        } else {
            return None;
        };
        self.turn(state)
    }

    /// When [`Liveness::silence`] could next change the state.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant<C>> {
        let heard = self.heard?;
        match self.state {
            LinkState::Live | LinkState::CatchingUp => Some(heard + limits::LINK_LATE),
            LinkState::Late => Some(heard + limits::LINK_DOWN),
            LinkState::Down => None,
        }
    }

    fn turn(&mut self, state: LinkState) -> Option<LinkState> {
        if state == self.state {
            return None;
        }
        self.state = state;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Primary, Span};

    fn at(millis: i64) -> Instant<Primary> {
        Instant::from_nanos(0) + Span::from_millis(millis)
    }

    fn live_at(millis: i64) -> Liveness<Primary> {
        let mut link = Liveness::new();
        assert_eq!(link.heard(at(millis)), Some(LinkState::CatchingUp), "[LIVENESS-1]");
        assert_eq!(link.reconciled(), Some(LinkState::Live));
        link
    }

    #[test]
    fn silence_turns_late_then_down_at_the_exact_instants() {
        // [LIVENESS-2] [LIVENESS-3]
        let mut link = live_at(0);
        assert_eq!(link.deadline(), Some(at(3_000)));
        assert_eq!(link.silence(at(2_999)), None);
        assert_eq!(link.silence(at(3_000)), Some(LinkState::Late));
        assert_eq!(link.deadline(), Some(at(10_000)));
        assert_eq!(link.silence(at(9_999)), None);
        assert_eq!(link.silence(at(10_000)), Some(LinkState::Down));
        assert_eq!(link.deadline(), None);
    }

    #[test]
    fn a_packet_before_down_needs_no_catching_up() {
        let mut link = live_at(0);
        assert_eq!(link.silence(at(5_000)), Some(LinkState::Late));
        assert_eq!(link.heard(at(5_001)), Some(LinkState::Live));
    }

    #[test]
    fn after_down_the_journals_are_reconciled_first() {
        // [LIVENESS-4]
        let mut link = live_at(0);
        assert_eq!(link.silence(at(60_000)), Some(LinkState::Down));
        assert_eq!(link.heard(at(60_001)), Some(LinkState::CatchingUp));
        assert_eq!(link.heard(at(60_002)), None);
        assert_eq!(link.reconciled(), Some(LinkState::Live));
    }

    #[test]
    fn an_older_stamp_never_turns_time_back() {
        let mut link = live_at(1_000);
        assert_eq!(link.heard(at(400)), None);
        assert_eq!(link.heard_at(), Some(at(1_000)));
    }
}
