//! When the clocks are measured, and which exchange both devices agree on.

use super::*;

#[test]
fn probes_start_dense_wake_radios_and_come_closer_at_edges() {
    // [CLOCK-22] [CLOCK-23] [CLOCK-24]
    let random = &mut Random(29);
    let truth = straight(400 * SECOND);
    let mut estimator = Estimator::new();
    let mut schedule = Schedule::new(Instant::from_nanos(SECOND));
    let mut sent = Vec::new();
    let mut told = false;
    while let Some(at) = schedule.wake().filter(|at| at.nanos() < 120 * SECOND) {
        if at.nanos() > 60 * SECOND && !told {
            told = true;
            schedule.edge(Instant::from_nanos(60 * SECOND));
            continue;
        }
        let Some(probe) = schedule.poll(at, &estimator) else { continue };
        sent.push((at.nanos(), probe));
        let there = at.nanos() + quiet(random);
        estimator.observe(truth.forward(at.nanos(), there - at.nanos()));
        estimator.observe(truth.backward(there, quiet(random)));
    }
    let within = |from: i64, to: i64| {
        sent.iter().filter(|(at, _)| (from * SECOND..to * SECOND).contains(at)).count()
    };
    assert_eq!(sent[0], (SECOND, schedule::Probe::Wake));
    assert!((12..=80).contains(&within(1, 3)), "{} at the start", within(1, 3));
    assert!(within(30, 60) <= 36, "{} in half a minute", within(30, 60));
    assert!(within(60, 66) >= 16, "{} after an edge", within(60, 66));
    let bursts = sent.chunk_by(|(a, _), (b, _)| b - a < SECOND / 2);
    for burst in bursts.skip(1) {
        assert_eq!(burst[0].1, schedule::Probe::Wake);
        assert!(burst[1..].iter().all(|(_, probe)| *probe == schedule::Probe::Measure));
    }
}

#[test]
fn a_settled_estimate_needs_fewer_bursts_until_something_happens() {
    // [CLOCK-24] [CLOCK-32]
    let random = &mut Random(77);
    let truth = straight(900 * SECOND);
    let mut estimator = Estimator::new();
    let mut schedule = Schedule::new(Instant::from_nanos(SECOND));
    let mut bursts = Vec::new();
    let mut beat = SECOND;
    let edge = Instant::from_nanos(500 * SECOND);
    while beat < 600 * SECOND {
        let at = schedule.wake().map_or(beat, |wake| wake.nanos().min(beat));
        if at == beat {
            estimator.observe(truth.forward(at, quiet(random)));
            estimator.observe(truth.backward(at + SECOND / 2, quiet(random)));
            schedule.foretold(Instant::from_nanos(at), edge);
            beat += SECOND;
        }
        if let Some(probe) = schedule.poll(Instant::from_nanos(at), &estimator) {
            if probe == schedule::Probe::Wake {
                bursts.push(at);
            }
            estimator.observe(truth.forward(at, quiet(random)));
            estimator.observe(truth.backward(at, quiet(random)));
        }
    }
    let within = |from: i64, to: i64| {
        bursts.iter().filter(|at| (from * SECOND..to * SECOND).contains(at)).count()
    };
    let settled = within(300, 480);
    assert!((20..=40).contains(&settled), "{settled} bursts in three settled minutes");
    assert!(within(495, 500) >= 4, "{} before a foretold edge", within(495, 500));
    assert!(within(500, 505) >= 4, "{} after it", within(500, 505));
    let gaps = bursts.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.max().is_some_and(|most| most <= 9 * SECOND), "[CLOCK-32]");
}

#[test]
fn of_the_exchanges_that_wait_the_tightest_is_agreed_on_first() {
    // [CLOCK-35]: three messages are under way at once; the second is fastest.
    let at = Instant::<Primary>::from_nanos;
    let there = Instant::<Secondary>::from_nanos;
    let mut primary = Stamps::<Primary>::new(1);
    let mut secondary = Stamps::<Secondary>::new(1);
    let asked = [1, 2, 3].map(|ms| primary.outgoing(at(ms * MILLI)));
    let delays = [9, 2, 5];
    let answers = asked.iter().zip(delays).map(|(asked, delay)| {
        let arrived = asked.sent + delay * MILLI;
        secondary.incoming(*asked, there(arrived));
        (secondary.outgoing(there(arrived)), arrived + MILLI)
    });
    let answers: Vec<_> = answers.collect();
    for (answer, arrived) in &answers {
        primary.incoming(*answer, at(*arrived));
    }
    // The first to come is echoed until it is settled, then the best of the rest.
    let mut now = 20 * MILLI;
    let mut echoed = Vec::new();
    for _ in 0..2 {
        let stamp = primary.outgoing(at(now));
        echoed.push(stamp.echo_seq);
        secondary.incoming(stamp, there(now + 20 * MILLI));
        let answer = secondary.outgoing(there(now + 20 * MILLI));
        primary.incoming(answer, at(now + 40 * MILLI));
        now += SECOND;
    }
    assert_eq!(echoed, [answers[0].0.seq, answers[1].0.seq]);
}
