//! `diptych report` and `diptych judge`: what happened, computed from journals.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use diptych_primary::render;
use diptych_protocol::journal::Replayed;
use diptych_protocol::policy::{Policy, Proven};
use diptych_protocol::report::{Ground, Report, ReportError, put_in_order, revise_from};
use serde_json::{Value, json};

use super::statement::said;
use super::words::counted;
use crate::args::{JudgeArgs, ReportArgs};
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;
use crate::plan::load_policy;
use crate::share::Shared;

/// Bytes of the largest report that is compared.
const GIVEN: u64 = 64 << 20;
/// Differences that are shown.
const SHOWN: usize = 20;

pub(crate) fn report(args: &ReportArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let policy: Option<Policy> = args.policy.as_deref().map(load_policy).transpose()?;
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let said = said(&args.said.statement, &args.said.proctor, &journals)?;
    let report = account(journals, policy.as_ref(), &said.proven)?;
    let told = if args.json { render::json(&report) } else { render::text(&report) };
    // First, because a disk that is full or read-only is no reason to be silent.
    out.write_all(told.as_bytes())?;
    for (name, content) in [
        ("report.json", render::json(&report)),
        ("report.txt", render::text(&report)),
        ("timeline.svg", render::svg(&report)),
    ] {
        write_whole(&args.dir.join(name), content.as_bytes())?;
    }
    Ok(Exit::of_verdict(report.verdict()))
}

/// The account of these journals, on all processors.
fn account(
    mut journals: Vec<Replayed>,
    policy: Option<&Policy>,
    said: &[Proven],
) -> Result<Report, ReportError> {
    put_in_order(&mut journals);
    let ground = Ground::of_with(&journals, Shared);
    let report = revise_from(&journals, ground, policy, said, Shared);
    // The process ends soon: the system takes all memory back at once, and to free every
    // message of eight hours by itself is a twentieth of what judging takes.
    std::mem::forget(journals);
    report
}

/// Replaces a file at once: whoever reads meanwhile sees the old or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Fail> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, content)
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|source| Fail::Write { path: path.to_owned(), source })
}

/// How what was given compares with what was computed.
enum Given {
    Absent,
    Unreadable(String),
    Compared(Vec<Difference>),
}

/// One place where two reports differ.
struct Difference {
    at: String,
    given: Value,
    computed: Value,
}

pub(crate) fn judge(args: &JudgeArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let policy: Option<Policy> = args.policy.as_deref().map(load_policy).transpose()?;
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let said = said(&args.said.statement, &args.said.proctor, &journals)?;
    let report = account(journals, policy.as_ref(), &said.proven)?;
    let given = compare(&args.dir.join("report.json"), &render::json(&report))?;
    if args.json {
        print_json(&report, &given, said.unproven, out)?;
    } else {
        print_text(&report, &given, out)?;
        if said.unproven > 0 {
            let some = counted(said.unproven, "statement");
            writeln!(out, "P.journal has {some} of keys that --proctor does not name.")?;
        }
    }
    let agrees = match &given {
        Given::Absent => true,
        Given::Unreadable(_) => false,
        Given::Compared(differences) => differences.is_empty(),
    };
    Ok(if agrees { Exit::of_verdict(report.verdict()) } else { Exit::Differs })
}

fn compare(path: &Path, computed: &str) -> Result<Given, Fail> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(GIVEN).read_to_end(&mut text));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Given::Absent),
        Err(source) => return Err(Fail::Read { path: path.to_owned(), source }),
        Ok(_) => {}
    }
    let mut given: Value = match serde_json::from_slice(&text) {
        Ok(given) => given,
        Err(error) => return Ok(Given::Unreadable(error.to_string())),
    };
    let mut computed: Value = serde_json::from_str(computed).unwrap_or_default();
    // Whose word counts is said by whoever asks, not by the journals.
    let without = |report: &Value| report.get("revision").is_none_or(Value::is_null);
    if without(&given) || without(&computed) {
        for report in [&mut given, &mut computed] {
            if let Some(object) = report.as_object_mut() {
                object.remove("revision");
            }
        }
    }
    let mut differences = Vec::new();
    differ("", &given, &computed, &mut differences);
    Ok(Given::Compared(differences))
}

/// Notes where two values differ, as deep inside them as they can be followed.
fn differ(at: &str, given: &Value, computed: &Value, into: &mut Vec<Difference>) {
    match (given, computed) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            for key in keys {
                let inner = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                let of = |object: &serde_json::Map<_, _>| object.get(key).cloned();
                let (left, right) = (of(left), of(right));
                differ(&inner, &left.unwrap_or_default(), &right.unwrap_or_default(), into);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differ(&format!("{at}[{index}]"), left, right, into);
            }
        }
        _ if given == computed => {}
        _ => into.push(Difference {
            at: at.to_owned(),
            given: given.clone(),
            computed: computed.clone(),
        }),
    }
}

/// What a report says before it says why.
fn first_line(report: &Report) -> String {
    let text = render::text(report);
    text.split("\n\n").next().unwrap_or_default().trim_end().to_owned()
}

fn print_text(report: &Report, given: &Given, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", first_line(report))?;
    match given {
        Given::Absent => writeln!(out, "There is no report.json to compare with."),
        Given::Unreadable(reason) => writeln!(out, "report.json is not JSON: {reason}"),
        Given::Compared(differences) if differences.is_empty() => {
            writeln!(out, "report.json says the same as the journals.")
        }
        Given::Compared(differences) => {
            writeln!(out, "report.json differs from what the journals say:")?;
            for Difference { at, given, computed } in differences.iter().take(SHOWN) {
                writeln!(out, "  {at}: report {}, journals {}", short(given), short(computed))?;
            }
            match differences.len().checked_sub(SHOWN) {
                Some(more) if more > 0 => writeln!(out, "  and {more} more"),
                Some(_) | None => Ok(()),
            }
        }
    }
}

fn print_json(
    report: &Report,
    given: &Given,
    unproven: usize,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let (state, differences) = match given {
        Given::Absent => ("absent", &[][..]),
        Given::Unreadable(_) => ("unreadable", &[][..]),
        Given::Compared(differences) if differences.is_empty() => ("agrees", &[][..]),
        Given::Compared(differences) => ("differs", differences.as_slice()),
    };
    let differences = differences.iter().map(|Difference { at, given, computed }| {
        json!({ "at": at, "report": given, "journals": computed })
    });
    let object = json!({
        "verdict": report.judgement.verdict.name(),
        "count_min": report.judgement.count_min,
        "count_max": report.judgement.count_max,
        "revised": report.revision.as_ref().map(|revision| json!({
            "verdict": revision.verdict().name(),
            "count_min": revision.judgement.count_min,
            "count_max": revision.judgement.count_max,
        })),
        "unproven_statements": unproven,
        "report": state,
        "differences": differences.collect::<Vec<_>>(),
    });
    writeln!(out, "{object:#}")
}

/// A value in one short line.
fn short(value: &Value) -> String {
    const LONGEST: usize = 48;
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(list) => format!("{} entries", list.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    };
    if text.chars().count() <= LONGEST {
        text
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}
