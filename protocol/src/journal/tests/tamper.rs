//! Each way to rewrite the past, and the name that `verify` gives it.

use super::*;
use crate::identity::{PublicKey, sha256};

const FILE: [u8; 32] = [0xF1; 32];

fn assistant() -> Role {
    Role::new(1).unwrap()
}

/// A recording of which piece `index` holds a thousand bytes of that value.
struct Recording {
    changed: Option<(u64, u64)>,
    missing_from: u64,
}

impl Default for Recording {
    fn default() -> Self {
        Self { changed: None, missing_from: u64::MAX }
    }
}

impl Media for Recording {
    fn sha256(&mut self, _: Role, file: &[u8; 32], offset: u64, bytes: u32) -> Option<[u8; 32]> {
        assert_eq!(*file, FILE);
        if offset + u64::from(bytes) > self.missing_from {
            return None;
        }
        let mut piece = vec![(offset / 1_000) as u8; bytes as usize];
        if let Some((place, mask)) = self.changed
            && let Some(byte) = place.checked_sub(offset).and_then(|i| piece.get_mut(i as usize))
        {
            *byte ^= mask as u8;
        }
        Some(sha256(&piece))
    }
}

fn piece(index: i64) -> Fact {
    let Fact::Segment { first, last, frames, offset, bytes, .. } = segment(index) else {
        unreachable!("segment() makes segments")
    };
    let sha256 = sha256(&vec![index as u8; 1_000]);
    Fact::Segment { first, last, frames, offset, bytes, sha256 }
}

/// A finished session of a primary and one assistant, each witness of the other.
struct Session {
    primary: Vec<u8>,
    assistant: Vec<u8>,
}

struct Device {
    key: Key,
    writer: Writer,
    file: Vec<u8>,
}

impl Device {
    fn new(role: u8, session: u8, peer: Role, peer_key: PublicKey) -> Self {
        let key = Key::new(role + 1);
        let header = Header { session: SessionId([session; 16]), ..header(role, &key) };
        let (writer, file) = Writer::create(header);
        let mut device = Self { key, writer, file };
        device.write(0, &started());
        let session = SessionId([session; 16]);
        device.write(
            1,
            &Fact::Paired { peer, key: Box::new(peer_key), session, transcript: [0; 32] },
        );
        device.write(1, &Fact::PeerBoot { peer, device: 1, boot: BOOT });
        device.write(2, &Fact::RecordingStarted { take: 1, timescale: 90_000, file: FILE });
        device
    }

    fn write(&mut self, ms: i64, fact: &Fact) {
        self.file.extend(self.writer.append(at(ms), fact).unwrap());
    }

    fn saw(&mut self, ms: i64, peer: Role, head: Head) {
        let covered = Instant::from_nanos(0);
        self.write(ms, &Fact::PeerHead { peer, sequence: head.sequence, head: head.hash, covered });
    }

    fn seal(&mut self, ms: i64) {
        self.file.extend(self.writer.seal(at(ms), &mut self.key).unwrap());
    }
}

fn session(id: u8) -> Session {
    let keys = [Key::new(1).public_key(), Key::new(2).public_key()];
    let mut p = Device::new(0, id, assistant(), keys[1]);
    let mut a = Device::new(1, id, Role::PRIMARY, keys[0]);
    for index in 0..10 {
        let ms = 10 + index * 500;
        p.write(ms, &piece(index));
        a.write(ms, &piece(index));
        let (seen_by_p, seen_by_a) = (a.writer.head(), p.writer.head());
        p.saw(ms + 1, assistant(), seen_by_p);
        a.saw(ms + 1, Role::PRIMARY, seen_by_a);
        if index % 4 == 3 {
            p.seal(ms + 2);
            a.seal(ms + 2);
        }
    }
    for device in [&mut p, &mut a] {
        device.write(6_000, &Fact::Finish { reason: 0 });
        device.seal(6_001);
    }
    Session { primary: p.file, assistant: a.file }
}

fn check(session: &Session) -> Verification {
    verify(&[&session.primary, &session.assistant], Some(&mut Recording::default()))
}

