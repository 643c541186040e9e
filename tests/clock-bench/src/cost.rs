//! What our method costs: time per message while it runs, also late in a long
//! session, and time to smooth a session afterwards.
//!
//! Processor time, so that what else the machine does is not in it. The first and
//! the last sixth of a session are compared within one run.

use std::io::{self, Write};
use std::time::Duration;

use diptych_protocol::clock::smooth::smooth;
use diptych_protocol::time::{Instant, Span};
use diptych_tests::scenario::Scenario;
use serde::Serialize;

use crate::run::{Keep, START, World};
use crate::watched::{Watched, processor};

/// How often a session is smoothed, to find the least time that it takes.
const TRIES: usize = 5;

/// What one scenario cost.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    scenario: &'static str,
    hours: f64,
    /// Messages that the primary heard.
    messages: usize,
    /// Microseconds of the primary per message: stamps, agreement, estimator and
    /// schedule.
    mean_us: f64,
    median_us: f64,
    p99_us: f64,
    max_us: f64,
    /// The same mean over the first and the last sixth of the session.
    first_us: f64,
    last_us: f64,
    /// Both devices' messages, smoothed into the map: the least of five times.
    smooth_ms: f64,
    /// One question about the present.
    estimate_us: f64,
    interval_us: f64,
}

/// Runs one seed of each scenario for `lasting`.
pub(crate) fn measure(scenarios: &[Scenario], seed: u64, lasting: Span) -> Vec<Cost> {
    scenarios.iter().map(|scenario| one(scenario, seed, lasting)).collect()
}

fn one(scenario: &Scenario, seed: u64, lasting: Span) -> Cost {
    let mut watched = Watched::from(lasting);
    World::new(scenario, seed, lasting).run(&mut watched, &[], Keep::Counts);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let took: Vec<f64> = watched.took.iter().copied().map(micros).collect();
    let mean = |list: &[f64]| list.iter().sum::<f64>() / (list.len() as f64).max(1.0);
    let sixth = took.len() / 6;
    let mut sorted = took.clone();
    sorted.sort_by(f64::total_cmp);
    let quantile = |per_mille: usize| {
        let index = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or(0.0)
    };
    let end = START + lasting;
    let asked = 1_000_i64;
    let each = |of: &dyn Fn(Instant<_>) -> bool| {
        let began = processor();
        let known = (0..asked).filter(|back| of(end - Span::from_micros(*back))).count();
        micros(processor().saturating_sub(began)) / (known as f64).max(1.0)
    };
    let estimator = watched.inner().estimator().clone();
    let estimate_us = each(&|at| estimator.estimate(at).is_some());
    let interval_us = each(&|at| estimator.interval(at).is_some());
    let journal = watched.inner().journal();
    let smoothed = (0..TRIES).map(|_| {
        let began = processor();
        let knots = smooth(&journal, None).stretches().len();
        (processor().saturating_sub(began), knots)
    });
    let (least, _) = smoothed.min().unwrap_or_default();
    Cost {
        scenario: scenario.name,
        hours: lasting.nanos() as f64 / 3.6e12,
        messages: took.len(),
        mean_us: mean(&took),
        median_us: quantile(500),
        p99_us: quantile(990),
        max_us: quantile(1_000),
        first_us: mean(&took[..sixth]),
        last_us: mean(&took[took.len() - sixth..]),
        smooth_ms: micros(least) / 1e3,
        estimate_us,
        interval_us,
    }
}

/// A table, for a terminal of 80 columns.
pub(crate) fn print(out: &mut impl Write, costs: &[Cost]) -> io::Result<()> {
    writeln!(out, "µs of the primary per message; first and last: means over the first and the")?;
    writeln!(out, "last sixth; smooth: the whole session afterwards, ms; ask: µs per estimate.")?;
    writeln!(
        out,
        "{:<10}{:>6}{:>9}{:>7}{:>7}{:>8}{:>8}{:>7}{:>7}{:>8}",
        "", "hours", "messages", "mean", "p50", "p99", "first", "last", "ask", "smooth"
    )?;
    for cost in costs {
        writeln!(
            out,
            "{:<10}{:>6.1}{:>9}{:>7.2}{:>7.2}{:>8.1}{:>8.2}{:>7.2}{:>7.1}{:>8.1}",
            cost.scenario,
            cost.hours,
            cost.messages,
            cost.mean_us,
            cost.median_us,
            cost.p99_us,
            cost.first_us,
            cost.last_us,
            cost.estimate_us,
            cost.smooth_ms,
        )?;
    }
    Ok(())
}
