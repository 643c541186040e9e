//! What QUIC is told, and why each number differs from the library's default.
//!
//! Rejected: the library's own settings with exceptions made where they are needed
//! (nobody could read in one place what a peer can make this device hold).

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use diptych_protocol::identity::Fingerprint;
use diptych_protocol::limits;
use diptych_protocol::machine::{Admission, Purpose};
use diptych_protocol::secret::{Secret, SecretBytes};
use diptych_protocol::time::Span;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionId, ConnectionIdGenerator, TransportConfig, VarInt};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::net::{AddressFamily, SocketType, socket, sockopt};

use super::listen::Sources;
use crate::addresses::WILDCARDS;
use crate::diagnosis::Diagnosis;
use crate::discovery::{Discovery, Nowhere};
use crate::disk::{Disk, Private};
use crate::error::{KeyError, NetworkError, StorageError, StorageProblem};
use crate::keys::Identity;
use crate::socket::Faults;
use crate::tls;

/// How long closing waits for the peers to be told.
pub(super) const FAREWELL: Duration = Duration::from_millis(500);

/// How long a client may take to answer a Retry.
const RETRY_ANSWER: Duration = Duration::from_secs(15);

/// What an app decides about the network.
pub struct Settings {
    /// Where sockets come from.
    pub sockets: Sockets,
    /// At which port a socket is opened again.
    pub port: PortAfterChange,
    /// From where peers may come.
    pub sources: Sources,
    /// Local discovery.
    pub discovery: Box<dyn Discovery>,
    /// Faults of the network, for rehearsals and tests.
    pub faults: Option<Faults>,
}

impl Default for Settings {
    /// Any free port, at the start and after each change, neighbours only, no
    /// discovery, no faults.
    fn default() -> Self {
        Self {
            sockets: Sockets::Port(0),
            port: PortAfterChange::Any,
            sources: Sources::Neighbours,
            discovery: Box::new(Nowhere),
            faults: None,
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

/// At which port a socket is opened after a network change. `[TRANSPORT-24]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortAfterChange {
    /// At the one before, whoever is let in: peers and codes know it. For a primary.
    Same,
    /// At the one of [`Sockets`], or any: nobody calls an assistant.
    Any,
}

/// Where UDP sockets come from: at the start, and after each network change.
///
/// ```
/// # use diptych_driver::quic::Sockets;
/// let any_free_port = Sockets::Port(0);
///
/// # fn wifi_socket(port: u16) -> std::io::Result<std::net::UdpSocket> {
/// #     std::net::UdpSocket::bind(("0.0.0.0", port))
/// # }
/// // The platform's: tied to the Wi-Fi, SO_REUSEADDR set, and only then bound.
/// let in_the_wifi = Sockets::FromApp(Box::new(|keep| wifi_socket(keep.unwrap_or(0))));
/// ```
pub enum Sockets {
    /// All addresses of this device, at this port; 0 for any free one.
    Port(u16),
    /// One address.
    Address(SocketAddr),
    /// The app binds them, for example to the Wi-Fi and not to mobile data. It is
    /// given the port that must be kept, if one must: always on a primary, never on
    /// an assistant.
    ///
    /// The socket before still holds that port until packets come at the new one. So
    /// the app sets `SO_REUSEADDR` on the new one before it binds; the old one permits
    /// it by then, and when the call has returned the new one permits it to nobody.
    ///
    /// Called by [`start`](crate::embed::Embedded::start) on the caller's thread, and
    /// after each network change on a thread of the driver. Nothing else of the
    /// session goes on meanwhile, so it must not block, wait for the main thread, or
    /// call the facade.
    FromApp(Box<dyn FnMut(Option<u16>) -> std::io::Result<UdpSocket> + Send>),
}

impl Sockets {
    /// Opens one, at the port to `keep` if there is one. `old` is our own socket of
    /// before: whoever gave the port, it is the one that still holds it.
    pub(super) fn open(
        &mut self,
        keep: Option<u16>,
        old: Option<&UdpSocket>,
    ) -> Result<UdpSocket, NetworkError> {
        let held = |port: u16| {
            old.filter(|old| port != 0 && old.local_addr().is_ok_and(|at| at.port() == port))
        };
        match self {
            Self::Port(port) => {
                let port = keep.unwrap_or(*port);
                let old = held(port);
                let [both, v4] = WILDCARDS.map(|ip| SocketAddr::new(ip, port));
                // Without IPv6 there is IPv4; a port that is taken stays taken.
                bind(both, old).or_else(|error| {
                    if error.kind() == std::io::ErrorKind::AddrInUse {
                        return Err(refused(both, &error));
                    }
                    bind(v4, old).map_err(|e| refused(v4, &e))
                })
            }
            Self::Address(address) => {
                let address = SocketAddr::new(address.ip(), keep.unwrap_or(address.port()));
                bind(address, held(address.port())).map_err(|e| refused(address, &e))
            }
            Self::FromApp(open) => {
                let opened = shared(old, || open(keep));
                let socket = opened.map_err(|e| NetworkError::Socket { kind: e.kind() })?;
                _ = sockopt::set_socket_reuseaddr(&socket, false);
                Ok(socket)
            }
        }
    }
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port(port) => write!(f, "Port({port})"),
            Self::Address(address) => write!(f, "Address({address})"),
            Self::FromApp(_) => f.write_str("FromApp"),
        }
    }
}

