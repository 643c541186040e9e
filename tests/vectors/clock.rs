//! Sequences of messages and the interval they prove, to the nanosecond, as an
//! independent script in rational arithmetic has it.

use diptych_protocol::clock::{Constraint, Estimator};
use diptych_protocol::time::Instant;

use crate::vector;

#[test]
fn every_interval_is_exact() {
    // [CLOCK-6] [CLOCK-7]
    let mut asked = 0;
    for vector in vector::all("clock") {
        assert_eq!(vector.expect(), "ok", "{}", vector.name);
        let mut estimator = Estimator::new();
        for (key, value) in vector.after("clause") {
            let numbers: Vec<i64> = value.split(' ').filter_map(|word| word.parse().ok()).collect();
            match (key.as_str(), numbers.as_slice()) {
                ("forward", [sent, received]) => {
                    estimator.observe(Constraint::Forward {
                        sent: Instant::from_nanos(*sent),
                        received: Instant::from_nanos(*received),
                    });
                }
                ("backward", [sent, received]) => {
                    estimator.observe(Constraint::Backward {
                        sent: Instant::from_nanos(*sent),
                        received: Instant::from_nanos(*received),
                    });
                }
                ("ask", [at, expected @ ..]) => {
                    asked += 1;
                    let interval = estimator.interval(Instant::from_nanos(*at));
                    let found = interval.map(|found| vec![found.low.nanos(), found.high.nanos()]);
                    assert_eq!(found.unwrap_or_default(), expected, "{} at {at}", vector.name);
                }
                ("comment", _) => {}
                _ => panic!("{}: {key}: {value}", vector.name),
            }
        }
    }
    assert!(asked > 50, "{asked} intervals asked for");
}
