//! Devices lose their power, and their clocks with it.

use diptych_protocol::policy::Verdict;
use diptych_tests::world::{Scenario, What};

use crate::{assert_verdict, run, s};

#[test]
fn a_reboot_of_either_device_is_one_interruption() {
    for seed in 1..9 {
        for who in [0, 1] {
            let off = What::PowerLoss { who, lasting: s(20) };
            let outcome = run(Scenario::exam(seed, 1, 5).with(s(150), off)).check();
            assert_verdict(&outcome, Verdict::Pass, 1);
        }
    }
}

#[test]
fn a_device_that_comes_back_to_be_ended_is_placed_first() {
    // [SESSION-42]: its clock is of a new boot, and once its journal is closed nothing
    // can tell any more when it recorded.
    for seed in 1..40 {
        let off = What::PowerLoss { who: 1, lasting: s(6) };
        let outcome = run(Scenario::exam(seed, 1, 1).with(s(116), off)).check();
        assert_verdict(&outcome, Verdict::Pass, 1);
        let judgement = &outcome.report.as_ref().unwrap().judgement;
        // Two seconds that may not have been durable, and not half a minute of wall clock.
        let uncertain = judgement.interruptions[0].uncertainty;
        assert!(uncertain < s(3), "{uncertain}: {}", outcome.story());
    }
}

#[test]
fn both_at_once_are_one_episode() {
    for seed in 1..9 {
        let [p, a] = [0, 1].map(|who| What::PowerLoss { who, lasting: s(15) });
        let exam = Scenario::exam(seed, 1, 5).with(s(150), p).with(s(151), a);
        assert_verdict(&run(exam).check(), Verdict::Pass, 1);
    }
}

#[test]
fn an_assistant_tells_the_end_by_the_clock_that_the_plan_is_on() {
    // [SESSION-35] Its app starts anew beside a primary that boots, whose next plan is on
    // another clock; asleep it is alone, and knows no better than roughly what time it is.
    for seed in 1..9 {
        let (off, killed) =
            (What::PowerLoss { who: 0, lasting: s(15) }, What::Kill { who: 1, lasting: s(15) });
        let asleep = What::Sleep { who: 1, lasting: s(20), miscount: s(0) };
        let exam = Scenario::exam(seed, 1, 8).with(s(150), off).with(s(150), killed);
        assert_verdict(&run(exam.with(s(260), asleep)).check(), Verdict::Pass, 2);
    }
}

#[test]
fn a_bridge_that_is_gone_still_bears() {
    // [TIMELINE-6] The primary's second boot is tied to its first by an assistant
    // that loses its power too, long before the end.
    for seed in 1..9 {
        let off = |who| What::PowerLoss { who, lasting: s(15) };
        let asleep = What::Sleep { who: 1, lasting: s(20), miscount: s(0) };
        let exam = Scenario::exam(seed, 1, 8).with(s(150), asleep).with(s(152), off(0));
        assert_verdict(&run(exam.with(s(260), off(1))).check(), Verdict::Pass, 2);
    }
}

#[test]
fn what_overtakes_the_proof_is_not_taken_for_the_boot_before() {
    // [SESSION-29]
    for seed in 1..25 {
        let mut exam = Scenario::exam(seed, 1, 4);
        for path in &mut exam.paths {
            path.loss = 0.1;
        }
        let exam = exam.with(s(150), What::PowerLoss { who: 0, lasting: s(12) });
        assert_verdict(&run(exam).check(), Verdict::Pass, 1);
    }
}