/// The one finding that is tampering, with its journal.
fn first(session: &Session) -> (usize, u64, Offence) {
    let verification = check(session);
    assert_eq!(verification.integrity(), Integrity::Tampered, "{:?}", verification.findings);
    let finding = verification.first().unwrap();
    (finding.journal, finding.offset, finding.offence)
}

/// Where each record of `file` begins, and where the last one ends.
fn bounds(file: &[u8]) -> Vec<usize> {
    let replayed = replay(file).unwrap();
    let offsets = replayed.entries().iter().map(|entry| entry.offset as usize);
    offsets.chain([file.len()]).collect()
}

#[test]
fn an_honest_session_is_intact() {
    // [JOURNAL-20]
    let verification = check(&session(5));
    assert_eq!(verification.findings, []);
    assert_eq!(verification.integrity(), Integrity::Intact);
    assert_eq!((verification.seals, verification.pieces), (6, 20));
}

#[test]
fn a_deleted_record_is_named() {
    // [JOURNAL-5] [JOURNAL-20]
    let mut session = session(5);
    let bounds = bounds(&session.assistant);
    session.assistant.drain(bounds[6]..bounds[7]);
    let damage = Damage::Order { expected: 7, got: 8 };
    assert_eq!(first(&session), (1, bounds[6] as u64, Offence::Damaged(damage)));
}

#[test]
fn swapped_records_are_named() {
    // [JOURNAL-5] [JOURNAL-20]
    let mut session = session(5);
    let bounds = bounds(&session.assistant);
    let (a, b, c) = (bounds[6], bounds[7], bounds[8]);
    session.assistant[a..c].rotate_left(b - a);
    let damage = Damage::Order { expected: 7, got: 8 };
    assert_eq!(first(&session), (1, a as u64, Offence::Damaged(damage)));
}

#[test]
fn an_inserted_record_is_named() {
    // [JOURNAL-5] [JOURNAL-20]
    let mut session = session(5);
    let bounds = bounds(&session.primary);
    let copy = session.primary[bounds[4]..bounds[5]].to_vec();
    session.primary.splice(bounds[8]..bounds[8], copy);
    let damage = Damage::Order { expected: 9, got: 5 };
    assert_eq!(first(&session), (0, bounds[8] as u64, Offence::Damaged(damage)));
}

#[test]
fn a_truncated_tail_is_named_by_the_witness() {
    // [JOURNAL-20]
    let mut session = session(5);
    let bounds = bounds(&session.assistant);
    session.assistant.truncate(bounds[10]);
    let verification = check(&session);
    assert_eq!(verification.integrity(), Integrity::Incomplete);
    let offence = Offence::TailMissing { witness: Role::PRIMARY, ends: 10, seen: 25 };
    let named = verification.findings.iter().find(|finding| finding.offence == offence);
    let named = named.unwrap_or_else(|| panic!("{:?}", verification.findings));
    assert_eq!((named.journal, named.offset), (1, bounds[10] as u64));
    assert_eq!(
        named.to_string(),
        "journal of A1: it ends with record 10, but P saw record 25: its tail is missing"
    );
}

#[test]
fn a_tail_that_its_owner_replaced_is_named() {
    // [JOURNAL-20]
    let mut session = session(5);
    let cut = bounds(&session.assistant)[10];
    session.assistant.truncate(cut);
    let replayed = replay(&session.assistant).unwrap();
    let mut writer = Writer::resume(&replayed);
    session.assistant.extend(writer.append(at(9_000), &started()).unwrap());
    session.assistant.extend(writer.append(at(9_000), &Fact::Finish { reason: 0 }).unwrap());
    session.assistant.extend(writer.seal(at(9_000), &mut Key::new(2)).unwrap());
    let (journal, _, offence) = first(&session);
    // The record that the primary saw as the twelfth was another one.
    let expected = Offence::OtherHead { witness: Role::PRIMARY, sequence: 12 };
    assert!(matches!(offence, Offence::OtherHead { .. }), "{offence:?} {expected:?}");
    assert_eq!(journal, 1);
}

