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
    // With all that is known afterwards, and with what was known at each picture.
    let alignment = &told["alignment"];
    let number = |name: &str| alignment[name].as_i64().unwrap();
    assert!(number("true_error_ns_max") <= number("bound_ns_max"), "{alignment}");
    assert_eq!(number("outside"), 0, "{alignment}");
    assert!(number("frames_checked") > 100, "{alignment}");
    let online = |name: &str| alignment["online"][name].as_i64().unwrap();
    assert!(online("true_error_ns_max") <= online("bound_ns_max"), "{alignment}");
    assert!(online("frames_checked") > 100 && online("outside") == 0, "{alignment}");
    assert!(online("bound_ns_max") >= number("bound_ns_max"), "{alignment}");
    assert!(told["pairing_ns"].as_i64().unwrap() > 0);
    assert_eq!(told["recordings"].as_array().unwrap().len(), 2);
    // The code that was read can be printed: a PNG file begins with its width.
    let code = std::fs::read(folder.path("mock/A1-code.png")).unwrap();
    let width = u32::from_be_bytes(code[16..20].try_into().unwrap());
    assert!((8 * 57..=800).contains(&width), "{width}");
    // What the bounds rest on is in the file that it leaves, as in the one of `align`.
    let left: serde_json::Value =
        serde_json::from_str(&folder.read("mock/alignment.json")).unwrap();
    let evidence = &left["evidence"];
    assert_eq!(
        (&evidence["checked"], &evidence["integrity"]),
        (&true.into(), &"INTACT".into()),
        "{evidence}"
    );
    assert!(evidence["pieces"].as_u64().unwrap() > 40, "{evidence}");
    assert_eq!(told["evidence"], *evidence);
    // Whoever aligns the folder is told the same, the camera's own error included.
    let again = run(&folder, &["align", "mock", "--json"]).json();
    let pairs = again["pairs"].as_array().unwrap();
    let apart = pairs.iter().flat_map(|pair| pair["neighbours"].as_array().unwrap());
    let widest = apart.filter_map(|one| {
        let ns = |name: &str| one[name].as_i64();
        let [apart, least, most] = [ns("apart_ns")?, ns("apart_min_ns")?, ns("apart_max_ns")?];
        Some((most - apart).max(apart - least))
    });
    assert_eq!(widest.max().unwrap(), number("bound_ns_max"));
}

#[test]
fn both_devices_killed_at_once_come_back_to_the_script_s_truth() {
    let folder = Folder::new();
    let script = "at 2s P kill for 3s\nat 2500ms A1 kill for 3s\nat 7s link down for 1s\n";
    folder.write("kills.faults", script);
    let args = ["rehearse", "--small", "--json", "--faults", "kills.faults", "--out", "mock"];
    let ran = run(&folder, &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.json();
    for part in ["verdict", "count_min", "count_max"] {
        assert_eq!(told["truth"][part], told["report"][part], "{told:#}");
    }
    assert_eq!(
        (&told["report"]["verdict"], &told["report"]["count_max"]),
        (&"PASS".into(), &1.into())
    );
    // Every piece that was committed before a kill is there, and what it was.
    let verified = run(&folder, &["verify", "mock/P"]);
    assert_eq!(verified.code, 0, "{}", verified.out);
    let judged = run(&folder, &["judge", "mock/P"]);
    assert!(judged.code == 0 && judged.out.contains("says the same"), "{}", judged.out);
    // When a process died is known to two seconds, so a limit of what it cost is marginal.
    let report = run(&folder, &["report", "mock/P", "--json"]).json();
    let length = report["interruptions"][0]["duration_ns"].as_i64().unwrap();
    folder.write("exact.toml", format!("name = \"exact\"\nmax_duration = \"{length} ns\"\n"));
    let exact = run(&folder, &["report", "mock/P", "--json", "--policy", "exact.toml"]).json();
    assert!(exact["flags"].as_array().unwrap().contains(&"MARGINAL".into()), "{exact:#}");
}

#[test]
fn a_lost_microphone_and_a_glance_away_are_in_the_report_and_count_nothing() {
    let folder = Folder::new();
    folder.write("call.faults", "at 2s A1 sound off for 2s\nat 5s P screen left for 1s\n");
    let args = ["rehearse", "--small", "--json", "--faults", "call.faults", "--out", "mock"];
    let ran = run(&folder, &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.json();
    let flags = |of: &str, flag: &str| told[of]["flags"].as_array().unwrap().contains(&flag.into());
    for flag in ["AUDIO_LOSS", "HICCUP"] {
        assert!(flags("truth", flag) && flags("report", flag), "{told:#}");
    }
    assert_eq!(told["report"]["count_max"], 0, "{told:#}");
    let report = run(&folder, &["report", "mock/P", "--json"]).json();
    let flags = report["flags"].as_array().unwrap();
    assert!(flags.contains(&"AUDIO_LOSS".into()) && flags.contains(&"HICCUP".into()), "{report:#}");
}

#[test]
fn a_script_that_is_none_is_refused_with_its_place() {
    let folder = Folder::new();
    folder.write("bad.faults", "at 6s P kill for 4s\nat 7s A1 explode\n");
    let args = ["rehearse", "--faults", "bad.faults", "--out", "mock"];
    run(&folder, &args).fails(2, "bad.faults: line 2, column 10: expected `camera off`");
    run(&folder, &["rehearse", "--faults", "no-such-story"])
        .fails(4, "there are phone-call, router-reboot");
    assert!(!folder.path("mock").exists());
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
