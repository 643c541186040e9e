//! What is believed of a clock that stepped.

use super::*;

#[test]
fn what_was_sent_before_a_step_says_nothing_of_the_clock_after_it() {
    // [CLOCK-40] [CLOCK-41]: the assistant's clock loses 5 ms at 30 s.
    let random = &mut Random(41);
    let truth = straight(100 * SECOND);
    let back = Span::from_millis(5);
    let mut estimator = Estimator::new();
    for at in (1..30).map(|second| second * SECOND) {
        estimator.observe(truth.forward(at, quiet(random)));
        estimator.observe(truth.backward(at, quiet(random)));
    }
    let stepped = |constraint| match constraint {
        Constraint::Forward { sent, received } => {
            Constraint::Forward { sent, received: received - back }
        }
        Constraint::Backward { sent, received } => {
            Constraint::Backward { sent: sent - back, received }
        }
    };
    let burst = |index: i64| 30 * SECOND + (index + 1) * 25 * MILLI;
    // Under way for 4.6 ms when the clock stepped: it seems to be 0.4 ms too high.
    let late = truth.backward(30 * SECOND + 22 * MILLI, 4_600_000);
    let told = [
        stepped(truth.forward(burst(0), 800_000)),
        late,
        stepped(truth.forward(burst(1), 800_000)),
        stepped(truth.backward(burst(1), 800_000)),
        stepped(truth.forward(burst(2), 800_000)),
    ];
    let ruled = told.map(|constraint| estimator.observe(constraint));
    assert_eq!(
        ruled,
        [Observed::Held, Observed::Held, Observed::Held, Observed::Held, Observed::NewEpoch]
    );
    let holds = |estimator: &Estimator| {
        let at = burst(3);
        let interval = estimator.interval(Instant::from_nanos(at)).unwrap();
        let shifted = Interval { low: interval.low + back, high: interval.high + back };
        truth.is_in(at, shifted)
    };
    assert!(holds(&estimator));
    // Agreed on out of turn, seconds after the step: it fits and is false.
    for at in [10, 20, 29].map(|second| second * SECOND) {
        assert_eq!(estimator.observe(truth.backward(at, 4_600_000)), Observed::Stale);
        assert_eq!(estimator.observe(truth.forward(at, 700_000)), Observed::Stale);
    }
    assert!(holds(&estimator));
}

#[test]
fn a_step_is_proven_by_three_and_one_false_stamp_is_not() {
    // [CLOCK-8] [CLOCK-10] [CLOCK-11] [LIMITS-20] [LIMITS-21]
    for step in [5 * MILLI, -5 * MILLI, 45 * SECOND, -45 * SECOND] {
        let random = &mut Random(11);
        let truth = straight(400 * SECOND);
        let mut estimator = observed(&exchanges(random, &truth, SECOND, 100 * SECOND, |_| 0));
        let before = estimator.clone();
        let Constraint::Backward { sent, received } = truth.backward(104 * SECOND, quiet(random))
        else {
            panic!("a backward message")
        };
        let lie = Constraint::Backward { sent: sent + Span::from_secs(1), received };
        assert_eq!(estimator.observe(lie), Observed::Held);
        assert!(estimator.is_doubtful());
        for constraint in exchanges(random, &truth, 105 * SECOND, 106 * SECOND, |_| 0) {
            estimator.observe(constraint);
        }
        assert!(!estimator.is_doubtful());
        assert_eq!(estimator.epoch(), 0);
        assert_ne!(estimator, before);
        let moved: Vec<_> = exchanges(random, &truth, 110 * SECOND, 111 * SECOND, |_| 0)
            .into_iter()
            .map(|constraint| shifted(constraint, step))
            .collect();
        let verdicts: Vec<_> = moved.iter().map(|moved| estimator.observe(*moved)).collect();
        assert!(verdicts.contains(&Observed::NewEpoch), "within one burst: {verdicts:?}");
        assert_eq!(estimator.epoch(), 1);
        let at = 111 * SECOND;
        let here = estimator.estimate(Instant::from_nanos(at)).unwrap();
        assert!(error(&truth, at, here.offset - Span::from_nanos(step)) < MILLI);
        assert_eq!(estimator.interval(Instant::from_nanos(100 * SECOND)), None);
    }
}

