//! The assistant's phone, for an app: scan once, then record until the end.
//!
//! After [`Secondary::scanned`] and the user's consent the device belongs to the
//! session. It finds its way back to the primary by itself; the app only starts
//! its camera when told, and tells what became durable. A start with the same
//! storage goes on with the same session.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use diptych_secondary::{Consent, Event, Fact, Failure, Options, Secondary, Told};
//!
//! # fn show(_: &str) {}
//! # fn user_agrees() -> bool { true }
//! # fn record(_: u32) -> Vec<Fact> { Vec::new() }
//! # fn example(options: Options, code: &str) -> Result<(), Failure> {
//! let assistant = Secondary::start(options)?;
//! assistant.scanned(code)?;
//! loop {
//!     match assistant.next_event(Duration::from_secs(1)) {
//!         Some(Told::Event(Event::ConsentNeeded { .. })) if user_agrees() => {
//!             assistant.consent(Consent::Given)?;
//!         }
//!         Some(Told::Event(Event::StartRecording { take })) => {
//!             for committed in record(take) {
//!                 assistant.tell(committed)?;
//!             }
//!         }
//!         Some(Told::Event(Event::Finished(_)) | Told::Ended) => break,
//!         Some(Told::Trouble(trouble)) => show(trouble.advice()),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

#[doc(inline)]
pub use diptych_driver::{
    diagnosis::Diagnosis,
    discovery::{Discovery as NativeDiscovery, Found, Unavailable},
    embed::{Discovery, Failure, Key, Storage},
    quic::{Sockets, Sources},
};
// A failed pairing is named apart from this crate's own `Failure`, which is a call's.
#[doc(inline)]
pub use diptych_protocol::{
    identity::{Label, PublicKey, Role, SignFailed, Signature, Signer},
    secondary::{Consent, Ending, Event, Failure as PairingFailure, Snapshot},
};

use diptych_driver::embed::{self, Embedded, Ground};
use diptych_protocol::address::Loopback;
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

    /// The whole state, for a screen that is drawn anew.
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
    /// [`Failure::Storage`] if the storage failed at any time.
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