fn refused(address: SocketAddr, error: &std::io::Error) -> NetworkError {
    NetworkError::Bind { address, kind: error.kind(), diagnosis: Diagnosis::of_socket(error) }
}

/// Lets another socket have the port of `old` while `open` runs. What is opened then
/// permits nothing itself, so nobody else gets in; the old one goes on permitting, since
/// the next change may come before the endpoint has dropped it.
fn shared<T>(
    old: Option<&UdpSocket>,
    open: impl FnOnce() -> std::io::Result<T>,
) -> std::io::Result<T> {
    // A system that refuses it refuses the port, which the caller then says.
    let permit = |whether| old.map(|old| sockopt::set_socket_reuseaddr(old, whether));
    _ = permit(true);
    open().inspect_err(|_| _ = permit(false))
}

/// Binds a socket of both families where the address is the IPv6 wildcard.
///
/// `old`: our own socket that still holds the port; the endpoint drops it once
/// packets arrive at the new one.
fn bind(address: SocketAddr, old: Option<&UdpSocket>) -> std::io::Result<UdpSocket> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let fd = socket(family, SocketType::DGRAM, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&fd, false)?;
    }
    if old.is_some() {
        sockopt::set_socket_reuseaddr(&fd, true)?;
    }
    shared(old, || Ok(rustix::net::bind(&fd, &address)?))?;
    sockopt::set_socket_reuseaddr(&fd, false)?;
    Ok(fd.into())
}

/// Two keys of the endpoint that survive a restart, so that the peers of a
/// primary that came back learn at once that it forgot them (a stateless reset,
/// RFC 9000 section 10.3), and Retry tokens given before it went are still good.
/// `[TRANSPORT-23]`
#[derive(Clone, Debug)]
pub struct EndpointKeys {
    reset: Secret<32>,
    token: Secret<32>,
}

impl EndpointKeys {
    /// Makes new ones.
    ///
    /// # Errors
    /// [`KeyError::Entropy`].
    pub fn generate() -> Result<Self, KeyError> {
        Self::of(&drawn()?).ok_or(KeyError::Entropy)
    }

    /// The keys in a private file, if it holds two and nothing else.
    fn of(kept: &SecretBytes) -> Option<Self> {
        let (reset, token) = kept.expose().split_first_chunk()?;
        Some(Self { reset: Secret::new(*reset), token: Secret::new(token.try_into().ok()?) })
    }

    /// The keys kept on `disk`, or new ones that are then kept there.
    ///
    /// # Errors
    /// [`StorageError`] if they cannot be read, written or made.
    pub fn load_or_generate(disk: &mut dyn Disk) -> Result<Self, StorageError> {
        let damaged = || StorageError {
            path: Private::Transport.file_name().into(),
            action: "use",
            problem: StorageProblem::Damaged { expected: "two keys of 32 bytes" },
        };
        if let Some(kept) = disk.load(Private::Transport)? {
            return Self::of(&kept).ok_or_else(damaged);
        }
        let fresh = drawn().map_err(|_| damaged())?;
        let keys = Self::of(&fresh).ok_or_else(damaged)?;
        disk.store(Private::Transport, fresh.expose())?;
        Ok(keys)
    }
}