#[test]
fn one_message_the_other_way_dismisses_a_false_stamp() {
    // [CLOCK-10] [CLOCK-11]: bounds of one side are a half-open interval.
    let random = &mut Random(41);
    let truth = straight(200 * SECOND);
    let known = observed(&exchanges(random, &truth, SECOND, 60 * SECOND, |_| 0));
    for (lie, honest) in [
        (shifted(truth.backward(61 * SECOND, MILLI), SECOND), truth.forward(61 * SECOND, MILLI)),
        (shifted(truth.forward(61 * SECOND, MILLI), -SECOND), truth.backward(61 * SECOND, MILLI)),
    ] {
        let mut estimator = known.clone();
        assert_eq!(estimator.observe(lie), Observed::Held);
        assert!(estimator.is_doubtful());
        estimator.observe(honest);
        assert!(!estimator.is_doubtful());
        assert!(estimator.interval(Instant::from_nanos(62 * SECOND)).is_some());
    }
    // Also where nothing else is known yet.
    let mut fresh = observed(&[truth.forward(SECOND, MILLI)]);
    assert_eq!(fresh.observe(shifted(truth.backward(SECOND, MILLI), SECOND)), Observed::Held);
}

#[test]
fn while_a_step_is_suspected_the_interval_holds_both_clocks() {
    // [CLOCK-33]
    for step in [5 * MILLI, -5 * MILLI, 45 * SECOND, -45 * SECOND] {
        let random = &mut Random(37);
        let truth = straight(400 * SECOND);
        let mut estimator = observed(&exchanges(random, &truth, SECOND, 100 * SECOND, |_| 0));
        let moved = exchanges(random, &truth, 110 * SECOND, 111 * SECOND, |_| 0);
        let mut doubtful = 0;
        for constraint in moved {
            let constraint = shifted(constraint, step);
            let proves = estimator.is_contradicted_by(&plain(constraint));
            let before = estimator.is_doubtful();
            let verdict = estimator.observe(constraint);
            assert!(!proves || before || verdict == Observed::Held);
            let at = constraint.at().nanos();
            if !estimator.is_doubtful() {
                continue;
            }
            let Some(interval) = estimator.interval(Instant::from_nanos(at)) else { continue };
            doubtful += 1;
            assert!(truth.is_in(at, interval), "the old clock: {interval:?}");
            let there = Interval {
                low: interval.low - Span::from_nanos(step),
                high: interval.high - Span::from_nanos(step),
            };
            assert!(truth.is_in(at, there), "the new clock: {interval:?}");
            let past = Instant::from_nanos(50 * SECOND);
            assert!(estimator.interval(past).unwrap().half_width() < Span::from_millis(2));
        }
        assert!(doubtful > 0);
        assert!(!estimator.is_doubtful());
    }
}

#[test]
fn announced_epochs_never_mix() {
    // [CLOCK-12] [CLOCK-25] [CLOCK-26]
    let random = &mut Random(13);
    let truth = straight(400 * SECOND);
    let first = exchanges(random, &truth, SECOND, 60 * SECOND, |_| 0);
    let second = exchanges(random, &truth, 120 * SECOND, 180 * SECOND, |_| 0);
    let woken = Epochs { secondary: Epoch { clock: 1, path: 0 }, ..Epochs::default() };
    let mut all: Vec<_> = first.into_iter().map(plain).collect();
    let asleep = all.len();
    all.extend(
        second.into_iter().map(|constraint| Observation {
            epochs: woken,
            constraint: shifted(constraint, 300_000),
        }),
    );
    let mut estimator = Estimator::new();
    for (index, observation) in all.iter().enumerate() {
        let expected = index == 0 || index == asleep;
        assert_eq!(estimator.take(*observation) == Observed::NewEpoch, expected, "{index}");
    }
    assert_eq!(estimator.take(all[0]), Observed::Stale);
    // One line fits to both; the interval holds the clock of each side where it ran, and
    // of both where it slept.
    let map = smooth(&all, None);
    assert_eq!(map.stretches().len(), 1);
    for at in (0..1_800).map(|tenth| tenth * SECOND / 10) {
        let Some(here) = map.estimate(Instant::from_nanos(at)) else { continue };
        assert!(at >= 119 * SECOND || holds(&truth, at, here, 0), "{at}: {here:?}");
        assert!(at <= 61 * SECOND || holds(&truth, at, here, 300_000), "{at}: {here:?}");
    }
}

fn holds(truth: &Truth, at: i64, here: Estimate, step: i64) -> bool {
    let step = Span::from_nanos(step);
    truth.is_in(at, Interval { low: here.low - step, high: here.high - step })
}

