//! What the examinee reads is what will count, whoever crashed meanwhile.

use diptych_protocol::identity::Label;
use diptych_protocol::policy::{ExpectedIn, Policy, Sound, Terms, Verdict};
use diptych_protocol::primary::Event;
use diptych_protocol::time::Span;
use diptych_tests::world::{ANSWERING, Said, Scenario, Told, What};

use crate::{assert_verdict, run, s};

/// What was read last and what the report says are the same, and this. That they are
/// the same, every scenario and storm checks. `[POLICY-34]`
fn assert_count(exam: Scenario, count: u32) {
    let outcome = run(exam).check();
    assert_verdict(&outcome, Verdict::Pass, count);
    let last = outcome.told.iter().rev().find_map(|(_, _, told)| match told {
        Told::Primary(Event::Tally(tally)) => Some((tally.confirmed, tally.pending)),
        Told::Primary(_) | Told::Assistant(_) => None,
    });
    assert_eq!(last, Some((count, 0)), "{}", outcome.story());
}

#[test]
fn an_assistant_that_lost_power_without_a_link_recorded_until_then() {
    // [POLICY-26]: its camera and the primary's are gone together, once.
    let at = ANSWERING + s(60);
    let exam = Scenario::exam(60, 1, 5)
        .with(at, What::Outage { who: 1, lasting: s(90) })
        .with(at + s(14), What::CameraOff { who: 0, lasting: s(20), said: Said::Nothing })
        .with(at + s(14), What::PowerLoss { who: 1, lasting: s(20) });
    assert_count(exam, 1);
}

#[test]
fn a_primary_that_crashed_knows_what_it_had_counted() {
    // [POLICY-27]
    let at = ANSWERING + s(40);
    let exam = Scenario::exam(37, 1, 5)
        .with(at, What::ScreenLeft { lasting: s(7) })
        .with(at + s(40), What::Kill { who: 0, lasting: s(20) });
    assert_count(exam, 2);
}

#[test]
fn who_leaves_the_screen_twice_is_back_once() {
    // [REPORT-5] [POLICY-34]: a call while another app is open, with and without a crash.
    let at = ANSWERING + s(40);
    let exam = Scenario::exam(38, 1, 5)
        .with(at, What::ScreenLeft { lasting: s(9) })
        .with(at + s(2), What::ScreenLeft { lasting: s(7) });
    assert_count(exam.clone(), 1);
    assert_count(exam.with(at + s(40), What::Kill { who: 0, lasting: s(20) }), 2);
}

#[test]
fn both_devices_crash_at_once() {
    // [POLICY-26]
    let at = ANSWERING + s(70);
    for (seed, assistant) in [
        (10, What::PowerLoss { who: 1, lasting: s(13) }),
        (11, What::Kill { who: 1, lasting: s(13) }),
    ] {
        let primary = What::Kill { who: 0, lasting: s(13) };
        let exam = Scenario::exam(seed, 1, 5).with(at, primary).with(at, assistant);
        assert_count(exam, 1);
    }
}

#[test]
fn both_devices_crash_at_once_while_nothing_passed_between_them() {
    // [POLICY-26] [POLICY-33]: what the assistant recorded without a link, by a clock that
    // is gone, comes to a primary that knows that clock from its journal alone.
    let at = ANSWERING + s(50);
    let exam = Scenario::exam(174, 1, 5)
        .with(at, What::Outage { who: 1, lasting: s(150) })
        .with(at + s(80), What::Kill { who: 0, lasting: s(15) })
        .with(at + s(80), What::PowerLoss { who: 1, lasting: s(15) });
    assert_count(exam, 1);
}

#[test]
fn a_primary_that_was_rebooted_goes_on_counting() {
    // [POLICY-33] Its clock began anew; the assistant's knows both.
    let at = ANSWERING + s(40);
    let exam = Scenario::exam(41, 1, 5)
        .with(at, What::ScreenLeft { lasting: s(7) })
        .with(at + s(60), What::PowerLoss { who: 0, lasting: s(20) })
        .with(at + s(110), What::PowerLoss { who: 0, lasting: s(20) });
    assert_count(exam, 3);
}

#[test]
fn a_rebooted_primary_and_its_assistant_were_away_together() {
    // [POLICY-33] Twice, with an assistant that was killed and one that was not.
    let at = ANSWERING + s(50);
    for second in [
        What::Kill { who: 1, lasting: s(15) },
        What::CameraOff { who: 1, lasting: s(15), said: Said::Nothing },
    ] {
        let exam = Scenario::exam(43, 1, 5)
            .with(at, What::PowerLoss { who: 0, lasting: s(15) })
            .with(at, second);
        assert_count(exam, 1);
    }
}

