//! A rehearsal as a script sees it: real processes, real video, one object.

use crate::{Folder, run};

#[test]
fn a_rehearsal_passes_counts_both_interruptions_and_was_true() {
    let folder = Folder::new();
    let args = ["rehearse", "--seconds", "20", "--small", "--json", "--out", "mock"];
    let ran = run(&folder, &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.json();
    assert_eq!((&told["verdict"], &told["count"]), (&"PASS".into(), &2.into()), "{told:#}");
    let roles: Vec<_> =
        told["interruptions"].as_array().unwrap().iter().map(|one| one["role"].clone()).collect();
    assert_eq!(roles, ["P", "A1"]);
    let alignment = &told["alignment"];
    let number = |name: &str| alignment[name].as_i64().unwrap();
    assert!(number("true_error_ns_max") <= number("bound_ns_max"), "{alignment}");
    assert!(number("frames_checked") > 100, "{alignment}");
    assert!(told["pairing_ns"].as_i64().unwrap() > 0);
    assert_eq!(told["recordings"].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_rehearsed_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    run(&folder, &["rehearse", "--seconds", "5", "--out", "short"]).fails(2, "--no-faults");
    assert!(!folder.path("short").exists());
    folder.write("notes", "mine");
    run(&folder, &["rehearse", "--out", "."]).fails(4, "choose another");
}

#[test]
fn devices_that_lack_plan_or_code_say_so() {
    let folder = Folder::new();
    run(&folder, &["primary", "--out", "p"]).fails(2, "diptych plan");
    run(&folder, &["primary", "--plan", "none.toml", "--out", "p"]).fails(4, "none.toml");
    run(&folder, &["primary", "--out", "p", "--advertise", "here"]).fails(2, "--advertise");
    run(&folder, &["secondary", "--out", "a"]).fails(2, "--scan");
    folder.write("picture.png", "no picture");
    run(&folder, &["secondary", "--scan", "picture.png", "--out", "b"]).fails(3, "picture.png");
    let foreign = ["secondary", "--ticket", "https://example.org/menu", "--out", "c"];
    run(&folder, &foreign).fails(3, "not a ticket");
}
