//! What is to happen to the devices of one session, and what their report has to
//! say about it: one description for every bed.
//!
//! A scenario names faults by what they do to a device, never by the command that
//! does it, so that the same words run on namespaces and on guests. Rejected: a
//! test function for each bed and scenario; two texts that should agree, do not.

use std::time::Duration;

/// One of the devices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Who {
    /// The device in front, which shows the code.
    Primary,
    /// An assistant, from 1.
    Assistant(u8),
}

impl Who {
    /// As journals and reports call it: `P`, `A1`.
    pub(crate) fn role(self) -> String {
        match self {
            Self::Primary => "P".to_owned(),
            Self::Assistant(number) => format!("A{number}"),
        }
    }
}

/// How the devices reach each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Network {
    /// One local network with multicast. What passes may be impaired.
    Lan(Impairment),
    /// The same, and the code names an address that nobody has: only multicast
    /// leads to the primary.
    Lost,
    /// The assistant reaches the primary only through a redirected port at an
    /// address that the code carries; no multicast. What passes may be impaired.
    Redirected(Impairment),
}

/// What happens to datagrams in both directions, in order of sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Impairment {
    /// The least delay one way, in microseconds.
    pub(crate) delay_us: u64,
    /// The mean of what is added, Pareto with a heavy tail, in microseconds.
    pub(crate) tail_us: u64,
    /// Lost, in parts per million.
    pub(crate) loss_ppm: u64,
}

/// A path that lets everything pass at once.
pub(crate) const CALM: Impairment = Impairment { delay_us: 0, tail_us: 0, loss_ppm: 0 };

/// How wrong an assistant's clock is, beside what the bed makes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Skew {
    /// Fast by so many parts per billion.
    pub(crate) ppb: i64,
}

/// Something that is done to a device. Lengths are what the report is held to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Its link has no carrier for so long.
    LinkDown { who: Who, lasts: Duration },
    /// Its process ends at once, or its machine loses power, and starts again
    /// after so long with nothing but its disk.
    Killed { who: Who, lasts: Duration },
    /// Both at once, as above.
    AllKilled { lasts: Duration },
    /// It has another address of the same network from now on.
    AddressChanged { who: Who },
    /// Its wall clock steps by so many seconds.
    WallStepped { who: Who, seconds: i64 },
    /// It sleeps for so long.
    Suspended { who: Who, lasts: Duration },
    /// It stands still for so long, its clocks with it.
    Paused { who: Who, lasts: Duration },
    /// Its programs stand still for so long, and its clocks run on.
    Idle { who: Who, lasts: Duration },
    /// For so long its own kernel disturbs what it sends, in the words of `tc netem`.
    Disturbed { who: Who, netem: &'static str, lasts: Duration },
    /// Its storage has no room left for so long. Its program has to say so, and go
    /// on by itself when there is room.
    StorageFull { who: Who, lasts: Duration },
    /// It gets this share of a processor for so long.
    Starved { who: Who, percent: u8, lasts: Duration },
    /// A second phone scans the code that the first assistant has used.
    SecondScan,
    /// A phone dials the primary's address with a code of its own making.
    Stranger,
    /// The seat's assistant is replaced, and comes back afterwards.
    Replaced { who: Who },
}

/// A fault, so long after answering has begun (after pairing, for strangers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) fault: Fault,
}

/// An interruption that has to be in the report: a hole of at least and at most
/// this length in this camera. There may be no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hole {
    pub(crate) who: Who,
    pub(crate) least: Duration,
    pub(crate) most: Duration,
}

/// What the report has to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expectation {
    /// `PASS`, `FAIL`, …
    pub(crate) verdict: &'static str,
    /// Every interruption that counts, alone or in an episode of several cameras.
    pub(crate) holes: &'static [Hole],
    /// Episodes: holes that begin together on several cameras are one.
    pub(crate) count: u32,
    /// Flags that have to be in the report, among others.
    pub(crate) flags: &'static [&'static str],
    /// The cause that the report names for each interruption, where the device
    /// itself could tell it.
    pub(crate) cause: Option<&'static str>,
    /// The largest error of a clock that is let through, where the bed knows the
    /// truth; it must be within its stated bound in any case.
    pub(crate) clock_error: Duration,
}

/// One named test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// For `--list` and filters; begins with its number.
    pub(crate) name: &'static str,
    /// Who is there besides the primary.
    pub(crate) assistants: u8,
    pub(crate) network: Network,
    pub(crate) skew: Skew,
    /// How long answering lasts.
    pub(crate) answering: Duration,
    pub(crate) steps: &'static [Step],
    pub(crate) expect: Expectation,
    /// Whether it waits for `--full`.
    pub(crate) full: bool,
}

/// What a scenario asks of a bed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    Lan,
    ImpairedLan,
    Redirected,
    SecondAssistant,
    LinkDown,
    Kill,
    AddressChange,
    WallStep,
    Suspend,
    Pause,
    Idle,
    Netem,
    StorageFull,
    Starve,
    Visitor,
    Replacement,
}

impl Scenario {
    /// Everything that a bed has to be able to do.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let network = match self.network {
            Network::Lan(path) if path != CALM => Need::ImpairedLan,
            Network::Lan(_) | Network::Lost => Need::Lan,
            Network::Redirected(_) => Need::Redirected,
        };
        let mut needs = vec![network];
        if self.assistants > 1 {
            needs.push(Need::SecondAssistant);
        }
        needs.extend(self.steps.iter().map(|step| match step.fault {
            Fault::LinkDown { .. } => Need::LinkDown,
            Fault::Killed { .. } | Fault::AllKilled { .. } => Need::Kill,
            Fault::AddressChanged { .. } => Need::AddressChange,
            Fault::WallStepped { .. } => Need::WallStep,
            Fault::Suspended { .. } => Need::Suspend,
            Fault::Paused { .. } => Need::Pause,
            Fault::Idle { .. } => Need::Idle,
            Fault::Disturbed { .. } => Need::Netem,
            Fault::StorageFull { .. } => Need::StorageFull,
            Fault::Starved { .. } => Need::Starve,
            Fault::SecondScan | Fault::Stranger => Need::Visitor,
            Fault::Replaced { .. } => Need::Replacement,
        }));
        needs
    }

    /// The devices, the primary first.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = Who> + use<> {
        core::iter::once(Who::Primary).chain((1..=self.assistants).map(Who::Assistant))
    }
}
