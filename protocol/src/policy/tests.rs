//! Presets, the canonical form and the data form; the rules themselves are
//! tested by the vectors and by `tests/policy`.

use super::*;
use crate::identity::Role;
use crate::ledger::{Cause, Flag, Loss, Medium, Unknown};
use crate::time::{Instant, Primary};

fn seed() -> Terms {
    *Policy::preset("xyb-seed").unwrap().terms()
}

fn at(secs: i64) -> Instant<Primary> {
    Instant::from_nanos(secs * 1_000_000_000)
}

fn loss(role: u8, start: i64, end: i64) -> Loss {
    Loss {
        role: Role::new(role).unwrap(),
        start: at(start),
        end: at(end),
        uncertainty: Span::ZERO,
        cause: Cause::Unknown,
        medium: Medium::Picture,
    }
}

fn hour() -> Case {
    Case::clean(at(0), at(3_600))
}

#[test]
fn impossible_values_are_refused_with_the_range() {
    // [POLICY-1] [POLICY-2]
    let longest = limits::POLICY_SPAN_MAX;
    let beyond = longest + Span::from_nanos(1);
    let below = Span::from_nanos(-1);
    for (field, bad) in [
        ("max_duration", Terms { max_duration: Some(below), ..seed() }),
        ("min_lost", Terms { min_lost: below, ..seed() }),
        ("stable", Terms { stable: beyond, ..seed() }),
        ("onset", Terms { onset: beyond, ..seed() }),
        ("frame_gap", Terms { frame_gap: Span::ZERO, ..seed() }),
        ("frame_gap", Terms { frame_gap: Span::from_secs(61), ..seed() }),
        ("expected_max", Terms { expected_max: below, ..seed() }),
    ] {
        let Err(PolicyError::Span { field: got, .. }) = Policy::new(bad) else {
            panic!("{field} was taken: {bad:?}")
        };
        assert_eq!(got, field);
    }
    let error = Policy::new(Terms { stable: below, ..seed() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stable: expected 0 ns to 604800 s, got -1 ns; correct the policy"
    );
    let most = limits::POLICY_COUNT_MAX;
    assert!(Policy::new(Terms { max_count: Some(most), ..seed() }).is_ok());
    assert_eq!(
        Policy::new(Terms { max_count: Some(most + 1), ..seed() }),
        Err(PolicyError::Count { max: most, got: i64::from(most) + 1 })
    );
}

#[test]
fn presets_are_known_by_name_and_others_are_refused_with_the_list() {
    // [POLICY-20]
    for name in PRESETS {
        assert_eq!(Policy::preset(name).unwrap().terms().name.as_str(), name);
    }
    let error = Policy::preset("xyb").unwrap_err().to_string();
    assert!(PRESETS.iter().all(|name| error.contains(name)), "{error}");
    assert!(Policy::preset("").is_err() && Policy::preset(&"x".repeat(99)).is_err());
}

#[test]
fn the_canonical_form_is_read_back_and_no_other_is_taken() {
    // [POLICY-21] [POLICY-22]
    for name in PRESETS {
        let policy = Policy::preset(name).unwrap();
        let bytes = policy.to_bytes();
        assert_eq!(Policy::from_bytes(&bytes), Ok(policy));
        for length in (0..POLICY_BYTES).chain([POLICY_BYTES + 1]) {
            let mut other = bytes.to_vec();
            other.resize(length, 0);
            assert_eq!(Policy::from_bytes(&other), Err(PolicyError::Bytes { got: length }));
        }
        // Whatever is taken has exactly the bytes it was taken from.
        for offset in 0..POLICY_BYTES {
            for bit in 0..8 {
                let mut flipped = bytes;
                flipped[offset] ^= 1 << bit;
                if let Ok(other) = Policy::from_bytes(&flipped) {
                    assert_eq!(other.to_bytes(), flipped, "{name} byte {offset} bit {bit}");
                    assert_ne!(other, policy);
                    assert_ne!(other.digest(), policy.digest());
                }
            }
        }
    }
    let mut bytes = Policy::preset("xyb-seed").unwrap().to_bytes();
    bytes[2] = 3;
    let error = Policy::from_bytes(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a scope, 0 to 2 at byte 2 of the policy, got 3; fetch it again"
    );
    let mut unlimited = Policy::preset("block-until-back").unwrap().to_bytes();
    unlimited[40] = 1;
    assert!(matches!(Policy::from_bytes(&unlimited), Err(PolicyError::Byte { offset: 40, .. })));
}

#[test]
fn a_policy_is_named_and_signed_with_its_domain() {
    // [POLICY-23]
    let policy = Policy::preset("xyb-seed").unwrap();
    let signed = policy.signed_bytes();
    assert_eq!(signed.strip_prefix(b"diptych policy 1"), Some(&policy.to_bytes()[..]));
    assert_eq!(policy.digest(), crate::identity::sha256(&signed));
}

#[test]
fn fields_change_a_preset() {
    // [POLICY-24]
    let fields = [
        ("preset", Value::Text("primary-only")),
        ("name", Value::Text("our school")),
        ("max_count", Value::Text("none")),
        ("max_duration", Value::Text("2 min")),
        ("stable", Value::Text("1500ms")),
        ("count_from", Value::Text("wait")),
        ("sound", Value::Text("counted")),
        ("expected_in", Value::Text("nowhere")),
        ("on_loss", Value::Text("hide")),
    ];
    let policy = Policy::from_fields(fields).unwrap();
    let expected = Terms {
        name: Label::new("our school").unwrap(),
        max_count: None,
        stable: Span::from_millis(1_500),
        scope: Scope::PrimaryOnly,
        count_from: CountFrom::Wait,
        sound: Sound::Counted,
        expected_in: ExpectedIn::Nowhere,
        on_loss: OnLoss::Hide,
        ..seed()
    };
    assert_eq!(policy.terms(), &expected);
    let preset = Policy::from_fields([("preset", Value::Text("zjut-2022"))]);
    assert_eq!(preset, Policy::preset("zjut-2022"));
}

#[test]
fn wrong_fields_are_refused_with_what_was_expected() {
    // [POLICY-24]
    let name = ("name", Value::Text("ours"));
    let cases: [((&str, Value<'_>), &str); 13] = [
        (("max_cuont", Value::Integer(1)), "max_count, max_duration"),
        (("name", Value::Text("again")), "name: expected once"),
        (("max_count", Value::Integer(-1)), "expected 0 to 1000000"),
        (("max_count", Value::Integer(1_000_001)), "expected 0 to 1000000"),
        (("max_count", Value::Text("3")), "a whole number or \"none\", got \"3\""),
        (("max_duration", Value::Integer(120)), "such as \"120 s\""),
        (("stable", Value::Text("none")), "such as \"120 s\""),
        (("stable", Value::Text("5")), "such as \"120 s\""),
        (("stable", Value::Text("-5 s")), "such as \"120 s\""),
        (("stable", Value::Text("99999999999999999999 s")), "such as \"120 s\""),
        (("scope", Value::Text("both")), "one of union per_role primary_only, got \"both\""),
        (("scope", Value::Integer(1)), "a text, got 1"),
        (("preset", Value::Text("seed")), "xyb-seed, zjut-2022"),
    ];
    for (field, part) in cases {
        let error = Policy::from_fields([name, field]).unwrap_err().to_string();
        assert!(error.contains(part), "{field:?}: {error}");
    }
    let long = "x".repeat(33);
    assert!(Policy::from_fields([("name", Value::Text(&long))]).is_err());
}

#[test]
fn other_rules_need_another_name() {
    // [POLICY-25]
    let count = ("max_count", Value::Integer(1));
    assert_eq!(Policy::from_fields([count]), Err(PolicyError::Unnamed));
    assert_eq!(Policy::from_fields([]), Err(PolicyError::Unnamed));
    assert_eq!(
        Policy::from_fields([("name", Value::Text("xyb-seed")), count]),
        Err(PolicyError::Borrowed { preset: "xyb-seed" })
    );
    let same = [("name", Value::Text("zjut-2022")), count];
    assert_eq!(Policy::from_fields(same), Policy::preset("zjut-2022"), "the same by another road");
}

#[test]
fn every_interruption_says_which_rule_decided() {
    // [POLICY-5] [POLICY-7] [POLICY-8] [POLICY-15] [POLICY-16]
    let mut case = hour();
    case.window.waiting = Some(at(-600));
    case.losses = vec![
        loss(0, -60, 30),
        loss(1, 3, 40),
        loss(1, 500, 501),
        loss(0, 700, 730),
        Loss { medium: Medium::Sound, ..loss(1, 900, 950) },
    ];
    case.excused = vec![Excuse { start: at(690), end: at(740) }];
    let judgement = judge(&case, &Policy::preset("xyb-seed").unwrap());
    let told: Vec<_> = judgement
        .interruptions
        .iter()
        .map(|i| (i.role.number(), i.start, i.standing, i.standing.rule().to_string(), i.episode))
        .collect();
    let expected = [
        (0, at(-60), Standing::Waiting, "R12".to_owned(), None),
        (0, at(0), Standing::Counted, "R5".to_owned(), Some(1)),
        (1, at(3), Standing::SameEpisode, "R4".to_owned(), Some(1)),
        (1, at(500), Standing::Hiccup, "R3".to_owned(), None),
        (0, at(700), Standing::Excused, "R13".to_owned(), None),
        (1, at(900), Standing::Sound, "R10".to_owned(), None),
    ];
    assert_eq!(told, expected);
    assert_eq!((judgement.count_min, judgement.count_max), (1, 1));
    assert_eq!(judgement.flags.into_iter().collect::<Vec<_>>(), [Flag::Hiccup, Flag::AudioLoss]);
}

#[test]
fn the_first_reason_has_its_time() {
    // [POLICY-19]
    let policy = Policy::preset("xyb-seed").unwrap();
    let mut case = hour();
    case.losses = (1..=5).map(|n| loss(0, n * 100, n * 100 + 30)).collect();
    let judgement = judge(&case, &policy);
    assert_eq!(judgement.failed_at, Some(at(402)), "two seconds into the fourth");
    case.losses.push(loss(1, 50, 350));
    let judgement = judge(&case, &policy);
    assert_eq!(judgement.reasons.len(), 2);
    assert_eq!(judgement.failed_at, Some(at(170)), "120 s into the long one");
}

#[test]
fn announced_gaps_are_forgiven_as_far_as_the_policy_goes() {
    // [POLICY-18]
    let mut case = hour();
    case.losses = vec![loss(0, 100, 130)];
    case.expected = vec![Expected { role: Role::PRIMARY, start: at(95), end: at(130) }];
    let lost = |expected_in, expected_max| {
        let policy = Policy::new(Terms { expected_in, expected_max, ..seed() }).unwrap();
        judge(&case, &policy).interruptions[0].lost
    };
    assert_eq!(lost(ExpectedIn::Anywhere, Span::from_secs(10)), Span::from_secs(25));
    assert_eq!(lost(ExpectedIn::Anywhere, Span::from_secs(60)), Span::ZERO);
    assert_eq!(lost(ExpectedIn::Waiting, Span::from_secs(60)), Span::from_secs(30));
    assert_eq!(lost(ExpectedIn::Nowhere, Span::from_secs(60)), Span::from_secs(30));
}

#[test]
fn more_doubts_than_can_be_tried_are_undetermined() {
    // [POLICY-13]
    let mut case = hour();
    case.losses = vec![loss(0, 10, 40)];
    let doubt = |n: i64| Unknown { role: Role::PRIMARY, start: at(n * 100), end: at(n * 100 + 1) };
    case.unknown = (1..=10).chain(1..=10).map(doubt).collect();
    let policy = Policy::preset("xyb-seed").unwrap();
    assert_eq!(judge(&case, &policy).verdict, Verdict::Pass, "ten, each given twice");
    case.unknown.push(doubt(11));
    let judgement = judge(&case, &policy);
    assert_eq!(judgement.verdict, Verdict::Undetermined);
    assert_eq!((judgement.count_min, judgement.count_max), (1, 12));
    assert!(judgement.flags.contains(&Flag::EvidenceGap));
    let assistant = Unknown { role: Role::new(1).unwrap(), ..doubt(12) };
    case.unknown.pop();
    case.unknown.push(assistant);
    let primary_only = Policy::preset("primary-only").unwrap();
    assert_eq!(judge(&case, &primary_only).verdict, Verdict::Pass, "it cannot matter");
}

#[test]
fn nobody_is_judged_who_was_not_ready() {
    // [POLICY-28]
    let mut case = hour();
    case.ready = false;
    case.losses = vec![loss(0, 10, 3_000)];
    let judgement = judge(&case, &Policy::preset("strict-zero").unwrap());
    assert_eq!(judgement.verdict, Verdict::NotReady);
    assert_eq!((judgement.count_min, judgement.count_max), (0, 0));
}
