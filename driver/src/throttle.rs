//! Who may knock, how often, and how many at once.
//!
//! A phone that shows a code to a room full of strangers answers anybody's first
//! packet. So each attempt is weighed before any cryptography is done for it: by
//! its source, by how many attempts are unfinished, and by whether its address is
//! proven. An unproven address is asked to prove itself by a Retry round trip,
//! which costs us nothing and cannot be used to starve an honest phone.
//! `[TRANSPORT-14]` `[TRANSPORT-15]`
//!
//! Rejected: refusing when busy (a forger could keep it so), and one global
//! budget for all (the forger would spend it).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use diptych_protocol::limits;
use diptych_protocol::time::Instant;

/// What to do with a connection attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Begin the handshake.
    Accept,
    /// Make the client prove its address first.
    Retry,
    /// Say nothing.
    Ignore,
}

/// What is known about attempts so far.
pub(crate) struct Throttle<C> {
    sources: BTreeMap<Source, Bucket<C>>,
    unproven: Bucket<C>,
    underway: BTreeMap<Source, usize>,
    underway_unproven: usize,
}

/// An IPv4 address, or an IPv6 /64: what one network card can call itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Source(IpAddr);

/// A place among the handshakes under way; give it back with [`Throttle::leave`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    source: Source,
    proven: bool,
}

/// A token bucket in thousandths, refilled by elapsed time.
#[derive(Clone, Copy)]
struct Bucket<C> {
    millis: i64,
    at: Instant<C>,
}

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
            v4 => v4,
        })
    }
}

impl<C> Bucket<C> {
    fn full(burst: u32, at: Instant<C>) -> Self {
        Self { millis: i64::from(burst) * 1_000, at }
    }

    /// Takes one token if there is one, at `rate` per second and at most `burst`.
    fn take(&mut self, now: Instant<C>, rate: u32, burst: u32) -> bool
    where
        C: Copy,
    {
        let elapsed = (now - self.at).nanos().max(0);
        let refill = i128::from(elapsed) * i128::from(rate) / 1_000_000;
        let most = i64::from(burst) * 1_000;
        let refill = i64::try_from(refill).unwrap_or(most);
        if refill > 0 {
            self.millis = self.millis.saturating_add(refill).min(most);
            self.at = now;
        }
        let granted = self.millis >= 1_000;
        if granted {
            self.millis -= 1_000;
        }
        granted
    }
}

impl<C: Copy> Throttle<C> {
    pub(crate) fn new(now: Instant<C>) -> Self {
        Self {
            sources: BTreeMap::new(),
            unproven: Bucket::full(limits::UNPROVEN_RATE, now),
            underway: BTreeMap::new(),
            underway_unproven: 0,
        }
    }

    /// Weighs an attempt from `address`, whose address a Retry has `proven`.
    pub(crate) fn weigh(&mut self, now: Instant<C>, address: IpAddr, proven: bool) -> Decision {
        let source = Source::of(address);
        let all: usize = self.underway.values().sum();
        let own = self.underway.get(&source).copied().unwrap_or(0);
        if all >= limits::HANDSHAKES || own >= limits::HANDSHAKES_PER_SOURCE {
            return if proven { Decision::Ignore } else { Decision::Retry };
        }
        if !proven {
            let crowded = self.underway_unproven >= limits::HANDSHAKES_UNPROVEN;
            let (rate, burst) = (limits::UNPROVEN_RATE, limits::UNPROVEN_RATE);
            if crowded || !self.unproven.take(now, rate, burst) {
                return Decision::Retry;
            }
        }
        if !self.source(now, source).take(now, limits::SOURCE_RATE, limits::SOURCE_BURST) {
            return if proven { Decision::Ignore } else { Decision::Retry };
        }
        Decision::Accept
    }

    /// Notes that a handshake begins.
    pub(crate) fn enter(&mut self, address: IpAddr, proven: bool) -> Place {
        let source = Source::of(address);
        *self.underway.entry(source).or_default() += 1;
        self.underway_unproven += usize::from(!proven);
        Place { source, proven }
    }

