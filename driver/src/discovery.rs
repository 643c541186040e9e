//! Finding a peer whose addresses changed, by multicast DNS.
//!
//! The addresses in the code are the main path; discovery helps after a network
//! change. It runs only while something is announced or sought, says nothing but
//! a random label that changes with each session, and what it finds is only ever
//! dialled: a liar's answer fails at the pin. `[TRANSPORT-18]`
//!
//! This is the only file that knows the library. Phones use the system's own
//! discovery behind the same [`Discovery`] trait, because raw multicast needs an
//! entitlement there; where nothing works, [`Nowhere`] stands in and the code's
//! addresses remain.
//!
//! Rejected: discovery as the way to pair (networks of schools drop multicast, and a
//! name in the air is nobody's proof), and an announcement for the whole session (it
//! would tell the network for hours that somebody is recorded here).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use diptych_protocol::limits;
use mdns_sd::{ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio::sync::mpsc;

/// The service type of the protocol (RFC 6763 section 7). `[TRANSPORT-29]`
const SERVICE: &str = "_diptych._udp.local.";

/// Announces and finds devices in the local network by a label. An app brings its
/// platform's own (NSD, Bonjour) behind this: it is told what to announce and what
/// to look for, and tells each address that it finds through [`Found`].
///
/// The calls come from a thread of the driver and must return at once.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::net::IpAddr;
///
/// use diptych_driver::discovery::{Discovery, Found, Unavailable};
///
/// # struct Nsd;
/// # struct Registration;
/// # impl Nsd {
/// #     fn register(&self, _: &str, _: u16) -> Result<Registration, Unavailable> {
/// #         Err(Unavailable)
/// #     }
/// #     fn browse(&self, _: &str, _: Box<dyn Fn(std::net::SocketAddr) + Send>) {}
/// #     fn stop(&self) {}
/// # }
/// /// The platform's own discovery. A registration ends when it is dropped.
/// struct Platform {
///     nsd: Nsd,
///     announced: BTreeMap<(String, u16), Registration>,
/// }
///
/// impl Discovery for Platform {
///     fn announce(
///         &mut self,
///         labels: Vec<String>,
///         port: u16,
///         _: Vec<IpAddr>,
///     ) -> Result<(), Unavailable> {
///         let wanted: Vec<_> = labels.into_iter().map(|label| (label, port)).collect();
///         self.announced.retain(|announced, _| wanted.contains(announced));
///         for (label, port) in wanted {
///             if !self.announced.contains_key(&(label.clone(), port)) {
///                 let registration = self.nsd.register(&label, port)?;
///                 self.announced.insert((label, port), registration);
///             }
///         }
///         Ok(())
///     }
///
///     fn silence(&mut self) {
///         self.announced.clear();
///     }
///
///     fn find(&mut self, label: String, found: Found) -> Result<(), Unavailable> {
///         self.nsd.browse(&label, Box::new(move |address| found.tell(address)));
///         Ok(())
///     }
///
///     fn forget(&mut self) {
///         self.nsd.stop();
///     }
/// }
/// ```
pub trait Discovery: Send {
    /// Announces this device under each of `labels`, as an instance of
    /// `_diptych._udp` at `port` on all of `addresses`, instead of whatever was
    /// announced before.
    ///
    /// # Errors
    /// [`Unavailable`] if it cannot work here.
    fn announce(
        &mut self,
        labels: Vec<String>,
        port: u16,
        addresses: Vec<IpAddr>,
    ) -> Result<(), Unavailable>;

    /// Stops announcing.
    fn silence(&mut self);

    /// Looks for the instance `label`, until [`Discovery::forget`].
    ///
    /// # Errors
    /// [`Unavailable`] if it cannot work here.
    fn find(&mut self, label: String, found: Found) -> Result<(), Unavailable>;

    /// Stops looking.
    fn forget(&mut self);
}

/// Where a search puts the addresses that it finds, from any thread. Dropping it
/// says that nothing more will be found.
///
/// ```
/// # use std::net::SocketAddr;
/// # use diptych_driver::discovery::Found;
/// fn resolved(found: &Found, addresses: &[SocketAddr]) {
///     if found.is_wanted() {
///         addresses.iter().for_each(|address| found.tell(*address));
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Found(mpsc::Sender<SocketAddr>);

impl Found {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<SocketAddr>) {
        let (found, addresses) = mpsc::channel(limits::DISCOVERED);
        (Self(found), addresses)
    }

    /// Tells one address. It is only ever dialled, so it may be wrong; beyond
    /// [`limits::DISCOVERED`] that wait to be dialled, more are dropped.
    pub fn tell(&self, address: SocketAddr) {
        _ = self.0.try_send(address);
    }

    /// Whether anybody still wants addresses.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

/// There is no multicast here, or no permission to use it.
///
/// ```
/// # use diptych_driver::discovery::Unavailable;
/// fn permitted(granted: Option<()>) -> Result<(), Unavailable> {
///     granted.ok_or(Unavailable)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("local discovery does not work in this network; the addresses in the code still do")]
pub struct Unavailable;

/// No discovery: finds nothing and says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Discovery for Nowhere {
    fn announce(&mut self, _: Vec<String>, _: u16, _: Vec<IpAddr>) -> Result<(), Unavailable> {
        Ok(())
    }

    fn silence(&mut self) {}

    fn find(&mut self, _: String, _: Found) -> Result<(), Unavailable> {
        Ok(())
    }

    fn forget(&mut self) {}
}

