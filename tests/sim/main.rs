//! Runs simulated sessions: one of them again, or very many.
//!
//! ```text
//! cargo run -p diptych-tests --bin sim -- --seed 17 --minutes 60 --verbose
//! cargo run -p diptych-tests --bin sim --release -- --storms 10000
//! cargo run -p diptych-tests --bin sim --release -- --exam --minutes 480 --write DIR
//! ```
//!
//! The last writes the journals of a quiet exam, for whoever measures what reads
//! them: a session of eight hours that nobody has to sit through.
//!
//! The trail at the end is one number for every byte of every journal and every
//! event that an app was told. A change that is meant to change no behaviour, only
//! how fast it is, leaves it as it was.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use diptych_protocol::machine::JournalName;
use diptych_protocol::time::Span;
use diptych_tests::dice::Dice;
use diptych_tests::many::in_order;
use diptych_tests::world::{Scenario, World};

struct Asked {
    seed: u64,
    storms: u64,
    minutes: i64,
    verbose: bool,
    /// Nothing goes wrong.
    exam: bool,
    /// Where the primary's journals go.
    write: Option<PathBuf>,
}

fn asked() -> Result<Asked, String> {
    let mut asked =
        Asked { seed: 1, storms: 1, minutes: 60, verbose: false, exam: false, write: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--verbose" => asked.verbose = true,
            "--exam" => asked.exam = true,
            "--write" => {
                let folder = words.next().ok_or("expected a folder after --write")?;
                asked.write = Some(folder.into());
            }
            _ => number(&mut asked, &word, words.next())?,
        }
    }
    Ok(asked)
}

fn number(asked: &mut Asked, word: &str, value: Option<String>) -> Result<(), String> {
    let number = value.and_then(|number| number.parse::<u32>().ok());
    let number = number.ok_or(format!("expected a whole number after {word}"))?;
    match word {
        "--seed" => asked.seed = number.into(),
        "--storms" => asked.storms = number.into(),
        "--minutes" => asked.minutes = number.into(),
        _ => {
            return Err(format!(
                "expected --seed, --storms, --minutes, --exam, --write or --verbose, got {word}"
            ));
        }
    }
    Ok(())
}

/// Writes what the primary has at the end, as its own folder would hold it.
fn write(journals: &[(JournalName, Vec<u8>)], folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, bytes) in journals {
        std::fs::write(folder.join(format!("{name}.journal")), bytes)?;
    }
    Ok(())
}

/// What is told of one session. Its journals may be large, and are kept to be written only.
struct Ran {
    story: Option<String>,
    journals: Vec<(JournalName, Vec<u8>)>,
    failures: Vec<String>,
    resumes: Vec<Span>,
    trail: u64,
}

impl Ran {
    fn of(asked: &Asked, seed: u64) -> Self {
        let scenario = if asked.exam {
            Scenario::exam(seed, 1, asked.minutes)
        } else {
            Scenario::storm(seed, asked.minutes)
        };
        let outcome = World::new(Scenario { verbose: asked.verbose, ..scenario }).run();
        let story = (asked.storms == 1).then(|| outcome.story());
        let mut failures = outcome.failures;
        if !outcome.ended {
            failures.push(format!("not over everywhere: {:?}", outcome.over));
        }
        let primarys = outcome.journals.into_iter().next().filter(|_| asked.write.is_some());
        let journals = primarys.into_iter().flatten().collect();
        Self { story, journals, failures, resumes: outcome.resumes, trail: outcome.trail }
    }
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
    let mut trail = 0;
    let seeds = asked.seed..asked.seed + asked.storms;
    in_order(
        seeds,
        |seed| Ran::of(&asked, seed),
        |seed, mut ran| {
            if let Some(story) = &ran.story {
                _ = writeln!(out, "{story}");
            }
            // One after the other: the folder holds one session's.
            if let Some(folder) = &asked.write
                && let Err(error) = write(&ran.journals, folder)
            {
                ran.failures.push(format!("cannot write into {}: {error}", folder.display()));
            }
            for failure in &ran.failures {
                _ = writeln!(out, "seed {seed}: {failure}");
            }
            failed += u64::from(!ran.failures.is_empty());
            resumes.extend(ran.resumes);
            trail = Dice::keyed(trail, ran.trail, 0).bits();
        },
    );
    resumes.sort_unstable();
    let part = |percent: usize| resumes.get(resumes.len().saturating_sub(1) * percent / 100);
    _ = writeln!(out, "{} sessions, {failed} failed, trail {trail:016x}", asked.storms);
    if let (Some(half), Some(most), Some(all)) = (part(50), part(95), part(99)) {
        let times = resumes.len();
        _ = writeln!(out, "back {times} times: p50 {half}, p95 {most}, p99 {all}");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
