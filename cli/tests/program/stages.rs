//! Ctrl-C at every stage of a session: what is there stays readable.
//!
//! Each test waits for the line with which the program enters a stage, so that
//! no stage depends on how fast the machine is.

use std::net::UdpSocket;

use super::running::Running;
use super::{Folder, run};

/// A plan of one assistant whose answering begins `wait` seconds after the start.
pub(super) fn plan(folder: &Folder, wait: u32) {
    let example = run(folder, &["plan"]).out;
    let text = example
        .replace("in 13 min", "in 30 min")
        .replace("in 3 min", &format!("in {wait} s"))
        .replace("bytes_per_second = 500_000", "bytes_per_second = 0");
    folder.write("exam.toml", text);
}

/// One whose answering begins 20 seconds after the start and lasts for three.
fn brief_plan(folder: &Folder) {
    plan(folder, 20);
    let text = folder.read("exam.toml").replace("in 30 min", "in 23 s");
    folder.write("exam.toml", text);
}

/// A primary that shows its code, and the code's text.
pub(super) fn primary(folder: &Folder, more: &[&str]) -> (Running, String) {
    let args = ["primary", "--plan", "exam.toml", "--out", "P", "--loopback", "--small"];
    let mut primary = Running::start(folder, &[&args, more].concat());
    let ticket = primary.line_with("diptych secondary --ticket ");
    (primary, ticket)
}

/// An assistant of `folder` with its own folder `out`.
pub(super) fn secondary(folder: &Folder, ticket: &str, out: &str, more: &[&str]) -> Running {
    let small = ["--width", "320", "--height", "180", "--rate", "15"];
    let args = ["secondary", "--ticket", ticket, "--out", out, "--loopback"];
    Running::start(folder, &[&args[..], &small, more].concat())
}

/// The run was ended by Ctrl-C and said so in one line, without a panic.
fn interrupted(running: Running) {
    running.interrupt();
    let ended = running.end();
    assert_eq!(ended.code, 130, "{}", ended.err);
    assert!(ended.err.contains("diptych: stopped by Ctrl-C"), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

/// The primary's folder gives a verdict, and nothing in it was changed.
fn account(folder: &Folder) {
    let report = run(folder, &["report", "P"]);
    assert!([0, 10, 11, 12].contains(&report.code), "{}: {}", report.code, report.err);
    assert!(report.out.contains("interruption"), "{}", report.out);
    // Nothing claims an end that there was not.
    assert!(report.out.contains("NOT finished"), "{}", report.out);
    let verified = run(folder, &["verify", "P"]);
    assert!([0, 20].contains(&verified.code), "{}", verified.out);
}

#[test]
fn before_and_during_pairing() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (primary, ticket) = primary(&folder, &[]);
    // The user is being asked, and does not answer.
    let mut asked = secondary(&folder, &ticket, "A", &[]);
    asked.waits_for("[y/N] ");
    interrupted(asked);
    interrupted(primary);
    account(&folder);
    // Nobody is there any more: the assistant is still looking for the primary.
    let mut looking = secondary(&folder, &ticket, "B", &["--yes"]);
    looking.waits_for("looking for the primary");
    interrupted(looking);
}

#[test]
fn while_the_two_screens_are_compared() {
    let folder = Folder::new();
    plan(&folder, 600);
    let text = folder.read("exam.toml").replace("check_code = false", "check_code = true");
    folder.write("exam.toml", text);
    let (mut primary, ticket) = primary(&folder, &[]);
    let mut assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    assistant.waits_for("compare on both screens");
    primary.waits_for("[y/N]");
    interrupted(primary);
    interrupted(assistant);
    account(&folder);
}

#[test]
fn while_recording_before_the_exam_and_in_it() {
    for (wait, stage) in [(600, "every camera is proven recording"), (20, "phase ANSWERING")] {
        let folder = Folder::new();
        plan(&folder, wait);
        let (mut primary, ticket) = primary(&folder, &[]);
        let mut assistant = secondary(&folder, &ticket, "A", &["--yes"]);
        assistant.waits_for("recording");
        primary.waits_for(stage);
        interrupted(assistant);
        interrupted(primary);
        account(&folder);
        assert!(!diptych::video::read_stamps(&folder.path("P/P.mp4")).unwrap().is_empty());
        assert!(!diptych::video::read_stamps(&folder.path("A/A.mp4")).unwrap().is_empty());
    }
}

#[test]
fn in_a_rehearsal_that_has_children() {
    let quiet = ["--seconds", "60", "--no-faults"];
    // As long as three cameras need, because nothing says how long.
    let three = ["--assistants", "2"];
    for (args, stage) in [
        (&quiet[..], "starting the assistant"),
        (&quiet, "every camera is proven recording"),
        (&three, "A2: the code is drawn"),
    ] {
        let folder = Folder::new();
        let mut rehearsal =
            Running::start(&folder, &[&["rehearse", "--small", "--out", "P"], args].concat());
        rehearsal.waits_for(stage);
        interrupted(rehearsal);
        account(&folder);
    }
}

#[test]
fn a_primary_that_comes_back_after_the_exam_ends_it() {
    // [SESSION-41]
    let folder = Folder::new();
    brief_plan(&folder);
    // Within one machine nothing else leads to it but its port.
    let bind = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (mut primary, ticket) = primary(&folder, &["--bind", &bind]);
    let mut assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    primary.waits_for("phase ANSWERING");
    primary.breaks();
    assistant.waits_for("phase ENDED");
    let args = ["primary", "--out", "P", "--loopback", "--small", "--bind", &bind];
    let again = Running::start(&folder, &args).end();
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.err.contains("phase ENDED"), "{}", again.err);
    let assistant = assistant.end();
    assert_eq!(assistant.code, 0, "{}", assistant.err);
}

