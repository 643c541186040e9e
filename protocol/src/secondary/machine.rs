//! The assistant's state, and where each input goes.
//!
//! How far the device has come is one enumeration, and each stage holds what exists in it
//! and no more: the key that signs moves along, so there is no session without it and no
//! second one beside it. Rejected: a struct of options (a journal without a seat, a link
//! without a proof could be written down), and types of their own for each stage (the
//! host holds one machine from the start of the app to its end).

use super::{Command, Ending, Event, Failure};
use crate::device::Device;
use crate::identity::{BootId, Label, PublicKey, Signer};
use crate::ledger::Observed;
use crate::machine::{Input, LinkId, Machine, Output, Purpose};
use crate::pairing::{self, ExpectAccept, ExpectResumed, Scanned, SendHello};
use crate::plan::{Phase, Plan};
use crate::policy::Policy;
use crate::secret::Entropy;
use crate::session::{Camera, Local, Outbox, Peer, Receipt, Refused, State};
use crate::time::{Instant, Secondary, Span};
use crate::timers::{Timer, Timers};
use crate::wire::FrameReader;

/// The assistant's whole protocol. See [`Machine`] for the law.
pub struct SecondaryMachine {
    /// The latest time handed in; timers never run back.
    pub(super) now: Instant<Secondary>,
    pub(super) label: Label,
    pub(super) key: PublicKey,
    pub(super) boot: BootId,
    pub(super) wall_ms: i64,
    pub(super) last_exit: Observed,
    pub(super) entropy: Entropy,
    pub(super) outbox: Outbox<Secondary, Event>,
    pub(super) timers: Timers<Secondary>,
    pub(super) device: Option<Device>,
    pub(super) link: Option<Link>,
    /// The silent connection that `link` takes the place of, until it has.
    pub(super) former: Option<LinkId>,
    /// Whether the driver is dialling now.
    pub(super) dialling: Dialling,
    pub(super) course: Course,
    /// Why the last pairing came to nothing, until the next code is scanned.
    pub(super) failure: Option<Failure>,
    /// How the session ended.
    pub(super) ending: Option<Ending>,
    /// Whether storage failed in a session or at its door.
    pub(super) storage_failed: bool,
}

/// How far this device has come.
pub(super) enum Course {
    /// In no session; the key signs the first one.
    Idle { signer: Box<dyn Signer> },
    /// A code was scanned; the user is asked.
    Asking { signer: Box<dyn Signer>, scanned: Box<Scanned> },
    /// The user consented; the primary is being reached and proven to.
    Joining { signer: Box<dyn Signer>, hello: Box<SendHello> },
    /// ACCEPT was verified and CONFIRM sent; the primary has not shown yet that it
    /// came.
    Confirming { signer: Box<dyn Signer>, seat: Box<Unconfirmed> },
    /// Paired, as the primary knows too.
    InSession(Box<Session>),
    /// The session is over, or this device never was in one.
    Over,
}

/// A seat that the primary may not know to be taken. `[PAIRING-28]`
pub(super) struct Unconfirmed {
    pub(super) state: State,
    pub(super) check_code: Option<u32>,
    /// How long to wait before the next attempt to reach the primary.
    pub(super) patience: Span,
}

/// The session that this device is in.
pub(super) struct Session {
    pub(super) state: State,
    pub(super) local: Local<Secondary>,
    pub(super) camera: Camera<Secondary>,
    pub(super) peer: Peer<Secondary>,
    pub(super) policy: Option<Policy>,
    pub(super) plan: Option<Plan>,
    pub(super) phase: Option<Phase>,
    pub(super) check_code: Option<u32>,
    /// How far the own clock is ahead of the one that the plan is on, roughly: by the last
    /// message that came, for what has to be told where no epoch's clocks are known.
    pub(super) ahead: Option<Span>,
    /// The take that the camera is to record.
    pub(super) recording: Option<u32>,
    pub(super) closing: Closing,
    /// When the last heartbeat or pulse was sent.
    pub(super) beaten: Option<Instant<Secondary>>,
    /// How long to wait before the next attempt to reach the primary.
    pub(super) patience: Span,
}

/// How far the end of the session has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Closing {
    /// Not begun.
    No,
    /// The camera is being stopped.
    Stopping,
    /// The journal has its last record; the primary does not have it all yet.
    HandingOver,
    /// The primary has it all and is about to say goodbye.
    Parting,
}

/// The connection to the primary.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) since: Instant<Secondary>,
    pub(super) reader: FrameReader,
    pub(super) stage: Stage,
}

/// What the connection is waiting for.
pub(super) enum Stage {
    /// ACCEPT.
    Proving(Box<ExpectAccept>),
    /// PLAN, after CONFIRM.
    Confirming,
    /// RESUMED.
    Resuming(Box<ExpectResumed>),
    /// Anything a primary may say.
    Seated,
}

/// Whether the driver is dialling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialling {
    No,
    Now(Purpose),
}

impl SecondaryMachine {
    fn wake(&mut self, now: Instant<Secondary>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Answer => self.answer(now),
                Timer::Heartbeat => self.beat(now),
                Timer::Chores => self.chores(now),
                Timer::Recorder => self.watch_camera(now),
                Timer::Phase => self.watch_phase(now),
                Timer::Silence(_) => self.silence(now),
                Timer::Redial => self.redial(now),
                Timer::Introduction => self.give_up_joining(),
                Timer::Closing => self.end(Ending::Finished),
                // The primary's timers.
                Timer::Offer | Timer::Probe(_) | Timer::Order(_) => {}
            }
            // The rest is done when it has left. [TRANSPORT-28]
            if self.outbox.is_stamped() {
                break;
            }
        }
    }

    fn carried_out(&mut self) {
        if let Course::InSession(session) = &mut self.course {
            session.local.carried_out();
        }
    }

    /// Sets every timer that follows from the state.
    fn set_timers(&mut self) {
        if let Course::InSession(session) = &self.course {
            let silence = Timer::Silence(crate::identity::Role::PRIMARY);
            self.timers.set(Timer::Recorder, session.camera.deadline());
            self.timers.set(silence, session.peer.silence_deadline());
        }
        self.watch_link();
        if matches!(self.course, Course::Over) {
            self.timers = Timers::default();
        }
    }
}

impl Machine for SecondaryMachine {
    type Clock = Secondary;
    type Command = Command;
    type Event = Event;
    type Rejected = Refused;

    fn command(&mut self, now: Instant<Secondary>, command: Command) -> Result<(), Refused> {
        self.now = self.now.max(now);
        self.carried_out();
        let done = self.obey(now, command);
        self.set_timers();
        done
    }

    fn handle(&mut self, now: Instant<Secondary>, input: Input<'_>) {
        self.now = self.now.max(now);
        if !matches!(input, Input::StorageFailed) {
            self.carried_out();
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
            // Only the primary sees an assistant's packets come from elsewhere.
            Input::Moved { .. } => {}
            Input::Disconnected { link, lost } => self.disconnected(now, link, lost),
            Input::DialFailed { lost } => self.dial_failed(now, lost),
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

    fn poll_output(&mut self) -> Output<Secondary, Event> {
        self.outbox.pop(|| self.timers.next().map(|(due, timer)| (due, timer.name())))
    }
}
