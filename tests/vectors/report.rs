//! `spec/report.schema.json`, held against the reports of simulated sessions.
//!
//! A schema that nothing is checked against says what somebody once meant. So
//! sessions in which everything goes wrong are reported, each report is held
//! against the schema, and every part of the schema has to have been met: a part
//! that no report has may be wrong for ever. The validator knows the words that
//! this schema uses, and stops at any other.

use std::collections::BTreeSet;

use diptych_primary::render;
use diptych_protocol::identity::Fingerprint;
use diptych_protocol::journal::{Fact, Replayed, salvage};
use diptych_protocol::policy::{Decision, Excuse, Override, Policy, Proven, Statement};
use diptych_protocol::report::revise;
use diptych_protocol::time::{Instant, Span};
use diptych_tests::world::{Failure, Outcome, Said, Scenario, What, World};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

use crate::crafted;

const fn s(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

/// Holds a value against a schema, noting which parts of it were met.
struct Validator<'a> {
    schema: &'a Value,
    met: BTreeSet<String>,
}

impl Validator<'_> {
    fn hold(&mut self, schema: &Value, at: &str, value: &Value) -> Result<(), String> {
        let wrong = |expected: &str| Err(format!("{at}: expected {expected}, got {value}"));
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            let (root, at) = (self.schema, format!("$defs.{name}"));
            return self.hold(&root["$defs"][name], &at, value);
        }
        for word in schema.as_object().into_iter().flatten().map(|(word, _)| word.as_str()) {
            match word {
                "oneOf" => return self.one_of(schema, at, value),
                "const" if *value != schema["const"] => return wrong("another constant"),
                "enum" => {
                    let choices = schema["enum"].as_array().into_iter().flatten();
                    if !choices.into_iter().any(|choice| choice == value) {
                        return wrong("one of an enumeration");
                    }
                    self.met.insert(format!("{at}={value}"));
                }
                "type" => self.kind(schema, at, value)?,
                "minimum" if value.as_i64() < schema["minimum"].as_i64() => {
                    return wrong("a greater number");
                }
                "pattern" => {
                    let text = value.as_str().unwrap_or_default();
                    if !fits(schema["pattern"].as_str().unwrap_or_default(), text) {
                        return wrong("another text");
                    }
                }
                "required" => {
                    let names = schema["required"].as_array().into_iter().flatten();
                    for name in names.filter_map(Value::as_str) {
                        if value.get(name).is_none() {
                            return wrong(name);
                        }
                    }
                }
                "properties" | "additionalProperties" => self.members(schema, at, value)?,
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.hold(&schema["items"], &format!("{at}[]"), item)?;
                    }
                }
                "const" | "minimum" | "$schema" | "title" | "description" | "$defs" => {}
                other => panic!("{at}: the validator does not know {other}"),
            }
        }
        Ok(())
    }

    fn kind(&mut self, schema: &Value, at: &str, value: &Value) -> Result<(), String> {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = &schema["type"];
        let fits =
            allowed == kind || allowed.as_array().is_some_and(|all| all.contains(&kind.into()));
        self.met.insert(format!("{at}:{kind}"));
        if fits { Ok(()) } else { Err(format!("{at}: expected {allowed}, got {value}")) }
    }

    fn one_of(&mut self, schema: &Value, at: &str, value: &Value) -> Result<(), String> {
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        let mut fitting = 0;
        for (number, choice) in choices.enumerate() {
            if self.hold(choice, at, value).is_ok() {
                fitting += 1;
                self.met.insert(format!("{at}|{number}"));
            }
        }
        if fitting == 1 {
            Ok(())
        } else {
            Err(format!("{at}: {fitting} of the choices fit {value}"))
        }
    }

    fn members(&mut self, schema: &Value, at: &str, value: &Value) -> Result<(), String> {
        for (name, member) in value.as_object().into_iter().flatten() {
            let inner = format!("{at}.{name}");
            if let Some(known) = schema["properties"].get(name) {
                self.hold(known, &inner, member)?;
            } else {
                let others = &schema["additionalProperties"];
                if others == false {
                    return Err(format!("{inner}: is not in the schema"));
                } else if others.is_object() {
                    self.hold(others, &inner, member)?;
                }
            }
            self.met.insert(inner);
        }
        Ok(())
    }
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// The patterns of this schema.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern {
        "^(P|A[1-8])$" => {
            let number = text.strip_prefix('A').and_then(|number| number.parse::<u8>().ok());
            text == "P" || (text.len() == 2 && number.is_some_and(|n| (1..=8).contains(&n)))
        }
        "^[0-9a-f]{64}$" => text.len() == 64 && text.bytes().all(is_digit),
        "^[0-9a-f]{128}$" => text.len() == 128 && text.bytes().all(is_digit),
        "^04[0-9a-f]{128}$" => {
            text.len() == 130 && text.starts_with("04") && text.bytes().all(is_digit)
        }
        "^R[0-9]+$" => {
            let number = text.strip_prefix('R').unwrap_or_default();
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        }
        other => panic!("the validator does not know the pattern {other}"),
    }
}

