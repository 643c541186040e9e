//! The contract between the protocol and its world.
//!
//! A role's whole behaviour is one value that is told things and asked for
//! effects. It owns no socket, clock, file, thread or random source, so a
//! simulation of an hour costs milliseconds and replays exactly.
//!
//! # The law
//!
//! 1. After every [`Machine::command`] or [`Machine::handle`], call
//!    [`Machine::poll_output`] until it yields [`Output::Idle`].
//! 2. Carry outputs out in the order they come. An output that depends on a fact
//!    never precedes the [`Output::Append`] and [`Output::Sync`] of that fact:
//!    nobody is told what the journal does not know. `[SESSION-1]`
//! 3. After `Idle { wake }`, wait for the next thing to happen or for `wake`,
//!    and hand it in. A `wake` that is not later than the present is usual: what
//!    was queued leaves first, and what comes next is dated by a new reading of
//!    the clock. `[TRANSPORT-28]`
//!
//! Rejected: one queue per kind of output (the order between `Append` and
//! `Transmit` is what makes the journal evidence), and callbacks (they would run
//! inside a half-updated machine).

use core::fmt;
use core::net::SocketAddr;

use crate::fault::CloseCode;
use crate::identity::{Fingerprint, PublicKey, Role};
use crate::secret::{ChannelBinding, SecretBytes};
use crate::time::{Clock, Instant, Span};

/// A role's whole protocol. The law is in the [module](self)'s documentation.
pub trait Machine {
    /// The clock of the device that runs this machine.
    type Clock: Clock;
    /// What the app may ask for.
    type Command;
    /// What the app is told.
    type Event;
    /// Why a command was refused.
    type Rejected;

    /// The app asks for something; only this can be refused.
    ///
    /// # Errors
    /// When the command does not fit the state. Nothing has changed then.
    fn command(
        &mut self,
        now: Instant<Self::Clock>,
        command: Self::Command,
    ) -> Result<(), Self::Rejected>;

    /// The world happened. Never fails: a bad peer becomes an output.
    fn handle(&mut self, now: Instant<Self::Clock>, input: Input<'_>);

    /// Takes the next effect, in the order in which it must be carried out.
    fn poll_output(&mut self) -> Output<Self::Clock, Self::Event>;
}

/// One connection, numbered by the driver; never reused within a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u64);

/// What a connection is for: one ALPN each, so that the rule that admits unknown
/// keys can never be confused with the rule that admits pinned ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Purpose {
    /// ALPN `diptych-pair/1`: any well-formed client key, while a slot is open.
    Pair,
    /// ALPN `diptych/1`: both keys pinned.
    Resume,
}

/// The two ways messages travel on a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// One bidirectional stream: reliable, ordered, framed.
    Control,
    /// Datagrams (RFC 9221): heartbeats and clock messages, never retransmitted.
    Timing,
}

/// Which journal: the seat it was kept in, and which device kept it there. A
/// device that replaces another in its seat starts a journal of its own.
///
/// ```
/// # use diptych_protocol::identity::Role;
/// # use diptych_protocol::machine::JournalName;
/// let own = JournalName { role: Role::PRIMARY, device: 1 };
/// assert_eq!(own.to_string(), "P");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JournalName {
    /// The seat.
    pub role: Role,
    /// 1 for the first device in that seat, 2 for the one that replaced it, …
    pub device: u8,
}

/// Prints the file's stem: `P`, `A1`, and `A1.2` for a replacement.
impl fmt::Display for JournalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.device {
            0 | 1 => write!(f, "{}", self.role),
            later => write!(f, "{}.{later}", self.role),
        }
    }
}

