//! A journal says what was written, or says where it was damaged.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "files and indices of tests are small"
)]

use super::*;
pub(super) use crate::identity::tests::Key;
use crate::identity::{BootId, Fingerprint, Label, Role, SessionId, Signature, Signer};
use crate::time::{Instant, Primary, Span};
use proptest::prelude::*;

pub(super) const BOOT: BootId = BootId([0xB0; 16]);

pub(super) fn header(role: u8, key: &Key) -> Header {
    Header {
        session: SessionId([0x5E; 16]),
        role: Role::new(role).unwrap(),
        device: 1,
        key: key.public_key(),
    }
}

pub(super) fn at(ms: i64) -> Instant<Primary> {
    Instant::from_nanos(ms * 1_000_000)
}

pub(super) fn started() -> Fact {
    Fact::ProcessStarted { boot: BOOT, wall_ms: 1_767_225_600_000, cause: 0, raw: 0 }
}

pub(super) fn segment(index: i64) -> Fact {
    Fact::Segment {
        first: Instant::from_nanos(index * 500_000_000),
        last: Instant::from_nanos((index + 1) * 500_000_000),
        frames: 15,
        offset: index as u64 * 1_000,
        bytes: 1_000,
        sha256: [index as u8; 32],
    }
}

/// Start, then `segments` facts with a seal after every fourth.
pub(super) fn sample(segments: i64) -> (Vec<u8>, Writer, Key) {
    let mut key = Key::new(7);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(1), &started()).unwrap());
    for index in 0..segments {
        file.extend(writer.append(at(2 + index * 500), &segment(index)).unwrap());
        if index % 4 == 3 {
            file.extend(writer.seal(at(2 + index * 500), &mut key).unwrap());
        }
    }
    (file, writer, key)
}

#[test]
fn what_was_written_is_what_is_read() {
    // [JOURNAL-1] [JOURNAL-2] [JOURNAL-3] [JOURNAL-4]
    let (file, writer, key) = sample(9);
    let replayed = replay(&file).unwrap();
    assert_eq!(replayed.head(), writer.head());
    assert_eq!(replayed.length(), file.len() as u64);
    assert_eq!(replayed.torn(), 0);
    assert_eq!(*replayed.header(), header(0, &key));
    assert_eq!(replayed.entries().len(), 1 + 9 + 2);
    assert_eq!(replayed.entries()[1].fact, segment(0));
    assert!(replayed.closing_seals_hold() && replayed.forged_seal().is_none());
}

#[test]
fn a_cut_at_any_byte_is_an_end() {
    // [JOURNAL-5]
    let (file, _, _) = sample(9);
    let whole = replay(&file).unwrap();
    for cut in 0..file.len() {
        let prefix = &file[..cut];
        if cut < Header::BYTES {
            let error = HeaderError::Cut { got: cut };
            assert_eq!(replay(prefix), Err(JournalError::Header(error)), "cut at {cut}");
            continue;
        }
        let replayed = replay(prefix).unwrap();
        assert_eq!(replayed.length() + replayed.torn(), cut as u64, "cut at {cut}");
        let read = replayed.entries();
        assert_eq!(read, &whole.entries()[..read.len()], "cut at {cut}");
        let next = whole.entries()[read.len()].offset;
        assert!(replayed.length() == next && next <= cut as u64, "cut at {cut}");
    }
}

#[test]
fn every_flipped_byte_is_found_where_it_is() {
    // [JOURNAL-5]
    let (file, _, _) = sample(9);
    let sealed =
        replay(&file).unwrap().entries().iter().rev().find_map(|entry| {
            matches!(entry.fact, Fact::Seal { .. }).then_some(entry.offset as usize)
        });
    let last_seal = sealed.unwrap();
    for index in 0..file.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut flipped = file.clone();
            flipped[index] ^= mask;
            match replay(&flipped) {
                Err(JournalError::Header(_)) => assert!(index < Header::BYTES),
                Err(JournalError::Damaged { offset, .. }) => {
                    assert!(offset <= index as u64 && index < last_seal, "{index}");
                    assert!(index as u64 - offset < 200, "found in the same record");
                }
                Ok(read) => {
                    assert!(index >= last_seal, "{index} lies before a seal");
                    assert!(read.torn() > 0 && read.length() <= index as u64, "{index}");
                }
                Err(JournalError::TooLong { .. }) => unreachable!("the length did not change"),
            }
        }
    }
}

