//! Commands that read a session's folder, whole and damaged.

use std::fs;

use super::session::{cut, extend, flip, session, session_of};
use super::{Folder, run};

#[test]
fn a_whole_session_is_reported_judged_and_verified() {
    let folder = session();
    let report = run(&folder, &["report", "."]);
    assert_eq!((report.code, report.err.as_str()), (0, ""));
    assert!(report.out.starts_with("PASS: 1 interruption, longest 4."), "{}", report.out);
    assert_eq!(folder.read("report.txt"), report.out);
    assert!(folder.read("timeline.svg").starts_with("<svg"));
    let json = run(&folder, &["report", ".", "--json"]);
    assert_eq!(folder.read("report.json"), json.out);
    assert_eq!(json.json()["verdict"], "PASS");

    let judged = run(&folder, &["judge", "."]);
    assert_eq!((judged.code, judged.err.as_str()), (0, ""));
    assert!(judged.out.contains("says the same as the journals"), "{}", judged.out);

    let verified = run(&folder, &["verify", "."]);
    assert_eq!((verified.code, verified.err.as_str()), (0, ""), "{}", verified.out);
    assert!(verified.out.starts_with("INTACT: 2 journals"), "{}", verified.out);
    let json = run(&folder, &["verify", ".", "--json"]).json();
    assert!(json["pieces"].as_u64().unwrap() > 40, "{json}");
}

#[test]
fn another_policy_gives_another_verdict_and_exit_code() {
    let folder = session();
    let strict = run(&folder, &["judge", ".", "--policy", "strict-zero"]);
    assert_eq!(strict.code, 10, "{}", strict.out);
    assert!(strict.out.starts_with("FAIL: 1 interruption"), "{}", strict.out);
    folder.write("ours.toml", "name = \"ours\"\nmax_duration = \"3 s\"\n");
    assert_eq!(run(&folder, &["report", ".", "--policy", "ours.toml"]).code, 10);
    run(&folder, &["judge", ".", "--policy", "no.toml"])
        .fails(4, "no.toml: cannot be read: there is no such file, and no policy of this name");
    folder.write("bad.toml", "name = \"bad\"\nmax_duration = 3\n");
    run(&folder, &["judge", ".", "--policy", "bad.toml"])
        .fails(3, "max_duration: expected a length");
}

