//! What an app may bring along instead of the defaults.

use std::path::PathBuf;
use std::sync::Arc;

use diptych_protocol::address::Loopback;
use diptych_protocol::ledger::Observed;
use diptych_protocol::time;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::quic::{Sockets, Sources};
use crate::socket::Faults;

/// What surrounds a role. Everything but the storage has a default that suits a
/// desktop; a phone brings its own.
pub struct Supply<C: time::Clock> {
    /// Where journals and private state are kept. The same storage again is the
    /// same session again.
    pub storage: Storage,
    /// The device's clock; `None` for the system's, which counts sleep.
    pub clock: Option<Arc<dyn Clock<C>>>,
    /// Where UDP sockets come from.
    pub sockets: Sockets,
    /// From where peers may come.
    pub sources: Sources,
    /// Whether a peer may be on this very machine.
    pub loopback: Loopback,
    /// The session's key.
    pub key: Key,
    /// Local discovery.
    pub discovery: Discovery,
    /// Why the last run of the app ended, as far as the system says.
    pub last_exit: Observed,
    /// Faults of the network, for rehearsals and tests.
    pub faults: Option<Faults>,
}

/// Where journals and private state are kept.
pub enum Storage {
    /// A folder of the file system, made if it is not there.
    Folder(PathBuf),
    /// The app's own.
    FromApp(Box<dyn Disk>),
}

/// The key of this device in this session.
pub enum Key {
    /// Made at the first start, and kept in the storage.
    Kept,
    /// A P-256 private key in PKCS#8, from the app's own key store.
    FromApp(Zeroizing<Vec<u8>>),
}

/// Whether devices that lost each other look for each other in the local network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discovery {
    /// By multicast DNS, while it is needed.
    On,
    /// Only the addresses of the code and of the session are used.
    Off,
}

impl<C: time::Clock> Supply<C> {
    /// The defaults, with everything kept in `folder`.
    #[must_use]
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            storage: Storage::Folder(folder.into()),
            clock: None,
            sockets: Sockets::Port(0),
            sources: Sources::Neighbours,
            loopback: Loopback::Refused,
            key: Key::Kept,
            discovery: Discovery::On,
            last_exit: Observed::NOTHING,
            faults: None,
        }
    }
}

impl<C: time::Clock> std::fmt::Debug for Supply<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supply").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}