#[test]
fn a_damaged_stretch_costs_itself_and_no_more() {
    // [JOURNAL-5]
    let (file, writer, _) = sample(24);
    let whole = replay(&file).unwrap();
    let victim = &whole.entries()[9];
    let mut damaged = file.clone();
    damaged[victim.offset as usize + 25] ^= 1;
    let left = salvage(&damaged).unwrap();
    let [hole] = left.holes() else { panic!("one hole, got {:?}", left.holes()) };
    assert_eq!(hole.offset, victim.offset);
    assert_eq!(hole.damage, Damage::Chain { sequence: victim.sequence });
    assert_eq!(left.head(), writer.head());
    let lost: Vec<_> = whole
        .entries()
        .iter()
        .filter(|entry| !left.entries().contains(entry))
        .map(|entry| entry.sequence)
        .collect();
    let between: Vec<_> = (hole.after + 1..hole.resumes.unwrap()).collect();
    assert_eq!(lost, between);
    assert!(lost.len() <= 5, "from one seal to the next: {lost:?}");
}

#[test]
fn a_journal_goes_on_after_a_torn_tail() {
    // [JOURNAL-5] [JOURNAL-10] [JOURNAL-15]
    let (mut file, mut writer, mut key) = sample(6);
    writer.poison();
    assert_eq!(writer.append(at(1), &segment(9)), Err(WriteError::Poisoned));
    assert_eq!(writer.seal(at(1), &mut key), Err(WriteError::Poisoned));
    file.truncate(file.len() - 3);
    let replayed = replay(&file).unwrap();
    file.truncate(replayed.length() as usize);
    let mut writer = Writer::resume(&replayed);
    assert_eq!(writer.append(at(9_000), &segment(9)), Err(WriteError::NotStarted));
    file.extend(writer.append(at(9_000), &started()).unwrap());
    file.extend(writer.append(at(9_001), &segment(9)).unwrap());
    file.extend(writer.seal(at(9_002), &mut key).unwrap());
    let again = replay(&file).unwrap();
    assert_eq!(again.head(), writer.head());
    assert!(again.closing_seals_hold());
}

#[test]
fn time_never_runs_back_within_a_boot() {
    // [JOURNAL-6]
    let key = Key::new(7);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(100), &started()).unwrap());
    file.extend(writer.append(at(90), &segment(0)).unwrap());
    let rebooted = Fact::ProcessStarted { boot: BootId([2; 16]), wall_ms: 0, cause: 0, raw: 0 };
    file.extend(writer.append(at(5), &rebooted).unwrap());
    let times: Vec<_> = replay(&file).unwrap().entries().iter().map(|e| e.at.nanos()).collect();
    assert_eq!(times, [100_000_000, 100_000_000, 5_000_000]);
}

#[test]
fn a_seal_is_due_five_seconds_after_the_first_unsealed_fact() {
    // [JOURNAL-7] [JOURNAL-8] [JOURNAL-12]
    let mut key = Key::new(7);
    let (mut writer, _) = Writer::create(header(0, &key));
    assert_eq!(writer.seal_deadline::<Primary>(), None);
    writer.append(at(1_000), &started()).unwrap();
    writer.append(at(3_000), &segment(0)).unwrap();
    assert_eq!(writer.seal_deadline(), Some(at(6_000)));
    assert!(!writer.seal_due(at(5_999)) && writer.seal_due(at(6_000)));
    assert_eq!(writer.seal(at(6_000), &mut Key::new(8)), Err(WriteError::WrongKey));
    writer.seal(at(6_000), &mut key).unwrap();
    assert_eq!(writer.seal_deadline::<Primary>(), None);
}

