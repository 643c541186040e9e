//! Which addresses a code carries.
//!
//! An app may know better than the system (a redirected port, an emulator's
//! gateway), the system knows its interfaces, and a socket that is bound to one
//! address is reached at no other. Rejected: putting every address of the machine
//! into the code; six fit, and dead ones cost an assistant time.

use std::net::{IpAddr, SocketAddr};

use diptych_driver::embed::Failure;
use diptych_driver::quic::Sockets;
use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::ticket::Ticket;

use crate::Supply;

/// How the addresses in the codes are found.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    advertise: Vec<SocketAddr>,
    /// The one address that is listened on, if it is not all of them.
    bound: Option<IpAddr>,
    loopback: Loopback,
}

impl Reach {
    pub(crate) fn new(advertise: Vec<SocketAddr>, supply: &Supply) -> Self {
        let bound = match &supply.sockets {
            Sockets::Address(address) if !address.ip().is_unspecified() => Some(address.ip()),
            Sockets::Address(_) | Sockets::Port(_) | Sockets::FromApp(_) => None,
        };
        Self { advertise, bound, loopback: supply.loopback }
    }

    /// The addresses to put into a code, most promising first.
    pub(crate) fn addresses(&self, port: u16, own: &[SocketAddr]) -> Result<Addresses, Failure> {
        let short = |to: &SocketAddr| match to.port() {
            same if same == port => Address::new(to.ip()),
            other => Address::with_port(to.ip(), other),
        };
        let list: Vec<Address> = match self.bound {
            _ if !self.advertise.is_empty() => self.advertise.iter().map(short).collect(),
            Some(ip) => vec![Address::new(ip)],
            None => own.iter().map(short).collect(),
        };
        Ok(Ticket::fitting(&list, port, self.loopback)?)
    }
}
