//! An assistant is gone for good, and another device takes its seat.

use super::running::Running;
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
    let (mut primary, ticket) = primary(&folder, &[]);
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

    // The former one goes on with its session, and is told why it cannot.
    let former = Running::start(&folder, &["secondary", "--out", "A", "--loopback"]).end();
    assert_eq!(former.code, 5, "{}", former.err);
    let told = "put out of the session: another phone took over this phone's role";
    assert!(former.err.contains(told), "{}", former.err);

    let ended = primary.end();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(second.end().code, 0);
    let report = run(&folder, &["report", "--json", "P"]).json();
    assert_eq!((&report["verdict"], &report["count_max"]), (&"PASS".into(), &1.into()), "{report}");
    let flags = report["flags"].as_array().unwrap();
    assert!(flags.contains(&"DEVICE_REPLACED".into()), "{flags:?}");
    assert_ne!(run(&folder, &["verify", "--json", "P"]).json()["integrity"], "TAMPERED");
}
