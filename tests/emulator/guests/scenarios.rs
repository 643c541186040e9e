//! The scenarios: what is done, and what the report has to say.

use std::time::Instant;

use serde_json::Value;

use crate::bed::{Bed, LOG, Start, Topology};
use crate::faults::{Starved, delay, set_back, unplug};
use crate::guest::Guest;

/// One story of two guests.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Yields what was measured.
    pub(crate) run: fn() -> String,
}

const fn story(name: &'static str, run: fn() -> String) -> Scenario {
    Scenario { name, run }
}

pub(crate) const ALL: [Scenario; 10] = [
    story("behind_translation_a_code_pairs_and_an_outage_counts_nothing", translated),
    story("on_one_network_a_killed_assistant_counts_once", killed_assistant),
    story("a_suspended_assistant_counts_once_and_a_wall_clock_nothing", || suspended(20)),
    story("links_lost_for_1_5_30_and_150_seconds_count_nothing", links),
    story("a_suspend_of_90_seconds_counts_once", || suspended(90)),
    story("a_killed_primary_counts_once", killed_primary),
    story("both_killed_count_on_both", killed_both),
    story("addresses_change_and_nothing_counts", addresses),
    story("a_busy_network_keeps_the_bound", busy),
    story("a_starved_assistant_is_counted_as_its_frames_say", starved),
];

/// The interruptions that count: whose, how long, give or take, in nanoseconds.
fn counted(report: &Value) -> Vec<(String, i64, i64)> {
    let all = report["interruptions"].as_array().unwrap().iter();
    all.filter(|one| one["standing"] == "COUNTED" || one["standing"] == "SAME_EPISODE")
        .map(|one| {
            let number = |name: &str| one[name].as_i64().unwrap();
            let role = one["role"].as_str().unwrap().to_owned();
            (role, number("duration_ns"), number("uncertainty_ns"))
        })
        .collect()
}

fn verdict(report: &Value, wanted: &str, count: usize) -> Vec<(String, i64, i64)> {
    let found = counted(report);
    let told = format!("{} {:#}", report["verdict"], report["interruptions"]);
    assert_eq!((report["verdict"].as_str(), found.len()), (Some(wanted), count), "{told}");
    found
}

fn started(start: Start) -> String {
    let Start { cold_ms, warm_ms, pairing_ms } = start;
    assert!(cold_ms <= 15_000 && pairing_ms <= 2_000, "{start:?}");
    format!(
        "cold start to both cameras recording {cold_ms} ms, of the program {warm_ms} ms, pairing \
         {pairing_ms} ms"
    )
}

fn clocks(bed: &mut Bed) -> String {
    let shown = bed.clocks();
    assert!(shown.compared >= 5, "{shown:?}");
    let micros = |ns: i64| ns / 1_000;
    format!(
        "{} instants inside the bound, error at most {} us, stated {} us, truth within {} ns",
        shown.compared,
        micros(shown.error_ns),
        micros(shown.stated_ns),
        shown.truth_ns
    )
}

/// Seconds that the cut-off log of `guest` needs to show the link up again.
fn until_up(guest: &mut Guest, seconds: u32) -> u128 {
    let began = Instant::now();
    guest.until("/run/after", seconds, "link LIVE");
    began.elapsed().as_millis()
}

/// From now on `/run/after` has only what the log gains.
fn mark(guest: &mut Guest) {
    guest.run(&format!(
        "kill $(cat /run/tail 2>/dev/null) 2>/dev/null; : >/run/after; \
         (exec tail -n 0 -f {LOG} >/run/after 2>/dev/null) & echo $! >/run/tail"
    ));
}

fn outage(bed: &mut Bed, seconds: u32) -> u128 {
    mark(bed.assistant());
    unplug(bed.assistant(), seconds);
    let down = bed.assistant().attempt("grep -q 'link DOWN\\|link LATE' /run/after").0 == 0;
    if down { until_up(bed.assistant(), 30) } else { 0 }
}

