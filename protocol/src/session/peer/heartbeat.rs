//! What two devices tell each other every second.
//!
//! Most of it is a pulse: alive, recording up to here. The journal's head and the
//! digest of the clocks are larger and change nothing at once, so they come with
//! every eighth and with each change of the recorder. What comes late is told from
//! what is new by the number of its message.

use super::Peer;
use crate::clock::Epoch;
use crate::journal::{Fact, Fork, Head};
use crate::limits;
use crate::session::camera::Camera;
use crate::session::news::{Beat, Newer, Receipt};
use crate::session::timing::{Fresh, Station};
use crate::session::{Local, Outbox};
use crate::time::{Clock, Instant};
use crate::wire::{self, SenderTime, Timing as Datagram};

/// What a peer's heartbeats and pulses have said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<P: Clock> {
    pub(crate) recording: wire::Recording,
    /// The end of its last committed frame.
    pub(crate) covered: Option<Instant<P>>,
    /// Frames, and how far its journal goes, as its last heartbeat had it.
    pub(crate) frames: u64,
    head: Head,
    /// The clock epoch and number of the message.
    order: (u16, u32),
}

/// When the next heartbeat has to be a whole one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    /// What the last whole one told of the recorder, on this link.
    told: Option<Recorder>,
    /// How many pulses went out since.
    pulses: u32,
}

/// What a peer hears of the recorder at once: its state, and that there are frames.
type Recorder = (wire::Recording, wire::Conditions, bool);

impl Rhythm {
    /// Whether a whole heartbeat is due. `[SESSION-33]`
    fn is_whole(&mut self, now: Recorder) -> bool {
        self.pulses = self.pulses.saturating_add(1);
        let whole = self.told != Some(now) || self.pulses >= limits::HEARTBEAT_WHOLE;
        if whole {
            *self = Self { told: Some(now), pulses: 0 };
        }
        whole
    }
}

impl<C: Station> Peer<C> {
    /// Sends a heartbeat, or between two of them a pulse: how far this device has
    /// recorded, and what of its journal is durable. `[SESSION-12]` `[SESSION-33]`
    pub(crate) fn beat<E>(
        &mut self,
        now: Instant<C>,
        camera: &Camera<C>,
        local: &Local<C>,
        outbox: &mut Outbox<C, E>,
    ) {
        let Some(link) = self.link else { return };
        let mut conditions = camera.conditions();
        if local.is_poisoned() {
            conditions = conditions.with(wire::Conditions::STORAGE_FAILED);
        }
        let (recording, head) = (camera.state(), local.durable());
        let (covered, frames) = camera.proven(head.sequence);
        let whole = self.rhythm.is_whole((recording, conditions, frames > 0));
        let clock_digest = if whole { self.timing.digest() } else { 0 };
        let pulse = wire::Pulse {
            stamp: self.timing.outgoing(now),
            recording,
            conditions,
            last_committed: covered.map_or(SenderTime::NEVER, SenderTime::of),
        };
        let datagram = if whole {
            Datagram::Heartbeat(wire::Heartbeat {
                pulse,
                frames,
                journal_sequence: head.sequence,
                journal_head: head.hash,
                clock_digest,
            })
        } else {
            let short = self.timing.shorten(&pulse.stamp);
            let short = short.and_then(|stamp| pulse.shortened(stamp));
            short.map_or(Datagram::Pulse(pulse), Datagram::ShortPulse)
        };
        outbox.datagram(link, datagram.encode());
    }

    /// Takes a heartbeat. `[SESSION-13]`
    ///
    /// # Errors
    /// [`Fork`] if its journal head contradicts what the peer showed before.
    pub(crate) fn heartbeat<E>(
        &mut self,
        receipt: Receipt<C>,
        beat: &wire::Heartbeat,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Result<Beat, Box<Fork>> {
        let (level, fresh) = self.stamped(receipt.arrived, &beat.pulse.stamp, local);
        let head = Head { sequence: beat.journal_sequence, hash: beat.journal_head };
        _ = self.goal.get_or_insert(head.sequence);
        let behind = self.said.is_some_and(|said| head.sequence < said.head.sequence);
        if behind || self.is_late(&beat.pulse) {
            return Ok(Beat { level, fresh, newer: Newer::No });
        }
        if !self.is_forked() {
            self.mirror.claim(head)?;
        }
        self.note(receipt.now, &beat.pulse, (beat.frames, head), local, outbox);
        Ok(Beat { level, fresh, newer: Newer::Yes })
    }

    /// Takes a pulse. `[SESSION-13]`
    pub(crate) fn pulse<E>(
        &mut self,
        receipt: Receipt<C>,
        pulse: &wire::Pulse,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Fresh {
        let (_, fresh) = self.stamped(receipt.arrived, &pulse.stamp, local);
        // Without a heartbeat before it there is no journal to speak of yet.
        if let Some(said) = self.said.filter(|_| !self.is_late(pulse)) {
            self.note(receipt.now, pulse, (said.frames, said.head), local, outbox);
        }
        fresh
    }

    /// Whether something newer has come already. `[SESSION-14]`
    fn is_late(&self, pulse: &wire::Pulse) -> bool {
        self.said.is_some_and(|said| order(pulse) < said.order)
    }

    fn note<E>(
        &mut self,
        now: Instant<C>,
        pulse: &wire::Pulse,
        (frames, head): (u64, Head),
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) {
        let told = pulse.last_committed;
        let covered = (told != SenderTime::NEVER).then(|| told.on::<C::Peer>());
        let news = self.said.is_none_or(|said| said.head != head || said.covered != covered);
        if self.boot.is_some() && news {
            let fact = Fact::PeerHead {
                peer: self.name.role,
                sequence: head.sequence,
                head: head.hash,
                covered: told.on::<C::Peer>().relabelled(),
            };
            local.write(now, &fact, outbox);
        }
        let (recording, order) = (pulse.recording, order(pulse));
        self.said = Some(Said { recording, covered, frames, head, order });
        self.said_at = Some(now);
    }
}

/// The clock epoch and number of a message, which only grow.
fn order(pulse: &wire::Pulse) -> (u16, u32) {
    (Epoch::from_wire(pulse.stamp.epoch).clock, pulse.stamp.seq)
}