#[test]
fn what_a_killed_process_did_not_seal_is_sealed_by_the_next() {
    // [JOURNAL-7] [SESSION-30]
    let mut key = Key::new(1);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(0), &started()).unwrap());
    file.extend(writer.append(at(10), &Fact::Finish { reason: 0 }).unwrap());
    let mut next = Writer::resume(&replay(&file).unwrap());
    assert!(next.seal_deadline::<Primary>().is_some());
    file.extend(next.seal(at(0), &mut key).unwrap());
    let sealed = replay(&file).unwrap();
    assert!(sealed.is_finished() && sealed.closing_seals_hold());
    assert_eq!(Writer::resume(&sealed).seal_deadline::<Primary>(), None);
}

#[test]
fn facts_that_may_not_stand_there_are_refused() {
    // [JOURNAL-9] [JOURNAL-10] [JOURNAL-11] [JOURNAL-16]
    let mut key = Key::new(7);
    let (mut writer, _) = Writer::create(header(0, &key));
    let peer = Role::new(1).unwrap();
    assert_eq!(writer.append(at(0), &segment(0)), Err(WriteError::NotStarted));
    writer.append(at(0), &started()).unwrap();
    let head = Fact::PeerHead { peer, sequence: 1, head: [0; 32], covered: Instant::from_nanos(0) };
    assert_eq!(writer.append(at(1), &head), Err(WriteError::Breach(Breach::UnknownBoot)));
    writer.append(at(1), &Fact::PeerBoot { peer, device: 1, boot: BOOT }).unwrap();
    writer.append(at(1), &head).unwrap();
    for got in [0, 65] {
        let heard = vec![heard(0); got];
        let fact = Fact::ClockHeard { peer, heard };
        assert_eq!(writer.append(at(1), &fact), Err(WriteError::Heard { got }));
    }
    let seal = Fact::Seal { head: [0; 32], signature: Signature([0; 64]) };
    assert_eq!(writer.append(at(1), &seal), Err(WriteError::SealAsFact));
    writer.append(at(2), &Fact::Finish { reason: 0 }).unwrap();
    assert_eq!(writer.append(at(3), &segment(0)), Err(WriteError::Breach(Breach::Finished)));
    writer.seal(at(3), &mut key).unwrap();
}

fn heard(sequence: u32) -> Heard {
    Heard { sequence, sent: Instant::from_nanos(-3), received: Instant::from_nanos(4) }
}

#[test]
fn a_file_that_no_journal_can_be_is_not_read() {
    // [JOURNAL-14]
    let got = crate::limits::JOURNAL_BYTES + 1;
    let mut file = sample(3).0;
    file.resize(got as usize, 0);
    assert_eq!(replay(&file), Err(JournalError::TooLong { got }));
}

// ── the mirror ───────────────────────────────────────────────────────────────

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
    // [JOURNAL-18]
    let (file, _, key) = sample(4);
    let (mut mirror, _) = Mirror::create(header(0, &key));
    let mut forged = body(&file).to_vec();
    let seal = forged.len() - 100;
    forged[seal] ^= 1;
    assert!(matches!(mirror.accept(1, &forged), Err(MirrorError::Damaged(_))));
    let mut other = Key::new(8);
    let (mut writer, _) = Writer::create(header(0, &other));
    writer.append(at(1), &started()).unwrap();
    let bytes = writer.seal(at(2), &mut other).unwrap();
    assert!(matches!(mirror.accept(2, &bytes), Err(MirrorError::Gap { .. })));
    assert!(matches!(mirror.accept(1, &body(&file)[..40]), Err(MirrorError::Damaged(_))));
    assert_eq!(mirror.head().sequence, 0);
}

// ── any fact, any bytes ──────────────────────────────────────────────────────

fn any_role() -> impl Strategy<Value = Role> {
    (0..=8_u8).prop_map(|n| Role::new(n).unwrap())
}

fn any_label() -> impl Strategy<Value = Label> {
    "[a-z_]{1,32}".prop_map(|text| Label::new(&text).unwrap())
}