fn translated() -> String {
    let mut bed = Bed::new(Topology::Translated, false);
    let start = started(bed.record(30));
    bed.answering();
    let back = outage(&mut bed, 12);
    let report = bed.report(90);
    verdict(&report, "PASS", 0);
    let clocks = clocks(&mut bed);
    format!("{start}; link back {back} ms after 12 s without; {clocks}")
}

fn links() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(230));
    bed.answering();
    let back: Vec<String> =
        [1, 5, 30, 150].iter().map(|length| outage(&mut bed, *length).to_string()).collect();
    let report = bed.report(120);
    verdict(&report, "PASS", 0);
    format!("{start}; back after {} ms; {}", back.join(", "), clocks(&mut bed))
}

/// Kills a guest's emulator, lets `seconds` pass on the other, and starts it
/// again with what its disk kept.
fn reboot(guest: Guest, witness: Option<&mut Guest>, seconds: u32) -> (Guest, Instant) {
    let died = Instant::now();
    let (hardware, folder) = guest.kill();
    if let Some(witness) = witness {
        witness.pass(seconds);
    }
    (Guest::start(hardware, &folder), died)
}

/// Whether one loss is as long as the host measured, within what a fragment, a
/// first picture and its own uncertainty allow.
fn long_as(found: &(String, i64, i64), role: &str, measured_ms: u128) -> String {
    let measured = i64::try_from(measured_ms).unwrap() * 1_000_000;
    let (who, length, within) = found;
    let slack = 2_500_000_000 + within;
    assert!(who == role && (length - measured).abs() <= slack, "{found:?}, measured {measured}");
    let ms = |ns: i64| ns / 1_000_000;
    format!("{role} lost {} ms (measured {measured_ms}) within {} ms", ms(*length), ms(*within))
}

fn killed_assistant() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(40));
    bed.answering();
    bed.primary().pass(3);
    let assistant = bed.assistant.take().unwrap();
    let (assistant, died) = reboot(assistant, bed.primary.as_mut(), 6);
    bed.assistant = Some(assistant);
    bed.follow("");
    bed.assistant().until(LOG, 30, "recording");
    let measured = died.elapsed().as_millis();
    let found = verdict(&bed.report(90), "PASS", 1);
    format!("{start}; {}", long_as(&found[0], "A1", measured))
}

fn killed_primary() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(50));
    bed.answering();
    bed.assistant().pass(3);
    let primary = bed.primary.take().unwrap();
    let (primary, died) = reboot(primary, bed.assistant.as_mut(), 6);
    bed.primary = Some(primary);
    bed.lead("");
    bed.primary().until(LOG, 30, "all cameras were told to record");
    let measured = died.elapsed().as_millis();
    let found = verdict(&bed.report(90), "PASS", 1);
    format!("{start}; {}", long_as(&found[0], "P", measured))
}

fn killed_both() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(60));
    bed.answering();
    bed.assistant().pass(3);
    let primary = bed.primary.take().unwrap();
    let (primary, died) = reboot(primary, None, 0);
    let assistant = bed.assistant.take().unwrap();
    let (assistant, died_too) = reboot(assistant, None, 0);
    (bed.primary, bed.assistant) = (Some(primary), Some(assistant));
    bed.lead("");
    bed.primary().until(LOG, 30, "all cameras were told to record");
    let measured = died.elapsed().as_millis();
    bed.follow("");
    bed.assistant().until(LOG, 30, "recording");
    let measured_too = died_too.elapsed().as_millis();
    let mut found = counted(&bed.report(90));
    found.sort();
    assert_eq!(found.len(), 2, "{found:?}");
    let both = [long_as(&found[1], "P", measured), long_as(&found[0], "A1", measured_too)];
    format!("{start}; {}", both.join("; "))
}

