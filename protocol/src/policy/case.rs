//! What is judged, and what comes out.

use core::fmt;
use std::collections::BTreeSet;

use crate::identity::Role;
use crate::ledger::{Cause, Flag, Loss, Unknown};
use crate::time::{Instant, Primary, Span};

/// When the exam was, in session time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// When the waiting window opened, if there was one.
    pub waiting: Option<Instant<Primary>>,
    /// When answering began.
    pub start: Instant<Primary>,
    /// When answering ended.
    pub end: Instant<Primary>,
}

/// Time that a proctor's or server's key has signed off, on every role.
/// `[POLICY-17]`
///
/// ```
/// # use diptych_protocol::policy::Excuse;
/// # use diptych_protocol::time::{Instant, Primary, Span};
/// fn fire_alarm(rang: Instant<Primary>) -> Excuse {
///     Excuse { start: rang, end: rang + Span::from_secs(600) }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Excuse {
    /// From when.
    pub start: Instant<Primary>,
    /// Until when.
    pub end: Instant<Primary>,
}

/// A gap that the app announced before it caused it. `[POLICY-18]`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Expected {
    /// Whose camera.
    pub role: Role,
    /// When it was announced.
    pub start: Instant<Primary>,
    /// When it was over.
    pub end: Instant<Primary>,
}

/// Everything that happened in one session, as far as anybody can prove it.
/// There is no place in it for the state of a link. `[POLICY-14]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// When the exam was.
    pub window: Window,
    /// Whether every role was recording before the waiting window closed.
    pub ready: bool,
    /// Proven losses, in any order, overlapping or repeated.
    pub losses: Vec<Loss>,
    /// What can be neither proved nor excluded.
    pub unknown: Vec<Unknown>,
    /// Signed excuses and pauses.
    pub excused: Vec<Excuse>,
    /// Announced gaps.
    pub expected: Vec<Expected>,
}

impl Case {
    /// A case in which nothing went wrong between `start` and `end`.
    #[must_use]
    pub const fn clean(start: Instant<Primary>, end: Instant<Primary>) -> Self {
        Self {
            window: Window { waiting: None, start, end },
            ready: true,
            losses: Vec::new(),
            unknown: Vec::new(),
            excused: Vec::new(),
            expected: Vec::new(),
        }
    }
}

/// What the policy yields; what follows from it is for people to decide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Within the policy, whatever the unknown hides.
    Pass,
    /// Beyond the policy, whatever the unknown hides.
    Fail,
    /// It depends on what the unknown hides.
    Undetermined,
    /// Not every role recorded in time for the exam to begin.
    NotReady,
}

/// A limit that was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// Too many interruptions.
    Count,
    /// An interruption that was too long.
    Duration,
}

/// The rules, by the numbers that the specification gives them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Rule {
    /// Losses are cut to the window.
    Clip = 1,
    /// Losses without stable coverage between them are one interruption.
    Merge = 2,
    /// Interruptions that lost very little are dropped.
    Hiccup = 3,
    /// Interruptions that begin together are one episode.
    CommonCause = 4,
    /// What makes up the count.
    Count = 5,
    /// Each interruption's length is tested alone.
    Duration = 6,
    /// The count is tested.
    CountLimit = 7,
    /// The link proves nothing.
    Link = 8,
    /// The unknown is tried both ways.
    Unknown = 9,
    /// Sound.
    Audio = 10,
    /// Heat and low frame rates decide nothing.
    Degraded = 11,
    /// The waiting window.
    Waiting = 12,
    /// Signed excuses.
    Excuse = 13,
    /// All reasons are listed.
    Overlap = 14,
}

/// Whether an interruption is in the count, and if not, why not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// It is in the count.
    Counted,
    /// Another interruption opened its episode.
    SameEpisode,
    /// It lost too little.
    Hiccup,
    /// An excuse or an announced gap left too little of it.
    Excused,
    /// The policy judges the primary only.
    OutOfScope,
    /// It lies in the waiting window, which the policy does not count.
    Waiting,
    /// It is a loss of sound, which the policy does not count.
    Sound,
}

/// An interruption's length against the limit. `[POLICY-10]`
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Length {
    /// Within the limit, or not tested.
    Within,
    /// Too close to the limit to be sure: it passes.
    Marginal,
    /// Beyond the limit by more than the uncertainty.
    Over,
}

/// One interruption of one role, and what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interruption {
    /// Whose camera.
    pub role: Role,
    /// The start of its first loss.
    pub start: Instant<Primary>,
    /// The end of its last loss: the stable return, or the end of the window.
    pub end: Instant<Primary>,
    /// Time without coverage in it that nobody excused.
    pub lost: Span,
    /// From start to end, less what was excused: what the limit is tested on.
    pub duration: Span,
    /// How far `duration` may be from the truth.
    pub uncertainty: Span,
    /// The cause of its first loss.
    pub cause: Cause,
    /// The episode it belongs to, from 1; `None` if it was dropped before.
    pub episode: Option<u32>,
    /// Whether it is in the count.
    pub standing: Standing,
    /// Its length against the limit.
    pub length: Length,
}

/// The answer, and every step to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What the policy yields.
    pub verdict: Verdict,
    /// On a FAIL, which limits are exceeded when all that is unknown was covered.
    pub reasons: BTreeSet<Reason>,
    /// When the first of them became true. `[POLICY-19]`
    pub failed_at: Option<Instant<Primary>>,
    /// The least count over all readings of the unknown.
    pub count_min: u32,
    /// The greatest count over all readings of the unknown.
    pub count_max: u32,
    /// What happened when all that is unknown was covered, by start, then role.
    pub interruptions: Vec<Interruption>,
    /// What the rules want a person to see.
    pub flags: BTreeSet<Flag>,
}

impl Verdict {
    /// The stable name in reports and vectors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Undetermined => "UNDETERMINED",
            Self::NotReady => "NOT_READY",
        }
    }
}

impl Reason {
    /// The stable name in reports and vectors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Duration => "DURATION",
        }
    }
}

impl Standing {
    /// The rule that decided it.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Self::Counted | Self::OutOfScope => Rule::Count,
            Self::SameEpisode => Rule::CommonCause,
            Self::Hiccup => Rule::Hiccup,
            Self::Excused => Rule::Excuse,
            Self::Waiting => Rule::Waiting,
            Self::Sound => Rule::Audio,
        }
    }

    /// The stable name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counted => "COUNTED",
            Self::SameEpisode => "SAME_EPISODE",
            Self::Hiccup => "HICCUP",
            Self::Excused => "EXCUSED",
            Self::OutOfScope => "OUT_OF_SCOPE",
            Self::Waiting => "WAITING",
            Self::Sound => "SOUND",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{}", *self as u8)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
