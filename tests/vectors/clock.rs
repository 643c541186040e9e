//! Sequences of messages and the interval they prove, to the nanosecond, as an
//! independent script in rational arithmetic has it.

use diptych_protocol::clock::{Constraint, Epoch, Epochs, Estimator, Observation};
use diptych_protocol::time::Instant;

use crate::vector;

#[test]
fn every_interval_is_exact() {
    // [CLOCK-6] [CLOCK-7] [CLOCK-9] [CLOCK-10] [CLOCK-11] [CLOCK-12] [CLOCK-33]
    let mut asked = 0;
    for vector in vector::all("clock") {
        assert_eq!(vector.expect(), "ok", "{}", vector.name);
        let mut estimator = Estimator::new();
        let mut epochs = Epochs::default();
        for (key, value) in vector.after("clause") {
            let numbers: Vec<i64> = value.split(' ').filter_map(|word| word.parse().ok()).collect();
            match (key.as_str(), numbers.as_slice()) {
                ("epochs", numbers @ [_, _, _, _]) => {
                    let [a, b, c, d] =
                        [0, 1, 2, 3].map(|index| u16::try_from(numbers[index]).unwrap());
                    let (primary, secondary) =
                        (Epoch { clock: a, path: b }, Epoch { clock: c, path: d });
                    epochs = Epochs { primary, secondary };
                }
                ("forward", [sent, received]) => {
                    let constraint = Constraint::Forward {
                        sent: Instant::from_nanos(*sent),
                        received: Instant::from_nanos(*received),
                    };
                    estimator.take(Observation { epochs, constraint });
                }
                ("backward", [sent, received]) => {
                    let constraint = Constraint::Backward {
                        sent: Instant::from_nanos(*sent),
                        received: Instant::from_nanos(*received),
                    };
                    estimator.take(Observation { epochs, constraint });
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
    assert!(asked > 500, "{asked} intervals asked for");
}
