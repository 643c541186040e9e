//! Where a device can be reached: typed addresses with one encoding each.
//!
//! A QR code has room for a handful of addresses and none for ambiguity. Each
//! address is one type byte and a body of fixed length; the type says whether
//! it brings its own port (a redirected port of an emulator does). An address
//! that could be written in two ways is accepted in the shorter one only, so
//! that equal codes mean equal addresses. Rejected: textual addresses (three
//! times the size, and a parser for each notation), and a scope id on the wire
//! (the number of an interface means nothing on another device).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::limits;

/// The first eight bytes of every link-local address (RFC 4291 section 2.5.6).
const LINK_LOCAL: [u8; 8] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0];

/// One way to reach a device: an IP address, and a port of its own if the
/// device's common port does not hold there. `[TICKET-5]`
///
/// A link-local address carries no scope: whoever dials tries it once on each
/// interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    ip: IpAddr,
    port: Option<u16>,
}

/// One to six different addresses, most promising first, and their common port.
/// `[TICKET-5]` `[TICKET-9]`
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Addresses {
    port: u16,
    list: Vec<Address>,
}

/// Whether addresses of this very machine are acceptable.
///
/// ```
/// # use diptych_protocol::address::Loopback;
/// let two_phones = Loopback::Refused;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loopback {
    /// Two devices: a loopback address would lead a phone to itself.
    Refused,
    /// A rehearsal or test, with both roles on one machine.
    Allowed,
}

/// Why some bytes or values are not an [`Address`] or [`Addresses`].
///
/// ```
/// # use diptych_protocol::address::AddressError;
/// fn is_unreachable(error: &AddressError) -> bool {
///     matches!(error, AddressError::Count { got: 0 })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// A type byte that this version does not know.
    #[error("expected an address type from 4 to 9, got {got}; update the app")]
    Type {
        /// The byte that came.
        got: u8,
    },
    /// The bytes end inside an address.
    #[error("expected {expected} addresses, got {got} and a piece; scan again")]
    Truncated {
        /// How many were announced.
        expected: u8,
        /// How many were whole.
        got: u8,
    },
    /// None, or more than fit.
    #[error("expected 1 to {max} addresses, got {got}", max = limits::ADDRESSES)]
    Count {
        /// How many came.
        got: usize,
    },
    /// Port 0, which cannot be dialled.
    #[error("expected a port from 1 to 65535, got 0; listen before showing a code")]
    Port,
    /// `0.0.0.0`, `::` and their kin name no device.
    #[error("expected the address of a device, got {got}; list the interfaces' own addresses")]
    Unspecified {
        /// The address that came.
        got: IpAddr,
    },
    /// A group or broadcast address: QUIC talks to one device.
    #[error("expected the address of one device, got {got}, which names many")]
    Multicast {
        /// The address that came.
        got: IpAddr,
    },
    /// `127.0.0.1` on a code for another phone.
    #[error("expected an address that another device can reach, got {got}, which is this device")]
    Loopback {
        /// The address that came.
        got: IpAddr,
    },
    /// An IPv6 form of something that has a shorter form.
    #[error("expected the short form of {got}: type 4 for IPv4, type 5 for link-local")]
    LongForm {
        /// The address that came.
        got: Ipv6Addr,
    },
    /// The same address and port twice.
    #[error("expected different addresses, got {got} twice")]
    Duplicate {
        /// The second one.
        got: SocketAddr,
    },
}

impl Address {
    /// `ip`, at the device's common port.
    #[must_use]
    pub const fn new(ip: IpAddr) -> Self {
        Self { ip, port: None }
    }

    /// `ip`, at a port of its own: an emulator's or a redirected one.
    #[must_use]
    pub const fn with_port(ip: IpAddr, port: u16) -> Self {
        Self { ip, port: Some(port) }
    }

    /// The address to dial, if the device's common port is `common`.
    #[must_use]
    pub const fn socket(&self, common: u16) -> SocketAddr {
        let port = match self.port {
            Some(own) => own,
            None => common,
        };
        SocketAddr::new(self.ip, port)
    }

