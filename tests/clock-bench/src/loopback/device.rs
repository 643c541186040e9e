//! One process: its wrong clock, its connection, and the loop of our live method.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use diptych_protocol::clock::{Short, Stamp};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use rustix::time::{ClockId, clock_gettime};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::socket::Socket;
use super::{Leader, Run, Stamping, Waits, said};
use crate::method::{Body, Method as _, Said, Side};
use crate::ours::Online;
use crate::run::START;

/// How wrong the secondary's clock is: so far ahead, and so much too fast.
const AHEAD: i64 = 31_000_000_000;
const FAST_PPM: i64 = 80;
/// Between two instants at which the primary is asked.
const ASKED: Duration = Duration::from_millis(50);
/// Not before this is it held against the truth.
const SETTLED: i64 = 5_000_000_000;

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

fn nanos(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

/// The secondary's clock minus the primary's, when the primary's shows `at`.
const fn truth(at: i64) -> i64 {
    AHEAD + at / 1_000_000 * FAST_PPM + at % 1_000_000 * FAST_PPM / 1_000_000
}

/// One end.
struct Device {
    side: Side,
    base: i64,
    stamping: Stamping,
    newest: Arc<AtomicI64>,
    waits: Vec<i64>,
    method: Online,
    /// Errors and half-widths, nanoseconds.
    seen: Vec<(i64, i64, i64)>,
}

impl Device {
    fn clock(&self) -> i64 {
        let here = nanos(ClockId::Boottime) - self.base + START.nanos();
        if self.side == Side::Primary { here } else { here + truth(here) }
    }

    /// The stamp of a datagram that was just read.
    fn stamp(&mut self) -> i64 {
        let now = self.clock();
        let waited = (nanos(ClockId::Realtime) - self.newest.load(Ordering::Relaxed)).max(0);
        self.waits.push(waited);
        if self.stamping == Stamping::Kernel { now - waited } else { now }
    }

    async fn run(&mut self, connection: &Connection, seconds: u32) -> io::Result<()> {
        let end = START.nanos() + i64::from(seconds) * 1_000_000_000;
        let mut asking = tokio::time::interval(ASKED);
        while self.side == Side::Secondary || self.clock() < end {
            while let Some(packet) = self.method.transmit(self.side, self.clock()) {
                let bytes = encode(&packet.body).into();
                connection.send_datagram(bytes).map_err(failed)?;
            }
            let wake = self.method.wake(self.side).unwrap_or(i64::MAX);
            let wait = u64::try_from(wake.saturating_sub(self.clock())).unwrap_or(0);
            tokio::select! {
                datagram = connection.read_datagram() => {
                    let Ok(bytes) = datagram else { return Ok(()) };
                    let at = self.stamp();
                    if let Some(body) = decode(&bytes) {
                        self.method.receive(self.side, at, &body);
                    }
                }
                () = tokio::time::sleep(Duration::from_nanos(wait.min(1_000_000_000))) => {}
                _ = asking.tick() => self.ask(),
            }
        }
        Ok(())
    }

    fn ask(&mut self) {
        let at = self.clock();
        if self.side == Side::Secondary || at < START.nanos() + SETTLED {
            return;
        }
        let Some(reading) = self.method.reading(at) else { return };
        let Some((low, high)) = reading.bound else { return };
        self.seen.push((reading.offset - truth(at), low - truth(at), high - truth(at)));
    }
}

fn encode(body: &Body) -> Vec<u8> {
    let Body::Stamped { said, probe, beat } = body else { return Vec::new() };
    let mut bytes = vec![u8::from(*probe), u8::from(*beat)];
    match said {
        Said::Whole(stamp) => {
            bytes.extend_from_slice(&stamp.seq.to_le_bytes());
            bytes.extend_from_slice(&stamp.sent.to_le_bytes());
            bytes.extend_from_slice(&stamp.epoch.to_le_bytes());
            bytes.extend_from_slice(&stamp.echo_seq.to_le_bytes());
            bytes.extend_from_slice(&stamp.echo_clock.to_le_bytes());
            bytes.extend_from_slice(&stamp.echo_received.to_le_bytes());
        }
        Said::Short(short) => {
            bytes.extend_from_slice(&short.seq.to_le_bytes());
            bytes.extend_from_slice(&short.sent.to_le_bytes()[..6]);
            bytes.extend_from_slice(&short.echo_seq.to_le_bytes());
            bytes.extend_from_slice(&short.echo_received.to_le_bytes()[..5]);
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Body> {
    let (&[probe, beat], bytes) = bytes.split_first_chunk()?;
    let mut rest = bytes;
    let mut number = |length: usize| {
        let (part, after) = rest.split_at_checked(length)?;
        rest = after;
        let mut wide = [0; 8];
        wide[..length].copy_from_slice(part);
        Some(u64::from_le_bytes(wide))
    };
    let said = if bytes.len() == 15 {
        Said::Short(Short {
            seq: number(2)?.try_into().ok()?,
            sent: number(6)?,
            echo_seq: number(2)?.try_into().ok()?,
            echo_received: number(5)?,
        })
    } else {
        Said::Whole(Stamp {
            seq: number(4)?.try_into().ok()?,
            sent: number(8)?.cast_signed(),
            epoch: number(4)?.try_into().ok()?,
            echo_seq: number(4)?.try_into().ok()?,
            echo_clock: number(2)?.try_into().ok()?,
            echo_received: number(8)?.cast_signed(),
        })
    };
    Some(Body::Stamped { said, probe: probe > 0, beat: beat > 0 })
}

fn endpoint(server: Option<ServerConfig>) -> io::Result<(Endpoint, Arc<AtomicI64>)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (socket, newest) = Socket::new(socket)?;
    let runtime = Arc::new(TokioRuntime);
    let config = EndpointConfig::default();
    Ok((Endpoint::new_with_abstract_socket(config, server, socket, runtime)?, newest))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// The primary, which starts the other process.
pub(super) fn lead(
    seconds: u32,
    stamping: Stamping,
    start: impl Fn(Leader) -> io::Result<Child>,
) -> io::Result<Run> {
    _ = rustls::crypto::ring::default_provider().install_default();
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(failed)?;
    let certificate = key.cert.der().to_vec();
    let private =
        PrivateKeyDer::try_from(key.signing_key.serialize_der()).map_err(io::Error::other)?;
    let chain = vec![CertificateDer::from(certificate.clone())];
    let server = ServerConfig::with_single_cert(chain, private).map_err(failed)?;
    runtime()?.block_on(async {
        let (endpoint, newest) = endpoint(Some(server))?;
        let base = nanos(ClockId::Boottime);
        let port = endpoint.local_addr()?.port();
        let mut child = start(Leader { port, certificate, base, stamping })?;
        let incoming = endpoint.accept().await.ok_or(io::ErrorKind::ConnectionAborted)?;
        let connection = incoming.await.map_err(failed)?;
        let (waits, seen) = (Vec::new(), Vec::new());
        let (side, method) = (Side::Primary, Online::default());
        let mut device = Device { side, base, stamping, newest, waits, method, seen };
        device.run(&connection, seconds).await?;
        connection.close(0_u32.into(), b"over");
        let told = said(&mut child)?;
        endpoint.wait_idle().await;
        Ok(device.result(told))
    })
}

/// The secondary; prints how long datagrams waited.
pub(crate) fn follow(leader: &str) -> io::Result<()> {
    _ = rustls::crypto::ring::default_provider().install_default();
    let leader: Leader = serde_json::from_str(leader).map_err(io::Error::from)?;
    let Leader { port, certificate, base, stamping } = leader;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(certificate)).map_err(failed)?;
    let client = ClientConfig::with_root_certificates(Arc::new(roots)).map_err(failed)?;
    runtime()?.block_on(async {
        let (endpoint, newest) = endpoint(None)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let connecting = endpoint.connect_with(client, address, "localhost").map_err(failed)?;
        let connection = connecting.await.map_err(failed)?;
        let (waits, seen) = (Vec::new(), Vec::new());
        let (side, method) = (Side::Secondary, Online::default());
        let mut device = Device { side, base, stamping, newest, waits, method, seen };
        device.run(&connection, u32::MAX).await?;
        let told = serde_json::to_string(&Waits::of(device.waits)).map_err(io::Error::from)?;
        writeln!(io::stdout(), "{told}")
    })
}

impl Device {
    fn result(self, secondary_waits: Waits) -> Run {
        let count = (self.seen.len() as f64).max(1.0);
        let micros = |nanos: i64| nanos as f64 / 1e3;
        let square = self.seen.iter().map(|(error, ..)| micros(*error).powi(2)).sum::<f64>();
        let halves = || self.seen.iter().map(|(_, low, high)| micros(high - low) / 2.0);
        Run {
            load: 0,
            stamping: self.stamping,
            instants: self.seen.len(),
            broken: self.seen.iter().filter(|(_, low, high)| *low > 0 || *high < 0).count(),
            error_rms_us: (square / count).sqrt(),
            error_max_us: self
                .seen
                .iter()
                .map(|(error, ..)| micros(error.abs()))
                .fold(0.0, f64::max),
            half_width_us: halves().sum::<f64>() / count,
            half_width_max_us: halves().fold(0.0, f64::max),
            primary_waits: Waits::of(self.waits),
            secondary_waits,
        }
    }
}