#[test]
fn once_it_is_over_the_same_folder_tells_the_verdict_again() {
    // [SESSION-30]
    let folder = Folder::new();
    brief_plan(&folder);
    let (primary, ticket) = primary(&folder, &[]);
    let assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    let (first, assistant) = (primary.end(), assistant.end());
    assert_eq!((first.code, assistant.code), (0, 0), "{}\n{}", first.err, assistant.err);
    let again = run(&folder, &["primary", "--out", "P", "--loopback", "--small"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.out.contains("PASS: "), "{}", again.out);
}

#[test]
fn digits_that_nobody_compared_are_asked_about_again_and_keep_no_exam_from_ending() {
    // [PAIRING-32]
    let folder = Folder::new();
    plan(&folder, 600);
    let text = folder.read("exam.toml").replace("check_code = false", "check_code = true");
    folder.write("exam.toml", text);
    let (mut first, ticket) = primary(&folder, &[]);
    let assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    let asked = first.line_with("does the screen of A1 show ");
    interrupted(first);
    let again = ["primary", "--out", "P", "--loopback", "--small"];
    let mut second = Running::start(&folder, &again);
    assert_eq!(second.line_with("does the screen of A1 show "), asked);
    second.types("Yes");
    second.waits_for("A1: both screens show the same");
    second.waits_for("all cameras were told to record");
    interrupted(second);
    interrupted(assistant);

    // The plan goes on while somebody is asked.
    let folder = Folder::new();
    plan(&folder, 8);
    let text = folder.read("exam.toml").replace("check_code = false", "check_code = true");
    folder.write("exam.toml", text.replace("in 30 min", "in 10 s"));
    let (mut primary, ticket) = primary(&folder, &[]);
    let assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    primary.waits_for("does the screen of A1 show ");
    primary.waits_for("phase ENDED");
    assert_eq!(primary.end().code, 12);
    assert!([0, 5].contains(&assistant.end().code));
}