fn any_blob() -> impl Strategy<Value = Blob> {
    prop::collection::vec(any::<u8>(), 0..1024).prop_map(|bytes| Blob::new(&bytes).unwrap())
}

fn own() -> impl Strategy<Value = Instant<Own>> {
    any::<i64>().prop_map(Instant::from_nanos)
}

fn theirs() -> impl Strategy<Value = Instant<Theirs>> {
    any::<i64>().prop_map(Instant::from_nanos)
}

fn session_time() -> impl Strategy<Value = Instant<Primary>> {
    any::<i64>().prop_map(Instant::from_nanos)
}

fn hash() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn code() -> impl Strategy<Value = (u8, u8, i32)> {
    any::<(u8, u8, i32)>()
}

fn any_heard() -> impl Strategy<Value = Heard> {
    (any::<u32>(), theirs(), own()).prop_map(|(sequence, sent, received)| Heard {
        sequence,
        sent,
        received,
    })
}

fn process_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any::<[u8; 16]>(), any::<i64>(), code()).prop_map(|(boot, wall_ms, (_, cause, raw))| {
            Fact::ProcessStarted { boot: BootId(boot), wall_ms, cause, raw }
        }),
        (any_role(), 1..20_u8, any::<[u8; 16]>(), hash()).prop_map(|(peer, k, id, transcript)| {
            let (key, session) = (Key::new(k).public_key(), SessionId(id));
            Fact::Paired { peer, key, session, transcript }
        }),
        (any_role(), any::<u8>(), hash(), hash()).prop_map(|(role, device, before, now)| {
            let (before, now) = (Fingerprint(before), Fingerprint(now));
            Fact::DeviceReplaced { role, device, before, now }
        }),
        (any::<u8>(), session_time(), session_time(), any_blob(), any_blob()).prop_map(
            |(assistants, wait_open, wait_close, plan, policy)| Fact::Plan {
                assistants,
                wait_open,
                wait_close,
                answer_start: wait_close,
                answer_end: wait_open,
                plan,
                policy,
            }
        ),
        any::<u8>().prop_map(|phase| Fact::Phase { phase }),
        (code(), any::<(u8, u16, u64)>()).prop_map(|((a, b, _), (heat, permissions, free))| {
            Fact::Device {
                battery_percent: a,
                charging: b,
                power_save: a,
                heat,
                permissions,
                free_bytes: free,
            }
        }),
        any::<u8>().prop_map(|reason| Fact::Finish { reason }),
    ]
}

fn media_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any::<u32>(), any::<u32>(), hash())
            .prop_map(|(take, timescale, file)| Fact::RecordingStarted { take, timescale, file }),
        (own(), own(), any::<(u32, u64, u32)>(), hash()).prop_map(
            |(first, last, (frames, offset, bytes), sha256)| Fact::Segment {
                first,
                last,
                frames,
                offset,
                bytes,
                sha256
            }
        ),
        (any::<i64>(), own(), any::<i64>()).prop_map(|(pts, at, within)| Fact::MediaAnchor {
            pts,
            at,
            within: Span::from_nanos(within)
        }),
        code().prop_map(|(_, cause, raw)| Fact::RecordingStopped { cause, raw }),
        code().prop_map(|(_, cause, raw)| Fact::ScreenLeft { cause, raw }),
        Just(Fact::ScreenBack {}),
        code().prop_map(|(state, cause, raw)| Fact::CameraEvent { state, cause, raw }),
        code().prop_map(|(state, cause, raw)| Fact::AudioEvent { state, cause, raw }),
        (any::<u32>(), any::<u8>()).prop_map(|(take, mark)| Fact::Take { take, mark }),
        any_label().prop_map(|label| Fact::Mark { label }),
    ]
}

