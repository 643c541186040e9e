//! The assistant's phone, for an app: scan once, then record until the end.
//!
//! After [`Secondary::scanned`] and the user's consent the device belongs to the
//! session. It finds its way back to the primary by itself; the app only starts
//! its camera when told, and tells what became durable. A start with the same
//! storage goes on with the same session.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use diptych_secondary::{Consent, Event, Failure, Options, Question, Secondary, Told};
//!
//! /// Belongs to a session, or goes on with it. `film` starts a camera on a thread of
//! /// its own that tells what is committed, and `cut` ends it. After an error: show its
//! /// advice, and start again.
//! fn assist(
//!     options: Options,
//!     code: &str,
//!     user_agrees: fn(Question) -> Consent,
//!     film: fn(Arc<Secondary>, u32),
//!     cut: fn(),
//!     show: fn(&str),
//! ) -> Result<(), Failure> {
//!     let assistant = Arc::new(Secondary::start(options)?);
//!     if assistant.snapshot()?.role.is_none() {
//!         assistant.scanned(code)?;
//!     }
//!     loop {
//!         match assistant.next_event(Duration::from_secs(1)) {
//!             Some(Told::Event(Event::ConsentNeeded(asked))) => {
//!                 assistant.consent(user_agrees(asked))?;
//!             }
//!             Some(Told::Event(Event::StartRecording { take })) => film(assistant.clone(), take),
//!             Some(Told::Event(Event::StopRecording)) => cut(),
//!             Some(Told::Trouble(trouble)) => show(trouble.advice()),
//!             Some(
//!                 Told::Event(
//!                     Event::Finished(_) | Event::PairingFailed(_) | Event::StorageFailed,
//!                 )
//!                 | Told::Ended,
//!             ) => break,
//!             _ => {}
//!         }
//!     }
//!     cut();
//!     assistant.stop()
//! }
//! ```

use std::time::Duration;

#[doc(inline)]
pub use diptych_driver::{
    clock::{BootClock, Clock},
    diagnosis::Diagnosis,
    discovery::{Discovery as NativeDiscovery, Found, Unavailable},
    disk::{Disk, Folder, Private},
    embed::{Discovery, Failure, Key, Storage},
    error::{KeyError, NetworkError, StorageError, StorageProblem},
    quic::{Sockets, Sources},
    socket::{Faults, Weather},
};
// A failed pairing is named apart from this crate's own `Failure`, which is a call's.
#[doc(inline)]
pub use diptych_protocol::{
    address::{AddressError, Loopback},
    clock::Estimate,
    device::{Device, Heat, Permissions, Requirements, Shortfall, Switch},
    fault::{Blame, CloseCode, Detail, Fault, Got},
    identity::{
        BootId, ExamTag, Fingerprint, IdentityError, Label, PublicKey, Role, SignFailed, Signature,
        Signer,
    },
    ledger::{Cause, Observed},
    liveness::LinkState,
    machine::{JournalName, Lost},
    plan::{Mode, Phase, Plan, Windows},
    recording::FragmentError,
    secondary::{Consent, Ending, Event, Failure as PairingFailure, Question, Snapshot},
    secret::SecretBytes,
    session::{Outcome, Refused, StartError},
    ticket::TicketError,
    time::Span,
    words::{Language, Text},
};

use diptych_driver::embed::{self, Embedded, Ground};
use diptych_protocol::clock;
use diptych_protocol::recording;
use diptych_protocol::secondary::{Command, SecondaryMachine, Setup};
use diptych_protocol::session::HostFact;
use diptych_protocol::ticket::Ticket;
use diptych_protocol::time;

/// An instant on the assistant's clock.
///
/// ```
/// assert_eq!(diptych_secondary::Instant::from_nanos(5).nanos(), 5);
/// ```
pub type Instant = time::Instant<time::Secondary>;

/// An instant on the primary's clock, with its bound.
///
/// ```
/// # use diptych_secondary::{PrimaryTime, Span};
/// fn within(there: &PrimaryTime) -> Span {
///     there.high - there.low
/// }
/// ```
pub type PrimaryTime = clock::Mapped<time::Primary>;

/// The clock of this device: what an own [`Clock`] is a clock of.
///
/// ```
/// # use diptych_secondary::{AssistantClock, Clock};
/// fn is_one(own: &dyn Clock<AssistantClock>) {}
/// ```
pub type AssistantClock = time::Secondary;

/// Frames that are durable on this device.
///
/// ```
/// # use diptych_secondary::{Fact, Fragment};
/// fn committed(fragment: Fragment, offset: u64) -> Fact {
///     Fact::Committed { fragment, offset }
/// }
/// ```
pub type Fragment = recording::Fragment<time::Secondary>;

/// Something that happened on this device.
///
/// ```
/// # use diptych_secondary::Fact;
/// let back = Fact::CameraBack;
/// ```
pub type Fact = HostFact<time::Secondary>;

/// What the app is told.
///
/// ```
/// # use diptych_secondary::Told;
/// fn is_over(told: &Told) -> bool {
///     matches!(told, Told::Ended)
/// }
/// ```
pub type Told = embed::Told<Event>;

/// What the assistant stands on: storage, clock, sockets, key. Everything but the
/// storage has a default.
///
/// ```
/// use diptych_secondary::{Discovery, Supply};
///
/// let supply = Supply { discovery: Discovery::Off, ..Supply::folder("session-1") };
/// ```
pub type Supply = embed::Supply<time::Secondary>;

