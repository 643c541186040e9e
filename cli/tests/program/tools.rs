//! Commands that need no session: help, `plan`, `qr`, `scan`.

use std::process::{Command, Stdio};

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::identity::{ExamTag, Fingerprint, Label};
use diptych_protocol::secret::PairingSecret;
use diptych_protocol::ticket::{Flags, Ticket};

use super::{Folder, run};

fn ticket() -> Ticket {
    let addresses = [Address::new([192, 168, 7, 9].into())];
    Ticket {
        flags: Flags::CHECK_CODE,
        epoch: 5,
        issued_at: 1_767_225_600,
        lifetime_s: 60,
        exam: ExamTag([0xE7; 8]),
        issuer: Some(Label::new("Example Academy").unwrap()),
        secret: PairingSecret::new([0x5C; 16]),
        pin: Fingerprint([0xF1; 32]),
        addresses: Addresses::new(&addresses, 47_000, Loopback::Refused).unwrap(),
    }
}

#[test]
fn a_wrong_command_line_ends_with_2_and_help_with_0() {
    let folder = Folder::new();
    let help = run(&folder, &["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("Exit codes:") && help.out.lines().all(|l| l.chars().count() <= 80));
    for wrong in [&["dance"][..], &["qr"], &["scan", "--jsn", "x"], &[]] {
        let ran = run(&folder, wrong);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong:?}");
        assert!(ran.err.contains("Usage:"), "{}", ran.err);
    }
}

#[test]
fn an_example_plan_is_written_once_and_checks() {
    let folder = Folder::new();
    let shown = run(&folder, &["plan"]);
    assert_eq!(run(&folder, &["plan", "--out", "exam.toml"]).code, 0);
    assert_eq!(folder.read("exam.toml"), shown.out);
    run(&folder, &["plan", "--out", "exam.toml"]).fails(4, "expected a new file");
    run(&folder, &["plan", "--out", "no/exam.toml"]).fails(4, "cannot write no/exam.toml");
    let checked = run(&folder, &["plan", "--check", "exam.toml"]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
    assert!(checked.out.starts_with("A mock exam of Example Academy of Arts, with 1 assistant.\n"));
    assert!(checked.out.contains("more than 3 interruptions, or one of more than 120 s"));
}

#[test]
fn a_plan_that_cannot_be_is_refused_with_its_field() {
    let folder = Folder::new();
    let example = run(&folder, &["plan"]).out;
    let check = |text: &str| {
        folder.write("exam.toml", text);
        run(&folder, &["plan", "--check", "exam.toml"])
    };
    check(&example.replace("in 13 min", "in 1 min"))
        .fails(3, "exam.toml: windows: expected the start");
    check(&example.replace("xyb-seed\"\n", "lenient\"\n"))
        .fails(3, "policy: preset: expected one of");
    let late = check(&example.replace("in 3 min", "in 2 d"));
    late.fails(3, "but it is 1 d 23 h after it");
    assert!(late.err.contains("\n  answering  20"), "{}", late.err);
    check(&example.replace("check_code = false", "check_code = no"))
        .fails(3, "no is written false");
    let chinese = example.replace("Example Academy of Arts", "中央美术学院远程考试中心办公室");
    check(&chinese).fails(3, "issuer: expected at most 32 bytes of UTF-8, got 45: the first 10");
    check(&example.replace("charger", "chargers"))
        .fails(3, "requirements.chargers: expected one of");
    check("\u{fffd}\n[").fails(3, "expected TOML");
    folder.write("exam.toml", [0xFF, 0xFE, b'x', 0]);
    run(&folder, &["plan", "--check", "exam.toml"]).fails(3, "not text in UTF-8");
    run(&folder, &["plan", "--check", "none.toml"]).fails(4, "none.toml: cannot be read");
}

#[test]
fn a_code_is_drawn_and_its_ticket_explained_without_the_secret() {
    let folder = Folder::new();
    let text = ticket().to_text();
    let drawn = run(&folder, &["qr", &text]);
    assert!(drawn.code == 0 && drawn.out.lines().all(|line| line.ends_with("\x1b[0m")));
    assert_eq!(run(&folder, &["qr", &text, "--png", "code.png", "--svg", "code.svg"]).code, 0);
    assert!(folder.read("code.svg").starts_with("<svg"));

    let told = run(&folder, &["scan", "code.png"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    for fact in ["192.168.7.9:47000", "e7e7e7", "f1f1f1", "code number 5", "2026-01-01 00:00:00"] {
        assert!(told.out.contains(fact), "{fact} is not in:\n{}", told.out);
    }
    assert!(!told.out.contains("5c5c"), "the secret is shown");
    let json = run(&folder, &["scan", "--json", "code.png"]).json();
    assert_eq!(json["addresses"][0], "192.168.7.9:47000");
    assert_eq!(json["flags"][0], "comparing six digits");
    assert!(json.get("secret").is_none());
}

#[test]
fn what_is_no_ticket_is_refused_by_kind() {
    let folder = Folder::new();
    run(&folder, &["scan", "none.png"]).fails(4, "none.png");
    folder.write("text.png", "not a picture");
    run(&folder, &["scan", "text.png"]).fails(3, "expected PNG or JPEG");
    for (bytes, name) in [(&b"GIF89a"[..], "GIF: "), (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP: ")] {
        folder.write("moving.png", bytes);
        run(&folder, &["scan", "moving.png"]).fails(3, &format!("JPEG, got {name}"));
    }
    run(&folder, &["qr", "WIFI:S:guest;;", "--png", "wifi.png"]);
    run(&folder, &["scan", "wifi.png"]).fails(3, "is not a ticket");
    let text = ticket().to_text();
    run(&folder, &["qr", &text[..text.len() - 17], "--png", "cut.png"]);
    run(&folder, &["scan", "cut.png"]).fails(3, "not a ticket of this protocol");
    run(&folder, &["qr", &"7".repeat(2_000)]).fails(3, "does not fit");
    run(&folder, &["qr", "", "--png", "empty.png"]).fails(3, "got an empty one");
    assert!(!folder.path("empty.png").exists());
    // Whose standard input has nothing on it.
    run(&folder, &["qr", "-"]).fails(3, "got an empty one");
    run(&folder, &["qr", "a", "--png", "no/code.png"]).fails(4, "cannot write");
}

#[test]
fn a_reader_that_leaves_early_does_no_harm() {
    let folder = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
    let mut child = command
        .arg("plan")
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
