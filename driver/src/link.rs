//! What connects the machine to its peers, as the loop sees it.
//!
//! Sending never waits and never fails here: a lane that cannot take the bytes
//! loses them (`Timing`) or the connection (`Control`), and a lost connection is
//! news like any other. What arrives carries the instant at which the reader took
//! it from the transport, not the instant at which the machine gets round to it:
//! the difference is an fsync, and would be an error of the clock. `[TRANSPORT-11]`
//!
//! [`Quic`](crate::quic::Quic) is the link of the product; tests of the loop use a
//! queue.
//!
//! Rejected: a send that can be waited for (the loop would stand still behind the
//! slowest peer, and with it the clock of all others), a send that returns an error
//! (the machine would hear of one loss in two places), and one object for each
//! connection (whoever holds it would keep alive what the machine has closed).

use std::net::SocketAddr;

use bytes::Bytes;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::{Fingerprint, PublicKey};
use diptych_protocol::machine::{Admission, Input, Lane, LinkId, Lost, Purpose};
use diptych_protocol::secret::ChannelBinding;
use diptych_protocol::time::{Clock, Instant, Span};

use crate::diagnosis::Diagnosis;

/// Connections to peers.
pub trait Link<C: Clock>: Send {
    /// Sends on a connection; unknown connections swallow it.
    fn transmit(&mut self, link: LinkId, lane: Lane, bytes: Vec<u8>);

    /// Lets these peers in from now on.
    fn admit(&mut self, admission: Admission);

    /// Connects, giving up any earlier attempt that has not succeeded yet.
    fn dial(&mut self, dial: Dial);

    /// Announces this device in local discovery under these names and no others;
    /// none stops it.
    fn announce(&mut self, names: Vec<String>);

    /// Closes a connection, telling the peer why.
    fn close(&mut self, link: LinkId, code: CloseCode);

    /// The system says that the network changed: sockets may have died.
    fn network_changed(&mut self);

    /// The next thing that happened. Cancel-safe. Waits for ever if nothing can.
    fn next(&mut self) -> impl Future<Output = Arrival<C>> + Send;

    /// Closes everything and waits, not longer than needed to tell the peers.
    fn finish(&mut self) -> impl Future<Output = ()> + Send;
}

/// Whom to call, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dial {
    /// The pin that TLS must see.
    pub peer: Fingerprint,
    /// Where, most promising first.
    pub addresses: Vec<SocketAddr>,
    /// Which application protocol.
    pub purpose: Purpose,
    /// The peer's name in local discovery; empty if it has none.
    pub discovery: String,
}

/// Something that happened, and when.
#[derive(Debug)]
pub struct Arrival<C: Clock> {
    /// When the reader saw it.
    pub at: Instant<C>,
    /// What happened.
    pub what: Happening,
}

/// What a link has to tell.
#[derive(Debug)]
pub enum Happening {
    /// As [`Input::Connected`].
    Connected {
        /// The new connection.
        link: LinkId,
        /// Its application protocol.
        purpose: Purpose,
        /// The key whose possession TLS proved.
        peer: PublicKey,
        /// Exporter value of this connection.
        binding: ChannelBinding,
        /// Where the peer's packets come from.
        remote: SocketAddr,
    },
    /// As [`Input::Received`].
    Received {
        /// The connection.
        link: LinkId,
        /// Stream or datagram.
        lane: Lane,
        /// What came.
        bytes: Bytes,
    },
    /// As [`Input::Moved`].
    Moved {
        /// The connection.
        link: LinkId,
        /// The new address.
        remote: SocketAddr,
    },
    /// As [`Input::Disconnected`].
    Disconnected {
        /// The connection.
        link: LinkId,
        /// Why.
        lost: Lost,
    },
    /// As [`Input::DialFailed`].
    DialFailed {
        /// Why.
        lost: Lost,
    },
    /// Something for the person, which the machine need not know.
    Trouble(Diagnosis),
}

impl Happening {
    /// The machine's view of it, or what the app is to be told instead.
    ///
    /// `age`: how long ago it happened.
    pub(crate) fn input(&self, age: Span) -> Result<Input<'_>, Diagnosis> {
        Ok(match self {
            Self::Connected { link, purpose, peer, binding, remote } => Input::Connected {
                link: *link,
                purpose: *purpose,
                peer: *peer,
                binding: binding.clone(),
                remote: *remote,
            },
            Self::Received { link, lane, bytes } => {
                Input::Received { link: *link, lane: *lane, age, bytes }
            }
            Self::Moved { link, remote } => Input::Moved { link: *link, remote: *remote },
            Self::Disconnected { link, lost } => Input::Disconnected { link: *link, lost: *lost },
            Self::DialFailed { lost } => Input::DialFailed { lost: *lost },
            Self::Trouble(diagnosis) => return Err(*diagnosis),
        })
    }
}
