//! A device's own clock: wrong from the start, and wronger every second.

/// Counts nanoseconds since a boot of the device, sleep included.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalClock {
    /// The true time at which it read `origin`.
    since: i64,
    origin: i64,
    /// Parts per billion too fast.
    skew: i64,
}

const BILLION: i128 = 1_000_000_000;

impl LocalClock {
    pub(super) const fn new(since: i64, origin: i64, skew: i64) -> Self {
        Self { since, origin, skew }
    }

    /// The same, ahead by so much from now on.
    pub(super) const fn ahead(self, by: i64) -> Self {
        Self { origin: self.origin + by, ..self }
    }

    /// What it reads at true time `at`.
    pub(super) fn reading(&self, at: i64) -> i64 {
        let passed = i128::from(at - self.since);
        let shown = passed + passed * i128::from(self.skew) / BILLION;
        self.origin + i64::try_from(shown).unwrap_or(i64::MAX)
    }

    /// The first true time at which it reads at least `reading`.
    pub(super) fn when(&self, reading: i64) -> i64 {
        let shown = i128::from(reading) - i128::from(self.origin);
        let passed = shown * BILLION / (BILLION + i128::from(self.skew));
        let mut at = self.since.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        while self.reading(at) < reading && at < i64::MAX - 2 {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_reached_when_the_clock_shows_it() {
        for skew in [-80_000, 0, 31_337] {
            let clock = LocalClock::new(5_000, 77, skew);
            for reading in [77, 1_000_000_007, 3_600_000_000_000] {
                let at = clock.when(reading);
                assert!(clock.reading(at) >= reading && clock.reading(at - 2) <= reading);
            }
        }
    }
}