/// Every part of the schema that a report could have.
fn parts(schema: &Value, at: &str, root: &Value, into: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/$defs/");
        return parts(&root["$defs"][name], &format!("$defs.{name}"), root, into);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let inner = format!("{at}.{name}");
        parts(member, &inner, root, into);
        into.insert(inner);
    }
    if let Some(kinds) = schema["type"].as_array() {
        into.extend(kinds.iter().filter_map(Value::as_str).map(|kind| format!("{at}:{kind}")));
    }
    for choice in schema["enum"].as_array().into_iter().flatten() {
        into.insert(format!("{at}={choice}"));
    }
    for (number, choice) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        into.insert(format!("{at}|{number}"));
        parts(choice, at, root, into);
    }
    if schema.get("items").is_some() {
        parts(&schema["items"], &format!("{at}[]"), root, into);
    }
}

fn journals(outcome: &Outcome) -> Vec<Replayed> {
    let files = outcome.journals.first().expect("a primary").values();
    files.map(|file| salvage(file).expect("a journal")).collect()
}

/// Statements of every kind about this session.
fn said(start: Instant<diptych_protocol::time::Primary>) -> Vec<Proven> {
    let by = Fingerprint([0xAB; 32]);
    let decided = Override { wall_ms: 1_767_225_600_000, decision: Decision::Pass };
    let failed = Override { wall_ms: 1_767_225_600_001, decision: Decision::Fail };
    let excuse = Excuse { start, end: start + s(30) };
    [
        Statement::Excuse(excuse),
        Statement::Pause(start + s(60)),
        Statement::Override(decided),
        Statement::Override(failed),
    ]
    .map(|statement| Proven { statement, by })
    .to_vec()
}

