//! One map for both devices, nine hours of messages, and numbers that no clock shows.

use proptest::prelude::*;

use super::super::constraint::{Epoch, Epochs};
use super::super::smooth::{smooth, smooth_with};
use super::super::{Constraint, Estimator, Observation, Observed, Schedule, Stamp, Stamps};
use super::{MILLI, Random, SECOND, Truth, shifted};
use crate::join::Join;
use crate::time::{Instant, Primary, Secondary};

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap()
}

/// As threads may end: the other way round.
#[derive(Clone, Copy)]
struct OtherFirst;

impl Join for OtherFirst {
    fn join<A, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        let other = other();
        (one(), other)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// [CLOCK-18] [CLOCK-25]: the map of both journals' union is one map, whoever
    /// computes it and in whatever order and how often it has each message.
    #[test]
    fn both_devices_compute_the_same_map_to_the_bit(seed: u64, slept: bool) {
        let random = &mut Random(seed);
        let truth = Truth::random(random, 0, 500 * SECOND);
        let (mut primary, mut secondary) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let at = random.below(480 * SECOND);
            let delay = 700_000 + random.below(MILLI);
            let woken = Epoch { clock: 1, path: 0 };
            let asleep = slept && at > 240 * SECOND;
            let secondary_epoch = if asleep { woken } else { Epoch::default() };
            let epochs = Epochs { secondary: secondary_epoch, ..Epochs::default() };
            let forward = random.below(2) == 0;
            let constraint =
                if forward { truth.forward(at, delay) } else { truth.backward(at, delay) };
            let observation = Observation { epochs, constraint };
            // Who received it knows it; an echo may have told the other.
            let (receiver, other) = if forward {
                (&mut secondary, &mut primary)
            } else {
                (&mut primary, &mut secondary)
            };
            receiver.push(observation);
            if random.below(3) > 0 {
                other.push(observation);
            }
        }
        let here: Vec<_> = primary.iter().chain(&secondary).copied().collect();
        let mut there: Vec<_> = secondary.iter().chain(&primary).copied().collect();
        there.sort_unstable();
        there.dedup();
        for last in (1..there.len()).rev() {
            there.swap(last, index(random.below(i64::try_from(last).unwrap() + 1)));
        }
        let map = smooth(&here, None);
        prop_assert_eq!(&map, &smooth(&there, None));
        prop_assert_eq!(&map, &smooth_with(there, None, OtherFirst));
        prop_assert_eq!(map.stretches().len(), 1, "no clock stepped");
        prop_assert_ne!(&map, &smooth(&primary, None), "half of the messages is another map");
    }
}

/// [CLOCK-8] [LIMITS-20] [LIMITS-21] [LIMITS-22] [LIMITS-23] [LIMITS-27] [LIMITS-28]: nine
/// hours of the link that costs most. Where delays are constant, every message lies
/// on the hull of its side.
#[test]
fn nine_hours_of_messages_fit_into_64_kib() {
    let truth = Truth::bent(5 * SECOND, 1 << 38, &[]);
    let mut estimator = Estimator::new();
    let mut primary = Stamps::<Primary>::new(1);
    let mut secondary = Stamps::<Secondary>::new(1);
    let (mut most, mut messages) = (0, 0_u32);
    for at in (0..9 * 3_600).flat_map(|second| [0, 20, 40].map(|ms| second * SECOND + ms * MILLI)) {
        let stamp = primary.outgoing(Instant::from_nanos(at));
        secondary.incoming(stamp, Instant::from_nanos(truth.reading(at + MILLI)));
        let answer = secondary.outgoing(Instant::from_nanos(truth.reading(at + MILLI)));
        let told = primary.incoming(answer, Instant::from_nanos(at + 2 * MILLI));
        for observation in told.agreed.into_iter().flatten() {
            estimator.take(observation);
            messages += 1;
        }
        // Suspicions cost as well: a false stamp now and then.
        if messages > 0 && messages % 5_000 == 0 && told.agreed.iter().any(Option::is_some) {
            let lie = shifted(truth.backward(at, MILLI), SECOND);
            estimator.observe(lie);
        }
        most = most.max(estimator.bytes() + primary.bytes());
    }
    assert!(messages > 150_000, "{messages} messages");
    assert!((40 << 10..=64 << 10).contains(&most), "{most} bytes");
    assert_eq!(estimator.epoch(), 0);
    let now = Instant::from_nanos(9 * 3_600 * SECOND);
    assert!(truth.is_in(now.nanos(), estimator.interval(now).unwrap()));
}