/// The journal as its owner would write it, but sealed by somebody else from the
/// first seal on; and where that one begins.
#[expect(clippy::wildcard_enum_match_arm, reason = "every fact but the seals is kept")]
fn sealed_by_a_thief(journal: &[u8]) -> (Vec<u8>, usize) {
    let replayed = replay(journal).unwrap();
    let mut forged = journal[..Header::BYTES].to_vec();
    let mut head = Head { sequence: 0, hash: record::first_hash(&forged[..96]) };
    let mut offset = 0;
    let mut thief = Key::new(99);
    for entry in replayed.entries() {
        let fact = match &entry.fact {
            Fact::Seal { .. } => {
                offset = if offset == 0 { forged.len() } else { offset };
                let signature = thief.sign(&seal::message(&head)).unwrap();
                Fact::Seal { head: head.hash, signature: Box::new(signature) }
            }
            _ => entry.fact.clone(),
        };
        let (bytes, next) = record::encode(&head, entry.at, &fact);
        forged.extend(bytes);
        head = next;
    }
    (forged, offset)
}

#[test]
fn a_forged_signature_is_named() {
    // [JOURNAL-12] [JOURNAL-20]
    let session = session(5);
    let (assistant, offset) = sealed_by_a_thief(&session.assistant);
    let session = Session { assistant, ..session };
    let sequence = 12;
    assert_eq!(first(&session), (1, offset as u64, Offence::ForgedSeal { sequence }));
}

#[test]
fn a_forged_beginning_before_a_hole_is_no_evidence_for_a_judge() {
    // [JOURNAL-21]: the last seal is genuine and signs nothing before the hole.
    let session = session(5);
    let (forged, _) = sealed_by_a_thief(&session.assistant);
    let (all, first_seal) = (bounds(&session.assistant), 13);
    let mut mixed = forged[..all[first_seal]].to_vec();
    mixed.extend_from_slice(&[0xEE; 40]);
    mixed.extend_from_slice(&session.assistant[all[first_seal + 1]..]);
    let read = salvage(&mixed).unwrap();
    assert_eq!((read.holes().len(), read.is_finished()), (1, true), "{:?}", read.holes());
    let last = read.signed_heads().last().unwrap();
    assert!(last.holds(&read.header().key) && !read.closing_seals_hold());
    let found = cross_check(&[salvage(&session.primary).unwrap(), read]);
    let forged = |finding: &Finding| matches!(finding.offence, Offence::ForgedSeal { .. });
    assert!(found.iter().any(forged), "{found:?}");
}

#[test]
fn a_history_rewritten_with_the_true_key_is_named_by_the_witness() {
    // [JOURNAL-20]
    let mut session = session(5);
    let mut other = Device::new(1, 5, Role::PRIMARY, Key::new(1).public_key());
    for index in 0..24 {
        other.write(10 + index * 500, &piece(index % 10));
    }
    other.write(60_000, &Fact::Finish { reason: 0 });
    other.seal(60_001);
    session.assistant = other.file;
    let (journal, _, offence) = first(&session);
    let rewritten = Offence::OtherHead { witness: Role::PRIMARY, sequence: 7 };
    assert_eq!((journal, offence), (1, rewritten));

    // [JOURNAL-22]: both claims can be checked by whoever has the keys.
    let Proof { here, seen } = check(&session).first().unwrap().proof.unwrap();
    assert_eq!((here.head.sequence, here.by, seen.by), (7, assistant(), Role::PRIMARY));
    assert_eq!(seen.head.sequence, 7);
    assert_ne!(here.head.hash, seen.head.hash);
    for (claim, file, key) in [(here, &session.assistant, 2), (seen, &session.primary, 1)] {
        let replayed = replay(file).unwrap();
        let (record, signed) = claim.seal.unwrap();
        assert!(claim.record < record);
        let before = replayed.entries().iter().find(|entry| entry.sequence + 1 == record).unwrap();
        let head = Head { sequence: before.sequence, hash: before.hash };
        assert_eq!(signed.head, head);
        assert!(signed.holds(&claim.key) && claim.key == Key::new(key).public_key());
        assert_eq!(claim.own, None);
    }
}