/// [REPORT-1]: `report.json` is what the schema says, and no part of that is idle.
#[test]
fn every_report_is_of_the_schema_and_every_part_of_it_is_met() {
    let text = include_str!("../../spec/report.schema.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    let mut validator = Validator { schema: &schema, met: BTreeSet::new() };
    let mut reports = 0;
    let mut hold = |journals: &[Replayed], policy: &str, statements: &[Proven]| {
        let policy = Policy::preset(policy).unwrap_or_else(|_| crafted::policy());
        let Ok(report) = revise(journals, Some(&policy), statements) else { return };
        let json: Value = serde_json::from_str(&render::json(&report)).expect("JSON");
        validator.hold(&schema, "report", &json).unwrap_or_else(|wrong| panic!("{wrong}"));
        reports += 1;
    };
    let quiet = Scenario::exam(3, 1, 2);
    let late = Scenario { steps: Vec::new(), ..quiet.clone() };
    let never = late.with(s(2), What::Open { seat: 1 });
    let mut sessions: Vec<Scenario> = (0..10).map(|seed| Scenario::storm(seed, 15)).collect();
    let replaced = Scenario::exam(1, 1, 3)
        .with_device()
        .with(s(100), What::Gone { who: 1 })
        .with(s(120), What::Open { seat: 1 })
        .with(s(121), What::Scan { who: 2, seat: 1 });
    let silent = What::CameraOff { who: 1, lasting: s(7), said: Said::Nothing };
    let silent = Scenario::exam(5, 1, 3).with(s(100), silent);
    sessions.extend([quiet, never, replaced, silent]);
    for scenario in sessions {
        let all = journals(&World::new(scenario).run());
        let start =
            diptych_protocol::report::evaluate(&all, None).map(|report| report.window.start);
        for policy in diptych_protocol::policy::PRESETS {
            hold(&all, policy, &[]);
        }
        if let Ok(start) = start {
            let said = said(start);
            hold(&all, "xyb-seed", &said);
            hold(&all, "xyb-seed", &said[..1]);
            hold(&all, "xyb-seed", &said[..3]);
            hold(&all[..1], "xyb-seed", &said[..1]);
        }
        // An assistant whose journal is gone.
        hold(&all[..1], "xyb-seed", &[]);
        hold(&all[..1], "strict-zero", &[]);
    }
    hold(&forked(), "xyb-seed", &[]);
    let all = crafted::journals();
    let said = said(crafted::ANSWERING);
    hold(&all, "ours", &[]);
    hold(&crafted::causes(), "ours", &[]);
    hold(&all, "zjut-2022", &said[..1]);
    let mut all = BTreeSet::new();
    parts(&schema, "report", &schema, &mut all);
    let idle: Vec<_> = all.difference(&validator.met).collect();
    assert!(reports > 50 && idle.is_empty(), "{reports} reports, and none has {idle:#?}");
}

/// The journals of a primary whose disk loses what it had called durable, and which
/// goes on from another past than the assistant has seen: the first session in which
/// the assistant keeps the primary's own seals on both.
fn forked() -> Vec<Replayed> {
    let session = |operation| {
        let (who, how, lasting) = (0, Failure::LostSync, s(6));
        let fails = What::Fails { who, operation, how, lasting };
        let all = journals(&World::new(Scenario::exam(operation, 1, 1).with(s(0), fails)).run());
        let kept = |history: u8| {
            let wanted =
                |fact: &Fact| matches!(fact, Fact::PeerSeal { history: of, .. } if *of == history);
            all.iter().flat_map(Replayed::entries).any(|entry| wanted(&entry.fact))
        };
        (kept(0) && kept(1)).then_some(all)
    };
    (560..900).step_by(5).find_map(session).expect("a session with a fork")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hex");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("a byte");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Whether a seal in `report.json` is genuine, by nothing but what stands in it.
fn is_genuine(seal: &Value) -> bool {
    let mut message = b"diptych journal seal v1".to_vec();
    message.extend(seal["record"].as_u64().expect("a number").to_le_bytes());
    message.extend(bytes(&seal["head"]));
    let key = VerifyingKey::from_sec1_bytes(&bytes(&seal["key"])).expect("a key");
    let signature = Signature::from_slice(&bytes(&seal["signature"])).expect("a signature");
    key.verify(&message, &signature).is_ok()
}

#[test]
fn a_report_alone_proves_two_histories_by_the_signatures_over_both() {
    // [REPORT-15] [JOURNAL-12] [JOURNAL-22] [JOURNAL-23]
    let all = forked();
    let report = diptych_protocol::report::evaluate(&all, None).expect("a report");
    let json: Value = serde_json::from_str(&render::json(&report)).expect("JSON");
    assert!(json["flags"].as_array().expect("flags").contains(&"TAMPER".into()));
    let findings = json["findings"].as_array().expect("findings");
    let heads: Vec<_> =
        findings.iter().filter_map(|finding| finding["heads"].as_array()).flatten().collect();
    assert!(heads.len() >= 2, "{findings:#?}");
    for pair in heads.chunks(2) {
        assert_eq!(pair[0]["record"], pair[1]["record"]);
        assert_ne!(pair[0]["head"], pair[1]["head"]);
        assert!(pair.iter().all(|head| is_genuine(&head["seal"])), "{pair:#?}");
    }
    let own: Vec<_> =
        heads.iter().map(|head| &head["own_seal"]).filter(|own| !own.is_null()).collect();
    assert!(own.len() >= 2 && own.iter().all(|seal| is_genuine(seal)), "{heads:#?}");
    assert!(own.iter().all(|seal| seal["key"] == own[0]["key"]), "both by the forked device");
    let mut changed = own[0].clone();
    changed["record"] = 1.into();
    assert!(!is_genuine(&changed));
    let text = render::text(&report);
    assert!(text.contains("its own seal on that history"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
