//! Both facades as an app uses them: real sockets, real files, the system's clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop where it is")]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests wait for one event among all others")]

mod alone;
mod confirm;
mod disk;
mod network;
mod own;
mod screen;

use std::path::{Path, PathBuf};
use std::time::Duration;

use diptych_driver::clock::{BootClock, Clock as _};
use diptych_primary::{Primary, Role};
use diptych_protocol::address::Loopback;
use diptych_protocol::device::{Device, Heat, Permissions, Requirements, Switch};
use diptych_protocol::identity::{ExamTag, Label};
use diptych_protocol::journal::{Replayed, replay};
use diptych_protocol::ledger::Observed;
use diptych_protocol::plan::{Mode, Plan, Windows};
use diptych_protocol::policy::{Policy, Verdict};
use diptych_protocol::primary::{self, CheckCode};
use diptych_protocol::recording::Fragment;
use diptych_protocol::report::evaluate;
use diptych_protocol::secondary::{self, Consent, Ending};
use diptych_protocol::session::HostFact;
use diptych_protocol::time::{self, Clock, Instant, Span};
use diptych_secondary::Secondary;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(40);
const FRAGMENT: Span = Span::from_millis(500);

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("diptych-facade-{}-{name}", std::process::id()));
    _ = std::fs::remove_dir_all(&path);
    path
}

fn supply<C: Clock>(path: &Path) -> diptych_driver::embed::Supply<C> {
    diptych_driver::embed::Supply {
        discovery: diptych_primary::Discovery::Off,
        sockets: diptych_primary::Sockets::Address(([127, 0, 0, 1], 0).into()),
        loopback: Loopback::Allowed,
        ..diptych_driver::embed::Supply::folder(path)
    }
}

/// A plan whose answering begins in `waiting` and lasts `answering`.
fn plan(waiting: Span, answering: Span) -> Plan {
    let now: Instant<time::Primary> = BootClock::new().now();
    let requirements = Requirements {
        battery_percent: 0,
        charger: Switch::Off,
        bytes_per_second: 0,
        heat: Heat::Critical,
        permissions: Permissions::CAMERA,
    };
    let windows = Windows {
        wait_open: now,
        wait_close: now + waiting,
        answer_start: now + waiting,
        answer_end: now + waiting + answering,
    };
    Plan::new(Mode::Mock, Label::new("Academy").unwrap(), 1, windows, requirements).unwrap()
}

fn start_primary(path: &Path, plan: Plan) -> Primary {
    Primary::start(diptych_primary::Options {
        supply: supply(path),
        plan,
        policy: Policy::preset("xyb-seed").unwrap(),
        proctors: Vec::new(),
        exam: ExamTag::of("a test"),
        label: Label::new("front").unwrap(),
        check_code: CheckCode::Skipped,
        advertise: Vec::new(),
    })
    .unwrap()
}

fn start_assistant(path: &Path) -> Secondary {
    let label = Label::new("behind").unwrap();
    Secondary::start(diptych_secondary::Options { supply: supply(path), label }).unwrap()
}

