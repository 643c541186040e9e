//! Every scenario, with the report that it has to end in.
//!
//! Losses of the link, changes of address, strangers and a starved processor count
//! as nothing; a camera that was killed counts once, for as long as it was gone.

use std::time::Duration;

use crate::scenario::{
    CALM, Expectation, Fault, Hole, Impairment, Network, Scenario, Skew, Step, Who,
};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const P: Who = Who::Primary;
const A1: Who = Who::Assistant(1);

/// What a restart may add to the time that a device was gone: starting, finding
/// its session again and committing a first picture, on a crowded machine.
const COMING_BACK: u64 = 8;

const CLEAN: Expectation = Expectation {
    verdict: "PASS",
    holes: &[],
    count: 0,
    flags: &[],
    cause: None,
    clock_error: Duration::from_millis(2),
};

/// The seat is empty until the link is called DOWN, and a code was shown and scanned.
const REPLACED: Expectation = Expectation {
    holes: &[Hole { who: A1, least: s(9), most: s(20) }],
    count: 1,
    flags: &["DEVICE_REPLACED"],
    ..CLEAN
};

/// 5 ms on average, a heavy tail, one in a hundred lost.
const BUSY: Impairment = Impairment { delay_us: 3_500, tail_us: 1_500, loss_ppm: 10_000 };
const LAN: Network = Network::Lan(CALM);

/// Delay with a tail, loss, duplicates, another order, and a narrow line.
const NETEM: &str = "delay 8ms 3ms distribution paretonormal loss 3% duplicate 5% \
                     reorder 25% 50% rate 2mbit";

/// A session on a LAN in which nothing happens.
const PLAIN: Scenario = Scenario {
    name: "",
    assistants: 1,
    network: LAN,
    skew: Skew { ppb: 0 },
    answering: s(12),
    steps: &[],
    expect: CLEAN,
    full: false,
};

const fn at(seconds: u64, fault: Fault) -> Step {
    Step { after: s(seconds), fault }
}

const fn down(seconds: u64) -> Step {
    at(4, Fault::LinkDown { who: A1, lasts: s(seconds) })
}

const fn hole(who: Who, seconds: u64) -> Hole {
    Hole { who, least: s(seconds), most: s(seconds + COMING_BACK) }
}

/// Interruptions that begin together, if there are several.
const fn counted(holes: &'static [Hole]) -> Expectation {
    Expectation { holes, count: 1, ..CLEAN }
}

const fn alignment(name: &'static str, network: Network, ppb: i64, full: bool) -> Scenario {
    let answering = if full { s(600) } else { s(15) };
    Scenario { name, network, skew: Skew { ppb }, answering, full, ..PLAIN }
}

const fn link_down(name: &'static str, step: &'static [Step], answering: u64) -> Scenario {
    Scenario { name, steps: step, answering: s(answering), full: answering > 60, ..PLAIN }
}

const fn with(
    name: &'static str,
    steps: &'static [Step],
    answering: u64,
    expect: Expectation,
) -> Scenario {
    Scenario { name, steps, answering: s(answering), expect, ..PLAIN }
}

/// All of them, in the order of their numbers.
pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "1-pair-on-a-lan", ..PLAIN },
    Scenario {
        name: "1-pair-through-a-redirected-port",
        network: Network::Redirected(CALM),
        ..PLAIN
    },
    Scenario { name: "1-pair-by-multicast-alone", network: Network::Lost, ..PLAIN },
    alignment("2-alignment-quiet", LAN, 0, false),
    alignment("2-alignment-busy", Network::Redirected(BUSY), 0, false),
    alignment("2-alignment-busy-on-a-lan", Network::Lan(BUSY), 0, false),
    alignment("2-alignment-skewed", LAN, 80_000, false),
    with(
        "2-disturbed-by-its-own-kernel",
        &[at(3, Fault::Disturbed { who: A1, netem: NETEM, lasts: s(12) })],
        24,
        CLEAN,
    ),
    alignment("2-alignment-quiet-long", LAN, 0, true),
    alignment("2-alignment-busy-long", Network::Redirected(BUSY), 0, true),
    alignment("2-alignment-skewed-long", LAN, 80_000, true),
    link_down("3-link-down-1-s", &[down(1)], 14),
    link_down("3-link-down-5-s", &[down(5)], 18),
    link_down("3-link-down-30-s", &[down(30)], 44),
    link_down("3-link-down-150-s", &[down(150)], 170),
    with(
        "4-assistant-killed",
        &[at(4, Fault::Killed { who: A1, lasts: s(6) })],
        28,
        counted(&[hole(A1, 6)]),
    ),
    with(
        "4-primary-killed",
        &[at(4, Fault::Killed { who: P, lasts: s(6) })],
        28,
        counted(&[hole(P, 6)]),
    ),
    with(
        "4-both-killed",
        &[at(4, Fault::AllKilled { lasts: s(6) })],
        30,
        counted(&[hole(P, 6), hole(A1, 6)]),
    ),
    with(
        "5-assistant-suspended-20-s",
        &[at(4, Fault::Suspended { who: A1, lasts: s(20) })],
        44,
        counted(&[hole(A1, 20)]),
    ),
    with(
        "5-assistant-suspended-90-s",
        &[at(4, Fault::Suspended { who: A1, lasts: s(90) })],
        110,
        counted(&[hole(A1, 90)]),
    ),
    with(
        "5-assistant-paused",
        &[at(4, Fault::Paused { who: A1, lasts: s(10) })],
        30,
        counted(&[Hole { who: A1, least: s(9), most: s(10 + COMING_BACK) }]),
    ),
    with(
        "5-assistant-idle",
        &[at(4, Fault::Idle { who: A1, lasts: s(10) })],
        30,
        counted(&[hole(A1, 10)]),
    ),
    with(
        "6-wall-clock-set-back",
        &[at(4, Fault::WallStepped { who: P, seconds: -3_600 })],
        14,
        Expectation { flags: &["WALL_STEP"], ..CLEAN },
    ),
    with("7-address-of-assistant", &[at(4, Fault::AddressChanged { who: A1 })], 20, CLEAN),
    with("7-address-of-primary", &[at(4, Fault::AddressChanged { who: P })], 26, CLEAN),
    with(
        "7-address-of-both",
        &[at(4, Fault::AddressChanged { who: A1 }), at(4, Fault::AddressChanged { who: P })],
        26,
        CLEAN,
    ),
    Scenario { name: "8-two-assistants", assistants: 2, ..PLAIN },
    with("9-second-phone-scans", &[at(1, Fault::SecondScan)], 12, CLEAN),
    with("9-stranger", &[at(1, Fault::Stranger)], 30, CLEAN),
    with("9-replaced-assistant-returns", &[at(4, Fault::Replaced { who: A1 })], 40, REPLACED),
    with(
        "10-starved-processor",
        &[at(3, Fault::Starved { who: A1, percent: 20, lasts: s(8) })],
        18,
        CLEAN,
    ),
    with(
        "11-storage-of-primary-full",
        &[at(4, Fault::StorageFull { who: P, lasts: s(8) })],
        34,
        Expectation { cause: Some("STORAGE_FULL"), ..counted(&[hole(P, 6)]) },
    ),
    with(
        "11-storage-of-assistant-full",
        &[at(4, Fault::StorageFull { who: A1, lasts: s(8) })],
        34,
        Expectation { cause: Some("STORAGE_FULL"), ..counted(&[hole(A1, 6)]) },
    ),
];
