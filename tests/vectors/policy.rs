//! Interruption cases: every `spec/vectors/policy/*.json`, so that anybody can
//! add a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diptych_protocol::identity::{Hex, Label, PublicKey, Role, SessionId};
use diptych_protocol::ledger::{Cause, Flag, Loss, Medium, Unknown};
use diptych_protocol::policy::{
    Case, Decision, Excuse, Judgement, Override, PRESETS, Policy, Reason, Scope, SignedStatement,
    Statement, StatementError, Terms, Window, judge,
};
use diptych_protocol::time::{Instant, Span};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/policy")
}

/// [POLICY-3] [POLICY-14] [LEDGER-1] [LEDGER-2]: the verdict, reasons, counts and flags of every case.
#[test]
fn every_case_is_judged_as_written() {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .expect("spec/vectors/policy exists")
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut failures = Vec::new();
    let mut cases = 0;
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(path).expect("readable file");
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let list = json.as_array().or_else(|| json["cases"].as_array());
        for case in list.unwrap_or_else(|| panic!("{name}: expected an array of cases")) {
            cases += 1;
            if let Err(problem) = check(case) {
                failures.push(format!("{name} case {} “{}”: {problem}", case["id"], case["title"]));
            }
        }
    }
    assert!(cases >= 47, "expected at least the 47 worked cases, found {cases} in {files:?}");
    assert!(failures.is_empty(), "{} of {cases} fail:\n{}", failures.len(), failures.join("\n"));
}

fn check(json: &Value) -> Result<(), String> {
    let judgement = judge(&case(json)?, &policy(&json["policy"])?);
    let (expected, got) = (expected(&json["expect"])?, outcome(&judgement));
    if expected == got {
        return Ok(());
    }
    let trace: Vec<_> = judgement
        .interruptions
        .iter()
        .map(|interruption| format!("\n    {interruption:?}"))
        .collect();
    Err(format!("\n  expected {expected:?}\n  got      {got:?}{}", trace.concat()))
}

/// What a vector compares. The texts are those of the vector.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    verdict: String,
    reasons: BTreeSet<String>,
    count: (u64, u64),
    flags: BTreeSet<String>,
}

fn outcome(judgement: &Judgement) -> Outcome {
    Outcome {
        verdict: judgement.verdict.name().to_owned(),
        reasons: judgement.reasons.iter().map(|reason| reason.name().to_owned()).collect(),
        count: (judgement.count_min.into(), judgement.count_max.into()),
        flags: judgement.flags.iter().map(|flag| flag.name().to_owned()).collect(),
    }
}

fn expected(json: &Value) -> Result<Outcome, String> {
    let known_reason =
        |name: &str| [Reason::Count, Reason::Duration].iter().any(|r| r.name() == name);
    let outcome = Outcome {
        verdict: json["verdict"].as_str().ok_or("expect.verdict is no text")?.to_owned(),
        reasons: texts(&json["reasons"]).collect(),
        count: (
            json["count_min"].as_u64().ok_or("expect.count_min is no number")?,
            json["count_max"].as_u64().ok_or("expect.count_max is no number")?,
        ),
        flags: texts(&json["flags"]).collect(),
    };
    if let Some(unknown) = outcome.reasons.iter().find(|reason| !known_reason(reason)) {
        return Err(format!("expect.reasons: {unknown:?} is no reason"));
    }
    match outcome.flags.iter().find(|flag| Flag::from_name(flag).is_none()) {
        Some(unknown) => Err(format!("expect.flags: {unknown:?} is no flag")),
        None => Ok(outcome),
    }
}

fn texts(json: &Value) -> impl Iterator<Item = String> + '_ {
    json.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn case(json: &Value) -> Result<Case, String> {
    let window = &json["window_ns"];
    let mut case =
        Case::clean(instant(&window[0], "window_ns")?, instant(&window[1], "window_ns")?);
    case.window = Window { waiting: instant(&json["waiting_ns"], "").ok(), ..case.window };
    case.ready = json["ready"].as_bool().unwrap_or(true);
    for loss in items(&json["losses"]) {
        let cause = loss["cause"].as_str().map_or(Some(Cause::Unknown), cause_named);
        case.losses.push(Loss {
            role: role(&loss["role"])?,
            start: instant(&loss["start_ns"], "losses.start_ns")?,
            end: instant(&loss["end_ns"], "losses.end_ns")?,
            uncertainty: Span::from_nanos(loss["uncertainty_ns"].as_i64().unwrap_or(0)),
            cause: cause.ok_or_else(|| format!("{} is no cause", loss["cause"]))?,
            medium: if loss["medium"] == "sound" { Medium::Sound } else { Medium::Picture },
        });
    }
    for gap in items(&json["unknown"]) {
        case.unknown.push(Unknown {
            role: role(&gap["role"])?,
            start: instant(&gap["start_ns"], "unknown.start_ns")?,
            end: instant(&gap["end_ns"], "unknown.end_ns")?,
        });
    }
    for excuse in items(&json["excused"]) {
        case.excused.push(Excuse {
            start: instant(&excuse["start_ns"], "excused.start_ns")?,
            end: instant(&excuse["end_ns"], "excused.end_ns")?,
        });
    }
    Ok(case)
}