fn link_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any_role(), any::<(u8, u32)>()).prop_map(|(peer, (state, path))| Fact::Link {
            peer,
            state,
            path
        }),
        (any_role(), any::<u8>(), any::<[u8; 16]>())
            .prop_map(|(peer, device, boot)| Fact::PeerBoot { peer, device, boot: BootId(boot) }),
        (any_role(), prop::collection::vec(any_heard(), 1..=64))
            .prop_map(|(peer, heard)| Fact::ClockHeard { peer, heard }),
        (any_role(), any::<u64>(), hash(), theirs()).prop_map(|(peer, sequence, head, covered)| {
            Fact::PeerHead { peer, sequence, head, covered }
        }),
        (any_role(), any::<u64>(), hash(), hash()).prop_map(|(peer, sequence, ours, theirs)| {
            Fact::ForkSeen { peer, sequence, ours, theirs }
        }),
        (any_role(), any::<u8>(), any::<u64>(), hash(), any::<[u8; 64]>()).prop_map(
            |(peer, history, sequence, head, signature)| {
                let signature = Signature(signature);
                Fact::PeerSeal { peer, history, sequence, head, signature }
            }
        ),
        (any_role(), any::<u64>()).prop_map(|(role, epoch)| Fact::CloneSuspected { role, epoch }),
        Just(Fact::NetworkChanged {}),
    ]
}

fn other_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any_label(), any::<u8>()).prop_map(|(name, result)| Fact::Gate { name, result }),
        any_blob().prop_map(|signed| Fact::Statement { signed }),
        any::<i64>().prop_map(|ns| Fact::ExpectedGap { longest: Span::from_nanos(ns) }),
        any::<i64>().prop_map(|ns| Fact::Slept { span: Span::from_nanos(ns) }),
        any::<i64>().prop_map(|by_ms| Fact::WallStep { by_ms }),
        (any::<u32>(), hash()).prop_map(|(code, key)| Fact::Alarm { code, key: Fingerprint(key) }),
        any::<(u32, u32)>().prop_map(|(code, count)| Fact::UnloggedFailure { code, count }),
        (hash(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(head, r, s)| {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            Fact::Seal { head, signature: Signature(signature) }
        }),
    ]
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![process_facts(), media_facts(), link_facts(), other_facts()]
}

proptest! {
    #[test]
    fn every_fact_has_one_encoding(fact in any_fact()) {
        // [JOURNAL-9] [JOURNAL-13]
        let mut body = Vec::new();
        fact.encode(&mut body);
        prop_assert!(body.len() <= crate::limits::JOURNAL_BODY_BYTES);
        let decoded = Fact::decode(fact.kind(), &body);
        prop_assert_eq!(decoded.as_ref(), Ok(&fact));
        let mut again = Vec::new();
        decoded.unwrap().encode(&mut again);
        prop_assert_eq!(&again, &body);
        for cut in 0..body.len() {
            let shorter = Fact::decode(fact.kind(), &body[..cut]);
            prop_assert!(shorter.is_err(), "cut at {}", cut);
        }
        body.push(0);
        prop_assert!(Fact::decode(fact.kind(), &body).is_err());
    }
}

/// SplitMix64: a small generator whose every run is the same.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn a_hundred_thousand_mutations_never_pass_for_the_original() {
    // [JOURNAL-5]
    // A damaged file with seals costs signatures, so most rounds do without.
    let files = [sample(5).0, sample(3).0];
    let originals = files.clone().map(|file| replay(&file).unwrap());
    let mut numbers = Numbers(1);
    for round in 0..100_000 {
        let which = usize::from(round % 16 != 0);
        let mut mutant = files[which].clone();
        for _ in 0..=numbers.below(3) {
            let place = numbers.below(mutant.len());
            match numbers.below(4) {
                0 => mutant[place] ^= 1 << numbers.below(8),
                1 => drop(mutant.drain(place..(place + numbers.below(64)).min(mutant.len()))),
                2 => mutant.insert(place, numbers.next() as u8),
                _ => {
                    let end = (place + numbers.below(200)).min(mutant.len());
                    let copy = mutant[place..end].to_vec();
                    let to = numbers.below(mutant.len());
                    mutant.splice(to..to, copy);
                }
            }
            if mutant.is_empty() {
                break;
            }
        }
        if let Ok(read) = replay(&mutant) {
            let kept = read.entries();
            assert_eq!(kept, &originals[which].entries()[..kept.len()], "round {round}");
        }
    }
}
