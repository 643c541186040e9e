//! The link of the product: QUIC over UDP.
//!
//! A connection is one bidirectional stream, opened by the one who dialled, and
//! datagrams beside it. Both ends use one endpoint each, and one socket. The
//! parts: `listen` decides who may begin a handshake, `dial` races addresses,
//! `connection` reads and stamps, `settings` holds what QUIC is told, and this
//! file holds the connections and speaks to the loop.
//!
//! "Connected" means that TLS has verified the peer's key and nothing more: a
//! client is told so before the server has looked at the client's key, so only a
//! proof on the connection itself can make two devices paired. `[TRANSPORT-26]`

mod connection;
mod dial;
mod listen;
mod said;
mod settings;

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use bytes::Bytes;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::limits;
use diptych_protocol::machine::{Admission, Lane, LinkId, Lost, Purpose};
use diptych_protocol::time;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::addresses::Surroundings;
use crate::arrival::Arrivals;
use crate::clock::Clock;
use crate::diagnosis::Diagnosis;
use crate::discovery::{Discovery, Found};
use crate::error::NetworkError;
use crate::keys::Identity;
use crate::link::{Arrival, Dial, Happening, Link};
use crate::socket::Socket;
use connection::Established;
pub use listen::Sources;
use said::Said;
pub use settings::{EndpointKeys, PortAfterChange, Settings, Sockets};

/// A [`Link`] over QUIC.
pub struct Quic<C: time::Clock> {
    endpoint: quinn::Endpoint,
    identity: Arc<Identity>,
    clock: Arc<dyn Clock<C>>,
    sockets: Sockets,
    /// The socket in use: another name for it, by which a rebind lets go of its
    /// port.
    bound: Option<UdpSocket>,
    /// Which port that is, and whether the next one has it too.
    port: watch::Sender<u16>,
    after_change: PortAfterChange,
    faults: Option<crate::socket::Faults>,
    arrivals: Arc<Arrivals>,
    discovery: Box<dyn Discovery>,
    announced: Vec<String>,
    admission: watch::Sender<Admission>,
    listening: quinn::ServerConfig,
    links: BTreeMap<LinkId, Open>,
    last_link: u64,
    dials: Dials,
    tasks: JoinSet<()>,
    reports: mpsc::Sender<Report<C>>,
    reported: mpsc::Receiver<Report<C>>,
    said: Said,
    troubled: mpsc::Receiver<Diagnosis>,
    /// How often the device's own key did not sign since it last did.
    refusals: watch::Receiver<u64>,
}

/// The dial under way, if one is.
#[derive(Default)]
struct Dials {
    number: u64,
    wanted: Option<oneshot::Sender<std::convert::Infallible>>,
}

/// A connection that the machine knows.
struct Open {
    connection: quinn::Connection,
    frames: mpsc::Sender<Bytes>,
}

/// What the tasks tell this file.
enum Report<C: time::Clock> {
    Established(Established, time::Instant<C>),
    Arrived(Arrival<C>),
    DialFailed { number: u64, lost: Lost, why: Diagnosis },
}

impl<C: time::Clock> Quic<C> {
    /// Opens the socket. Nobody is let in and nobody is called until the machine
    /// says so.
    ///
    /// # Errors
    /// [`NetworkError`] if the socket cannot be opened or the key not be used, or
    /// outside a tokio runtime.
    pub fn open(
        identity: Arc<Identity>,
        clock: Arc<dyn Clock<C>>,
        keys: &EndpointKeys,
        settings: Settings,
    ) -> Result<Self, NetworkError> {
        tokio::runtime::Handle::try_current().map_err(|_| NetworkError::Runtime)?;
        let Settings { mut sockets, port: after_change, sources, discovery, faults } = settings;
        let (reports, reported) = mpsc::channel(limits::ARRIVALS);
        let (troubles, troubled) = mpsc::channel(limits::ARRIVALS);
        let (admission, admitted) = watch::channel(Admission::default());
        let refusals = identity.refusals();
        let listening = settings::server(&identity, &Admission::default(), keys)?;
        let socket = sockets.open(None, None)?;
        let bound = socket.try_clone().ok();
        let arrivals = Arc::<Arrivals>::default();
        let socket = wrap(socket, faults.clone(), arrivals.clone(), troubles.clone())?;
        let endpoint = quinn::Endpoint::new_with_abstract_socket(
            settings::endpoint(keys),
            None,
            socket,
            Arc::new(quinn::TokioRuntime),
        )
        .map_err(|e| NetworkError::Socket { kind: e.kind() })?;
        let port = watch::Sender::new(port_of(&endpoint));
        let mut tasks = JoinSet::new();
        tasks.spawn(listen::listen(listen::Listener {
            endpoint: endpoint.clone(),
            identity: identity.clone(),
            clock: clock.clone(),
            admitted,
            base: listening.clone(),
            sources,
            reports: reports.clone(),
        }));
        Ok(Self {
            endpoint,
            identity,
            clock,
            sockets,
            bound,
            port,
            after_change,
            faults,
            arrivals,
            discovery,
            announced: Vec::new(),
            admission,
            listening,
            links: BTreeMap::new(),
            last_link: 0,
            dials: Dials::default(),
            tasks,
            reports,
            reported,
            said: Said::new(troubles),
            troubled,
            refusals,
        })
    }

