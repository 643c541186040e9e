//! One message, one inequality.
//!
//! A message that left the primary at `s` and reached the secondary when that
//! device's clock showed `r` proves that the secondary's clock showed at most `r`
//! when the primary's showed `s`, because messages do not travel back in time.
//! That is all a message proves, and it proves it exactly: no midpoint, no
//! symmetric path, no estimate of a delay. The other direction bounds the offset
//! from below. Rejected: the four-timestamp sample of NTP as the unit of
//! evidence. It needs both directions to be undisturbed in one exchange, and it
//! cannot use a heartbeat that nobody answered.

use super::model::RESOLUTION;
use crate::time::{Instant, Primary, Secondary};

/// What one message proves about the offset `x` = secondary − primary. `[CLOCK-1]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Constraint {
    /// From the primary to the secondary: `x(sent) ≤ received − sent`.
    Forward {
        /// Read by the primary before it handed the message over.
        sent: Instant<Primary>,
        /// Read by the secondary after it took the message.
        received: Instant<Secondary>,
    },
    /// From the secondary to the primary: `x(received) ≥ sent − received`.
    Backward {
        /// Read by the secondary before it handed the message over.
        sent: Instant<Secondary>,
        /// Read by the primary after it took the message.
        received: Instant<Primary>,
    },
}

/// Which continuous stretch of each device's clock, and of the path between
/// them, a constraint belongs to.
///
/// Instants of two clock epochs never meet in one inequality (`[CLOCK-12]`).
/// Each device numbers its own; both numbers only grow within a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epochs {
    /// The primary's epoch, as in its stamps.
    pub primary: Epoch,
    /// The secondary's epoch, as in its stamps.
    pub secondary: Epoch,
}

/// One device's epoch: 16 bits for its clock, 16 for its path. `[CLOCK-13]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch {
    /// Grows with every boot, restart and announced suspend of this device.
    pub clock: u16,
    /// Grows whenever this device's address or network changed.
    pub path: u16,
}

/// A constraint and the epochs in which it holds: what estimators take and
/// journals keep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Observation {
    /// The epochs of both devices when the message was sent and received.
    pub epochs: Epochs,
    /// What the message proves.
    pub constraint: Constraint,
}

/// Which side a constraint bounds the offset from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Side {
    /// `x(at) ≤ value`.
    Above,
    /// `x(at) ≥ value`.
    Below,
}

/// A constraint as the estimator uses it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Point {
    /// Primary instant, nanoseconds. First, so that points sort by time.
    pub(super) at: i64,
    pub(super) side: Side,
    /// Bound on the offset, nanoseconds.
    pub(super) value: i64,
}

impl Constraint {
    /// The primary instant that this constraint speaks of.
    #[must_use]
    pub fn at(&self) -> Instant<Primary> {
        Instant::from_nanos(self.point().at)
    }

    /// Receipts are taken one [`RESOLUTION`] later than they were read, because
    /// a coarse counter shows the past. `[CLOCK-4]` `[CLOCK-5]`
    pub(super) fn point(&self) -> Point {
        match *self {
            Self::Forward { sent, received } => Point {
                side: Side::Above,
                at: sent.nanos(),
                value: (received + RESOLUTION).nanos().saturating_sub(sent.nanos()),
            },
            Self::Backward { sent, received } => {
                let at = (received + RESOLUTION).nanos();
                Point { side: Side::Below, at, value: sent.nanos().saturating_sub(at) }
            }
        }
    }
}

impl Epochs {
    /// Whether both clocks are still in the stretch that `other` speaks of.
    pub(super) fn same_clocks(self, other: Self) -> bool {
        self.primary.clock == other.primary.clock && self.secondary.clock == other.secondary.clock
    }

    /// Whether either clock is in a later stretch than in `other`, and neither
    /// in an earlier one.
    pub(super) fn later_clocks(self, other: Self) -> bool {
        !self.same_clocks(other)
            && self.primary.clock >= other.primary.clock
            && self.secondary.clock >= other.secondary.clock
    }
}

impl Epoch {
    /// As it travels in a stamp: the clock's number in the high half.
    #[must_use]
    pub fn to_wire(self) -> u32 {
        u32::from(self.clock) << 16 | u32::from(self.path)
    }

    /// From the number in a stamp.
    #[must_use]
    pub fn from_wire(number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self { clock: u16::from_be_bytes([a, b]), path: u16::from_be_bytes([c, d]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_bounds_the_offset_from_its_own_side() {
        // [CLOCK-1] [CLOCK-4] [CLOCK-5]
        let forward = Constraint::Forward {
            sent: Instant::from_nanos(1_000),
            received: Instant::from_nanos(51_000),
        };
        let point = forward.point();
        assert_eq!((point.side, point.at, point.value), (Side::Above, 1_000, 50_100));
        let backward = Constraint::Backward {
            sent: Instant::from_nanos(52_000),
            received: Instant::from_nanos(3_000),
        };
        let point = backward.point();
        assert_eq!((point.side, point.at, point.value), (Side::Below, 3_100, 48_900));
    }

    #[test]
    fn an_epoch_survives_the_wire() {
        // [CLOCK-13]
        let epoch = Epoch { clock: 7, path: 65_535 };
        assert_eq!(epoch.to_wire(), 0x0007_FFFF);
        assert_eq!(Epoch::from_wire(epoch.to_wire()), epoch);
    }
}