/// Multicast DNS in this process, for desktops.
#[derive(Default)]
pub struct Mdns {
    announcing: Option<Daemon>,
}

/// A daemon that ends when it is dropped, saying goodbye for its names.
struct Daemon(ServiceDaemon);

impl Mdns {
    /// Discovery that starts nothing until it is needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Discovery for Mdns {
    fn announce(
        &mut self,
        labels: Vec<String>,
        port: u16,
        addresses: Vec<IpAddr>,
    ) -> Result<(), Unavailable> {
        self.silence();
        let daemon = Daemon::start()?;
        for label in &labels {
            daemon.0.register(instance(label, port, &addresses)?).map_err(|_| Unavailable)?;
        }
        self.announcing = Some(daemon);
        Ok(())
    }

    fn silence(&mut self) {
        self.announcing = None;
    }

    fn find(&mut self, label: String, found: Found) -> Result<(), Unavailable> {
        let daemon = Daemon::start()?;
        let events = daemon.0.browse(SERVICE).map_err(|_| Unavailable)?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Unavailable)?;
        runtime.spawn(async move {
            let daemon = daemon;
            let mut known = BTreeSet::new();
            loop {
                let event = tokio::select! {
                    event = events.recv_async() => event,
                    () = found.0.closed() => break,
                };
                let Ok(event) = event else { break };
                let ServiceEvent::ServiceResolved(service) = event else { continue };
                if !is_sought(service.get_fullname(), &label) {
                    continue;
                }
                for address in
                    service.get_addresses().iter().map(|ip| dialable(ip, service.get_port()))
                {
                    if known.len() < limits::DISCOVERED && known.insert(address) {
                        found.tell(address);
                    }
                }
            }
            drop(daemon);
        });
        Ok(())
    }

    /// Nothing to do: the search ends when nobody wants its addresses.
    fn forget(&mut self) {}
}

impl std::fmt::Debug for Mdns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mdns").field("announcing", &self.announcing.is_some()).finish()
    }
}

impl Daemon {
    fn start() -> Result<Self, Unavailable> {
        ServiceDaemon::new().map(Self).map_err(|_| Unavailable)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        _ = self.0.shutdown();
    }
}

/// What is announced of this device under `label`. `[TRANSPORT-29]`
fn instance(label: &str, port: u16, own: &[IpAddr]) -> Result<ServiceInfo, Unavailable> {
    let host = format!("{label}.local.");
    let info = ServiceInfo::new(SERVICE, label, &host, own, port, &[("v", "1")][..]);
    let mut info = info.map_err(|_| Unavailable)?;
    // Probes (RFC 6762 section 8.1) ask for up to a second whether anybody has
    // the name. It is 64 bits of a secret key, so nobody has. Announced at once,
    // it is answered by the time that somebody has aimed a camera at the code:
    // for a second after an announcement nothing is (section 6).
    info.set_requires_probe(false);
    Ok(info)
}

/// Whether an instance that was found is the one under `label`. Multicast DNS keeps the
/// case of a name and does not tell names apart by it (RFC 6762 section 16).
/// `[TRANSPORT-30]`
fn is_sought(found: &str, label: &str) -> bool {
    found.eq_ignore_ascii_case(&format!("{label}.{SERVICE}"))
}

/// The socket address of a found one; a link-local address keeps its scope,
/// without which it cannot be dialled.
fn dialable(ip: &ScopedIp, port: u16) -> SocketAddr {
    let ScopedIp::V6(v6) = ip else { return SocketAddr::new(ip.to_ip_addr(), port) };
    std::net::SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "K7Q2ABCDEFGHI";

    #[test]
    fn a_name_is_an_instance_of_the_service_of_the_protocol() {
        // [TRANSPORT-29]
        let own = std::net::Ipv4Addr::new(192, 168, 1, 23);
        let info = instance(LABEL, 47_123, &[own.into()]).unwrap();
        assert_eq!(info.get_type(), "_diptych._udp.local.");
        assert_eq!(info.get_fullname(), "K7Q2ABCDEFGHI._diptych._udp.local.");
        assert_eq!(info.get_hostname(), "K7Q2ABCDEFGHI.local.");
        assert_eq!(info.get_port(), 47_123);
        assert_eq!(info.get_addresses_v4().into_iter().collect::<Vec<_>>(), [&own]);
        let txt: Vec<_> = info.get_properties().iter().map(ToString::to_string).collect();
        assert_eq!(txt, ["v=1"]);
    }

    #[test]
    fn a_name_is_found_in_either_case_and_no_other_is() {
        // [TRANSPORT-30]
        for found in ["K7Q2ABCDEFGHI._diptych._udp.local.", "k7q2abcdefghi._Diptych._udp.local."] {
            assert!(is_sought(found, LABEL), "{found}");
        }
        for other in ["K7Q2ABCDEFGHJ._diptych._udp.local.", "K7Q2ABCDEFGHI._other._udp.local."] {
            assert!(!is_sought(other, LABEL), "{other}");
        }
    }
}
