//! What is kept beside the journals, and what is not; what is said of recordings that lack.

use std::fs;
use std::process::Command;

use super::session::{cut, flip, session};
use super::{Folder, Ran, run};

/// Runs the program where `folder` cannot be written, in name spaces of its own, which needs
/// no rights. `None` where the system does not allow it.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn run_read_only(folder: &Folder, args: &[&str]) -> Option<Ran> {
    let here = folder.path("").display().to_string();
    let mount = format!("mount --bind '{here}' '{here}' && mount -o remount,ro,bind '{here}'");
    let spaces = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let tried = Command::new("unshare").args(spaces).arg(&mount).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: nothing can be mounted read-only here (unshare --user --mount)");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_diptych");
    let run = format!("{mount} && cd '{here}' && exec '{program}' {}", args.join(" "));
    let output = Command::new("unshare").args(spaces).arg(run).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Some(Ran { code, out: text(output.stdout), err: text(output.stderr) })
}

#[test]
fn a_question_by_another_rule_leaves_the_session_s_own_report() {
    let folder = session();
    let own = run(&folder, &["report", ".", "--json"]);
    let strict = run(&folder, &["report", ".", "--policy", "strict-zero"]);
    assert_eq!(strict.code, 10);
    assert!(strict.err.contains("report-strict-zero.json"), "{}", strict.err);
    assert_eq!(folder.read("report.json"), own.out);
    assert_eq!(folder.read("report-strict-zero.txt"), strict.out);
    assert!(folder.read("timeline-strict-zero.svg").starts_with("<svg"));
    let judged = run(&folder, &["judge", "."]);
    assert!(judged.code == 0 && judged.out.contains("report.json says the same"), "{}", judged.out);
    // Asked by the same rule, it is held against the report by that rule.
    let judged = run(&folder, &["judge", ".", "--policy", "strict-zero"]);
    let same = "report-strict-zero.json says the same";
    assert!(judged.code == 10 && judged.out.contains(same), "{}", judged.out);
    folder.write("odd.toml", "name = \"../our rule\"\n");
    assert_eq!(run(&folder, &["report", ".", "--policy", "odd.toml"]).code, 0);
    assert!(folder.path("report----our-rule.json").exists());
    // The session's own rule by its name is the session's own report.
    let named = run(&folder, &["report", ".", "--policy", "xyb-seed"]);
    assert_eq!((named.code, named.err.as_str()), (0, ""));
}

#[test]
fn evidence_that_nobody_may_write_still_gives_its_result() {
    let folder = session();
    let Some(told) = run_read_only(&folder, &["report", "."]) else { return };
    assert!(told.code == 0 && told.out.starts_with("PASS: "), "{}{}", told.out, told.err);
    assert!(told.err.contains("may not be written") && told.err.contains("--out"), "{}", told.err);
    let json = run_read_only(&folder, &["report", ".", "--json"]).unwrap();
    assert_eq!((json.code, &json.json()["verdict"]), (0, &"PASS".into()));
    let told = run_read_only(&folder, &["align", "."]).unwrap();
    assert!(told.code == 0 && told.out.contains("pairs of frames"), "{}{}", told.out, told.err);
    assert!(told.err.contains("may not be written") && !told.out.contains("wrote"), "{}", told.err);
    // Where it was asked for by name, it is no by-product.
    let asked = run_read_only(&folder, &["report", ".", "--out", "account"]).unwrap();
    assert!(asked.code == 4 && asked.err.contains("cannot write account"), "{}", asked.err);
    let elsewhere = Folder::new();
    let out = elsewhere.path("account").display().to_string();
    assert_eq!(run_read_only(&folder, &["report", ".", "--out", &out]).unwrap().code, 0);
    assert_eq!(run_read_only(&folder, &["align", ".", "--out", &out]).unwrap().code, 0);
    assert!(elsewhere.read("account/report.txt").starts_with("PASS: "));
    assert!(elsewhere.path("account/alignment.json").exists());
}

#[test]
fn a_bound_is_stated_for_recordings_that_are_what_was_recorded() {
    let folder = session();
    let intact = run(&folder, &["align", "."]);
    assert!(intact.code == 0 && intact.out.contains("\nINTACT: all "), "{}", intact.out);
    let evidence = |args: &[&str]| run(&folder, &[&["align", ".", "--json"], args].concat()).json();
    let told = evidence(&[]);
    let (checked, word) = (&told["evidence"]["checked"], &told["evidence"]["integrity"]);
    assert_eq!((checked, word), (&true.into(), &"INTACT".into()));
    flip(&folder, "P.mp4", 20_000);
    let changed = run(&folder, &["align", "."]);
    assert!(changed.code == 21 && changed.out.contains("\nTAMPERED: of "), "{}", changed.out);
    assert!(changed.out.contains(" 1 changed, 0 missing") && changed.out.contains("verify"));
    assert_eq!(evidence(&[])["evidence"]["pieces_changed"], 1);
    let blind = run(&folder, &["align", ".", "--unchecked"]);
    assert!(blind.code == 0 && blind.out.contains("\nNOT CHECKED: "), "{}", blind.out);
    let told = evidence(&["--unchecked"]);
    assert_eq!(
        (&told["evidence"]["checked"], &told["evidence"]["integrity"]),
        (&false.into(), &().into())
    );
}

