//! When to probe.
//!
//! A session starts with a burst, because a bound is wanted before the first frame;
//! then heartbeats carry on. The first message of a burst wakes sleeping radios and
//! is not expected to be fast; the others find them awake. In quiet times an answered
//! heartbeat has woken them already, and a single probe right behind it measures.
//! Rejected: single probes at a fixed rate (on a phone that saves power every one of
//! them measures the beacon interval, not the clock), and bursts all along (three
//! times the bytes for the same noise).

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
/// Between two measurements otherwise, on average. With heartbeats and their answers
/// less than 300 bytes a second. `[CLOCK-32]`
const PERIOD: Span = Span::from_millis(1_200);
/// And how much longer the assistant's heartbeat is awaited, which makes a waking
/// message unnecessary: what a burst costs, that many are due in. `[CLOCK-32]`
const LISTENING: Span = Span::from_millis(4_800);
/// A silence after which bursts begin as at the start. `[CLOCK-22]`
const SILENCE: Span = Span::from_secs(10);
/// Before and after a recording edge or interruption. `[CLOCK-24]`
const DENSE: Span = Span::from_secs(5);
/// An estimate at least this good ends the start burst.
const SETTLED: Span = Span::from_micros(20);
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
    /// From when on a heartbeat of the assistant begins a measurement.
    due: Instant<Primary>,
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
            due: now,
            dense_until: now,
            early_until: now + EARLY,
            heard: None,
        }
    }

    /// The link is new, or clocks or paths changed: a start burst again, and a few
    /// seconds of bursts behind it. `[CLOCK-22]`
    pub fn restart(&mut self, now: Instant<Primary>) {
        self.phase = Phase::START;
        self.next = now;
        if self.heard.is_none() {
            self.early_until = now + EARLY;
        }
        self.dense_until = self.dense_until.max(now + DENSE);
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
            Phase::REST if estimator.is_doubtful() => self.next = now,
            Phase::Start { .. } | Phase::Burst { .. } => {}
        }
    }

    /// A recording began or ended, or an interruption did: bursts come closer
    /// until 5 s after `now`. `[CLOCK-24]`
    pub fn edge(&mut self, now: Instant<Primary>) {
        self.dense_until = self.dense_until.max(now + DENSE);
        if matches!(self.phase, Phase::REST) && self.next > now {
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

    /// The assistant's heartbeat came, in answer to the primary's: both radios are
    /// awake, and a measurement that is due needs no burst. `[CLOCK-32]`
    pub fn heartbeat(&mut self, now: Instant<Primary>) {
        if self.is_calm(now) && matches!(self.phase, Phase::REST) && now >= self.due {
            self.phase = Phase::Burst { left: 1 };
            self.next = now;
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
                    self.rest(now);
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
                    self.rest(now);
                } else {
                    self.next = now + BURST_SPACING;
                }
                Some(Probe::Measure)
            }
        }
    }

    fn rest(&mut self, now: Instant<Primary>) {
        self.phase = Phase::REST;
        if now < self.early_until {
            self.due = now + EARLY_PERIOD;
            self.next = self.due;
        } else if now < self.dense_until {
            self.due = now + DENSE_PERIOD;
            self.next = self.due;
        } else {
            // A heartbeat comes a little after it is awaited; the next is not awaited
            // later for it, or one a second would be every second one.
            self.due = (self.due + PERIOD).max(now);
            self.next = self.due + LISTENING;
        }
    }

    /// Whether nothing asks for bursts that are denser than usual.
    fn is_calm(&self, now: Instant<Primary>) -> bool {
        now >= self.early_until.max(self.dense_until)
    }
}

impl Phase {
    const START: Self = Self::Start { sent: 0, width: None, since_progress: 0 };
    const REST: Self = Self::Burst { left: BURST };
}

fn is_within(limit: Span, now: Instant<Primary>, estimator: &Estimator) -> bool {
    estimator.estimate(now).is_some_and(|here| here.noise <= limit)
}
