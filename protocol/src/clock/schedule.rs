//! When to probe.
//!
//! A session starts with a burst, because a bound is wanted before the first frame;
//! then heartbeats carry on and short bursts keep the floors fresh. The first
//! message of a burst wakes sleeping radios and is not expected to be fast; the
//! others find them awake. Rejected: single probes at a fixed rate (on a phone that
//! saves power every one of them measures the beacon interval, not the clock).

use super::estimate::Estimator;
use crate::time::{Instant, Primary, Span};

/// Between two messages of the start burst. `[CLOCK-22]`
const START_SPACING: Span = Span::from_millis(25);
/// The start burst sends at least this many, and stops at this many. `[CLOCK-22]`
const START_PROBES: (u16, u16) = (12, 80);
/// The start burst looks back this many messages for progress. `[CLOCK-22]`
const START_PROGRESS: u16 = 6;
/// Messages of a later burst, the waking one included. `[CLOCK-23]`
const BURST: u8 = 4;
/// Between two messages of a later burst: less than any radio stays awake.
const BURST_SPACING: Span = Span::from_millis(20);
/// The second message of a burst goes out when the first was answered, so that it
/// finds both radios awake, or after this time: three beacon intervals.
/// `[CLOCK-23]`
const WAKING: Span = Span::from_millis(320);
/// How often to look whether the first message was answered.
const LOOK: Span = Span::from_millis(10);
/// Between two bursts in the first seconds, whatever they found: a queue that
/// hides the floor cannot be told from a longer path. `[CLOCK-22]`
const EARLY_PERIOD: Span = Span::from_millis(500);
/// For how long after a start bursts come that often.
const EARLY: Span = Span::from_secs(10);
/// Between two bursts near an edge. `[CLOCK-24]`
const DENSE_PERIOD: Span = Span::from_secs(1);
/// Between two bursts otherwise, at least: below one probe a second. `[CLOCK-23]`
const PERIOD: Span = Span::from_millis(4_100);
/// And at most, while heartbeats alone keep the noise low and the bound
/// tight. `[CLOCK-32]`
const LONGEST_PERIOD: Span = Span::from_millis(8_200);
/// How often to look whether they still do.
const REVIEW: Span = Span::from_secs(1);
/// A silence after which bursts begin as at the start. `[CLOCK-22]`
const SILENCE: Span = Span::from_secs(10);
/// Before and after a recording edge or interruption. `[CLOCK-24]`
const DENSE: Span = Span::from_secs(5);
/// An estimate at least this good ends the start burst.
const SETTLED: Span = Span::from_micros(20);
/// An estimate at least this good lets a burst wait. `[CLOCK-32]`
const STEADY: Span = Span::from_micros(10);
/// A bound is tight if it is wider than the narrowest one by at most one part in
/// this many. `[CLOCK-32]`
const TIGHT: i64 = 9;

/// Why a probe is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// To wake a radio that may sleep; the answer may be slow.
    Wake,
    /// To measure.
    Measure,
}

/// When the primary sends probes, beside its heartbeats.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    phase: Phase,
    next: Instant<Primary>,
    /// When the last burst ended.
    rested: Instant<Primary>,
    /// Half the narrowest bound since the start burst.
    narrowest: Option<Span>,
    dense_until: Instant<Primary>,
    early_until: Instant<Primary>,
    heard: Option<Instant<Primary>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    Start { sent: u16, width: Option<Span>, since_progress: u16 },
    Waking { since: Instant<Primary> },
    Burst { left: u8 },
}

impl Schedule {
    /// A start burst from `now`.
    #[must_use]
    pub fn new(now: Instant<Primary>) -> Self {
        Self {
            phase: Phase::START,
            next: now,
            rested: now,
            narrowest: None,
            dense_until: now,
            early_until: now + EARLY,
            heard: None,
        }
    }

    /// The link is new, or clocks or paths changed: a start burst again.
    pub fn restart(&mut self, now: Instant<Primary>) {
        self.phase = Phase::START;
        self.next = now;
        self.narrowest = None;
        self.early_until = now + EARLY;
    }

    /// A message contradicts what is known of the clocks: measures at once, as at
    /// the start, unless that is what it does already. `[CLOCK-11]`
    pub fn suspect(&mut self, now: Instant<Primary>) {
        if !matches!(self.phase, Phase::Start { .. }) {
            self.restart(now);
        }
    }

    /// A probe was answered. Goes on with a burst whose first message it was, begins
    /// anew after a silence, and asks again at once while a new clock epoch is
    /// suspected: three answers decide that. `[CLOCK-11]` `[CLOCK-23]`
    pub fn answered(&mut self, now: Instant<Primary>, estimator: &Estimator) {
        let silence = self.heard.map_or(Span::ZERO, |heard| now - heard);
        self.heard = Some(now);
        match self.phase {
            _ if silence > SILENCE => self.restart(now),
            Phase::Waking { .. } => {
                self.phase = Phase::Burst { left: BURST - 1 };
                self.next = now;
            }
            Phase::Burst { left: BURST } if estimator.is_doubtful() => self.next = now,
            Phase::Start { .. } | Phase::Burst { .. } => {}
        }
    }