#[test]
fn seals_of_both_histories_are_told_if_the_device_made_them() {
    // [JOURNAL-23]
    let signed = |sequence: u64, key: u8| {
        let head = Head { sequence, hash: [u8::try_from(sequence).unwrap(); 32] };
        let signature = Key::new(key).sign(&seal::message(&head)).unwrap();
        SignedHead { head, signature }
    };
    let (ours, theirs) = (Head { sequence: 9, hash: [1; 32] }, Head { sequence: 9, hash: [2; 32] });
    for (second, genuine) in [(2, true), (1, false)] {
        let (our_seal, their_seal) = (Some(signed(7, 2)), Some(signed(12, second)));
        let fork = Fork { ours, theirs, our_seal, their_seal };
        let mut witness = Device::new(0, 5, assistant(), Key::new(2).public_key());
        for (ms, fact) in (100..).zip(fork.facts(assistant())) {
            witness.write(ms, &fact);
        }
        witness.seal(200);
        let found = verify(&[&witness.file], None);
        let proofs: Vec<Proof> = found.findings.iter().filter_map(|found| found.proof).collect();
        let [Proof { here, seen }] = proofs[..] else { panic!("{found:?}") };
        assert_eq!((here.head, seen.head), (ours, theirs));
        let key = Key::new(2).public_key();
        assert_eq!(here.own, our_seal.map(|seal| (key, seal)));
        assert_eq!(seen.own, their_seal.filter(|_| genuine).map(|seal| (key, seal)));
    }
}

#[test]
fn a_journal_of_yesterday_is_named() {
    // [JOURNAL-1] [JOURNAL-20]
    let session = Session { assistant: session(4).assistant, ..session(5) };
    let (expected, got) = (SessionId([5; 16]), SessionId([4; 16]));
    assert_eq!(first(&session), (1, 16, Offence::OtherSession { expected, got }));
}

#[test]
fn a_journal_of_another_device_is_named() {
    // [JOURNAL-20]
    let session = session(5);
    let mut stranger = Key::new(77);
    let (mut writer, mut file) =
        Writer::create(Header { session: SessionId([5; 16]), ..header(1, &stranger) });
    file.extend(writer.append(at(0), &started()).unwrap());
    file.extend(writer.append(at(1), &Fact::Finish { reason: 0 }).unwrap());
    file.extend(writer.seal(at(2), &mut stranger).unwrap());
    let session = Session { assistant: file, ..session };
    let verification = check(&session);
    let named = Offence::WrongKey { witness: Role::PRIMARY };
    assert!(verification.findings.iter().any(|finding| finding.offence == named));
}

#[test]
fn a_changed_byte_of_a_recording_is_named() {
    // [JOURNAL-20]
    let session = session(5);
    let journals = [session.primary.as_slice(), session.assistant.as_slice()];
    let mut media = Recording { changed: Some((3_456, 1)), ..Recording::default() };
    let changed = verify(&journals, Some(&mut media));
    let first = changed.first().unwrap();
    let expected = replay(&session.primary).unwrap();
    let entry = &expected.entries()[10];
    let offence = Offence::MediaChanged { sequence: entry.sequence, at: 3_000, bytes: 1_000 };
    assert_eq!((first.journal, first.offset, first.offence), (0, entry.offset, offence));
    assert_eq!(changed.integrity(), Integrity::Tampered);
    let mut cut = Recording { missing_from: 8_500, ..Recording::default() };
    assert_eq!(verify(&journals, Some(&mut cut)).integrity(), Integrity::Incomplete);
    assert_eq!(verify(&journals, None).integrity(), Integrity::Intact);
}

#[test]
fn what_is_missing_is_said_and_is_no_offence() {
    // [JOURNAL-20]
    let session = session(5);
    let alone = verify(&[&session.primary], None);
    let absent = Offence::Absent { witness: Role::PRIMARY, absent: assistant() };
    assert_eq!(alone.first().unwrap().offence, absent);
    assert_eq!(alone.integrity(), Integrity::Incomplete);
    let empty = verify(&[&session.primary, &session.assistant, b"DIPTYCHJ"], None);
    assert_eq!(empty.integrity(), Integrity::Incomplete);
    let foreign = verify(&[b"not a journal"], None);
    assert_eq!(foreign.integrity(), Integrity::Tampered);
    let twice = verify(&[&session.primary, &session.assistant, &session.assistant], None);
    assert_eq!(twice.first().unwrap().offence, Offence::Twice);
}