fn suspended(seconds: u32) -> String {
    let mut bed = Bed::new(Topology::Common, true);
    let start = started(bed.record(seconds + 30));
    bed.answering();
    set_back(bed.assistant(), 3_600);
    bed.primary().pass(3);
    let clocks = |guest: &mut Guest| guest.run("bed read");
    let number = |line: &str, which: usize| -> i64 {
        line.split(' ').nth(which).and_then(|word| word.parse().ok()).unwrap()
    };
    let before = clocks(bed.assistant());
    bed.assistant().suspend();
    let slept = Instant::now();
    bed.primary().pass(seconds);
    let measured = slept.elapsed().as_millis();
    bed.assistant().wake();
    let after = clocks(bed.assistant());
    let stood = i64::from(seconds) * 1_000_000_000 - (number(&after, 4) - number(&before, 4));
    assert!(stood > i64::from(seconds) * 900_000_000, "the monotonic clock ran on: {stood}");
    let report = bed.report(90);
    let found = verdict(&report, "PASS", 1);
    let flags = report["flags"].to_string();
    assert!(flags.contains("WALL_STEP"), "{flags}");
    format!("{start}; {}; flags {flags}", long_as(&found[0], "A1", measured))
}

/// Gives a guest another address on the common network.
fn renumber(guest: &mut Guest, old: u8, new: u8) {
    guest.run(&format!(
        "ip addr add 192.168.77.{new}/24 dev lan; ip addr del 192.168.77.{old}/24 dev lan; \
         ip addr add 192.168.77.{new}/24 dev lan 2>/dev/null; \
         ip route replace 224.0.0.0/4 dev lan"
    ));
    let shown = guest.run("ip addr show dev lan");
    let (has, had) = (format!("192.168.77.{new}/"), format!("192.168.77.{old}/"));
    assert!(shown.contains(&has) && !shown.contains(&had), "{shown}");
}

fn addresses() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(75));
    bed.answering();
    renumber(bed.assistant(), 2, 12);
    bed.primary().pass(12);
    renumber(bed.primary(), 1, 11);
    bed.assistant().pass(20);
    renumber(bed.assistant(), 12, 22);
    renumber(bed.primary(), 11, 21);
    bed.assistant().pass(20);
    let linked = bed.primary().run(&format!("grep ': link' {LOG} | tail -n 1"));
    assert!(linked.contains("LIVE"), "{linked}");
    verdict(&bed.report(90), "PASS", 0);
    start
}

fn busy() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let netem = "delay 5ms 3ms distribution pareto loss 1%";
    delay(bed.primary(), "lan", netem);
    delay(bed.assistant(), "lan", netem);
    let ping = bed.assistant().run("ping -c 8 -q 192.168.77.1");
    let mean = ping.rsplit('=').next().and_then(|times| times.split('/').nth(1)).unwrap_or("");
    assert!(mean.trim().parse::<f64>().is_ok_and(|ms| ms > 8.0), "not delayed: {ping}");
    let start = started(bed.record(60));
    bed.answering();
    verdict(&bed.report(120), "PASS", 0);
    format!("{start}; ping {} ms; {}", mean.trim(), clocks(&mut bed))
}

fn starved() -> String {
    let mut bed = Bed::new(Topology::Common, false);
    let start = started(bed.record(40));
    bed.answering();
    let starved = Starved::begin(bed.assistant());
    let late = bed.assistant().run("bed late 10 100");
    let p90 = late.split(' ').nth(1).and_then(|word| word.parse::<u32>().ok()).unwrap();
    assert!(p90 > 40_000, "not starved: {late}");
    bed.primary().pass(12);
    drop(starved);
    let report = bed.report(120);
    let found = counted(&report);
    // Fragments that were committed late still cover: only what has no frames is
    // an interruption, and then the journal of the assistant shows the gap.
    format!("{start}; sleeps of 10 ms ended {p90} us late; counted {found:?}")
}