    /// Notes that a handshake has ended, in whatever way.
    pub(crate) fn leave(&mut self, place: Place) {
        if let Some(count) = self.underway.get_mut(&place.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.underway.remove(&place.source);
            }
        }
        self.underway_unproven = self.underway_unproven.saturating_sub(usize::from(!place.proven));
    }

    fn source(&mut self, now: Instant<C>, source: Source) -> &mut Bucket<C> {
        if self.sources.len() >= limits::SOURCES && !self.sources.contains_key(&source) {
            let oldest = self.sources.iter().min_by_key(|(_, bucket)| bucket.at.nanos());
            if let Some(oldest) = oldest.map(|(source, _)| *source) {
                self.sources.remove(&oldest);
            }
        }
        self.sources.entry(source).or_insert_with(|| Bucket::full(limits::SOURCE_BURST, now))
    }
}

#[cfg(test)]
mod tests {
    use diptych_protocol::time::{Primary, Span};

    use super::*;

    fn at(millis: i64) -> Instant<Primary> {
        Instant::from_nanos(0) + Span::from_millis(millis)
    }

    fn v4(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    #[test]
    fn one_source_spends_its_burst_and_then_its_rate() {
        // [TRANSPORT-15]
        let mut throttle = Throttle::new(at(0));
        let granted = |throttle: &mut Throttle<Primary>, millis: i64| {
            (0..20).filter(|_| throttle.weigh(at(millis), v4(1), true) == Decision::Accept).count()
        };
        assert_eq!(granted(&mut throttle, 0), 8);
        assert_eq!(granted(&mut throttle, 200), 0);
        assert_eq!(granted(&mut throttle, 1_000), 4);
        assert_eq!(granted(&mut throttle, 3_600_000), 8, "no more than a burst, ever");
        assert_eq!(throttle.weigh(at(3_600_000), v4(2), true), Decision::Accept, "others are free");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_source() {
        // [TRANSPORT-15]
        let one = Source::of("2001:db8:0:1::1".parse().unwrap());
        assert_eq!(one, Source::of("2001:db8:0:1:ffff::9".parse().unwrap()));
        assert_ne!(one, Source::of("2001:db8:0:2::1".parse().unwrap()));
        assert_eq!(
            Source::of("::ffff:10.0.0.1".parse().unwrap()),
            Source::of("10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn a_third_unproven_handshake_must_prove_its_address() {
        // [TRANSPORT-15]
        let mut throttle = Throttle::new(at(0));
        let first = throttle.enter(v4(1), false);
        throttle.enter(v4(2), false);
        assert_eq!(throttle.weigh(at(0), v4(3), false), Decision::Retry);
        assert_eq!(throttle.weigh(at(0), v4(3), true), Decision::Accept);
        throttle.leave(first);
        assert_eq!(throttle.weigh(at(0), v4(3), false), Decision::Accept);
    }

    #[test]
    fn two_unfinished_handshakes_of_one_source_are_enough() {
        // [TRANSPORT-14]
        let mut throttle = Throttle::new(at(0));
        throttle.enter(v4(1), true);
        let second = throttle.enter(v4(1), true);
        assert_eq!(throttle.weigh(at(0), v4(1), true), Decision::Ignore);
        throttle.leave(second);
        assert_eq!(throttle.weigh(at(0), v4(1), true), Decision::Accept);
        let everybody: Vec<_> = (10..17).map(|last| throttle.enter(v4(last), true)).collect();
        assert_eq!(throttle.weigh(at(0), v4(99), true), Decision::Ignore, "eight in all");
        everybody.into_iter().for_each(|place| throttle.leave(place));
        assert_eq!(throttle.weigh(at(0), v4(99), true), Decision::Accept);
    }

    #[test]
    fn a_forger_of_a_thousand_addresses_starves_nobody_and_fills_no_memory() {
        // [TRANSPORT-15]
        let mut throttle = Throttle::new(at(0));
        for low in 0..20_000_u32 {
            let forged = IpAddr::V4((0x0A00_0000 + low).into());
            _ = throttle.weigh(at(1), forged, false);
        }
        assert!(throttle.sources.len() <= limits::SOURCES);
        assert_eq!(throttle.weigh(at(2), v4(7), false), Decision::Retry);
        assert_eq!(throttle.weigh(at(2), v4(7), true), Decision::Accept);
    }
}
