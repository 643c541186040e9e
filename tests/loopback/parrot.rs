//! A machine that does what it is told and tells what it hears: the smallest
//! thing that exercises every output and every input of the contract.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::net::SocketAddr;

use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::{Fingerprint, PublicKey, Role};
use diptych_protocol::machine::{
    Admission, Input, JournalName, Lane, LinkId, Lost, Machine, Output, Purpose,
};
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::time::{Clock, Instant, Span};

pub(crate) const JOURNAL: JournalName = JournalName { role: Role::PRIMARY, device: 1 };

pub(crate) struct Parrot<C: Clock> {
    outputs: VecDeque<Output<C, Heard>>,
    /// Whether what is received is sent back on the same lane.
    echoes: bool,
    wake: Option<Instant<C>>,
    /// Everything received on the control lane, for `inspect`.
    pub(crate) received: Vec<u8>,
    clock: PhantomData<C>,
}

#[derive(Debug)]
pub(crate) enum Order {
    Admit(Admission),
    Dial {
        peer: Fingerprint,
        addresses: Vec<SocketAddr>,
        purpose: Purpose,
    },
    /// Dial whoever discovery finds under this label.
    Find {
        peer: Fingerprint,
        label: &'static str,
    },
    Send {
        link: LinkId,
        lane: Lane,
        bytes: Vec<u8>,
    },
    Close {
        link: LinkId,
        code: CloseCode,
    },
    /// Append, sync, and only then say so.
    Record {
        bytes: Vec<u8>,
        tell: Option<LinkId>,
    },
    Store(Vec<u8>),
    WakeIn(Span),
    Refuse,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Connected {
        link: LinkId,
        purpose: Purpose,
        peer: PublicKey,
        binding: [u8; 32],
        remote: SocketAddr,
    },
    Received {
        link: LinkId,
        lane: Lane,
        bytes: Vec<u8>,
        at: i64,
    },
    Moved {
        link: LinkId,
        remote: SocketAddr,
    },
    Disconnected {
        link: LinkId,
        lost: Lost,
    },
    DialFailed {
        lost: Lost,
    },
    NetworkChanged,
    Slept(Span),
    StorageFailed,
    Woke {
        at: i64,
    },
    Recorded,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct No;

impl<C: Clock> Parrot<C> {
    pub(crate) fn new(echoes: bool) -> Self {
        Self {
            outputs: VecDeque::new(),
            echoes,
            wake: None,
            received: Vec::new(),
            clock: PhantomData,
        }
    }
}

impl<C: Clock> Machine for Parrot<C> {
    type Clock = C;
    type Command = Order;
    type Event = Heard;
    type Rejected = No;

    fn command(&mut self, now: Instant<C>, order: Order) -> Result<(), No> {
        let output = match order {
            Order::Admit(admission) => Output::Admit(admission),
            Order::Dial { peer, addresses, purpose } => {
                Output::Dial { peer, addresses, purpose, discovery: String::new() }
            }
            Order::Find { peer, label } => Output::Dial {
                peer,
                addresses: vec![],
                purpose: Purpose::Resume,
                discovery: label.to_owned(),
            },
            Order::Send { link, lane, bytes } => Output::Transmit { link, lane, bytes },
            Order::Close { link, code } => Output::Close { link, code },
            Order::Record { bytes, tell } => {
                self.outputs.push_back(Output::Append { journal: JOURNAL, bytes: bytes.clone() });
                self.outputs.push_back(Output::Sync);
                if let Some(link) = tell {
                    self.outputs.push_back(Output::Transmit { link, lane: Lane::Control, bytes });
                }
                Output::Event(Heard::Recorded)
            }
            Order::Store(state) => Output::Store(SecretBytes::new(state)),
            Order::WakeIn(span) => {
                self.wake = Some(now + span);
                return Ok(());
            }
            Order::Refuse => return Err(No),
        };
        self.outputs.push_back(output);
        Ok(())
    }

    fn handle(&mut self, now: Instant<C>, input: Input<'_>) {
        let heard = match input {
            Input::Wake => {
                self.wake = None;
                Heard::Woke { at: now.nanos() }
            }
            Input::Connected { link, purpose, peer, binding, remote } => {
                Heard::Connected { link, purpose, peer, binding: *binding.expose(), remote }
            }
            Input::Received { link, lane, age, bytes } => {
                if lane == Lane::Control {
                    self.received.extend(bytes);
                }
                if self.echoes {
                    let bytes = bytes.to_vec();
                    self.outputs.push_back(Output::Transmit { link, lane, bytes });
                }
                Heard::Received { link, lane, bytes: bytes.to_vec(), at: (now - age).nanos() }
            }
            Input::Moved { link, remote } => Heard::Moved { link, remote },
            Input::Disconnected { link, lost } => Heard::Disconnected { link, lost },
            Input::DialFailed { lost } => Heard::DialFailed { lost },
            Input::NetworkChanged => Heard::NetworkChanged,
            Input::Slept { span } => Heard::Slept(span),
            Input::StorageFailed => Heard::StorageFailed,
        };
        self.outputs.push_back(Output::Event(heard));
    }

    fn poll_output(&mut self) -> Output<C, Heard> {
        let wake = self.wake.map(|at| (at, "parrot"));
        self.outputs.pop_front().unwrap_or(Output::Idle { wake })
    }
}
