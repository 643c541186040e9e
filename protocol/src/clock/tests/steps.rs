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
