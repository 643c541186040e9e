//! The clock benchmark: every method on the same simulated or recorded
//! exchanges, with the truth known to the nanosecond.
//!
//! Floating point is used here for statistics about methods, and inside the
//! peers, which are made of it. Nothing in this program decides anything.
#![expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "statistics over data that this program made itself"
)]

mod alarms;
mod cost;
mod loopback;
mod method;
mod methods;
mod ours;
mod peers;
mod picture;
mod replay;
mod run;
mod score;
mod table;
mod watched;
mod work;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use diptych_protocol::time::Span;
use diptych_tests::scenario::Scenario;

use crate::methods::{Entry, METHODS};
use crate::run::Keep;

/// Compares methods that align two clocks over a bad network.
///
/// Simulates (or replays) exchanges with a known true offset and prints, for
/// each scenario and method, how far off its estimates were and whether the
/// bound that it claims held. Seeds from 1001 on also vary every figure of a
/// scenario by up to 30 %.
#[derive(Parser, Debug)]
#[command(name = "diptych-clock-bench", version)]
struct Arguments {
    /// How many seeds to run of each scenario
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How long each run is, in simulated minutes
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=1_440))]
    minutes: i64,
    /// Only this scenario (S1 to S11 or a variant), or `all` with every
    /// variant; may be given more than once [default: S1 to S11]
    #[arg(long, value_name = "NAME", value_parser = scenarios)]
    scenario: Vec<Chosen>,
    /// Only this method; may be given more than once [default: all]
    #[arg(long, value_name = "NAME", value_parser = method)]
    method: Vec<Named>,
    /// Score the methods on recorded exchanges instead: JSON with `rows` of
    /// t0, t1, t2, t3 and the `true` offset; may be given more than once
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "seeds", "first_seed", "minutes"])]
    replay: Vec<PathBuf>,
    /// Time between two instants at which a method is asked, in milliseconds;
    /// a small one makes a dense test of the bound
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(i64).range(1..=60_000))]
    apart: i64,
    /// Only count how often the claimed bounds held, and how wide they were;
    /// with `--apart 1` at 1.8 million instants per run of 30 minutes
    #[arg(long, conflicts_with = "replay")]
    bound_only: bool,
    /// Also draw error and bound over time of the first seed, as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replay", "bound_only"])]
    picture: Option<PathBuf>,
    /// Only count clock epochs that ours began without cause, and measure how soon
    /// it finds steps; S1 to S8, S10 and S11 with 200 seeds are 1,000 hours
    #[arg(long, conflicts_with_all = ["replay", "bound_only", "picture", "method"])]
    alarms: bool,
    /// Only measure what ours costs, on the first seed of each scenario; the goals
    /// are set for `--minutes 180`
    #[arg(long, conflicts_with_all = ["replay", "bound_only", "picture", "method", "alarms"])]
    cost: bool,
    /// Only measure two processes over loopback, so many seconds for each of four
    /// runs: idle and under load, with the reader's stamps and with the kernel's
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(10..=3_600),
          conflicts_with_all = ["replay", "bound_only", "picture", "method", "alarms", "cost"])]
    loopback: Option<u32>,
    /// Threads that keep the processor busy in every second half of `--loopback`
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    load: u8,
    /// The second process of `--loopback`
    #[arg(long, hide = true)]
    loopback_follow: Option<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// The scenarios that one name stands for.
#[derive(Clone, Debug)]
struct Chosen(Vec<Scenario>);

/// A method by its name.
#[derive(Clone, Copy)]
struct Named(Entry);

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

fn scenarios(name: &str) -> Result<Chosen, String> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(Chosen(Scenario::all()));
    }
    Scenario::named(name).map(|scenario| Chosen(vec![scenario])).ok_or_else(|| {
        let names: Vec<_> = Scenario::all().iter().map(|scenario| scenario.name).collect();
        format!("no such scenario; there are {}, and `all`", names.join(", "))
    })
}

