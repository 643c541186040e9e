//! One connection: its two lanes read and stamped, its end explained.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::PublicKey;
use diptych_protocol::limits;
use diptych_protocol::machine::{Lane, LinkId, Lost, Purpose};
use diptych_protocol::secret::ChannelBinding;
use diptych_protocol::time;
use quinn::crypto::rustls::HandshakeData;
use quinn::{ConnectionError, RecvStream, SendStream, Side};
use rustls::pki_types::CertificateDer;
use tokio::sync::mpsc;

use super::{Report, settings};
use crate::arrival::Arrivals;
use crate::clock::{Clock, boot_nanos};
use crate::diagnosis::Diagnosis;
use crate::link::{Arrival, Happening};
use crate::tls;

/// A connection whose handshake is complete on this side.
pub(super) struct Established {
    pub(super) connection: quinn::Connection,
    pub(super) side: Side,
    pub(super) purpose: Purpose,
    pub(super) peer: PublicKey,
    pub(super) binding: ChannelBinding,
}

impl Established {
    /// Reads from the handshake what the machine must know; `None` if anything of
    /// it is missing, which the TLS rules exclude.
    pub(super) fn of(connection: quinn::Connection, side: Side) -> Option<Self> {
        let handshake = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
        let purpose = tls::purpose(handshake.protocol.as_deref()?)?;
        let identity = connection.peer_identity()?;
        let peer = tls::peer_key(identity.downcast_ref::<Vec<CertificateDer<'static>>>()?)?;
        let mut binding = [0; 32];
        connection.export_keying_material(&mut binding, tls::EXPORTER_LABEL, b"").ok()?;
        Some(Self { connection, side, purpose, peer, binding: ChannelBinding::new(binding) })
    }
}

/// Reads one connection until its end.
pub(super) struct Reader<C: time::Clock> {
    pub(super) link: LinkId,
    pub(super) connection: quinn::Connection,
    pub(super) side: Side,
    pub(super) clock: Arc<dyn Clock<C>>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) reports: mpsc::Sender<Report<C>>,
}

impl<C: time::Clock> Reader<C> {
    /// Ends after the connection, and after everything that came before its end
    /// has been handed over.
    pub(super) async fn run(self, frames: mpsc::Receiver<Bytes>) {
        let readers = async { tokio::join!(self.control(frames), self.timing()) };
        readers.await;
        let (lost, trouble) = lost(&self.connection.closed().await, self.side);
        if let Some(trouble) = trouble {
            self.report(Happening::Trouble(trouble)).await;
        }
        self.report(Happening::Disconnected { link: self.link, lost }).await;
    }

    /// The control lane: the one who dialled opens the stream, the other takes it.
    async fn control(&self, frames: mpsc::Receiver<Bytes>) {
        let stream = match self.side {
            Side::Client => self.connection.open_bi().await,
            Side::Server => self.connection.accept_bi().await,
        };
        let Ok((send, receive)) = stream else { return };
        tokio::select! {
            () = self.read(receive) => {}
            never = write(send, frames) => match never {},
        }
    }

    async fn read(&self, mut stream: RecvStream) {
        while let Ok(Some(chunk)) = stream.read_chunk(limits::FRAME_BYTES, true).await {
            let at = self.clock.now();
            let (link, lane) = (self.link, Lane::Control);
            let what = Happening::Received { link, lane, bytes: chunk.bytes };
            _ = self.reports.send(Report::Arrived(Arrival { at, what })).await;
        }
        // A peer that ends the stream alone breaks the protocol: without it there
        // is no connection. [TRANSPORT-25]
        if self.connection.close_reason().is_none() {
            tracing::debug!(link = ?self.link, "the control stream ended");
            let code = CloseCode::OutOfOrder;
            self.connection.close((code as u32).into(), code.name().as_bytes());
        }
    }