/// The first thing of which `pick` makes something; `log` keeps what passed.
fn await_told<E: std::fmt::Debug, T>(
    log: &mut Vec<String>,
    next: impl Fn(Duration) -> Option<diptych_driver::embed::Told<E>>,
    mut pick: impl FnMut(&E) -> Option<T>,
) -> T {
    loop {
        let Some(told) = next(PATIENCE) else { panic!("waited in vain after {log:#?}") };
        log.push(format!("{told:?}").chars().take(150).collect());
        match told {
            diptych_driver::embed::Told::Event(event) => {
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
            diptych_driver::embed::Told::Ended => panic!("ended after {log:#?}"),
            diptych_driver::embed::Told::Trouble(_) | diptych_driver::embed::Told::Missed(_) => {}
        }
    }
}

fn of_primary<T>(
    primary: &Primary,
    log: &mut Vec<String>,
    pick: impl FnMut(&primary::Event) -> Option<T>,
) -> T {
    await_told(log, |patience| primary.next_event(patience), pick)
}

fn of_assistant<T>(
    assistant: &Secondary,
    log: &mut Vec<String>,
    pick: impl FnMut(&secondary::Event) -> Option<T>,
) -> T {
    await_told(log, |patience| assistant.next_event(patience), pick)
}

fn started<C: Clock>(take: u32, file: &str) -> HostFact<C> {
    HostFact::RecordingStarted { take, timescale: 1_000_000, file: file.to_owned() }
}

/// Frames that end now, and begin after the `last` ones or half a second ago.
fn committed<C: Clock>(last: &mut Option<Instant<C>>, now: Instant<C>) -> HostFact<C> {
    let first = last.map_or(now - FRAGMENT, |last| last + Span::from_nanos(1));
    *last = Some(now);
    let fragment = Fragment { first, last: now, frames: 16, bytes: 1_000, sha256: [1; 32] };
    HostFact::Committed { fragment, offset: 0 }
}

/// Pairs and begins; both cameras are ordered to record afterwards.
fn pair(primary: &Primary, assistant: &Secondary, log: &mut Vec<String>) {
    let seat = Role::new(1).unwrap();
    let ready = HostFact::Device(Device { permissions: Permissions::ALL, ..Device::default() });
    primary.tell(ready).unwrap();
    let ready = HostFact::Device(Device { permissions: Permissions::ALL, ..Device::default() });
    assistant.tell(ready).unwrap();
    primary.open_pairing(seat).unwrap();
    let text = of_primary(primary, log, |event| match event {
        primary::Event::Ticket { text, .. } => Some(text.clone()),
        _ => None,
    });
    assistant.scanned(&text).unwrap();
    assistant.consent(Consent::Given).unwrap();
    of_assistant(assistant, log, |event| {
        matches!(event, secondary::Event::Paired { .. }).then_some(())
    });
    of_primary(primary, log, |event| matches!(event, primary::Event::Paired { .. }).then_some(()));
    primary.begin().unwrap();
    of_primary(primary, log, |event| {
        matches!(event, primary::Event::StartRecording { .. }).then_some(())
    });
    of_assistant(assistant, log, |event| {
        matches!(event, secondary::Event::StartRecording { .. }).then_some(())
    });
    primary.tell(started(1, "P.mp4")).unwrap();
    assistant.tell(started(1, "A1.mp4")).unwrap();
}

fn journals(path: &Path) -> Vec<Replayed> {
    let mut found: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|is| is == "journal"))
        .collect();
    found.sort();
    found.iter().map(|path| replay(&std::fs::read(path).unwrap()).unwrap()).collect()
}

