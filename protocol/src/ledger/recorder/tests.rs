//! Every transition of the recorder, one by one, in tenths of a second.

use super::*;
use crate::time::Primary;

type At = Instant<Primary>;

const WATCH: Watch = Watch {
    frame_gap: Span::from_secs(2),
    stable: Span::from_secs(5),
    max_duration: Some(Span::from_secs(120)),
};
const CALL: Observed = Observed { cause: Cause::Call, raw: 3 };

/// Seconds, in tenths.
fn at(tenths: i64) -> At {
    Instant::from_nanos(tenths * 100_000_000)
}

fn secs(tenths: i64) -> Span {
    at(tenths) - at(0)
}

fn frames(first: i64, last: i64) -> Event<Primary> {
    Event::Frames { first: at(first), last: at(last) }
}

fn lost(since: i64, cause: Observed) -> Change<Primary> {
    Change::Lost { since: Some(at(since)), cause }
}

fn closed(start: i64, end: i64, lost: i64) -> Change<Primary> {
    Change::Closed(Outage {
        start: Some(at(start)),
        end: at(end),
        lost: secs(lost),
        uncertainty: Span::from_millis(40)
            + Span::from_nanos((at(end) - at(start)).nanos() / 10_000),
        cause: Observed::NOTHING,
        announced: Announced::No,
    })
}

struct Bench {
    recorder: Recorder<Primary>,
}

impl Bench {
    fn new(role: u8) -> Self {
        Self { recorder: Recorder::new(Role::new(role).unwrap(), WATCH) }
    }

    /// RECORDING, with frames from 0 to 10 s.
    fn recording(role: u8) -> Self {
        let mut bench = Self::new(role);
        bench.recorder.handle(at(0), Event::Arm);
        for second in 0..10 {
            bench.at(second * 10 + 10, frames(second * 10, second * 10 + 10));
        }
        assert_eq!(bench.recorder.state(), State::Recording);
        bench
    }

    fn at(&mut self, now: i64, event: Event<Primary>) -> Vec<Change<Primary>> {
        self.recorder.handle(at(now), event)
    }

    /// Commits a second at a time.
    fn cover(&mut self, from: i64, to: i64) -> Vec<Change<Primary>> {
        let mut changes = Vec::new();
        for start in (from..to).step_by(10) {
            changes.extend(self.at(start + 10, frames(start, start + 10)));
        }
        changes
    }
}

#[test]
fn idle_is_armed_and_the_first_frame_starts() {
    // [LEDGER-6]
    let mut bench = Bench::new(1);
    assert_eq!(bench.recorder.state(), State::Idle);
    assert_eq!(bench.at(0, Event::Arm), [Change::Armed]);
    assert_eq!(bench.at(1, Event::Arm), [], "once");
    assert_eq!(bench.recorder.wake(), None, "nothing is expected before the first frame");
    assert_eq!(bench.at(30, frames(10, 20)), [Change::Started { first: at(10) }]);
    assert_eq!(bench.at(40, frames(20, 30)), []);
    assert_eq!(bench.recorder.last_frame(), Some(at(30)));
}

#[test]
fn a_silent_stop_is_found_within_three_seconds() {
    // [LEDGER-8] [LEDGER-10]
    let mut bench = Bench::recording(1);
    let wake = bench.recorder.wake().unwrap();
    assert_eq!(wake - at(100), Span::from_secs(3) + Span::from_nanos(1));
    assert_eq!(bench.at(130, Event::Wake), [], "exactly at the bound is not beyond it");
    let found = bench.recorder.handle(wake, Event::Wake);
    assert_eq!(
        found,
        [lost(100, Observed::NOTHING), Change::SilentStop { since: at(100) }],
        "the loss begins with the last committed frame"
    );
    assert_eq!(bench.recorder.state(), State::Lost);
}

#[test]
fn a_reported_cause_is_no_silent_stop_and_no_loss_by_itself() {
    // [LEDGER-4] [LEDGER-10]
    let mut bench = Bench::recording(1);
    assert_eq!(bench.at(101, Event::Camera(CALL)), []);
    assert_eq!(bench.recorder.state(), State::Recording);
    assert_eq!(bench.at(131, Event::Wake), [lost(100, CALL)]);
    let mut bench = Bench::recording(1);
    bench.at(101, Event::Camera(CALL));
    bench.cover(100, 120);
    assert_eq!(bench.at(151, Event::Wake)[0], lost(120, Observed::NOTHING), "frames came after");
}

#[test]
fn frames_after_a_gap_show_the_loss_in_hindsight() {
    // [LEDGER-7]
    let mut bench = Bench::recording(1);
    assert_eq!(bench.at(125, frames(120, 125)), [], "exactly the gap is still recording");
    let changes = bench.at(152, frames(146, 150));
    assert_eq!(changes, [lost(125, Observed::NOTHING), Change::Returning { at: at(146) }]);
}

