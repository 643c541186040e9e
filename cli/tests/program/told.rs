//! What people are told and asked while a session runs.

use std::net::UdpSocket;

use diptych_driver::clock::wall_clock_millis;
use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::identity::{ExamTag, Fingerprint};
use diptych_protocol::secret::PairingSecret;
use diptych_protocol::ticket::{Flags, Ticket};

use serde_json::Value;

use super::running::Running;
use super::stages::{plan, primary, secondary};
use super::{Folder, run};

/// A code that was made `age_s` seconds ago, of a primary that answers nobody at `silent`.
fn code(silent: &UdpSocket, age_s: i64) -> String {
    let now = wall_clock_millis() / 1_000;
    let here = [Address::new([127, 0, 0, 1].into())];
    let port = silent.local_addr().unwrap().port();
    let ticket = Ticket {
        flags: Flags::default(),
        epoch: 5,
        issued_at: u32::try_from(now - age_s).unwrap(),
        lifetime_s: 60,
        exam: ExamTag([0xE7; 8]),
        issuer: None,
        secret: PairingSecret::new([0x5C; 16]),
        pin: Fingerprint([0xF1; 32]),
        addresses: Addresses::new(&here, port, Loopback::Allowed).unwrap(),
    };
    ticket.to_text()
}

#[test]
fn a_code_that_has_had_its_time_is_blamed_before_any_router() {
    let folder = Folder::new();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let late = secondary(&folder, &code(&silent, 3_660), "A", &["--yes"]).end();
    assert_eq!(late.code, 5, "{}", late.err);
    let said = |part: &str| late.err.find(part).unwrap_or_else(|| panic!("{part}: {}", late.err));
    let old = said("the code was valid until 1 h ago");
    for blamed in ["if the code is new: ", "trouble: "] {
        assert!(late.err.find(blamed).is_none_or(|at| at > old), "{}", late.err);
    }
    let failed = late.err.lines().find(|line| line.starts_with("diptych: ")).unwrap();
    assert!(failed.starts_with("diptych: pairing failed: the code was valid until"), "{failed}");
    let fresh = secondary(&folder, &code(&silent, 0), "B", &["--yes"]).end();
    assert!(fresh.code == 5 && fresh.err.contains("trouble: "), "{}", fresh.err);
}

#[test]
fn both_screens_show_the_same_and_the_assistant_may_leave() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (mut leader, ticket) = primary(&folder, &[]);
    let shown = leader.line_with("who scans it is asked about ");
    let mut asked = secondary(&folder, &ticket, "A", &[]);
    asked.waits_for("who asks      Example Academy of Arts, as the code says");
    asked.waits_for("without the microphone");
    assert_eq!(asked.line_with("compare       "), shown);
    asked.waits_for("[y/N] ");
    asked.types("y");
    asked.waits_for("the exam is held by Example Academy of Arts: ");
    asked.waits_for("recording");
    asked.types("stay");
    asked.waits_for("expected `leave`");
    asked.types("leave");
    let ended = asked.end();
    assert!(ended.code == 0 && ended.err.contains("left the session"), "{}", ended.err);
}

#[test]
fn a_log_is_told_that_all_is_well_between_events() {
    let folder = Folder::new();
    plan(&folder, 600);
    let (mut leader, ticket) = primary(&folder, &[]);
    let mut assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    for (log, part) in [(&mut leader, " | P recording, "), (&mut assistant, " | A1 recording for ")]
    {
        // What was written while the cameras were still off says so.
        let mut status = log.line_with("status: WAITING, ");
        while !status.contains(part) {
            status = log.line_with("status: WAITING, ");
        }
        assert!(status.contains(" s left | ") && status.contains(" frames"), "{status}");
    }
}

/// Ends an assistant in an exam by `stop`, starts it again, and yields the causes of all
/// interruptions in the report.
fn causes(stop: fn(&Running), code: i32, told: &str) -> Vec<Value> {
    let folder = Folder::new();
    plan(&folder, 20);
    let text = folder.read("exam.toml").replace("in 30 min", "in 40 s");
    folder.write("exam.toml", text);
    let (mut leader, ticket) = primary(&folder, &[]);
    let mut assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    leader.waits_for("phase ANSWERING");
    assistant.waits_for("phase ANSWERING");
    stop(&assistant);
    let ended = assistant.end();
    assert!(ended.code == code && ended.err.contains(told), "{}: {}", ended.code, ended.err);
    leader.waits_for(" 1 open");
    let assistant = secondary(&folder, &ticket, "A", &["--yes"]);
    assert_eq!(assistant.end().code, 0);
    let ended = leader.end();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let json = run(&folder, &["report", "P", "--json"]).json();
    let all = json["interruptions"].as_array().unwrap();
    all.iter().map(|one| one["cause"].clone()).collect()
}

#[test]
fn a_user_who_stops_a_camera_in_an_exam_is_in_the_report() {
    assert_eq!(causes(Running::interrupt, 130, "stopped by Ctrl-C"), ["USER_STOP"]);
}

#[test]
fn a_system_that_ends_the_program_in_an_exam_is_in_the_report() {
    assert_eq!(causes(Running::terminate, 143, "(SIGTERM)"), ["OS_KILL"]);
}
