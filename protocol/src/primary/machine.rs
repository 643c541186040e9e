//! The primary's state, and where each input goes.
//!
//! The other files of this folder say what a message or a command means; this one says
//! which of them is asked, and that what is seen of time never runs back. Rejected: a
//! machine for each seat that is told of the others (a count, an end and a code are of
//! the whole session, and would need one above them), and a state of its own for each
//! combination of phase, cameras and links (the plan alone says the phase, the seats
//! say the rest, and the product of all three cannot be read).

use std::collections::BTreeMap;

use super::connection::Connection;
use super::earlier::{Earlier, Shift};
use super::marks::{Former, Marks};
use super::seat::Seat;
use super::{CheckCode, Command, Event};
use crate::address::Addresses;
use crate::device::Device;
use crate::identity::{BootId, ExamTag, Fingerprint, Label, Role};
use crate::machine::{Input, LinkId, Machine, Output};
use crate::pairing::{self, Offer};
use crate::plan::{Phase, Plan};
use crate::policy::{Policy, Proven, Tally};
use crate::recording::Interval;
use crate::secret::Entropy;
use crate::session::{Camera, FaceGate, Local, Outbox, Receipt, Refused, State};
use crate::time::{Instant, Primary};
use crate::timers::{Timer, Timers};

/// The primary's whole protocol. See [`Machine`] for the law.
pub struct PrimaryMachine {
    /// The latest time handed in; timers never run back.
    pub(super) now: Instant<Primary>,
    pub(super) plan: Plan,
    pub(super) policy: Policy,
    /// Whose statements are taken, and those that were.
    pub(super) proctors: Vec<Fingerprint>,
    pub(super) statements: Vec<Proven>,
    pub(super) exam: ExamTag,
    pub(super) label: Label,
    pub(super) check_code: CheckCode,
    /// `None` until there is a network.
    pub(super) addresses: Option<Addresses>,
    pub(super) boot: BootId,
    pub(super) wall_offset: i64,
    /// This device's clock, numbered among its runs.
    pub(super) clock: u16,
    pub(super) entropy: Entropy,
    pub(super) outbox: Outbox<Primary, Event>,
    pub(super) timers: Timers<Primary>,
    pub(super) local: Local<Primary>,
    pub(super) camera: Camera<Primary>,
    /// What this device told beside its frames.
    pub(super) marks: Marks,
    /// When the own camera was told to stop, and when the session ended.
    pub(super) stopped: Option<Instant<Primary>>,
    pub(super) ended: Option<Instant<Primary>>,
    /// What was before this run, until it is known how far this device's clock is
    /// ahead of session time; and what the own camera covered then.
    pub(super) earlier: Option<Earlier>,
    pub(super) shift: Shift,
    pub(super) past: Vec<Interval<Primary>>,
    /// What devices left that were put out of their seats.
    pub(super) former: BTreeMap<Role, Former>,
    pub(super) device: Option<Device>,
    pub(super) face: FaceGate,
    pub(super) state: State,
    pub(super) offers: BTreeMap<Role, Offer>,
    /// The codes that the host was told to show.
    pub(super) shown: BTreeMap<Role, String>,
    /// The last device that was in each seat.
    pub(super) devices: BTreeMap<Role, u8>,
    pub(super) seats: BTreeMap<Role, Seat>,
    pub(super) links: BTreeMap<LinkId, Connection>,
    pub(super) course: Course,
    pub(super) phase: Phase,
    /// Whether all cameras were once proven recording.
    pub(super) proven: bool,
    /// Whether the host was told how the waiting window ended.
    pub(super) judged_ready: bool,
    /// The cameras that were missing then.
    pub(super) not_ready: Vec<Role>,
    pub(super) tally: Tally,
}

/// How far the session has gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Course {
    /// Cameras were not started.
    Preparing,
    /// They were.
    Recording { take: u32 },
    /// They are being stopped and the journals collected.
    Closing,
    /// Nothing more happens.
    Over,
}

impl Course {
    pub(super) const fn has_begun(self) -> bool {
        !matches!(self, Self::Preparing)
    }

    pub(super) const fn is_closing(self) -> bool {
        matches!(self, Self::Closing | Self::Over)
    }
}

impl PrimaryMachine {
    /// The assistants' seats of the plan.
    pub(super) fn roles(&self) -> impl Iterator<Item = Role> + use<> {
        (1..=self.plan.assistants()).filter_map(|number| Role::new(number).ok())
    }