#[test]
fn a_verdict_by_a_damaged_journal_names_the_file_the_place_and_the_cost() {
    let folder = session();
    let whole = run(&folder, &["judge", "."]);
    assert!(whole.out.contains("The journals are whole"), "{}", whole.out);
    let length = fs::metadata(folder.path("A1.journal")).unwrap().len();
    flip(&folder, "A1.journal", usize::try_from(length / 2).unwrap());
    let told = run(&folder, &["judge", "."]);
    let named = told.out.contains("TAMPERED   A1.journal, byte ");
    assert!(named && told.out.contains("of it cannot be read"), "{}", told.out);
    let json = run(&folder, &["judge", ".", "--json"]).json();
    assert_eq!(
        (&json["evidence"], &json["recordings_checked"]),
        (&"TAMPERED".into(), &false.into())
    );
    let damage = &json["damages"][0];
    assert_eq!(damage["file"], "A1.journal", "{json:#}");
    assert!(damage["records_lost"].as_u64().unwrap() > 0, "{json:#}");
    cut(&folder, "A1.journal", 50);
    let json = run(&folder, &["judge", ".", "--json"]).json();
    assert_eq!(json["evidence"], "INCOMPLETE", "{json:#}");
    let files: Vec<_> =
        json["damages"].as_array().unwrap().iter().map(|one| &one["file"]).collect();
    assert!(files.contains(&&"A1.journal".into()), "{json:#}");
}

#[test]
fn one_camera_alone_is_not_shown_side_by_side() {
    let folder = session();
    fs::remove_file(folder.path("A1.mp4")).unwrap();
    let told = run(&folder, &["align", ".", "--video", "both.mp4"]);
    told.fails(3, "two cameras to show side by side, got those of P alone (A1: a recording");
    assert!(!folder.path("both.mp4").exists());
    let told = run(&folder, &["align", "."]);
    assert!(told.code == 20 && told.out.contains("P is alone"), "{}", told.out);
    fs::remove_file(folder.path("P.mp4")).unwrap();
    run(&folder, &["align", "."]).fails(3, "copy P.mp4, A1.mp4, … beside the journals");
    fs::remove_file(folder.path("A1.journal")).unwrap();
    let told = run(&folder, &["verify", "."]);
    assert!(told.code == 20 && told.out.contains(": 1 journal, "), "{}", told.out);
}

#[test]
fn a_recording_that_was_not_copied_is_one_finding() {
    let folder = session();
    fs::remove_file(folder.path("A1.mp4")).unwrap();
    let told = run(&folder, &["verify", "."]);
    assert_eq!(told.code, 20);
    assert_eq!(told.out.matches("a file that is not here").count(), 1, "{}", told.out);
    assert!(told.out.contains(" pieces from record "), "{}", told.out);
    let json = run(&folder, &["verify", ".", "--json"]).json();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{json:#}");
    assert!(findings[0]["pieces"].as_u64().unwrap() > 20, "{json:#}");
    assert!(findings[0]["bytes"].as_u64().unwrap() > 100_000, "{json:#}");
    // What was changed in a recording and what lacks of it are two things.
    flip(&folder, "P.mp4", 20_000);
    let length = fs::metadata(folder.path("P.mp4")).unwrap().len();
    cut(&folder, "P.mp4", length / 2);
    let json = run(&folder, &["verify", ".", "--json"]).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 3, "{json:#}");
}

#[test]
fn a_copy_of_a_journal_is_no_second_one_and_one_that_differs_is() {
    let folder = session();
    let own = run(&folder, &["report", ".", "--json"]).out;
    fs::copy(folder.path("A1.journal"), folder.path("A1 (1).journal")).unwrap();
    let verified = run(&folder, &["verify", "."]);
    assert!(verified.code == 0 && verified.out.contains("INTACT: 2 journals"), "{}", verified.out);
    assert!(verified.out.contains("A1 (1).journal: the same as A1.journal"), "{}", verified.out);
    assert_eq!(run(&folder, &["report", ".", "--json"]).out, own);
    let length = fs::metadata(folder.path("A1.journal")).unwrap().len();
    cut(&folder, "A1 (1).journal", length - 100);
    let verified = run(&folder, &["verify", "."]);
    assert!(verified.code == 21, "{}", verified.out);
}