    /// The timing lane, and the peer's address. A reader that is late is useless
    /// here, so a full queue loses the datagram. `[TRANSPORT-10]`
    async fn timing(&self) {
        let mut remote = self.connection.remote_address();
        while let Ok(bytes) = self.connection.read_datagram().await {
            // [TRANSPORT-11] [TRANSPORT-27]
            let age = self.arrivals.age(boot_nanos());
            let at = self.clock.now() - age;
            self.moved(&mut remote).await;
            if bytes.len() > limits::DATAGRAM_BYTES {
                tracing::debug!(link = ?self.link, bytes = bytes.len(), "a datagram was too long");
                continue;
            }
            let (link, lane) = (self.link, Lane::Timing);
            let what = Happening::Received { link, lane, bytes };
            _ = self.reports.try_send(Report::Arrived(Arrival { at, what }));
        }
    }

    /// Tells when the peer's packets began to come from elsewhere.
    async fn moved(&self, remote: &mut SocketAddr) {
        let now = self.connection.remote_address();
        if now != *remote {
            *remote = now;
            self.report(Happening::Moved { link: self.link, remote: settings::plain(now) }).await;
        }
    }

    async fn report(&self, what: Happening) {
        let at = self.clock.now();
        _ = self.reports.send(Report::Arrived(Arrival { at, what })).await;
    }
}

/// Writes frames until the connection is gone; reading tells when that is.
async fn write(
    mut stream: SendStream,
    mut frames: mpsc::Receiver<Bytes>,
) -> std::convert::Infallible {
    while let Some(frame) = frames.recv().await {
        if stream.write_chunk(frame).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

/// TLS alerts (RFC 8446 section 6) that say "not with this key".
const KEY_ALERTS: [u64; 6] = [
    42,  // bad_certificate
    43,  // unsupported_certificate
    46,  // certificate_unknown
    48,  // unknown_ca: more than one certificate
    49,  // access_denied: another key than the pinned one
    116, // certificate_required
];
const NO_APPLICATION_PROTOCOL: u64 = 120;
const HANDSHAKE_FAILURE: u64 = 40;
/// CONNECTION_REFUSED (RFC 9000 section 20.1).
const REFUSED: u64 = 2;

/// Why a connection ended, for the machine and for a person.
pub(super) fn lost(error: &ConnectionError, side: Side) -> (Lost, Option<Diagnosis>) {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let number = close.error_code.into_inner();
            // [TRANSPORT-25] Nobody said that: a library closes so when its
            // process dies.
            if number == 0 && close.reason.is_empty() {
                return (Lost::ClosedUnknown(0), None);
            }
            (CloseCode::from_code(number).map_or(Lost::ClosedUnknown(number), Lost::Closed), None)
        }
        ConnectionError::ConnectionClosed(close) => match u64::from(close.error_code) {
            REFUSED => (Lost::Closed(CloseCode::Busy), Some(Diagnosis::PeerBusy)),
            code => refused(code, side, Diagnosis::KeyRefused),
        },
        ConnectionError::TransportError(error) => match u64::from(error.code) {
            // Our own verifier spoke.
            code if code == 0x100 + 49 => (Lost::WrongKey, Some(Diagnosis::PinMismatch)),
            code => refused(code, side, Diagnosis::KeyType),
        },
        ConnectionError::Reset => (Lost::Reset, Some(Diagnosis::PeerRestarted)),
        ConnectionError::TimedOut => (Lost::TimedOut, None),
        ConnectionError::LocallyClosed => (Lost::Local, None),
        ConnectionError::VersionMismatch => {
            (Lost::Closed(CloseCode::Version), Some(Diagnosis::ProtocolVersion))
        }
        ConnectionError::CidsExhausted => (Lost::Unreachable, None),
    }
}

/// A transport error code, in which TLS alerts are 0x100 and up. `[FAULT-6]`
fn refused(code: u64, side: Side, key: Diagnosis) -> (Lost, Option<Diagnosis>) {
    match code.checked_sub(0x100) {
        Some(alert) if KEY_ALERTS.contains(&alert) => (Lost::WrongKey, Some(key)),
        Some(HANDSHAKE_FAILURE) => (Lost::WrongKey, Some(Diagnosis::KeyType)),
        Some(NO_APPLICATION_PROTOCOL) if side.is_client() => {
            (Lost::Closed(CloseCode::NotPairing), Some(Diagnosis::ProtocolVersion))
        }
        _ => (Lost::ClosedUnknown(code), None),
    }
}
