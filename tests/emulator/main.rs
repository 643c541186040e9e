//! Sessions of the real program on machines that are really several, under faults
//! that are proven to have been injected.
//!
//! A harness of its own, because what cannot be played here must be reported as
//! skipped with its reason, which the standard one cannot do at run time. Exits
//! with 0 if nothing failed. `tests/emulator/README.md` tells how to use it.

#![expect(
    clippy::indexing_slicing,
    reason = "a figure that is not there stops the scenario, and JSON answers with null"
)]

mod baseline;
mod bed;
mod clock;
mod light;
mod play;
mod program;
mod qemu;
mod scenario;
mod scenarios;
mod starve;
mod strangers;
mod table;
mod verdict;

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use bed::Bed;
use scenario::Scenario;
use table::{Line, Outcome};

/// Plays of each way to pair in a full run.
const REHEARSED: usize = 3;
/// The most repetitions of one scenario.
const REPEATS: u32 = 1_000;

/// What the command line asks for.
#[derive(Debug)]
struct Asked {
    filters: Vec<String>,
    bed: Option<String>,
    list: bool,
    full: bool,
    repeat: u32,
    at_once: Option<usize>,
    results: Option<PathBuf>,
    keep: bool,
}

impl Asked {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut asked = Self {
            filters: Vec::new(),
            bed: None,
            list: false,
            full: std::env::var_os("DIPTYCH_BEDS").is_some_and(|which| which == "full"),
            repeat: 1,
            at_once: None,
            results: None,
            keep: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--list" => asked.list = true,
                "--full" => asked.full = true,
                "--keep" => asked.keep = true,
                "--bed" => asked.bed = Some(value()?.clone()),
                "--results" => asked.results = Some(PathBuf::from(value()?)),
                "--at-once" => asked.at_once = Some(number(value()?)? as usize),
                "--repeat" => asked.repeat = number(value()?)?,
                // What the standard harness knows, and people type from habit.
                "--nocapture" | "--show-output" | "-q" | "--quiet" => {}
                known if known.starts_with("--test-threads") || known.starts_with("--color") => {}
                other if other.starts_with('-') => {
                    return Err(format!("{other}: no such option (tests/emulator/README.md)"));
                }
                filter => asked.filters.push(filter.to_owned()),
            }
        }
        Ok(asked)
    }

    fn wants(&self, scenario: &Scenario) -> bool {
        let named = self.filters.iter().any(|filter| scenario.name.contains(filter.as_str()));
        let chosen = named || self.filters.is_empty();
        chosen && (self.full || !scenario.full || self.filters.iter().any(|f| f == scenario.name))
    }

    /// Whether a bed plays what was asked for: what was named, or asked of this bed,
    /// is played; of what nobody named, the bed's own choice.
    fn plays(&self, bed: &dyn Bed, scenario: &Scenario) -> bool {
        self.full || self.bed.is_some() || !self.filters.is_empty() || bed.chosen(scenario)
    }
}

fn number(text: &str) -> Result<u32, String> {
    let number: Option<u32> = text.parse().ok().filter(|number| (1..=REPEATS).contains(number));
    number.ok_or_else(|| format!("expected a number from 1 to {REPEATS}, got {text:?}"))
}

pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may be listening; the exit code says the same.
    _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(part) = light::path::part(&words) {
        return part.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    match Asked::read(&words).and_then(|asked| run(&asked, &repeatable(&words))) {
        Ok(code) => code,
        Err(trouble) => {
            say(&format!("emulator: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// The command line for others to repeat, without this machine's folders.
fn repeatable(words: &[String]) -> String {
    let name = |word: &String| {
        let name = std::path::Path::new(word).file_name();
        name.map_or(word.clone(), |name| name.to_string_lossy().into_owned())
    };
    words.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn run(asked: &Asked, command: &str) -> Result<ExitCode, String> {
    let beds: [&'static (dyn Bed + Sync); 2] = [&light::Light, &qemu::Qemu];
    let chosen: Vec<&Scenario> =
        scenarios::ALL.iter().filter(|scenario| asked.wants(scenario)).collect();
    if asked.list {
        chosen.iter().for_each(|scenario| say(&format!("{}: test", scenario.name)));
        return Ok(ExitCode::SUCCESS);
    }
    if chosen.is_empty() {
        return Err(format!(
            "no scenario is named {} (`--list` names them; the long ones want --full as well, or \
             their whole name)",
            asked.filters.join(", ")
        ));
    }
    baseline::check()?;
    let began = clock::now_ns();
    let mut lines = Vec::new();
    let beds_asked =
        beds.into_iter().filter(|bed| asked.bed.as_deref().is_none_or(|name| name == bed.name()));
    let beds_asked: Vec<_> = beds_asked.collect();
    // What the later beds need takes minutes to make the first time: it is made
    // while the first one plays, with what that leaves of the processors.
    for bed in beds_asked.iter().skip(1) {
        let bed: &'static (dyn Bed + Sync) = *bed;
        std::thread::spawn(|| bed.missing());
    }
    for bed in beds_asked {
        lines.extend(on(bed, &chosen, asked)?);
    }
    let count = |is: fn(&Outcome) -> bool| lines.iter().filter(|line| is(&line.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let passed = lines.len() - failed - skipped;
    let minutes = (clock::now_ns() - began) / 60_000_000_000 + 1;
    let closing = format!("{passed} passed, {failed} failed, {skipped} skipped");
    let mut together = table::together(&lines, &beds.map(Bed::name));
    together.push(format!("all of it took {minutes} minutes at most"));
    together.iter().for_each(|line| say(line));
    if let Some(path) = &asked.results {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let day = light::run("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default();
        let kernel = light::run("uname", &["-srm"]).unwrap_or_default();
        let version = light::run("qemu-system-x86_64", &["--version"]).unwrap_or_default();
        let version = version.lines().next().unwrap_or("no QEMU").to_owned();
        let (day, kernel) = (day.trim(), kernel.trim());
        let head = format!(
            "{day}, {cores} cores, {kernel}, {version}, `cargo test -p diptych-tests --test \
             emulator -- {command}`: {closing}."
        );
        table::write(path, &head, &together, &lines)?;
    }
    say(&format!("emulator result: {closing}"));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All chosen scenarios on one bed, several at once.
fn on(bed: &(dyn Bed + Sync), chosen: &[&Scenario], asked: &Asked) -> Result<Vec<Line>, String> {
    let missing = bed.missing();
    if missing.is_none() {
        program::diptych()?;
    }
    // What only many plays show is played often enough to show it.
    let often = |scenario: &Scenario| {
        if asked.full && scenario.name.starts_with("1-") { REHEARSED } else { 1 }
    };
    let jobs = (0..asked.repeat).flat_map(|_| {
        chosen.iter().flat_map(|scenario| std::iter::repeat_n(*scenario, often(scenario)))
    });
    let jobs = Mutex::new(jobs.enumerate().collect::<VecDeque<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..asked.at_once.unwrap_or(bed.at_once()) {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((number, scenario)) = job else { return };
                    let outcome = if asked.plays(bed, scenario) {
                        one(bed, scenario, number, missing.as_deref(), asked.keep)
                    } else {
                        Outcome::Skipped("waits for DIPTYCH_BEDS=full, or to be named".to_owned())
                    };
                    let line = Line { name: scenario.name.to_owned(), bed: bed.name(), outcome };
                    say(&line.told());
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, line));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, line)| line).collect())
}

fn one(
    bed: &dyn Bed,
    scenario: &Scenario,
    number: usize,
    missing: Option<&str>,
    keep: bool,
) -> Outcome {
    let never = scenario.needs().into_iter().find_map(|need| bed.cannot(need));
    if let Some(why) = missing.or(never) {
        return Outcome::Skipped(why.to_owned());
    }
    let name = format!("diptych-bed-{}-{number}-{}", std::process::id(), scenario.name);
    let folder = std::env::temp_dir().join(name);
    let played = std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))
        .and_then(|()| play::play(bed, scenario, &folder));
    match played {
        Ok(played) => {
            if keep {
                say(&format!("kept: {}", folder.display()));
            } else {
                _ = std::fs::remove_dir_all(&folder);
            }
            Outcome::Passed(Box::new(played))
        }
        Err(trouble) => Outcome::Failed(format!("{trouble} (kept: {})", folder.display())),
    }
}