#[test]
fn a_signed_excuse_revises_the_verdict_and_a_foreign_one_is_refused() {
    let folder = session();
    let sign = |key, to, file| {
        let args = ["excuse", ".", "--from", "0", "--to", to, "--key", key, "--out", file];
        run(&folder, &args)
    };
    let signed = sign("proctor.key", "0:00:20", "all.excuse");
    assert_eq!((signed.code, signed.err.as_str()), (0, ""));
    let proctor = signed.out.split_whitespace().last().unwrap().to_owned();
    let judge = |excuse, proctor: &str| {
        let policy = ["judge", ".", "--policy", "strict-zero"];
        run(&folder, &[&policy[..], &["--excuse", excuse, "--proctor", proctor]].concat())
    };
    let judged = judge("all.excuse", &proctor);
    assert_eq!((judged.code, judged.err.as_str()), (0, ""), "{}", judged.out);
    assert!(judged.out.starts_with("FAIL: 1 interruption"), "{}", judged.out);
    let revised =
        "Revised: PASS, 0 interruptions, by statements of 1 key\n  excused from +0:00:00.000";
    assert!(judged.out.contains(revised), "{}", judged.out);
    assert_eq!(run(&folder, &["judge", ".", "--policy", "strict-zero"]).code, 10);

    let args = ["override", ".", "--verdict", "fail", "--key", "proctor.key", "--out", "no.signed"];
    assert_eq!(run(&folder, &args).code, 0);
    let judged = judge("no.signed", &proctor);
    assert_eq!(judged.code, 10);
    assert!(judged.out.contains("Revised: FAIL, 1 interruption, by"), "{}", judged.out);
    assert!(judged.out.contains("FAIL; by the rules FAIL"), "{}", judged.out);
    let args = ["report", ".", "--statement", "all.excuse", "--proctor", &proctor];
    let all = [&args[..], &["--policy", "strict-zero"]].concat();
    assert_eq!(run(&folder, &all).code, 0);
    assert!(folder.read("report-strict-zero.txt").contains("Revised: PASS"));
    assert!(!folder.path("report.json").exists(), "that is by the session's own policy");
    // A report with other people's words is no report that differs from the journals.
    let other = judge("no.signed", &proctor);
    assert!(other.code == 10 && other.out.contains("by other statements"), "{}", other.out);
    let same = judge("all.excuse", &proctor);
    assert!(same.code == 0 && !same.out.contains("by other statements"), "{}", same.out);
    let kept = folder.read("report-strict-zero.json");
    let at = kept.find("\"revision\"").unwrap();
    let forged = kept[at..].replacen("\"PASS\"", "\"FAIL\"", 1);
    folder.write("report-strict-zero.json", kept[..at].to_owned() + &forged);
    assert_eq!(judge("all.excuse", &proctor).code, 22);
    // Beside the first verdict, under a name of its own, and nothing else is another.
    let first = run(&folder, &["report", ".", "--policy", "strict-zero", "--json"]);
    let revised = run(&folder, &[&all[..], &["--json"]].concat());
    assert_eq!((first.code, revised.code), (10, 0));
    assert_eq!(folder.read("report-strict-zero.json"), revised.out);
    let mut kept = revised.json();
    let revision = kept["revision"].take();
    assert_eq!((&kept["verdict"], &revision["verdict"]), (&"FAIL".into(), &"PASS".into()));
    assert_eq!(kept, first.json());

    sign("another.key", "0:00:20", "foreign.excuse");
    judge("foreign.excuse", &proctor).fails(3, "none of the keys that are trusted");
    flip(&folder, "all.excuse", 40);
    judge("all.excuse", &proctor).fails(3, "all.excuse: its signature does not hold");
    judge("all.excuse", "5f").fails(2, "--proctor");
    judge("P.journal", &proctor).fails(3, "expected 176 bytes");
    sign("proctor.key", "0", "none.excuse").fails(2, "--to");
    sign("proctor.key", "9", "all.excuse").fails(4, "expected a new file");
    let other = session_of(8, 2);
    fs::copy(folder.path("foreign.excuse"), other.path("foreign.excuse")).unwrap();
    let args = ["judge", ".", "--excuse", "foreign.excuse", "--proctor", &proctor];
    run(&other, &args).fails(3, "it is about session");
}

#[test]
fn a_report_that_was_changed_is_shown_to_differ() {
    let folder = session();
    let absent = run(&folder, &["judge", "."]);
    assert!(absent.code == 0 && absent.out.contains("no report.json"), "{}", absent.out);
    run(&folder, &["report", "."]);
    folder.write("report.json", folder.read("report.json").replacen("\"PASS\"", "\"FAIL\"", 1));
    let differs = run(&folder, &["judge", "."]);
    assert_eq!(differs.code, 22);
    assert!(differs.out.contains("verdict: report \"FAIL\", journals \"PASS\""), "{}", differs.out);
    let json = run(&folder, &["judge", ".", "--json"]).json();
    assert_eq!((&json["report"], &json["verdict"]), (&"differs".into(), &"PASS".into()));
    folder.write("report.json", "{ not json");
    let unreadable = run(&folder, &["judge", "."]);
    assert!(unreadable.code == 22 && unreadable.out.contains("is not JSON"), "{}", unreadable.out);
}

#[test]
fn a_changed_byte_is_named_with_file_and_offset() {
    let folder = session();
    let length = fs::metadata(folder.path("A1.journal")).unwrap().len();
    let middle = usize::try_from(length / 2).unwrap();
    flip(&folder, "A1.journal", middle);
    let json = run(&folder, &["verify", ".", "--json"]);
    assert_eq!(json.code, 21);
    let finding = json.json()["findings"][0].clone();
    assert_eq!(
        (&finding["file"], &finding["integrity"]),
        (&"A1.journal".into(), &"TAMPERED".into())
    );
    let offset = usize::try_from(finding["offset"].as_u64().unwrap()).unwrap();
    assert!((middle.saturating_sub(400)..=middle).contains(&offset), "{offset} for {middle}");
    let told = run(&folder, &["verify", "."]);
    assert!(told.out.starts_with("TAMPERED: ") && told.out.contains("A1.journal, byte "));
    // What is left still gives a report.
    assert!(run(&folder, &["report", "."]).code != 3);
}

