//! Alarms: clock epochs that were begun although no clock had broken its model, and
//! how soon one is begun when a clock has.
//!
//! Only our own method is asked: none of its peers claims to prove a step.

use std::io::{self, Write};

use diptych_protocol::clock::smooth::smooth;
use diptych_protocol::time::Span;
use diptych_tests::oscillator::Upset;
use diptych_tests::scenario::Scenario;
use serde::Serialize;

use crate::run::{Keep, World};
use crate::score::settles;
use crate::watched::Watched;
use crate::work::in_parallel;

/// When a clock steps, at the earliest, and how long the run lasts then.
const STEP_AT: Span = Span::from_secs(400);
const STEPPED_RUN: Span = Span::from_secs(600);
/// Steps that must be found.
const STEPS: [(&str, Span); 6] = [
    ("+5 ms", Span::from_millis(5)),
    ("-5 ms", Span::from_millis(-5)),
    ("+50 ms", Span::from_millis(50)),
    ("-50 ms", Span::from_millis(-50)),
    ("+45 s", Span::from_secs(45)),
    ("-45 s", Span::from_secs(-45)),
];

/// Everything that was counted.
#[derive(Debug, Serialize)]
pub(crate) struct Alarms {
    quiet: Vec<Quiet>,
    stepped: Vec<Stepped>,
}

/// One scenario without a step.
#[derive(Debug, Serialize)]
struct Quiet {
    scenario: &'static str,
    hours: f64,
    /// Epochs begun while it ran.
    live: u64,
    /// How often one was suspected while it ran.
    suspected: u64,
    /// Epochs in the map afterwards, beyond one for each run.
    afterwards: u64,
}

/// One scenario with a step, or the suspend of S9.
#[derive(Debug, Serialize)]
struct Stepped {
    scenario: &'static str,
    step: &'static str,
    runs: u64,
    /// Runs in which it was never found.
    missed: u64,
    /// From the first message after it until the epoch was begun: worst run.
    found_s: Option<f64>,
    /// From the first message after it until the error stays below 200 µs: half
    /// of the runs within the first, all within the second.
    relocked_s: [Option<f64>; 2],
    /// Epochs begun beyond the one.
    more: u64,
}

/// What one run with a step showed.
struct Found {
    found: Option<Span>,
    relocked: Option<Span>,
    more: u64,
}

/// Runs each of `scenarios` whose clocks never break their model once for each of
/// `seeds`; then steps the clock in those that keep their network, for as many
/// seeds up to 40.
pub(crate) fn count(scenarios: &[Scenario], seeds: core::ops::Range<u64>, lasting: Span) -> Alarms {
    let holds = |scenario: &&Scenario| scenario.model_holds && scenario.upsets.is_empty();
    let mut jobs = Vec::new();
    for scenario in scenarios.iter().filter(holds) {
        jobs.extend(seeds.clone().map(|seed| (scenario, seed)));
    }
    let counts = in_parallel(&jobs, |(scenario, seed)| quiet(scenario, *seed, lasting));
    let mut told: Vec<Quiet> = Vec::new();
    for ((scenario, _), (live, suspected, afterwards)) in jobs.iter().zip(counts) {
        let name = scenario.name;
        if told.last().is_none_or(|last| last.scenario != name) {
            told.push(Quiet { scenario: name, hours: 0.0, live: 0, suspected: 0, afterwards: 0 });
        }
        let Some(last) = told.last_mut() else { continue };
        last.hours += lasting.nanos() as f64 / 3.6e12;
        last.live += live;
        last.suspected += suspected;
        last.afterwards += afterwards;
    }
    let seeds = seeds.start..seeds.end.min(seeds.start + 40);
    let mut stepped = Vec::new();
    for scenario in scenarios.iter().filter(holds).filter(|one| one.roams.is_empty()) {
        for (step, by) in STEPS {
            stepped.push(find(scenario, step, Some(by), &seeds));
        }
    }
    for scenario in scenarios.iter().filter(|one| one.name == "S9") {
        stepped.push(find(scenario, "suspend", None, &seeds));
    }
    Alarms { quiet: told, stepped }
}

fn quiet(scenario: &Scenario, seed: u64, lasting: Span) -> (u64, u64, u64) {
    let mut watched = Watched::from(lasting);
    World::new(scenario, seed, lasting).run(&mut watched, &[], Keep::Counts);
    let map = smooth(&watched.inner().journal(), None);
    let more = map.stretches().len().saturating_sub(1) as u64;
    (watched.begun.len() as u64, watched.suspected, more)
}

