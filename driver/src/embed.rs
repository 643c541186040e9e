//! A machine with a runtime of its own, for callers that know nothing of async.
//!
//! An app calls methods that block and owns no executor. Every call is carried to
//! the machine's own runtime and waited for on a plain channel, so that it also
//! works on a thread of somebody else's runtime, where blocking on a future would
//! panic. Both facades are thin covers of this file: what a primary and an
//! assistant have in common as *programs* is here, once.
//!
//! Rejected: async methods on the facades (they would name an executor, and each
//! platform has another), and callbacks (they run on a thread the app does not
//! expect, and may call back into what called them).

mod ending;
mod failure;
mod reach;
mod supply;
mod wall;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use diptych_protocol::identity::{BootId, Signer};
use diptych_protocol::ledger::Observed;
use diptych_protocol::machine::Machine;
use diptych_protocol::secret::{Entropy, SecretBytes};
use diptych_protocol::session::{HostFact, Past, Prepared, Refused, prepare};
use diptych_protocol::time::{Clock, Instant};
use tokio::sync::watch;

use crate::addresses::Surroundings;
use crate::clock;
use crate::diagnosis::Diagnosis;
use crate::discovery::{Mdns, Nowhere};
use crate::disk::{Disk, Private};
use crate::error::{AskError, KeyError, StorageError};
use crate::handle::Waited;
use crate::held::LOOK;
use crate::keys::Identity;
use crate::quic::{EndpointKeys, PortAfterChange, Quic, Settings};
use crate::{Events, Handle, Notice, World, start_thinning};
use ending::Ending;
pub use failure::Failure;
pub use reach::Reach;
pub use supply::{Discovery, Key, Storage, Supply};

/// How long a stop may take: the word to the peers, and a disk at its slowest. Longer
/// only if an app's own key, disk or socket holds it up.
const STOP_TIME: Duration = Duration::from_secs(10);

/// A role of the protocol, as this file can run one.
pub trait Role:
    Machine<Clock: Clock, Command: Send, Event: Send, Rejected = Refused> + Send + 'static
{
    /// At which port this role is found after a network change.
    const PORT: PortAfterChange;

    /// The command that hands in a fact of this device.
    fn fact(fact: HostFact<Self::Clock>) -> Self::Command;

    /// Whether nobody need read `older` once there is `newer`.
    fn supersedes(newer: &Self::Event, older: &Self::Event) -> bool;
}

impl Role for diptych_protocol::primary::PrimaryMachine {
    const PORT: PortAfterChange = PortAfterChange::Same;

    fn supersedes(newer: &Self::Event, older: &Self::Event) -> bool {
        use diptych_protocol::primary::Event;
        match (newer, older) {
            (Event::Clock { role, .. }, Event::Clock { role: of, .. })
            | (Event::Device { role, .. }, Event::Device { role: of, .. })
            | (Event::Ticket { role, .. }, Event::Ticket { role: of, .. }) => role == of,
            (newer, older) => matches!((newer, older), (Event::Tally(_), Event::Tally(_))),
        }
    }

    fn fact(fact: HostFact<Self::Clock>) -> Self::Command {
        Self::Command::Host(fact)
    }
}

impl Role for diptych_protocol::secondary::SecondaryMachine {
    const PORT: PortAfterChange = PortAfterChange::Any;

    fn supersedes(newer: &Self::Event, older: &Self::Event) -> bool {
        use diptych_protocol::secondary::Event;
        matches!(
            (newer, older),
            (Event::Clock(_), Event::Clock(_)) | (Event::Shortfalls(_), Event::Shortfalls(_))
        )
    }

    fn fact(fact: HostFact<Self::Clock>) -> Self::Command {
        Self::Command::Host(fact)
    }
}

/// What a machine is started with besides its own settings.
pub struct Ground<C: Clock> {
    /// Now, on this device's clock.
    pub now: Instant<C>,
    /// Signs the journal.
    pub signer: Box<dyn Signer>,
    /// This boot.
    pub boot: BootId,
    /// Unix time in milliseconds.
    pub wall_ms: i64,
    /// Why the last run ended.
    pub last_exit: Observed,
    /// Fresh randomness.
    pub entropy: Entropy,
    /// What the disk holds.
    pub past: Past,
    /// The port that this device listens on.
    pub port: u16,
    /// Where it can be reached, most promising first.
    pub candidates: Vec<SocketAddr>,
}

