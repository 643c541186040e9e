//! When the primary knew of each message.
//!
//! A message of the assistant is known when it is heard. One of the primary's own is
//! known when an answer echoes it, and an answer echoes the newest that had come.

use diptych_protocol::clock::{Constraint, Observation};
use diptych_protocol::time::{Instant, Primary};

/// A message, and when the primary knew of it.
pub(crate) struct Known {
    pub(crate) at: Instant<Primary>,
    pub(crate) observation: Observation,
}

/// What the primary knew, in that order: each message of the assistant, and with it
/// the newest of its own that had arrived before the assistant sent. `[CLOCK-20]`
pub(crate) fn known(list: &[Observation]) -> Vec<Known> {
    let (mut there, mut here) = (Vec::new(), Vec::new());
    for observation in list.iter().copied() {
        match observation.constraint {
            Constraint::Forward { sent, received } => there.push((sent, received, observation)),
            Constraint::Backward { sent, received } => here.push((received, sent, observation)),
        }
    }
    there.sort_unstable();
    here.sort_unstable();
    let (mut all, mut told) = (Vec::new(), 0);
    for (at, sent, observation) in here {
        all.push(Known { at, observation });
        let asked = there.partition_point(|(asked, ..)| *asked < at);
        let fresh = there.get(told..asked).unwrap_or_default();
        if let Some(newest) = fresh.iter().rposition(|(_, received, _)| *received <= sent) {
            all.extend(
                fresh.get(newest).map(|(.., observation)| Known { at, observation: *observation }),
            );
            told += newest + 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_protocol::clock::Epochs;

    #[test]
    fn of_two_messages_before_one_answer_the_newer_is_told() {
        let ahead = |ms: i64| Instant::from_nanos((30_000 + ms) * 1_000_000);
        let here = |ms: i64| Instant::from_nanos(ms * 1_000_000);
        let forward = |at| Constraint::Forward { sent: here(at), received: ahead(at + 5) };
        let back = |at| Constraint::Backward { sent: ahead(at), received: here(at + 5) };
        let list = [forward(0), forward(10), back(20), back(30), forward(40)];
        let list = list.map(|constraint| Observation { epochs: Epochs::default(), constraint });
        let told: Vec<_> = known(&list)
            .into_iter()
            .map(|known| (known.at, known.observation.constraint))
            .collect();
        assert_eq!(told, [(here(25), back(20)), (here(25), forward(10)), (here(35), back(30))]);
    }
}
