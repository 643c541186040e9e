//! One peer: its link, its clock, its journal, and what it last said.
//!
//! Primary and assistant keep the same things about each other, so they are kept
//! by the same code; only who decides what follows differs, and that is left to
//! the roles. A `Peer` exists from pairing to the end of the session, through
//! every outage: connections come and go, the peer stays.

mod allowance;
mod exchange;
mod heartbeat;

use crate::clock::Estimate;
use crate::device::Device;
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{BootId, Role};
use crate::journal::{Fact, Fork, Head, Header, Heard, Mirror, Replayed};
use crate::liveness::{LinkState, Liveness};
use crate::machine::{JournalName, LinkId};
use crate::session::courier::Courier;
use crate::session::news::Arrival;
use crate::session::timing::{Fresh, Level, Station, Timing};
use crate::session::{Local, Outbox};
use crate::time::Instant;
use crate::wire::{self, Timing as Datagram};

use allowance::Allowance;
pub(crate) use exchange::Evidence;
use heartbeat::Rhythm;
pub(crate) use heartbeat::Said;

/// A paired device, connected or not.
pub(crate) struct Peer<C: Station> {
    name: JournalName,
    link: Option<LinkId>,
    liveness: Liveness<C>,
    timing: Timing<C>,
    courier: Courier,
    mirror: Mirror,
    /// How far the peer's journal went when the link came back.
    goal: Option<u64>,
    path: u32,
    boot: Option<BootId>,
    said: Option<Said<C::Peer>>,
    said_at: Option<Instant<C>>,
    device: Option<Device>,
    rhythm: Rhythm,
    allowance: Allowance<C>,
    /// It contradicted what it had shown before. `[SESSION-36]`
    forked: bool,
    /// A seal of its own on the other history is journalled. `[JOURNAL-23]`
    convicted: bool,
}

impl<C: Station> Peer<C> {
    /// A peer that was just paired: its journal is empty here. The bytes begin
    /// the copy of it.
    pub(crate) fn paired<E>(header: Header, clock: u16, outbox: &mut Outbox<C, E>) -> Self {
        let name = JournalName { role: header.role, device: header.device };
        let (mirror, bytes) = Mirror::create(header);
        outbox.append(name, bytes);
        Self::with(name, mirror, clock)
    }

    /// A peer whose journal copy is on the disk.
    pub(crate) fn known(replayed: &Replayed, clock: u16) -> Self {
        let header = replayed.header();
        let name = JournalName { role: header.role, device: header.device };
        Self::with(name, Mirror::resume(replayed), clock)
    }

    fn with(name: JournalName, mirror: Mirror, clock: u16) -> Self {
        Self {
            name,
            link: None,
            liveness: Liveness::new(),
            timing: Timing::new(clock),
            courier: Courier::default(),
            mirror,
            goal: Some(0),
            path: 0,
            boot: None,
            said: None,
            said_at: None,
            device: None,
            rhythm: Rhythm::default(),
            allowance: Allowance::default(),
            forked: false,
            convicted: false,
        }
    }

    pub(crate) const fn role(&self) -> Role {
        self.name.role
    }

    pub(crate) const fn name(&self) -> JournalName {
        self.name
    }

    pub(crate) const fn link(&self) -> Option<LinkId> {
        self.link
    }

    pub(crate) const fn state(&self) -> LinkState {
        self.liveness.state()
    }

    pub(crate) const fn timing(&self) -> &Timing<C> {
        &self.timing
    }

    /// What the host is to hear of its clock, if it is time to.
    pub(crate) fn clock_news(&mut self, now: Instant<C>) -> Option<Estimate> {
        self.timing.news(now)
    }

    /// What its heartbeats and pulses have said.
    pub(crate) const fn said(&self) -> Option<&Said<C::Peer>> {
        self.said.as_ref()
    }

