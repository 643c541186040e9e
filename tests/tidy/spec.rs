//! The specification and the code, tied by clause.
//!
//! A rule of the specification is one sentence with an id. Code cites the id
//! where it keeps the rule, a test cites it where it would notice a breach, and
//! a clause that nobody cites is either dead text or a missing feature: it must
//! be admitted under *Not yet* in `spec/README.md`. `spec/limits.md` is a table
//! with a test of its own, `limits.rs` beside this file.

use std::collections::{BTreeMap, BTreeSet};

use crate::offence::{self, Offence};
use crate::source::{self, File, Source};

/// Names with a number that are not clauses.
const OTHER_NAMES: &[&str] = &["AES", "ISO", "RFC", "SHA", "UTF"];

/// Topics whose pages are still being written; a page that is there is held to.
const AWAITED: &[&str] = &["CLOCK", "JOURNAL", "PAIRING", "SESSION", "TICKET", "TRANSPORT", "WIRE"];

const README: &str = "spec/README.md";
const LIMITS: &str = "spec/limits.md";

/// `PAIRING-4`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Id {
    topic: String,
    number: u32,
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let (topic, number) = text.rsplit_once('-')?;
        let letters = topic.chars().all(|letter| letter.is_ascii_uppercase());
        let fine = topic.len() >= 3 && letters && !OTHER_NAMES.contains(&topic);
        let number = number.parse().ok().filter(|_| !number.starts_with(['0', '+']))?;
        fine.then(|| Self { topic: topic.to_owned(), number })
    }

    fn text(&self) -> String {
        format!("[{}-{}]", self.topic, self.number)
    }
}

/// Every id in square brackets in a line.
fn ids(line: &str) -> impl Iterator<Item = Id> {
    line.split('[').skip(1).filter_map(|rest| Id::parse(rest.split_once(']')?.0))
}

/// Where clauses are defined: `**`[TOPIC-n]`**` before the sentence.
fn defined(specs: &[File]) -> Vec<(Id, &File, usize)> {
    let mut found = Vec::new();
    for file in specs.iter().filter(|file| file.path != LIMITS) {
        for (index, line) in file.text.lines().enumerate() {
            for rest in line.split("**`[").skip(1) {
                let id = rest.split_once("]`**").and_then(|(id, _)| Id::parse(id));
                found.extend(id.map(|id| (id, file, index + 1)));
            }
        }
    }
    found
}

/// Ids that are defined twice, with gaps, or in another topic's file.
fn check_definitions(specs: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut all = defined(specs);
    all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    for (id, file, line) in all {
        let next = last.get(&id.topic).copied().unwrap_or(0) + 1;
        if id.number != next {
            let what = format!("{} where [{}-{next}] comes next", id.text(), id.topic);
            offences.push(Offence::at(&file.path, line, what));
        }
        last.insert(id.topic.clone(), id.number);
        if file.path != format!("spec/{}.md", id.topic.to_lowercase()) {
            let what = format!("{} belongs into spec/{}.md", id.text(), id.topic.to_lowercase());
            offences.push(Offence::at(&file.path, line, what));
        }
    }
    offences
}

/// The ids under the heading *Not yet* of `spec/README.md`.
fn not_yet(specs: &[File]) -> BTreeSet<Id> {
    let readme = specs.iter().filter(|file| file.path == README);
    let lines = readme.flat_map(|file| file.text.lines());
    let section = lines.skip_while(|line| !line.starts_with("## Not yet")).skip(1);
    section.take_while(|line| !line.starts_with("## ")).flat_map(ids).collect()
}

/// Where each id is cited: in the product, and in tests.
#[derive(Default)]
struct Citations {
    product: BTreeMap<Id, (String, usize)>,
    tests: BTreeMap<Id, (String, usize)>,
}

fn citations(sources: &[Source]) -> Citations {
    let mut found = Citations::default();
    // These two make ids up.
    let invented = ["tests/tidy/spec.rs", "tests/tidy/limits.rs"];
    for source in sources.iter().filter(|source| !invented.contains(&source.path.as_str())) {
        for (number, line, test) in source.lines() {
            let cited = if test { &mut found.tests } else { &mut found.product };
            for id in ids(line) {
                cited.entry(id).or_insert_with(|| (source.path.clone(), number));
            }
        }
    }
    found
}

/// Clauses that no code or no test cites, and exemptions that are not needed.
fn check_cited(specs: &[File], sources: &[Source]) -> Vec<Offence> {
    let cited = citations(sources);
    let not_yet = not_yet(specs);
    let mut offences = Vec::new();
    let mut known = BTreeSet::new();
    for (id, file, line) in defined(specs) {
        let product = cited.product.contains_key(&id);
        let test = cited.tests.contains_key(&id);
        let what = match (not_yet.contains(&id), product, test) {
            (true, true, true) => Some("is kept: take it from *Not yet*"),
            (false, false, false) => Some("is cited nowhere"),
            (false, false, true) => Some("is cited by no code"),
            (false, true, false) => Some("is cited by no test"),
            (true, _, _) | (false, true, true) => None,
        };
        let what = what.map(|what| format!("{} {what}", id.text()));
        offences.extend(what.map(|what| Offence::at(&file.path, line, what)));
        known.insert(id);
    }
    let unknown = not_yet.difference(&known);
    offences.extend(
        unknown.map(|id| Offence::of(README, format!("*Not yet* names {}, unknown", id.text()))),
    );
    offences
}

