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
fn both_at_once_are_one_episode() {
    for seed in 1..9 {
        let [p, a] = [0, 1].map(|who| What::PowerLoss { who, lasting: s(15) });
        let exam = Scenario::exam(seed, 1, 5).with(s(150), p).with(s(151), a);
        assert_verdict(&run(exam).check(), Verdict::Pass, 1);
    }
}
