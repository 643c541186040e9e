//! From observations to the figures of the table.

use diptych_protocol::time::Span;
use diptych_tests::scenario::Scenario;
use serde::Serialize;

use crate::method::Asked;
use crate::run::{Counts, Observation, Outcome, SETTLED};

/// An estimate has converged once it stays this close to the truth.
const CONVERGED: i64 = 200_000;

/// One row of the table: one method in one scenario over all seeds.
///
/// Errors are pooled over the seeds; nothing is averaged that could hide a bad
/// seed. `null` means that the method never said anything of the kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Score {
    pub(crate) scenario: String,
    pub(crate) method: &'static str,
    /// Error from 60 s on (after the session: at all instants), µs.
    pub(crate) rms_us: Option<f64>,
    pub(crate) p95_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    pub(crate) max_us: Option<f64>,
    /// Until the error is below 200 µs for good: the 95th percentile of the
    /// seeds, or `null` if more than 5 % never get there.
    pub(crate) converge_200us_s: Option<f64>,
    /// Share of all instants with a claimed bound at which it held.
    pub(crate) coverage: Option<f64>,
    /// Mean half-width of the claimed bound from 60 s on.
    pub(crate) half_width_us: Option<f64>,
    pub(crate) exchanges_per_s: f64,
    pub(crate) bytes_per_s: f64,
    /// Mean of both directions' least delays: no half-width can be below it.
    pub(crate) floor_us: f64,
    /// Instants at which a bound was held against the truth.
    pub(crate) instants: u64,
    /// How often it did not contain it.
    pub(crate) violations: u64,
    /// The greatest |error| / half-width where both are known.
    pub(crate) worst_ratio: Option<f64>,
    /// Mean claimed standard deviation from 60 s on.
    pub(crate) sigma_us: Option<f64>,
    /// After the last upset, from the first datagram heard until the error is
    /// below 200 µs for good: the worst seed.
    pub(crate) relock_s: Option<f64>,
    /// Whether it was asked while it ran; else after the session.
    pub(crate) live: bool,
}

/// Collects the seeds of one row.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    errors: Vec<f64>,
    halves: Mean,
    sigmas: Mean,
    floors: Mean,
    exchanges: Mean,
    bytes: Mean,
    converged: Vec<f64>,
    relocked: Vec<f64>,
    counts: Counts,
    /// Whether bounds were only counted.
    counted: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Tally {
    /// Adds one seed. `settled` is from when on accuracy counts.
    pub(crate) fn add(
        &mut self,
        scenario: &Scenario,
        settled: Span,
        lasting: Span,
        outcome: &Outcome,
    ) {
        let seconds = lasting.nanos() as f64 / 1e9;
        let counts = outcome.counts;
        if counts.instants > 0 {
            self.counted = true;
            self.counts.instants += counts.instants;
            self.counts.violations += counts.violations;
            self.counts.worst_ratio = self.counts.worst_ratio.max(counts.worst_ratio);
            self.halves.sum += counts.halves;
            self.halves.count += counts.instants;
        }
        self.floors.add(outcome.floor / 1e3);
        self.exchanges.add(outcome.exchanges / seconds);
        self.bytes.add(outcome.bytes as f64 / seconds);
        for seen in &outcome.observations {
            if scenario.is_knowable(Span::from_nanos(seen.since)) {
                self.observe(seen, settled);
            }
        }
        let upset = scenario.unknowable.first().map_or(i64::MAX, |(from, _)| from.nanos());
        let calm = scenario.unknowable.last().map_or(i64::MAX, |(_, until)| until.nanos());
        let before = outcome.observations.iter().filter(|seen| seen.since < upset);
        self.converged.push(settles(before).map_or(f64::INFINITY, |at| at as f64 / 1e9));
        if lasting.nanos() > calm {
            let heard = outcome.heard_again.unwrap_or(i64::MAX);
            let after = outcome.observations.iter().filter(|seen| seen.since >= heard);
            let relock =
                settles(after).map_or(f64::INFINITY, |at| (at - heard).max(0) as f64 / 1e9);
            self.relocked.push(relock);
        }
    }

    fn observe(&mut self, seen: &Observation, settled: Span) {
        let counts = seen.since >= settled.nanos();
        if counts {
            self.errors.push((seen.error as f64 / 1e3).abs());
        }
        if let Some((low, high)) = seen.bound {
            self.counts.add((low, high));
            if counts {
                self.halves.add((high as f64 - low as f64) / 2e3);
            }
        }
        if let Some(sigma) = seen.sigma.filter(|_| counts) {
            self.sigmas.add(sigma as f64 / 1e3);
        }
    }

    pub(crate) fn score(mut self, scenario: &str, method: &'static str, asked: Asked) -> Score {
        let live = asked == Asked::Live;
        self.errors.sort_by(f64::total_cmp);
        self.converged.sort_by(f64::total_cmp);
        let square = self.errors.iter().map(|error| error * error).sum::<f64>();
        let count = self.errors.len();
        let Counts { instants, violations, worst_ratio, .. } = self.counts;
        let bounded = instants > 0;
        let share = violations as f64 / instants as f64;
        Score {
            scenario: scenario.to_owned(),
            method,
            rms_us: (count > 0).then(|| (square / count as f64).sqrt()),
            p95_us: quantile(&self.errors, 0.95),
            p99_us: quantile(&self.errors, 0.99),
            max_us: self.errors.last().copied(),
            converge_200us_s: quantile(&self.converged, 0.95)
                .filter(|at| at.is_finite() && live && !self.counted),
            coverage: bounded.then_some(1.0 - share),
            half_width_us: self.halves.value(),
            exchanges_per_s: self.exchanges.value().unwrap_or(0.0),
            bytes_per_s: self.bytes.value().unwrap_or(0.0),
            floor_us: self.floors.value().unwrap_or(0.0),
            instants,
            violations,
            worst_ratio: bounded.then_some(worst_ratio),
            sigma_us: self.sigmas.value(),
            relock_s: self
                .relocked
                .iter()
                .copied()
                .reduce(f64::max)
                .filter(|seconds| seconds.is_finite() && live),
            live,
        }
    }
}

/// From when accuracy counts, for a method asked afterwards or live.
pub(crate) fn settled(afterwards: bool) -> Span {
    if afterwards { Span::ZERO } else { SETTLED }
}

/// The first instant from which every later one is close to the truth.
pub(crate) fn settles<'a>(observations: impl Iterator<Item = &'a Observation>) -> Option<i64> {
    let mut since = None;
    for seen in observations {
        if seen.error.abs() < CONVERGED {
            since.get_or_insert(seen.since);
        } else {
            since = None;
        }
    }
    since
}

/// The nearest-rank `q`-quantile of sorted values.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let below =
        sorted.iter().enumerate().find(|(index, _)| (index + 1) as f64 >= q * sorted.len() as f64);
    below.map(|(_, value)| *value)
}
