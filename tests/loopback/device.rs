//! A parrot in the real world: real socket, real files, real clock.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diptych_driver::clock::BootClock;
use diptych_driver::diagnosis::Diagnosis;
use diptych_driver::discovery::{Discovery, Nowhere};
use diptych_driver::disk::{Disk, Folder};
use diptych_driver::keys::Identity;
use diptych_driver::quic::{EndpointKeys, PortAfterChange, Quic, Settings, Sockets};
use diptych_driver::socket::Faults;
use diptych_driver::{Events, Handle, Notice, World};
use diptych_protocol::identity::PublicKey;
use diptych_protocol::machine::{Admission, Lane, LinkId, Purpose};
use diptych_protocol::time::Clock;

use crate::parrot::{Heard, Order, Parrot};

/// Longer than anything here takes; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Device<C: Clock> {
    pub(crate) handle: Handle<Parrot<C>>,
    pub(crate) events: Events<Heard>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) faults: Faults,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    /// Everything heard, for the message of a failing test.
    pub(crate) log: Vec<Notice<Heard>>,
}

/// What a device is made of, to be changed before it starts.
pub(crate) struct Parts {
    pub(crate) identity: Identity,
    pub(crate) keys: EndpointKeys,
    pub(crate) sockets: Sockets,
    pub(crate) port: PortAfterChange,
    pub(crate) echoes: bool,
    pub(crate) disk: Option<Box<dyn Disk>>,
    pub(crate) discovery: Box<dyn Discovery>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            identity: Identity::generate().unwrap(),
            keys: EndpointKeys::generate().unwrap(),
            sockets: Sockets::Port(0),
            port: PortAfterChange::Any,
            echoes: false,
            disk: None,
            discovery: Box::new(Nowhere),
        }
    }
}

impl<C: Clock> Device<C> {
    pub(crate) fn start(parts: Parts) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("diptych-loopback-{}-{number}", std::process::id()));
        _ = std::fs::remove_dir_all(&folder);
        let disk = parts.disk.unwrap_or_else(|| Box::new(Folder::open(&folder).unwrap()));
        let (clock, faults) = (Arc::new(BootClock::new()), Faults::new(7));
        let identity = Arc::new(parts.identity);
        let settings = Settings {
            sockets: parts.sockets,
            port: parts.port,
            faults: Some(faults.clone()),
            discovery: parts.discovery,
            ..Settings::default()
        };
        let link = Quic::open(identity.clone(), clock.clone(), &parts.keys, settings).unwrap();
        let port = link.port();
        let world = World { clock, disk, link };
        let (handle, events) = diptych_driver::start(Parrot::new(parts.echoes), world).unwrap();
        Self { handle, events, identity, faults, port, folder, log: Vec::new() }
    }

    pub(crate) fn new() -> Self {
        Self::start(Parts::default())
    }

    pub(crate) fn echoing() -> Self {
        Self::start(Parts { echoes: true, ..Parts::default() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn key(&self) -> PublicKey {
        self.identity.public_key()
    }

    pub(crate) async fn order(&self, order: Order) {
        self.handle.ask(order).await.unwrap();
    }

    pub(crate) async fn admit_anyone(&self) {
        self.order(Order::Admit(Admission { pairing: true, pinned: vec![] })).await;
    }

    pub(crate) async fn admit_only(&self, key: PublicKey) {
        self.order(Order::Admit(Admission { pairing: false, pinned: vec![key.fingerprint()] }))
            .await;
    }

    pub(crate) async fn send(&self, link: LinkId, lane: Lane, bytes: &[u8]) {
        self.order(Order::Send { link, lane, bytes: bytes.to_vec() }).await;
    }

    /// Waits for the first notice of which `pick` makes something.
    pub(crate) async fn notice<T>(
        &mut self,
        mut pick: impl FnMut(&Notice<Heard>) -> Option<T>,
    ) -> T {
        let waiting = async {
            loop {
                let notice = self.events.next().await.expect("the driver ended");
                let picked = pick(&notice);
                self.log.push(notice);
                if let Some(picked) = picked {
                    return picked;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(picked) => picked,
            Err(_) => panic!("waited in vain; heard {}", self.heard_so_far()),
        }
    }

    fn heard_so_far(&self) -> String {
        let line = |notice: &Notice<Heard>| {
            format!("{notice:?}").chars().take(160).collect::<String>() + "\n"
        };
        self.log.iter().rev().take(12).rev().map(line).collect()
    }

    pub(crate) async fn heard<T>(&mut self, mut pick: impl FnMut(&Heard) -> Option<T>) -> T {
        self.notice(|notice| match notice {
            Notice::Event(heard) => pick(heard),
            Notice::Trouble(_) | Notice::Missed(_) => None,
        })
        .await
    }

    pub(crate) async fn trouble(&mut self, expected: Diagnosis) {
        self.notice(|notice| (*notice == Notice::Trouble(expected)).then_some(())).await;
    }

    /// Every finding that was told so far and that nobody waited for.
    pub(crate) fn found(&mut self) -> Vec<Diagnosis> {
        while let Some(notice) = self.events.try_next() {
            self.log.push(notice);
        }
        let told = self.log.iter().filter_map(|notice| match notice {
            Notice::Trouble(found) => Some(*found),
            Notice::Event(_) | Notice::Missed(_) => None,
        });
        told.collect()
    }

    pub(crate) async fn connected(&mut self) -> (LinkId, PublicKey, [u8; 32]) {
        self.heard(|heard| match heard {
            Heard::Connected { link, peer, binding, .. } => Some((*link, *peer, *binding)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn received(&mut self, on: Lane) -> Vec<u8> {
        self.heard(|heard| match heard {
            Heard::Received { lane, bytes, .. } if *lane == on => Some(bytes.clone()),
            _ => None,
        })
        .await
    }

    /// The control lane's bytes once there are as many, whatever notices were
    /// missed.
    pub(crate) async fn all_received(&self, bytes: usize) -> Vec<u8> {
        let waiting = async {
            loop {
                let so_far = self.handle.inspect(|parrot| parrot.received.clone()).await.unwrap();
                if so_far.len() >= bytes {
                    return so_far;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("waited in vain for bytes")
    }

    pub(crate) async fn dial<D: Clock>(&self, peer: &Device<D>, purpose: Purpose) {
        let (addresses, peer) = (vec![peer.address()], peer.key().fingerprint());
        self.order(Order::Dial { peer, addresses, purpose }).await;
    }
}

impl<C: Clock> Drop for Device<C> {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Two devices with a resumed connection between them.
pub(crate) async fn pair<P: Clock, S: Clock>(
    primary: &mut Device<P>,
    assistant: &mut Device<S>,
) -> (LinkId, LinkId) {
    primary.admit_only(assistant.key()).await;
    assistant.dial(primary, Purpose::Resume).await;
    let (there, ..) = assistant.connected().await;
    // The stream exists for the peer once something was said on it.
    assistant.send(there, Lane::Control, b"hello").await;
    let (here, ..) = primary.connected().await;
    primary.received(Lane::Control).await;
    (here, there)
}