#[test]
fn what_fits_to_both_sides_of_a_step_claims_nothing_of_the_time_before_it() {
    // [CLOCK-42] Asleep from 60 s on, awake at 125 s by another clock; two messages pass
    // in the direction that excludes nothing before one passes that does.
    for step in [150 * MILLI, -150 * MILLI] {
        let random = &mut Random(47);
        let truth = straight(400 * SECOND);
        let mut all = exchanges(random, &truth, SECOND, 60 * SECOND, |_| 0);
        let awake = 125 * SECOND;
        let harmless = |at: i64| match step {
            0.. => truth.forward(at, 800_000),
            _ => truth.backward(at, 800_000),
        };
        let early = [300, 325].map(|ms| harmless(awake + ms * MILLI));
        let later = exchanges(random, &truth, awake + 400 * MILLI, 160 * SECOND, |_| 0);
        all.extend(early.into_iter().chain(later).map(|constraint| shifted(constraint, step)));
        let all: Vec<_> = all.into_iter().map(plain).collect();
        let map = smooth(&all, None);
        assert_eq!(map.stretches().len(), 2);
        for ms in [0, 100, 299, 324] {
            let at = awake + ms * MILLI;
            assert!(map.estimate(Instant::from_nanos(at)).is_none(), "{ms} ms after waking");
        }
        for (at, step) in [(50 * SECOND, 0), (awake + 500 * MILLI, step)] {
            let here = map.estimate(Instant::from_nanos(at)).unwrap();
            let step = Span::from_nanos(step);
            assert!(truth.is_in(at, Interval { low: here.low - step, high: here.high - step }));
        }
    }
}

/// Bursts with up to `most` on the way in each direction, but where it is `asleep`.
fn around(random: &mut Random, truth: &Truth, most: i64, asleep: (i64, i64)) -> Vec<Observation> {
    let mut all = Vec::new();
    for at in (1..600).map(|half| half * SECOND / 2) {
        let (there, back) = (random.below(most), random.below(most));
        let (heard, answered) = (at + there, at + there + 50_000);
        // What is sent to a device that sleeps is heard when it wakes.
        let late = (heard > asleep.0 && heard < asleep.1).then_some(asleep.1 - at);
        if late.is_none() || random.below(4) == 0 {
            let there = late.map_or(there, |late| late + random.below(MILLI));
            all.push((at + there, truth.forward(at, there)));
        }
        if answered <= asleep.0 || answered >= asleep.1 {
            all.push((answered, truth.backward(answered, back)));
        }
    }
    let woken = Epochs { secondary: Epoch { clock: 1, path: 0 }, ..Epochs::default() };
    let of = |there: i64| if there >= asleep.1 { woken } else { Epochs::default() };
    all.into_iter()
        .map(|(there, constraint)| Observation { epochs: of(there), constraint })
        .collect()
}

#[test]
fn a_step_in_a_sleep_that_contradicts_nothing_stays_inside_the_interval() {
    // [CLOCK-12] [CLOCK-43] 48 ppm for 20 s of sleep, on a way of up to 10 ms.
    let mut fits = 0;
    for seed in 1..=60 {
        let random = &mut Random(seed);
        let truth = straight(400 * SECOND);
        let step = random.between(-4 * MILLI, 4 * MILLI);
        let slept = 100 * SECOND + random.below(4 * SECOND);
        let asleep = (slept, slept + random.between(SECOND, 60 * SECOND));
        let mut all = around(random, &truth, 10 * MILLI, asleep);
        for one in &mut all {
            if one.epochs != Epochs::default() {
                one.constraint = shifted(one.constraint, step);
            }
        }
        let map = smooth(&all, None);
        fits += usize::from(map.stretches().len() == 1);
        for at in (10..2_990).map(|tenth| tenth * SECOND / 10) {
            let Some(here) = map.estimate(Instant::from_nanos(at)) else { continue };
            let step = if at >= asleep.1 { step } else { 0 };
            let awake = at <= asleep.0 || at >= asleep.1;
            assert!(!awake || holds(&truth, at, here, step), "seed {seed}, {at}: {here:?}");
        }
        // Away from the sleep nothing is lost.
        let here = map.estimate(Instant::from_nanos(60 * SECOND)).unwrap();
        assert!(here.high - here.low < Span::from_millis(2), "seed {seed}: {here:?}");
    }
    assert!((10..60).contains(&fits), "{fits} of 60 steps contradict nothing");
}
