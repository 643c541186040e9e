//! Datagrams: heartbeats, pulses and clock messages, at most 512 bytes each.
//!
//! One of them leaves every second in each direction for hours, beside video that
//! somebody else uploads, so it says what must be timely and nothing else. Rejected:
//! the device's health in every heartbeat (the control stream tells it when it
//! changes), a whole journal head every second (the records themselves follow as
//! fast), the echoed message's send time (its number says which one it was), and the
//! upper bytes of what the receiver has heard before.

use crate::fault::Fault;
use crate::time::{Clock, Instant};
use crate::wire::field::{Field, bad, byte_enum, message};

/// A reading of the sender's clock. The message does not say whose clock that
/// is; the receiver knows, and gives the reading its type. `[WIRE-7]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SenderTime(i64);

/// The lower `N` bytes of an instant, for a receiver who knows the rest. `[WIRE-14]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Low<const N: usize>(u64);

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
        /// A datagram of the receiver that the sender has; 0 for none.
        pub echo_seq: u32,
        /// The upper 16 bits of that one's epoch: a device that starts again
        /// numbers its datagrams anew.
        pub echo_clock: u16,
        /// When it arrived.
        pub echo_received: SenderTime,
    }
    check echo_or_none;
}

message! {
    /// Every few seconds, and at every change: a pulse that also names the
    /// sender's journal.
    pub struct Heartbeat {
        /// Alive, and recording up to here.
        pub pulse: Pulse,
        /// Frames committed since the session began.
        pub frames: u64,
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
    /// In the seconds between heartbeats: alive, and recording up to here.
    pub struct Pulse {
        /// For the clocks.
        pub stamp: Stamp,
        /// What the recorder does.
        pub recording: Recording,
        /// What matters at once.
        pub conditions: Conditions,
        /// The end of the last committed frame, or [`SenderTime::NEVER`].
        pub last_committed: SenderTime,
    }
}

message! {
    /// A clock message between heartbeats.
    pub struct Probe {
        /// For the clocks.
        pub stamp: Stamp,
    }
}

message! {
    /// A [`Stamp`] without what the receiver knows. `[CLOCK-37]`
    pub struct ShortStamp {
        /// The lower half of the number.
        pub seq: u16,
        /// When this datagram was sent.
        pub sent: Low<6>,
        /// The lower half of the echoed number.
        pub echo_seq: u16,
        /// When that one arrived.
        pub echo_received: Low<5>,
    }
}

message! {
    /// A [`Probe`] in short.
    pub struct ShortProbe {
        /// For the clocks.
        pub stamp: ShortStamp,
    }
}

message! {
    /// A [`Pulse`] in short.
    pub struct ShortPulse {
        /// For the clocks.
        pub stamp: ShortStamp,
        /// What the recorder does.
        pub recording: Recording,
        /// What matters at once.
        pub conditions: Conditions,
        /// The end of the last committed frame, or [`Low::NEVER`].
        pub last_committed: Low<6>,
    }
}

impl Pulse {
    /// The pulse in short, with its stamp in short. `[WIRE-14]`
    #[must_use]
    pub fn shortened(&self, stamp: ShortStamp) -> Option<ShortPulse> {
        let last_committed = match self.last_committed {
            SenderTime::NEVER => Low::NEVER,
            SenderTime(nanos) => {
                let low = Low::new(nanos.cast_unsigned());
                (low.before(self.stamp.sent)?.0 == nanos && low != Low::NEVER).then_some(low)?
            }
        };
        let Self { recording, conditions, .. } = *self;
        Some(ShortPulse { stamp, recording, conditions, last_committed })
    }
}

impl ShortPulse {
    /// The whole pulse, with its stamp completed. `[WIRE-14]`
    #[must_use]
    pub fn completed(&self, stamp: Stamp) -> Option<Pulse> {
        let last_committed = match self.last_committed {
            Low::NEVER => SenderTime::NEVER,
            low => low.before(stamp.sent)?,
        };
        let Self { recording, conditions, .. } = *self;
        Some(Pulse { stamp, recording, conditions, last_committed })
    }
}

impl<const N: usize> Low<N> {
    const MASK: u64 = u64::MAX >> (64 - 8 * N);

    /// Instead of an instant: there was none.
    pub const NEVER: Self = Self(Self::MASK);

    /// The lower bytes of `nanos`.
    #[must_use]
    pub const fn new(nanos: u64) -> Self {
        Self(nanos & Self::MASK)
    }

    /// These bytes as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The latest instant not after `sent` that ends in these bytes.
    const fn before(self, sent: SenderTime) -> Option<SenderTime> {
        let age = sent.0.cast_unsigned().wrapping_sub(self.0) & Self::MASK;
        match sent.0.checked_sub_unsigned(age) {
            Some(nanos) => Some(SenderTime(nanos)),
            None => None,
        }
    }
}

impl SenderTime {
    /// Before everything: nothing was committed yet.
    pub const NEVER: Self = Self(i64::MIN);

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
    let echoed = stamp.echo_clock != 0 || stamp.echo_received.0 != 0;
    if stamp.echo_seq == 0 && echoed {
        return Err(bad("zeros where nothing is echoed", stamp.echo_received.0));
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

impl<const N: usize> Field for Low<N> {
    type Raw = [u8; N];

    fn raw(&self) -> [u8; N] {
        let bytes = self.0.to_le_bytes();
        *bytes.first_chunk().unwrap_or(&[0; N])
    }

    fn parse(raw: [u8; N]) -> Result<Self, Fault> {
        let mut bytes = [0; 8];
        for (byte, raw) in bytes.iter_mut().zip(raw) {
            *byte = raw;
        }
        Ok(Self(u64::from_le_bytes(bytes)))
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