#[test]
fn covered_for_long_enough_closes_the_interruption() {
    // [LEDGER-13]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    assert_eq!(bench.at(301, frames(300, 301)), [Change::Returning { at: at(300) }]);
    assert_eq!(bench.cover(301, 341), []);
    assert_eq!(bench.at(350, frames(341, 349)), [], "4.9 s");
    assert_eq!(bench.at(351, frames(349, 350)), [closed(100, 300, 200)]);
    assert_eq!(bench.recorder.state(), State::Recording);
}

#[test]
fn a_relapse_keeps_the_beginning_and_adds_up_what_was_lost() {
    // [LEDGER-13]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    bench.cover(300, 330);
    assert_eq!(bench.at(361, Event::Wake), [Change::Relapsed { since: Some(at(100)) }]);
    assert_eq!(bench.at(401, frames(400, 401)), [Change::Returning { at: at(400) }]);
    let changes = bench.cover(401, 451);
    assert_eq!(changes, [closed(100, 400, 200 + 70)]);
}

#[test]
fn a_gap_while_returning_is_a_relapse_and_a_return() {
    // [LEDGER-13]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    bench.cover(300, 310);
    assert_eq!(
        bench.at(335, frames(331, 335)),
        [Change::Relapsed { since: Some(at(100)) }, Change::Returning { at: at(331) }]
    );
    assert_eq!(bench.cover(335, 385), [closed(100, 331, 200 + 21)]);
}

#[test]
fn leaving_the_screen_is_a_loss_on_the_primary_only() {
    // [LEDGER-14]
    let mut assistant = Bench::recording(1);
    assert_eq!(assistant.at(101, Event::ScreenLeft), []);
    assert_eq!(assistant.recorder.state(), State::Recording);
    let mut primary = Bench::recording(0);
    assert_eq!(primary.at(104, Event::ScreenLeft), [lost(104, Observed::NOTHING)]);
    assert_eq!(primary.at(105, Event::ScreenLeft), [], "already away");
    assert_eq!(primary.cover(100, 150), [], "frames without the screen are no return");
    assert_eq!(primary.at(155, Event::ScreenBack), []);
    assert_eq!(primary.at(155, frames(150, 154)), [], "captured before the screen was back");
    assert_eq!(primary.at(160, frames(154, 160)), [Change::Returning { at: at(155) }]);
    assert_eq!(primary.cover(160, 210), [closed(104, 155, 51)]);
}

#[test]
fn leaving_again_while_returning_relapses_or_begins_anew() {
    // [LEDGER-13] [LEDGER-14]
    let away = |leave: i64| {
        let mut bench = Bench::recording(0);
        bench.at(104, Event::ScreenLeft);
        bench.cover(100, 150);
        bench.at(150, Event::ScreenBack);
        bench.cover(150, leave / 10 * 10);
        bench.at(leave, Event::ScreenLeft)
    };
    assert_eq!(away(199), [Change::Relapsed { since: Some(at(104)) }]);
    assert_eq!(
        away(200),
        [lost(200, Observed::NOTHING)],
        "frames had proven five seconds and closed the one before"
    );
    let mut bench = Bench::recording(0);
    bench.at(104, Event::ScreenLeft);
    bench.cover(100, 150);
    bench.at(150, Event::ScreenBack);
    bench.cover(150, 190);
    assert_eq!(
        bench.at(201, Event::ScreenLeft),
        [Change::Relapsed { since: Some(at(104)) }],
        "only frames can show that five seconds were covered"
    );
    assert_eq!(bench.at(202, frames(190, 199)), []);
    assert_eq!(
        bench.at(203, frames(199, 202)),
        [closed(104, 150, 46), lost(201, Observed::NOTHING)],
        "and these do"
    );
}

#[test]
fn a_camera_that_stopped_before_the_screen_was_left_moves_the_beginning() {
    // [LEDGER-7] [LEDGER-14]
    let mut bench = Bench::recording(0);
    assert_eq!(bench.at(115, Event::ScreenLeft), [lost(115, Observed::NOTHING)]);
    bench.at(140, Event::ScreenBack);
    assert_eq!(bench.at(161, frames(160, 161)), [Change::Returning { at: at(160) }]);
    assert_eq!(bench.cover(161, 211), [closed(100, 160, 60)]);
}