/// One thing that the app is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Told<E> {
    /// The session says so.
    Event(E),
    /// The device or its network has a problem that a person should know.
    Trouble(Diagnosis),
    /// So many events were dropped here because nobody asked for them in time: look
    /// at the snapshot. Everything that was told before came before them.
    Missed(u64),
    /// Nothing more will come: this device was stopped, or its driver died. What
    /// [`Embedded::stop`] returns then says which.
    Ended,
}

/// A machine that runs.
pub struct Embedded<M: Role> {
    handle: Handle<M>,
    events: Events<M::Event>,
    clock: Arc<dyn clock::Clock<M::Clock>>,
    port: watch::Receiver<u16>,
    /// Whether a stop was waited for in vain.
    stuck: AtomicBool,
    /// Last, so that it ends after everything else was let go of.
    runtime: Ending,
}

impl<M: Role> Embedded<M> {
    /// Opens storage, key and socket, makes the machine, and runs it.
    ///
    /// # Errors
    /// [`Failure`]; nothing is left running then.
    pub fn start(
        supply: Supply<M::Clock>,
        make: impl FnOnce(Ground<M::Clock>) -> Result<M, Failure>,
    ) -> Result<Self, Failure> {
        let clock = supply.clock.unwrap_or_else(|| Arc::new(clock::BootClock::new()));
        let mut disk = supply.storage.open()?;
        let identity = Arc::new(supply.key.identity(disk.as_mut())?);
        let keys = EndpointKeys::load_or_generate(disk.as_mut())?;
        let past = past(disk.as_mut())?;
        let runtime = Ending::begin()?;
        let inside = runtime.get()?.enter();
        let settings = Settings {
            sockets: supply.sockets,
            port: M::PORT,
            sources: supply.sources,
            discovery: match supply.discovery {
                Discovery::On => Box::new(Mdns::new()),
                Discovery::Off => Box::new(Nowhere),
                Discovery::FromApp(own) => own,
            },
            faults: supply.faults,
        };
        let link = Quic::open(identity.clone(), clock.clone(), &keys, settings)?;
        let port = link.ports();
        let ground = Ground {
            now: clock.now(),
            signer: Box::new(identity.signer()),
            boot: clock.boot(),
            wall_ms: clock::wall_clock_millis(),
            last_exit: supply.last_exit,
            entropy: entropy()?,
            past,
            port: link.port(),
            candidates: link.candidates(),
        };
        let machine = make(ground)?;
        let world = World { clock: clock.clone(), disk, link };
        let (handle, events) = start_thinning(machine, world, M::supersedes)?;
        drop(runtime.get()?.spawn(wall::watch(handle.clone(), clock.clone())));
        drop(inside);
        let stuck = AtomicBool::new(false);
        Ok(Self { handle, events, clock, port, stuck, runtime })
    }

