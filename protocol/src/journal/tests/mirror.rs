//! A copy takes what continues it, and keeps what contradicts it.

use super::*;

fn body(file: &[u8]) -> &[u8] {
    &file[Header::BYTES..]
}

#[test]
fn a_mirror_ends_with_the_same_bytes() {
    // [JOURNAL-17] [JOURNAL-18]
    let (file, writer, key) = sample(9);
    let (mut mirror, mut copy) = Mirror::create(header(0, &key));
    mirror.claim(writer.head()).unwrap();
    assert!(mirror.is_behind());
    let half = replay(&file).unwrap().entries()[5].offset as usize;
    copy.extend(mirror.accept(1, &file[Header::BYTES..half]).unwrap().bytes);
    assert_eq!(mirror.wanted(), 6);
    let gap = MirrorError::Gap { expected: 6, got: 7 };
    assert_eq!(mirror.accept(7, &file[half..]), Err(gap));
    // The peer repeats itself after a reconnect: known records are stepped over.
    copy.extend(mirror.accept(1, body(&file)).unwrap().bytes);
    assert_eq!(copy, file);
    assert!(!mirror.is_behind());
    assert_eq!(mirror.accept(1, body(&file)).unwrap(), Accepted::default());
    let mirror = Mirror::resume(&replay(&copy).unwrap());
    assert_eq!(mirror.head(), writer.head());
}

#[test]
fn a_peer_with_two_histories_is_convicted_by_its_own_seals() {
    // [JOURNAL-18]
    let (file, _, mut key) = sample(4);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    mirror.accept(1, body(&file)).unwrap();
    // Another history, from the second record on.
    let (mut writer, _) = Writer::create(header(0, &key));
    let mut other = writer.append(at(1), &started()).unwrap();
    for index in 10..16 {
        other.extend(writer.append(at(600), &segment(index)).unwrap());
    }
    other.extend(writer.seal(at(700), &mut key).unwrap());
    let Err(MirrorError::Fork(fork)) = mirror.accept(1, &other) else { panic!("a fork") };
    assert_eq!(fork.ours, mirror.head());
    let public = key.public_key();
    let seals = [fork.our_seal.unwrap(), fork.their_seal.unwrap()];
    assert!(seals.iter().all(|seal| seal.holds(&public)));
    assert_ne!(seals[0].head, seals[1].head);
}

#[test]
fn a_peer_that_goes_on_from_another_past_shows_a_fork_and_no_damage() {
    // [JOURNAL-18] [SESSION-17]
    let (file, _, mut key) = sample(4);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    mirror.accept(1, body(&file)).unwrap();
    let known = mirror.head();
    // As many records as are known here, and more, of which only those are shown.
    let (mut writer, _) = Writer::create(header(0, &key));
    writer.append(at(1), &started()).unwrap();
    let mut index = 10;
    while writer.head().sequence < known.sequence {
        writer.append(at(600), &segment(index)).unwrap();
        index += 1;
    }
    let mut more = writer.append(at(601), &segment(index)).unwrap();
    let shown = writer.head();
    more.extend(writer.seal(at(700), &mut key).unwrap());
    let Err(MirrorError::Fork(fork)) = mirror.accept(shown.sequence, &more) else {
        panic!("a fork")
    };
    assert_eq!((fork.ours.sequence, fork.theirs.sequence), (shown.sequence, shown.sequence));
    assert_ne!(fork.ours.hash, fork.theirs.hash);
    assert_eq!(fork.theirs.hash[..8], shown.hash[..8]);
    assert_eq!(mirror.head(), known, "nothing of it was taken");
    let public = key.public_key();
    let seals = [fork.our_seal.unwrap(), fork.their_seal.unwrap()];
    assert!(seals.iter().all(|seal| seal.holds(&public)));
    assert_eq!(seals[1].head, shown);
}

#[test]
fn claims_and_records_must_agree() {
    // [JOURNAL-18]
    let (file, writer, key) = sample(3);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    let lie = Head { sequence: 2, hash: [9; 32] };
    mirror.claim(lie).unwrap();
    let fork = mirror.claim(Head { sequence: 2, hash: [8; 32] }).unwrap_err();
    assert_eq!(fork.ours, lie);
    let Err(MirrorError::Fork(fork)) = mirror.accept(1, body(&file)) else { panic!("a fork") };
    assert_eq!(fork.ours, lie);
    assert_eq!(mirror.head().sequence, 0, "nothing of the chunk was taken");
    let (mut honest, _) = Mirror::create(header(0, &key));
    honest.accept(1, body(&file)).unwrap();
    honest.claim(writer.head()).unwrap();
    assert!(honest.claim(lie).is_err());
}