fn find(
    scenario: &Scenario,
    step: &'static str,
    by: Option<Span>,
    seeds: &core::ops::Range<u64>,
) -> Stepped {
    let jobs: Vec<u64> = seeds.clone().collect();
    let runs = in_parallel(&jobs, |seed| run(scenario, by, *seed));
    let seconds = |span: Span| span.nanos() as f64 / 1e9;
    let worst = |of: fn(&Found) -> Option<Span>| runs.iter().map(of).max().flatten();
    let mut relocked: Vec<_> = runs.iter().map(|run| run.relocked.unwrap_or(Span::MAX)).collect();
    relocked.sort_unstable();
    let quantile =
        |index: usize| relocked.get(index).copied().filter(|span| *span < Span::MAX).map(seconds);
    Stepped {
        scenario: scenario.name,
        step,
        runs: jobs.len() as u64,
        missed: runs.iter().filter(|run| run.found.is_none()).count() as u64,
        found_s: worst(|run| run.found).map(seconds),
        relocked_s: [quantile(jobs.len() / 2), quantile(jobs.len().saturating_sub(1))],
        more: runs.iter().map(|run| run.more).sum(),
    }
}

/// Steps the clock by `by`, at an instant of the seed's own; `None` leaves the
/// scenario's own upset.
fn run(scenario: &Scenario, by: Option<Span>, seed: u64) -> Found {
    let mut scenario = scenario.clone();
    let (calm, lasting) = if let Some(by) = by {
        let at = STEP_AT + Span::from_millis(i64::try_from(seed % 100).unwrap_or(0) * 137);
        scenario.upsets = vec![Upset::Step { at, by }];
        (at, STEPPED_RUN)
    } else {
        let until = scenario.unknowable.iter().map(|(_, until)| *until).max();
        let ends = scenario.upsets.iter().map(|upset| match *upset {
            Upset::Step { at, .. } => at,
            Upset::Slew { until, .. } => until,
        });
        let calm = ends.max().unwrap_or(Span::ZERO);
        (calm, until.unwrap_or(calm) + Span::from_secs(200))
    };
    let dense = (0..2_000).map(|index| calm + Span::from_millis(10 * index));
    let rest = (80..).map(|quarter| calm + Span::from_millis(250 * quarter));
    let asked: Vec<_> = dense.chain(rest.take_while(|at| *at < lasting)).collect();
    let mut watched = Watched::from(calm);
    let outcome =
        World::new(&scenario, seed, lasting).run(&mut watched, &asked, Keep::Observations);
    let heard = watched.heard.unwrap_or(lasting);
    let after = outcome.observations.iter().filter(|seen| seen.since >= heard.nanos());
    let found = watched.begun.iter().find(|at| **at >= calm).map(|at| *at - heard);
    Found {
        found,
        relocked: settles(after).map(|at| Span::from_nanos(at) - heard),
        more: (watched.begun.len() as u64).saturating_sub(u64::from(found.is_some())),
    }
}

/// Two tables, for a terminal of 80 columns.
pub(crate) fn print(out: &mut impl Write, alarms: &Alarms) -> io::Result<()> {
    writeln!(out, "No clock broke its model: epochs begun, live and afterwards, and suspected.")?;
    let row = |out: &mut dyn Write, [name, hours, live, afterwards, suspected]: [&str; 5]| {
        writeln!(out, "{name:<12}{hours:>10}{live:>8}{afterwards:>12}{suspected:>12}")
    };
    row(out, ["", "hours", "live", "afterwards", "suspected"])?;
    let mut sum = (0.0, 0, 0, 0);
    for one in &alarms.quiet {
        let Quiet { scenario, hours, live, suspected, afterwards } = one;
        sum = (sum.0 + hours, sum.1 + live, sum.2 + afterwards, sum.3 + suspected);
        let [a, b, c] = [*live, *afterwards, *suspected].map(|count| count.to_string());
        row(out, [scenario, &format!("{hours:.1}"), &a, &b, &c])?;
    }
    let [a, b, c] = [sum.1, sum.2, sum.3].map(|count| count.to_string());
    row(out, ["all", &format!("{:.1}", sum.0), &a, &b, &c])?;
    writeln!(out, "\nA clock stepped: seconds from the first message after it, worst of the runs")?;
    writeln!(out, "(re-locked: the error stays below 200 µs; half of the runs, and all).")?;
    writeln!(
        out,
        "{:<12}{:>9}{:>6}{:>8}{:>9}{:>16}{:>7}",
        "", "step", "runs", "missed", "found", "re-locked", "more"
    )?;
    let seconds = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    for one in &alarms.stepped {
        let Stepped { scenario, step, runs, missed, found_s, relocked_s: [half, all], more } = one;
        let [found, half, all] = [*found_s, *half, *all].map(seconds);
        writeln!(
            out,
            "{scenario:<12}{step:>9}{runs:>6}{missed:>8}{found:>9}{half:>8}{all:>8}{more:>7}"
        )?;
    }
    Ok(())
}
