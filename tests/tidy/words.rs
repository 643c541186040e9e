//! Words that do not belong where they stand.
//!
//! `protocol` is told the time, the entropy and its past; a word that would let
//! it ask for them itself is an offence. Each outside library has one door.

use crate::offence::{self, Offence};
use crate::source::{self, File, Source};

/// Where a word may stand.
struct Ban {
    /// A word (`Mutex`) or a path (`std::net`).
    word: &'static str,
    /// The folder that must do without it.
    within: &'static str,
    /// Files or folders below it that may use it.
    except: &'static [&'static str],
    /// Whose lines must do without it.
    lines: Lines,
    /// Why.
    why: &'static str,
}

/// Which lines a ban looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Product,
    Tests,
}

/// A word that the core must do without.
const fn pure(word: &'static str, why: &'static str) -> Ban {
    Ban { word, within: "protocol/src/", except: &[], lines: Lines::Product, why }
}

/// A library that has one door.
const fn door(word: &'static str, except: &'static [&'static str], why: &'static str) -> Ban {
    Ban { word, within: "", except, lines: Lines::Product, why }
}

const TIME: &str = "time is an argument";
const WORLD: &str = "the driver owns the world";
const WAITING: &str = "the core never waits; the driver does";
const ORDER: &str = "its order differs from run to run; use a BTreeMap or BTreeSet";
const GLOBAL: &str = "state lives in the machine, so that two can run in one process";
const FLOAT: &str = "what is decided, signed or sent is an integer";
const TLS: &str = "TLS and QUIC have their own files in `driver`";

const BANS: &[Ban] = &[
    pure("Instant::now", TIME),
    pure("std::time", TIME),
    pure("SystemTime", TIME),
    pure("std::net", "addresses are `core::net`; sockets belong to the driver"),
    pure("std::fs", WORLD),
    pure("std::io", WORLD),
    pure("std::env", WORLD),
    pure("std::process", WORLD),
    pure("std::thread", WAITING),
    pure("thread_local", GLOBAL),
    pure("tokio", WAITING),
    pure("async", WAITING),
    pure("await", WAITING),
    pure("Mutex", WAITING),
    pure("RwLock", WAITING),
    pure("Condvar", WAITING),
    pure("OnceLock", GLOBAL),
    pure("LazyLock", GLOBAL),
    pure("OnceCell", GLOBAL),
    pure("HashMap", ORDER),
    pure("HashSet", ORDER),
    pure("rand", "entropy is an argument"),
    pure("getrandom", "entropy is an argument"),
    pure("OsRng", "entropy is an argument"),
    pure("println", WORLD),
    pure("eprintln", WORLD),
    pure("f32", FLOAT),
    pure("f64", FLOAT),
    pure("feature", "the core does one thing in every build"),
    // [TIME-7]
    door("SystemTime", &["driver/src/clock.rs", "cli/"], "a label, read in one place"),
    door("bincode", &["protocol/src/wire/codec.rs"], "one file knows the codec"),
    door("quinn", &["driver/src/"], TLS),
    door("rustls", &["driver/src/"], TLS),
    door("rcgen", &["driver/src/"], TLS),
    door("mdns_sd", &["driver/src/discovery.rs"], "one file knows the discovery library"),
    Ban {
        word: "thread::sleep",
        within: "",
        except: &[],
        lines: Lines::Tests,
        why: "wait for the thing itself, or step a clock that you own",
    },
];

/// Marks of work that is not finished. Spelt in halves: this file is searched too.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ign", "ore"),
];

/// Endings of names that say nothing.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils", "Misc", "Common"];

/// Words that stand where they must not.
fn check(source: &Source, bans: &[Ban]) -> Vec<Offence> {
    let mut said: Vec<(String, usize)> = source.words();
    said.extend(source.names().into_iter().map(|named| (named.segments.join("::"), named.line)));
    let mut offences = Vec::new();
    for ban in bans {
        let excepted = ban.except.iter().any(|except| source.path.starts_with(except));
        if !source.path.starts_with(ban.within) || excepted {
            continue;
        }
        for (words, line) in &said {
            let looked_at = source.is_test(*line) == (ban.lines == Lines::Tests);
            if looked_at && contains_path(words, ban.word) {
                let what = format!("`{}`: {}", ban.word, ban.why);
                offences.push(Offence::at(&source.path, *line, what));
            }
        }
    }
    offences.sort_by(|a, b| (a.line, &a.what).cmp(&(b.line, &b.what)));
    offences.dedup();
    offences
}

/// Whether the path `words` holds `part` as a run of whole segments.
fn contains_path(words: &str, part: &str) -> bool {
    format!("::{words}::").contains(&format!("::{part}::"))
}

/// `dyn Error` in a library: a caller cannot match on it.
fn check_errors(source: &Source) -> Vec<Offence> {
    let library = ["protocol/src/", "driver/src/", "primary/src/", "secondary/src/"];
    if !library.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let words: Vec<_> = source.words();
    let pairs = words.iter().zip(words.iter().skip(1));
    let pairs = pairs.zip(words.iter().skip(3));
    let mut offences = Vec::new();
    for (((word, line), (next, _)), (after, _)) in pairs {
        let erased = next == "Error" || (next == "std" || next == "core") && after == "Error";
        if word == "dyn" && erased && !source.is_test(*line) {
            let what = "`dyn Error`: give the error a type that says expected and got";
            offences.push(Offence::at(&source.path, *line, what));
        }
    }
    offences
}

