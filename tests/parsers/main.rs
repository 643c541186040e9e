//! The promises of every parser, kept on the seeds of the fuzz targets, on what
//! is left of them after any cut, on each of them with any one bit turned, and on
//! splices of them, in little memory; and the promises of the machines under programs
//! of any bytes. What `cargo fuzz` does for days, in seconds and always the same.

#![expect(clippy::indexing_slicing, reason = "an index out of range fails the test, as it should")]

use std::fs;
use std::path::PathBuf;
use std::sync::Once;

use diptych_protocol::limits;
use diptych_tests::dice::Dice;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use diptych_tests::parsers;
use diptych_tests::session::session;

/// Variants of each sort that are tried for each seed; of a longer seed they are
/// spread over its length. `DIPTYCH_VARIANTS` asks for more.
const VARIANTS: usize = 400;

fn variants() -> usize {
    let asked = std::env::var("DIPTYCH_VARIANTS").ok();
    asked.map_or(VARIANTS, |text| {
        text.parse().unwrap_or_else(|error| panic!("DIPTYCH_VARIANTS, {text:?}: {error}"))
    })
}

/// The seeds of a target, by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().filter_map(|path| fs::read(path).ok()).collect();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    seeds
}

/// Bytes that the parsers may allocate beside what this process has when it begins:
/// as many as the longest journal, and half of that for everything else.
const MEMORY: u64 = limits::JOURNAL_BYTES + limits::JOURNAL_BYTES / 2;

/// From now on an allocation that a few bytes of input talk a parser into fails,
/// and with it the test: a length is believed only as far as bytes follow it.
fn allow_little_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:"));
        let has: Option<u64> =
            line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        let Some(has) = has else { panic!("the system does not say how much memory is used") };
        let maximum = getrlimit(Resource::Data).maximum;
        let limit = Rlimit { current: Some(has * 1_024 + MEMORY), maximum };
        setrlimit(Resource::Data, limit).unwrap_or_else(|error| panic!("{error}"));
    });
}

/// Runs `promise` on every seed and on what becomes of it.
fn hold(target: &str, promise: fn(&[u8])) {
    allow_little_memory();
    let seeds = seeds(target);
    for (seed, index) in seeds.iter().zip(0..) {
        promise(seed);
        for cut in spread(seed.len()) {
            promise(&seed[..cut]);
        }
        let mut changed = seed.clone();
        for bit in spread(seed.len() * 8) {
            changed[bit / 8] ^= 1 << (bit % 8);
            promise(&changed);
            changed[bit / 8] ^= 1 << (bit % 8);
        }
        let mut dice = Dice::keyed(0xD1, index, 0);
        for _ in 0..variants() {
            promise(&splice(seed, &seeds, &mut dice));
        }
    }
}

/// Places in `0..end`, all of them if there are not too many; the odd step visits
/// every bit of a byte.
fn spread(end: usize) -> impl Iterator<Item = usize> {
    (0..end).step_by((end / variants().max(1)) | 1)
}

/// The head of one seed, the tail of another, and a byte drawn between them.
fn splice(seed: &[u8], seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let other = &seeds[below(dice, seeds.len())];
    let mut bytes = seed[..below(dice, seed.len() + 1)].to_vec();
    bytes.push(dice.bits().to_le_bytes()[0]);
    bytes.extend(&other[below(dice, other.len() + 1)..]);
    bytes
}

fn below(dice: &mut Dice, end: usize) -> usize {
    let drawn = u32::try_from(dice.bits() >> 32).unwrap_or_default();
    usize::try_from(drawn).unwrap_or_default() % end.max(1)
}

#[test]
fn a_ticket_has_one_text_and_one_encoding() {
    hold("ticket", parsers::ticket);
}

#[test]
fn frames_do_not_depend_on_where_the_stream_was_cut() {
    hold("frame", parsers::frame);
}

#[test]
fn a_message_has_one_encoding() {
    hold("wire", parsers::wire);
}

#[test]
fn a_journal_accounts_for_every_byte() {
    hold("journal", parsers::journal);
}

#[test]
fn a_policy_has_one_canonical_form() {
    hold("policy", parsers::policy);
}

#[test]
fn machines_take_whatever_comes_in_any_order() {
    for seed in seeds("session") {
        session(&seed);
    }
    for index in 0..variants() as u64 {
        let mut dice = Dice::keyed(0x5E55, index, 0);
        let length = 100 + below(&mut dice, 400);
        let program: Vec<u8> = (0..length).map(|_| dice.bits().to_le_bytes()[0]).collect();
        if std::panic::catch_unwind(|| session(&program)).is_err() {
            panic!("program {index}: {program:?}");
        }
    }
}