/// What happened in the world.
#[derive(Debug)]
pub enum Input<'a> {
    /// The deadline of the last [`Output::Idle`] has passed.
    Wake,
    /// A connection is up and TLS has verified possession of `peer`. This is not
    /// "paired": that needs a proof (`[PAIRING-1]`).
    Connected {
        /// The new connection.
        link: LinkId,
        /// Its ALPN.
        purpose: Purpose,
        /// The key whose possession TLS proved.
        peer: PublicKey,
        /// Exporter value of this connection (RFC 8446 section 7.5).
        binding: ChannelBinding,
        /// Where the peer's packets come from. A hint, never an identity.
        remote: SocketAddr,
    },
    /// Bytes came. On [`Lane::Control`] a chunk of the stream, cut anywhere; on
    /// [`Lane::Timing`] one whole datagram.
    Received {
        /// The connection.
        link: LinkId,
        /// Stream or datagram.
        lane: Lane,
        /// How long they have waited for this call: `now` less the time of their
        /// arrival, never more than that. Not negative. Beside `now` and not in its
        /// place, since what is sent in answer leaves now. `[TRANSPORT-28]`
        age: Span,
        /// What came.
        bytes: &'a [u8],
    },
    /// The peer's packets now come from elsewhere (QUIC migration).
    Moved {
        /// The connection.
        link: LinkId,
        /// The new address.
        remote: SocketAddr,
    },
    /// A connection is gone.
    Disconnected {
        /// The connection.
        link: LinkId,
        /// Why.
        lost: Lost,
    },
    /// The last [`Output::Dial`] reached nobody.
    DialFailed {
        /// Why, as far as can be told.
        lost: Lost,
    },
    /// The system says that this device's network or addresses changed.
    NetworkChanged,
    /// This device slept for `span` since the last input; its clock counted it.
    Slept {
        /// For how long.
        span: Span,
    },
    /// Storage failed. The machine claims nothing durable from here on.
    StorageFailed,
}

/// Why a connection ended or could not be made.
///
/// ```
/// # use diptych_protocol::machine::Lost;
/// fn is_silence(lost: Lost) -> bool {
///     matches!(lost, Lost::TimedOut | Lost::Unreachable)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The peer closed it, saying why.
    Closed(CloseCode),
    /// The peer closed it with a number that the specification does not know.
    ClosedUnknown(u64),
    /// Silence.
    TimedOut,
    /// The peer restarted and no longer knows this connection (RFC 9000 section
    /// 10.3).
    Reset,
    /// TLS refused the peer's key: not the pinned one.
    WrongKey,
    /// No address led anywhere.
    Unreachable,
    /// This side closed it.
    Local,
}

/// Whom the listener lets in. `[PAIRING-2]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Admission {
    /// Whether [`Purpose::Pair`] connections are accepted, from any key.
    pub pairing: bool,
    /// The keys accepted for [`Purpose::Resume`].
    pub pinned: Vec<Fingerprint>,
}

/// What the driver must do next.
#[derive(Debug)]
pub enum Output<C: Clock, E> {
    /// Append `bytes` to the end of a journal: this device's own, or its copy of
    /// a peer's.
    Append {
        /// Which journal.
        journal: JournalName,
        /// One or more whole encoded records.
        bytes: Vec<u8>,
    },
    /// Make every `Append` so far durable before the next output is taken.
    Sync,
    /// Replace this device's small private state, durably and atomically. Holds
    /// secrets: the driver keeps it where only this app can read it.
    Store(SecretBytes),
    /// Send. A lane that cannot take the bytes loses them (`Timing`) or the
    /// connection (`Control`).
    Transmit {
        /// The connection.
        link: LinkId,
        /// Stream or datagram.
        lane: Lane,
        /// One frame, or one datagram.
        bytes: Vec<u8>,
    },
    /// Let these peers in, from now on.
    Admit(Admission),
    /// Connect to the holder of `peer` at any of `addresses`, raced. Takes the
    /// place of a dial that is under way.
    Dial {
        /// The pin that TLS must see.
        peer: Fingerprint,
        /// Where, most promising first.
        addresses: Vec<SocketAddr>,
        /// Which ALPN.
        purpose: Purpose,
        /// Names the peer in local discovery, for when its addresses changed.
        discovery: String,
    },
    /// Announce this device in local discovery under these names and no others;
    /// none stops it.
    Announce(Vec<String>),
    /// Close a connection, telling the peer why.
    Close {
        /// The connection.
        link: LinkId,
        /// Why.
        code: CloseCode,
    },
    /// Tell the app.
    Event(E),
    /// Nothing more to do until the next input, or until `wake`.
    Idle {
        /// When to hand in [`Input::Wake`], and the timer's name for the log.
        wake: Option<(Instant<C>, &'static str)>,
    },
}
