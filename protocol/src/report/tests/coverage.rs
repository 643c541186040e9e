//! What counts as lost, and what only looks like it.

use super::*;

#[test]
fn an_undisturbed_session_passes() {
    // [REPORT-1] [REPORT-2] [REPORT-11]
    let report = Scene::new(60).report();
    assert_eq!(line(&report), (Verdict::Pass, 0, 0, vec![]));
    assert_eq!(report.longest(), None);
    let [alignment] = report.alignments.as_slice() else { panic!("one assistant") };
    // 1 ms there and 3 ms back: the offset is certain to ±2 ms, no better.
    assert!(alignment.clock_worst > Span::from_micros(1_500), "{alignment:?}");
    assert!(alignment.clock_worst < Span::from_micros(3_500), "{alignment:?}");
    assert!(alignment.worst >= alignment.clock_worst + Span::from_micros(100));
    assert!((20_000..140_000).contains(&alignment.skew_ppb.unwrap()), "{alignment:?}");
    assert_eq!(report.cameras.len(), 2);
    assert!(report.cameras.iter().all(|camera| camera.covered.len() == 1));
    assert!(report.journals.iter().all(|journal| journal.sealed && journal.finished));
}

#[test]
fn each_camera_once_counts_two() {
    // [REPORT-3] [REPORT-9]
    let scene = Scene::new(90).with(0, Fault::Camera, 20_000, 23_000).with(
        1,
        Fault::Camera,
        50_000,
        53_000,
    );
    let report = scene.report();
    assert_eq!(line(&report), (Verdict::Pass, 2, 2, vec![]));
    for (account, number) in report.accounts.iter().zip(0_u8..) {
        assert_eq!(account.interruption.role, Role::new(number).unwrap());
        assert_eq!((account.interruption.cause, account.raw), (Cause::CameraTaken, 3));
        let off = (account.interruption.duration - Span::from_millis(3_033)).abs();
        assert!(off <= account.interruption.uncertainty, "{account:?}");
        assert!(account.evidence.len() >= 2, "{account:?}");
    }
    // The assistant's loss, in session time, is where it truly was.
    let start = report.accounts[1].interruption.start.nanos() - 5_000_000_000;
    assert!((start - 49_467_000_000).abs() < 3_000_000, "{start}");
}

#[test]
fn leaving_the_screen_is_lost_on_the_primary_only() {
    // [REPORT-5]
    let report = Scene::new(90).with(0, Fault::Screen, 20_000, 60_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]));
    assert_eq!(only(&report, 40_000).interruption.cause, Cause::Call);
    let report = Scene::new(90).with(1, Fault::Screen, 20_000, 60_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 0, 0, vec![]));
}

#[test]
fn a_lost_link_alone_counts_nothing() {
    // [REPORT-10]
    let report = Scene::new(200).with(0, Fault::Link, 20_000, 170_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 0, 0, vec![Flag::LinkOnly]));
    assert_eq!(report.links.len(), 1);
    let report = Scene::new(200)
        .with(0, Fault::Link, 20_000, 170_000)
        .with(1, Fault::Camera, 60_000, 100_000)
        .report();
    assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![]));
}

#[test]
fn a_camera_that_falls_silent_without_a_word_is_flagged() {
    // [REPORT-8]
    let report = Scene::new(90).with(1, Fault::Silent, 20_000, 65_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 1, 1, vec![Flag::SilentStop]));
    let report = Scene::new(90).with(1, Fault::Sound, 20_000, 65_000).report();
    assert_eq!(line(&report), (Verdict::Pass, 0, 0, vec![Flag::AudioLoss]));
}

#[test]
fn a_process_that_died_in_the_last_silence_is_given_its_fragment_back() {
    // [REPORT-3]: it films no more after its new start, to the end.
    let scene = Scene::new(60).with(1, Fault::Killed, 20_000, 55_000);
    let report = scene.with(1, Fault::Camera, 54_000, i64::MAX).report();
    let account = only(&report, 40_500);
    assert!(account.interruption.uncertainty >= limits::FRAGMENT_TYPICAL, "{account:?}");
    let report = Scene::new(60).with(1, Fault::Camera, 20_000, i64::MAX).report();
    let account = only(&report, 40_500);
    assert!(account.interruption.uncertainty < limits::FRAGMENT_TYPICAL, "{account:?}");
}

#[test]
fn a_camera_that_starts_late_is_not_ready() {
    // [REPORT-12]
    let report = Scene::new(60).with(1, Fault::Camera, 0, 9_000).report();
    assert_eq!(report.judgement.verdict, Verdict::NotReady);
}

#[test]
fn devices_that_stop_one_after_the_other_lose_nothing() {
    // [REPORT-6] [REPORT-7]
    let mut phones = Scene::new(60).play();
    for phone in &mut phones {
        // Reopened before its end, to stop early and in order.
        let whole = replay(&phone.file).unwrap();
        let cut = whole.entries().iter().position(|entry| entry.at > phone.own(50_000)).unwrap();
        phone.file.truncate(whole.entries()[cut].offset as usize);
        phone.writer = Writer::resume(&replay(&phone.file).unwrap());
        phone.start(50_000);
        phone.write(50_000, &Fact::ExpectedGap { longest: Span::from_secs(4) });
        phone.write(50_010, &Fact::Take { take: 1, mark: 1 });
        phone.write(54_500, &Fact::Finish { reason: 0 });
        let now = Instant::<Primary>::from_nanos(phone.clock.read(54_600 * 1_000_000));
        phone.file.extend(phone.writer.seal(now, &mut phone.key).unwrap());
    }
    let journals = phones.each_ref().map(|phone| replay(&phone.file).unwrap());
    let report = evaluate(&journals, None).unwrap();
    assert_eq!(line(&report), (Verdict::Pass, 0, 0, vec![]));
    assert_eq!(report.window.end.nanos(), 59_500_000_000);
    let announced = expected(&journals, &Timeline::of(&journals).unwrap());
    assert_eq!(announced.len(), 2);
    assert!(announced.iter().all(|gap| gap.end - gap.start == Span::from_secs(4)));
}