    fn wake(&mut self, now: Instant<Primary>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Heartbeat => self.beat(now),
                Timer::Chores => self.chores(now),
                Timer::Recorder => {
                    let news = self.camera.wake(now);
                    self.camera_news(now, news);
                }
                Timer::Phase => self.enter_phase(now),
                Timer::Offer => self.refresh_offer(now),
                Timer::Introduction => self.drop_silent_links(now),
                Timer::Silence(role) => self.silence(role, now),
                Timer::Probe(role) => self.probe(role, now),
                Timer::Order(role) => self.order_what_is_owed(now, role),
                Timer::Closing => self.give_up_waiting(now),
                // An assistant's timers.
                Timer::Answer | Timer::Redial => {}
            }
            // The rest is done when it has left. [TRANSPORT-28]
            if self.outbox.is_stamped() {
                break;
            }
        }
    }

    /// Sets every timer that follows from the state.
    fn set_timers(&mut self) {
        self.timers.set(Timer::Recorder, self.camera.deadline());
        self.timers.set(Timer::Offer, self.offers.values().filter_map(Offer::deadline).min());
        let introduction = self.links.values().filter_map(Connection::deadline).min();
        self.timers.set(Timer::Introduction, introduction);
        for (role, seat) in &self.seats {
            self.timers.set(Timer::Silence(*role), seat.peer.silence_deadline());
            let probe = seat.peer.link().and_then(|_| seat.schedule.wake());
            self.timers.set(Timer::Probe(*role), probe);
            self.timers.set(Timer::Order(*role), seat.peer.link().and(seat.owed));
        }
    }

    fn silence(&mut self, role: Role, now: Instant<Primary>) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if let Some(state) = seat.peer.silence(now, &mut self.local, &mut self.outbox) {
            self.local.settle(now, &mut self.outbox);
            self.outbox.event(Event::Link { role, state });
            self.tell_shut_out(role);
            // Found by its name, if its address is not what the assistant knows.
            self.show_codes();
        }
    }

    fn probe(&mut self, role: Role, now: Instant<Primary>) {
        let Some(seat) = self.seats.get_mut(&role) else { return };
        if seat.peer.link().is_some()
            && seat.schedule.poll(now, seat.peer.timing().estimator()).is_some()
        {
            seat.peer.probe(now, &mut self.outbox);
        }
    }

    pub(super) fn enter_phase(&mut self, now: Instant<Primary>) {
        if self.course == Course::Over {
            return self.timers.set(Timer::Phase, None);
        }
        let phase = self.plan.phase_at(now);
        self.timers.set(Timer::Phase, self.plan.next_change(now));
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        self.record_phase(now, phase);
    }
}

impl Machine for PrimaryMachine {
    type Clock = Primary;
    type Command = Command;
    type Event = Event;
    type Rejected = Refused;

    fn command(&mut self, now: Instant<Primary>, command: Command) -> Result<(), Refused> {
        self.now = self.now.max(now);
        self.local.carried_out();
        let done = self.obey(now, command);
        self.set_timers();
        done
    }

    fn handle(&mut self, now: Instant<Primary>, input: Input<'_>) {
        self.now = self.now.max(now);
        if !matches!(input, Input::StorageFailed) {
            self.local.carried_out();
        }
        let received = matches!(input, Input::Received { .. });
        match input {
            Input::Wake => {}
            Input::Connected { link, purpose, peer, binding, remote: _ } => {
                self.connected(now, link, purpose, pairing::Connection { binding, peer });
            }
            Input::Received { link, lane, age, bytes } => {
                self.received(Receipt::new(now, age), link, lane, bytes);
            }
            Input::Moved { link, remote: _ } => self.moved(now, link),
            Input::Disconnected { link, lost: _ } => self.disconnected(now, link),
            // The primary dials nobody.
            Input::DialFailed { .. } => {}
            Input::NetworkChanged => self.network_changed(now),
            Input::Slept { span } => self.slept(now, span),
            Input::StorageFailed => self.storage_failed(),
        }
        // What a message causes waits for the call that follows, which has a later
        // reading of the clock. [TRANSPORT-28]
        if !received {
            self.wake(self.now);
        }
        self.set_timers();
    }

    fn poll_output(&mut self) -> Output<Primary, Event> {
        self.outbox.pop(|| self.timers.next().map(|(due, timer)| (due, timer.name())))
    }
}