/// An instant or a stamp that no honest clock shows.
fn extreme() -> impl Strategy<Value = i64> {
    let edges = vec![i64::MIN, i64::MIN + 1, -1, 0, 1, 99, 100, i64::MAX - 1, i64::MAX];
    prop_oneof![
        any::<i64>(),
        prop::sample::select(edges),
        (0_u32..63).prop_map(|bits| 1 << bits),
        (0_u32..63).prop_map(|bits| -(1 << bits)),
        -10 * SECOND..10 * SECOND,
    ]
}

fn wild() -> impl Strategy<Value = Observation> {
    (extreme(), extreme(), any::<bool>(), 0_u16..3, any::<u16>()).prop_map(
        |(sent, received, forward, clock, path)| Observation {
            epochs: Epochs { primary: Epoch { clock, path }, secondary: Epoch::default() },
            constraint: if forward {
                Constraint::Forward {
                    sent: Instant::from_nanos(sent),
                    received: Instant::from_nanos(received),
                }
            } else {
                Constraint::Backward {
                    sent: Instant::from_nanos(sent),
                    received: Instant::from_nanos(received),
                }
            },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// [CLOCK-8] [CLOCK-14]: whatever a peer claims, nothing overflows or panics, and the
    /// estimate stays inside the interval.
    #[test]
    fn no_number_overflows(
        observations in prop::collection::vec(wild(), 1..40),
        asked in prop::collection::vec(extreme(), 4),
    ) {
        let mut estimator = Estimator::new();
        for observation in &observations {
            let against = estimator.is_contradicted_by(observation);
            let taken = matches!(estimator.take(*observation), Observed::Taken { .. });
            prop_assert!(!(against && taken));
        }
        let map = smooth(&observations, None);
        let cover = (Instant::from_nanos(asked[0]), Instant::from_nanos(asked[1]));
        let covered = smooth(&observations, Some(cover));
        for at in asked.iter().copied().chain([observations[0].constraint.at().nanos()]) {
            let (here, there) = (Instant::from_nanos(at), Instant::from_nanos(at));
            if let Some(estimate) = estimator.estimate(here) {
                prop_assert!(estimate.low <= estimate.offset && estimate.offset <= estimate.high);
            }
            let mut mapped = vec![estimator.to_primary(there)];
            mapped.extend([&map, &covered].map(|map| map.to_primary(there)));
            for mapped in mapped.into_iter().flatten() {
                prop_assert!(mapped.low <= mapped.high, "{:?}", mapped);
            }
            let mut mapped = vec![estimator.to_secondary(here)];
            mapped.extend([&map, &covered].map(|map| map.to_secondary(here)));
            for mapped in mapped.into_iter().flatten() {
                prop_assert!(mapped.low <= mapped.high, "{:?}", mapped);
            }
        }
        let mut schedule = Schedule::new(Instant::from_nanos(asked[0]));
        schedule.edge(Instant::from_nanos(asked[1]));
        schedule.poll(Instant::from_nanos(asked[2]), &estimator);
        schedule.answered(Instant::from_nanos(asked[3]), &estimator);
        schedule.poll(Instant::from_nanos(asked[0]), &estimator);
    }

    /// [CLOCK-21]: nor does any stamp that a peer may send.
    #[test]
    fn no_stamp_overflows(
        stamps in prop::collection::vec((extreme(), extreme(), extreme(), any::<(u32, u32, u8)>()), 1..20),
    ) {
        let mut primary = Stamps::<Primary>::new(u16::MAX);
        let mut secondary = Stamps::<Secondary>::new(u16::MAX);
        let mut estimator = Estimator::new();
        for (now, sent, echo_received, (seq, epoch, wrong)) in stamps {
            let asked = primary.outgoing(Instant::from_nanos(now));
            secondary.incoming(asked, Instant::from_nanos(sent));
            let mut stamp = secondary.outgoing(Instant::from_nanos(sent));
            // An honest answer, but for what this peer lies about.
            stamp.echo_received = echo_received;
            if wrong & 1 > 0 {
                stamp.seq = seq;
            }
            if wrong & 2 > 0 {
                stamp.epoch = epoch;
            }
            if wrong & 4 > 0 {
                stamp.echo_seq = seq;
            }
            let told = primary.incoming(stamp, Instant::from_nanos(now));
            secondary.incoming(stamp_to_secondary(asked, echo_received), Instant::from_nanos(now));
            for observation in told.seen.into_iter().chain(told.agreed).flatten() {
                estimator.take(observation);
            }
            let known = estimator.latest().is_none_or(|(_, one)| one.low <= one.high);
            prop_assert!(known);
            if wrong & 8 > 0 {
                primary.renew();
            }
        }
    }
}

fn stamp_to_secondary(asked: Stamp, echo_received: i64) -> Stamp {
    Stamp { echo_received, seq: asked.seq.wrapping_add(1), ..asked }
}
