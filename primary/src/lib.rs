//! The examinee's phone, for an app: show the code, lead the session, record.
//!
//! A [`Primary`] runs on threads of its own. Its methods may be called from any
//! thread; each returns when it is done, and what it hands in is in the storage then,
//! or an event has said that the storage failed. What the app must know comes from
//! [`Primary::next_event`], in order; a screen that fell behind reads
//! [`Primary::snapshot`] instead. The app tells what its camera has made durable
//! with [`Primary::tell`]; nothing else counts as recording.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//!
//! use diptych_primary::{Event, Failure, Options, Phase, Primary, Told};
//!
//! /// Leads a session, or goes on with it. `film` starts a camera on a thread of its
//! /// own that tells what is committed, and `cut` ends it. After an error: show its
//! /// advice, and start again.
//! fn exam(options: Options, film: fn(Arc<Primary>, u32), cut: fn(), show: fn(&str))
//!     -> Result<(), Failure> {
//!     let primary = Arc::new(Primary::start(options)?);
//!     let prepare = || primary.prepare().unwrap_or_else(|failure| show(failure.advice()));
//!     prepare();
//!     loop {
//!         match primary.next_event(Duration::from_secs(1)) {
//!             Some(Told::Event(Event::Ticket { text, .. })) => show(&text),
//!             Some(Told::Event(Event::Paired { .. })) => prepare(),
//!             Some(Told::Event(Event::StartRecording { take })) => film(primary.clone(), take),
//!             Some(Told::Event(Event::StopRecording)) => cut(),
//!             // Refused after a restart, if it is over already.
//!             Some(Told::Event(Event::Phase(Phase::Ended))) => _ = primary.finish(),
//!             Some(Told::Trouble(trouble)) => show(trouble.advice()),
//!             Some(Told::Event(Event::Finished { .. } | Event::StorageFailed)
//!                 | Told::Ended) => break,
//!             _ => {}
//!         }
//!     }
//!     cut();
//!     primary.stop()
//! }
//! ```

mod facts;
mod now;
mod options;
pub mod render;

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
#[doc(inline)]
pub use diptych_protocol::{
    address::{AddressError, Loopback},
    clock::Estimate,
    device::{Device, Heat, Permissions, Requirements, Shortfall, Switch},
    fault::{Blame, CloseCode},
    identity::{
        BootId, ExamTag, Fingerprint, IdentityError, Label, PublicKey, Role, SessionId, SignFailed,
        Signature, Signer,
    },
    ledger::{Cause, Observed},
    liveness::LinkState,
    machine::JournalName,
    plan::{Mode, Phase, Plan, PlanError, Windows},
    policy::{
        Decision, Excuse, Override, Policy, PolicyError, SignedStatement, Statement,
        StatementError, Tally,
    },
    primary::{CheckCode, Compared, Event, SeatSnapshot, Snapshot, Stage},
    recording::FragmentError,
    secret::SecretBytes,
    session::{Outcome, Refused, StartError},
    ticket::TicketError,
    time::Span,
    timeline::{Basis, Placed},
    words::{Language, Text},
};

pub use facts::{Fact, Fragment, Instant, SessionClock, Told};
pub use options::{Options, Supply};

use diptych_driver::embed::{Embedded, Ground, Reach};
use diptych_protocol::primary::{Command, PrimaryMachine, Setup};
use diptych_protocol::time;

/// The primary of one session, running. Dropping it stops it.
///
/// ```no_run
/// # use diptych_primary::{Failure, Options, Primary};
/// # fn example(options: Options) -> Result<(), Failure> {
/// Primary::start(options)?.prepare()
/// # }
/// ```
#[derive(Debug)]
pub struct Primary {
    running: Embedded<PrimaryMachine>,
    reach: Reach,
}

