//! Which module of `protocol` may know which: the layer table.
//!
//! A row may only name rows above it, so the table cannot even express a cycle;
//! mechanisms (layer 2) do not know each other at all, and are introduced by the
//! roles above them. To change the architecture, change this table and say why
//! in ARCHITECTURE.md.

use crate::offence::{self, Offence};
use crate::source::{self, File, Named, Source};

/// A module, its layer, and the modules it may import.
type Row = (&'static str, u8, &'static [&'static str]);

/// What both roles build on: everything below them.
#[rustfmt::skip]
const BELOW_ROLES: &[&str] = &[
    "address", "clock", "device", "fault", "identity", "journal", "ledger", "limits", "liveness",
    "machine",
    "pairing", "plan", "policy", "recording", "report", "secret", "ticket", "time", "timeline",
    "timers", "wire",
];

/// The same, and what the roles share.
#[rustfmt::skip]
const BELOW_AND_SESSION: &[&str] = &[
    "address", "clock", "device", "fault", "identity", "journal", "ledger", "limits", "liveness",
    "machine",
    "pairing", "plan", "policy", "recording", "report", "secret", "session", "ticket", "time",
    "timeline", "timers", "wire", "words",
];

/// Lowest first.
#[rustfmt::skip]
const LAYERS: &[Row] = &[
    // words
    ("time", 0, &[]),
    ("limits", 0, &["time"]),
    ("identity", 0, &["limits"]),
    ("secret", 0, &[]),
    ("words", 0, &[]),
    ("fault", 0, &["words"]),
    ("join", 0, &[]),
    ("address", 0, &["limits"]),
    ("device", 0, &["time"]),
    ("plan", 0, &["device", "identity", "limits", "time"]),
    // bytes
    ("ticket", 1, &["address", "fault", "identity", "limits", "secret", "time"]),
    ("wire", 1, &["address", "device", "fault", "identity", "limits", "plan", "secret", "time"]),
    // mechanisms, ignorant of each other
    ("pairing", 2, &["address", "fault", "identity", "limits", "secret", "ticket", "time", "wire"]),
    ("clock", 2, &["identity", "join", "limits", "time"]),
    ("liveness", 2, &["limits", "time"]),
    ("recording", 2, &["identity", "limits", "time"]),
    ("ledger", 2, &["identity", "limits", "time", "words"]),
    ("timers", 2, &["identity", "limits", "time"]),
    // conclusions, pure functions of facts
    ("policy", 3, &["identity", "ledger", "limits", "time"]),
    ("journal", 3, &[
        "address", "clock", "device", "fault", "identity", "join", "ledger", "limits", "plan",
        "recording", "secret", "time",
    ]),
    ("timeline", 3, &["clock", "identity", "join", "journal", "limits", "recording", "time"]),
    ("report", 3, &[
        "clock", "device", "fault", "identity", "join", "journal", "ledger", "limits", "liveness",
        "plan", "policy", "recording", "time", "timeline",
    ]),
    // roles
    ("machine", 4, &["address", "fault", "identity", "secret", "time"]),
    ("session", 4, BELOW_ROLES),
    ("primary", 4, BELOW_AND_SESSION),
    ("secondary", 4, BELOW_AND_SESSION),
];

/// The module path of a file of `protocol`: `["clock", "hull"]`; empty for the
/// crate's root.
fn module(path: &str) -> Option<Vec<String>> {
    let inner = path.strip_prefix("protocol/src/")?.strip_suffix(".rs")?;
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    Some(parts)
}

/// The top-level module that a name of this crate leads to; nothing for a name
/// of another crate or of the same module.
fn target(module: &[String], named: &Named) -> Option<String> {
    let mut at: Vec<&str> = module.iter().chain(&named.inside).map(String::as_str).collect();
    let mut rest = named.segments.iter().map(String::as_str).peekable();
    match rest.peek() {
        Some(&"crate") => {
            rest.next();
            at.clear();
        }
        Some(&"self" | &"super") => {
            while rest.next_if(|word| *word == "self").is_some() {}
            while rest.next_if(|word| *word == "super").is_some() {
                at.pop();
            }
        }
        _ => return None,
    }
    let found = at.first().copied().or_else(|| rest.next())?;
    (module.first().map(String::as_str) != Some(found)).then(|| found.to_owned())
}

/// Imports that the table does not allow, and files without a row.
fn check(source: &Source, rows: &[Row]) -> Vec<Offence> {
    let Some(module) = module(&source.path) else { return Vec::new() };
    let Some(name) = module.first() else { return Vec::new() };
    let Some((_, layer, allowed)) = rows.iter().find(|(row, ..)| row == name) else {
        return vec![Offence::of(
            &source.path,
            format!("`{name}` has no row in the layer table (tests/tidy/layers.rs)"),
        )];
    };
    let mut offences = Vec::new();
    for named in source.names().iter().filter(|named| !source.is_test(named.line)) {
        let Some(target) = target(&module, named) else { continue };
        if !allowed.contains(&target.as_str()) {
            let what = format!(
                "`{name}` (layer {layer}) may not import `{target}`, only {}",
                if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") }
            );
            offences.push(Offence::at(&source.path, named.line, what));
        }
    }
    offences.dedup();
    offences
}

/// Rows that import upwards, or sideways among the mechanisms.
fn check_table(rows: &[Row]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (index, (name, layer, allowed)) in rows.iter().enumerate() {
        for import in *allowed {
            let above = rows.iter().take(index).find(|(row, ..)| row == import);
            let fine = above.is_some_and(|(_, other, _)| *layer != 2 || *other < 2);
            if !fine {
                let what = format!("the row `{name}` names `{import}`, which is not below it");
                offences.push(Offence::of("tests/tidy/layers.rs", what));
            }
        }
    }
    offences
}

fn probe(path: &str, text: &str) -> Vec<Offence> {
    check(&Source::parse(File::new(path, text)), LAYERS)
}

#[test]
fn every_module_of_the_protocol_keeps_its_layer() {
    let sources = source::sources();
    let offences: Vec<_> = sources.iter().flat_map(|source| check(source, LAYERS)).collect();
    offence::none(&offences);
    assert!(sources.iter().any(|source| source.path == "protocol/src/time.rs"));
}

#[test]
fn the_table_has_neither_cycles_nor_sideways_rows() {
    offence::none(&check_table(LAYERS));
    offence::one(&check_table(&[("time", 0, &["clock"]), ("clock", 2, &[])]), "not below it");
    offence::one(&check_table(&[("clock", 2, &[]), ("ledger", 2, &["clock"])]), "not below it");
}

#[test]
fn an_upward_import_is_caught() {
    let found = probe(
        "protocol/src/clock/hull.rs",
        "//! x\nuse crate::time::Span;\nuse crate::{limits, session};\n",
    );
    offence::one(&found, "hull.rs:3: `clock` (layer 2) may not import `session`");
}

#[test]
fn a_sideways_import_is_caught_however_it_is_written() {
    let path = "protocol/src/ledger.rs";
    offence::one(&probe(path, "fn f() { crate::clock::estimate() }"), "import `clock`");
    offence::one(&probe(path, "fn f() { assert!(super::clock::X > 1) }"), "import `clock`");
    offence::one(&probe(path, "mod inner { use super::super::clock; }"), "import `clock`");
    offence::one(
        &probe("protocol/src/ledger/live.rs", "use super::super::clock::Map;"),
        "import `clock`",
    );
}

#[test]
fn a_file_without_a_row_is_caught() {
    offence::one(&probe("protocol/src/gossip.rs", "//! x\n"), "has no row");
}

#[test]
fn own_modules_other_crates_and_tests_are_no_offence() {
    let text = "use super::hull; use core::fmt; use self::inner::X; fn f() { inner::g() }\n\
                mod inner { use super::X; }\n#[cfg(test)] mod tests { use crate::session; }";
    offence::none(&probe("protocol/src/clock/smooth.rs", text));
}
