//! A plan says what it means, and every mistake in it is named.

use super::*;
use diptych_protocol::limits;

const WALL_MS: i64 = 1_796_400_000_000;

fn parse(text: &str) -> Result<PlanFile, String> {
    PlanFile::parse(Path::new("exam.toml"), text).map_err(|problem| problem.to_string())
}

/// The example with one line replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(EXAMPLE.matches(from).count(), 1, "{from:?} is not in the example once");
    EXAMPLE.replace(from, to)
}

fn seconds(plan: &Plan, now: Instant<Primary>) -> [i64; 4] {
    let windows = plan.windows();
    [windows.wait_open, windows.wait_close, windows.answer_start, windows.answer_end]
        .map(|at| (at - now).nanos() / 1_000_000_000)
}

#[test]
fn the_example_is_a_plan_under_the_manuals_rule() {
    let file = parse(EXAMPLE).unwrap();
    let now = Instant::from_nanos(77);
    let plan = file.plan(now, WALL_MS).unwrap();
    assert_eq!(seconds(&plan, now), [0, 180, 180, 780]);
    assert_eq!(plan.mode(), Mode::Mock);
    assert_eq!(*file.policy(), Policy::preset("xyb-seed").unwrap());
    assert_eq!(file.exam(), ExamTag::of("painting-2026/mock-1"));
    assert_eq!(file.check_code(), CheckCode::Skipped);
    assert_eq!(*plan.requirements(), USUAL, "what the example shows is what is usual");
}

#[test]
fn every_preset_is_named_in_the_example() {
    for preset in PRESETS {
        assert!(EXAMPLE.contains(preset), "{preset}");
    }
}

#[test]
fn calendar_times_are_laid_onto_the_primarys_clock() {
    // Half past the wall clock's hour, with and without quotes, in two offsets.
    let text = changed("wait_open = \"now\"", "wait_open = 2026-12-04T16:30:00Z");
    let text =
        text.replace("wait_close = \"in 3 min\"", "wait_close = \"2026-12-05T01:00:00+08:00\"");
    let text = text.replace("answer_start = \"in 3 min\"", "answer_start = \"in 1 h 30 min\"");
    let text =
        text.replace("answer_end = \"in 13 min\"", "answer_end = 2026-12-04T18:30:00.000-00:00");
    let file = parse(&text).unwrap();
    let now = Instant::from_nanos(-5_000_000_000);
    let plan = file.plan(now, WALL_MS).unwrap();
    assert_eq!(seconds(&plan, now), [1_800, 3_600, 5_400, 9_000]);
}

#[test]
fn each_mistake_is_told_with_field_expectation_and_what_came() {
    for (from, to, told) in [
        ("mode = \"mock\"", "mode = \"test\"", "mode: expected \"exam\" or \"mock\", got \"test\""),
        ("mode = \"mock\"", "", "mode: expected \"exam\" or \"mock\", got nothing"),
        ("mode = \"mock\"", "mode = mock", "a text is written in quotes, \"mock\""),
        ("mode = \"mock\"", "mode = \"mock\"\nmode = \"exam\"", "line 7: expected TOML"),
        ("assistants = 1", "asistants = 1", "asistants: expected one of mode, issuer"),
        ("assistants = 1", "assistants = 300", "got 300"),
        ("assistants = 1", "assistants = \"1\"", "got \"1\""),
        ("\"Example Academy of Arts\"", "\"\"", "issuer: expected a label of 1 to 32 bytes"),
        ("\"in 13 min\"", "\"in -13 min\"", "windows.answer_end: expected a time such as"),
        ("\"in 13 min\"", "\"in 13min\"", "got \"in 13min\""),
        ("\"in 13 min\"", "\"in 99999999999999999999 h\"", "windows.answer_end: expected a time"),
        ("\"in 13 min\"", "\"in 9999999999 h\"", "windows.answer_end: expected a time"),
        ("\"in 13 min\"", "780", "got 780"),
        ("\"in 13 min\"", "2026-12-05T09:00:00", "got 2026-12-05T09:00:00"),
        ("\"in 13 min\"", "\"2026-13-05T09:00:00Z\"", "got \"2026-13-05T09:00:00Z\""),
        ("preset = \"xyb-seed\"", "preset = \"xyb\"", "policy: preset: expected one of xyb-seed"),
        ("preset = \"xyb-seed\"", "max_cuont = 1", "policy: expected one of the fields"),
        ("preset = \"xyb-seed\"", "max_count = 1", "policy: name: expected a name of its own"),
        (
            "preset = \"xyb-seed\"",
            "max_count = 1.5",
            "policy.max_count: expected a text or a whole",
        ),
        (
            "battery_percent = 20",
            "battery_percent = 101",
            "requirements.battery_percent: expected a",
        ),
        ("charger = false", "charger = \"no\"", "requirements.charger: expected true or false"),
        ("heat = \"hot\"", "heat = \"boiling\"", "requirements.heat: expected"),
        ("[\"camera\"]", "[\"telescope\"]", "requirements.permissions: expected a list"),
    ] {
        let error = parse(&changed(from, to)).unwrap_err();
        assert!(error.contains(told), "{from} → {to}\n  told: {error}\n  expected: {told}");
    }
    assert!(parse("").unwrap_err().starts_with("mode: expected"));
    assert!(parse("\u{0}").unwrap_err().starts_with("line 1: expected TOML"));
}

#[test]
fn impossible_times_and_numbers_are_refused() {
    let problem = |from, to| {
        let file = parse(&changed(from, to)).unwrap();
        file.plan(Instant::from_nanos(0), WALL_MS).unwrap_err().to_string()
    };
    assert_eq!(
        problem("\"in 13 min\"", "\"in 2 min\""),
        "exam.toml: windows: expected the start of answering before the end of answering, but it \
         is 1 min after it; correct the times\n  \
         waiting    2026-12-04 16:00:00 UTC to 2026-12-04 16:03:00 UTC\n  \
         answering  2026-12-04 16:03:00 UTC to 2026-12-04 16:02:00 UTC"
    );
    let long = problem("\"in 13 min\"", "\"in 30 d\"");
    assert!(long.contains("windows: expected a session of at most 12 h, got 30 d"), "{long}");
    assert!(problem("assistants = 1", "assistants = 0").contains("assistants: expected 1 to 8"));
    assert!(problem("assistants = 1", "assistants = 9").contains("got 9"));
    let text = changed("wait_open = \"now\"", "wait_open = 2026-12-04T10:00:00Z")
        .replace("wait_close = \"in 3 min\"", "wait_close = 2026-12-04T14:30:00Z");
    let error = parse(&text).unwrap().plan(Instant::from_nanos(0), WALL_MS).unwrap_err();
    assert!(error.to_string().contains("got one 1 h 30 min ago"), "{error}");
}

#[test]
fn assistants_in_the_example_are_what_the_protocol_takes() {
    assert!(EXAMPLE.contains(&format!("1 to {}", limits::ASSISTANTS)));
}