    /// The port that this device listens on: the one to put in a code.
    #[must_use]
    pub fn port(&self) -> u16 {
        port_of(&self.endpoint)
    }

    /// [`Quic::port`], for whoever asks when this value has gone into its loop.
    #[must_use]
    pub fn ports(&self) -> watch::Receiver<u16> {
        self.port.subscribe()
    }

    /// Where this device can be reached, most promising first.
    #[must_use]
    pub fn candidates(&self) -> Vec<SocketAddr> {
        let port = self.port();
        let addresses = Surroundings::look().candidates();
        addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
    }

    /// Gives a connection its number and its task.
    fn keep(&mut self, established: Established, at: time::Instant<C>) -> Arrival<C> {
        self.last_link += 1;
        let link = LinkId(self.last_link);
        let (frames, sending) = mpsc::channel(limits::CONTROL_QUEUE);
        let Established { connection, side, purpose, peer, binding } = established;
        let remote = settings::plain(connection.remote_address());
        self.links.insert(link, Open { connection: connection.clone(), frames });
        let (clock, reports) = (self.clock.clone(), self.reports.clone());
        let arrivals = self.arrivals.clone();
        let reader = connection::Reader { link, connection, side, clock, arrivals, reports };
        self.tasks.spawn(reader.run(sending));
        Arrival { at, what: Happening::Connected { link, purpose, peer, binding, remote } }
    }

    /// What the loop should know of a report, if anything.
    fn arrival(&mut self, report: Report<C>) -> Option<Arrival<C>> {
        match report {
            Report::Established(established, at) => {
                self.said.outage_over();
                if established.side == quinn::Side::Client {
                    self.discovery.forget();
                }
                Some(self.keep(established, at))
            }
            Report::Arrived(arrival) => {
                if let Happening::Received { .. } = arrival.what {
                    self.said.outage_over();
                }
                if let Happening::Disconnected { link, .. } = arrival.what {
                    self.links.remove(&link);
                }
                Some(arrival)
            }
            Report::DialFailed { number, lost, why } => {
                self.said.dial_failed(why);
                // Of a dial that was given up for another one the finding is news, and
                // the end is not.
                (number == self.dials.number).then(|| {
                    self.discovery.forget();
                    Arrival { at: self.clock.now(), what: Happening::DialFailed { lost } }
                })
            }
        }
    }

    fn announce_again(&mut self) {
        if self.announced.is_empty() {
            return self.discovery.silence();
        }
        let (port, addresses) = (self.port(), Surroundings::look().candidates());
        let announced = self.discovery.announce(self.announced.clone(), port, addresses);
        self.said.went(Diagnosis::DiscoveryUnavailable, &announced);
    }

    /// Opens a socket again and moves everything to it: connections that this
    /// device opened migrate, those that it accepted need the old port.
    /// `[TRANSPORT-24]`
    fn rebind(&mut self) -> Result<(), NetworkError> {
        let keep = (self.after_change == PortAfterChange::Same).then(|| self.port());
        let socket = self.sockets.open(keep, self.bound.as_ref())?;
        let bound = socket.try_clone().ok();
        let (faults, arrivals) = (self.faults.clone(), self.arrivals.clone());
        let socket = wrap(socket, faults, arrivals, self.said.troubles())?;
        let moved = self.endpoint.rebind_abstract(socket);
        moved.map_err(|e| NetworkError::Socket { kind: e.kind() })?;
        self.bound = bound;
        self.port.send_replace(self.port());
        Ok(())
    }
}

fn port_of(endpoint: &quinn::Endpoint) -> u16 {
    endpoint.local_addr().map_or(0, |address| address.port())
}

