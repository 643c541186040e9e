//! What an app may bring along instead of the defaults.

use std::path::PathBuf;
use std::sync::Arc;

use diptych_protocol::address::Loopback;
use diptych_protocol::identity::Signer;
use diptych_protocol::ledger::Observed;
use diptych_protocol::time;

use crate::clock::Clock;
use crate::discovery;
use crate::disk::Disk;
use crate::quic::{Sockets, Sources};
use crate::socket::Faults;

/// What surrounds a role. Everything but the storage has a default that suits a
/// desktop; a phone brings its own.
///
/// ```
/// use diptych_driver::embed::{Discovery, Supply};
/// use diptych_protocol::time::Primary;
///
/// let quiet: Supply<Primary> =
///     Supply { discovery: Discovery::Off, ..Supply::folder("session-1") };
/// ```
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
///
/// ```
/// # use diptych_driver::embed::Storage;
/// let storage = Storage::Folder("sessions/drawing".into());
/// ```
pub enum Storage {
    /// A folder of the file system, made if it is not there.
    Folder(PathBuf),
    /// The app's own.
    FromApp(Box<dyn Disk>),
}

/// The key of this device in this session.
///
/// ```
/// use diptych_driver::embed::Key;
/// use diptych_protocol::identity::{PublicKey, SignFailed, Signature, Signer};
///
/// /// The platform's key store: it signs, and never shows the key.
/// trait KeyStore: Send {
///     fn point(&self) -> PublicKey;
///     /// ECDSA with SHA-256, in DER; `None` while the device is locked.
///     fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;
/// }
///
/// struct Hardware(Box<dyn KeyStore>);
///
/// impl Signer for Hardware {
///     fn public_key(&self) -> PublicKey {
///         self.0.point()
///     }
///
///     fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
///         Signature::from_der(&self.0.sign(message).ok_or(SignFailed)?)
///     }
/// }
///
/// fn key(store: Box<dyn KeyStore>) -> Key {
///     Key::Signer(Box::new(Hardware(store)))
/// }
/// ```
pub enum Key {
    /// Made at the first start, and kept in the storage.
    Kept,
    /// A P-256 private key in PKCS#8, from the app's own key store.
    FromApp(Vec<u8>),
    /// A key that never leaves its hardware. It signs the certificate, every TLS
    /// handshake and the journal; while it refuses, the app is told
    /// [`Diagnosis::KeyLocked`](crate::diagnosis::Diagnosis::KeyLocked), once until it
    /// signs again.
    ///
    /// Called by the start on the caller's thread, afterwards on threads of the
    /// driver, one call at a time. The session waits meanwhile: answer within a tenth
    /// of a second, and refuse rather than wait for the user; of one that does not answer
    /// the app is told [`Diagnosis::KeyStuck`](crate::diagnosis::Diagnosis::KeyStuck).
    /// Never call the facade from there.
    Signer(Box<dyn Signer>),
}

/// Whether devices that lost each other look for each other in the local network.
///
/// ```
/// # use diptych_driver::embed::Discovery;
/// # use diptych_driver::discovery::Discovery as NativeDiscovery;
/// fn discovery(platform: Option<Box<dyn NativeDiscovery>>) -> Discovery {
///     platform.map_or(Discovery::On, Discovery::FromApp)
/// }
/// ```
pub enum Discovery {
    /// By multicast DNS, while it is needed.
    On,
    /// Only the addresses of the code and of the session are used.
    Off,
    /// By the platform's own discovery.
    FromApp(Box<dyn discovery::Discovery>),
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
