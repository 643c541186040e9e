//! Which addresses a code carries.
//!
//! An app may know better than the system (a redirected port, an emulator's
//! gateway), the system knows its interfaces, and a socket that is bound to one
//! address is reached at no other. Rejected: putting every address of the machine
//! into the code; six fit, and dead ones cost an assistant time.

use std::net::{IpAddr, SocketAddr};

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::primary::{Command, PrimaryMachine};
use diptych_protocol::ticket::Ticket;
use diptych_protocol::time;

use super::{Embedded, Failure, Supply};
use crate::quic::Sockets;

/// How a device finds out where others reach it.
#[derive(Clone, Debug)]
pub struct Reach {
    advertise: Vec<SocketAddr>,
    /// The one address that is listened on, if it is not all of them.
    bound: Option<IpAddr>,
    loopback: Loopback,
}

impl Reach {
    /// By `advertise`, if it names any; by the address that `supply` binds to, if
    /// it is one; else by all of the device's own.
    #[must_use]
    pub fn new<C: time::Clock>(advertise: Vec<SocketAddr>, supply: &Supply<C>) -> Self {
        let bound = match &supply.sockets {
            Sockets::Address(address) if !address.ip().is_unspecified() => Some(address.ip()),
            Sockets::Address(_) | Sockets::Port(_) | Sockets::FromApp(_) => None,
        };
        Self { advertise, bound, loopback: supply.loopback }
    }

    /// What to put in a code: as many as fit. An advertised port of 0 stands for
    /// the one that is listened on. `None` while the device has no network.
    /// `[SESSION-34]`
    ///
    /// # Errors
    /// [`Failure::Addresses`] if there are some, and none that another device can
    /// dial.
    pub fn addresses(&self, port: u16, own: &[SocketAddr]) -> Result<Option<Addresses>, Failure> {
        let short = |to: &SocketAddr| match to.port() {
            same if same == port || same == 0 => Address::new(to.ip()),
            other => Address::with_port(to.ip(), other),
        };
        let list: Vec<Address> = match self.bound {
            _ if !self.advertise.is_empty() => self.advertise.iter().map(short).collect(),
            Some(ip) => vec![Address::new(ip)],
            None => own.iter().map(short).collect(),
        };
        if list.is_empty() {
            return Ok(None);
        }
        Ok(Some(Ticket::fitting(&list, port, self.loopback)?))
    }

    /// Takes the networks as they are now: every link is tried, and the codes get
    /// the new addresses. Without any network they stay as they are.
    /// `[SESSION-19]` `[SESSION-34]`
    ///
    /// # Errors
    /// As [`Reach::addresses`]; [`Failure::Stopped`].
    pub fn renew(&self, primary: &Embedded<PrimaryMachine>) -> Result<(), Failure> {
        primary.network_changed()?;
        match self.addresses(primary.port(), &primary.candidates())? {
            Some(addresses) => primary.ask(Command::Addresses(addresses)),
            None => Ok(()),
        }
    }
}
