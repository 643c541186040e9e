//! What each crate may depend on, and why each dependency is worth it.
//!
//! The compiler keeps `protocol` from waiting only as long as its manifest names
//! nothing that waits. So the allowed names stand here, and every name has its
//! one line of reason in ARCHITECTURE.md.

use std::collections::BTreeSet;

use crate::offence::{self, Offence};
use crate::source::{self, File};

/// A crate's folder and all that it may depend on, in its product and its tests.
/// The clock benchmark compares with other people's crates; they are its subject
/// and stay in its own manifest.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    (
        "protocol",
        &["bincode", "hkdf", "hmac", "p256", "sha2", "subtle", "thiserror", "zeroize"],
        &["proptest"],
    ),
    (
        "driver",
        &[
            "diptych-protocol",
            "bytes",
            "getrandom",
            "if-addrs",
            "mdns-sd",
            "quinn",
            "quinn-udp",
            "rcgen",
            "ring",
            "rustix",
            "rustls",
            "thiserror",
            "tokio",
            "tracing",
        ],
        &["proptest"],
    ),
    ("primary", &["diptych-driver", "diptych-protocol", "thiserror"], &[]),
    ("secondary", &["diptych-driver", "diptych-protocol", "thiserror"], &[]),
];

/// The manifests whose dependencies are free but still need their line.
const FREE: &[&str] = &["cli", "tests"];

fn table(file: &File) -> toml::Table {
    file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

/// The dependencies of a manifest, build and target-specific ones included, with
/// whether each is for tests only.
fn dependencies(manifest: &toml::Table) -> BTreeSet<(String, bool)> {
    let mut found = BTreeSet::new();
    let mut tables = vec![manifest];
    if let Some(toml::Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let names = table.get(kind).and_then(toml::Value::as_table);
            for name in names.into_iter().flat_map(toml::Table::keys) {
                found.insert((name.clone(), kind == "dev-dependencies"));
            }
        }
    }
    found
}

/// Dependencies that a crate may not have, and features where there may be none.
fn check(folder: &str, manifest: &File) -> Vec<Offence> {
    let Some((_, product, tests)) = ALLOWED.iter().find(|(name, ..)| *name == folder) else {
        return Vec::new();
    };
    let table = table(manifest);
    let mut offences = Vec::new();
    for (name, dev) in dependencies(&table) {
        let name = name.as_str();
        let allowed = product.contains(&name) || (dev && tests.contains(&name));
        if !allowed {
            let what =
                format!("`{folder}` may not depend on `{name}` (tests/tidy/dependencies.rs)");
            offences.push(Offence::of(&manifest.path, what));
        }
    }
    if folder == "protocol" && table.contains_key("features") {
        let what = "the core has no features: a build of the whole workspace would unify them";
        offences.push(Offence::of(&manifest.path, what));
    }
    offences
}

/// The names in the first column of the dependency table of ARCHITECTURE.md.
fn reasons(text: &str) -> BTreeSet<String> {
    let rows = text.lines().skip_while(|line| !line.starts_with("## Dependencies"));
    let rows = rows.skip(1).take_while(|line| !line.starts_with("## "));
    let mut found = BTreeSet::new();
    for row in rows.filter(|row| row.starts_with('|')) {
        let first = row.split('|').nth(1).unwrap_or_default();
        found.extend(first.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    found
}

/// Dependencies without a reason, and reasons without a dependency.
fn check_reasons(used: &BTreeSet<String>, architecture: &File) -> Vec<Offence> {
    let reasons = reasons(&architecture.text);
    let missing = used.difference(&reasons).map(|name| format!("no line for `{name}`"));
    let dead = reasons.difference(used).map(|name| format!("`{name}` is not a dependency"));
    missing.chain(dead).map(|what| Offence::of(&architecture.path, what)).collect()
}

/// Every member's folder and manifest.
fn manifests() -> Vec<(String, File)> {
    let Some(root) = source::file("Cargo.toml") else { panic!("no Cargo.toml at the root") };
    let table = table(&root);
    let members = table.get("workspace").and_then(|workspace| workspace.get("members"));
    let members = members.and_then(toml::Value::as_array).into_iter().flatten();
    let load = |member: &toml::Value| {
        let folder = member.as_str().unwrap_or_default().to_owned();
        let manifest = source::file(&format!("{folder}/Cargo.toml"));
        manifest.map(|manifest| (folder.clone(), manifest)).unwrap_or_else(|| panic!("{folder}?"))
    };
    members.map(load).collect()
}

#[test]
fn every_crate_depends_only_on_what_it_may() {
    let manifests = manifests();
    let offences = manifests.iter().flat_map(|(folder, manifest)| check(folder, manifest));
    offence::none(&offences.collect::<Vec<_>>());
    for (folder, ..) in ALLOWED {
        assert!(manifests.iter().any(|(member, _)| member == folder), "{folder} is no member");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let Some(architecture) = source::file("ARCHITECTURE.md") else { panic!("no ARCHITECTURE.md") };
    let judged = |folder: &str| {
        FREE.contains(&folder) || ALLOWED.iter().any(|(allowed, ..)| *allowed == folder)
    };
    let mut used = BTreeSet::new();
    for (folder, manifest) in manifests() {
        if judged(&folder) {
            used.extend(dependencies(&table(&manifest)).into_iter().map(|(name, _)| name));
        }
    }
    used.retain(|name| !name.starts_with("diptych"));
    offence::none(&check_reasons(&used, &architecture));
}

#[test]
fn a_forbidden_dependency_is_caught() {
    let found = |text| check("protocol", &File::new("protocol/Cargo.toml", text));
    offence::one(&found("[dependencies]\ntokio = \"1\""), "may not depend on `tokio`");
    offence::one(&found("[dependencies]\nproptest = \"1\""), "`proptest`");
    offence::none(&found("[dev-dependencies]\nproptest = \"1\""));
    offence::one(&found("[target.'cfg(unix)'.dependencies]\nlibc = \"1\""), "`libc`");
    offence::one(&found("[features]\nmock = []"), "no features");
    let facade = File::new("primary/Cargo.toml", "[dependencies]\ndiptych-secondary = \"1\"");
    offence::one(&check("primary", &facade), "`diptych-secondary`");
}

#[test]
fn a_dependency_without_a_reason_is_caught_and_so_is_the_reverse() {
    let text = "# A\n| `x` | no |\n## Dependencies\n| `tokio` | why |\n| `old` |\n## End\n| `y` |";
    let used = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let architecture = File::new("ARCHITECTURE.md", text);
    offence::one(&check_reasons(&used(&["tokio", "old", "bytes"]), &architecture), "`bytes`");
    offence::one(&check_reasons(&used(&["tokio"]), &architecture), "`old` is not a dependency");
}