fn items(json: &Value) -> impl Iterator<Item = &Value> {
    json.as_array().into_iter().flatten()
}

fn cause_named(name: &str) -> Option<Cause> {
    Cause::ALL.iter().copied().find(|cause| cause.name() == name)
}

fn instant<C>(json: &Value, what: &str) -> Result<Instant<C>, String> {
    json.as_i64()
        .map(Instant::from_nanos)
        .ok_or_else(|| format!("{what}: {json} is no whole number"))
}

/// `P`, `A1` to `A8`, or `A` for the only assistant.
fn role(json: &Value) -> Result<Role, String> {
    let number = match json.as_str() {
        Some("P") => Some(0),
        Some("A") => Some(1),
        Some(name) => name.strip_prefix('A').and_then(|number| number.parse().ok()),
        None => None,
    };
    let number = number.ok_or_else(|| format!("{json} is no role"))?;
    Role::new(number).map_err(|e| e.to_string())
}

/// Fields that a file leaves out are those of the manual.
fn policy(json: &Value) -> Result<Policy, String> {
    let seed = *Policy::preset("xyb-seed").map_err(|e| e.to_string())?.terms();
    let span = |field: &str, default| json[field].as_i64().map_or(default, Span::from_nanos);
    let scope = json["scope"].as_str().unwrap_or("union").replace('-', "_");
    let terms = Terms {
        name: Label::new(json["name"].as_str().unwrap_or("unnamed")).map_err(|e| e.to_string())?,
        max_count: match json["max_count"].as_u64() {
            Some(count) => Some(u32::try_from(count).map_err(|e| format!("max_count: {e}"))?),
            None => None,
        },
        max_duration: json["max_duration_ns"].as_i64().map(Span::from_nanos),
        min_lost: span("min_lost_ns", seed.min_lost),
        stable: span("stable_ns", seed.stable),
        onset: span("onset_ns", seed.onset),
        scope: Scope::from_name(&scope).ok_or_else(|| format!("{scope:?} is no scope"))?,
        ..seed
    };
    Policy::new(terms).map_err(|e| e.to_string())
}

/// [POLICY-20] [POLICY-21] [POLICY-23]: every preset's bytes and digest.
#[test]
fn every_preset_has_the_bytes_that_are_written() {
    let written = std::fs::read_to_string(folder().join("presets.txt")).expect("presets.txt");
    let ours: String = PRESETS
        .iter()
        .map(|name| {
            let policy = Policy::preset(name).expect("a preset");
            format!("{name} {} {}\n", Hex(&policy.to_bytes()), Hex(&policy.digest()))
        })
        .collect();
    assert_eq!(written, ours);
}

/// [POLICY-29] [POLICY-30]: every statement is read, or refused, as written.
#[test]
fn every_statement_says_what_is_written() {
    let written = std::fs::read_to_string(folder().join("statements.txt")).expect("statements");
    let key = |line: &str| {
        let bytes = bytes(line);
        PublicKey::from_sec1(&[&[4], &bytes[48..112]].concat()).expect("a key").fingerprint()
    };
    let first = written.lines().next().and_then(|line| line.split(' ').nth(3)).expect("a line");
    let trusted = [key(first)];
    let session = SessionId([0x5E; 16]);
    let mut seen = BTreeSet::new();
    for line in written.lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        let [what, first, second, hex] = parts[..] else { panic!("{line}: expected 4 words") };
        let number = |text: &str| text.parse::<i64>().expect("a number");
        let (first, second) = (number(first), number(second));
        let signed = SignedStatement::from_bytes(&bytes(hex));
        let said = signed.and_then(|signed| signed.proven(session, &trusted));
        let at = Instant::from_nanos;
        let decided = |decision| Statement::Override(Override { wall_ms: second, decision });
        let statement = match what {
            "excuse" => Some(Statement::Excuse(Excuse { start: at(first), end: at(second) })),
            "pause" => Some(Statement::Pause(at(first))),
            "resume" => Some(Statement::Resume(at(first))),
            "pass" => Some(decided(Decision::Pass)),
            "fail" => Some(decided(Decision::Fail)),
            _ => None,
        };
        let got = match (&said, statement) {
            (Ok(proven), Some(statement)) => {
                assert_eq!(proven.statement, statement, "{line}");
                what
            }
            (Ok(proven), None) => panic!("{what} was believed: {proven:?}"),
            (Err(StatementError::Bytes { .. }), _) => "bytes",
            (Err(StatementError::Domain), _) => "domain",
            (Err(StatementError::Order { .. }), _) => "order",
            (Err(StatementError::Field { .. }), _) => "field",
            (Err(StatementError::Key), _) => "key",
            (Err(StatementError::OtherSession { .. }), _) => "session",
            (Err(StatementError::Foreign { .. }), _) => "foreign",
            (Err(StatementError::Forged), _) => "forged",
        };
        assert_eq!(got, what, "{line}");
        if let (Ok(_), Ok(signed)) = (said, signed) {
            assert_eq!(signed.to_bytes(), bytes(hex), "{what} has two encodings");
        }
        seen.insert(what);
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("text"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}