#[test]
fn until_somebody_knows_both_clocks_the_count_of_before_stands() {
    // [POLICY-33] The assistant cannot be reached for a minute.
    let at = ANSWERING + s(40);
    let exam = Scenario::exam(47, 1, 5)
        .with(at, What::ScreenLeft { lasting: s(7) })
        .with(at + s(30), What::Outage { who: 1, lasting: s(90) })
        .with(at + s(40), What::PowerLoss { who: 0, lasting: s(20) });
    let outcome = run(exam.clone()).check();
    let back = (at + s(60)).nanos();
    let mut waiting = outcome.told.iter().filter_map(|(now, _, told)| match told {
        Told::Primary(Event::Tally(tally)) if *now >= back => Some(*tally),
        Told::Primary(_) | Told::Assistant(_) => None,
    });
    let first = waiting.next().unwrap();
    assert_eq!((first.confirmed, first.pending), (1, 1), "{}", outcome.story());
    assert_count(exam, 2);
}

#[test]
fn both_devices_lose_their_power_at_once() {
    // [POLICY-33] No clock lived through that: only the wall clocks tell.
    let at = ANSWERING + s(70);
    let exam = Scenario::exam(53, 1, 5)
        .with(at, What::CameraOff { who: 1, lasting: s(9), said: Said::Nothing })
        .with(at + s(40), What::PowerLoss { who: 0, lasting: s(13) })
        .with(at + s(40), What::PowerLoss { who: 1, lasting: s(13) });
    assert_count(exam, 2);
}

#[test]
fn both_devices_lose_their_power_while_nothing_passes_between_them() {
    // [POLICY-33] [POLICY-34] What the assistant recorded without a link, by a clock that
    // is gone, comes before the primary can place anything of before its own reboot.
    let at = ANSWERING + s(50);
    for (seed, outage) in [(89, 100), (91, 130)] {
        let exam = Scenario::exam(seed, 1, 5)
            .with(at, What::Outage { who: 1, lasting: s(outage) })
            .with(at + s(80), What::PowerLoss { who: 0, lasting: s(15) })
            .with(at + s(80), What::PowerLoss { who: 1, lasting: s(15) });
        assert!(run(exam).check_law().over[0]);
    }
}

#[test]
fn an_assistant_that_was_killed_without_a_link_recorded_until_then() {
    // [POLICY-26] The number of its clock changed before its journal came.
    let at = ANSWERING + s(60);
    let exam = Scenario::exam(61, 1, 5)
        .with(at, What::Outage { who: 1, lasting: s(90) })
        .with(at + s(14), What::CameraOff { who: 0, lasting: s(20), said: Said::Nothing })
        .with(at + s(14), What::Kill { who: 1, lasting: s(20) });
    assert_count(exam, 1);
}

#[test]
fn an_assistant_that_is_cut_off_before_the_end_is_pending_until_its_journal_comes() {
    // [POLICY-34]
    for lasting in [s(28), s(60)] {
        let mut exam = Scenario::exam(67, 1, 3);
        let at = exam.end() - s(20);
        exam.until += s(60);
        let exam = exam.with(at, What::Outage { who: 1, lasting });
        let outcome = run(exam).check_law();
        assert!(outcome.over[0], "{}", outcome.story());
    }
}

#[test]
fn a_camera_that_goes_just_before_the_end_counts() {
    // [POLICY-34] Less than what a running exam waits for.
    for who in [0, 1] {
        let exam = Scenario::exam(71, 1, 3);
        let at = exam.end() - Span::from_millis(3_200);
        let off = What::CameraOff { who, lasting: s(20), said: Said::Nothing };
        assert_count(exam.with(at, off), 1);
    }
}

#[test]
fn a_device_that_was_replaced_keeps_what_it_recorded() {
    // [POLICY-34]
    let exam = Scenario::exam(73, 1, 5)
        .with_device()
        .with(s(100), What::CameraOff { who: 1, lasting: s(9), said: Said::Nothing })
        .with(s(140), What::Gone { who: 1 })
        .with(s(150), What::Open { seat: 1 })
        .with(s(151), What::Scan { who: 2, seat: 1 });
    let outcome = run(exam).check_law();
    assert_eq!(outcome.report.unwrap().judgement.count_max, 2);
}