    /// A recording began or ended, or an interruption did: bursts come closer
    /// until 5 s after `now`. `[CLOCK-24]`
    pub fn edge(&mut self, now: Instant<Primary>) {
        self.dense_until = self.dense_until.max(now + DENSE);
        if matches!(self.phase, Phase::Burst { left: BURST }) && self.next > now {
            self.next = now;
        }
    }

    /// The plan foretells an edge at `at`: within 5 s of it bursts come closer, so
    /// that the edge has measurements on both its sides. `[CLOCK-24]`
    pub fn foretold(&mut self, now: Instant<Primary>, at: Instant<Primary>) {
        let near = at >= now && at - now <= DENSE;
        if near && self.dense_until < at + DENSE {
            self.edge(now);
            self.dense_until = at + DENSE;
        }
    }

    /// When to call [`Self::poll`] next.
    #[must_use]
    pub const fn wake(&self) -> Option<Instant<Primary>> {
        Some(self.next)
    }

    /// Whether to send a probe at `now`, and why.
    pub fn poll(&mut self, now: Instant<Primary>, estimator: &Estimator) -> Option<Probe> {
        if now < self.next {
            return None;
        }
        if matches!(self.phase, Phase::Burst { left: BURST }) && self.can_wait(now, estimator) {
            self.next = (now + REVIEW).min(self.rested + LONGEST_PERIOD);
            return None;
        }
        match &mut self.phase {
            Phase::Start { sent, width, since_progress } => {
                *sent = sent.saturating_add(1);
                *since_progress = since_progress.saturating_add(1);
                let probe = if *sent == 1 { Probe::Wake } else { Probe::Measure };
                let certain = estimator.interval(now).map(|certain| certain.half_width());
                if let Some(certain) = certain
                    && width.is_none_or(|width| certain.times(10) < width.times(9))
                {
                    *width = Some(certain);
                    *since_progress = 0;
                }
                let (least, most) = START_PROBES;
                let still = *since_progress >= START_PROGRESS && width.is_some();
                self.next = now + START_SPACING;
                if *sent >= most || (*sent >= least && still && is_within(SETTLED, now, estimator))
                {
                    self.rest(now, estimator);
                }
                Some(probe)
            }
            Phase::Waking { since } => {
                let answered = estimator.latest_instant().is_some_and(|at| at >= *since);
                if !answered && now - *since < WAKING {
                    self.next = now + LOOK;
                    return None;
                }
                self.phase = Phase::Burst { left: BURST - 1 };
                self.poll(now, estimator)
            }
            Phase::Burst { left: BURST } => {
                self.phase = Phase::Waking { since: now };
                self.next = now + LOOK;
                Some(Probe::Wake)
            }
            Phase::Burst { left } => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.rest(now, estimator);
                } else {
                    self.next = now + BURST_SPACING;
                }
                Some(Probe::Measure)
            }
        }
    }

    fn rest(&mut self, now: Instant<Primary>, estimator: &Estimator) {
        let period = if now < self.early_until {
            EARLY_PERIOD
        } else if now < self.dense_until {
            DENSE_PERIOD
        } else {
            PERIOD
        };
        self.note_bound(now, estimator);
        self.rested = now;
        self.phase = Phase::Burst { left: BURST };
        self.next = now + period;
    }

    /// Whether a burst would add little. Where radios sleep heartbeats measure
    /// nothing, the bound widens at once and every burst is due. `[CLOCK-32]`
    fn can_wait(&mut self, now: Instant<Primary>, estimator: &Estimator) -> bool {
        let asked = now < self.early_until.max(self.dense_until) || estimator.is_doubtful();
        let tight = self.note_bound(now, estimator);
        tight && !asked && now - self.rested < LONGEST_PERIOD && is_within(STEADY, now, estimator)
    }

    /// Whether the bound is near its narrowest.
    fn note_bound(&mut self, now: Instant<Primary>, estimator: &Estimator) -> bool {
        let Some(half) = estimator.interval(now).map(|certain| certain.half_width()) else {
            return false;
        };
        let narrowest = self.narrowest.map_or(half, |before| before.min(half));
        self.narrowest = Some(narrowest);
        half.times(TIGHT) <= narrowest.times(TIGHT + 1)
    }
}

impl Phase {
    const START: Self = Self::Start { sent: 0, width: None, since_progress: 0 };
}

fn is_within(limit: Span, now: Instant<Primary>, estimator: &Estimator) -> bool {
    estimator.estimate(now).is_some_and(|here| here.noise <= limit)
}