    pub(crate) const fn said_at(&self) -> Option<Instant<C>> {
        self.said_at
    }

    /// The boot that the peer has said it is in.
    pub(crate) const fn boot(&self) -> Option<BootId> {
        self.boot
    }

    pub(crate) const fn device(&self) -> Option<Device> {
        self.device
    }

    /// How far the copy of the peer's journal goes.
    pub(crate) const fn copied(&self) -> Head {
        self.mirror.head()
    }

    /// Whether the peer holds the own journal up to `sequence`.
    pub(crate) const fn holds(&self, sequence: u64) -> bool {
        self.courier.has_delivered(sequence)
    }

    /// The peer comes back and says how far its journal goes.
    ///
    /// # Errors
    /// [`Fork`] if that is behind what it showed before, or beside it.
    pub(crate) fn returned(&mut self, theirs: Head) -> Result<(), Box<Fork>> {
        if self.forked { Ok(()) } else { self.mirror.returned(theirs) }
    }

    /// A connection with this peer begins.
    pub(crate) fn connected<E>(
        &mut self,
        now: Instant<C>,
        arrival: Arrival,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Option<LinkState> {
        let Arrival { link, boot, theirs, held } = arrival;
        self.link = Some(link);
        self.rhythm = Rhythm::default();
        self.goal = Some(theirs.map_or(0, |head| head.sequence));
        self.path = self.path.saturating_add(1);
        self.timing.path_changed();
        self.courier.restart(held, local.durable().sequence);
        if let Some(boot) = boot {
            self.booted(now, boot, local, outbox);
        }
        let changed = self.liveness.heard(now);
        self.note_link(now, changed, local, outbox);
        changed
    }

    /// The peer said which boot of its device this is.
    pub(crate) fn booted<E>(
        &mut self,
        now: Instant<C>,
        boot: BootId,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) {
        let before = self.boot.replace(boot);
        if before.is_some_and(|before| before != boot) {
            // Its clock began anew; what it said by the old one is history.
            self.timing.forget();
            self.said = None;
        }
        if before != Some(boot) {
            let fact = Fact::PeerBoot { peer: self.name.role, device: self.name.device, boot };
            local.write(now, &fact, outbox);
        }
    }

    /// The connection `link` is gone.
    pub(crate) fn disconnected<E>(
        &mut self,
        now: Instant<C>,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Option<LinkState> {
        self.link = None;
        let changed = self.liveness.disconnected();
        self.note_link(now, changed, local, outbox);
        changed
    }

    /// A new connection is about to take the place of this one. Nothing more is
    /// sent on the old one: what it claimed could overtake what RESUME claims,
    /// and look like two pasts.
    pub(crate) const fn detach(&mut self) {
        self.link = None;
    }

    /// When the peer was last heard.
    pub(crate) const fn heard_at(&self) -> Option<Instant<C>> {
        self.liveness.heard_at()
    }

    /// The peer's packets come from elsewhere now.
    pub(crate) fn moved<E>(
        &mut self,
        now: Instant<C>,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) {
        self.path = self.path.saturating_add(1);
        self.timing.path_changed();
        self.note_link(now, Some(self.liveness.state()), local, outbox);
    }

    /// This device slept.
    pub(crate) fn slept(&mut self) {
        self.timing.renew();
    }

    /// Time passed without a word.
    pub(crate) fn silence<E>(
        &mut self,
        now: Instant<C>,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Option<LinkState> {
        let changed = self.liveness.silence(now);
        self.note_link(now, changed, local, outbox);
        changed
    }

    /// When [`Peer::silence`] is due.
    pub(crate) fn silence_deadline(&self) -> Option<Instant<C>> {
        self.liveness.deadline()
    }

    /// The peer was heard. Yields the new link state, if it changed.
    pub(crate) fn heard<E>(
        &mut self,
        now: Instant<C>,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Option<LinkState> {
        if self.liveness.state() == LinkState::Down {
            // How far the peer's journal goes by now, its next heartbeat says.
            self.goal = None;
            self.courier.aim(local.durable().sequence);
        }
        let mut changed = self.liveness.heard(now);
        let copied = self.goal.is_some_and(|goal| self.mirror.head().sequence >= goal);
        let level = copied && self.courier.has_delivered_goal();
        if level {
            changed = self.liveness.reconciled().or(changed);
        }
        self.note_link(now, changed, local, outbox);
        changed
    }

    fn note_link<E>(
        &self,
        now: Instant<C>,
        changed: Option<LinkState>,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) {
        if let Some(state) = changed {
            let (peer, path) = (self.name.role, self.path);
            local.write(now, &Fact::Link { peer, state: state.number(), path }, outbox);
        }
    }

    /// Sends a clock message.
    pub(crate) fn probe<E>(&mut self, now: Instant<C>, outbox: &mut Outbox<C, E>) {
        let Some(link) = self.link else { return };
        let stamp = self.timing.outgoing(now);
        let datagram = match self.timing.shorten(&stamp) {
            Some(stamp) => Datagram::ShortProbe(wire::ShortProbe { stamp }),
            None => Datagram::Probe(wire::Probe { stamp }),
        };
        outbox.datagram(link, datagram.encode());
    }

    /// A datagram with all that its sender left out because it is known here; `None`
    /// if it is not, or not any more, or if the peer sends too many. `[CLOCK-38]`
    /// `[CLOCK-39]` `[SESSION-49]`
    pub(crate) fn completed(&mut self, now: Instant<C>, datagram: Datagram) -> Option<Datagram> {
        if !self.allowance.admits(now) {
            return None;
        }
        Some(match datagram {
            Datagram::ShortProbe(wire::ShortProbe { stamp }) => {
                Datagram::Probe(wire::Probe { stamp: self.timing.complete(&stamp)? })
            }
            Datagram::ShortPulse(pulse) => {
                let stamp = self.timing.complete(&pulse.stamp)?;
                Datagram::Pulse(pulse.completed(stamp)?)
            }
            whole @ (Datagram::Heartbeat(_) | Datagram::Probe(_) | Datagram::Pulse(_)) => whole,
        })
    }

    /// Takes the stamp of any datagram; its instants go into the journal.
    pub(crate) fn stamped(
        &mut self,
        arrived: Instant<C>,
        stamp: &wire::Stamp,
        local: &mut Local<C>,
    ) -> (Level, Fresh) {
        if self.boot.is_some() {
            let sent = stamp.sent.on::<C::Peer>().relabelled();
            let heard = Heard { sequence: stamp.seq, sent, received: arrived.relabelled() };
            local.heard(self.name.role, heard);
        }
        let heeded = self.timing.incoming(stamp, arrived);
        (heeded.level, heeded.fresh)
    }

    /// Compares what both devices know of the clocks, when they must know the
    /// same; differing means to measure anew. `[CLOCK-18]`
    pub(crate) fn compare(&mut self, level: Level, digest: u64) -> Fresh {
        self.timing.compare(level, digest)
    }

    /// What the peer reported of its device.
    ///
    /// # Errors
    /// [`Fault`] if it names another boot than before: a device that boots loses its
    /// connection, and RESUME says which boot comes back. `[SESSION-50]`
    pub(crate) fn reported<E>(
        &mut self,
        now: Instant<C>,
        report: &wire::DeviceReport,
        local: &mut Local<C>,
        outbox: &mut Outbox<C, E>,
    ) -> Result<(), Fault> {
        if self.boot.is_some_and(|boot| boot != report.boot) {
            let expected = "the boot that this connection began in";
            return Err(Fault::new(CloseCode::BadFrame, expected, Got::Named("another")));
        }
        self.device = Some(report.device);
        self.booted(now, report.boot, local, outbox);
        Ok(())
    }
}