    /// How many bytes the encoded form takes, type byte included.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        let body = match self.ip {
            IpAddr::V4(_) => 4,
            IpAddr::V6(ip) if is_link_local(ip) => 8,
            IpAddr::V6(_) => 16,
        };
        1 + body + if self.port.is_some() { 2 } else { 0 }
    }

    /// The type byte: what kind of address, and whether a port follows it.
    const fn kind(&self) -> u8 {
        match (self.ip, self.port) {
            (IpAddr::V4(_), None) => 4,
            (IpAddr::V4(_), Some(_)) => 7,
            (IpAddr::V6(ip), None) if is_link_local(ip) => 5,
            (IpAddr::V6(ip), Some(_)) if is_link_local(ip) => 9,
            (IpAddr::V6(_), None) => 6,
            (IpAddr::V6(_), Some(_)) => 8,
        }
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.push(self.kind());
        match self.ip {
            IpAddr::V4(ip) => into.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) if is_link_local(ip) => {
                into.extend(ip.octets().iter().skip(LINK_LOCAL.len()));
            }
            IpAddr::V6(ip) => into.extend_from_slice(&ip.octets()),
        }
        if let Some(port) = self.port {
            into.extend_from_slice(&port.to_le_bytes());
        }
    }

    /// Takes one address off the front; `Ok(None)` if the bytes end inside it.
    fn decode(bytes: &mut &[u8]) -> Result<Option<Self>, AddressError> {
        let Some(kind) = take::<1>(bytes).map(|[kind]| kind) else { return Ok(None) };
        let ip = match kind {
            4 | 7 => take::<4>(bytes).map(|octets| IpAddr::V4(octets.into())),
            5 | 9 => take::<8>(bytes).map(|iid| IpAddr::V6(link_local(iid))),
            6 | 8 => take::<16>(bytes).map(|octets| IpAddr::V6(octets.into())),
            got => return Err(AddressError::Type { got }),
        };
        let Some(ip) = ip else { return Ok(None) };
        if let (IpAddr::V6(got), 6 | 8) = (ip, kind)
            && (is_link_local(got) || got.to_ipv4_mapped().is_some())
        {
            return Err(AddressError::LongForm { got });
        }
        if kind < 7 {
            return Ok(Some(Self::new(ip)));
        }
        Ok(take::<2>(bytes).map(|port| Self::with_port(ip, u16::from_le_bytes(port))))
    }

    /// Refuses what cannot be the address of one other device. `[TICKET-7]`
    fn check(&self, common: u16, loopback: Loopback) -> Result<(), AddressError> {
        let got = self.ip;
        if self.socket(common).port() == 0 {
            return Err(AddressError::Port);
        }
        let names_none = match got {
            IpAddr::V4(ip) => ip.octets().first() == Some(&0),
            IpAddr::V6(ip) => ip.is_unspecified(),
        };
        if names_none {
            return Err(AddressError::Unspecified { got });
        }
        if got.is_multicast() || got == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(AddressError::Multicast { got });
        }
        if got.is_loopback() && loopback == Loopback::Refused {
            return Err(AddressError::Loopback { got });
        }
        Ok(())
    }
}

impl Addresses {
    /// Checks and takes a list.
    ///
    /// # Errors
    /// [`AddressError`], if any of them cannot be dialled by another device, if
    /// there are none or too many, or if two are the same.
    pub fn new(list: &[Address], port: u16, loopback: Loopback) -> Result<Self, AddressError> {
        if list.is_empty() || list.len() > limits::ADDRESSES {
            return Err(AddressError::Count { got: list.len() });
        }
        if port == 0 {
            return Err(AddressError::Port);
        }
        for (index, address) in list.iter().enumerate() {
            address.check(port, loopback)?;
            let got = address.socket(port);
            if list.iter().take(index).any(|earlier| earlier.socket(port) == got) {
                return Err(AddressError::Duplicate { got });
            }
            if let IpAddr::V6(got) = address.ip
                && got.to_ipv4_mapped().is_some()
            {
                return Err(AddressError::LongForm { got });
            }
        }
        Ok(Self { port, list: list.to_vec() })
    }

    /// Reads `count` encoded addresses off the front of `bytes`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn decode(
        count: u8,
        port: u16,
        bytes: &mut &[u8],
        loopback: Loopback,
    ) -> Result<Self, AddressError> {
        let got = usize::from(count);
        if got == 0 || got > limits::ADDRESSES {
            return Err(AddressError::Count { got });
        }
        let mut list = Vec::with_capacity(got);
        for got in 0..count {
            let address = Address::decode(bytes)?;
            list.push(address.ok_or(AddressError::Truncated { expected: count, got })?);
        }
        Self::new(&list, port, loopback)
    }

    /// Appends the encoded addresses, without count and port.
    pub fn encode(&self, into: &mut Vec<u8>) {
        self.list.iter().for_each(|address| address.encode(into));
    }

    /// The port of every address that has none of its own.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many there are: 1 to [`limits::ADDRESSES`].
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.list.len()).unwrap_or(u8::MAX)
    }

    /// The addresses, most promising first.
    #[must_use]
    pub fn list(&self) -> &[Address] {
        &self.list
    }

    /// What to dial, most promising first.
    pub fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        self.list.iter().map(|address| address.socket(self.port))
    }
}