/// Two new keys, as the private file holds them.
fn drawn() -> Result<SecretBytes, KeyError> {
    let mut keys = vec![0; 64];
    getrandom::fill(&mut keys).map_err(|_| KeyError::Entropy)?;
    Ok(SecretBytes::new(keys))
}

/// An address as people write it: IPv4 in its own form, also on a socket of both
/// families.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    match (address, address.ip().to_canonical()) {
        (SocketAddr::V6(_), std::net::IpAddr::V4(v4)) => SocketAddr::new(v4.into(), address.port()),
        _ => address,
    }
}

pub(super) fn endpoint(keys: &EndpointKeys) -> quinn::EndpointConfig {
    let reset = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, keys.reset.expose());
    let mut config = quinn::EndpointConfig::new(Arc::new(reset));
    // The library's own generator drops packets of before a restart as foreign,
    // and no reset would ever be sent.
    config.cid_generator(|| Box::new(RandomIds(SystemRandom::new())));
    config
}

/// Connection identifiers of 4 random bytes: every datagram carries one, and a
/// device has a few dozen at most. `[TRANSPORT-23]`
struct RandomIds(SystemRandom);

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut bytes = [0; 4];
        if self.0.fill(&mut bytes).is_err() {
            // The handshake that follows needs randomness too, and fails.
            bytes = [0; 4];
        }
        ConnectionId::new(&bytes)
    }

    fn cid_len(&self) -> usize {
        4
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// The server's side, for whom `admission` lets in.
pub(super) fn server(
    identity: &Identity,
    admission: &Admission,
    keys: &EndpointKeys,
) -> Result<quinn::ServerConfig, NetworkError> {
    let token = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"diptych retry token v1");
    let crypto = server_crypto(identity, admission)?;
    let mut config = quinn::ServerConfig::new(crypto, Arc::new(token.extract(keys.token.expose())));
    config
        .transport_config(transport())
        .migration(true)
        .retry_token_lifetime(RETRY_ANSWER)
        .max_incoming(limits::INCOMING)
        .incoming_buffer_size(limits::INCOMING_BYTES)
        .incoming_buffer_size_total(limits::INCOMING_BYTES_TOTAL);
    Ok(config)
}

/// The TLS half of [`server`], made anew for each connection attempt.
pub(super) fn server_crypto(
    identity: &Identity,
    admission: &Admission,
) -> Result<Arc<QuicServerConfig>, NetworkError> {
    let tls = tls::server(identity, admission).map_err(|_| NetworkError::Tls)?;
    QuicServerConfig::try_from(tls).map(Arc::new).map_err(|_| NetworkError::Tls)
}

/// The client's side, for one peer and purpose.
pub(super) fn client(
    identity: &Identity,
    peer: Fingerprint,
    purpose: Purpose,
) -> Result<quinn::ClientConfig, NetworkError> {
    let tls = tls::client(identity, peer, purpose).map_err(|_| NetworkError::Tls)?;
    let crypto = QuicClientConfig::try_from(tls).map_err(|_| NetworkError::Tls)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport());
    Ok(config)
}

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        // [TRANSPORT-12]
        .keep_alive_interval(Some(limits::KEEP_ALIVE.to_duration()))
        .max_idle_timeout(Some(idle(limits::CONNECTION_IDLE)))
        .initial_rtt(limits::ROUND_TRIP_ASSUMED.to_duration())
        // [TRANSPORT-13]
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(limits::STREAM_WINDOW))
        .receive_window(VarInt::from_u32(limits::CONNECTION_WINDOW))
        .datagram_receive_buffer_size(Some(limits::DATAGRAM_BUFFER))
        .datagram_send_buffer_size(limits::DATAGRAM_BUFFER)
        // [TRANSPORT-22]
        .enable_segmentation_offload(false);
    Arc::new(config)
}

fn idle(span: Span) -> quinn::IdleTimeout {
    let millis = u32::try_from(span.to_duration().as_millis()).unwrap_or(u32::MAX);
    VarInt::from_u32(millis).into()
}