    /// The port that this device listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        *self.port.borrow()
    }

    /// Now, on this device's clock.
    #[must_use]
    pub fn now(&self) -> Instant<M::Clock> {
        self.clock.now()
    }

    /// Where this device can be reached at this moment.
    #[must_use]
    pub fn candidates(&self) -> Vec<SocketAddr> {
        let addresses = Surroundings::look().candidates();
        addresses.into_iter().map(|address| SocketAddr::new(address, self.port())).collect()
    }

    /// Hands a command to the machine. It has been carried out when this returns: what
    /// it wants kept is in the storage, and if that failed, [`Told`] says so.
    ///
    /// # Errors
    /// [`Failure::Refused`] or [`Failure::Stopped`].
    pub fn ask(&self, command: M::Command) -> Result<(), Failure> {
        let handle = self.handle.clone();
        match self.wait(async move { handle.ask(command).await })? {
            Ok(()) => Ok(()),
            Err(AskError::Rejected(refused)) => Err(Failure::Refused { refused }),
            Err(AskError::Stopped(_)) => Err(Failure::Stopped),
        }
    }

    /// Tells the machine what happened on this device.
    ///
    /// # Errors
    /// As [`Embedded::ask`].
    pub fn tell(&self, fact: HostFact<M::Clock>) -> Result<(), Failure> {
        self.ask(M::fact(fact))
    }

    /// Looks at the machine.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    pub fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&M) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let handle = self.handle.clone();
        self.wait(async move { handle.inspect(look).await })?.map_err(|_| Failure::Stopped)
    }

    /// The next thing to tell the app, or `None` if nothing came for `patience`. Also
    /// that a key or storage of the app has held the session up for five seconds.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<Told<M::Event>> {
        let mut left = patience;
        loop {
            let step = left.min(LOOK);
            match self.events.wait(step) {
                Waited::Notice(Notice::Event(event)) => return Some(Told::Event(event)),
                Waited::Notice(Notice::Trouble(trouble)) => return Some(Told::Trouble(trouble)),
                Waited::Notice(Notice::Missed(times)) => return Some(Told::Missed(times)),
                Waited::Ended => return Some(Told::Ended),
                Waited::Nothing => left = left.saturating_sub(step),
            }
            if let Some(trouble) = self.handle.held().waited(step) {
                return Some(Told::Trouble(trouble));
            }
            if left.is_zero() {
                return None;
            }
        }
    }

    /// The system's networks changed, or the app came back to the front. When this
    /// returns, the new socket is open.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    pub fn network_changed(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        self.wait(async move {
            handle.network_changed().await?;
            // Asked in order, so it is answered afterwards.
            handle.inspect(|_| ()).await
        })?
        .map_err(|_| Failure::Stopped)
    }

    /// Says goodbye to the peers and ends. What was recorded is durable then.
    ///
    /// # Errors
    /// [`Failure::Storage`] if the storage failed at any time; [`Failure::Stuck`] if
    /// a key, disk or socket of the app did not return within ten seconds.
    pub fn stop(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        let stopped = self.begin(async move { handle.stop().await })?;
        match stopped.recv_timeout(STOP_TIME) {
            Ok(how) => Ok(how?),
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.store(true, Ordering::Relaxed);
                Err(Failure::Stuck)
            }
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Stopped),
        }
    }

    /// Runs a future on the machine's runtime and waits for it, wherever this is
    /// called.
    fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.begin(future)?.recv().map_err(|_| Failure::Stopped)
    }

    fn begin<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Receiver<T>, Failure> {
        let (done, waiting) = sync_channel(1);
        self.runtime.get()?.spawn(async move { _ = done.send(future.await) });
        Ok(waiting)
    }
}

impl<M: Role> Drop for Embedded<M> {
    /// As [`Embedded::stop`]; what did not end in time is not waited for again.
    fn drop(&mut self) {
        if !self.stuck.load(Ordering::Relaxed) {
            _ = self.stop();
        }
    }
}

impl<M: Role> std::fmt::Debug for Embedded<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("port", &self.port()).finish_non_exhaustive()
    }
}

/// What earlier runs left, on a disk that new records can be appended to.
fn past(disk: &mut dyn Disk) -> Result<Past, Failure> {
    let stored = disk.load(Private::State)?;
    let Prepared { past, cuts } = prepare(stored.as_ref(), disk.journals()?)?;
    for (name, keep) in cuts {
        disk.truncate(name, keep)?;
    }
    Ok(past)
}

fn entropy() -> Result<Entropy, Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| KeyError::Entropy)?;
    Ok(Entropy::new(seed))
}

impl Storage {
    fn open(self) -> Result<Box<dyn Disk>, StorageError> {
        Ok(match self {
            Self::Folder(path) => Box::new(crate::disk::Folder::open(path)?),
            Self::FromApp(disk) => disk,
        })
    }
}

impl Key {
    fn identity(self, disk: &mut dyn Disk) -> Result<Identity, Failure> {
        match self {
            Self::Kept => Ok(Identity::load_or_generate(disk)?),
            Self::FromApp(pkcs8) => Ok(Identity::from_pkcs8(SecretBytes::new(pkcs8).expose())?),
            Self::Signer(signer) => Ok(Identity::from_signer(signer)?),
        }
    }
}

#[cfg(test)]
mod tests;
