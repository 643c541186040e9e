//! The result as a table for people, and as `RESULTS.md` of a full run.

use std::path::Path;

use crate::bed::Trouble;
use crate::play::{self, Played};

/// What became of a scenario.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Passed(Box<Played>),
    Failed(Trouble),
    Skipped(String),
}

/// One line of the result.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) bed: &'static str,
    pub(crate) outcome: Outcome,
}

impl Line {
    /// As it is printed while the run goes on.
    pub(crate) fn told(&self) -> String {
        let head = format!("{} on {}", self.name, self.bed);
        match &self.outcome {
            Outcome::Passed(played) => format!("ok      {head}: {}", figures(played)),
            Outcome::Failed(trouble) => format!("FAILED  {head}: {trouble}"),
            Outcome::Skipped(why) => format!("SKIPPED {head}: {why}"),
        }
    }

    fn row(&self) -> String {
        let (result, told, proof) = match &self.outcome {
            Outcome::Passed(played) => ("held", figures(played), played.proofs.join("; ")),
            Outcome::Failed(trouble) => ("**failed**", trouble.replace('|', "/"), String::new()),
            Outcome::Skipped(why) => ("skipped", why.clone(), String::new()),
        };
        format!("| {} | {} | {result} | {told} | {proof} |\n", self.name, self.bed)
    }
}

fn figures(played: &Played) -> String {
    let ms = |ns: i64| format!("{}.{:03} ms", ns / 1_000_000, ns.unsigned_abs() / 1_000 % 1_000);
    let mut told = Vec::new();
    let mut add = |name: &str, ns: Option<i64>| {
        if let Some(ns) = ns {
            told.push(format!("{name} {}", ms(ns)));
        }
    };
    add("cold start", played.cold_ns);
    add("pairing", played.pairing_ns);
    for resumed in &played.resumed_ns {
        add("resumed after", Some(*resumed));
    }
    add("clock rms", played.report.clock_rms_ns);
    add("clock worst", played.report.clock_worst_ns);
    add("widest bound", played.report.bound_ns);
    if let Some(probe) = &played.probe {
        add("naive rms", probe.naive_ns);
        add("best of 8 rms", probe.best_of_8_ns);
        add("chrony rms", probe.chrony_ns);
    }
    for (role, ns) in &played.report.holes {
        add(&format!("{role} gone"), Some(*ns));
    }
    told.push(format!("{} clock checks", played.report.checks));
    told.join(", ")
}

/// A figure of many plays.
struct Spread {
    name: &'static str,
    goal_ns: i64,
    all: Vec<i64>,
}

impl Spread {
    /// The value that so many in a hundred do not exceed.
    fn percentile(&self, percent: usize) -> Option<i64> {
        let rank = (self.all.len() * percent).div_ceil(100).checked_sub(1)?;
        self.all.get(rank).copied()
    }
}

/// From cold start to every camera proven, and pairing alone, on one bed with one
/// assistant; each with what 95 of 100 have to keep.
fn spreads(lines: &[Line], bed: &str) -> [Spread; 2] {
    let played = lines.iter().filter(|line| line.bed == bed).filter_map(|line| {
        let Outcome::Passed(played) = &line.outcome else { return None };
        (!line.name.starts_with("8-")).then_some(played)
    });
    let (mut cold, mut pairing) = (Vec::new(), Vec::new());
    for played in played {
        cold.extend(played.cold_ns);
        pairing.extend(played.pairing_ns);
    }
    cold.sort_unstable();
    pairing.sort_unstable();
    let goals = (crate::clock::nanos(play::COLD_START), crate::clock::nanos(play::PAIRING));
    [
        Spread { name: "cold start to every camera proven", goal_ns: goals.0, all: cold },
        Spread { name: "of which pairing", goal_ns: goals.1, all: pairing },
    ]
}

/// What all plays of each bed say together, as sentences.
pub(crate) fn together(lines: &[Line], beds: &[&str]) -> Vec<String> {
    let spread = |bed: &&str| {
        spreads(lines, bed).into_iter().filter_map({
            let bed = (*bed).to_owned();
            move |one| {
                let (p50, p95) = (one.percentile(50)?, one.percentile(95)?);
                let (name, count) = (one.name, one.all.len());
                let (p50, p95, goal) = (p50 / 1_000_000, p95 / 1_000_000, one.goal_ns / 1_000_000);
                let word = if p95 <= goal { "kept" } else { "MISSED" };
                Some(format!(
                    "{bed}: {name}: p50 {p50} ms, p95 {p95} ms of {count} (at most {goal} ms: \
                     {word})"
                ))
            }
        })
    };
    beds.iter().flat_map(spread).collect()
}

/// Writes the result of a full run.
pub(crate) fn write(
    path: &Path,
    head: &str,
    together: &[String],
    lines: &[Line],
) -> Result<(), Trouble> {
    let told = together.iter().fold(String::new(), |text, line| text + "- " + line + "\n");
    let mut text = format!(
        "# Results of the emulator beds\n\n{head}\n\n{told}\n| Scenario | Bed | Result | Figures | Measured \
         when injected |\n|---|---|---|---|---|\n"
    );
    lines.iter().for_each(|line| text += &line.row());
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