/// Everything that an assistant is started with.
///
/// ```
/// use diptych_secondary::{Label, Options, Supply};
///
/// fn options(label: Label) -> Options {
///     Options { supply: Supply::folder("session-1"), label }
/// }
/// ```
#[derive(Debug)]
pub struct Options {
    /// Storage, clock, sockets, key. The same storage again goes on with the same
    /// session, after a crash too.
    pub supply: Supply,
    /// What this device is called on the primary's screen.
    pub label: Label,
}

/// An assistant, running. Dropping it stops it.
///
/// ```no_run
/// # use diptych_secondary::{Consent, Failure, Options, Secondary};
/// # fn example(options: Options, scanned: &str) -> Result<(), Failure> {
/// let assistant = Secondary::start(options)?;
/// assistant.scanned(scanned)?;
/// assistant.consent(Consent::Given)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Secondary {
    running: Embedded<SecondaryMachine>,
    loopback: Loopback,
}

impl Secondary {
    /// Starts in no session, or goes on with the one in the storage.
    ///
    /// # Errors
    /// [`Failure`] says what is in the way and what to do; nothing is left
    /// running then.
    ///
    /// ```no_run
    /// # fn example(options: diptych_secondary::Options) -> Result<(), diptych_secondary::Failure> {
    /// let assistant = diptych_secondary::Secondary::start(options)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(options: Options) -> Result<Self, Failure> {
        let Options { supply, label } = options;
        let loopback = supply.loopback;
        let running = Embedded::start(supply, |ground: Ground<time::Secondary>| {
            let setup = Setup {
                label,
                signer: ground.signer,
                boot: ground.boot,
                wall_ms: ground.wall_ms,
                last_exit: ground.last_exit,
                entropy: ground.entropy,
                past: ground.past,
            };
            Ok(SecondaryMachine::new(setup, ground.now)?)
        })?;
        Ok(Self { running, loopback })
    }

    /// Now, on this device's clock.
    ///
    /// ```no_run
    /// # use diptych_secondary::{Instant, Secondary};
    /// # fn example(assistant: &Secondary) -> Instant {
    /// assistant.now()
    /// # }
    /// ```
    #[must_use]
    pub fn now(&self) -> Instant {
        self.running.now()
    }

    /// Now, on the primary's clock as it runs there, with its bound: what the plan's
    /// windows are told by. `None` until messages have shown that clock.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// let plan = assistant.snapshot()?.plan;
    /// if let (Some(plan), Some(now)) = (plan, assistant.primary_now()?) {
    ///     println!("{} left", plan.windows().answer_end - now.at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn primary_now(&self) -> Result<Option<PrimaryTime>, Failure> {
        let now = self.now();
        self.running.look(move |machine| machine.primary_time(now))
    }

    /// Takes the text of a code that the camera, a picture or a person gave.
    /// [`Event::ConsentNeeded`] follows; nothing is sent before the user agrees.
    ///
    /// # Errors
    /// [`Failure::Ticket`] if it is not a code of this protocol;
    /// [`Failure::Refused`] if this device is in a session.
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary, scanned: &str) -> Result<(), Failure> {
    /// assistant.scanned(scanned)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn scanned(&self, text: &str) -> Result<(), Failure> {
        let ticket = Ticket::parse(text, self.loopback)?;
        self.running.ask(Command::Scanned(Box::new(ticket)))
    }

    /// The user's answer to [`Event::ConsentNeeded`].
    ///
    /// # Errors
    /// [`Failure::Refused`] if nothing was scanned.
    ///
    /// ```no_run
    /// # use diptych_secondary::{Consent, Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// assistant.consent(Consent::Given)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn consent(&self, consent: Consent) -> Result<(), Failure> {
        self.running.ask(Command::Consent(consent))
    }

    /// Tells what happened on this device: frames that are durable, a camera that
    /// was taken away.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it contradicts what was told before.
    ///
    /// ```no_run
    /// # use diptych_secondary::{Fact, Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// assistant.tell(Fact::CameraBack)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tell(&self, fact: Fact) -> Result<(), Failure> {
        self.running.tell(fact)
    }

    /// Leaves the session for good.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it is over already.
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// assistant.leave()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn leave(&self) -> Result<(), Failure> {
        self.running.ask(Command::Leave)
    }

    /// The next thing to tell the user, or `None` if nothing came for `patience`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # fn example(assistant: &diptych_secondary::Secondary) {
    /// while let Some(told) = assistant.next_event(Duration::from_millis(100)) {
    ///     println!("{told:?}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn next_event(&self, patience: Duration) -> Option<Told> {
        self.running.next(patience)
    }

    /// The whole state, for a screen that is drawn anew or fell behind: whatever an
    /// event leaves behind is in it.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// println!("{} frames", assistant.snapshot()?.frames);
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        let now = self.now();
        self.running.look(move |machine| machine.snapshot(now))
    }

    /// The system says that networks or addresses changed, or the app came back to
    /// the front: the primary is tried at once.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// assistant.network_changed()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn network_changed(&self) -> Result<(), Failure> {
        self.running.network_changed()
    }

    /// Stops this device without leaving the session: a start with the same
    /// storage goes on with it.
    ///
    /// # Errors
    /// [`Failure::Storage`] if the storage failed at any time; [`Failure::Stuck`].
    ///
    /// ```no_run
    /// # use diptych_secondary::{Failure, Secondary};
    /// # fn example(assistant: &Secondary) -> Result<(), Failure> {
    /// assistant.stop()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) -> Result<(), Failure> {
        self.running.stop()
    }
}
