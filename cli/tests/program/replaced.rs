//! What people decide at the desk while a session runs: that another device takes a
//! seat, and that a proctor's word counts.

use std::fs;
use std::path::Path;

use super::running::Running;
use super::session::session;
use super::stages::{primary, secondary};
use super::{Folder, run};

/// Answering from 20 s to 50 s after the start.
fn plan(folder: &Folder) {
    let example = run(folder, &["plan"]).out;
    let text = example
        .replace("in 13 min", "in 50 s")
        .replace("in 3 min", "in 20 s")
        .replace("bytes_per_second = 500_000", "bytes_per_second = 0");
    folder.write("exam.toml", text);
}

#[test]
fn a_line_at_the_desk_gives_the_seat_to_another_device_and_the_former_one_is_refused() {
    // [SESSION-23]
    let folder = Folder::new();
    plan(&folder);
    // Any session will do to make a key with.
    let other = session();
    let key = folder.path("proctor.key").display().to_string();
    let out = folder.path("unused.signed").display().to_string();
    let made = ["override", ".", "--verdict", "fail", "--key", &key, "--out", &out];
    let made = run(&other, &made).out;
    let proctor = made.split_whitespace().last().unwrap().to_owned();

    let (mut primary, ticket) = primary(&folder, &["--proctor", &proctor]);
    let former = secondary(&folder, &ticket, "A", &["--yes"]);
    primary.waits_for("phase ANSWERING");
    primary.types("remove A1");
    primary.waits_for("expected `replace A1`");
    // A code that is shown by mistake is taken away again.
    primary.types("replace A1");
    let unused = primary.line_with("diptych secondary --ticket ");
    primary.types("keep A1");
    primary.waits_for("A1: stays");
    former.breaks();
    primary.waits_for("A1: if it is gone for good, type `replace A1`");

    primary.types("replace A1");
    let ticket = primary.line_with("diptych secondary --ticket ");
    assert_ne!(ticket, unused);
    let mut second = secondary(&folder, &ticket, "B", &["--yes", "--label", "spare"]);
    primary.waits_for("A1: replaced by spare");
    second.waits_for("recording");

    // A proctor forgives what that cost.
    primary.types("statement unused.signed");
    primary.waits_for("it is about session");
    primary.types("statement none.signed");
    primary.waits_for("none.signed: No such file");
    let sign = |from: &[&str], out: &str| {
        let args = ["excuse", "P", "--key", "proctor.key", "--out", out];
        assert_eq!(run(&folder, &[&args[..], from].concat()).code, 0);
    };
    sign(&["--from", "0"], "pause.signed");
    primary.types("statement pause.signed");
    primary.waits_for("pause.signed: it counts");
    primary.waits_for("interruptions: 0 counted");

    // The former one goes on with its session, and is told why it cannot.
    let former = Running::start(&folder, &["secondary", "--out", "A", "--loopback"]).end();
    assert_eq!(former.code, 5, "{}", former.err);
    let told = "put out of the session: Another phone took over this phone's role";
    assert!(former.err.contains(told), "{}", former.err);

    let ended = primary.end();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(second.end().code, 0);
    assert!(ended.err.contains("Revised: PASS, 0 interruptions"), "{}", ended.err);
    let report = run(&folder, &["report", "--json", "P"]).json();
    assert_eq!((&report["verdict"], &report["count_max"]), (&"PASS".into(), &1.into()), "{report}");
    assert!(report["revision"].is_null(), "nobody is trusted unasked: {report}");
    let judged = run(&folder, &["judge", "P", "--policy", "strict-zero", "--json"]);
    assert_eq!(
        (&judged.json()["verdict"], &judged.json()["unproven_statements"]),
        (&"FAIL".into(), &1.into())
    );
    let judged = ["judge", "P", "--policy", "strict-zero", "--json", "--proctor", &proctor];
    assert_eq!(run(&folder, &judged).json()["revised"]["verdict"], "PASS");
    let flags = report["flags"].as_array().unwrap();
    assert!(flags.contains(&"DEVICE_REPLACED".into()), "{flags:?}");
    assert_ne!(run(&folder, &["verify", "--json", "P"]).json()["integrity"], "TAMPERED");
}

/// Copies the files of one folder into another.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_phone_whose_storage_was_set_back_is_refused_and_the_desk_is_told_what_to_do() {
    // [SESSION-39]
    let folder = Folder::new();
    plan(&folder);
    let (mut primary, ticket) = primary(&folder, &[]);
    let mut former = secondary(&folder, &ticket, "A", &["--yes"]);
    former.waits_for("recording");
    copy(&folder.path("A"), &folder.path("backup"));
    primary.waits_for("phase ANSWERING");
    former.breaks();
    copy(&folder.path("backup"), &folder.path("A"));
    let former = Running::start(&folder, &["secondary", "--out", "A", "--loopback"]).end();
    assert_eq!(former.code, 5, "{}", former.err);
    assert!(former.err.contains("A phone has lost or changed what it had shown"), "{}", former.err);
    primary.waits_for("A1: ALARM: A phone has lost or changed what it had shown");
    primary.waits_for("A1: it cannot come back; type `replace A1` and scan with another phone");

    primary.types("replace A1");
    let ticket = primary.line_with("diptych secondary --ticket ");
    let second = secondary(&folder, &ticket, "B", &["--yes", "--label", "spare"]);
    primary.waits_for("A1: replaced by spare");
    let ended = primary.end();
    assert_eq!(second.end().code, 0);
    assert!(ended.err.contains("TAMPER") && ended.err.contains("DEVICE_REPLACED"), "{}", ended.err);
    assert_eq!(run(&folder, &["verify", "--json", "P"]).json()["integrity"], "TAMPERED");
}
