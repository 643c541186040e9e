//! A stamp in half the bytes.
//!
//! Most of a stamp is known to whoever heard the one before: the epoch, the upper
//! bytes of both instants and of both numbers. What remains is sent, and completed
//! from what was heard. It is never completed wrongly, because numbers are told apart
//! over 65,536 messages, instants over three days, and no short stamp is sent in an
//! epoch that the peer has not echoed. Rejected: differences to the message before
//! (one loss, and nothing can be read until that is known), and coarser instants
//! (what is cut off would be added to every bound).

use super::constraint::Epoch;
use super::stamps::Stamp;

/// How far back an echoed arrival may be: 2⁴⁰ ns, 18 minutes. `[CLOCK-37]`
const ECHO_BITS: u32 = 40;
/// The bytes of an instant that travel: 2⁴⁸ ns are 78 hours. `[CLOCK-38]`
const SENT_BITS: u32 = 48;

/// A [`Stamp`] without what its receiver knows. `[CLOCK-37]`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Short {
    /// The lower half of [`Stamp::seq`].
    pub seq: u16,
    /// The lower 48 bits of [`Stamp::sent`].
    pub sent: u64,
    /// The lower half of [`Stamp::echo_seq`].
    pub echo_seq: u16,
    /// The lower 40 bits of [`Stamp::echo_received`].
    pub echo_received: u64,
}

/// What either end of a link needs to know of the other to write shortly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shorthand {
    /// The own epoch of a message that the peer has echoed.
    echoed: Option<Epoch>,
    heard: Option<Heard>,
}

/// What the peer's latest epoch began with, and how far it has come.
#[derive(Clone, Copy, Debug)]
struct Heard {
    epoch: Epoch,
    /// The least number that was heard in full.
    since: u32,
    /// The greatest number, and when it was sent.
    seq: u32,
    sent: i64,
}

impl Shorthand {
    /// The peer has echoed a message that was sent in this own epoch.
    pub(super) const fn echoed(&mut self, epoch: Epoch) {
        self.echoed = Some(epoch);
    }

    /// A link or network is new: begins in full.
    pub(super) const fn restart(&mut self) {
        self.echoed = None;
    }

    /// A stamp of the peer, whole or completed.
    pub(super) fn heard(&mut self, stamp: &Stamp) {
        let epoch = Epoch::from_wire(stamp.epoch);
        match &mut self.heard {
            Some(heard) if heard.epoch > epoch => {}
            Some(heard) if heard.epoch == epoch => {
                heard.since = heard.since.min(stamp.seq);
                if stamp.seq > heard.seq {
                    (heard.seq, heard.sent) = (stamp.seq, stamp.sent);
                }
            }
            _ => {
                self.heard =
                    Some(Heard { epoch, since: stamp.seq, seq: stamp.seq, sent: stamp.sent });
            }
        }
    }

    /// The stamp in short, if the peer can complete it. `[CLOCK-37]`
    pub(super) fn shorten(&self, stamp: &Stamp) -> Option<Short> {
        let known = self.echoed.is_some_and(|epoch| epoch.to_wire() == stamp.epoch);
        let age = stamp.sent.checked_sub(stamp.echo_received)?;
        if !known || stamp.echo_seq == 0 || !(0..1 << ECHO_BITS).contains(&age) {
            return None;
        }
        Some(Short {
            seq: low_half(stamp.seq),
            sent: low(stamp.sent, SENT_BITS),
            echo_seq: low_half(stamp.echo_seq),
            echo_received: low(stamp.echo_received, ECHO_BITS),
        })
    }

    /// The whole of a short stamp. `latest` is the own latest number, `clock` the own
    /// clock epoch. `[CLOCK-38]` `[CLOCK-39]`
    pub(super) fn complete(&self, short: &Short, latest: u32, clock: u16) -> Option<Stamp> {
        let heard = self.heard?;
        let ahead = short.seq.wrapping_sub(low_half(heard.seq)).cast_signed();
        let seq = heard.seq.checked_add_signed(ahead.into())?;
        if seq < heard.since {
            return None;
        }
        let later = low(short.sent.cast_signed().wrapping_sub(heard.sent), SENT_BITS);
        let unused = u64::BITS - SENT_BITS;
        let sent = heard.sent.wrapping_add((later << unused).cast_signed() >> unused);
        let behind = low_half(latest).wrapping_sub(short.echo_seq);
        let age = low(sent.wrapping_sub(short.echo_received.cast_signed()), ECHO_BITS);
        Some(Stamp {
            seq,
            sent,
            epoch: heard.epoch.to_wire(),
            echo_seq: latest.checked_sub(behind.into())?,
            echo_clock: clock,
            echo_received: sent.wrapping_sub(age.cast_signed()),
        })
    }
}

