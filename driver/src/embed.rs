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

mod failure;
mod reach;
mod supply;
mod wall;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use diptych_protocol::identity::{BootId, Signer};
use diptych_protocol::journal::{HeaderError, JournalError, replay};
use diptych_protocol::ledger::Observed;
use diptych_protocol::machine::Machine;
use diptych_protocol::secret::Entropy;
use diptych_protocol::session::{HostFact, Past, Refused, StartError};
use diptych_protocol::time::{Clock, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::addresses::Surroundings;
use crate::clock;
use crate::diagnosis::Diagnosis;
use crate::discovery::{Mdns, Nowhere};
use crate::disk::{Disk, Private};
use crate::error::{AskError, KeyError, StorageError};
use crate::keys::Identity;
use crate::quic::{EndpointKeys, Quic, Settings};
use crate::{Events, Handle, Notice, World, start};
pub use failure::Failure;
pub use reach::Reach;
pub use supply::{Discovery, Key, Storage, Supply};

/// How long the end of what still runs is waited for: its tasks end where they next
/// wait, which is at once unless an app's own code holds one up.
const END_TIME: Duration = Duration::from_secs(1);

/// A role of the protocol, as this file can run one.
pub trait Role:
    Machine<Clock: Clock, Command: Send, Event: Send, Rejected = Refused> + Send + 'static
{
    /// The command that hands in a fact of this device.
    fn fact(fact: HostFact<Self::Clock>) -> Self::Command;
}

impl Role for diptych_protocol::primary::PrimaryMachine {
    fn fact(fact: HostFact<Self::Clock>) -> Self::Command {
        Self::Command::Host(fact)
    }
}

impl Role for diptych_protocol::secondary::SecondaryMachine {
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
    /// So many events were dropped because nobody asked for them in time: look at
    /// the snapshot.
    Missed(u64),
    /// The session has ended on this device, and nothing more will come.
    Ended,
}

/// A machine that runs.
pub struct Embedded<M: Role> {
    runtime: Option<Runtime>,
    handle: Handle<M>,
    events: Arc<Mutex<Events<M::Event>>>,
    clock: Arc<dyn clock::Clock<M::Clock>>,
    port: u16,
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
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("diptych")
            .enable_all()
            .build()
            .map_err(|_| Failure::NoThread)?;
        let inside = runtime.enter();
        let settings = Settings {
            sockets: supply.sockets,
            sources: supply.sources,
            discovery: match supply.discovery {
                Discovery::On => Box::new(Mdns::new()),
                Discovery::Off => Box::new(Nowhere),
                Discovery::FromApp(own) => own,
            },
            faults: supply.faults,
        };
        let link = Quic::open(identity.clone(), clock.clone(), &keys, settings)?;
        let port = link.port();
        let ground = Ground {
            now: clock.now(),
            signer: Box::new(identity.signer()),
            boot: clock::boot_id(),
            wall_ms: clock::wall_clock_millis(),
            last_exit: supply.last_exit,
            entropy: entropy()?,
            past,
            port,
            candidates: link.candidates(),
        };
        let machine = make(ground)?;
        let world = World { clock: clock.clone(), disk, link };
        let (handle, events) = start(machine, world)?;
        drop(runtime.spawn(wall::watch(handle.clone(), clock.clone())));
        drop(inside);
        let events = Arc::new(Mutex::new(events));
        Ok(Self { runtime: Some(runtime), handle, events, clock, port })
    }

    /// The port that this device listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
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
        addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect()
    }

    /// Hands a command to the machine.
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

    /// The next thing to tell the app, or `None` if nothing came for `patience`.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<Told<M::Event>> {
        let events = self.events.clone();
        let waiting = async move {
            let mut events = events.lock().await;
            let missed = events.missed();
            if missed > 0 {
                return Told::Missed(missed);
            }
            match events.next().await {
                Some(Notice::Event(event)) => Told::Event(event),
                Some(Notice::Trouble(trouble)) => Told::Trouble(trouble),
                None => Told::Ended,
            }
        };
        self.wait(async move { tokio::time::timeout(patience, waiting).await.ok() })
            .unwrap_or(Some(Told::Ended))
    }

    /// The system's networks changed, or the app came back to the front.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    pub fn network_changed(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        self.wait(async move { handle.network_changed().await })?.map_err(|_| Failure::Stopped)
    }

    /// Says goodbye to the peers and ends. What was recorded is durable then.
    ///
    /// # Errors
    /// [`Failure::Storage`] if the storage failed at any time.
    pub fn stop(&self) -> Result<(), Failure> {
        let handle = self.handle.clone();
        Ok(self.wait(async move { handle.stop().await })??)
    }

    /// Runs a future on the machine's runtime and waits for it, wherever this is
    /// called.
    fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Failure> {
        let runtime = self.runtime.as_ref().ok_or(Failure::Stopped)?;
        let (done, waiting) = sync_channel(1);
        runtime.spawn(async move { _ = done.send(future.await) });
        waiting.recv().map_err(|_| Failure::Stopped)
    }
}

impl<M: Role> Drop for Embedded<M> {
    /// As [`Embedded::stop`].
    fn drop(&mut self) {
        _ = self.stop();
        if let Some(runtime) = self.runtime.take() {
            end(runtime);
        }
    }
}

/// Ends what still runs and waits until it has, so that the socket is closed and its
/// port free. On a thread of its own: a runtime that ends inside another one panics.
fn end(runtime: Runtime) {
    let (hand, taken) = sync_channel::<Runtime>(1);
    let ender = std::thread::Builder::new().name("diptych-end".to_owned()).spawn(move || {
        if let Ok(runtime) = taken.recv() {
            runtime.shutdown_timeout(END_TIME);
        }
    });
    match ender {
        Ok(ender) => {
            _ = hand.send(runtime);
            _ = ender.join();
        }
        Err(_) => runtime.shutdown_background(),
    }
}

impl<M: Role> std::fmt::Debug for Embedded<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("port", &self.port).finish_non_exhaustive()
    }
}

/// What earlier runs left, with the torn end of each journal cut off, so that the
/// next record follows a whole one. A file whose header is torn was never a journal:
/// nothing was told that rests on it.
fn past(disk: &mut dyn Disk) -> Result<Past, Failure> {
    let mut past = Past { state: disk.load(Private::State)?, journals: BTreeMap::new() };
    for (name, mut bytes) in disk.journals()? {
        let problem = |error| Failure::Damaged { problem: StartError::Journal { name, error } };
        let whole = match replay(&bytes) {
            // Its header was never durable.
            Err(JournalError::Header(HeaderError::Cut { .. })) => 0,
            Err(error) => return Err(problem(error)),
            Ok(replayed) if past.state.as_ref().is_none_or(Vec::is_empty) => {
                match replayed.signed_heads() {
                    [] => 0,
                    // [SESSION-37]
                    [..] => return Err(Failure::Damaged { problem: StartError::Foreign }),
                }
            }
            Ok(replayed) => (bytes.len() as u64).saturating_sub(replayed.torn()),
        };
        disk.truncate(name, whole)?;
        bytes.truncate(usize::try_from(whole).unwrap_or(usize::MAX));
        if whole > 0 {
            past.journals.insert(name, bytes);
        }
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
            Self::FromApp(pkcs8) => Ok(Identity::from_pkcs8(&Zeroizing::new(pkcs8))?),
            Self::Signer(signer) => Ok(Identity::from_signer(signer)?),
        }
    }
}

#[cfg(test)]
mod tests;
