//! Runs simulated sessions: one of them again, or very many.
//!
//! ```text
//! cargo run -p diptych-tests --bin sim -- --seed 17 --minutes 60 --verbose
//! cargo run -p diptych-tests --bin sim --release -- --storms 10000
//! ```

use std::io::Write as _;
use std::process::ExitCode;

use diptych_protocol::time::Span;
use diptych_tests::world::{Scenario, World};

struct Asked {
    seed: u64,
    storms: u64,
    minutes: i64,
    verbose: bool,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked { seed: 1, storms: 1, minutes: 60, verbose: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--verbose" {
            asked.verbose = true;
            continue;
        }
        let number = words.next().and_then(|number| number.parse::<u32>().ok());
        let number = number.ok_or(format!("expected a whole number after {word}"))?;
        match word.as_str() {
            "--seed" => asked.seed = number.into(),
            "--storms" => asked.storms = number.into(),
            "--minutes" => asked.minutes = number.into(),
            _ => {
                return Err(format!(
                    "expected --seed, --storms, --minutes or --verbose, got {word}"
                ));
            }
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let asked = match asked() {
        Ok(asked) => asked,
        Err(error) => {
            _ = writeln!(out, "{error}");
            return ExitCode::from(2);
        }
    };
    let mut failed = 0_u64;
    let mut resumes: Vec<Span> = Vec::new();
    for seed in asked.seed..asked.seed + asked.storms {
        let storm = Scenario { verbose: asked.verbose, ..Scenario::storm(seed, asked.minutes) };
        let outcome = World::new(storm).run();
        if asked.storms == 1 {
            _ = writeln!(out, "{}", outcome.story());
        }
        for failure in &outcome.failures {
            _ = writeln!(out, "seed {seed}: {failure}");
        }
        if !outcome.ended {
            _ = writeln!(out, "seed {seed}: not over everywhere: {:?}", outcome.over);
        }
        failed += u64::from(!outcome.failures.is_empty() || !outcome.ended);
        resumes.extend(outcome.resumes);
    }
    resumes.sort_unstable();
    let part = |percent: usize| resumes.get(resumes.len().saturating_sub(1) * percent / 100);
    _ = writeln!(out, "{} sessions, {failed} failed", asked.storms);
    if let (Some(half), Some(most), Some(all)) = (part(50), part(95), part(99)) {
        let times = resumes.len();
        _ = writeln!(out, "back {times} times: p50 {half}, p95 {most}, p99 {all}");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
