//! Every fact has one form in bytes.

use proptest::prelude::*;

use super::*;
use crate::identity::{Fingerprint, Label, Signature};
use crate::time::Span;

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

fn switch() -> impl Strategy<Value = u8> {
    prop_oneof![0..=1_u8, Just(255)]
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
            Fact::Paired { peer, key: Box::new(key), session, transcript }
        }),
        (any_role(), 1..=255_u8, hash(), hash()).prop_map(|(role, device, before, now)| {
            let (before, now) = (Fingerprint(before), Fingerprint(now));
            Fact::DeviceReplaced { role, device, before, now }
        }),
        (1..=8_u8, session_time(), session_time(), any_blob(), any_blob()).prop_map(
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
        (0..=4_u8).prop_map(|phase| Fact::Phase { phase }),
        (prop_oneof![0..=100_u8, Just(255)], switch(), switch(), 0..=4_u8, any::<(u16, u64)>())
            .prop_map(
                |(battery_percent, charging, power_save, heat, (permissions, free_bytes))| {
                    Fact::Device {
                        battery_percent,
                        charging,
                        power_save,
                        heat,
                        permissions,
                        free_bytes,
                    }
                }
            ),
        (0..=3_u8).prop_map(|reason| Fact::Finish { reason }),
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
        code().prop_map(|(state, cause, raw)| Fact::CameraEvent { state: state % 2, cause, raw }),
        code().prop_map(|(state, cause, raw)| Fact::AudioEvent { state: state % 2, cause, raw }),
        (any::<u32>(), 0..=2_u8).prop_map(|(take, mark)| Fact::Take { take, mark }),
        any_label().prop_map(|label| Fact::Mark { label }),
    ]
}

fn link_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any_role(), (0..=3_u8, any::<u32>())).prop_map(|(peer, (state, path))| Fact::Link {
            peer,
            state,
            path
        }),
        (any_role(), 1..=255_u8, any::<[u8; 16]>())
            .prop_map(|(peer, device, boot)| Fact::PeerBoot { peer, device, boot: BootId(boot) }),
        (any_role(), prop::collection::vec(any_heard(), 1..=64))
            .prop_map(|(peer, heard)| Fact::ClockHeard { peer, heard: heard.as_slice().into() }),
        (any_role(), any::<u64>(), hash(), theirs()).prop_map(|(peer, sequence, head, covered)| {
            Fact::PeerHead { peer, sequence, head, covered }
        }),
        (any_role(), any::<u64>(), hash(), hash()).prop_map(|(peer, sequence, ours, theirs)| {
            Fact::ForkSeen { peer, sequence, ours, theirs: Box::new(theirs) }
        }),
        (any_role(), 0..=1_u8, any::<u64>(), hash(), any::<[u8; 64]>()).prop_map(
            |(peer, history, sequence, head, signature)| {
                let signature = Signature(signature);
                Fact::PeerSeal { peer, history, sequence, head, signature: Box::new(signature) }
            }
        ),
        (any_role(), any::<u64>()).prop_map(|(role, epoch)| Fact::CloneSuspected { role, epoch }),
        Just(Fact::NetworkChanged {}),
    ]
}

fn other_facts() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any_label(), 0..=1_u8).prop_map(|(name, result)| Fact::Gate { name, result }),
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
            Fact::Seal { head, signature: Box::new(Signature(signature)) }
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

#[test]
fn a_closed_code_that_no_field_has_is_neither_read_nor_written() {
    // [JOURNAL-28] [JOURNAL-9]
    let raw = 0;
    let peer = Role::PRIMARY;
    let device = |battery_percent, charging, power_save, heat| {
        let (permissions, free_bytes) = (u16::MAX, 0);
        Fact::Device { battery_percent, charging, power_save, heat, permissions, free_bytes }
    };
    let name = Label::new("face").unwrap();
    let (head, signature) = ([0; 32], Box::new(Signature([0; 64])));
    let seal =
        |history| Fact::PeerSeal { peer, history, sequence: 1, head, signature: signature.clone() };
    let plan = |assistants| {
        let at = Instant::from_nanos(0);
        let (wait_open, wait_close, answer_start, answer_end) = (at, at, at, at);
        let (plan, policy) = (Blob::default(), Blob::default());
        Fact::Plan { assistants, wait_open, wait_close, answer_start, answer_end, plan, policy }
    };
    let boot = BootId([0; 16]);
    let replaced = |device| {
        let (before, now) = (Fingerprint([0; 32]), Fingerprint([1; 32]));
        Fact::DeviceReplaced { role: peer, device, before, now }
    };
    // The last that its field can have, and the first that it cannot.
    let pairs = [
        (Fact::Phase { phase: 4 }, Fact::Phase { phase: 5 }),
        (device(100, 0, 0, 0), device(101, 0, 0, 0)),
        (device(255, 1, 0, 0), device(255, 2, 0, 0)),
        (device(0, 255, 1, 0), device(0, 255, 254, 0)),
        (device(0, 0, 255, 4), device(0, 0, 255, 5)),
        (
            Fact::CameraEvent { state: 1, cause: 250, raw },
            Fact::CameraEvent { state: 2, cause: 1, raw },
        ),
        (
            Fact::AudioEvent { state: 1, cause: 250, raw },
            Fact::AudioEvent { state: 2, cause: 1, raw },
        ),
        (Fact::Link { peer, state: 3, path: 0 }, Fact::Link { peer, state: 4, path: 0 }),
        (Fact::Gate { name, result: 1 }, Fact::Gate { name, result: 2 }),
        (Fact::Take { take: 0, mark: 2 }, Fact::Take { take: 0, mark: 3 }),
        (seal(1), seal(2)),
        (Fact::Finish { reason: 3 }, Fact::Finish { reason: 4 }),
        (Fact::PeerBoot { peer, device: 1, boot }, Fact::PeerBoot { peer, device: 0, boot }),
        (replaced(1), replaced(0)),
        (plan(8), plan(9)),
    ];
    for (good, bad) in pairs {
        let read = |fact: &Fact| {
            let mut body = Vec::new();
            fact.encode(&mut body);
            Fact::decode(fact.kind(), &body)
        };
        assert_eq!(read(&good).as_ref(), Ok(&good));
        let refused = read(&bad).unwrap_err();
        assert!(matches!(refused, BodyError::Value { .. }), "{bad:?}: {refused}");
        let (_, mut writer, _) = sample(1);
        assert_eq!(writer.append(at(900), &bad), Err(WriteError::Value(refused)));
        writer.append(at(900), &good).unwrap();
    }
    // Why something happened is kept, whatever it is.
    let cause = Fact::ProcessStarted { boot, wall_ms: 0, cause: 255, raw };
    let alarm = Fact::Alarm { code: u32::MAX, key: Fingerprint([0; 32]) };
    for open in [cause, alarm, Fact::UnloggedFailure { code: u32::MAX, count: 0 }] {
        sample(1).1.append(at(900), &open).unwrap();
    }
}

#[test]
fn a_seldom_fact_makes_no_other_larger() {
    // The largest that comes often: `Segment`.
    let often = 3 * size_of::<u64>() + 2 * size_of::<u32>() + size_of::<[u8; 32]>();
    assert!(size_of::<Fact>() <= often + size_of::<u64>(), "{}", size_of::<Fact>());
}