impl Primary {
    /// Starts a session, or goes on with the one in the storage.
    ///
    /// # Errors
    /// [`Failure`] says what is in the way and what to do; nothing is left
    /// running then.
    ///
    /// ```no_run
    /// # fn example(options: diptych_primary::Options) -> Result<(), diptych_primary::Failure> {
    /// let primary = diptych_primary::Primary::start(options)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(options: Options) -> Result<Self, Failure> {
        let Options { supply, plan, policy, proctors, exam, label, check_code, advertise } =
            options;
        let reach = Reach::new(advertise, &supply);
        let running = Embedded::start(supply, |ground: Ground<time::Primary>| {
            let setup = Setup {
                plan,
                policy,
                proctors,
                exam,
                label,
                addresses: reach.addresses(ground.port, &ground.candidates)?,
                check_code,
                signer: ground.signer,
                boot: ground.boot,
                wall_ms: ground.wall_ms,
                last_exit: ground.last_exit,
                entropy: ground.entropy,
                past: ground.past,
            };
            Ok(PrimaryMachine::new(setup, ground.now)?)
        })?;
        Ok(Self { running, reach })
    }

    /// The port that this device listens on.
    ///
    /// ```no_run
    /// # fn example(primary: &diptych_primary::Primary) {
    /// println!("waiting at port {}", primary.port());
    /// # }
    /// ```
    #[must_use]
    pub fn port(&self) -> u16 {
        self.running.port()
    }

    /// Takes the next step of the preparation: shows codes for the first seat that no
    /// device has, or starts all cameras if every seat is taken and no digits are left to
    /// compare, and nothing if they were started. To be called first, and after each
    /// [`Event::Paired`] and each comparison.
    ///
    /// # Errors
    /// Those of [`Primary::open_pairing`].
    ///
    /// ```no_run
    /// # fn example(primary: &diptych_primary::Primary) -> Result<(), diptych_primary::Failure> {
    /// primary.prepare()
    /// # }
    /// ```
    pub fn prepare(&self) -> Result<(), Failure> {
        self.running.ask(Command::Prepare)
    }

    /// Shows codes for a seat: [`Event::Ticket`] brings each. On a taken seat, for
    /// the device that is to replace the one in it.
    ///
    /// # Errors
    /// [`Failure::Refused`] if the plan has no such seat, or if there is no network:
    /// call [`Primary::network_changed`] once there is one, then ask again.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary, Role};
    /// # fn example(primary: &Primary, seat: Role) -> Result<(), Failure> {
    /// primary.open_pairing(seat)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_pairing(&self, role: Role) -> Result<(), Failure> {
        self.running.ask(Command::OpenPairing { role })
    }

    /// Shows no more codes for a seat.
    ///
    /// # Errors
    /// [`Failure::Refused`] if the plan has no such seat.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary, Role};
    /// # fn example(primary: &Primary, seat: Role) -> Result<(), Failure> {
    /// primary.close_pairing(seat)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn close_pairing(&self, role: Role) -> Result<(), Failure> {
        self.running.ask(Command::ClosePairing { role })
    }

    /// The user compared the six digits on both screens. Different ones put the
    /// device out.
    ///
    /// # Errors
    /// [`Failure::Refused`] if no digits are shown for that seat.
    ///
    /// ```no_run
    /// # use diptych_primary::{Compared, Failure, Primary, Role};
    /// # fn example(primary: &Primary, seat: Role) -> Result<(), Failure> {
    /// primary.check_code(seat, Compared::Same)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_code(&self, role: Role, compared: Compared) -> Result<(), Failure> {
        self.running.ask(Command::CheckCode { role, compared })
    }

    /// Starts all cameras. Each is proven by its first committed frames:
    /// [`Event::AllRecording`].
    ///
    /// # Errors
    /// [`Failure::Refused`] while a seat is empty, or if cameras were started.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// primary.begin()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin(&self) -> Result<(), Failure> {
        self.running.ask(Command::Begin)
    }

    /// Tells what happened on this device: frames that are durable, a camera that
    /// was taken away, a screen that was left.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it contradicts what was told before.
    ///
    /// ```no_run
    /// # use diptych_primary::{Fact, Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// primary.tell(Fact::ScreenBack)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tell(&self, fact: Fact) -> Result<(), Failure> {
        self.running.tell(fact)
    }

    /// Puts a device out of the session for good.
    ///
    /// # Errors
    /// [`Failure::Refused`] if nobody is in that seat.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary, Role};
    /// # fn example(primary: &Primary, seat: Role) -> Result<(), Failure> {
    /// primary.remove(seat)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(&self, role: Role) -> Result<(), Failure> {
        self.running.ask(Command::Remove { role })
    }

    /// Which session this is: what a proctor's statement has to name.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// println!("session {}", primary.session()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn session(&self) -> Result<SessionId, Failure> {
        self.running.look(PrimaryMachine::session)
    }

    /// Hands in what a proctor or server signed: an excuse, a pause, its end, or a
    /// decision, all dated in [session time](Primary::session_now). It is journalled
    /// and counts at once; the report tells both verdicts.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it is not a statement of one of
    /// [`Options::proctors`] about this session.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary, SignedStatement, Signer, Statement};
    /// # fn example(primary: &Primary, proctor: &mut dyn Signer) -> Result<(), Failure> {
    /// let Some(now) = primary.session_now()? else { return Ok(()) };
    /// let pause = Statement::Pause(now.at);
    /// if let Ok(signed) = SignedStatement::sign(primary.session()?, pause, proctor) {
    ///     primary.hand_in(&signed.to_bytes())?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn hand_in(&self, statement: &[u8]) -> Result<(), Failure> {
        self.running.ask(Command::Statement(statement.to_vec()))
    }

    /// Ends the session on all devices. [`Event::Finished`] comes when their
    /// journals are here, or have been waited for long enough.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it is over already.
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// primary.finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish(&self) -> Result<(), Failure> {
        self.running.ask(Command::Finish)
    }

    /// The next thing to tell the user, or `None` if nothing came for `patience`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # fn example(primary: &diptych_primary::Primary) {
    /// while let Some(told) = primary.next_event(Duration::from_millis(100)) {
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
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// println!("{} interruptions", primary.snapshot()?.tally.confirmed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        let now = self.now();
        self.running.look(move |machine| machine.snapshot(now))
    }

    /// The system says that networks or addresses changed, or the app came back to
    /// the front: the codes get the new addresses and every link is tried. Without
    /// any network the codes stay as they are.
    ///
    /// # Errors
    /// [`Failure::Addresses`] if this device has addresses, and none that another
    /// one can dial; [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// primary.network_changed()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn network_changed(&self) -> Result<(), Failure> {
        self.reach.renew(&self.running)
    }

    /// Stops this device without ending the session: a start with the same storage
    /// goes on with it.
    ///
    /// # Errors
    /// [`Failure::Storage`] if the storage failed at any time; [`Failure::Stuck`].
    ///
    /// ```no_run
    /// # use diptych_primary::{Failure, Primary};
    /// # fn example(primary: &Primary) -> Result<(), Failure> {
    /// primary.stop()
    /// # }
    /// ```
    pub fn stop(&self) -> Result<(), Failure> {
        self.running.stop()
    }
}
