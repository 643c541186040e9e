//! `diptych report` and `diptych judge`: what happened, computed from journals.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write};
use std::path::Path;

use diptych_primary::render;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::policy::{Policy, Proven};
use diptych_protocol::report::{Ground, Report, ReportError, put_in_order, revise_from};
use serde_json::{Value, json};

use super::damage::{self, Damage, Names, damages};
use super::statement::said;
use super::verify;
use super::words::counted;
use super::written::Place;
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

pub(crate) fn report(
    args: &ReportArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Fail> {
    let policy: Option<Policy> = args.policy.as_deref().map(load_policy).transpose()?;
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let said = said(&args.said.statement, &args.said.proctor, &journals)?;
    let under = under(policy.as_ref(), &journals);
    let report = account(journals, policy.as_ref(), &said.proven)?;
    let (json, text) = (render::json(&report), render::text(&report));
    // First, because a disk that is full or read-only is no reason to be silent.
    if args.json {
        out.write_all(json.as_bytes())?;
    } else if std::io::stdout().is_terminal() {
        out.write_all(text.as_bytes())?;
    } else {
        out.write_all(in_one_line(&text).as_bytes())?;
    }
    out.flush()?;
    let [json_name, text_name, svg_name] =
        [("report", "json"), ("report", "txt"), ("timeline", "svg")]
            .map(|(what, kind)| format!("{what}{under}.{kind}"));
    let svg = render::svg(&report);
    let files = [(&*json_name, &*json), (&*text_name, &*text), (&*svg_name, &*svg)];
    let kept = Place::of(&args.dir, args.out.as_deref()).keep(&files, err)?;
    if let Some(file) = kept.first().filter(|_| !under.is_empty()) {
        let shown = file.display();
        writeln!(err, "diptych: kept as {shown}; report.json is by the session's own policy")?;
    }
    Ok(Exit::of_verdict(report.verdict()))
}

/// The text with all of its verdict in the first line, however long: `head -1` must not lose
/// the flags that did not fit into 80 columns.
fn in_one_line(text: &str) -> String {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = first.lines();
    let mut joined = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        // A line that goes on is indented by four, one of its own by two or none.
        joined.push_str(if line.starts_with("    ") && !joined.contains('\n') {
            " "
        } else {
            "\n"
        });
        joined.push_str(if joined.ends_with(' ') { line.trim_start() } else { line });
    }
    format!("{joined}\n\n{rest}")
}

/// What the names of files by `policy` have in them: nothing if it is the session's own, and
/// otherwise what it is called. Whoever asks by another rule must not find the answer where
/// the session's own verdict is looked for.
fn under(policy: Option<&Policy>, journals: &[Replayed]) -> String {
    let Some(policy) = policy else { return String::new() };
    let primary = journals.iter().filter(|journal| journal.header().role.is_primary());
    let mut own = primary.flat_map(Replayed::entries).filter_map(|entry| {
        if let Fact::Plan { policy, .. } = &entry.fact { Some(policy.as_bytes()) } else { None }
    });
    if own.next_back() == Some(&policy.to_bytes()[..]) {
        return String::new();
    }
    let plain = |letter: char| if letter.is_alphanumeric() { letter } else { '-' };
    let name: String = policy.terms().name.as_str().chars().map(plain).collect();
    format!("-{name}")
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

/// How what was given compares with what was computed.
enum Given {
    Absent,
    Unreadable(String),
    /// Where they differ, and whether its revision is by other statements than these.
    Compared(Vec<Difference>, Revised),
}

/// Whether the revisions of two reports can be held against each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Revised {
    /// They rest on the same statements, or there are not two.
    Alike,
    /// They rest on other ones.
    Otherwise,
}

/// One place where two reports differ.
struct Difference {
    at: String,
    given: Value,
    computed: Value,
}

pub(crate) fn judge(args: &JudgeArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let policy: Option<Policy> = args.policy.as_deref().map(load_policy).transpose()?;
    let folder = SessionFolder::open(&args.dir)?;
    let named = folder.named_journals()?;
    let names = Names::of(&named);
    let journals: Vec<Replayed> = named.into_iter().map(|(_, journal)| journal).collect();
    let said = said(&args.said.statement, &args.said.proctor, &journals)?;
    let name = format!("report{}.json", under(policy.as_ref(), &journals));
    let report = account(journals, policy.as_ref(), &said.proven)?;
    let given = compare(&args.dir.join(&name), &render::json(&report))?;
    let damages = damages(&report, &names, &folder);
    if args.json {
        print_json(&report, &given, (said.unproven, &damages), out)?;
    } else {
        print_text(&report, (&name, &given), out)?;
        damage::print(&damages, &args.dir.display().to_string(), out)?;
        if said.unproven > 0 {
            let some = counted(said.unproven, "statement");
            writeln!(out, "P.journal has {some} of keys that --proctor does not name.")?;
        }
    }
    let agrees = match &given {
        Given::Absent => true,
        Given::Unreadable(_) => false,
        Given::Compared(differences, _) => differences.is_empty(),
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
    let grounds = |report: &Value| {
        ["excused", "decided", "by"]
            .map(|part| report.pointer(&format!("/revision/{part}")).cloned())
    };
    let one = without(&given) || without(&computed);
    let same = one || grounds(&given) == grounds(&computed);
    if one || !same {
        for report in [&mut given, &mut computed] {
            if let Some(object) = report.as_object_mut() {
                object.remove("revision");
            }
        }
    }
    let mut differences = Vec::new();
    differ("", &given, &computed, &mut differences);
    Ok(Given::Compared(differences, if same { Revised::Alike } else { Revised::Otherwise }))
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

fn print_text(
    report: &Report,
    (name, given): (&str, &Given),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(out, "{}", first_line(report))?;
    match given {
        Given::Absent => writeln!(out, "There is no {name} to compare with."),
        Given::Unreadable(reason) => writeln!(out, "{name} is not JSON: {reason}"),
        Given::Compared(differences, revised) if differences.is_empty() => {
            writeln!(out, "{name} says the same as the journals.")?;
            if *revised == Revised::Otherwise {
                writeln!(out, "Its revision is by other statements, and was not compared.")?;
            }
            Ok(())
        }
        Given::Compared(differences, _) => {
            writeln!(out, "{name} differs from what the journals say:")?;
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
    (unproven, damages): (usize, &[Damage]),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let (state, differences) = match given {
        Given::Absent => ("absent", &[][..]),
        Given::Unreadable(_) => ("unreadable", &[][..]),
        Given::Compared(differences, _) if differences.is_empty() => ("agrees", &[][..]),
        Given::Compared(differences, _) => ("differs", differences.as_slice()),
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
        "evidence": verify::word(damage::integrity(damages)),
        "damages": damage::objects(damages),
        "recordings_checked": false,
        "report": state,
        "revision_differs_in_statements": matches!(given, Given::Compared(_, Revised::Otherwise)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_for_a_pipe_has_all_flags() {
        let text = "FAIL: 1 interruption, flags A\n    B C\n    D\nRevised: PASS,\n    by 1 key\n\nPolicy\n  x\n    y\n";
        let first = "FAIL: 1 interruption, flags A B C D\nRevised: PASS,\n    by 1 key\n\n";
        assert_eq!(in_one_line(text), format!("{first}Policy\n  x\n    y\n"));
        assert_eq!(in_one_line("PASS: flags none\n\nPolicy\n"), "PASS: flags none\n\nPolicy\n");
    }
}