fn method(name: &str) -> Result<Named, String> {
    let found = METHODS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
    found.map(|entry| Named(*entry)).ok_or_else(|| {
        let names: Vec<_> = METHODS.iter().map(|entry| entry.name).collect();
        let all = cfg!(all(feature = "ntp-proto", feature = "clock-bound"));
        let hint =
            if all { "" } else { "; with `--features all-peers` also clock-bound, ntp-proto" };
        format!("no such method; there are {}{hint}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody piped us into `head`.
        Err(Failed::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failed) => {
            let _ = writeln!(io::stderr(), "error: {failed}");
            ExitCode::from(2)
        }
    }
}

/// Why there is no table.
#[derive(Debug)]
enum Failed {
    Output(io::Error),
    Trace(replay::TraceError),
    Picture(PathBuf, io::Error),
    Loopback(io::Error),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Output(error) => write!(f, "cannot write the result: {error}"),
            Self::Trace(error) => error.fmt(f),
            Self::Loopback(error) => write!(f, "the two processes did not finish: {error}"),
            Self::Picture(file, error) => write!(f, "cannot write {}: {error}", file.display()),
        }
    }
}

fn execute(arguments: &Arguments) -> Result<(), Failed> {
    let seeds = arguments.first_seed..arguments.first_seed.saturating_add(arguments.seeds);
    let lasting = Span::from_secs(arguments.minutes.saturating_mul(60));
    if let Some(leader) = &arguments.loopback_follow {
        return loopback::follow(leader).map_err(Failed::Loopback);
    }
    if let Some(seconds) = arguments.loopback {
        let runs = loopback::measure(seconds, arguments.load.into()).map_err(Failed::Loopback)?;
        return tell(arguments, &runs, |out| loopback::print(out, &runs));
    }
    if arguments.alarms {
        let alarms = alarms::count(&chosen(arguments), seeds, lasting);
        return tell(arguments, &alarms, |out| alarms::print(out, &alarms));
    }
    if arguments.cost {
        let costs = cost::measure(&chosen(arguments), arguments.first_seed, lasting);
        return tell(arguments, &costs, |out| cost::print(out, &costs));
    }
    let entries: Vec<Entry> = if arguments.method.is_empty() {
        METHODS.to_vec()
    } else {
        arguments.method.iter().map(|named| named.0).collect()
    };
    let scores = if arguments.replay.is_empty() {
        let plan = work::Plan {
            scenarios: chosen(arguments),
            entries,
            seeds,
            lasting,
            apart: Span::from_millis(arguments.apart),
            keep: if arguments.bound_only { Keep::Counts } else { Keep::Observations },
        };
        let scores = work::run(&plan);
        if let Some(file) = &arguments.picture {
            let svg = picture::draw(&plan.scenarios, &scores, plan.seeds.start, plan.lasting);
            std::fs::write(file, svg).map_err(|error| Failed::Picture(file.clone(), error))?;
        }
        scores
    } else {
        let mut scores = Vec::new();
        for file in &arguments.replay {
            let trace = replay::Trace::read(file).map_err(Failed::Trace)?;
            scores.extend(entries.iter().map(|entry| trace.score(entry)));
        }
        scores
    };
    tell(arguments, &scores, |out| table::print(out, &scores))
}

/// Prints a result as JSON, or as `table` writes it.
fn tell<T: serde::Serialize>(
    arguments: &Arguments,
    result: &T,
    table: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>,
) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    let printed = if arguments.json {
        serde_json::to_writer_pretty(&mut out, result)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        table(&mut out)
    };
    printed.map_err(Failed::Output)
}

fn chosen(arguments: &Arguments) -> Vec<Scenario> {
    if arguments.scenario.is_empty() {
        return Scenario::main();
    }
    arguments.scenario.iter().flat_map(|chosen| chosen.0.clone()).collect()
}
