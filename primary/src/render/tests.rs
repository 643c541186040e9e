//! One session with everything in it, shown in all three ways.
#![expect(clippy::cast_sign_loss, reason = "times of tests are not negative")]

use diptych_protocol::identity::{BootId, PublicKey, Role, SessionId};
use diptych_protocol::journal::{Blob, Fact, Header, Heard, Replayed, Writer, replay};
use diptych_protocol::policy::Policy;
use diptych_protocol::report::{Report, evaluate};
use diptych_protocol::time::{Instant, Primary};

use super::*;

/// The base point of P-256: some key is needed, nothing here is signed.
fn key() -> PublicKey {
    let text = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let point: Vec<u8> =
        (0..65).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect();
    PublicKey::from_sec1(&point).unwrap()
}

fn at(ms: i64) -> Instant<Primary> {
    Instant::from_nanos(ms * 1_000_000)
}

/// Ten minutes; each camera is dark where `dark` says so, in seconds.
fn journal(role: u8, dark: &[(i64, i64)], more: &[(i64, Fact)]) -> Replayed {
    let peer = Role::new(1 - role).unwrap();
    let header = Header {
        session: SessionId([1; 16]),
        role: Role::new(role).unwrap(),
        device: 1,
        key: key(),
    };
    let (mut writer, mut file) = Writer::create(header);
    let mut put = |ms: i64, fact: &Fact| file.extend(writer.append(at(ms), fact).unwrap());
    put(0, &Fact::ProcessStarted { boot: BootId([role; 16]), wall_ms: 0, cause: 0, raw: 0 });
    put(0, &Fact::PeerBoot { peer, device: 1, boot: BootId([1 - role; 16]) });
    put(
        0,
        &Fact::Plan {
            assistants: 1,
            wait_open: at(0),
            wait_close: at(60_000),
            answer_start: at(60_000),
            answer_end: at(600_000),
            plan: Blob::default(),
            policy: Blob::new(&Policy::preset("xyb-seed").unwrap().to_bytes()).unwrap(),
        },
    );
    for half in 10..1_200_i64 {
        let ms = half * 500;
        for (_, fact) in more.iter().filter(|(when, _)| *when == ms) {
            put(ms, fact);
        }
        let heard = Heard {
            sequence: 0,
            sent: Instant::from_nanos(ms * 1_000_000),
            received: Instant::from_nanos((ms + 1) * 1_000_000),
        };
        put(ms + 1, &Fact::ClockHeard { peer, heard: (&[heard][..]).into() });
        if dark.iter().any(|(from, to)| (*from..*to).contains(&(ms / 1_000))) {
            continue;
        }
        put(
            ms + 1,
            &Fact::Segment {
                first: Instant::from_nanos((ms - 500) * 1_000_000),
                last: Instant::from_nanos((ms - 33) * 1_000_000),
                frames: 15,
                offset: ms as u64,
                bytes: 60_000,
                sha256: [0; 32],
            },
        );
    }
    put(600_100, &Fact::Finish { reason: 0 });
    replay(&file).unwrap()
}

fn report() -> Report {
    let peer = Role::new(1).unwrap();
    let link = |state| Fact::Link { peer, state, path: 0 };
    let primary = journal(
        0,
        &[],
        &[
            (5_000, link(0)),
            (200_000, link(3)),
            (290_000, link(0)),
            (400_000, Fact::ScreenLeft { cause: 1, raw: 2 }),
            (440_000, Fact::ScreenBack {}),
            (520_000, Fact::ScreenLeft { cause: 2, raw: 0 }),
            (521_000, Fact::ScreenBack {}),
        ],
    );
    let taken = Fact::CameraEvent { state: 0, cause: 4, raw: 77 };
    let assistant = journal(1, &[(120, 123), (250, 262), (402, 470)], &[(120_000, taken)]);
    evaluate(&[primary, assistant], None).unwrap()
}

#[test]
fn the_first_line_says_it_all() {
    let text = text(&report());
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("PASS: 3 interruptions, longest 68.033 s, aligned ±"), "{first}");
    assert!(text.contains("CAMERA_TAKEN (77): counted (R5)"), "{text}");
    assert!(text.contains("began together with another camera's (R4)"), "{text}");
    assert!(text.contains("not counted: lost too little (R3)"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn the_json_is_what_the_schema_names() {
    let json = json(&report());
    for line in [
        "  \"format\": \"diptych report 1\",",
        "  \"verdict\": \"PASS\",",
        "  \"count_min\": 3,",
        "      \"cause\": \"CAMERA_TAKEN\",",
        "      \"rule\": \"R5\",",
    ] {
        assert!(json.lines().any(|got| got == line), "{line} is not in\n{json}");
    }
    let schema = include_str!("../../../spec/report.schema.json");
    let required = schema.split("\"required\": [").nth(1).unwrap().split(']').next().unwrap();
    let names: Vec<_> = required.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(json.contains(&format!("\n  \"{name}\": ")), "{name}");
    }
    let balance = |open, close| {
        json.chars().filter(|c| *c == open).count() == json.chars().filter(|c| *c == close).count()
    };
    assert!(balance('{', '}') && balance('[', ']'));
}

#[test]
fn text_in_json_cannot_break_out() {
    let evil = value::Json::text("a\"b\\c\nd</script>");
    assert_eq!(evil.to_string(), "\"a\\\"b\\\\c\\u000ad</script>\"");
}

#[test]
fn what_is_unknown_is_hatched() {
    let primary = journal(0, &[(300, 303), (306, 312), (320, 330)], &[]);
    let report = evaluate(&[primary], None).unwrap();
    let svg = svg(&report);
    let hatched = svg.matches("fill=\"url(#unknown)\"").count();
    assert_eq!(hatched, report.unknown.len() + 1, "each stretch and the legend");
    assert!(text(&report).contains("neither proved nor excluded"));
    if let Some(folder) = option_env!("DIPTYCH_PICTURES") {
        std::fs::write(format!("{folder}/unknown.svg"), &svg).unwrap();
    }
}

#[test]
fn the_picture_shows_every_interruption_and_lane() {
    let report = report();
    let svg = svg(&report);
    assert_eq!(svg.matches("stroke-width=\"1.6\"").count(), report.accounts.len() + 1);
    for name in ["PASS", ">P<", ">A1<", "P–A1", "url(#unknown)", "1: 3.033 s"] {
        assert!(svg.contains(name), "{name}");
    }
    if let Some(folder) = option_env!("DIPTYCH_PICTURES") {
        std::fs::write(format!("{folder}/timeline.svg"), &svg).unwrap();
        std::fs::write(format!("{folder}/report.txt"), text(&report)).unwrap();
        std::fs::write(format!("{folder}/report.json"), json(&report)).unwrap();
    }
}
