//! What a live session is given and cannot use: each has its sentence and code.

use std::net::UdpSocket;
use std::process::Command;

use diptych_protocol::address::Loopback;
use diptych_protocol::identity::Fingerprint;
use diptych_protocol::ticket::Ticket;

use super::running::Running;
use super::stages::{plan, primary, secondary};
use super::{Folder, run};

/// The run ends by itself, with this code, after saying this.
fn refused(running: Running, code: i32, told: &str) {
    let ended = running.end();
    assert_eq!(ended.code, code, "{}", ended.err);
    assert!(ended.err.contains("diptych: ") && ended.err.contains(told), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

#[test]
fn a_picture_or_text_without_a_ticket() {
    let folder = Folder::new();
    let scan = |name: &str, code, told: &str| {
        run(&folder, &["secondary", "--scan", name, "--out", "A"]).fails(code, told);
    };
    scan("none.png", 4, "none.png");
    run(&folder, &["qr", "WIFI:S:guest;;", "--png", "wifi.png"]);
    scan("wifi.png", 3, "this QR code is not a ticket");
    let whole = std::fs::read(folder.path("wifi.png")).unwrap();
    folder.write("cut.png", &whole[..whole.len() / 2]);
    scan("cut.png", 3, "damaged picture");
    folder.write("text.png", "no picture");
    scan("text.png", 3, "expected PNG or JPEG");
    // A ticket that lost its end on the way.
    let short = ["secondary", "--ticket", "diptych:0123456789", "--out", "A"];
    run(&folder, &short).fails(3, "not a ticket of this protocol");
    run(&folder, &["secondary", "--out", "A"]).fails(2, "--scan");
    assert!(!folder.path("A").exists(), "nothing began");
}

#[test]
fn a_ticket_that_names_another_key() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (_primary, ticket) = primary(&folder, &[]);
    let mut forged = Ticket::parse(&ticket, Loopback::Allowed).unwrap();
    forged.pin = Fingerprint([0xF1; 32]);
    let assistant = secondary(&folder, &forged.to_text(), "A", &["--yes"]);
    refused(assistant, 5, "another key than the code names");
}

#[test]
fn a_ticket_that_another_device_has_used() {
    let folder = Folder::new();
    plan(&folder, 600);
    let text = folder.read("exam.toml").replace("assistants = 1", "assistants = 2");
    folder.write("exam.toml", text);
    let (mut primary, ticket) = primary(&folder, &[]);
    let mut first = secondary(&folder, &ticket, "A", &["--yes"]);
    first.waits_for("paired as A1");
    let second = secondary(&folder, &ticket, "B", &["--yes"]);
    refused(second, 5, "pairing failed: ");
    primary.waits_for("ALARM");
}

#[test]
fn a_ticket_that_was_shown_too_long_ago() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (mut primary, first) = primary(&folder, &[]);
    // A code lives for four rotations.
    for _ in 0..4 {
        let next = primary.line_with("diptych secondary --ticket ");
        assert_ne!(next, first);
    }
    let late = secondary(&folder, &first, "A", &["--yes"]);
    refused(late, 5, "The code that was scanned has expired");
}

#[test]
fn a_port_that_is_taken() {
    let folder = Folder::new();
    plan(&folder, 600);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let args =
        ["primary", "--plan", "exam.toml", "--out", "P", "--loopback", "--bind", bind.as_str()];
    run(&folder, &args).fails(5, &bind);
}

#[test]
fn a_plan_whose_times_cannot_be_or_have_passed() {
    let folder = Folder::new();
    let example = run(&folder, &["plan"]).out;
    for (from, to, told) in [
        ("in 13 min", "in 1 min", "windows: expected the start"),
        ("in 13 min", "in 400 d", "windows: "),
        ("wait_close = \"in 3 min\"", "wait_close = \"now\"", "exam.toml: "),
        ("wait_close = \"in 3 min\"", "wait_close = 2020-01-01T00:00:00Z", "exam.toml: "),
    ] {
        let text = example.replace(from, to);
        assert_ne!(text, example);
        folder.write("exam.toml", text);
        run(&folder, &["primary", "--plan", "exam.toml", "--out", "P"]).fails(3, told);
        assert!(!folder.path("P/P.journal").exists());
    }
}

