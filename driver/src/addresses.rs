//! Where this device can be reached, most promising first, and who is a neighbour.
//!
//! A code carries at most six addresses, so their order is a decision: the Wi-Fi
//! or Ethernet address that a home router gave comes first, then a hotspot's own,
//! then IPv6. Tunnels, mobile data, containers and loopback cannot lead an
//! assistant here and are left out. `[TRANSPORT-21]`
//!
//! The interfaces are asked for through `if-addrs`, which the discovery library
//! needs anyway. Rejected: guessing from the route to some public address (works
//! only with Internet, names one address of several), and reading netlink by hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// The network interfaces of this device at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Surroundings {
    interfaces: Vec<Interface>,
}

/// One address of one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Interface {
    name: String,
    address: IpAddr,
    /// Bits of the subnet's prefix.
    prefix: u8,
    /// The number that scopes link-local addresses.
    index: u32,
    up: bool,
    point_to_point: bool,
}

/// What kind of network an address belongs to, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Worth {
    Private4,
    Public4,
    UniqueLocal6,
    LinkLocal6,
    Global6,
    SelfAssigned4,
}

impl Surroundings {
    /// Asks the system. Empty if it does not answer.
    #[must_use]
    pub fn look() -> Self {
        let found = if_addrs::get_if_addrs().unwrap_or_default();
        let interfaces = found.into_iter().map(|one| {
            let prefix = match &one.addr {
                if_addrs::IfAddr::V4(v4) => v4.prefixlen,
                if_addrs::IfAddr::V6(v6) => v6.prefixlen,
            };
            Interface {
                address: one.ip(),
                prefix,
                index: one.index.unwrap_or(0),
                up: one.is_oper_up(),
                point_to_point: one.is_p2p(),
                name: one.name,
            }
        });
        Self { interfaces: interfaces.collect() }
    }

    /// The addresses to put in a code or to announce, most promising first,
    /// without duplicates. A self-assigned IPv4 address is named only if there is
    /// nothing else. `[TRANSPORT-21]`
    #[must_use]
    pub fn candidates(&self) -> Vec<IpAddr> {
        let mut rated: Vec<(Worth, bool, IpAddr)> = self
            .interfaces
            .iter()
            .filter(|one| one.is_local_network())
            .filter_map(|one| Some((worth(one.address)?, one.is_hotspot(), one.address)))
            .collect();
        rated.sort();
        rated.dedup();
        if rated.iter().any(|(worth, ..)| *worth != Worth::SelfAssigned4) {
            rated.retain(|(worth, ..)| *worth != Worth::SelfAssigned4);
        }
        rated.into_iter().map(|(.., address)| address).collect()
    }

    /// The addresses to dial for one that a code names: itself, or for an IPv6
    /// link-local address without scope one for each local network of this device.
    #[must_use]
    pub fn scoped(&self, address: SocketAddr) -> Vec<SocketAddr> {
        match address {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
                let mut scopes: Vec<u32> = self
                    .interfaces
                    .iter()
                    .filter(|one| one.is_local_network() && one.address.is_ipv6())
                    .map(|one| one.index)
                    .collect();
                scopes.sort_unstable();
                scopes.dedup();
                let with = |scope| SocketAddrV6::new(*v6.ip(), v6.port(), 0, scope).into();
                scopes.into_iter().map(with).collect()
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => vec![address],
        }
    }

    /// Whether this device is in any local network.
    #[must_use]
    pub fn has_network(&self) -> bool {
        self.interfaces.iter().any(Interface::is_local_network)
    }

    /// Whether a tunnel is up.
    #[must_use]
    pub fn has_tunnel(&self) -> bool {
        self.interfaces.iter().any(|one| one.up && one.is_tunnel())
    }

    /// Whether `address` is in a subnet of this device.
    #[must_use]
    pub fn shares_subnet(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|one| one.is_local_network() && one.contains(address))
    }

    /// Whether packets from `address` may open a connection: it is private,
    /// link-local, unique-local, this device itself, or in one of its subnets.
    /// `[TRANSPORT-16]`
    #[must_use]
    pub fn is_neighbour(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let near = match address {
            IpAddr::V4(v4) => {
                // 100.64.0.0/10 is what some carriers and hotspots hand out.
                let [first, second, ..] = v4.octets();
                let shared = first == 100 && second & 0xC0 == 64;
                v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared
            }
            IpAddr::V6(v6) => {
                v6.is_unicast_link_local() || v6.is_unique_local() || v6.is_loopback()
            }
        };
        near || self.shares_subnet(address)
    }

    /// Interfaces as data, all up.
    #[cfg(test)]
    pub(crate) fn of_test(interfaces: &[(&str, &str, u8)]) -> Self {
        let make = |(number, (name, address, prefix)): (usize, &(&str, &str, u8))| Interface {
            name: (*name).to_owned(),
            address: address.parse().unwrap(),
            prefix: *prefix,
            index: u32::try_from(number).unwrap() + 1,
            up: true,
            point_to_point: false,
        };
        Self { interfaces: interfaces.iter().enumerate().map(make).collect() }
    }
}

