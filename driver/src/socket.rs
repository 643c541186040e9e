//! The UDP socket under QUIC: plain datagrams out, and the place where a test
//! breaks the network.
//!
//! Some current Android kernels answer `EIO` to every packet that carries an ECN
//! mark, and some drivers choke on segmentation offload; the QUIC library asks
//! for both. This socket sends each datagram alone and unmarked. A send that the
//! system refuses is a lost packet, as it would be on the air, and is counted, so
//! that a dead socket or a missing permission can be told from silence.
//! `[TRANSPORT-22]`
//!
//! Because every packet passes here, so do the faults of rehearsals and tests:
//! [`Faults`] loses, delays, duplicates and reorders by a seed, cuts the network
//! and injects errors, on real sockets and while they run.

mod weather;

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use quinn_udp::{RecvMeta as Stamped, Transmit as Plain, UdpSocketState};
use tokio::io::Interest;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::arrival::Arrivals;
use crate::clock::Beside;
use crate::diagnosis::Diagnosis;
use weather::Fate;
pub use weather::{Faults, Weather};

/// Buffers that are filled at once, at most.
const BATCH: usize = 32;

/// Datagrams that may be under way in a delaying network.
const HELD: usize = 4096;

/// How long a socket that cannot receive is left alone.
const RETRY: Duration = Duration::from_millis(100);

/// A datagram that waits for its time.
struct Held {
    due: Instant,
    to: SocketAddr,
    from: Option<std::net::IpAddr>,
    contents: Vec<u8>,
}

/// The socket that QUIC is given.
pub(crate) struct Socket {
    io: Arc<Io>,
    faults: Option<Faults>,
    held: Option<mpsc::Sender<Held>>,
}

/// The system's socket.
struct Io {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
    arrivals: Arc<Arrivals>,
    /// Which troubles were told already.
    told: Mutex<Vec<Diagnosis>>,
    troubles: mpsc::Sender<Diagnosis>,
}

impl Socket {
    /// Takes a bound socket; what comes is noted in `arrivals`. Troubles of sending
    /// are told to `troubles`, each kind once. Must be called inside the runtime.
    pub(crate) fn new(
        socket: UdpSocket,
        faults: Option<Faults>,
        arrivals: Arc<Arrivals>,
        troubles: mpsc::Sender<Diagnosis>,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let io = Arc::new(Io { socket, state, arrivals, told: Mutex::default(), troubles });
        let held = faults.is_some().then(|| {
            let (held, waiting) = mpsc::channel(HELD);
            tokio::spawn(release(io.clone(), waiting));
            held
        });
        Ok(Self { io, faults, held })
    }

    fn send(&self, transmit: &Transmit<'_>, due: Option<Instant>) -> io::Result<()> {
        match (due, &self.held) {
            (Some(due), Some(held)) => {
                let (to, from) = (transmit.destination, transmit.src_ip);
                // A full queue is a full network: the datagram is lost.
                _ = held.try_send(Held { due, to, from, contents: transmit.contents.to_vec() });
                Ok(())
            }
            _ => self.io.send(transmit.destination, transmit.src_ip, transmit.contents),
        }
    }
}

impl Io {
    fn send(
        &self,
        to: SocketAddr,
        from: Option<std::net::IpAddr>,
        contents: &[u8],
    ) -> io::Result<()> {
        let plain =
            Plain { destination: to, ecn: None, contents, segment_size: None, src_ip: from };
        let sent = self
            .socket
            .try_io(Interest::WRITABLE, || self.state.try_send((&self.socket).into(), &plain));
        match sent {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => {
                self.note(&e);
                Ok(())
            }
            sent_or_would_block => sent_or_would_block,
        }
    }

    /// Tells each kind of trouble once. An unreachable address is none: the other
    /// addresses of the race may do, and the dial reports if none did.
    fn note(&self, error: &io::Error) {
        let trouble = Diagnosis::of_socket(error);
        tracing::debug!(%error, "a datagram was not sent");
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble != Diagnosis::NoRoute && !told.contains(&trouble) {
            told.push(trouble);
            _ = self.troubles.try_send(trouble);
        }
    }
}

/// Sends held datagrams when they are due, in order of their time and then of
/// their coming. Ends with the socket.
async fn release(io: Arc<Io>, mut coming: mpsc::Receiver<Held>) {
    let mut waiting: Vec<Held> = Vec::new();
    loop {
        let next = waiting.iter().map(|held| held.due).min();
        let arrived = match next {
            None => coming.recv().await,
            Some(due) => tokio::select! {
                biased;
                () = sleep_until(due) => {
                    while let Some(at) = waiting.iter().position(|held| held.due <= due) {
                        let held = waiting.remove(at);
                        _ = io.send(held.to, held.from, &held.contents);
                    }
                    continue;
                }
                arrived = coming.recv() => arrived,
            },
        };
        match arrived {
            Some(held) => waiting.push(held),
            None => return,
        }
    }
}

/// The kernel's stamp, in nanoseconds since 1970. Packets that came merged have
/// that of the first of them, which is too early for the others.
fn stamp(meta: &Stamped) -> Option<i64> {
    let at = meta.timestamp.filter(|_| meta.len <= meta.stride)?;
    i64::try_from(at.as_nanos()).ok()
}

/// As the QUIC library, which uses an earlier version of the same crate, has it.
fn plain(meta: &Stamped) -> RecvMeta {
    RecvMeta {
        addr: meta.addr,
        len: meta.len,
        stride: meta.stride,
        ecn: meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8)),
        dst_ip: meta.dst_ip,
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Poller { io: self.io.clone(), waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Some(faults) = &self.faults else { return self.send(transmit, None) };
        match faults.fate() {
            Fate::Lost => Ok(()),
            Fate::Refused(errno) => {
                self.io.note(&io::Error::from_raw_os_error(errno));
                Ok(())
            }
            Fate::Sent { copies } => {
                copies.into_iter().try_for_each(|due| self.send(transmit, due))
            }
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.socket.poll_recv_ready(cx))?;
            let mut stamped = [Stamped::default(); BATCH];
            let room = stamped.get_mut(..bufs.len().min(meta.len()).min(BATCH));
            let stamped = room.unwrap_or_default();
            let received = self.io.socket.try_io(Interest::READABLE, || {
                self.io.state.recv((&self.io.socket).into(), bufs, stamped)
            });
            let down = self.faults.as_ref().is_some_and(|faults| faults.weather().down);
            match received {
                Ok(_) if down => {}
                Ok(count) => {
                    let stamped = stamped.get(..count).unwrap_or_default();
                    self.io.arrivals.take(stamped.iter().map(stamp), Beside::read());
                    meta.iter_mut().zip(stamped).for_each(|(meta, from)| *meta = plain(from));
                    return Poll::Ready(Ok(count));
                }
                // Not ready after all, or the echo of an earlier send (ICMP).
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(e) => {
                    // An error here would end the endpoint for good, and with it
                    // the hope that the error passes or a new socket heals.
                    self.io.note(&e);
                    let waker = cx.waker().clone();
                    tokio::spawn(async move {
                        sleep(RETRY).await;
                        waker.wake();
                    });
                    return Poll::Pending;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn max_receive_segments(&self) -> usize {
        self.io.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.io.state.may_fragment()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({:?})", self.io.socket.local_addr())
    }
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Waits until the socket can take another datagram, for one connection.
struct Poller {
    io: Arc<Io>,
    waiting: Option<Writable>,
}

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.io.clone();
        let waiting =
            self.waiting.get_or_insert_with(|| Box::pin(async move { io.socket.writable().await }));
        let ready = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(ready)
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}
