//! Whether two devices have agreed on the same exchanges, in eight bytes.
//!
//! Both compute the estimate by themselves, and what they compute it from must be the
//! same. So each folds every exchange that was agreed on into one hash, and the
//! assistant shows its own. Rejected: a digest of the estimator (another implementation
//! holds other things, and both would measure for ever), and a count (two devices may
//! have agreed on as many exchanges, and not on the same).

use super::constraint::{Constraint, Observation};
use crate::identity::sha256;

/// Every exchange that was agreed on since the clocks began anew, as one hash.
/// `[CLOCK-18]`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Agreement([u8; 32]);

impl Agreement {
    /// Both devices know both to know of this exchange.
    pub fn add(&mut self, exchange: &[Observation]) {
        let mut bytes = self.0.to_vec();
        let mut ways: Vec<_> = exchange.iter().map(|one| one.constraint).collect();
        ways.sort_by_key(|way| matches!(way, Constraint::Backward { .. }));
        for way in ways {
            let (sent, received) = match way {
                Constraint::Forward { sent, received } => (sent.nanos(), received.nanos()),
                Constraint::Backward { sent, received } => (sent.nanos(), received.nanos()),
            };
            bytes.extend_from_slice(&sent.to_le_bytes());
            bytes.extend_from_slice(&received.to_le_bytes());
        }
        self.0 = sha256(&bytes);
    }

    /// What a heartbeat shows of it; 0 while nothing was agreed on.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::constraint::Epochs;
    use crate::time::Instant;

    fn exchange([sent, received, back, here]: [i64; 4]) -> [Observation; 2] {
        let forward = Constraint::Forward {
            sent: Instant::from_nanos(sent),
            received: Instant::from_nanos(received),
        };
        let backward = Constraint::Backward {
            sent: Instant::from_nanos(back),
            received: Instant::from_nanos(here),
        };
        [forward, backward].map(|constraint| Observation { epochs: Epochs::default(), constraint })
    }

    #[test]
    fn the_worked_digests_of_the_specification() {
        // [CLOCK-18]
        let mut agreement = Agreement::default();
        assert_eq!(agreement.digest(), 0);
        let first = exchange([1_000_000_000, 31_000_700_000, 31_001_000_000, 1_001_700_000]);
        agreement.add(&first);
        assert_eq!(agreement.digest(), 16_472_601_864_725_197_137);
        let mut other = Agreement::default();
        other.add(&[first[1], first[0]]);
        assert_eq!(other, agreement, "whichever way it is told");
        agreement.add(&exchange([2_000_000_000, 32_000_800_000, 32_001_000_000, 2_001_600_000]));
        assert_eq!(agreement.digest(), 6_934_729_962_822_625_590);
    }
}