fn wrap(
    socket: UdpSocket,
    faults: Option<crate::socket::Faults>,
    arrivals: Arc<Arrivals>,
    troubles: mpsc::Sender<Diagnosis>,
) -> Result<Arc<dyn quinn::AsyncUdpSocket>, NetworkError> {
    match Socket::new(socket, faults, arrivals, troubles) {
        Ok(socket) => Ok(Arc::new(socket)),
        Err(e) => Err(NetworkError::Socket { kind: e.kind() }),
    }
}

impl<C: time::Clock> Link<C> for Quic<C> {
    fn transmit(&mut self, link: LinkId, lane: Lane, bytes: Vec<u8>) {
        let Some(open) = self.links.get(&link) else { return };
        match lane {
            // [TRANSPORT-10]
            Lane::Timing if bytes.len() <= limits::DATAGRAM_BYTES => {
                if let Err(error) = open.connection.send_datagram(bytes.into()) {
                    tracing::debug!(?link, %error, "a datagram was not sent");
                }
            }
            Lane::Timing => tracing::debug!(?link, bytes = bytes.len(), "a datagram was too long"),
            // [TRANSPORT-9]
            Lane::Control => {
                if let Err(mpsc::error::TrySendError::Full(_)) = open.frames.try_send(bytes.into())
                {
                    self.close(link, CloseCode::Timeout);
                }
            }
        }
    }

    fn admit(&mut self, admission: Admission) {
        let anybody = admission != Admission::default();
        // In this order: whoever is heard is judged by the present rule.
        self.admission.send_replace(admission);
        self.endpoint.set_server_config(anybody.then(|| self.listening.clone()));
    }

    fn dial(&mut self, dial: Dial) {
        // The dial before ends with this.
        let (wanting, wanted) = oneshot::channel();
        self.dials.wanted = Some(wanting);
        self.dials.number += 1;
        if dial.purpose == Purpose::Pair {
            self.said.outage_over();
        }
        self.discovery.forget();
        let number = self.dials.number;
        let found = match dial.discovery.as_str() {
            "" => None,
            label => {
                let (found, addresses) = Found::channel();
                self.discovery.find(label.to_owned(), found).is_ok().then_some(addresses)
            }
        };
        let race = dial::Race {
            endpoint: self.endpoint.clone(),
            identity: self.identity.clone(),
            surroundings: Surroundings::look(),
            dial,
            found,
            wanted,
        };
        let (clock, reports) = (self.clock.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let report = match race.run().await {
                Ok(established) => Report::Established(established, clock.now()),
                Err(Some((lost, why))) => Report::DialFailed { number, lost, why },
                Err(None) => return,
            };
            _ = reports.send(report).await;
        });
    }

    fn announce(&mut self, names: Vec<String>) {
        self.announced = names;
        self.announce_again();
    }

    fn close(&mut self, link: LinkId, code: CloseCode) {
        if let Some(open) = self.links.get(&link) {
            open.connection.close((code as u32).into(), code.name().as_bytes());
        }
    }

    fn network_changed(&mut self) {
        if let Err(error) = self.rebind() {
            tracing::debug!(%error, "the socket could not be opened again");
            self.said.tell(error.diagnosis());
        }
        self.announce_again();
    }

    async fn next(&mut self) -> Arrival<C> {
        loop {
            let report = tokio::select! {
                Some(report) = self.reported.recv() => report,
                Some(trouble) = self.troubled.recv() => {
                    return Arrival { at: self.clock.now(), what: Happening::Trouble(trouble) };
                }
                Ok(()) = self.refusals.changed() => {
                    let signed = match *self.refusals.borrow_and_update() {
                        0 => Ok(()),
                        times => Err(times),
                    };
                    self.said.went(Diagnosis::KeyLocked, &signed);
                    continue;
                }
                Some(_) = self.tasks.join_next() => continue,
                else => std::future::pending().await,
            };
            if let Some(arrival) = self.arrival(report) {
                return arrival;
            }
        }
    }

    async fn finish(&mut self) {
        self.announced = Vec::new();
        self.discovery.silence();
        self.discovery.forget();
        let code = CloseCode::GoingAway;
        self.endpoint.close((code as u32).into(), code.name().as_bytes());
        // Long enough for the word to leave; nobody waits for an answer.
        let told = self.endpoint.wait_idle();
        _ = tokio::time::timeout(settings::FAREWELL, told).await;
        self.tasks.shutdown().await;
    }
}

impl<C: time::Clock> std::fmt::Debug for Quic<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Quic(port {}, {} links)", self.port(), self.links.len())
    }
}