#[test]
fn a_camera_that_is_not_there() {
    let folder = Folder::new();
    plan(&folder, 600);
    let missing = ["--camera", "/dev/no-such-camera"];
    let args = ["primary", "--plan", "exam.toml", "--out", "P", "--loopback"];
    run(&folder, &[&args[..], &missing].concat()).fails(6, "camera /dev/no-such-camera");
    let args = ["secondary", "--ticket", "diptych:0123456789", "--out", "A"];
    run(&folder, &[&args[..], &missing].concat()).fails(6, "camera /dev/no-such-camera");
    let args = ["secondary", "--scan", "camera", "--out", "B"];
    run(&folder, &[&args[..], &missing].concat()).fails(6, "camera /dev/no-such-camera");
}

/// A shell command that runs the program with `P` on a disk of so many bytes, in
/// name spaces of its own, which needs no rights. `None` where the system does
/// not allow it.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn on_a_disk_of(folder: &Folder, bytes: &str, args: &str) -> Option<Command> {
    let mount = format!("mkdir -p P && mount -t tmpfs -o size={bytes} tmpfs P");
    let spaces = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let mut attempt = Command::new("unshare");
    attempt.current_dir(folder.path("")).args(spaces).arg(&mount);
    if !attempt.output().is_ok_and(|tried| tried.status.success()) {
        println!("skipped: no disk of its own can be mounted here (unshare --user --mount)");
        return None;
    }
    let mut command = Command::new("unshare");
    let program = env!("CARGO_BIN_EXE_diptych");
    command.current_dir(folder.path("")).args(spaces);
    // What is left on the small disk is copied off before it goes.
    command.arg(format!(
        "{mount} && '{program}' {args}; code=$?; mkdir left && cp -r P/. left; exit $code"
    ));
    Some(command)
}

#[test]
fn a_disk_that_is_full_from_the_start() {
    let folder = Folder::new();
    plan(&folder, 600);
    let args = "primary --plan exam.toml --out P --loopback";
    if let Some(mut command) = on_a_disk_of(&folder, "4k", args) {
        refused(Running::of(&mut command), 4, "the storage is full");
    }
}

#[test]
fn a_disk_that_becomes_full_while_recording() {
    let folder = Folder::new();
    let args = "rehearse --seconds 20 --no-faults --small --out P";
    let Some(mut command) = on_a_disk_of(&folder, "300k", args) else { return };
    // Either device may be the first whose journal does not fit any more, and the
    // code does not depend on which.
    let ended = Running::of(&mut command).end();
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("the storage is full"), "{}", ended.err);
    // What reached the disk before is evidence, and the report says that more is missing.
    let report = run(&folder, &["report", "left"]);
    assert!([0, 10, 11, 12].contains(&report.code), "{}: {}", report.code, report.err);
    assert!(report.out.contains("EVIDENCE_GAP"), "{}", report.out);
    let verified = run(&folder, &["verify", "left"]);
    assert!([0, 20].contains(&verified.code), "{}", verified.out);
    let frames = diptych::video::read_stamps(&folder.path("left/P.mp4")).unwrap();
    assert!(!frames.is_empty(), "the recording plays up to its last fragment");
}

#[test]
fn a_folder_of_another_exam_is_not_taken_for_this_one() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (running, _) = primary(&folder, &[]);
    running.interrupt();
    assert_eq!(running.end().code, 130);
    let other = folder.read("exam.toml").replace("assistants = 1", "assistants = 2");
    folder.write("other.toml", other);
    let args = ["primary", "--plan", "other.toml", "--out", "P", "--loopback"];
    run(&folder, &args).fails(4, "has the session of another exam");
}