impl Interface {
    fn is_local_network(&self) -> bool {
        self.up && !self.address.is_loopback() && !self.is_tunnel() && !self.is_elsewhere()
    }

    /// VPN and other point-to-point links.
    fn is_tunnel(&self) -> bool {
        self.point_to_point
            || self.named(&["tun", "tap", "ppp", "ipsec", "utun", "wg", "tailscale"])
    }

    /// Mobile data, containers and virtual machines: no phone of the exam is there.
    fn is_elsewhere(&self) -> bool {
        let mobile = ["rmnet", "ccmni", "pdp_ip", "wwan", "clat", "v4-", "dummy"];
        let contained = ["docker", "br-", "veth", "virbr", "vmnet", "cni", "podman", "awdl", "llw"];
        self.named(&mobile) || self.named(&contained)
    }

    /// The device's own hotspot: as good as Wi-Fi, but named second, because when
    /// both exist the phones usually meet in the Wi-Fi.
    fn is_hotspot(&self) -> bool {
        self.named(&["ap", "swlan", "softap", "bridge", "wlan1", "wlan2"])
    }

    fn named(&self, prefixes: &[&str]) -> bool {
        prefixes.iter().any(|prefix| self.name.starts_with(prefix))
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask =
                    u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

fn worth(address: IpAddr) -> Option<Worth> {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() || v4.is_loopback() => None,
        IpAddr::V4(v4) if v4.is_link_local() => Some(Worth::SelfAssigned4),
        IpAddr::V4(v4) if v4.is_private() => Some(Worth::Private4),
        IpAddr::V4(_) => Some(Worth::Public4),
        IpAddr::V6(v6) if v6.is_unspecified() || v6.is_loopback() => None,
        IpAddr::V6(v6) if v6.is_unique_local() => Some(Worth::UniqueLocal6),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(Worth::LinkLocal6),
        IpAddr::V6(_) => Some(Worth::Global6),
    }
}

/// The wildcard address of both families, or of IPv4 where there is no IPv6.
pub(crate) const WILDCARDS: [IpAddr; 2] =
    [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_ordered_by_promise_and_free_of_dead_ends() {
        // [TRANSPORT-21]
        let phone = Surroundings::of_test(&[
            ("lo", "127.0.0.1", 8),
            ("rmnet0", "10.44.3.2", 30),
            ("tun0", "10.8.0.2", 24),
            ("docker0", "172.17.0.1", 16),
            ("wlan0", "fe80::1234", 64),
            ("wlan0", "2001:db8::7", 64),
            ("ap0", "192.168.43.1", 24),
            ("wlan0", "169.254.9.9", 16),
            ("wlan0", "fd00::7", 64),
            ("wlan0", "192.168.1.23", 24),
        ]);
        let expected: Vec<IpAddr> =
            ["192.168.1.23", "192.168.43.1", "fd00::7", "fe80::1234", "2001:db8::7"]
                .map(|text| text.parse().unwrap())
                .to_vec();
        assert_eq!(phone.candidates(), expected);
        let alone = Surroundings::of_test(&[("wlan0", "169.254.9.9", 16)]);
        assert_eq!(alone.candidates(), ["169.254.9.9".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn link_local_addresses_are_dialled_once_for_each_network() {
        let two = Surroundings::of_test(&[
            ("wlan0", "fe80::1", 64),
            ("lo", "::1", 128),
            ("eth0", "fe80::2", 64),
        ]);
        let dialled = two.scoped("[fe80::99]:4433".parse().unwrap());
        assert_eq!(
            dialled,
            ["[fe80::99%1]:4433".parse().unwrap(), "[fe80::99%3]:4433".parse().unwrap()]
        );
        let plain = "192.168.1.9:1".parse().unwrap();
        assert_eq!(two.scoped(plain), [plain]);
    }

    #[test]
    fn only_neighbours_may_knock() {
        // [TRANSPORT-16]
        let home =
            Surroundings::of_test(&[("wlan0", "192.168.1.7", 24), ("wlan0", "2001:db8:1::7", 64)]);
        let near = [
            "10.0.2.2",
            "100.64.0.1",
            "169.254.1.1",
            "fe80::1",
            "fd12::1",
            "127.0.0.1",
            "2001:db8:1::9",
            "::ffff:192.168.1.9",
        ];
        let far = ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8:2::9"];
        for text in near {
            assert!(home.is_neighbour(text.parse().unwrap()), "{text}");
        }
        for text in far {
            assert!(!home.is_neighbour(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let here = Surroundings::look();
        assert!(here.is_neighbour(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(here.candidates().iter().all(|address| !address.is_loopback()));
    }
}
