//! Datagrams: heartbeats and clock messages, at most 256 bytes each.

use crate::device::Device;
use crate::fault::Fault;
use crate::time::{Clock, Instant, Span};
use crate::wire::field::{Field, bad, byte_enum, message};

/// A reading of the sender's clock. The message does not say whose clock that
/// is; the receiver knows, and gives the reading its type. `[WIRE-7]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SenderTime(i64);

/// A reading of the receiver's clock, which the sender only repeats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReceiverTime(i64);

/// Conditions of the sender that matter at once, as bits. `[WIRE-8]`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Conditions(u8);

byte_enum! {
    /// What the sender's recorder is doing.
    pub enum Recording: "a recorder state from 0 to 5" {
        /// Nothing yet.
        Idle = 0,
        /// The camera is open; no frame is committed.
        Armed = 1,
        /// Frames are being committed.
        Recording = 2,
        /// Frames stopped.
        Lost = 3,
        /// Frames are back, not yet for long enough.
        Returning = 4,
        /// The recording is over.
        Ended = 5,
    }
}

message! {
    /// The instants that both clocks are compared by. `[WIRE-9]`
    pub struct Stamp {
        /// Numbers the sender's datagrams from 1.
        pub seq: u32,
        /// When this datagram was sent.
        pub sent: SenderTime,
        /// Changes when the sender's clock does: a boot, or a clock that is no
        /// longer comparable.
        pub epoch: u32,
        /// How long the sender has slept since its boot.
        pub suspended: Span,
        /// The last datagram of the receiver that the sender has; 0 for none.
        pub echo_seq: u32,
        /// When that one was sent.
        pub echo_sent: ReceiverTime,
        /// When it arrived.
        pub echo_received: SenderTime,
    }
    check echo_or_none;
}

message! {
    /// Once a second: alive, recording up to here, and how the device is.
    pub struct Heartbeat {
        /// For the clocks.
        pub stamp: Stamp,
        /// What the recorder does.
        pub recording: Recording,
        /// What matters at once.
        pub conditions: Conditions,
        /// The end of the last committed frame; meaningless while `frames` is 0.
        pub last_committed: SenderTime,
        /// Frames committed since the session began.
        pub frames: u64,
        /// Bytes committed since the session began.
        pub bytes: u64,
        /// Battery, heat, storage, permissions.
        pub device: Device,
        /// How many records of the sender's journal are durable.
        pub journal_sequence: u64,
        /// The head of those records.
        pub journal_head: [u8; 32],
        /// What the sender thinks of both clocks, in short, so that a
        /// disagreement shows.
        pub clock_digest: u64,
    }
}

message! {
    /// A clock message between heartbeats.
    pub struct Probe {
        /// For the clocks.
        pub stamp: Stamp,
    }
}

impl SenderTime {
    /// A reading of the own clock, about to be sent.
    #[must_use]
    pub const fn of<C: Clock>(own: Instant<C>) -> Self {
        Self(own.nanos())
    }

    /// The reading, by the receiver who knows that the sender's clock is `C`.
    #[must_use]
    pub const fn on<C: Clock>(self) -> Instant<C> {
        Instant::from_nanos(self.0)
    }
}

impl ReceiverTime {
    /// A reading that the peer sent, about to be echoed.
    #[must_use]
    pub const fn of<C: Clock>(peers: Instant<C>) -> Self {
        Self(peers.nanos())
    }

    /// The reading, by the receiver, whose own clock it is.
    #[must_use]
    pub const fn on<C: Clock>(self) -> Instant<C> {
        Instant::from_nanos(self.0)
    }
}

impl Conditions {
    /// Nothing of note.
    pub const NONE: Self = Self(0);
    /// The examinee has left the exam screen.
    pub const SCREEN_LEFT: Self = Self(1);
    /// The journal cannot be written any more.
    pub const STORAGE_FAILED: Self = Self(1 << 1);
    /// The microphone is gone.
    pub const AUDIO_LOST: Self = Self(1 << 2);

    const ALL: u8 = 0b111;

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These except `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` hold.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// No echo has one encoding: zeros.
fn echo_or_none(stamp: &Stamp) -> Result<(), Fault> {
    let echoed = stamp.echo_sent.0 != 0 || stamp.echo_received.0 != 0;
    if stamp.echo_seq == 0 && echoed {
        return Err(bad("zeros where nothing is echoed", stamp.echo_sent.0));
    }
    if stamp.seq == 0 {
        return Err(bad("datagrams numbered from 1", 0_u8));
    }
    Ok(())
}

impl Field for SenderTime {
    type Raw = i64;

    fn raw(&self) -> i64 {
        self.0
    }

    fn parse(raw: i64) -> Result<Self, Fault> {
        Ok(Self(raw))
    }
}

impl Field for ReceiverTime {
    type Raw = i64;

    fn raw(&self) -> i64 {
        self.0
    }

    fn parse(raw: i64) -> Result<Self, Fault> {
        Ok(Self(raw))
    }
}

impl Field for Conditions {
    type Raw = u8;

    fn raw(&self) -> u8 {
        self.0
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        if raw & !Self::ALL != 0 {
            return Err(bad("condition bits 0 to 2 only", raw));
        }
        Ok(Self(raw))
    }
}
