//! One machine of either role, without the role in its type.
//!
//! The world treats all devices alike: it hands in what happens and carries out
//! what is asked. Only here do clocks and commands get their role back.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::{Fingerprint, Role, SessionId};
use diptych_protocol::ledger::Observed;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::machine::{
    Admission, Input, JournalName, Lane, LinkId, Machine, Output, Purpose,
};
use diptych_protocol::policy::Tally;
use diptych_protocol::primary::{self, PrimaryMachine};
use diptych_protocol::recording::Fragment;
use diptych_protocol::secondary::{self, SecondaryMachine};
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::session::{HostFact, Refused};
use diptych_protocol::time::{Clock, Instant, Span};

/// A machine of either role.
pub(crate) enum Brain {
    Primary(Box<PrimaryMachine>),
    Assistant(Box<SecondaryMachine>),
}

/// What a machine tells its host.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// A primary's event.
    Primary(primary::Event),
    /// An assistant's event.
    Assistant(secondary::Event),
}

/// What a machine asks of the world; see `Output`.
pub(crate) enum Effect {
    Append {
        journal: JournalName,
        bytes: Vec<u8>,
    },
    Sync,
    Store(SecretBytes),
    Transmit {
        link: LinkId,
        lane: Lane,
        bytes: Vec<u8>,
    },
    Admit(Admission),
    Dial {
        peer: Fingerprint,
        addresses: Vec<std::net::SocketAddr>,
        purpose: Purpose,
        discovery: String,
    },
    Announce(Vec<String>),
    Close {
        link: LinkId,
        code: CloseCode,
    },
    Event(Told),
    Idle(Option<i64>),
}

/// What a host tells of its device; instants are readings of its clock.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Started { take: u32, file: String },
    Committed { first: i64, last: i64, frames: u32 },
    Stopped,
    CameraLost(Observed),
    CameraBack,
    SoundLost(Observed),
    SoundBack,
    Announced(Span),
    ScreenLeft(Observed),
    ScreenBack,
}

impl Act {
    fn fact<C: Clock>(self) -> HostFact<C> {
        match self {
            Self::Started { take, file } => {
                HostFact::RecordingStarted { take, timescale: 1_000_000, file }
            }
            Self::Committed { first, last, frames } => {
                let (first, last) = (Instant::from_nanos(first), Instant::from_nanos(last));
                let bytes = u64::from(frames) * 2_000;
                HostFact::Committed {
                    fragment: Fragment { first, last, frames, bytes, sha256: [7; 32] },
                    offset: 0,
                }
            }
            Self::Stopped => HostFact::RecordingStopped(Observed::NOTHING),
            Self::CameraLost(observed) => HostFact::CameraLost(observed),
            Self::CameraBack => HostFact::CameraBack,
            Self::SoundLost(observed) => HostFact::AudioLost(observed),
            Self::SoundBack => HostFact::AudioBack,
            Self::Announced(longest) => HostFact::ExpectedGap { longest },
            Self::ScreenLeft(observed) => HostFact::ScreenLeft(observed),
            Self::ScreenBack => HostFact::ScreenBack,
        }
    }
}

impl Brain {
    pub(crate) fn handle(&mut self, now: i64, input: Input<'_>) {
        match self {
            Self::Primary(machine) => machine.handle(Instant::from_nanos(now), input),
            Self::Assistant(machine) => machine.handle(Instant::from_nanos(now), input),
        }
    }

    pub(crate) fn host(&mut self, now: i64, act: Act) -> Result<(), Refused> {
        match self {
            Self::Primary(machine) => {
                machine.command(Instant::from_nanos(now), primary::Command::Host(act.fact()))
            }
            Self::Assistant(machine) => {
                machine.command(Instant::from_nanos(now), secondary::Command::Host(act.fact()))
            }
        }
    }

    pub(crate) fn poll(&mut self) -> Effect {
        match self {
            Self::Primary(machine) => effect(machine.poll_output(), Told::Primary),
            Self::Assistant(machine) => effect(machine.poll_output(), Told::Assistant),
        }
    }

    /// The seats that are taken, as an app finds them when it starts: every one for
    /// a primary, its own for an assistant.
    pub(crate) fn taken(&self, now: i64) -> Vec<u8> {
        match self {
            Self::Primary(machine) => {
                let seats = machine.snapshot(Instant::from_nanos(now)).seats;
                let taken = seats.iter().filter(|seat| seat.label.is_some());
                taken.map(|seat| seat.role.number()).collect()
            }
            Self::Assistant(machine) => {
                let own = machine.snapshot(Instant::from_nanos(now)).role;
                own.iter().map(|role| role.number()).collect()
            }
        }
    }

    /// The count that the screen of a primary shows when its app starts.
    pub(crate) fn tally(&self, now: i64) -> Option<Tally> {
        match self {
            Self::Primary(machine) => Some(machine.snapshot(Instant::from_nanos(now)).tally),
            Self::Assistant(_) => None,
        }
    }

    /// The seats whose link a primary shows as LIVE.
    pub(crate) fn live(&self, now: i64) -> Vec<Role> {
        let Self::Primary(machine) = self else { return Vec::new() };
        let seats = machine.snapshot(Instant::from_nanos(now)).seats;
        let live = seats.iter().filter(|seat| seat.link == LinkState::Live);
        live.map(|seat| seat.role).collect()
    }

    /// The session that a primary leads.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self {
            Self::Primary(machine) => Some(machine.session()),
            Self::Assistant(_) => None,
        }
    }

    pub(crate) fn lead(&mut self, now: i64, command: primary::Command) -> Result<(), Refused> {
        match self {
            Self::Primary(machine) => machine.command(Instant::from_nanos(now), command),
            Self::Assistant(_) => Err(Refused::WrongRole),
        }
    }

    pub(crate) fn follow(&mut self, now: i64, command: secondary::Command) -> Result<(), Refused> {
        match self {
            Self::Primary(_) => Err(Refused::WrongRole),
            Self::Assistant(machine) => machine.command(Instant::from_nanos(now), command),
        }
    }
}

fn effect<C: Clock, E>(output: Output<C, E>, told: impl Fn(E) -> Told) -> Effect {
    match output {
        Output::Append { journal, bytes } => Effect::Append { journal, bytes },
        Output::Sync => Effect::Sync,
        Output::Store(state) => Effect::Store(state),
        Output::Transmit { link, lane, bytes } => Effect::Transmit { link, lane, bytes },
        Output::Admit(admission) => Effect::Admit(admission),
        Output::Dial { peer, addresses, purpose, discovery } => {
            Effect::Dial { peer, addresses, purpose, discovery }
        }
        Output::Announce(names) => Effect::Announce(names),
        Output::Close { link, code } => Effect::Close { link, code },
        Output::Event(event) => Effect::Event(told(event)),
        Output::Idle { wake } => Effect::Idle(wake.map(|(at, _)| at.nanos())),
    }
}

/// The seat that a primary's event speaks of.
pub(crate) fn seat_of(role: Role) -> usize {
    usize::from(role.number())
}

/// `ns` as a span.
pub(crate) const fn span(ns: i64) -> Span {
    Span::from_nanos(ns)
}
