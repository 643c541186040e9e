//! Disks that tear, reorder, lie and fill up, at every write and at every sync.
//!
//! The oracle is the world: it knows what every camera filmed, and judges that with
//! no journal at all. After each failure the app starts again, the session goes on to
//! its end, and the report from what is left has to say what the oracle says. What was
//! under way when the power went may be left or not; the oracle does not know it
//! either, and so has two answers that differ only where that decides. Where a disk
//! lied about what is durable, no journal can be as good: then the report must not
//! *claim* to be, and says so with its flags wherever anybody saw what is gone.
//!
//! `DIPTYCH_EVERY=1` tries every one of thousands of operations; the usual run tries
//! each of them in turn, some at a time.

use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed, salvage};
use diptych_protocol::ledger::Flag;
use diptych_protocol::limits::ALONE_TIME;
use diptych_protocol::machine::JournalName;
use diptych_protocol::policy::Verdict;
use diptych_protocol::{primary, secondary};
use diptych_tests::world::{Failure, Outcome, Scenario, Truth, What};

use crate::{run, s};

/// How far apart the operations are that a usual run tries.
const EVERY: usize = 97;
/// More than a device of this exam carries out.
const OPERATIONS: u64 = 1_200;
/// By then both devices have the pairing on their disks. Before, one may know of it
/// and the other not, and a person has to show the code again.
const PAIRED: u64 = 12;

fn exam(who: usize, operation: u64, how: Failure) -> Outcome {
    let fails = What::Fails { who, operation, how, lasting: s(6) };
    let exam = Scenario::exam(operation, 1, 1).with(s(0), fails);
    // Beside a device that may not resume, the other one ends by itself.
    let until = exam.until + if how == Failure::Full { ALONE_TIME } else { s(0) };
    run(Scenario { until, ..exam })
}

/// The operations that are tried: other ones for each device and way, and all that
/// pairing needs.
fn operations(offset: u64) -> impl Iterator<Item = u64> {
    let every = std::env::var("DIPTYCH_EVERY").ok().and_then(|text| text.parse().ok());
    let every = every.unwrap_or(EVERY);
    let offset = if every == 1 { 0 } else { offset };
    (0..PAIRED).chain((PAIRED + offset..OPERATIONS).step_by(every))
}

fn is_as(outcome: &Outcome, truth: &Truth) -> bool {
    outcome.report.as_ref().is_some_and(|report| {
        let judgement = &report.judgement;
        let counts = (judgement.count_min, judgement.count_max);
        judgement.verdict == truth.verdict && counts == (truth.count, truth.count)
    })
}

#[test]
fn a_write_that_tears_and_sectors_without_order_cost_a_tail_and_no_truth() {
    for (offset, how) in [(3, Failure::Torn), (50, Failure::Reordered)] {
        for who in [0, 1] {
            for operation in operations(offset + 20 * who as u64) {
                let outcome = exam(who, operation, how);
                let (truth, luckier) = (&outcome.truth, &outcome.luckier);
                let found = is_as(&outcome, truth) || is_as(&outcome, luckier);
                let whole = outcome.failures.is_empty() && outcome.ended;
                let begun = operation >= PAIRED;
                assert!(found, "{who} {operation} {how:?}: {truth:?}; {}", outcome.story());
                assert!(whole || !begun, "{who} {operation} {how:?}: {}", outcome.story());
            }
        }
    }
}

/// The journal of that seat as device `who` has it.
fn journal(outcome: &Outcome, who: usize, seat: u8) -> Option<Replayed> {
    let name = JournalName { role: Role::new(seat).unwrap(), device: 1 };
    outcome.journals[who].get(&name).and_then(|bytes| salvage(bytes).ok())
}

/// Whether `witness` wrote down a head that the journal of `seat` does not have.
fn contradicts(witness: &Replayed, seat: u8, journal: &Replayed) -> bool {
    let has = |number: u64, hash: &[u8; 32]| {
        let place = journal.entries().binary_search_by_key(&number, |entry| entry.sequence);
        place.is_ok_and(|place| journal.entries()[place].hash == *hash)
    };
    witness.entries().iter().any(|entry| {
        matches!(&entry.fact, Fact::PeerHead { peer, sequence, head, .. }
            if peer.number() == seat && *sequence > 0 && !has(*sequence, head))
    })
}

#[test]
fn a_disk_that_lies_makes_no_report_that_is_wrong_and_looks_right() {
    let mut warnings = 0;
    for who in [0, 1] {
        for operation in operations(31 + 20 * who as u64) {
            let outcome = exam(who, operation, Failure::LostSync);
            let refuses = |line: &String| line.contains(&format!("device {who} cannot start"));
            let loud = outcome.failures.iter().any(refuses);
            assert!(loud || outcome.failures.is_empty(), "{who} {operation}: {}", outcome.story());
            // A primary whose disk lied away its end goes on ending, and may never be done.
            let Some(report) = outcome.report.as_ref() else { continue };
            let said = report.judgement.verdict;
            let flagged = |flag| report.flags.contains(&flag);
            warnings += u32::from(flagged(Flag::Tamper));
            let right = is_as(&outcome, &outcome.truth) || is_as(&outcome, &outcome.luckier);
            let careful = flagged(Flag::Tamper)
                || flagged(Flag::EvidenceGap)
                || said == Verdict::Undetermined
                || said == Verdict::NotReady;
            let story =
                || format!("{who} {operation}: {said} {:?}; {}", report.flags, outcome.story());
            assert!(right || careful, "{}", story());
            // What the other device saw and is gone, the report must not pass over.
            let (p, a) = (journal(&outcome, 0, 0), journal(&outcome, 0, 1));
            if let (Some(p), Some(a)) = (p, a)
                && (contradicts(&p, 1, &a) || contradicts(&a, 0, &p))
            {
                assert!(flagged(Flag::Tamper) || flagged(Flag::EvidenceGap), "{}", story());
            }
        }
    }
    assert!(warnings > 0, "no lie was noticed");
}

#[test]
fn a_disk_that_fills_up_at_any_write_is_told_and_stops_every_camera_in_the_end() {
    // [SESSION-2] [SESSION-38]; claims are held against the disk by the world.
    for who in [0, 1] {
        for operation in operations(11 + 20 * who as u64) {
            let outcome = exam(who, operation, Failure::Full);
            assert!(outcome.failures.is_empty(), "{who} {operation}: {}", outcome.story());
            if operation < PAIRED {
                continue;
            }
            let story = || format!("{who} {operation}: {}", outcome.story());
            assert!(outcome.over[0], "{}", story());
            let started = |e: &primary::Event| matches!(e, primary::Event::StartRecording { .. });
            let stopped = outcome.primary_told(|e| *e == primary::Event::StopRecording);
            assert!(stopped || !outcome.primary_told(started), "the primary films on: {}", story());
            let started =
                |e: &secondary::Event| matches!(e, secondary::Event::StartRecording { .. });
            let stopped = outcome.assistant_told(1, |e| *e == secondary::Event::StopRecording);
            assert!(stopped || !outcome.assistant_told(1, started), "A1 films on: {}", story());
            let Some(report) = outcome.report.as_ref() else { continue };
            let right = is_as(&outcome, &outcome.truth) || is_as(&outcome, &outcome.luckier);
            let said = report.judgement.verdict;
            let gap = report.flags.contains(&Flag::EvidenceGap);
            assert!(right || gap || said == Verdict::NotReady, "{}", story());
        }
    }
}
