//! The two clocks of one link, seen from either end.
//!
//! Both devices run the same estimator on the same constraints, so the code that
//! feeds it is one. What differs is only whose clock is whose, and that is a
//! type: a [`Station`] is a clock that knows what the other end's is.

use crate::clock::stamps::Incoming;
use crate::clock::{Agreement, Epoch, Estimate, Estimator, Observed, Short, Stamp, Stamps};
use crate::time::{Clock, Instant, Primary, Secondary, Span};
use crate::wire;

/// How long a host hears of the clocks with every heartbeat after they began anew:
/// the estimate still gets better by the second.
const LEARNING: Span = Span::from_secs(60);
/// From then on it hears of them at most this often. An estimate costs more than all
/// else that a heartbeat does, and now says what the one before said.
const TOLD_EVERY: Span = Span::from_secs(5);

/// A device's clock, from which follows what its peer's clock is.
pub(crate) trait Station: Clock {
    /// The clock at the other end.
    type Peer: Clock;

    /// Reads a stamp of the peer.
    fn incoming(stamps: &mut Stamps<Self>, stamp: Stamp, now: Instant<Self>) -> Incoming;

    /// `now` in session time, as well as it is known.
    fn session_time(estimator: &Estimator, now: Instant<Self>) -> Option<Instant<Primary>>;
}

impl Station for Primary {
    type Peer = Secondary;

    fn incoming(stamps: &mut Stamps<Self>, stamp: Stamp, now: Instant<Self>) -> Incoming {
        stamps.incoming(stamp, now)
    }

    fn session_time(_: &Estimator, now: Instant<Self>) -> Option<Instant<Self>> {
        Some(now)
    }
}

impl Station for Secondary {
    type Peer = Primary;

    fn incoming(stamps: &mut Stamps<Self>, stamp: Stamp, now: Instant<Self>) -> Incoming {
        stamps.incoming(stamp, now)
    }

    fn session_time(estimator: &Estimator, now: Instant<Self>) -> Option<Instant<Primary>> {
        estimator.middle_of(now)
    }
}

/// Everything about the clocks of one link, except when to measure.
pub(crate) struct Timing<C: Station> {
    stamps: Stamps<C>,
    estimator: Estimator,
    /// The greatest number of the peer's clock that it has announced.
    theirs: Option<u16>,
    /// What both devices have agreed on.
    agreement: Agreement,
    /// Whether the latest stamp contradicted what was known.
    contradicted: bool,
    told: Option<Telling<C>>,
}

/// When the host heard of the clocks, since they or the path began anew.
#[derive(Clone, Copy)]
struct Telling<C: Clock> {
    first: Instant<C>,
    last: Instant<C>,
}

/// What a stamp changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Heeded {
    /// Whether both devices knew the same when the stamp was sent.
    pub(crate) level: Level,
    /// Whether the clocks have to be measured anew.
    pub(crate) fresh: Fresh,
}

/// Whether both devices knew the same when a message was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    Yes,
    No,
}

/// Whether a clock epoch began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fresh {
    Yes,
    No,
}

impl<C: Station> Timing<C> {
    /// `clock` numbers this device's clock: greater than in any earlier run.
    pub(crate) fn new(clock: u16) -> Self {
        Self {
            stamps: Stamps::new(clock),
            estimator: Estimator::new(),
            theirs: None,
            agreement: Agreement::default(),
            contradicted: false,
            told: None,
        }
    }

    /// The path to the peer changed.
    pub(crate) fn path_changed(&mut self) {
        self.stamps.path_changed();
        self.told = None;
    }

    /// This device's clock went on by another oscillator, or nothing that is known of
    /// it can be relied on. `[CLOCK-13]`
    pub(crate) fn renew(&mut self) {
        self.stamps.renew();
        self.forget();
    }

    /// One of the two clocks began anew: what was known of them holds no more.
    /// Both ends forget, so both begin with the same exchange. `[CLOCK-12]`
    pub(crate) fn forget(&mut self) {
        self.estimator = Estimator::new();
        self.agreement = Agreement::default();
        self.told = None;
    }

    /// What both devices must agree on. `[CLOCK-18]`
    pub(crate) fn digest(&self) -> u64 {
        self.agreement.digest()
    }

    /// The stamp for a message handed over now.
    pub(crate) fn outgoing(&mut self, now: Instant<C>) -> wire::Stamp {
        to_wire::<C>(self.stamps.outgoing(now))
    }

    /// The stamp in short, if the peer can complete it. `[CLOCK-37]`
    pub(crate) fn shorten(&self, stamp: &wire::Stamp) -> Option<wire::ShortStamp> {
        let short = self.stamps.shorten(&of_wire::<C>(stamp))?;
        Some(wire::ShortStamp {
            seq: short.seq,
            sent: wire::Low::new(short.sent),
            echo_seq: short.echo_seq,
            echo_received: wire::Low::new(short.echo_received),
        })
    }

    /// The whole of the peer's short stamp. `[CLOCK-38]`
    pub(crate) fn complete(&self, stamp: &wire::ShortStamp) -> Option<wire::Stamp> {
        let whole = self.stamps.complete(&Short {
            seq: stamp.seq,
            sent: stamp.sent.number(),
            echo_seq: stamp.echo_seq,
            echo_received: stamp.echo_received.number(),
        })?;
        Some(to_wire::<C::Peer>(whole))
    }

