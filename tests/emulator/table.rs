//! The result as a table for people, and as `RESULTS.md` of a full run.

use std::path::Path;

use crate::bed::Trouble;
use crate::play::Played;

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
    }
    for (role, ns) in &played.report.holes {
        add(&format!("{role} gone"), Some(*ns));
    }
    told.push(format!("{} clock checks", played.report.checks));
    told.join(", ")
}

/// Writes the result of a full run.
pub(crate) fn write(path: &Path, head: &str, lines: &[Line]) -> Result<(), Trouble> {
    let mut text = format!(
        "# Results of the emulator beds\n\n{head}\n\n| Scenario | Bed | Result | Figures | Measured \
         when injected |\n|---|---|---|---|---|\n"
    );
    lines.iter().for_each(|line| text += &line.row());
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
