//! A socket under QUIC that remembers when the kernel received its newest packet.
//!
//! What QUIC makes of a packet cannot be traced from here, so a datagram is given
//! the arrival of the newest packet that was handed over before it: never earlier
//! than its own, and on a quiet link its own.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, ready};

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use quinn_udp::{RecvMeta as Stamped, Transmit as Plain, UdpSocketState};
use tokio::io::Interest;

/// Buffers that QUIC may offer at once.
const BATCH: usize = 32;

/// The socket that QUIC is given.
pub(super) struct Socket {
    socket: Arc<tokio::net::UdpSocket>,
    state: UdpSocketState,
    newest: Arc<AtomicI64>,
}

impl Socket {
    /// Takes a bound socket; answers with where the newest arrival is written, in
    /// nanoseconds since 1970. Must be called inside the runtime.
    pub(super) fn new(socket: UdpSocket) -> io::Result<(Arc<Self>, Arc<AtomicI64>)> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
        let newest = Arc::new(AtomicI64::new(0));
        Ok((Arc::new(Self { socket, state, newest: newest.clone() }), newest))
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Poller { socket: self.socket.clone(), waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let plain = Plain {
            destination: transmit.destination,
            ecn: None,
            contents: transmit.contents,
            segment_size: None,
            src_ip: transmit.src_ip,
        };
        self.socket
            .try_io(Interest::WRITABLE, || self.state.try_send((&*self.socket).into(), &plain))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            let mut stamped = [Stamped::default(); BATCH];
            let most = bufs.len().min(meta.len()).min(BATCH);
            let received = self.socket.try_io(Interest::READABLE, || {
                self.state.recv((&*self.socket).into(), bufs, &mut stamped[..most])
            });
            match received {
                Ok(count) => {
                    for (meta, stamped) in meta.iter_mut().zip(&stamped).take(count) {
                        if let Some(at) = stamped.timestamp {
                            let at = i64::try_from(at.as_nanos()).unwrap_or(0);
                            self.newest.fetch_max(at, Ordering::Relaxed);
                        }
                        *meta = RecvMeta {
                            addr: stamped.addr,
                            len: stamped.len,
                            stride: stamped.stride,
                            ecn: stamped.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8)),
                            dst_ip: stamped.dst_ip,
                        };
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Waits until the socket can take another datagram, for one connection.
struct Poller {
    socket: Arc<tokio::net::UdpSocket>,
    waiting: Option<Writable>,
}

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket.clone();
        let wait = || -> Writable { Box::pin(async move { socket.writable().await }) };
        let ready = ready!(self.waiting.get_or_insert_with(wait).as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(ready)
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").finish_non_exhaustive()
    }
}