#[test]
fn a_whole_session_through_the_facades() {
    let (here, there) = (folder("whole-p"), folder("whole-a"));
    let answering = Span::from_secs(3);
    let primary = start_primary(&here, plan(Span::from_secs(5), answering));
    let assistant = start_assistant(&there);
    let mut log = Vec::new();
    pair(&primary, &assistant, &mut log);

    // Both commit half a second of frames every half second, until the phase ends.
    let (mut front, mut behind) = (None, None);
    let mut ended = false;
    while !ended {
        ended = match primary.next_event(FRAGMENT.to_duration()) {
            Some(diptych_primary::Told::Event(event)) => {
                log.push(format!("{event:?}"));
                matches!(event, primary::Event::Phase(diptych_protocol::plan::Phase::Ended))
            }
            _ => false,
        };
        let covered = primary.snapshot().unwrap().covered;
        if covered.is_none_or(|covered| primary.now() - covered >= FRAGMENT) {
            primary.tell(committed(&mut front, primary.now())).unwrap();
            assistant.tell(committed(&mut behind, assistant.now())).unwrap();
        }
    }
    let snapshot = primary.snapshot().unwrap();
    let seat = &snapshot.seats[0];
    assert!(seat.estimate.is_some() && seat.frames > 0, "{snapshot:?}");

    primary.finish().unwrap();
    of_primary(&primary, &mut log, |event| {
        matches!(event, primary::Event::StopRecording).then_some(())
    });
    primary.tell(HostFact::RecordingStopped(Observed::NOTHING)).unwrap();
    of_assistant(&assistant, &mut log, |event| {
        matches!(event, secondary::Event::StopRecording).then_some(())
    });
    assistant.tell(HostFact::RecordingStopped(Observed::NOTHING)).unwrap();
    let incomplete = of_primary(&primary, &mut log, |event| match event {
        primary::Event::Finished { incomplete } => Some(incomplete.clone()),
        _ => None,
    });
    assert_eq!(incomplete, [], "{log:#?}");
    let ending = of_assistant(&assistant, &mut log, |event| match event {
        secondary::Event::Finished(ending) => Some(*ending),
        _ => None,
    });
    assert_eq!(ending, Ending::Finished);
    primary.stop().unwrap();
    assistant.stop().unwrap();

    // Either device alone can give the account, and it is the same one.
    let report = evaluate(&journals(&here), None).unwrap();
    assert_eq!(report.judgement.verdict, Verdict::Pass, "{log:#?}");
    assert_eq!(report.judgement.count_max, 0);
    assert_eq!(evaluate(&journals(&there), None).unwrap(), report);
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn both_come_back_from_their_folders_without_another_scan() {
    let (here, there) = (folder("again-p"), folder("again-a"));
    let times = plan(Span::from_secs(30), Span::from_secs(30));
    let mut log = Vec::new();
    let mut primary = start_primary(&here, times);
    let port = primary.port();
    let mut assistant = start_assistant(&there);
    pair(&primary, &assistant, &mut log);

    drop(assistant);
    assistant = start_assistant(&there);
    log.push("the assistant is back".to_owned());
    let recording = |event: &secondary::Event| {
        matches!(event, secondary::Event::StartRecording { .. }).then_some(())
    };
    of_assistant(&assistant, &mut log, recording);
    let live = |event: &secondary::Event| {
        let state = diptych_protocol::liveness::LinkState::Live;
        matches!(event, secondary::Event::Link(now) if *now == state).then_some(())
    };
    of_assistant(&assistant, &mut log, live);

    drop(primary);
    log.push("the primary goes".to_owned());
    let sockets = diptych_primary::Sockets::Address(([127, 0, 0, 1], port).into());
    primary = Primary::start(diptych_primary::Options {
        supply: diptych_primary::Supply { sockets, ..supply(&here) },
        plan: times,
        policy: Policy::preset("xyb-seed").unwrap(),
        proctors: Vec::new(),
        exam: ExamTag::of("a test"),
        label: Label::new("front").unwrap(),
        check_code: CheckCode::Skipped,
        advertise: Vec::new(),
    })
    .unwrap();
    of_assistant(&assistant, &mut log, live);
    of_primary(&primary, &mut log, |event| {
        matches!(event, primary::Event::StartRecording { .. }).then_some(())
    });
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn foreign_codes_and_calls_out_of_turn_are_refused_with_advice() {
    let (here, there) = (folder("turn-p"), folder("turn-a"));
    let primary = start_primary(&here, plan(Span::from_secs(30), Span::from_secs(30)));
    let assistant = start_assistant(&there);
    let failure = assistant.scanned("https://example.org/menu").unwrap_err();
    assert_eq!(failure.code(), "NOT_A_TICKET");
    assert!(failure.to_string().contains("expected a code"), "{failure}");
    assert_eq!(assistant.consent(Consent::Given).unwrap_err().code(), "NOTHING_SCANNED");
    assert_eq!(primary.begin().unwrap_err().code(), "SEATS_EMPTY");
    assert_eq!(primary.open_pairing(Role::new(2).unwrap()).unwrap_err().code(), "NO_SUCH_SEAT");
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}
