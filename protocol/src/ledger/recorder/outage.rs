//! What goes into the recorder, what comes out, and a loss while it is open.

use super::Observed;
use crate::limits;
use crate::time::{Clock, Instant, Span};

/// The state of the machine, for the screen and the heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Not set up.
    Idle,
    /// The camera is open; no frame is committed yet.
    Armed,
    /// Frames are being committed.
    Recording,
    /// No coverage.
    Lost,
    /// Covered again, not yet for long enough.
    Returning,
    /// Over.
    Ended,
}

/// What the recorder compares time with; all of it from the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watch {
    /// The longest silence between committed frames that is still recording.
    pub frame_gap: Span,
    /// Coverage that ends an interruption.
    pub stable: Span,
    /// The length after which the screen warns.
    pub max_duration: Option<Span>,
}

/// Something that happened on the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<C: Clock> {
    /// The camera is open and the checks are passed.
    Arm,
    /// Frames captured from `first` to `last` are durable.
    Frames {
        /// Capture of the first.
        first: Instant<C>,
        /// Capture of the last.
        last: Instant<C>,
    },
    /// The examinee left the exam screen. Ignored on an assistant.
    ScreenLeft,
    /// The exam screen is in front again. Ignored on an assistant.
    ScreenBack,
    /// The platform reported something about the camera: a hint, never a loss.
    Camera(Observed),
    /// The app is about to take the camera itself, for at most this long.
    Announce(Span),
    /// Time has passed.
    Wake,
    /// The recording was stopped, or the window has ended.
    Stop,
}

/// What changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<C: Clock> {
    /// IDLE → ARMED.
    Armed,
    /// ARMED → RECORDING.
    Started {
        /// Capture of the first frame.
        first: Instant<C>,
    },
    /// → LOST.
    Lost {
        /// The end of coverage; `None` if that was before this boot.
        since: Option<Instant<C>>,
        /// The best guess.
        cause: Observed,
    },
    /// The app is alive, no frames come and nothing said why. `[LEDGER-10]`
    SilentStop {
        /// The end of coverage.
        since: Instant<C>,
    },
    /// The loss has become longer than the policy allows. A warning, not a
    /// verdict; once for each interruption. `[LEDGER-12]`
    Overdue {
        /// The end of coverage; `None` if that was before this boot.
        since: Option<Instant<C>>,
    },
    /// LOST → RETURNING.
    Returning {
        /// From when on there is coverage again.
        at: Instant<C>,
    },
    /// RETURNING → LOST.
    Relapsed {
        /// When the interruption began.
        since: Option<Instant<C>>,
    },
    /// LOST → RECORDING: frames that came late prove that nothing was lost.
    Withdrawn,
    /// An interruption is over.
    Closed(Outage<C>),
    /// → ENDED.
    Ended,
}

/// Where a recovered recorder's loss began. `[LEDGER-9]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin<C: Clock> {
    /// In this boot: the capture of the last frame in the journal.
    SameBoot(Instant<C>),
    /// In an earlier boot, whose clock says nothing on this one.
    EarlierBoot,
}

/// Whether the app had announced a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Announced {
    /// It had, and the whole interruption lies within it. `[LEDGER-15]`
    Inside,
    /// It had not, or the interruption is longer.
    No,
}

/// An interruption as its own device saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage<C: Clock> {
    /// The end of coverage; `None` if that was before this boot.
    pub start: Option<Instant<C>>,
    /// The stable return, or the end of the session.
    pub end: Instant<C>,
    /// Time without coverage, as far as this boot can tell.
    pub lost: Span,
    /// How far the length may be from the truth. `[LEDGER-16]`
    pub uncertainty: Span,
    /// The best guess.
    pub cause: Observed,
    /// Whether the app had announced it.
    pub announced: Announced,
}

/// An interruption that is not over.
#[derive(Clone, Copy)]
pub(super) struct Open<C: Clock> {
    /// The end of coverage; `None` if that was before this boot.
    pub(super) since: Option<Instant<C>>,
    /// Where the present loss began; the boot, if that was before it.
    pub(super) piece: Instant<C>,
    /// Losses of this interruption that are over.
    lost: Span,
    /// Where the coverage before the present loss began.
    pub(super) returned: Option<Instant<C>>,
    pub(super) cause: Observed,
    /// What a crash adds to the uncertainty.
    tail: Span,
    warned: Warned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Warned {
    No,
    Yes,
}

impl<C: Clock> Open<C> {
    pub(super) const fn new(since: Instant<C>, cause: Observed) -> Self {
        Self {
            since: Some(since),
            piece: since,
            lost: Span::ZERO,
            returned: None,
            cause,
            tail: Span::ZERO,
            warned: Warned::No,
        }
    }

    pub(super) const fn recovered(origin: Origin<C>, cause: Observed) -> Self {
        let (since, piece) = match origin {
            Origin::SameBoot(last) => (Some(last), last),
            // The clock of a boot begins at zero.
            Origin::EarlierBoot => (None, Instant::from_nanos(0)),
        };
        Self { since, tail: limits::FRAGMENT_TYPICAL, ..Self::new(piece, cause) }
    }

    /// When it began; the boot, if that was before it.
    pub(super) fn began(&self) -> Instant<C> {
        self.since.unwrap_or(Instant::from_nanos(0))
    }

    /// When it becomes overdue, unless it has been said.
    pub(super) fn overdue_from(&self, watch: &Watch) -> Option<Instant<C>> {
        let limit = watch.max_duration?;
        (self.warned == Warned::No).then(|| self.began() + limit)
    }

    pub(super) const fn warn(&mut self) {
        self.warned = Warned::Yes;
    }

    /// The present loss ends.
    pub(super) fn covered_from(self, at: Instant<C>) -> Self {
        let piece = (at - self.piece).max(Span::ZERO);
        Self { lost: self.lost + piece, returned: Some(at), ..self }
    }

    /// Another loss of the same interruption begins. The coverage between them
    /// is remembered, in case the new loss turns out to be none.
    pub(super) const fn relapse(&mut self, since: Instant<C>) {
        self.piece = since;
    }

    /// The present loss began at another instant than it seemed.
    pub(super) fn move_piece(&mut self, since: Instant<C>) {
        if self.since == Some(self.piece) {
            self.since = Some(since);
        }
        self.piece = since;
    }

    pub(super) fn close(
        self,
        end: Instant<C>,
        announced: Option<(Instant<C>, Instant<C>)>,
    ) -> Outage<C> {
        let length = end - self.began();
        let rate = Span::from_nanos(length.nanos().max(0) / limits::RATE_UNCERTAINTY);
        let inside = announced.is_some_and(|(from, until)| self.began() >= from && end <= until);
        Outage {
            start: self.since,
            end,
            lost: self.lost,
            uncertainty: limits::FRAME_UNCERTAINTY + rate + self.tail,
            cause: self.cause,
            announced: if inside { Announced::Inside } else { Announced::No },
        }
    }
}