/// Marks of unfinished work, anywhere in a text.
fn check_unfinished(file: &File) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for mark in UNFINISHED {
            if line.contains(mark) {
                let what = format!("`{mark}`: finish it, or open an issue and say nothing here");
                offences.push(Offence::at(&file.path, index + 1, what));
            }
        }
    }
    offences
}

/// Types and files whose name says nothing.
fn check_names(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    let said = |name: &str| {
        EMPTY_NAMES.iter().find(|ending| name.ends_with(*ending)).map(|ending| {
            format!("`{name}`: a name on `{ending}` hides what the thing is; use the field's term")
        })
    };
    for item in &source.tree.items {
        let name = match item {
            syn::Item::Struct(item) => &item.ident,
            syn::Item::Enum(item) => &item.ident,
            syn::Item::Trait(item) => &item.ident,
            syn::Item::Type(item) => &item.ident,
            _ => continue,
        };
        if let Some(what) = said(&name.to_string()) {
            offences.push(Offence::at(&source.path, name.span().start().line, what));
        }
    }
    for part in source.path.trim_end_matches(".rs").split('/') {
        let capital: String =
            part.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        if let Some(what) = said(&capital) {
            offences.push(Offence::of(&source.path, what));
        }
    }
    offences
}

fn probe(path: &str, text: &str) -> Vec<Offence> {
    check(&Source::parse(File::new(path, text)), BANS)
}

#[test]
fn words_stand_only_where_they_belong() {
    let sources = source::sources();
    offence::none(&sources.iter().flat_map(|source| check(source, BANS)).collect::<Vec<_>>());
}

#[test]
fn no_library_hides_its_errors() {
    let sources = source::sources();
    offence::none(&sources.iter().flat_map(check_errors).collect::<Vec<_>>());
    let text = "fn f() -> Result<u8, Box<dyn std::error::Error + Send>> { g() }";
    let source = |path| Source::parse(File::new(path, text));
    offence::one(&check_errors(&source("driver/src/disk.rs")), "`dyn Error`");
    offence::none(&check_errors(&source("cli/src/main.rs")));
}

#[test]
fn nothing_is_left_unfinished() {
    let texts = ["rs", "md", "toml"].into_iter().flat_map(source::files);
    offence::none(&texts.flat_map(|file| check_unfinished(&file)).collect::<Vec<_>>());
}

#[test]
fn an_unfinished_place_is_caught() {
    for mark in UNFINISHED {
        let found = check_unfinished(&File::new("spec/x.md", &format!("a\n{mark} later)]\n")));
        offence::one(&found, "spec/x.md:2");
    }
}

#[test]
fn names_say_what_things_are() {
    let sources = source::sources();
    offence::none(&sources.iter().flat_map(check_names).collect::<Vec<_>>());
}

#[test]
fn an_empty_name_is_caught() {
    let names = |path, text| check_names(&Source::parse(File::new(path, text)));
    offence::one(&names("driver/src/disk.rs", "struct DiskManager;"), "`DiskManager`");
    offence::one(&names("driver/src/net_utils.rs", ""), "`NetUtils`");
    offence::none(&names("driver/src/disk.rs", "struct Managed; enum Utility {}"));
}

#[test]
fn an_impure_word_in_the_core_is_caught() {
    let path = "protocol/src/clock/hull.rs";
    for (text, word) in [
        ("fn f() { let t = Instant::now(); }", "`Instant::now`"),
        ("use std::{net::UdpSocket, vec};", "`std::net`"),
        ("use std::fs;", "`std::fs`"),
        ("fn f() { std::thread::spawn(g); }", "`std::thread`"),
        ("async fn f() {}", "`async`"),
        ("struct S { m: Mutex<u8> }", "`Mutex`"),
        ("struct S(std::collections::HashMap<u8, u8>);", "`HashMap`"),
        ("fn f(x: f64) {}", "`f64`"),
        ("fn f() { println!(\"x\") }", "`println`"),
        ("fn f() { assert!(rand::random()) }", "`rand`"),
        ("#[cfg(feature = \"mock\")] fn f() {}", "`feature`"),
    ] {
        offence::one(&probe(path, text), word);
    }
}

#[test]
fn a_library_outside_its_door_is_caught() {
    offence::one(&probe("protocol/src/wire/frame.rs", "use bincode::encode;"), "`bincode`");
    offence::one(&probe("primary/src/lib.rs", "fn f(c: quinn::Connection) {}"), "`quinn`");
    offence::one(&probe("driver/src/run.rs", "use mdns_sd::ServiceDaemon;"), "`mdns_sd`");
}

#[test]
fn a_test_that_sleeps_is_caught() {
    let text = "fn f() { std::thread::sleep(d) }";
    offence::one(&probe("tests/loopback/main.rs", text), "`thread::sleep`");
}

#[test]
fn comments_strings_and_tests_are_no_offence() {
    let text = "//! No Mutex here.\n/// A HashMap would\nfn f() { g(\"f64 tokio\") } // rand\n\
                #[cfg(test)] mod tests { use std::collections::HashMap; }";
    offence::none(&probe("protocol/src/clock/hull.rs", text));
}