#[test]
fn a_slow_disk_is_no_loss() {
    // [LEDGER-11]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    assert_eq!(bench.at(140, frames(101, 139)), [Change::Withdrawn]);
    assert_eq!(bench.recorder.state(), State::Recording);
    // While returning, only the new silence is withdrawn.
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    bench.cover(300, 310);
    bench.at(341, Event::Wake);
    assert_eq!(bench.at(342, frames(311, 341)), [Change::Returning { at: at(300) }]);
    assert_eq!(bench.cover(341, 351), [closed(100, 300, 200)]);
    // On the primary, what remains is the time away from the screen.
    let mut bench = Bench::recording(0);
    bench.at(131, Event::Wake);
    bench.at(135, Event::ScreenLeft);
    bench.at(139, Event::ScreenBack);
    assert_eq!(bench.at(141, frames(101, 141)), [Change::Returning { at: at(139) }]);
    assert_eq!(bench.cover(141, 191), [closed(135, 139, 4)]);
}

#[test]
fn overdue_is_said_once_and_counted_down_to() {
    // [LEDGER-12]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    assert_eq!(bench.recorder.countdown(at(400)), Some(secs(900)));
    let wake = bench.recorder.wake().unwrap();
    assert_eq!(wake, at(1_300) + Span::from_nanos(1));
    assert_eq!(bench.at(1_300, Event::Wake), []);
    assert_eq!(
        bench.recorder.handle(wake, Event::Wake),
        [Change::Overdue { since: Some(at(100)) }]
    );
    assert_eq!(bench.at(2_000, Event::Wake), []);
    assert_eq!(bench.recorder.wake(), None);
    assert_eq!(bench.recorder.countdown(at(1_400)), Some(secs(-100)));
}

#[test]
fn stopping_cuts_an_open_loss() {
    // [LEDGER-17]
    let mut bench = Bench::recording(1);
    bench.at(131, Event::Wake);
    assert_eq!(bench.at(200, Event::Stop), [closed(100, 200, 100), Change::Ended]);
    assert_eq!(bench.at(300, frames(250, 300)), [], "nothing follows the end");
    assert_eq!(bench.at(300, Event::Stop), []);
    let mut clean = Bench::recording(1);
    assert_eq!(clean.at(110, Event::Stop), [Change::Ended]);
    let mut silent = Bench::recording(1);
    assert_eq!(
        silent.at(125, Event::Stop),
        [lost(100, Observed::NOTHING), closed(100, 125, 25), Change::Ended],
        "a silence longer than the gap at the very end"
    );
    let mut returning = Bench::recording(1);
    returning.at(131, Event::Wake);
    returning.cover(300, 310);
    assert_eq!(returning.at(312, Event::Stop), [closed(100, 300, 200), Change::Ended]);
}

#[test]
fn a_new_process_begins_lost() {
    // [LEDGER-9] [LEDGER-16]
    let crash = Observed { cause: Cause::Crash, raw: 11 };
    let role = Role::new(1).unwrap();
    let (mut recorder, change) =
        Recorder::<Primary>::recovered(role, WATCH, Origin::SameBoot(at(100)), crash);
    assert_eq!(change, lost(100, crash));
    recorder.handle(at(210), frames(200, 210));
    let changes = recorder.handle(at(260), frames(210, 250));
    let Change::Closed(outage) = changes[0] else { panic!("{changes:?}") };
    assert_eq!((outage.start, outage.end), (Some(at(100)), at(200)));
    assert_eq!(outage.uncertainty, Span::from_millis(2_000 + 40 + 1));

    let reboot = Observed { cause: Cause::Reboot, raw: 0 };
    let (mut recorder, change) =
        Recorder::<Primary>::recovered(role, WATCH, Origin::EarlierBoot, reboot);
    assert_eq!(change, Change::Lost { since: None, cause: reboot });
    assert_eq!(recorder.countdown(at(300)), Some(secs(900)), "at most this much is left");
    assert_eq!(recorder.handle(at(310), frames(300, 310)), [Change::Returning { at: at(300) }]);
    let changes = recorder.handle(at(360), frames(310, 350));
    assert!(matches!(changes[..], [Change::Closed(Outage { start: None, .. })]), "{changes:?}");
}

#[test]
fn an_announced_gap_is_marked_only_if_it_holds_the_whole() {
    // [LEDGER-15]
    for (length, expected) in [(100, Announced::Inside), (20, Announced::No)] {
        let mut bench = Bench::recording(1);
        bench.at(100, Event::Announce(secs(length)));
        bench.at(131, Event::Wake);
        let changes = bench.cover(150, 210);
        let Some(Change::Closed(outage)) = changes.last() else { panic!("{changes:?}") };
        assert_eq!(outage.announced, expected);
    }
}

#[test]
fn time_that_steps_back_and_repeated_frames_change_nothing() {
    // [LEDGER-7]
    let mut bench = Bench::recording(1);
    assert_eq!(bench.at(50, Event::Wake), []);
    assert_eq!(bench.at(100, frames(30, 60)), []);
    assert_eq!(bench.recorder.last_frame(), Some(at(100)));
}
