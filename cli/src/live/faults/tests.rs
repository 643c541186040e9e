//! Scripts that are read, scripts that are refused, and the truth of the stories.

use diptych_protocol::policy::Verdict;

use super::*;

fn wrong(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn every_fault_of_the_language_is_read() {
    let a1 = Role::new(1).unwrap();
    let text = "# a story\nat 6s A1 camera off for 3s\n\nat 12s P kill for 4s # gone\n\
                at 15s link down for 500ms\nat 20s A1 sleep for 10s\nat 25s P roam\n";
    let faults = parse(text).unwrap();
    let (secs, none) = (Duration::from_secs, Duration::ZERO);
    let expected = [
        Fault { at: secs(6), action: Action::Away(Away::Camera, a1), length: secs(3) },
        Fault { at: secs(12), action: Action::Kill(Role::PRIMARY), length: secs(4) },
        Fault { at: secs(15), action: Action::LinkDown, length: Duration::from_millis(500) },
        Fault { at: secs(20), action: Action::Sleep(a1), length: secs(10) },
        Fault { at: secs(25), action: Action::Roam(Role::PRIMARY), length: none },
    ];
    assert_eq!(faults.all(), expected);
    assert_eq!(faults.seconds(), 38);
}

#[test]
fn what_is_no_fault_is_refused_with_its_place() {
    let cases = [
        ("in 6s", "line 1, column 1: expected `at`, got \"in\""),
        ("\nat", "line 2, column 3: expected a time after the start of answering"),
        ("at 6 A1", "line 1, column 4: expected a time"),
        ("at 99999999999999999999s A1 roam", "line 1, column 4: expected a time"),
        ("at 4000s A1 roam", "line 1, column 4: expected a time"),
        ("at -1s A1 roam", "line 1, column 4: expected a time"),
        ("at 6s B roam", "line 1, column 7: expected P, A1 or `link`, got \"B\""),
        ("at 6s P explode", "line 1, column 9: expected `camera off`, `sound off`"),
        ("at 6s A1 screen left for 1s", "line 1, column 10: expected P, the only one"),
        ("at 6s P screen off for 1s", "line 1, column 16: expected `left`, got \"off\""),
        ("at 6s A1 sound on for 1s", "line 1, column 16: expected `off`, got \"on\""),
        ("at 6s P camera on for 3s", "line 1, column 16: expected `off`, got \"on\""),
        ("at 6s P kill 4s", "line 1, column 14: expected `for` and a length"),
        ("at 6s P kill for 1s", "line 1, column 18: expected at least 3s"),
        ("at 6s P roam now", "line 1, column 14: expected the end of the line"),
        ("at 6s é", "line 1, column 7: expected P"),
        ("at 6s link up", "line 1, column 12: expected `down`"),
        ("at 6s P roam\nat 5s P roam", "line 2, column 1: expected faults in the order"),
    ];
    for (text, expected) in cases {
        let got = wrong(text);
        assert!(got.starts_with(expected), "{text:?}: {got}");
    }
    assert!(wrong(&"at 1s P roam\n".repeat(65)).contains("at most 64 faults"));
}

#[test]
fn sound_and_a_glance_away_count_nothing_and_are_said() {
    let policy = Policy::preset("xyb-seed").unwrap();
    let flags = |text: &str| {
        let truth = parse(text).unwrap().truth(&policy);
        assert_eq!((truth.verdict, truth.count_max), (Verdict::Pass, 0), "{text}");
        truth.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>()
    };
    assert_eq!(flags("at 6s A1 sound off for 3s"), ["AUDIO_LOSS"]);
    assert_eq!(flags("at 6s P screen left for 1s"), ["HICCUP"]);
    assert_eq!(parse("at 6s P screen left for 3s").unwrap().truth(&policy).count_max, 1);
}

#[test]
fn the_truth_of_each_story_is_the_one_that_schools_tell() {
    let policy = Policy::preset("xyb-seed").unwrap();
    let counts = STORIES.map(|(name, text)| {
        let truth = parse(text).unwrap_or_else(|error| panic!("{name}: {error}")).truth(&policy);
        assert_eq!(truth.verdict, Verdict::Pass, "{name}");
        assert_eq!(truth.count_min, truth.count_max, "{name}");
        (name, truth.count_min)
    });
    let expected = [
        ("phone-call", 1),
        ("router-reboot", 0),
        ("dead-battery", 1),
        ("app-killed", 1),
        ("both-out", 1),
        ("flapping", 1),
    ];
    assert_eq!(counts, expected);
}