#[test]
fn a_changed_or_cut_recording_is_named_with_its_piece() {
    let folder = session();
    flip(&folder, "P.mp4", 20_000);
    let changed = run(&folder, &["verify", "."]);
    assert_eq!(changed.code, 21);
    assert!(
        changed.out.contains("(P.mp4)") && changed.out.contains("were changed"),
        "{}",
        changed.out
    );
    flip(&folder, "P.mp4", 20_000);
    let length = fs::metadata(folder.path("A1.mp4")).unwrap().len();
    cut(&folder, "A1.mp4", length - 10);
    let missing = run(&folder, &["verify", "."]);
    assert_eq!(missing.code, 20);
    assert!(missing.out.contains("(A1.mp4)") && missing.out.contains("missing"), "{}", missing.out);
    fs::remove_file(folder.path("A1.mp4")).unwrap();
    assert_eq!(run(&folder, &["verify", "."]).code, 20);
    extend(&folder, "P.mp4", b"more");
    let more = run(&folder, &["verify", "."]);
    assert!(more.out.contains("P.mp4: its last 4 bytes were never committed"), "{}", more.out);
}

#[test]
fn a_journal_cut_anywhere_is_an_end_and_never_a_panic() {
    let folder = session();
    let whole = fs::read(folder.path("A1.journal")).unwrap();
    for part in [0, 1, 50, 104, 105, 400, whole.len() / 2, whole.len() - 1] {
        folder.write("A1.journal", &whole[..part]);
        let verified = run(&folder, &["verify", "."]);
        assert_eq!(verified.code, 20, "cut at {part}: {}{}", verified.out, verified.err);
        let report = run(&folder, &["report", "."]);
        assert!([0, 11, 12].contains(&report.code), "cut at {part}: {}", report.err);
        assert!(report.out.contains("interruption"), "cut at {part}");
    }
    folder.write("A1.journal", &whole);
    for part in [300, 104, 50, 0] {
        cut(&folder, "P.journal", part);
        let report = run(&folder, &["report", "."]);
        report.fails(3, "no report can be made");
    }
}

#[test]
fn a_folder_that_is_no_session_is_refused_by_kind() {
    let folder = Folder::new();
    for command in ["report", "judge", "verify", "align", "clock"] {
        run(&folder, &[command, "none"]).fails(4, "cannot read none");
        run(&folder, &[command, "."]).fails(3, "expected P.journal, A1.journal, … in .");
    }
    folder.write("notes.txt", "x");
    run(&folder, &["report", "."]).fails(3, "got 1 other files");
    run(&folder, &["report", "notes.txt"]).fails(4, "cannot read notes.txt");
    folder.write("P.journal", "this is a diary");
    for command in ["report", "judge", "align", "clock"] {
        run(&folder, &[command, "."]).fails(3, "P.journal cannot be read as a journal");
    }
    let verified = run(&folder, &["verify", "."]);
    assert!(verified.code == 21 && verified.out.contains("P.journal, byte 0"), "{}", verified.out);
}

/// Where each record of a journal is.
fn records(journal: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut found) = (104, Vec::new());
    while at < journal.len() {
        let body = usize::from(u16::from_le_bytes([journal[at], journal[at + 1]]));
        found.push(at..at + 28 + body);
        at += 28 + body;
    }
    found
}

#[test]
fn whatever_is_done_to_a_journal_verify_names_it() {
    let folder = session();
    let whole = fs::read(folder.path("A1.journal")).unwrap();
    let parts = records(&whole);
    let victim = parts.len() / 2;
    let (one, next) = (parts[victim].clone(), parts[victim + 1].clone());
    let joined = |pieces: &[&[u8]]| pieces.concat();
    let deleted = joined(&[&whole[..one.start], &whole[one.end..]]);
    let swapped = joined(&[
        &whole[..one.start],
        &whole[next.clone()],
        &whole[one.clone()],
        &whole[next.end..],
    ]);
    let inserted = joined(&[&whole[..one.end], &whole[one.clone()], &whole[one.end..]]);
    let truncated = whole[..parts[victim].start].to_vec();
    let forged = fs::read(session_of(9, 7).path("A1.journal")).unwrap();
    let yesterday = fs::read(session_of(8, 2).path("A1.journal")).unwrap();
    let place = |at: usize| format!("A1.journal, byte {at}:");
    let cases = [
        ("deleted record", deleted, 21, place(one.start), "expected record"),
        ("swapped records", swapped, 21, place(one.start), "expected record"),
        ("inserted record", inserted, 21, place(one.end), "expected record"),
        ("truncated tail", truncated, 20, place(parts[victim].start), "P saw record"),
        ("forged signature", forged, 21, "A1.journal, byte ".to_owned(), "it is forged"),
        ("yesterday's journal", yesterday, 21, place(16), "it was put here"),
    ];
    for (what, journal, code, place, meaning) in cases {
        folder.write("A1.journal", journal);
        let told = run(&folder, &["verify", "."]);
        assert_eq!(told.code, code, "{what}: {}", told.out);
        let lines: Vec<&str> = told.out.lines().collect();
        let named = |pair: &[&str]| pair[0].contains(&place) && pair[1].contains(meaning);
        assert!(lines.windows(2).any(named), "{what}: {}", told.out);
    }
}