/// The lower `bits` of an instant.
const fn low(nanos: i64, bits: u32) -> u64 {
    nanos.cast_unsigned() & ((1 << bits) - 1)
}

/// The lower half of a number.
fn low_half(number: u32) -> u16 {
    let [a, b, ..] = number.to_le_bytes();
    u16::from_le_bytes([a, b])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch { clock: 3, path: 2 };

    fn stamp(seq: u32, sent: i64, echo_seq: u32, echo_received: i64) -> Stamp {
        let epoch = EPOCH.to_wire();
        Stamp { seq, sent, epoch, echo_seq, echo_clock: 9, echo_received }
    }

    fn known() -> Shorthand {
        let mut shorthand = Shorthand::default();
        shorthand.echoed(EPOCH);
        shorthand
    }

    proptest! {
        /// [CLOCK-37] [CLOCK-38]: whatever was lost, reordered or delayed between them.
        #[test]
        fn a_short_stamp_is_completed_to_what_it_was(
            first in (1_u32..u32::MAX / 2, any::<i32>(), -(1_i64 << 46)..1 << 46),
            ahead in (-32_767_i64..32_767, -(1_i64 << 46)..1 << 46),
            echo in (0_i64..1 << 40, 1_u32..u32::MAX / 2, 0_u32..65_535),
        ) {
            let (seq, epochs, sent) = first;
            let (more, later) = ahead;
            let (age, echo_seq, newer) = echo;
            let now = u32::try_from((i64::from(seq) + more).max(1)).unwrap();
            let whole = stamp(now, sent + later, echo_seq, sent + later - age);
            let mut reader = Shorthand::default();
            reader.heard(&stamp(seq.min(now), sent, 1, 0));
            reader.heard(&stamp(seq, sent, 1, 0));
            let _ = epochs;
            let short = known().shorten(&whole).unwrap();
            prop_assert_eq!(reader.complete(&short, echo_seq + newer, 9), Some(whole));
        }

        /// [CLOCK-39]: bytes of anybody.
        #[test]
        fn any_short_stamp_is_completed_or_dropped(
            seq: u16, sent in 0_u64..1 << 48, echo in (any::<u16>(), 0_u64..1 << 40),
            heard in (any::<u32>(), any::<i64>()), latest: u32,
        ) {
            let mut reader = Shorthand::default();
            reader.heard(&stamp(heard.0, heard.1, 1, 0));
            let short = Short { seq, sent, echo_seq: echo.0, echo_received: echo.1 };
            if let Some(whole) = reader.complete(&short, latest, 1) {
                prop_assert!(whole.echo_seq <= latest && whole.seq >= heard.0);
            }
        }
    }

    #[test]
    fn what_the_peer_cannot_complete_is_sent_in_full() {
        // [CLOCK-37]
        let whole = stamp(8, 1 << 41, 5, 1 << 40);
        let before = Shorthand::default();
        assert_eq!(before.shorten(&whole), None, "nothing echoed yet");
        assert_eq!(known().shorten(&whole), None, "an arrival of 18 minutes ago");
        let fresh = Stamp { echo_received: (1 << 40) + 1, ..whole };
        assert!(known().shorten(&fresh).is_some());
        assert_eq!(known().shorten(&Stamp { echo_seq: 0, ..fresh }), None);
        let next = Epoch { path: 3, ..EPOCH }.to_wire();
        assert_eq!(known().shorten(&Stamp { epoch: next, ..fresh }), None, "a new path");
        let mut restarted = known();
        restarted.restart();
        assert_eq!(restarted.shorten(&fresh), None, "a new link");
    }

    #[test]
    fn a_short_stamp_of_an_earlier_epoch_is_dropped() {
        // [CLOCK-39]
        let mut reader = Shorthand::default();
        let short = known().shorten(&stamp(20, 2_000, 5, 1_000)).unwrap();
        assert_eq!(reader.complete(&short, 6, 9), None, "nothing heard in full");
        reader.heard(&stamp(10, 1_500, 1, 0));
        assert_eq!(reader.complete(&short, 6, 9), Some(stamp(20, 2_000, 5, 1_000)));
        let next = Epoch { clock: 4, path: 0 }.to_wire();
        reader.heard(&Stamp { epoch: next, ..stamp(21, 2_500, 1, 0) });
        assert_eq!(reader.complete(&short, 6, 9), None, "overtaken by another epoch");
        reader.heard(&stamp(22, 2_600, 1, 0));
        assert_eq!(reader.complete(&short, 6, 9), None, "and that one stays");
    }
}