    /// A stamp came at `now`.
    pub(crate) fn incoming(&mut self, stamp: &wire::Stamp, now: Instant<C>) -> Heeded {
        let theirs = Epoch::from_wire(stamp.epoch).clock;
        if self.theirs.is_none_or(|known| known < theirs) {
            self.theirs = Some(theirs);
            self.forget();
        }
        let told = C::incoming(&mut self.stamps, of_wire::<C::Peer>(stamp), now);
        let mut seen = told.seen.iter().flatten();
        self.contradicted = seen.any(|seen| self.estimator.is_contradicted_by(seen));
        let mut fresh = Fresh::No;
        let agreed: Vec<_> = told.agreed.into_iter().flatten().collect();
        if !agreed.is_empty() {
            self.agreement.add(&agreed);
        }
        for observation in agreed {
            if self.estimator.take(observation) == Observed::NewEpoch {
                fresh = Fresh::Yes;
                self.told = None;
            }
        }
        Heeded { level: if told.level { Level::Yes } else { Level::No }, fresh }
    }

    /// Compares what both devices have agreed on, when it must be the same; if it
    /// differs, both begin anew. A device that shows nothing is not asked. `[CLOCK-18]`
    pub(crate) fn compare(&mut self, level: Level, digest: u64) -> Fresh {
        if level == Level::No || digest == 0 || digest == self.digest() {
            return Fresh::No;
        }
        self.renew();
        Fresh::Yes
    }

    /// Whether the latest stamp contradicts what is known of the clocks.
    pub(crate) const fn is_contradicted(&self) -> bool {
        self.contradicted
    }

    pub(crate) const fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    /// `now` in session time, as well as it is known.
    pub(crate) fn session_time(&self, now: Instant<C>) -> Option<Instant<Primary>> {
        C::session_time(&self.estimator, now)
    }

    /// What the host is to hear of the offset at `now`, if it is time to.
    pub(crate) fn news(&mut self, now: Instant<C>) -> Option<Estimate> {
        let first = self.told.map_or(now, |told| told.first);
        let due = now - first < LEARNING || self.told.is_none_or(|told| told.is_old(now));
        let estimate = due.then(|| self.estimate(now)).flatten()?;
        self.told = Some(Telling { first, last: now });
        Some(estimate)
    }

    /// What is known of the offset at `now`.
    pub(crate) fn estimate(&self, now: Instant<C>) -> Option<Estimate> {
        self.estimator.estimate(self.session_time(now)?)
    }
}

impl<C: Clock> Telling<C> {
    fn is_old(self, now: Instant<C>) -> bool {
        now - self.last >= TOLD_EVERY
    }
}

fn to_wire<C: Clock>(stamp: Stamp) -> wire::Stamp {
    let own = |nanos| wire::SenderTime::of(Instant::<C>::from_nanos(nanos));
    wire::Stamp {
        seq: stamp.seq,
        sent: own(stamp.sent),
        epoch: stamp.epoch,
        echo_seq: stamp.echo_seq,
        echo_clock: stamp.echo_clock,
        echo_received: own(stamp.echo_received),
    }
}

fn of_wire<C: Clock>(stamp: &wire::Stamp) -> Stamp {
    Stamp {
        seq: stamp.seq,
        sent: stamp.sent.on::<C>().nanos(),
        epoch: stamp.epoch,
        echo_seq: stamp.echo_seq,
        echo_clock: stamp.echo_clock,
        echo_received: stamp.echo_received.on::<C>().nanos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One exchange a second, 2 ms on its way each time, of clocks 30 s apart; when
    /// the primary's host was told of them.
    fn told(
        p: &mut Timing<Primary>,
        a: &mut Timing<Secondary>,
        seconds: core::ops::Range<i64>,
    ) -> Vec<i64> {
        let here = |ms: i64| Instant::from_nanos(ms * 1_000_000);
        let there = |ms: i64| Instant::from_nanos((30_000 + ms) * 1_000_000);
        let tell = |second: &i64| {
            let at = second * 1_000;
            let asked = p.outgoing(here(at));
            a.incoming(&asked, there(at + 2));
            let answer = a.outgoing(there(at + 3));
            p.incoming(&answer, here(at + 5));
            p.news(here(at + 6)).is_some()
        };
        seconds.filter(tell).collect()
    }

    #[test]
    fn a_host_hears_of_the_clocks_every_second_while_they_are_learnt_and_then_every_five() {
        let (mut p, mut a) = (Timing::new(1), Timing::new(1));
        let early = told(&mut p, &mut a, 0..60);
        assert!((55..=59).contains(&early.len()), "none before there is an estimate: {early:?}");
        let first = *early.first().unwrap();
        assert_eq!(early, (first..60).collect::<Vec<_>>());
        let late = told(&mut p, &mut a, 60..120);
        let settled: Vec<_> = late.iter().filter(|second| **second > first + 60).collect();
        assert!(settled.windows(2).all(|pair| pair[1] - pair[0] == 5), "{late:?}");
        assert!((10..=12).contains(&settled.len()), "{late:?}");
        // Whoever asks is told what holds now, and another path is news.
        assert!(p.estimate(Instant::from_nanos(119_500_000_000)).is_some());
        p.path_changed();
        assert_eq!(told(&mut p, &mut a, 120..130), (120..130).collect::<Vec<_>>());
    }
}