const fn is_link_local(ip: Ipv6Addr) -> bool {
    matches!(ip.octets(), [0xfe, 0x80, 0, 0, 0, 0, 0, 0, ..])
}

fn link_local(iid: [u8; 8]) -> Ipv6Addr {
    let bits = u128::from(u64::from_be_bytes(LINK_LOCAL)) << 64;
    Ipv6Addr::from_bits(bits | u128::from(u64::from_be_bytes(iid)))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 47_123;

    fn all_types() -> Vec<Address> {
        ["192.168.1.23", "fe80::1:2:3:4", "fd00::7"]
            .iter()
            .map(|ip| ip.parse().unwrap())
            .flat_map(|ip| [Address::new(ip), Address::with_port(ip, 5)])
            .collect()
    }

    #[test]
    fn six_types_round_trip() {
        // [TICKET-5]
        let list = Addresses::new(&all_types(), PORT, Loopback::Refused).unwrap();
        let mut bytes = Vec::new();
        list.encode(&mut bytes);
        let mut rest = bytes.as_slice();
        let types: Vec<u8> = all_types()
            .iter()
            .map(|address| {
                let mut one = Vec::new();
                address.encode(&mut one);
                assert_eq!(one.len(), address.encoded_len());
                one[0]
            })
            .collect();
        assert_eq!(types, [4, 7, 5, 9, 6, 8]);
        assert_eq!(Addresses::decode(6, PORT, &mut rest, Loopback::Refused), Ok(list));
        assert!(rest.is_empty());
        for cut in 0..bytes.len() {
            let mut rest = &bytes[..cut];
            let error = Addresses::decode(6, PORT, &mut rest, Loopback::Refused).unwrap_err();
            assert!(matches!(error, AddressError::Truncated { expected: 6, .. }), "{cut}: {error}");
        }
    }

    #[test]
    fn unusable_addresses_are_named() {
        // [TICKET-7]
        let of = |ip: &str| {
            let list = [Address::new(ip.parse().unwrap())];
            Addresses::new(&list, PORT, Loopback::Refused).unwrap_err()
        };
        assert!(matches!(of("0.0.0.0"), AddressError::Unspecified { .. }));
        assert!(matches!(of("0.1.2.3"), AddressError::Unspecified { .. }));
        assert!(matches!(of("::"), AddressError::Unspecified { .. }));
        assert!(matches!(of("224.0.0.251"), AddressError::Multicast { .. }));
        assert!(matches!(of("255.255.255.255"), AddressError::Multicast { .. }));
        assert!(matches!(of("ff02::fb"), AddressError::Multicast { .. }));
        assert!(matches!(of("127.0.0.1"), AddressError::Loopback { .. }));
        assert!(matches!(of("::1"), AddressError::Loopback { .. }));
        assert!(matches!(of("::ffff:10.0.0.1"), AddressError::LongForm { .. }));
        let here = [Address::new("127.0.0.1".parse().unwrap())];
        assert!(Addresses::new(&here, PORT, Loopback::Allowed).is_ok());
        assert_eq!(Addresses::new(&here, 0, Loopback::Allowed), Err(AddressError::Port));
        let zero = [Address::with_port("10.0.0.1".parse().unwrap(), 0)];
        assert_eq!(Addresses::new(&zero, PORT, Loopback::Refused), Err(AddressError::Port));
        assert_eq!(
            Addresses::new(&[], PORT, Loopback::Refused),
            Err(AddressError::Count { got: 0 })
        );
    }

    #[test]
    fn one_address_has_one_form() {
        // [TICKET-7]
        let ip = "10.0.0.1".parse().unwrap();
        let twice = [Address::new(ip), Address::with_port(ip, PORT)];
        let error = Addresses::new(&twice, PORT, Loopback::Refused).unwrap_err();
        assert_eq!(error, AddressError::Duplicate { got: SocketAddr::new(ip, PORT) });
        let mut long = vec![6, 0xfe, 0x80];
        long.extend([0; 14]);
        let error =
            Addresses::decode(1, PORT, &mut long.as_slice(), Loopback::Refused).unwrap_err();
        assert!(matches!(error, AddressError::LongForm { .. }), "{error}");
        let error = Addresses::decode(1, PORT, &mut &[3][..], Loopback::Refused).unwrap_err();
        assert_eq!(error, AddressError::Type { got: 3 });
    }
}