#[test]
fn a_peer_that_lost_its_past_is_noticed_when_it_returns() {
    // [JOURNAL-19]
    let (file, writer, key) = sample(3);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    mirror.accept(1, body(&file)).unwrap();
    mirror.returned(writer.head()).unwrap();
    let earlier = Head { sequence: 2, hash: [0; 32] };
    assert_eq!(mirror.returned(earlier).unwrap_err().theirs, earlier);
}

#[test]
fn damaged_and_forged_chunks_are_refused_whole() {
    // [JOURNAL-18] [JOURNAL-25]
    let (file, _, key) = sample(4);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    let second = replay(&file).unwrap().entries()[1].offset as usize - Header::BYTES;
    let mut wrong = body(&file).to_vec();
    wrong[second + 4] ^= 8;
    assert!(matches!(mirror.accept(1, &wrong), Err(MirrorError::Damaged(Damage::Order { .. }))));
    let mut other = Key::new(8);
    let (mut writer, _) = Writer::create(header(0, &other));
    writer.append(at(1), &started()).unwrap();
    let bytes = writer.seal(at(2), &mut other).unwrap();
    assert!(matches!(mirror.accept(2, &bytes), Err(MirrorError::Gap { .. })));
    assert!(matches!(mirror.accept(1, &body(&file)[..40]), Err(MirrorError::Damaged(_))));
    assert_eq!(mirror.head().sequence, 0);
}

#[test]
fn a_chain_that_breaks_anywhere_is_another_history() {
    // [JOURNAL-24]
    let (file, writer, key) = sample(4);
    let replayed = replay(&file).unwrap();
    for entry in replayed.entries() {
        let (mut mirror, _) = Mirror::create(header(0, &key));
        let mut broken = body(&file).to_vec();
        // A byte of its time: all of it is well formed still.
        broken[entry.offset as usize - Header::BYTES + 13] ^= 1;
        let Err(MirrorError::Fork(fork)) = mirror.accept(1, &broken) else { panic!("a fork") };
        assert_eq!(fork.theirs.sequence, entry.sequence);
        assert_eq!(fork.theirs.hash[..8], entry.hash[..8], "its check, as it came");
        assert_eq!(fork.theirs.hash[8..], [0; 24]);
        assert_ne!(fork.ours.hash[..8], entry.hash[..8]);
        assert_eq!(mirror.head().sequence, 0, "nothing of it was taken");
        mirror.accept(1, body(&file)).unwrap();
        assert_eq!(mirror.head(), writer.head());
    }
}

#[test]
fn a_seal_of_another_history_and_a_forged_one_are_told_apart() {
    // [JOURNAL-24] [JOURNAL-12]
    let key = Key::new(7);
    let mut other = Key::new(8);
    let chunk = |named: Option<[u8; 32]>, signer: &mut Key| {
        let (mut writer, _) = Writer::create(header(0, &key));
        let mut bytes = writer.append(at(1), &started()).unwrap();
        let before = writer.head();
        let named = Head { sequence: 1, hash: named.unwrap_or(before.hash) };
        let signature = Box::new(signer.sign(&seal::message(&named)).unwrap());
        let seal = Fact::Seal { head: named.hash, signature };
        let (record, _) = record::encode(&before, at(2).relabelled(), &seal);
        bytes.extend(record);
        (bytes, before)
    };
    let accept = |bytes: &[u8]| Mirror::create(header(0, &key)).0.accept(1, bytes).unwrap_err();
    let (bytes, _) = chunk(None, &mut other);
    assert_eq!(accept(&bytes), MirrorError::ForgedSeal { sequence: 2 });
    for (signer, genuine) in [(&mut Key::new(7), true), (&mut other, false)] {
        let (bytes, before) = chunk(Some([9; 32]), signer);
        let MirrorError::Fork(fork) = accept(&bytes) else { panic!("a fork") };
        assert_eq!((fork.ours, fork.theirs.hash), (before, [9; 32]));
        assert_eq!(fork.their_seal.map(|seal| seal.head), genuine.then_some(fork.theirs));
    }
}