#[test]
fn a_journal_of_another_session_is_found() {
    let folder = session();
    let mut journal = fs::read(folder.path("A1.journal")).unwrap();
    journal.truncate(104);
    journal[16] ^= 1;
    folder.write("A1.2.journal", &journal);
    let verified = run(&folder, &["verify", "."]);
    assert_eq!(verified.code, 21);
    assert!(verified.out.contains("A1.2.journal, byte 0"), "{}", verified.out);
}

#[test]
fn every_frame_is_placed_within_a_bound_that_its_pixels_confirm() {
    let folder = session();
    let told = run(&folder, &["align", "."]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    assert!(told.out.contains("A1  270 frames, each within"), "{}", told.out);
    let json = run(&folder, &["align", ".", "--json"]);
    assert_eq!(folder.read("alignment.json"), json.out);
    let map: diptych::align::FrameMap = serde_json::from_str(&json.out).unwrap();
    let truths: Vec<_> = ["P.mp4", "A1.mp4"]
        .map(|name| diptych::video::read_timecodes(&folder.path(name)).unwrap())
        .into();
    let compared = map.compare(&truths);
    assert!(compared.frames_checked > 200, "{compared:?}");
    assert_eq!(compared.outside, 0, "{compared:?}");
    assert!(compared.bound_ns_max < 5_000_000, "{compared:?}");
}

#[test]
fn a_side_by_side_video_is_a_recording_and_never_replaces_one() {
    let folder = session();
    let told = run(&folder, &["align", ".", "--video", "both.mp4"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let frames = diptych::video::read_stamps(&folder.path("both.mp4")).unwrap().len();
    assert!(frames > 500, "{frames}");
    run(&folder, &["align", ".", "--video", "both.mp4"]).fails(4, "expected a new file");
    cut(&folder, "A1.mp4", 100);
    run(&folder, &["align", "."]).fails(3, "a recording cannot be read");
    fs::remove_file(folder.path("A1.mp4")).unwrap();
    let alone = run(&folder, &["align", "."]);
    assert!(alone.out.contains("A1  a recording that its journal began is not here"));
    fs::remove_file(folder.path("A1.journal")).unwrap();
    let alone = run(&folder, &["align", "."]);
    // Less than was recorded is no success.
    assert!(alone.code == 20 && alone.out.contains("A1  its journal is not here"), "{}", alone.out);
}

#[test]
fn the_clocks_story_is_told_and_drawn() {
    let folder = session();
    let told = run(&folder, &["clock", ".", "--svg", "clock.svg"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    assert!(told.out.contains("A1: 220 messages to it and 220 from it"), "{}", told.out);
    assert!(told.out.contains("+79.") || told.out.contains("+80."), "{}", told.out);
    assert!(told.out.lines().all(|line| line.chars().count() <= 80), "{}", told.out);
    assert!(folder.read("clock.svg").contains("The clock of A1"));
    let json = run(&folder, &["clock", ".", "--json"]).json();
    let samples = json["clocks"][0]["samples"].as_array().unwrap();
    for sample in samples.iter().filter(|sample| !sample["now"].is_null()) {
        let at = sample["at_ns"].as_i64().unwrap();
        let truth = 30_000_000_000 + at / 1_000_000 * 80;
        let bound = |name: &str| sample["now"][name].as_i64().unwrap();
        assert!((bound("low_ns") - 100..=bound("high_ns") + 100).contains(&truth), "{sample}");
    }
    assert!(samples.len() > 20);
    let clock = &json["clocks"][0];
    assert_eq!(
        (clock["epochs"].as_u64(), clock["epochs_begin"].as_array().map(Vec::len)),
        (Some(1), Some(0))
    );
    assert!(clock["links"].is_array() && clock["events"].is_array(), "{clock}");
}