/// Citations of clauses that the specification does not have.
fn check_known(specs: &[File], sources: &[Source]) -> Vec<Offence> {
    let mut known: BTreeSet<Id> = defined(specs).into_iter().map(|(id, ..)| id).collect();
    let limits = specs.iter().filter(|file| file.path == LIMITS);
    known.extend(limits.flat_map(|file| file.text.lines()).flat_map(ids));
    let cited = citations(sources);
    let all = cited.product.into_iter().chain(cited.tests);
    let pages: BTreeSet<String> = specs.iter().map(|file| file.path.to_uppercase()).collect();
    let written = |topic: &str| pages.contains(&format!("SPEC/{topic}.MD"));
    all.filter(|(id, _)| !known.contains(id))
        .filter(|(id, _)| written(&id.topic) || !AWAITED.contains(&id.topic.as_str()))
        .map(|(id, (path, line))| {
            Offence::at(&path, line, format!("{} is in no file of spec/", id.text()))
        })
        .collect()
}

/// Files of the specification that the index leaves out, and entries that lead
/// nowhere.
fn check_index(specs: &[File]) -> Vec<Offence> {
    let Some(readme) = specs.iter().find(|file| file.path == README) else {
        return vec![Offence::of(README, "missing")];
    };
    let linked: BTreeSet<&str> = readme
        .text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .filter(|link| link.ends_with(".md") && !link.contains('/'))
        .collect();
    let names = specs.iter().filter_map(|file| file.path.strip_prefix("spec/"));
    let names: BTreeSet<&str> = names.filter(|name| *name != "README.md").collect();
    let missing = names.difference(&linked).map(|name| format!("the index leaves out {name}"));
    let dead = linked.difference(&names).map(|name| format!("the index names {name}, not there"));
    missing.chain(dead).map(|what| Offence::of(README, what)).collect()
}

fn specs() -> Vec<File> {
    let mut files = source::files("md");
    files.retain(|file| file.path.starts_with("spec/") && file.path.matches('/').count() == 1);
    files
}

#[test]
fn clauses_are_numbered_without_gaps() {
    let specs = specs();
    offence::none(&check_definitions(&specs));
    assert!(defined(&specs).len() > 5, "no clauses found: has their form changed?");
}

#[test]
fn the_index_of_the_specification_is_complete() {
    offence::none(&check_index(&specs()));
    let specs = [File::new(README, "[a](a.md) [x](../x.md)"), File::new("spec/b.md", "")];
    assert_eq!(check_index(&specs).len(), 2, "one left out, one that leads nowhere");
}

#[test]
fn badly_numbered_clauses_are_caught() {
    let one = |text| check_definitions(&[File::new("spec/clock.md", text)]);
    offence::none(&one("**`[CLOCK-1]`** a\n**`[CLOCK-2]`** b"));
    offence::one(&one("**`[CLOCK-1]`** a\n**`[CLOCK-3]`** b"), "[CLOCK-2] comes next");
    offence::one(&one("**`[CLOCK-1]`** a\n**`[CLOCK-1]`** b"), "[CLOCK-2] comes next");
    offence::one(&one("**`[WIRE-1]`** a"), "belongs into spec/wire.md");
}

fn tied(readme: &str, code: &str) -> (Vec<File>, Vec<Source>) {
    let specs =
        vec![File::new(README, readme), File::new("spec/clock.md", "- **`[CLOCK-1]`** It MUST.")];
    (specs, vec![Source::parse(File::new("protocol/src/clock.rs", code))])
}

#[test]
fn an_uncited_clause_is_caught() {
    let found = |readme: &str, code: &str| {
        let (specs, sources) = tied(readme, code);
        check_cited(&specs, &sources)
    };
    let code = "/// Does. `[CLOCK-1]`\nfn f() {}\n";
    let test = "#[cfg(test)]\nmod tests {\n// [CLOCK-1]\n}\n";
    offence::none(&found("", &format!("{code}{test}")));
    offence::one(&found("", ""), "is cited nowhere");
    offence::one(&found("", code), "is cited by no test");
    offence::one(&found("", test), "is cited by no code");
    offence::none(&found("## Not yet\n- `[CLOCK-1]` later\n## End", code));
    let both = format!("{code}{test}");
    offence::one(&found("## Not yet\n- `[CLOCK-1]`", &both), "take it from *Not yet*");
    offence::one(&found("## Not yet\n- `[CLOCK-7]`", &both), "names [CLOCK-7]");
}

#[test]
fn a_citation_of_an_unknown_clause_is_caught() {
    let (specs, sources) = tied("", "// [CLOCK-1] [CLOCK-2] [SHA-256] a[I-1]\nfn f() {}\n");
    offence::one(&check_known(&specs, &sources), "clock.rs:1: [CLOCK-2] is in no file");
    let (specs, sources) = tied("", "// [NOVELTY-1]\nfn f() {}\n");
    offence::one(&check_known(&specs, &sources), "clock.rs:1: [NOVELTY-1] is in no file");
}

#[test]
fn every_clause_is_kept_and_tested() {
    offence::none(&check_cited(&specs(), &source::sources()));
}

#[test]
fn every_citation_leads_to_a_clause() {
    offence::none(&check_known(&specs(), &source::sources()));
}