/// A school's own policy: sound counts, and what is announced is forgiven at any time.
fn own() -> Policy {
    let terms = *Policy::preset("xyb-seed").unwrap().terms();
    let (sound, expected_in) = (Sound::Counted, ExpectedIn::Anywhere);
    let name = Label::new("own").unwrap();
    Policy::new(Terms { name, sound, expected_in, expected_max: s(30), ..terms }).unwrap()
}

/// An announced gap of 9 s.
fn announced(exam: Scenario, at: Span, who: usize) -> Scenario {
    exam.with(at, What::Announced { who, longest: s(20) })
        .with(at + s(1), What::CameraOff { who, lasting: s(9), said: Said::Nothing })
}

#[test]
fn sound_that_counts_and_gaps_that_are_forgiven_are_in_the_count_that_is_read() {
    // [POLICY-15] [POLICY-18] [POLICY-34]
    let at = ANSWERING + s(40);
    for who in [0, 1] {
        let exam = Scenario::exam(81, 1, 5).judged_by(own());
        let exam = exam.with(at, What::SoundOff { who, lasting: s(20) });
        assert_count(announced(exam.clone(), at + s(60), who), 1);
        // The same is told and not counted where the policy does not say so.
        let exam = exam.judged_by(Policy::preset("xyb-seed").unwrap());
        assert_count(announced(exam, at + s(60), who), 1);
    }
    // To the end.
    let exam = Scenario::exam(82, 1, 5).judged_by(own());
    let exam = exam.with(at + s(170), What::SoundOff { who: 1, lasting: s(900) });
    assert_count(exam, 1);
}

#[test]
fn sound_and_announced_gaps_of_before_a_crash_are_counted_after_it() {
    // [POLICY-15] [POLICY-18] [POLICY-33]
    let at = ANSWERING + s(30);
    let lasting = s(15);
    for crash in [
        What::Kill { who: 0, lasting },
        What::PowerLoss { who: 0, lasting },
        What::Kill { who: 1, lasting },
        What::PowerLoss { who: 1, lasting },
    ] {
        for who in [0, 1] {
            let exam = Scenario::exam(83, 1, 5)
                .judged_by(own())
                .with(at, What::SoundOff { who, lasting: s(12) })
                .with(at + s(80), crash.clone())
                .with(at + s(140), What::SoundOff { who, lasting: s(12) });
            assert_count(announced(exam, at + s(30), who), 3);
        }
    }
}

#[test]
fn an_app_that_starts_anew_has_its_sound_back() {
    // [REPORT-5] [POLICY-33]: without sound, then without both, then with both until
    // the picture goes once more.
    let at = ANSWERING + s(50);
    for (who, crash) in [
        (0, What::Kill { who: 0, lasting: s(12) }),
        (1, What::Kill { who: 1, lasting: s(12) }),
        (1, What::PowerLoss { who: 1, lasting: s(12) }),
    ] {
        let exam = Scenario::exam(85, 1, 5).judged_by(own());
        let exam = exam
            .with(at, What::SoundOff { who, lasting: s(200) })
            .with(at + s(20), crash)
            .with(at + s(100), What::CameraOff { who, lasting: s(9), said: Said::Nothing });
        assert_count(exam, 2);
    }
}

#[test]
fn a_device_that_was_replaced_keeps_what_it_told_of_its_sound() {
    // [POLICY-15] [POLICY-34]
    let exam = Scenario::exam(87, 1, 5)
        .judged_by(own())
        .with_device()
        .with(s(90), What::SoundOff { who: 1, lasting: s(9) })
        .with(s(140), What::Gone { who: 1 })
        .with(s(150), What::Open { seat: 1 })
        .with(s(151), What::Scan { who: 2, seat: 1 })
        .with(s(200), What::SoundOff { who: 2, lasting: s(9) });
    let outcome = run(exam).check_law();
    assert_eq!(outcome.report.unwrap().judgement.count_max, 3);
}

#[test]
fn nobody_counts_in_an_exam_that_was_not_ready() {
    // [POLICY-28] [POLICY-34]
    let mut exam = Scenario::exam(79, 1, 3);
    for step in exam.steps.iter_mut().filter(|step| step.what == What::Begin) {
        step.at = ANSWERING + s(10);
    }
    let exam = exam
        .with(ANSWERING + s(60), What::CameraOff { who: 1, lasting: s(9), said: Said::Nothing });
    let outcome = run(exam).check_law();
    assert_eq!(outcome.report.unwrap().judgement.count_max, 0);
}
