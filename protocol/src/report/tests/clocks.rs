//! Losses and frames whose clock stopped, stepped or began anew.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_killed_process_is_timed_to_what_it_may_have_filmed() {
    // [REPORT-3]
    for role in [0, 1] {
        let report = Scene::new(90).with(role, Fault::Killed, 20_000, 40_000).report();
        assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]), "role {role}");
        let account = only(&report, 20_033);
        assert_eq!(account.interruption.cause, Cause::Crash);
        let tail = account.interruption.uncertainty - Span::from_secs(2);
        assert!(tail > Span::ZERO && tail < Span::from_millis(50), "{tail}");
    }
}

#[test]
fn a_reboot_is_timed_by_the_other_device() {
    // [TIMELINE-1] [TIMELINE-2] [TIMELINE-3] [REPORT-3]
    for role in [0, 1] {
        let report = Scene::new(200).with(role, Fault::Reboot, 40_000, 100_000).report();
        assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]), "role {role}");
        let account = only(&report, 60_033);
        assert_eq!(account.interruption.cause, Cause::Reboot);
        assert!(account.interruption.uncertainty < Span::from_millis(2_100), "{account:?}");
    }
}

#[test]
fn a_sleep_that_the_clock_counted_wrongly_is_timed_by_the_other_device() {
    // [REPORT-3] [TIMELINE-7]
    let report = Scene::new(90).with(1, Fault::Asleep, 20_000, 40_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]));
    // The journal tells of the sleep, so it is known on which side of the step the
    // first pictures lie.
    let account = only(&report, 19_533);
    assert!(account.interruption.uncertainty < Span::from_millis(60), "{account:?}");
}

#[test]
fn a_sleep_that_was_counted_a_little_wrong_stays_within_the_bounds() {
    // [TIMELINE-2] [TIMELINE-8] [REPORT-3] [CLOCK-43]: one line fits to all messages.
    for role in [0, 1] {
        let scene = Scene::new(150).with(role, Fault::Dozing, 60_000, 80_000);
        let phones = scene.play();
        let journals = scene.journals();
        let timeline = Timeline::of(&journals).unwrap();
        let clocks: Vec<_> = timeline.clocks().collect();
        assert_eq!(timeline.stepped(clocks[1], Instant::from_nanos(0), Instant::MAX), None);
        let before = |index: usize, at: i64| {
            let off = if usize::from(role) == index && at < 80_000 { DRIFT_US * 1_000 } else { 0 };
            phones[index].clock.read(at * 1_000_000) - off
        };
        for at in (2_000..60_000).chain(80_000..145_000).step_by(250) {
            let placed = timeline.place(clocks[1], Instant::from_nanos(before(1, at))).unwrap();
            let truth = before(0, at);
            let (low, high) = (placed.low.nanos(), placed.high.nanos());
            assert!(low <= truth && truth <= high, "role {role}, {at}: {placed:?}");
            assert!((50_000..90_000).contains(&at) || high - low < 6_000_000, "{at}: {placed:?}");
        }
        let report = scene.report();
        let account = only(&report, 19_533);
        let truth =
            Span::from_millis(19_533) + Span::from_micros(if role == 0 { DRIFT_US } else { 0 });
        let off = (account.interruption.duration - truth).abs();
        assert!(off <= account.interruption.uncertainty, "{account:?}");
    }
}

#[test]
fn a_device_that_stood_still_with_its_clock_is_timed_by_the_other_device() {
    // [REPORT-2] [REPORT-3] [TIMELINE-7]
    let report = Scene::new(90).with(1, Fault::Stopped, 20_000, 40_000).report();
    assert_eq!(line(&report).1, 1, "{:?}", report.accounts);
    // Nothing tells where the clock stepped: the bound holds both.
    let account = only(&report, 20_033);
    assert!(account.interruption.uncertainty > Span::from_secs(19), "{account:?}");
}

#[test]
fn frames_around_a_step_do_not_cover_it() {
    // [REPORT-2] [REPORT-3] [TIMELINE-7]
    let report = Scene::new(90).with(1, Fault::Frozen, 20_000, 40_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]));
    // One fragment holds frames of both sides, and which is which is not known.
    let account = only(&report, 19_000);
    assert!(account.interruption.uncertainty < Span::from_millis(1_600), "{account:?}");
}

#[test]
fn when_all_reboot_the_wall_clocks_are_the_last_resort() {
    // [TIMELINE-4]
    let scene = Scene::new(200).with(0, Fault::Reboot, 40_000, 100_000).with(
        1,
        Fault::Reboot,
        40_000,
        100_000,
    );
    let report = scene.report();
    assert!(report.flags.contains(&Flag::WallOnly), "{:?}", report.flags);
    assert!(report.accounts.iter().all(|account| {
        let one = &account.interruption;
        one.uncertainty >= Span::from_secs(30)
            && (one.duration - Span::from_millis(60_033)).abs() <= one.uncertainty
    }));
}

#[test]
fn every_frame_is_placed_within_its_bound() {
    // [TIMELINE-2] [TIMELINE-5]
    let [p, a] = Scene::new(60).play();
    let journals = [replay(&p.file).unwrap(), replay(&a.file).unwrap()];
    let timeline = Timeline::of(&journals).unwrap();
    let tracks = Track::of(&journals[1]);
    let [track] = tracks.as_slice() else { panic!("one recording") };
    let mut seen = BTreeMap::new();
    for ms in (2_000..55_000).step_by(500) {
        let placed = track.place(&timeline, ms * 90).unwrap();
        let truth = p.clock.read((ms - 500) * 1_000_000);
        assert!(placed.low.nanos() <= truth && truth <= placed.high.nanos(), "{ms}: {placed:?}");
        seen.insert(placed.at, ms);
    }
    assert!(seen.values().is_sorted(), "later frames are placed later");
}
